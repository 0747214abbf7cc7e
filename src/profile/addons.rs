//! What a checked profile says about the certificates of programs in the cluster.

use super::ca::Authority;
use crate::kubernetes::Version;
use crate::x509::{AltName, ExtendedKeyUsage, PermittedNames, Validity};

/// The name of a Secret in which a program of the cluster finds its certificate and key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    /// The namespace, an RFC 1123 label.
    pub namespace: String,
    /// The name, an RFC 1123 subdomain.
    pub name: String,
}

impl SecretName {
    /// Returns `namespace.name`, from which the names of the Secret's files are made. A namespace has no dot, so no two
    /// Secrets share one.
    #[must_use]
    pub fn file_stem(&self) -> String {
        format!("{}.{}", self.namespace, self.name)
    }
}

impl std::fmt::Display for SecretName {
    /// Writes `namespace/name`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// The type of a Secret. Kubernetes never changes the type of a Secret that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretType {
    /// `kubernetes.io/tls`.
    Tls,
    /// `Opaque`.
    Opaque,
}

impl SecretType {
    /// Returns the name in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "kubernetes.io/tls",
            Self::Opaque => "Opaque",
        }
    }
}

/// `[metallb]`: the certificates of MetalLB's webhook.
#[derive(Clone, Debug)]
pub struct Metallb {
    /// The version of MetalLB.
    pub version: Version,
    /// The Secret of MetalLB's webhook.
    pub secret: SecretName,
    /// The Service of MetalLB's webhook, in the namespace of the Secret.
    pub service: String,
    /// What becomes of the rotation in MetalLB's controller.
    pub rotation: Rotation,
    /// `[ca.metallb]`: the CA that signs for the webhook.
    pub ca: Authority,
    /// A number that is raised to give the webhook a new key.
    pub generation: u32,
    /// The validity of the webhook's certificate.
    pub validity: Validity,
}

/// What becomes of the rotation in MetalLB's controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The rotation stays on. It finds nothing to do, and writes the CA into every webhook itself.
    Cooperate,
    /// The rotation is switched off, and the CA is written by hand.
    Disabled,
}

/// `[[webhook]]`: the certificate of a webhook's server, and the places of its CA.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The Service that the API server calls, in the namespace of the Secret.
    pub service: String,
    /// The Secret in which the webhook's server finds its certificate and key.
    pub secret: SecretName,
    /// The type of that Secret.
    pub secret_type: SecretType,
    /// The objects into which the CA is written, as `validating/NAME`. Each of them must exist then.
    pub configurations: Vec<String>,
    /// Further names of the certificate.
    pub hosts: Vec<AltName>,
    /// The webhook's own CA. Without one, `[ca.webhook]` signs.
    pub own_ca: Option<Authority>,
    /// A number that is raised to give the webhook a new key, and its own CA one too.
    pub generation: u32,
    /// The validity of the webhook's certificate.
    pub validity: Validity,
}

/// `[cert_manager]`: an intermediate CA from which cert-manager issues certificates.
#[derive(Clone, Debug)]
pub struct CertManager {
    /// The Secret in which cert-manager finds the intermediate CA.
    pub secret: SecretName,
    /// The name of the ClusterIssuer.
    pub issuer: String,
    /// `[ca.cert-manager]`: an intermediate below `[ca.tls]`.
    pub ca: Authority,
    /// The extended key usages of what the intermediate CA may sign, at least one.
    pub usages: Vec<ExtendedKeyUsage>,
    /// The names that the intermediate CA may sign for.
    pub permitted: PermittedNames,
    /// How the root of `[ca.tls]` reaches pods.
    pub trust: Trust,
}

/// How the root of `[ca.tls]` reaches pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By a ConfigMap in cert-manager's namespace.
    ConfigMap,
    /// By a Bundle of trust-manager, which spreads the root over all namespaces.
    TrustManager,
}

/// `[[tls]]`: a certificate for a program that is no part of Kubernetes.
#[derive(Clone, Debug)]
pub struct TlsCertificate {
    /// The Secret, after which the files are named.
    pub secret: SecretName,
    /// The common name of the subject.
    pub common_name: String,
    /// The subject alternative names.
    pub hosts: Vec<AltName>,
    /// The extended key usages, at least one.
    pub usages: Vec<ExtendedKeyUsage>,
    /// The CA that signs the certificate.
    pub issuer: TlsIssuer,
    /// A number that is raised for a new key.
    pub generation: u32,
    /// The validity of the certificate.
    pub validity: Validity,
}

/// The CA that signs a `[[tls]]` certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsIssuer {
    /// `[ca.tls]`, the root that people import.
    Tls,
    /// `[ca.kubernetes]`, the cluster's own CA.
    Kubernetes,
    /// `[ca.etcd]`, etcd's CA.
    Etcd,
}

/// A role to which a `[[user]]` is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The namespace in which the binding holds, or `None` when it holds in the whole cluster.
    pub namespace: Option<String>,
    /// `ClusterRole` or `Role`.
    pub role_kind: &'static str,
    /// The name of the role.
    pub role: String,
}
