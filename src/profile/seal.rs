//! `[seal]`, and `encrypt_to` and `encrypt_to_sha256` of nodes: to whom parts of the bundle are sealed.

use super::adoption::file;
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::value::{Setting, WrittenValue, values};
use crate::seal::{Kind, Recipient, RecipientError};
use crate::sign::Fingerprint;

/// `[seal]`: to whom parts are sealed besides what each node says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seal {
    /// Whether a bundle in the clear is refused, whatever the command line says.
    pub required: bool,
    /// Who opens the part of the cluster.
    pub cluster_to: Vec<Recipient>,
    /// Who else opens every part.
    pub also_to: Vec<Recipient>,
    /// The path of the file with the recipients of nodes, relative to the profile.
    pub recipients: Option<String>,
}

/// `encrypt_to` or `encrypt_to_sha256` of a node: to whom its part is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EncryptTo {
    /// The profile does not say.
    #[default]
    Unsaid,
    /// To these recipients.
    Recipients(Vec<Recipient>),
    /// To the recipient of this fingerprint, which a file or the command line gives.
    Fingerprint(Fingerprint),
}

/// `[seal]` as far as it could be read.
pub(super) struct SealDraft {
    is_there: bool,
    required: Option<bool>,
    cluster_to: Vec<Setting<Recipient>>,
    also_to: Vec<Setting<Recipient>>,
    recipients: Option<Option<String>>,
}

impl SealDraft {
    pub(super) fn read(root: &TableReader<'_>) -> Self {
        let table = root.table("seal");
        let draft = Self {
            is_there: table.header.is_some(),
            required: table.optional("required", false, |value| value.boolean()),
            cluster_to: recipients(&table, "cluster_to"),
            also_to: recipients(&table, "also_to"),
            recipients: table.find("recipients").map_or(Some(None), |value| file(value).map(Some)),
        };
        table.refuse_unknown_keys();
        draft
    }

    /// Refuses recipients of both kinds in what becomes one envelope.
    pub(super) fn check<'a>(&self, nodes: impl Iterator<Item = &'a EncryptDraft>, problems: &Problems) {
        check_kinds("also_to", &self.also_to, &[], problems);
        check_kinds("cluster_to", &self.cluster_to, &self.also_to, problems);
        for node in nodes {
            check_kinds("encrypt_to", &node.recipients, &self.also_to, problems);
        }
    }

    /// Returns the checked table. The inner value is `None` when the profile does not have it.
    pub(super) fn build(self) -> Option<Option<Seal>> {
        let seal = Seal {
            required: self.required?,
            cluster_to: values(self.cluster_to),
            also_to: values(self.also_to),
            recipients: self.recipients?,
        };
        Some(self.is_there.then_some(seal))
    }
}

/// What a node or a pool says, as far as it could be read.
#[derive(Default)]
pub(super) struct EncryptDraft {
    recipients: Vec<Setting<Recipient>>,
    /// One for each node.
    fingerprints: Vec<Setting<Fingerprint>>,
}

impl EncryptDraft {
    /// Reads the keys of `[[node]]`, or of `[[node_pool]]` with so many nodes.
    pub(super) fn read(table: &TableReader<'_>, is_pool: bool, nodes: usize) -> Self {
        let recipients = table.find("encrypt_to").and_then(|value| value.filled_list(recipient)).unwrap_or_default();
        let Some(written) = table.find("encrypt_to_sha256") else {
            return Self { recipients, fingerprints: Vec::new() };
        };
        if !recipients.is_empty() {
            written.refuse::<()>(
                "`encrypt_to_sha256` beside `encrypt_to`",
                "the recipients themselves stand in `encrypt_to`",
                "remove one of them",
            );
        }
        let fingerprints = match is_pool {
            false => written.located(fingerprint).into_iter().collect(),
            true => written.list(fingerprint).unwrap_or_default(),
        };
        let count = if is_pool { written.array().map_or(0, |all| all.len()) } else { 1 };
        if is_pool && count != nodes && nodes > 0 && count == fingerprints.len() {
            written.refuse::<()>(
                "`encrypt_to_sha256` has not one fingerprint for each node",
                format!("{count} of them, and the pool has {nodes} nodes"),
                "write them in the order of the names; or remove it, and confirm each at the build",
            );
        }
        Self { recipients, fingerprints }
    }

    /// Returns what a node says, by its place in the pool.
    pub(super) fn of(&self, index: usize) -> EncryptTo {
        match self.fingerprints.get(index) {
            Some(fingerprint) => EncryptTo::Fingerprint(fingerprint.value),
            None if self.recipients.is_empty() => EncryptTo::Unsaid,
            None => EncryptTo::Recipients(self.recipients.iter().map(|setting| setting.value.clone()).collect()),
        }
    }
}

fn recipients(table: &TableReader<'_>, key: &'static str) -> Vec<Setting<Recipient>> {
    table.distinct(key, recipient, Recipient::to_string)
}

fn recipient(value: WrittenValue<'_>) -> Option<Recipient> {
    match Recipient::parse(value.string()?) {
        Ok(recipient) => Some(recipient),
        Err(error) => {
            let hint = match error {
                RecipientError::IsIdentity => "put the file of the identity away: the profile is in every bundle",
                _ => "a recipient is what `certferry identity new` prints: age1pq1... or age1...",
            };
            value.refuse(format!("`{}` is no recipient", value.key), format!("it {error}"), hint)
        }
    }
}

fn fingerprint(value: WrittenValue<'_>) -> Option<Fingerprint> {
    let reason = match Fingerprint::typed(value.string()?) {
        Some(Ok(fingerprint)) => return Some(fingerprint),
        Some(Err(error)) => error.to_string(),
        None => "expected 64 hex digits, or 24 words".to_owned(),
    };
    let title = format!("`{}` is no fingerprint", value.key);
    value.refuse(title, reason, "copy it from the paper on which `certferry identity new` stands, in any grouping")
}

/// Refuses a recipient that is of another kind than the first one.
fn check_kinds(key: &str, own: &[Setting<Recipient>], every: &[Setting<Recipient>], problems: &Problems) {
    let Some(first) = own.first() else { return };
    let Some(other) = own.iter().chain(every).find(|other| other.value.kind() != first.value.kind()) else { return };
    let said = |setting: &Setting<Recipient>| match setting.value.kind() {
        Kind::Hybrid => "age1pq1...",
        Kind::X25519 => "age1..., of X25519 alone",
    };
    problems.add(
        Problem::error(format!("`{key}` leads to one envelope for recipients of both kinds"))
            .at_if(first.set_at.as_ref(), said(first))
            .related(other.set_at.as_ref(), said(other))
            .hint(
                "a computer that breaks X25519 would open it, whatever the others are: take one kind, best age1pq1...",
            ),
    );
}
