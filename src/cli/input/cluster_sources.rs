//! Reads what is known of a cluster that runs: surveys, files of nodes, files of Kubernetes' objects.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::{misplaced_secret, source};
use crate::host::{self, NodeArchive, NodeRoot};
use crate::import::{ObjectsError, OtherPod, Sources};
use crate::node::{self, NodeError};
use crate::survey::Survey;
use crate::tree::Tree;

/// The most bytes of a file of objects. A list of 3,000 nodes has about 50 MB.
const LIMIT: u64 = 256 << 20;
/// The most folders below each other in which surveys and roots are looked for.
const DEPTH: usize = 4;
/// The most files of one folder.
const MOST_FILES: usize = 100_000;

/// What marks a folder as a copy of `/etc/kubernetes` or of its `pki`.
const PARTS: [&str; 6] = ["pki", "manifests", "admin.conf", "kubelet.conf", "apiserver.crt", "front-proxy-ca.crt"];

/// The first bytes of a gzip member (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

const HINT: &str = "give surveys (`certferry survey`), roots or tar archives of nodes, folders of these, kubeadm's \
                    configuration, or the output of `kubectl get nodes -o yaml`";

/// Reads every source that the paths name.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Sources, Failure> {
    let mut sources = Sources::default();
    for path in paths {
        if !source::is_standard(path) && path.is_dir() {
            let before = count(&sources);
            read_folder(path, 0, &mut sources)?;
            if count(&sources) == before {
                return Err(
                    Failure::cannot_run(format!("nothing in {} says anything of a cluster", path.display())).hint(HINT)
                );
            }
        } else {
            read_file(path, &mut sources)?
                .map_err(|reason| Failure::cannot_run(format!("{} {reason}", named(path))).hint(HINT))?;
        }
    }
    Ok(sources)
}

fn count(sources: &Sources) -> (usize, usize) {
    (sources.surveys.len(), sources.objects.len())
}

/// Reads a folder: the root of a node, or a folder of sources. What says nothing in the latter is noted.
fn read_folder(path: &Path, depth: usize, sources: &mut Sources) -> Result<(), Failure> {
    let root = NodeRoot::new(path.to_owned());
    let shown = path.display().to_string();
    let installed = node::installed_files(&root);
    if let Some((survey, pods)) = survey_of(root, path == Path::new("/")) {
        add(shown, survey, (installed, pods), sources);
        return Ok(());
    }
    // A part of a node's files, such as a copy of /etc/kubernetes.
    if PARTS.iter().any(|mark| path.join(mark).symlink_metadata().is_ok()) {
        let archive = NodeArchive::of_folder(path).or_cannot("read", path)?;
        return add_archive(path, &archive, sources)
            .map_err(|reason| Failure::cannot_run(format!("{} {reason}", path.display())).hint(HINT));
    }
    let mut entries = Vec::new();
    for entry in path.read_dir().or_cannot("read", path)? {
        entries.push(entry.or_cannot("read", path)?.path());
        if entries.len() > MOST_FILES {
            return Err(Failure::cannot_run(format!("{} holds more than {MOST_FILES} files", path.display()))
                .hint("name the files themselves"));
        }
    }
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            if depth < DEPTH {
                read_folder(&entry, depth + 1, sources)?;
            }
        } else if let Err(reason) = read_file(&entry, sources)? {
            sources.unused.push((entry.display().to_string(), format!("it {reason}")));
        }
    }
    Ok(())
}

/// Adds the survey of a root, and what certferry installed there. A record that cannot be read is noted.
fn add(
    shown: String,
    survey: Survey,
    (installed, pods): (Result<Option<BTreeSet<String>>, NodeError>, Vec<OtherPod>),
    sources: &mut Sources,
) {
    match installed {
        Ok(Some(files)) => drop(sources.installed.insert(shown.clone(), files)),
        Ok(None) => {}
        Err(error) => {
            let record = format!("{shown}/{}", node::place::INSTALLED);
            sources.unused.push((record, format!("what certferry installed there cannot be read: {error}")));
        }
    }
    sources.pods.insert(shown.clone(), pods);
    sources.surveys.push((shown, survey));
}

/// Takes the survey of a root and its further static pods, or returns `None` when it has nothing of a node.
fn survey_of(root: NodeRoot, is_this_host: bool) -> Option<(Survey, Vec<OtherPod>)> {
    // Of another machine's disk nobody knows the addresses.
    let addresses = if is_this_host { host::addresses().unwrap_or_default() } else { Vec::new() };
    let tree = Tree::read_any(root);
    let survey = Some(Survey::take(&tree, &addresses)).filter(|survey| !survey.is_empty())?;
    let pod = |(name, mounts): (String, Vec<String>)| OtherPod { name, mounts };
    Some((survey, tree.other_pods().into_iter().map(pod).collect()))
}

/// Reads a file. The inner error says why nothing in it can be used; it continues a sentence that begins with the
/// file's name.
fn read_file(path: &Path, sources: &mut Sources) -> Result<Result<(), String>, Failure> {
    if !source::is_standard(path) && !path.metadata().or_cannot("read", path)?.is_file() {
        return Ok(Err("is not a regular file".to_owned()));
    }
    let opened = source::open(path).or_cannot("read", path)?;
    if opened.first().starts_with(&GZIP) {
        let archive = NodeArchive::read(opened.buffered(), true);
        return Ok(archive
            .map_err(|error| format!("cannot be unpacked: {}", host::reason(&error)))
            .and_then(|archive| add_archive(path, &archive, sources)));
    }
    let content = opened.read(LIMIT).or_cannot("read", path)?;
    if NodeArchive::is_tar(&content) {
        let archive = NodeArchive::read(&content[..], false);
        return Ok(archive
            .map_err(|error| format!("cannot be unpacked: {}", host::reason(&error)))
            .and_then(|archive| add_archive(path, &archive, sources)));
    }
    let shown = named(path);
    if Survey::is_one(&content) {
        misplaced_secret::refuse_content(path, &content, "a survey")?;
        return Ok(match Survey::parse(&content) {
            Ok(survey) => {
                sources.surveys.push((shown, survey));
                Ok(())
            }
            // The reader of TOML shows the line below its first words.
            Err(error) => Err(error.to_string().lines().next().unwrap_or_default().to_owned()),
        });
    }
    Ok(sources.objects.add(&shown, &content).map_err(|error: ObjectsError| error.to_string()))
}

/// Takes the survey of every node in an archive.
fn add_archive(path: &Path, archive: &NodeArchive, sources: &mut Sources) -> Result<(), String> {
    let mut has_any = false;
    for (place, files) in archive.roots() {
        let root = NodeRoot::of_archive(files);
        let installed = node::installed_files(&root);
        let Some((survey, pods)) = survey_of(root, false) else { continue };
        let shown =
            if place.as_os_str().is_empty() { named(path) } else { format!("{} in {}", place.display(), named(path)) };
        add(shown, survey, (installed, pods), sources);
        has_any = true;
    }
    if has_any { Ok(()) } else { Err("holds no file of a node".to_owned()) }
}
