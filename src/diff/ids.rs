//! Which key's certificate or key a file holds, by its path.

use crate::kubernetes::{AUTHORITIES, CertificateRow, KUBELET_PKI, KUBERNETES, KeyId, PKI, PartName, usual_place};

/// Returns the key whose certificate, key or kubeconfig stands at a path of a part. Returns `None` for any other file.
pub(super) fn of(part: &PartName, path: &str) -> Option<KeyId> {
    match part {
        PartName::Node(node) => of_node(node, path),
        PartName::Cluster => {
            let (folder, file) = path.split_once('/')?;
            match folder {
                "users" => format!("user/{}", file.strip_suffix(".conf")?).parse().ok(),
                "etcd-clients" => {
                    let (name, file) = file.split_once('/')?;
                    matches!(file, "client.crt" | "client.key").then(|| format!("etcd-client/{name}").parse().ok())?
                }
                _ => None,
            }
        }
    }
}

fn of_node(node: &str, path: &str) -> Option<KeyId> {
    let path = &*usual_place(path);
    let of_row = |base_name: &str| CertificateRow::named(base_name).map(|row| KeyId::node(node, row.base_name));
    if is_store(path) {
        return of_row("kubelet-client");
    }
    if let Some(file) = below(path, KUBELET_PKI) {
        return matches!(file, "kubelet.crt" | "kubelet.key").then(|| of_row("kubelet"))?;
    }
    let Some(file) = below(path, PKI) else {
        return below(path, KUBERNETES).filter(|file| file.ends_with(".conf")).and_then(of_row);
    };
    let (base_name, extension) = file.rsplit_once('.')?;
    if !matches!(extension, "crt" | "key" | "pub") {
        return None;
    }
    if base_name == "sa" {
        return Some(KeyId::ServiceAccount);
    }
    let authority = AUTHORITIES.iter().find(|row| row.base_name == base_name);
    authority.map(|row| KeyId::ca(row.name.profile_name())).or_else(|| of_row(base_name))
}

/// Returns whether this is a client certificate of the kubelet, which has the date of its issue in its name.
pub(super) fn is_store(path: &str) -> bool {
    below(path, KUBELET_PKI).is_some_and(|file| file.starts_with("kubelet-client-"))
}

fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::kubernetes::PartName;

    #[test]
    fn where_it_lies_tells_whose_it_is() {
        let node = PartName::Node("cp-1".to_owned());
        for (part, path, expected) in [
            (&node, "etc/kubernetes/pki/ca.crt", "ca/kubernetes"),
            (&node, "etc/kubernetes/pki/etcd/ca.key", "ca/etcd"),
            (&node, "etc/kubernetes/pki/sa.pub", "sa"),
            (&node, "etc/kubernetes/pki/apiserver-etcd-client.crt", "node/cp-1/apiserver-etcd-client"),
            (&node, "etc/kubernetes/pki/etcd/peer.key", "node/cp-1/etcd/peer"),
            (&node, "etc/kubernetes/admin.conf", "node/cp-1/admin.conf"),
            (&node, "etc/kubernetes/kubelet.conf", ""),
            (&node, "var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem", "node/cp-1/kubelet-client"),
            (&node, "var/lib/kubelet/pki/kubelet.crt", "node/cp-1/kubelet"),
            (&node, "var/lib/kubelet/pki/other.crt", ""),
            (&node, "etc/kubernetes/pki/dex.crt", ""),
            (&node, "etc/kubernetes/ssl/etcd/peer.key", "node/cp-1/etcd/peer"),
            (&PartName::Cluster, "users/alice.conf", "user/alice"),
            (&PartName::Cluster, "etcd-clients/backup/client.key", "etcd-client/backup"),
            (&PartName::Cluster, "etcd-clients/backup/ca.crt", ""),
            (&PartName::Cluster, "manifests/users/alice.yaml", ""),
        ] {
            assert_eq!(of(part, path).map(|id| id.to_string()).unwrap_or_default(), expected, "{path}");
        }
    }
}
