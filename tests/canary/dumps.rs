//! Whatever signal ends a command, no core dump is written.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use super::lab::LAB;
use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::{run, skip_even_in_ci, tool};

/// Those of which the system writes a dump (signal(7)).
const SIGNALS: [(&str, i32); 3] = [("QUIT", 3), ("ABRT", 6), ("SEGV", 11)];

/// At how many points of a build each comes.
const POINTS: usize = 20;

/// The calls at which a signal can come and be told from others.
const CALLS: [&str; 9] = ["openat", "statx", "write", "fsync", "linkat", "flock", "fchmod", "lseek", "close"];

/// A command under strace, where the system may write dumps of any size. Whoever starts the tests in the background may
/// have them ignore signals, and what they start, too.
fn strace(command: &Command, folder: &Path, arguments: &[&str]) -> Output {
    let mut sh = tool("env");
    sh.args(["--default-signal", "sh", "-c", "ulimit -S -c $(ulimit -H -c); exec \"$@\"", "sh", "strace", "-f", "-qq"])
        .args(arguments);
    run(sh.arg(command.get_program()).args(command.get_args()).current_dir(folder))
}

/// Every file below the folder that could be a dump.
fn dumps(folder: &Path) -> Vec<String> {
    crate::common::files(folder).into_iter().filter(|name| name.starts_with("core")).collect()
}

/// The calls of the program's first thread from the moment on in which it forbids dumps, each with how many of its kind
/// it has made.
fn calls(desk: &Desk, command: &Command) -> Vec<(String, usize)> {
    let trace = desk.path("trace");
    let output = strace(command, &desk.path(""), &["-e", "signal=none", "-o", trace.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(trace).unwrap();
    let first = text.split(' ').next().unwrap();
    let own = text.lines().filter_map(|line| line.strip_prefix(first)).map(str::trim_start);
    let own: Vec<&str> = own.filter(|line| !line.starts_with("<...")).collect();
    let limit = own.iter().position(|line| line.starts_with("prlimit64(0, RLIMIT_CORE, {rlim_cur=0, rlim_max=0}"));
    let flag = own.iter().position(|line| line.starts_with("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE)"));
    let forbidden = limit.unwrap().max(flag.unwrap());
    // Before anything of anybody's is read.
    let read = own.iter().position(|line| line.contains("lab.toml") && line.starts_with("openat")).unwrap();
    assert!(forbidden < read, "{own:#?}");
    let mut counts = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    for (place, line) in own.iter().enumerate() {
        let call = line.split('(').next().unwrap();
        let count = counts.entry(call).or_insert(0);
        *count += 1;
        if place > forbidden && CALLS.contains(&call) {
            calls.push((call.to_owned(), *count));
        }
    }
    calls
}

#[test]
fn no_signal_makes_a_core_dump() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let line = format!("build lab.toml --seed sealed.seed {} --out out --threads 1", LAB.open());
    let desk = LAB.desk();
    let calls = calls(&desk, &desk.command(&line));
    assert!(calls.len() > POINTS, "{calls:?}");

    // What the system does with a program that does not forbid it, and whether it can be seen here.
    let proof = Desk::new();
    proof.write("leak", LAB.needles.secrets[0].leak(super::secrets::Form::Text));
    let mut python = tool("/usr/bin/python3");
    python.args(["-c", "leak = open('leak').read(); import os; os.write(1, b'x')"]);
    let output = strace(&python, &proof.path(""), &["-o", "/dev/null", "-e", "inject=write:signal=SEGV"]);
    assert_eq!(output.status.signal(), Some(11));
    let dumped = dumps(&proof.path(""));
    let is_seen = dumped.iter().any(|name| !LAB.needles.search(&proof.read(name)).is_empty());
    if !is_seen {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        // A dump goes to another program or folder; that both locks are on before anything is read was seen above.
        return skip_even_in_ci(&format!("core dumps that go to {}", pattern.trim_end()));
    }

    let mut ended = 0;
    for point in 0..POINTS {
        let (call, time) = &calls[point * (calls.len() - 1) / (POINTS - 1)];
        let (signal, number) = SIGNALS[point % SIGNALS.len()];
        let desk = LAB.desk();
        // Rust looks at the first SIGSEGV, and lets the next one go through.
        let inject = format!("inject={call}:signal=SIG{signal}:when={time}+");
        let trace = format!("trace={call}");
        let output = strace(&desk.command(&line), &desk.path(""), &["-o", "/dev/null", "-e", &trace, "-e", &inject]);
        assert!(output.status.success() || output.status.signal() == Some(number), "{inject}: {output:?}");
        ended += usize::from(output.status.signal() == Some(number));
        assert_eq!(dumps(&desk.path("")), Vec::<String>::new(), "{inject}");
    }
    assert!(ended >= POINTS * 3 / 4, "{ended} of {POINTS} ended by their signal");
}
