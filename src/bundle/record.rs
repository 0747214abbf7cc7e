//! The records: the root of trust. Each part has one, which is signed by itself.

use std::net::IpAddr;

use super::error::RecordError;
use super::head::{ClusterId, Head, ROTATING, RawHead, Rotating};
use super::hex::Sha256;
use super::json;
use super::limits::ENTRIES;
use super::mode::Mode;
use super::name::is_dns_name;
use super::places;
use super::rows::{self, Row};
use crate::kubernetes::{CertificatesDir, PartName, Role, is_subdomain};
use serde::{Deserialize, Serialize};

/// What a record says about its node, so that the node can recognize its own part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name under which the kubelet registers the node.
    pub name: String,
    /// The role of the node.
    pub role: Role,
    /// The names that the node answers to, at least one, without duplicates.
    pub names: Vec<String>,
    /// The addresses of the node, at least one, without duplicates. The first is the advertise address.
    pub addresses: Vec<IpAddr>,
    /// The folder of the node's certificates and keys.
    pub certificates_dir: CertificatesDir,
}

/// The owner of the files in a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartOwner {
    /// A node.
    Node(Node),
    /// The whole cluster.
    Cluster,
}

impl PartOwner {
    /// Returns the name of the part.
    #[must_use]
    pub fn part(&self) -> PartName {
        match self {
            Self::Node(node) => PartName::Node(node.name.clone()),
            Self::Cluster => PartName::Cluster,
        }
    }

    /// Returns the folder of the certificates and keys of the node; kubeadm's own for the cluster's part, which has none.
    #[must_use]
    pub fn certificates_dir(&self) -> CertificatesDir {
        match self {
            Self::Node(node) => node.certificates_dir.clone(),
            Self::Cluster => CertificatesDir::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), RecordError> {
        let Self::Node(node) = self else { return Ok(()) };
        let field = |field, found: &str| Err(RecordError::Field { field, found: found.to_owned() });
        if !is_subdomain(&node.name) {
            return field("part", &node.name);
        }
        if let Some(wrong) = node.names.iter().find(|name| !is_dns_name(name)) {
            return field("names", wrong);
        }
        for (name, count) in [("names", node.names.len()), ("addresses", node.addresses.len())] {
            if count > ENTRIES {
                return field(name, &format!("{count} of them"));
            }
        }
        if node.names.is_empty() || has_duplicates(&node.names) {
            return field("names", &node.names.join(", "));
        }
        if node.addresses.is_empty() || has_duplicates(&node.addresses) {
            let addresses: Vec<_> = node.addresses.iter().map(ToString::to_string).collect();
            return field("addresses", &addresses.join(", "));
        }
        Ok(())
    }
}

fn has_duplicates<T: Ord>(list: &[T]) -> bool {
    let mut sorted: Vec<_> = list.iter().collect();
    sorted.sort_unstable();
    sorted.iter().zip(sorted.iter().skip(1)).any(|(left, right)| left == right)
}

/// The record of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The head, which is the same in every record of a bundle and in its index.
    pub head: Head,
    /// The owner of the files.
    pub owner: PartOwner,
    /// Every file of the part, in archive order.
    pub rows: Vec<Row>,
}

impl Record {
    /// Returns the bytes that are signed.
    pub(super) fn encode(&self) -> std::io::Result<Vec<u8>> {
        json::encode(&RawRecord::from(self))
    }

    /// Reads a record and checks every field.
    ///
    /// # Errors
    ///
    /// Returns [`RecordError`] when the bytes are not a record of this format.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let raw: RawRecord = json::decode(bytes).map_err(RecordError::Json)?;
        let head = Head::read(RawHead {
            cluster: raw.cluster,
            cluster_id: raw.cluster_id,
            format: raw.format,
            generation: raw.generation,
            issued_at: raw.issued_at,
            kubernetes: raw.kubernetes,
            phase: raw.phase,
            rotation: raw.rotation,
            trust_only: raw.trust_only,
        })?;
        let owner = read_owner(&raw.part, raw.role, raw.names, raw.addresses, raw.certificates_dir)?;
        owner.check()?;
        let rows = raw.files.into_iter().map(read_row).collect::<Result<Vec<_>, _>>()?;
        rows::check(&owner.part(), &rows)?;
        match &owner {
            PartOwner::Cluster => places::check_cluster(&rows)?,
            PartOwner::Node(node) if !node.names.contains(&node.name) => {
                return Err(RecordError::OwnName { name: node.name.clone() });
            }
            PartOwner::Node(node) => places::check_node(node.role, &node.certificates_dir, &rows)?,
        }
        Ok(Self { head, owner, rows })
    }
}

/// The JSON of a record. The fields are in the order of their names. The cluster's record has no `addresses`,
/// `certificates_dir`, `names` and `role`, and one of a node whose certificates lie in kubeadm's own folder no
/// `certificates_dir`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a record")]
struct RawRecord {
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::some_at_most::<_, _, ENTRIES>"
    )]
    addresses: Option<Vec<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificates_dir: Option<String>,
    cluster: String,
    cluster_id: ClusterId,
    #[serde(deserialize_with = "json::at_most::<_, _, ENTRIES>")]
    files: Vec<RawRow>,
    format: u32,
    generation: u32,
    issued_at: String,
    kubernetes: String,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::some_at_most::<_, _, ENTRIES>"
    )]
    names: Option<Vec<String>>,
    part: String,
    phase: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::some_at_most::<_, _, ROTATING>"
    )]
    rotation: Option<Vec<Rotating>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_only: Option<bool>,
}

/// The JSON of a row. A file has `mode`, `path`, `sha256`, `size`; the link has `link`, `mode`, `path`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a row of a record")]
struct RawRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    mode: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Sha256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

const LINK_MODE: &str = "0777";

impl From<&Record> for RawRecord {
    fn from(record: &Record) -> Self {
        let head = RawHead::from(&record.head);
        let node = match &record.owner {
            PartOwner::Node(node) => Some(node),
            PartOwner::Cluster => None,
        };
        Self {
            addresses: node.map(|node| node.addresses.clone()),
            certificates_dir: node
                .map(|node| &node.certificates_dir)
                .filter(|folder| !folder.is_default())
                .map(ToString::to_string),
            cluster: head.cluster,
            cluster_id: head.cluster_id,
            files: record.rows.iter().map(RawRow::from).collect(),
            format: head.format,
            generation: head.generation,
            issued_at: head.issued_at,
            kubernetes: head.kubernetes,
            names: node.map(|node| node.names.clone()),
            part: record.owner.part().to_string(),
            phase: head.phase,
            role: node.map(|node| node.role.name().to_owned()),
            rotation: head.rotation,
            trust_only: head.trust_only,
        }
    }
}

impl From<&Row> for RawRow {
    fn from(row: &Row) -> Self {
        match row {
            Row::File { path, mode, sha256, size } => Self {
                link: None,
                mode: mode.text().to_owned(),
                path: path.clone(),
                sha256: Some(*sha256),
                size: Some(*size),
            },
            Row::Link { path, target } => Self {
                link: Some(target.clone()),
                mode: LINK_MODE.to_owned(),
                path: path.clone(),
                sha256: None,
                size: None,
            },
        }
    }
}

fn read_owner(
    part: &str,
    role: Option<String>,
    names: Option<Vec<String>>,
    addresses: Option<Vec<IpAddr>>,
    certificates_dir: Option<String>,
) -> Result<PartOwner, RecordError> {
    let field = |field, found: &str| RecordError::Field { field, found: found.to_owned() };
    match (part.parse().map_err(|_| field("part", part))?, role, names, addresses) {
        (PartName::Cluster, None, None, None) if certificates_dir.is_none() => Ok(PartOwner::Cluster),
        (PartName::Node(name), Some(role), Some(names), Some(addresses)) => {
            let role = Role::parse(&role).ok_or_else(|| field("role", &role))?;
            let certificates_dir = match certificates_dir {
                None => CertificatesDir::default(),
                // kubeadm's own folder is not written.
                Some(folder) => CertificatesDir::parse(&folder)
                    .ok()
                    .filter(|folder| !folder.is_default())
                    .ok_or_else(|| field("certificates_dir", &folder))?,
            };
            Ok(PartOwner::Node(Node { name, role, names, addresses, certificates_dir }))
        }
        // A node's record that lacks one of these fields, or the cluster's record that has one.
        _ => Err(field("part", part)),
    }
}

fn read_row(raw: RawRow) -> Result<Row, RecordError> {
    let wrong_mode = RecordError::Field { field: "mode", found: raw.mode.clone() };
    match (raw.link, raw.sha256, raw.size) {
        (None, Some(sha256), Some(size)) => {
            let mode = Mode::parse(&raw.mode).ok_or(wrong_mode)?;
            Ok(Row::File { path: raw.path, mode, sha256, size })
        }
        (Some(target), None, None) if raw.mode == LINK_MODE => Ok(Row::Link { path: raw.path, target }),
        (Some(_), None, None) => Err(wrong_mode),
        _ => Err(RecordError::Field { field: "files", found: raw.path }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::{Node, PartOwner, Record, RecordError, Role};
    use crate::bundle::head::tests::head;
    use crate::bundle::hex::Sha256;
    use crate::bundle::json::JsonError;
    use crate::bundle::mode::Mode;
    use crate::bundle::rows::{KUBELET_CLIENT_LINK, Row};
    use crate::kubernetes::CertificatesDir;

    const NODE: &str = include_str!("testdata/node.json");
    const CLUSTER: &str = include_str!("testdata/cluster.json");

    fn node() -> Record {
        let file = |path: &str, mode, content: &[u8]| Row::File {
            path: path.to_owned(),
            mode,
            sha256: Sha256::of(content),
            size: content.len() as u64,
        };
        Record {
            head: head(),
            owner: PartOwner::Node(Node {
                name: "cp-1".to_owned(),
                role: Role::ControlPlane,
                names: vec!["cp-1".to_owned(), "cp-1.corp.internal".to_owned()],
                addresses: vec!["192.168.1.11".parse().unwrap(), "fd00::b".parse().unwrap()],
                certificates_dir: CertificatesDir::default(),
            }),
            rows: vec![
                file("etc/kubernetes/pki/ca.crt", Mode::Public, b"abc"),
                file("etc/kubernetes/pki/ca.key", Mode::Private, b""),
                file("var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem", Mode::Private, b""),
                Row::Link {
                    path: KUBELET_CLIENT_LINK.to_owned(),
                    target: "kubelet-client-2026-11-22-00-00-00.pem".to_owned(),
                },
            ],
        }
    }

    #[test]
    fn writes_and_reads_the_golden_records() {
        let cluster = Record { head: head(), owner: PartOwner::Cluster, rows: Vec::new() };
        for (record, golden) in [(node(), NODE), (cluster, CLUSTER)] {
            assert_eq!(String::from_utf8(record.encode().unwrap()).unwrap(), golden);
            assert_eq!(Record::read(golden.as_bytes()), Ok(record));
        }
    }

    #[test]
    fn refuses_wrong_fields() {
        let ca_key = "{\"mode\": \"0600\", \"path\": \"etc/kubernetes/pki/ca.key\"";
        for (from, to, expected) in [
            ("node/cp-1", "node/CP-1", "part"),
            ("node/cp-1", "cluster", "part"),
            ("\"control-plane\"", "\"master\"", "role"),
            ("\"cp-1.corp.internal\"", "\"cp-1\"", "names"),
            ("\"cp-1.corp.internal\"", "\"-\"", "names"),
            ("\n    \"cp-1\",\n    \"cp-1.corp.internal\"\n  ", "", "names"),
            ("\n    \"192.168.1.11\",\n    \"fd00::b\"\n  ", "", "addresses"),
            ("\"fd00::b\"", "\"192.168.1.11\"", "addresses"),
            (ca_key, &ca_key.replace("0600", "0400"), "mode"),
            (ca_key, &ca_key.replace("0600", "0777"), "mode"),
            ("\"0777\"", "\"0644\"", "mode"),
            (", \"size\": 3", "", "files"),
            ("{\"mode\": \"0644\"", "{\"link\": \"x\", \"mode\": \"0644\"", "files"),
            ("\"format\": 1", "\"format\": 2", "format"),
            ("\"phase\": 0", "\"phase\": 1", "rotation"),
            ("\"phase\": 0", "\"phase\": 4", "phase"),
        ] {
            let text = NODE.replacen(from, to, 1);
            assert_ne!(text, NODE, "{from}");
            match Record::read(text.as_bytes()) {
                Err(RecordError::Field { field, .. }) => assert_eq!(field, expected, "{from} -> {to}"),
                other => assert_eq!(format!("{other:?}"), expected, "{from} -> {to}"),
            }
        }
    }

    /// Only a folder of its own that is not kubeadm's is written, and then all certificates lie in it.
    #[test]
    fn another_folder_of_certificates_is_in_the_record_of_a_node() {
        let said = |folder: &str| format!("],\n  \"certificates_dir\": \"{folder}\",\n  \"cluster\"");
        let with = |folder: &str| NODE.replacen("],\n  \"cluster\"", &said(folder), 1);
        let moved = with("/etc/kubernetes/ssl").replace("etc/kubernetes/pki/", "etc/kubernetes/ssl/");
        let record = Record::read(moved.as_bytes()).unwrap();
        assert_eq!(record.owner.certificates_dir().folder(), "etc/kubernetes/ssl");
        assert_eq!(record.encode().unwrap(), moved.as_bytes());
        for folder in ["/etc/kubernetes/pki", "/srv/ssl", "/etc/kubernetes/manifests", "etc/kubernetes/ssl", ""] {
            let text = with(folder);
            assert_ne!(text, NODE);
            match Record::read(text.as_bytes()) {
                Err(RecordError::Field { field, found }) => assert_eq!((field, &*found), ("certificates_dir", folder)),
                other => assert_eq!(format!("{other:?}"), "the folder is refused", "{folder}"),
            }
        }
        for text in [with("/etc/kubernetes/ssl"), NODE.replace("etc/kubernetes/pki/", "etc/kubernetes/ssl/")] {
            assert!(matches!(Record::read(text.as_bytes()), Err(RecordError::Place { .. })), "{text}");
        }
        let cluster = CLUSTER.replacen("{\n", "{\n  \"certificates_dir\": \"/etc/kubernetes/ssl\",\n", 1);
        assert!(matches!(Record::read(cluster.as_bytes()), Err(RecordError::Field { field: "part", .. })));
    }

    #[test]
    fn refuses_rows_that_the_tree_cannot_hold() {
        let text = NODE.replacen("pki/ca.crt", "pki/../ca.crt", 1);
        assert!(matches!(Record::read(text.as_bytes()), Err(RecordError::Path { .. })));
        let text = NODE.replacen("pki/ca.crt", "pki/ca.tmp", 1);
        assert!(matches!(Record::read(text.as_bytes()), Err(RecordError::Order { .. })));
    }

    #[test]
    fn refuses_other_spellings() {
        for (from, to) in [
            ("192.168.1.11", "192.168.001.11"),
            ("fd00::b", "fd00:0::b"),
            ("fd00::b", "FD00::b"),
            ("ba7816bf", "BA7816BF"),
            ("ba7816bf", "ba7816b"),
            ("\"role\": \"control-plane\"", "\"role\": \"control-plane\",\n  \"role\": \"control-plane\""),
            ("\"role\": \"control-plane\"", "\"role\": \"control-plane\",\n  \"tool\": \"x\""),
            ("\"size\": 3", "\"size\": 3, \"x\": 1"),
            ("{\"link\": ", "{\"sha256\": null, \"link\": "),
        ] {
            let text = NODE.replacen(from, to, 1);
            assert_ne!(text, NODE, "{from}");
            let problem = Record::read(text.as_bytes());
            assert!(
                matches!(problem, Err(RecordError::Json(JsonError::Syntax { .. } | JsonError::NotCanonical { .. }))),
                "{from} -> {to}: {problem:?}"
            );
        }
    }
}
