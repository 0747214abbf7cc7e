//! `split`: cuts parts out of a bundle, each for a medium that goes to one node alone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::bundle::{Head, Slices, folder, split};
use crate::cli::args::SplitArguments;
use crate::cli::failure::{Failure, OrFailure};
use crate::host::{self, CommitError, NewTree, Outputs};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

/// The mode of a slice, because there are keys in it.
const MODE: u32 = 0o600;

pub(crate) fn run(arguments: &SplitArguments) -> Result<String, Failure> {
    let nodes = arguments.node.iter().cloned().map(PartName::Node);
    let parts: BTreeSet<_> = nodes.chain(arguments.with_cluster.then_some(PartName::Cluster)).collect();
    let cut = match parts.first() {
        Some(part) if parts.len() == 1 && !arguments.all => one(arguments, part),
        _ => several(arguments, &parts),
    };
    // Files of the parts went through buffers on it.
    wipe_stack();
    let what = cut?;
    Ok(format!(
        "{}  {what}, not verified: whoever receives it does, with `certferry verify` and the signer's key\n",
        arguments.out.display()
    ))
}

/// Cuts one part out into a file. Returns its name.
///
/// In a frame of its own: what is on the stack of [`run`] itself could not be wiped.
#[inline(never)]
fn one(arguments: &SplitArguments, part: &PartName) -> Result<String, Failure> {
    let SplitArguments { bundle, out, .. } = arguments;
    let source = host::open(bundle).or_cannot("read", bundle)?;
    let mut outputs = Outputs::new();
    let file = outputs.stage(out, MODE, false).or_cannot("write", out)?;
    let cut = split(source, &mut One { part, file });
    let found = cut.map_err(|error| Failure::split(bundle, &error, |_| out.clone()))?;
    if found.is_empty() {
        return Err(no_part(bundle, part));
    }
    outputs.commit().map_err(|refused| exists(&refused))?;
    Ok(part.to_string())
}

/// Cuts several parts out, or all if none is named, into a new folder. Returns how many.
#[inline(never)]
fn several(arguments: &SplitArguments, parts: &BTreeSet<PartName>) -> Result<String, Failure> {
    let SplitArguments { bundle, out, .. } = arguments;
    let source = host::open(bundle).or_cannot("read", bundle)?;
    let cannot = |error: &io::Error| {
        let failure = Failure::io("write to", out, error);
        match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => {
                failure.hint("name a folder that does not exist or is empty; nothing was written")
            }
            _ => failure,
        }
    };
    let tree = NewTree::begin(out).map_err(|error| cannot(&error))?;
    let mut folder = Folder { parts, tree, paths: BTreeMap::new(), open: None };
    let cut = split(source, &mut folder);
    let path = |part: &PartName| out.join(folder.paths.get(part).map_or("", String::as_str));
    let found = cut.map_err(|error| Failure::split(bundle, &error, path))?;
    if let Some(missing) = parts.iter().find(|part| !found.contains(part)) {
        return Err(no_part(bundle, missing));
    }
    folder.tree.commit().map_err(|error| cannot(&error))?;
    let slices = if found.len() == 1 { "slice" } else { "slices" };
    Ok(format!("{} {slices}", found.len()))
}

/// Returns the failure for a bundle without a part that is asked for, of which the name may be misspelt.
fn no_part(bundle: &Path, part: &PartName) -> Failure {
    let mut names = Names::default();
    // What cannot be read was told before.
    let _ = host::open(bundle).map(|source| split(source, &mut names));
    Failure::no_part(bundle, part, &names.0.take())
}

/// The names of all parts, of which none is cut out.
#[derive(Default)]
struct Names(RefCell<BTreeSet<PartName>>);

impl Slices for Names {
    fn wants(&self, part: &PartName) -> bool {
        self.0.borrow_mut().insert(part.clone());
        false
    }

    fn begin(&mut self, _: &PartName, _: &Head) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &PartName, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// The slice of one part.
struct One<'a> {
    part: &'a PartName,
    file: File,
}

impl Slices for One<'_> {
    fn wants(&self, part: &PartName) -> bool {
        part == self.part
    }

    fn begin(&mut self, _: &PartName, _: &Head) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &PartName, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}

/// The slices in a folder, of which one is open at a time.
struct Folder<'a> {
    /// The parts that are wanted. All are if it is empty.
    parts: &'a BTreeSet<PartName>,
    tree: NewTree,
    /// The path of each slice: `nodes/NAME/BUNDLE.tar.gz` or `cluster/BUNDLE.tar.gz`. So each has a folder that is
    /// carried as it is, and the name by which `--key sha256:...` finds the key beside it.
    paths: BTreeMap<PartName, String>,
    open: Option<(PartName, File)>,
}

impl Slices for Folder<'_> {
    fn wants(&self, part: &PartName) -> bool {
        self.parts.is_empty() || self.parts.contains(part)
    }

    fn begin(&mut self, part: &PartName, head: &Head) -> io::Result<()> {
        let path = format!("{}/{}.tar.gz", folder(part), head.top());
        // First, because a failure names it.
        let path = self.paths.entry(part.clone()).or_insert(path);
        self.open = Some((part.clone(), self.tree.create(path, MODE)?));
        Ok(())
    }

    fn write(&mut self, part: &PartName, bytes: &[u8]) -> io::Result<()> {
        let file = match self.open.take() {
            Some((open, file)) if open == *part => file,
            // The end of a slice comes when all others were begun.
            _ => self.tree.append(self.paths.get(part).map_or("", String::as_str))?,
        };
        let (_, file) = self.open.insert((part.clone(), file));
        file.write_all(bytes)
    }
}

fn exists(refused: &CommitError) -> Failure {
    let failure = Failure::commit("write", refused);
    match refused.error.kind() {
        io::ErrorKind::AlreadyExists => failure.hint("name a file that does not exist"),
        _ => failure,
    }
}
