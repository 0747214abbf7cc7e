//! `inventory`: lists the nodes of a profile, in the order in which they change.

use crate::cli::command::build;
use crate::cli::failure::Failure;
use crate::cli::fleet_args::{InventoryArguments, InventoryFormat};
use crate::cli::text::inventory;

pub(crate) fn run(arguments: &InventoryArguments) -> Result<String, Failure> {
    let profile = build::read_profile(&arguments.profile)?;
    match arguments.output {
        InventoryFormat::Json => inventory::json(&profile),
        InventoryFormat::Csv => Ok(inventory::csv(&profile)),
        InventoryFormat::Ansible => match inventory::reserved(&profile) {
            None => Ok(inventory::ansible(&profile)),
            Some(name) => Err(Failure::cannot_run(format!("the name `{name}` of a node means every host to Ansible"))
                .hint("name the node otherwise, or take -o json or -o csv")),
        },
    }
}
