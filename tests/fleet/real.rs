//! The same with Kubernetes' own programs: three control planes with a member of etcd each, and a client that never stops
//! asking.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use super::ferry::{Fleet, changed};
use super::hosts::{Hosts, Place};
use crate::common::{succeed, write, write_program};
use crate::kube::wait::wait_for;
use crate::kube::{kubeadm_config, programs};
use crate::restart::stand_ins;
use serde_json::{Map, Value, json};

const NODES: [Place<'static>; 12] = [
    ("cp-1", "192.168.10.11"),
    ("cp-2", "192.168.10.12"),
    ("cp-3", "192.168.10.13"),
    ("worker-1", "192.168.10.31"),
    ("worker-2", "192.168.10.32"),
    ("worker-3", "192.168.10.33"),
    ("worker-4", "192.168.10.34"),
    ("worker-5", "192.168.10.35"),
    ("worker-6", "192.168.10.36"),
    ("worker-7", "192.168.10.37"),
    ("worker-8", "192.168.10.38"),
    ("worker-9", "192.168.10.39"),
];
const ENDPOINT: &str = "192.168.10.11:6443";

/// Asks one API server after the other, with a new connection each time, and says in the hosts' own file how it went. What
/// it asks for, the API server has to ask etcd for.
const PROBE: &str = r#"
while :; do
    for server in cp-1:11 cp-2:12 cp-3:13; do
        if curl --silent --fail --max-time 60 --output /dev/null --cacert PKI/ca.crt --cert PKI/apiserver-kubelet-client.crt \
            --key PKI/apiserver-kubelet-client.key https://192.168.10.${server#*:}:6443/api/v1/namespaces/default
        then echo "${server%:*} answers" >>EVENTS; else echo "${server%:*} fails" >>EVENTS; sleep 0.1; fi
    done
done
"#;

/// The profile of a generation: other keys for every node, below the same CAs.
fn profile(generation: u32) -> String {
    let mut text = format!(
        "format = 1\n\n[cluster]\nname = \"prod-1\"\nkubernetes = \"1.20.2\"\nissued_at = 2020-01-01\ngeneration = {generation}\n\
         control_plane_endpoint = \"{ENDPOINT}\"\n\n[keys]\nca = \"ecdsa-p256\"\nleaf = \"ecdsa-p256\"\n\
         service_account = \"rsa-2048\"\n"
    );
    for (name, address) in &NODES[..3] {
        text += &format!(
            "\n[[node]]\nname = \"{name}\"\nrole = \"control-plane\"\naddresses = [\"{address}\"]\n\
             generation = {generation}\n"
        );
    }
    text + &format!(
        "\n[[node_pool]]\nnames = \"worker-[1..9]\"\nrole = \"worker\"\nfirst_addresses = [\"192.168.10.31\"]\n\
         generation = {generation}\n"
    )
}

/// Stand-ins for systemd, crictl and the kubelet, which say in one file for all hosts what they do.
fn make_stand_ins(folder: &Path) {
    stand_ins::make(folder, true, Some("/real"));
    for name in ["systemctl", "kubelet", "crictl"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let name_first = "| sed \"s/^/$(cat /proc/sys/kernel/hostname) /\" >>/events/events";
        write_program(folder, name, &text.replace(">>/run/events", name_first));
    }
}

/// The cluster as kubeadm is told of it.
fn cluster() -> Map<String, Value> {
    let nodes: Vec<_> = NODES[..3]
        .iter()
        .map(|(name, address)| json!({ "name": name, "role": "control-plane", "addresses": [address] }))
        .collect();
    let cluster = json!({
        "control_plane_endpoint": ENDPOINT,
        "api_server_port": 6443,
        "service_subnets": ["10.96.0.0/12"],
        "dns_domain": "cluster.local",
        "apiserver_cert_sans": [],
        "etcd": "stacked",
        "etcd_cert_sans": [],
        "nodes": nodes,
    });
    cluster.as_object().unwrap().clone()
}

/// Has kubeadm write the manifests of a control plane, and starts its kubelet.
fn boot(fleet: &Fleet, name: &str, address: &str) {
    let machine = &fleet.hosts.machines[name];
    let config = kubeadm_config("1.20.2", &cluster(), name);
    write(&machine.path("root"), "kubeadm.yaml", &config, 0o600);
    for phase in ["control-plane all", "etcd local"] {
        let mut kubeadm = machine.command("/real/kubeadm");
        kubeadm.args(["init", "phase"]).args(phase.split(' ')).args(["--config", "/root/kubeadm.yaml"]);
        succeed(&mut kubeadm);
    }
    // `kubeadm init` begins with one member. These begin together.
    let file = machine.path("etc/kubernetes/manifests/etcd.yaml");
    let members: Vec<_> = NODES[..3].iter().map(|(name, address)| format!("{name}=https://{address}:2380")).collect();
    let (alone, all) = (format!("--initial-cluster={name}=https://{address}:2380"), members.join(","));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(&alone), "{text}");
    fs::write(file, text.replace(&alone, &format!("--initial-cluster={all}"))).unwrap();
    succeed(machine.command("systemctl").args(["restart", "kubelet"]));
}

/// The client. It ends with this.
struct Probe(Child);

impl Probe {
    fn start(fleet: &Fleet) -> Self {
        let pki = fleet.unpacked(1, "cp-1").join("etc/kubernetes/pki").display().to_string();
        let events = fleet.hosts.events_file().display().to_string();
        let mut shell = fleet.hosts.shell(&PROBE.replace("PKI", &pki).replace("EVENTS", &events));
        Self(shell.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Judges the order of what the client saw and of what the kubelets did: no server fails but while it restarts, each
/// restarts as often as it must, answers again, and others answer meanwhile.
fn assert_available(events: &[String], restarts: usize) {
    for (name, _) in &NODES[..3] {
        let is = |event: &str, what: &str| *event == format!("{name} {what}");
        let mut ended = 0;
        let mut is_down = false;
        let mut others = 0;
        for event in events {
            if is(event, "end kube-apiserver") {
                assert!(!is_down, "{name} restarts before it has answered: {events:#?}");
                (ended, is_down, others) = (ended + 1, true, 0);
            } else if is(event, "answers") {
                assert!(!is_down || others > 0, "nobody answered while {name} was away: {events:#?}");
                is_down = false;
            } else if is(event, "fails") {
                assert!(is_down, "{name} fails, and does not restart: {events:#?}");
            } else if event.ends_with(" answers") {
                others += 1;
            }
        }
        assert_eq!((ended, is_down), (restarts, false), "{name}: {events:#?}");
    }
    // One control plane after the other.
    let ends: Vec<_> = events.iter().filter_map(|event| event.strip_suffix(" end kube-apiserver")).collect();
    assert_eq!(ends, ["cp-1", "cp-2", "cp-3"].repeat(restarts), "{events:#?}");
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_real_control_planes_stay_available() {
    let programs = programs();
    let hosts = Hosts::start(&NODES, None, make_stand_ins);
    for (name, _) in &NODES[..3] {
        hosts.machines[*name].bind(&programs, "/real");
    }
    let mut fleet = Fleet::new(hosts, &NODES, [1, 2].map(profile));
    for (name, address) in &NODES[..3] {
        boot(&fleet, name, address);
    }
    let probe = Probe::start(&fleet);
    let seen = |fleet: &Fleet, words: &str| {
        let events = fs::read_to_string(fleet.hosts.events_file()).unwrap_or_default();
        let rest = events.rsplit_once(" fails\n").map_or(events.as_str(), |(_, rest)| rest);
        let all = NODES[..3].iter().all(|(name, _)| rest.contains(&format!("{name} {words}\n")));
        if all { Ok(()) } else { Err(events.lines().rev().take(20).collect::<Vec<_>>().join("\n")) }
    };
    wait_for("every API server", || seen(&fleet, "answers"));
    fleet.prepare();
    fleet.succeed("fleet.distribute", "");
    let own = ["etc/kubernetes/manifests"];

    fleet.hosts.events();
    let ended = fleet.succeed("fleet.apply", "-e certferry_batch=50");
    assert_eq!(changed(&ended).len(), 12, "{}", ended.stdout);
    fleet.assert_generation(&fleet.names(), 2, &own);
    wait_for("every API server", || seen(&fleet, "answers"));
    assert_available(&fleet.hosts.events(), 1);

    let again = fleet.succeed("fleet.apply", "-e certferry_batch=50");
    assert_eq!(changed(&again), [""; 0], "{}", again.stdout);
    fleet.succeed("fleet.status", "");
    assert_available(&fleet.hosts.events(), 0);

    let ended = fleet.succeed("fleet.rollback", "-e certferry_batch=50");
    assert_eq!(changed(&ended).len(), 12, "{}", ended.stdout);
    fleet.assert_generation(&fleet.names(), 1, &own);
    wait_for("every API server", || seen(&fleet, "answers"));
    drop(probe);
    assert_available(&fleet.hosts.events(), 1);
}
