//! `user-data`: one part of a verified bundle as what a new machine reads at its first boot.

use std::io::Write;
use std::path::Path;

use crate::cli::args::TrustArguments;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::fleet_args::{UserDataArguments, UserDataFormat};
use crate::cli::input::bundle::{self, Verified};
use crate::cli::notice::Notice;
use crate::cli::text::user_data;
use crate::host::{self, Outputs};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

/// The mode of the file, because there are keys in it.
const MODE: u32 = 0o600;

pub(crate) fn run(arguments: &UserDataArguments) -> Result<String, Failure> {
    if arguments.is_printed() && host::is_stdout_terminal() {
        return Err(Failure::cannot_run("user data holds private keys, and is not printed on a terminal")
            .hint("name a file with --out, or give it to a program"));
    }
    let name = PartName::Node(arguments.node.clone());
    let trust = TrustArguments { bundle: arguments.bundle.clone(), key: arguments.key.clone(), at: None };
    let Verified { part, about_time, .. } = bundle::open_part(&trust, &name)?;
    if !about_time.is_empty() {
        Notice::new("not valid at this time").lines(&about_time).give();
    }
    // Files of the part, and of others, went through buffers on it.
    wipe_stack();
    let rows: Vec<_> = part.files().collect();
    let text = match arguments.output {
        UserDataFormat::Ignition => user_data::ignition(&rows)?,
        UserDataFormat::CloudInit => user_data::cloud_config(&rows),
    };
    let (node, size) = (&arguments.node, text.len());
    Notice::new(format!(
        "user data holds the private keys of {node}, and who can ask the metadata service of the machine can read it: every \
         program on it, and often every pod"
    ))
    .hint(format!(
        "{size} bytes; where that is too much for a provider, or too open for a key, carry the slice and `certferry apply` it"
    ))
    .give();
    if arguments.is_printed() {
        return Ok(text);
    }
    write(&arguments.out, &text)?;
    Ok(format!("{}  {} files of {node}\n", arguments.out.display(), rows.len()))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let mut outputs = Outputs::new();
    let mut staged = outputs.stage(file, MODE, false).or_cannot("write", file)?;
    staged.write_all(text.as_bytes()).or_cannot("write", file)?;
    outputs.commit().map_err(|refused| {
        let failure = Failure::commit("write", &refused);
        match refused.error.kind() {
            std::io::ErrorKind::AlreadyExists => failure.hint("name a file that does not exist"),
            _ => failure,
        }
    })
}
