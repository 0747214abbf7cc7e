//! install.sh and certferry on one node: what one did or left half done, the other completes and takes back.

use std::fs;
use std::process::Command;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::common::node::{apply, rollback};
use crate::common::rights::{Right, lacks};
use crate::common::shells::Tools;
use crate::common::{certferry, run, succeed, tool};
use crate::install_sh::backups::foreign;
use crate::install_sh::interrupted::{assert_clean, assert_whole, calls, counted, killing_at};
use crate::install_sh::node::{FIRST, Node, SECOND, TOOLS, end};

const NAME: &str = "worker-1";

/// With the first generation, by either way.
fn begun(by_script: bool) -> Node {
    if by_script {
        return Node::with(&FIRST, NAME);
    }
    let node = Node::new();
    succeed(&mut apply(&FIRST, NAME, node.root()));
    node
}

#[test]
fn both_leave_the_same_on_the_disk() {
    let [script, certferry] = [true, false].map(begun);
    assert!(script.state() == certferry.state(), "the first generation");
    assert_eq!(script.install(&TOOLS, &SECOND, NAME, &[]).code, Some(0));
    succeed(&mut apply(&SECOND, NAME, certferry.root()));
    assert!(script.live() == certferry.live(), "the second generation");
    assert_eq!(script.rollback(&TOOLS).code, Some(0));
    succeed(&mut rollback(certferry.root()));
    assert!(script.live() == certferry.live(), "and back");
}

/// What was there before certferry outlives a repair and the second generation, whoever does which.
#[test]
fn both_keep_what_was_there_before() {
    let run = |by_script: bool, node: &Node, bundle| {
        if by_script {
            let ended = node.install(&TOOLS, bundle, NAME, &[]);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        } else {
            succeed(&mut apply(bundle, NAME, node.root()));
        }
    };
    for [first, repair, second] in [[true, false, true], [false, true, false]] {
        let node = foreign(NAME);
        let kept = |slot: &str| fs::read(node.path("etc/kubernetes/.certferry").join(slot).join("pki/mine")).ok();
        run(first, &node, &FIRST);
        let live = node.live();
        let key = node.path("etc/kubernetes/pki/ca.crt");
        fs::write(&key, "somebody's own").unwrap();
        run(repair, &node, &FIRST);
        assert!(node.live() == live && kept("previous").as_deref() == Some(b"mine"), "by the script: {repair}");
        assert!(node.path("etc/kubernetes/.certferry/repaired").exists(), "by the script: {repair}");
        // The other one keeps to it, too.
        fs::write(&key, "somebody's own").unwrap();
        let ended =
            if repair { end(&mut apply(&FIRST, NAME, node.root())) } else { node.install(&TOOLS, &FIRST, NAME, &[]) };
        assert!(ended.code == Some(1) && ended.stderr.contains("--drop-backup"), "{}", ended.stderr);
        run(second, &node, &SECOND);
        assert_eq!(kept("original").as_deref(), Some(&b"mine"[..]), "by the script: {second}");
    }
}

#[test]
fn each_takes_back_what_the_other_did() {
    for by_script in [true, false] {
        let node = begun(by_script);
        let first = node.live();
        if by_script {
            assert_eq!(node.install(&TOOLS, &SECOND, NAME, &[]).code, Some(0));
            succeed(&mut rollback(node.root()));
        } else {
            succeed(&mut apply(&SECOND, NAME, node.root()));
            assert_eq!(node.rollback(&TOOLS).code, Some(0));
        }
        assert!(node.live() == first, "by the script: {by_script}");
        assert_clean(&node, "after going back");
    }
}

/// Where the script takes each file for a unit, those of what is installed, too: it cannot know the file system without stat.
#[test]
fn certferry_takes_back_and_completes_what_the_script_did_file_by_file() {
    let begin = begun(true);
    fs::copy(begin.path("etc/kubernetes/pki/ca.crt"), begin.path("etc/kubernetes/pki/old-ca.crt")).unwrap();
    let first = begin.live();
    let without_stat = |tools: Tools| {
        tools.remove("stat");
        tools
    };
    let whole = begin.copy();
    let tools = without_stat(killing_at(0));
    assert_eq!(whole.install(&tools, &SECOND, NAME, &[]).code, Some(0));
    let (second, calls) = (whole.live(), counted(&tools));
    let units = fs::read_to_string(whole.path("etc/kubernetes/.certferry/previous/units")).unwrap();
    for unit in ["etc/kubernetes/pki/old-ca.crt ", "etc/kubernetes/.certferry/installed/record.json "] {
        assert!(units.contains(&format!("\n{unit}")), "{units}");
    }
    let status = succeed(certferry().args(["status", "--root"]).arg(whole.root()));
    assert!(status.contains("generation 2") && status.contains("generation 1"), "{status}");
    succeed(&mut rollback(whole.root()));
    assert!(whole.live() == first);
    succeed(&mut rollback(whole.root()));
    assert!(whole.live() == second);
    (1..=calls).into_par_iter().filter(|call| call % 12 == 5).for_each(|call| {
        let (node, when) = (begin.copy(), format!("killed at call {call} of {calls}"));
        let tools = without_stat(killing_at(call));
        node.kill(&mut node.command(&tools, &SECOND, NAME, &[]), &when);
        succeed(&mut apply(&SECOND, NAME, node.root()));
        assert_clean(&node, &when);
        assert!(node.live() == second, "{when}");
    });
}

/// Runs a command that the kernel kills at its so-manieth rename; how many there are in all when it lives.
fn kill_at_rename(command: &Command, number: usize) -> std::process::Output {
    const RENAMES: &str = "rename,renameat,renameat2";
    let mut strace = tool("strace");
    strace.args(["-qq", "-f", "-o", "/dev/null", "-e", &format!("trace={RENAMES}")]);
    strace.args(["-e", &format!("inject={RENAMES}:signal=SIGKILL:when={number}")]);
    run(strace.arg(command.get_program()).args(command.get_args()))
}

#[test]
fn the_script_completes_what_certferry_left() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let begin = begun(false);
    let (old, whole) = (begin.live(), begin.copy());
    succeed(&mut apply(&SECOND, NAME, whole.root()));
    let (new, end) = (whole.live(), whole.state());
    let killed: Vec<usize> = (1..=24)
        .into_par_iter()
        .filter(|number| {
            let node = begin.copy();
            if kill_at_rename(&apply(&SECOND, NAME, node.root()), *number).status.success() {
                return false;
            }
            let when = format!("killed at rename {number}");
            assert_whole(&node.live(), &old, &new, &when);
            let ended = node.install(&TOOLS, &SECOND, NAME, &[]);
            assert_eq!(ended.code, Some(0), "{when}: {}", ended.stderr);
            assert_clean(&node, &when);
            assert!(node.state() == end, "{when}: the script does not end where certferry does");
            true
        })
        .collect();
    assert!(killed.len() >= 8, "{killed:?}");
}

#[test]
fn certferry_completes_what_the_script_left() {
    let begin = begun(true);
    let (old, whole) = (begin.live(), begin.copy());
    let command = |node: &Node, tools: &_| node.command(tools, &SECOND, NAME, &[]);
    let all = calls(&whole, command);
    let (new, end) = (whole.live(), whole.state());
    (1..all + 1).into_par_iter().filter(|call| call % 4 == 1).for_each(|call| {
        let (node, when) = (begin.copy(), format!("killed at call {call} of {all}"));
        node.kill(&mut command(&node, &killing_at(call)), &when);
        assert_whole(&node.live(), &old, &new, &when);
        succeed(&mut apply(&SECOND, NAME, node.root()));
        assert_clean(&node, &when);
        assert!(node.state() == end, "{when}: certferry does not end where the script does");
    });
}
