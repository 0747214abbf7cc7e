//! What can be wrong with a node's files.

use time::OffsetDateTime;

use crate::lint::{Breach, Severity};
use crate::x509::PemError;

/// Something wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `node/<name>` or `cluster`.
    pub part: String,
    /// The file's path in the part's tree.
    pub file: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a PEM file of certificates and keys.
    Pem(PemError),
    /// Holds another number of certificates or keys than such a file should.
    Contents,
    /// The key is not the certificate's.
    KeyMismatch,
    /// A key without the certificate, or the other way round.
    Alone,
    /// No CA beside it signed it.
    UnknownAuthority {
        /// The issuer it names.
        issuer: String,
    },
    /// The chain does not verify for a usage; what webpki said.
    Chain {
        /// `serverAuth` or `clientAuth`.
        usage: &'static str,
        /// webpki's word.
        reason: String,
    },
    /// It ends before the time asked for.
    Expired {
        /// Its last second.
        not_after: OffsetDateTime,
    },
    /// It begins after the time asked for.
    NotYetValid {
        /// Its first second.
        not_before: OffsetDateTime,
    },
    /// Not a kubeconfig in certferry's form.
    Kubeconfig,
    /// The CA inside a kubeconfig is not the node's `ca.crt`.
    OtherAuthority,
    /// A kubeconfig refers to a file that is not in the tree.
    MissingFile {
        /// The path it names.
        path: String,
    },
    /// Another CA of the same part has this subject and another key.
    SameSubject {
        /// The subject.
        subject: String,
    },
    /// The kubelet's credentials are inside kubelet.conf.
    InlineKubelet,
    /// Others than the owner may read a private key.
    Mode {
        /// Permission bits.
        mode: u32,
    },
    /// A certificate breaks a rule.
    Rule(Breach),
    /// The file must be the same on all nodes, and another node has another.
    Differs {
        /// The part whose file came first.
        from: String,
    },
}

impl Fault {
    /// Whether another time could mend it.
    #[must_use]
    pub const fn is_about_time(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::NotYetValid { .. })
    }

    /// Whether it works all the same.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::Rule(breach) if breach.rule.severity == Severity::Warning)
    }
}
