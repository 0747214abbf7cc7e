//! The places of files on a node.

use std::sync::LazyLock;

use super::EntryKind;
use crate::kubernetes::{
    AUTHORITIES, CERTIFICATES, CertificatesDir, ExpectedOn, Output, Purpose, REGISTRY_CA, in_certs_d,
    is_trusted_by_system, registry_of_folder, usual_place,
};

/// Where kubeadm keeps its files, below the root.
pub(super) const KUBERNETES: &str = "etc/kubernetes/";
/// Where kubeadm keeps certificates and keys.
pub(super) const PKI: &str = "etc/kubernetes/pki/";
/// Where the kubelet keeps certificates and keys.
pub(super) const KUBELET_PKI: &str = "var/lib/kubelet/pki/";
/// Where a bundle's `cluster` part keeps the kubeconfigs of people.
const USERS: &str = "users/";
/// Where a bundle's `cluster` part keeps the files of etcd's clients, in a folder for each.
const ETCD_CLIENTS: &str = "etcd-clients/";
/// Where a bundle's `cluster` part keeps TLS certificates, in a folder for each Secret, and their root.
const TLS: &str = "tls/";
/// Where a bundle's `cluster` part keeps Secrets whose certificates are in no other file.
const SECRETS: [&str; 3] = ["manifests/cert-manager/", "manifests/metallb/", "manifests/webhooks/"];
/// The beginnings of the names of the kubelet's own certificates. The current one is a link to the newest.
/// Source: client-go util/certificate/certificate_store.go, v0.36.3.
const STORES: [&str; 2] = ["kubelet-client", "kubelet-server"];

/// A certificate file that kubeadm knows.
pub(super) struct KnownPlace {
    /// The path below [`KUBERNETES`].
    file: String,
    /// kubeadm's name for the file.
    pub(super) name: &'static str,
    pub(super) kind: EntryKind,
    expected: ExpectedOn,
    /// Whether the file shows what its node runs, because only such a node has it. Other files, such as admin.conf, are
    /// also copied elsewhere.
    is_sign: bool,
    /// Whether the file is the kubeconfig of a person.
    pub(super) is_of_person: bool,
}

/// kubeadm's certificates in the order of their names, then its CAs in the same order.
static KNOWN: LazyLock<Vec<KnownPlace>> = LazyLock::new(|| {
    let leaves = CERTIFICATES.iter().filter_map(|row| {
        let file = match row.output {
            Output::Pair => format!("pki/{}.crt", row.base_name),
            Output::Kubeconfig(_) | Output::KubeletStore(_) | Output::KubeletServing => row.base_name.to_owned(),
        };
        let is_sign = !row.readers.is_empty() || row.expected == ExpectedOn::Etcd;
        Some(KnownPlace {
            file,
            name: row.kubeadm_name?,
            kind: EntryKind::Kubeadm,
            expected: row.expected,
            is_sign,
            is_of_person: row.purpose == Purpose::User,
        })
    });
    let authorities = AUTHORITIES.iter().map(|row| KnownPlace {
        file: format!("pki/{}.crt", row.base_name),
        name: row.kubeadm_name,
        kind: EntryKind::Authority,
        expected: row.expected,
        is_sign: false,
        is_of_person: false,
    });
    let mut known: Vec<_> = leaves.chain(authorities).collect();
    known.sort_by_key(|known| (known.kind == EntryKind::Authority, known.name));
    known
});

/// Returns the row of kubeadm's table for a file, if there is one.
pub(super) fn known_at(place: &str) -> Option<&'static KnownPlace> {
    let usual = usual_place(place);
    let file = usual.strip_prefix(KUBERNETES)?;
    KNOWN.iter().find(|known| known.file == file)
}

/// Returns the files that kubeadm would look for on a node, and would not find there. `has` says whether the node has
/// the file that lies at a place with kubeadm's own folder of certificates.
///
/// A node with a certificate that only an API server has is a control plane. A node with a certificate that only a
/// member of etcd has runs etcd. A worker is neither, and nothing is missing on it.
pub(super) fn missing<'a>(has: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = &'static KnownPlace> + 'a {
    let present = move |known: &KnownPlace| has(&format!("{KUBERNETES}{}", known.file));
    let any = |place: ExpectedOn| KNOWN.iter().any(|known| known.is_sign && known.expected == place && present(known));
    let (control_plane, etcd) = (any(ExpectedOn::ControlPlane), any(ExpectedOn::Etcd));
    KNOWN.iter().filter(move |known| {
        let expected = match known.expected {
            ExpectedOn::ControlPlane => control_plane,
            ExpectedOn::Etcd => etcd,
            ExpectedOn::StackedEtcd => control_plane && etcd,
            ExpectedOn::Nowhere => false,
        };
        expected && !present(known)
    })
}

/// What the inventory needs of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// The content of the file.
    Content,
    /// Whether the file is there. It is a key, and is not read.
    Presence,
    /// Nothing.
    None,
}

/// Returns what the inventory needs of the file at a place below a node's root, such as `etc/kubernetes/admin.conf`, where
/// certificates are in this folder.
#[must_use]
pub fn interest(place: &str, folder: &CertificatesDir) -> Interest {
    let name = place.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is_kubeconfig = [KUBERNETES, USERS].iter().any(|folder| place.strip_prefix(folder) == Some(name));
    if folder.is_foreign(place) {
        return Interest::None;
    }
    let place = &*folder.usual(place);
    let holds_pairs = [PKI, KUBELET_PKI, ETCD_CLIENTS, TLS].iter().any(|folder| place.starts_with(folder));
    match extension {
        Some("key") if holds_pairs => Interest::Presence,
        Some("crt" | "cer" | "pem") if holds_pairs => Interest::Content,
        Some("conf") if is_kubeconfig => Interest::Content,
        Some("crt") if registry(place).is_some() => Interest::Content,
        Some("yaml") if SECRETS.iter().any(|folder| place.starts_with(folder)) => Interest::Content,
        _ => Interest::None,
    }
}

/// The role of a file whose content is needed ([`Interest::Content`]).
pub(super) struct FileRole {
    /// The name of the file's first certificate.
    pub(super) name: String,
    /// The kind of the file's first certificate.
    pub(super) kind: EntryKind,
    /// Whether the file must hold what its place promises. In the same folders, other programs keep files as well.
    pub(super) is_certain: bool,
    /// Whether the file is a copy for convenience. A copy of a CA that is listed already is not listed again.
    pub(super) is_copy: bool,
}

/// Returns the role of the file at a place.
pub(super) fn role(place: &str) -> FileRole {
    let role = |name: &str, kind, is_certain| FileRole { name: name.to_owned(), kind, is_certain, is_copy: false };
    if let Some(known) = known_at(place) {
        return role(known.name, known.kind, true);
    }
    if let Some((store, is_current)) = kubelet_store(place) {
        let dated = place.rsplit('/').next().unwrap_or_default();
        return role(if is_current { store } else { dated }, EntryKind::Kubelet, true);
    }
    if let Some(user) = place.strip_prefix(USERS) {
        return role(user.strip_suffix(".conf").unwrap_or(user), EntryKind::User, true);
    }
    if let Some(client) = place.strip_prefix(ETCD_CLIENTS) {
        return match client.split_once('/') {
            Some((_, "ca.crt")) => FileRole { is_copy: true, ..role(client, EntryKind::Authority, true) },
            Some((name, "client.crt")) => role(name, EntryKind::EtcdClient, true),
            _ => role(client, EntryKind::Other, false),
        };
    }
    if let Some(file) = place.strip_prefix(TLS) {
        return match file.split_once('/') {
            Some((_, "ca.crt")) => FileRole { is_copy: true, ..role(place, EntryKind::Authority, true) },
            Some((secret, "tls.crt")) => role(secret, EntryKind::Other, true),
            None if file == "ca.crt" => role("tls-ca", EntryKind::Authority, true),
            _ => role(place, EntryKind::Other, false),
        };
    }
    if let Some(name) = registry(place) {
        return FileRole { is_copy: true, ..role(&name, EntryKind::Authority, false) };
    }
    match place.strip_prefix(KUBELET_PKI) {
        Some("kubelet.crt") => return role("kubelet-serving", EntryKind::Kubelet, true),
        Some(file) => return role(file, EntryKind::Kubelet, false),
        None => {}
    }
    if let Some(file) = usual_place(place).strip_prefix(PKI) {
        return role(file, EntryKind::Other, false);
    }
    match place.strip_prefix(KUBERNETES) {
        Some(file @ ("kubelet.conf" | "bootstrap-kubelet.conf")) => role(file, EntryKind::Kubelet, true),
        Some(file) => role(file, EntryKind::User, false),
        None => role(place, EntryKind::Other, true),
    }
}

/// Returns the name of the root of a registry, by the place of its file.
fn registry(place: &str) -> Option<String> {
    match in_certs_d(place) {
        Some((folder, REGISTRY_CA)) => Some(format!("registry-ca {}", registry_of_folder(folder))),
        _ => is_trusted_by_system(place).then(|| "registry-ca".to_owned()),
    }
}

/// Returns the name of the kubelet's store that has the file at a place, and whether the file is the current one.
/// Returns `None` for a file of no store.
pub(super) fn kubelet_store(place: &str) -> Option<(&'static str, bool)> {
    let file = place.strip_prefix(KUBELET_PKI)?.strip_suffix(".pem")?;
    STORES.into_iter().find_map(|store| {
        let rest = file.strip_prefix(store)?.strip_prefix('-')?;
        Some((store, rest == "current"))
    })
}

/// Returns the place of the current certificate of the store with that name.
pub(super) fn current(store: &str) -> String {
    format!("{KUBELET_PKI}{store}-current.pem")
}

#[cfg(test)]
mod tests {
    use super::{Interest, KNOWN, interest, kubelet_store, missing};
    use crate::kubernetes::CertificatesDir;
    use crate::report::EntryKind;

    fn missing_with(files: &[&str]) -> Vec<&'static str> {
        missing(|place| files.iter().any(|file| place == format!("etc/kubernetes/{file}")))
            .map(|known| known.name)
            .collect()
    }

    #[test]
    fn the_table_stands_in_kubeadms_order() {
        for kind in [EntryKind::Kubeadm, EntryKind::Authority] {
            let names: Vec<_> = KNOWN.iter().filter(|known| known.kind == kind).map(|known| known.name).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
    }

    #[test]
    fn only_what_a_node_of_that_kind_has_can_be_missing() {
        assert_eq!(missing_with(&["pki/ca.crt", "kubelet.conf", "admin.conf"]), [""; 0], "a worker");
        assert_eq!(
            missing_with(&["pki/etcd/ca.crt", "pki/etcd/server.crt", "pki/etcd/peer.crt"]),
            ["etcd-healthcheck-client"],
            "a member of an external etcd"
        );
        assert_eq!(
            missing_with(&["pki/apiserver.crt", "pki/ca.crt", "pki/front-proxy-ca.crt", "scheduler.conf"]),
            ["admin.conf", "apiserver-kubelet-client", "controller-manager.conf", "front-proxy-client"],
            "a control plane with external etcd"
        );
        assert_eq!(missing_with(&["pki/apiserver.crt", "pki/etcd/peer.crt"]).len(), 11, "one with its own");
    }

    #[test]
    fn keys_are_not_read() {
        for (place, expected) in [
            ("etc/kubernetes/pki/ca.key", Interest::Presence),
            ("etc/kubernetes/pki/etcd/ca.crt", Interest::Content),
            ("etc/kubernetes/pki/sa.pub", Interest::None),
            ("etc/kubernetes/admin.conf", Interest::Content),
            ("etc/kubernetes/old/admin.conf", Interest::None),
            ("etc/kubernetes/manifests/etcd.yaml", Interest::None),
            ("var/lib/kubelet/pki/kubelet-client-current.pem", Interest::Content),
            ("var/lib/kubelet/config.conf", Interest::None),
            ("etc/containerd/certs.d/a_5000_/ca.crt", Interest::Content),
            ("etc/containerd/certs.d/a_5000_/client.crt", Interest::None),
            ("etc/containerd/certs.d/.certferry/previous/a/ca.crt", Interest::None),
        ] {
            assert_eq!(interest(place, &CertificatesDir::default()), expected, "{place}");
        }
    }

    #[test]
    fn stores_have_a_current_certificate() {
        let place = |name| format!("var/lib/kubelet/pki/{name}");
        assert_eq!(kubelet_store(&place("kubelet-client-current.pem")), Some(("kubelet-client", true)));
        assert_eq!(kubelet_store(&place("kubelet-server-2026-11-22-00-00-00.pem")), Some(("kubelet-server", false)));
        assert_eq!(kubelet_store(&place("kubelet.crt")), None);
        assert_eq!(kubelet_store("etc/kubernetes/pki/kubelet-client-current.pem"), None);
    }
}
