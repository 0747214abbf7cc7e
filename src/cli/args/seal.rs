//! The arguments of `seal`.

use std::path::PathBuf;

use super::{FormatArguments, OpenArguments};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("trust").required(true).args(["seed", "signer", "key"])))]
pub(crate) struct SealArguments {
    /// The bundle, whole or partial
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) to: RecipientArguments,
    /// The profile, with `encrypt_to`, `encrypt_to_sha256` and `[seal]`
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// The root seed's file, or - for the standard input: the bundle must be of this seed, and its signer signs the
    /// sealed file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// The private key of a signer who is not the seed's, in place of the seed; it may be sealed
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: Option<PathBuf>,
    /// Without a key that signs: the signer's public key, its file or its fingerprint `sha256:...`; the sealed file
    /// then has no signature of its own, and what is in it has
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
    /// The file with the recipients of nodes, a line for each: NODE RECIPIENT. What the profile has no fingerprint of
    /// is confirmed on the terminal [default: `recipients` of `[seal]`]
    #[arg(long, value_name = "FILE")]
    pub(crate) recipients: Option<PathBuf>,
}

impl RecipientArguments {
    /// Returns whether any is given.
    pub(crate) fn is_given(&self) -> bool {
        let Self { to, cluster_to, also_to, recipients } = self;
        !to.is_empty() || !cluster_to.is_empty() || !also_to.is_empty() || recipients.is_some()
    }
}

/// How `build` seals.
#[derive(clap::Args)]
pub(crate) struct SealingArguments {
    #[command(flatten)]
    pub(crate) to: RecipientArguments,
    /// Write the bundle in the clear although the profile says to whom it is sealed
    #[arg(long, conflicts_with_all = ["to", "cluster_to", "also_to", "recipients"])]
    pub(crate) unsealed: bool,
    /// Allow parts to be sealed to others than the lock has, whose papers were compared
    #[arg(long, conflicts_with = "locked")]
    pub(crate) replace_recipients: bool,
}
