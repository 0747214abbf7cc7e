//! Moves units between their place and a slot, forwards or backwards, from wherever a crash has left them.

use super::NodeError;
use super::fingerprint::fingerprint;
use super::journal::{Journal, Step};
use super::place::{HIDDEN, parent_and_name};
use crate::bundle::Sha256;
use crate::host::NodeTree;

/// The suffix of a unit's old entry between the two renames on a kernel or file system without exchange.
const OUT: &str = ".out";

/// Completes every step.
///
/// # Errors
/// Fails with the first step that could not be completed. The steps before it are done.
pub(super) fn complete(tree: &NodeTree, journal: &Journal) -> Result<(), NodeError> {
    journal.steps.iter().try_for_each(|step| advance(tree, step))?;
    sync(tree, journal)
}

/// Undoes every step.
///
/// # Errors
/// Fails with the first step that could not be undone.
pub(super) fn undo(tree: &NodeTree, journal: &Journal) -> Result<(), NodeError> {
    journal.steps.iter().rev().try_for_each(|step| withdraw(tree, step))?;
    sync(tree, journal)
}

/// Brings the names in the folders that a journal changes to the disk.
fn sync(tree: &NodeTree, journal: &Journal) -> Result<(), NodeError> {
    for folder in folders(journal) {
        // A slot that has been renamed since was synced before that.
        if is_there(tree, &folder)? {
            tree.sync_folder(&folder).map_err(|error| NodeError::io("sync", tree, &folder, error))?;
        }
    }
    Ok(())
}

/// Returns the folders whose entries the steps of a journal change, each once.
fn folders(journal: &Journal) -> Vec<String> {
    let places = journal.steps.iter().flat_map(|step| [&step.live, &step.slot]);
    let mut folders: Vec<_> = places.map(|place| parent_and_name(place).0.to_owned()).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

/// What is found at one of the places of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Nothing,
    /// What must be live in the end.
    Arriving,
    /// What was live at the start.
    Leaving,
    Other,
}

impl Is {
    fn of(print: Option<Sha256>, step: &Step) -> Self {
        match print {
            None => Self::Nothing,
            print if print == step.arrives => Self::Arriving,
            print if print == step.leaves => Self::Leaving,
            Some(_) => Self::Other,
        }
    }
}

/// Completes one step from whatever state it is in. In the end, what arrives is live and what was live is in the slot.
///
/// What is in the slot decides, because nobody else writes there. What is live may have been changed, replaced or
/// removed since; it is never in the way, and never lost.
fn advance(tree: &NodeTree, step: &Step) -> Result<(), NodeError> {
    let out = format!("{}{OUT}", step.slot);
    let (live, slot) = (step.live.as_str(), step.slot.as_str());
    let is = |place: &str| Ok::<_, NodeError>(Is::of(fingerprint(tree, place)?, step));
    let rename =
        |from: &str, to: &str| tree.rename(from, to).map_err(|error| NodeError::io("move to", tree, to, error));
    let (at_live, at_slot, at_out) = (is(live)?, is(slot)?, is(&out)?);
    match (at_slot, at_out) {
        (Is::Arriving, Is::Nothing) if at_live == Is::Nothing => rename(slot, live),
        (Is::Arriving, Is::Nothing) => exchange(tree, live, slot),
        (Is::Arriving, _) if at_live == Is::Nothing => {
            rename(slot, live)?;
            rename(&out, slot)
        }
        (Is::Arriving, _) => Err(NodeError::InTheWay { place: live.to_owned() }),
        // A way back that was cut short.
        (Is::Nothing, Is::Arriving) => {
            if at_live != Is::Nothing {
                rename(live, slot)?;
            }
            rename(&out, live)
        }
        (Is::Nothing, Is::Leaving | Is::Other) => rename(&out, slot),
        (Is::Nothing, Is::Nothing) if was_renamed(tree, slot)? => Ok(()),
        // Nothing was live before: what went live was removed since, if it is not there.
        (Is::Nothing, Is::Nothing) if step.leaves.is_none() => Ok(()),
        (Is::Nothing, Is::Nothing) if step.arrives.is_some() => is_done(step, at_live, at_slot),
        (Is::Nothing, Is::Nothing) if at_live == Is::Nothing => Ok(()),
        (Is::Nothing, Is::Nothing) => rename(live, slot),
        (Is::Leaving | Is::Other, Is::Nothing) => is_done(step, at_live, at_slot),
        (Is::Leaving | Is::Other, _) if at_live == Is::Nothing => {
            rename(&out, live)?;
            is_done(step, is(live)?, at_slot)
        }
        (Is::Leaving | Is::Other, _) => Err(NodeError::InTheWay { place: live.to_owned() }),
    }
}

/// Brings back what was live, from wherever a rename has failed.
///
/// Only what arrives is known for sure. What was live may have been written to since, by whoever had it open.
fn withdraw(tree: &NodeTree, step: &Step) -> Result<(), NodeError> {
    let out = format!("{}{OUT}", step.slot);
    let (live, slot) = (step.live.as_str(), step.slot.as_str());
    let rename =
        |from: &str, to: &str| tree.rename(from, to).map_err(|error| NodeError::io("move to", tree, to, error));
    let [is_live, is_waiting, is_out] = [is_there(tree, live)?, is_there(tree, slot)?, is_there(tree, &out)?];
    let has_left = match step.arrives {
        Some(_) => fingerprint(tree, slot)? != step.arrives,
        None => is_waiting,
    };
    match (has_left, is_live, is_waiting, is_out) {
        (false, false, _, true) => rename(&out, live),
        (false, ..) => Ok(()),
        (true, true, true, false) if step.arrives.is_some() => exchange(tree, live, slot),
        (true, true, false, _) => {
            rename(live, slot)?;
            if is_out { rename(&out, live) } else { Ok(()) }
        }
        (true, false, true, false) => rename(slot, live),
        (true, false, true, true) => {
            rename(slot, live)?;
            rename(&out, slot)
        }
        (true, false, false, true) => rename(&out, live),
        (true, false, false, false) => Ok(()),
        (true, true, true, _) => Err(NodeError::InTheWay { place: live.to_owned() }),
    }
}

fn exchange(tree: &NodeTree, live: &str, slot: &str) -> Result<(), NodeError> {
    let done = tree.exchange(live, slot).map_err(|error| NodeError::io("exchange", tree, live, error))?;
    if done {
        return Ok(());
    }
    let out = format!("{slot}{OUT}");
    for (from, to) in [(live, out.as_str()), (slot, live), (&out, slot)] {
        tree.rename(from, to).map_err(|error| NodeError::io("move to", tree, to, error))?;
    }
    Ok(())
}

/// Returns whether the folder of the slot is gone, because the run that was killed has renamed it already.
fn was_renamed(tree: &NodeTree, slot: &str) -> Result<bool, NodeError> {
    let (slots, below) = slot.rsplit_once(HIDDEN).unwrap_or(("", slot));
    let name = below.trim_start_matches('/').split('/').next().unwrap_or_default();
    Ok(!is_there(tree, &format!("{slots}{HIDDEN}/{name}"))?)
}

fn is_there(tree: &NodeTree, place: &str) -> Result<bool, NodeError> {
    let found = tree.look(place).map_err(|error| NodeError::io("look at", tree, place, error))?;
    Ok(found.is_some())
}

/// Refuses a step of which what must go live is neither live nor waiting: then what was live before is live still.
fn is_done(step: &Step, at_live: Is, at_slot: Is) -> Result<(), NodeError> {
    let is_as_before = match step.leaves {
        Some(_) => at_live == Is::Leaving && at_slot != Is::Leaving,
        None => at_live == Is::Nothing && step.arrives.is_some(),
    };
    match is_as_before {
        true => Err(NodeError::Lost { place: step.live.clone() }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, NodeError, Step, fingerprint, undo};
    use crate::host::NodeTree;
    use crate::node::place::Slot;

    /// From wherever a rename has failed, what was live comes back, also when somebody has written to it since.
    #[test]
    fn what_was_live_comes_back() -> std::io::Result<()> {
        // Live, in the slot, on its way out, and what is live in the end; `X` is what was live, written to since.
        for (kind, before, after) in [
            ("swap", "ON-", 'O'),
            ("swap", "-NO", 'O'),
            ("swap", "-NX", 'X'),
            ("swap", "N-O", 'O'),
            ("swap", "N-X", 'X'),
            ("swap", "NO-", 'O'),
            ("swap", "NX-", 'X'),
            ("swap", "-ON", 'O'),
            ("place", "-N-", '-'),
            ("place", "N--", '-'),
            ("remove", "O--", 'O'),
            ("remove", "-O-", 'O'),
            ("remove", "-X-", 'X'),
        ] {
            let root = tempfile::tempdir()?;
            let tree = NodeTree::new(root.path().to_owned());
            std::fs::create_dir_all(root.path().join("home/.certferry/next"))?;
            let [live, slot] = ["home/a", "home/.certferry/next/a"];
            let print = |letter: &str| {
                std::fs::write(root.path().join("home/a"), letter)?;
                let print = fingerprint(&tree, live).map_err(std::io::Error::other)?;
                std::fs::remove_file(root.path().join("home/a"))?;
                Ok::<_, std::io::Error>(print)
            };
            let arrives = if kind == "remove" { None } else { print("N")? };
            let leaves = if kind == "place" { None } else { print("O")? };
            for (place, letter) in [live, slot, "home/.certferry/next/a.out"].into_iter().zip(before.chars()) {
                if letter != '-' {
                    std::fs::write(root.path().join(place), letter.to_string())?;
                }
            }
            let step = Step { live: live.to_owned(), slot: slot.to_owned(), arrives, leaves };
            let journal = Journal { slot: Slot::Next, keep: Slot::Previous, steps: vec![step] };
            let undone: Result<(), NodeError> = undo(&tree, &journal);
            assert!(undone.is_ok(), "{kind} {before}");
            let now = std::fs::read_to_string(root.path().join(live)).unwrap_or_else(|_| "-".to_owned());
            assert_eq!(now, after.to_string(), "{kind} {before}");
        }
        Ok(())
    }
}
