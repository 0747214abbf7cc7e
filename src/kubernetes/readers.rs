//! Which component reads which file and so must be restarted when it changes.

use std::collections::BTreeSet;

use super::certificate::{AUTHORITIES, CERTIFICATES, SERVICE_ACCOUNT_READERS};
use super::certificates_dir::usual_place;
use super::component::Component;
use super::place::{CA_CHAIN, CA_SIGNING, PKI};
use super::registry::is_of_registry;
use super::role::Role;

/// Returns the beginnings of paths in a node's tree, each with the components that read the files there.
///
/// The first beginning that fits a path counts. A file that fits none is read by people, or by a new process each time.
pub fn readers_by_path() -> impl Iterator<Item = (String, &'static [Component])> {
    let authorities = AUTHORITIES.iter().flat_map(|row| {
        let file = |extension: &str| format!("{PKI}/{}.{extension}", row.base_name);
        [(file("crt"), row.readers), (file("key"), row.key_readers)]
    });
    let leaves = CERTIFICATES.iter().flat_map(|row| row.output.paths(row.base_name).map(|path| (path, row.readers)));
    let others: [(String, &[Component]); 3] = [
        (format!("{PKI}/sa."), SERVICE_ACCOUNT_READERS),
        (CA_CHAIN.to_owned(), &[Component::ControllerManager]),
        (CA_SIGNING.to_owned(), &[Component::ControllerManager]),
    ];
    authorities.chain(leaves).chain(others)
}

/// The files that kube-apiserver reads again by itself when they are replaced in the folder that it sees.
///
/// Source: Kubernetes v1.20.2, pkg dynamiccertificates (serving certificate and client CA, every minute); tried with
/// 1.20.2.
pub const RELOADED: [&str; 2] = ["etc/kubernetes/pki/apiserver.crt", "etc/kubernetes/pki/apiserver.key"];

/// Returns whether nothing must be restarted for these files, because kube-apiserver reads all of them again by itself. The
/// files of registries, which no component reads, do not count.
pub fn are_reloaded<'a>(mut places: impl Iterator<Item = &'a str>) -> bool {
    places.all(|place| RELOADED.contains(&&*usual_place(place)) || is_of_registry(place))
}

/// Returns the components that read a file of a node's tree, whichever its folder of certificates is.
#[must_use]
pub fn readers(path: &str) -> &'static [Component] {
    let path = usual_place(path);
    readers_by_path().find(|(beginning, _)| path.starts_with(beginning)).map_or(&[], |(_, readers)| readers)
}

/// Returns the components on a node of this role that must be restarted when these files change, and whether none must be,
/// because kube-apiserver reads them again by itself.
pub fn to_restart<'a>(
    role: Role,
    has_etcd: bool,
    places: impl Iterator<Item = &'a str> + Clone,
) -> (BTreeSet<Component>, bool) {
    let components = places.clone().flat_map(|place| readers(place).iter().copied());
    let components: BTreeSet<_> = components.filter(|component| component.runs(role, has_etcd)).collect();
    let is_reloaded = !components.is_empty() && are_reloaded(places);
    (if is_reloaded { BTreeSet::new() } else { components }, is_reloaded)
}

#[cfg(test)]
mod tests {
    use super::{Component, readers};

    #[test]
    fn who_reads_what() {
        use Component::{ApiServer, ControllerManager, Etcd, Kubelet, Scheduler};

        for (path, expected) in [
            ("etc/kubernetes/pki/ca.crt", &[ApiServer, ControllerManager, Kubelet][..]),
            ("etc/kubernetes/pki/ca.key", &[ControllerManager]),
            ("etc/kubernetes/pki/ca-chain.crt", &[ControllerManager]),
            ("etc/kubernetes/pki/ca-signing.crt", &[ControllerManager]),
            ("etc/kubernetes/pki/apiserver.crt", &[ApiServer]),
            ("etc/kubernetes/pki/apiserver-etcd-client.key", &[ApiServer]),
            ("etc/kubernetes/pki/apiserver-kubelet-client.crt", &[ApiServer]),
            ("etc/kubernetes/pki/front-proxy-ca.crt", &[ApiServer, ControllerManager]),
            ("etc/kubernetes/pki/front-proxy-ca.key", &[]),
            ("etc/kubernetes/pki/front-proxy-client.key", &[ApiServer]),
            ("etc/kubernetes/pki/sa.key", &[ApiServer, ControllerManager]),
            ("etc/kubernetes/pki/sa.pub", &[ApiServer, ControllerManager]),
            ("etc/kubernetes/pki/etcd/ca.crt", &[Etcd, ApiServer]),
            ("etc/kubernetes/pki/etcd/ca.key", &[]),
            ("etc/kubernetes/pki/etcd/server.crt", &[Etcd]),
            ("etc/kubernetes/pki/etcd/peer.key", &[Etcd]),
            ("etc/kubernetes/pki/etcd/healthcheck-client.crt", &[]),
            ("etc/kubernetes/admin.conf", &[]),
            ("etc/kubernetes/super-admin.conf", &[]),
            ("etc/kubernetes/controller-manager.conf", &[ControllerManager]),
            ("etc/kubernetes/scheduler.conf", &[Scheduler]),
            ("etc/kubernetes/kubelet.conf", &[Kubelet]),
            ("var/lib/kubelet/pki/kubelet-client-current.pem", &[Kubelet]),
            ("var/lib/kubelet/pki/kubelet.key", &[Kubelet]),
            ("etc/kubernetes/pki/dex.crt", &[]),
            ("etc/kubernetes/ssl/etcd/ca.crt", &[Etcd, ApiServer]),
        ] {
            assert_eq!(readers(path), expected, "{path}");
        }
    }
}
