//! What the real kubeadm makes, in every shape, goes all the way.

use std::fs;
use std::path::Path;

use super::road::Road;
use super::round_trip::{ALL, kubeadm, share};
use crate::common::{succeed, tool};

const KEYS: [&str; 3] = ["ca.key", "front-proxy-ca.key", "etcd/ca.key"];

/// Nothing is doubtful but what kubeadm's files do not say: the kubelet has made nothing yet.
fn begin(roots: &Path, shape: &str) -> Road {
    let road = Road::begin(roots, &[]);
    for heading in ["Power", "Contradictions", "Otherwise"] {
        assert!(!road.said.contains(heading), "{shape}: {}", road.said);
    }
    road
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_clusters_of_kubeadm_go_all_the_way() {
    for (shape, cluster, nodes) in [
        ("single", "", &[("cp-1", "192.168.10.5")][..]),
        (
            "behind a virtual address",
            "controlPlaneEndpoint: \"192.168.10.100:6443\"\n",
            &[("cp-1", "192.168.10.5"), ("cp-2", "192.168.10.6"), ("cp-3", "192.168.10.7")],
        ),
        (
            "dual stack",
            "featureGates: {IPv6DualStack: true}\nnetworking: {serviceSubnet: \"10.96.0.0/12,fd00:10:96::/112\", podSubnet: \"10.244.0.0/16,fd00:10:244::/56\"}\n",
            &[("cp-1", "192.168.10.5")],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for (node, address) in nodes {
            let root = folder.path().join(node);
            if *node != "cp-1" {
                share(folder.path(), &root);
            }
            kubeadm(&root, node, address, cluster, ALL);
        }
        begin(folder.path(), shape).end(None);
    }
}

/// kubeadm's external-CA mode: every certificate is signed, and the keys of the CAs are kept elsewhere.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_an_external_ca_of_kubeadm_goes_all_the_way() {
    let (folder, vault) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path().join("cp-1");
    kubeadm(&root, "cp-1", "192.168.10.5", "", ALL);
    fs::create_dir(vault.path().join("etcd")).unwrap();
    for key in KEYS {
        fs::rename(root.join("etc/kubernetes/pki").join(key), vault.path().join(key)).unwrap();
    }
    // kubeadm takes them for signed elsewhere, and makes nothing.
    let mut command = tool(crate::kube::programs().join("kubeadm"));
    command.args(["init", "phase", "certs", "all", "--rootfs"]).arg(&root);
    let said = succeed(command.args(["--config", "/kubeadm.yaml"]));
    assert!(said.contains("Using existing ca keyless certificate authority"), "{said}");
    let road = begin(folder.path(), "external CA");
    assert!(road.profile().contains("\nship_to = \"none\"  # "), "{}", road.profile());
    assert!(
        road.said.contains("- where the key of [ca.kubernetes], [ca.etcd], [ca.front-proxy] is kept: "),
        "{}",
        road.said
    );
    road.end(Some(vault.path()));
}

/// The files of somebody else's etcd, as kubeadm is told of them.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_somebody_elses_etcd_goes_all_the_way() {
    let (folder, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    kubeadm(theirs.path(), "etcd-1", "10.0.1.11", "", &["certs etcd-ca", "certs apiserver-etcd-client"]);
    let root = folder.path().join("cp-1");
    fs::create_dir_all(root.join("etc/ssl/etcd")).unwrap();
    let pki = theirs.path().join("etc/kubernetes/pki");
    for (from, to) in [
        ("etcd/ca.crt", "ca.pem"),
        ("apiserver-etcd-client.crt", "client.pem"),
        ("apiserver-etcd-client.key", "client-key.pem"),
    ] {
        fs::copy(pki.join(from), root.join("etc/ssl/etcd").join(to)).unwrap();
    }
    let etcd = "etcd:\n  external:\n    endpoints: [\"https://10.0.1.11:2379\"]\n    caFile: /etc/ssl/etcd/ca.pem\n    \
                certFile: /etc/ssl/etcd/client.pem\n    keyFile: /etc/ssl/etcd/client-key.pem\n";
    kubeadm(&root, "cp-1", "192.168.10.5", etcd, &["certs all", "kubeconfig all", "control-plane all"]);
    let road = begin(folder.path(), "etcd of somebody else");
    assert!(road.profile().contains("\n[etcd]\nendpoints = [\"https://10.0.1.11:2379\"]  # "), "{}", road.profile());
    road.end(None);

    // kubeadm takes the configuration that comes with the bundle, and writes the flags that were there.
    let archive = road.desk.path(&format!("built/{}-g1.tar.gz", road.name));
    succeed(tool("tar").arg("-xzf").arg(archive).arg("-C").arg(road.desk.path("")));
    let anew = road.desk.path("new/cp-1");
    let init = road.desk.path(&format!("{}-g1/cluster/kubeadm/init.yaml", road.name));
    fs::copy(init, anew.join("kubeadm.yaml")).unwrap();
    let mut command = tool(crate::kube::programs().join("kubeadm"));
    command.args(["init", "phase", "control-plane", "all", "--rootfs"]).arg(&anew);
    succeed(command.args(["--config", "/kubeadm.yaml"]));
    let flags = |root: &Path| {
        let text = fs::read_to_string(root.join("etc/kubernetes/manifests/kube-apiserver.yaml")).unwrap();
        let flags = text.lines().filter(|line| line.contains("- --etcd"));
        flags.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(flags(&anew), flags(&root));
    assert_eq!(flags(&root).len(), 4);
}

/// Members of one's own on a machine of its own, as kubeadm's guide sets them up.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_members_of_ones_own_go_all_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let (member, root) = (folder.path().join("etcd-1"), folder.path().join("cp-1"));
    let phases = [
        "certs etcd-ca",
        "certs etcd-server",
        "certs etcd-peer",
        "certs etcd-healthcheck-client",
        "certs apiserver-etcd-client",
        "etcd local",
    ];
    kubeadm(&member, "etcd-1", "192.168.10.21", "", &phases);
    let (from, to) = (member.join("etc/kubernetes/pki"), root.join("etc/kubernetes/pki"));
    fs::create_dir_all(to.join("etcd")).unwrap();
    fs::copy(from.join("etcd/ca.crt"), to.join("etcd/ca.crt")).unwrap();
    for end in ["crt", "key"] {
        let file = format!("apiserver-etcd-client.{end}");
        fs::rename(from.join(&file), to.join(&file)).unwrap();
    }
    let etcd = "etcd:\n  external:\n    endpoints: [\"https://192.168.10.21:2379\"]\n    caFile: /etc/kubernetes/pki/etcd/ca.crt\n    \
                certFile: /etc/kubernetes/pki/apiserver-etcd-client.crt\n    keyFile: /etc/kubernetes/pki/apiserver-etcd-client.key\n";
    kubeadm(&root, "cp-1", "192.168.10.5", etcd, &["certs all", "kubeconfig all", "control-plane all"]);
    let road = begin(folder.path(), "members of one's own");
    assert!(road.profile().contains("\netcd = \"external\"  # "), "{}", road.profile());
    road.end(None);
}
