//! A real kubelet, with a stand-in for the container runtime.

use serde_json::json;

use super::docker;
use super::machine::Machine;
use crate::common::write;

/// Starts a real kubelet, as kubeadm configures it but for what needs the machine's control groups.
pub fn start_kubelet(worker: &Machine, name: &str, address: &str) {
    worker.serve("kubelet", &configure_kubelet(worker, name, address));
}

/// Writes its configuration and lets something answer for its runtime; returns its arguments.
pub fn configure_kubelet(worker: &Machine, name: &str, address: &str) -> Vec<String> {
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": "/etc/kubernetes/pki/ca.crt" },
        },
        "authorization": { "mode": "Webhook" },
        "rotateCertificates": true,
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failSwapOn": false,
        // It tells the cluster four times in that time that it lives.
        "nodeLeaseDurationSeconds": 4,
        "resolvConf": "",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
    });
    write(&worker.path("/var/lib/kubelet"), "config.yaml", &config.to_string(), 0o600);
    let runtime = worker.path("/run/docker.sock");
    // It goes on when the kubelet starts anew.
    if !runtime.exists() {
        docker::answer(&runtime);
    }
    let arguments = [
        "--config=/var/lib/kubelet/config.yaml",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--docker-endpoint=unix:///run/docker.sock",
        "--v=2",
    ];
    let arguments = arguments.map(str::to_owned).into_iter();
    let own = [format!("--hostname-override={name}"), format!("--node-ip={address}")];
    arguments.chain(own).collect()
}
