//! Manifests, scripts and settings for programs in the cluster and for the people who run it.

use super::etcd_file::EtcdFile;
use super::kubeadm_file::{Discovery, KubeadmFile};
use super::planned_chain::{PlannedChain, above};
use super::registry_file::RegistryFile;
use crate::kubernetes::KeyId;
use crate::profile::{RootCertificate, SecretName, SecretType, Trust};

/// A file that is rendered from a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// A Secret with certificate and key.
    Secret(SecretManifest),
    /// A script that writes a CA into every caBundle of a Service.
    CaBundles(CaBundles),
    /// A ClusterIssuer of cert-manager.
    ClusterIssuer {
        /// The name of the ClusterIssuer.
        name: String,
        /// The Secret that holds its CA.
        secret: SecretName,
    },
    /// An example of an Ingress whose certificate cert-manager issues.
    IngressExample {
        /// The name of the ClusterIssuer.
        issuer: String,
        /// A host that the issuer may sign for.
        host: String,
    },
    /// An object that carries a root to pods.
    Trust {
        /// The kind of the object.
        kind: Trust,
        /// The name of the object.
        name: String,
        /// The namespace, when the object is a ConfigMap.
        namespace: String,
        /// The root.
        ca: Material,
    },
    /// A script that makes a node trust the root beside it.
    TrustRoot {
        /// The name of the root on the node.
        name: String,
    },
    /// Bindings of roles. Those that hold in the whole cluster come first.
    Bindings(Vec<RoleBinding>),
    /// The bindings on which certificates of this version rely.
    RequiredBindings(Vec<RoleBinding>),
    /// The environment of `etcdctl`.
    EtcdctlEnvironment {
        /// The URLs of etcd's members.
        endpoints: Vec<String>,
    },
    /// A file of a control plane's part that restarts its API server.
    ApiServerRestart(ApiServerRestart),
    /// Configuration for kubeadm or a kubelet.
    Kubeadm(KubeadmFile),
    /// Settings of etcd's members, or for whoever watches them.
    Etcd(EtcdFile),
    /// A file of a node about the root of a registry.
    Registry(RegistryFile),
    /// The script that does in the cluster what files cannot, for a phase of a rotation.
    RotationScript {
        /// The phase, 1 to 3.
        phase: u32,
        /// The name of the cluster.
        cluster: String,
        /// The nodes of the profile that have a kubelet.
        nodes: Vec<String>,
    },
}

/// A file that restarts a control plane's API server before the certificate ends that it makes, in memory, for its
/// calls to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiServerRestart {
    /// The script.
    Script {
        /// The address and port of this control plane's API server.
        own: String,
        /// The addresses and ports of all others.
        others: Vec<String>,
    },
    /// The service of systemd that runs the script.
    Service,
    /// The timer of systemd that starts the service.
    Timer {
        /// The position of the control plane among all, from 1. It is the day of the month, too.
        number: usize,
        /// The number of control planes.
        count: usize,
    },
}

/// A Secret with certificate and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretManifest {
    /// The program that reads the Secret, which decides what the manifest says about its use.
    pub reader: SecretReader,
    /// The namespace and name of the Secret.
    pub name: SecretName,
    /// The type of the Secret.
    pub secret_type: SecretType,
    /// The keys of the Secret and their values, in order.
    pub entries: Vec<(&'static str, Material)>,
}

/// The program that reads a Secret.
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

/// A certificate or key, as a value in a Secret or as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// A certificate in PEM.
    Certificate(KeyId),
    /// Certificates in PEM, each the issuer of the one before.
    Chain(PlannedChain),
    /// A root that was adopted, in PEM.
    Root(RootCertificate),
    /// A private key in PEM.
    PrivateKey(KeyId),
}

/// A CA, and the Service whose callers shall trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaBundles {
    /// The namespace of the Service.
    pub namespace: String,
    /// The name of the Service.
    pub service: String,
    /// The objects that must exist when the CA is written, as `validating/NAME`.
    pub expected: Vec<String>,
    /// The CA.
    pub ca: KeyId,
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleBinding {
    /// The name of the binding.
    pub name: String,
    /// The namespace of a RoleBinding, or `None` for a ClusterRoleBinding.
    pub namespace: Option<String>,
    /// `ClusterRole` or `Role`.
    pub role_kind: &'static str,
    /// The name of the role.
    pub role: String,
    /// `User` or `Group`.
    pub subject_kind: &'static str,
    /// The name of the user or group that is bound.
    pub subject: String,
}

impl RoleBinding {
    /// Returns `RoleBinding` or `ClusterRoleBinding`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        if self.namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" }
    }
}

impl Material {
    fn ids(&self) -> Vec<&KeyId> {
        match self {
            Self::Certificate(id) | Self::PrivateKey(id) => vec![id],
            Self::Chain(chain) => chain.certificates.iter().collect(),
            Self::Root(_) => Vec::new(),
        }
    }

    fn outline(&self) -> String {
        match self {
            Self::Certificate(id) => format!("certificate {id}"),
            Self::PrivateKey(id) => format!("key {id}"),
            Self::Chain(chain) => chain.outline(),
            Self::Root(root) => format!("certificate{}", above(std::slice::from_ref(root))),
        }
    }
}

impl Manifest {
    /// Returns whether the file holds a private key.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }

    /// Returns the certificates and keys from which the file is made, each with whether only its key is used. Then the
    /// bytes do not change with the certificate.
    pub(super) fn materials(&self) -> Vec<(&KeyId, bool)> {
        match self {
            // A hash of the CA's public key stands beside the token.
            Self::Kubeadm(KubeadmFile::JoinWorker { discovery: Discovery::Token { ca, .. }, .. }) => vec![(ca, true)],
            Self::Secret(secret) => {
                let is_key = |material: &Material| matches!(material, Material::PrivateKey(_));
                let of = |material| Material::ids(material).into_iter().map(move |id| (id, is_key(material)));
                secret.entries.iter().flat_map(|(_, material)| of(material)).collect()
            }
            Self::CaBundles(CaBundles { ca, .. }) => vec![(ca, false)],
            Self::Trust { ca, .. } => ca.ids().into_iter().map(|id| (id, false)).collect(),
            _ => Vec::new(),
        }
    }

    /// Describes the content; see [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        match self {
            Self::Secret(SecretManifest { reader, name, secret_type, entries }) => {
                let entry = |(key, material): &(&str, Material)| format!("{key}: {}", material.outline());
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
                Trust::ConfigMap => format!("ConfigMap {namespace}/{name} with {}", ca.outline()),
                Trust::TrustManager => format!("Bundle {name} with {}", ca.outline()),
            },
            Self::TrustRoot { name } => format!("trust in {name}"),
            Self::Bindings(bindings) | Self::RequiredBindings(bindings) => {
                let binding = |binding: &RoleBinding| {
                    let RoleBinding { name, namespace, role_kind, role, subject_kind, subject } = binding;
                    let place = namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
                    format!("{name}: {role_kind} {role}{place} for {subject_kind} {subject}")
                };
                bindings.iter().map(binding).collect::<Vec<_>>().join("; ")
            }
            Self::EtcdctlEnvironment { endpoints } => format!("etcdctl at {}", endpoints.join(",")),
            Self::ApiServerRestart(ApiServerRestart::Script { own, others }) => {
                format!("restart of kube-apiserver at {own} beside {}", others.join(","))
            }
            Self::ApiServerRestart(ApiServerRestart::Service) => "service of the restart of kube-apiserver".to_owned(),
            Self::ApiServerRestart(ApiServerRestart::Timer { number, count }) => {
                format!("timer of the restart of kube-apiserver {number} of {count}")
            }
            Self::Kubeadm(file) => file.outline(),
            Self::Etcd(file) => file.outline(),
            Self::Registry(file) => file.outline(),
            Self::RotationScript { phase, cluster, nodes } => {
                format!("script of phase {phase} of the rotation of {cluster} with {}", nodes.join(","))
            }
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
