//! kubeadm's own tables, byte for byte but for the spaces at the end of a line.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::{Duration, OffsetDateTime};

use crate::common::{succeed, tool};
use crate::inspect::{CLOSED, Ca, copy, inspect, pem, put, stdout, table, unpacked};

/// What kubeadm 1.20.2 reads besides the files.
const CONFIG: &str = "apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 172.20.0.11}
nodeRegistration: {name: plant-7-cp-1, criSocket: /run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: v1.20.2
";

/// What kubeadm 1.20.2 printed for this tree on 2026-11-23, with the CA of kubeconfigs added.
const RECORDED: &str = "\
CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
admin.conf                 Nov 22, 2225 00:00 UTC   199y            ca                      no
apiserver                  Nov 22, 2225 00:00 UTC   199y            ca                      no
apiserver-etcd-client      Nov 22, 2225 00:00 UTC   199y            etcd-ca                 no
apiserver-kubelet-client   Nov 22, 2225 00:00 UTC   199y            ca                      no
controller-manager.conf    Nov 22, 2225 00:00 UTC   199y            ca                      no
etcd-healthcheck-client    Nov 22, 2225 00:00 UTC   199y            etcd-ca                 no
etcd-peer                  Nov 22, 2225 00:00 UTC   199y            etcd-ca                 no
etcd-server                Nov 22, 2225 00:00 UTC   199y            etcd-ca                 no
front-proxy-client         Nov 22, 2225 00:00 UTC   199y            front-proxy-ca          no
scheduler.conf             Nov 22, 2225 00:00 UTC   199y            ca                      no

CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED
ca                      Oct 05, 2226 00:00 UTC   199y            no
etcd-ca                 Oct 05, 2226 00:00 UTC   199y            no
front-proxy-ca          Oct 05, 2226 00:00 UTC   199y            no
";

/// What certferry adds below.
const ADDED: &str = "
CERTIFICATE       EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
kubelet-client    Nov 22, 2225 00:00 UTC   199y            ca                      no
kubelet-serving   Nov 22, 2225 00:00 UTC   199y            ca                      no
";

#[test]
fn the_tables_are_kubeadms_and_then_what_it_leaves_out() {
    assert_eq!(table(&unpacked(&CLOSED, "plant-7-cp-1")), format!("{RECORDED}{ADDED}"));
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_kubeadm_prints_the_same_for_the_same_tree() {
    let kubeadm = kubeadm();
    let tree = copy(&unpacked(&CLOSED, "plant-7-cp-1"));
    let ours = stdout(&inspect([tree.path()]));
    let theirs = check_expiration(&kubeadm, tree.path());
    assert_eq!(ours.strip_suffix(ADDED), Some(theirs.as_str()));
    assert_eq!(without_residual_time(&theirs), without_residual_time(RECORDED), "the record is old");
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_kubeadm_prints_the_same_for_a_tree_in_decay() {
    let kubeadm = kubeadm();
    let tree = copy(&unpacked(&CLOSED, "plant-7-cp-1"));
    decay(tree.path());
    let ours = stdout(&inspect([tree.path()]));
    let theirs = check_expiration(&kubeadm, tree.path());
    for text in ["!MISSING! scheduler.conf", "<invalid>", " 59m ", " 23h ", " 5h ", " 9d ", " 364d ", " 1y "] {
        assert!(theirs.contains(text), "{text} is not tried\n{theirs}");
    }
    let added = "\nCERTIFICATE       EXPIRES ";
    assert_eq!(ours.split_once(added).map(|(tables, _)| tables), Some(theirs.as_str()));
}

/// Tables without the column that changes with the day.
fn without_residual_time(tables: &str) -> Vec<String> {
    let mut column = 0;
    let lines = tables.lines().map(|line| {
        column = line.find("RESIDUAL TIME").unwrap_or(column);
        let (before, after) = line.split_at(column.min(line.len()));
        format!("{before}{}", after.get("RESIDUAL TIME   ".len()..).unwrap_or_default())
    });
    lines.collect()
}

/// Takes a file away and lets others end at every unit of the residual time, half a unit from its border.
fn decay(tree: &Path) {
    let kubernetes = tree.join("etc/kubernetes");
    for file in ["scheduler.conf", "kubelet.conf"] {
        fs::remove_file(kubernetes.join(file)).unwrap();
    }
    let (ca, etcd, front_proxy) = (Ca::new("kubernetes"), Ca::new("etcd-ca"), Ca::new("front-proxy-ca"));
    for (name, ca) in [("ca", &ca), ("etcd/ca", &etcd), ("front-proxy-ca", &front_proxy)] {
        put(&kubernetes, &format!("pki/{name}.crt"), ca.pem());
    }
    let hour = Duration::HOUR;
    for (name, ca, left) in [
        ("apiserver", &ca, -hour),
        ("apiserver-kubelet-client", &ca, hour - Duration::seconds(30)),
        ("apiserver-etcd-client", &etcd, 24 * hour - hour / 2),
        ("etcd/server", &etcd, 10 * 24 * hour - 12 * hour),
        ("etcd/peer", &etcd, 365 * 24 * hour - 12 * hour),
        ("etcd/healthcheck-client", &etcd, 366 * 24 * hour),
        ("front-proxy-client", &front_proxy, Duration::minutes(2) - Duration::seconds(30)),
    ] {
        let leaf = ca.leaf(name, OffsetDateTime::now_utc() + left);
        put(&kubernetes, &format!("pki/{name}.crt"), pem(&leaf));
    }
    put(&kubernetes, "admin.conf", kubeconfig(&ca, 5 * hour + hour / 2));
    put(&kubernetes, "controller-manager.conf", kubeconfig(&ca, -24 * hour));
}

fn kubeconfig(ca: &Ca, left: Duration) -> String {
    let (ca_data, leaf) = (STANDARD.encode(ca.pem()), pem(&ca.leaf("a", OffsetDateTime::now_utc() + left)));
    format!(
        "apiVersion: v1
kind: Config
current-context: a@a
clusters: [{{name: a, cluster: {{server: 'https://a:6443', certificate-authority-data: {ca_data}}}}}]
contexts: [{{name: a@a, context: {{cluster: a, user: a}}}}]
users: [{{name: a, user: {{client-certificate-data: {}, client-key-data: bm90IHJlYWQ=}}}}]
",
        STANDARD.encode(leaf)
    )
}

fn kubeadm() -> PathBuf {
    let folder = std::env::var_os("KUBE_BIN_DIR").expect("KUBE_BIN_DIR names the folder with kubeadm");
    Path::new(&folder).join("kubeadm")
}

/// What kubeadm prints for a tree, which it takes for the root of the machine.
fn check_expiration(kubeadm: &Path, tree: &Path) -> String {
    put(tree, "kubeadm.yaml", CONFIG);
    let mut command = tool(kubeadm);
    command.arg("--rootfs").arg(tree);
    let text = succeed(command.args(["certs", "check-expiration", "--config", "/kubeadm.yaml"]));
    let column = text.find("CERTIFICATE AUTHORITY").unwrap();
    let lines = text.lines().map(|line| {
        let mut line = line.to_owned();
        if line.contains(".conf") && !line.contains("!MISSING!") {
            // 1.20 leaves open who signed the certificate in a kubeconfig; later versions say it.
            assert_eq!(&line[column..column + 2], "  ", "{line}");
            line.replace_range(column..column + 2, "ca");
        }
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}
