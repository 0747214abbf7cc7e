//! The restart of API servers in time: each control plane has a day of its own, systemd takes the units, and the script
//! restarts what it should, when it should, and nothing else.

mod real;
mod script;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::common::node::{apply, live, rollback};
use crate::common::shells::Tools;
use crate::common::{Bundle, build_text, certferry, changed_profile, succeed, tool, use_fast_keys};

const BASE: &str = "etc/kubernetes/certferry-restart-kube-apiserver";
const OWN: &str = "192.168.1.11:6443";
const OTHERS: [&str; 2] = ["192.168.1.12:6443", "192.168.1.13:6443"];

fn build(change: impl FnOnce(&mut toml::Table)) -> Bundle {
    build_text(&changed_profile("ha-stacked-etcd", |profile| {
        use_fast_keys(profile);
        change(profile);
    }))
}

fn asked_for(profile: &mut toml::Table) {
    profile["cluster"].as_table_mut().unwrap().insert("api_server_restart".to_owned(), true.into());
    profile["cluster"].as_table_mut().unwrap().insert("apiserver_cert_sans".to_owned(), vec!["127.0.0.1"].into());
}

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| build(asked_for));
static TOP: LazyLock<PathBuf> = LazyLock::new(|| BUNDLE.untar());
static TREE: LazyLock<PathBuf> = LazyLock::new(|| TOP.join("nodes/cp-1"));

#[test]
fn each_control_plane_has_a_day_and_a_list_of_its_own_and_others_have_nothing() {
    for (number, node) in ["cp-1", "cp-2", "cp-3"].iter().enumerate() {
        let tree = TOP.join("nodes").join(node);
        let text = |extension: &str| fs::read_to_string(tree.join(format!("{BASE}.{extension}"))).unwrap();
        let line = format!("\nOnCalendar=*-*-0{} 02:30:00 UTC\n", number + 1);
        assert!(text("timer").contains(&line), "{}", text("timer"));
        assert!(text("timer").contains(&format!("of 3 control planes it is number {}, and", number + 1)));
        assert!(text("timer").contains("\nPersistent=false\n"));
        let all: Vec<_> = [OWN].into_iter().chain(OTHERS).collect();
        let others: Vec<_> = all.iter().filter(|server| **server != all[number]).copied().collect();
        assert!(text("sh").contains(&format!("\nOWN='{}'\nOTHERS='{}'\n", all[number], others.join(" "))));
        assert!(text("service").contains(&format!("\nExecStart=/bin/sh /{BASE}.sh\n")));
    }
    assert!(!TOP.join("nodes/worker-1").join(format!("{BASE}.sh")).exists());
    // Nor has anybody who did not ask.
    let silent = build(|_| {}).unpack("cp-1");
    assert!(!silent.join(format!("{BASE}.timer")).exists());
}

/// In an IPv6 cluster the addresses have brackets.
#[test]
fn an_address_with_colons_has_brackets() {
    let bundle = build(|profile| {
        asked_for(profile);
        profile["cluster"].as_table_mut().unwrap().insert("service_subnets".to_owned(), vec!["fd00:96::/112"].into());
        for (number, node) in profile["node"].as_array_mut().unwrap().iter_mut().enumerate() {
            node["addresses"] = vec![format!("fd00::{}", number + 1)].into();
        }
    });
    let text = fs::read_to_string(bundle.unpack("cp-1").join(format!("{BASE}.sh"))).unwrap();
    assert!(text.contains("\nOWN='[fd00::1]:6443'\nOTHERS='[fd00::2]:6443 [fd00::3]:6443'\n"), "{text}");
}

/// systemd itself reads the units, and the printed command makes it know them; twice is as good as once.
#[test]
fn systemd_takes_the_units_and_the_printed_command() {
    let [service, timer] = ["service", "timer"].map(|extension| TREE.join(format!("{BASE}.{extension}")));
    succeed(tool("systemd-analyze").arg("verify").args([&service, &timer]));
    let root = tempfile::tempdir().unwrap();
    succeed(tool("cp").arg("-a").arg(TREE.join("etc")).arg(root.path()));
    let applied = tempfile::tempdir().unwrap();
    let said = succeed(&mut apply(&BUNDLE, "cp-1", applied.path()));
    let printed = enabling(&said);
    let commands: Vec<_> = printed.split(" && ").collect();
    assert_eq!(commands[0], "systemctl daemon-reload");
    let systemctl = |command: &str| {
        let mut systemctl = tool("systemctl");
        systemctl.arg("--root").arg(root.path());
        // Nothing runs below another root.
        systemctl.args(command.strip_prefix("systemctl ").unwrap().split(' ').filter(|word| *word != "--now"));
        succeed(&mut systemctl);
    };
    for _ in 0..2 {
        commands[1..].iter().for_each(|command| systemctl(command));
        let units = root.path().join("etc/systemd/system");
        for place in ["certferry-restart-kube-apiserver.service", "certferry-restart-kube-apiserver.timer"] {
            assert_eq!(fs::read_link(units.join(place)).unwrap(), Path::new("/etc/kubernetes").join(place));
        }
        assert!(units.join("timers.target.wants/certferry-restart-kube-apiserver.timer").is_symlink());
    }
    // The manual has the same command, and the ones that take it back.
    let manual = include_str!("../../src/manual/kubeadm.md").replace(" \\\n      ", " ");
    assert!(manual.contains(&format!("    {printed}\n")), "{printed}");
    for unit in ["timer", "service"] {
        let now = if unit == "timer" { " --now" } else { "" };
        let command = format!("systemctl disable{now} certferry-restart-kube-apiserver.{unit}");
        assert!(manual.contains(&format!("    {command}\n")), "{command}");
        systemctl(&command);
    }
    assert!(!root.path().join("etc/systemd/system/certferry-restart-kube-apiserver.service").is_symlink());
}

#[test]
fn shellcheck_has_nothing_to_say() {
    succeed(tool("shellcheck").args(["--shell=sh", "--norc"]).arg(TREE.join(format!("{BASE}.sh"))));
}

/// The command that `apply` prints.
fn enabling(said: &str) -> String {
    let (_, rest) = said
        .split_once("to let systemd restart kube-apiserver in time (certferry help kubeadm):\n  ")
        .unwrap_or_else(|| panic!("{said}"));
    rest.lines().next().unwrap().to_owned()
}

/// They come, change and go back like kubeconfigs, by certferry and by install.sh, and both say when systemd must know.
#[test]
fn the_files_come_and_go_as_kubeconfigs_do() {
    let generation = |number: i64, change: fn(&mut toml::Table)| {
        build(|profile| {
            profile["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), number.into());
            change(profile);
        })
    };
    let (first, second) = (generation(1, |_| {}), generation(2, asked_for));
    // Another node in front: the day is another.
    let third = generation(3, |profile| {
        asked_for(profile);
        let nodes = profile["node"].as_array_mut().unwrap();
        let worker = nodes.pop().unwrap();
        let mut node = nodes[0].clone();
        node["name"] = "cp-0".into();
        node["addresses"] = vec!["192.168.1.10"].into();
        nodes.insert(0, node);
        nodes.push(worker);
    });
    let by_certferry = tempfile::tempdir().unwrap();
    let by_script = tempfile::tempdir().unwrap();
    let tools = Tools::new(&["dash"], "mawk", "tar");
    let script = |arguments: &[&str], bundle: Option<&Bundle>| {
        let mut command = tools.run(&first.archive.with_file_name("install.sh"));
        if let Some(bundle) = bundle {
            command.arg(&bundle.archive).args(["--node", "cp-1", "--key"]).arg(&bundle.public_key);
        }
        succeed(command.args(arguments).arg("--root").arg(by_script.path()))
    };
    for (bundle, is_told) in [(&first, false), (&second, true), (&second, false), (&third, true)] {
        let certferry = succeed(&mut apply(bundle, "cp-1", by_certferry.path()));
        let script = script(&[], Some(bundle));
        for said in [&certferry, &script] {
            assert_eq!(said.contains("to let systemd restart kube-apiserver in time"), is_told, "{said}");
        }
        if is_told {
            assert_eq!(enabling(&certferry), enabling(&script));
        }
        assert!(live(by_certferry.path()) == live(by_script.path()));
    }
    let timer = |root: &TempDir| fs::read_to_string(root.path().join(format!("{BASE}.timer"))).unwrap();
    for root in [&by_certferry, &by_script] {
        assert!(timer(root).contains("OnCalendar=*-*-02 "), "{}", timer(root));
    }
    succeed(&mut rollback(by_certferry.path()));
    script(&["--rollback"], None);
    for root in [&by_certferry, &by_script] {
        assert!(timer(root).contains("OnCalendar=*-*-01 "), "{}", timer(root));
    }
}

/// Every key of the profile has an example; this one's is the cluster that nobody visits for years.
#[test]
fn the_example_profile_asks_for_it() {
    let plan = succeed(certferry().arg("plan").arg(crate::common::profile("closed-network-1.24")).args(["-o", "json"]));
    assert!(plan.contains(&format!("\"{BASE}.timer\"")), "{plan}");
}
