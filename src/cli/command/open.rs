//! `open`: takes one part's slice out of its envelope, byte for byte as `split` writes it.

use std::io::{Read, Write};
use std::path::Path;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::bundle::limits::SEALED;
use crate::bundle::sealed::{SealedReader, Slice};
use crate::bundle::{BundleError, Content, SplitError};
use crate::cli::args::{OpenPartArguments, OutputFormat};
use crate::cli::command::new_file::NewFile;
use crate::cli::command::slice_folder::SLICE_MODE;
use crate::cli::failure::{Failure, OrFailure, named, printed};
use crate::cli::input::opening::{self, Heads, Kind};
use crate::cli::input::sealed::Opener;
use crate::cli::input::source;
use crate::cli::text::json;
use crate::cli::text::nearest::did_you_mean;
use crate::host::{self, Source};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

#[derive(Serialize)]
struct OpenJson {
    changed: bool,
    dry_run: bool,
    bundle: String,
    part: String,
    file: String,
    cluster: String,
    generation: u32,
    kubernetes: String,
}

pub(crate) fn run(arguments: &OpenPartArguments) -> Result<String, Failure> {
    let is_json = arguments.format.output == OutputFormat::Json;
    if arguments.is_printed() && !arguments.dry_run {
        if is_json {
            return Err(Failure::cannot_run("the slice and the document cannot both be printed")
                .hint("name a file with --out, or leave -o json out"));
        }
        if host::is_stdout_terminal() {
            return Err(Failure::cannot_run("a slice holds private keys, and is not printed on a terminal")
                .hint("name a file with --out, or give it to a program: `certferry open ... | sh install.sh - ...`"));
        }
    }
    let opened = opened(arguments);
    // The slice, and keys of ciphers, went over it.
    wipe_stack();
    let (slice, said) = opened?;
    let new = NewFile {
        path: &arguments.out,
        mode: SLICE_MODE,
        doing: "write",
        hint: "name a file that does not exist; nothing was written",
    };
    let is_there = !arguments.is_printed() && arguments.out.symlink_metadata().is_ok();
    let text = match (arguments.dry_run, arguments.is_printed()) {
        (true, true) => format!("-  {}, would be printed\n", said.part),
        (true, false) => new.foreseen(&slice, &said.part.to_string())?,
        (false, true) => {
            let mut out = host::stdout_file().or_cannot("write to", Path::new("the standard output"))?;
            printed(out.write_all(&slice))?;
            return Ok(String::new());
        }
        (false, false) => {
            new.write(&slice)?;
            format!(
                "{}  {}, not verified: whoever receives it does, with `certferry verify` and the signer's key\n",
                arguments.out.display(),
                said.part
            )
        }
    };
    if !is_json {
        return Ok(text);
    }
    let document = OpenJson {
        changed: !arguments.is_printed() && !is_there,
        dry_run: arguments.dry_run,
        bundle: arguments.sealed.display().to_string(),
        part: said.part.to_string(),
        file: arguments.out.display().to_string(),
        cluster: said.head.cluster,
        generation: said.head.generation,
        kubernetes: said.head.kubernetes,
    };
    json::document("open", &document)
}

/// Opens the slice, and says of which part it is.
#[inline(never)]
fn opened(arguments: &OpenPartArguments) -> Result<(Content, Slice), Failure> {
    let path = &arguments.sealed;
    let source = source::open(path).or_cannot("read", path)?;
    match Kind::of(&source) {
        Kind::Sealed => of_bundle(arguments, source),
        Kind::Envelope => of_slice(arguments, source),
        Kind::Bundle => Err(Failure::cannot_run(format!("{} is not sealed", named(path)))
            .hint("`certferry split` cuts a part out of a bundle")),
        Kind::Other => {
            Err(Failure::cannot_run(format!("{} is neither a sealed bundle nor a sealed slice", named(path)))
                .hint("give the file CLUSTER-gN.sealed.tar, or a NODE.tar.gz.age out of it"))
        }
    }
}

fn of_slice(arguments: &OpenPartArguments, source: Source) -> Result<(Content, Slice), Failure> {
    let path = &arguments.sealed;
    // What is in a file is shorter than the file; of a pipe nothing is known. What grows leaves copies behind.
    let room = Some(source.length()).filter(|length| (1..SEALED).contains(length)).unwrap_or(SEALED);
    let opened = opening::envelope(path, source.buffered(), &Opener::new(&arguments.open))?;
    let mut slice = Zeroizing::new(Vec::with_capacity(room as usize + 1));
    let read = opened.take(SEALED + 1).read_to_end(&mut slice);
    read.map_err(|error| Failure::bundle(path, &error.into()))?;
    let said = match slice.len() as u64 > SEALED {
        true => Err(SplitError::Bundle(BundleError::MemberTooLong { limit: SEALED })),
        false => Slice::read(&slice),
    };
    let said = said.map_err(|error| refused(path, &error))?;
    match &arguments.part {
        Some(part) if *part != said.part => {
            Err(Failure::cannot_run(format!("{} is the slice of {}, not of {part}", named(path), said.part)))
        }
        _ => Ok((slice, said)),
    }
}

fn of_bundle(arguments: &OpenPartArguments, source: Source) -> Result<(Content, Slice), Failure> {
    let (path, wanted) = (&arguments.sealed, arguments.part.as_ref());
    let failed = |error| Failure::bundle(path, &error);
    let identities = Opener::new(&arguments.open).identities(path)?;
    let mut sealed = SealedReader::open(source.buffered(), None).map_err(failed)?;
    let parts = sealed.index().parts.clone();
    if let Some(part) = wanted.filter(|wanted| !parts.iter().any(|(part, _)| part == *wanted)) {
        return Err(no_part(path, part, parts.iter().map(|(part, _)| part)));
    }
    let heads = Heads::default();
    let mut open = opening::opener_of_parts(path, identities, wanted.cloned(), heads);
    let mut found: Option<(Content, PartName, String)> = None;
    // To the end: what follows may be wrong, and another part may open, too.
    while let Some(mut envelope) = sealed.next_part().map_err(failed)? {
        let opened = open(&mut envelope).map_err(|error| failed(error.into()))?;
        let (part, entry) = (envelope.part, envelope.entry);
        match (opened, &found) {
            (None, _) => {}
            (Some(slice), None) => found = Some((slice, part, entry)),
            (Some(_), Some((_, first, _))) => {
                return Err(Failure::cannot_run(format!("several parts of {} open: {first}, {part}", named(path)))
                    .hint("name one with --part"));
            }
        }
    }
    let Some((slice, part, entry)) = found else { return Err(opening::nothing_opens(path)) };
    let said = Slice::read(&slice).map_err(|error| refused(path, &error))?;
    let expected = parts.iter().find(|(name, _)| *name == part).map(|(_, sha256)| *sha256);
    let wrong = match expected {
        _ if said.part != part => Some(BundleError::RecordPart { expected: part, found: said.part.clone() }),
        Some(expected) if expected != said.record_sha256 => {
            Some(BundleError::RecordHash { part, expected, found: said.record_sha256 })
        }
        _ => None,
    };
    match wrong {
        Some(problem) => Err(failed(BundleError::Slice { entry, problem: Box::new(problem) })),
        None => Ok((slice, said)),
    }
}

fn no_part<'a>(path: &Path, part: &PartName, parts: impl Iterator<Item = &'a PartName>) -> Failure {
    let failure = Failure::cannot_run(format!("there is no part {part} in {}", named(path)));
    let meant = part.node().and_then(|name| did_you_mean(name, parts.filter_map(PartName::node)));
    meant.into_iter().fold(failure, Failure::hint).hint("`certferry verify` lists the parts of a sealed bundle")
}

/// Returns the failure for something else than a slice in an envelope.
fn refused(path: &Path, error: &SplitError) -> Failure {
    if let SplitError::Bundle(BundleError::NotABundle { .. } | BundleError::GzipHeader) = error {
        return Failure::cannot_run(format!("what is sealed in {} is no slice", named(path)))
            .hint("`age -d` opens it; if it is a bundle, `certferry verify` and `apply` take it as it is");
    }
    Failure::says_no(format!("what is sealed in {} is refused: {error}", named(path)))
        .hint("nothing was written; carry the bundle again")
}
