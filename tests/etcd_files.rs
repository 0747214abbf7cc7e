//! The files for members of external etcd. `etcd_cluster` has real members start with them.

use std::fs;

use crate::common::{build_text, files, tool, write};

const PROFILE: &str = r#"
format = 1

[cluster]
name = "prod-2"
kubernetes = "1.33.5"
issued_at = 2020-01-01
etcd = "external"

[keys]
ca = "ecdsa-p256"
leaf = "ecdsa-p256"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["10.0.0.11"]

[[node]]
name = "etcd-1"
role = "etcd"
addresses = ["10.0.1.11", "fd00::11"]

[[node]]
name = "etcd.2"
role = "etcd"
addresses = ["fd00::12"]

[[node]]
name = "etcd-3"
role = "etcd"
addresses = ["10.0.1.13"]

[[etcd_client]]
name = "prometheus"
"#;

#[test]
fn each_member_gets_its_settings_and_systemd_reads_them() {
    let bundle = build_text(PROFILE);
    let top = bundle.untar();
    let folder = top.join("cluster/etcd");
    let expected = ["etcd-1", "etcd-3", "etcd.2"]
        .map(|name| [format!("{name}/etcd.drop-in"), format!("{name}/etcd.env")])
        .concat();
    assert_eq!(files(&folder), expected);
    let text = fs::read_to_string(folder.join("etcd.2/etcd.env")).unwrap();
    let settings: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let expected = [
        "ETCD_NAME=etcd.2",
        "ETCD_DATA_DIR=/var/lib/etcd",
        "ETCD_LISTEN_CLIENT_URLS=https://127.0.0.1:2379,https://[fd00::12]:2379",
        "ETCD_ADVERTISE_CLIENT_URLS=https://[fd00::12]:2379",
        "ETCD_LISTEN_PEER_URLS=https://[fd00::12]:2380",
        "ETCD_INITIAL_ADVERTISE_PEER_URLS=https://[fd00::12]:2380",
        "ETCD_LISTEN_METRICS_URLS=http://127.0.0.1:2381",
        "ETCD_INITIAL_CLUSTER_TOKEN=prod-2",
        "ETCD_INITIAL_CLUSTER=etcd-1=https://10.0.1.11:2380,etcd.2=https://[fd00::12]:2380,etcd-3=https://10.0.1.13:2380",
        "ETCD_INITIAL_CLUSTER_STATE=new",
        "ETCD_TRUSTED_CA_FILE=/etc/kubernetes/pki/etcd/ca.crt",
        "ETCD_CERT_FILE=/etc/kubernetes/pki/etcd/server.crt",
        "ETCD_KEY_FILE=/etc/kubernetes/pki/etcd/server.key",
        "ETCD_CLIENT_CERT_AUTH=true",
        "ETCD_PEER_TRUSTED_CA_FILE=/etc/kubernetes/pki/etcd/ca.crt",
        "ETCD_PEER_CERT_FILE=/etc/kubernetes/pki/etcd/peer.crt",
        "ETCD_PEER_KEY_FILE=/etc/kubernetes/pki/etcd/peer.key",
        "ETCD_PEER_CLIENT_CERT_AUTH=true",
    ];
    assert_eq!(settings, expected);
    // Every file of certificates that is named is in the member's part.
    for path in settings.iter().filter_map(|line| line.split_once("=/etc/").map(|(_, path)| path)) {
        assert!(top.join("nodes/etcd.2/etc").join(path).is_file(), "{path}");
    }

    // The unit that Debian's package has, in short, with the drop-in where its comment puts it.
    let units = tempfile::tempdir().unwrap();
    let service = write(units.path(), "etcd.service", "[Service]\nExecStart=/bin/true\n", 0o644);
    fs::create_dir(units.path().join("etcd.service.d")).unwrap();
    let drop_in = fs::read_to_string(folder.join("etcd.2/etcd.drop-in")).unwrap();
    write(&units.path().join("etcd.service.d"), "certferry.conf", &drop_in, 0o644);
    let output = crate::common::run(tool("systemd-analyze").arg("verify").arg(&service));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    // The mirror: a line that systemd does not know.
    write(
        &units.path().join("etcd.service.d"),
        "certferry.conf",
        &drop_in.replace("EnvironmentFile", "Environments"),
        0o644,
    );
    let output = crate::common::run(tool("systemd-analyze").arg("verify").arg(&service));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Unknown key 'Environments'"), "{output:?}");
}

#[test]
fn a_client_of_etcd_learns_where_the_metrics_are() {
    let bundle = build_text(PROFILE);
    let text = fs::read_to_string(bundle.untar().join("cluster/etcd-clients/prometheus/prometheus.yaml")).unwrap();
    let targets = "    targets:\n    - \"10.0.1.11:2379\"\n    - \"[fd00::12]:2379\"\n    - \"10.0.1.13:2379\"\n";
    assert!(text.ends_with(targets), "{text}");
    let lock = fs::read_to_string(&bundle.lock).unwrap();
    for line in [
        "\"etcd-clients/prometheus/prometheus.yaml\" = \"Prometheus of etcd of prod-2 at \
         10.0.1.11:2379,[fd00::12]:2379,10.0.1.13:2379\"",
        "\"etcd/etcd-3/etcd.drop-in\" = \"settings of etcd etcd-3 for systemd\"",
        "\"etcd/etcd-3/etcd.env\" = \"etcd etcd-3 of prod-2 at https://10.0.1.13:2379 and https://10.0.1.13:2380 among \
         etcd-1=https://10.0.1.11:2380,etcd.2=https://[fd00::12]:2380,etcd-3=https://10.0.1.13:2380\"",
    ] {
        assert!(lock.lines().any(|found| found == line), "{line}\n{lock}");
    }
}

/// kubeadm starts members on control planes.
#[test]
fn stacked_etcd_has_no_such_files() {
    let text = PROFILE.replace("etcd = \"external\"\n", "").replace("role = \"etcd\"", "role = \"worker\"");
    let text = text.replace("[\"fd00::12\"]", "[\"10.0.1.12\", \"fd00::12\"]");
    let bundle = build_text(&text);
    assert!(!bundle.untar().join("cluster/etcd").exists());
}
