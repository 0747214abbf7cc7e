//! `inventory`: every node, pools expanded, in the order in which they change, as Ansible and others read it.

use serde_json::{Value, json};

use crate::common::desk::{Desk, PROFILE};
use crate::common::tool;
use crate::json::Documents;

/// The roles stand in another order than that of the changes.
const FLEET: &str = r#"
[[node_pool]]
names = "worker-[08..10]"
role = "worker"
first_addresses = ["192.168.10.254", "fd00::fe"]

[[node]]
name = "etcd-1"
role = "etcd"
addresses = ["192.168.10.31"]

[[node]]
name = "on"
role = "worker"
addresses = ["fd00::a", "192.168.11.9"]
dns_names = ["on.corp.internal", "on.example"]
"#;

const ANSIBLE: &str = r#"# The nodes of lab, in the order in which they change: `certferry inventory` writes it from the profile.
# Your own variables, such as ansible_user, belong into a folder group_vars beside it.
---
certferry_nodes:
  vars:
    certferry_cluster: "lab"
    certferry_generation: 7
    certferry_api_server_port: 6443
  children:
    certferry_etcd:
      hosts:
        "etcd-1": {ansible_host: "192.168.10.31", certferry_address: "192.168.10.31", certferry_role: "etcd"}
    certferry_control_planes:
      hosts:
        "cp-1": {ansible_host: "192.168.10.5", certferry_address: "192.168.10.5", certferry_role: "control-plane"}
    certferry_workers:
      hosts:
        "on": {ansible_host: "fd00::a", certferry_address: "fd00::a", certferry_role: "worker"}
        "worker-08": {ansible_host: "192.168.10.254", certferry_address: "192.168.10.254", certferry_role: "worker"}
        "worker-09": {ansible_host: "192.168.10.255", certferry_address: "192.168.10.255", certferry_role: "worker"}
        "worker-10": {ansible_host: "192.168.11.0", certferry_address: "192.168.11.0", certferry_role: "worker"}
"#;

const CSV: &str = "name,role,addresses,dns_names
etcd-1,etcd,192.168.10.31,
cp-1,control-plane,192.168.10.5,
on,worker,fd00::a 192.168.11.9,on.corp.internal on.example
worker-08,worker,192.168.10.254 fd00::fe,
worker-09,worker,192.168.10.255 fd00::ff,
worker-10,worker,192.168.11.0 fd00::100,
";

fn desk() -> Desk {
    let desk = Desk::new();
    let cluster = "issued_at = 2026-11-22\ngeneration = 7\netcd = \"external\"\n";
    desk.write("lab.toml", PROFILE.replace("issued_at = 2026-11-22\n", cluster) + FLEET);
    desk
}

#[test]
fn the_nodes_stand_in_the_order_in_which_they_change() {
    let desk = desk();
    assert_eq!(desk.succeed("inventory lab.toml"), ANSIBLE);
    assert_eq!(desk.succeed("inventory lab.toml -o ansible"), ANSIBLE);
    assert_eq!(desk.succeed("inventory lab.toml -o csv"), CSV);
    let text = desk.succeed("inventory lab.toml --output json");
    let json = Documents::default().add(&text);
    let node = |name: &str, role: &str, addresses: &[&str], dns_names: &[&str]| json!({ "name": name, "role": role, "addresses": addresses, "dns_names": dns_names });
    let nodes = [
        node("etcd-1", "etcd", &["192.168.10.31"], &[]),
        node("cp-1", "control-plane", &["192.168.10.5"], &[]),
        node("on", "worker", &["fd00::a", "192.168.11.9"], &["on.corp.internal", "on.example"]),
        node("worker-08", "worker", &["192.168.10.254", "fd00::fe"], &[]),
        node("worker-09", "worker", &["192.168.10.255", "fd00::ff"], &[]),
        node("worker-10", "worker", &["192.168.11.0", "fd00::100"], &[]),
    ];
    let expected = json!({
        "schema": "certferry.inventory.v1",
        "cluster": "lab",
        "generation": 7,
        "kubernetes": "1.24.15",
        "api_server_port": 6443,
        "nodes": nodes,
        "warnings": [],
    });
    assert_eq!(json, expected);
}

/// Ansible's own reader: groups, hosts, variables, and the order of the hosts.
#[test]
fn ansible_reads_the_inventory() {
    let desk = desk();
    desk.write("inventory.yml", desk.succeed("inventory lab.toml"));
    let ansible = |words: &[&str]| {
        let mut ansible = tool("ansible-inventory");
        ansible.arg("-i").arg(desk.path("inventory.yml")).args(words).env("ANSIBLE_NOCOLOR", "1");
        // Everything that it does not like is a warning.
        let output = ansible.env("HOME", desk.path("")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let read: Value = serde_json::from_str(&ansible(&["--list"])).unwrap();
    assert_eq!(read["certferry_etcd"]["hosts"], json!(["etcd-1"]));
    assert_eq!(read["certferry_control_planes"]["hosts"], json!(["cp-1"]));
    assert_eq!(read["certferry_workers"]["hosts"], json!(["on", "worker-08", "worker-09", "worker-10"]));
    let variables = json!({
        "ansible_host": "fd00::a",
        "certferry_address": "fd00::a",
        "certferry_api_server_port": 6443,
        "certferry_cluster": "lab",
        "certferry_generation": 7,
        "certferry_role": "worker",
    });
    assert_eq!(read["_meta"]["hostvars"]["on"], variables);
}

/// A group stays when nobody is in it, so that a play for it has nothing to do instead of a warning.
#[test]
fn a_group_without_nodes_is_there() {
    let desk = Desk::new();
    let text = desk.succeed("inventory lab.toml");
    assert!(text.contains("    certferry_etcd:\n      hosts: {}\n"), "{text}");
    assert!(text.ends_with("    certferry_workers:\n      hosts: {}\n"), "{text}");
}

/// With it the playbooks ask a host with the files that it has.
#[test]
fn another_folder_of_certificates_is_a_variable() {
    let desk = Desk::new();
    let text =
        desk.text("lab.toml").replacen("[cluster]\n", "[cluster]\ncertificates_dir = \"/etc/kubernetes/ssl\"\n", 1);
    desk.write("lab.toml", text);
    let said = desk.succeed("inventory lab.toml");
    assert!(said.contains("6443\n    certferry_certificates_dir: \"/etc/kubernetes/ssl\"\n  children:\n"), "{said}");
}

#[test]
fn a_name_that_means_every_host_is_refused() {
    let desk = Desk::new();
    desk.profile_with(&[("cp-1", "all")]);
    desk.refuse(
        "inventory lab.toml",
        2,
        "error: the name `all` of a node means every host to Ansible\n\
         hint: name the node otherwise, or take -o json or -o csv\n",
    );
    let csv = "name,role,addresses,dns_names\nall,control-plane,192.168.10.5,\n";
    assert_eq!(desk.succeed("inventory lab.toml -o csv"), csv);
}

#[test]
fn a_profile_that_is_none_has_no_nodes() {
    let desk = Desk::new();
    desk.refuse(
        "inventory none.toml",
        2,
        "error: cannot read the profile none.toml: no such file or directory\n\
         hint: `certferry init FILE` writes one to begin with\n",
    );
    desk.profile_with(&[("control-plane", "controlplane")]);
    let ended = desk.run("inventory lab.toml -o json");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
}
