//! On overlayfs, where a folder of a lower layer cannot be renamed: each file is exchanged by itself, and a run that was
//! killed is completed after the layers were mounted anew. And renames that fail: they are undone.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tempfile::TempDir;

use crate::common::node::disk;
use crate::common::rights::{Right, lacks};
use crate::common::shells::{Tools, find};
use crate::common::{run, succeed, tool};
use crate::install_sh::backups::foreign;
use crate::install_sh::interrupted::{counted, killing_at, killing_once_moved};
use crate::install_sh::node::{FIRST, Node, SECOND, State, TOOLS, script, state};

const PKI: &str = "etc/kubernetes/pki";
const NAME: &str = "worker-1";
/// Every day a run is killed at every so-manieth call; by `cargo xtask crash` at each.
const STEP: u32 = 20;

/// A disk whose lower layer has all that is on a node. Each command sees it mounted anew, as after a reboot; where the
/// machine has two file systems, the layers are on both, and overlayfs gives its folders other numbers each time.
struct Overlay {
    upper: TempDir,
    lower: TempDir,
}

impl Overlay {
    fn over(node: &Node) -> Self {
        let overlay = Self { upper: disk(), lower: tempfile::tempdir().unwrap() };
        for name in ["upper", "work", "merged"] {
            fs::create_dir(overlay.path(name)).unwrap();
        }
        succeed(tool("cp").arg("-a").arg(node.root().join(".")).arg(overlay.lower.path()));
        overlay
    }

    fn path(&self, name: &str) -> PathBuf {
        self.upper.path().join(name)
    }

    /// Runs a command that knows the node's disk as the folder `merged`.
    fn run(&self, command: &Command) -> Output {
        let setup =
            "cd \"$1\"; mount -t overlay -o lowerdir=\"$2\",upperdir=upper,workdir=work,redirect_dir=off none merged
            path=$3; shift 3; exec env -i PATH=\"$path\" \"$@\"";
        let mut inside = tool("unshare");
        inside.args(["--mount", "sh", "-euc", setup, "sh"]).arg(self.upper.path()).arg(self.lower.path());
        let path =
            command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path.map(ToOwned::to_owned));
        inside.arg(path.or_else(|| std::env::var_os("PATH")).unwrap());
        run(inside.arg(command.get_program()).args(command.get_args()))
    }

    fn install(&self, tools: &Tools) -> Output {
        let mut command = tools.run(&script(&SECOND));
        command.arg(&SECOND.archive).args(["--node", NAME, "--key"]).arg(&SECOND.public_key);
        self.run(command.arg("--root").arg(self.path("merged")))
    }

    fn other(&self, tools: &Tools, option: &str) -> Output {
        self.run(tools.run(&script(&SECOND)).arg(option).arg("--root").arg(self.path("merged")))
    }

    /// Everything on the disk.
    fn state(&self) -> State {
        let folder = disk();
        let output = self.run(tool("cp").arg("-a").arg(self.path("merged").join(".")).arg(folder.path()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        state(folder.path(), |_| true)
    }

    /// Everything but what is certferry's own.
    fn live(&self) -> State {
        self.state().into_iter().filter(|(path, _)| !path.contains(".certferry")).collect()
    }
}

#[track_caller]
fn assert_ended(output: &Output, code: i32, stderr: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(code), stderr));
}

/// A node of the first generation on which people have worked, and the same with the second.
fn nodes() -> (Node, Node) {
    let begin = Node::with(&FIRST, NAME);
    fs::write(begin.path(PKI).join("by hand"), "kept").unwrap();
    fs::copy(begin.path(PKI).join("ca.crt"), begin.path(PKI).join("old-ca.crt")).unwrap();
    let end = begin.copy();
    assert_eq!(end.install(&TOOLS, &SECOND, NAME, &[]).code, Some(0));
    (begin, end)
}

#[test]
fn what_is_in_a_lower_layer_changes_file_by_file() {
    if lacks(&[Right::Overlay]) {
        return;
    }
    let (begin, end) = nodes();
    for tools in [Tools::new(&["dash"], "mawk", "tar"), Tools::busybox(), Tools::new(&["bash"], "gawk", "tar")] {
        let overlay = Overlay::over(&begin);
        assert_ended(&overlay.install(&tools), 0, "");
        assert!(overlay.live() == end.live(), "{}", tools.name());
        // What stays has never been touched: it is not in the upper layer.
        assert!(!overlay.path("upper").join(PKI).join("by hand").exists());
        assert_ended(&overlay.other(&tools, "--rollback"), 0, "");
        assert!(overlay.live() == begin.live(), "{}", tools.name());
    }
    // A generation before that was kept with whole folders, baked into an image since; and forth again.
    let overlay = Overlay::over(&end);
    assert_ended(&overlay.other(&TOOLS, "--rollback"), 0, "");
    assert!(overlay.live() == begin.live());
    assert_ended(&overlay.other(&TOOLS, "--rollback"), 0, "");
    assert!(overlay.live() == end.live());
    let status = String::from_utf8(overlay.other(&TOOLS, "--status").stdout).unwrap();
    assert!(status.starts_with("installed    lab, generation 2, "), "{status}");
    assert!(status.contains("\nprevious     lab, generation 1, "), "{status}");
}

/// Each file is the old one or the new one or, between two renames, not there.
fn assert_none_torn(found: &State, old: &State, new: &State, when: &str) {
    for (path, seen) in found.iter().filter(|(path, _)| !path.contains(".certferry")) {
        assert!(old.get(path) == Some(seen) || new.get(path) == Some(seen), "{when}: {path} is torn");
    }
}

/// Whether every call is tried: set by `cargo xtask crash`.
fn is_all() -> bool {
    std::env::var_os("CERTFERRY_CRASH_ALL").is_some()
}

/// Kills a run at each call that changes the disk; the next one, of a mount of its own, brings it to its end.
fn killed(
    are_tried: fn(u32) -> bool,
    begin: &Node,
    command: impl Fn(&Overlay, &Tools) -> Output + Sync,
    next: impl Fn(&Overlay) -> Output + Sync,
) -> u32 {
    let (whole, counting) = (Overlay::over(begin), killing_at(0));
    assert_ended(&command(&whole, &counting), 0, "");
    let (old, end) = (begin.state(), whole.state());
    let calls = counted(&counting);
    (1..=calls).into_par_iter().filter(|call| are_tried(*call)).for_each(|call| {
        let when = format!("killed at call {call} of {calls}");
        let overlay = Overlay::over(begin);
        let output = command(&overlay, &killing_at(call));
        assert_eq!(output.status.code(), None, "{when}: {}", String::from_utf8_lossy(&output.stderr));
        assert_none_torn(&overlay.state(), &old, &end, &when);
        let output = next(&overlay);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{when}: {said}");
        assert!(overlay.state() == end, "{when}: the next run does not end where an undisturbed one does");
    });
    calls
}

fn installation_killed(are_tried: fn(u32) -> bool) {
    let (begin, _) = nodes();
    let install = |overlay: &Overlay, tools: &Tools| overlay.install(tools);
    let calls = killed(are_tried, &begin, install, |overlay| overlay.install(&TOOLS));
    // Ten units of three renames each.
    assert!(calls > 30, "{calls}");
    // And where nothing was.
    killed(are_tried, &Node::new(), install, |overlay| overlay.install(&TOOLS));
}

#[test]
fn killed_on_overlayfs_an_installation_is_completed() {
    if lacks(&[Right::Overlay]) {
        return;
    }
    installation_killed(|call| call % STEP == 1 || is_all());
}

/// The generation before is of an image's layer, where it cannot be renamed, and certferry did not install it.
#[test]
fn killed_on_overlayfs_what_was_there_before_certferry_is_kept() {
    if lacks(&[Right::Overlay]) {
        return;
    }
    let begin = foreign(NAME);
    assert_eq!(begin.install(&TOOLS, &FIRST, NAME, &[]).code, Some(0));
    let of = |state: State, slot: &str| -> State {
        let rows = state.into_iter().filter_map(|(path, seen)| {
            let (home, rest) = path.split_once(&format!(".certferry/{slot}/"))?;
            Some((format!("{home}{rest}"), seen))
        });
        rows.collect()
    };
    let (kept, install) = (of(begin.state(), "previous"), |overlay: &Overlay, tools: &Tools| overlay.install(tools));
    assert!(kept.contains_key("etc/kubernetes/pki/mine"));
    for tools in [Tools::new(&["dash"], "mawk", "tar"), Tools::busybox()] {
        let overlay = Overlay::over(&begin);
        assert_ended(&install(&overlay, &tools), 0, "");
        assert!(of(overlay.state(), "original") == kept, "{}", tools.name());
    }
    killed(|call| call % STEP == 7 || is_all(), &begin, install, |overlay| overlay.install(&TOOLS));
}

/// The way back over folders that an image holds; killed before it begins, it is begun by the next one.
fn rollback_killed(are_tried: fn(u32) -> bool) {
    let (_, begin) = nodes();
    let back = |overlay: &Overlay, tools: &Tools| overlay.other(tools, "--rollback");
    let calls = killed(are_tried, &begin, back, |overlay| {
        let output = overlay.other(&TOOLS, "--rollback");
        // Completed first, it then went forth again.
        let is_forth = String::from_utf8_lossy(&output.stdout).contains("\ninstalled    lab, generation 2,");
        if is_forth { overlay.other(&TOOLS, "--rollback") } else { output }
    });
    assert!(calls > 20, "{calls}");
}

#[test]
fn killed_on_overlayfs_a_rollback_is_completed() {
    if lacks(&[Right::Overlay]) {
        return;
    }
    rollback_killed(|call| call % STEP == 4 || is_all());
}

/// Were the kind of the file system not known for what it is, mv would copy the folder and delete it: it may not.
#[test]
fn a_folder_that_cannot_be_renamed_is_not_copied_and_deleted() {
    if lacks(&[Right::Overlay]) {
        return;
    }
    let (begin, _) = nodes();
    for shell in [&["dash"][..], &["bash"], &["busybox", "ash"]] {
        let tools = Tools::new(shell, "mawk", "tar");
        tools.add_script("stat", "echo ef53\n");
        let overlay = Overlay::over(&begin);
        let output = overlay.install(&tools);
        let said = String::from_utf8_lossy(&output.stderr);
        let text = format!("error: cannot move {}: ", overlay.path("merged").join(PKI).display());
        let hint = "hint: every file is as it was: the file system, or a quota on it, does not rename it\n";
        assert!(said.starts_with(&text) && said.ends_with(hint), "{said}");
        assert_eq!(output.status.code(), Some(2));
        assert!(overlay.live() == begin.live());
    }
}

/// Overlayfs gives a file with two names another number when it is renamed.
#[test]
fn a_file_with_two_names_is_replaced_on_overlayfs() {
    if lacks(&[Right::Overlay]) {
        return;
    }
    let (begin, end) = nodes();
    fs::hard_link(begin.path("etc/kubernetes/kubelet.conf"), begin.path("etc/kubernetes/copy")).unwrap();
    let overlay = Overlay::over(&begin);
    assert_ended(&overlay.install(&TOOLS), 0, "");
    let (found, of_begin) = (overlay.live(), begin.live());
    assert!(found["etc/kubernetes/kubelet.conf"] == end.live()["etc/kubernetes/kubelet.conf"]);
    assert!(found["etc/kubernetes/copy"] == of_begin["etc/kubernetes/copy"]);
    assert_ended(&overlay.other(&TOOLS, "--rollback"), 0, "");
    assert!(overlay.live() == of_begin);
}

/// A script that let mv copy the folder and delete it was stopped then: the copy is what was live.
#[test]
fn a_copy_in_the_place_of_what_was_live_is_gone_on_with() {
    let begin = Node::with(&FIRST, NAME);
    let whole = begin.copy();
    assert_eq!(whole.install(&TOOLS, &SECOND, NAME, &[]).code, Some(0));
    let node = begin.copy();
    node.kill(&mut node.command(&killing_once_moved("/pki.out "), &SECOND, NAME, &[]), "pki is on its way");
    assert!(!node.path(PKI).exists());
    let out = node.path("etc/kubernetes/.certferry/next/pki.out");
    succeed(tool("cp").arg("-a").arg(&out).arg(node.path("copy")));
    fs::remove_dir_all(&out).unwrap();
    fs::rename(node.path("copy"), &out).unwrap();
    let ended = node.install(&TOOLS, &SECOND, NAME, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), "note: an interrupted run was completed first\n"));
    assert!(node.state() == whole.state());
}

/// A rename that fails at any unit: those before it are brought back, and nothing is left of the run.
#[test]
fn a_rename_that_fails_is_undone() {
    let begin = Node::with(&FIRST, NAME);
    let before = begin.state();
    for (unit, slot) in [
        ("etc/kubernetes/pki", "etc/kubernetes/.certferry/next/pki.out"),
        ("etc/kubernetes/kubelet.conf", "etc/kubernetes/kubelet.conf"),
        ("etc/kubernetes/.certferry/installed", "etc/kubernetes/.certferry/next/installed.out"),
    ] {
        let node = begin.copy();
        let tools = Tools::new(&["dash"], "mawk", "tar");
        // Onto that name it fails the first time; and somebody who is still in the old folder writes into it.
        let failed = tools.path("failed");
        let late = node.path("etc/kubernetes/.certferry/next/pki/late");
        let write = if unit.ends_with("installed") { format!(": >{};", late.display()) } else { String::new() };
        let script = format!(
            "case $3 in\n*/{slot}) [ -e {0} ] || {{ : >{0}; {write} echo no such luck; exit 1; }} ;;\nesac\n\
             exec {1} \"$@\"\n",
            failed.display(),
            find("mv").display()
        );
        tools.add_script("mv", &script);
        let text = format!(
            "error: cannot move {}: no such luck\n\
             hint: every file is as it was: the file system, or a quota on it, does not rename it\n",
            node.path(unit).display()
        );
        let ended = node.install(&tools, &SECOND, NAME, &[]);
        assert_eq!((ended.code, ended.stderr), (Some(2), text));
        let mut after = node.state();
        assert_eq!(after.remove("etc/kubernetes/pki/late").is_some(), unit.ends_with("installed"));
        assert!(after == before, "{unit}");
    }
}
