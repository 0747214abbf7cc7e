//! The files of each phase.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::cluster::{Cluster, NODES, nodes};
use crate::common::node::renew_authorities;
use crate::common::{Bundle, build_text, succeed, tool};

const PKI: &str = "etc/kubernetes/pki";
/// The files of trust.
const TRUST: [&str; 4] = ["ca.crt", "front-proxy-ca.crt", "etcd/ca.crt", "sa.pub"];

/// The trees of the nodes in each phase.
pub(super) struct Phases {
    bundles: [Bundle; 2],
    folder: TempDir,
}

fn profile(generation: i64) -> String {
    let mut text = "format = 1\n\n[cluster]\nname = \"living\"\nkubernetes = \"1.20.2\"\nissued_at = 2020-01-01\n\
         control_plane_endpoint = \"k8s.corp.internal:6443\"\netcd = \"external\"\n\n[keys]\nca = \"ecdsa-p256\"\n\
         leaf = \"ecdsa-p256\"\nservice_account = \"rsa-2048\"\n\n[[etcd_client]]\nname = \"backup\"\nvalidity = \"150y\"\n"
        .to_owned();
    for (name, role, address) in NODES {
        text += &format!("\n[[node]]\nname = \"{name}\"\nrole = \"{role}\"\naddresses = [\"{address}\"]\n");
    }
    let mut table: toml::Table = text.parse().unwrap();
    table["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), generation.into());
    if generation > 1 {
        renew_authorities(&mut table);
        let signer: toml::Table = format!("generation = {generation}").parse().unwrap();
        table.insert("service_account".to_owned(), signer.into());
    }
    toml::to_string(&table).unwrap()
}

impl Phases {
    /// Builds them.
    pub(super) fn make() -> Self {
        let bundles = [1, 2].map(|generation| build_text(&profile(generation)));
        let phases = Self { bundles, folder: tempfile::tempdir().unwrap() };
        let tops = phases.bundles.each_ref().map(Bundle::untar);
        for (name, ..) in NODES {
            let trees = phases.bundles.each_ref().map(|bundle| bundle.unpack(name));
            for phase in 0..4 {
                phases.tree(phase, name, &trees);
            }
        }
        for phase in 0..4 {
            let to = phases.path(phase, "backup");
            let trees = tops.each_ref().map(|top| top.join("cluster/etcd-clients/backup"));
            copy(&trees[usize::from(phase > 1)], &to);
            merge(&to.join("ca.crt"), phase, "ca.crt", &trees);
        }
        phases
    }

    /// What was unpacked of the first bundle.
    pub(super) fn top(&self) -> PathBuf {
        self.bundles[0].folder.path().join(self.bundles[0].top())
    }

    /// What a node has in a phase, or the client of etcd.
    pub(super) fn path(&self, phase: u32, name: &str) -> PathBuf {
        self.folder.path().join(format!("{phase}/{name}"))
    }

    fn tree(&self, phase: u32, name: &str, trees: &[PathBuf; 2]) {
        let to = self.path(phase, name);
        copy(&trees[usize::from(phase > 1)], &to);
        for file in TRUST {
            merge(&to.join(PKI).join(file), phase, &format!("{PKI}/{file}"), trees);
        }
        if to.join(PKI).join("ca.key").exists() && [1, 2].contains(&phase) {
            fs::copy(trees[usize::from(phase > 1)].join(PKI).join("ca.crt"), to.join(PKI).join("ca-signing.crt"))
                .unwrap();
        }
        let Ok(authority) = fs::read(to.join(PKI).join("ca.crt")) else { return };
        for name in ["admin", "controller-manager", "scheduler", "kubelet"] {
            let file = to.join(format!("etc/kubernetes/{name}.conf"));
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let before = field(&text, "certificate-authority-data");
            fs::write(&file, text.replace(&before, &STANDARD.encode(&authority))).unwrap();
        }
    }

    /// Brings a node to a phase, and restarts what reads its files.
    pub(super) fn install(&self, cluster: &Cluster, node: &str, phase: u32) {
        let machine = &cluster.machines[node];
        fs::create_dir_all(machine.path("/next")).unwrap();
        succeed(tool("cp").arg("-a").arg(self.path(phase, node).join(".")).arg(machine.path("/next")));
        succeed(machine.command("sh").args(["-euc", BY_HAND, "sh", &phase.to_string()]));
    }
}

/// What `apply --restart` does.
const BY_HAND: &str = r#"
cd /etc/kubernetes
certificate=ca.crt
case $1 in 1 | 2) certificate=ca-signing.crt ;; esac
wait_for() { n=0; until "$@" >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 600 ]; sleep 0.2; done; }
gone() { [ -z "$(crictl ps -q --name "^$1\$" --label io.kubernetes.pod.namespace=kube-system)" ]; }
if [ -e manifests ]; then
    mkdir -p away
    for pod in kube-controller-manager kube-scheduler kube-apiserver; do
        [ ! -e manifests/$pod.yaml ] || mv manifests/$pod.yaml away
        wait_for gone $pod
    done
    [ ! -e away/kube-controller-manager.yaml ] ||
        sed -i "s|\(--cluster-signing-cert-file=\).*|\1/etc/kubernetes/pki/$certificate|" away/kube-controller-manager.yaml
fi
rm -rf pki/ca-signing.crt /var/lib/kubelet/pki
cp -a /next/. /
rm -rf /next
[ ! -e /run/services/kubelet ] || systemctl restart kubelet
if [ -e /run/services/etcd ]; then
    systemctl restart etcd
    wait_for curl --silent --fail --cacert pki/etcd/ca.crt --cert pki/etcd/healthcheck-client.crt \
        --key pki/etcd/healthcheck-client.key https://127.0.0.1:2379/health
fi
if [ -e away ]; then
    mv away/kube-apiserver.yaml manifests
    address=$(sed -n 's/.*--advertise-address=//p' manifests/kube-apiserver.yaml)
    wait_for curl --silent --fail --cacert pki/ca.crt --cert pki/apiserver-kubelet-client.crt \
        --key pki/apiserver-kubelet-client.key https://$address:6443/readyz
    mv away/*.yaml manifests
    rmdir away
fi
"#;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    succeed(tool("cp").arg("-a").arg(from.join(".")).arg(to));
}

/// Writes what a phase trusts: the certificate of who issues first.
fn merge(to: &Path, phase: u32, file: &str, trees: &[PathBuf; 2]) {
    if to.exists() {
        let [old, new] = trees.each_ref().map(|tree| fs::read_to_string(tree.join(file)).unwrap());
        let text = match phase {
            0 => old,
            1 => old + &new,
            2 => new + &old,
            _ => new,
        };
        fs::write(to, text).unwrap();
    }
}

/// A field of a kubeconfig.
pub(super) fn field(kubeconfig: &str, name: &str) -> String {
    let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// Lays out what the clients of a phase hold: an administrator's kubeconfig, its parts, and the client of etcd.
pub(super) fn hand_out(phases: &Phases, cluster: &Cluster) {
    for phase in 0..4 {
        let to = cluster.clients.path().join(phase.to_string());
        copy(&phases.path(phase, "backup"), &to.join("etcd"));
        let from = phases.path(phase, nodes("control-plane")[0]).join("etc/kubernetes/admin.conf");
        fs::copy(&from, to.join("admin.conf")).unwrap();
        let text = fs::read_to_string(from).unwrap();
        for (name, file) in [
            ("certificate-authority-data", "ca.crt"),
            ("client-certificate-data", "client.crt"),
            ("client-key-data", "client.key"),
        ] {
            fs::write(to.join(file), STANDARD.decode(field(&text, name)).unwrap()).unwrap();
        }
    }
}
