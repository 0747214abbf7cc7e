//! Kubeconfigs: which user connects to which API server, and with what credentials.

use std::net::IpAddr;
use std::sync::Arc;

use super::certificate::ca_key;
use super::planned_chain;
use crate::kubernetes::{CLUSTER_NAME, CaName, KeyId, Role, Server};
use crate::profile::{Node, Profile, RootCertificate};
use crate::x509::AltName;

/// A kubeconfig to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKubeconfig {
    /// The user's name, which is the common name of the certificate.
    pub user: String,
    /// The name of the cluster.
    pub cluster: String,
    /// `https://host:port`.
    pub server: String,
    /// The CAs whose certificates are embedded: one, or in a phase of a rotation two, that which issues first.
    pub authorities: Vec<KeyId>,
    /// The certificates above the CA that are embedded behind it, up to the root. There are none where kubeadm or a program
    /// of Kubernetes reads the kubeconfig: Go trusts the CA alone, kubeadm up to 1.30 takes nothing else (kubeconfig.go
    /// `validateKubeConfig`), and what admin.conf trusts becomes `cluster-info` and the `ca.crt` of nodes that join, by
    /// which their kubelets know clients.
    pub issuers: Arc<[RootCertificate]>,
    /// The certificate and key of the user, or where they are.
    pub credentials: Credentials,
}

impl PlannedKubeconfig {
    /// Returns the id of the key and certificate in the kubeconfig, or `None` when they are in another file.
    #[must_use]
    pub const fn embedded(&self) -> Option<&KeyId> {
        match &self.credentials {
            Credentials::Embedded(id) => Some(id),
            Credentials::Path(_) => None,
        }
    }

    /// Describes the content; see [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        let server = &self.server;
        // kubeadm's own name goes without saying.
        let cluster = if self.cluster == CLUSTER_NAME { String::new() } else { format!(" of {}", self.cluster) };
        let beside = self.authorities.iter().skip(1).map(|id| format!(" and {id}"));
        let above = beside.collect::<String>() + &planned_chain::above(&self.issuers);
        match &self.credentials {
            Credentials::Embedded(id) => format!("kubeconfig {server}{cluster} with {id}{above}"),
            Credentials::Path(path) => format!("kubeconfig {server}{cluster} with {path}{above}"),
        }
    }
}

/// Where the client certificate and key of a kubeconfig are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// In the kubeconfig itself.
    Embedded(KeyId),
    /// Both in a file on the node.
    Path(&'static str),
}

/// Plans the kubeconfig of a component on a node. `first` is the first control plane.
pub(super) fn for_node(
    profile: &Profile,
    (node, first): (&Node, Option<&Node>),
    server: Server,
    user: String,
    credentials: Credentials,
) -> PlannedKubeconfig {
    let version = profile.cluster.kubernetes;
    let local = match server {
        Server::ControlPlaneEndpoint => false,
        Server::Local => true,
        Server::LocalOnControlPlanes(since) => node.role == Role::ControlPlane && since.includes(version),
    };
    let is_control_plane = node.role == Role::ControlPlane;
    let server = if local {
        url_of_node(profile, node)
    } else {
        endpoint_url(profile, is_control_plane.then_some(node).or(first))
    };
    let cluster = profile.cluster.kubeconfig_cluster_name.clone();
    PlannedKubeconfig { user, cluster, server, authorities: authorities(profile), issuers: Arc::default(), credentials }
}

/// Plans the kubeconfig of a `[[user]]`. `first` is the first control plane.
pub(super) fn for_user(profile: &Profile, first: Option<&Node>, user: &str) -> PlannedKubeconfig {
    PlannedKubeconfig {
        user: user.to_owned(),
        cluster: profile.cluster.kubeconfig_cluster_name.clone(),
        server: endpoint_url(profile, first),
        authorities: authorities(profile),
        issuers: planned_chain::issuers_of_all(&profile.kubernetes_ca),
        credentials: Credentials::Embedded(KeyId::User(user.into())),
    }
}

fn authorities(profile: &Profile) -> Vec<KeyId> {
    planned_chain::ids(&ca_key(CaName::Kubernetes), &profile.kubernetes_ca)
}

fn endpoint_url(profile: &Profile, control_plane: Option<&Node>) -> String {
    format!("https://{}", endpoint(profile, control_plane))
}

/// Returns the host and port of the control plane endpoint. Without an endpoint, returns those of the given control
/// plane.
///
/// Source: kubeadm v1.20.2, util/endpoint.go `GetControlPlaneEndpoint`.
pub(super) fn endpoint(profile: &Profile, control_plane: Option<&Node>) -> String {
    let port = profile.cluster.api_server_port;
    match &profile.cluster.control_plane_endpoint {
        Some(endpoint) => host_and_port(&endpoint.host, endpoint.port.unwrap_or(port)),
        None => control_plane.map_or_else(String::new, |node| local_endpoint(profile, node)),
    }
}

fn url_of_node(profile: &Profile, node: &Node) -> String {
    format!("https://{}", local_endpoint(profile, node))
}

fn local_endpoint(profile: &Profile, node: &Node) -> String {
    let advertise_address = node.addresses.first().copied();
    let of = |address| host_and_port(&AltName::Ip(address), profile.cluster.api_server_port);
    advertise_address.map_or_else(String::new, of)
}

fn host_and_port(host: &AltName, port: u16) -> String {
    match host {
        AltName::Ip(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        AltName::Ip(IpAddr::V4(address)) => format!("{address}:{port}"),
        AltName::Dns(name) => format!("{name}:{port}"),
    }
}
