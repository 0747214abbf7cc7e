//! What a signal that ends the process removes before.
//!
//! Without this, SIGINT, SIGTERM, SIGHUP and SIGQUIT would leave files and folders that are not complete, some of them
//! with keys in them. A signal that this process ignores from its start, as below nohup(1), stays ignored.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

const SIGNALS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Something that is not complete.
pub(super) enum Temporary {
    File(PathBuf),
    /// A folder with everything in it.
    Tree(PathBuf),
    /// A folder that stays when something is in it.
    EmptyFolder(PathBuf),
}

/// Puts something in order that is no file, such as the terminal.
type Restore = Box<dyn FnOnce() + Send>;

static TEMPORARIES: Mutex<(Vec<Temporary>, Option<Restore>)> = Mutex::new((Vec::new(), None));

/// The list of what is not complete. As long as this lives no signal ends the process.
pub(super) struct Held(MutexGuard<'static, (Vec<Temporary>, Option<Restore>)>);

/// Lets no signal end the process for a while.
pub(super) fn hold() -> Held {
    Held(TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Held {
    pub(super) fn add(&mut self, temporary: Temporary) {
        self.0.0.push(temporary);
    }

    /// Forgets everything: it is complete, or removed.
    pub(super) fn clear(&mut self) {
        self.0.0.clear();
    }

    pub(super) fn keep_folders(&mut self) {
        self.0.0.retain(|temporary| !matches!(temporary, Temporary::EmptyFolder(_)));
    }

    /// Remembers what [`Self::restore`] does, and a signal before.
    pub(super) fn restore_at_the_end(&mut self, restore: impl FnOnce() + Send + 'static) {
        self.0.1 = Some(Box::new(restore));
    }

    /// Puts that in order.
    pub(super) fn restore(&mut self) {
        if let Some(restore) = self.0.1.take() {
            restore();
        }
    }

    fn remove_all(&self) {
        for temporary in self.0.0.iter().rev() {
            // There is nobody left to tell. What stays is removed by the next run.
            let _ = match temporary {
                Temporary::File(path) => fs::remove_file(path),
                Temporary::Tree(path) => fs::remove_dir_all(path),
                Temporary::EmptyFolder(path) => fs::remove_dir(path),
            };
        }
    }
}

/// A thread that waits for signals as long as this value lives.
pub(super) struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<Signals>>,
}

impl Watch {
    /// Begins to wait.
    ///
    /// # Errors
    /// Fails when the operating system gives no thread, pipe or handler.
    pub(super) fn begin() -> io::Result<Self> {
        let signals: Vec<i32> = SIGNALS.into_iter().filter(|signal| !is_ignored(*signal)).collect();
        // An action cannot be taken back without the signal being ignored from then on. So there is one that does what
        // the system would do, whenever nobody waits.
        let is_idle = IS_IDLE.get_or_init(|| Arc::new(AtomicBool::new(true)));
        if !IS_REGISTERED.swap(true, Ordering::SeqCst) {
            for signal in &signals {
                register_conditional_default(*signal, Arc::clone(is_idle))?;
            }
        }
        let waiting = Signals::new(&signals)?;
        let handle = waiting.handle();
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || wait(waiting))?;
        is_idle.store(false, Ordering::SeqCst);
        Ok(Self { handle, thread: Some(thread) })
    }
}

/// Returns whether a [`Watch`] lives.
pub(super) fn is_watched() -> bool {
    IS_IDLE.get().is_some_and(|is_idle| !is_idle.load(Ordering::SeqCst))
}

static IS_IDLE: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static IS_REGISTERED: AtomicBool = AtomicBool::new(false);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(is_idle) = IS_IDLE.get() {
            is_idle.store(true, Ordering::SeqCst);
        }
        self.handle.close();
        let signals = self.thread.take().map(JoinHandle::join);
        // One that came before the last line but one.
        if let Some(Ok(mut signals)) = signals {
            signals.pending().for_each(end);
        }
    }
}

fn wait(mut signals: Signals) -> Signals {
    if let Some(signal) = signals.forever().next() {
        end(signal);
    }
    signals
}

/// Removes what is not complete, and ends the process as the signal would have done. Nobody goes on meanwhile.
fn end(signal: i32) {
    let mut held = hold();
    held.remove_all();
    held.restore();
    let _ = emulate_default_handler(signal);
    std::process::abort();
}

/// Returns whether a signal was ignored when the process was started (proc_pid_status(5)).
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
