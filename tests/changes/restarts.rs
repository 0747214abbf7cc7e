//! Who restarts: `plan` says before a build what `apply` and `rollback` then say on the node.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use toml::Table;

use super::{BUILD, profile, set, text};
use crate::common::desk::Desk;

/// The nodes that are looked at. The others of a role are like them.
const NODES: [&str; 2] = ["cp-1", "worker-1"];

/// What is to be restarted on a node, and whether kube-apiserver reads by itself what changes.
type Answer = (BTreeSet<String>, bool);

/// What changes, and how.
type Case = (&'static str, fn(&mut Table));

const RELOADED: &str = "nothing must restart: kube-apiserver reads the two files again within a minute\n";

fn said(report: &str) -> Answer {
    let line = report.lines().find_map(|line| line.strip_prefix("to restart on this node: "));
    (line.map(|line| line.split(", ").map(str::to_owned).collect()).unwrap_or_default(), report.contains(RELOADED))
}

fn planned(plan: &Json) -> BTreeMap<String, Answer> {
    let list = |names: &Json| names.as_array().unwrap().iter().map(text).collect::<BTreeSet<_>>();
    let effects = plan["effects"].as_array().unwrap().iter();
    let answer = |effect: &Json| (list(&effect["restarts"]), !list(&effect["reloads"]).is_empty());
    effects.map(|effect| (text(&effect["part"]).replace("node/", ""), answer(effect))).collect()
}

#[test]
fn plan_apply_and_rollback_give_one_answer() {
    let cases: [Case; 9] = [
        ("nothing", |_| ()),
        ("a name of the API server", |profile| {
            profile["cluster"]["apiserver_cert_sans"].as_array_mut().unwrap().push("vip.corp.internal".into());
        }),
        ("a name of a control plane", |profile| {
            profile["node"][0]["dns_names"].as_array_mut().unwrap().push("one.corp.internal".into());
        }),
        ("the CA of the cluster", |profile| set(profile, "ca.kubernetes.generation", 2)),
        ("the CA of etcd", |profile| set(profile, "ca.etcd.generation", 2)),
        ("the CA of the front proxy", |profile| set(profile, "ca.front-proxy.generation", 2)),
        ("the key of service accounts", |profile| set(profile, "service_account.generation", 2)),
        ("the port", |profile| set(profile, "cluster.api_server_port", 7443)),
        ("a minor version", |profile| set(profile, "cluster.kubernetes", "1.34.0")),
    ];
    let desk = Desk::in_memory();
    let write = |generation: i64, change: &dyn Fn(&mut Table)| {
        let mut profile = profile("1.32.13");
        change(&mut profile);
        set(&mut profile, "cluster.generation", generation);
        desk.write("lab.toml", profile.to_string());
    };
    write(1, &|_| ());
    desk.succeed(BUILD);
    let lock = desk.read("lab.lock.toml");
    let apply = |generation: usize, node: &str, more: &str| {
        let bundle = format!("out/prod-1-g{generation}.tar.gz --key out/prod-1.pub --node {node} --root {node}");
        desk.succeed(&format!("apply {bundle}{more}"))
    };
    for node in NODES {
        std::fs::create_dir(desk.path(node)).unwrap();
        apply(1, node, "");
    }
    let mut answers = BTreeSet::new();
    // Each generation is compared with the first, whose files a rollback brings back.
    for (generation, (what, change)) in (2..).zip(cases) {
        write(generation, &change);
        desk.write("lab.lock.toml", &lock);
        let plan = planned(&serde_json::from_str(&desk.succeed("plan lab.toml -o json")).unwrap());
        desk.succeed(BUILD);
        for node in NODES {
            let planned = plan.get(node).cloned().unwrap_or_default();
            let number = usize::try_from(generation).unwrap();
            assert_eq!(said(&apply(number, node, " --dry-run")), planned, "{what}: apply --dry-run on {node}");
            assert_eq!(said(&apply(number, node, "")), planned, "{what}: apply on {node}");
            let back = desk.succeed(&format!("rollback --root {node}"));
            assert_eq!(said(&back), planned, "{what}: rollback on {node}");
            answers.insert(planned);
        }
    }
    assert!(answers.len() >= 7, "the cases differ: {answers:?}");
}
