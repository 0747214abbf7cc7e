//! Compares what a part has for registries with the node: a folder for each, which containerd reads, and roots that the
//! system trusts. In both folders other people's files lie beside.

use std::collections::BTreeSet;

use super::NodeError;
use super::change::{Dropped, FileChange, Method, Reason, Staged};
use super::changes::Comparison;
use super::fingerprint::describe;
use super::installed::installed_record;
use super::place::parent_and_name;
use super::single_files::tree_entries;
use super::state::{home_of, look, real};
use super::unit::Unit;
use crate::bundle::Row;
use crate::host::{FoundKind, NodeTree};
use crate::kubernetes::{
    CERTS_D, HOSTS_TOML, REGISTRY_CA, TRUST_FOLDERS, in_certs_d, is_of_registry, is_trusted_by_system,
};

impl Comparison<'_, '_> {
    /// Compares the folders of registries, each of which is a unit, then the roots for the system. What the installed
    /// generation has and the part has not goes: nobody would trust it if it came now.
    pub(super) fn registries(&mut self) -> Result<(), NodeError> {
        let installed = installed(self.tree())?;
        let new = self.places().filter(|place| is_of_registry(place)).map(str::to_owned);
        let places: BTreeSet<String> = new.chain(installed.iter().cloned()).collect();
        let folders: BTreeSet<&str> =
            places.iter().filter_map(|place| in_certs_d(place)).map(|(name, _)| name).collect();
        for name in folders {
            let folder = format!("{CERTS_D}/{name}");
            if let Some(FoundKind::Link(target)) = look(self.tree(), &folder)?.map(|found| found.kind) {
                return Err(NodeError::Link { place: folder, target });
            }
            match self.rows_below(&folder).is_empty() {
                true => self.drop_registry(&folder, &installed)?,
                false => self.folder(&folder)?,
            }
        }
        for place in places.iter().filter(|place| is_trusted_by_system(place)) {
            self.trusted(place)?;
        }
        Ok(())
    }

    /// Stages the removal of what is installed of a registry: of its folder, when nothing else is in it, else a folder
    /// with the rest.
    fn drop_registry(&mut self, folder: &str, installed: &BTreeSet<String>) -> Result<(), NodeError> {
        let (home, name, is_mount_point) = home_of(self.tree(), folder)?;
        let live = if name.is_empty() { home.clone() } else { Unit::new(&home, &name).live };
        let old = self.walk(&live)?;
        let files = old.iter().filter(|(_, found)| found.kind != FoundKind::Folder);
        let (ours, others): (Vec<_>, Vec<_>) =
            files.partition(|(path, _)| installed.contains(&format!("{folder}/{path}")));
        if ours.is_empty() {
            return Ok(());
        }
        if let Some((path, _)) = others.iter().find(|(_, found)| found.kind == FoundKind::Special) {
            return Err(NodeError::Special { place: format!("{folder}/{path}") });
        }
        let dropped = |path: &String| Dropped { place: format!("{folder}/{path}"), reason: Reason::NotInPart };
        for (path, facts) in describe(self.tree(), &live)?.into_iter().filter(|(path, _)| path != ".") {
            self.changes.before.insert(format!("{live}/{path}"), facts);
        }
        if is_mount_point {
            for (path, _) in ours {
                self.stage(Staged { unit: Unit::new(&home, path), entries: Vec::new() }, vec![dropped(path)]);
            }
            return Ok(());
        }
        let kept: Vec<_> = others.into_iter().map(|(path, found)| (path.clone(), found.clone())).collect();
        let entries = if kept.is_empty() {
            Vec::new()
        } else {
            tree_entries(&[], &old, &kept, &live, |path, row, bytes, found| self.entry(path, row, bytes, found))
        };
        let dropped = ours.into_iter().map(|(path, _)| dropped(path)).collect();
        self.stage(Staged { unit: Unit::new(&home, &name), entries }, dropped);
        self.changes.carried.extend(kept.into_iter().map(|(path, _)| format!("{folder}/{path}")));
        let method = if self.tree().renames_folders(&home) { Method::Folder } else { Method::Overlay };
        self.changes.methods.push((folder.to_owned(), method));
        Ok(())
    }

    /// Compares a root that the system trusts, or stages its removal.
    fn trusted(&mut self, place: &str) -> Result<(), NodeError> {
        let (folder, name) = parent_and_name(place);
        let unit = trust_unit(self.tree(), folder, name)?;
        let found = look(self.tree(), &unit.live)?;
        if let Some(FoundKind::Link(target)) = found.as_ref().map(|found| found.kind.clone()) {
            return Err(NodeError::Link { place: place.to_owned(), target });
        }
        self.describe(&unit)?;
        let Some((row, bytes)) = self.row(place) else {
            if found.is_some() {
                let dropped = Dropped { place: place.to_owned(), reason: Reason::NotInPart };
                self.stage(Staged { unit, entries: Vec::new() }, vec![dropped]);
            }
            return Ok(());
        };
        if let Some(difference) = self.difference(row, found.as_ref(), &unit.live)? {
            let entries = vec![self.entry(String::new(), row, bytes, found.as_ref())];
            self.stage(Staged { unit, entries }, Vec::new());
            self.changes.files.push(FileChange { place: place.to_owned(), difference });
        }
        Ok(())
    }
}

/// Returns the places of the files for registries that the installed generation brought.
fn installed(tree: &NodeTree) -> Result<BTreeSet<String>, NodeError> {
    let rows = installed_record(tree.reading())?.map(|(record, _)| record.rows).unwrap_or_default();
    Ok(rows.iter().map(Row::path).filter(|place| is_of_registry(place)).map(str::to_owned).collect())
}

/// Returns the unit of a file in a folder of roots. Its slots lie beside the folder, for what lies in it is trusted.
fn trust_unit(tree: &NodeTree, folder: &str, name: &str) -> Result<Unit, NodeError> {
    let resolved = real(tree, folder)?;
    let (home, folder) = parent_and_name(&resolved);
    Ok(Unit::new(home, &format!("{folder}/{name}")))
}

/// Returns the places of the files for registries, as a record has them, that lie in a unit of the previous generation.
/// Other files of its folder are nobody's but their owner's.
pub(super) fn places_in(tree: &NodeTree, unit: &Unit) -> Result<Vec<(String, String)>, NodeError> {
    let mut places = Vec::new();
    for folder in [CERTS_D].into_iter().chain(TRUST_FOLDERS) {
        let resolved = real(tree, folder)?;
        let Some(rest) = unit.live.strip_prefix(&resolved).filter(|rest| rest.starts_with('/')) else { continue };
        let place = format!("{folder}{rest}");
        let below = [String::new(), format!("/{}", REGISTRY_CA), format!("/{}", HOSTS_TOML)];
        let known = below.into_iter().map(|below| (format!("{place}{below}"), below));
        places.extend(known.filter(|(place, _)| {
            let is_file = |(_, path): (&str, &str)| [REGISTRY_CA, HOSTS_TOML].contains(&path);
            in_certs_d(place).is_some_and(is_file) || is_trusted_by_system(place)
        }));
    }
    Ok(places)
}
