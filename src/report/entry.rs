//! The inventory as data.

use time::OffsetDateTime;

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// In the order in which they were given.
    pub groups: Vec<EntryGroup>,
    /// What could not be read, in the order in which it was met.
    pub problems: Vec<Problem>,
}

impl Inventory {
    /// Every certificate.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.groups.iter().flat_map(|group| &group.entries)
    }

    /// Keeps only what ends before `until` or then, or has ended.
    pub fn keep_ending(&mut self, until: OffsetDateTime) {
        for group in &mut self.groups {
            group.entries.retain(|entry| entry.not_after <= until);
            group.missing.clear();
        }
    }
}

/// What belongs together: a tree, a bundle, or all single files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryGroup {
    /// What was inspected, as it was named.
    pub title: String,
    /// Source by source (a bundle has one for each part); in each by kind, then by name.
    pub entries: Vec<Entry>,
    /// What kubeadm would look for on such a node and is not there.
    pub missing: Vec<Missing>,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As kubeadm calls it (`etcd-server`, `admin.conf`), else after its file.
    pub name: String,
    /// What it is for.
    pub kind: EntryKind,
    /// The file, as a person would open it; in a bundle the path in the archive.
    pub path: String,
    /// Which certificate of its file, or of its field in a kubeconfig, from 1.
    pub position: usize,
    /// The field of a kubeconfig that holds it.
    pub embedded: Option<Embedded>,
    /// The node whose part of a bundle it is in.
    pub node: Option<String>,
    /// RFC 4514, the most specific part first.
    pub subject: String,
    /// The last common name of the subject; empty if it has none.
    pub subject_common_name: String,
    /// RFC 4514; what the certificate says, proved or not.
    pub issuer: String,
    /// The last common name of the issuer; empty if it has none.
    pub issuer_common_name: String,
    /// The name of the inspected CA whose signature it bears; `None` when none of those does.
    pub authority: Option<String>,
    /// Whether the CA's key is elsewhere, so that kubeadm cannot renew the certificate (of a CA: its own key). `None`
    /// when nobody looked for it.
    pub externally_managed: Option<bool>,
    /// First second of validity.
    pub not_before: OffsetDateTime,
    /// Last second of validity.
    pub not_after: OffsetDateTime,
    /// Whether basicConstraints says CA.
    pub is_ca: bool,
    /// Whether it is a person's who may do everything: of the group `system:masters`.
    pub is_break_glass: bool,
    /// Key usages, then extended ones, by the names RFC 5280 gives them; an unknown one as dotted numbers.
    pub usages: Vec<String>,
    /// `DNS:`, `IP:`, `URI:`, `email:` and the name, in order.
    pub alt_names: Vec<String>,
    /// `RSA 2048`, `EC P-256`, `Ed25519`.
    pub key: String,
    /// Lower-case hex, whole octets.
    pub serial: String,
    /// The same number in decimal, as Go prints it.
    pub serial_in_decimal: String,
    /// SHA-256 of the DER in lower-case hex.
    pub sha256: String,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A leaf that `kubeadm certs check-expiration` lists.
    Kubeadm,
    /// A CA.
    Authority,
    /// The kubelet's, client or server.
    Kubelet,
    /// Of a kubeconfig that is neither kubeadm's nor the kubelet's.
    User,
    /// A client of etcd in a bundle's `cluster` part.
    EtcdClient,
    /// Any other.
    Other,
}

impl EntryKind {
    /// The word for it in JSON.
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
    /// Of which list.
    pub kind: EmbeddedKind,
    /// The name of the list's element.
    pub name: String,
}

/// The lists of a kubeconfig that hold certificates, and Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EmbeddedKind {
    /// `clusters`.
    Cluster,
    /// `users`.
    User,
    /// A Secret; its name is `namespace/name`.
    Secret,
}

impl EmbeddedKind {
    /// The word for it in JSON and in labels.
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
    /// kubeadm's name.
    pub name: &'static str,
    /// Whether it is a CA.
    pub is_authority: bool,
    /// The node whose part of a bundle lacks it.
    pub node: Option<String>,
}

/// A file that could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// Why.
    pub fault: Fault,
}

/// Why a file could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Reading it failed; what the operating system said.
    Unreadable(String),
    /// Neither PEM nor DER nor a kubeconfig.
    Unknown,
    /// A PEM block that is cut off or not base64.
    Pem,
    /// No certificate in it.
    NoCertificate,
    /// A certificate that cannot be read; what the decoder said.
    Certificate {
        /// Which one of the file, from 1.
        position: usize,
        /// What the decoder said.
        reason: String,
    },
    /// Not YAML as kubeconfigs are written.
    Yaml(String),
    /// YAML, but no kubeconfig.
    NotKubeconfig,
    /// A field of a kubeconfig that is not base64.
    Base64(Embedded),
    /// A field of a kubeconfig that has this fault.
    Embedded(Embedded, Box<Fault>),
    /// A field of a kubeconfig names a file that is not there.
    MissingFile {
        /// The field.
        embedded: Embedded,
        /// The file as the kubeconfig names it.
        file: String,
    },
}
