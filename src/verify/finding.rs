//! Everything that can be wrong with a node's files.

use time::OffsetDateTime;

use crate::lint::{Breach, Rule, Severity, file_rules};
use crate::x509::PemError;

/// A fault of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The part: `node/<name>` or `cluster`, or for other files the name that the caller gave them.
    pub part: String,
    /// The path of the file in the part's tree.
    pub file: String,
    /// The fault.
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file is not PEM with certificates and keys.
    Pem(PemError),
    /// The file has another number of certificates or keys than such a file should have.
    Contents,
    /// The key does not belong to the certificate.
    KeyMismatch,
    /// A key is without its certificate, or a certificate without its key.
    Alone,
    /// None of the CAs at hand signed the certificate, or a CA certificate did not sign itself.
    UnknownAuthority {
        /// The issuer that the certificate names.
        issuer: String,
    },
    /// The chain does not verify for a usage.
    Chain {
        /// The usage: `serverAuth` or `clientAuth`.
        usage: &'static str,
        /// The error of webpki.
        reason: String,
    },
    /// The certificate has expired at the requested time.
    Expired {
        /// The last second of its validity.
        not_after: OffsetDateTime,
    },
    /// The certificate is not yet valid at the requested time.
    NotYetValid {
        /// The first second of its validity.
        not_before: OffsetDateTime,
    },
    /// The certificate is signed by a CA at hand that is not the right one for its purpose.
    WrongAuthority {
        /// The file of the CA that signed the certificate.
        signer: String,
    },
    /// A kubeconfig of a bundle differs, if only in a byte, from those that certferry writes.
    Kubeconfig,
    /// A file of a disk has the name of a kubeconfig but cannot be read as one, and was not checked.
    NotKubeconfig,
    /// The CA of a kubeconfig is not the one in the `ca.crt` of its node, or of the nodes.
    OtherAuthority,
    /// A kubeconfig names a file that is not in the tree.
    MissingFile {
        /// The path, as the kubeconfig names it.
        path: String,
    },
    /// A CA of another purpose in the same part has the same subject and another key.
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
    /// Users other than the owner have access to a file that holds a private key.
    Mode {
        /// The permission bits.
        mode: u32,
    },
    /// A certificate breaks a rule.
    Rule(Breach),
    /// The file must be the same in all parts, and differs from that of an earlier part.
    Differs {
        /// The earlier part.
        from: String,
    },
}

impl Fault {
    /// Returns whether the fault depends only on the time of the check.
    #[must_use]
    pub const fn is_about_time(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::NotYetValid { .. })
    }

    /// Returns the rule that the fault breaks, or `None` when no rule is about it because the file or the chain does
    /// not work at all.
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

    /// Returns whether the fault is only a warning: its rule is one, or the file could not be checked.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        let by_rule = self.rule().is_some_and(|rule| rule.severity == Severity::Warning);
        by_rule || matches!(self, Self::NotKubeconfig)
    }
}
