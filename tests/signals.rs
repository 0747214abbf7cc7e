//! Commands that write keys, ended by a signal at any system call: nothing that is not complete is left. What kill -9
//! leaves is removed by the next run.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::{Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::common::desk::{Desk, State};
use crate::common::rights::{Right, lacks};
use crate::common::{end, is_root, run, tool};

const SIGNALS: [(&str, i32); 5] = [("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("TERM", 15)];

const CALLS: [&str; 10] =
    ["openat", "write", "linkat", "rename", "renameat2", "fsync", "flock", "mkdir", "unlink", "fchmod"];

struct Case {
    name: &'static str,
    start: fn() -> Desk,
    line: &'static str,
    /// Whether files have no name before they are complete; hidden names show what is left otherwise.
    has_proc: bool,
    before: State,
    after: State,
}

fn with_bundle() -> Desk {
    let desk = Desk::in_memory();
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk
}

fn with_newer_profile() -> Desk {
    let desk = with_bundle();
    desk.profile_with(&[("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\n")]);
    desk
}

fn cases() -> Vec<Case> {
    let unpack = "unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root tree";
    let split = "split out/lab-g1.tar.gz --node cp-1 --out slice.tar.gz";
    let build = "build lab.toml --seed lab.seed --out out --threads 1";
    let mut cases = Vec::new();
    for has_proc in [true, false] {
        if !has_proc && lacks(&[Right::Mounts]) {
            continue;
        }
        for (name, start, line) in [
            ("unpack", with_bundle as fn() -> Desk, unpack),
            ("split", with_bundle, split),
            ("split all", with_bundle, "split out/lab-g1.tar.gz --all --out slices"),
            ("build", Desk::in_memory, build),
            ("rebuild", with_newer_profile, build),
        ] {
            let desk = start();
            let before = desk.state();
            desk.succeed(line);
            cases.push(Case { name, start, line, has_proc, before, after: desk.state() });
        }
    }
    cases
}

impl Case {
    /// Runs the command under strace.
    fn strace(&self, desk: &Desk, arguments: &[&str]) -> Output {
        let program = desk.command(self.line);
        let mut strace = tool("strace");
        strace.args(["-f", "-qq"]).args(arguments).current_dir(desk.path(""));
        if !self.has_proc {
            // Without /proc a file that has no name cannot get one.
            strace.args(["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"]);
        }
        run(strace.arg(program.get_program()).args(program.get_args()))
    }

    /// How often one thread makes a call.
    fn count(&self, call: &str) -> usize {
        let desk = (self.start)();
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace");
        let output =
            self.strace(&desk, &["-e", "signal=none", "-e", &format!("trace={call}"), "-o", trace.to_str().unwrap()]);
        assert!(output.status.success(), "{}: {output:?}", self.name);
        let lines = fs::read_to_string(trace).unwrap();
        let lines = lines.lines().filter(|line| !line.contains(" resumed>"));
        let threads: Vec<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
        let of = |thread: &&str| threads.iter().filter(|other| *other == thread).count();
        threads.iter().map(of).max().unwrap_or_default()
    }

    /// What is wrong after a run that a signal was sent to.
    fn check(&self, call: &str, time: usize, (signal, number): (&str, i32)) -> Result<bool, String> {
        let desk = (self.start)();
        let inject = format!("inject={call}:signal=SIG{signal}:when={time}");
        let output = self.strace(&desk, &["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
        let is_ended = output.status.signal() == Some(number);
        let state = desk.state();
        if !is_ended && !output.status.success() {
            // It was the mount that was ended.
            let is_before = !self.has_proc && state == self.before;
            return if is_before { Ok(false) } else { Err(format!("{output:?}")) };
        }
        for (name, found) in &state {
            let is_hidden = name.starts_with('.') || name.contains("/.");
            let is_whole = [&self.before, &self.after].iter().any(|state| state.get(name) == Some(found));
            if !(is_whole || (is_hidden && signal == "KILL")) {
                return Err(format!("left behind: {name} of {:?}", state.keys()));
            }
            if is_hidden && found.0 & 0o077 != 0 && name.contains("tar.gz.certferry") && !name.contains(".sig.") {
                return Err(format!("{name} is open to others"));
            }
        }
        let is_tree = |name: &String| ["tree", "slices"].iter().any(|tree| name.starts_with(tree));
        if state.keys().any(is_tree) && state != self.after {
            return Err("half a tree".to_owned());
        }
        // After a run that came to its end, unpack and split refuse what is there.
        if state != self.after {
            let again = end(&mut desk.command(self.line));
            let told =
                |line: &str| line.ends_with(".part is removed: a killed run had left it, perhaps with keys in it");
            if again.code != Some(0)
                || !again.stderr.lines().all(told)
                || (signal != "KILL" && !again.stderr.is_empty())
            {
                return Err(format!("the next run: {again:?}"));
            }
        }
        if desk.state() == self.after { Ok(is_ended) } else { Err(format!("after the next run: {:?}", desk.names(""))) }
    }
}

#[test]
fn ended_by_a_signal_nothing_half_is_left() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let cases = cases();
    // All of them with `cargo xtask crash`, otherwise one of seven.
    let step = if std::env::var_os("CERTFERRY_CRASH_ALL").is_some() { 1 } else { 7 };
    let mut points = Vec::new();
    for case in &cases {
        for (place, call) in CALLS.into_iter().enumerate() {
            for time in 1..=case.count(call) {
                // Every call, and each signal at every fifth.
                points.push((case, call, time, SIGNALS[(place + time) % SIGNALS.len()]));
            }
        }
    }
    let points: Vec<_> = points.into_iter().step_by(step).collect();
    let (next, ended, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((case, call, time, signal)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match case.check(call, *time, *signal) {
                        Ok(is_ended) => {
                            ended.fetch_add(usize::from(is_ended), Ordering::Relaxed);
                        }
                        Err(reason) => wrong.lock().unwrap().push(format!(
                            "{} (/proc: {}) {call}:{time}:{}: {reason}",
                            case.name, case.has_proc, signal.0
                        )),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} points:\n{}", wrong.len(), points.len(), wrong.join("\n"));
    let ended = ended.into_inner();
    assert!(ended > points.len() / 2, "{ended} of {} ended by their signal", points.len());
    println!("{} points, {ended} ended by their signal", points.len());
}

/// A file system without files that have no name, killed in the middle of the archive.
#[test]
fn what_kill_left_under_a_hidden_name_the_next_run_removes() {
    if lacks(&[Right::Mounts]) {
        return;
    }
    // As much as the archive has in whole blocks: it exceeds that, and its parts, which wait in a file without a name, do
    // not.
    let whole = with_bundle();
    let blocks = fs::metadata(whole.path("out/lab-g1.tar.gz")).unwrap().len() / 512;
    let desk = Desk::in_memory();
    let script = format!("mount -t tmpfs none /proc && ulimit -f {blocks} && exec \"$@\"");
    let line = "build lab.toml --seed lab.seed --out out";
    let limited = ["unshare", "--mount", "sh", "-c", &script, "sh"];
    assert_eq!(desk.watch(&mut desk.wrapped(&limited, line)).code, None);
    let left = desk.names("out");
    assert!(
        matches!(&left[..], [part] if part.starts_with(".lab-g1.tar.gz.certferry-") && part.ends_with(".part")),
        "{left:?}"
    );
    assert_eq!(desk.mode(&format!("out/{}", left[0])), 0o600);
    // While somebody has it open and locked, it is not left.
    let file = File::open(desk.path(&format!("out/{}", left[0]))).unwrap();
    flock(&file, FlockOperation::LockExclusive).unwrap();
    desk.succeed(line);
    assert!(desk.exists(&format!("out/{}", left[0])));
    drop(file);
    // Neither is what only looks like it.
    desk.write("out/.lab-g1.tar.gz.0123abcd.part", "mine");
    let ended = desk.run(line);
    let said = format!("warning: out/{} is removed: a killed run had left it, perhaps with keys in it\n", left[0]);
    assert_eq!((ended.code, ended.stderr), (Some(0), said));
    assert_eq!(desk.names("out").iter().filter(|name| name.starts_with('.')).count(), 1);
    assert_eq!(desk.text("out/.lab-g1.tar.gz.0123abcd.part"), "mine");
}

/// For programs there is one document, whatever a killed run had left.
#[test]
fn what_a_killed_run_left_is_told_in_the_document() {
    let desk = Desk::new();
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let bundle = "out/lab-g1.tar.gz";
    for (folder, line) in [
        ("", "seed new new.seed --plain".to_owned()),
        ("out/", "build lab.toml --seed lab.seed --out out".to_owned()),
        ("", format!("split {bundle} --all --out slices")),
        ("", format!("split {bundle} --node cp-1 --out slice.tar.gz")),
        ("", format!("unpack {bundle} --key out/lab.pub --node cp-1 --root tree")),
    ] {
        let left = format!("{folder}.x.certferry-0123abcd.part");
        let path = if folder.is_empty() { format!("./{left}") } else { left.clone() };
        for json in ["", " -o json"] {
            desk.write(&left, "half a key");
            let ended = desk.run(&format!("{line}{json} --dry-run"));
            // It writes nothing, and so removes nothing.
            assert_eq!((ended.code, ended.stderr.as_str(), desk.exists(&left)), (Some(0), "", true), "{line}");
        }
        let ended = desk.run(&format!("{line} -o json"));
        assert_eq!((ended.code, ended.stderr.as_str(), desk.exists(&left)), (Some(0), "", false), "{line}");
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        let warning = format!("{path} is removed: a killed run had left it, perhaps with keys in it");
        let expected = json!([{ "warning": warning, "details": [], "hints": [] }]);
        assert_eq!(document["warnings"], expected, "{line}");
    }
    // A run that fails tells of it beside its error.
    desk.write("out/.x.certferry-0123abcd.part", "half a key");
    desk.write(bundle, "other bytes");
    let ended = desk.run("build lab.toml --seed lab.seed --out out -o json");
    let error: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!((ended.code, &error["error"]), (Some(2), &json!(format!("{bundle} exists with other bytes"))));
    assert_eq!(error["warnings"].as_array().map(Vec::len), Some(1), "{error}");
}

#[test]
fn what_cannot_be_removed_is_named() {
    if lacks(&[Right::Mounts]) {
        return;
    }
    let desk = Desk::new();
    let left = ".x.certferry-0123abcd.part";
    fs::create_dir(desk.path(left)).unwrap();
    let mounted = format!("mount -t tmpfs none {left} && exec \"$@\"");
    let wrapper = ["unshare", "--mount", "sh", "-c", &mounted, "sh"];
    let warning = format!(
        "./{left} is what a killed run has left, perhaps with keys in it, and cannot be removed: device or resource busy"
    );
    let ended = desk.watch(&mut desk.wrapped(&wrapper, "seed new new.seed --plain"));
    assert_eq!((ended.code, ended.stderr), (Some(0), format!("warning: {warning}\nhint: remove it by hand\n")));
    let ended = desk.watch(&mut desk.wrapped(&wrapper, "seed new other.seed --plain -o json"));
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = json!([{ "warning": warning, "details": [], "hints": ["remove it by hand"] }]);
    // Beside it `.gitignore` is there by now, and does not name this seed.
    assert_eq!((ended.stderr.as_str(), &document["warnings"][0]), ("", &expected[0]));
}

/// A seed cannot be compared with another run's: it is there and whole, or nothing is.
#[test]
fn a_new_seed_is_whole_or_not_there() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let line = "seed new new.seed --plain";
    let mut ended = 0;
    for (call, most) in [("write", 1), ("linkat", 1), ("fsync", 2), ("openat", 12)] {
        for (time, (signal, number)) in (1..=most).flat_map(|time| SIGNALS.map(|signal| (time, signal))) {
            let desk = Desk::in_memory();
            let before = desk.state();
            let program = desk.command(line);
            let mut strace = tool("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            strace.args(["-e", &format!("inject={call}:signal=SIG{signal}:when={time}")]);
            strace.arg(program.get_program()).args(program.get_args()).current_dir(desk.path(""));
            let output = run(&mut strace);
            let is_ended = output.status.signal() == Some(number);
            assert!(is_ended || output.status.success(), "{output:?}");
            ended += usize::from(is_ended);
            if desk.exists("new.seed") {
                assert_eq!(desk.mode("new.seed"), 0o600);
                desk.succeed("seed id new.seed");
                fs::remove_file(desk.path("new.seed")).unwrap();
                // It comes behind the seed.
                let _ = fs::remove_file(desk.path(".gitignore"));
            }
            assert!(desk.state() == before, "{call}:{time}:{signal}: {:?}", desk.names(""));
        }
    }
    // How often it opens a file depends on how it was linked.
    assert!(ended > 8, "{ended}");
}

/// nohup(1) lets a run outlive its terminal.
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let desk = Desk::in_memory();
    let script = "trap '' HUP; \"$@\" & sleep 0.02; kill -s HUP $! 2>&-; wait $!";
    for _ in 0..5 {
        let ended =
            desk.watch(&mut desk.wrapped(&["sh", "-c", script, "sh"], "build lab.toml --seed lab.seed --out out"));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

/// A pipe that nobody reads keeps a run from its end: it can still be ended when its files are complete.
#[test]
fn a_run_that_only_has_to_print_can_be_ended() {
    let desk = Desk::in_memory();
    let (_reader, writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut full = writer;
    while std::io::Write::write(&mut full, &[0; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&full, flags).unwrap();
    let mut child = desk.command("build lab.toml --seed lab.seed --out out").stdout(Stdio::from(full)).spawn().unwrap();
    // The last file that it places.
    while !desk.exists("out/install.sh") {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let process = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(is_root() || desk.exists("lab.lock.toml"));
}
