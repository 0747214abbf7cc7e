//! `split`: cuts parts out of a bundle, each for a medium that goes to one node alone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::bundle::{Head, Slices, split};
use crate::cli::args::{OutputFormat, SplitArguments};
use crate::cli::command::cut::Cut;
use crate::cli::command::slice_folder::{SLICE_MODE, SliceFolder, cannot_write, slice_path};
use crate::cli::command::split_sealed;
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::opening::Kind;
use crate::cli::input::source;
use crate::cli::text::json;
use crate::host::{self, CommitError, Outputs, Source};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

#[derive(Serialize)]
struct SplitJson {
    changed: bool,
    dry_run: bool,
    bundle: String,
    cluster: String,
    generation: u32,
    kubernetes: String,
    slices: Vec<SliceJson>,
}

#[derive(Serialize)]
struct SliceJson {
    part: String,
    file: String,
}

pub(crate) fn run(arguments: &SplitArguments) -> Result<String, Failure> {
    let nodes = arguments.node.iter().cloned().map(PartName::Node);
    let parts: BTreeSet<_> = nodes.chain(arguments.with_cluster.then_some(PartName::Cluster)).collect();
    let one_part = parts.first().filter(|_| parts.len() == 1 && !arguments.all);
    if arguments.is_printed() {
        check_printed(arguments, one_part)?;
    }
    let source = source::open(&arguments.bundle).or_cannot("read", &arguments.bundle)?;
    let kind = Kind::of(&source);
    let cut = match one_part {
        _ if kind == Kind::Sealed => split_sealed::cut(arguments, source, &parts, one_part),
        _ if kind == Kind::Envelope => Err(is_envelope(&arguments.bundle)),
        _ if arguments.dry_run => foreseen(arguments, source, &parts, one_part),
        Some(part) => one(arguments, source, part),
        None => several(arguments, source, &parts),
    };
    // Files of the parts went through buffers on it.
    wipe_stack();
    let cut = cut?;
    if arguments.format.output == OutputFormat::Json {
        return json(arguments, &cut);
    }
    if arguments.is_printed() && !arguments.dry_run {
        return Ok(String::new());
    }
    let sealed = if kind == Kind::Sealed { "sealed " } else { "" };
    let what = match one_part {
        Some(part) => format!("{sealed}{part}"),
        None => format!("{} {sealed}{}", cut.files.len(), if cut.files.len() == 1 { "slice" } else { "slices" }),
    };
    let out = arguments.out.display();
    Ok(match arguments.dry_run {
        true => format!("{out}  {what}, would be written; nothing was\n"),
        false if kind == Kind::Sealed => format!(
            "{out}  {what}, neither opened nor verified: whoever receives it does, with `certferry verify`, the signer's key and \
             --identity\n"
        ),
        false => format!(
            "{out}  {what}, not verified: whoever receives it does, with `certferry verify` and the signer's key\n"
        ),
    })
}

fn json(arguments: &SplitArguments, cut: &Cut) -> Result<String, Failure> {
    let (cluster, generation, kubernetes) = cut.of.clone().unwrap_or_default();
    let slice =
        |(part, file): (&PartName, &PathBuf)| SliceJson { part: part.to_string(), file: file.display().to_string() };
    let document = SplitJson {
        changed: cut.changed,
        dry_run: arguments.dry_run,
        bundle: arguments.bundle.display().to_string(),
        cluster,
        generation,
        kubernetes,
        slices: cut.files.iter().map(slice).collect(),
    };
    json::document("split", &document)
}

/// Refuses to print what cannot or must not be printed.
fn check_printed(arguments: &SplitArguments, one_part: Option<&PartName>) -> Result<(), Failure> {
    if one_part.is_none() {
        return Err(Failure::cannot_run("several slices are several files, and --out their folder")
            .hint("`--out -` prints the slice of one part"));
    }
    if arguments.format.output == OutputFormat::Json && !arguments.dry_run {
        return Err(Failure::cannot_run("the slice and the document cannot both be printed")
            .hint("name a file with --out, or leave -o json out"));
    }
    if host::is_stdout_terminal() && !arguments.dry_run {
        return Err(Failure::cannot_run("a slice holds private keys, and is not printed on a terminal")
            .hint("give it to a program or a file: `certferry split ... --out - | ssh HOST ...`"));
    }
    Ok(())
}

/// Returns the failure for one sealed slice, of which nothing can be cut.
fn is_envelope(path: &Path) -> Failure {
    Failure::cannot_run(format!("{} is sealed as one, and cannot be cut", named(path)))
        .hint("a sealed slice is carried as it is; `certferry open` takes out what is in it")
}

/// Cuts one part out into a file, or into the standard output.
///
/// In a frame of its own: what is on the stack of [`run`] itself could not be wiped.
#[inline(never)]
fn one(arguments: &SplitArguments, source: Source, part: &PartName) -> Result<Cut, Failure> {
    let SplitArguments { bundle, out, .. } = arguments;
    // What is there is never overwritten.
    let changed = !arguments.is_printed() && out.symlink_metadata().is_err();
    let mut outputs = Outputs::new();
    let file = match arguments.is_printed() {
        true => host::stdout_file().or_cannot("write to", Path::new("the standard output"))?,
        false => outputs.stage(out, SLICE_MODE, false).or_cannot("write", out)?,
    };
    let mut slice = One { part, file, cut: Cut::default() };
    let cut = split(source.buffered(), &mut slice);
    let found = cut.map_err(|error| Failure::split(bundle, &error, |_| written(arguments)))?;
    if found.is_empty() {
        return Err(no_part(bundle, part));
    }
    outputs.commit().map_err(|refused| exists(&refused))?;
    let files = [(part.clone(), out.clone())].into();
    Ok(Cut { files, changed, ..slice.cut })
}

/// Returns the name of what is written, for a person.
fn written(arguments: &SplitArguments) -> PathBuf {
    if arguments.is_printed() { "the standard output".into() } else { arguments.out.clone() }
}

/// Cuts several parts out, or all if none is named, into a new folder.
#[inline(never)]
fn several(arguments: &SplitArguments, source: Source, parts: &BTreeSet<PartName>) -> Result<Cut, Failure> {
    let SplitArguments { bundle, out, .. } = arguments;
    let mut folder = SliceFolder::begin(out, parts.clone())?;
    let found = folder.cut(bundle, source.buffered())?;
    if let Some(missing) = parts.iter().find(|part| !found.contains(part)) {
        return Err(no_part(bundle, missing));
    }
    let mut cut = Cut { files: folder.files(), changed: true, of: None };
    folder.head().into_iter().for_each(|head| cut.see(head));
    folder.commit()?;
    Ok(cut)
}

/// Returns what would be cut out. Refuses what [`one`] and [`several`] would refuse.
#[inline(never)]
fn foreseen(
    arguments: &SplitArguments,
    source: Source,
    parts: &BTreeSet<PartName>,
    one_part: Option<&PartName>,
) -> Result<Cut, Failure> {
    let SplitArguments { bundle, out, .. } = arguments;
    match one_part {
        None => host::check_new_tree(out).map_err(|error| cannot_write(out, &error))?,
        // With the same bytes the file may be there.
        Some(_) if arguments.is_printed() || out.is_file() => {}
        Some(_) => host::check_new_file(out).map_err(|error| not_new(out, &error))?,
    }
    let is_file = one_part.is_some();
    let mut slices =
        Foreseen { parts, out, is_file, cut: Cut { changed: true, ..Cut::default() }, hash: Sha256::new() };
    split(source.buffered(), &mut slices).map_err(|error| Failure::split(bundle, &error, |_| out.clone()))?;
    if is_file && !arguments.is_printed() && out.is_file() {
        let found = host::sha256(out).or_cannot("read", out)?;
        if found != <[u8; 32]>::from(slices.hash.finalize()) {
            host::check_new_file(out).map_err(|error| not_new(out, &error))?;
        }
        slices.cut.changed = false;
    }
    match parts.iter().find(|part| !slices.cut.files.contains_key(part)) {
        Some(missing) => Err(no_part(bundle, missing)),
        None => Ok(slices.cut),
    }
}

/// Returns the failure for a bundle without a part that is asked for, of which the name may be misspelt.
fn no_part(bundle: &Path, part: &PartName) -> Failure {
    let mut names = Names::default();
    // What cannot be read was told before.
    let _ = source::open(bundle).map(|source| split(source.buffered(), &mut names));
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
    cut: Cut,
}

impl Slices for One<'_> {
    fn wants(&self, part: &PartName) -> bool {
        part == self.part
    }

    fn begin(&mut self, _: &PartName, head: &Head) -> io::Result<()> {
        self.cut.see(head);
        Ok(())
    }

    fn write(&mut self, _: &PartName, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}

/// The slices that would be written.
struct Foreseen<'a> {
    /// The parts that are wanted. All are if it is empty.
    parts: &'a BTreeSet<PartName>,
    out: &'a Path,
    /// Whether `out` is the slice itself, and not its folder.
    is_file: bool,
    cut: Cut,
    /// Of the bytes of all slices. It is of use for one.
    hash: Sha256,
}

impl Slices for Foreseen<'_> {
    fn wants(&self, part: &PartName) -> bool {
        self.parts.is_empty() || self.parts.contains(part)
    }

    fn begin(&mut self, part: &PartName, head: &Head) -> io::Result<()> {
        self.cut.see(head);
        let file = if self.is_file { self.out.to_owned() } else { self.out.join(slice_path(part, head)) };
        self.cut.files.insert(part.clone(), file);
        Ok(())
    }

    fn write(&mut self, _: &PartName, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        Ok(())
    }
}

fn not_new(out: &Path, error: &io::Error) -> Failure {
    let failure = Failure::io("write", out, error);
    match error.kind() {
        io::ErrorKind::AlreadyExists => failure.hint("name a file that does not exist"),
        _ => failure,
    }
}

fn exists(refused: &CommitError) -> Failure {
    let failure = Failure::commit("write", refused);
    match refused.error.kind() {
        io::ErrorKind::AlreadyExists => failure.hint("name a file that does not exist"),
        _ => failure,
    }
}
