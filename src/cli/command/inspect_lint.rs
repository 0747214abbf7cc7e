//! `inspect --lint`: says which rules are broken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::args::{InspectArguments, InspectFormat};
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::bundle::{bundle_key, is_bundle};
use crate::cli::input::node_folder::Folder;
use crate::cli::input::opening::{self, Kind, Opening};
use crate::cli::input::source;
use crate::cli::text::bundle_json::FindingJson;
use crate::cli::text::{findings, json};
use crate::host::Source;
use crate::kubernetes::FILE_LIMIT;
use crate::verify::{AlreadyVerified, File, Finding, Origin, Part, SharedFiles, check_file, check_part, check_reader};
use crate::x509::instant;

/// The endings of the names of files with certificates or keys.
const ENDINGS: [&str; 5] = [".crt", ".key", ".pub", ".pem", ".conf"];
/// The folder in which `apply` keeps files that are not live: those of the generations before and after the live one.
const SLOTS: &str = ".certferry/";

#[derive(Serialize)]
struct LintJson {
    at: String,
    problems: usize,
    findings: Vec<FindingJson>,
}

pub(crate) fn run(arguments: &InspectArguments, at: OffsetDateTime) -> Result<String, Failure> {
    if arguments.output == InspectFormat::Prometheus {
        return Err(Failure::cannot_run("--lint has no metrics").hint("it takes -o text and -o json"));
    }
    let mut found = Vec::new();
    for path in &arguments.paths {
        found.extend(if path.is_dir() {
            of_folder(path, at)?
        } else {
            let source = source::open(path).or_cannot("read", path)?;
            if is_bundle(&source) { of_bundle(path, source, arguments, at)? } else { of_file(path, source, at)? }
        });
    }
    let errors = found.iter().filter(|finding| !finding.fault.is_warning()).count();
    let text = if arguments.output == InspectFormat::Json {
        let findings = found.iter().map(|finding| FindingJson::new(finding, false)).collect();
        json::document("inspect-lint", &LintJson { at: instant(at), problems: errors, findings })?
    } else if found.is_empty() {
        "no rule is broken\n".to_owned()
    } else {
        findings::lines(&found.iter().collect::<Vec<_>>())
    };
    match errors {
        0 => Ok(text),
        1 => Err(Failure::says_no("1 rule is broken").output(text)),
        count => Err(Failure::says_no(format!("{count} rules are broken")).output(text)),
    }
}

fn of_bundle(
    path: &Path,
    source: Source,
    arguments: &InspectArguments,
    at: OffsetDateTime,
) -> Result<Vec<Finding>, Failure> {
    let key = bundle_key(path, Kind::of(&source), arguments.key.as_deref())?;
    let Opening { reader, heads } = opening::reader(path, source, &key, &arguments.open, None)?;
    let checked = check_reader(reader, &key, at, None, &AlreadyVerified::default());
    let checked = checked.map_err(|error| Failure::bundle(path, &error))?;
    opening::tell_closed(path, &heads)?;
    Ok(checked.findings)
}

/// Judges a node's tree. Its addresses are not known, and its name only from the kubelet's certificate, so rules that
/// need more are not applied.
fn of_folder(path: &Path, at: OffsetDateTime) -> Result<Vec<Finding>, Failure> {
    let folder = Folder::find(path)?;
    let mut contents: BTreeMap<String, (u32, Zeroizing<Vec<u8>>)> = BTreeMap::new();
    for below in &folder.below {
        let (places, errors) = folder.root.files(below);
        if let Some((place, error)) = errors.first() {
            return Err(Failure::io("read", &PathBuf::from(folder.path(place)), error));
        }
        let is_slot = |place: &String| place.starts_with(SLOTS) || place.contains(&format!("/{SLOTS}"));
        let is_named = |place: &String| ENDINGS.iter().any(|ending| place.ends_with(ending));
        for place in places.into_iter().filter(|place| is_named(place) && !is_slot(place)) {
            let read = || Ok((folder.root.mode(&place)?, folder.root.read(&place, FILE_LIMIT)?));
            let file = read().or_cannot("read", folder.path(&place))?;
            contents.insert(format!("{}{place}", folder.mount), file);
        }
    }
    let files = contents.iter().map(|(place, (mode, content))| (place.as_str(), File { mode: *mode, content }));
    let name = path.display().to_string();
    let part = Part {
        name: &name,
        files: files.collect(),
        links: BTreeSet::new(),
        node: None,
        phase: None,
        origin: Origin::Disk,
    };
    Ok(SharedFiles::default().hold(check_part(&part, at, &AlreadyVerified::default())))
}

/// Judges one file by itself, so that nothing beside it can be missing.
fn of_file(path: &Path, source: Source, at: OffsetDateTime) -> Result<Vec<Finding>, Failure> {
    let content = source.read(FILE_LIMIT).or_cannot("read", path)?;
    let title = path.display().to_string();
    let place = std::path::absolute(path).map_or_else(|_| title.clone(), |path| path.display().to_string());
    let below = ["/etc/kubernetes/", "/var/lib/kubelet/"].into_iter().find_map(|folder| place.rfind(folder));
    let name = below.and_then(|start| place.get(start + 1..)).unwrap_or(&title);
    Ok(check_file(&title, name, &content, at))
}
