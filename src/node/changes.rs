//! The changes that a part would make on a node, unit by unit, found by a comparison of both.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::NodeError;
use super::change::{Content, Difference, Dropped, Entry, FileChange, Method, Reason, Staged};
use super::fingerprint::{Description, describe};
use super::installed::{Installed, installed_record};
use super::not_after;
use super::place::{HIDDEN, NOT_AFTER, RECORD, SIGNATURE, SIGNER, Slot, parent_and_name};
use super::replaced::Replaced;
use super::signing_flag::{SigningFlags, manifest_place, signing_flags};
use super::single_files::{check_way, embedded_authorities, is_stale, prefix, tree_entries};
use super::state::{ROOT, content, home_of, look, real};
use super::trust::{Breach, Trust};
use super::unit::{Unit, is_place};
use crate::bundle::{PartOwner, Record, Row, Sha256, VerifiedPart};
use crate::host::{FileOwner, Found, FoundKind, NodeTree};
use crate::kubernetes::{
    BOOTSTRAP, CA_SIGNING, CERTS_D, CLUSTER_CA_KEY, CertificatesDir, Component, KUBELET_PKI, KUBERNETES, MANIFESTS,
    Role, is_shared, kubeconfigs, readers, usual_place,
};
use crate::sign::PublicKey;

/// The changes that a part makes on a node.
pub struct Changes<'a> {
    /// The generation that certferry installed last, if any.
    pub from: Option<Installed>,
    /// The generation that would be installed.
    pub to: Installed,
    /// The files of the part that are new, or that differ from the node's.
    pub files: Vec<FileChange>,
    /// The files on the node that the part does not hold, in folders that are exchanged as a whole. They are carried
    /// over.
    pub carried: Vec<String>,
    /// The files on the node that are kept only in the backup.
    pub dropped: Vec<Dropped>,
    /// The folders that change, each with its method.
    pub methods: Vec<(String, Method)>,
    /// The places of the CAs that the node will no longer trust.
    pub replaced: Vec<String>,
    /// The breaches of trust between what is installed and the part.
    pub breaches: Vec<Breach>,
    /// The flags that name the certificate with which the cluster's CA signs, where they must be looked at.
    pub signing: Option<SigningFlags>,
    /// The components that must be started anew to read the files.
    pub restarts: BTreeSet<Component>,
    /// Whether the part brings the file for those flags, and whether a CA's key that signs is on the node or comes.
    pub(super) brings_signing: bool,
    pub(super) signs_here: bool,
    pub(super) staged: Vec<Staged<'a>>,
    /// The slot that keeps what was live.
    pub(super) keep: Slot,
    /// The entries of the units as they were when they were compared, by their place on the disk, each as a
    /// [`Description`] tells it.
    pub(super) before: Description,
}

impl<'a> Changes<'a> {
    /// Compares a part with the node. Only reads, and changes nothing. `edits_manifest` says whether the flags in a static
    /// pod's manifest are edited, or told to a person.
    ///
    /// # Errors
    /// Fails when the node's files cannot be read, when one of them cannot be carried over, and when the part has a file
    /// or folder where the node has a symbolic link. Only the folder of certificates and the kubelet's `pki` themselves
    /// may be links.
    pub fn new(
        tree: &NodeTree,
        part: &'a VerifiedPart,
        key: &PublicKey,
        edits_manifest: bool,
    ) -> Result<Self, NodeError> {
        let record = part.record();
        let is_etcd = matches!(&record.owner, PartOwner::Node(node) if node.role == Role::Etcd);
        let new: BTreeMap<&str, (&Row, &[u8])> = part.files().map(|(row, bytes)| (row.path(), (row, bytes))).collect();
        let folder = record.owner.certificates_dir();
        let old = |place: &str| content(tree, &resolve(tree, place)?);
        let to = Installed::of(part, key.fingerprint());
        let before = installed_record(tree.reading())?;
        let had_signing = before
            .as_ref()
            .is_some_and(|(record, _)| record.rows.iter().any(|row| usual_place(row.path()) == CA_SIGNING));
        let from = before.map(|(_, from)| from);
        let in_phases = to.phase != 0 || from.as_ref().is_some_and(|from| from.phase != 0);
        let replaced = Replaced::new(&folder, in_phases, old, |place| Some(new.get(place)?.1))?;
        let here = Trust::read(|usual| old(&folder.place(usual)))?;
        let brought = |usual: &str| {
            new.get(&*folder.place(usual)).map_or_else(Zeroizing::default, |(_, bytes)| Zeroizing::new(bytes.to_vec()))
        };
        let there = Trust::read(|usual| Ok::<_, NodeError>(brought(usual)))?;
        let ca_key = folder.place(CLUSTER_CA_KEY);
        let brings_signing = new.contains_key(&*folder.place(CA_SIGNING));
        let is_fresh = look(tree, &resolve(tree, folder.folder())?)?.is_none();
        // Where nothing is there yet, nothing is started yet either.
        let signs_here = !is_fresh && (new.contains_key(&*ca_key) || tree.reading().is_there(&ca_key));
        let mut changes = Self {
            from,
            to,
            files: Vec::new(),
            carried: Vec::new(),
            dropped: Vec::new(),
            methods: Vec::new(),
            replaced: replaced.authorities(),
            breaches: here.breaches(&there),
            signing: None,
            restarts: BTreeSet::new(),
            brings_signing,
            signs_here,
            staged: Vec::new(),
            keep: Slot::Previous,
            before: Description::new(),
        };
        let mut comparison =
            Comparison { tree, new, replaced, keeps_owner: is_etcd, had_signing, changes: &mut changes };
        comparison.folder(folder.folder())?;
        comparison.folder(KUBELET_PKI)?;
        comparison.kubeconfigs()?;
        comparison.registries()?;
        if !is_fresh {
            changes.restarts = restarts(record, &changes);
        }
        if brings_signing || had_signing {
            changes.signing(tree, &folder, edits_manifest)?;
        }
        changes.record(part, key);
        changes.keep = changes.slot_to_keep();
        for staged in &changes.staged {
            if !is_place(&staged.unit.live) {
                return Err(NodeError::WhiteSpace { place: staged.unit.live.clone() });
            }
        }
        Ok(changes)
    }

    /// Returns whether nothing at all would change.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.staged.is_empty()
    }

    /// Returns whether the installed generation is installed once more, so that only what differs from it is mended.
    #[must_use]
    pub fn is_repair(&self) -> bool {
        self.from.as_ref() == Some(&self.to)
    }

    /// Returns whether this is a step of a rotation in phases, into it or out of it.
    #[must_use]
    pub fn in_phases(&self) -> bool {
        self.to.phase != 0 || self.from.as_ref().is_some_and(|from| from.phase != 0)
    }

    /// Returns whether files of the cluster change, and not only the record of what is installed.
    #[must_use]
    pub fn has_files(&self) -> bool {
        !self.files.is_empty() || !self.dropped.is_empty()
    }

    /// Returns whether what is replaced is kept as that of a repair. It is not where a repair only gives files their
    /// owners and permissions back, or brings back what is missing.
    #[must_use]
    pub fn keeps_repaired(&self) -> bool {
        self.keep == Slot::Repaired
    }

    fn slot_to_keep(&self) -> Slot {
        let is_whole = |(_, method): &(String, Method)| matches!(method, Method::Folder | Method::Overlay);
        // What a manifest said before its edit is told by the edit.
        let is_lost = |file: &FileChange| file.difference == Difference::Content && !file.place.starts_with(MANIFESTS);
        let loses = self.methods.iter().any(is_whole) || self.files.iter().any(is_lost) || !self.dropped.is_empty();
        match (self.is_repair(), loses) {
            (false, _) => Slot::Previous,
            (true, true) => Slot::Repaired,
            (true, false) => Slot::Discard,
        }
    }

    /// Looks at the flags that name the certificate with which the cluster's CA signs, and stages their edit.
    fn signing(&mut self, tree: &NodeTree, folder: &CertificatesDir, edits_manifest: bool) -> Result<(), NodeError> {
        self.signing = signing_flags(tree.reading(), folder, self.brings_signing);
        let Some(flags) = self.signing.as_ref().filter(|flags| edits_manifest && !flags.edits.is_empty()) else {
            return Ok(());
        };
        let Some(edited) = &flags.text else { return Ok(()) };
        let unit = Unit::manifest(&manifest_place(tree)?, &real(tree, KUBERNETES)?);
        let Some(found) = look(tree, &edited.place)? else { return Ok(()) };
        let facts = describe(tree, &edited.place)?.remove(".");
        self.before.extend(facts.map(|facts| (unit.live.clone(), facts)));
        let bytes = Cow::Owned(edited.after.clone().into_bytes());
        let content = Content::File { mode: found.mode, bytes };
        self.staged.push(Staged { unit, entries: vec![Entry { path: String::new(), owner: found.owner, content }] });
        self.files.push(FileChange { place: flags.started_by.place().to_owned(), difference: Difference::Content });
        self.restarts.insert(Component::ControllerManager);
        Ok(())
    }

    /// Stages the record of what is installed, as the last unit, when it is new or another.
    fn record(&mut self, part: &'a VerifiedPart, key: &PublicKey) {
        if self.is_repair() {
            return;
        }
        let file = |name: &str, bytes: Cow<'a, [u8]>| Entry {
            path: name.to_owned(),
            owner: ROOT,
            content: Content::File { mode: 0o644, bytes },
        };
        let files = part.files().map(|(row, bytes)| (row.path(), bytes));
        let entries = vec![
            Entry { path: String::new(), owner: ROOT, content: Content::Folder { mode: 0o700, like: None } },
            file(RECORD, Cow::Borrowed(part.record_bytes())),
            file(SIGNATURE, Cow::Borrowed(part.signature())),
            file(SIGNER, Cow::Owned(key.to_pem().into_bytes())),
            file(parent_and_name(NOT_AFTER).1, Cow::Owned(not_after::render(files).into_bytes())),
        ];
        self.staged.push(Staged { unit: Unit::installed(), entries });
    }
}

/// Returns the components that read what changes and run on the node.
fn restarts(record: &Record, changes: &Changes<'_>) -> BTreeSet<Component> {
    let PartOwner::Node(node) = &record.owner else { return BTreeSet::new() };
    let has_etcd = record.rows.iter().any(|row| usual_place(row.path()) == Component::Etcd.mark());
    let runs = |component: &Component| component.runs(node.role, has_etcd);
    // What is in a file stays the same when its permissions change, and a component has read it already.
    let files = changes.files.iter().filter(|file| file.difference != Difference::Mode).map(|file| &file.place);
    let places = files.chain(changes.dropped.iter().map(|file| &file.place));
    places.flat_map(|place| readers(place).iter().copied()).filter(runs).collect()
}

fn resolve(tree: &NodeTree, place: &str) -> Result<String, NodeError> {
    tree.resolve(place).map_err(|error| NodeError::io("follow links of", tree, place, error))
}

pub(super) struct Comparison<'a, 'b> {
    tree: &'b NodeTree,
    /// The files of the part, by place.
    new: BTreeMap<&'a str, (&'a Row, &'a [u8])>,
    replaced: Replaced,
    /// Whether files keep their owner. etcd runs as a user of its own where the kubelet does not start it.
    keeps_owner: bool,
    /// Whether the installed generation has the one certificate that signs, which goes with its phases.
    had_signing: bool,
    pub(super) changes: &'b mut Changes<'a>,
}

impl<'a> Comparison<'a, '_> {
    /// Returns the node's files.
    pub(super) const fn tree(&self) -> &NodeTree {
        self.tree
    }

    /// Returns the places of the part's files.
    pub(super) fn places(&self) -> impl Iterator<Item = &'a str> {
        self.new.keys().copied()
    }

    /// Returns the part's file at a place.
    pub(super) fn row(&self, place: &str) -> Option<(&'a Row, &'a [u8])> {
        self.new.get(place).copied()
    }

    /// Stages a unit, and notes what is dropped with it.
    pub(super) fn stage(&mut self, staged: Staged<'a>, dropped: Vec<Dropped>) {
        self.changes.staged.push(staged);
        self.changes.dropped.extend(dropped);
    }

    /// Compares a folder that is one unit, or whose files are units.
    pub(super) fn folder(&mut self, folder: &str) -> Result<(), NodeError> {
        let rows: Vec<_> = self.rows_below(folder);
        if rows.is_empty() {
            return Ok(());
        }
        let (home, name, is_mount_point) = home_of(self.tree, folder)?;
        let live = if name.is_empty() { home.clone() } else { format!("{}{name}", prefix(&home)) };
        let before = describe(self.tree, &live)?;
        let before =
            before.into_iter().filter(|(path, _)| path != ".").map(|(path, facts)| (format!("{live}/{path}"), facts));
        self.changes.before.extend(before);
        let old = self.walk(&live)?;
        if old.is_empty() && look(self.tree, folder)?.is_some() {
            return Err(NodeError::DanglingLink { place: folder.to_owned() });
        }
        for (path, row, _) in &rows {
            check_way(folder, path, row, &old)?;
        }
        let mut changed: Vec<FileChange> = Vec::new();
        for (path, row, _) in &rows {
            let found = old.get(path);
            let difference = self.difference(row, found, &format!("{live}/{path}"))?;
            changed.extend(difference.map(|difference| FileChange { place: row.path().to_owned(), difference }));
        }
        let extra: Vec<(&String, &Found)> = old
            .iter()
            .filter(|(path, found)| found.kind != FoundKind::Folder && !rows.iter().any(|(row, ..)| row == *path))
            .collect();
        for (path, found) in &extra {
            if found.kind == FoundKind::File {
                self.replaced.learn(&self.content(&format!("{live}/{path}"))?);
            }
        }
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for (path, found) in extra {
            let place = format!("{folder}/{path}");
            if found.kind == FoundKind::Special {
                return Err(NodeError::Special { place });
            }
            match self.reason(folder, path, found, &live)? {
                Some(reason) => dropped.push((path.clone(), Dropped { place, reason })),
                None => kept.push((path.clone(), found.clone())),
            }
        }
        if changed.is_empty() && dropped.is_empty() {
            return Ok(());
        }
        let has_parent = |place: &str| {
            old.contains_key(parent_and_name(place).0.strip_prefix(folder).unwrap_or_default().trim_start_matches('/'))
        };
        let is_single = |change: &FileChange| match change.difference {
            Difference::Mode => true,
            // A CA belongs to many files, and a key of service accounts is read only once, at start.
            Difference::Content => !is_shared(&change.place),
            Difference::New => !is_shared(&change.place) && has_parent(&change.place),
        };
        let is_certificates = folder == self.changes.to.certificates_dir.folder();
        let only_single = is_certificates && !old.is_empty() && dropped.is_empty() && changed.iter().all(is_single);
        let method = match (is_mount_point, only_single) {
            (true, _) => Method::MountPoint,
            (false, true) => Method::Files,
            (false, false) if old.is_empty() || self.tree.renames_folders(&home) => Method::Folder,
            (false, false) => Method::Overlay,
        };
        if matches!(method, Method::Folder | Method::Overlay) {
            let entries =
                tree_entries(&rows, &old, &kept, &live, |path, row, bytes, found| self.entry(path, row, bytes, found));
            self.changes.staged.push(Staged { unit: Unit::new(&home, &name), entries });
            self.changes.carried.extend(kept.into_iter().map(|(path, _)| format!("{folder}/{path}")));
        } else {
            let unit = |path: &str| Unit::new(&home, &format!("{}{path}", prefix(&name)));
            for (path, row, bytes) in &rows {
                if changed.iter().any(|change| change.place == row.path()) {
                    let entry = self.entry(String::new(), row, bytes, old.get(path));
                    self.changes.staged.push(Staged { unit: unit(path), entries: vec![entry] });
                }
            }
            let gone = dropped.iter().map(|(path, _)| Staged { unit: unit(path), entries: Vec::new() });
            self.changes.staged.extend(gone);
        }
        self.changes.methods.push((folder.to_owned(), method));
        self.changes.files.extend(changed);
        self.changes.dropped.extend(dropped.into_iter().map(|(_, dropped)| dropped));
        Ok(())
    }

    /// Compares the kubeconfigs, each of which is a unit. Then stages the removal of those that are dropped.
    fn kubeconfigs(&mut self) -> Result<(), NodeError> {
        let rows: Vec<_> = self.rows_below(KUBERNETES).into_iter().filter(|(path, ..)| !path.contains('/')).collect();
        for (path, row, bytes) in &rows {
            let (home, name, _) = home_of(self.tree, &format!("{KUBERNETES}/{path}"))?;
            let unit = Unit::new(&home, &name);
            self.describe(&unit)?;
            let found = look(self.tree, &unit.live)?;
            if let Some(difference) = self.difference(row, found.as_ref(), &unit.live)? {
                let entries = vec![self.entry(String::new(), row, bytes, found.as_ref())];
                self.changes.staged.push(Staged { unit, entries });
                self.changes.files.push(FileChange { place: row.path().to_owned(), difference });
            }
        }
        let is_new = |name: &str| rows.iter().any(|(path, ..)| path == name);
        let mut dropped = Vec::new();
        for name in kubeconfigs().into_iter().filter(|name| !is_new(name)) {
            let place = format!("{KUBERNETES}/{name}");
            let authorities = embedded_authorities(&self.content(&resolve(self.tree, &place)?)?);
            let replaced = authorities.iter().find_map(|authority| self.replaced.position(authority));
            let reason = replaced.map(|authority| Reason::Replaced(authority.to_owned()));
            dropped.extend(reason.map(|reason| Dropped { place, reason }));
        }
        if is_new("kubelet.conf") && look(self.tree, BOOTSTRAP)?.is_some() {
            dropped.push(Dropped { place: BOOTSTRAP.to_owned(), reason: Reason::Stale });
        }
        for file in &dropped {
            let (home, name, _) = home_of(self.tree, &file.place)?;
            let unit = Unit::new(&home, &name);
            self.describe(&unit)?;
            self.changes.staged.push(Staged { unit, entries: Vec::new() });
        }
        self.changes.dropped.extend(dropped);
        Ok(())
    }

    /// Remembers what a unit of one file is.
    pub(super) fn describe(&mut self, unit: &Unit) -> Result<(), NodeError> {
        let facts = describe(self.tree, &unit.live)?.remove(".");
        self.changes.before.extend(facts.map(|facts| (unit.live.clone(), facts)));
        Ok(())
    }

    /// Returns the part's files below a folder, each with its path in the folder.
    pub(super) fn rows_below(&self, folder: &str) -> Vec<(String, &'a Row, &'a [u8])> {
        let path = |place: &str| Some(place.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        self.new.iter().filter_map(|(place, (row, bytes))| Some((path(place)?, *row, *bytes))).collect()
    }

    /// Returns every entry below a folder by its path in it, without those that certferry itself keeps there. The
    /// folder has the path "".
    pub(super) fn walk(&self, folder: &str) -> Result<BTreeMap<String, Found>, NodeError> {
        let mut entries = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(path) = open.pop() {
            let place = if path.is_empty() { folder.to_owned() } else { format!("{folder}/{path}") };
            let Some(found) = look(self.tree, &place)? else { continue };
            if found.kind == FoundKind::Folder {
                let names = self.tree.names(&place).map_err(NodeError::names)?;
                let names = names.into_iter().filter(|name| !(path.is_empty() && name == HIDDEN));
                open.extend(names.map(|name| format!("{}{name}", prefix(&path))));
            }
            entries.insert(path, found);
        }
        Ok(entries)
    }

    /// Returns the difference between the entry at a place and that of the part, if there is one.
    pub(super) fn difference(
        &self,
        row: &Row,
        found: Option<&Found>,
        place: &str,
    ) -> Result<Option<Difference>, NodeError> {
        let Some(found) = found else { return Ok(Some(Difference::New)) };
        let is_same = match (row, &found.kind) {
            (Row::File { sha256, .. }, FoundKind::File) => Sha256::of(&self.content(place)?) == *sha256,
            (Row::Link { target, .. }, FoundKind::Link(found)) => target == found,
            _ => false,
        };
        if !is_same {
            return Ok(Some(Difference::Content));
        }
        let has_mode = match row {
            Row::File { mode, .. } => mode.bits() == found.mode,
            Row::Link { .. } => true,
        };
        let has_owner = self.keeps_owner || !self.tree.is_superuser() || found.owner == ROOT;
        Ok((!has_mode || !has_owner).then_some(Difference::Mode))
    }

    /// Returns the bytes of a file. Returns no bytes when the file is missing or too long to matter.
    fn content(&self, place: &str) -> Result<Zeroizing<Vec<u8>>, NodeError> {
        content(self.tree, place)
    }

    /// Returns why a file that the part does not hold is not kept. Returns `None` when it is kept.
    fn reason(&self, folder: &str, path: &str, found: &Found, live: &str) -> Result<Option<Reason>, NodeError> {
        if folder == KUBELET_PKI && is_stale(path) {
            return Ok(Some(Reason::Stale));
        }
        if self.had_signing && usual_place(&format!("{folder}/{path}")) == CA_SIGNING {
            return Ok(Some(Reason::NotInPart));
        }
        // What lies beside a registry's root is for its owner to say.
        if found.kind != FoundKind::File || folder.starts_with(CERTS_D) {
            return Ok(None);
        }
        let authority = self.replaced.owner_of(&self.content(&format!("{live}/{path}"))?);
        Ok(authority.map(|authority| Reason::Replaced(authority.to_owned())))
    }

    fn owner(&self, found: Option<&Found>) -> FileOwner {
        found.filter(|_| self.keeps_owner).map_or(ROOT, |found| found.owner)
    }

    pub(super) fn entry(&self, path: String, row: &Row, bytes: &'a [u8], found: Option<&Found>) -> Entry<'a> {
        let content = match row {
            Row::File { mode, .. } => Content::File { mode: mode.bits(), bytes: Cow::Borrowed(bytes) },
            Row::Link { target, .. } => Content::Link { target: target.clone() },
        };
        Entry { path, owner: self.owner(found), content }
    }
}
