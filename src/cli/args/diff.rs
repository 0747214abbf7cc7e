//! The arguments of `diff`.

use std::path::PathBuf;

use super::format::FormatArguments;
use super::seed::OpenArguments;

#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 they are the same; 1 they differ; 2 could not compare them.")]
pub(crate) struct DiffArguments {
    /// The bundle, slice or folder with a node's files that was before
    pub(crate) before: PathBuf,
    /// The one that comes after; `/` is this node
    pub(crate) after: PathBuf,
    /// The signer's public key, by another road than the bundles: its file, or its fingerprint `sha256:...`
    /// (then the .pub beside each bundle must match it); twice where each has its own
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) key: Vec<String>,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// Compare this node alone; needed for a folder that certferry has not installed
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Show a line for every node that changes
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}
