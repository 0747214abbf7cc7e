//! What containerd's configuration says of registries.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::finding::Findings;
use crate::kubeconfig::resolve;
use crate::kubernetes::CERTS_D;
use crate::tree::Tree;

/// containerd's configuration.
const CONFIG: &str = "etc/containerd/config.toml";
/// The tables of plugins that have the settings of registries, by the version of the file.
///
/// Source: containerd v1.4 to v2.2, docs/cri/config.md and docs/hosts.md.
const PLUGINS: [(i64, &str, &str); 3] = [
    (3, "io.containerd.cri.v1.images", "[plugins.\"io.containerd.cri.v1.images\".registry]"),
    (2, "io.containerd.grpc.v1.cri", "[plugins.\"io.containerd.grpc.v1.cri\".registry]"),
    (1, "cri", "[plugins.cri.registry]"),
];

/// What the file and those that it imports say.
#[derive(Default)]
pub(super) struct Config {
    /// Whether the file is there.
    is_there: bool,
    /// The file's version; one without any is of the first.
    version: i64,
    /// The folders that `config_path` names, as it is written.
    paths: BTreeSet<String>,
    /// The tables that may not stand beside `config_path`.
    tables: BTreeSet<&'static str>,
    /// What could not be known, each with the reason.
    unknown: Vec<String>,
}

impl Config {
    pub(super) fn read(tree: &Tree) -> Self {
        let mut config = Self { is_there: tree.is_there(CONFIG), version: 1, ..Self::default() };
        let (mut open, mut seen) = (vec![CONFIG.to_owned()], BTreeSet::new());
        while let Some(place) = open.pop() {
            if !seen.insert(place.clone()) || !config.is_there {
                continue;
            }
            let Some(text) = tree.text_of(&place) else {
                config.unknown.push(format!("/{place} cannot be read"));
                continue;
            };
            match text.parse::<Table>() {
                Ok(table) => {
                    if place == CONFIG {
                        config.version = table.get("version").and_then(Value::as_integer).unwrap_or(1);
                    }
                    config.take(&table);
                    open.extend(config.imports(tree, &place, &table));
                }
                Err(error) => config.unknown.push(format!("/{place} is not TOML: {}", error.message())),
            }
        }
        config
    }

    fn take(&mut self, table: &Table) {
        let plugins = table.get("plugins").and_then(Value::as_table);
        for registry in PLUGINS.iter().filter_map(|(_, plugin, _)| plugins?.get(*plugin)?.get("registry")?.as_table()) {
            let path = registry.get("config_path").and_then(Value::as_str).filter(|path| !path.is_empty());
            self.paths.extend(path.map(str::to_owned));
            let is_filled =
                |key: &str| registry.get(key).and_then(Value::as_table).is_some_and(|table| !table.is_empty());
            if is_filled("mirrors") {
                self.tables.insert("registry.mirrors");
            }
            let configs = registry.get("configs").and_then(Value::as_table);
            if configs.is_some_and(|configs| configs.values().any(|config| config.get("tls").is_some())) {
                self.tables.insert("registry.configs with tls");
            }
        }
    }

    /// Returns the files that a file imports: paths, and patterns with one star in the name.
    fn imports(&mut self, tree: &Tree, place: &str, table: &Table) -> Vec<String> {
        let mut found = Vec::new();
        let patterns = table.get("imports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for pattern in patterns.iter().filter_map(Value::as_str) {
            let path = resolve(place, pattern);
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            match name.split_once('*') {
                None if !path.contains(['*', '?', '[']) => found.push(path.clone()),
                Some((start, end))
                    if !folder.contains(['*', '?', '[']) && !format!("{start}{end}").contains(['*', '?', '[']) =>
                {
                    let names = tree.files_below(folder).into_iter().filter(|file| {
                        let name = file.strip_prefix(folder).map(|name| name.trim_start_matches('/'));
                        name.is_some_and(|name| {
                            !name.contains('/')
                                && name.len() >= start.len() + end.len()
                                && name.starts_with(start)
                                && name.ends_with(end)
                        })
                    });
                    found.extend(names);
                }
                _ => self.unknown.push(format!("what /{place} imports as {pattern} is not looked at")),
            }
        }
        found
    }

    /// Reports what keeps containerd from its folder of registries.
    pub(super) fn check(&self, findings: &mut Findings) {
        if !self.is_there {
            let text = format!(
                "whether /{CERTS_D} is read: there is no /{CONFIG}; containerd reads the folder without one from 2.2 on, Docker \
                 and CRI-O do not"
            );
            return findings.unchecked(CONFIG, &text);
        }
        for unknown in &self.unknown {
            findings.unchecked(CONFIG, &format!("whether /{CERTS_D} is read: {unknown}"));
        }
        if !self.paths.is_empty() && !self.tables.is_empty() {
            let tables = self.tables.iter().copied().collect::<Vec<_>>().join(" and ");
            findings.add("containerd-registry", CONFIG, &[("tables", &tables)]);
        }
        // A list of folders has colons between them.
        let is_named =
            |path: &String| path.split(':').any(|folder| folder.trim_end_matches('/') == format!("/{CERTS_D}"));
        if !self.paths.iter().any(is_named) && self.unknown.is_empty() {
            let plugin = PLUGINS.iter().find(|(version, ..)| *version <= self.version);
            let section = plugin.map_or("[plugins.cri.registry]", |(_, _, section)| section);
            findings.add("containerd-config-path", CONFIG, &[("section", section)]);
        }
    }
}
