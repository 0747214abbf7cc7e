//! How a node's files can differ from what was installed, as data.

use time::OffsetDateTime;

use super::key_users::KeyUser;
use crate::host::{FileOwner, FoundKind};

/// A place at which something differs from the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drifted {
    /// The place, relative to the root.
    pub place: String,
    /// How it differs.
    pub change: Change,
    /// What that means.
    pub weight: Weight,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The node is not as it was installed.
    Problem,
    /// Nothing on the node needs what was taken away.
    Note,
    /// As [`Self::Note`], and a person has accepted it ([`accept`](crate::node::accept())).
    Accepted,
}

/// How a place differs from the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file or link is not there.
    Missing {
        /// The flag of a static pod that names the file.
        needed_by: Option<KeyUser>,
    },
    /// The folder is not there, and with it so many files and links of the record.
    MissingFolder {
        /// The number of files and links.
        files: usize,
    },
    /// Another certificate is there, in the file or in the kubeconfig.
    Certificate(ChangedCertificate),
    /// The CA certificate is another.
    Authority {
        /// The last second of the new certificate's validity.
        not_after: OffsetDateTime,
        /// That of the installed one, if it is known.
        installed_not_after: Option<OffsetDateTime>,
        /// Whether the new certificate has the key of the installed CA. `None` when nothing on the node tells.
        has_same_key: Option<bool>,
    },
    /// Another key is there.
    Key {
        /// The file with the certificate or public key that belongs to the new key, which is another, too.
        of: Option<String>,
    },
    /// The content is another, and no more can be said of it than this text, which continues a sentence that begins
    /// with the place.
    Content(String),
    /// The link leads elsewhere.
    Target {
        /// Where it leads to.
        found: String,
        /// Where it led to when it was installed.
        installed: String,
        /// Why that is not the kubelet's own rotation: a text that continues a sentence that begins with the target.
        reason: String,
    },
    /// Something of another kind stands there.
    Kind(FoundKind),
    /// The permissions or the owner are others.
    Access {
        /// The permissions that are there and those that were installed, if they differ.
        mode: Option<(u32, u32)>,
        /// The owner that is there and the one that was installed, if they differ.
        owner: Option<(FileOwner, FileOwner)>,
    },
}

/// Another leaf certificate than the installed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedCertificate {
    /// The last second of its validity.
    pub not_after: OffsetDateTime,
    /// That of the installed one, if it is known.
    pub installed_not_after: Option<OffsetDateTime>,
    /// Who signed it.
    pub signer: Signer,
    /// Whether the file with its key is another, too, and belongs to it.
    pub has_new_key: bool,
}

/// Who signed a certificate that is not the installed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The installed CA: the certificate was renewed.
    Installed,
    /// The CA that has taken the place of the installed one.
    Changed {
        /// The place of the CA.
        authority: String,
    },
    /// Neither.
    Other {
        /// The issuer that the certificate names (RFC 4514).
        issuer: String,
    },
    /// Not known: the certificate names the CA, but nobody here can check its signature.
    Unchecked,
}
