//! Folders of every shape: control planes, workers, members of etcd, live roots, copies, and kubelets that rotate.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::{build, certferry, fail, profile, succeed};
use crate::inspect::{AT, Ca, STACKED, copy, inspect, json, names, pem, put, stderr, stdout, table, unpacked};

const STORE: &str = "var/lib/kubelet/pki";
const FAR: time::OffsetDateTime = time::macros::datetime!(2100-01-01 0:00 UTC);

#[test]
fn a_worker_has_a_ca_and_the_kubelets_certificates_and_misses_nothing() {
    assert_eq!(
        table(&unpacked(&STACKED, "worker-1")),
        "\
CERTIFICATE       EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
kubelet-client    Nov 22, 2225 00:00 UTC   199y            ca                      yes
kubelet-serving   Nov 22, 2225 00:00 UTC   199y            ca                      yes

CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED
ca                      Nov 22, 2226 00:00 UTC   200y            yes
"
    );
}

#[test]
fn external_etcd_is_not_missing_on_a_control_plane_nor_a_control_plane_on_a_member() {
    let bundle = build(&profile("ha-external-etcd"));
    let control_plane = table(&bundle.unpack("cp-1"));
    assert!(!control_plane.contains("!MISSING!"), "{control_plane}");
    assert!(control_plane.contains("apiserver-etcd-client"));
    let member = table(&bundle.unpack("etcd-1"));
    assert_eq!(
        names(&member),
        ["CERTIFICATE", "etcd-healthcheck-client", "etcd-peer", "etcd-server", "", "CERTIFICATE AUTHORITY", "etcd-ca"],
        "{member}"
    );
}

#[test]
fn what_is_missing_is_told() {
    let tree = copy(&unpacked(&STACKED, "cp-1"));
    for file in ["admin.conf", "pki/etcd/peer.crt", "pki/front-proxy-ca.crt", "super-admin.conf"] {
        fs::remove_file(tree.path().join("etc/kubernetes").join(file)).unwrap();
    }
    let output = inspect([tree.path()]);
    assert_eq!(output.status.code(), Some(1));
    // admin.conf may be kept elsewhere.
    assert_eq!(stderr(&output), "error: 2 files are missing: etcd-peer, front-proxy-ca\n");
    let table = stdout(&output);
    let missing: Vec<_> = table.lines().filter(|line| line.contains("MISSING")).collect();
    assert_eq!(missing, ["!MISSING! admin.conf", "!MISSING! etcd-peer", "!MISSING! front-proxy-ca"], "{table}");
    let soon =
        inspect([tree.path().as_os_str(), "--expiring-within=1d".as_ref(), "--at=2225-11-21T12:00:00Z".as_ref()]);
    assert_eq!(soon.status.code(), Some(1));
    assert!(stderr(&soon).starts_with("error: 2 files are missing: etcd-peer, front-proxy-ca; "), "{}", stderr(&soon));
    assert!(stdout(&soon).contains("!MISSING! etcd-peer\n"), "{}", stdout(&soon));
    let metrics = inspect([tree.path().as_os_str(), "-o".as_ref(), "prometheus".as_ref()]);
    assert_eq!(metrics.status.code(), Some(1));
    assert!(
        stdout(&metrics)
            .ends_with("# TYPE certferry_missing_certificates gauge\ncertferry_missing_certificates{node=\"\"} 2\n")
    );
    let output = inspect([tree.path().as_os_str(), "-o".as_ref(), "json".as_ref()]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let missing: Vec<_> =
        document["missing"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(missing, ["admin.conf", "etcd-peer", "front-proxy-ca"]);
    // Nothing signed by the CA that is gone can be proved.
    let proxy = table.lines().find(|line| line.starts_with("front-proxy-client")).unwrap();
    assert!(proxy.ends_with("(front-proxy-ca)        -"), "{proxy}");

    // What is kept elsewhere alone is no fault.
    let tree = copy(&unpacked(&STACKED, "cp-1"));
    fs::remove_file(tree.path().join("etc/kubernetes/admin.conf")).unwrap();
    let output = inspect([tree.path()]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert!(stdout(&output).contains("!MISSING! admin.conf"));
    fs::remove_file(tree.path().join("etc/kubernetes/pki/apiserver.crt")).unwrap();
    assert_eq!(stderr(&inspect([tree.path()])), "error: 1 file is missing: apiserver\n");
}

#[test]
fn every_way_to_name_a_nodes_files_leads_to_them() {
    let tree = copy(&unpacked(&STACKED, "cp-1"));
    let whole = table(tree.path());
    let kubernetes = tree.path().join("etc/kubernetes");
    assert_eq!(table(&kubernetes), whole, "etc/kubernetes is part of its root");
    let here = succeed(certferry().args(["inspect", ".", "--at", AT]).current_dir(&kubernetes));
    assert_eq!(here, whole);

    let copied = tempfile::tempdir().unwrap();
    let (backup, kubelet) = (copied.path().join("backup"), copied.path().join("kubelet"));
    fs::rename(&kubernetes, &backup).unwrap();
    fs::rename(tree.path().join("var/lib/kubelet"), &kubelet).unwrap();
    let (kubeadms, kubelets) = whole.rsplit_once("\n\n").unwrap();
    assert_eq!(table(&backup), format!("{kubeadms}\n"), "a copy knows nothing of the kubelet's files");
    let rows = |table: &str| -> Vec<String> {
        let cut = |line: &str| line.split("UTC").next().unwrap().to_owned();
        table.lines().filter(|line| !line.starts_with("CERTIFICATE")).map(cut).collect()
    };
    assert_eq!(rows(&table(&kubelet)), rows(kubelets));
    assert_eq!(rows(&table(&kubelet.join("pki"))), rows(kubelets));
    let pki = table(&backup.join("pki"));
    assert!(pki.contains("\netcd-server ") && !pki.contains("MISSING") && !pki.contains(".conf"), "{pki}");

    fs::create_dir(copied.path().join("empty")).unwrap();
    let error = fail(certferry().arg("inspect").arg(copied.path().join("empty")), 2);
    assert!(error.contains("holds neither etc/kubernetes nor var/lib/kubelet\nhint: "), "{error}");
    fs::create_dir_all(copied.path().join("bare/etc/kubernetes")).unwrap();
    let error = fail(certferry().arg("inspect").arg(copied.path().join("bare")), 2);
    assert!(error.contains("there is no certificate in "), "{error}");
}

#[test]
fn several_trees_are_told_apart() {
    let (one, two) = (unpacked(&STACKED, "worker-1"), unpacked(&STACKED, "worker-2"));
    let both = stdout(&inspect([one.as_os_str(), two.as_os_str(), "--at".as_ref(), AT.as_ref()]));
    let section = |tree: &Path| format!("{}\n\n{}", tree.display(), table(tree));
    assert_eq!(both, format!("{}\n{}", section(&one), section(&two)));
}

#[test]
fn a_kubelets_current_certificate_is_listed_once_and_old_ones_are_not() {
    let tree = copy(&unpacked(&STACKED, "worker-1"));
    let store = tree.path().join(STORE);
    let ca = Ca::new("old");
    put(
        &store,
        "kubelet-client-2020-01-01-00-00-00.pem",
        pem(&ca.leaf("old", time::macros::datetime!(2021-01-01 0:00 UTC))),
    );
    // As the kubelet writes it: absolute. On another machine's disk it must not lead to this machine.
    let link = store.join("kubelet-client-current.pem");
    let newest = fs::read_link(&link).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(Path::new("/").join(STORE).join(newest), &link).unwrap();
    let rows = json(tree.path());
    let kubelets: Vec<_> = rows.iter().filter(|row| row["kind"] == "kubelet").collect();
    assert_eq!(kubelets.len(), 2, "{kubelets:?}");
    assert_eq!(kubelets[0]["name"], "kubelet-client");
    assert_eq!(kubelets[0]["path"], link.to_str().unwrap(), "the same after every rotation");
    assert_eq!(kubelets[0]["authority"], "ca");
    assert_eq!(kubelets[0]["subject"], "CN=system:node:worker-1,O=system:nodes");

    // Without a current one, every dated one is what there is.
    fs::remove_file(&link).unwrap();
    let output = inspect([tree.path()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("kubelet.conf  names /var/lib/kubelet/pki/kubelet-client-current.pem"));
    let listed = stdout(&output);
    assert!(listed.contains("\nkubelet-client-2020-01-01-00-00-00.pem ") && listed.contains(" <invalid> "), "{listed}");
    assert!(listed.contains("\nkubelet-client-2026-11-22-00-00-00.pem "), "{listed}");

    symlink("gone.pem", &link).unwrap();
    let output = inspect([tree.path()]);
    assert_eq!(output.status.code(), Some(2));
    let expected = format!("{}  cannot be read: no such file or directory\n", link.display());
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
}

#[test]
fn a_kubelet_that_signed_for_itself_and_one_with_an_inline_certificate() {
    let tree = copy(&unpacked(&STACKED, "worker-1"));
    let own = Ca::new("worker-1-ca@1795219200");
    let chain = format!("{}{}", pem(&own.leaf("worker-1@1795219200", FAR)), own.pem());
    put(tree.path(), &format!("{STORE}/kubelet.crt"), chain);
    let admin = fs::read_to_string(unpacked(&STACKED, "cp-1").join("etc/kubernetes/admin.conf")).unwrap();
    put(tree.path(), "etc/kubernetes/kubelet.conf", admin);
    let table = table(tree.path());
    let row = |name: &str| {
        table.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{name}\n{table}"))
    };
    assert!(row("kubelet-serving").contains(" kubelet-serving#2 "), "{table}");
    assert!(row("kubelet-serving#2").contains(", 2200 "), "{table}");
    assert!(row("kubelet.conf").contains(" ca "), "{table}");
    assert_eq!(table.matches("\nca ").count(), 1, "the CA in kubelet.conf is the one in pki\n{table}");
}

#[test]
fn both_cas_of_a_rotation_are_listed_and_each_signs_its_own() {
    let tree = tempfile::tempdir().unwrap();
    let (old, new) = (Ca::new("kubernetes"), Ca::new("kubernetes"));
    put(tree.path(), "etc/kubernetes/pki/ca.crt", format!("{}{}{}", new.pem(), old.pem(), new.pem()));
    put(tree.path(), "etc/kubernetes/pki/ca.key", "not read");
    put(tree.path(), "etc/kubernetes/pki/first.crt", pem(&new.leaf("first", FAR)));
    put(tree.path(), "etc/kubernetes/pki/second.crt", pem(&old.leaf("second", FAR)));
    let rows = json(tree.path());
    let authority = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {rows:?}"));
        (row["authority"].as_str().unwrap().to_owned(), row["externally_managed"].as_bool().unwrap())
    };
    assert_eq!(rows.len(), 4, "the same certificate twice in one file is one: {rows:?}");
    assert_eq!(authority("first.crt"), ("ca".to_owned(), false));
    assert_eq!(authority("second.crt"), ("ca#2".to_owned(), true), "the key belongs to the first");
    assert_eq!(authority("ca#2"), ("ca#2".to_owned(), true));
}
