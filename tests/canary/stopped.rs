//! A program that is stopped where it ends, and its memory.
//!
//! The program forbids others to read its memory; root may.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::search::{Found, Needles};
use crate::common::{is_root, tool};

/// A program that has called `exit_group`, which does not begin.
pub struct Stopped {
    strace: Child,
    process: String,
}

impl Stopped {
    /// Runs a program to its last call.
    pub fn at_exit(command: &Command, folder: &Path) -> Self {
        let mut strace = tool("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", "trace=exit_group"]);
        // Ten minutes, in microseconds.
        strace.args(["-e", "inject=exit_group:delay_enter=600000000"]);
        strace.arg(command.get_program()).args(command.get_args()).current_dir(folder).stdin(Stdio::null());
        let strace = strace.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut stopped = Self { strace, process: String::new() };
        stopped.wait();
        stopped
    }

    fn wait(&mut self) {
        let exit_group = if cfg!(target_arch = "x86_64") { "231 " } else { "94 " };
        let children = format!("/proc/{0}/task/{0}/children", self.strace.id());
        let end = Instant::now() + Duration::from_secs(300);
        while Instant::now() < end {
            assert_eq!(self.strace.try_wait().unwrap(), None, "it ended");
            let child = fs::read_to_string(&children).unwrap();
            if let Some(child) = child.split_whitespace().next() {
                self.process = format!("/proc/{child}");
                // At its beginning strace tries on a child of its own what the kernel can do.
                if fs::read_to_string(format!("{}/comm", self.process)).is_ok_and(|name| name == "strace\n") {
                    continue;
                }
                // The thread that ends the process may be another than the first.
                let tasks = fs::read_dir(format!("{}/task", self.process)).into_iter().flatten().filter_map(Result::ok);
                let mut calls = tasks.filter_map(|task| fs::read_to_string(task.path().join("syscall")).ok());
                if calls.any(|call| call.starts_with(exit_group)) {
                    return;
                }
            }
            sleep(Duration::from_millis(5));
        }
        panic!("it does not come to its end");
    }

    /// What of secrets is in the memory that it can write, in its arguments and in its environment. The reason for
    /// whoever may not look.
    pub fn search(&self, needles: &Needles) -> Result<Found, String> {
        let memory = File::open(format!("{}/mem", self.process));
        if let Err(error) = &memory {
            assert!(error.kind() == ErrorKind::PermissionDenied && !is_root(), "{error}");
        }
        let mut memory = memory.map_err(|error| format!("memory of another program: {error}"))?;
        let mut found = Found::new();
        let maps = || fs::read_to_string(format!("{}/maps", self.process)).unwrap();
        for line in maps().lines() {
            let mut words = line.split_whitespace();
            let (range, modes) = (words.next().unwrap(), words.next().unwrap());
            if !modes.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
            let mut area = vec![0; usize::try_from(end - start).unwrap()];
            memory.seek(SeekFrom::Start(start)).unwrap();
            if let Err(error) = memory.read_exact(&mut area) {
                // Other threads may still be ending, and give their stacks back.
                assert!(!maps().lines().any(|now| now == line), "{line}: {error}");
                continue;
            }
            found.extend(needles.search(&area));
        }
        for name in ["cmdline", "environ"] {
            found.extend(needles.search(&fs::read(format!("{}/{name}", self.process)).unwrap()));
        }
        Ok(found)
    }
}

impl Drop for Stopped {
    /// Without strace the call begins, and the program is gone.
    fn drop(&mut self) {
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}
