//! The configuration that kubeadm and kubelets need to agree with the certificates: every value of it follows from the
//! profile.

use super::alt_names::service_address;
use super::certificate::ca_key;
use super::etcd;
use super::file::{PlannedContent, PlannedFile, file};
use super::kubeadm_file::{
    ClusterConfiguration, Discovery, EtcdClientFiles, KubeadmEtcd, KubeadmFile, KubeletConfiguration, LocalServer,
    Renewal,
};
use super::kubeconfig::endpoint;
use super::manifest::Manifest;
use super::planned_chain::issuers;
use crate::kubernetes::{
    CA_CHAIN, CLUSTER_NAME, CaName, KubeadmApi, Role, encryption_algorithm, gates_dual_stack, has_systemd_cgroups,
};
use crate::profile::{EtcdTopology, Node, Profile};
use crate::x509::Validity;

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
    let certificates_dir = &profile.cluster.certificates_dir;
    let init = KubeadmFile::Init { server, cluster: Box::new(cluster_configuration(profile, first)) };
    let mut files = vec![("kubeadm/init.yaml".to_owned(), init)];
    let control_planes: Vec<_> = profile.nodes.iter().filter(|node| node.role == Role::ControlPlane).collect();
    if control_planes.len() > 1 {
        // The first one has a file, too: when its disk is lost, it joins the others.
        files.extend(control_planes.iter().filter_map(|node| {
            let join = KubeadmFile::JoinControlPlane {
                api,
                server: local_server(profile, node)?,
                has_kubelet_conf,
                certificates_dir: certificates_dir.clone(),
            };
            Some((format!("kubeadm/join/{}.yaml", node.name), join))
        }));
    }
    let discovery = if has_kubelet_conf {
        Discovery::KubeletConf
    } else {
        Discovery::Token { endpoint: endpoint(profile, Some(first)), ca: ca_key(CaName::Kubernetes) }
    };
    let join = KubeadmFile::JoinWorker { api, discovery, certificates_dir: certificates_dir.clone() };
    files.push(("kubeadm/join-worker.yaml".to_owned(), join));
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
        EtcdTopology::External => KubeadmEtcd::External {
            endpoints: etcd::client_urls(profile),
            files: profile.foreign_etcd.as_ref().map(|foreign| EtcdClientFiles {
                ca: foreign.ca_file.clone(),
                certificate: foreign.cert_file.clone(),
                key: foreign.key_file.clone(),
            }),
        },
    };
    let api = KubeadmApi::of(cluster.kubernetes);
    ClusterConfiguration {
        api,
        kubernetes: cluster.kubernetes,
        name: Some(cluster.kubeconfig_cluster_name.clone()).filter(|name| name != CLUSTER_NAME),
        certificates_dir: cluster.certificates_dir.clone(),
        endpoint: cluster.control_plane_endpoint.as_ref().map(|_| endpoint(profile, None)),
        cert_sans: cluster.apiserver_cert_sans.clone(),
        root_ca_file: (!issuers(&profile.kubernetes_ca).is_empty())
            .then(|| format!("/{}", cluster.certificates_dir.place(CA_CHAIN))),
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
        authorities.extend(profile.etcd_ca.as_ref().map(|authority| authority.validity));
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
        certificates_dir: cluster.certificates_dir.clone(),
        has_systemd_cgroups: has_systemd_cgroups(cluster.kubernetes),
    }
}
