//! What a run replaces is never destroyed without a word: not by a repair, not by the generation after the first one. And what
//! is written while it runs is named.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::shells::{Tools, find};
use crate::install_sh::node::{FIRST, Node, SECOND, State, THIRD, TOOLS};

const PKI: &str = "etc/kubernetes/pki";
const STATE: &str = "etc/kubernetes/.certferry";
const BACK: &str = "back: sh install.sh --rollback\n";
const ORIGINAL: &str = "what certferry did not install is kept in etc/kubernetes/.certferry/original, private keys and \
                        all, until a person removes it\n";

/// A node with a PKI that certferry did not install.
pub fn foreign(name: &str) -> Node {
    let node = Node::with(&SECOND, name);
    for home in [STATE, "var/lib/kubelet/.certferry"] {
        fs::remove_dir_all(node.path(home)).unwrap();
    }
    if name == "cp-1" {
        fs::write(node.path(PKI).join("sa.key"), "the only one").unwrap();
    }
    fs::write(node.path(PKI).join("mine"), "mine").unwrap();
    node
}

fn chmod(node: &Node, place: &str, mode: u32) {
    fs::set_permissions(node.path(place), PermissionsExt::from_mode(mode)).unwrap();
}

/// What is in a slot of both folders.
fn slot(node: &Node, name: &str) -> State {
    let homes = [STATE, "var/lib/kubelet/.certferry"].map(|home| format!("{home}/{name}/"));
    let of = |path: &str| homes.iter().find_map(|home| path.strip_prefix(home).map(str::to_owned));
    node.state().into_iter().filter_map(|(path, seen)| Some((of(&path)?, seen))).collect()
}

#[track_caller]
fn install(node: &Node, bundle: &crate::common::Bundle, further: &[&str]) -> String {
    let ended = node.install(&TOOLS, bundle, "cp-1", further);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    ended.stdout
}

fn refusal(node: &Node, slot: &str, holds: &str) -> String {
    let path = node.path(STATE).join(slot).display().to_string();
    format!(
        "error: {path} holds {holds}, and would be dropped\n\
         hint: look at it, and move it elsewhere if it is of use; --drop-backup drops it; nothing was changed\n"
    )
}

#[test]
fn a_repair_leaves_the_generation_before() {
    let node = foreign("cp-1");
    let theirs = node.live();
    assert!(install(&node, &FIRST, &[]).ends_with(BACK));
    let (first, kept) = (node.live(), slot(&node, "previous"));
    assert_eq!(kept["pki/sa.key"].3, b"the only one");
    // Modes, and what was missing, lose nothing.
    chmod(&node, "etc/kubernetes/admin.conf", 0o644);
    fs::remove_file(node.path("etc/kubernetes/scheduler.conf")).unwrap();
    let said = install(&node, &FIRST, &[]);
    assert!(said.starts_with("cp-1: repaired 2 files of generation 1") && !said.contains(BACK), "{said}");
    assert!(!said.contains("is kept in"), "{said}");
    assert!(node.live() == first && slot(&node, "previous") == kept && slot(&node, "repaired").is_empty());
    // A folder is exchanged.
    chmod(&node, "etc/kubernetes/pki/ca.key", 0o644);
    let said = install(&node, &FIRST, &[]);
    assert!(said.ends_with("\nwhat was replaced is kept in etc/kubernetes/.certferry/repaired\n"), "{said}");
    assert!(node.live() == first && slot(&node, "previous") == kept);
    assert_eq!(slot(&node, "repaired")["pki/ca.key"].0 & 0o777, 0o644);
    let status = node.status();
    let lines = "previous     what certferry did not install; `sh install.sh --rollback` brings it back\n\
                 repaired     what the last repair replaced: etc/kubernetes/.certferry/repaired, until a person removes it\n";
    assert!(status.contains(lines), "{status}");
    // What needs no backup is not kept from it, and nor is what changes nothing.
    install(&node, &FIRST, &[]);
    chmod(&node, "etc/kubernetes/admin.conf", 0o644);
    install(&node, &FIRST, &[]);
    // The one of the repair is not lost either.
    fs::write(node.path("etc/kubernetes/admin.conf"), "somebody's own").unwrap();
    let text = refusal(&node, "repaired", "what an earlier repair replaced");
    node.refuse(&mut node.command(&TOOLS, &FIRST, "cp-1", &[]), 1, &text);
    node.refuse(&mut node.command(&TOOLS, &FIRST, "cp-1", &["--dry-run"]), 1, &text);
    let before = node.state();
    let said = install(&node, &FIRST, &["--dry-run", "--drop-backup"]);
    assert!(said.ends_with("would be dropped: etc/kubernetes/.certferry/repaired\nnothing was changed\n"), "{said}");
    assert!(node.state() == before);
    let said = install(&node, &FIRST, &["--drop-backup"]);
    let end = "dropped: etc/kubernetes/.certferry/repaired\n\
               what was replaced is kept in etc/kubernetes/.certferry/repaired\n";
    assert!(said.ends_with(end), "{said}");
    let repaired = slot(&node, "repaired");
    assert_eq!(repaired["admin.conf"].3, b"somebody's own");
    assert!(!repaired.contains_key("pki") && node.live() == first && slot(&node, "previous") == kept);
    // Where the kubelet's is: there.
    fs::remove_dir_all(node.path(STATE).join("repaired")).unwrap();
    chmod(&node, "var/lib/kubelet/pki/kubelet.key", 0o640);
    let said = install(&node, &FIRST, &[]);
    assert!(said.ends_with("\nwhat was replaced is kept in var/lib/kubelet/.certferry/repaired\n"), "{said}");
    // Back is to what was there before the generation that was repaired.
    assert_eq!(node.rollback(&TOOLS).code, Some(0));
    assert!(node.live() == theirs);
    assert_eq!(node.rollback(&TOOLS).code, Some(0));
    assert!(node.live() == first);
}

/// What `kubeadm reset` and `kubeadm init` leave: another PKI beside the record of ours.
#[test]
fn what_came_in_the_place_of_ours_stays() {
    let node = Node::with(&FIRST, "cp-1");
    for name in ["ca.key", "ca.crt", "sa.key"] {
        fs::write(node.path(PKI).join(name), format!("another {name}")).unwrap();
    }
    install(&node, &SECOND, &[]);
    let status = node.status();
    let line = "\nprevious     what certferry did not install; `sh install.sh --rollback` brings it back\n";
    assert!(status.contains(line), "{status}");
    let mut kept = slot(&node, "previous");
    let said = install(&node, &THIRD, &[]);
    assert!(said.ends_with(&format!("{ORIGINAL}{BACK}")), "{said}");
    kept.retain(|place, _| place != "installed" && !place.starts_with("installed/"));
    assert!(slot(&node, "original") == kept && kept["pki/sa.key"].3 == b"another sa.key");
    let status = node.status();
    assert!(status.contains("\nprevious     lab, generation 2, "), "{status}");
    // A leaf that somebody renewed under our CA can be made again.
    let node = Node::with(&FIRST, "cp-1");
    fs::write(node.path(PKI).join("apiserver.crt"), "renewed").unwrap();
    install(&node, &SECOND, &[]);
    assert!(node.status().contains("\nprevious     lab, generation 1, "), "{}", node.status());
    // A record that cannot be read says nothing of what is beside it.
    fs::write(node.path(STATE).join("previous/installed/record.json"), "{}").unwrap();
    assert!(install(&node, &THIRD, &[]).contains(ORIGINAL));
}

#[test]
fn what_was_there_before_certferry_stays() {
    let node = foreign("cp-1");
    install(&node, &FIRST, &[]);
    let (kept, first) = (slot(&node, "previous"), node.live());
    let said = install(&node, &SECOND, &[]);
    assert!(said.ends_with(&format!("{ORIGINAL}{BACK}")), "{said}");
    assert!(slot(&node, "original") == kept);
    let second = node.live();
    let status = node.status();
    let line = "\noriginal     what certferry did not install: etc/kubernetes/.certferry/original, until a person removes it\n";
    assert!(status.contains(line), "{status}");
    assert!(install(&node, &THIRD, &[]).ends_with(BACK));
    assert!(slot(&node, "original") == kept);
    install(&node, &SECOND, &["--allow-downgrade"]);
    install(&node, &FIRST, &["--allow-downgrade"]);
    install(&node, &SECOND, &[]);
    assert_eq!(node.rollback(&TOOLS).code, Some(0));
    assert!(node.live() == first && slot(&node, "original") == kept);
    // One that nobody knows any more is foreign, too, and would be another one.
    fs::remove_dir_all(node.path(STATE).join("installed")).unwrap();
    install(&node, &SECOND, &[]);
    let unknown = slot(&node, "previous");
    assert!(node.live() == second && slot(&node, "original") == kept);
    let text = refusal(&node, "original", "what certferry did not install").replacen(
        "original holds",
        &format!("original and {} hold", node.path("var/lib/kubelet/.certferry/original").display()),
        1,
    );
    let text = in_order(&node, &text);
    for further in [&[][..], &["--dry-run"]] {
        node.refuse(&mut node.command(&TOOLS, &THIRD, "cp-1", further), 1, &text);
    }
    // A repair needs no room there.
    chmod(&node, "etc/kubernetes/admin.conf", 0o644);
    install(&node, &SECOND, &[]);
    let said = install(&node, &THIRD, &["--drop-backup"]);
    assert!(said.ends_with(&format!("{ORIGINAL}{BACK}")), "{said}");
    assert!(said.contains("\ndropped: etc/kubernetes/.certferry/original\n"), "{said}");
    assert!(slot(&node, "original") == unknown);
}

/// The kubelet's folder of slots comes before the other.
fn in_order(node: &Node, text: &str) -> String {
    let [kubernetes, kubelet] =
        [STATE, "var/lib/kubelet/.certferry"].map(|home| node.path(home).join("original").display().to_string());
    text.replacen(&format!("{kubernetes} and {kubelet}"), &format!("{kubelet} and {kubernetes}"), 1)
}

#[test]
fn what_is_written_meanwhile_is_named() {
    let begin = Node::with(&FIRST, "cp-1");
    for name in ["changed", "gone", "stays"] {
        fs::write(begin.path(PKI).join(name), name).unwrap();
    }
    // The first sync comes when all is staged.
    let meanwhile = |tools: &Tools, node: &Node| {
        let (pki, kubelet) = (node.path(PKI), node.path("var/lib/kubelet/pki"));
        let script = format!(
            "if [ ! -e {done} ]; then : >{done}; cd {pki}; mkdir -p new; echo $$ >new/file; echo $$ >\"my file\"; echo \
             $$ >changed; rm gone; echo $$ >apiserver.crt; cp {kubelet}/kubelet.key {kubelet}/kubelet-client-2030.pem; fi\n\
             exec {sync} \"$@\"\n",
            done = tools.path("done").display(),
            pki = pki.display(),
            kubelet = kubelet.display(),
            sync = find("sync").display()
        );
        tools.add_script("sync", &script);
    };
    for tools in [Tools::new(&["dash"], "mawk", "tar"), Tools::new(&["bash"], "gawk", "tar")] {
        let node = begin.copy();
        meanwhile(&tools, &node);
        let ended = node.install(&tools, &SECOND, "cp-1", &[]);
        let note = |place: &str| {
            let (home, name) = place.split_once("/pki/").unwrap();
            format!(
                "note: {place} was written while this ran: it is {home}/.certferry/previous/pki/{name}, and not live\n"
            )
        };
        let written = ["apiserver.crt", "changed", "my file", "new/file"].map(|name| note(&format!("{PKI}/{name}")));
        let gone = format!("note: {PKI}/gone was removed while this ran, and is live all the same\n");
        let text = written.concat() + &gone + &note("var/lib/kubelet/pki/kubelet-client-2030.pem");
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), text.as_str()), "{}", tools.name());
        assert!(!slot(&node, "previous")["pki/new/file"].3.is_empty());
        assert!(!node.path(PKI).join("new").exists());
        // So are they by a rollback.
        fs::remove_file(tools.path("done")).unwrap();
        fs::remove_file(node.path(PKI).join("changed")).unwrap();
        let ended = node.rollback(&tools);
        assert_eq!(ended.code, Some(0));
        assert!(ended.stderr.contains(&note(&format!("{PKI}/apiserver.crt"))), "{}", ended.stderr);
    }
    // Where each file is a unit, what is written beside them stays live.
    let (node, tools) = (begin.copy(), Tools::busybox());
    meanwhile(&tools, &node);
    let ended = node.install(&tools, &SECOND, "cp-1", &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(node.path(PKI).join("new/file").exists());
}
