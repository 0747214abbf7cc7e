//! One file for each command, which turns arguments into one call of the library, and its result into text.

mod ansible;
mod apply;
pub(crate) mod build;
mod build_dry_run;
mod build_failure;
mod ceremony;
pub(crate) mod completions;
mod csr;
mod diff;
pub(crate) mod doctor;
mod draft;
mod fingerprint;
mod help;
mod help_topics;
mod identity;
mod init;
mod init_from;
pub(crate) mod inspect;
mod inspect_lint;
mod install_script;
mod inventory;
mod man;
mod new_file;
mod page;
mod plan;
mod rollback;
mod schema;
mod seal;
mod sealed_file;
mod sealing;
mod seed;
mod seed_check;
mod seed_combine;
mod seed_file;
mod seed_from_words;
mod seed_keeping;
mod seed_reseal;
mod seed_split;
mod seed_words;
mod sign;
mod signing;
mod slice_folder;
mod split;
mod status;
mod survey;
mod unpack;
mod user_data;
mod verify;

use crate::cli::args::Command;
use crate::cli::failure::Failure;

/// Runs a command. Returns the text for the standard output, or the failure.
pub(crate) fn run(command: &Command) -> Result<String, Failure> {
    match command {
        Command::Init(arguments) => init::run(arguments),
        Command::Seed(command) => seed::run(command),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Csr(arguments) => csr::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Survey(arguments) => survey::run(arguments),
        Command::Unpack(arguments) => unpack::run(arguments),
        Command::Apply(arguments) => apply::run(arguments),
        Command::Rollback(arguments) => rollback::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Split(arguments) => split::run(arguments),
        Command::Seal(arguments) => seal::run(arguments),
        Command::Inventory(arguments) => inventory::run(arguments),
        Command::Ansible(arguments) => ansible::run(arguments),
        Command::UserData(arguments) => user_data::run(arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Fingerprint(arguments) => fingerprint::run(arguments),
        Command::Identity(command) => identity::run(command),
        Command::Ceremony(arguments) => ceremony::run(arguments),
        Command::Help(arguments) => help::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
    }
}
