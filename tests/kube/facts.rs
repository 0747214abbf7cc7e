//! What kubeadm makes, as recorded in `tests/facts` (its README explains the fields).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, iter};

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The day that the tests' certificates count from: long past, so that no clock makes them not yet valid.
pub const ISSUED_AT: &str = "2020-01-01";

/// Where a row stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `certificates`, `kubeconfigs`, `files` or `folders`.
    pub table: &'static str,
    /// The node's name.
    pub node: String,
    /// Relative to `/etc/kubernetes`, or absolute.
    pub path: String,
}

/// A row's fields but node and path.
pub type Fields = Map<String, Value>;

/// Everything known of the nodes' trees.
pub type Rows = BTreeMap<Place, Fields>;

/// The facts of one version.
pub struct Facts {
    /// The full version.
    pub kubernetes: String,
    /// The example cluster, in the words of a profile.
    pub cluster: Map<String, Value>,
    /// What kubeadm makes for it.
    pub rows: Rows,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactFile {
    kubernetes: String,
    evidence: String,
    source: Vec<String>,
    cluster: Map<String, Value>,
    certificates: Vec<Fields>,
    kubeconfigs: Vec<Fields>,
    files: Vec<Fields>,
    folders: Vec<Fields>,
}

/// The paths of every version's facts.
pub fn fact_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    paths.sort();
    paths
}

impl Facts {
    /// Reads one version's facts.
    pub fn read(path: &Path) -> Self {
        let file: FactFile = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert!(["run", "described"].contains(&file.evidence.as_str()) && !file.source.is_empty(), "{path:?}");
        let name = format!("kubeadm-{}.json", file.kubernetes);
        assert!(path.ends_with(&name), "{} holds the facts of {}", path.display(), file.kubernetes);
        let mut rows = Rows::new();
        let tables = [
            ("certificates", file.certificates),
            ("kubeconfigs", file.kubeconfigs),
            ("files", file.files),
            ("folders", file.folders),
        ];
        for (table, fields) in tables.into_iter().flat_map(|(table, rows)| iter::repeat(table).zip(rows)) {
            add(&mut rows, table, fields, path);
        }
        Self { kubernetes: file.kubernetes, cluster: file.cluster, rows }
    }

    /// The facts of that version.
    pub fn of(kubernetes: &str) -> Self {
        let paths = fact_files();
        let path = paths.iter().find(|path| path.ends_with(format!("kubeadm-{kubernetes}.json")));
        Self::read(path.unwrap_or_else(|| panic!("no facts of {kubernetes}")))
    }
}

fn add(rows: &mut Rows, table: &'static str, mut fields: Fields, path: &Path) {
    let mut text = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => text,
        other => panic!("{}: {name} of a row of {table} is {other:?}", path.display()),
    };
    let place = Place { table, node: text("node"), path: text("path") };
    if table == "kubeconfigs" {
        // The README: a certificate whose path ends in `.conf` is the one inside that kubeconfig.
        fields.insert("credentials".to_owned(), json!("embedded"));
    }
    assert!(rows.insert(place.clone(), fields).is_none(), "{}: {place:?} stands twice", path.display());
}

/// A profile of an example cluster, with the keys that kubeadm would make.
pub fn profile(kubernetes: &str, cluster: &Map<String, Value>) -> String {
    let mut text = format!(
        "format = 1\n[keys]\nca = \"rsa-2048\"\n[cluster]\nname = \"facts\"\nkubernetes = \"{kubernetes}\"\n\
         issued_at = {ISSUED_AT}\n"
    );
    // JSON's strings, numbers and arrays of strings are TOML's too.
    for (name, value) in cluster.iter().filter(|(name, _)| *name != "nodes") {
        text.push_str(&format!("{name} = {value}\n"));
    }
    for node in nodes(cluster) {
        text.push_str("[[node]]\n");
        for (name, value) in node {
            text.push_str(&format!("{name} = {value}\n"));
        }
    }
    text
}

/// The nodes of an example cluster.
pub fn nodes(cluster: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    cluster["nodes"].as_array().unwrap().iter().map(|node| node.as_object().unwrap())
}

/// The names of an example cluster's nodes.
pub fn node_names(cluster: &Map<String, Value>) -> BTreeSet<&str> {
    nodes(cluster).map(|node| node["name"].as_str().unwrap()).collect()
}
