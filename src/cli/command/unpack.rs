//! `unpack`: writes the files of one part of a verified bundle into a new folder.

use serde::Serialize;

use crate::bundle::Row;
use crate::cli::args::{OutputFormat, UnpackArguments};
use crate::cli::failure::Failure;
use crate::cli::input::bundle::{self, Verified};
use crate::cli::input::source;
use crate::cli::notice::Notice;
use crate::cli::text::bundle::{called, summary};
use crate::cli::text::bundle_json::{BundleJson, EntryJson, entries};
use crate::cli::text::json;
use crate::host::{self, TreeEntry};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

#[derive(Serialize)]
struct UnpackJson {
    changed: bool,
    dry_run: bool,
    bundle: BundleJson,
    part: String,
    root: String,
    files: Vec<EntryJson>,
}

pub(crate) fn run(arguments: &UnpackArguments) -> Result<String, Failure> {
    if source::is_standard(&arguments.root) {
        return Err(Failure::cannot_run("a part is many files, and --root their folder")
            .hint("`certferry split --out -` prints one part"));
    }
    let name = arguments.node.clone().map_or(PartName::Cluster, PartName::Node);
    let Verified { bundle, part, about_time } = bundle::open_part(&arguments.trust, &arguments.open, &name)?;
    if !about_time.is_empty() {
        // The clock of an isolated machine may be wrong, and unpacking does no harm.
        Notice::new("not valid at this time").lines(&about_time).give();
    }
    let tree: Vec<_> = part
        .files()
        .map(|(row, content)| match row {
            Row::File { path, mode, .. } => TreeEntry::File { path, mode: mode.bits(), content },
            Row::Link { path, target } => TreeEntry::Link { path, target },
        })
        .collect();
    // Files of the part, and of others, went through buffers on it.
    wipe_stack();
    let written = match arguments.dry_run {
        true => host::check_new_tree(&arguments.root),
        false => host::write_tree(&arguments.root, &tree),
    };
    written.map_err(|error| {
        let failure = Failure::io("unpack to", &arguments.root, &error);
        match error.kind() {
            std::io::ErrorKind::DirectoryNotEmpty => {
                failure.hint("name a folder that does not exist or is empty; nothing was written")
            }
            _ => failure,
        }
    })?;
    if arguments.format.output == OutputFormat::Json {
        let document = UnpackJson {
            changed: true,
            dry_run: arguments.dry_run,
            bundle: BundleJson::from(&bundle),
            part: name.to_string(),
            root: arguments.root.display().to_string(),
            files: entries(&part),
        };
        return json::document("unpack", &document);
    }
    if arguments.quiet {
        return Ok(String::new());
    }
    let (count, part) = (tree.len(), called(&name));
    let holds = format!("every signature, record and hash holds, and every chain and key pair of {part}");
    let summary = summary(&bundle, &holds);
    let root = arguments.root.display();
    Ok(match arguments.dry_run {
        true => format!("{summary}{count} files of {part} would be in {root}; nothing was written\n"),
        false => format!("{summary}{count} files of {part} in {root}\n"),
    })
}
