//! The effect of a swap on the running components: which must start anew, and which CAs are no longer trusted.

use std::collections::BTreeSet;

use super::super::NodeError;
use super::super::change::{Difference, Method, Reason};
use super::super::changes::Changes;
use super::super::installed::{Installed, installed, previously_installed};
use super::super::place::{INSTALLED, Slot};
use super::super::replaced::Replaced;
use super::super::state::{content, look, read_previous};
use super::super::trust::{Breach, Trust};
use super::super::unit::Unit;
use crate::host::{FoundKind, NodeTree};
use crate::kubernetes::{
    BOOTSTRAP, CERTS_D, CLUSTER_CA, CertificatesDir, Component, ETCD_CA, KUBELET_PKI, KUBERNETES, TRUST_FOLDERS,
    are_reloaded, authorities, is_trusted_by_system, kubeconfigs, readers, usual_place,
};

/// The effect of a swap on the running components.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The components that must be started anew to read the files.
    pub restarts: BTreeSet<Component>,
    /// Whether none must be, because kube-apiserver reads by itself what changes.
    pub is_reloaded: bool,
    /// The places of the CAs that the node will no longer trust.
    pub replaced: Vec<String>,
    /// Whether the tokens of service accounts will be signed with another key.
    pub has_new_tokens: bool,
    /// Whether other roots lie where the system takes those from that all of its programs trust.
    pub updates_trust: bool,
    /// In a rotation, why the rest of the cluster does not take what comes back.
    pub breaches: Vec<Breach>,
    /// The folder of the certificates with which components are asked.
    pub(super) certificates_dir: CertificatesDir,
}

impl Effect {
    /// Returns the effect of installing a part.
    #[must_use]
    pub fn of_changes(changes: &Changes<'_>) -> Self {
        let certificates_dir = changes.to.certificates_dir.clone();
        let mut effect = Self { restarts: changes.restarts.clone(), certificates_dir, ..Self::default() };
        // The rest of the cluster has trusted the installed generation all along, so that for it nothing is new.
        // In a rotation by phases the nodes go on working with each other, and tokens stay good.
        if !changes.is_repair() && !changes.in_phases() {
            effect.replaced.clone_from(&changes.replaced);
            effect.has_new_tokens =
                changes.files.iter().any(|file| is_tokens(&file.place) && file.difference == Difference::Content);
        }
        let places = || {
            let files = changes.files.iter().filter(|file| file.difference != Difference::Mode).map(|file| &file.place);
            files.chain(changes.dropped.iter().map(|dropped| &dropped.place))
        };
        effect.updates_trust = places().any(|place| is_trusted_by_system(place));
        // No component looks into the folders of registries.
        let by_files =
            changes.methods.iter().all(|(folder, method)| *method != Method::Folder || folder.starts_with(CERTS_D));
        if by_files && changes.dropped.iter().all(|dropped| dropped.reason == Reason::NotInPart) {
            effect.reload(changes.files.iter().map(|file| file.place.as_str()));
        }
        effect
    }

    /// Returns the effect of going back to the previous generation. Returns `None` when there is none.
    ///
    /// # Errors
    /// Fails when the files cannot be read.
    pub fn of_rollback(tree: &NodeTree) -> Result<Option<Self>, NodeError> {
        let Some(units) = read_previous(tree)? else { return Ok(None) };
        // Where a record cannot be read, what it says of the installed generation is another's concern.
        let dir = |read: Result<Option<Installed>, NodeError>| read.ok().flatten().map(|found| found.certificates_dir);
        let old_dir = dir(installed(tree));
        // What certferry did not install lies where certferry has put its own.
        let new_dir = dir(previously_installed(tree)).or_else(|| old_dir.clone());
        let (old_dir, new_dir) = (old_dir.unwrap_or_default(), new_dir.unwrap_or_default());
        let names = Names::new(tree, [&old_dir, &new_dir])?;
        let mut places = BTreeSet::new();
        // The record of what is installed is no file of a component.
        let is_of_component = |unit: &&Unit| rest(&unit.live, INSTALLED).is_none() && !unit.is_manifest();
        for unit in units.iter().filter(is_of_component) {
            compare(tree, &unit.live, &unit.at(Slot::Previous), &names.of(&unit.live), &mut places)?;
        }
        let is_there = |dir: &CertificatesDir, place| tree.reading().is_there(&dir.place(place));
        let runs = |component: &Component| [&old_dir, &new_dir].iter().any(|dir| is_there(dir, component.mark()));
        let readers = places.iter().flat_map(|place| readers(place).iter().copied());
        let mut effect =
            Self { restarts: readers.filter(runs).collect(), certificates_dir: new_dir.clone(), ..Self::default() };
        effect.has_new_tokens = places.iter().any(|place| is_tokens(place));
        effect.updates_trust = places.iter().any(|place| is_trusted_by_system(place));
        let back = |place: &str| units.iter().find_map(|unit| at_previous(&names, unit, place));
        let old = |place: &str| content(tree, &names.live(place));
        let brought = |place: &str| content(tree, &back(place).unwrap_or_else(|| names.live(place)));
        let phase = |read: Result<Option<Installed>, NodeError>| read.ok().flatten().map_or(0, |found| found.phase);
        let in_phases = phase(installed(tree)) != 0 || phase(previously_installed(tree)) != 0;
        if in_phases {
            let here = Trust::read(|usual| old(&old_dir.place(usual)))?;
            let there = Trust::read(|usual| brought(&new_dir.place(usual)))?;
            effect.breaches = here.breaches(&there);
        }
        let new: Vec<_> = authorities()
            .map(|place| {
                let place = new_dir.place(&place).into_owned();
                let bytes = brought(&place)?;
                Ok((new_dir.usual(&place).into_owned(), bytes))
            })
            .collect::<Result<_, NodeError>>()?;
        let lacks = |authority: &str| new.iter().all(|(place, bytes)| place != authority || bytes.is_empty());
        if lacks(CLUSTER_CA) && lacks(ETCD_CA) {
            // The previous generation has neither CA, so nothing was there, and no component can start with it.
            let updates_trust = effect.updates_trust;
            return Ok(Some(Self { updates_trust, certificates_dir: new_dir, ..Self::default() }));
        }
        let new = |place: &str| {
            let usual = old_dir.usual(place);
            new.iter().find(|(known, _)| *known == usual).map(|(_, bytes)| bytes.as_slice())
        };
        // As in the other direction, a step of a rotation replaces nothing on which others depend.
        if in_phases {
            effect.has_new_tokens = false;
        } else {
            effect.replaced = Replaced::new(&old_dir, false, old, new)?.authorities();
        }
        let is_certificates = |unit: &Unit| {
            let place = names.of(&unit.live);
            [&old_dir, &new_dir].iter().any(|dir| dir.folder() == place)
        };
        if !units.iter().any(is_certificates) {
            effect.reload(places.iter().map(String::as_str));
        }
        Ok(Some(effect))
    }

    /// Returns whether etcd's CA is another. Members with the old one and members with the new one do not speak to each
    /// other.
    #[must_use]
    pub fn replaces_etcd(&self) -> bool {
        self.replaced.iter().any(|place| usual_place(place) == ETCD_CA)
    }

    fn reload<'a>(&mut self, places: impl Iterator<Item = &'a str>) {
        if !self.restarts.is_empty() && are_reloaded(places) {
            self.restarts.clear();
            self.is_reloaded = true;
        }
    }
}

/// Returns whether a place is that of the keys by which tokens of service accounts are known.
fn is_tokens(place: &str) -> bool {
    usual_place(place) == "etc/kubernetes/pki/sa.pub"
}

/// The known places, each with the place to which the links on its way lead.
struct Names(Vec<(String, String)>);

impl Names {
    fn new(tree: &NodeTree, certificates: [&CertificatesDir; 2]) -> Result<Self, NodeError> {
        let kubeconfigs = kubeconfigs().into_iter().map(|name| format!("{KUBERNETES}/{name}"));
        let folders = certificates.map(CertificatesDir::folder).into_iter();
        let folders = folders.chain([KUBELET_PKI, BOOTSTRAP, CERTS_D]).chain(TRUST_FOLDERS).map(str::to_owned);
        let places = folders.chain(kubeconfigs);
        let resolve = |place: String| match tree.resolve(&place) {
            Ok(resolved) => Ok((place, resolved)),
            Err(error) => Err(NodeError::io("follow links of", tree, &place, error)),
        };
        places.map(resolve).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the known place of an entry of the disk.
    fn of(&self, live: &str) -> String {
        let below = |(place, resolved): &(String, String)| Some(format!("{place}{}", rest(live, resolved)?));
        self.0.iter().find_map(below).unwrap_or_else(|| live.to_owned())
    }

    /// Returns the place on the disk of a known place.
    fn live(&self, place: &str) -> String {
        let below = |(known, resolved): &(String, String)| Some(format!("{resolved}{}", rest(place, known)?));
        self.0.iter().find_map(below).unwrap_or_else(|| place.to_owned())
    }
}

/// Returns what follows a folder in a path below it, with its `/`. Returns an empty text for the folder itself.
fn rest<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns where the previous generation keeps what it has for a place.
fn at_previous(names: &Names, unit: &Unit, place: &str) -> Option<String> {
    let below = rest(place, &names.of(&unit.live))?.to_owned();
    Some(format!("{}{below}", unit.at(Slot::Previous)))
}

/// Collects the places below `name` where two entries of the disk differ.
fn compare(
    tree: &NodeTree,
    left: &str,
    right: &str,
    name: &str,
    places: &mut BTreeSet<String>,
) -> Result<(), NodeError> {
    let kind = |place: &str| Ok::<_, NodeError>(look(tree, place)?.map(|found| found.kind));
    let (kinds, is_folder) = ((kind(left)?, kind(right)?), |kind: &Option<FoundKind>| *kind == Some(FoundKind::Folder));
    if is_folder(&kinds.0) || is_folder(&kinds.1) {
        let mut entries = BTreeSet::new();
        for folder in [left, right] {
            if look(tree, folder)?.is_some_and(|found| found.kind == FoundKind::Folder) {
                entries.extend(tree.names(folder).map_err(NodeError::names)?);
            }
        }
        for entry in entries {
            let [left, right, name] = [left, right, name].map(|folder| format!("{folder}/{entry}"));
            compare(tree, &left, &right, &name, places)?;
        }
        return Ok(());
    }
    let is_same = match kinds {
        (Some(FoundKind::File), Some(FoundKind::File)) => *content(tree, left)? == *content(tree, right)?,
        (left, right) => left == right,
    };
    if !is_same {
        places.insert(name.to_owned());
    }
    Ok(())
}
