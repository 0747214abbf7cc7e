//! Builds at once, and builds that the kernel refuses something: one wins, and what a failed run says of the files is true.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{FlockOperation, flock};

use crate::common::desk::{Desk, State};
use crate::common::rights::{Right, lacks};
use crate::common::{Ended, end, run, succeed, tool};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";

/// Another profile of the same cluster, for the same files.
fn desk_of_two() -> Desk {
    let desk = Desk::in_memory();
    let other = "issued_at = 2026-11-22\napiserver_cert_sans = [\"vip.lab\"]";
    desk.write("other.toml", desk.text("lab.toml").replace("issued_at = 2026-11-22", other));
    desk
}

#[test]
fn of_two_builds_at_once_one_wins() {
    // Into one folder, over one lock, both.
    for [first, second] in [
        [
            "build lab.toml --seed lab.seed --out out --lock one.lock",
            "build other.toml --seed lab.seed --out out --lock two.lock",
        ],
        [
            "build lab.toml --seed lab.seed --out one --lock lock",
            "build other.toml --seed lab.seed --out two --lock lock",
        ],
        [
            "build lab.toml --seed lab.seed --out out --lock lock",
            "build other.toml --seed lab.seed --out out --lock lock",
        ],
    ] {
        // What each leaves alone, and what the other is told that comes when all is done.
        let alone = [[first, second], [second, first]].map(|[line, later]| {
            let desk = desk_of_two();
            desk.succeed(line);
            let state = desk.state();
            let Ended { code, stderr, .. } = desk.run(later);
            assert!(desk.state() == state, "{later}: {:?}", desk.names(""));
            (state, (code, stderr))
        });
        let (code, said) = &alone[0].1;
        match first.contains("one.lock") {
            true => assert_eq!(
                (*code, said.lines().next()),
                (Some(2), Some("error: out/lab-g1.tar.gz exists with other bytes"))
            ),
            // The lock says no.
            false => assert_eq!(
                (*code, said.lines().next()),
                (Some(1), Some("error: the record of node/cp-1 would change at generation 1"))
            ),
        }
        for _ in 0..15 {
            let desk = desk_of_two();
            let spawn = |line| desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let ended = [spawn(first), spawn(second)].map(|child| child.wait_with_output().unwrap());
            let won: Vec<_> = ended.iter().map(|output| output.status.success()).collect();
            let winner = won.iter().position(|won| *won).unwrap_or_else(|| panic!("nobody won: {ended:?}"));
            let loser = &ended[1 - winner];
            let said = (loser.status.code(), String::from_utf8_lossy(&loser.stderr).into_owned());
            let at_once = |place: &str| {
                let text = format!(
                    "error: another certferry is building {place}\nhint: wait for it to end; nothing was changed\n"
                );
                (Some(2), text)
            };
            let expected = [at_once("into out"), at_once("over lock"), alone[winner].1.clone()];
            assert!(expected.contains(&said), "{said:?}");
            assert!(desk.state() == alone[winner].0, "{:?}: {said:?}", desk.names(""));
        }
    }
}

#[test]
fn who_comes_second_is_told_and_changes_nothing() {
    let desk = Desk::in_memory();
    fs::create_dir(desk.path("out")).unwrap();
    desk.set_mode("out", 0o700);
    let out = File::open(desk.path("out")).unwrap();
    flock(&out, FlockOperation::LockExclusive).unwrap();
    let hint = "hint: wait for it to end; nothing was changed\n";
    for words in ["", " --locked", " --new-seed new.seed --plain"] {
        let line = format!("build lab.toml --seed lab.seed --out out{words}")
            .replace("--seed lab.seed --out out --new", "--out out --new");
        desk.refuse(&line, 2, &format!("error: another certferry is building into out\n{hint}"));
    }
    desk.succeed("build lab.toml --seed lab.seed --out elsewhere");
    // Not by closing it: a child that another test is about to start may have it, too.
    flock(&out, FlockOperation::Unlock).unwrap();
    desk.succeed(BUILD);

    let claim = File::create(desk.path(".lab.lock.toml.claim.part")).unwrap();
    flock(&claim, FlockOperation::LockExclusive).unwrap();
    desk.refuse(BUILD, 2, &format!("error: another certferry is building over lab.lock.toml\n{hint}"));
    desk.refuse(
        "build lab.toml --seed lab.seed --out new/folder",
        2,
        &format!("error: another certferry is building over lab.lock.toml\n{hint}"),
    );
    // Who does not write the lock is in nobody's way, and neither is another cluster.
    desk.succeed(&format!("{BUILD} --locked"));
    desk.write("lab2.toml", desk.text("lab.toml").replace("name = \"lab\"", "name = \"lab2\""));
    desk.succeed("build lab2.toml --seed lab.seed --out out2");
    flock(&claim, FlockOperation::Unlock).unwrap();
    // What a killed run has left is nobody's claim.
    assert!(desk.exists(".lab.lock.toml.claim.part"));
    desk.succeed(BUILD);
    assert!(!desk.exists(".lab.lock.toml.claim.part"));
}

#[test]
fn a_claim_is_not_taken_through_what_somebody_else_put_there() {
    let desk = Desk::in_memory();
    desk.write("victim", "precious");
    std::os::unix::fs::symlink("victim", desk.path(".lab.lock.toml.claim.part")).unwrap();
    desk.refuse(BUILD, 2, "error: cannot write lab.lock.toml: too many levels of symbolic links\n");
    fs::remove_file(desk.path(".lab.lock.toml.claim.part")).unwrap();
    succeed(tool("mkfifo").arg(desk.path(".lab.lock.toml.claim.part")));
    desk.refuse(BUILD, 2, "error: cannot write lab.lock.toml: no such device or address\n");
}

/// What opens, writes, links, renames, syncs, locks or removes.
const CALLS: [&str; 13] = [
    "openat",
    "write",
    "linkat",
    "link",
    "rename",
    "renameat2",
    "fsync",
    "flock",
    "fchmod",
    "chmod",
    "mkdir",
    "unlink",
    "rmdir",
];

struct Case {
    name: &'static str,
    start: fn() -> Desk,
    line: &'static str,
    before: State,
    after: State,
}

impl Case {
    fn new(name: &'static str, start: fn() -> Desk, line: &'static str) -> Self {
        let desk = start();
        let before = desk.state();
        desk.succeed(line);
        let after = desk.state();
        assert!(before != after, "{name}");
        Self { name, start, line, before, after }
    }
}

fn first() -> Desk {
    let desk = Desk::in_memory();
    fs::rename(desk.path("lab.seed"), desk.path("kept.seed")).unwrap();
    desk
}

/// The second generation, beside a script that this signer signed before.
fn second() -> Desk {
    let desk = Desk::in_memory();
    desk.succeed(BUILD);
    desk.write("out/install.sh", desk.read("out/lab-g1.tar.gz"));
    desk.write("out/install.sh.sig", desk.read("out/lab-g1.tar.gz.sig"));
    desk.profile_with(&[("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\n")]);
    desk
}

fn cases() -> Vec<Case> {
    vec![
        Case::new("first", first, "build lab.toml --seed kept.seed --out new/out --lock locks/lab --threads 1 --quiet"),
        Case::new("second", second, "build lab.toml --seed lab.seed --out out --threads 1"),
    ]
}

/// How often one thread makes each call.
fn count(case: &Case, call: &str) -> usize {
    let desk = (case.start)();
    let (program, folder) = (desk.command(case.line), tempfile::tempdir().unwrap());
    let trace = folder.path().join("trace");
    let mut strace = tool("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", &format!("trace={call}"), "-o"]).arg(&trace);
    succeed(strace.arg(program.get_program()).args(program.get_args()).current_dir(desk.path("")));
    let lines = fs::read_to_string(trace).unwrap();
    let threads: Vec<&str> =
        lines.lines().filter(|line| !line.contains(" resumed>")).filter_map(|line| line.split(' ').next()).collect();
    let of = |thread: &&str| threads.iter().filter(|other| *other == thread).count();
    threads.iter().map(of).max().unwrap_or_default()
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name.contains("/.")
}

/// The files that differ, and are neither hidden nor folders.
fn changed(before: &State, now: &State) -> BTreeSet<String> {
    let is_file = |name: &&String| !is_hidden(name) && !["new", "new/out", "locks", "out"].contains(&name.as_str());
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).filter(is_file).collect();
    names.into_iter().filter(|name| before.get(*name) != now.get(*name)).cloned().collect()
}

/// A new seed is the first to be placed, and is taken back like everything else.
#[test]
fn a_new_seed_is_taken_back_when_the_rest_cannot_be_placed() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let refused = |inject: &str| {
        let desk = Desk::in_memory();
        let before = desk.state();
        let program = desk.command("build lab.toml --new-seed new.seed --plain --out out --threads 1");
        let mut strace = tool("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat", "-e", inject]);
        strace.arg(program.get_program()).args(program.get_args()).current_dir(desk.path(""));
        let ended = end(&mut strace);
        assert!(desk.state() == before, "{inject}: {:?}", desk.names(""));
        assert_eq!(ended.code, Some(2), "{inject}");
        ended.stderr
    };
    for (time, path) in [(2, "out/lab-g1.tar.gz"), (4, "out/lab.pub"), (5, "lab.lock.toml"), (7, "out/install.sh")] {
        let said = refused(&format!("inject=linkat:error=EDQUOT:when={time}"));
        assert_eq!(said, format!("error: cannot write {path}: disk quota exceeded\n"));
    }
    assert_eq!(refused("inject=linkat:error=EDQUOT:when=1"), "error: cannot create new.seed: disk quota exceeded\n");
    // Somebody else has made it meanwhile.
    assert_eq!(
        refused("inject=linkat:error=EEXIST:when=1"),
        "error: cannot create new.seed: file exists\nhint: a seed is never overwritten; choose another name, or use the \
         existing seed with --seed\n"
    );
}

/// Whatever the kernel refuses, afterwards all is old, or what is new is named.
#[test]
fn a_build_that_is_refused_something_says_what_is_new() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let cases = cases();
    // Set by `cargo xtask crash`.
    let is_all = std::env::var_os("CERTFERRY_CRASH_ALL").is_some();
    let mut points = Vec::new();
    for case in &cases {
        for call in CALLS {
            let times = count(case, call);
            for time in 1..=times {
                points.push((case, call, format!("error=EIO:when={time}")));
                // And everything from there on.
                if is_all || call == "renameat2" {
                    points.push((case, call, format!("error=EIO:when={time}+")));
                }
            }
        }
    }
    assert!(points.len() > 100, "{} points", points.len());
    let (next, refused, named, wrong) =
        (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let check = |(case, call, inject): &(&Case, &str, String)| -> Result<(), String> {
        let desk = (case.start)();
        let program = desk.command(case.line);
        let mut strace = tool("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        strace.args(["-e", &format!("inject={call}:{inject}")]);
        strace.arg(program.get_program()).args(program.get_args()).current_dir(desk.path(""));
        let output = run(&mut strace);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let state = desk.state();
        let new = changed(&case.before, &state);
        match output.status.code() {
            None | Some(101) => return Err(format!("ended by {}: {said}", output.status)),
            Some(0) if new != changed(&case.before, &case.after) => {
                return Err(format!("said that all went well: {new:?}"));
            }
            Some(0) => {}
            Some(_) => {
                refused.fetch_add(1, Ordering::Relaxed);
                let hint = said.lines().find_map(|line| line.strip_prefix("hint: new all the same: "));
                let names = hint.and_then(|hint| hint.strip_suffix("; everything else is as it was"));
                named.fetch_add(usize::from(names.is_some()), Ordering::Relaxed);
                let expected = names.iter().flat_map(|names| names.split(", ")).map(str::to_owned).collect();
                if new != expected {
                    return Err(format!("new are {new:?}, and it says: {said}"));
                }
            }
        }
        if new.iter().any(|name| state.get(name) != case.after.get(name)) {
            return Err(format!("neither old nor new: {new:?}"));
        }
        // Refused once, it clears up after itself, but for what it may not remove, and for a claim that may be another's.
        let hidden: Vec<_> = state.keys().filter(|name| is_hidden(name)).collect();
        if !hidden.is_empty() && !matches!(*call, "unlink" | "flock") && !inject.ends_with('+') {
            return Err(format!("left behind: {hidden:?}"));
        }
        let again = end(&mut desk.command(case.line));
        if again.code != Some(0) || desk.state() != case.after {
            return Err(format!("the next run: {again:?}, {:?}", desk.names("")));
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(reason) = check(point) {
                        wrong.lock().unwrap().push(format!("{} {}:{}: {reason}", point.0.name, point.1, point.2));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} points:\n{}", wrong.len(), points.len(), wrong.join("\n"));
    let (refused, named) = (refused.into_inner(), named.into_inner());
    assert!(refused > points.len() / 4 && named > 0, "{refused} of {} refused, {named} named", points.len());
    println!("{} points, {refused} refused, {named} named what is new", points.len());
}
