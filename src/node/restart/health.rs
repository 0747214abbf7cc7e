//! Asks etcd, the API server and the kubelet whether they are well. etcd and the API server are asked over TLS with the
//! files that are live.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::error::{ProbeFailure, Unwell};
use super::manifest::Manifest;
use crate::host::{Deadline, NodeTree, TlsClient, addresses, ask, pause};
use crate::kubernetes::{CLUSTER_CA, CertificatesDir, Component, ETCD_CA, FILE_LIMIT};

/// The time that one question may take.
const ONE: Duration = Duration::from_secs(5);
/// The ports of etcd and of kube-apiserver unless a manifest says otherwise, and the port at which the kubelet tells
/// its health.
const ETCD_PORT: u16 = 2379;
const API_SERVER_PORT: u16 = 6443;
const KUBELET_PORT: u16 = 10248;

/// The address and path at which a component is asked whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    address: SocketAddr,
    path: &'static str,
}

/// The files for a question, with kubeadm's own folder of certificates: the CA to trust, and the possible certificates to
/// show with their keys.
struct Pki {
    authority: &'static str,
    identities: &'static [&'static str],
}

const ETCD: Pki = Pki {
    authority: ETCD_CA,
    identities: &[
        "etc/kubernetes/pki/etcd/healthcheck-client",
        "etc/kubernetes/pki/apiserver-etcd-client",
        ETCD_SERVER,
    ],
};
const ETCD_SERVER: &str = "etc/kubernetes/pki/etcd/server";
const ETCD_PEERS: Pki = Pki { authority: ETCD_CA, identities: &["etc/kubernetes/pki/etcd/peer"] };
const API_SERVER: Pki = Pki {
    authority: CLUSTER_CA,
    // Anonymous questions may be forbidden.
    identities: &["etc/kubernetes/pki/apiserver-kubelet-client"],
};

/// Returns the endpoints at which a component can be asked. Returns none for a component that cannot be.
pub(super) fn endpoints(component: Component, manifest: Option<&Manifest>) -> Vec<Endpoint> {
    let flag = |name: &str| manifest.and_then(|manifest| manifest.flag(name));
    let at =
        |addresses: Vec<SocketAddr>, path| addresses.into_iter().map(|address| Endpoint { address, path }).collect();
    match component {
        Component::Etcd => {
            let urls = flag("listen-client-urls").map(https).filter(|urls| !urls.is_empty());
            at(urls.unwrap_or_else(|| own(ETCD_PORT)), "/health")
        }
        Component::ApiServer => {
            let port = flag("secure-port").and_then(|port| port.parse().ok()).unwrap_or(API_SERVER_PORT);
            let address = |name| flag(name)?.parse::<IpAddr>().ok().filter(|address| !address.is_unspecified());
            let address = address("advertise-address").or_else(|| address("bind-address"));
            at(address.map_or_else(|| own(port), |address| vec![SocketAddr::new(address, port)]), "/readyz")
        }
        Component::Kubelet => at(vec![(Ipv4Addr::LOCALHOST, KUBELET_PORT).into()], "/healthz"),
        Component::ControllerManager | Component::Scheduler => Vec::new(),
    }
}

/// Returns the port on every address of this host, loopback first.
fn own(port: u16) -> Vec<SocketAddr> {
    let mut addresses = addresses().unwrap_or_default();
    addresses.sort_by_key(|address| (!address.is_loopback(), *address));
    addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()
}

/// Returns the addresses of the `https` URLs in a list separated by commas, loopback first.
fn https(urls: &str) -> Vec<SocketAddr> {
    let address = |url: &str| {
        let mut address: SocketAddr = url.strip_prefix("https://")?.trim_end_matches('/').parse().ok()?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Some(address)
    };
    let mut addresses: Vec<_> = urls.split(',').filter_map(address).collect();
    addresses.sort_by_key(|address| !address.ip().is_loopback());
    addresses
}

/// Returns the first endpoint that answers as it should.
///
/// # Errors
/// Returns the answer of the first endpoint when none answers as it should, and `None` when there are no endpoints.
pub(super) fn answering(
    (tree, folder): (&NodeTree, &CertificatesDir),
    component: Component,
    endpoints: &[Endpoint],
) -> Result<Endpoint, Option<Unwell>> {
    let mut first = None;
    for endpoint in endpoints {
        match probe(tree, folder, component, endpoint) {
            Ok(()) => return Ok(endpoint.clone()),
            Err(last) => {
                first.get_or_insert(Unwell { component, url: url(component, endpoint), last });
            }
        }
    }
    Err(first)
}

/// Waits until one of the endpoints answers as it should. Returns at once when there are no endpoints.
///
/// # Errors
/// Returns the last answer of the first endpoint when none answers as it should in time.
pub(super) fn wait(
    (tree, folder): (&NodeTree, &CertificatesDir),
    component: Component,
    endpoints: &[Endpoint],
    time: Duration,
) -> Result<(), Unwell> {
    let deadline = Deadline::after(time);
    loop {
        match answering((tree, folder), component, endpoints) {
            Ok(_) | Err(None) => return Ok(()),
            Err(Some(unwell)) if deadline.left().is_none() => return Err(unwell),
            Err(Some(_)) => pause(),
        }
    }
}

pub(super) fn url(component: Component, endpoint: &Endpoint) -> String {
    let scheme = if component == Component::Kubelet { "http" } else { "https" };
    format!("{scheme}://{}{}", endpoint.address, endpoint.path)
}

fn probe(
    tree: &NodeTree,
    folder: &CertificatesDir,
    component: Component,
    endpoint: &Endpoint,
) -> Result<(), ProbeFailure> {
    let client = match component {
        Component::Etcd => Some(client(tree, folder, &ETCD)?),
        Component::ApiServer => Some(client(tree, folder, &API_SERVER)?),
        _ => None,
    };
    let get = |path| ask(endpoint.address, path, client.as_ref(), ONE).map_err(ProbeFailure::Unasked);
    let mut answer = get(endpoint.path)?;
    if answer.status == 404 && component == Component::ApiServer {
        // Kubernetes before 1.16 has no /readyz.
        answer = get("/healthz")?;
    }
    if answer.status == 200 { Ok(()) } else { Err(ProbeFailure::Unwell(answer)) }
}

/// Returns a client that trusts the CA of the live files, and shows the first certificate whose files can be read.
fn client(tree: &NodeTree, folder: &CertificatesDir, pki: &Pki) -> Result<TlsClient, ProbeFailure> {
    let read = |place: &str| {
        let place = &*folder.place(place);
        let resolved = tree.resolve(place).and_then(|place| tree.read(&place, FILE_LIMIT));
        resolved.map_err(|error| ProbeFailure::Unreadable(place.to_owned(), error))
    };
    let authority = read(pki.authority)?;
    let mut identity = None;
    for name in pki.identities {
        if let (Ok(certificate), Ok(key)) = (read(&format!("{name}.crt")), read(&format!("{name}.key"))) {
            identity = Some((certificate, key));
            break;
        }
    }
    let identity = identity.as_ref().map(|(certificate, key)| (certificate.as_slice(), key.as_slice()));
    TlsClient::new(&authority, identity).map_err(ProbeFailure::Unasked)
}

/// Returns the number of members of etcd: the one that the member on this node tells its peers, otherwise that of the
/// manifest, which knows the members of the day on which it was written. Returns `None` when neither tells it.
pub(super) fn members(tree: &NodeTree, folder: &CertificatesDir, manifest: Option<&Manifest>) -> Option<usize> {
    let manifest = manifest?;
    let peers = manifest.flag("listen-peer-urls").map(https).unwrap_or_default();
    let told = peers.into_iter().find_map(|address| {
        let answer = ask(address, "/members", Some(&client(tree, folder, &ETCD_PEERS).ok()?), ONE).ok()?;
        if answer.status != 200 {
            return None;
        }
        serde_json::from_str::<Vec<serde_json::Value>>(&answer.body).ok().map(|members| members.len())
    });
    told.or_else(|| manifest.flag("initial-cluster").map(|members| members.split(',').count()))
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Manifest;
    use super::{endpoints, url};
    use crate::kubernetes::Component::{self, ApiServer, Etcd, Kubelet, Scheduler};

    fn urls(component: Component, flags: &str) -> Vec<String> {
        let manifest = Manifest::read(&format!("command: [{flags}]"));
        let endpoints = endpoints(component, Some(&manifest));
        endpoints.iter().map(|endpoint| url(component, endpoint)).collect()
    }

    #[test]
    fn components_are_asked_where_their_manifests_say() {
        assert_eq!(
            urls(Etcd, "'--listen-client-urls=https://10.0.0.1:2379,https://127.0.0.1:2379'"),
            ["https://127.0.0.1:2379/health", "https://10.0.0.1:2379/health"]
        );
        assert_eq!(
            urls(Etcd, "'--listen-client-urls=http://127.0.0.1:2381,https://[fd00::1]:12379/,https://0.0.0.0:2379'"),
            ["https://127.0.0.1:2379/health", "https://[fd00::1]:12379/health"]
        );
        assert_eq!(urls(ApiServer, "--advertise-address=10.0.0.1"), ["https://10.0.0.1:6443/readyz"]);
        assert_eq!(
            urls(ApiServer, "--bind-address=0.0.0.0, --advertise-address=fd00::1, --secure-port=8443"),
            ["https://[fd00::1]:8443/readyz"]
        );
        assert_eq!(urls(ApiServer, "--bind-address=10.0.0.2"), ["https://10.0.0.2:6443/readyz"]);
        assert_eq!(urls(Kubelet, ""), ["http://127.0.0.1:10248/healthz"]);
        assert!(urls(Scheduler, "--bind-address=127.0.0.1").is_empty());
    }

    #[test]
    fn without_a_word_from_a_manifest_this_host_is_asked_everywhere() {
        let found: Vec<_> = endpoints(Etcd, None).iter().map(|endpoint| url(Etcd, endpoint)).collect();
        assert!(found.contains(&"https://127.0.0.1:2379/health".to_owned()), "{found:?}");
        let found: Vec<_> = endpoints(ApiServer, None).iter().map(|endpoint| url(ApiServer, endpoint)).collect();
        assert!(found.contains(&"https://127.0.0.1:6443/readyz".to_owned()), "{found:?}");
    }
}
