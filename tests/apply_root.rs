//! `--root DIR` never leaves DIR, whatever is a link below it; what a link leads to below it is served.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::common::node::{FIRST, SECOND, applied, apply, everything, live, rollback, units};
use crate::common::rights::not_as_root;
use crate::common::{certferry, end, place_program, program, run, succeed};

/// Everything above, in and of what a node keeps: each of them may be a link that somebody made, or a bundle's enemy.
const PLACES: [&str; 14] = [
    "etc",
    "etc/kubernetes",
    "etc/kubernetes/pki",
    "etc/kubernetes/admin.conf",
    "etc/kubernetes/.certferry",
    "etc/kubernetes/.certferry/lock",
    "etc/kubernetes/.certferry/installed",
    "etc/kubernetes/.certferry/previous",
    "etc/kubernetes/.certferry/next",
    "var",
    "var/lib",
    "var/lib/kubelet",
    "var/lib/kubelet/.certferry",
    "var/lib/kubelet/pki",
];

/// Moves what is at a place elsewhere and leaves a link to it.
fn move_out(root: &Path, place: &str, to: &Path, target: &Path) {
    let from = root.join(place);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    if from.symlink_metadata().is_ok() {
        fs::rename(&from, to).unwrap();
    } else {
        fs::create_dir_all(to).unwrap();
        fs::write(to.join("theirs"), "of another host").unwrap();
    }
    symlink(target, from).unwrap();
}

#[test]
fn no_link_leads_out_of_the_root() {
    let node = applied(&FIRST, "cp-1");
    // A generation before, and so a backup.
    succeed(&mut apply(&SECOND, "cp-1", node.path()));
    succeed(&mut rollback(node.path()));
    for place in PLACES {
        for is_absolute in [true, false] {
            let above = tempfile::tempdir().unwrap();
            let root = above.path().join("disk");
            fs::create_dir(&root).unwrap();
            succeed(Command::new("cp").arg("-a").arg(node.path().join(".")).arg(&root));
            let outside = above.path().join("host").join(place);
            let up = "../".repeat(place.matches('/').count() + 1);
            let relative = format!("{up}host/{place}");
            move_out(&root, place, &outside, if is_absolute { &outside } else { Path::new(&relative) });
            let before = everything(&above.path().join("host"));
            assert!(!before.is_empty());
            run(&mut apply(&SECOND, "cp-1", &root));
            run(&mut rollback(&root));
            run(certferry().args(["status", "--root"]).arg(&root));
            assert!(everything(&above.path().join("host")) == before, "{place}, absolute: {is_absolute}");
        }
    }
}

#[test]
fn what_a_link_leads_to_below_the_root_is_served() {
    for place in ["etc", "etc/kubernetes", "etc/kubernetes/pki", "var", "var/lib/kubelet", "var/lib/kubelet/pki"] {
        let node = applied(&FIRST, "cp-1");
        let root = node.path();
        move_out(root, place, &root.join("data").join(place), Path::new(&format!("/data/{place}")));
        let begin = units(&live(&root.join("data")));
        let said = succeed(&mut apply(&SECOND, "cp-1", root));
        assert!(said.contains("cp-1: generation 2 of "), "{place}: {said}");
        assert_ne!(units(&live(&root.join("data"))), begin, "{place}");
        succeed(certferry().args(["status", "--root"]).arg(root));
        succeed(&mut rollback(root));
        assert_eq!(units(&live(&root.join("data"))), begin, "{place}");
    }
}

/// Before the bundle is even looked at, and not after half a minute.
#[test]
fn of_a_running_node_only_root_changes_files() {
    let Some(nobody) = not_as_root() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program_for_all = folder.path().join("certferry");
    place_program(&program(), &program_for_all);
    let run_as_nobody = |line: &str| {
        let mut command = Command::new(nobody.get_program());
        end(command.args(nobody.get_args()).arg(&program_for_all).args(line.split(' ')).current_dir(folder.path()))
    };
    let text = "error: only root can change the files of a node\nhint: run this as root, or try it with --root DIR; nothing was changed\n";
    for line in [
        "apply none.tar.gz --key none.pub --node cp-1",
        "apply b --key k --node n --root /./",
        "rollback",
        "rollback --root /tmp/..",
    ] {
        let ended = run_as_nobody(line);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), text), "{line}");
    }
    // What changes nothing may be tried by anybody.
    let ended = run_as_nobody("apply none.tar.gz --key none.pub --node cp-1 --dry-run");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(2), "error: cannot read none.tar.gz: no such file or directory\n")
    );
}
