//! Where etcd's members are, and the files that say so.

use std::net::{IpAddr, SocketAddr};

use super::etcd_file::EtcdFile;
use super::file::{PlannedContent, PlannedFile, file};
use super::manifest::Manifest;
use crate::kubernetes::Role;
use crate::profile::{EtcdTopology, Node, Profile};

/// The ports at which a member serves clients, and other members.
const CLIENT_PORT: u16 = 2379;
const PEER_PORT: u16 = 2380;

/// Returns the nodes that are members of etcd, in the order of the profile, each with its first address.
fn members(profile: &Profile) -> impl Iterator<Item = (&Node, IpAddr)> {
    let role = match profile.cluster.etcd {
        EtcdTopology::Stacked => Role::ControlPlane,
        EtcdTopology::External => Role::Etcd,
    };
    let members = profile.nodes.iter().filter(move |node| node.role == role);
    members.filter_map(|node| Some((node, *node.addresses.first()?)))
}

/// Returns the URL at which each member serves clients.
pub(super) fn client_urls(profile: &Profile) -> Vec<String> {
    if let Some(foreign) = &profile.foreign_etcd {
        return foreign.endpoints.clone();
    }
    members(profile).map(|(_, address)| url(address, CLIENT_PORT)).collect()
}

fn url(address: IpAddr, port: u16) -> String {
    format!("https://{}", SocketAddr::new(address, port))
}

/// Plans the files of each member of external etcd.
///
/// They are in the cluster's part and not in the nodes': a node's part has what kubeadm and kubelets look for in places
/// that are always the same, and how a machine starts etcd is its keeper's business.
pub(super) fn files(profile: &Profile) -> Vec<PlannedFile> {
    if profile.cluster.etcd != EtcdTopology::External {
        return Vec::new();
    }
    let all: Vec<_> =
        members(profile).map(|(node, address)| format!("{}={}", node.name, url(address, PEER_PORT))).collect();
    let certificates_dir = &profile.cluster.certificates_dir;
    let of_member = |(node, address): (&Node, IpAddr)| {
        let environment = EtcdFile::Environment {
            name: node.name.clone(),
            client_url: url(address, CLIENT_PORT),
            peer_url: url(address, PEER_PORT),
            cluster: profile.cluster.name.clone(),
            members: all.clone(),
            certificates_dir: certificates_dir.clone(),
        };
        let path = |name: &str| format!("etcd/{}/{name}", node.name);
        let drop_in = EtcdFile::DropIn { name: node.name.clone(), certificates_dir: certificates_dir.clone() };
        [planned(path("etcd.env"), environment), planned(path("etcd.drop-in"), drop_in)]
    };
    members(profile).flat_map(of_member).collect()
}

/// Plans what Prometheus reads with the certificate of a client of etcd, in that client's folder.
pub(super) fn prometheus(profile: &Profile, folder: &str) -> PlannedFile {
    let targets = members(profile).map(|(_, address)| SocketAddr::new(address, CLIENT_PORT).to_string()).collect();
    let file = EtcdFile::Prometheus { cluster: profile.cluster.name.clone(), targets };
    planned(format!("{folder}/prometheus.yaml"), file)
}

fn planned(path: String, content: EtcdFile) -> PlannedFile {
    file(path, PlannedContent::Manifest(Box::new(Manifest::Etcd(content))))
}
