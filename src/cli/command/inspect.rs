//! `inspect`: lists certificates, who signed them, and when they end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::bundle::{BundleError, Reader, Row, VerifiedPart};
use crate::cli::args::{InspectArguments, InspectFormat};
use crate::cli::command::inspect_lint;
use crate::cli::failure::Failure;
use crate::cli::input::bundle::{bundle_key, is_bundle};
use crate::cli::input::node_folder::Folder;
use crate::cli::input::opening::{self, Kind, Opening};
use crate::cli::input::source;
use crate::cli::input::time;
use crate::cli::text::{foreign_etcd, inspect, json, printer};
use crate::host::{self, NodeRoot};
use crate::kubeconfig::referenced;
use crate::kubernetes::{CertificatesDir, FILE_LIMIT, PartName};
use crate::profile;
use crate::report::{self, Builder, Fault, Interest, Inventory, Source, SourceKind, interest};
use crate::x509::instant;

/// Places and their contents. Keys, and files that cannot be read, have no content.
type Contents = BTreeMap<String, Option<Zeroizing<Vec<u8>>>>;

pub(crate) fn run(arguments: &InspectArguments) -> Result<String, Failure> {
    let at = time::of(arguments.at.as_deref())?;
    if arguments.lint {
        return inspect_lint::run(arguments, at);
    }
    let mut told = String::new();
    let mut inventory = inventory(arguments, &mut told)?;
    let is_empty = inventory.entries().next().is_none() && inventory.problems.is_empty();
    if is_empty {
        let paths: Vec<_> = arguments.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::cannot_run(format!("there is no certificate in {}", paths.join(", "))));
    }
    let until = arguments.expiring_within.map(|period| period.after(at));
    if let Some(until) = until {
        inventory.keep_ending(until);
    }
    let text = match arguments.output {
        InspectFormat::Text => report::text(&inventory, at, arguments.verbose) + &told,
        InspectFormat::Json => json::print("inspect", &report::json(&inventory, at)).map(|()| String::new())?,
        InspectFormat::Prometheus => {
            printer::print(|text| text, |output| report::write_prometheus(&inventory, at, output))?;
            String::new()
        }
    };
    if !inventory.problems.is_empty() {
        return Err(inspect::failure(&inventory.problems).output(text));
    }
    let mut complaints = Vec::new();
    let missing: BTreeSet<_> = inventory.needed().map(|missing| missing.name).collect();
    if !missing.is_empty() {
        let count = inventory.needed().count();
        let (files, names) = (if count == 1 { "file is" } else { "files are" }, Vec::from_iter(missing).join(", "));
        complaints.push(format!("{count} {files} missing: {names}"));
    }
    let count = inventory.entries().count();
    if let Some(until) = until.filter(|_| count > 0) {
        let certificates = if count == 1 { "certificate ends" } else { "certificates end" };
        complaints.push(format!("{count} {certificates} by {}", instant(until)));
    }
    if complaints.is_empty() { Ok(text) } else { Err(Failure::says_no(complaints.join("; ")).output(text)) }
}

/// Lists what is in files, folders and bundles. `told` gets what the profile of a bundle says of certificates that are
/// in no bundle.
fn inventory(arguments: &InspectArguments, told: &mut String) -> Result<Inventory, Failure> {
    let InspectArguments { paths, key, open, .. } = arguments;
    let mut builder = Builder::new();
    // Single files share a table, wherever they stand among the arguments.
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|path| path.is_dir());
    let mut bundles = Vec::new();
    if !files.is_empty() {
        builder.begin("files");
    }
    for path in files {
        match add_file(&mut builder, path) {
            Ok(Some(source)) => bundles.push((path, source)),
            Ok(None) => {}
            Err(error) => {
                builder.problem(path.display().to_string(), Fault::Unreadable(host::reason(&error)));
            }
        }
    }
    if bundles.is_empty() && key.is_some() {
        return Err(Failure::cannot_run("--key is for a bundle, and there is none")
            .hint("certificates on a disk bear no signature of the signer's"));
    }
    for (path, source) in bundles {
        let key = bundle_key(path, Kind::of(&source), key.as_deref())?;
        builder.begin(path.display().to_string());
        let Opening { reader, heads } = opening::reader(path, source, &key, open, None)?;
        add_bundle(&mut builder, reader, told).map_err(|error| Failure::bundle(path, &error))?;
        opening::tell_closed(path, &heads)?;
    }
    for path in folders {
        builder.begin(path.display().to_string());
        add_folder(&mut builder, path)?;
    }
    Ok(builder.finish())
}

/// Adds a certificate or kubeconfig. Returns a bundle instead, which needs a key.
fn add_file(builder: &mut Builder, path: &Path) -> io::Result<Option<host::Source>> {
    let title = path.display().to_string();
    let source = source::open(path)?;
    if is_bundle(&source) {
        return Ok(Some(source));
    }
    let content = source.read(FILE_LIMIT)?;
    // A kubeconfig may name files. Relative paths are relative to its own folder.
    let place = std::path::absolute(path)?.display().to_string();
    let place = place.trim_start_matches('/');
    let root = NodeRoot::new(PathBuf::from("/"));
    let mut contents = Contents::new();
    for named in referenced(place, &content) {
        if let Ok(content) = root.read(&named, FILE_LIMIT) {
            contents.insert(named, Some(content));
        }
    }
    contents.insert(place.to_owned(), Some(content));
    let kind = SourceKind::File { place, title: &title };
    let (certificates_dir, files) = (&CertificatesDir::default(), slices(&contents));
    builder.add(&Source { kind, node: None, mount: "", prefix: "/", certificates_dir, files });
    Ok(None)
}

fn add_bundle(
    builder: &mut Builder,
    mut reader: Reader<'_, impl BufRead>,
    told: &mut String,
) -> Result<(), BundleError> {
    while let Some(part) = reader.next_part()? {
        add_part(builder, &part);
        let profile = part.files().find(|(row, _)| row.path() == "profile.toml");
        let profile = profile.filter(|_| part.record().owner.part() == PartName::Cluster);
        if let Some(parsed) = profile.and_then(|(_, content)| profile::parse(content).ok()) {
            *told += &foreign_etcd::told(&parsed.profile);
        }
    }
    reader.finish().map(|_| ())
}

fn add_part(builder: &mut Builder, part: &VerifiedPart) {
    let top = part.record().head.top();
    let (node, prefix) = match part.record().owner.part() {
        PartName::Node(name) => (Some(name.clone()), format!("{top}/nodes/{name}/")),
        PartName::Cluster => (None, format!("{top}/cluster/")),
    };
    let certificates_dir = &part.record().owner.certificates_dir();
    let contents: BTreeMap<&str, &[u8]> = part.files().map(|(row, content)| (row.path(), content)).collect();
    let mut files = BTreeMap::new();
    for (row, content) in part.files() {
        let content = match row {
            Row::File { .. } => content,
            Row::Link { path, target } => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                contents.get(format!("{folder}/{target}").as_str()).copied().unwrap_or_default()
            }
        };
        match interest(row.path(), certificates_dir) {
            Interest::Content => files.insert(row.path(), Some(content)),
            Interest::Presence => files.insert(row.path(), None),
            Interest::None => None,
        };
    }
    let kind = SourceKind::Tree;
    builder.add(&Source { kind, node: node.as_deref(), mount: "", prefix: &prefix, certificates_dir, files });
}

fn add_folder(builder: &mut Builder, path: &Path) -> Result<(), Failure> {
    let folder = Folder::find(path)?;
    let certificates_dir = &folder.certificates_dir();
    let mut contents = Contents::new();
    for below in &folder.below {
        let (places, errors) = folder.root.files(below);
        for (place, error) in errors {
            builder.problem(folder.path(&place), Fault::Unreadable(host::reason(&error)));
        }
        for file in places {
            let place = format!("{}{file}", folder.mount);
            let content = match interest(&place, certificates_dir) {
                Interest::None => continue,
                Interest::Presence => None,
                Interest::Content => match folder.root.read(&file, FILE_LIMIT) {
                    Ok(content) => Some(content),
                    Err(error) => {
                        builder.problem(folder.path(&file), Fault::Unreadable(host::reason(&error)));
                        None
                    }
                },
            };
            contents.insert(place, content);
        }
    }
    let read = contents.iter().filter_map(|(place, content)| Some((place, content.as_ref()?)));
    let named: Vec<_> = read.flat_map(|(place, content)| referenced(place, content)).collect();
    for place in named {
        let file = place.strip_prefix(folder.mount).filter(|_| !contents.contains_key(&place));
        if let Some(Ok(content)) = file.map(|file| folder.root.read(file, FILE_LIMIT)) {
            contents.insert(place, Some(content));
        }
    }
    let (kind, mount) = (folder.kind, folder.mount);
    let files = slices(&contents);
    builder.add(&Source { kind, node: None, mount, prefix: &folder.prefix, certificates_dir, files });
    Ok(())
}

fn slices(contents: &Contents) -> BTreeMap<&str, Option<&[u8]>> {
    contents.iter().map(|(place, content)| (place.as_str(), content.as_deref().map(Vec::as_slice))).collect()
}
