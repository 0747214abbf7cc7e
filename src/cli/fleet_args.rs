//! The arguments of what serves many nodes at once. They are a part of the definition of the command line, and their
//! documentation comments are the text of `--help`.

use std::path::PathBuf;

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
}
