//! `--restart`: who reads the files starts anew in the right order, and the files before come back when it fails.
//!
//! etcd is a real one. The API server is openssl's, or, with `KUBE_BIN_DIR`, a real one. systemd, crictl and the kubelet
//! are stand-ins.

pub mod node;
pub mod stand_ins;
mod text;

use std::sync::LazyLock;

use crate::common::node::{FIRST, SECOND, generation, renew_authorities};
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, build_text, run, succeed, write};
use crate::json::Documents;
use crate::kube::{kubeadm_config, lone_control_plane, programs};
use node::{Node, PODS, said};
use serde_json::json;

const STEPS: &str = "stopping kube-controller-manager and kube-scheduler\nstopping kube-apiserver\nstopping etcd\n\
    changing the files\nrestarting kubelet\nstarting etcd\nasking https://127.0.0.1:2379/health\n\
    starting kube-apiserver\nasking https://192.168.10.5:6443/readyz\n\
    starting kube-controller-manager and kube-scheduler\n";
const RESTARTED: &str =
    "restarted on this node: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet\n";
const LOOK: &str = "`crictl ps -a` and `crictl logs ID` say why, or `journalctl -u kubelet`";

/// What happened, in the order in which it must: each of a line after all of the line before, nothing else.
fn assert_order(events: &[String], stages: &[&[&str]]) {
    let mut rest = events;
    for stage in stages {
        let (now, later) = rest.split_at(stage.len().min(rest.len()));
        let mut now: Vec<_> = now.iter().map(String::as_str).collect();
        now.sort_unstable();
        assert_eq!(now, *stage, "{events:#?}");
        rest = later;
    }
    assert_eq!(rest, [""; 0], "{events:#?}");
}

const ENDS: [&[&str]; 4] =
    [&["end kube-controller-manager", "end kube-scheduler"], &["end kube-apiserver"], &["end etcd"], &[KUBELET]];
const STARTS: [&[&str]; 3] =
    [&["start etcd"], &["start kube-apiserver"], &["start kube-controller-manager", "start kube-scheduler"]];
const KUBELET: &str = "systemctl restart kubelet";

fn down_and_up() -> Vec<&'static [&'static str]> {
    ENDS.into_iter().chain(STARTS).collect()
}

#[test]
fn a_control_plane_moves_to_new_authorities_and_back_in_order() {
    if lacks(&[Right::Machine]) {
        return;
    }
    for has_crictl in [true, false] {
        let node = Node::control_plane(has_crictl, &[&FIRST, &SECOND]);
        if has_crictl {
            let applied = node.apply("cp-1", 2, "--restart");
            assert_eq!((applied.code, applied.stderr.as_str()), (Some(0), STEPS), "{applied:?}");
            assert!(applied.stdout.contains(RESTARTED), "{}", applied.stdout);
            assert!(applied.stdout.contains("in the cluster, once the last node has changed, in this order"));
        } else {
            let applied = node.apply("cp-1", 2, "--restart -o json");
            assert_eq!((applied.code, applied.stderr.as_str()), (Some(0), ""), "{applied:?}");
            let restart = Documents::default().add(&applied.stdout)["restart"].clone();
            assert_eq!((&restart["outcome"], &restart["commands"]), (&json!("done"), &json!([])));
            assert_eq!(restart["steps"], json!(STEPS.lines().collect::<Vec<_>>()));
        }
        node.all_run();
        assert_order(&node.events(), &down_and_up());
        node.wait_until_well(2);
        assert!(node.etcd_answers(1).is_err() && node.api_server_answers(1).is_err(), "the old CAs are gone");

        node.forget_events();
        let again = node.apply("cp-1", 2, "--restart");
        assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""), "{again:?}");
        assert!(again.stdout.ends_with(" is installed, and every file is as it must be\n"), "{}", again.stdout);
        node.settle();
        assert_eq!(node.events(), [""; 0], "nothing changed: nothing restarts");

        let back = node.say("rollback --restart --quiet");
        assert_eq!((back.code, back.stderr.as_str(), back.stdout.as_str()), (Some(0), "", ""));
        node.all_run();
        assert_order(&node.events(), &down_and_up());
        node.wait_until_well(1);
        assert!(
            !node.exists("/etc/kubernetes/.certferry/manifests") && !node.exists("/etc/kubernetes/.certferry/restart")
        );
    }
}

#[test]
fn an_etcd_that_does_not_come_up_brings_the_files_before_back() {
    who_does_not_come_up_brings_the_files_before_back("etcd", "https://127.0.0.1:2379/health");
}

#[test]
fn an_api_server_that_does_not_come_up_brings_the_files_before_back() {
    who_does_not_come_up_brings_the_files_before_back("kube-apiserver", "https://192.168.10.5:6443/readyz");
}

fn who_does_not_come_up_brings_the_files_before_back(program: &str, url: &str) {
    if lacks(&[Right::Machine]) {
        return;
    }
    let node = Node::control_plane(true, &[&FIRST, &SECOND]);
    node.refuse_second(program);
    let is_json = program == "etcd";
    let failed = node.apply("cp-1", 2, if is_json { "--restart --wait 15 -o json" } else { "--restart --wait 15" });
    let why = format!("{program} was not well within 15 s: {url}: connection refused\n");
    let end = format!(
        "error: {why}the files before are back, and everything is started and well with them\nhint: {LOOK}; \
         `certferry rollback` would now bring the files that failed\n"
    );
    assert_eq!(failed.code, Some(1), "{failed:?}");
    if is_json {
        let mut documents = Documents::default();
        let (document, error) = (documents.add(&failed.stdout), documents.add(&failed.stderr));
        let restart = &document["restart"];
        assert_eq!((&document["changed"], &restart["outcome"]), (&json!(true), &json!("went-back")));
        assert_eq!([&document["before"], &document["after"]].map(|it| &it["generation"]), [&json!(1); 2]);
        assert!(restart["failure"].as_str().unwrap().starts_with(&why), "{restart}");
        let steps = STEPS.lines().take(7).chain([why.trim_end(), "going back"]).chain(STEPS.lines());
        assert_eq!(restart["steps"], json!(steps.collect::<Vec<_>>()));
        let told = [&error["error"], &error["details"][0]].map(|line| line.as_str().unwrap());
        assert_eq!(format!("error: {}", told.join("\n")), end.lines().take(2).collect::<Vec<_>>().join("\n"));
    } else {
        assert_eq!(failed.stdout, "");
        assert!(failed.stderr.ends_with(&end), "{}", failed.stderr);
        assert!(failed.stderr.contains(&format!("{why}going back\n")), "{}", failed.stderr);
    }
    node.all_run();
    node.wait_until_well(1);
    let status = node.say("status").stdout;
    assert!(status.starts_with("installed    lab, generation 1,"), "{status}");
    assert!(status.contains("\nprevious     lab, generation 2,") && !status.contains("stopped"), "{status}");
}

#[test]
fn what_a_killed_run_stopped_the_next_one_starts() {
    if lacks(&[Right::Machine]) {
        return;
    }
    let node = Node::control_plane(true, &[&FIRST, &SECOND]);
    node.touch("/run/kill");
    let killed = node.apply("cp-1", 2, "--restart");
    assert_ne!(killed.code, Some(0), "{killed:?}");
    let status = node.say("status").stdout;
    let waits = "stopped      kube-controller-manager and kube-scheduler: their manifests are in \
        /etc/kubernetes/.certferry/manifests; the next `certferry apply` or `certferry rollback` puts them back\n\
        restart      cut short: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubelet; \
        `certferry apply --restart` with the same bundle brings it to its end\n";
    assert!(status.starts_with("installed    lab, generation 1,") && status.contains(waits), "{status}");
    let json: serde_json::Value = serde_json::from_str(&node.say("status -o json").stdout).unwrap();
    assert_eq!(json["restart"]["manifests_away"], json!(["kube-controller-manager", "kube-scheduler"]));

    // Even one that is refused.
    let refused = node.apply("worker-1", 2, "");
    assert_eq!(refused.code, Some(1));
    let back = "kube-controller-manager and kube-scheduler had been stopped by a run that was cut short; the manifests \
        are back\n";
    assert!(refused.stderr.starts_with(back), "{}", refused.stderr);
    node.all_run();
    assert!(!node.say("status").stdout.contains("stopped"));

    // And one that goes on where the other ended.
    node.touch("/run/kill");
    node.apply("cp-1", 2, "--restart");
    let done = node.apply("cp-1", 2, "--restart");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), STEPS), "{done:?}");
    node.all_run();
    node.wait_until_well(2);
}

#[test]
fn a_run_killed_after_the_swap_is_brought_to_its_end() {
    if lacks(&[Right::Machine]) {
        return;
    }
    for more in ["--restart", ""] {
        let node = Node::control_plane(false, &[&FIRST, &SECOND]);
        node.touch("/run/kill-at-restart");
        node.apply("cp-1", 2, "--restart");
        assert!(node.say("status").stdout.contains("\nstopped      etcd, kube-apiserver,"));
        let done = node.apply("cp-1", 2, more);
        assert_eq!(done.code, Some(0), "{done:?}");
        let said = if more.is_empty() { "to restart on this node: etcd," } else { RESTARTED };
        assert!(done.stdout.contains(said), "{done:?}");
        node.all_run();
        node.wait_until_well(2);
        assert!(!node.say("status").stdout.contains("stopped"));
    }
}

#[test]
fn a_container_that_the_kubelet_does_not_end_is_stopped_by_crictl() {
    if lacks(&[Right::Machine]) {
        return;
    }
    let node = Node::control_plane(true, &[&FIRST, &SECOND]);
    write(&node.machine.path("/run"), "stubborn", "kube-apiserver", 0o644);
    let done = node.apply("cp-1", 2, "--restart --wait 20");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), STEPS), "{done:?}");
    assert!(node.events().contains(&"crictl stop --timeout 30 c0ffee".to_owned()), "{:?}", node.events());
}

/// Several members of etcd: one alone is not well under a new CA, and that is no reason to go back.
#[test]
fn under_a_new_authority_a_member_of_many_waits_for_nobody() {
    if lacks(&[Right::Machine]) {
        return;
    }
    let node = Node::control_plane(false, &[&FIRST, &SECOND]);
    // The second is nowhere; etcd still works until it is asked to agree with it.
    let mut etcdctl = node.machine.command("/usr/bin/etcdctl");
    let pki = "/etc/kubernetes/pki/etcd";
    etcdctl.env("ETCDCTL_API", "3").arg("--endpoints=https://127.0.0.1:2379");
    etcdctl.args([format!("--cacert={pki}/ca.crt"), format!("--cert={pki}/healthcheck-client.crt")]);
    etcdctl.arg(format!("--key={pki}/healthcheck-client.key"));
    succeed(etcdctl.args(["member", "add", "cp-2", "--peer-urls=https://192.168.10.6:2380"]));
    let done = node.apply("cp-1", 2, "--restart");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.stderr.contains("asking"), "{}", done.stderr);
    let later = "etcd and kube-apiserver will be well once the other nodes of etcd have its new CA, too: go on with them \
        at once\n";
    assert!(done.stdout.contains(&format!("{RESTARTED}{later}")), "{}", done.stdout);
    node.all_run();
}

#[test]
fn on_a_worker_the_kubelet_alone_restarts_after_the_swap() {
    if lacks(&[Right::Machine]) {
        return;
    }
    let node = Node::start("cp-1", false, None, &[&FIRST, &SECOND]);
    // The machine's addresses are those of the control plane, but what is there is a worker's.
    succeed(node.machine.command("rm").args(["-r", "/etc/kubernetes", "/var/lib/kubelet/pki"]));
    node.forget_events();
    assert_eq!(node.apply("worker-1", 1, "--force-node").code, Some(0));
    let done = node.apply("worker-1", 2, "--force-node --restart");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), "changing the files\nrestarting kubelet\n"), "{done:?}");
    assert!(done.stdout.contains("restarted on this node: kubelet\n"), "{}", done.stdout);
    assert_eq!(node.events(), [KUBELET]);
}

static EXTERNAL: LazyLock<[Bundle; 2]> = LazyLock::new(|| {
    [1, 2].map(|number| {
        build_text(&generation(number, |profile| {
            profile["cluster"]["kubernetes"] = "1.20.2".into();
            let etcd: toml::Table = "etcd = 'external'".parse().unwrap();
            profile["cluster"].as_table_mut().unwrap().extend(etcd);
            profile["node"][0]["name"] = "etcd-1".into();
            profile["node"][0]["role"] = "etcd".into();
            let node = "name = 'cp-9'\nrole = 'control-plane'\naddresses = ['192.168.10.9']";
            profile["node"].as_array_mut().unwrap().push(node.parse::<toml::Table>().unwrap().into());
            if number > 1 {
                renew_authorities(profile);
            }
        }))
    })
});

#[test]
fn etcd_as_a_service_restarts_after_the_swap() {
    if lacks(&[Right::Machine]) {
        return;
    }
    let [first, second] = &*EXTERNAL;
    let node = Node::start("etcd-1", false, None, &[first, second]);
    let refused = node.apply("etcd-1", 2, "--restart");
    assert_eq!(
        refused.stderr,
        "error: etcd must restart, and is neither a static pod of /etc/kubernetes/manifests nor a service of systemd\n\
         hint: without --restart the same command changes the files, and you restart it as you started it; nothing was \
         changed\n"
    );
    assert_eq!(refused.code, Some(2));
    write(&node.machine.path("/run"), "etcd.service", &Node::etcd_command(), 0o644);
    succeed(node.machine.command("systemctl").args(["restart", "etcd"]));
    node.forget_events();
    let done = node.apply("etcd-1", 2, "--restart");
    assert_eq!(done.code, Some(0), "{done:?}");
    // Nobody told how many members there are, so nobody waited.
    assert_eq!(done.stderr, "changing the files\nrestarting etcd\n");
    assert_eq!(node.events(), ["systemctl restart --no-block etcd"]);
    node.forget_events();
    let back = node.say("rollback --restart");
    assert_eq!((back.code, back.stderr.as_str()), (Some(0), "changing the files\nrestarting etcd\n"), "{back:?}");
    assert_eq!(node.events(), ["systemctl restart --no-block etcd"]);
}

#[test]
fn a_restart_that_cannot_be_is_refused_before_anything() {
    if lacks(&[Right::Machine]) {
        return;
    }
    let node = Node::start("cp-1", false, None, &[&FIRST, &SECOND]);
    let line = "/opt/certferry/certferry apply /media/g2.tar.gz --key /media/g2.pub --node cp-1 --restart";
    let mut bare = node.machine.command("env");
    bare.arg("PATH=/nowhere").args(line.split(' '));
    let bare = said(run(&mut bare));
    assert_eq!(
        bare.stderr,
        "error: --restart needs systemctl, and there is none on PATH\nhint: without --restart the same command changes \
         the files, and says what to restart, in order\n"
    );
    assert_eq!(bare.code, Some(2));
    assert!(node.say("status").stdout.starts_with("installed    lab, generation 1,"));
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_real_api_server_moves_to_new_authorities_and_back() {
    let programs = programs();
    let bundles = [1, 2].map(|number| {
        build_text(&generation(number, |profile| {
            profile["cluster"]["kubernetes"] = "1.20.2".into();
            if number > 1 {
                renew_authorities(profile);
            }
        }))
    });
    let node = Node::start("cp-1", true, Some(&programs), &[&bundles[0], &bundles[1]]);
    let cluster = lone_control_plane(None, "192.168.10.5");
    let config = kubeadm_config("1.20.2", &cluster, "cp-1");
    write(&node.machine.path("root"), "kubeadm.yaml", &config, 0o600);
    for phase in ["etcd local", "control-plane all"] {
        let mut kubeadm = node.machine.command("/real/kubeadm");
        kubeadm.args(["init", "phase"]).args(phase.split(' ')).args(["--config", "/root/kubeadm.yaml"]);
        succeed(&mut kubeadm);
    }
    node.boot();
    let kubectl = |generation: u32| {
        let mut kubectl = node.machine.command("kubectl");
        kubectl.arg(format!("--kubeconfig=/root/g{generation}/etc/kubernetes/admin.conf"));
        run(kubectl.args(["get", "--raw", "/readyz"])).status.success()
    };
    let done = node.apply("cp-1", 2, "--restart");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), STEPS), "{done:?}");
    node.wait_until_well(2);
    assert!(kubectl(2) && !kubectl(1));
    let back = node.say("rollback --restart");
    assert_eq!((back.code, back.stderr.as_str()), (Some(0), STEPS), "{back:?}");
    node.wait_until_well(1);
    assert!(kubectl(1) && !kubectl(2));
    for pod in PODS {
        assert!(node.exists(&format!("/etc/kubernetes/manifests/{pod}.yaml")), "{pod}");
    }
}
