//! The static program of `cargo xtask dist` does all of a node's work in a root that holds it and nothing else, and from
//! busybox's and dash's shells.

use crate::common;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::node::{FIRST, SECOND, live, units};
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, fail, place_program, skip, succeed, tool, write_program};

/// The static program; `cargo xtask test` makes it.
fn program() -> Option<PathBuf> {
    let program = std::env::var_os("CERTFERRY_DIST").map(PathBuf::from);
    if program.is_none() {
        skip("CERTFERRY_DIST is not set: cargo xtask test sets it to the static program");
    }
    program
}

/// A root with the program and the media in it.
fn root(program: &Path) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    place_program(program, &root.path().join("certferry"));
    for (generation, bundle) in [(1, &*FIRST), (2, &*SECOND)] {
        let carry = |from: &Path, to: &str| fs::copy(from, root.path().join(to)).unwrap();
        carry(&bundle.archive, &format!("lab-g{generation}.tar.gz"));
        carry(&bundle.signature, &format!("lab-g{generation}.tar.gz.sig"));
        carry(&bundle.public_key, "lab.pub");
    }
    root
}

/// Puts a program and the libraries that it needs into a root.
fn bring(root: &Path, program: &str) {
    let found = succeed(tool("sh").args(["-c", "command -v \"$0\"", program]));
    let found = fs::canonicalize(found.trim()).unwrap();
    let listed = common::run(tool("ldd").arg(&found));
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let libraries = listed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    for path in libraries {
        let to = root.join(path.strip_prefix("/").unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        place_program(&path, &to);
    }
    fs::create_dir_all(root.join("bin")).unwrap();
    place_program(&found, &root.join("bin").join(program));
}

/// A command in a root, on a host of that name with the node's address, without any other network.
fn host(root: &Path, name: &str) -> Command {
    let mut command = tool("unshare");
    let script = "echo \"$1\" >/proc/sys/kernel/hostname && ip link set lo up && ip address add 192.168.10.5/32 dev lo && \
                  root=$2 && shift 2 && exec chroot \"$root\" \"$@\"";
    command.args(["--uts", "--net", "sh", "-c", script, "sh", name]).arg(root);
    command
}

/// What `unpack` writes, as units.
fn expected(
    bundle: &Bundle,
) -> std::collections::BTreeMap<String, std::collections::BTreeMap<String, common::node::Seen>> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let mut command = common::certferry();
    command.arg("unpack").arg(&bundle.archive).arg("--key").arg(&bundle.public_key);
    succeed(command.args(["--node", "cp-1", "--root"]).arg(&root));
    units(&live(&root))
}

#[test]
fn an_empty_root_is_enough() {
    if lacks(&[Right::HostName, Right::Loopback, Right::Chroot]) {
        return;
    }
    let Some(program) = program() else { return };
    let listed = common::run(tool("ldd").arg(&program));
    assert!(
        !listed.status.success() || String::from_utf8_lossy(&listed.stdout).contains("statically linked"),
        "{listed:?}"
    );
    let root = root(&program);
    let run = |arguments: &str| {
        let mut command = host(root.path(), "cp-1");
        command.arg("/certferry").args(arguments.split(' '));
        command
    };
    let etc = || {
        let mut found = units(&live(root.path()));
        found.retain(|unit, _| unit.starts_with("etc/") || unit.starts_with("var/"));
        found
    };
    assert!(succeed(&mut run("verify /lab-g1.tar.gz --key /lab.pub")).contains("every signature"));
    succeed(&mut run("unpack /lab-g1.tar.gz --key /lab.pub --node cp-1 --root /unpacked"));
    fs::remove_dir_all(root.path().join("unpacked")).unwrap();
    succeed(&mut run("apply /lab-g1.tar.gz --node cp-1 --key /lab.pub"));
    assert_eq!(etc(), expected(&FIRST));
    succeed(&mut run("apply /lab-g2.tar.gz --node cp-1 --key /lab.pub"));
    assert_eq!(etc(), expected(&SECOND));
    assert!(succeed(&mut run("status")).starts_with("installed    lab, generation 2,"));
    assert!(succeed(&mut run("inspect")).contains("apiserver"));
    succeed(&mut run("rollback"));
    assert_eq!(etc(), expected(&FIRST));
    assert!(succeed(&mut run("help far-side")).contains("The far side\n"));
}

#[test]
fn at_the_root_the_host_must_be_the_node() {
    if lacks(&[Right::HostName, Right::Loopback, Right::Chroot]) {
        return;
    }
    let Some(program) = program() else { return };
    let root = root(&program);
    let apply = |name: &str, node: &str| {
        let mut command = host(root.path(), name);
        command.args(["/certferry", "apply", "/lab-g1.tar.gz", "--key", "/lab.pub", "--node", node]);
        command
    };
    assert_eq!(
        fail(&mut apply("other", "cp-1"), 1),
        "error: this host is not cp-1: it is called other, and the node is called cp-1\nhint: --node names the node that \
         this is; if it is that node all the same, --force-node; nothing was changed\n"
    );
    assert_eq!(
        fail(&mut apply("worker-1", "worker-1"), 1),
        "error: this host is not worker-1: it has the addresses 192.168.10.5, and the node has 192.168.10.7\nhint: --node \
         names the node that this is; if it is that node all the same, --force-node; nothing was changed\n"
    );
    assert!(!root.path().join("etc").exists());
    succeed(apply("worker-1", "worker-1").arg("--force-node"));
}

#[test]
fn the_shells_of_small_roots_drive_it() {
    if lacks(&[Right::HostName, Right::Loopback, Right::Chroot]) {
        return;
    }
    let Some(program) = program() else { return };
    for shell in ["busybox", "dash"] {
        let root = root(&program);
        bring(root.path(), shell);
        let mut command = host(root.path(), "cp-1.corp.internal");
        command.arg(format!("/bin/{shell}"));
        if shell == "busybox" {
            command.arg("sh");
        }
        let script = "set -e; PATH=/; certferry verify /lab-g1.tar.gz --key /lab.pub --quiet; \
                      certferry apply /lab-g1.tar.gz --node cp-1 --key /lab.pub --quiet; \
                      certferry apply /lab-g2.tar.gz --node cp-1 --key /lab.pub --quiet; \
                      certferry rollback --quiet; certferry status";
        let text = succeed(command.args(["-c", script]));
        assert!(text.starts_with("installed    lab, generation 1,"), "{shell}: {text}");
    }
}

/// No real SELinux host was tried: these stand-ins write down what they were asked.
#[test]
fn labels_are_restored_where_selinux_is_on() {
    if lacks(&[Right::HostName, Right::Loopback, Right::Chroot]) {
        return;
    }
    let Some(program) = program() else { return };
    for (enabled, restored, expected) in [
        (0, 0, "-RF /etc/kubernetes /var/lib/kubelet/pki\n"),
        (1, 0, ""),
        (0, 7, "-RF /etc/kubernetes /var/lib/kubelet/pki\n"),
    ] {
        let root = root(&program);
        bring(root.path(), "dash");
        let stand_in = |name: &str, script: &str| {
            write_program(&root.path().join("bin"), name, &format!("#!/bin/dash\n{script}\n"));
        };
        stand_in("selinuxenabled", &format!("exit {enabled}"));
        stand_in(
            "restorecon",
            &format!("echo \"$*\" >>/asked; [ {restored} = 0 ] || echo no policy >&2; exit {restored}"),
        );
        let mut command = host(root.path(), "cp-1");
        command.args([
            "/bin/dash",
            "-c",
            "PATH=/bin; /certferry apply /lab-g1.tar.gz --node cp-1 --key /lab.pub --quiet",
        ]);
        let output = common::run(&mut command);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(fs::read_to_string(root.path().join("asked")).unwrap_or_default(), expected);
        let warning = "warning: the files have no SELinux labels yet: restorecon: no policy\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), if restored == 0 { "" } else { warning });
    }
}
