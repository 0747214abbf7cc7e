//! Compares the files and links of a record with what is on the node.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::certificates::{Contents, authority_at};
use super::finding::{Change, Drifted, Weight};
use super::key_users::KeyUsers;
use super::rotation::reason_against;
use super::same_yaml::says_the_same;
use crate::bundle::{PartOwner, Record, Row, Sha256};
use crate::host::{FileOwner, Found, FoundKind, NodeRoot, reason};
use crate::kubeconfig::resolve;
use crate::kubernetes::{FILE_LIMIT, Purpose, Role};
use crate::node::NodeError;
use crate::node::place::{INSTALLED, RECORD};

pub(super) struct Comparison<'a> {
    root: &'a NodeRoot,
    record: &'a Record,
    not_after: &'a BTreeMap<String, OffsetDateTime>,
    /// The owner that files have. `None` where etcd may have made them its own.
    owner: Option<FileOwner>,
    /// What is at the place of each row, and is not nothing.
    found: BTreeMap<&'a str, Found>,
    contents: Contents,
    unread: Vec<(String, String)>,
}

impl<'a> Comparison<'a> {
    /// Reads what is on the node.
    pub(super) fn new(
        root: &'a NodeRoot,
        record: &'a Record,
        not_after: &'a BTreeMap<String, OffsetDateTime>,
    ) -> Result<Self, NodeError> {
        let is_etcd = matches!(&record.owner, PartOwner::Node(node) if node.role == Role::Etcd);
        // The record lies beside the files and has been given the owner that they were given.
        let state = format!("{INSTALLED}/{RECORD}");
        let owner = root.look(&state).map_err(|error| NodeError::io_in("look at", root, &state, error))?;
        let owner = owner.filter(|_| !is_etcd).map(|found| found.owner);
        let folder = record.owner.certificates_dir();
        let (found, contents) = (BTreeMap::new(), Contents { files: BTreeMap::new(), folder });
        let mut comparison = Self { root, record, not_after, owner, found, contents, unread: Vec::new() };
        for row in &record.rows {
            comparison.read(row);
        }
        Ok(comparison)
    }

    fn read(&mut self, row: &'a Row) {
        let place = row.path();
        let mut unread = |error| self.unread.push((place.to_owned(), reason(&error)));
        let found = match self.root.look(place) {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(error) => return unread(error),
        };
        if let (Row::File { sha256, .. }, FoundKind::File) = (row, &found.kind) {
            match self.root.read(place, FILE_LIMIT) {
                Ok(content) => {
                    let is_installed = Sha256::of(&content) == *sha256 || says_the_same(&content, sha256);
                    self.contents.files.insert(place.to_owned(), (content, is_installed));
                }
                // It is none of the record's, which are all smaller.
                Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                    self.contents.files.insert(place.to_owned(), (Zeroizing::default(), false));
                }
                Err(error) => return unread(error),
            }
        }
        self.found.insert(place, found);
    }

    /// Returns what differs, and what could not be read.
    pub(super) fn drifted(self, accepted: &BTreeSet<String>) -> (Vec<Drifted>, Vec<(String, String)>) {
        let key_users = KeyUsers::read(self.root);
        let rotation = self.rotation();
        let mut drifted: Vec<Drifted> = Vec::new();
        for row in &self.record.rows {
            let place = row.path();
            if self.unread.iter().any(|(unread, _)| unread == place) {
                continue;
            }
            let mut add = |place: &str, change, weight| {
                drifted.push(Drifted { place: place.to_owned(), change, weight });
            };
            let Some(found) = self.found.get(place) else {
                // The kubelet keeps old certificates, and people remove them.
                if matches!(&rotation, Some((old, None)) if old == place) {
                    continue;
                }
                match self.missing_folder(place) {
                    Some((folder, change)) => add(&folder, change, Weight::Problem),
                    None => {
                        let (change, weight) = self.missing(place, &key_users, accepted);
                        add(place, change, weight);
                    }
                }
                continue;
            };
            match (row, &found.kind) {
                (Row::File { mode, .. }, FoundKind::File) => {
                    if !self.contents.is_installed(place) {
                        add(place, self.contents.change(place, self.not_after), Weight::Problem);
                    }
                    if let Some(change) = self.access(found, mode.bits()) {
                        add(place, change, Weight::Problem);
                    }
                }
                (Row::Link { target: installed, .. }, FoundKind::Link(found)) => {
                    if let Some((_, Some(reason))) = &rotation {
                        let (found, installed, reason) = (found.clone(), installed.clone(), reason.clone());
                        add(place, Change::Target { found, installed, reason }, Weight::Problem);
                    }
                }
                (_, kind) => add(place, Change::Kind(kind.clone()), Weight::Problem),
            }
        }
        // A folder that is missing is found with each of its files.
        drifted.dedup();
        let mut unread = self.unread;
        if drifted.iter().any(|drifted| drifted.weight != Weight::Problem && drifted.place.ends_with(".key")) {
            // That no flag names the key is not known then.
            unread.extend(key_users.unread);
        }
        (drifted, unread)
    }

    /// Returns the place of the installed certificate when the kubelet's link leads elsewhere, and why that is not the
    /// kubelet's own doing, if it is not.
    fn rotation(&self) -> Option<(String, Option<String>)> {
        let PartOwner::Node(node) = &self.record.owner else { return None };
        self.record.rows.iter().find_map(|row| {
            let Row::Link { path, target: installed } = row else { return None };
            let Some(Found { kind: FoundKind::Link(target), .. }) = self.found.get(path.as_str()) else { return None };
            let place = resolve(path, installed);
            if resolve(path, target) == place {
                return None;
            }
            let reason = reason_against(self.root, &self.contents, path, target, installed, &node.name);
            Some((place, reason))
        })
    }

    /// Returns the topmost folder above a missing file that is not there, or is no folder.
    fn missing_folder(&self, place: &str) -> Option<(String, Change)> {
        let folders = place.match_indices('/').filter_map(|(end, _)| place.get(..end));
        let folder = folders.into_iter().find(|folder| !self.root.is_folder(folder))?;
        let below = format!("{folder}/");
        let change = match self.root.look(folder) {
            Ok(Some(found)) => Change::Kind(found.kind),
            _ => {
                let files = self.record.rows.iter().filter(|row| row.path().starts_with(&below)).count();
                Change::MissingFolder { files }
            }
        };
        Some((folder.to_owned(), change))
    }

    fn missing(&self, place: &str, key_users: &KeyUsers, accepted: &BTreeSet<String>) -> (Change, Weight) {
        // admin.conf and super-admin.conf: nothing on the node reads them.
        let is_of_person = Purpose::of_path(place) == Purpose::User;
        let is_authority_key =
            place.strip_suffix(".key").is_some_and(|stem| authority_at(&format!("{stem}.crt")).is_some());
        let leads_to = self.root.leads_to(place).unwrap_or_default();
        let needed_by = key_users.of(&[place, &leads_to]).cloned();
        let weight = match needed_by.is_none() && (is_of_person || is_authority_key) {
            true if accepted.contains(place) => Weight::Accepted,
            true => Weight::Note,
            false => Weight::Problem,
        };
        (Change::Missing { needed_by }, weight)
    }

    fn access(&self, found: &Found, mode: u32) -> Option<Change> {
        let mode = (found.mode != mode).then_some((found.mode, mode));
        let owner = self.owner.filter(|owner| *owner != found.owner).map(|owner| (found.owner, owner));
        (mode.is_some() || owner.is_some()).then_some(Change::Access { mode, owner })
    }
}
