//! No host has a byte of another's keys, wherever on it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use super::ferry::Fleet;
use crate::common::{run, tool};

/// Folders of a host that are the real machine's.
const OTHERS: [&str; 8] = ["bin", "dev", "kube", "lib", "lib64", "proc", "sbin", "sys"];

/// Fails when a host has a key that is not in its own part of either bundle.
pub(super) fn assert_own_only(fleet: &Fleet) {
    let names = fleet.names();
    let own: Vec<BTreeSet<Vec<u8>>> = names
        .iter()
        .map(|name| [1, 2].iter().flat_map(|generation| secrets_of(&fleet.unpacked(*generation, name))).collect())
        .collect();
    let all: BTreeSet<_> = own.iter().flatten().cloned().collect();
    for (name, own) in names.iter().zip(&own) {
        let foreign: Vec<_> = all.difference(own).collect();
        assert!(own.len() >= 2 && foreign.len() > 20, "{name}: {} {}", own.len(), foreign.len());
        let mut files = 0;
        let root = fleet.root(name);
        let walk = WalkDir::new(&root).into_iter().filter_entry(|entry| {
            let path = entry.path().strip_prefix(&root).unwrap_or(entry.path()).to_path_buf();
            !OTHERS.iter().any(|other| path == Path::new(other)) && path != Path::new("usr")
        });
        for entry in walk.map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
            let mut bytes = fs::read(entry.path()).unwrap();
            if entry.path().extension().is_some_and(|extension| extension == "gz") {
                bytes = run(tool("gzip").args(["-dc"]).arg(entry.path())).stdout;
                assert!(own.iter().any(|key| holds(&bytes, key)), "the search finds what is there");
            }
            let found = foreign.iter().find(|key| holds(&bytes, key));
            assert!(found.is_none(), "{name}: {} has a key of another node", entry.path().display());
            files += 1;
        }
        assert!(files > 5, "{name}");
    }
}

/// What no other file has: a line from the middle of each private key, as PEM has it and as a kubeconfig does.
fn secrets_of(tree: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in WalkDir::new(tree).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
        let text = fs::read_to_string(entry.path()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if line.starts_with("-----BEGIN") && line.contains("PRIVATE KEY") {
                // The first line begins with the algorithm, which many keys share.
                found.push(lines[number + 2].as_bytes()[..24].to_vec());
            }
            if let Some((_, data)) = line.split_once("client-key-data: ") {
                let middle = data.len() / 2;
                found.push(data.as_bytes()[middle..middle + 24].to_vec());
            }
        }
    }
    found
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
