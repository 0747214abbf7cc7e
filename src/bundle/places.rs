//! What a rightly signed part may never hold: files in other places than the format names, on nodes that must not have
//! them, or readable by others.

use std::sync::LazyLock;

use super::error::RecordError;
use super::mode::Mode;
use super::rows::Row;
use crate::kubernetes::{CertificatesDir, KUBELET_PKI, PartFile, Role, cluster_files, node_files};

static NODE: LazyLock<Vec<PartFile>> = LazyLock::new(node_files);
static CLUSTER: LazyLock<Vec<PartFile>> = LazyLock::new(cluster_files);

/// Checks the files of the cluster's part against the list of places.
pub(super) fn check_cluster(rows: &[Row]) -> Result<(), RecordError> {
    rows.iter().try_for_each(|row| check_mode(row, place_in_cluster(row.path())?))
}

/// Checks the files of a node's part, whose certificates lie in this folder, against the list of places.
pub(super) fn check_node(role: Role, folder: &CertificatesDir, rows: &[Row]) -> Result<(), RecordError> {
    rows.iter().try_for_each(|row| match row {
        Row::File { path, .. } => check_mode(row, place_on_node(path, role, folder)?),
        // Whatever the kubelet does with the link, it does with the file that it leads to.
        Row::Link { path, target } => match place_on_node(&format!("{KUBELET_PKI}/{target}"), role, folder)? {
            file if file.is_store() => Ok(()),
            _ => Err(RecordError::Link { path: path.clone(), target: target.clone() }),
        },
    })
}

fn place_on_node(path: &str, role: Role, folder: &CertificatesDir) -> Result<&'static PartFile, RecordError> {
    let usual = folder.usual(path);
    let file = NODE.iter().find(|file| !folder.is_foreign(path) && file.is_on_node(&usual));
    let file = file.ok_or_else(|| RecordError::Place { path: path.to_owned() })?;
    match file.roles.contains(&role) {
        true => Ok(file),
        false => Err(RecordError::Role { path: path.to_owned(), role }),
    }
}

fn place_in_cluster(path: &str) -> Result<&'static PartFile, RecordError> {
    let file = CLUSTER.iter().find(|file| file.is_in_cluster(path));
    file.ok_or_else(|| RecordError::Place { path: path.to_owned() })
}

fn check_mode(row: &Row, file: &PartFile) -> Result<(), RecordError> {
    match row {
        Row::File { path, mode, .. } if (*mode == Mode::Private) != file.is_private => {
            Err(RecordError::Mode { path: path.clone(), found: *mode })
        }
        _ => Ok(()),
    }
}
