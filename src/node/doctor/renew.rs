//! Which commands make a file anew.

/// The phase of `kubeadm init` that makes a file. Source: kubeadm 1.20.2, `init phase certs --help` and
/// `init phase kubeconfig --help`; super-admin is kubeadm's from 1.29 on.
const PHASES: [(&str, &str); 12] = [
    ("pki/apiserver", "certs apiserver"),
    ("pki/apiserver-kubelet-client", "certs apiserver-kubelet-client"),
    ("pki/apiserver-etcd-client", "certs apiserver-etcd-client"),
    ("pki/front-proxy-client", "certs front-proxy-client"),
    ("pki/etcd/server", "certs etcd-server"),
    ("pki/etcd/peer", "certs etcd-peer"),
    ("pki/etcd/healthcheck-client", "certs etcd-healthcheck-client"),
    ("admin", "kubeconfig admin"),
    ("super-admin", "kubeconfig super-admin"),
    ("controller-manager", "kubeconfig controller-manager"),
    ("scheduler", "kubeconfig scheduler"),
    ("kubelet", "kubeconfig kubelet"),
];

/// What a person does to have a file of a node made anew.
pub(super) fn renew(file: &str, node: &str) -> String {
    let apply = format!("`certferry apply BUNDLE --node {node} --key PUB`");
    if let Some(kubernetes) = file.strip_prefix("etc/kubernetes/") {
        let stem = kubernetes.rsplit_once('.').map_or(kubernetes, |(stem, _)| stem);
        if let Some((_, phase)) = PHASES.iter().find(|(known, _)| *known == stem) {
            let moved = if phase.starts_with("certs") { "it and its other half" } else { "it" };
            return format!(
                "{apply}; where kubeadm made it, move {moved} away, then `kubeadm init phase {phase} --config CONFIG`"
            );
        }
        if ["pki/ca", "pki/etcd/ca", "pki/front-proxy-ca"].contains(&stem) {
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
        assert_eq!(renew("etc/kubernetes/pki/dex.crt", "cp-1"), "make it anew with the program that it is from");
    }
}
