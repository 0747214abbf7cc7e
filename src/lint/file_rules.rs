//! Rules about files that must fit each other. [`crate::verify`] checks them; this file has their names, clauses and
//! severities.

use super::{Check, Rule, Severity};

pub(super) const RULES: [Rule; 8] = [
    KEY_PAIR,
    RIGHT_CA,
    DISTINCT_CA_SUBJECTS,
    FRONT_PROXY_APART,
    SAME_EVERYWHERE,
    KUBECONFIG_CA,
    KUBELET_INLINE,
    KEY_MODE,
];

/// A key and the certificate or public key beside it belong together.
pub const KEY_PAIR: Rule =
    rule("key-pair", "Go crypto/tls X509KeyPair: private key does not match public key", Severity::Error);

/// Each certificate is signed by the CA that its readers trust.
pub const RIGHT_CA: Rule = rule("right-ca", "kubeadm v1.20.2, certlist.go: CAName", Severity::Error);

/// No two CAs have one subject. A warning, because in files of their own, each read by other programs, they work, and
/// clusters exist in which it is so.
pub const DISTINCT_CA_SUBJECTS: Rule = rule(
    "distinct-ca-subjects",
    "RFC 5280, sections 4.1.2.6 and 6.1: a subject is one entity, and issuers are found by it",
    Severity::Warning,
);

/// The aggregation layer has a CA of its own.
pub const FRONT_PROXY_APART: Rule = rule(
    "front-proxy-apart",
    "Kubernetes, Configure the Aggregation Layer: CA Reusage and Conflicts",
    Severity::Warning,
);

/// The whole cluster has one CA of each kind and one service-account key.
pub const SAME_EVERYWHERE: Rule =
    rule("same-everywhere", "kubeadm v1.20.2, copycerts.go: certificates and sa key of all", Severity::Error);

/// A kubeconfig trusts the cluster's CA.
pub const KUBECONFIG_CA: Rule =
    rule("kubeconfig-ca", "kubeadm v1.20.2, kubeconfig.go: the cluster's CA is embedded", Severity::Error);

/// The kubeconfig of a kubelet refers to the credentials in the kubelet's store.
pub const KUBELET_INLINE: Rule =
    rule("kubelet-inline", "kubeadm v1.20.2, kubeletfinalize.go: kubelet-client-current.pem", Severity::Error);

/// Only the owner can read a private key.
pub const KEY_MODE: Rule = rule("key-mode", "client-go v1.20.2, keyutil/key.go WriteKey: 0600", Severity::Error);

const fn rule(id: &'static str, clause: &'static str, severity: Severity) -> Rule {
    Rule { id, clause, severity, check: Check::Files }
}
