//! A real kubeadm's own tree goes on under its own CAs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::verifies;
use crate::common::desk::Desk;
use crate::common::{succeed, tool};

const CONFIG: &str = "\
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 192.168.10.5
nodeRegistration:
  name: cp-1
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: v1.20.2
certificatesDir: PKI
";

fn kubeadm(desk: &Desk, words: &[&str]) -> Command {
    let folder = std::env::var_os("KUBE_BIN_DIR").expect("KUBE_BIN_DIR names the folder with kubeadm");
    let mut kubeadm = tool(PathBuf::from(folder).join("kubeadm"));
    kubeadm.current_dir(desk.path("")).args(words);
    kubeadm
}

fn config(desk: &Desk, name: &str, folder: &str) {
    desk.write(name, CONFIG.replace("PKI", desk.path(folder).to_str().unwrap()));
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_kubeadm_tree_is_adopted_renewed_and_found_its_own() {
    let desk = Desk::new();
    config(&desk, "old.yaml", "adopted");
    succeed(&mut kubeadm(&desk, &["init", "phase", "certs", "all", "--config", "old.yaml"]));
    fs::rename(desk.path("adopted/etcd/ca.crt"), desk.path("adopted/etcd-ca.crt")).unwrap();
    fs::rename(desk.path("adopted/etcd/ca.key"), desk.path("adopted/etcd-ca.key")).unwrap();
    desk.write(
        "lab.toml",
        super::PROFILE.replace("1.24.15", "1.20.2").replace("leaf = \"70y\"", "") + &super::tables(true),
    );
    // kubeadm's CAs begin with the second in which it made them, and a build says so when that was today.
    let built = desk.run("build lab.toml --seed lab.seed --out new-out");
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    let unpacked = desk.run("unpack new-out/lab-g1.tar.gz --key new-out/lab.pub --node cp-1 --root new");
    assert_eq!(unpacked.code, Some(0), "{}", unpacked.stderr);
    let pki = "new/etc/kubernetes/pki";
    for (new, old) in [("ca", "ca"), ("front-proxy-ca", "front-proxy-ca"), ("etcd/ca", "etcd-ca"), ("sa", "sa")] {
        let (new, old) = (format!("{pki}/{new}.key"), format!("adopted/{old}.key"));
        assert!(desk.read(&new) == desk.read(&old), "{new}: byte for byte what kubeadm wrote");
    }
    assert!(desk.read(&format!("{pki}/sa.pub")) == desk.read("adopted/sa.pub"));
    for (authority, leaf) in [
        ("ca", "apiserver"),
        ("ca", "apiserver-kubelet-client"),
        ("front-proxy-ca", "front-proxy-client"),
        ("etcd-ca", "etcd/server"),
        ("etcd-ca", "apiserver-etcd-client"),
    ] {
        let new_authority = if authority == "etcd-ca" { "etcd/ca" } else { authority };
        let (old, new) = (format!("adopted/{authority}.crt"), format!("{pki}/{new_authority}.crt"));
        for certificate in [format!("adopted/{leaf}.crt"), format!("{pki}/{leaf}.crt")] {
            assert!(verifies(&desk, &old, &certificate), "{certificate} under {old}");
            assert!(verifies(&desk, &new, &certificate), "{certificate} under {new}");
        }
    }
    // kubeadm takes them, makes none anew, and renews a leaf under the CA.
    config(&desk, "new.yaml", pki);
    let said = succeed(&mut kubeadm(&desk, &["init", "phase", "certs", "all", "--config", "new.yaml"]));
    assert!(!said.contains("Generating"), "{said}");
    let said = succeed(&mut kubeadm(&desk, &["certs", "check-expiration", "--config", "new.yaml"]));
    for row in ["ca ", "etcd-ca ", "front-proxy-ca "] {
        let line = said.lines().rfind(|line| line.starts_with(row)).unwrap_or_else(|| panic!("{row}: {said}"));
        assert!(line.contains("Nov 22, 2226") && line.trim_end().ends_with("no"), "{line}");
    }
    succeed(&mut kubeadm(&desk, &["certs", "renew", "apiserver", "--config", "new.yaml"]));
    assert!(verifies(&desk, "adopted/ca.crt", &format!("{pki}/apiserver.crt")));
}
