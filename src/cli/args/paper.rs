//! The arguments with which a seed goes to paper and comes back, and those of the ceremony's check list.

use std::path::PathBuf;

use super::{Background, FormatArguments, KeepArguments, OpenArguments};

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
    /// Write a page for each share into this new folder (mode 0600) instead of the terminal, and record.toml beside them
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
    /// The files with the shares, or - for the standard input; one may hold several [default: asked for on the terminal]
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

#[derive(clap::Args)]
#[command(
    after_help = "It is printed with lines to fill in for whatever is not known yet: before the build without a lock, \
    after it with one."
)]
pub(crate) struct CeremonyArguments {
    /// The profile
    pub(crate) profile: Option<PathBuf>,
    /// The lock [default: PROFILE.lock.toml beside the profile, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// The record of `seed split`, for the SHA-256 of each share
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Whose fingerprint to print, age1pq1... or age1...; may be given several times
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) recipient: Vec<String>,
    /// A file with a name and a recipient in each line, whose fingerprints to print
    #[arg(long, value_name = "FILE")]
    pub(crate) recipients: Option<PathBuf>,
    /// The day and the hour, as they shall stand there: nothing takes them from a clock
    #[arg(long, value_name = "TEXT")]
    pub(crate) date: Option<String>,
    /// The place
    #[arg(long, value_name = "TEXT")]
    pub(crate) place: Option<String>,
    /// The name of a person; once for each of the two
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Vec<String>,
}
