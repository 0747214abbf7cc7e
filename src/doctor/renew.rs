//! The commands that make a file anew.

use crate::kubernetes::{AUTHORITIES, CaRow, CertificateRow, Output, usual_place};
use crate::tree::PLUGINS;

/// Returns what a person does to have a file of a node made anew.
pub(super) fn renew(file: &str, node: &str) -> String {
    let apply = format!("`certferry apply BUNDLE --node {node} --key PUB`");
    if let Some(kubernetes) = usual_place(file).strip_prefix("etc/kubernetes/") {
        let row = match kubernetes.strip_prefix("pki/") {
            Some(pair) => pair.rsplit_once('.').and_then(|(stem, _)| CertificateRow::named(stem)),
            None if kubernetes == "kubelet.conf" => CertificateRow::named("kubelet-client"),
            None => CertificateRow::named(kubernetes),
        };
        if let Some(CertificateRow { phase: Some(phase), output, .. }) = row {
            let moved = if *output == Output::Pair { "it and its other half" } else { "it" };
            return format!(
                "{apply}; where kubeadm made it, move {moved} away, then `kubeadm init phase {phase} --config CONFIG`"
            );
        }
        let is_of = |ca: &CaRow| ["crt", "key"].iter().any(|end| format!("pki/{}.{end}", ca.base_name) == kubernetes);
        if AUTHORITIES.iter().any(is_of) {
            return format!(
                "{apply} with the bundle that the node's other files are from; another CA goes to every node \
                 (`certferry help rotation`)"
            );
        }
    }
    match file.strip_prefix("var/lib/kubelet/pki/") {
        Some("kubelet.crt" | "kubelet.key") => {
            format!("{apply}; or remove kubelet.crt and kubelet.key: the kubelet signs a new one itself")
        }
        Some(_) => {
            format!("{apply}; or remove the kubelet's old files in /var/lib/kubelet/pki and `kubeadm join` anew")
        }
        None if file.starts_with(PLUGINS) => {
            "restart the pod of the network plugin on this node, which writes it anew".to_owned()
        }
        None => "make it anew with the program that it is from".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::renew;

    #[test]
    fn the_commands_are_those_for_the_file() {
        assert_eq!(
            renew("etc/kubernetes/pki/etcd/server.key", "cp-1"),
            "`certferry apply BUNDLE --node cp-1 --key PUB`; where kubeadm made it, move it and its other half away, \
             then `kubeadm init phase certs etcd-server --config CONFIG`"
        );
        assert!(renew("etc/kubernetes/admin.conf", "cp-1").contains("phase kubeconfig admin"));
        assert!(renew("etc/kubernetes/pki/ca.crt", "cp-1").contains("every node"));
        assert!(renew("var/lib/kubelet/pki/kubelet.crt", "cp-1").contains("signs a new one"));
        assert!(renew("etc/cni/net.d/10-calico-kubeconfig", "cp-1").contains("network plugin"));
        assert_eq!(renew("etc/kubernetes/pki/dex.crt", "cp-1"), "make it anew with the program that it is from");
    }
}
