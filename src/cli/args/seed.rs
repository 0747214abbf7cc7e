//! The arguments of `seed`, and those with which every command seals and opens what is secret.

use std::path::PathBuf;

use super::paper::{CombineArguments, FromWordsArguments, SplitSeedArguments, WordsArguments};
use super::{Background, FormatArguments};

#[derive(clap::Subcommand)]
pub(crate) enum SeedCommand {
    /// Make a root seed from the operating system's random numbers, sealed with a passphrase (the file must not exist)
    New {
        /// The file to create
        file: PathBuf,
        #[command(flatten)]
        keep: KeepArguments,
        /// Say what would be made; write nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Print the seed's one-way id, which is not secret
    Id {
        /// The seed's file, or - for the standard input
        file: PathBuf,
        #[command(flatten)]
        open: OpenArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Say whether a copy of a seed is good, and whether it is that of a lock
    Check {
        /// The seed's file, or - for the standard input
        file: PathBuf,
        /// The lock of a cluster that was built with the seed
        #[arg(long, value_name = "FILE")]
        lock: Option<PathBuf>,
        #[command(flatten)]
        open: OpenArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Seal a seed with another passphrase, or to recipients instead, as a new file
    Reseal {
        /// The seed's file, or - for the standard input
        file: PathBuf,
        /// The file to create
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        open: OpenArguments,
        /// The file whose one line is the new passphrase [default: asked for on the terminal, twice]
        #[arg(long, value_name = "FILE", conflicts_with_all = ["recipient", "plain"])]
        new_passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        clear: ClearArguments,
        /// Say what would be made; write nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Print a seed as 24 words with its id, for paper
    Words(WordsArguments),
    /// Make the seed's file of its 24 words, sealed with a passphrase (the file must not exist)
    FromWords(FromWordsArguments),
    /// Split a seed into shares of 31 words each, of which some together make it again
    Split(SplitSeedArguments),
    /// Make the seed's file of its shares, sealed with a passphrase (the file must not exist)
    Combine(CombineArguments),
}

#[derive(clap::Subcommand)]
pub(crate) enum IdentityCommand {
    /// Make an identity (mode 0600; the file must not exist), and print its recipient and the recipient's fingerprint
    New {
        /// The file to create
        file: PathBuf,
        /// Make one of X25519 alone, which every version of age has, and a quantum computer of later opens
        #[arg(long)]
        x25519: bool,
        /// Print a QR code of the fingerprint, too, for a terminal with this background
        #[arg(long, value_name = "BACKGROUND", num_args = 0..=1, require_equals = true, default_missing_value = "dark")]
        qr: Option<Background>,
        /// Say what would be made; write nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
}

/// How a new secret is kept.
#[derive(clap::Args)]
pub(crate) struct KeepArguments {
    /// The file whose one line is the passphrase [default: asked for on the terminal, twice]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipient", "plain"])]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) clear: ClearArguments,
}

/// How a new secret is kept otherwise than with a passphrase.
#[derive(clap::Args)]
pub(crate) struct ClearArguments {
    /// Seal a new seed to this recipient, age1pq1... or age1..., and ask for no passphrase; may be given several times
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "plain")]
    pub(crate) recipient: Vec<String>,
    /// Leave a new seed in the clear: to try things out, for whoever finds the file has every key
    #[arg(long)]
    pub(crate) plain: bool,
}

/// What opens a secret that is sealed.
#[derive(clap::Args)]
pub(crate) struct OpenArguments {
    /// The file whose one line is the passphrase of what is sealed [default: asked for on the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// A file with the identity to which something is sealed; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
}
