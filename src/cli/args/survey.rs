//! The arguments of `survey`.

use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 all was read; 2 something that is there could not be read.")]
pub(crate) struct SurveyArguments {
    /// The root of the node's files: of this node, a mounted disk, an unpacked tree
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Print instead survey.sh, which prints the same on a node that has no certferry
    #[arg(long, conflicts_with = "root")]
    pub(crate) script: bool,
}
