//! What is in the files, as kubectl's reader of YAML has it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{documents, profile};
use crate::common::{Bundle, build_text, files, succeed, tool};

/// The folder `kubeadm` of the cluster's part.
fn folder(bundle: &Bundle) -> PathBuf {
    bundle.untar().join("cluster/kubeadm")
}

fn api(name: &str) -> String {
    format!("kubeadm.k8s.io/{name}")
}

fn worker(version: &str) -> Value {
    json!({
        "apiVersion": api(version),
        "kind": "JoinConfiguration",
        "discovery": { "file": { "kubeConfigPath": "/etc/kubernetes/kubelet.conf" } },
        "nodeRegistration": {
            "ignorePreflightErrors":
                ["FileAvailable--etc-kubernetes-kubelet.conf", "FileAvailable--etc-kubernetes-pki-ca.crt"],
        },
    })
}

/// Field names and the shape of every value are those of kubeadm's own types (v1beta2 of 1.20, v1beta3 of 1.22, v1beta4
/// of 1.31).
#[test]
fn every_value_is_the_profiles_in_each_version_of_the_configuration() {
    let periods = |algorithm: Option<&str>| {
        // From 2020-01-01 to 2220-01-01 it is 73,048 days; less 20 years.
        let mut periods = json!({ "certificateValidityPeriod": "1577832h", "caCertificateValidityPeriod": "1753152h" });
        if let Some(algorithm) = algorithm {
            periods["encryptionAlgorithm"] = algorithm.into();
        }
        periods
    };
    for (kubernetes, version, periods) in [
        ("1.20.2", "v1beta2", json!({})),
        ("1.21.14", "v1beta2", json!({})),
        ("1.22.0", "v1beta3", json!({})),
        ("1.30.14", "v1beta3", json!({})),
        ("1.31.0", "v1beta4", periods(Some("ECDSA-P256"))),
        ("1.36.2", "v1beta4", periods(Some("ECDSA-P256"))),
    ] {
        let bundle = build_text(&profile(kubernetes, ""));
        let folder = folder(&bundle);
        let expected = ["init.yaml", "join-worker.yaml", "join/cp-1.yaml", "join/cp-2.yaml", "kubelet.yaml"];
        assert_eq!(files(&folder), expected);
        let mut cluster = json!({
            "apiVersion": api(version),
            "kind": "ClusterConfiguration",
            "kubernetesVersion": format!("v{kubernetes}"),
            "controlPlaneEndpoint": "k8s.corp.internal:6444",
            "apiServer": { "certSANs": ["10.0.0.100", "*.apps.corp.internal", "extra.corp.internal"] },
            "etcd": { "local": {
                "serverCertSANs": ["10.0.0.200", "etcd.corp.internal"],
                "peerCertSANs": ["10.0.0.200", "etcd.corp.internal"],
            } },
            "networking": { "serviceSubnet": "10.200.0.0/16", "dnsDomain": "k8s.internal" },
        });
        cluster.as_object_mut().unwrap().extend(periods.as_object().unwrap().clone());
        let init = json!({
            "apiVersion": api(version),
            "kind": "InitConfiguration",
            "localAPIEndpoint": { "advertiseAddress": "192.168.1.11", "bindPort": 6444 },
            "nodeRegistration": { "name": "cp-1" },
        });
        assert_eq!(documents(&folder.join("init.yaml")), [init, cluster], "{kubernetes}");
        let join = json!({
            "apiVersion": api(version),
            "kind": "JoinConfiguration",
            "controlPlane": { "localAPIEndpoint": { "advertiseAddress": "192.168.1.12", "bindPort": 6444 } },
            "discovery": { "file": { "kubeConfigPath": "/etc/kubernetes/admin.conf" } },
            "nodeRegistration": {
                "name": "cp-2",
                "ignorePreflightErrors": ["FileAvailable--etc-kubernetes-kubelet.conf"],
            },
        });
        assert_eq!(documents(&folder.join("join/cp-2.yaml")), [join], "{kubernetes}");
        assert_eq!(documents(&folder.join("join-worker.yaml")), [worker(version)], "{kubernetes}");
        let mut kubelet = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": { "enabled": false },
                "webhook": { "enabled": true },
                "x509": { "clientCAFile": "/etc/kubernetes/pki/ca.crt" },
            },
            "authorization": { "mode": "Webhook" },
            "clusterDNS": ["10.200.0.10"],
            "clusterDomain": "k8s.internal",
            "rotateCertificates": true,
            "staticPodPath": "/etc/kubernetes/manifests",
        });
        if version != "v1beta2" {
            kubelet["cgroupDriver"] = "systemd".into();
        }
        assert_eq!(documents(&folder.join("kubelet.yaml")), [kubelet], "{kubernetes}");
    }
}

/// The ClusterConfiguration of a profile.
fn cluster_configuration(profile: &str) -> Value {
    documents(&folder(&build_text(profile)).join("init.yaml")).remove(1)
}

/// What kubeadm renews on the last day of the first 20 years, or of the first half of a shorter life, ends no later than
/// the first of its CAs.
#[test]
fn no_renewed_leaf_outlives_its_ca() {
    let day = 24;
    for (validity, leaf, ca) in [
        // A leaf keeps the life that the profile gives it, where that is short.
        ("leaf = \"5y\"", 1827 * day, 73048 * day),
        ("ca = \"30y\"\nleaf = \"30y\"", 10958 * day / 2, 10958 * day),
        ("ca = \"10y\"\nleaf = \"1y\"", 366 * day, 3653 * day),
        ("ca = \"1h\"\nleaf = \"1h\"", 1, 1),
        // Go's durations end there.
        ("ca = \"900y\"\nleaf = \"290y\"", 2_562_047 - 20 * 8766, 2_562_047),
    ] {
        let text = profile("1.34.1", &format!("\n[validity]\n{validity}\n"));
        let cluster = cluster_configuration(&text);
        assert_eq!(cluster["certificateValidityPeriod"], format!("{leaf}h"), "{validity}");
        assert_eq!(cluster["caCertificateValidityPeriod"], format!("{ca}h"), "{validity}");
    }
    // The first CA to end counts, and with external etcd etcd's does not: kubeadm signs nothing with it.
    let shorter = "\n[ca.etcd]\nvalidity = \"100y\"\n[validity]\nleaf = \"100y\"\n";
    let stacked = cluster_configuration(&profile("1.34.1", shorter));
    assert_eq!(stacked["caCertificateValidityPeriod"], format!("{}h", 36524 * day));
    let etcd = "\n[[node]]\nname = \"etcd-1\"\nrole = \"etcd\"\naddresses = [\"192.168.1.31\"]\n";
    let external = profile("1.34.1", &format!("{shorter}{etcd}"));
    let external = cluster_configuration(&external.replace("api_server_port", "etcd = \"external\"\napi_server_port"));
    assert_eq!(external["caCertificateValidityPeriod"], format!("{}h", 73048 * day));
    let expected = json!({ "external": {
        "endpoints": ["https://192.168.1.31:2379"],
        "caFile": "/etc/kubernetes/pki/etcd/ca.crt",
        "certFile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
        "keyFile": "/etc/kubernetes/pki/apiserver-etcd-client.key",
    } });
    assert_eq!(external["etcd"], expected);
}

#[test]
fn an_algorithm_that_kubeadm_does_not_know_is_left_out() {
    for (kubernetes, expected) in [("1.33.5", Value::Null), ("1.34.1", json!("ECDSA-P384"))] {
        let text = profile(kubernetes, "").replace("leaf = \"ecdsa-p256\"", "leaf = \"ecdsa-p384\"");
        assert_eq!(cluster_configuration(&text)["encryptionAlgorithm"], expected, "{kubernetes}");
    }
}

/// Without client certificates a worker needs a token, which nobody knows when the bundle is built; the CA's hash is known.
#[test]
fn a_worker_without_kubelet_conf_gets_a_place_for_a_token() {
    let bundle = build_text(&profile("1.34.1", "\n[kubelet]\nclient = false\n"));
    let top = bundle.untar();
    let mut openssl = tool("sh");
    openssl.args(["-c", "openssl x509 -in \"$1\" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum", "sh"]);
    let hash = succeed(openssl.arg(top.join("nodes/worker-1/etc/kubernetes/pki/ca.crt")));
    let hash = hash.split_whitespace().next().unwrap();
    let join = json!({
        "apiVersion": api("v1beta4"),
        "kind": "JoinConfiguration",
        "discovery": { "bootstrapToken": {
            "apiServerEndpoint": "k8s.corp.internal:6444",
            "caCertHashes": [format!("sha256:{hash}")],
            "token": "TOKEN",
        } },
        "nodeRegistration": { "ignorePreflightErrors": ["FileAvailable--etc-kubernetes-pki-ca.crt"] },
    });
    assert_eq!(documents(&top.join("cluster/kubeadm/join-worker.yaml")), [join]);
    // A control plane has no kubelet.conf either, that kubeadm would find there.
    let join = &documents(&top.join("cluster/kubeadm/join/cp-2.yaml"))[0];
    assert_eq!(join["nodeRegistration"], json!({ "name": "cp-2" }));
}

/// Dual stack, names that YAML could take for something else, and a single control plane, which nobody joins.
#[test]
fn texts_stay_texts() {
    for (name, address) in [("null", "fd00::"), ("1e5", "fd00::11"), ("0x1f", "fd00::12"), ("yes", "2001:db8::1")] {
        let text = format!(
            "format = 1\n[cluster]\nname = \"on\"\nkubernetes = \"1.20.2\"\nissued_at = 2020-01-01\ndns_domain = \"y\"\n\
             service_subnets = [\"fd00:96::/112\", \"10.96.0.0/12\"]\n[keys]\nca = \"ecdsa-p256\"\nleaf = \"ecdsa-p256\"\n\
             [[node]]\nname = \"{name}\"\nrole = \"control-plane\"\naddresses = [\"{address}\", \"10.0.0.1\"]\n"
        );
        let bundle = build_text(&text);
        let folder = folder(&bundle);
        assert_eq!(files(&folder), ["init.yaml", "join-worker.yaml", "kubelet.yaml"]);
        let init = documents(&folder.join("init.yaml"));
        assert_eq!(init[0]["nodeRegistration"]["name"], name);
        assert_eq!(init[0]["localAPIEndpoint"]["advertiseAddress"], address);
        let expected = json!({
            "apiVersion": api("v1beta2"),
            "kind": "ClusterConfiguration",
            "kubernetesVersion": "v1.20.2",
            "networking": { "serviceSubnet": "fd00:96::/112,10.96.0.0/12", "dnsDomain": "y" },
            "featureGates": { "IPv6DualStack": true },
        });
        assert_eq!(init[1], expected);
        let kubelet = &documents(&folder.join("kubelet.yaml"))[0];
        assert_eq!((&kubelet["clusterDNS"], &kubelet["clusterDomain"]), (&json!(["fd00:96::a"]), &json!("y")));
    }
}

/// The lock says what each file holds, so that a plan can say what changes.
#[test]
fn the_lock_says_what_the_files_hold() {
    let bundle = build_text(&profile("1.36.2", ""));
    let lock = fs::read_to_string(&bundle.lock).unwrap();
    let found: Vec<_> = lock.lines().filter(|line| line.starts_with("\"kubeadm/")).collect();
    let expected = [
        "\"kubeadm/init.yaml\" = \"kubeadm init of cp-1 at 192.168.1.11:6444: v1beta4, Kubernetes 1.36.2, endpoint \
         k8s.corp.internal:6444, SANs 10.0.0.100,*.apps.corp.internal,extra.corp.internal, SANs of etcd \
         10.0.0.200,etcd.corp.internal, services 10.200.0.0/16, domain k8s.internal, renewed for 1577832h of 1753152h with \
         ECDSA-P256\"",
        "\"kubeadm/join-worker.yaml\" = \"kubeadm join of a worker with kubelet.conf, v1beta4\"",
        "\"kubeadm/join/cp-1.yaml\" = \"kubeadm join of cp-1 at 192.168.1.11:6444 with kubelet.conf, v1beta4\"",
        "\"kubeadm/join/cp-2.yaml\" = \"kubeadm join of cp-2 at 192.168.1.12:6444 with kubelet.conf, v1beta4\"",
        "\"kubeadm/kubelet.yaml\" = \"kubelet configuration: DNS 10.200.0.10, domain k8s.internal, cgroups of systemd\"",
    ];
    assert_eq!(found, expected);
}
