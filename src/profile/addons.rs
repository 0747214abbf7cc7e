//! What a checked profile says of the certificates of programs in the cluster.

use super::ca::Authority;
use crate::kubernetes::Version;
use crate::x509::{AltName, ExtendedKeyUsage, PermittedNames, Validity};

/// A Secret: where a program in the cluster finds its certificate and key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    /// RFC 1123 label.
    pub namespace: String,
    /// RFC 1123 subdomain.
    pub name: String,
}

impl SecretName {
    /// `namespace.name`: what its files are called. A namespace has no dot, so no two Secrets share one.
    #[must_use]
    pub fn file_stem(&self) -> String {
        format!("{}.{}", self.namespace, self.name)
    }
}

impl std::fmt::Display for SecretName {
    /// `namespace/name`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// The type of a Secret, which Kubernetes never changes afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretType {
    /// `kubernetes.io/tls`.
    Tls,
    /// `Opaque`.
    Opaque,
}

impl SecretType {
    /// The name in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "kubernetes.io/tls",
            Self::Opaque => "Opaque",
        }
    }
}

/// `[metallb]`.
#[derive(Clone, Debug)]
pub struct Metallb {
    /// The pinned version of MetalLB.
    pub version: Version,
    /// Its webhook's Secret.
    pub secret: SecretName,
    /// Its webhook's Service, in the same namespace.
    pub service: String,
    /// What becomes of its own rotation.
    pub rotation: Rotation,
    /// `[ca.metallb]`.
    pub ca: Authority,
    /// Raised to give the webhook a new key.
    pub generation: u32,
    /// When the webhook's certificate is valid.
    pub validity: Validity,
}

/// What becomes of the rotation in MetalLB's controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It goes on, finds nothing to do, and writes the CA into every webhook itself.
    Cooperate,
    /// It is switched off, and the CA is written by hand.
    Disabled,
}

/// `[[webhook]]`.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The Service that the API server calls, in the Secret's namespace.
    pub service: String,
    /// Where its server finds certificate and key.
    pub secret: SecretName,
    /// The type of that Secret.
    pub secret_type: SecretType,
    /// The objects that must be found when the CA is written into them, as `validating/NAME`.
    pub configurations: Vec<String>,
    /// Further names of the certificate.
    pub hosts: Vec<AltName>,
    /// Its own CA; without one, the shared one signs.
    pub own_ca: Option<Authority>,
    /// Raised to give it a new key, and a new CA of its own.
    pub generation: u32,
    /// When its certificate is valid.
    pub validity: Validity,
}

/// `[cert_manager]`.
#[derive(Clone, Debug)]
pub struct CertManager {
    /// Where cert-manager finds the intermediate CA.
    pub secret: SecretName,
    /// The name of the ClusterIssuer.
    pub issuer: String,
    /// `[ca.cert-manager]`: an intermediate below `[ca.tls]`.
    pub ca: Authority,
    /// What it may sign.
    pub permitted: PermittedNames,
    /// How the root reaches pods.
    pub trust: Trust,
}

/// How the root of `[ca.tls]` reaches pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A ConfigMap in cert-manager's namespace.
    ConfigMap,
    /// A Bundle of trust-manager, which spreads it over all namespaces.
    TrustManager,
}

/// `[[tls]]`.
#[derive(Clone, Debug)]
pub struct TlsCertificate {
    /// The Secret, which also names the files.
    pub secret: SecretName,
    /// Who it is.
    pub common_name: String,
    /// Its alternative names.
    pub hosts: Vec<AltName>,
    /// What it is for; at least one.
    pub usages: Vec<ExtendedKeyUsage>,
    /// Who signs it.
    pub issuer: TlsIssuer,
    /// Raised for a new key.
    pub generation: u32,
    /// When it is valid.
    pub validity: Validity,
}

/// Who signs a `[[tls]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsIssuer {
    /// `[ca.tls]`: the root that people import.
    Tls,
    /// `[ca.kubernetes]`.
    Kubernetes,
    /// `[ca.etcd]`.
    Etcd,
}

/// A role that a `[[user]]` is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds; everywhere without.
    pub namespace: Option<String>,
    /// `ClusterRole` or `Role`.
    pub role_kind: &'static str,
    /// The role's name.
    pub role: String,
}
