//! Which files a part of a bundle may hold: the list of places of the format (manual/formats.md, "Trees").
//!
//! A signature says who made a part, not that its files belong where they want to go. Whoever reads a bundle takes
//! these places and no other, so that a stolen signer's key cannot write an authorized_keys, a static pod, or a CA's
//! key onto a worker. `templates/install/facts.awk` repeats the table for nodes.

use super::certificate::{AUTHORITIES, CERTIFICATES};
use super::certificate_row::{CaName, Output, Scope};
use super::place::{API_SERVER_RESTART, CA_CHAIN, CA_SIGNING, KUBELET_CONF, KUBELET_PKI, KUBERNETES, PKI};
use super::registry::{CERTS_D, HOSTS_TOML, REGISTRY_CA, TRUST_FOLDERS, TRUST_PREFIX};
use super::role::Role;

/// What stands in a place for a name, or for a part of a name, that differs.
const ANY: char = '*';

/// A file that a part may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartFile {
    /// The path in the part's tree. A `*` stands for text without a slash: in the kubelet's store for a time, elsewhere
    /// on a node for a name or a part of one. Certificates are in kubeadm's own folder.
    pub place: String,
    /// Whether only its owner may read the file.
    pub is_private: bool,
    /// The nodes that may have it; none in the table of the cluster's part.
    pub roles: &'static [Role],
}

const CONTROL_PLANE: &[Role] = &[Role::ControlPlane];
const ETCD_MEMBERS: &[Role] = &[Role::ControlPlane, Role::Etcd];
const KUBELETS: &[Role] = &[Role::ControlPlane, Role::Worker];

/// Returns whether a file of a part holds a key by which certificates or tokens are made that others believe: that of a
/// CA, or the one for service accounts.
#[must_use]
pub fn is_authority_key(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_of_node =
        name == "sa.key" || AUTHORITIES.iter().any(|row| path.ends_with(&format!("/{}.key", row.base_name)));
    is_of_node || ["manifests/metallb/secret.yaml", "manifests/cert-manager/secret.yaml"].contains(&path)
}

/// Returns the files that a node's part may hold. The link of the kubelet's store is not among them.
#[must_use]
pub fn node_files() -> Vec<PartFile> {
    let mut files = Vec::new();
    let mut add = |place: String, is_private, roles| files.push(PartFile { place, is_private, roles });
    for row in AUTHORITIES {
        let roles = match row.name {
            CaName::Kubernetes => KUBELETS,
            CaName::FrontProxy => CONTROL_PLANE,
            CaName::Etcd => ETCD_MEMBERS,
        };
        add(format!("{PKI}/{}.crt", row.base_name), false, roles);
        add(format!("{PKI}/{}.key", row.base_name), true, CONTROL_PLANE);
    }
    add(CA_CHAIN.to_owned(), false, CONTROL_PLANE);
    add(CA_SIGNING.to_owned(), false, CONTROL_PLANE);
    for key in ["sa.key", "sa.pub"] {
        // kubeadm gives the public one the same mode.
        add(format!("{PKI}/{key}"), true, CONTROL_PLANE);
    }
    for row in CERTIFICATES {
        let roles = match row.scope {
            Scope::ControlPlane | Scope::FirstControlPlane => CONTROL_PLANE,
            Scope::EtcdMember => ETCD_MEMBERS,
            Scope::KubeletClient | Scope::KubeletServing => KUBELETS,
        };
        let base_name = row.base_name;
        match row.output {
            Output::Pair => {
                add(format!("{PKI}/{base_name}.crt"), false, roles);
                add(format!("{PKI}/{base_name}.key"), true, roles);
            }
            Output::KubeletServing => {
                add(format!("{KUBELET_PKI}/{base_name}.crt"), false, roles);
                add(format!("{KUBELET_PKI}/{base_name}.key"), true, roles);
            }
            Output::Kubeconfig(_) => add(format!("{KUBERNETES}/{base_name}"), true, roles),
            Output::KubeletStore(_) => {
                add(KUBELET_CONF.to_owned(), true, roles);
                add(format!("{KUBELET_PKI}/{base_name}-{ANY}.pem"), true, roles);
            }
        }
    }
    for ending in ["sh", "service", "timer"] {
        add(format!("{API_SERVER_RESTART}.{ending}"), false, CONTROL_PLANE);
    }
    for name in [REGISTRY_CA, HOSTS_TOML] {
        add(format!("{CERTS_D}/{ANY}/{name}"), false, KUBELETS);
    }
    for folder in TRUST_FOLDERS {
        add(format!("{folder}/{TRUST_PREFIX}{ANY}.crt"), false, KUBELETS);
    }
    files
}

/// The files that the cluster's part may hold, each with whether only its owner may read it.
const CLUSTER_FILES: [(&str, bool); 31] = [
    ("profile.toml", false),
    ("rotation/phase-*.sh", false),
    ("kubeadm/init.yaml", false),
    ("kubeadm/join/*.yaml", false),
    ("kubeadm/join-worker.yaml", false),
    ("kubeadm/kubelet.yaml", false),
    ("users/*.conf", true),
    ("etcd-clients/*/ca.crt", false),
    ("etcd-clients/*/client.crt", false),
    ("etcd-clients/*/client.key", true),
    ("etcd-clients/*/etcdctl.env", false),
    ("etcd-clients/*/prometheus.yaml", false),
    ("etcd/*/etcd.env", false),
    ("etcd/*/etcd.drop-in", false),
    ("tls/ca.crt", false),
    ("tls/trust-root.sh", false),
    ("tls/*/ca.crt", false),
    ("tls/*/tls.crt", false),
    ("tls/*/tls.key", true),
    ("manifests/kubeadm-rbac.yaml", false),
    ("manifests/users/*.yaml", false),
    ("manifests/metallb/secret.yaml", true),
    ("manifests/metallb/ca-bundles.sh", false),
    ("manifests/webhooks/*.yaml", true),
    ("manifests/webhooks/*.ca-bundles.sh", false),
    ("manifests/tls/*.yaml", true),
    ("manifests/etcd-clients/*.yaml", true),
    ("manifests/cert-manager/secret.yaml", true),
    ("manifests/cert-manager/cluster-issuer.yaml", false),
    ("manifests/cert-manager/ingress-example.yaml", false),
    ("manifests/cert-manager/trust.yaml", false),
];

/// Returns the files that the cluster's part may hold.
#[must_use]
pub fn cluster_files() -> Vec<PartFile> {
    let file = |(place, is_private): (&str, bool)| PartFile { place: place.to_owned(), is_private, roles: &[] };
    CLUSTER_FILES.into_iter().map(file).collect()
}

impl PartFile {
    /// Returns whether a path of a node's part is this place. In the kubelet's store the time is digits and hyphens. A
    /// name does not begin with a dot, so that it is none of the state of a run.
    #[must_use]
    pub fn is_on_node(&self, path: &str) -> bool {
        if self.is_store() {
            return self.holds(path, |time| time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        self.holds(path, |name| !name.starts_with(['.', '-']) && name.bytes().all(is_plain))
    }

    /// Returns whether this is the place of the files in the kubelet's store.
    #[must_use]
    pub fn is_store(&self) -> bool {
        self.is_pattern() && self.place.starts_with(KUBELET_PKI)
    }

    /// Returns whether the place stands for several, which differ in a name.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.place.contains(ANY)
    }

    /// Returns whether a path of the cluster's part is this place.
    #[must_use]
    pub fn is_in_cluster(&self, path: &str) -> bool {
        self.holds(path, |name| !name.contains('/'))
    }

    fn holds(&self, path: &str, fits: impl Fn(&str) -> bool) -> bool {
        let Some((start, end)) = self.place.split_once(ANY) else { return self.place == path };
        let differing = path.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        differing.is_some_and(|text| !text.is_empty() && fits(text))
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, cluster_files, node_files};

    #[test]
    fn a_place_is_known_or_not() {
        let on = |path: &str| node_files().into_iter().find(|file| file.is_on_node(path));
        for (path, is_private, roles) in [
            ("etc/kubernetes/pki/ca.crt", false, &[Role::ControlPlane, Role::Worker][..]),
            ("etc/kubernetes/pki/ca.key", true, &[Role::ControlPlane]),
            ("etc/kubernetes/pki/sa.pub", true, &[Role::ControlPlane]),
            ("etc/kubernetes/pki/etcd/ca.key", true, &[Role::ControlPlane]),
            ("etc/kubernetes/pki/etcd/peer.key", true, &[Role::ControlPlane, Role::Etcd]),
            ("etc/kubernetes/kubelet.conf", true, &[Role::ControlPlane, Role::Worker]),
            ("var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem", true, &[Role::ControlPlane, Role::Worker]),
            ("etc/kubernetes/certferry-restart-kube-apiserver.timer", false, &[Role::ControlPlane]),
            ("etc/containerd/certs.d/registry_5000_/hosts.toml", false, &[Role::ControlPlane, Role::Worker]),
            ("usr/local/share/ca-certificates/certferry-tls-ca.crt", false, &[Role::ControlPlane, Role::Worker]),
            ("etc/pki/ca-trust/source/anchors/certferry-00ff.crt", false, &[Role::ControlPlane, Role::Worker]),
        ] {
            let file = on(path);
            assert!(file.is_some_and(|file| file.is_private == is_private && file.roles == roles), "{path}");
        }
        for path in [
            "root/.ssh/authorized_keys",
            "etc/kubernetes/manifests/kube-apiserver.yaml",
            "etc/kubernetes/.certferry/journal",
            "etc/kubernetes/pki/ca.crt.bak",
            "etc/kubernetes/pki/apiserver",
            "var/lib/kubelet/pki/kubelet-client-.pem",
            "var/lib/kubelet/pki/kubelet-client-current.pem",
            "var/lib/kubelet/pki/kubelet-client-1/2.pem",
            "var/lib/kubelet/config.yaml",
            "etc/containerd/config.toml",
            "etc/containerd/certs.d/hosts.toml",
            "etc/containerd/certs.d/a/b/hosts.toml",
            "etc/containerd/certs.d/.certferry/hosts.toml",
            "etc/containerd/certs.d/a/client.key",
            "usr/local/share/ca-certificates/other.crt",
            "usr/local/share/ca-certificates/certferry-.crt",
            "usr/local/share/ca-certificates/certferry-a/b.crt",
        ] {
            assert_eq!(on(path), None, "{path}");
        }
    }

    #[test]
    fn a_name_in_the_clusters_part_is_one_name() {
        let place = |path: &str| cluster_files().into_iter().find(|file| file.is_in_cluster(path));
        assert!(place("tls/web.shop/tls.key").is_some_and(|file| file.is_private));
        assert!(place("tls/ca.crt").is_some_and(|file| !file.is_private));
        for path in ["tls/a/b/tls.key", "tls/a/other.key", "users/.conf", "manifests/users/a/b.yaml", "x"] {
            assert_eq!(place(path), None, "{path}");
        }
    }
}
