//! Runs other programs, with the repository's top folder as the working directory.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader, PipeReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Outcome;

/// The folders in which Debian keeps programs. The PATH of root may lack some, and that of a user lacks sbin.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Returns the repository's top folder.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Returns the folders that are searched for programs: those of PATH, then Debian's own that PATH lacks.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    for folder in FOLDERS {
        if !folders.iter().any(|known| known == Path::new(folder)) {
            folders.push(folder.into());
        }
    }
    folders
}

/// Returns a command that sees every folder of [`search_path`].
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    if let Ok(path) = env::join_paths(search_path()) {
        command.env("PATH", path);
    }
    command
}

/// Returns a command for the cargo that runs this program. With CI=true it keeps nothing for a build after the next
/// change, which costs a fifth of the time, and leaves out the lines of backtraces, which cost a tenth: neither is used
/// there, and a test that fails names its own line.
pub(crate) fn cargo() -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = command(&cargo.to_string_lossy());
    for (setting, value) in [("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0")] {
        if env::var_os("CI").is_some() && env::var_os(setting).is_none() {
            command.env(setting, value);
        }
    }
    command
}

/// Runs a command with our own input and output.
///
/// # Errors
/// Fails when the command cannot be started or does not end with success.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", line(command))) }
}

/// Runs a command and returns its standard output.
///
/// # Errors
/// Fails when the command cannot be started or does not end with success.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        return Err(format!("{} failed: {}", line(command), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns whether a command can be started and ends with success. Its output is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Runs a command and shows both its outputs, in their order, after it has ended.
///
/// # Errors
/// As [`run_watched`].
pub(crate) fn run_quietly(command: &mut Command) -> Outcome {
    pass_on(command, |mut output| {
        let mut text = Vec::new();
        output.read_to_end(&mut text)?;
        std::io::stdout().write_all(&text)
    })
}

/// Runs a command. Passes both its outputs on to our standard output in the order in which they come, and each line to
/// `each`.
///
/// # Errors
/// Fails when the command cannot be started, when its output cannot be passed on, and when it does not end with
/// success.
pub(crate) fn run_watched(command: &mut Command, mut each: impl FnMut(&str)) -> Outcome {
    pass_on(command, |output| copy_lines(output, std::io::stdout(), &mut each))
}

/// Runs a command with a pipe for both its outputs, which `copy` reads to the end.
fn pass_on(command: &mut Command, copy: impl FnOnce(PipeReader) -> std::io::Result<()>) -> Outcome {
    let start = |command: &mut Command| {
        let (output, input) = std::io::pipe()?;
        let child = command.stdout(input.try_clone()?).stderr(input).spawn()?;
        // Drops our own ends of the pipe, which would keep it open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok((child, output))
    };
    let (mut child, output) = start(command).map_err(|error| cannot_start(command, &error))?;
    let copied = copy(output);
    let status = child.wait().map_err(|error| format!("{}: {error}", line(command)))?;
    copied.map_err(|error| format!("{}: cannot pass its output on: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", line(command))) }
}

fn copy_lines(from: impl Read, mut to: impl Write, each: &mut impl FnMut(&str)) -> std::io::Result<()> {
    let mut reader = BufReader::new(from);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        to.write_all(&bytes)?;
        to.flush()?;
        each(String::from_utf8_lossy(&bytes).trim_end());
        bytes.clear();
    }
    Ok(())
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start {}: {error}", line(command))
}

/// Returns the command as a person would type it. That is good enough for messages, but is not quoted for a shell.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{command, copy_lines, line, run, run_watched, search_path, succeeds};

    #[test]
    fn both_outputs_are_watched_in_their_order() {
        let mut seen = Vec::new();
        let mut shell = command("/bin/sh");
        shell.args(["-c", "echo one; echo two >&2; echo three; exit 3"]);
        let outcome = run_watched(&mut shell, |line| seen.push(line.to_owned()));
        assert!(outcome.is_err_and(|text| text.ends_with("failed: exit status: 3")));
        assert_eq!(seen, ["one", "two", "three"]);
    }

    #[test]
    fn output_is_passed_on_byte_for_byte() {
        let input = b"one\r\n\xff two\n\nno newline at the end";
        let (mut output, mut seen) = (Vec::new(), Vec::new());
        let copied = copy_lines(input.as_slice(), &mut output, &mut |text: &str| seen.push(text.to_owned()));
        assert!(copied.is_ok());
        assert_eq!(output, input);
        assert_eq!(seen, ["one", "\u{fffd} two", "", "no newline at the end"]);
    }

    #[test]
    fn a_failing_command_is_named() {
        assert_eq!(run(&mut command("true")), Ok(()));
        assert_eq!(
            run(command("/bin/sh").args(["-c", "exit 3"])),
            Err("sh -c exit 3 failed: exit status: 3".to_owned())
        );
        assert!(run(&mut command("no-such-program")).is_err_and(|text| text.contains("cannot start no-such-program")));
        assert!(!succeeds(&mut command("no-such-program")));
    }

    #[test]
    fn a_command_reads_as_typed() {
        assert_eq!(line(command("/usr/bin/cargo").args(["test", "--locked"])), "cargo test --locked");
    }

    #[test]
    fn system_folders_are_searched_even_when_the_path_lacks_them() {
        assert!(search_path().iter().any(|folder| folder == std::path::Path::new("/usr/sbin")));
    }
}
