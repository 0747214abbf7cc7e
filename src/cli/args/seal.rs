//! The arguments of `seal`.

use std::path::PathBuf;

use super::{FormatArguments, OpenArguments};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("trust").required(true).args(["seed", "key"])))]
pub(crate) struct SealArguments {
    /// The bundle, whole or partial
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) to: RecipientArguments,
    /// The root seed's file, or - for the standard input: the bundle must be of this seed, and its signer signs the sealed
    /// file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// Without the seed: the signer's public key, its file or its fingerprint `sha256:...`; the sealed file then has no
    /// signature of its own, and what is in it has
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) key: Option<String>,
    /// The folder to write to [default: that of the bundle]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Take a seed that others can write or guess
    #[arg(long)]
    pub(crate) allow_weak_seed: bool,
    /// Say what would be written; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
    /// Print nothing but problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// To whom the parts of a bundle are sealed.
#[derive(clap::Args)]
pub(crate) struct RecipientArguments {
    /// Seal the part of a node to a recipient, age1pq1... or age1...; may be given several times
    #[arg(long, value_name = "NODE=RECIPIENT")]
    pub(crate) to: Vec<String>,
    /// Seal the part of whoever runs the cluster to this recipient; may be given several times
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) cluster_to: Vec<String>,
    /// Seal every part to this recipient, too; may be given several times
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) also_to: Vec<String>,
}
