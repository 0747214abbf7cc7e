//! Configuration for kubeadm and kubelets, as data.

use std::fmt::{Display, Formatter, Result as FormatResult};
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::kubernetes::{CertificatesDir, KeyId, KubeadmApi, Version};
use crate::x509::AltName;

/// A file of configuration for kubeadm or for a kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeadmFile {
    /// For `kubeadm init` on the first control plane.
    Init {
        /// The control plane.
        server: LocalServer,
        /// What holds for the whole cluster.
        cluster: Box<ClusterConfiguration>,
    },
    /// For `kubeadm join` of a control plane.
    JoinControlPlane {
        /// The version of the configuration.
        api: KubeadmApi,
        /// The control plane.
        server: LocalServer,
        /// Whether the node's part brings a kubelet.conf.
        has_kubelet_conf: bool,
        /// Where the certificates lie.
        certificates_dir: CertificatesDir,
    },
    /// For `kubeadm join` of any worker.
    JoinWorker {
        /// The version of the configuration.
        api: KubeadmApi,
        /// How the worker finds the cluster.
        discovery: Discovery,
        /// Where the certificates lie.
        certificates_dir: CertificatesDir,
    },
    /// For a kubelet that starts without kubeadm.
    Kubelet(KubeletConfiguration),
}

/// How a worker finds the cluster and proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// By the kubelet.conf that its part brings.
    KubeletConf,
    /// By a token that a person makes when the cluster runs.
    Token {
        /// The host and port of an API server.
        endpoint: String,
        /// The CA that must have signed the API server's certificate.
        ca: KeyId,
    },
}

/// The API server of a control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    /// The name of the node.
    pub name: String,
    /// The address at which it is found.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

/// What kubeadm's `ClusterConfiguration` says, as far as certificates depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfiguration {
    /// The version of the configuration.
    pub api: KubeadmApi,
    /// The version of Kubernetes.
    pub kubernetes: Version,
    /// The name of the cluster in kubeconfigs, unless it is kubeadm's own.
    pub name: Option<String>,
    /// Where the certificates lie.
    pub certificates_dir: CertificatesDir,
    /// The host and port that clients of the API servers connect to, if the profile names one.
    pub endpoint: Option<String>,
    /// Further names of the API servers.
    pub cert_sans: Vec<AltName>,
    /// The path by which pods verify API servers, if it is not that of the CA.
    pub root_ca_file: Option<String>,
    /// Where etcd runs.
    pub etcd: KubeadmEtcd,
    /// The service subnets.
    pub service_subnets: Vec<IpNet>,
    /// The domain of the cluster.
    pub dns_domain: String,
    /// Whether the feature gate for two service subnets must be set.
    pub gates_dual_stack: bool,
    /// How kubeadm makes certificates anew, where its configuration says so.
    pub renewal: Option<Renewal>,
}

/// Where kubeadm finds etcd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeadmEtcd {
    /// On each control plane; with further names of the members.
    Local(Vec<AltName>),
    /// On machines of its own.
    External {
        /// The URLs of its members.
        endpoints: Vec<String>,
        /// The files of the API servers as clients of somebody else's etcd. `None` means those of a bundle.
        files: Option<EtcdClientFiles>,
    },
}

/// The files with which an API server is a client of somebody else's etcd: their absolute paths on a control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdClientFiles {
    /// The CA of the members' certificates.
    pub ca: String,
    /// The client's certificate.
    pub certificate: String,
    /// The client's key.
    pub key: String,
}

/// How kubeadm makes certificates anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The hours that a leaf lives.
    pub leaf_hours: i64,
    /// The hours that a CA lives. No CA is made, but kubeadm warns of a leaf that lives longer than this.
    pub ca_hours: i64,
    /// The name of the algorithm of its key, unless this kubeadm does not know it.
    pub algorithm: Option<&'static str>,
}

/// A kubelet's configuration, as far as certificates and the profile decide it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletConfiguration {
    /// The address of the cluster's DNS server.
    pub cluster_dns: Option<IpAddr>,
    /// The domain of the cluster.
    pub cluster_domain: String,
    /// Where the certificates lie.
    pub certificates_dir: CertificatesDir,
    /// Whether it asks systemd for cgroups, as kubeadm has it.
    pub has_systemd_cgroups: bool,
}

impl KubeadmFile {
    /// Describes the content; see [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        match self {
            Self::Init { server, cluster } => format!("kubeadm init of {server}: {}", cluster.outline()),
            Self::JoinControlPlane { api, server, has_kubelet_conf, certificates_dir } => {
                let with = if *has_kubelet_conf { " with kubelet.conf" } else { "" };
                format!("kubeadm join of {server}{with}, {}{}", api.name(), with_folder(certificates_dir))
            }
            Self::JoinWorker { api, discovery, certificates_dir } => {
                let with = match discovery {
                    Discovery::KubeletConf => "kubelet.conf".to_owned(),
                    Discovery::Token { endpoint, ca } => format!("a token and key {ca} at {endpoint}"),
                };
                format!("kubeadm join of a worker with {with}, {}{}", api.name(), with_folder(certificates_dir))
            }
            Self::Kubelet(KubeletConfiguration {
                cluster_dns,
                cluster_domain,
                certificates_dir,
                has_systemd_cgroups,
            }) => {
                let dns = cluster_dns.map(|address| address.to_string()).unwrap_or_default();
                let cgroups = if *has_systemd_cgroups { ", cgroups of systemd" } else { "" };
                let folder = with_folder(certificates_dir);
                format!("kubelet configuration: DNS {dns}, domain {cluster_domain}{cgroups}{folder}")
            }
        }
    }
}

/// Says where the certificates lie, unless that is kubeadm's own folder.
pub(super) fn with_folder(folder: &CertificatesDir) -> String {
    if folder.is_default() { String::new() } else { format!(", certificates in {folder}") }
}

impl ClusterConfiguration {
    fn outline(&self) -> String {
        let names = |names: &[AltName]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let mut text = format!("{}, Kubernetes {}", self.api.name(), self.kubernetes);
        if let Some(name) = &self.name {
            text += &format!(", called {name}");
        }
        text += &with_folder(&self.certificates_dir);
        if let Some(endpoint) = &self.endpoint {
            text += &format!(", endpoint {endpoint}");
        }
        if !self.cert_sans.is_empty() {
            text += &format!(", SANs {}", names(&self.cert_sans));
        }
        if let Some(file) = &self.root_ca_file {
            text += &format!(", pods verify by {file}");
        }
        match &self.etcd {
            KubeadmEtcd::Local(sans) if sans.is_empty() => {}
            KubeadmEtcd::Local(sans) => text += &format!(", SANs of etcd {}", names(sans)),
            KubeadmEtcd::External { endpoints, files } => {
                text += &format!(", etcd {}", endpoints.join(","));
                if let Some(EtcdClientFiles { ca, certificate, key }) = files {
                    text += &format!(" with {ca}, {certificate} and {key}");
                }
            }
        }
        let subnets: Vec<_> = self.service_subnets.iter().map(ToString::to_string).collect();
        text += &format!(", services {}, domain {}", subnets.join(","), self.dns_domain);
        if let Some(Renewal { leaf_hours, ca_hours, algorithm }) = &self.renewal {
            text += &format!(", renewed for {leaf_hours}h of {ca_hours}h");
            if let Some(algorithm) = algorithm {
                text += &format!(" with {algorithm}");
            }
        }
        text
    }
}

impl Display for LocalServer {
    /// Writes `cp-1 at 192.168.1.11:6443`.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        write!(formatter, "{} at {}", self.name, SocketAddr::new(self.address, self.port))
    }
}
