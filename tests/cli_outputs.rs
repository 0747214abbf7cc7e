//! What a build leaves on the disk: all of it or nothing, with the right modes, whatever stands in its way.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::common::desk::{Desk, State};
use crate::common::rights::{Right, lacks, not_as_root};
use crate::common::{Ended, certferry, fail, is_root, place_program, succeed, tool};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";
/// In the order of their making.
const OUTPUTS: [&str; 5] = ["lab-g1.tar.gz", "lab-g1.tar.gz.sig", "lab.pub", "install.sh.sig", "install.sh"];
/// In the order of their names.
const NAMES: [&str; 5] = ["install.sh", "install.sh.sig", "lab-g1.tar.gz", "lab-g1.tar.gz.sig", "lab.pub"];

#[test]
fn an_output_with_other_bytes_is_never_overwritten() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    for name in &OUTPUTS[..3] {
        let path = format!("out/{name}");
        let right = desk.read(&path);
        for wrong in [&b""[..], b"other bytes", &right[..right.len() - 1], &[&right[..], b"x"].concat()] {
            desk.write(&path, wrong);
            // Another lock too: nothing appears.
            for line in [BUILD.to_owned(), format!("{BUILD} --lock other.lock.toml")] {
                desk.refuse(
                    &line,
                    2,
                    &format!(
                        "\
error: {path} exists with other bytes
hint: raise `generation` in [cluster], or write to another folder with --out; a bundle is never overwritten
"
                    ),
                );
            }
        }
        desk.write(&path, right);
    }
}

#[test]
fn outputs_that_are_missing_are_added() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    let whole = desk.state();
    for name in OUTPUTS.map(|name| format!("out/{name}")).iter().chain(&["lab.lock.toml".to_owned()]) {
        fs::remove_file(desk.path(name)).unwrap();
        desk.succeed(BUILD);
        assert!(desk.state() == whole, "{name}");
    }
}

#[test]
fn what_is_there_and_right_is_not_touched() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    let inodes = || OUTPUTS.map(|name| fs::metadata(desk.path(&format!("out/{name}"))).unwrap().ino());
    let before = inodes();
    desk.succeed(BUILD);
    assert_eq!(inodes(), before);
}

/// A better script replaces what this cluster's signer signed, and nothing else of that name.
#[test]
fn install_sh_gives_way_to_a_better_one_of_the_same_signer_alone() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    let whole = desk.state();
    let (script, signature) = ("out/install.sh", "out/install.sh.sig");
    let hint = "hint: write to another folder with --out: each cluster signs its own copy\n";
    let is_another_clusters = format!("error: {signature} exists and is not this cluster's\n{hint}");
    let is_other = format!("error: {script} exists with other bytes\n{hint}");
    // An older script that this signer signed: what it signs is what it can be made to sign, a bundle.
    desk.write(script, desk.read("out/lab-g1.tar.gz"));
    desk.write(signature, desk.read("out/lab-g1.tar.gz.sig"));
    desk.set_mode(script, 0o700);
    desk.succeed(BUILD);
    assert!(desk.state() == whole);
    // A run that was killed between the two.
    desk.write(script, "an older one");
    desk.succeed(BUILD);
    assert!(desk.state() == whole);
    // Somebody's own, and a signature of nothing.
    fs::remove_file(desk.path(signature)).unwrap();
    desk.write(script, "somebody's own");
    desk.refuse(BUILD, 2, &is_other);
    desk.write(signature, "");
    desk.refuse(BUILD, 2, &is_another_clusters);
    fs::remove_file(desk.path(script)).unwrap();
    desk.refuse(BUILD, 2, &is_another_clusters);
    fs::remove_file(desk.path(signature)).unwrap();
    desk.succeed(BUILD);
    assert!(desk.state() == whole);
    // Two clusters in one folder: the second would make the signature of the first useless.
    desk.profile_with(&[("name = \"lab\"", "name = \"lab2\"")]);
    desk.refuse(&format!("{BUILD} --lock lab2.lock.toml"), 2, &is_another_clusters);
    for path in [script, signature] {
        fs::remove_file(desk.path(path)).unwrap();
        succeed(tool("mkfifo").arg(desk.path(path)));
        desk.refuse(
            &format!("{BUILD} --lock lab2.lock.toml"),
            2,
            &format!("error: cannot write {path}: it is there and no regular file\n"),
        );
        fs::remove_file(desk.path(path)).unwrap();
    }
}

#[test]
fn openssl_proves_install_sh() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    let said = succeed(tool("openssl").current_dir(desk.path("out")).args([
        "dgst",
        "-sha256",
        "-verify",
        "lab.pub",
        "-signature",
        "install.sh.sig",
        "install.sh",
    ]));
    assert_eq!(said, "Verified OK\n");
    assert!(desk.read("out/install.sh") == certferry::make::install_script::SCRIPT.as_bytes());
}

#[test]
fn links_in_the_way_are_not_followed() {
    let desk = Desk::new();
    fs::create_dir(desk.path("out")).unwrap();
    desk.write("victim", "precious");
    symlink(desk.path("victim"), desk.path("out/lab.pub")).unwrap();
    let hint =
        "hint: raise `generation` in [cluster], or write to another folder with --out; a bundle is never overwritten\n";
    desk.refuse(BUILD, 2, &format!("error: out/lab.pub exists with other bytes\n{hint}"));
    fs::remove_file(desk.path("out/lab.pub")).unwrap();
    symlink("nowhere", desk.path("out/lab.pub")).unwrap();
    desk.refuse(BUILD, 2, "error: cannot write out/lab.pub: no such file or directory\n");
    fs::remove_file(desk.path("out/lab.pub")).unwrap();
    // Neither is a pipe waited for.
    succeed(tool("mkfifo").arg(desk.path("out/lab.pub")));
    desk.refuse(BUILD, 2, &format!("error: out/lab.pub exists with other bytes\n{hint}"));
    fs::remove_file(desk.path("out/lab.pub")).unwrap();
    // A lock is replaced, not written through.
    symlink("nowhere", desk.path("lab.lock.toml")).unwrap();
    desk.succeed(BUILD);
    assert!(!desk.path("lab.lock.toml").is_symlink() && !desk.exists("nowhere"));
    symlink("nowhere", desk.path("new.seed")).unwrap();
    desk.refuse(
        "seed new new.seed --plain",
        2,
        "\
error: cannot create new.seed: file exists
hint: a seed is never overwritten; choose another name, or use the existing seed with --seed
",
    );
}

#[test]
fn folders_are_made() {
    let desk = Desk::new();
    let line = "build lab.toml --seed lab.seed --out a/b/c --lock d/e/lock.toml";
    desk.write("d", "");
    desk.refuse(line, 2, "error: cannot read the lock d/e/lock.toml: not a directory\n");
    fs::remove_file(desk.path("d")).unwrap();
    desk.succeed(line);
    assert_eq!(desk.names("a"), NAMES.map(|name| format!("b/c/{name}")));
    assert_eq!(desk.names("d"), ["e/lock.toml"]);
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["0", "002", "022", "077", "0777"] {
        let desk = Desk::new();
        let line = "build lab.toml --new-seed new.seed --plain --out above/out --lock locks/lab.lock.toml";
        let script = format!("umask {umask}; exec \"$@\"");
        let ended = desk.watch(&mut desk.wrapped(&["sh", "-c", &script, "sh"], line));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{umask}");
        let modes = OUTPUTS.map(|name| desk.mode(&format!("above/out/{name}")));
        assert_eq!(modes, [0o600, 0o644, 0o644, 0o644, 0o755], "{umask}");
        assert_eq!(["locks/lab.lock.toml", "new.seed"].map(|name| desk.mode(name)), [0o644, 0o600], "{umask}");
        assert_eq!(["above", "above/out", "locks"].map(|name| desk.mode(name)), [0o700, 0o700, 0o755], "{umask}");
    }
}

/// Root may write anywhere, so another user tries.
#[test]
fn folders_that_take_no_files_are_named() {
    if not_as_root().is_none() {
        return;
    }
    let desk = Desk::new();
    // Where cargo builds may be closed to others.
    let programs = tempfile::tempdir().unwrap();
    fs::set_permissions(programs.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = programs.path().join("certferry");
    place_program(Path::new(certferry().get_program()), &program);
    fs::create_dir(desk.path("out")).unwrap();
    fs::create_dir(desk.path("mine")).unwrap();
    desk.set_mode("mine", 0o777);
    desk.set_mode("out", 0o555);
    desk.set_mode("lab.seed", 0o644);
    desk.set_mode("", 0o555);
    let run = |line: &str| {
        let mut command = not_as_root().unwrap();
        command.arg(&program).args(line.split_whitespace()).current_dir(desk.path(""));
        let before = desk.state();
        let Ended { code, stdout, stderr } = desk.watch(&mut command);
        assert!(desk.state() == before, "{line}");
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}");
        stderr.replace("warning: lab.seed can be read by others\nhint: chmod 600 lab.seed\n", "")
    };
    assert_eq!(run(BUILD), "error: cannot write lab.lock.toml: permission denied\n");
    assert_eq!(
        run(&format!("{BUILD} --lock mine/lock.toml")),
        "error: cannot write out/lab-g1.tar.gz: permission denied\n"
    );
    assert_eq!(run("build lab.toml --seed lab.seed --out new"), "error: cannot create new: permission denied\n");
    assert_eq!(
        run("build lab.toml --seed lab.seed --out mine"),
        "error: cannot write lab.lock.toml: permission denied\n"
    );
    assert_eq!(
        run("build lab.toml --new-seed new.seed --plain --out mine --lock mine/lock.toml"),
        "error: cannot create new.seed: permission denied\n"
    );
    assert_eq!(run("seed new new.seed --plain"), "error: cannot create new.seed: permission denied\n");
    assert_eq!(run("init new.toml"), "error: cannot create new.toml: permission denied\n");
    desk.set_mode("lab.seed", 0o600);
    if is_root() {
        let line = "build lab.toml --seed lab.seed --out mine --lock mine/lock.toml";
        assert_eq!(run(line), "error: cannot read the seed lab.seed: permission denied\n");
    }
    desk.set_mode("", 0o700);
}

/// A file size limit stops the writing midway on any machine, as a full disk does.
#[test]
fn a_write_that_fails_midway_leaves_nothing() {
    let desk = Desk::new();
    let before = desk.state();
    // 2 KiB, which the archive exceeds; without the trap the kernel would kill the process.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"];
    for line in [BUILD, "build lab.toml --new-seed new.seed --plain --out out"] {
        let ended = desk.watch(&mut desk.wrapped(&limited, line));
        assert_eq!(ended.stderr, "error: cannot write out/lab-g1.tar.gz: file too large\n");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(desk.state() == before, "{:?}", desk.names(""));
    }
}

#[test]
fn a_full_disk_leaves_nothing() {
    if lacks(&[Right::Mounts]) {
        return;
    }
    let desk = Desk::new();
    fs::create_dir(desk.path("disk")).unwrap();
    // The disk lives as long as the shell, so the shell looks what is left on it.
    let script = "mount -t tmpfs -o size=$0 tmpfs disk && echo old > disk/lock || exit 9
        \"$@\"; code=$?; find disk -type f | sort; cat disk/lock; exit $code";
    let run = |size: &str, line: &str| {
        let before = desk.state();
        let ended = desk.watch(&mut desk.wrapped(&["unshare", "--mount", "sh", "-c", script, size], line));
        assert!(desk.state() == before, "{line}: {:?}", desk.names(""));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), "disk/lock\nold\n"), "{line}");
        ended.stderr
    };
    let line = "build lab.toml --new-seed new.seed --plain --out disk/out";
    assert_eq!(run("8k", line), "error: cannot write disk/out/lab-g1.tar.gz: no space left on device\n");
    // The archive fits in, with its parts beside it, and the last file behind it does not.
    assert_eq!(run("44k", line), "error: cannot write disk/out/install.sh: no space left on device\n");
}

/// Cut in the middle of the second slice, on a disk and by a limit.
#[test]
fn slices_on_a_full_disk_leave_nothing() {
    if lacks(&[Right::Mounts]) {
        return;
    }
    let desk = Desk::new();
    desk.succeed(BUILD);
    fs::create_dir(desk.path("disk")).unwrap();
    let script = "mount -t tmpfs -o size=$0 tmpfs disk && echo old > disk/old || exit 9
        \"$@\"; code=$?; find disk -mindepth 1 | sort; exit $code";
    for (line, path) in [
        ("split out/lab-g1.tar.gz --all --out disk/slices", "disk/slices/cluster/lab-g1.tar.gz"),
        ("split out/lab-g1.tar.gz --node cp-1 --with-cluster --out disk/slices", "disk/slices/cluster/lab-g1.tar.gz"),
        ("split out/lab-g1.tar.gz --node cp-1 --out disk/slice.tar.gz", "disk/slice.tar.gz"),
        ("unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root disk/tree", "disk/tree"),
    ] {
        let before = desk.state();
        let mut said = Vec::new();
        // Smaller and smaller, until it does not fit.
        for size in ["40k", "32k", "24k", "20k", "16k", "12k", "8k"] {
            let ended = desk.watch(&mut desk.wrapped(&["unshare", "--mount", "sh", "-c", script, size], line));
            assert!(desk.state() == before, "{line}: {:?}", desk.names(""));
            if ended.code == Some(0) {
                continue;
            }
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), "disk/old\n"), "{line} {size}: {}", ended.stderr);
            assert!(ended.stderr.ends_with(": no space left on device\n"), "{}", ended.stderr);
            said.push(ended.stderr);
        }
        assert!(said.iter().any(|said| said.contains(path)), "{path}: {said:?}");
    }
}

/// The lock on a full disk: it stays what it was, and no output appears elsewhere.
#[test]
fn a_lock_that_cannot_be_written_stays_as_it_was() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    desk.profile_with(&[("issued_at = 2026-11-22", "issued_at = 2026-11-22\ngeneration = 2")]);
    // The archive has 19 KiB, a lock with many names more.
    let names: Vec<_> = (0..300).map(|number| format!("\"a-name-of-the-api-server-{number}.lab\"")).collect();
    let names = format!("issued_at = 2026-11-22\napiserver_cert_sans = [{}]", names.join(", "));
    desk.write("lab.toml", desk.text("lab.toml").replace("issued_at = 2026-11-22", &names));
    let before = desk.state();
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 48; exec \"$@\"", "sh"];
    let ended = desk.watch(&mut desk.wrapped(&limited, &format!("{BUILD} --lock lab.lock.toml")));
    assert_eq!(ended.stderr, "error: cannot write lab.lock.toml: file too large\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(desk.state() == before, "{:?}", desk.names(""));
}

/// What a killed run may leave: whole files in the order of their making, and hidden parts that nobody but the owner
/// can read.
fn assert_nothing_half(desk: &Desk, whole: &State, when: &str) {
    for (name, (mode, content)) in desk.state() {
        let file = name.rsplit('/').next().unwrap();
        if file.starts_with('.') && file.ends_with(".part") {
            let secret = file.contains(".tar.gz.") && !file.contains(".sig.");
            assert!(!secret || mode == 0o600, "{when}: {name} has mode {mode:o}");
        } else {
            assert!(whole.get(&name) == Some(&(mode, content)), "{when}: {name} is not as it should be");
        }
    }
    for (earlier, later) in OUTPUTS.iter().zip(OUTPUTS.iter().skip(1)).map(|(earlier, later)| (*earlier, *later)) {
        let is_there = |name: &str| desk.exists(&format!("out/{name}"));
        assert!(is_there(earlier) || !is_there(later), "{when}: {later} without {earlier}");
    }
}

/// The kernel kills the process in the middle of the archive.
#[test]
fn a_run_killed_while_it_writes_leaves_no_half_output() {
    let desk = Desk::new();
    let limited = ["sh", "-c", "ulimit -f 4; exec \"$@\"", "sh"];
    let killed = desk.watch(&mut desk.wrapped(&limited, BUILD));
    assert_eq!(killed.code, None, "killed by SIGXFSZ: {}", killed.stderr);
    // The archive had no name yet (`signals.rs` has file systems where it has one).
    assert_eq!(desk.names("out"), Vec::<String>::new());
    assert!(!desk.exists("lab.lock.toml"));
    // What is left is in nobody's way, and gone after the next run.
    assert!(desk.exists(".lab.lock.toml.claim.part"));
    desk.succeed(BUILD);
    assert_eq!(desk.names("out"), NAMES);
    assert!(!desk.exists(".lab.lock.toml.claim.part"));
}

/// Wherever the signal comes: no assertion depends on how far the run got.
#[test]
fn an_interrupted_run_can_be_repeated() {
    let reference = Desk::new();
    reference.succeed(BUILD);
    let whole = reference.state();
    let desk = Desk::new();
    for (round, signal) in (0..30_u64).zip(["TERM", "KILL", "INT"].into_iter().cycle()) {
        let mut child = desk.command(BUILD).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(round * 2));
        succeed(Command::new("sh").args(["-c", "kill -s $0 $1 || true", signal, &child.id().to_string()]));
        child.wait().unwrap();
        assert_nothing_half(&desk, &whole, &format!("{signal} after round {round}"));
    }
    let ended = desk.run(BUILD);
    // It names what a killed one had left.
    let told = |line: &str| line.ends_with(".part is removed: a killed run had left it, perhaps with keys in it");
    assert!(ended.code == Some(0) && ended.stderr.lines().all(told), "{ended:?}");
    assert_nothing_half(&desk, &whole, "at the end");
    assert!(whole.keys().all(|name| desk.exists(name)));
}

/// The seed comes first: a bundle whose seed is lost could never be made again.
#[test]
fn no_bundle_is_ever_without_its_new_seed() {
    for round in 0..20_u64 {
        let desk = Desk::new();
        let mut child = desk
            .command("build lab.toml --new-seed new.seed --plain --out out --quiet")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(round * 3));
        // The process may have ended already.
        let _ = child.kill();
        child.wait().unwrap();
        let has_output = OUTPUTS.iter().any(|name| desk.exists(&format!("out/{name}")));
        assert!(!has_output || desk.exists("new.seed"), "{round}");
    }
}

#[test]
fn a_result_that_nobody_reads_is_no_failure() {
    let desk = Desk::new();
    let piped = ["sh", "-c", "\"$@\" | true", "sh"];
    let ended = desk.watch(&mut desk.wrapped(&piped, BUILD));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(desk.names("out"), NAMES);
    let closed = ["sh", "-c", "exec \"$@\" >&- 2>&-", "sh"];
    assert_eq!(desk.watch(&mut desk.wrapped(&closed, BUILD)).code, Some(0));
    let full = ["sh", "-c", "exec \"$@\" > /dev/full", "sh"];
    assert_eq!(
        fail(&mut desk.wrapped(&full, "help"), 2),
        "error: cannot write the standard output: no space left on device\n"
    );
    // Who has changed something takes it back.
    let said = "error: cannot write the standard output: no space left on device\n\
                hint: nothing was changed: what this run had written is taken back\n";
    fs::create_dir(desk.path("empty")).unwrap();
    desk.set_mode("empty", 0o750);
    for line in [
        "build lab.toml --seed lab.seed --out full --lock full.lock",
        "seed new full.seed --plain",
        "init full.toml",
        "man --out pages",
        "unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root tree",
        "unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root empty",
        "split out/lab-g1.tar.gz --node cp-1 --out slice",
        "split out/lab-g1.tar.gz --all --out slices",
        "build newer.toml --seed lab.seed --out out --lock lab.lock.toml",
        "build newer.toml --new-seed full.seed --plain --out above/out --lock full.lock",
    ] {
        let newer =
            desk.text("lab.toml").replace("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\n");
        desk.write("newer.toml", newer);
        let before = desk.state();
        assert_eq!(fail(&mut desk.wrapped(&full, line), 2), said, "{line}");
        assert!(desk.state() == before, "{line}: {:?}", desk.names(""));
    }
    // What is installed on a node stays, and that is said.
    fs::create_dir(desk.path("node")).unwrap();
    let said = "error: cannot write the standard output: no space left on device\n\
                hint: everything is done all the same; only the result could not be printed\n";
    let line = "apply out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root node";
    assert_eq!(fail(&mut desk.wrapped(&full, line), 2), said);
    assert!(desk.exists("node/etc/kubernetes/pki/ca.crt"));
}

/// What a build writes in between holds keys. Where a file cannot do without a name, it loses it before a byte is in it.
#[test]
fn a_file_for_the_time_between_has_no_name() {
    if lacks(&[Right::Mounts, Right::Trace]) {
        return;
    }
    let reference = Desk::new();
    reference.succeed(BUILD);
    let desk = Desk::new();
    // Without /proc a file without a name could not get one, so none is made.
    let hidden = "mount -t tmpfs none /proc && exec \"$@\"";
    let calls = "trace=openat,unlink,write,pwrite64";
    let wrapper = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-o",
        "trace",
        "-e",
        "signal=none",
        "-e",
        calls,
        "unshare",
        "--mount",
        "sh",
        "-c",
        hidden,
        "sh",
    ];
    let ended = desk.watch(&mut desk.wrapped(&wrapper, BUILD));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let trace = desk.text("trace");
    fs::remove_file(desk.path("trace")).unwrap();
    assert!(!trace.contains("O_TMPFILE"));
    let mut lines = trace.lines().skip_while(|line| !line.contains("/.scratch.certferry-"));
    let opened = lines.next().unwrap();
    assert!(opened.contains("O_CREAT|O_EXCL") && opened.contains(", 0600) = "), "{opened}");
    let name = opened.split('"').nth(1).unwrap();
    let mut of_it = lines.filter(|line| line.contains(".scratch."));
    let next = of_it.next().unwrap();
    assert!(next.contains(&format!("unlink(\"{name}\")")), "{next}");
    assert!(of_it.all(|line| line.contains("(deleted)")) && trace.contains("(deleted), "), "{name}");
    assert!(desk.state() == reference.state());
}
