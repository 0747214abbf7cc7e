//! `unpack`: writes the files of one part of a verified bundle into a new folder.

use crate::bundle::Row;
use crate::cli::args::UnpackArguments;
use crate::cli::failure::Failure;
use crate::cli::input::bundle::{self, Verified};
use crate::cli::notice::Notice;
use crate::cli::text::bundle::{called, summary};
use crate::host::{self, TreeEntry};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

pub(crate) fn run(arguments: &UnpackArguments) -> Result<String, Failure> {
    let name = arguments.node.clone().map_or(PartName::Cluster, PartName::Node);
    let Verified { bundle, part, about_time } = bundle::open_part(&arguments.trust, &name)?;
    if !about_time.is_empty() {
        // The clock of an isolated machine may be wrong, and unpacking does no harm.
        Notice::new("not valid at this time").lines(&about_time).give();
    }
    let entries: Vec<_> = part
        .files()
        .map(|(row, content)| match row {
            Row::File { path, mode, .. } => TreeEntry::File { path, mode: mode.bits(), content },
            Row::Link { path, target } => TreeEntry::Link { path, target },
        })
        .collect();
    // Files of the part, and of others, went through buffers on it.
    wipe_stack();
    host::write_tree(&arguments.root, &entries).map_err(|error| {
        let failure = Failure::io("unpack to", &arguments.root, &error);
        match error.kind() {
            std::io::ErrorKind::DirectoryNotEmpty => {
                failure.hint("name a folder that does not exist or is empty; nothing was written")
            }
            _ => failure,
        }
    })?;
    if arguments.quiet {
        return Ok(String::new());
    }
    let (count, part) = (entries.len(), called(&name));
    let holds = format!("every signature, record and hash holds, and every chain and key pair of {part}");
    let summary = summary(&bundle, &holds);
    Ok(format!("{summary}{count} files of {part} in {}\n", arguments.root.display()))
}
