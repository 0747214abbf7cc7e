//! The index, which says which parts belong together.

use serde::{Deserialize, Serialize};

use super::error::RecordError;
use super::head::{ClusterId, Head, ROTATING, RawHead, Rotating};
use super::hex::Sha256;
use super::json;
use super::limits::PARTS;
use crate::kubernetes::{NotAPartName, PartName};

/// The content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The head, which is the same in every record.
    pub head: Head,
    /// Whether the bundle holds only some of the cluster's parts.
    pub partial: bool,
    /// The SHA-256 of the profile's bytes.
    pub profile_sha256: Sha256,
    /// Each part with the SHA-256 of its record, in archive order. There is at least one.
    pub parts: Vec<(PartName, Sha256)>,
}

impl Index {
    /// Returns the name of the bundle's file: `<cluster>-g<generation>.tar.gz`.
    ///
    /// The name of a partial bundle has `-only-` in it and the first eight digits of `sha256`, the digest of the index.
    #[must_use]
    pub fn file_name(&self, sha256: &Sha256) -> String {
        let top = self.head.top();
        if self.partial { format!("{top}-only-{:.8}.tar.gz", sha256.to_string()) } else { format!("{top}.tar.gz") }
    }

    /// Returns the bytes that are signed.
    pub(super) fn encode(&self) -> std::io::Result<Vec<u8>> {
        json::encode(&RawIndex::from(self))
    }

    /// Reads an index and checks every field.
    ///
    /// # Errors
    ///
    /// Returns [`RecordError`] when the bytes are not an index of this format.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let raw: RawIndex = json::decode(bytes).map_err(RecordError::Json)?;
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
        let mut parts = Vec::with_capacity(raw.parts.len());
        for RawPart { part, sha256 } in raw.parts {
            match part.parse() {
                Ok(part) => parts.push((part, sha256)),
                Err(NotAPartName(found)) => return Err(RecordError::Field { field: "part", found }),
            }
        }
        let index = Self { head, partial: raw.partial, profile_sha256: raw.profile_sha256, parts };
        index.check()?;
        Ok(index)
    }

    pub(super) fn check(&self) -> Result<(), RecordError> {
        self.head.check()?;
        let names = || self.parts.iter().map(|(part, _)| part);
        if self.parts.is_empty() {
            return Err(RecordError::NoParts);
        }
        if self.parts.len() > PARTS {
            return Err(RecordError::TooManyParts { count: self.parts.len(), limit: PARTS });
        }
        if let Some((after, part)) = names().zip(names().skip(1)).find(|(left, right)| left >= right) {
            return Err(RecordError::PartOrder { part: part.clone(), after: after.clone() });
        }
        for part in names() {
            let PartName::Node(name) = part else { continue };
            let Some(stem) = name.strip_suffix(".json").or_else(|| name.strip_suffix(".json.sig")) else { continue };
            let twin = PartName::Node(stem.to_owned());
            if self.parts.binary_search_by(|(part, _)| part.cmp(&twin)).is_ok() {
                return Err(RecordError::PartTwins { part: part.clone(), twin });
            }
        }
        Ok(())
    }
}

/// The JSON of the index. The fields are in the order of their names.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an index")]
struct RawIndex {
    cluster: String,
    cluster_id: ClusterId,
    format: u32,
    generation: u32,
    issued_at: String,
    kubernetes: String,
    partial: bool,
    #[serde(deserialize_with = "json::at_most::<_, _, PARTS>")]
    parts: Vec<RawPart>,
    phase: u32,
    profile_sha256: Sha256,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::some_at_most::<_, _, ROTATING>"
    )]
    rotation: Option<Vec<Rotating>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_only: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a row of an index")]
struct RawPart {
    part: String,
    sha256: Sha256,
}

impl From<&Index> for RawIndex {
    fn from(index: &Index) -> Self {
        let head = RawHead::from(&index.head);
        Self {
            cluster: head.cluster,
            cluster_id: head.cluster_id,
            format: head.format,
            generation: head.generation,
            issued_at: head.issued_at,
            kubernetes: head.kubernetes,
            partial: index.partial,
            parts: index
                .parts
                .iter()
                .map(|(part, sha256)| RawPart { part: part.to_string(), sha256: *sha256 })
                .collect(),
            phase: head.phase,
            profile_sha256: index.profile_sha256,
            rotation: head.rotation,
            trust_only: head.trust_only,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::{Index, PartName, RecordError, Sha256};
    use crate::bundle::head::tests::head;

    const INDEX: &str = include_str!("testdata/index.json");

    fn index(parts: &[&str]) -> Index {
        let part = |name: &&str| (name.parse().unwrap(), Sha256::of(name.as_bytes()));
        Index {
            head: head(),
            partial: false,
            profile_sha256: Sha256::of(b"profile"),
            parts: parts.iter().map(part).collect(),
        }
    }

    #[test]
    fn writes_and_reads_the_golden_index() {
        let index = index(&["node/cp-1", "node/worker-001", "cluster"]);
        assert_eq!(String::from_utf8(index.encode().unwrap()).unwrap(), INDEX);
        assert_eq!(Index::read(INDEX.as_bytes()), Ok(index));
    }

    #[test]
    fn names_the_file() {
        let mut index = index(&["node/a"]);
        let sha256 = Sha256::of(b"abc");
        assert_eq!(index.file_name(&sha256), "prod-1-g1.tar.gz");
        index.partial = true;
        assert_eq!(index.file_name(&sha256), "prod-1-g1-only-ba7816bf.tar.gz");
    }

    #[test]
    fn refuses_other_parts() {
        let problem = |parts: &[&str]| Index::read(&index(parts).encode().unwrap()).err();
        assert_eq!(problem(&[]), Some(RecordError::NoParts));
        assert!(matches!(problem(&["cluster", "node/a"]), Some(RecordError::PartOrder { .. })));
        assert!(matches!(problem(&["node/b", "node/a"]), Some(RecordError::PartOrder { .. })));
        assert!(matches!(problem(&["node/a", "node/a"]), Some(RecordError::PartOrder { .. })));
        assert!(matches!(problem(&["node/a", "node/a.json"]), Some(RecordError::PartTwins { .. })));
        assert!(matches!(problem(&["node/a", "node/a.b", "node/a.json.sig"]), Some(RecordError::PartTwins { .. })));
        assert_eq!(problem(&["node/a.json", "node/b", "node/b.jsons", "cluster"]), None);
        let text = INDEX.replacen("node/cp-1", "nodes/cp-1", 1);
        assert!(matches!(Index::read(text.as_bytes()), Err(RecordError::Field { field: "part", .. })));
    }

    #[test]
    fn limits_the_number_of_parts() {
        let mut index = index(&["node/a"]);
        index.parts = (0..100_001).map(|number| (PartName::Node(format!("{number:06}")), Sha256::of(b""))).collect();
        assert!(matches!(index.check(), Err(RecordError::TooManyParts { .. })));
        index.parts.pop();
        assert_eq!(index.check(), Ok(()));
        assert!(index.encode().unwrap().len() < 12 << 20);
    }
}
