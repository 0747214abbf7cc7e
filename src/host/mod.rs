//! The only room that uses files, clock, entropy, network, other programs and terminal.
//!
//! Why: everything that touches the machine is in one room, so that all other rooms depend on nothing but their
//! arguments.
//!
//! Output files are staged and get their names at the end. A run that fails or is interrupted leaves nothing behind,
//! and what a killed one leaves, the next one removes.
//!
//! Refuses to follow a symbolic link at the end of a path that it creates, and to overwrite files that it did not
//! write.

mod attributes;
mod claim;
mod file_io;
mod found;
mod hidden_input;
mod http;
mod interrupt;
mod leftovers;
mod locale;
mod node_archive;
mod node_root;
mod node_tree;
mod output;
mod pager;
mod pending;
mod programs;
mod staging;
mod terminal;
mod write_tree;

pub use attributes::AttributeError;
pub use file_io::{Exposure, Source, check_new_file, folder_of_others, open, read, read_secret, read_stdin, sha256};
pub use found::{FileOwner, Found, FoundKind};
pub use hidden_input::{clear_terminal, read_hidden, read_shown};
pub use http::{Answer, AskError, TlsClient, ask};
pub use leftovers::{Leftover, tell_leftovers};
pub use locale::{columns, is_linux_console, is_utf8, language};
pub use node_archive::NodeArchive;
pub use node_root::NodeRoot;
pub use node_tree::{NodeLock, NodeTree};
pub use output::{CommitError, Outputs};
pub use pager::write_paged;
pub use pending::{keep_for_taking_back, settle, take_back};
pub use programs::{Deadline, Exit, Process, is_installed, pause, processes, run_program};
pub use staging::Staging;
pub use terminal::{is_stdout_terminal, set_colors, stdout_file, write_stderr, write_stdout};
pub use write_tree::{NewTree, TreeEntry, check_new_tree, write_tree};

use std::io;
use std::net::IpAddr;
use std::process::{Command, Stdio};

use ring::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Returns the operating system's words for an error, without Rust's `(os error 2)`.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Returns the time of the system's clock, in UTC.
#[must_use]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Returns the name of this host, as uname(2) has it.
#[must_use]
pub fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Returns whether this process may do what only root may, by its effective user.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the addresses of this host's interfaces.
///
/// # Errors
/// Fails when the operating system does not list them.
pub fn addresses() -> io::Result<Vec<IpAddr>> {
    Ok(if_addrs::get_if_addrs()?.into_iter().map(|interface| interface.ip()).collect())
}

/// Gives the files below folders the labels that SELinux has for them. Does nothing where SELinux is off.
///
/// # Errors
/// Returns what `restorecon` said.
pub fn relabel(folders: &[String]) -> Result<(), String> {
    // Without this program there is no SELinux.
    // The standard input is passed on, because a small root may lack /dev/null. What they say is not, because the
    // standard error may be for a program.
    if !Command::new("selinuxenabled").stdin(Stdio::inherit()).output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    let output = Command::new("restorecon")
        .stdin(Stdio::inherit())
        .arg("-RF")
        .args(folders)
        .output()
        .map_err(|error| format!("restorecon: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("restorecon: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Returns 32 bytes from the generator of the operating system.
///
/// # Errors
/// Fails when the operating system gives none.
pub fn random_seed() -> io::Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    random_bytes(bytes.as_mut_slice())?;
    Ok(bytes)
}

/// Fills its argument from the generator of the operating system.
///
/// # Errors
/// Fails when the operating system gives none.
pub fn random_bytes(bytes: &mut [u8]) -> io::Result<()> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| io::Error::other("the operating system gives no random bytes"))
}

/// Runs something on a thread with a stack of the usual size, if the first thread, on which this is called, is granted
/// less than any other thread (`ulimit -s`).
///
/// # Errors
/// Fails when a thread is needed and cannot be started.
pub fn with_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    use rustix::process::{Resource, getrlimit};
    // What the standard library gives to a thread, and what Linux gives to the first one.
    const THREAD: u64 = 2 << 20;
    const USUAL: usize = 8 << 20;
    if getrlimit(Resource::Stack).current.is_none_or(|bytes| bytes >= THREAD) {
        return Ok(run());
    }
    let thread = std::thread::Builder::new().stack_size(USUAL).spawn(run)?;
    thread.join().or_else(|panic| std::panic::resume_unwind(panic))
}

/// Forbids core dumps of this process, and the reading of its memory by other processes of the same user, because it
/// holds secrets.
///
/// Where the kernel refuses, the process goes on without.
pub fn forbid_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}
