//! Scripts: any bytes at all, read as changes to an archive.
//!
//! The first byte says what is put right after the changes; each change is an operation, a member, an entry, a place
//! of two bytes, a length and so many bytes. What does not fit is taken modulo what there is.

use certferry::bundle::Sha256;

use super::entries::{Entry, gzip, tars};
use super::good::{Good, sign};

/// Sizes and checksums of headers.
const SEAL: u8 = 1;
/// Hashes and sizes in records, hashes in the index.
const HASH: u8 = 2;
/// Signatures.
const SIGN: u8 = 4;

/// The archive that the script makes of the good one.
pub fn apply(good: &Good, script: &[u8]) -> Vec<u8> {
    let Some((flags, rest)) = script.split_first() else { return pack(&tars(&good.members)) };
    let mut members = good.members.clone();
    // Changes to the bytes of a member, of its packed form, and of the order of members come last.
    let (mut late, mut script) = (Vec::new(), Script { rest });
    while let Some(change) = script.next() {
        if change.operation % 16 < 8 { change_entries(&mut members, &change) } else { late.push(change) }
    }
    if flags & HASH != 0 {
        hash(&good.members, &mut members);
    }
    if flags & SIGN != 0 {
        resign(&mut members);
    }
    if flags & SEAL != 0 {
        members.iter_mut().flatten().for_each(Entry::seal);
    }
    let mut tars = tars(&members);
    for change in late.iter().filter(|change| change.operation % 16 < 12) {
        change_members(&mut tars, change);
    }
    let mut archive = pack(&tars);
    for change in late.iter().filter(|change| change.operation % 16 >= 12) {
        edit(&mut archive, change, change.operation % 4);
    }
    archive
}

struct Script<'a> {
    rest: &'a [u8],
}

struct Change<'a> {
    operation: u8,
    member: usize,
    entry: usize,
    place: usize,
    bytes: &'a [u8],
}

impl<'a> Script<'a> {
    fn next(&mut self) -> Option<Change<'a>> {
        let (&[operation, member, entry, high, low, length], rest) = self.rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(length.into()).unwrap_or((rest, &[]));
        self.rest = rest;
        let place = usize::from(high) << 8 | usize::from(low);
        Some(Change { operation, member: member.into(), entry: entry.into(), place, bytes })
    }
}

fn pack(tars: &[Vec<u8>]) -> Vec<u8> {
    tars.iter().flat_map(|member| gzip(member)).collect()
}

fn change_entries(members: &mut [Vec<Entry>], change: &Change<'_>) {
    let count = members.len();
    let Some(member) = members.get_mut(change.member % count) else { return };
    let Some(number) = change.entry.checked_rem(member.len()) else { return };
    let other = change.place % member.len();
    match change.operation % 16 {
        0..4 => edit(&mut member[number].content, change, change.operation),
        4 => {
            let header = &mut member[number].header;
            let place = change.place % header.len();
            header[place..].iter_mut().zip(change.bytes).for_each(|(old, new)| *old = *new);
        }
        5 => drop(member.remove(number)),
        6 => {
            let copy = member[number].clone();
            member.insert(other, copy);
        }
        _ => member.swap(number, other),
    }
}

fn change_members(tars: &mut Vec<Vec<u8>>, change: &Change<'_>) {
    let Some(number) = change.member.checked_rem(tars.len()) else { return };
    let other = change.entry % tars.len();
    match change.operation % 4 {
        0 => edit(&mut tars[number], change, change.place as u8),
        1 => drop(tars.remove(number)),
        2 => {
            let copy = tars[number].clone();
            tars.insert(other, copy);
        }
        _ => tars.swap(number, other),
    }
}

/// Overwrites, inserts, removes, or repeats.
fn edit(content: &mut Vec<u8>, change: &Change<'_>, how: u8) {
    let place = change.place % (content.len() + 1);
    match how % 4 {
        0 => content[place..].iter_mut().zip(change.bytes).for_each(|(old, new)| *old = *new),
        1 => drop(content.splice(place..place, change.bytes.iter().copied())),
        2 => drop(content.drain(place..content.len().min(place + change.bytes.len()))),
        _ => {
            let count = change.bytes.first().map_or(0, |count| usize::from(*count));
            let repeated = change.bytes.get(1..).unwrap_or_default().repeat(count);
            content.splice(place..place, repeated);
        }
    }
}

/// Puts the hashes and sizes of changed files into the records, the hashes of changed records into the index.
fn hash(good: &[Vec<Entry>], members: &mut [Vec<Entry>]) {
    for number in (0..members.len()).rev() {
        // The documents of a member are its first entry, of the first member the second.
        let replacements: Vec<(String, String)> = match number {
            0 => members.iter().skip(1).filter_map(|member| document(good, member.first()?)).collect(),
            _ => members[number].iter().skip(2).filter_map(|entry| file(good, entry)).collect(),
        };
        let Some(entry) = members[number].get_mut(usize::from(number == 0)) else { continue };
        let Ok(mut text) = String::from_utf8(entry.content.clone()) else { continue };
        for (from, to) in replacements {
            text = text.replacen(&from, &to, 1);
        }
        entry.content = text.into_bytes();
    }
}

/// The good entry of the same path, if its content was another.
fn changed<'a>(good: &'a [Vec<Entry>], entry: &Entry) -> Option<&'a Entry> {
    let before = good.iter().flatten().find(|before| before.path() == entry.path())?;
    (before.content != entry.content).then_some(before)
}

fn document(good: &[Vec<Entry>], entry: &Entry) -> Option<(String, String)> {
    let before = changed(good, entry)?;
    Some((Sha256::of(&before.content).to_string(), Sha256::of(&entry.content).to_string()))
}

fn file(good: &[Vec<Entry>], entry: &Entry) -> Option<(String, String)> {
    let row = |content: &[u8]| format!("{}\", \"size\": {}}}", Sha256::of(content), content.len());
    let before = changed(good, entry)?;
    Some((row(&before.content), row(&entry.content)))
}

/// Signs every document that stands before a signature.
fn resign(members: &mut [Vec<Entry>]) {
    for member in members {
        for number in 1..member.len() {
            let (documents, signatures) = member.split_at_mut(number);
            let (Some(document), Some(signature)) = (documents.last(), signatures.first_mut()) else { continue };
            if signature.path().strip_suffix(".sig") == Some(document.path()) && !document.path().is_empty() {
                signature.content = sign(&document.content);
            }
        }
    }
}
