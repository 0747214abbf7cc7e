//! Other programs on this host: finds them, runs them within a limit of time, lists the processes.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The time between two looks at something that takes a while, such as a running program.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The most bytes of output that are kept, more than any program that we run writes.
const MAX_OUTPUT: u64 = 1 << 20;
/// How long the output of a program that has ended may still be on its way, because a child of it may hold the pipe.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

/// How a program ended, and what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Whether the program succeeded: exit code 0.
    pub is_success: bool,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

/// A process of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The command line: the program and its arguments.
    pub words: Vec<String>,
    /// For how long the process has run, if that can be read.
    pub age: Option<Duration>,
}

/// An instant at which something must be done.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Returns the deadline that is this long from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    /// Returns the time that is left, or `None` when the deadline has passed.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        let Some(end) = self.0 else { return Some(Duration::MAX) };
        end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Waits a moment, for loops that look at something again and again.
pub fn pause() {
    thread::sleep(POLL_INTERVAL);
}

/// Returns whether a program is on PATH.
#[must_use]
pub fn is_installed(program: &str) -> bool {
    let is_program =
        |path: &Path| fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
}

/// Runs a program to its end, with an empty standard input.
///
/// # Errors
/// Fails when the program cannot be run, or takes longer than `limit`. In the second case it is killed.
pub fn run_program(program: &str, arguments: &[impl AsRef<OsStr>], limit: Duration) -> io::Result<Exit> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdout, stderr) = (listen(child.stdout.take()), listen(child.stderr.take()));
    let deadline = Deadline::after(limit);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if deadline.left().is_none() {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        pause();
    };
    let words = |from: Receiver<String>| from.recv_timeout(OUTPUT_GRACE).unwrap_or_default();
    Ok(Exit { is_success: status.success(), stdout: words(stdout), stderr: words(stderr) })
}

/// Reads everything from a pipe, and sends it when the pipe ends. What is beyond the limit is read and forgotten,
/// because the program would otherwise wait.
fn listen(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// Returns the processes of this host, including those in containers, without those of the kernel and those that have
/// ended.
///
/// # Errors
/// Fails when /proc cannot be read.
pub fn processes() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        // This fails when the process has ended meanwhile.
        let Ok(line) = fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line);
        let words: Vec<String> = line.trim_end_matches('\0').split('\0').map(str::to_owned).collect();
        if words.first().is_some_and(|program| !program.is_empty()) {
            processes.push(Process { words, age: age(&entry.path()) });
        }
    }
    Ok(processes)
}

/// The ticks of a second in which the kernel tells times to programs: `USER_HZ` (time(7)).
const TICKS: f64 = 100.0;

/// Returns for how long a process has run (proc(5): the field `starttime` of `stat`, and `uptime`).
fn age(process: &Path) -> Option<Duration> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let started: f64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64((uptime - started / TICKS).max(0.0)).ok()
}

impl Process {
    /// Returns the name of the program's file.
    #[must_use]
    pub fn program(&self) -> &str {
        self.words.first().map(|path| path.rsplit('/').next().unwrap_or_default()).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::{Deadline, is_installed, processes, run_program};

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn programs_are_found_and_run() {
        assert!(is_installed("sh") && !is_installed("no-such-program"));
        let exit = run_program("sh", &["-c", "echo out; echo complaint >&2; exit 3"], LONG).unwrap();
        assert_eq!((exit.is_success, exit.stdout.as_str(), exit.stderr.as_str()), (false, "out\n", "complaint\n"));
        assert!(run_program("sh", &["-c", "read line || exit 0; exit 1"], LONG).unwrap().is_success);
        assert!(run_program("no-such-program", &[""; 0], LONG).is_err());
    }

    #[test]
    fn what_is_too_long_is_cut_in_words_and_in_time() {
        let exit = run_program("sh", &["-c", "head -c 3000000 /dev/zero; echo end >&2"], LONG).unwrap();
        assert_eq!((exit.stdout.len(), exit.stderr.as_str()), (1 << 20, "end\n"));
        let error = run_program("sleep", &["1000"], Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(Deadline::after(Duration::ZERO).left(), None);
        assert!(Deadline::after(LONG).left().is_some() && Deadline::after(Duration::MAX).left().is_some());
    }

    #[test]
    fn this_process_is_among_the_processes() {
        let words: Vec<_> = std::env::args().collect();
        let processes = processes().unwrap();
        let own = processes.iter().find(|process| process.words == words).unwrap();
        assert!(words[0].ends_with(own.program()) && !own.program().contains('/'));
        assert!(own.age.is_some_and(|age| age < Duration::from_secs(24 * 3600)), "{:?}", own.age);
    }
}
