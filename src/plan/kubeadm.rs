//! The configuration that kubeadm and kubelets need to agree with the certificates: every value of it follows from the
//! profile.

use std::net::IpAddr;

use ipnet::IpNet;

use super::alt_names::service_address;
use super::certificate::ca_key;
use super::file::{PlannedContent, PlannedFile, file};
use super::kubeconfig::endpoint;
use super::manifest::Manifest;
use crate::kubernetes::{
    CaName, KeyId, KubeadmApi, Role, Version, encryption_algorithm, gates_dual_stack, has_systemd_cgroups,
};
use crate::profile::{EtcdTopology, Node, Profile};
use crate::x509::{AltName, Validity};

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
    },
    /// For `kubeadm join` of any worker.
    JoinWorker {
        /// The version of the configuration.
        api: KubeadmApi,
        /// How the worker finds the cluster.
        discovery: Discovery,
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
    /// The host and port that clients of the API servers connect to, if the profile names one.
    pub endpoint: Option<String>,
    /// Further names of the API servers.
    pub cert_sans: Vec<AltName>,
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
    /// At these URLs.
    External(Vec<String>),
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
    /// Whether it asks systemd for cgroups, as kubeadm has it.
    pub has_systemd_cgroups: bool,
}

/// The position of the DNS server in the first service subnet. Source: kubeadm v1.20.2, constants.go `GetDNSIP`.
const DNS_SERVER: u8 = 10;
/// The hours before a CA's end that kubeadm's leaves must keep away from it, where that is less than half of its life.
///
/// kubeadm counts from the day on which it renews, and does not look at the CA's end: what it renews within these 20
/// years of `issued_at` ends before its CA.
const RESERVE_HOURS: i64 = 20 * 8766;
/// The most hours that a duration of Go can hold: 2^63 nanoseconds.
const GO_HOURS: i64 = 2_562_047;

/// Plans the files. `first` is the first control plane.
pub(super) fn files(profile: &Profile, first: Option<&Node>) -> Vec<PlannedFile> {
    let Some(first) = first else { return Vec::new() };
    let Some(server) = local_server(profile, first) else { return Vec::new() };
    let api = KubeadmApi::of(profile.cluster.kubernetes);
    let has_kubelet_conf = profile.kubelet.client;
    let init = KubeadmFile::Init { server, cluster: Box::new(cluster_configuration(profile, first)) };
    let mut files = vec![("kubeadm/init.yaml".to_owned(), init)];
    let control_planes: Vec<_> = profile.nodes.iter().filter(|node| node.role == Role::ControlPlane).collect();
    if control_planes.len() > 1 {
        // The first one has a file, too: when its disk is lost, it joins the others.
        files.extend(control_planes.iter().filter_map(|node| {
            let join = KubeadmFile::JoinControlPlane { api, server: local_server(profile, node)?, has_kubelet_conf };
            Some((format!("kubeadm/join/{}.yaml", node.name), join))
        }));
    }
    let discovery = if has_kubelet_conf {
        Discovery::KubeletConf
    } else {
        Discovery::Token { endpoint: endpoint(profile, Some(first)), ca: ca_key(CaName::Kubernetes) }
    };
    files.push(("kubeadm/join-worker.yaml".to_owned(), KubeadmFile::JoinWorker { api, discovery }));
    files.push(("kubeadm/kubelet.yaml".to_owned(), KubeadmFile::Kubelet(kubelet(profile))));
    let planned = |(path, content)| file(path, PlannedContent::Manifest(Box::new(Manifest::Kubeadm(content))));
    files.into_iter().map(planned).collect()
}

fn local_server(profile: &Profile, node: &Node) -> Option<LocalServer> {
    let (name, port) = (node.name.clone(), profile.cluster.api_server_port);
    node.addresses.first().map(|address| LocalServer { name, address: *address, port })
}

fn cluster_configuration(profile: &Profile, first: &Node) -> ClusterConfiguration {
    let cluster = &profile.cluster;
    let etcd = match cluster.etcd {
        EtcdTopology::Stacked => KubeadmEtcd::Local(cluster.etcd_cert_sans.clone()),
        EtcdTopology::External => KubeadmEtcd::External(super::etcd::client_urls(profile)),
    };
    let api = KubeadmApi::of(cluster.kubernetes);
    ClusterConfiguration {
        api,
        kubernetes: cluster.kubernetes,
        endpoint: cluster.control_plane_endpoint.as_ref().map(|_| endpoint(profile, None)),
        cert_sans: cluster.apiserver_cert_sans.clone(),
        etcd,
        service_subnets: cluster.service_subnets.clone(),
        dns_domain: cluster.dns_domain.clone(),
        gates_dual_stack: cluster.service_subnets.len() > 1 && gates_dual_stack(cluster.kubernetes),
        renewal: api.has_periods().then(|| renewal(profile, first)),
    }
}

/// Returns for how long kubeadm shall make certificates: as long as the profile's leaves live, and yet so that nothing
/// ends after its CA that kubeadm renews in the CA's first 20 years, or in the first half of a shorter life.
fn renewal(profile: &Profile, first: &Node) -> Renewal {
    let mut authorities = vec![profile.kubernetes_ca.validity, profile.front_proxy_ca.validity];
    if profile.cluster.etcd == EtcdTopology::Stacked {
        authorities.push(profile.etcd_ca.validity);
    }
    let begin = profile.cluster.issued_at.midnight().assume_utc();
    let ends = authorities.iter().map(|validity| (validity.not_after - begin).whole_hours());
    let ca_hours = ends.min().unwrap_or_default().clamp(1, GO_HOURS);
    let leaf_hours = hours(first.validity).min((ca_hours - RESERVE_HOURS).max(ca_hours / 2)).max(1);
    let algorithm = encryption_algorithm(profile.leaf_algorithm, profile.cluster.kubernetes);
    Renewal { leaf_hours, ca_hours, algorithm }
}

fn hours(validity: Validity) -> i64 {
    (validity.not_after - validity.issued_at.midnight().assume_utc()).whole_hours()
}

fn kubelet(profile: &Profile) -> KubeletConfiguration {
    let cluster = &profile.cluster;
    KubeletConfiguration {
        cluster_dns: cluster.service_subnets.first().map(|subnet| service_address(subnet, DNS_SERVER)),
        cluster_domain: cluster.dns_domain.clone(),
        has_systemd_cgroups: has_systemd_cgroups(cluster.kubernetes),
    }
}

impl KubeadmFile {
    /// Describes the content; see [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        match self {
            Self::Init { server, cluster } => format!("kubeadm init of {server}: {}", cluster.outline()),
            Self::JoinControlPlane { api, server, has_kubelet_conf } => {
                let with = if *has_kubelet_conf { " with kubelet.conf" } else { "" };
                format!("kubeadm join of {server}{with}, {}", api.name())
            }
            Self::JoinWorker { api, discovery } => {
                let with = match discovery {
                    Discovery::KubeletConf => "kubelet.conf".to_owned(),
                    Discovery::Token { endpoint, ca } => format!("a token and key {ca} at {endpoint}"),
                };
                format!("kubeadm join of a worker with {with}, {}", api.name())
            }
            Self::Kubelet(KubeletConfiguration { cluster_dns, cluster_domain, has_systemd_cgroups }) => {
                let dns = cluster_dns.map(|address| address.to_string()).unwrap_or_default();
                let cgroups = if *has_systemd_cgroups { ", cgroups of systemd" } else { "" };
                format!("kubelet configuration: DNS {dns}, domain {cluster_domain}{cgroups}")
            }
        }
    }
}

impl ClusterConfiguration {
    fn outline(&self) -> String {
        let names = |names: &[AltName]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let mut text = format!("{}, Kubernetes {}", self.api.name(), self.kubernetes);
        if let Some(endpoint) = &self.endpoint {
            text += &format!(", endpoint {endpoint}");
        }
        if !self.cert_sans.is_empty() {
            text += &format!(", SANs {}", names(&self.cert_sans));
        }
        match &self.etcd {
            KubeadmEtcd::Local(sans) if sans.is_empty() => {}
            KubeadmEtcd::Local(sans) => text += &format!(", SANs of etcd {}", names(sans)),
            KubeadmEtcd::External(urls) => text += &format!(", etcd {}", urls.join(",")),
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

impl std::fmt::Display for LocalServer {
    /// Writes `cp-1 at 192.168.1.11:6443`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} at {}", self.name, std::net::SocketAddr::new(self.address, self.port))
    }
}
