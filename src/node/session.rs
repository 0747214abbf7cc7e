//! A run under the lock: completes what a killed run left behind, and makes the swap itself.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use super::NodeError;
use super::backups::{forget_record, has_foreign_previous, holds_something};
use super::fingerprint::{describe, fingerprint};
use super::journal::{Journal, Step};
use super::place::{self, AWAY, JOURNAL, JOURNAL_NEW, LOCK, STATE, Slot, hidden, parent_and_name};
use super::state::{ROOT, homes, look, make_folders, read_journal, real};
use super::swap;
use super::unit::Unit;
use super::written::Written;
use crate::host::{FoundKind, NodeLock, NodeTree};
use crate::kubernetes::KUBERNETES;

/// A node whose lock this run holds, and on which no interrupted run waits any more.
pub struct Session<'a> {
    tree: &'a NodeTree,
    /// Whether an interrupted run was completed first.
    recovered: bool,
    /// What somebody had written before that to files that the run then replaced.
    written: Vec<Written>,
    #[expect(dead_code, reason = "held, not read")]
    lock: NodeLock,
}

impl<'a> Session<'a> {
    /// Takes the lock, completes an interrupted run, and removes what a killed run left behind.
    ///
    /// # Errors
    /// Returns [`NodeError::Locked`] when another run has the lock. Fails when the interrupted run cannot be completed.
    pub fn begin(tree: &'a NodeTree) -> Result<Self, NodeError> {
        make_folders(tree, KUBERNETES, 0o755)?;
        make_folders(tree, STATE, 0o700)?;
        refuse_state_of_others(tree)?;
        let lock = tree.lock(LOCK).map_err(|error| NodeError::io("lock", tree, LOCK, error))?;
        let mut session = Self { tree, recovered: false, written: Vec::new(), lock: lock.ok_or(NodeError::Locked)? };
        session.recovered = session.recover()?;
        Ok(session)
    }

    /// Begins a session like [`Self::begin`] when certferry has been on this node before. Returns `None` otherwise.
    ///
    /// # Errors
    /// Fails like [`Self::begin`].
    pub fn resume(tree: &'a NodeTree) -> Result<Option<Self>, NodeError> {
        if look(tree, STATE)?.is_none() { Ok(None) } else { Self::begin(tree).map(Some) }
    }

    /// Returns whether an interrupted run was completed first.
    #[must_use]
    pub const fn has_recovered(&self) -> bool {
        self.recovered
    }

    /// Returns the files of the node.
    #[must_use]
    pub const fn tree(&self) -> &'a NodeTree {
        self.tree
    }

    /// Returns what somebody had written to files that an interrupted run replaced when it was completed.
    pub(super) fn written(&self) -> &[Written] {
        &self.written
    }

    fn recover(&mut self) -> Result<bool, NodeError> {
        let tree = self.tree;
        let journal = read_journal(tree)?;
        if let Some(journal) = &journal {
            swap::complete(tree, journal)?;
            for step in &journal.steps {
                let kept = fingerprint(tree, &step.slot)?;
                if kept.is_some() && kept != step.leaves && kept != step.arrives {
                    let slots = [journal.slot, journal.keep].map(|slot| format!("{}/{}/", place::HIDDEN, slot.name()));
                    let kept = step.slot.replacen(&slots[0], &slots[1], 1);
                    self.written.push(Written { place: step.live.clone(), kept: Some(kept) });
                }
            }
            self.finish(journal)?;
        }
        remove_file(tree, JOURNAL_NEW)?;
        self.clean()?;
        Ok(journal.is_some())
    }

    /// Removes the entries that are staged and those that are to be discarded.
    pub(super) fn clean(&self) -> Result<(), NodeError> {
        self.remove(&[Slot::Next, Slot::Discard])
    }

    /// Removes these slots.
    pub(super) fn remove(&self, slots: &[Slot]) -> Result<(), NodeError> {
        for home in homes(self.tree)? {
            for slot in slots {
                let folder = slot.folder(&home);
                self.tree.remove_folder(&folder).map_err(|error| NodeError::io("remove", self.tree, &folder, error))?;
            }
        }
        Ok(())
    }

    /// Swaps these units with their entries in a slot. What was live is in the slot `keep` then.
    ///
    /// # Errors
    /// Returns the [`NodeError`] that prevented it. Everything is as it was then, unless the error says otherwise.
    pub(super) fn swap(&self, slot: Slot, keep: Slot, units: &[Unit]) -> Result<(), NodeError> {
        let tree = self.tree;
        let mut steps = Vec::new();
        for unit in units {
            let live = if unit.is_manifest() { manifest_now(tree, &unit.live)? } else { unit.live.clone() };
            let (arrives, leaves) = (fingerprint(tree, &unit.at(slot))?, fingerprint(tree, &live)?);
            if arrives.is_some() || leaves.is_some() {
                steps.push(Step { live, slot: unit.at(slot), arrives, leaves });
            }
        }
        let journal = Journal { slot, keep, steps };
        self.write_journal(&journal)?;
        if let Err(cause) = swap::complete(tree, &journal) {
            let undone = swap::undo(tree, &journal).and_then(|()| self.remove_journal());
            return Err(if undone.is_ok() { cause } else { NodeError::Stuck { cause: Box::new(cause) } });
        }
        self.finish(&journal).map_err(|cause| NodeError::Untidy { cause: Box::new(cause) })
    }

    fn write_journal(&self, journal: &Journal) -> Result<(), NodeError> {
        let tree = self.tree;
        let written = tree
            .create(JOURNAL_NEW, 0o600, ROOT, journal.render().as_bytes())
            .and_then(|()| tree.rename(JOURNAL_NEW, JOURNAL))
            .and_then(|()| tree.sync_folder(STATE));
        written.map_err(|error| {
            let cause = NodeError::io("write", tree, JOURNAL, error);
            // Nothing has been swapped, and without a journal the next run only removes what was staged.
            match tree.remove_file(JOURNAL).and_then(|()| tree.remove_file(JOURNAL_NEW)) {
                Ok(()) => cause,
                Err(_) => NodeError::Stuck { cause: Box::new(cause) },
            }
        })
    }

    fn remove_journal(&self) -> Result<(), NodeError> {
        remove_file(self.tree, JOURNAL)?;
        self.tree.sync_folder(STATE).map_err(|error| NodeError::io("sync", self.tree, STATE, error))
    }

    /// Tidies up after a swap. What was live goes to the slot that keeps it, what was in that is removed, and so is the
    /// journal. The slot to discard stays until [`Self::clean`].
    fn finish(&self, journal: &Journal) -> Result<(), NodeError> {
        // A folder may hold slots of the generation before alone.
        let homes = homes(self.tree)?;
        if journal.slot == Slot::Next {
            self.retire(journal)?;
        }
        self.remove_journal()?;
        if journal.keep == Slot::Discard {
            return Ok(());
        }
        for home in homes {
            let folder = Slot::Discard.folder(&home);
            self.tree.remove_folder(&folder).map_err(|error| NodeError::io("remove", self.tree, &folder, error))?;
        }
        Ok(())
    }

    /// Moves the slots in every folder of slots: what is in the slot to keep is discarded, or becomes the original if
    /// certferry did not install it, and what was live takes its place. The folder with the list of units comes last.
    fn retire(&self, journal: &Journal) -> Result<(), NodeError> {
        let tree = self.tree;
        let mut homes: Vec<_> = homes(tree)?.into_iter().collect();
        let last = real(tree, KUBERNETES)?;
        homes.sort_by_key(|home| *home == last);
        let staged = journal.steps.iter().filter_map(Step::home).map(|home| real(tree, home));
        let staged: BTreeSet<String> = staged.collect::<Result<_, _>>()?;
        let mut open = Vec::new();
        for home in homes {
            // Of the others the run that was killed has done it already.
            if !staged.contains(&home) || look(tree, &Slot::Next.folder(&home))?.is_some() {
                open.push(home);
            }
        }
        if journal.keep == Slot::Previous && has_foreign_previous(tree, |home| open.contains(home))? {
            forget_record(tree)?;
            for home in &open {
                self.keep_original(home)?;
            }
        }
        for home in &open {
            let [next, keep, discard] = [Slot::Next, journal.keep, Slot::Discard].map(|slot| slot.folder(home));
            if keep != discard {
                self.move_slot(&keep, &discard)?;
            }
            if staged.contains(home) {
                self.move_slot(&next, &keep)?;
            }
            self.sync_slots(home)?;
        }
        Ok(())
    }

    /// Makes the previous generation the original one, in one folder of slots.
    fn keep_original(&self, home: &str) -> Result<(), NodeError> {
        let tree = self.tree;
        let [previous, original, discard] =
            [Slot::Previous, Slot::Original, Slot::Discard].map(|slot| slot.folder(home));
        let (leaving, kept) = (describe(tree, &previous)?, describe(tree, &original)?);
        if !holds_something(&leaving) {
            // Nothing was there.
            return Ok(());
        }
        if leaving.iter().all(|(path, facts)| kept.get(path) == Some(facts)) {
            // What the removal of a copy that was cut short has left.
            tree.remove_folder(&previous).map_err(|error| NodeError::io("remove", tree, &previous, error))?;
        }
        if look(tree, &previous)?.is_some() {
            self.move_slot(&original, &discard)?;
            self.move_slot(&previous, &original)?;
        }
        self.sync_slots(home)
    }

    fn sync_slots(&self, home: &str) -> Result<(), NodeError> {
        let folder = hidden(home);
        if look(self.tree, &folder)?.is_none() {
            return Ok(());
        }
        self.tree.sync_folder(&folder).map_err(|error| NodeError::io("sync", self.tree, &folder, error))
    }

    /// Renames a slot, if it is there. What has the new name is removed.
    fn move_slot(&self, from: &str, to: &str) -> Result<(), NodeError> {
        let tree = self.tree;
        if look(tree, from)?.is_none() {
            return Ok(());
        }
        let remove =
            |place: &str| tree.remove_folder(place).map_err(|error| NodeError::io("remove", tree, place, error));
        let renamed = |result: std::io::Result<()>| result.map_err(|error| NodeError::io("move to", tree, to, error));
        remove(to)?;
        match tree.rename(from, to) {
            // Overlayfs does not rename a folder of a lower layer.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let copy = format!("{}/{}", parent_and_name(to).0, Slot::Discard.name());
                if to != copy {
                    // Under its new name once it is whole.
                    remove(&copy)?;
                    tree.copy_folder(from, &copy).map_err(|error| NodeError::io("copy to", tree, &copy, error))?;
                    renamed(tree.rename(&copy, to))?;
                }
                remove(from)
            }
            result => renamed(result),
        }
    }
}

/// Returns where a static pod's manifest is now: away while the pod is stopped, so that the edited one comes back.
fn manifest_now(tree: &NodeTree, live: &str) -> Result<String, NodeError> {
    let away = format!("{AWAY}/{}", parent_and_name(live).1);
    let is_away = look(tree, live)?.is_none() && look(tree, &away)?.is_some();
    Ok(if is_away { away } else { live.to_owned() })
}

/// Refuses a folder of state that somebody else than root or this user owns, or that others may write to. They could
/// have written a journal, which would move any file.
fn refuse_state_of_others(tree: &NodeTree) -> Result<(), NodeError> {
    // A link says nothing of who can write to the folder that it leads to.
    let Some(found) = look(tree, &real(tree, STATE)?)? else { return Ok(()) };
    let what = if found.owner.user != ROOT.user && !tree.is_own(found.owner) {
        format!("belongs to the user {}", found.owner.user)
    } else if found.kind == FoundKind::Folder && found.mode & 0o022 != 0 {
        format!("can be written by others: its mode is {:04o}", found.mode)
    } else {
        return Ok(());
    };
    Err(NodeError::StateOfOthers { path: tree.path(STATE), what })
}

fn remove_file(tree: &NodeTree, place: &str) -> Result<(), NodeError> {
    tree.remove_file(place).map_err(|error| NodeError::io("remove", tree, place, error))
}
