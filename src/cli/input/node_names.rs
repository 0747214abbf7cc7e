//! The names of nodes for a shell that completes a word.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap_complete::CompletionCandidate;

use crate::bundle::sealed::ENDING;
use crate::bundle::{claimed_parts, claimed_sealed_parts};
use crate::host;
use crate::kubernetes::PartName;
use crate::profile;

/// The most bytes that are read of a profile while somebody waits for a word.
const LIMIT: u64 = 1 << 20;

/// Returns the nodes of the profiles and bundles on the command line that is completed. A file that is neither is not
/// opened, and what is wrong with one is not told here.
pub(crate) fn candidates() -> Vec<CompletionCandidate> {
    // The shell puts `--` before the words that were typed.
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(2).collect();
    let mut names: Vec<_> = words.iter().map(PathBuf::from).flat_map(|path| names_in(&path)).collect();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn names_in(path: &Path) -> Vec<String> {
    let name = path.to_string_lossy();
    if name.ends_with(".tar.gz") {
        let parts = host::open(path).map(claimed_parts).unwrap_or_default();
        return parts.iter().filter_map(PartName::node).map(str::to_owned).collect();
    }
    if name.ends_with(ENDING) {
        let parts = host::open(path).map(claimed_sealed_parts).unwrap_or_default();
        return parts.iter().filter_map(PartName::node).map(str::to_owned).collect();
    }
    if !name.ends_with(".toml") || name.ends_with(".lock.toml") {
        return Vec::new();
    }
    let parsed = host::read(path, LIMIT).ok().and_then(|source| profile::parse(&source).ok());
    parsed.map(|parsed| parsed.profile.nodes.into_iter().map(|node| node.name).collect()).unwrap_or_default()
}
