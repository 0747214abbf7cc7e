//! The arguments of `seed`, and those with which every command seals and opens what is secret.

use std::path::PathBuf;

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

/// Where secret pages go.
#[derive(clap::Args)]
pub(crate) struct PageArguments {
    /// Print on the standard output although it is no terminal, as for `| lp`
    #[arg(long, conflicts_with = "out")]
    pub(crate) to_stdout: bool,
    /// What is behind the letters of the QR code [default: dark on a terminal, else light, as paper is]
    #[arg(long, value_name = "BACKGROUND")]
    pub(crate) background: Option<Background>,
}

#[derive(clap::Args)]
pub(crate) struct WordsArguments {
    /// The seed's file, or - for the standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// Write the page to this file (mode 0600; it must not exist) instead of the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) page: PageArguments,
    /// Say what would be written; write nothing
    #[arg(long, requires = "out")]
    pub(crate) dry_run: bool,
}

/// Which seed comes back.
#[derive(clap::Args)]
pub(crate) struct ExpectedArguments {
    /// The seed's id, which is on the same page [default: that of the page's file, else asked for on the terminal]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// The lock of a cluster that was built with the seed, in place of the id
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct FromWordsArguments {
    /// The file with the words, or - for the standard input [default: asked for on the terminal, one after the other]
    pub(crate) words: Option<PathBuf>,
    /// The seed's file to create
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) expected: ExpectedArguments,
    #[command(flatten)]
    pub(crate) keep: KeepArguments,
    /// Say what would be made; read and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(clap::Args)]
pub(crate) struct SplitSeedArguments {
    /// The seed's file, or - for the standard input
    pub(crate) file: PathBuf,
    /// How many shares to make
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(2..))]
    pub(crate) shares: u8,
    /// How many of them make the seed again; fewer tell nothing of it
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(2..))]
    pub(crate) threshold: u8,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// Write a page for each share into this new folder (mode 0600) instead of the terminal, and record.toml beside
    /// them
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write the record, which has the SHA-256 of each share and no secret, to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) page: PageArguments,
    /// Say what would be written; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(clap::Args)]
pub(crate) struct CombineArguments {
    /// The files with the shares, or - for the standard input; one may hold several [default: asked for on the
    /// terminal]
    #[arg(value_name = "SHARE")]
    pub(crate) shares: Vec<PathBuf>,
    /// The seed's file to create
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) expected: ExpectedArguments,
    /// The record of the shares, in place of the id: it names a share that is another one
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keep: KeepArguments,
    /// Say what would be made; read and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}
