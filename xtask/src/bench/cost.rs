//! Measures one run of a program with GNU time, which prints the kernel's own account of a finished process.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process;

/// The cost of one run of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    /// Seconds by the clock on the wall.
    pub(super) seconds: f64,
    /// Seconds of all processors together, user and system.
    pub(super) processor: f64,
    /// The most memory at any time.
    pub(super) mebibytes: f64,
}

/// Runs a program in a folder and returns what it took. Its output is dropped.
///
/// # Errors
/// Fails when GNU time is missing, and when the program does not end with success, with what it said.
pub(super) fn cost(folder: &Path, command: &Command) -> Result<Cost, String> {
    let mut timed = process::command("time");
    timed
        .current_dir(folder)
        .args(["--quiet", "-f", "%e %U %S %M"])
        .arg(command.get_program())
        .args(command.get_args());
    let output = timed.stdin(Stdio::null()).stdout(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start GNU time (Debian's package `time`): {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let cost = said.lines().last().and_then(parse);
    cost.filter(|_| output.status.success()).ok_or_else(|| format!("{command:?} failed:\n{said}"))
}

fn parse(line: &str) -> Option<Cost> {
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [seconds, user, system, kibibytes] = numbers[..] else { return None };
    Some(Cost { seconds, processor: user + system, mebibytes: kibibytes / 1024.0 })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Cost, cost, parse};

    #[test]
    fn a_line_of_gnu_time_is_read() {
        assert_eq!(parse("1.50 2.00 0.25 2048"), Some(Cost { seconds: 1.5, processor: 2.25, mebibytes: 2.0 }));
        assert_eq!(parse("Command exited with non-zero status 1"), None);
    }

    #[test]
    fn a_program_that_fails_is_no_figure() {
        let here = std::env::temp_dir();
        assert!(cost(&here, &Command::new("true")).is_ok_and(|cost| cost.mebibytes > 0.0));
        let said = cost(&here, Command::new("sh").args(["-c", "echo why >&2; exit 3"]));
        assert!(said.is_err_and(|text| text.contains("why")));
    }
}
