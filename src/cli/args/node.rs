//! The arguments of what changes a node, or tells what is on it.

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::ArgValueCandidates;

use super::format::{FormatArguments, OutputFormat};
use super::seed::OpenArguments;
use crate::cli::input::node_names;

#[derive(clap::Args)]
pub(crate) struct ApplyArguments {
    /// The bundle, a slice of it, or either of them sealed
    pub(crate) bundle: PathBuf,
    /// The node that this is
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(node_names::candidates))]
    pub(crate) node: String,
    /// The signer's public key, by another road than the bundle: its file, or its fingerprint `sha256:...`
    /// (then the .pub beside the bundle must match it)
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// Also when the host's name and addresses are not those of the node, or another cluster's or node's files are
    /// installed
    #[arg(long)]
    pub(crate) force_node: bool,
    /// Also when a newer generation is installed, or another bundle of this generation
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
    /// In a rotation, also when the node was off while the others went on: go straight to the phase that they have
    #[arg(long)]
    pub(crate) catch_up: bool,
    /// Also when a backup is dropped for it that certferry did not make, or that an earlier repair made
    #[arg(long)]
    pub(crate) drop_backup: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

/// What every command that changes a node takes.
#[derive(clap::Args)]
pub(crate) struct ChangeArguments {
    /// The folder below which the node's files are: of a mounted disk, or to try it out
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Say what would change, what must restart and in which order; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) restart: RestartArguments,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
    /// Print nothing but problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(clap::Args)]
pub(crate) struct RestartArguments {
    /// Restart whoever reads the files, too, in the right order; go back when etcd, the API server or the kubelet was
    /// well before and is not well with the new files
    #[arg(long)]
    pub(crate) restart: bool,
    /// How long each of them may take to end, and to be well again: 90s, 5m, 1h
    #[arg(long, value_name = "PERIOD", default_value = "5m", requires = "restart", value_parser = wait)]
    pub(crate) wait: Duration,
}

impl RestartArguments {
    /// Returns the time that each component may take, if they are to be restarted.
    pub(crate) fn time(&self) -> Option<Duration> {
        self.restart.then_some(self.wait)
    }
}

/// Reads a time: a number of seconds, or a number and a unit.
fn wait(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600)];
    let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (digits, seconds) = unit.unwrap_or((text, 1));
    // `parse` alone would accept a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<u32>() {
        Ok(count) if is_number && count > 0 => Ok(Duration::from_secs(u64::from(count) * seconds)),
        _ => Err("expected a number of seconds, or a number and a unit, such as 90s, 5m or 1h".to_owned()),
    }
}

#[derive(clap::Args)]
#[command(after_help = "A second rollback goes forth again: each exchanges what is installed with what was before.")]
pub(crate) struct RollbackArguments {
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all is as it was installed, or nothing is; 1 something differs; 2 could not look at everything."
)]
pub(crate) struct StatusArguments {
    /// The folder below which the node's files are
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Take note for good that this file was taken away, so that nobody is told of it any more: admin.conf,
    /// super-admin.conf or a CA's key that no flag names; may be given several times
    #[arg(long, value_name = "PATH")]
    pub(crate) accept: Vec<PathBuf>,
    /// With --accept, say what would be noted; change nothing
    #[arg(long, requires = "accept")]
    pub(crate) dry_run: bool,
    /// The form of the output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: OutputFormat,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::wait;

    #[test]
    fn a_wait_is_seconds_or_has_a_unit() {
        for (text, seconds) in [("300", 300), ("90s", 90), ("5m", 300), ("1h", 3_600)] {
            assert_eq!(wait(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "0", "0m", "m", "-1", "+1", "1.5m", "5 m", "5d", "99999999999", "９"] {
            assert!(wait(wrong).is_err(), "{wrong}");
        }
    }
}
