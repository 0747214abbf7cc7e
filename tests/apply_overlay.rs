//! `apply` and `rollback` on overlayfs, which renames no folder of a lower layer and gives files other numbers with each
//! mount.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::common::node::{FIRST, SECOND, Seen, applied, apply, copy, disk, live, remains, rollback};
use crate::common::rights::{Right, lacks};
use crate::common::{run, succeed, tool};

/// A disk whose lower layer has all that is on a node. Each command sees it mounted anew, as after a reboot. Where the
/// machine has two file systems, the layers are on both, and folders get other numbers each time.
struct Overlay {
    upper: TempDir,
    lower: TempDir,
    options: &'static str,
}

impl Overlay {
    fn over(root: &Path, options: &'static str) -> Self {
        let overlay = Self { upper: disk(), lower: tempfile::tempdir().unwrap(), options };
        for name in ["upper", "work", "merged"] {
            fs::create_dir(overlay.upper.path().join(name)).unwrap();
        }
        succeed(tool("cp").arg("-a").arg(root.join(".")).arg(overlay.lower.path()));
        overlay
    }

    fn merged(&self) -> PathBuf {
        self.upper.path().join("merged")
    }

    fn run(&self, command: &Command) -> Output {
        let setup = "cd \"$1\"; mount -t overlay -o lowerdir=\"$2\",upperdir=upper,workdir=work,\"$3\" none merged
            shift 3; exec \"$@\"";
        let mut inside = tool("unshare");
        inside.args(["--mount", "sh", "-euc", setup, "sh"]).arg(self.upper.path()).arg(self.lower.path());
        inside.arg(self.options);
        run(inside.arg(command.get_program()).args(command.get_args()))
    }

    fn succeed(&self, command: &Command) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Everything on the disk.
    fn copy(&self) -> TempDir {
        let folder = disk();
        self.succeed(tool("cp").arg("-a").arg(self.merged().join(".")).arg(folder.path()));
        folder
    }

    fn live(&self) -> BTreeMap<String, Seen> {
        below(self.copy().path())
    }
}

/// What is live, without the root itself, which is the test's.
fn below(root: &Path) -> BTreeMap<String, Seen> {
    let mut tree = live(root);
    tree.remove("");
    tree
}

/// Compares by path first, because contents are long.
#[track_caller]
fn assert_same(left: &BTreeMap<String, Seen>, right: &BTreeMap<String, Seen>, what: &str) {
    let differing: Vec<_> =
        left.keys().chain(right.keys()).filter(|path| left.get(*path) != right.get(*path)).collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
}

/// Mount options: those of most systems, and those of Flatcar's `/etc`.
const OPTIONS: [&str; 2] = ["redirect_dir=off", "redirect_dir=on,metacopy=off"];

/// A node of the first generation with something to carry over, and the same with the second.
fn nodes(name: &str) -> (TempDir, TempDir) {
    let begin = applied(&FIRST, name);
    fs::write(begin.path().join("etc/kubernetes/pki/by-hand"), "kept").unwrap();
    let end = copy(begin.path());
    succeed(&mut apply(&SECOND, name, end.path()));
    (begin, end)
}

#[test]
fn what_is_in_a_lower_layer_changes_and_comes_back() {
    if lacks(&[Right::Overlay]) {
        return;
    }
    for name in ["cp-1", "worker-1"] {
        let (begin, end) = nodes(name);
        for options in OPTIONS {
            let overlay = Overlay::over(begin.path(), options);
            let text = overlay.succeed(&apply(&SECOND, name, &overlay.merged()));
            assert!(text.contains(" changes file by file: its file system may not rename a folder\n"), "{text}");
            assert_same(&overlay.live(), &below(end.path()), &format!("{name} {options}"));
            assert!(
                !overlay.upper.path().join("upper/etc/kubernetes/pki/by-hand").exists(),
                "what stays is not touched"
            );
            overlay.succeed(&rollback(&overlay.merged()));
            assert_same(&overlay.live(), &below(begin.path()), &format!("{name} {options}"));
            // Everything that was kept, baked into an image since.
            let baked = Overlay::over(end.path(), options);
            for expected in [&begin, &end, &begin] {
                baked.succeed(&rollback(&baked.merged()));
                assert_same(&baked.live(), &below(expected.path()), &format!("{name} {options}"));
            }
            assert_eq!(remains(baked.copy().path()), Vec::<PathBuf>::new());
            let mut status = crate::common::certferry();
            status.args(["status", "--root"]).arg(baked.merged());
            let text = baked.succeed(&status);
            assert!(
                text.starts_with("installed    lab, generation 1, ")
                    && text.contains("\nprevious     lab, generation 2, ")
            );
        }
    }
    // The PKI of somebody else, in the lower layer: kept as the generation before, then as the original.
    let foreign = disk();
    fs::create_dir_all(foreign.path().join("etc/kubernetes/pki/etcd")).unwrap();
    for name in ["ca.key", "ca.crt", "etcd/ca.key"] {
        fs::write(foreign.path().join("etc/kubernetes/pki").join(name), "theirs").unwrap();
    }
    let overlay = Overlay::over(foreign.path(), OPTIONS[0]);
    overlay.succeed(&apply(&FIRST, "cp-1", &overlay.merged()));
    let baked = Overlay::over(overlay.copy().path(), OPTIONS[0]);
    baked.succeed(&apply(&SECOND, "cp-1", &baked.merged()));
    let root = baked.copy();
    for name in ["ca.key", "etcd/ca.key"] {
        let kept = root.path().join("etc/kubernetes/.certferry/original/pki").join(name);
        assert_eq!(fs::read_to_string(kept).unwrap(), "theirs");
    }
    assert!(fs::metadata(root.path().join("etc/kubernetes/.certferry/previous/installed/record.json")).is_ok());
}

#[test]
fn killed_and_mounted_anew_each_run_is_completed() {
    if lacks(&[Right::Overlay, Right::Trace]) {
        return;
    }
    let (begin, end) = nodes("worker-1");
    let [old, new] = [&begin, &end].map(|root| below(root.path()));
    let mut killed = 0;
    for options in OPTIONS {
        for call in ["renameat2", "unlink", "unlinkat", "fsync"] {
            for time in (1..).step_by(if call == "renameat2" { 1 } else { 7 }) {
                let overlay = Overlay::over(begin.path(), options);
                let command = apply(&SECOND, "worker-1", &overlay.merged());
                let mut strace = tool("strace");
                strace.args(["-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
                strace.arg("-e").arg(format!("inject={call}:signal=SIGKILL:when={time}"));
                let output = overlay.run(strace.arg(command.get_program()).args(command.get_args()));
                if output.status.signal() != Some(9) {
                    assert!(output.status.success(), "{output:?}");
                    break;
                }
                killed += 1;
                let now = overlay.live();
                for (path, seen) in &now {
                    let is_whole = seen.1 == b"folder" || [&old, &new].iter().any(|tree| tree.get(path) == Some(seen));
                    assert!(is_whole, "{options} {call} {time}: {path}");
                }
                overlay.succeed(&command);
                let root = overlay.copy();
                assert_same(&below(root.path()), &new, &format!("{options} {call} {time}"));
                assert_eq!(remains(root.path()), Vec::<PathBuf>::new(), "{options} {call} {time}");
            }
        }
    }
    assert!(killed > 30, "{killed}");
}
