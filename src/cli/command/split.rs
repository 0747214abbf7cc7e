//! `split`: cuts parts out of a bundle, each for a medium that goes to one node alone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::bundle::{Head, Slices, split};
use crate::cli::args::SplitArguments;
use crate::cli::command::slice_folder::{SLICE_MODE, SliceFolder};
use crate::cli::failure::{Failure, OrFailure};
use crate::host::{self, CommitError, Outputs};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

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
    let file = outputs.stage(out, SLICE_MODE, false).or_cannot("write", out)?;
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
    let mut folder = SliceFolder::begin(out, parts.clone())?;
    let found = folder.cut(bundle, source)?;
    if let Some(missing) = parts.iter().find(|part| !found.contains(part)) {
        return Err(no_part(bundle, missing));
    }
    folder.commit()?;
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

fn exists(refused: &CommitError) -> Failure {
    let failure = Failure::commit("write", refused);
    match refused.error.kind() {
        io::ErrorKind::AlreadyExists => failure.hint("name a file that does not exist"),
        _ => failure,
    }
}
