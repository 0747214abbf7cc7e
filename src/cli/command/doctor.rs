//! `doctor`: says what is wrong with a node, why it hurts, and how to mend it.

use std::path::{Path, PathBuf};

use ::time::{Duration, OffsetDateTime};

use crate::cli::args::{DoctorArguments, OutputFormat};
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::node_folder::root_above;
use crate::cli::input::time;
use crate::cli::text::{bounded, doctor};
use crate::doctor::{Objects, ObjectsError, Question, examine};
use crate::host::{self, NodeRoot};
use crate::kubernetes::KUBERNETES;
use crate::node;
use crate::tree::{Tree, Unread};
use crate::x509::escape_for_terminal;

/// The most bytes of a file of objects, above what `kubectl get secrets -A -o yaml` prints of a large cluster.
pub(crate) const OBJECTS_LIMIT: u64 = 64 << 20;
const ENDINGS: [&str; 3] = [".json", ".yaml", ".yml"];

pub(crate) fn run(arguments: &DoctorArguments) -> Result<String, Failure> {
    let at = time::of(arguments.at.as_deref())?;
    let objects = objects(&arguments.manifests)?;
    let (root, tree) = tree(arguments.path())?;
    if tree.is_none() && objects.is_empty() {
        return Err(nothing(arguments.path()));
    }
    let expiring_by = arguments.expiring_within.after(at);
    // What is installed, and what runs, is that of a node, and not of its saved objects.
    let installed = tree.as_ref().map(|_| node::drift(&NodeRoot::new(root.clone()))).and_then(Result::transpose);
    let diagnosis = examine(&Question {
        tree: tree.as_ref(),
        installed: installed.as_ref().map(Result::as_ref),
        is_copy: root != Path::new("/"),
        api_server_since: api_server_since(&root),
        objects: &objects,
        at,
        expiring_by,
    });
    let unread = tree.as_ref().map(|tree| tree.unread.as_slice()).unwrap_or_default();
    if diagnosis.looked_at.is_nothing() && unread.is_empty() {
        return Err(nothing(arguments.path()));
    }
    if tree.is_some() && objects.is_empty() && unread.is_empty() && diagnosis.judged_nothing() {
        return Err(no_certificate(arguments.path()));
    }
    let output = match arguments.output {
        OutputFormat::Text => doctor::text(&diagnosis, unread.is_empty()),
        OutputFormat::Json => doctor::json(&diagnosis)?,
    };
    if !unread.is_empty() {
        return Err(incomplete(&root, unread).output(output));
    }
    match diagnosis.problems() {
        0 => Ok(output),
        1 => Err(Failure::says_no("1 problem").output(output)),
        count => Err(Failure::says_no(format!("{count} problems")).output(output)),
    }
}

/// Returns since when the API server of this very machine has run. Of another machine's disk nobody knows.
fn api_server_since(root: &Path) -> Option<OffsetDateTime> {
    if root != Path::new("/") {
        return None;
    }
    let processes = host::processes().unwrap_or_default();
    let age = processes.iter().find(|process| process.program() == "kube-apiserver")?.age?;
    host::now().checked_sub(Duration::try_from(age).ok()?)
}

/// Returns the root of a node's files, and the files. A path such as `/etc/kubernetes` stands for the root above it.
fn tree(path: &Path) -> Result<(PathBuf, Option<Tree>), Failure> {
    path.metadata().or_cannot("read", path)?;
    if !path.is_dir() {
        let hint = "name the root of a node's files; a single file is for `certferry inspect --lint`";
        return Err(Failure::cannot_run(format!("{} is not a folder", path.display())).hint(hint));
    }
    let read = |path: &Path| {
        let root = NodeRoot::new(path.to_owned());
        let certificates_dir = node::certificates_dir(&root);
        Tree::read(root, certificates_dir)
    };
    if let Some(tree) = read(path) {
        return Ok((path.to_owned(), Some(tree)));
    }
    let absolute = std::path::absolute(path).or_cannot("read", path)?;
    let root = root_above(&absolute, KUBERNETES).unwrap_or_else(|| path.to_owned());
    let tree = read(&root);
    Ok((root, tree))
}

fn nothing(path: &Path) -> Failure {
    Failure::cannot_run(format!("there is nothing of Kubernetes in {}", path.display())).hint(
        "name the root of a node's files: the folder with etc/kubernetes or var/lib/kubelet; saved objects go behind \
         --manifests",
    )
}

fn no_certificate(path: &Path) -> Failure {
    Failure::cannot_run(format!(
        "nothing was judged: there is no certificate in {} where a program of the node is known to look for one",
        path.display()
    ))
    .hint("certificates in other places are for `certferry inspect --lint FILE`")
}

fn incomplete(root: &Path, unread: &[Unread]) -> Failure {
    let line = |unread: &Unread| {
        let reason = host::reason(&unread.error);
        escape_for_terminal(&format!("{}  {reason}", root.join(&unread.place).display())) + "\n"
    };
    let lines = bounded::lines(unread.iter().map(line));
    let count = unread.len();
    let files = if count == 1 { "1 file cannot be read".to_owned() } else { format!("{count} files cannot be read") };
    let failure = Failure::cannot_run(format!("the answer is not complete: {files}")).lines(lines);
    let is_denied = |unread: &Unread| unread.error.kind() == std::io::ErrorKind::PermissionDenied;
    if unread.iter().any(is_denied) { failure.hint("keys are for root alone: run it as root") } else { failure }
}

/// Reads every file of objects. The files of a folder come in the order of their names.
fn objects(paths: &[PathBuf]) -> Result<Vec<Objects>, Failure> {
    let mut objects = Vec::new();
    for path in paths {
        if !path.is_dir() {
            objects.push(read(path)?);
            continue;
        }
        let names = NodeRoot::new(path.clone()).names("").or_cannot("read", path)?;
        let names: Vec<_> = names.iter().filter(|name| ENDINGS.iter().any(|ending| name.ends_with(ending))).collect();
        if names.is_empty() {
            return Err(Failure::cannot_run(format!("there is no .yaml, .yml or .json in {}", path.display())));
        }
        for name in names {
            objects.push(read(&path.join(name))?);
        }
    }
    Ok(objects)
}

fn read(path: &Path) -> Result<Objects, Failure> {
    let title = path.display().to_string();
    let content = if title == "-" { host::read_stdin(OBJECTS_LIMIT) } else { host::read(path, OBJECTS_LIMIT) };
    let content = content.or_cannot("read", path)?;
    Objects::read(title.clone(), &content).map_err(|error| {
        Failure::cannot_run(format!("cannot look at the objects of {title}: {error}")).hint(match error {
            ObjectsError::Utf16 => "save them with `kubectl get KIND -A -o yaml | Out-File -Encoding utf8 FILE`",
            _ => "save them with `kubectl get KIND -A -o yaml`",
        })
    })
}
