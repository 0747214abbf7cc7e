//! `inspect`: which certificates there are, who signed them, when they end.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::bundle::{BundleError, Reader, Row, VerifiedPart};
use crate::cli::args::{InspectArguments, InspectFormat};
use crate::cli::command::inspect_lint;
use crate::cli::failure::Failure;
use crate::cli::input::trust;
use crate::cli::text::findings;
use crate::cli::text::inspect;
use crate::host::{self, NodeRoot};
use crate::kubeconfig::referenced;
use crate::kubernetes::PartName;
use crate::report::{self, Builder, Fault, Interest, Inventory, Source, SourceKind, interest};
use crate::sign::PublicKey;

/// As in a bundle: no file is larger.
pub(crate) const FILE_LIMIT: u64 = 4 << 20;
/// What a gzip member begins with (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Places and their contents; keys and what cannot be read have none.
type Contents = BTreeMap<String, Option<Zeroizing<Vec<u8>>>>;

pub(crate) fn run(arguments: &InspectArguments) -> Result<String, Failure> {
    let at = trust::time_of(arguments.at.as_deref())?;
    if arguments.lint {
        return inspect_lint::run(arguments, at);
    }
    let mut inventory = inventory(&arguments.paths, arguments.key.as_deref())?;
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
        InspectFormat::Text => report::text(&inventory, at, arguments.verbose),
        InspectFormat::Json => report::json(&inventory, at).map_err(|error| Failure::defect(&error.to_string()))?,
        InspectFormat::Prometheus => report::prometheus(&inventory, at),
    };
    if !inventory.problems.is_empty() {
        let message = inspect::problems(&inventory.problems);
        return Err(Failure::cannot_run(message).output(text));
    }
    let count = inventory.entries().count();
    match until {
        Some(until) if count > 0 => {
            let certificates = if count == 1 { "certificate ends" } else { "certificates end" };
            let message = format!("{count} {certificates} by {}", findings::instant(until));
            Err(Failure::says_no(message).output(text))
        }
        _ => Ok(text),
    }
}

fn inventory(paths: &[PathBuf], key: Option<&str>) -> Result<Inventory, Failure> {
    let mut builder = Builder::new();
    // Single files share a table, wherever they stand among the others.
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
        let key = bundle_key(path, key)?;
        builder.begin(path.display().to_string());
        add_bundle(&mut builder, source, &key).map_err(|error| Failure::bundle(path, &error))?;
    }
    for path in folders {
        builder.begin(path.display().to_string());
        add_folder(&mut builder, path)?;
    }
    Ok(builder.finish())
}

/// Adds a certificate or kubeconfig; gives back a bundle, which needs a key.
fn add_file(builder: &mut Builder, path: &Path) -> io::Result<Option<impl BufRead + use<>>> {
    let title = path.display().to_string();
    let content = if title == "-" {
        host::read_stdin(FILE_LIMIT)?
    } else if is_bundle(path)? {
        return host::open(path).map(Some);
    } else {
        host::read(path, FILE_LIMIT)?
    };
    // A kubeconfig may name files: relative ones count from its own folder.
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
    builder.add(&Source { kind, node: None, mount: "", prefix: "/", files: slices(&contents) });
    Ok(None)
}

/// The key for a bundle, under which its outer signature holds if it has one.
pub(crate) fn bundle_key(path: &Path, key: Option<&str>) -> Result<PublicKey, Failure> {
    let key = key.ok_or_else(|| {
        Failure::cannot_run(format!(
            "{} is a bundle: nothing in it is believed before its signatures hold",
            path.display()
        ))
        .hint("add --key with the public key's file or its fingerprint `sha256:...`, as `certferry build` printed it")
    })?;
    let key = trust::trusted_key(path, key)?;
    trust::check_outer_signature(path, &key)?;
    Ok(key)
}

/// Whether a file begins as a bundle does.
pub(crate) fn is_bundle(path: &Path) -> io::Result<bool> {
    host::begins_with(path, &GZIP)
}

fn add_bundle(builder: &mut Builder, source: impl BufRead, key: &PublicKey) -> Result<(), BundleError> {
    let mut reader = Reader::open(source, key)?;
    while let Some(part) = reader.next_part()? {
        add_part(builder, &part);
    }
    reader.finish().map(|_| ())
}

fn add_part(builder: &mut Builder, part: &VerifiedPart) {
    let top = part.record().head.top();
    let (node, prefix) = match part.record().owner.part() {
        PartName::Node(name) => (Some(name.clone()), format!("{top}/nodes/{name}/")),
        PartName::Cluster => (None, format!("{top}/cluster/")),
    };
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
        match interest(row.path()) {
            Interest::Content => files.insert(row.path(), Some(content)),
            Interest::Presence => files.insert(row.path(), None),
            Interest::None => None,
        };
    }
    builder.add(&Source { kind: SourceKind::Tree, node: node.as_deref(), mount: "", prefix: &prefix, files });
}

fn add_folder(builder: &mut Builder, path: &Path) -> Result<(), Failure> {
    let folder = Folder::find(path)?;
    let mut contents = Contents::new();
    for below in &folder.below {
        let (places, errors) = folder.root.files(below);
        for (place, error) in errors {
            builder.problem(folder.path(&place), Fault::Unreadable(host::reason(&error)));
        }
        for file in places {
            let place = format!("{}{file}", folder.mount);
            let content = match interest(&place) {
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
    builder.add(&Source { kind, node: None, mount, prefix: &folder.prefix, files: slices(&contents) });
    Ok(())
}

fn slices(contents: &Contents) -> BTreeMap<&str, Option<&[u8]>> {
    contents.iter().map(|(place, content)| (place.as_str(), content.as_deref().map(Vec::as_slice))).collect()
}

/// A folder of a node's files, and which it is.
pub(crate) struct Folder {
    pub(crate) root: NodeRoot,
    /// What a person would type before a place.
    prefix: String,
    kind: SourceKind<'static>,
    /// The node's folder that `root` is; empty when it is the node's root.
    pub(crate) mount: &'static str,
    /// Where to look below `root`.
    pub(crate) below: Vec<&'static str>,
}

impl Folder {
    pub(crate) fn find(path: &Path) -> Result<Self, Failure> {
        Self::of(path).ok_or_else(|| {
            Failure::cannot_run(format!("{} holds neither etc/kubernetes nor var/lib/kubelet", path.display()))
                .hint("name the root of a node's files, /etc/kubernetes, a pki folder, or single files")
        })
    }

    fn of(path: &Path) -> Option<Self> {
        let (kubernetes, kubelet) = ("etc/kubernetes", "var/lib/kubelet");
        let root = NodeRoot::new(path.to_owned());
        if root.is_folder(kubernetes) || root.is_folder(kubelet) {
            return Some(Self::new(path, SourceKind::Tree, "", vec![kubernetes, "var/lib/kubelet/pki"]));
        }
        // `.` in /etc/kubernetes is /etc/kubernetes.
        if let Some(root) = std::path::absolute(path).ok().and_then(|path| root_above(&path, kubernetes)) {
            return Self::of(&root);
        }
        let names = |folder| root.files(folder).0;
        let is_kubelets = |file: &String| file.rsplit('/').next().is_some_and(|name| name.starts_with("kubelet"));
        let (kind, mount) = if root.is_folder("pki") {
            if names("pki").iter().any(is_kubelets) {
                (SourceKind::Folder, "var/lib/kubelet/")
            } else {
                (SourceKind::Tree, "etc/kubernetes/")
            }
        } else if names("").iter().any(is_kubelets) {
            (SourceKind::Folder, "var/lib/kubelet/pki/")
        } else if names("").iter().any(|file| file.ends_with(".crt")) {
            (SourceKind::Folder, "etc/kubernetes/pki/")
        } else {
            return None;
        };
        Some(Self::new(path, kind, mount, vec![""]))
    }

    fn new(path: &Path, kind: SourceKind<'static>, mount: &'static str, below: Vec<&'static str>) -> Self {
        let prefix = format!("{}/", path.display().to_string().trim_end_matches('/'));
        Self { root: NodeRoot::new(path.to_owned()), prefix, kind, mount, below }
    }

    pub(crate) fn path(&self, file: &str) -> String {
        format!("{}{file}", self.prefix)
    }
}

/// The folder in which the path is `below`.
fn root_above(path: &Path, below: &str) -> Option<PathBuf> {
    let count = Path::new(below).components().count();
    path.ends_with(below).then(|| path.ancestors().nth(count).map(Path::to_owned)).flatten()
}
