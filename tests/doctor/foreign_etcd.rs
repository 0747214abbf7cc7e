//! An etcd of somebody else: nothing of it is missing, and its client's files are judged as the API server reads them.

use std::collections::BTreeSet;
use std::fs;

use crate::adopted::{P256, Shape, authority, certificate, key};
use crate::common::desk::Desk;
use crate::doctor::{MANIFESTS, Node};
use crate::planting::PKI;

const FOLDER: &str = "etc/ssl/etcd/ssl";
const CLIENT: &str = "keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n";

/// A control plane whose API server is a client of somebody else's etcd.
fn node(desk: &Desk, end: &str) -> Node {
    let node = Node::control_plane(|_, _| {});
    node.remove(&format!("{MANIFESTS}/etcd.yaml"));
    fs::remove_dir_all(node.path(&format!("{PKI}/etcd"))).unwrap();
    let manifest = format!("{MANIFESTS}/kube-apiserver.yaml");
    for (from, to) in [("etcd/ca.crt", "ca.pem"), ("apiserver-etcd-client.crt", "client.pem")] {
        node.replace(&manifest, &format!("/{PKI}/{from}"), &format!("/{FOLDER}/{to}"));
    }
    node.replace(&manifest, &format!("/{PKI}/apiserver-etcd-client.key"), &format!("/{FOLDER}/client-key.pem"));
    node.replace(&manifest, "https://127.0.0.1:2379", "https://10.0.1.11:2379,https://10.0.1.12:2379");
    for end in ["crt", "key"] {
        node.remove(&format!("{PKI}/apiserver-etcd-client.{end}"));
    }
    let (mounts, volumes) = ("    volumeMounts:\n", "  volumes:\n");
    node.replace(&manifest, mounts, &format!("{mounts}    - {{mountPath: /{FOLDER}, name: etcd}}\n"));
    node.replace(&manifest, volumes, &format!("{volumes}  - {{name: etcd, hostPath: {{path: /{FOLDER}}}}}\n"));
    authority(desk, "etcd", &Shape { subject: "CN = somebody", ..Shape::default() });
    key(desk, "client", P256);
    let shape = Shape { subject: "CN = kube", extensions: CLIENT, serial: "09", end, ..Shape::default() };
    certificate(desk, "client", &shape, "etcd");
    for (from, to) in [("etcd.crt", "ca.pem"), ("client.crt", "client.pem"), ("client.key", "client-key.pem")] {
        node.write(&format!("{FOLDER}/{to}"), desk.read(&format!("adopted/{from}")));
    }
    node.set_mode(&format!("{FOLDER}/client-key.pem"), 0o600);
    node
}

#[test]
fn the_files_of_its_client_are_judged_where_they_lie() {
    let desk = Desk::new();
    let rule = |rule: &str| BTreeSet::from([rule.to_owned()]);
    // The check is at 2027-01-01.
    let well = node(&desk, "20990101000000Z");
    let (said, code) = well.says();
    assert!(said.starts_with("nothing is wrong; looked at ") && code == 0, "{said}");
    let soon = node(&desk, "20270110000000Z");
    assert_eq!(soon.rules(), rule("expiring"));
    let said = soon.says().0;
    assert!(said.contains(&format!("{FOLDER}/client.pem")), "{said}");
    let ended = node(&desk, "20261215000000Z");
    assert_eq!(ended.rules(), rule("expired"));
    key(&desk, "other", P256);
    well.write(&format!("{FOLDER}/client-key.pem"), desk.read("adopted/other.key"));
    assert_eq!(well.rules(), rule("key-pair"));
    let said = well.says().0;
    assert!(said.contains(&format!("{FOLDER}/client-key.pem is not the key of {FOLDER}/client.pem")), "{said}");
    well.remove(&format!("{FOLDER}/client-key.pem"));
    assert_eq!(well.rules(), rule("manifest-file"));
    // Before kubeadm has written a manifest nobody says where the files are, and none of kubeadm's is missing.
    fs::remove_dir_all(well.path(MANIFESTS)).unwrap();
    let said = well.says().0;
    assert!(!said.contains("pki/etcd") && !said.contains("apiserver-etcd-client"), "{said}");
}
