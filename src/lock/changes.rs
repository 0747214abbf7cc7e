//! The differences between what was built and what is planned, and their reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::model::Lock;
use super::shape::{CertificateShape, KeyShape, Shape, Shapes};
use crate::bundle::Sha256;
use crate::kubernetes::{KeyId, PartName};

/// The names of the differences that also mean another key.
const GENERATION: &str = "generation";
const ALGORITHM: &str = "algorithm";
const ADOPTED_KEY: &str = "adopted key";
/// The name of the difference between two versions of Kubernetes.
pub(crate) const KUBERNETES_VERSION: &str = "Kubernetes";

/// The name of the difference between two ends of validity.
const END: &str = "end of validity";

/// What changes. The text is the key's id, or part and path: `node/cp-1/etc/kubernetes/kubelet.conf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeId {
    /// A key and its certificate.
    Key(KeyId),
    /// A file of a part.
    File(PartName, String),
}

impl fmt::Display for ChangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => id.fmt(formatter),
            Self::File(part, path) => write!(formatter, "{part}/{path}"),
        }
    }
}

/// A change of one key with its certificate, or of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What changes.
    pub id: ChangeId,
    /// Whether it is new, changed or gone.
    pub kind: ChangeKind,
    /// The reasons, as far as they are known. What came or went without a reason did so with its table in the profile.
    ///
    /// Changes share them: a new generation changes hundreds of thousands of keys for the same reason.
    pub reasons: Arc<[ChangeReason]>,
}

impl Change {
    /// Returns the key that changes, or whose certificate changes. Returns `None` when only a file changes.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyId> {
        match &self.id {
            ChangeId::Key(id) => Some(id),
            ChangeId::File(..) => None,
        }
    }

    /// Returns whether the change concerns files that several nodes have, or the key that proves the bundle to all of
    /// them.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.key().is_some_and(|id| id.part().is_none())
    }

    /// Returns whether the certificate ends earlier than before.
    #[must_use]
    pub fn ends_earlier(&self) -> bool {
        // Both are RFC 3339 in UTC with four digits of the year, so that their texts are ordered like the times.
        let is_earlier = |reason: &ChangeReason| match reason {
            ChangeReason::Value { field, old, new } => *field == END && new < old,
            _ => false,
        };
        self.reasons.iter().any(is_earlier)
    }

    /// Returns whether the key itself changes, and not only its certificate.
    #[must_use]
    pub fn is_of_key(&self) -> bool {
        let decides_key = |reason: &ChangeReason| match reason {
            ChangeReason::Value { field, .. } => matches!(*field, GENERATION | ALGORITHM | ADOPTED_KEY),
            ChangeReason::Key => true,
            ChangeReason::List { .. } | ChangeReason::IssuerKey { .. } | ChangeReason::Content => false,
        };
        self.kind != ChangeKind::Changed || self.reasons.iter().any(decides_key)
    }
}

/// How a key and its certificate, or a file, change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It has other bytes.
    Changed,
    /// It is gone.
    Removed,
}

/// A reason for other bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeReason {
    /// A value changed.
    Value {
        /// The name of the value: `generation`, `subject`, `end of validity`, ...
        field: &'static str,
        /// The value before.
        old: String,
        /// The value after.
        new: String,
    },
    /// Names or usages came or went.
    List {
        /// The name of the list: `alternative names`, `usages`.
        field: &'static str,
        /// The elements that came.
        added: Vec<String>,
        /// The elements that went.
        removed: Vec<String>,
    },
    /// The issuer has another key.
    IssuerKey {
        /// The issuer's id.
        issuer: KeyId,
    },
    /// The key changed although no value that shows did, so the seed is another.
    Key,
    /// The certificate changed although no value that shows did.
    Content,
}

/// Writes `generation 1 -> 2`, `alternative names +DNS:a -IP:10.0.0.1`, `the key of ca/etcd is another`.
impl fmt::Display for ChangeReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { field, old, new } => write!(formatter, "{field} {old} -> {new}"),
            Self::List { field, added, removed } if added.is_empty() && removed.is_empty() => {
                write!(formatter, "{field} in another order")
            }
            Self::List { field, added, removed } => {
                formatter.write_str(field)?;
                added.iter().try_for_each(|item| write!(formatter, " +{item}"))?;
                removed.iter().try_for_each(|item| write!(formatter, " -{item}"))
            }
            Self::Key => formatter.write_str("another key"),
            Self::Content => formatter.write_str("another certificate"),
            Self::IssuerKey { issuer } => write!(formatter, "the key of {issuer} is another"),
        }
    }
}

/// The reasons of changes so far, of each list one copy.
#[derive(Default)]
struct SharedReasons(BTreeSet<Arc<[ChangeReason]>>);

impl SharedReasons {
    fn share(&mut self, reasons: Vec<ChangeReason>) -> Arc<[ChangeReason]> {
        if let Some(known) = self.0.get(reasons.as_slice()) {
            return Arc::clone(known);
        }
        let reasons: Arc<[_]> = reasons.into();
        self.0.insert(Arc::clone(&reasons));
        reasons
    }
}

/// Returns the differences between two builds, ordered by id: those of their shapes, and those that only hashes show.
#[must_use]
pub fn build_changes(old: &Lock, new: &Lock) -> Vec<Change> {
    let mut found = changes(&Shapes::of_lock(old), &Shapes::of_lock(new));
    let keys = pairs(&old.keys, &new.keys, |key| &key.id).filter(|(old, new)| old.spki_sha256 != new.spki_sha256);
    let mut hidden: BTreeMap<_, _> = keys.map(|(key, _)| (&key.id, ChangeReason::Key)).collect();
    for (old, new) in pairs(&old.certificates, &new.certificates, |certificate| &certificate.id) {
        if (old.certificate_sha256, old.serial) != (new.certificate_sha256, new.serial) {
            hidden.entry(&old.id).or_insert(ChangeReason::Content);
        }
    }
    hidden.retain(|id, _| change_of(&found, id).is_none());
    let mut known = SharedReasons::default();
    found.extend(hidden.into_iter().map(|(id, difference)| changed(id, known.share(vec![difference]))));
    found.sort_by(|left, right| left.key().cmp(&right.key()));
    found
}

/// Returns the change of a key or its certificate, among changes that are ordered by id.
pub(super) fn change_of<'a>(changes: &'a [Change], id: &KeyId) -> Option<&'a Change> {
    let place = changes.binary_search_by(|change| change.key().cmp(&Some(id))).ok()?;
    changes.get(place)
}

/// Returns the rows whose ids are in both, in the order of `old`.
fn pairs<'a, T>(old: &'a [T], new: &'a [T], id: fn(&T) -> &KeyId) -> impl Iterator<Item = (&'a T, &'a T)> {
    let new: BTreeMap<_, _> = new.iter().map(|row| (id(row), row)).collect();
    old.iter().filter_map(move |row| Some((row, *new.get(id(row))?)))
}

/// Returns the differences between two sets of shapes, ordered by id. There are none between equal sets.
#[must_use]
pub fn changes(old: &Shapes<'_>, new: &Shapes<'_>) -> Vec<Change> {
    let mut ids: Vec<_> = old.ids().chain(new.ids()).collect();
    ids.sort_unstable();
    ids.dedup();
    let issuers = issuers(old, new);
    let mut known = SharedReasons::default();
    let without_reason = |id: &KeyId, kind| Change { id: ChangeId::Key(id.clone()), kind, reasons: Arc::new([]) };
    let change = |id: &KeyId| match (old.get(id), new.get(id)) {
        (None, Some(_)) => Some(without_reason(id, ChangeKind::Added)),
        (Some(_), None) => Some(without_reason(id, ChangeKind::Removed)),
        (Some(before), Some(after)) => {
            let mut found = differences(&before, &after);
            found.extend(issuer_difference(&issuers, id, &after));
            (!found.is_empty()).then(|| changed(id, known.share(found)))
        }
        (None, None) => None,
    };
    ids.into_iter().filter_map(change).collect()
}

/// Adds the move to another Kubernetes version to the reasons of each change that the move makes.
///
/// `gives_another` says whether the profile would give something else for an id if it still named the version `before`.
pub fn explain_version(changes: &mut [Change], before: &str, after: &str, gives_another: impl Fn(&ChangeId) -> bool) {
    let Some(reason) = value(KUBERNETES_VERSION, before, after) else { return };
    let mut known = SharedReasons::default();
    for change in changes.iter_mut().filter(|change| gives_another(&change.id)) {
        if !change.reasons.contains(&reason) {
            change.reasons = known.share(change.reasons.iter().cloned().chain([reason.clone()]).collect());
        }
    }
}

fn changed(id: &KeyId, reasons: Arc<[ChangeReason]>) -> Change {
    Change { id: ChangeId::Key(id.clone()), kind: ChangeKind::Changed, reasons }
}

fn differences(old: &Shape, new: &Shape) -> Vec<ChangeReason> {
    let mut found = key_differences(&old.key, &new.key);
    if let (Some(old), Some(new)) = (&old.certificate, &new.certificate) {
        found.extend(certificate_differences(old, new));
    }
    found
}

fn key_differences(old: &KeyShape, new: &KeyShape) -> Vec<ChangeReason> {
    let generation = value(GENERATION, &old.generation.to_string(), &new.generation.to_string());
    let algorithm = value(ALGORITHM, &old.algorithm, &new.algorithm);
    let adopted = value(ADOPTED_KEY, &hash_or_none(old.adopted.as_deref()), &hash_or_none(new.adopted.as_deref()));
    generation.into_iter().chain(algorithm).chain(adopted).collect()
}

fn certificate_differences(old: &CertificateShape, new: &CertificateShape) -> Vec<ChangeReason> {
    [
        value("subject", &old.subject, &new.subject),
        value("issuer", &old.issuer, &new.issuer),
        list("alternative names", &old.alt_names, &new.alt_names),
        list("constraints", &old.constraints, &new.constraints),
        list("usages", &texts(&old.usages), &texts(&new.usages)),
        value("issued_at", &old.issued_at, &new.issued_at),
        value("start of validity", &old.not_before, &new.not_before),
        value(END, &old.not_after, &new.not_after),
        value("adopted certificate", &hash_or_none(old.adopted.as_deref()), &hash_or_none(new.adopted.as_deref())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the hash of an adopted file's content in hex.
fn hash_or_none(hash: Option<&Sha256>) -> String {
    hash.map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn texts(list: &[Arc<str>]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn value(field: &'static str, old: &str, new: &str) -> Option<ChangeReason> {
    (old != new).then(|| ChangeReason::Value { field, old: old.to_owned(), new: new.to_owned() })
}

fn list(field: &'static str, old: &[String], new: &[String]) -> Option<ChangeReason> {
    let beyond = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|item| !those.contains(item)).cloned().collect()
    };
    (old != new).then(|| ChangeReason::List { field, added: beyond(new, old), removed: beyond(old, new) })
}

/// A CA of the new build.
struct Issuer<'a> {
    id: &'a KeyId,
    has_other_key: bool,
}

/// Returns the difference that another key of the issuer makes to a certificate. Returns `None` for a root, whose own
/// key is already among its differences.
fn issuer_difference(issuers: &BTreeMap<Arc<str>, Issuer<'_>>, id: &KeyId, shape: &Shape) -> Option<ChangeReason> {
    let issuer = issuers.get(&shape.certificate.as_ref()?.issuer)?;
    (issuer.id != id && issuer.has_other_key).then(|| ChangeReason::IssuerKey { issuer: issuer.id.clone() })
}

/// Returns the first CA of each subject. The id says which is a CA, because a user may have the very name of one.
fn issuers<'a>(old: &Shapes<'_>, new: &Shapes<'a>) -> BTreeMap<Arc<str>, Issuer<'a>> {
    let mut issuers = BTreeMap::new();
    for id in new.ids().filter(|id| id.is_ca()) {
        let Some(Shape { key, certificate: Some(certificate) }) = new.get(id) else { continue };
        let has_other_key = old.get(id).is_some_and(|before| before.key.is_other_than(&key));
        issuers.entry(certificate.subject).or_insert(Issuer { id, has_other_key });
    }
    issuers
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::model::LockedKey;
    use super::super::model::tests::example;
    use super::{Change, ChangeId, ChangeKind, ChangeReason, KeyId, Lock, Shapes};
    use super::{build_changes, explain_version};
    use crate::bundle::Hex;

    fn changed(id: &KeyId, reasons: Vec<ChangeReason>) -> Change {
        super::changed(id, reasons.into())
    }

    fn id(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    fn changes(old: &Lock, new: &Lock) -> Vec<Change> {
        super::changes(&Shapes::of_lock(old), &Shapes::of_lock(new))
    }

    #[test]
    fn the_same_does_not_differ() {
        assert_eq!(changes(&example(), &example()), []);
    }

    #[test]
    fn what_only_hashes_show_is_told_too() {
        let old = example();
        let mut new = old.clone();
        new.keys[0].spki_sha256 = Hex([0x99; 32]);
        new.certificates[0].certificate_sha256 = Hex([0x99; 32]);
        new.certificates[1].certificate_sha256 = Hex([0x99; 32]);
        assert_eq!(build_changes(&old, &old), []);
        assert_eq!(
            build_changes(&old, &new),
            [
                changed(&id("ca/kubernetes"), vec![ChangeReason::Key]),
                changed(&id("node/cp-1/apiserver"), vec![ChangeReason::Content]),
            ]
        );
    }

    #[test]
    fn each_kind_of_change_has_its_reason() {
        let old = example();
        let mut new = old.clone();
        new.keys[1].generation = 2;
        new.certificates[1].alt_names = ["IP:10.0.0.1".into()].into();
        new.certificates[1].not_after = "2100-01-01T00:00:00Z".into();
        new.keys[2].id = id("user/bob");
        new.certificates[2].id = id("user/bob");
        let value = |field, old: &str, new: &str| ChangeReason::Value { field, old: old.into(), new: new.into() };
        assert_eq!(
            changes(&old, &new),
            [
                changed(
                    &id("node/cp-1/apiserver"),
                    vec![
                        value("generation", "1", "2"),
                        ChangeReason::List {
                            field: "alternative names",
                            added: vec!["IP:10.0.0.1".into()],
                            removed: vec!["DNS:x".into()]
                        },
                        value("end of validity", "2225-11-22T00:00:00Z", "2100-01-01T00:00:00Z"),
                    ]
                ),
                Change { id: ChangeId::Key(id("user/alice")), kind: ChangeKind::Removed, reasons: [].into() },
                Change { id: ChangeId::Key(id("user/bob")), kind: ChangeKind::Added, reasons: [].into() },
            ]
        );
    }

    #[test]
    fn leaves_change_with_the_key_of_their_issuer_and_not_with_its_dates() {
        let old = example();
        let mut new = old.clone();
        new.certificates[0].not_after = "2100-01-01T00:00:00Z".into();
        let ids = |found: Vec<Change>| found.into_iter().map(|change| change.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(changes(&old, &new)), ["ca/kubernetes"]);
        new.keys[0].generation = 2;
        assert_eq!(ids(changes(&old, &new)), ["ca/kubernetes", "node/cp-1/apiserver", "user/alice"]);
        let issuer = ChangeReason::IssuerKey { issuer: id("ca/kubernetes") };
        let found = changes(&old, &new);
        assert_eq!(found[2], changed(&id("user/alice"), vec![issuer]));
        assert_eq!(found.iter().map(Change::is_of_key).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn a_user_with_the_name_of_a_ca_is_no_ca() {
        let mut old = example();
        old.certificates[2].subject = "CN=kubernetes".into();
        let mut new = old.clone();
        new.keys[0].generation = 2;
        let issuer = ChangeReason::IssuerKey { issuer: id("ca/kubernetes") };
        assert_eq!(changes(&old, &new)[2], changed(&id("user/alice"), vec![issuer]));
    }

    #[test]
    fn a_version_is_the_reason_of_what_it_changes_and_of_nothing_else() {
        let locked = example();
        let mut before = locked.clone();
        before.keys[2].generation = 2;
        let mut after = before.clone();
        after.certificates[1].subject = "CN=y".into();
        after.keys.push(LockedKey { id: id("node/cp-1/super-admin.conf"), ..after.keys[2].clone() });
        let mut found = changes(&locked, &after);
        let (before, after) = (Shapes::of_lock(&before), Shapes::of_lock(&after));
        explain_version(&mut found, "1.28.0", "1.29.0", |id| match id {
            ChangeId::Key(id) => before.get(id) != after.get(id),
            ChangeId::File(..) => false,
        });
        let value = |field, old: &str, new: &str| ChangeReason::Value { field, old: old.into(), new: new.into() };
        let version = || value("Kubernetes", "1.28.0", "1.29.0");
        assert_eq!(
            found,
            [
                changed(&id("node/cp-1/apiserver"), vec![value("subject", "CN=x", "CN=y"), version()]),
                Change {
                    id: ChangeId::Key(id("node/cp-1/super-admin.conf")),
                    kind: ChangeKind::Added,
                    reasons: [version()].into()
                },
                changed(&id("user/alice"), vec![value("generation", "1", "2")]),
            ]
        );
    }
}
