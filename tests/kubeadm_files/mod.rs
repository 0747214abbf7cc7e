//! The configuration for kubeadm and kubelets in the cluster's part: what somebody else's reader of YAML finds in it, and
//! what the real kubeadm, of whichever version, makes of it.

mod real;
mod yaml;

use std::path::Path;

use serde_json::Value;

use crate::common::{succeed, tool};

/// A cluster in which every value that reaches the configuration is another than kubeadm's default.
fn profile(kubernetes: &str, more: &str) -> String {
    format!(
        r#"
format = 1

[cluster]
name = "files"
kubernetes = "{kubernetes}"
issued_at = 2020-01-01
control_plane_endpoint = "k8s.corp.internal:6444"
api_server_port = 6444
service_subnets = ["10.200.0.0/16"]
dns_domain = "k8s.internal"
apiserver_cert_sans = ["10.0.0.100", "*.apps.corp.internal", "extra.corp.internal"]
etcd_cert_sans = ["10.0.0.200", "etcd.corp.internal"]

[keys]
ca = "ecdsa-p256"
leaf = "ecdsa-p256"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["192.168.1.11"]
dns_names = ["cp-1.corp.internal"]

[[node]]
name = "cp-2"
role = "control-plane"
addresses = ["192.168.1.12"]

[[node]]
name = "worker-1"
role = "worker"
addresses = ["192.168.1.21"]
{more}"#
    )
}

/// Every document of a file, as kubectl reads YAML.
fn documents(file: &Path) -> Vec<Value> {
    let mut kubectl = tool("kubectl");
    kubectl.args(["patch", "--local", "--type=merge", "--patch={}", "--output=json", "--filename"]).arg(file);
    let text = succeed(&mut kubectl);
    serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect()
}
