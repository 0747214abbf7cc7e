//! The arguments of `ceremony`.

use std::path::PathBuf;

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
