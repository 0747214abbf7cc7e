//! The paths that a survey has to look at, and those at which it could not.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use zeroize::Zeroizing;

use super::value::ValueKind;
use super::{Link, Unread, reason};
use crate::kubernetes::FILE_LIMIT;
use crate::tree::Tree;

/// What was named so far, by place.
#[derive(Default)]
pub(super) struct Paths {
    /// Files with certificates and keys.
    pub(super) pem: BTreeSet<String>,
    /// Kubeconfigs.
    pub(super) kubeconfigs: BTreeSet<String>,
    /// Files that are not opened.
    pub(super) opaque: BTreeSet<String>,
    links: BTreeMap<String, String>,
    unread: BTreeSet<(String, &'static str)>,
}

/// A file's rights.
pub(super) struct Rights {
    pub(super) mode: String,
    pub(super) owner: u32,
    pub(super) group: u32,
}

impl Paths {
    /// Notes a path that a setting names.
    pub(super) fn name(&mut self, kind: ValueKind, place: &str) {
        let set = match kind {
            ValueKind::Pem => &mut self.pem,
            ValueKind::Kubeconfig => &mut self.kubeconfigs,
            ValueKind::Opaque => &mut self.opaque,
            _ => return,
        };
        set.insert(place.to_owned());
    }

    /// Notes that something could not be read.
    pub(super) fn unread(&mut self, place: &str, reason: &'static str) {
        self.unread.insert((place.to_owned(), reason));
    }

    /// Returns the places of everything in a folder.
    pub(super) fn names(&mut self, tree: &Tree, folder: &str) -> Vec<String> {
        match tree.root.names(folder) {
            Ok(names) => names.into_iter().map(|name| format!("{folder}/{name}")).collect(),
            Err(error) => {
                self.unread(folder, reason::of(&error));
                Vec::new()
            }
        }
    }

    /// Returns the places of the files below a folder.
    pub(super) fn files(&mut self, tree: &Tree, folder: &str) -> Vec<String> {
        let (mut files, errors) = tree.root.files(folder);
        for (place, error) in errors {
            let why = reason::of(&error);
            if why == reason::TOO_MANY {
                // Which ones were met first is chance.
                files.clear();
                self.unread(folder, why);
            } else {
                self.unread(&place, why);
            }
        }
        files
    }

    /// Returns the place to which a path leads, and notes a link.
    pub(super) fn leads_to(&mut self, tree: &Tree, place: &str) -> String {
        match tree.root.leads_to(place) {
            Ok(target) if target == place => target,
            Ok(target) => {
                self.links.insert(place.to_owned(), target.clone());
                target
            }
            Err(error) => {
                self.unread(place, reason::of(&error));
                place.to_owned()
            }
        }
    }

    /// Returns the content of a file that must be there, and notes why it cannot be read.
    pub(super) fn content(&mut self, tree: &Tree, place: &str) -> Option<Zeroizing<Vec<u8>>> {
        match tree.root.read(place, FILE_LIMIT) {
            Ok(content) => Some(content),
            Err(error) => {
                self.unread(place, reason::of(&error));
                None
            }
        }
    }

    /// Returns the text of a file that need not be there, and the place to which its path leads. Notes a link, and why
    /// the file cannot be read.
    pub(super) fn text(&mut self, tree: &Tree, place: &str) -> Option<(String, Zeroizing<String>)> {
        if matches!(tree.root.look(place), Ok(None)) {
            return None;
        }
        let place = self.leads_to(tree, place);
        let content = self.content(tree, &place)?;
        let text = std::str::from_utf8(&content).ok().map(|text| Zeroizing::new(text.to_owned()));
        if text.is_none() {
            self.unread(&place, reason::NOT_UTF8);
        }
        Some((place, text?))
    }

    /// Returns the rights of a file, and notes why they cannot be had.
    pub(super) fn rights(&mut self, tree: &Tree, place: &str) -> Option<Rights> {
        let read = || -> io::Result<Rights> {
            let (owner, group) = tree.root.owner(place)?;
            Ok(Rights { mode: format!("{:04o}", tree.root.mode(place)?), owner, group })
        };
        match read() {
            Ok(rights) => Some(rights),
            Err(error) => {
                self.unread(place, reason::of(&error));
                None
            }
        }
    }

    /// Returns the links and what could not be read.
    pub(super) fn finish(self) -> (Vec<Link>, Vec<Unread>) {
        let links = self.links.into_iter().map(|(path, leads_to)| Link { path, leads_to });
        let unread = self.unread.into_iter().map(|(path, reason)| Unread { path, reason: reason.to_owned() });
        (links.collect(), unread.collect())
    }
}
