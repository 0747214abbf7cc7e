//! What can be wrong with a node's files.

use time::OffsetDateTime;

use crate::lint::{Breach, Rule, Severity, file_rules};
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
    /// Signed by a CA that is at hand, but is not the one for this.
    WrongAuthority {
        /// The file of the CA that signed it.
        signer: String,
    },
    /// In a bundle, not a kubeconfig as certferry writes it, byte for byte.
    Kubeconfig,
    /// A file on a disk that has a kubeconfig's name and cannot be read as one: it was not checked.
    NotKubeconfig,
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
        /// The file of the other CA.
        other: String,
    },
    /// The CA of the aggregation layer has the key of the cluster's CA.
    FrontProxyShared,
    /// The kubelet's credentials are inside kubelet.conf.
    InlineKubelet,
    /// Others than the owner may use what holds a private key.
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

    /// The rule that it breaks, if there is one for it: without one, a file or a chain is broken outright.
    #[must_use]
    pub const fn rule(&self) -> Option<&'static Rule> {
        match self {
            Self::Rule(breach) => Some(breach.rule),
            Self::KeyMismatch => Some(&file_rules::KEY_PAIR),
            Self::WrongAuthority { .. } => Some(&file_rules::RIGHT_CA),
            Self::SameSubject { .. } => Some(&file_rules::DISTINCT_CA_SUBJECTS),
            Self::FrontProxyShared => Some(&file_rules::FRONT_PROXY_APART),
            Self::Differs { .. } => Some(&file_rules::SAME_EVERYWHERE),
            Self::OtherAuthority => Some(&file_rules::KUBECONFIG_CA),
            Self::InlineKubelet => Some(&file_rules::KUBELET_INLINE),
            Self::Mode { .. } => Some(&file_rules::KEY_MODE),
            Self::Pem(_)
            | Self::Contents
            | Self::Alone
            | Self::UnknownAuthority { .. }
            | Self::Chain { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::Kubeconfig
            | Self::NotKubeconfig
            | Self::MissingFile { .. } => None,
        }
    }

    /// Whether it works all the same, as far as anybody can tell.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        let by_rule = self.rule().is_some_and(|rule| rule.severity == Severity::Warning);
        by_rule || matches!(self, Self::NotKubeconfig)
    }
}
