//! `split` of a sealed bundle: its envelopes, as they are. Nothing is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::bundle::sealed::{SealedPart, SealedReader};
use crate::cli::args::SplitArguments;
use crate::cli::command::cut::Cut;
use crate::cli::command::new_file::NewFile;
use crate::cli::command::slice_folder::{cannot_write, slice_path};
use crate::cli::failure::{Failure, OrFailure, printed};
use crate::host::{self, NewTree, Source};
use crate::kubernetes::PartName;

/// The mode of an envelope. What is secret in it is sealed.
const MODE: u32 = 0o644;

/// Cuts envelopes out: one into a file or the standard output, several or all into a new folder.
pub(super) fn cut(
    arguments: &SplitArguments,
    source: Source,
    parts: &BTreeSet<PartName>,
    one_part: Option<&PartName>,
) -> Result<Cut, Failure> {
    let SplitArguments { bundle, out, .. } = arguments;
    let failed = |error| Failure::bundle(bundle, &error);
    let mut sealed = SealedReader::open(source.buffered(), None).map_err(failed)?;
    let mut cut = Cut { changed: true, ..Cut::default() };
    let head = sealed.index().head.clone();
    cut.see(&head);
    let there: BTreeSet<_> = sealed.index().parts.iter().map(|(part, _)| part.clone()).collect();
    if let Some(missing) = parts.difference(&there).next() {
        return Err(Failure::no_part(bundle, missing, &there));
    }
    if let Some(part) = one_part {
        let mut found = Vec::new();
        while let Some(mut envelope) = sealed.next_part().map_err(failed)? {
            if envelope.part == *part {
                read(&mut envelope, &mut found).map_err(|error| failed(error.into()))?;
            }
        }
        cut.changed = one(arguments, part, &found)?;
        cut.files = [(part.clone(), out.clone())].into();
        return Ok(cut);
    }
    if arguments.dry_run {
        host::check_new_tree(out).map_err(|error| cannot_write(out, &error))?;
    }
    let mut tree = match arguments.dry_run {
        true => None,
        false => Some(NewTree::begin(out).map_err(|error| cannot_write(out, &error))?),
    };
    let mut files = BTreeMap::new();
    while let Some(mut envelope) = sealed.next_part().map_err(failed)? {
        if !parts.is_empty() && !parts.contains(&envelope.part) {
            continue;
        }
        let path = format!("{}.age", slice_path(&envelope.part, &head));
        files.insert(envelope.part.clone(), out.join(&path));
        if let Some(tree) = &mut tree {
            let mut bytes = Vec::new();
            read(&mut envelope, &mut bytes).map_err(|error| failed(error.into()))?;
            let written = tree.create(&path, MODE).and_then(|mut file| file.write_all(&bytes));
            written.or_cannot("write", out.join(&path))?;
        }
    }
    if let Some(tree) = tree {
        tree.commit().map_err(|error| cannot_write(out, &error))?;
    }
    Ok(Cut { files, ..cut })
}

fn read(envelope: &mut SealedPart<'_, impl io::BufRead>, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.reserve_exact(envelope.size);
    envelope.read_to_end(bytes).map(drop)
}

/// Writes one envelope, or says what would become of it. Returns whether a file is other than before.
fn one(arguments: &SplitArguments, part: &PartName, bytes: &[u8]) -> Result<bool, Failure> {
    let out = &arguments.out;
    if arguments.is_printed() {
        if !arguments.dry_run {
            let mut output = host::stdout_file().or_cannot("write to", Path::new("the standard output"))?;
            printed(output.write_all(bytes))?;
        }
        return Ok(false);
    }
    let new = NewFile { path: out, mode: MODE, doing: "write", hint: "name a file that does not exist" };
    let changed = out.symlink_metadata().is_err();
    match arguments.dry_run {
        true => new.foreseen(bytes, &part.to_string()).map(drop)?,
        false => new.write(bytes)?,
    }
    Ok(changed)
}
