//! A cluster of 1.20.2 that runs: two control planes and a worker with real kubelets, and an etcd of three members that
//! stand on machines of their own.
//!
//! etcd is external, since three members of stacked etcd would be three control planes; and where a member and an API
//! server change at different times, there are more mixtures that have to hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::stand_ins;
use crate::common::network::Network;
use crate::common::{program, succeed, write};
use crate::kube::cluster::kubectl;
use crate::kube::kubelet::configure_kubelet;
use crate::kube::machine::Machine;
use crate::kube::programs;
use crate::kube::wait::wait_for;

/// The nodes, with role and address.
pub(super) const NODES: [(&str, &str, &str); 6] = [
    ("etcd-1", "etcd", "192.168.1.31"),
    ("etcd-2", "etcd", "192.168.1.32"),
    ("etcd-3", "etcd", "192.168.1.33"),
    ("cp-1", "control-plane", "192.168.1.11"),
    ("cp-2", "control-plane", "192.168.1.12"),
    ("worker-1", "worker", "192.168.1.21"),
];
/// Where people and the balancer are, and the program that API servers call, which has the address of its Service.
pub(super) const DESK: &str = "desk";
pub(super) const PROGRAM: (&str, &str) = ("program", "10.96.77.7");
const DESK_ADDRESS: &str = "192.168.1.10";
/// What clients hold, as the desk sees it.
pub(super) const CLIENTS: &str = "/clients";
/// Where the network's machines find the control groups.
const GROUPS: &str = "/run/cgroup";
const PODS: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// The machines, which end with this.
pub(super) struct Cluster {
    pub(super) machines: BTreeMap<&'static str, Machine>,
    /// Holds what is in [`CLIENTS`].
    pub(super) clients: TempDir,
    _network: Network,
    _programs: TempDir,
}

/// The address of a node.
pub(super) fn address(node: &str) -> &'static str {
    NODES.iter().find(|(name, ..)| *name == node).unwrap().2
}

/// The nodes of a role.
pub(super) fn nodes(role: &str) -> Vec<&'static str> {
    NODES.iter().filter(|row| row.1 == role).map(|row| row.0).collect()
}

/// The URLs of the API servers, or of the members of etcd.
pub(super) fn servers(role: &str) -> Vec<String> {
    let port = if role == "etcd" { 2379 } else { 6443 };
    nodes(role).iter().map(|node| format!("https://{}:{port}", address(node))).collect()
}

impl Cluster {
    /// The machines with their stand-ins. Nothing runs yet.
    pub(super) fn new() -> Self {
        let real = programs();
        let [programs, clients] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for folder in [&programs, &clients] {
            fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        stand_ins::make(programs.path());
        let mut addresses: Vec<_> = NODES.iter().map(|(name, _, address)| (*name, [*address])).collect();
        addresses.extend([(DESK, [DESK_ADDRESS]), (PROGRAM.0, [PROGRAM.1])]);
        let machines: Vec<_> = addresses.iter().map(|(name, addresses)| (*name, &addresses[..])).collect();
        // `ip netns exec` mounts another /sys, without the control groups that a kubelet wants to see.
        let network = Network::new(&machines, "", &format!("mkdir {GROUPS}\nmount --rbind /sys/fs/cgroup {GROUPS}"));
        let names: String = NODES.iter().map(|(name, _, address)| format!("{address} {name}\n")).collect();
        let hosts = format!("{names}{DESK_ADDRESS} k8s.corp.internal\n");
        let boot = |(name, _): &(&'static str, _)| {
            let machine = Machine::on(&network, name, programs.path(), &hosts);
            machine.rename(name);
            machine.bind(Path::new(GROUPS), "/sys/fs/cgroup");
            machine.bind(&real, "/real");
            machine.bind(program().parent().unwrap(), "/opt/certferry");
            machine.bind(clients.path(), CLIENTS);
            fs::create_dir_all(machine.path("/run/services")).unwrap();
            fs::create_dir_all(machine.path("/media")).unwrap();
            (*name, machine)
        };
        let machines = addresses.iter().map(boot).collect();
        Self { machines, clients, _network: network, _programs: programs }
    }

    pub(super) fn desk(&self) -> &Machine {
        &self.machines[DESK]
    }

    /// Starts everything on nodes that have their files; `top` is what was unpacked of their bundle.
    pub(super) fn start(&self, top: &Path) {
        for (name, role, address) in NODES {
            let machine = &self.machines[name];
            if role == "etcd" {
                fs::copy(top.join(format!("cluster/etcd/{name}/etcd.env")), machine.path("/etc/etcd.env")).unwrap();
                self.enable(name, "etcd", "env $(grep -v '^#' /etc/etcd.env) etcd");
            } else {
                let arguments = configure_kubelet(machine, name, address).join(" ");
                self.enable(name, "kubelet", &format!("kubelet {arguments}"));
            }
            if role == "control-plane" {
                self.make_manifests(name, address);
                machine.serve("static-pods", &[]);
            }
        }
        let own = [format!("{DESK_ADDRESS}:6443")].into_iter();
        let servers = nodes("control-plane").into_iter().map(|node| format!("{}:6443", address(node)));
        let arguments: Vec<_> = ["balance".to_owned()].into_iter().chain(own).chain(servers).collect();
        self.desk().serve("balancer", &arguments);
        for node in nodes("control-plane") {
            wait_for("ready API server", || {
                let server = format!("--server https://{}:6443 get --raw /readyz", address(node));
                self.kubectl(0, &server).map_err(|error| format!("{error}\n{}", self.log(node, "kube-apiserver")))
            });
        }
    }

    fn enable(&self, node: &str, service: &str, command: &str) {
        let machine = &self.machines[node];
        write(&machine.path("/run/services"), service, command, 0o644);
        succeed(machine.command("systemctl").args(["restart", service]));
    }

    /// Has kubeadm write the manifests of a control plane.
    fn make_manifests(&self, node: &str, address: &str) {
        let machine = &self.machines[node];
        let pki = "/etc/kubernetes/pki";
        let documents = [
            json!({
                "apiVersion": "kubeadm.k8s.io/v1beta2",
                "kind": "InitConfiguration",
                "localAPIEndpoint": { "advertiseAddress": address, "bindPort": 6443 },
                "nodeRegistration": { "name": node, "criSocket": "/run/containerd/containerd.sock" },
            }),
            json!({
                "apiVersion": "kubeadm.k8s.io/v1beta2",
                "kind": "ClusterConfiguration",
                "kubernetesVersion": "v1.20.2",
                "controlPlaneEndpoint": "k8s.corp.internal:6443",
                // kubelets show certificates of the CA, and the API server wants to see them.
                "apiServer": { "extraArgs": { "kubelet-certificate-authority": format!("{pki}/ca.crt") } },
                // Another leader is there soon.
                "controllerManager": { "extraArgs": LEASE.into_iter().collect::<BTreeMap<_, _>>() },
                "scheduler": { "extraArgs": LEASE.into_iter().collect::<BTreeMap<_, _>>() },
                "networking": { "serviceSubnet": "10.96.0.0/12", "dnsDomain": "cluster.local" },
                "etcd": { "external": {
                    "endpoints": servers("etcd"),
                    "caFile": format!("{pki}/etcd/ca.crt"),
                    "certFile": format!("{pki}/apiserver-etcd-client.crt"),
                    "keyFile": format!("{pki}/apiserver-etcd-client.key"),
                } },
            }),
        ];
        let config = documents.map(|document| document.to_string()).join("\n---\n");
        write(&machine.path("root"), "kubeadm.yaml", &config, 0o600);
        let mut kubeadm = machine.command("/real/kubeadm");
        succeed(kubeadm.args(["init", "phase", "control-plane", "all", "--config", "/root/kubeadm.yaml"]));
        for pod in PODS {
            assert!(machine.path(&format!("/etc/kubernetes/manifests/{pod}.yaml")).exists(), "{pod}");
        }
    }

    /// kubectl at the desk with the administrator's kubeconfig of a phase.
    pub(super) fn kubectl(&self, phase: u32, arguments: &str) -> Result<String, String> {
        kubectl(self.desk(), &format!("{CLIENTS}/{phase}/admin.conf"), arguments)
    }

    /// What kubectl says in JSON.
    pub(super) fn get(&self, phase: u32, arguments: &str) -> Result<Value, String> {
        let text = self.kubectl(phase, &format!("get --output json {arguments}"))?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// The end of what a program on a node said.
    pub(super) fn log(&self, node: &str, program: &str) -> String {
        format!("{program} on {node}:\n{}", self.machines[node].log(program))
    }
}

/// What makes one controller manager or scheduler follow another within seconds.
const LEASE: [(&str, &str); 3] =
    [("leader-elect-lease-duration", "6s"), ("leader-elect-renew-deadline", "4s"), ("leader-elect-retry-period", "1s")];
