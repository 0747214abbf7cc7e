//! The lock file, format number 1.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bundle::{Hex, Rotating, Sha256, text};
use crate::kubernetes::{KeyId, PartName};
use crate::plan::FileOutlines;
use crate::x509::SharedTexts;

/// The format numbers of everything that decides a bundle's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formats {
    /// The number of the profile format.
    pub profile: u32,
    /// The number of the key derivation.
    pub derivation: u32,
    /// The number of the certificate profile.
    pub certificate: u32,
    /// The number of the bundle format.
    pub bundle: u32,
}

impl Formats {
    /// The numbers that this version writes.
    pub const CURRENT: Self = Self { profile: 1, derivation: 1, certificate: 1, bundle: 1 };

    /// Returns whether any number is newer than that which this version writes.
    #[must_use]
    pub const fn are_newer(self) -> bool {
        let known = Self::CURRENT;
        self.profile > known.profile
            || self.derivation > known.derivation
            || self.certificate > known.certificate
            || self.bundle > known.bundle
    }
}

/// A lock: everything about a build but its secrets. Hashes are SHA-256 in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The format of the lock itself: 1.
    pub format: u32,
    /// The name and version of the program. They inform, and are never compared.
    pub made_with: String,
    /// The name of the cluster.
    pub cluster: String,
    /// The identity of the cluster under its seed.
    pub cluster_id: String,
    /// A one-way function of the seed.
    pub seed_id: String,
    /// The fingerprint of the key that signed the bundle.
    pub signer: String,
    /// The generation of the last whole bundle, which the next four fields describe too.
    pub generation: u32,
    /// The Kubernetes version for which the bundle was made.
    pub kubernetes: String,
    /// The hash of the profile's bytes.
    pub profile_sha256: String,
    /// The hash of the tar stream.
    pub content_sha256: String,
    /// The hash of the bundle's file.
    pub bundle_sha256: String,
    /// The format numbers.
    pub formats: Formats,
    /// Every CA and key that is adopted, by id.
    #[serde(rename = "adopted", default, skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<LockedAdoption>,
    /// What rotates in phases, in the order of the authorities. Everything else in the lock is then that of phase 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rotation: Vec<Rotating>,
    /// The bundles of phases 1 and 2 of that rotation, and of phase 3 once more.
    #[serde(rename = "phase", default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<LockedPhase>,
    /// Every part, in the order of the bundle.
    #[serde(rename = "part", default)]
    pub parts: Vec<LockedPart>,
    /// Every key, by id.
    #[serde(rename = "key", default)]
    pub keys: Vec<LockedKey>,
    /// Every certificate, by id.
    #[serde(rename = "certificate", default)]
    pub certificates: Vec<LockedCertificate>,
}

/// What a lock keeps about the files of an adopted CA or key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedAdoption {
    /// The id of the key.
    #[serde(with = "text")]
    pub id: KeyId,
    /// The hash of the SubjectPublicKeyInfo in DER, if the key is one of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spki_sha256: Option<Sha256>,
    /// The hash of the certificate in DER as it is in its file, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<Sha256>,
}

/// What a lock keeps about a part of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPart {
    /// The name of the part.
    #[serde(with = "text")]
    pub part: PartName,
    /// The generation of the bundle that last brought the part. With `build --only`, parts differ in that.
    pub generation: u32,
    /// The hash of the part's record.
    pub record_sha256: Sha256,
    /// The hash of the profile in the cluster's part, when a partial bundle brought it and the lock's own profile is
    /// another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_sha256: Option<String>,
    /// The fingerprints of the recipients to whom the part was last sealed, sorted. None if it never was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed_to: Vec<Sha256>,
    /// What each file holds, by path, in the words of [`outline`](crate::plan::PlannedContent::outline). It shows what
    /// no row of a key or certificate does, such as the server of a kubeconfig.
    ///
    /// Locks can share it: few files change from one build to the next.
    pub files: Arc<FileOutlines>,
}

/// What a lock keeps about the bundle of a phase of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPhase {
    /// The phase, 1 to 3.
    pub number: u32,
    /// The hash of the tar stream of the last whole bundle.
    pub content_sha256: String,
    /// The hash of that bundle's file.
    pub bundle_sha256: String,
    /// The hash of the record of each part.
    pub records: BTreeMap<String, Sha256>,
}

/// What a lock keeps about a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedKey {
    /// The id of the key.
    #[serde(with = "text")]
    pub id: KeyId,
    /// The algorithm.
    pub algorithm: Arc<str>,
    /// The generation.
    pub generation: u32,
    /// The hash of the SubjectPublicKeyInfo in DER.
    pub spki_sha256: Sha256,
}

/// What a lock keeps about a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedCertificate {
    /// The id of the key that the certificate certifies.
    #[serde(with = "text")]
    pub id: KeyId,
    /// The subject.
    pub subject: Arc<str>,
    /// The subject of the issuer.
    pub issuer: Arc<str>,
    /// The extended key usages.
    pub usages: Arc<[Arc<str>]>,
    /// The subject alternative names.
    pub alt_names: Arc<[String]>,
    /// The limits of a CA, in the words of [`outline`](crate::plan::Constraints::outline).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// The day from which the validity is counted.
    pub issued_at: Arc<str>,
    /// The first second of validity, as RFC 3339 has it.
    pub not_before: Arc<str>,
    /// The last second of validity, as RFC 3339 has it.
    pub not_after: Arc<str>,
    /// The serial number in hex. That of a certificate that is adopted as it is has any length, and is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Hex<16>>,
    /// The hash of the certificate in DER.
    pub certificate_sha256: Sha256,
}

/// Why a file is not a lock.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LockError {
    /// The file is not UTF-8, not TOML, or has not the keys of a lock; the text is what the parser said.
    #[error("{0}")]
    Syntax(String),
    /// The lock has a format that this version does not know.
    #[error("it has format {0}, and this version knows format 1")]
    Format(u32),
}

const HEAD: &str =
    "# Written by `certferry build`. Keep it in version control beside the profile; nothing in it is secret.\n";

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    /// Returns [`LockError`] when the bytes are not a lock of format 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        #[derive(Deserialize)]
        struct AnyFormat {
            format: u32,
        }
        let text = std::str::from_utf8(bytes).map_err(|error| LockError::Syntax(error.to_string()))?;
        let syntax = |error: toml::de::Error| LockError::Syntax(error.to_string().trim_end().to_owned());
        if let Some(lock) = Self::by_rows(text).filter(|lock| lock.format == 1) {
            return Ok(lock);
        }
        let AnyFormat { format } = toml::from_str(text).map_err(syntax)?;
        if format != 1 {
            return Err(LockError::Format(format));
        }
        toml::from_str(text).map_err(syntax)
    }

    /// Reads a lock row by row. The tree of a whole document takes ten times the room of its text.
    ///
    /// Returns `None` when that is not possible, as when a text spans several lines, and for everything that is no
    /// lock: only the whole document shows what is wrong, and where.
    fn by_rows(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Row {
            #[serde(default)]
            adopted: Vec<LockedAdoption>,
            #[serde(default)]
            rotation: Vec<Rotating>,
            #[serde(default)]
            phase: Vec<LockedPhase>,
            #[serde(default)]
            part: Vec<LockedPart>,
            #[serde(default)]
            key: Vec<LockedKey>,
            #[serde(default)]
            certificate: Vec<LockedCertificate>,
        }
        // In a text or an array of several lines, a line may look like the head of a row.
        if text.contains("\"\"\"") || text.contains("'''") {
            return None;
        }
        let (head, rows) = text.split_at(text.find("\n[[")? + 1);
        let mut lock: Self = toml::from_str(head).ok()?;
        let mut texts = Texts::default();
        let mut start = 0;
        while start < rows.len() {
            let rest = rows.get(start..)?;
            let end = rest.get(1..)?.find("\n[[").map_or(rest.len(), |place| place + 2);
            let Row { adopted, rotation, phase, part, key, certificate } = toml::from_str(rest.get(..end)?).ok()?;
            lock.adopted.extend(adopted);
            lock.rotation.extend(rotation);
            lock.phases.extend(phase);
            lock.parts.extend(part.into_iter().map(|row| texts.part(row)));
            lock.keys.extend(key.into_iter().map(|row| texts.key(row)));
            lock.certificates.extend(certificate.into_iter().map(|row| texts.certificate(row)));
            start += end;
        }
        Some(lock)
    }

    /// Returns the hash of the profile that the cluster's part holds.
    #[must_use]
    pub fn profile_of_cluster(&self) -> &str {
        let cluster = self.parts.iter().find(|row| row.part == PartName::Cluster);
        cluster.and_then(|row| row.profile_sha256.as_deref()).unwrap_or(&self.profile_sha256)
    }

    /// Returns whether somebody else than whoever has the seed signs the bundle.
    #[must_use]
    pub fn has_own_signer(&self) -> bool {
        self.adopted.iter().any(|row| row.id == KeyId::BundleSigner)
    }

    /// Writes the lock as TOML.
    ///
    /// # Errors
    /// Fails when the output does.
    pub fn write_toml(&self, mut output: impl Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Head<'a> {
            format: u32,
            made_with: &'a str,
            cluster: &'a str,
            cluster_id: &'a str,
            seed_id: &'a str,
            signer: &'a str,
            generation: u32,
            kubernetes: &'a str,
            profile_sha256: &'a str,
            content_sha256: &'a str,
            bundle_sha256: &'a str,
            formats: Formats,
        }
        let head = Head {
            format: self.format,
            made_with: &self.made_with,
            cluster: &self.cluster,
            cluster_id: &self.cluster_id,
            seed_id: &self.seed_id,
            signer: &self.signer,
            generation: self.generation,
            kubernetes: &self.kubernetes,
            profile_sha256: &self.profile_sha256,
            content_sha256: &self.content_sha256,
            bundle_sha256: &self.bundle_sha256,
            formats: self.formats,
        };
        // Row by row, because the writer keeps a whole document twice. This cannot fail: a struct of strings, numbers
        // and lists of such has a TOML form.
        write!(output, "{HEAD}\n{}", toml::to_string(&head).unwrap_or_default())?;
        let mut write = |row: Result<String, toml::ser::Error>| write!(output, "\n{}", row.unwrap_or_default());
        self.adopted.iter().try_for_each(|row| write(toml::to_string(&BTreeMap::from([("adopted", [row])]))))?;
        self.rotation.iter().try_for_each(|row| write(toml::to_string(&BTreeMap::from([("rotation", [row])]))))?;
        self.phases.iter().try_for_each(|row| write(toml::to_string(&BTreeMap::from([("phase", [row])]))))?;
        self.parts.iter().try_for_each(|row| write(toml::to_string(&BTreeMap::from([("part", [row])]))))?;
        self.keys.iter().try_for_each(|row| write(toml::to_string(&BTreeMap::from([("key", [row])]))))?;
        let certificate = |row| toml::to_string(&BTreeMap::from([("certificate", [row])]));
        self.certificates.iter().try_for_each(|row| write(certificate(row)))
    }

    /// Returns the lock as TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and what is written is text.
        let _ = self.write_toml(&mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// The texts of a lock's rows so far, and the lists of usages.
#[derive(Default)]
pub struct Texts(SharedTexts, BTreeSet<Arc<[Arc<str>]>>);

impl Texts {
    /// Puts the known copies of its texts into a row.
    #[must_use]
    pub fn part(&mut self, mut row: LockedPart) -> LockedPart {
        let files = Arc::unwrap_or_clone(row.files).into_iter();
        row.files = Arc::new(files.map(|(path, outline)| (self.0.share(path), self.0.share(outline))).collect());
        row
    }

    /// Puts the known copies of its texts into a row.
    #[must_use]
    pub fn key(&mut self, row: LockedKey) -> LockedKey {
        LockedKey { id: row.id.share(&mut self.0), algorithm: self.0.share(row.algorithm), ..row }
    }

    /// Puts the known copies of its texts into a row.
    #[must_use]
    pub fn certificate(&mut self, mut row: LockedCertificate) -> LockedCertificate {
        row.usages = match self.1.get(&row.usages) {
            Some(known) => Arc::clone(known),
            None => row.usages.iter().map(|usage| self.0.share(Arc::clone(usage))).collect(),
        };
        self.1.insert(Arc::clone(&row.usages));
        LockedCertificate {
            id: row.id.share(&mut self.0),
            subject: self.0.share(row.subject),
            issuer: self.0.share(row.issuer),
            issued_at: self.0.share(row.issued_at),
            not_before: self.0.share(row.not_before),
            not_after: self.0.share(row.not_after),
            ..row
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::{
        Arc, Formats, HEAD, Hex, Lock, LockError, LockedAdoption, LockedCertificate, LockedKey, LockedPart, PartName,
    };

    pub(in crate::lock) fn example() -> Lock {
        Lock {
            format: 1,
            made_with: "certferry 0.0.1".into(),
            cluster: "prod-1".into(),
            cluster_id: "00".repeat(16),
            seed_id: "11".repeat(8),
            signer: format!("sha256:{}", "22".repeat(32)),
            generation: 1,
            kubernetes: "1.24.15".into(),
            profile_sha256: "33".repeat(32),
            content_sha256: "44".repeat(32),
            bundle_sha256: "55".repeat(32),
            formats: Formats::CURRENT,
            adopted: Vec::new(),
            rotation: Vec::new(),
            phases: Vec::new(),
            parts: vec![LockedPart {
                part: PartName::Node("cp-1".into()),
                generation: 1,
                record_sha256: Hex([0x66; 32]),
                profile_sha256: None,
                sealed_to: Vec::new(),
                files: Arc::new([("etc/kubernetes/pki/ca.crt".into(), "certificate ca/kubernetes".into())].into()),
            }],
            keys: vec![key("ca/kubernetes"), key("node/cp-1/apiserver"), key("user/alice")],
            certificates: vec![
                LockedCertificate { subject: "CN=kubernetes".into(), ..certificate("ca/kubernetes") },
                certificate("node/cp-1/apiserver"),
                certificate("user/alice"),
            ],
        }
    }

    fn key(id: &str) -> LockedKey {
        LockedKey { id: id.parse().unwrap(), algorithm: "rsa-2048".into(), generation: 1, spki_sha256: Hex([0x77; 32]) }
    }

    fn certificate(id: &str) -> LockedCertificate {
        LockedCertificate {
            id: id.parse().unwrap(),
            subject: "CN=x".into(),
            issuer: "CN=kubernetes".into(),
            usages: ["serverAuth".into()].into(),
            alt_names: ["DNS:x".into()].into(),
            constraints: Vec::new(),
            issued_at: "2026-11-22".into(),
            not_before: "2026-11-21T00:00:00Z".into(),
            not_after: "2225-11-22T00:00:00Z".into(),
            serial: Some(Hex([0x40; 16])),
            certificate_sha256: Hex([0x88; 32]),
        }
    }

    #[test]
    fn a_lock_reads_back_as_written() {
        assert_eq!(Lock::parse(example().to_toml().as_bytes()).unwrap(), example());
    }

    /// What is read row by row is what the whole document says.
    #[test]
    fn rows_are_those_of_the_document() {
        let mut lock = example();
        Arc::make_mut(&mut lock.parts[0].files).insert("a \" b".into(), "[[part]] = # x".into());
        lock.adopted = vec![LockedAdoption {
            id: "ca/kubernetes".parse().unwrap(),
            spki_sha256: None,
            certificate_sha256: Some(Hex([0x99; 32])),
        }];
        lock.certificates[0].serial = None;
        let text = lock.to_toml();
        assert_eq!(Lock::by_rows(&text), Some(lock.clone()));
        assert_eq!(Lock::by_rows(&format!("{text}\n# the end\n")), Some(lock.clone()));
        assert_eq!(toml::from_str::<Lock>(&text).unwrap(), lock);
        assert_eq!(text, format!("{HEAD}\n{}", toml::to_string(&lock).unwrap()));
        let spread = text.replace("alt_names = [\"DNS:x\"]", "alt_names = [\n\"DNS:x\",\n]\n[[key]]\n[[key]]");
        assert!(spread.len() > text.len());
        for wrong in [
            text.replace("made_with = \"", "made_with = \"\"\"\n"),
            format!("{text}[formats]\nprofile = 1\n"),
            format!("{text}[[formats]]\n"),
            format!("{text}[[parts]]\n"),
            spread,
        ] {
            assert_eq!(Lock::by_rows(&wrong), None, "{wrong}");
            assert!(Lock::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        // Nobody writes it so, and it is a lock all the same.
        let several = text.replace("made_with = \"certferry 0.0.1\"", "made_with = \"\"\"certferry 0.0.1\"\"\"");
        assert_eq!(Lock::by_rows(&several), None);
        assert_eq!(Lock::parse(several.as_bytes()), Ok(lock));
    }

    #[test]
    fn other_formats_and_unknown_keys_are_refused() {
        let text = example().to_toml();
        assert_eq!(Lock::parse(text.replace("format = 1", "format = 2").as_bytes()), Err(LockError::Format(2)));
        let unknown = text.replace("seed_id", "seed_di");
        assert!(matches!(Lock::parse(unknown.as_bytes()), Err(LockError::Syntax(_))));
        assert!(matches!(Lock::parse(b"\xff"), Err(LockError::Syntax(_))));
        for (from, to) in [("\"node/cp-1\"", "\"nodes/cp-1\""), ("\"user/alice\"", "\"users/alice\"")] {
            assert!(text.contains(from), "{from}");
            assert!(matches!(Lock::parse(text.replace(from, to).as_bytes()), Err(LockError::Syntax(_))), "{to}");
        }
    }
}
