//! Reads one table, and remembers which keys it was asked for so that all other keys can be refused as unknown.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems};
use super::value::{Setting, WrittenValue, nearest, type_name};

/// What other tools call a thing, the key for it in a table that has that key, and the hint.
const OTHER_WORDS: [(&str, &str, &str); 13] = [
    ("cluster_name", "kubeconfig_cluster_name", CLUSTER_NAME),
    ("clusterName", "kubeconfig_cluster_name", CLUSTER_NAME),
    ("cert_dir", "certificates_dir", "did you mean `certificates_dir`?"),
    ("kube_cert_dir", "certificates_dir", "did you mean `certificates_dir`?"),
    ("certSANs", "apiserver_cert_sans", "did you mean `apiserver_cert_sans`?"),
    ("serverCertSANs", "etcd_cert_sans", "did you mean `etcd_cert_sans`?"),
    ("peerCertSANs", "etcd_cert_sans", "did you mean `etcd_cert_sans`?"),
    ("bindPort", "api_server_port", "did you mean `api_server_port`?"),
    ("organization", "subject", "write `subject = { organization = [\"Example\"] }`"),
    ("organizational_unit", "subject", "write `subject = { organizational_unit = [\"Example\"] }`"),
    ("country", "subject", "write `subject = { country = \"KR\" }`"),
    ("state", "subject", "write `subject = { state = \"Example\" }`"),
    ("locality", "subject", "write `subject = { locality = \"Example\" }`"),
];
const CLUSTER_NAME: &str =
    "did you mean `kubeconfig_cluster_name`, the name in kubeconfigs (kubeadm's clusterName), or `name`?";

/// One table of the profile, present or absent.
pub(super) struct TableReader<'a> {
    pub(super) problems: &'a Problems,
    /// The name in messages, as in "not a key of \[cluster\]".
    name: String,
    /// The table's header, at which a missing key is reported. `None` for the profile as a whole and for an absent
    /// table.
    pub(super) header: Option<Range<usize>>,
    state: State<'a>,
    /// The keys that were asked for, in the order of asking.
    known: RefCell<Vec<&'static str>>,
}

enum State<'a> {
    Present(&'a DeTable<'a>),
    /// The table is not there, or is something else and was refused. Missing keys are then not reported.
    Absent,
}

impl<'a> TableReader<'a> {
    pub(super) fn root(problems: &'a Problems, document: &'a DeTable<'a>) -> Self {
        Self::new(problems, "the profile".to_owned(), None, State::Present(document))
    }

    fn new(problems: &'a Problems, name: String, header: Option<Range<usize>>, state: State<'a>) -> Self {
        Self { problems, name, header, state, known: RefCell::default() }
    }

    /// Returns the value under `key`, if the table has it.
    pub(super) fn find(&self, key: &'static str) -> Option<WrittenValue<'a>> {
        self.note(key);
        let State::Present(entries) = self.state else { return None };
        Some(WrittenValue { key, problems: self.problems, written: entries.get(key)? })
    }

    /// Returns whether the table has a value under `key` that is no empty array, or a key that most likely means it.
    pub(super) fn means(&self, key: &'static str) -> bool {
        let State::Present(entries) = self.state else { return false };
        let is_empty = |value: &DeValue<'_>| matches!(value, DeValue::Array(elements) if elements.is_empty());
        match entries.get(key) {
            Some(value) => !is_empty(value.get_ref()),
            None => {
                let known = self.known.borrow();
                let unknown = entries.keys().filter(|entry| !known.contains(&entry.get_ref().as_ref()));
                unknown.into_iter().any(|entry| nearest(entry.get_ref(), known.iter().copied()) == Some(key))
            }
        }
    }

    fn note(&self, key: &'static str) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
    }

    /// Reads a key that must be there. `example` is a value for the hint.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(WrittenValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.find(key);
        if value.is_none() && matches!(self.state, State::Present(_)) {
            self.problems.add(
                Problem::error(format!("missing key `{key}`"))
                    .at_if(self.header.as_ref(), format!("{} needs `{key}`", self.name))
                    .hint(format!("add `{key} = {example}`")),
            );
        }
        parse(value?)
    }

    /// Reads a key, or returns `default` when it is absent.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(WrittenValue<'a>) -> Option<T>,
    ) -> Option<T> {
        self.find(key).map_or(Some(default), parse)
    }

    /// Reads a key like [`TableReader::optional`], and returns its place too.
    pub(super) fn setting<T>(
        &self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(WrittenValue<'a>) -> Option<T>,
    ) -> Option<Setting<T>> {
        self.inherited(key, Some(Setting::default(default)), parse)
    }

    /// Reads a key like [`TableReader::setting`]. The default is a setting of another table, which may have been
    /// refused.
    pub(super) fn inherited<T>(
        &self,
        key: &'static str,
        default: Option<Setting<T>>,
        parse: impl FnOnce(WrittenValue<'a>) -> Option<T>,
    ) -> Option<Setting<T>> {
        self.find(key).map_or(default, |value| value.located(parse))
    }

    /// Reads an array that may be absent. Returns the elements that `parse` accepts; `parse` has refused the others.
    pub(super) fn list<T>(&self, key: &'static str, parse: impl Fn(WrittenValue<'a>) -> Option<T>) -> Vec<Setting<T>> {
        self.find(key).and_then(|value| value.list(parse)).unwrap_or_default()
    }

    /// Reads an array like [`TableReader::list`], and refuses an element whose `identity` an earlier element has.
    pub(super) fn distinct<T, K: Ord>(
        &self,
        key: &'static str,
        parse: impl Fn(WrittenValue<'a>) -> Option<T>,
        identity: impl Fn(&T) -> K,
    ) -> Vec<Setting<T>> {
        let elements = self.list(key, parse);
        let mut seen = BTreeMap::new();
        for element in &elements {
            let Some(place) = &element.set_at else { continue };
            match seen.entry(identity(&element.value)) {
                Entry::Vacant(entry) => {
                    entry.insert(place);
                }
                Entry::Occupied(entry) => self.problems.add(
                    Problem::error(format!("`{key}` has an element twice"))
                        .at(place, "again here")
                        .related(Some(entry.get()), "first here")
                        .hint("remove one of them"),
                ),
            }
        }
        elements
    }

    /// Reads the generation of `[cluster]`, a CA, a node or a client: formats, section 2.
    pub(super) fn generation(&self, key: &'static str) -> Option<u32> {
        self.optional(key, 1, |value| value.integer(1..=999_999_999))
    }

    /// Returns the reader of the table under `key`. An absent table has no keys.
    pub(super) fn table(&self, key: &'static str) -> TableReader<'a> {
        let name = match self.name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(parent) => format!("[{parent}.{key}]"),
            None => format!("[{key}]"),
        };
        let Some(value) = self.find(key) else {
            return Self::new(self.problems, name, None, State::Absent);
        };
        let state = match value.written.get_ref() {
            DeValue::Table(table) => State::Present(table),
            other => {
                value.refuse::<()>(
                    format!("`{key}` is not a table"),
                    format!("expected a table, found {}", type_name(other)),
                    format!("write {name} on a line of its own and the keys below it"),
                );
                State::Absent
            }
        };
        Self::new(self.problems, name, Some(value.span()), state)
    }

    /// Returns the reader of a table like [`TableReader::table`], and refuses its absence with a hint that names
    /// `keys`.
    pub(super) fn required_table(&self, key: &'static str, keys: &str) -> TableReader<'a> {
        let table = self.table(key);
        if table.header.is_none() {
            self.problems.add(
                Problem::error(format!("missing table {}", table.name))
                    .hint(format!("add {} on a line of its own and below it {keys}", table.name)),
            );
        }
        table
    }

    /// Returns the readers of the tables `[[key]]`, in order. A table that was refused has no keys.
    pub(super) fn tables(&self, key: &'static str) -> Vec<TableReader<'a>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let name = match self.name.strip_prefix("[[").and_then(|name| name.strip_suffix("]]")) {
            Some(parent) => format!("[[{parent}.{key}]]"),
            None => format!("[[{key}]]"),
        };
        let refuse = |found: WrittenValue<'a>| {
            found.refuse::<()>(
                format!("`{key}` is not a list of tables"),
                format!("expected {name}, found {}", type_name(found.written.get_ref())),
                format!("write {name} with two brackets on a line of its own, once for each"),
            );
            Self::new(self.problems, name.clone(), Some(found.span()), State::Absent)
        };
        let DeValue::Array(_) = value.written.get_ref() else { return vec![refuse(value)] };
        let elements = value.array().unwrap_or_default().into_iter();
        elements
            .map(|element| match element.written.get_ref() {
                DeValue::Table(table) => {
                    Self::new(self.problems, name.clone(), Some(element.span()), State::Present(table))
                }
                _ => refuse(element),
            })
            .collect()
    }

    /// Refuses a key or table that is reserved for a later format.
    pub(super) fn reserved(&self, key: &'static str, purpose: &str, hint: &str) {
        let State::Present(entries) = self.state else { return };
        let Some((written, _)) = entries.get_key_value(key) else { return };
        self.note(key);
        self.problems.add(
            Problem::error(format!("`{key}` is not supported yet"))
                .at(&written.span(), format!("reserved for {purpose}"))
                .hint(hint),
        );
    }

    /// Refuses every key that was never asked for. This must be the last call on a table.
    pub(super) fn refuse_unknown_keys(self) {
        let State::Present(entries) = self.state else { return };
        let known = self.known.into_inner();
        for key in entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let other = OTHER_WORDS.iter().find(|(word, meant, _)| word == key.get_ref() && known.contains(meant));
            let hint = match (other, nearest(key.get_ref(), known.iter().copied())) {
                (Some((.., hint)), _) => (*hint).to_owned(),
                (None, Some(word)) => format!("did you mean `{word}`?"),
                (None, None) => format!("{} has the keys {}", self.name, known.join(", ")),
            };
            self.problems.add(
                Problem::error(format!("unknown key `{}`", key.get_ref()))
                    .at(&key.span(), format!("not a key of {}", self.name))
                    .hint(hint),
            );
        }
    }
}
