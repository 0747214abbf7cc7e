//! The arguments of `plan` and `build`.

use std::path::PathBuf;

use clap_complete::ArgValueCandidates;

use super::{ClearArguments, FormatArguments, OpenArguments, OutputFormat, SealingArguments};
use crate::cli::input::node_names;

#[derive(clap::Args)]
pub(crate) struct PlanArguments {
    /// The profile
    pub(crate) profile: PathBuf,
    /// The lock [default: PROFILE.lock.toml beside the profile]
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// The form of the output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: OutputFormat,
    /// Show only what changes since the lock, and what that means
    #[arg(long)]
    pub(crate) changes: bool,
    /// Compare with what is on the nodes instead: surveys, roots or tar archives of nodes, folders of these
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "changes")]
    pub(crate) against: Vec<PathBuf>,
    /// Show alternative names, and a line for every node
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("seeds").required(true).args(["seed", "new_seed"])))]
pub(crate) struct BuildArguments {
    /// The profile
    pub(crate) profile: PathBuf,
    /// The root seed's file, or - for the standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// The same, but make it when it does not exist and the profile is good
    #[arg(long, value_name = "FILE")]
    pub(crate) new_seed: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    #[command(flatten)]
    pub(crate) clear: ClearArguments,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// The lock [default: PROFILE.lock.toml beside the profile]
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// The private key of the profile's `signer`, which may be sealed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["unsigned", "signatures"])]
    pub(crate) signer: Option<PathBuf>,
    /// Write to this new file what the profile's `signer` has to sign, and no bundle; there is no key in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["signatures", "split", "out"])]
    pub(crate) unsigned: Option<PathBuf>,
    /// Take the signatures from this file, which `certferry sign` or somebody with openssl made
    #[arg(long, value_name = "FILE")]
    pub(crate) signatures: Option<PathBuf>,
    /// Write a slice for each part into this new folder, too, with its signature and the signer's key: nodes/NAME and
    /// cluster are carried as they are
    #[arg(long, value_name = "DIR")]
    pub(crate) split: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) seal: SealingArguments,
    /// Refuse any difference from the lock and leave everything as it was
    #[arg(long, conflicts_with_all = ["replace_seed", "replace_signer", "replace_ca", "same_generation"])]
    pub(crate) locked: bool,
    /// Make a partial bundle of this node alone; may be given several times; needs the lock of a whole build
    #[arg(long, value_name = "NODE", add = ArgValueCandidates::new(node_names::candidates), conflicts_with_all = ["replace_seed", "replace_signer", "replace_ca"])]
    pub(crate) only: Vec<String>,
    /// With --only, put the part of whoever runs the cluster into the bundle too
    #[arg(long, requires = "only")]
    pub(crate) with_cluster: bool,
    /// Allow another seed than the lock's: every key becomes another
    #[arg(long)]
    pub(crate) replace_seed: bool,
    /// Allow another signer than the lock's, where the profile has or had a `signer`: nodes need the new fingerprint
    #[arg(long)]
    pub(crate) replace_signer: bool,
    /// Allow a CA certificate to change though its generation and issued_at did not
    #[arg(long)]
    pub(crate) replace_ca: bool,
    /// Allow other records at the lock's generation, while nothing was carried yet
    #[arg(long)]
    pub(crate) same_generation: bool,
    /// Take a seed that others can write or guess
    #[arg(long)]
    pub(crate) allow_weak_seed: bool,
    /// Worker threads, at most 1024 [default: one per processor]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Say what would be written, and refuse what would be refused; derive and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
    /// Show a line for every node that changes
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Print nothing but problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
