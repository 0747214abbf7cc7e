//! A node's files as user data. Paths of a part have letters, digits and `-._/` alone (formats, section 4), so none of
//! them needs an escape.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::bundle::Row;
use crate::cli::failure::Failure;

/// Folders that every machine has, and that are not a part's to change.
const OF_THE_MACHINE: [&str; 15] = [
    "etc",
    "etc/containerd",
    "etc/containerd/certs.d",
    "etc/pki",
    "etc/pki/ca-trust",
    "etc/pki/ca-trust/source",
    "etc/pki/ca-trust/source/anchors",
    "etc/systemd",
    "etc/systemd/system",
    "usr",
    "usr/local",
    "usr/local/share",
    "usr/local/share/ca-certificates",
    "var",
    "var/lib",
];

/// A configuration of Ignition.
///
/// Source: Ignition's configuration specification 3.3.0.
#[derive(Serialize)]
struct Config {
    ignition: Ignition,
    storage: Storage,
}

#[derive(Serialize)]
struct Ignition {
    version: &'static str,
}

#[derive(Serialize)]
struct Storage {
    directories: Vec<Directory>,
    files: Vec<File>,
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Directory {
    path: String,
    mode: u32,
}

/// A file. One that is there already is not overwritten: Ignition stops.
#[derive(Serialize)]
struct File {
    path: String,
    mode: u32,
    contents: Contents,
}

#[derive(Serialize)]
struct Contents {
    source: String,
}

#[derive(Serialize)]
struct Link {
    path: String,
    target: String,
}

/// Returns the files as a configuration of Ignition 3.3.0, in JSON.
pub(crate) fn ignition(rows: &[(&Row, &[u8])]) -> Result<String, Failure> {
    let mut storage = Storage { directories: Vec::new(), files: Vec::new(), links: Vec::new() };
    let folders: BTreeSet<_> = rows.iter().flat_map(|(row, _)| folders(row.path())).collect();
    let directory = |folder: &str| Directory { path: format!("/{folder}"), mode: 0o755 };
    storage.directories = folders.into_iter().map(directory).collect();
    for (row, content) in rows {
        let path = format!("/{}", row.path());
        match row {
            Row::File { mode, .. } => {
                let contents = Contents { source: format!("data:;base64,{}", STANDARD.encode(content)) };
                storage.files.push(File { path, mode: mode.bits(), contents });
            }
            Row::Link { target, .. } => storage.links.push(Link { path, target: target.clone() }),
        }
    }
    let config = Config { ignition: Ignition { version: "3.3.0" }, storage };
    let text = serde_json::to_string_pretty(&config).map_err(|error| Failure::json(&error))?;
    Ok(text + "\n")
}

/// Returns the folders above a path that are the part's.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(end, _)| &path[..end]);
    ends.filter(|folder| !OF_THE_MACHINE.contains(folder))
}

/// Returns the files as a cloud-config of cloud-init, in YAML.
///
/// Source: cloud-init's modules `write_files` and `runcmd`, which makes the links.
pub(crate) fn cloud_config(rows: &[(&Row, &[u8])]) -> String {
    let (mut text, mut links) = ("#cloud-config\nwrite_files:\n".to_owned(), String::new());
    for (row, content) in rows {
        let path = row.path();
        // Writing to a String cannot fail.
        let _ = match row {
            Row::File { mode, .. } => writeln!(
                text,
                "- path: \"/{path}\"\n  owner: root:root\n  permissions: \"{:04o}\"\n  encoding: b64\n  content: {}",
                mode.bits(),
                STANDARD.encode(content)
            ),
            Row::Link { target, .. } => writeln!(links, "- [ln, -sn, \"{target}\", \"/{path}\"]"),
        };
    }
    if links.is_empty() { text } else { text + "runcmd:\n" + &links }
}
