//! Finds circles of files inside a room. Of two files that need each other, neither can be read or moved alone.
//!
//! An arrow leads from a file that names an item to the file that defines it, whichever way the name takes, because
//! re-exports are followed. A re-export itself is not a use, and neither is the declaration of a module. So a file may
//! name what its parent's `mod.rs` defines, as long as that `mod.rs` only declares the file and re-exports from it.
//! Where `mod.rs` also calls the file, what both need belongs into a third file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::file::File;
use super::source::Mention;

/// The most re-exports that are followed one after the other. No name needs so many.
const STEPS: usize = 16;

/// The places where a file first names something of another file, by the index of that file.
type Arrows<'a> = BTreeMap<usize, (&'a Mention, String)>;

/// Returns the circles of files, each with a line for every arrow. Of many circles that hang together, only the
/// shortest through their first file is returned. `tests` are the indices of files that only tests have.
pub(super) fn circles(files: &[File], tests: &BTreeSet<usize>) -> Vec<String> {
    let modules: BTreeMap<&[String], usize> =
        files.iter().enumerate().map(|(index, file)| (file.module.as_slice(), index)).collect();
    let arrows: Vec<Arrows<'_>> = (0..files.len())
        .map(|index| if tests.contains(&index) { Arrows::new() } else { arrows(files, &modules, index) })
        .collect();
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for start in 0..files.len() {
        let Some(circle) = shortest(&arrows, start) else { continue };
        if told.is_disjoint(&knot(&arrows, start)) {
            findings.push(words(files, &arrows, &circle));
        }
        told.insert(start);
    }
    findings
}

/// Returns what a file names in its own room.
fn arrows<'a>(files: &'a [File], modules: &BTreeMap<&[String], usize>, from: usize) -> Arrows<'a> {
    let file = &files[from];
    let mut arrows = Arrows::new();
    for mention in file.source.mentions.iter().filter(|mention| !mention.in_test && !mention.is_reexport) {
        let is_type = mention.path.first().is_some_and(|name| name.starts_with(char::is_uppercase));
        // A single name in small letters may be a variable.
        if mention.path.len() == 1 && !is_type {
            continue;
        }
        let Some(to) = path_from_root(file, &mention.path, modules).and_then(|path| definer(files, modules, path))
        else {
            continue;
        };
        if to != from && files[to].module.first() == file.module.first() {
            arrows.entry(to).or_insert_with(|| (mention, mention.path.join("::")));
        }
    }
    arrows
}

/// Returns the path of a name in a file, from the crate's root and without `crate`. Returns `None` when it leads out of
/// the crate.
fn path_from_root(file: &File, path: &[String], modules: &BTreeMap<&[String], usize>) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    if first == "crate" {
        return Some(rest.to_vec());
    }
    let below: Vec<String> = file.module.iter().chain([first]).cloned().collect();
    if modules.contains_key(below.as_slice()) {
        return Some(file.module.iter().chain(path).cloned().collect());
    }
    let import = file.source.names.get(first).filter(|import| import.first() != Some(first))?;
    let full: Vec<String> = import.iter().chain(rest).cloned().collect();
    path_from_root(file, &full, modules)
}

/// Returns the file that defines what a path from the crate's root names. Returns `None` for a module itself, and for
/// what is not ours.
fn definer(files: &[File], modules: &BTreeMap<&[String], usize>, mut path: Vec<String>) -> Option<usize> {
    for _ in 0..STEPS {
        let (length, index) =
            (1..=path.len()).rev().find_map(|length| Some((length, *modules.get(path.get(..length)?)?)))?;
        let name = path.get(length)?;
        let file = &files[index];
        let Some(import) = file.source.names.get(name) else { return Some(index) };
        let full: Vec<String> = import.iter().chain(path.get(length + 1..)?).cloned().collect();
        path = path_from_root(file, &full, modules)?;
    }
    None
}

/// Returns the shortest circle through a file, which comes first and is not repeated at the end.
fn shortest(arrows: &[Arrows<'_>], start: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for &to in arrows[at].keys() {
            if to == start {
                let mut circle = vec![at];
                while let Some(before) =
                    circle.last().filter(|last| **last != start).and_then(|last| came_from.get(last))
                {
                    circle.push(*before);
                }
                circle.reverse();
                return Some(circle);
            }
            came_from.entry(to).or_insert_with(|| {
                open.push_back(to);
                at
            });
        }
    }
    None
}

/// Returns the files that a file reaches and from which it is reached.
fn knot(arrows: &[Arrows<'_>], start: usize) -> BTreeSet<usize> {
    reached(arrows, start).into_iter().filter(|&file| reached(arrows, file).contains(&start)).collect()
}

fn reached(arrows: &[Arrows<'_>], start: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        open.extend(arrows[at].keys().copied().filter(|&to| reached.insert(to)));
    }
    reached
}

fn words(files: &[File], arrows: &[Arrows<'_>], circle: &[usize]) -> String {
    let name = |index: usize| files[index].name.as_str();
    let round: Vec<usize> = circle.iter().chain(circle.first()).copied().collect();
    let names: Vec<&str> = round.iter().map(|index| name(*index)).collect();
    let mut text = format!("circle of files: {}", names.join(" -> "));
    for pair in round.windows(2) {
        if let &[from, to] = pair
            && let Some((mention, path)) = arrows[from].get(&to)
        {
            text += &format!("\n  {}:{}: `{path}` is of {}", name(from), mention.line, name(to));
        }
    }
    text
}
