//! `apply` and `rollback` cut short: killed at every system call that could leave a trace, and refused by the kernel at
//! each of them. Whatever happens, each unit is old or new, the next run brings the whole to one of both, and no key is
//! left where it should not be.
//!
//! A worker's tree here, at every rename, and of the other calls at the first, the last and every third; `cargo xtask
//! crash` does it with a control plane's at every call, with every error.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::node::{
    FIRST, RENEWED, SECOND, Seen, applied, apply, copy, foreign, live, remains, rollback, units,
};
use crate::common::registries;
use crate::common::rights::{Right, lacks};
use crate::common::{run, skip, succeed, tool};

/// Every system call that opens, writes, links, renames, syncs or unlinks, and what sets owners and modes.
const CALLS: [&str; 20] = [
    "openat",
    "write",
    "copy_file_range",
    "sendfile",
    "fsync",
    "mkdir",
    "symlink",
    "rename",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "utimensat",
    "flock",
];

/// What a file system answers when it cannot, by the calls that may get that answer.
const ERRORS: [(&str, &[&str]); 5] = [
    ("ENOSPC", &["openat", "write", "mkdir", "symlink", "renameat2", "copy_file_range"]),
    ("EIO", &["openat", "write", "fsync", "renameat2", "unlink", "unlinkat", "fchown", "lchown", "copy_file_range"]),
    ("EACCES", &["openat", "mkdir", "symlink", "renameat2", "unlink", "chown"]),
    ("EROFS", &["openat", "mkdir", "fchmod", "chmod", "renameat2", "unlink"]),
    ("EMFILE", &["openat"]),
];

/// The part of which node, and whether every error is tried at every call: set by `cargo xtask crash`.
fn scope() -> (&'static str, bool) {
    if std::env::var_os("CERTFERRY_CRASH_ALL").is_some() { ("cp-1", true) } else { ("worker-1", false) }
}

type Tree = BTreeMap<String, BTreeMap<String, Seen>>;

/// A run to be cut short: from one state of a node to another.
struct Case {
    name: &'static str,
    start: tempfile::TempDir,
    command: fn(&Path) -> Command,
    /// The calls that are tried.
    calls: &'static [&'static str],
    old: Tree,
    new: Tree,
}

fn apply_second(root: &Path) -> Command {
    apply(&SECOND, scope().0, root)
}

fn cases() -> Vec<Case> {
    let case = |name, start: tempfile::TempDir, command: fn(&Path) -> Command| {
        let end = copy(start.path());
        succeed(&mut command(end.path()));
        let (old, new) = (units(&live(start.path())), units(&live(end.path())));
        assert_ne!(old, new);
        Case { name, start, command, calls: &CALLS, old, new }
    };
    let first = || {
        let root = applied(&FIRST, scope().0);
        // Something to carry over, something to remove, and a generation before.
        fs::write(root.path().join("etc/kubernetes/pki/notes"), "by hand").unwrap();
        fs::write(root.path().join("etc/kubernetes/bootstrap-kubelet.conf"), "kind: Config\n").unwrap();
        root
    };
    let second = first();
    succeed(&mut apply_second(second.path()));
    // A folder that changes in part, one that goes, one that comes, and roots of the system that go.
    let registries = applied(&registries::FIRST, scope().0);
    fs::write(registries.path().join(registries::MIRROR).join("client.cert"), "by hand").unwrap();
    let mut registries = case("registries", registries, |root| apply(&registries::SECOND, scope().0, root));
    if !scope().1 {
        registries.calls = &["renameat2", "rename", "mkdir"];
    }
    // What somebody else has made is renewed.
    let mut adopted = case("adopt", foreign(), |root| apply(&RENEWED, "cp-1", root));
    if !scope().1 {
        adopted.calls = &["renameat2", "rename"];
    }
    vec![case("apply", first(), apply_second), case("rollback", second, rollback), registries, adopted]
}

/// Runs a command under strace, its main thread alone traced and interfered with: that one writes.
fn interfere(command: &Command, call: &str, inject: &str) -> std::process::Output {
    let mut strace = tool("strace");
    strace.args(["-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
    if inject.starts_with("error=") {
        // Stopped at these calls alone, of thousands. For that it has to follow every thread, of which there is one; it
        // cannot kill so.
        strace.args(["-f", "--seccomp-bpf"]);
    }
    strace.args(["-e", &format!("inject={call}:{inject}")]);
    run(strace.arg(command.get_program()).args(command.get_args()))
}

/// Which of a run's calls could matter: the first and the last. Before it looks at what it keeps on the node, a run only
/// reads.
fn calls(case: &Case, call: &str) -> std::ops::RangeInclusive<usize> {
    let root = copy(case.start.path());
    let trace = root.path().join("trace");
    let command = (case.command)(root.path());
    let mut strace = tool("strace");
    strace.args(["-qq", "-f", "-e", "signal=none", "-o"]).arg(&trace).args(["-e", &format!("trace={call}")]);
    succeed(strace.arg(command.get_program()).args(command.get_args()));
    let lines = fs::read_to_string(trace).unwrap();
    let threads: BTreeSet<&str> = lines.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(threads.len() <= 1, "more threads than the one that is interfered with: {threads:?}");
    let first = lines.lines().position(|line| call != "openat" || line.contains("/.certferry")).unwrap_or_default();
    let first = if scope().1 { 0 } else { first };
    first + 1..=lines.lines().count()
}

/// Whether a call is tried: each in full, every day each that changes a name of what is live, and of the others the first,
/// the last and one of three.
fn is_tried(call: &str, time: usize, all: &std::ops::RangeInclusive<usize>) -> bool {
    let is_end = [all.start(), all.end()].contains(&&time);
    scope().1 || is_end || call.starts_with("rename") || (time - all.start()).is_multiple_of(3)
}

/// Which units are in neither of the two states, and which are missing.
fn torn(case: &Case, root: &Path) -> Vec<String> {
    let now = units(&live(root));
    let names: BTreeSet<&String> = case.old.keys().chain(case.new.keys()).chain(now.keys()).collect();
    let is_whole = |name: &&&String| [&case.old, &case.new].iter().any(|tree| tree.get(**name) == now.get(**name));
    names.iter().filter(|name| !is_whole(name)).map(|name| (*name).clone()).collect()
}

/// The next run brings the whole to its end; returns what is wrong then.
fn mend(case: &Case, root: &Path) -> Result<(), String> {
    // Rollback again would go forward: apply knows where to go.
    let mut command = match case.name {
        "rollback" if units(&live(root)) == case.old && !root.join("etc/kubernetes/.certferry/journal").exists() => {
            rollback(root)
        }
        "rollback" => {
            let mut command = apply(&FIRST, scope().0, root);
            command.arg("--allow-downgrade");
            command
        }
        _ => (case.command)(root),
    };
    let output = run(&mut command);
    if !output.status.success() {
        return Err(format!("the next run: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let mut now = units(&live(root));
    let mut new = case.new.clone();
    // What rollback brought back, the apply that followed may have put away again.
    now.remove("etc/kubernetes/bootstrap-kubelet.conf");
    new.remove("etc/kubernetes/bootstrap-kubelet.conf");
    if now != new {
        return Err("the next run did not bring it to its end".to_owned());
    }
    let remains = remains(root);
    if remains.is_empty() { Ok(()) } else { Err(format!("left behind: {remains:?}")) }
}

/// Tries each point on all processors; returns how many there were.
fn at_each_point(points: &[(&Case, String, String)], check: impl Fn(&Case, &str, &str) -> Result<(), String> + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((case, call, inject)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(reason) = check(case, call, inject) {
                        wrong.lock().unwrap().push(format!("{} {call}:{inject}: {reason}", case.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} points:\n{}", wrong.len(), points.len(), wrong.join("\n"));
}

/// Says a result aloud, past the test harness.
#[allow(clippy::explicit_write, reason = "cargo test hides what a passing test says with eprintln")]
fn report(text: &str) {
    writeln!(std::io::stderr(), "{text}").unwrap();
}

#[test]
fn killed_at_any_system_call_each_unit_is_old_or_new_and_the_next_run_ends_it() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let cases = cases();
    let (mut points, mut all) = (Vec::new(), 0);
    for case in &cases {
        for call in case.calls {
            let times = calls(case, call);
            all += times.clone().count();
            points.extend(
                times
                    .clone()
                    .filter(|time| is_tried(call, *time, &times))
                    .map(|time| (case, (*call).to_owned(), format!("signal=SIGKILL:when={time}"))),
            );
        }
    }
    assert!(all > 150, "{all} points");
    at_each_point(&points, |case, call, inject| {
        let root = copy(case.start.path());
        let output = interfere(&(case.command)(root.path()), call, inject);
        if output.status.signal() != Some(9) {
            return Err(format!("was not killed: {output:?}"));
        }
        let torn = torn(case, root.path());
        if !torn.is_empty() {
            return Err(format!("torn or missing: {torn:?}"));
        }
        mend(case, root.path())
    });
    report(&format!("{}: {} points of kill -9, 0 torn, 0 missing", scope().0, points.len()));
}

#[test]
fn refused_by_the_kernel_nothing_is_torn_and_no_key_is_left() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let cases = cases();
    let is_all = scope().1;
    let mut points = Vec::new();
    for case in &cases {
        for call in case.calls {
            let likely = ERRORS.iter().filter(|(_, calls)| is_all || calls.contains(call)).map(|(error, _)| *error);
            let errors: Vec<&str> = likely.collect();
            if errors.is_empty() {
                continue;
            }
            let times = calls(case, call);
            let tried = times.clone().filter(|time| is_tried(call, *time, &times));
            let whens = tried.flat_map(|time| [format!("{time}"), format!("{time}+")]);
            for (number, when) in whens.enumerate() {
                // Every day each call that is tried is refused once and for good, and each time for another reason in turn.
                let wanted = |place: usize| is_all || place == (number + number / 2) % errors.len();
                let errors = errors.iter().enumerate().filter(|(place, _)| wanted(*place));
                points
                    .extend(errors.map(|(_, error)| (case, (*call).to_owned(), format!("error={error}:when={when}"))));
            }
        }
    }
    let refused = AtomicUsize::new(0);
    at_each_point(&points, |case, call, inject| {
        let root = copy(case.start.path());
        let output = interfere(&(case.command)(root.path()), call, inject);
        if output.status.code().is_none() || output.status.code() == Some(101) {
            return Err(format!("ended by {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        let torn = torn(case, root.path());
        if !torn.is_empty() {
            return Err(format!("torn or missing: {torn:?}"));
        }
        let now = units(&live(root.path()));
        let said_no = !output.status.success();
        refused.fetch_add(usize::from(said_no), Ordering::Relaxed);
        let is_open = !remains(root.path()).is_empty();
        if said_no && !is_open && now != case.old && now != case.new {
            return Err("half-way, without a journal".to_owned());
        }
        if !said_no && now != case.new {
            return Err("said that all went well".to_owned());
        }
        // Once alone refused, a run cleans up after itself; refused for good, it cannot always.
        if said_no && !inject.ends_with('+') && now == case.old && is_open {
            return Err(format!("left behind: {:?}", remains(root.path())));
        }
        mend(case, root.path())
    });
    let refused = refused.into_inner();
    assert!(refused > points.len() / 2, "{refused} of {} were heard", points.len());
    report(&format!("{}: {} errors of the kernel, 0 torn, 0 keys left", scope().0, points.len()));
}

#[test]
fn everything_is_on_the_disk_before_the_journal_and_the_journal_before_the_first_rename() {
    if lacks(&[Right::Trace]) {
        return;
    }
    for case in cases().iter().filter(|case| case.name == "apply") {
        let root = copy(case.start.path());
        let trace = root.path().join("trace");
        let command = (case.command)(root.path());
        let mut strace = tool("strace");
        strace.args(["-qq", "-y", "-e", "signal=none", "-o"]).arg(&trace);
        strace.args(["-e", "trace=openat,write,fsync,renameat2,rename,unlink,close,mkdir,copy_file_range"]);
        succeed(strace.arg(command.get_program()).args(command.get_args()));
        let lines = fs::read_to_string(&trace).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        if !lines.iter().any(|line| line.starts_with("fsync(") && line.contains('<')) {
            return skip(
                "strace -y does not show the paths of a program that may not be dumped: they are root's to see",
            );
        }
        let position = |is: &dyn Fn(&str) -> bool| lines.iter().position(|line| is(line)).unwrap();
        let journal_synced = position(&|line| line.starts_with("fsync(") && line.contains("/journal.new>"));
        let journal = position(&|line| line.starts_with("renameat2") && line.contains("journal.new"));
        let folder_synced = journal
            + lines[journal..]
                .iter()
                .position(|line| line.starts_with("fsync(") && line.contains("/.certferry>"))
                .unwrap();
        let swap = position(&|line| line.contains("RENAME_EXCHANGE"));
        let journal_gone = position(&|line| line.starts_with("unlink(") && line.contains("/journal\""));
        assert!(journal_synced < journal && journal < folder_synced && folder_synced < swap && swap < journal_gone);
        // Every file that was created, and every folder that got a name, before the journal.
        let mut created = 0;
        for line in lines.iter().take(journal).filter(|line| line.contains("O_CREAT") && line.contains("/next/")) {
            let file = line.rsplit_once('<').unwrap().1.trim_end_matches('>');
            let folder = file.rsplit_once('/').unwrap().0;
            for path in [file, folder] {
                let synced = lines
                    .iter()
                    .take(journal)
                    .any(|line| line.starts_with("fsync(") && line.contains(&format!("<{path}>")));
                assert!(synced, "{path} is not on the disk before the journal");
            }
            for flag in ["O_EXCL", "O_NOFOLLOW", "0600"] {
                assert!(line.contains(flag), "{flag}: {line}");
            }
            created += 1;
        }
        assert!(created > 5, "{created}");
        // And after the last swap, before the journal goes, the folders whose names were swapped.
        let last = lines.iter().rposition(|line| line.contains("RENAME_EXCHANGE")).unwrap();
        for folder in ["etc/kubernetes", "var/lib/kubelet"] {
            let path = root.path().join(folder);
            let synced = lines[last..journal_gone]
                .iter()
                .any(|line| line.starts_with("fsync(") && line.contains(&format!("<{}>", path.display())));
            assert!(synced, "{folder}");
        }
    }
}

#[test]
fn of_two_runs_at_once_one_wins() {
    let pairs = if scope().1 { 1_000 } else { 200 };
    let start = applied(&FIRST, scope().0);
    let old = units(&live(start.path()));
    let done = copy(start.path());
    succeed(&mut apply_second(done.path()));
    let new = units(&live(done.path()));
    let mut refused = 0;
    for _ in 0..pairs {
        let root = copy(start.path());
        let spawn = || apply_second(root.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let ended = [spawn(), spawn()].map(|child| child.wait_with_output().unwrap());
        let mut installed = 0;
        for output in &ended {
            let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            match output.status.code() {
                Some(0) if out.contains("in the place of generation 1") => installed += 1,
                Some(0) => assert!(out.contains("every file is as it must be"), "{out}"),
                Some(2) => {
                    assert!(error.starts_with("error: another certferry is at work on this node\n"), "{error}");
                    refused += 1;
                }
                _ => panic!("{output:?}"),
            }
        }
        assert_eq!(installed, 1, "one winner: {ended:?}");
        assert_eq!(units(&live(root.path())), new);
        succeed(&mut rollback(root.path()));
        assert_eq!(units(&live(root.path())), old);
        assert!(remains(root.path()).is_empty());
    }
    report(&format!("{}: {pairs} pairs of runs, one winner each, {refused} refused by the lock", scope().0));
}

/// Kernels and file systems without RENAME_EXCHANGE: two renames and the journal.
#[test]
fn without_exchange_two_renames_and_the_journal_do_it() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let cases = cases();
    let mut points = Vec::new();
    for case in &cases {
        let root = copy(case.start.path());
        // The second call of renameat2 and all after it: the first is the journal's.
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut strace = tool("strace");
        strace.args(["-qq", "-o"]).arg(trace.path());
        strace.args(["-e", "trace=renameat2,rename", "-e", "inject=renameat2:error=EINVAL:when=1+"]);
        let command = (case.command)(root.path());
        let output = run(strace.arg(command.get_program()).args(command.get_args()));
        assert!(output.status.success(), "{output:?}");
        assert_eq!(units(&live(root.path())), case.new);
        assert_eq!(remains(root.path()), Vec::<std::path::PathBuf>::new());
        let renames =
            fs::read_to_string(trace.path()).unwrap().lines().filter(|line| line.starts_with("rename(")).count();
        for time in 1..=renames {
            points.push((case, "rename".to_owned(), format!("signal=SIGKILL:when={time}")));
        }
    }
    let killed = AtomicUsize::new(0);
    at_each_point(&points, |case, call, inject| {
        let root = copy(case.start.path());
        let command = (case.command)(root.path());
        let mut strace = tool("strace");
        strace.args([
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=renameat2,rename",
            "-e",
            "inject=renameat2:error=EINVAL:when=1+",
        ]);
        strace.args(["-e".to_owned(), format!("inject={call}:{inject}")]);
        let output = run(strace.arg(command.get_program()).args(command.get_args()));
        if output.status.signal() != Some(9) {
            return Err(format!("was not killed: {output:?}"));
        }
        killed.fetch_add(1, Ordering::Relaxed);
        mend(case, root.path())
    });
    assert!(killed.load(Ordering::Relaxed) > 20);
}
