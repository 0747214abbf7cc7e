//! Writes the inventory for node_exporter's textfile collector, in Prometheus' text format 0.0.4.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use time::OffsetDateTime;

use super::{Entry, Inventory};
use crate::x509::is_unseen;

/// The name, the help text and the value of a metric.
type Metric = (&'static str, &'static str, fn(&Entry, OffsetDateTime) -> i64);

/// The metrics, named as by x509-certificate-exporter, for which many people have dashboards and alerts.
const METRICS: [Metric; 3] = [
    ("x509_cert_not_before", "First second of the certificate's validity, in Unix time.", |entry, _| {
        entry.not_before.unix_timestamp()
    }),
    ("x509_cert_not_after", "Last second of the certificate's validity, in Unix time.", |entry, _| {
        entry.not_after.unix_timestamp()
    }),
    ("x509_cert_expired", "Whether the certificate had ended when it was looked at: 1 or 0.", |entry, at| {
        i64::from(at > entry.not_after)
    }),
];

/// Writes one family for each metric, with one sample for each certificate and the same labels in all families; and one
/// of what is missing.
///
/// # Errors
/// Fails when the output does.
pub fn write(inventory: &Inventory, at: OffsetDateTime, output: &mut impl Write) -> io::Result<()> {
    // The collector drops a whole file in which two samples have the same labels.
    let mut seen = BTreeSet::new();
    let samples: Vec<&Entry> = inventory.entries().filter(|entry| seen.insert(labels(entry))).collect();
    drop(seen);
    for (name, help, value) in METRICS {
        write!(output, "# HELP {name} {help}\n# TYPE {name} gauge\n")?;
        for entry in &samples {
            writeln!(output, "{name}{{{}}} {}", labels(entry), value(entry, at))?;
        }
    }
    output.write_all(missing(inventory).as_bytes())
}

/// Returns the family of what is missing. Without a sample the collector would not know it, so it has one for each
/// node: a number.
fn missing(inventory: &Inventory) -> String {
    let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in inventory.entries() {
        nodes.entry(entry.node.as_deref().unwrap_or_default()).or_default();
    }
    for missing in inventory.needed() {
        *nodes.entry(missing.node.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let (name, help) = ("certferry_missing_certificates", "Certificates that the node must have and has not.");
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (node, count) in nodes {
        text += &format!("{name}{{node=\"{}\"}} {count}\n", escape(node));
    }
    text
}

fn labels(entry: &Entry) -> String {
    let (embedded_kind, embedded_key) =
        entry.embedded.as_ref().map_or(("", ""), |embedded| (embedded.kind.name(), embedded.name.as_str()));
    let labels = [
        ("embedded_key", embedded_key),
        ("embedded_kind", embedded_kind),
        ("filename", entry.path.rsplit('/').next().unwrap_or_default()),
        ("filepath", &entry.path),
        ("issuer_CN", &entry.issuer_common_name),
        ("name", &entry.name),
        ("node", entry.node.as_deref().unwrap_or_default()),
        ("position", &entry.position.to_string()),
        ("serial_number", &entry.serial_in_decimal),
        ("subject_CN", &entry.subject_common_name),
    ];
    labels.map(|(name, value)| format!("{name}=\"{}\"", escape(value))).join(",")
}

/// Escapes the value of a label, and in it what a terminal would obey or not show: `\\u{1b}` is the text `\u{1b}` to who
/// reads it. Source: Prometheus, exposition_formats.md, "Text-based format".
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\\' | '"' => escaped.extend(['\\', letter]),
            '\n' => escaped += "\\n",
            _ if is_unseen(letter) => {
                escaped.push('\\');
                escaped.extend(letter.escape_unicode());
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
