//! The names of parts that a file claims to have, for a person who is about to name one. Nothing is verified.

use std::io::BufRead;

use super::gzip::Members;
use super::index::Index;
use super::limits::INDEX;
use super::sealed::SealedReader;
use super::split::part_of;
use super::tar::{BLOCK, raw_path, raw_size};
use crate::kubernetes::PartName;

/// The most headers to look at.
const FOLDERS: usize = 4;

/// Returns the names of the parts that a sealed bundle says it has. Reads no more than the beginning, which is in the
/// clear.
pub fn claimed_sealed_parts(source: impl BufRead) -> Vec<PartName> {
    let index = SealedReader::open(source, None).map(|sealed| sealed.index().parts.clone());
    index.unwrap_or_default().into_iter().map(|(part, _)| part).collect()
}

/// Returns the names of the parts that a bundle, a partial bundle or a slice says it has. Reads no more than the
/// beginning, in which there is no key. Returns none for anything else.
pub fn claimed_parts(source: impl BufRead) -> Vec<PartName> {
    read(source).unwrap_or_default()
}

fn read(source: impl BufRead) -> Option<Vec<PartName>> {
    let mut members = Members::new(source);
    members.begin().ok()?;
    let mut header = [0; BLOCK];
    let mut next = || (members.read(&mut header).ok()? == BLOCK).then(|| (raw_path(&header), raw_size(&header)));
    // Before the first file stands the top folder.
    let (path, size) = (0..FOLDERS).find_map(|_| next().filter(|(path, _)| !path.ends_with('/')))?;
    if let Some(part) = part_of(&path) {
        return Some(vec![part]);
    }
    let size = size.filter(|size| *size <= INDEX).and_then(|size| usize::try_from(size).ok());
    let mut bytes = vec![0; size.filter(|_| path.ends_with("/manifest.json"))?];
    if members.read(&mut bytes).ok()? != bytes.len() {
        return None;
    }
    let Index { parts, .. } = Index::read(&bytes).ok()?;
    Some(parts.into_iter().map(|(part, _)| part).collect())
}
