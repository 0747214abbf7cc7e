//! What is to restart and what remains to be done in the cluster: install.sh and `certferry apply` say it in the same
//! words, whatever the effect.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::LazyLock;

use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::common::node::{apply, rollback};
use crate::common::shells::Tools;
use crate::common::{Bundle, build_text, changed_profile, run, succeed, use_fast_keys};
use crate::install_sh::interrupted::assert_clean;
use crate::install_sh::node::{FIRST, Node, SECOND, THIRD, TOOLS, generation};

const PODS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// What a report says to do: all that follows the files, without the way back and what is kept.
fn orders(report: &str) -> &str {
    let starts = ["to restart on this node: ", "nothing must restart: ", "in the cluster, "];
    let start = starts.iter().filter_map(|start| report.find(start)).min().unwrap_or(report.len());
    let ends = ["back: ", "what was replaced is kept in "];
    let end = ends.iter().filter_map(|end| report.find(end)).min().unwrap_or(report.len());
    report.get(start..end).unwrap_or_default()
}

/// What both say of a part for a disk, given each on a copy of its own.
fn both(node: &Node, bundle: &Bundle, name: &str) -> (String, String) {
    let (by_script, by_apply) = (node.copy(), node.copy());
    let ended = by_script.install(&TOOLS, bundle, name, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}");
    let report = succeed(&mut apply(bundle, name, by_apply.root()));
    assert!(by_script.live() == by_apply.live(), "{name}: other files");
    (orders(&ended.stdout).to_owned(), orders(&report).to_owned())
}

/// Asserts that both say the same, and gives it.
#[track_caller]
fn same(what: &str, node: &Node, bundle: &Bundle, name: &str) -> String {
    let (script, apply) = both(node, bundle, name);
    assert_eq!(script, apply, "{what}, {name}");
    script
}

fn add_manifests(node: &Node, names: &[&str]) {
    let folder = node.path("etc/kubernetes/manifests");
    fs::create_dir_all(&folder).unwrap();
    for name in names {
        fs::write(folder.join(format!("{name}.yaml")), "kind: Pod\n").unwrap();
    }
}

/// A disk with that part on it, and manifests.
fn with_manifests(bundle: &Bundle, name: &str, manifests: &[&str]) -> Node {
    let node = Node::with(bundle, name);
    add_manifests(&node, manifests);
    node
}

fn renew(profile: &mut toml::Table, table: &str, name: &str) {
    let table = profile.entry(table).or_insert_with(|| toml::Table::new().into()).as_table_mut().unwrap();
    let authority = table.entry(name).or_insert_with(|| toml::Table::new().into());
    authority.as_table_mut().unwrap().insert("generation".to_owned(), 2.into());
}

/// Second generations of the small cluster: which CAs or keys are other ones, and the bundle.
static SECONDS: LazyLock<Vec<(&str, Bundle)>> = LazyLock::new(|| {
    let all = ["kubernetes", "etcd", "front-proxy"];
    let authorities = all.map(|name| (name, vec![name])).into_iter().chain([("all CAs", all.to_vec())]);
    let mut profiles: Vec<_> = authorities
        .map(|(what, names)| {
            let change = |profile: &mut toml::Table| names.iter().for_each(|name| renew(profile, "ca", name));
            (what, generation(2, change))
        })
        .collect();
    let token_key = |profile: &mut toml::Table| {
        let table: toml::Table = "generation = 2".parse().unwrap();
        profile.insert("service_account".to_owned(), table.into());
    };
    profiles.push(("sa", generation(2, token_key)));
    let everything = |profile: &mut toml::Table| {
        all.iter().for_each(|name| renew(profile, "ca", name));
        token_key(profile);
    };
    profiles.push(("all CAs and sa", generation(2, everything)));
    let leaves = |profile: &mut toml::Table| {
        for node in profile["node"].as_array_mut().unwrap() {
            node.as_table_mut().unwrap().insert("generation".to_owned(), 2.into());
        }
    };
    profiles.push(("leaves", generation(2, leaves)));
    profiles.into_par_iter().map(|(what, profile)| (what, build_text(&profile))).collect()
});

/// Names of components that a report's first line has.
fn restarted(orders: &str) -> &str {
    let line = orders.lines().next().unwrap_or_default();
    line.strip_prefix("to restart on this node: ").unwrap_or_default()
}

#[test]
fn other_keys_are_told_alike_whoever_runs_the_control_plane() {
    // Pods of kubeadm; nobody's pods; some.
    let manifests: [&[&str]; 4] = [&PODS, &[], &["etcd"], &["kube-apiserver", "kube-scheduler"]];
    let worker = Node::with(&FIRST, "worker-1");
    let nodes: Vec<_> = manifests.into_par_iter().map(|names| with_manifests(&FIRST, "cp-1", names)).collect();
    SECONDS.par_iter().for_each(|(what, bundle)| {
        // Who runs them does not depend on why they restart: two reasons are enough.
        let tried = if matches!(*what, "etcd" | "all CAs") { nodes.len() } else { 1 };
        for (manifests, node) in manifests.iter().zip(&nodes).take(tried) {
            let text = same(&format!("{what}, {manifests:?}"), node, bundle, "cp-1");
            let expected = match *what {
                "kubernetes" => "kube-apiserver, kube-controller-manager, kube-scheduler, kubelet",
                "etcd" => "etcd, kube-apiserver",
                "front-proxy" | "sa" => "kube-apiserver, kube-controller-manager",
                _ => "etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet",
            };
            assert_eq!(restarted(&text), expected, "{what}");
            let has_warning = text.contains("\netcd's CA is another: ");
            assert_eq!(has_warning, matches!(*what, "etcd" | "all CAs" | "all CAs and sa"), "{what}: {text}");
            assert_eq!(text.contains("in the cluster, "), !matches!(*what, "etcd" | "leaves"), "{what}: {text}");
        }
        let text = same(what, &worker, bundle, "worker-1");
        let expected = if matches!(*what, "etcd" | "front-proxy" | "sa") { "" } else { "kubelet" };
        assert_eq!(restarted(&text), expected, "{what}: {text}");
    });
}

/// Every row of the table of who reads what: each file alone is another one than the bundle has.
#[test]
fn each_file_alone_is_told_alike() {
    let told = told_of_each_file(|node, file| !has_key(node, file));
    let of = |wanted: &str| told.iter().find(|(file, _)| file == wanted).map(|(_, script)| restarted(script));
    assert_eq!(of("etc/kubernetes/scheduler.conf"), Some("kube-scheduler"));
    assert_eq!(of("etc/kubernetes/controller-manager.conf"), Some("kube-controller-manager"));
    assert_eq!(of("etc/kubernetes/pki/etcd/peer.key"), Some("etcd"));
}

/// Certificates whose keys are tried every day: both are read by the same components.
#[test]
#[ignore = "long form"]
fn long_each_certificate_alone_is_told_alike() {
    told_of_each_file(has_key);
}

/// Whether a file is a certificate with its key beside it.
fn has_key(node: &Node, file: &str) -> bool {
    file.strip_suffix(".crt").is_some_and(|stem| node.path(&format!("{stem}.key")).exists())
}

/// Lets both mend each of these files; returns what the script says then.
fn told_of_each_file(are_tried: impl Fn(&Node, &str) -> bool + Sync) -> Vec<(String, String)> {
    let bundle = build_text(&generation(1, |profile| profile["cluster"]["kubernetes"] = "1.30.0".into()));
    let nodes =
        [("cp-1", with_manifests(&bundle, "cp-1", &PODS)), ("worker-1", with_manifests(&bundle, "worker-1", &[]))];
    let files = |node: &Node| node.live().into_keys().filter(|path| node.path(path).is_file()).collect::<Vec<_>>();
    let cases: Vec<_> =
        nodes.iter().flat_map(|(name, node)| files(node).into_iter().map(move |file| (*name, node, file))).collect();
    assert!(cases.iter().any(|(.., file)| file.ends_with("/super-admin.conf")));
    assert!(cases.len() > 30, "{}", cases.len());
    let told: Vec<_> = cases
        .into_par_iter()
        .filter(|(_, node, file)| are_tried(node, file))
        .filter(|(.., file)| !file.contains("/manifests/") && !file.ends_with("-current.pem"))
        .map(|(name, node, file)| {
            let node = node.copy();
            fs::write(node.path(&file), "somebody's own\n").unwrap();
            let (script, apply) = both(&node, &bundle, name);
            (name, file, script, apply)
        })
        .collect();
    for (name, file, script, apply) in &told {
        if file.starts_with("etc/kubernetes/pki/apiserver.") {
            // The one difference that has to be: certferry puts these two in the place of the old ones in the folder
            // that the API server sees. The script exchanges the folder, which a running container does not see.
            assert_eq!(apply, "nothing must restart: kube-apiserver reads the two files again within a minute\n");
            assert_eq!(restarted(script), "kube-apiserver", "{file}");
        } else {
            assert_eq!(script, apply, "{name}, {file}");
        }
        let is_for_people = file.ends_with("admin.conf") || file.ends_with("healthcheck-client.crt");
        assert!(!is_for_people || script.is_empty(), "{file}: {script}");
    }
    told.into_iter().map(|(_, file, script, _)| (file, script)).collect()
}

/// The way back, whoever went forth: each takes back a copy of the same disk.
fn same_back(what: &str, node: &Node) -> String {
    let (by_script, by_certferry) = (node.copy(), node.copy());
    let ended = by_script.rollback(&TOOLS);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{what}");
    let report = succeed(&mut rollback(by_certferry.root()));
    assert!(by_script.live() == by_certferry.live(), "{what}: other files");
    assert_eq!(orders(&ended.stdout), orders(&report), "{what}");
    for disk in [by_script, by_certferry] {
        assert_clean(&disk, what);
    }
    orders(&report).to_owned()
}

#[test]
fn the_way_back_is_told_alike() {
    let nodes = [("cp-1", &PODS[..]), ("worker-1", &[])].map(|(name, pods)| (name, with_manifests(&FIRST, name, pods)));
    SECONDS.par_iter().filter(|(what, _)| ["etcd", "leaves", "all CAs and sa"].contains(what)).for_each(
        |(what, bundle)| {
            for (name, node) in &nodes {
                let (by_script, by_apply) = (node.copy(), node.copy());
                let forth = by_script.install(&TOOLS, bundle, name, &[]).stdout;
                succeed(&mut apply(bundle, name, by_apply.root()));
                let text = same_back(&format!("{what}, {name}, by the script"), &by_script);
                assert_eq!(text, orders(&forth), "{what}, {name}: back is as forth");
                same_back(&format!("{what}, {name}, by apply"), &by_apply);
            }
        },
    );
}

/// The record that comes back with the files is read by no component.
#[test]
fn the_way_back_of_a_name_of_the_api_server_restarts_nothing() {
    let names = generation(2, |profile| {
        let cluster = profile["cluster"].as_table_mut().unwrap();
        cluster.insert("apiserver_cert_sans".to_owned(), vec!["vip.lab"].into());
    });
    let bundle = build_text(&names);
    let node = with_manifests(&FIRST, "cp-1", &PODS);
    succeed(&mut apply(&bundle, "cp-1", node.root()));
    let expected = "nothing must restart: kube-apiserver reads the two files again within a minute\n";
    assert_eq!(same_back("a name", &node), expected);
}

/// A repair keeps the generation before, so that the way back is the same as without it.
#[test]
fn the_way_back_from_a_mended_file_is_told_alike() {
    let node = with_manifests(&FIRST, "cp-1", &PODS);
    assert_eq!(node.install(&TOOLS, &SECOND, "cp-1", &[]).code, Some(0));
    let expected = same_back("before", &node);
    assert!(restarted(&expected).contains("kube-apiserver"), "{expected}");
    for file in ["pki/apiserver.crt", "admin.conf"] {
        let (by_script, by_apply) = (node.copy(), node.copy());
        for node in [&by_script, &by_apply] {
            fs::write(node.path("etc/kubernetes").join(file), "somebody's own\n").unwrap();
        }
        assert_eq!(by_script.install(&TOOLS, &SECOND, "cp-1", &[]).code, Some(0));
        succeed(&mut apply(&SECOND, "cp-1", by_apply.root()));
        assert_eq!(same_back(&format!("{file}, by the script"), &by_script), expected, "{file}");
        assert_eq!(same_back(&format!("{file}, by apply"), &by_apply), expected, "{file}");
        // Whom a restart left that was cut short is told, too.
        fs::write(by_apply.path("etc/kubernetes/.certferry/restart"), "certferry-restart-1\netcd\nend\n").unwrap();
        let text = same_back(&format!("{file}, with a note"), &by_apply);
        assert_eq!(restarted(&text), format!("etcd, {}", restarted(&expected)), "{file}");
    }
    // To where nothing was: nobody can start there.
    let node = Node::with(&FIRST, "worker-1");
    assert_eq!(same_back("nothing before", &node), "");
}

/// Without openssl the files come back all the same, with a word that is always right.
#[test]
fn the_way_back_needs_no_openssl() {
    let node = Node::with(&FIRST, "worker-1");
    assert_eq!(node.install(&TOOLS, &SECOND, "worker-1", &[]).code, Some(0));
    let tools = Tools::new(&["dash"], "mawk", "tar");
    tools.remove("openssl");
    let ended = node.rollback(&tools);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("\nrestart what reads these files, as after an installation;"), "{}", ended.stdout);
}

/// Files that go, files whose permissions change, names that begin as one of the table does.
#[test]
fn so_is_what_goes_and_what_changes_its_permissions() {
    let node = with_manifests(&FIRST, "cp-1", &PODS);
    fs::copy(node.path("etc/kubernetes/pki/ca.crt"), node.path("etc/kubernetes/pki/ca.crt.before")).unwrap();
    fs::copy(node.path("etc/kubernetes/admin.conf"), node.path("etc/kubernetes/super-admin.conf")).unwrap();
    fs::write(node.path("etc/kubernetes/bootstrap-kubelet.conf"), "").unwrap();
    same("removals", &node, &SECOND, "cp-1");
    same("removals under the same CA", &node, &FIRST, "cp-1");
    for file in ["etc/kubernetes/scheduler.conf", "etc/kubernetes/pki/sa.pub", "etc/kubernetes/pki/etcd/server.key"] {
        let node = with_manifests(&FIRST, "cp-1", &PODS);
        fs::set_permissions(node.path(file), fs::Permissions::from_mode(0o640)).unwrap();
        let (script, apply) = both(&node, &FIRST, "cp-1");
        assert_eq!(apply, "", "{file}: whoever runs has read it");
        if file.contains("/pki/") {
            // The script exchanges the folder, which a running container does not see.
            assert!(script.starts_with("to restart on this node: ") && !script.contains("in the cluster"), "{script}");
        } else {
            assert_eq!(script, "", "{file}");
        }
    }
}

#[test]
fn external_etcd_is_told_alike() {
    let profile = |number: i64, change: &dyn Fn(&mut toml::Table)| {
        changed_profile("ha-external-etcd", |profile| {
            use_fast_keys(profile);
            profile["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), number.into());
            change(profile);
        })
    };
    let authorities = |names: &'static [&str]| {
        move |profile: &mut toml::Table| names.iter().for_each(|name| renew(profile, "ca", name))
    };
    let first = build_text(&profile(1, &|_| {}));
    let seconds: Vec<_> = [&["etcd"][..], &["kubernetes", "front-proxy", "etcd"], &["kubernetes"]]
        .into_par_iter()
        .map(|names| (names, build_text(&profile(2, &authorities(names)))))
        .collect();
    for (name, manifests) in [("etcd-1", &[][..]), ("etcd-1", &["etcd"]), ("cp-1", &PODS[1..]), ("cp-1", &[])] {
        let node = with_manifests(&first, name, manifests);
        for (authorities, second) in &seconds {
            let text = same(&format!("{authorities:?}, {manifests:?}"), &node, second, name);
            let own = restarted(&text);
            let expected = match (name, *authorities) {
                ("etcd-1", ["kubernetes"]) => "",
                ("etcd-1", _) => "etcd",
                (_, ["etcd"]) => "kube-apiserver",
                _ => "kube-apiserver, kube-controller-manager, kube-scheduler, kubelet",
            };
            assert_eq!(own, expected, "{name}, {authorities:?}");
            // A node of etcd alone has no CA of the cluster, and a way back all the same.
            let there = node.copy();
            let forth = there.install(&TOOLS, second, name, &[]).stdout;
            let back = same_back(&format!("{name}, {authorities:?}, {manifests:?}"), &there);
            assert_eq!(back, orders(&forth), "{name}, {authorities:?}: back is as forth");
        }
    }
}

/// The folder of manifests may be a link: below another root it begins there.
#[test]
fn manifests_behind_a_link_are_found() {
    for target in ["/srv/manifests", "../../srv/manifests"] {
        let node = with_manifests(&FIRST, "cp-1", &PODS);
        fs::create_dir(node.path("srv")).unwrap();
        fs::rename(node.path("etc/kubernetes/manifests"), node.path("srv/manifests")).unwrap();
        symlink(target, node.path("etc/kubernetes/manifests")).unwrap();
        let text = same(target, &node, &SECOND, "cp-1");
        assert!(text.contains("\n  for pod in kube-controller-manager kube-scheduler kube-apiserver; do\n"), "{text}");
    }
}

/// Who had to be started anew when `apply --restart` was killed is told, too, and told once.
#[test]
fn a_restart_that_was_cut_short_is_told_alike() {
    let node = Node::with(&SECOND, "worker-1");
    let note = |text: &str| fs::write(node.path("etc/kubernetes/.certferry/restart"), text).unwrap();
    note("certferry-restart-1\nkubelet\nend\n");
    let expected = "to restart on this node: kubelet\n  systemctl restart kubelet\n";
    assert_eq!(same("the same bundle", &node, &SECOND, "worker-1"), expected);
    assert_eq!(same("the same files", &node, &THIRD, "worker-1"), expected);
    let status = node.status();
    let line = "restart      cut short: kubelet; the next `sh install.sh` with the same bundle says how to restart it\n\
                files        all 6 are as they were installed\n";
    assert!(status.ends_with(line), "{status}");
    assert_eq!(
        orders(&node.install(&TOOLS, &SECOND, "worker-1", &["--dry-run"]).stdout),
        "",
        "a trial changes nothing"
    );
    assert_eq!(orders(&node.install(&TOOLS, &SECOND, "worker-1", &[]).stdout), expected);
    assert_eq!(orders(&node.install(&TOOLS, &SECOND, "worker-1", &[]).stdout), "", "it was told");
    for broken in [
        "certferry-restart-1\nkubelet\n",
        "certferry-restart-2\nend\n",
        "certferry-restart-1\nkube-proxy\nend\n",
        "certferry-restart-1\nend\nkubelet\n",
    ] {
        note(broken);
        let path = node.path("etc/kubernetes/.certferry/restart");
        let text = format!(
            "error: {} is not a note of a restart\n\
             hint: restart what reads the node's files, and remove it\n",
            path.display()
        );
        node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &text);
        assert_eq!(run(&mut apply(&SECOND, "worker-1", node.root())).status.code(), Some(2), "{broken}");
    }
}

#[test]
fn nothing_is_told_of_what_nobody_reads_yet() {
    for name in ["cp-1", "worker-1"] {
        assert_eq!(same("a fresh node", &Node::new(), &FIRST, name), "");
        assert_eq!(same("the same files", &Node::with(&SECOND, name), &THIRD, name), "");
    }
}
