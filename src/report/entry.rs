//! The inventory as data. Entries share texts, because every part of a bundle has the same CAs.

use std::sync::Arc;

use time::OffsetDateTime;

/// All certificates that were found, and the files that could not be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The groups, in the order in which the sources were given.
    pub groups: Vec<EntryGroup>,
    /// The files that could not be read, in the order in which they were met.
    pub problems: Vec<Problem>,
}

impl Inventory {
    /// Returns every certificate of all groups.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.groups.iter().flat_map(|group| &group.entries)
    }

    /// Returns every missing certificate without which something on the node does not work. A kubeconfig of a person,
    /// such as admin.conf, may be kept elsewhere and is not among them.
    pub fn needed(&self) -> impl Iterator<Item = &Missing> {
        self.groups.iter().flat_map(|group| &group.missing).filter(|missing| !missing.is_of_person)
    }

    /// Keeps only the certificates that end at `until` or earlier, and those that are missing.
    pub fn keep_ending(&mut self, until: OffsetDateTime) {
        for group in &mut self.groups {
            group.entries.retain(|entry| entry.not_after <= until);
        }
    }
}

/// The certificates of one tree, of one bundle, or of all single files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryGroup {
    /// The name of what was inspected, as the user gave it.
    pub title: String,
    /// The certificates, source by source. A bundle has a source for each part. Those of a source are in the order of
    /// kind and name.
    pub entries: Vec<Entry>,
    /// The certificates that kubeadm would look for on such a node and would not find.
    pub missing: Vec<Missing>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// kubeadm's name for the certificate (`etcd-server`, `admin.conf`), or else a name after its file.
    pub name: Arc<str>,
    /// The purpose of the certificate.
    pub kind: EntryKind,
    /// The path of the file, as a person would open it. In a bundle it is the path in the archive.
    pub path: String,
    /// The position of the certificate in its file, or in its field of a kubeconfig, from 1.
    pub position: usize,
    /// The field of a kubeconfig, or the Secret of a manifest, that holds or names the certificate.
    pub embedded: Option<Embedded>,
    /// The node whose part of a bundle has the certificate.
    pub node: Option<String>,
    /// The subject in the form of RFC 4514, the most specific attribute first.
    pub subject: Arc<str>,
    /// The last common name of the subject, or an empty text if it has none.
    pub subject_common_name: Arc<str>,
    /// The issuer in the form of RFC 4514, as the certificate states it, proved or not.
    pub issuer: Arc<str>,
    /// The last common name of the issuer, or an empty text if it has none.
    pub issuer_common_name: Arc<str>,
    /// The name of the inspected CA that signed the certificate, or `None` when none of them did.
    pub authority: Option<Arc<str>>,
    /// Whether the key of the CA is elsewhere, so that kubeadm cannot renew the certificate. For a CA it is the CA's
    /// own key. `None` when the CA was not inspected, or nobody looked for its key.
    pub externally_managed: Option<bool>,
    /// The first second of validity.
    pub not_before: OffsetDateTime,
    /// The last second of validity.
    pub not_after: OffsetDateTime,
    /// Whether basicConstraints marks the certificate as a CA.
    pub is_ca: bool,
    /// Whether the certificate gives a person full power, because it is of the group `system:masters`.
    pub is_break_glass: bool,
    /// The key usages, then the extended ones, by their names in RFC 5280. An unknown usage is a dotted number.
    pub usages: Vec<Arc<str>>,
    /// The alternative names in order, each with its kind: `DNS:`, `IP:`, `URI:`, `email:`.
    pub alt_names: Vec<String>,
    /// The algorithm and size of the public key: `RSA 2048`, `EC P-256`, `Ed25519`.
    pub key: Arc<str>,
    /// The serial number in lower-case hex, in whole octets.
    pub serial: Arc<str>,
    /// The serial number in decimal, as Go prints it.
    pub serial_in_decimal: Arc<str>,
    /// The SHA-256 of the DER in lower-case hex.
    pub sha256: Arc<str>,
}

/// The purpose of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A leaf that `kubeadm certs check-expiration` lists.
    Kubeadm,
    /// A CA.
    Authority,
    /// A client or server certificate of the kubelet.
    Kubelet,
    /// A certificate of a kubeconfig that is neither kubeadm's nor the kubelet's.
    User,
    /// A certificate of a client of etcd, in a bundle's `cluster` part.
    EtcdClient,
    /// Any other certificate.
    Other,
}

impl EntryKind {
    /// Returns the word for the kind in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubeadm => "kubeadm",
            Self::Authority => "authority",
            Self::Kubelet => "kubelet",
            Self::User => "user",
            Self::EtcdClient => "etcd-client",
            Self::Other => "other",
        }
    }
}

/// A field of a kubeconfig, or a Secret in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Embedded {
    /// The list that has the field, or that it is a Secret.
    pub kind: EmbeddedKind,
    /// The name of the element in that list, or of the Secret.
    pub name: String,
}

/// The lists of a kubeconfig that hold certificates, and Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EmbeddedKind {
    /// The list `clusters`.
    Cluster,
    /// The list `users`.
    User,
    /// A Secret, with the name `namespace/name`.
    Secret,
}

impl EmbeddedKind {
    /// Returns the word for the kind in JSON and in labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::User => "user",
            Self::Secret => "secret",
        }
    }
}

/// A file that kubeadm lists as missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// kubeadm's name for the file.
    pub name: &'static str,
    /// Whether the file is a CA's.
    pub is_authority: bool,
    /// Whether the file is the kubeconfig of a person, which nothing on the node reads.
    pub is_of_person: bool,
    /// The node whose part of a bundle lacks the file.
    pub node: Option<String>,
}

/// A file that could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the file.
    pub path: String,
    /// The reason.
    pub fault: Fault,
}

/// Why a file could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file could not be read. The text is the error of the operating system.
    Unreadable(String),
    /// The file is neither PEM nor DER nor a kubeconfig.
    Unknown,
    /// A PEM block is cut off or not base64.
    Pem,
    /// The file holds no certificate.
    NoCertificate,
    /// A certificate cannot be read.
    Certificate {
        /// The position of the certificate in the file, from 1.
        position: usize,
        /// The error of the decoder.
        reason: String,
    },
    /// The file is not YAML as kubeconfigs are written. The text is the error of the reader.
    Yaml(String),
    /// The file is YAML, but not a kubeconfig.
    NotKubeconfig,
    /// A field of a kubeconfig is not base64.
    Base64(Embedded),
    /// The content of a field of a kubeconfig has a fault.
    Embedded(Embedded, Box<Fault>),
    /// A field of a kubeconfig names a file that is not there.
    MissingFile {
        /// The field.
        embedded: Embedded,
        /// The path of the file, as the kubeconfig names it.
        file: String,
    },
}
