//! `unpack`: the files of one part of a verified bundle into a new folder.

use crate::bundle::{Row, VerifiedPart};
use crate::cli::args::{TrustArguments, UnpackArguments};
use crate::cli::command::verify;
use crate::cli::failure::Failure;
use crate::cli::input::trust;
use crate::cli::text::findings;
use crate::host::{self, TreeEntry};
use crate::kubernetes::PartName;
use crate::verify::{CheckedBundle, Finding};

/// More nodes than this are not listed.
const LISTED: usize = 20;

pub(crate) fn run(arguments: &UnpackArguments) -> Result<String, Failure> {
    let name = arguments.node.clone().map_or(PartName::Cluster, PartName::Node);
    let checked = trust::open(&arguments.trust, Some(&name))?;
    let Some(part) = &checked.wanted else {
        return Err(no_part(&name, &checked, &arguments.trust));
    };
    let about_time = judge(&checked, part)?;
    if !about_time.is_empty() {
        // An isolated machine's clock may be what is wrong, and unpacking does no harm.
        host::tell(&format!("warning: not valid at this time\n{about_time}"));
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
    let (count, part) = (entries.len(), called(&name));
    let holds = format!("every signature, record and hash holds, and every chain and key pair of {part}");
    let verified = verify::verified(&checked, &holds);
    Ok(format!("{verified}{count} files of {part} in {}\n", arguments.root.display()))
}

/// Warns of what works all the same, and refuses what would not work; returns what does not hold at this time alone.
pub(crate) fn judge(checked: &CheckedBundle, part: &VerifiedPart) -> Result<String, Failure> {
    let name = part.record().owner.part();
    let owner = name.to_string();
    let of_part = |finding: &&Finding| finding.part == owner;
    let (warnings, findings): (Vec<&Finding>, Vec<&Finding>) =
        checked.findings.iter().filter(of_part).partition(|finding| finding.fault.is_warning());
    let (about_time, wrong): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| finding.fault.is_about_time());
    if !warnings.is_empty() {
        host::tell(&format!("warning: this works, but\n{}", findings::lines(&warnings)));
    }
    if !wrong.is_empty() {
        return Err(Failure::says_no(format!(
            "the files of {} would not work\n{}",
            called(&name),
            findings::lines(&wrong).trim_end()
        ))
        .hint("nothing was written; build the bundle again"));
    }
    Ok(findings::lines(&about_time))
}

/// The bundle has no such part.
pub(crate) fn no_part(name: &PartName, checked: &CheckedBundle, trust: &TrustArguments) -> Failure {
    let bundle = trust.bundle.display();
    let Some(name) = node_name(name) else {
        return Failure::cannot_run(format!("the cluster's part is not in {bundle}"))
            .hint("a whole bundle has it; a slice or a partial bundle only when it was made --with-cluster");
    };
    let names = checked.parts.iter().filter_map(node_name);
    let mut shown: Vec<_> = names.clone().take(LISTED).collect();
    if names.count() > LISTED {
        shown.push("...");
    }
    let hint = match shown.as_slice() {
        [] => "it has the cluster's part alone".to_owned(),
        shown => format!("it has {}", shown.join(", ")),
    };
    Failure::cannot_run(format!("there is no node {name} in {bundle}")).hint(hint)
}

fn node_name(part: &PartName) -> Option<&str> {
    match part {
        PartName::Node(name) => Some(name),
        PartName::Cluster => None,
    }
}

/// As a person calls the part.
fn called(part: &PartName) -> &str {
    node_name(part).unwrap_or("the cluster's part")
}
