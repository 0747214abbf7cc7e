//! What the comparison of a part with a node asks of single files, and the entries of a folder.

use std::collections::BTreeMap;

use super::NodeError;
use super::change::{Content, Entry};
use super::state::ROOT;
use crate::bundle::Row;
use crate::host::{Found, FoundKind};
use crate::kubeconfig::{Held, Kubeconfig};
use crate::x509::{ReadCertificate, read_pem};

/// Refuses a link, and anything else but a folder, where the part has a folder; and a link where it has a file.
pub(super) fn check_way(folder: &str, path: &str, row: &Row, old: &BTreeMap<String, Found>) -> Result<(), NodeError> {
    let ends = [0].into_iter().chain(path.match_indices('/').map(|(end, _)| end)).chain([path.len()]);
    for way in ends.filter_map(|end| path.get(..end)) {
        let place = || if way.is_empty() { folder.to_owned() } else { format!("{folder}/{way}") };
        let is_folder = way.len() < path.len();
        match old.get(way).map(|found| &found.kind) {
            Some(FoundKind::Link(target)) if is_folder || matches!(row, Row::File { .. }) => {
                return Err(NodeError::Link { place: place(), target: target.clone() });
            }
            Some(FoundKind::File | FoundKind::Special) if is_folder => {
                return Err(NodeError::NotAFolder { place: place() });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the CAs that a kubeconfig holds inline, the first certificate of each. Returns none when it cannot be read.
pub(super) fn embedded_authorities(kubeconfig: &[u8]) -> Vec<ReadCertificate> {
    let clusters = Kubeconfig::read(kubeconfig).map(|kubeconfig| kubeconfig.clusters).unwrap_or_default();
    let inside = clusters.into_iter().filter_map(|cluster| match cluster.authority? {
        Held::Inline(pem) => read_pem(&pem).ok()?.certificates.into_iter().next(),
        Held::File(_) | Held::Broken(_) => None,
    });
    inside.collect()
}

/// Returns whether the kubelet made or fetched this file in its folder itself, and would go on using it.
pub(super) fn is_stale(path: &str) -> bool {
    let is_client = path.starts_with("kubelet-client-") && path.ends_with(".pem") && !path.contains('/');
    is_client || path == "kubelet.crt" || path == "kubelet.key"
}

/// Returns what stands before the name of something in a folder: nothing, or the folder and a slash.
pub(super) fn prefix(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!("{folder}/") }
}

/// Returns the entries of a folder that replaces the old one: the part's files, the files that are kept, and the
/// folders that both need, which keep their permissions. `entry` makes that of a file of the part.
pub(super) fn tree_entries<'a>(
    rows: &[(String, &'a Row, &'a [u8])],
    old: &BTreeMap<String, Found>,
    kept: &[(String, Found)],
    live: &str,
    entry: impl Fn(String, &Row, &'a [u8], Option<&Found>) -> Entry<'a>,
) -> Vec<Entry<'a>> {
    let mut entries = BTreeMap::new();
    for (path, found) in old.iter().filter(|(_, found)| found.kind == FoundKind::Folder) {
        let like = if path.is_empty() { live.to_owned() } else { format!("{live}/{path}") };
        let content = Content::Folder { mode: found.mode, like: Some(like) };
        entries.insert(path.clone(), Entry { path: path.clone(), owner: found.owner, content });
    }
    for (path, row, bytes) in rows {
        let mut folder = path.as_str();
        while !folder.is_empty() {
            folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            let content = || Content::Folder { mode: 0o755, like: None };
            let new = || Entry { path: folder.to_owned(), owner: ROOT, content: content() };
            entries.entry(folder.to_owned()).or_insert_with(new);
        }
        entries.insert(path.clone(), entry(path.clone(), row, bytes, old.get(path)));
    }
    for (path, found) in kept {
        let content = match &found.kind {
            FoundKind::Link(target) => Content::Link { target: target.clone() },
            _ => Content::Copy { from: format!("{live}/{path}"), found: found.clone() },
        };
        entries.insert(path.clone(), Entry { path: path.clone(), owner: found.owner, content });
    }
    // Ordered by path, so that a folder stands before what is in it.
    entries.into_values().collect()
}
