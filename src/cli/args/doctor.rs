//! The arguments of `doctor`.

use std::path::{Path, PathBuf};

use super::OutputFormat;
use crate::report::Period;

#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 nothing is wrong, or only warnings; 1 something is; 2 could not look at everything."
)]
pub(crate) struct DoctorArguments {
    /// The root of a node's files: of this node, a mounted disk, an unpacked tree
    #[arg(value_name = "PATH", default_value = "/")]
    pub(crate) path: PathBuf,
    /// The same as PATH, as other commands call it
    #[arg(long, value_name = "DIR", conflicts_with = "path")]
    pub(crate) root: Option<PathBuf>,
    /// Look at Secrets, webhook configurations, CRDs, APIServices and ConfigMaps, too, as `kubectl get -o yaml` prints
    /// them: a file, a folder of .yaml, .yml and .json, - for the standard input; may be given several times
    #[arg(long, value_name = "FILE|DIR|-")]
    pub(crate) manifests: Vec<PathBuf>,
    /// Look at this time instead of now: 2026-11-22 or 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Warn of what ends within this time: 90d, 36h, 2y
    #[arg(long, value_name = "PERIOD", default_value = "30d")]
    pub(crate) expiring_within: Period,
    /// The form of the output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: OutputFormat,
}

impl DoctorArguments {
    /// Returns the root of the node's files.
    pub(crate) fn path(&self) -> &Path {
        self.root.as_deref().unwrap_or(&self.path)
    }
}
