//! What differs between two locks, and why.

use std::collections::BTreeMap;

use super::model::{Lock, LockedCertificate, LockedKey};

/// One key and its certificate, told apart by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// New.
    Added(String),
    /// Still there, but other bytes.
    Changed(String, Vec<Difference>),
    /// Gone.
    Removed(String),
}

/// A reason why bytes changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What: `generation`, `alternative names`, `end of validity`, ...
    pub field: &'static str,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
}

/// What differs, by id. A lock compares with itself to nothing.
#[must_use]
pub fn changes(old: &Lock, new: &Lock) -> Vec<Change> {
    let (old, new) = (items(old), items(new));
    let mut ids: Vec<_> = old.keys().chain(new.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let change = |id: &str| match (old.get(id), new.get(id)) {
        (None, Some(_)) => Some(Change::Added(id.to_owned())),
        (Some(_), None) => Some(Change::Removed(id.to_owned())),
        (Some(old), Some(new)) if old != new => Some(Change::Changed(id.to_owned(), differences(old, new))),
        _ => None,
    };
    ids.into_iter().filter_map(change).collect()
}

#[derive(Default, PartialEq)]
struct Item<'a> {
    key: Option<&'a LockedKey>,
    certificate: Option<&'a LockedCertificate>,
}

fn items(lock: &Lock) -> BTreeMap<&str, Item<'_>> {
    let mut items: BTreeMap<&str, Item<'_>> = BTreeMap::new();
    for key in &lock.keys {
        items.entry(&key.id).or_default().key = Some(key);
    }
    for certificate in &lock.certificates {
        items.entry(&certificate.id).or_default().certificate = Some(certificate);
    }
    items
}

fn differences(old: &Item<'_>, new: &Item<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |field, old: String, new: String| {
        if old != new {
            found.push(Difference { field, old, new });
        }
    };
    if let (Some(old), Some(new)) = (old.key, new.key) {
        compare("generation", old.generation.to_string(), new.generation.to_string());
        compare("algorithm", old.algorithm.clone(), new.algorithm.clone());
    }
    if let (Some(old), Some(new)) = (old.certificate, new.certificate) {
        compare("subject", old.subject.clone(), new.subject.clone());
        compare("issuer", old.issuer.clone(), new.issuer.clone());
        compare("alternative names", old.alt_names.join(", "), new.alt_names.join(", "));
        compare("usages", old.usages.join(", "), new.usages.join(", "));
        compare("issued at", old.issued_at.clone(), new.issued_at.clone());
        compare("start of validity", old.not_before.clone(), new.not_before.clone());
        compare("end of validity", old.not_after.clone(), new.not_after.clone());
    }
    if found.is_empty() {
        // The shape is the same, so the key behind it or the issuer's key is another.
        let key = |item: &Item<'_>| item.key.map_or_else(String::new, |key| key.spki_sha256.clone());
        let certificate =
            |item: &Item<'_>| item.certificate.map_or_else(String::new, |item| item.certificate_sha256.clone());
        if key(old) == key(new) {
            found.push(Difference { field: "signature", old: certificate(old), new: certificate(new) });
        } else {
            found.push(Difference { field: "key", old: key(old), new: key(new) });
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::model::tests::example;
    use super::{Change, Difference, changes};

    #[test]
    fn equal_locks_do_not_differ() {
        assert_eq!(changes(&example(), &example()), []);
    }

    #[test]
    fn each_kind_of_change_has_its_reason() {
        let mut new = example();
        new.keys[1].generation = 2;
        new.certificates[1].alt_names.push("IP:10.0.0.1".into());
        new.keys[0].id = "ca/other".into();
        new.certificates[0].id = "ca/other".into();
        let difference = |field, old: &str, new: &str| Difference { field, old: old.into(), new: new.into() };
        assert_eq!(
            changes(&example(), &new),
            [
                Change::Removed("ca/kubernetes".into()),
                Change::Added("ca/other".into()),
                Change::Changed(
                    "node/cp-1/apiserver".into(),
                    vec![
                        difference("generation", "1", "2"),
                        difference("alternative names", "DNS:x", "DNS:x, IP:10.0.0.1"),
                    ]
                ),
            ]
        );
    }

    #[test]
    fn another_issuer_key_shows_as_another_signature() {
        let mut new = example();
        new.certificates[1].certificate_sha256 = "99".repeat(32);
        assert!(
            matches!(&changes(&example(), &new)[..], [Change::Changed(_, reasons)] if reasons[0].field == "signature")
        );
    }
}
