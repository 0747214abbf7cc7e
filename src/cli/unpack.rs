//! `unpack`: one node's files from a verified bundle into a new folder.

use super::args::UnpackArguments;
use super::failure::Failure;
use super::{findings, trust, verify};
use crate::bundle::{PartName, Row};
use crate::host::{self, TreeEntry};
use crate::verify::Finding;

/// More nodes than this are not listed.
const LISTED: usize = 20;

pub(super) fn run(arguments: &UnpackArguments) -> Result<String, Failure> {
    let checked = trust::open(&arguments.trust, Some(&arguments.node))?;
    let part = checked.wanted.as_ref().ok_or_else(|| {
        let names = checked.parts.iter().filter_map(|part| match part {
            PartName::Node(name) => Some(name.as_str()),
            PartName::Cluster => None,
        });
        let mut shown: Vec<_> = names.clone().take(LISTED).collect();
        if names.count() > LISTED {
            shown.push("...");
        }
        Failure::cannot_run(format!("there is no node {} in {}", arguments.node, arguments.trust.bundle.display()))
            .hint(format!("it has {}", shown.join(", ")))
    })?;
    let of_node = |finding: &&Finding| finding.part == part.record().owner.part().to_string();
    let (warnings, findings): (Vec<&Finding>, Vec<&Finding>) =
        checked.findings.iter().filter(of_node).partition(|finding| finding.fault.is_warning());
    let (about_time, wrong): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| finding.fault.is_about_time());
    if !warnings.is_empty() {
        host::tell(&format!("warning: this works, but\n{}", findings::lines(&warnings)));
    }
    if !wrong.is_empty() {
        return Err(Failure::says_no(format!(
            "the files of {} would not work\n{}",
            arguments.node,
            findings::lines(&wrong).trim_end()
        ))
        .hint("nothing was written; build the bundle again"));
    }
    if !about_time.is_empty() {
        // An isolated node's clock may be what is wrong, and unpacking does no harm.
        host::tell(&format!("warning: not valid at this time\n{}", findings::lines(&about_time)));
    }
    let entries: Vec<_> = part
        .files()
        .map(|(row, content)| match row {
            Row::File { path, mode, .. } => TreeEntry::File { path, mode: mode.bits(), content },
            Row::Link { path, target } => TreeEntry::Link { path, target },
        })
        .collect();
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
    let count = entries.len();
    Ok(format!("{}{count} files of {} in {}\n", verify::verified(&checked), arguments.node, arguments.root.display()))
}
