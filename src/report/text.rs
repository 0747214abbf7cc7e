//! Writes the inventory for people: kubeadm's tables, and what kubeadm leaves out.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::macros::format_description;

use super::period::short;
use super::table::{self, Row};
use super::{Entry, EntryGroup, EntryKind, Inventory, Missing};
use crate::x509::{escape_for_terminal, instant};

/// The columns of kubeadm v1.20.2, cmd/certs.go. The tables of a bundle end with the node.
const CERTIFICATES: [&str; 6] =
    ["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY", "EXTERNALLY MANAGED", "NODE"];
const AUTHORITIES: [&str; 5] = ["CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME", "EXTERNALLY MANAGED", "NODE"];

/// Returns the tables of all groups, with residual times counted from `at`. With `details`, each row is followed by the
/// fields of its certificate.
#[must_use]
pub fn render(inventory: &Inventory, at: OffsetDateTime, details: bool) -> String {
    let groups: Vec<_> =
        inventory.groups.iter().filter(|group| !group.entries.is_empty() || !group.missing.is_empty()).collect();
    let texts = groups.iter().map(|group| {
        let tables = Tables { group, at, details }.render();
        if groups.len() == 1 { tables } else { format!("{}\n\n{tables}", escape_for_terminal(&group.title)) }
    });
    texts.collect::<Vec<_>>().join("\n")
}

struct Tables<'a> {
    group: &'a EntryGroup,
    at: OffsetDateTime,
    details: bool,
}

impl Tables<'_> {
    fn render(&self) -> String {
        let (kubeadm, authorities, others) = (self.kubeadm(), self.authorities(), self.others());
        // When kubeadm would list no certificate, its tables come last.
        let order = if kubeadm.is_empty() { [others, authorities, kubeadm] } else { [kubeadm, authorities, others] };
        order.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
    }

    fn has_nodes(&self) -> bool {
        self.group.entries.iter().any(|entry| entry.node.is_some())
            || self.group.missing.iter().any(|row| row.node.is_some())
    }

    fn head<'h>(&self, columns: &'h [&'h str]) -> &'h [&'h str] {
        let count = if self.has_nodes() { columns.len() } else { columns.len() - 1 };
        columns.get(..count).unwrap_or_default()
    }

    /// Returns the table of the certificates that kubeadm lists, including missing ones, in the order of node and name.
    fn kubeadm(&self) -> String {
        let mut rows: Vec<(Option<&str>, &str, Row)> = Vec::new();
        for entry in self.group.entries.iter().filter(|entry| entry.kind == EntryKind::Kubeadm) {
            rows.push((entry.node.as_deref(), &entry.name, self.leaf(entry)));
        }
        for missing in self.group.missing.iter().filter(|missing| !missing.is_authority) {
            rows.push((missing.node.as_deref(), missing.name, absent(missing, 5)));
        }
        rows.sort_by(|left, right| (left.0, left.1).cmp(&(right.0, right.1)));
        self.table(&CERTIFICATES, rows.into_iter().map(|(_, _, row)| row).collect())
    }

    /// Returns the table of the certificates that kubeadm leaves out.
    fn others(&self) -> String {
        let others =
            self.group.entries.iter().filter(|entry| !matches!(entry.kind, EntryKind::Kubeadm | EntryKind::Authority));
        self.table(&CERTIFICATES, others.map(|entry| self.leaf(entry)).collect())
    }

    fn leaf(&self, entry: &Entry) -> Row {
        self.row(entry, [self.cells(entry), vec![authority(entry), yes_no(entry.externally_managed)]].concat())
    }

    /// Returns the table of the CAs, with each CA once even if every node of a bundle has it.
    fn authorities(&self) -> String {
        let mut distinct: Vec<(&Entry, Vec<&str>, Option<bool>)> = Vec::new();
        let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for entry in self.group.entries.iter().filter(|entry| entry.kind == EntryKind::Authority) {
            let key = (&*entry.name, &*entry.sha256);
            let again = known.get(&key).and_then(|index| distinct.get_mut(*index));
            match again.filter(|_| entry.node.is_some()) {
                Some((_, nodes, managed)) => {
                    nodes.extend(entry.node.as_deref());
                    // One node with the key can renew.
                    *managed = (*managed).min(entry.externally_managed);
                }
                None => {
                    known.insert(key, distinct.len());
                    distinct.push((entry, entry.node.as_deref().into_iter().collect(), entry.externally_managed));
                }
            }
        }
        let mut rows: Vec<(&str, Row)> = Vec::new();
        for (entry, nodes, managed) in distinct {
            let mut row = self.row(entry, [self.cells(entry), vec![yes_no(managed)]].concat());
            if let ([_, _, ..], Some(node)) = (nodes.as_slice(), row.cells.get_mut(4)) {
                *node = format!("{} nodes", nodes.len());
            }
            rows.push((&entry.name, row));
        }
        let missing = self.group.missing.iter().filter(|missing| missing.is_authority);
        rows.extend(missing.map(|missing| (missing.name, absent(missing, 4))));
        rows.sort_by_key(|(name, _)| *name);
        self.table(&AUTHORITIES, rows.into_iter().map(|(_, row)| row).collect())
    }

    fn cells(&self, entry: &Entry) -> Vec<String> {
        let mark = if entry.is_break_glass { " (break-glass)" } else { "" };
        vec![format!("{}{mark}", entry.name), expires(entry.not_after), short(entry.not_after - self.at)]
    }

    fn row(&self, entry: &Entry, mut cells: Vec<String>) -> Row {
        if self.has_nodes() {
            cells.push(entry.node.clone().unwrap_or_else(|| "-".to_owned()));
        }
        Row { cells, details: if self.details { details(entry) } else { Vec::new() } }
    }

    fn table(&self, head: &[&str], rows: Vec<Row>) -> String {
        if rows.is_empty() { String::new() } else { table::render(self.head(head), rows) }
    }
}

fn absent(missing: &Missing, columns: usize) -> Row {
    let mut cells = vec![String::new(); columns];
    if let Some(name) = cells.first_mut() {
        *name = format!("!MISSING! {}", missing.name);
    }
    cells.extend(missing.node.clone());
    Row { cells, details: Vec::new() }
}

/// Returns a time as `Nov 22, 2225 00:00 UTC`.
fn expires(time: OffsetDateTime) -> String {
    let format = format_description!("[month repr:short] [day], [year] [hour]:[minute] UTC");
    time.format(format).unwrap_or_default()
}

/// Returns the name of the CA that signed the certificate, or else, in brackets, that of the issuer which the
/// certificate names.
fn authority(entry: &Entry) -> String {
    entry.authority.as_deref().map_or_else(
        || {
            let name = &entry.issuer_common_name;
            format!("({})", if name.is_empty() { &entry.issuer } else { name })
        },
        str::to_owned,
    )
}

fn yes_no(externally_managed: Option<bool>) -> String {
    match externally_managed {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    }
    .to_owned()
}

fn details(entry: &Entry) -> Vec<String> {
    let file = match &entry.embedded {
        Some(embedded) => format!("{} ({} {})", entry.path, embedded.kind.name(), embedded.name),
        None => entry.path.clone(),
    };
    let lines = [
        ("file", file),
        ("subject", entry.subject.to_string()),
        ("issuer", entry.issuer.to_string()),
        ("valid", format!("{} to {}", instant(entry.not_before), instant(entry.not_after))),
        ("alt names", entry.alt_names.join(", ")),
        ("usages", entry.usages.join(", ")),
        ("key", entry.key.to_string()),
        ("serial", entry.serial.to_string()),
        ("sha256", entry.sha256.to_string()),
    ];
    lines.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name:<11}{value}")).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::expires;

    #[test]
    fn the_date_is_written_as_kubeadm_does() {
        assert_eq!(expires(datetime!(2225-01-02 3:04:59 UTC)), "Jan 02, 2225 03:04 UTC");
    }
}
