//! Lines that a person types on the terminal: those that nobody sees, and others.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::interrupt::{self, Watch};

/// Where the terminal is on which a process was started, wherever its streams lead.
const TERMINAL: &str = "/dev/tty";

/// Asks on the terminal for a line, which is not shown. Returns it with its end, at most `limit` bytes. The bytes are
/// wiped when dropped.
///
/// A signal that ends the process meanwhile leaves the terminal as it was.
///
/// # Errors
/// Fails when there is no terminal, or when it cannot be read.
pub fn read_hidden(prompt: &str, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
    let before = tcgetattr(&terminal)?;
    // Without one, a signal would end the process before anybody could put the terminal in order.
    let _watch = if interrupt::is_watched() { None } else { Some(Watch::begin()?) };
    let _hidden = Hidden::begin(&terminal, before)?;
    read_line(&mut terminal, prompt, limit)
}

/// Asks on the terminal for a line like [`read_hidden`], which is shown while it is typed.
///
/// # Errors
/// Fails like [`read_hidden`].
pub fn read_shown(prompt: &str, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
    read_line(&mut terminal, prompt, limit)
}

/// Takes everything off the terminal, and out of what can be scrolled back to where the terminal does that (ECMA-48,
/// section 8.3.39, with the 3 of xterm). Does nothing without a terminal.
pub fn clear_terminal() {
    if let Ok(mut terminal) = OpenOptions::new().write(true).open(TERMINAL) {
        let _ = terminal.write_all(b"\x1b[H\x1b[2J\x1b[3J");
    }
}

fn read_line(terminal: &mut File, prompt: &str, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    terminal.write_all(prompt.as_bytes())?;
    let mut line = Zeroizing::new(Vec::with_capacity(limit));
    let mut byte = Zeroizing::new([0]);
    while line.len() < limit && line.last() != Some(&b'\n') {
        match terminal.read(byte.as_mut_slice()) {
            Ok(0) => break,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(line)
}

/// While it lives, the terminal shows nothing of what is typed but the end of the line.
struct Hidden;

impl Hidden {
    fn begin(terminal: &File, before: Termios) -> io::Result<Self> {
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        let restoring = terminal.try_clone()?;
        interrupt::hold().restore_at_the_end(move || {
            let _ = tcsetattr(&restoring, OptionalActions::Now, &before);
        });
        // What was typed before goes on to be read: a program that types does not wait.
        tcsetattr(terminal, OptionalActions::Now, &silent)?;
        Ok(Self)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        interrupt::hold().restore();
    }
}
