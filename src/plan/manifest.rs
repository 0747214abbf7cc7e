//! What programs in the cluster and the people who run it get: manifests, scripts, settings.

use crate::kubernetes::KeyId;
use crate::profile::{SecretName, SecretType, Trust};

/// A file that is rendered from a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// A Secret with certificate and key.
    Secret(SecretManifest),
    /// A script that writes a CA into every caBundle of a Service.
    CaBundles(CaBundles),
    /// A ClusterIssuer of cert-manager.
    ClusterIssuer {
        /// Its name.
        name: String,
        /// The Secret of its CA.
        secret: SecretName,
    },
    /// An Ingress that has cert-manager issue its certificate, for example.
    IngressExample {
        /// The ClusterIssuer.
        issuer: String,
        /// A host that the issuer may sign for.
        host: String,
    },
    /// A root that pods are to trust.
    Trust {
        /// As what.
        kind: Trust,
        /// The object's name.
        name: String,
        /// The namespace of a ConfigMap.
        namespace: String,
        /// The root.
        ca: KeyId,
    },
    /// A script that makes a node trust the root beside it.
    TrustRoot {
        /// What the root is called on the node.
        name: String,
    },
    /// Bindings of roles, those of the whole cluster first.
    Bindings(Vec<RoleBinding>),
    /// The environment of `etcdctl`.
    EtcdctlEnvironment {
        /// URLs of etcd's members.
        endpoints: Vec<String>,
    },
}

/// A Secret with certificate and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretManifest {
    /// Who reads it, which decides what the manifest says of its use.
    pub reader: SecretReader,
    /// Where it is.
    pub name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// What it holds, by key, in order.
    pub entries: Vec<(&'static str, Material)>,
}

/// Who reads a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretReader {
    /// MetalLB, which writes the CA into its webhooks itself.
    Metallb,
    /// MetalLB without its rotation.
    MetallbByHand,
    /// Another webhook.
    Webhook,
    /// cert-manager.
    CertManager,
    /// An ingress controller or any other program.
    Tls,
    /// A client of etcd.
    EtcdClient,
}

/// A value of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// A certificate in PEM.
    Certificate(KeyId),
    /// A private key in PEM.
    PrivateKey(KeyId),
}

/// A CA and the Service whose callers are to trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaBundles {
    /// The Service's namespace.
    pub namespace: String,
    /// The Service.
    pub service: String,
    /// The objects that must be found, as `validating/NAME`.
    pub expected: Vec<String>,
    /// The CA.
    pub ca: KeyId,
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleBinding {
    /// Its name.
    pub name: String,
    /// The namespace of a RoleBinding; a ClusterRoleBinding has none.
    pub namespace: Option<String>,
    /// `ClusterRole` or `Role`.
    pub role_kind: &'static str,
    /// The role's name.
    pub role: String,
    /// `User` or `Group`.
    pub subject_kind: &'static str,
    /// Who is bound.
    pub subject: String,
}

impl RoleBinding {
    /// `RoleBinding` or `ClusterRoleBinding`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        if self.namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" }
    }
}

impl Material {
    const fn id(&self) -> &KeyId {
        match self {
            Self::Certificate(id) | Self::PrivateKey(id) => id,
        }
    }
}

impl Manifest {
    /// Whether a private key is in it.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }

    /// The certificates and keys it is made from; of keys alone the bytes do not change with the certificate.
    pub(super) fn materials(&self) -> Vec<(&KeyId, bool)> {
        match self {
            Self::Secret(secret) => {
                let is_key = |material: &Material| matches!(material, Material::PrivateKey(_));
                secret.entries.iter().map(|(_, material)| (material.id(), is_key(material))).collect()
            }
            Self::CaBundles(CaBundles { ca, .. }) | Self::Trust { ca, .. } => vec![(ca, false)],
            _ => Vec::new(),
        }
    }

    /// As [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        match self {
            Self::Secret(SecretManifest { reader, name, secret_type, entries }) => {
                let entry = |(key, material): &(&str, Material)| match material {
                    Material::Certificate(id) => format!("{key}: certificate {id}"),
                    Material::PrivateKey(id) => format!("{key}: key {id}"),
                };
                let entries: Vec<_> = entries.iter().map(entry).collect();
                format!("Secret {name} {} for {} with {}", secret_type.name(), reader.name(), entries.join(", "))
            }
            Self::CaBundles(CaBundles { namespace, service, expected, ca }) => {
                let expected: String = expected.iter().map(|known| format!(" {known}")).collect();
                format!("caBundles of {namespace}/{service} with certificate {ca}{expected}")
            }
            Self::ClusterIssuer { name, secret } => format!("ClusterIssuer {name} of {secret}"),
            Self::IngressExample { issuer, host } => format!("Ingress {host} by {issuer}"),
            Self::Trust { kind, name, namespace, ca } => match kind {
                Trust::ConfigMap => format!("ConfigMap {namespace}/{name} with certificate {ca}"),
                Trust::TrustManager => format!("Bundle {name} with certificate {ca}"),
            },
            Self::TrustRoot { name } => format!("trust in {name}"),
            Self::Bindings(bindings) => {
                let binding = |binding: &RoleBinding| {
                    let RoleBinding { name, namespace, role_kind, role, subject_kind, subject } = binding;
                    let place = namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
                    format!("{name}: {role_kind} {role}{place} for {subject_kind} {subject}")
                };
                bindings.iter().map(binding).collect::<Vec<_>>().join("; ")
            }
            Self::EtcdctlEnvironment { endpoints } => format!("etcdctl at {}", endpoints.join(",")),
        }
    }
}

impl SecretReader {
    const fn name(self) -> &'static str {
        match self {
            Self::Metallb => "MetalLB",
            Self::MetallbByHand => "MetalLB without rotation",
            Self::Webhook => "a webhook",
            Self::CertManager => "cert-manager",
            Self::Tls => "a program",
            Self::EtcdClient => "a client of etcd",
        }
    }
}
