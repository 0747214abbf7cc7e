//! `user-data`: one part of a verified bundle as what a new machine reads at its first boot.

use crate::cli::args::TrustArguments;
use crate::cli::command::new_file::NewFile;
use crate::cli::failure::Failure;
use crate::cli::fleet_args::{UserDataArguments, UserDataFormat};
use crate::cli::input::bundle::{self, Verified};
use crate::cli::notice::Notice;
use crate::cli::text::user_data;
use crate::host;
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

/// The mode of the file, because there are keys in it.
const MODE: u32 = 0o600;

pub(crate) fn run(arguments: &UserDataArguments) -> Result<String, Failure> {
    if arguments.is_printed() && !arguments.dry_run && host::is_stdout_terminal() {
        return Err(Failure::cannot_run("user data holds private keys, and is not printed on a terminal")
            .hint("name a file with --out, or give it to a program"));
    }
    let name = PartName::Node(arguments.node.clone());
    let trust = TrustArguments { bundle: arguments.bundle.clone(), key: arguments.key.clone(), at: None };
    let Verified { part, about_time, .. } = bundle::open_part(&trust, &arguments.open, &name)?;
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
    let what = format!("{} files of {node}", rows.len());
    let new = NewFile { path: &arguments.out, mode: MODE, doing: "write", hint: "name a file that does not exist" };
    match (arguments.dry_run, arguments.is_printed()) {
        (true, true) => Ok(format!("-  {what}, would be printed\n")),
        (true, false) => new.foreseen(text.as_bytes(), &what),
        (false, true) => Ok(text),
        (false, false) => {
            new.write(text.as_bytes())?;
            Ok(format!("{}  {what}\n", arguments.out.display()))
        }
    }
}
