//! The arguments of what serves many nodes at once. They are a part of the definition of the command line, and their
//! documentation comments are the text of `--help`.

use std::path::PathBuf;

use clap_complete::ArgValueCandidates;

use crate::cli::args::OpenArguments;
use crate::cli::input::node_names;

/// How an inventory is written.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InventoryFormat {
    /// An inventory of Ansible, in YAML
    Ansible,
    /// For programs
    Json,
    /// One line for each node
    Csv,
}

#[derive(clap::Args)]
pub(crate) struct InventoryArguments {
    /// The profile
    pub(crate) profile: PathBuf,
    /// The form of the output
    #[arg(short, long, value_name = "FORMAT", default_value = "ansible")]
    pub(crate) output: InventoryFormat,
}

#[derive(clap::Args)]
pub(crate) struct AnsibleArguments {
    /// The folder to make: it must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Say what would be written; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Who reads user data.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum UserDataFormat {
    /// Ignition, configuration 3.3.0: Fedora CoreOS, Flatcar
    Ignition,
    /// cloud-init, as a cloud-config
    CloudInit,
}

#[derive(clap::Args)]
pub(crate) struct UserDataArguments {
    /// The bundle, the node's slice, or either of them sealed
    pub(crate) bundle: PathBuf,
    /// The signer's public key, by another road than the bundle: its file, or its fingerprint `sha256:...`
    /// (then the .pub beside the bundle must match it)
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// The node whose files to write
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(node_names::candidates))]
    pub(crate) node: String,
    /// Who reads it
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: UserDataFormat,
    /// The file to write (mode 0600; it must not exist), or - for the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Say what would be written; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl UserDataArguments {
    /// Returns whether the result goes to the standard output.
    pub(crate) fn is_printed(&self) -> bool {
        self.out.as_os_str() == "-"
    }
}
