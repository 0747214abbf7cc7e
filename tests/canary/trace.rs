//! Everything that a program hands to the kernel, as strace tells it: what it writes to files and pipes, and every
//! other text of a call, such as names, arguments and environments.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use super::search::{Needles, Places};
use crate::common::desk::Desk;
use crate::common::{run, tool};

/// The calls in which the kernel hands something to the program: what it reads may be secret.
const READS: &str = "read,readv,pread64,preadv,preadv2,recvfrom,recvmsg,recvmmsg,getrandom";

/// The calls that write.
const WRITES: [&str; 8] = ["write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg"];

/// The calls that copy bytes from file to file unseen. The kernel is made to refuse them, so that they are read and
/// written.
const UNSEEN: [(&str, &str); 5] = [
    ("copy_file_range", "EOPNOTSUPP"),
    ("sendfile", "EINVAL"),
    ("splice", "EINVAL"),
    ("vmsplice", "EINVAL"),
    ("tee", "EINVAL"),
];

/// What a program has handed to the kernel.
#[derive(Default)]
pub struct Trace {
    /// All that was written, by what it was written to: a path, or a pipe.
    pub written: BTreeMap<String, Vec<u8>>,
    /// All other texts of calls, by the name of the call.
    pub said: BTreeMap<String, Vec<u8>>,
}

/// Runs a command under strace to its end.
pub fn traced(command: &Command, folder: &Path) -> (Output, Trace) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut strace = tool("strace");
    strace.args(["-f", "-qq", "-y", "-v", "-xx", "-s", "16777216", "-e", "signal=none"]);
    strace.args(["-e", &format!("trace=!{READS}")]);
    for (call, error) in UNSEEN {
        strace.args(["-e", &format!("inject={call}:error={error}")]);
    }
    strace.arg("-o").arg(file.path()).arg(command.get_program()).args(command.get_args()).current_dir(folder);
    let output = run(&mut strace);
    (output, Trace::parse(&std::fs::read_to_string(file.path()).unwrap()))
}

impl Needles {
    /// Runs a command and looks for these secrets in all that it hands to the kernel, says and leaves on the desk.
    pub fn watch(&self, desk: &Desk, command: &Command) -> (Output, Places) {
        let (output, trace) = traced(command, &desk.path(""));
        let mut places = Places::new();
        let below = |name: &str| {
            let path = Path::new(name).strip_prefix(desk.path("")).ok();
            path.map_or_else(|| name.to_owned(), |path| path.display().to_string())
        };
        for (name, written) in &trace.written {
            self.look(&format!("written to {}", below(name)), written, &mut places);
        }
        for (call, said) in &trace.said {
            self.look(&format!("said to {call}"), said, &mut places);
        }
        self.look("the standard output", &output.stdout, &mut places);
        self.look("the standard error", &output.stderr, &mut places);
        for (name, (_, content)) in desk.state() {
            self.look(&format!("file {name}"), &content, &mut places);
            self.look("names of files", name.as_bytes(), &mut places);
        }
        assert!(trace.said.contains_key("execve"), "it was traced");
        (output, places)
    }
}

impl Trace {
    fn parse(text: &str) -> Self {
        let mut trace = Self::default();
        for line in text.lines() {
            // The process, then the call. The rest of one that another process has cut in two has texts, too.
            let line = line.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start();
            let call = line.split(['(', ' ']).next().unwrap();
            assert!(!line.contains("MAP_SHARED") || !line.contains("PROT_WRITE"), "written unseen: {line}");
            assert!(!call.starts_with("io_uring") && !call.starts_with("process_vm"), "written unseen: {line}");
            let texts = texts(line);
            if WRITES.contains(&call) {
                let target =
                    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(name, _)| name);
                trace.written.entry(target_name(target)).or_default().extend(texts.concat());
                continue;
            }
            let said = trace.said.entry(call.to_owned()).or_default();
            for text in texts {
                said.extend(text);
                // Nothing goes over from one to the next.
                said.push(0);
            }
        }
        trace
    }
}

/// The name of what is written to: a path, of which a file without a name has the folder, or `a pipe`.
fn target_name(written: &str) -> String {
    let name = match written.contains("\\x") {
        true => String::from_utf8(bytes(written)).unwrap(),
        false => written.to_owned(),
    };
    if name.starts_with("pipe:") {
        return "a pipe".to_owned();
    }
    match name.rsplit_once("/#") {
        Some((folder, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => format!("{folder}/#"),
        _ => name,
    }
}

/// The texts of a line, each of which is written as `\x` and two digits for each byte.
fn texts(line: &str) -> Vec<Vec<u8>> {
    let quoted = line.split('"').skip(1).step_by(2);
    quoted.map(bytes).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{digits}"))).collect()
}
