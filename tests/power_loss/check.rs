//! What must be true of a node after a power failure, and of the runs that follow.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use certferry::bundle::VerifiedPart;
use certferry::host::NodeTree;
use certferry::kubernetes::PartName;
use certferry::node::{self, Allowed, ApplyError};
use certferry::sign::PublicKey;
use certferry::verify::{AlreadyVerified, check_bundle};
use time::macros::datetime;

use super::cases::{Before, Case, FAST, Forth, INSTALLED, NODE, ONLY_COPY, Unit, Way, command, live};
use super::recording::State;
use super::tree::{self, Seen, Tree, What};
use crate::common::node::{SECOND, apply, disk};
use crate::common::{Bundle, run};

const STATE: &str = "etc/kubernetes/.certferry";
const AWAY: &str = "etc/kubernetes/.certferry/manifests";
/// What may be in a folder of certferry's own only while a run is at work.
const OF_A_RUN: [&str; 7] = ["next", "discard", "journal", "journal.new", "restart", "restart.new", "manifests"];

type Checked<T = ()> = Result<T, String>;

/// Which of the two is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Live {
    Old,
    New,
}

/// Right after the failure: each unit is old or new, and no key is where it must not be.
pub(crate) fn after_failure(case: &Case, now: &Tree) -> Checked {
    keys_are_kept(case, now)?;
    let now = live(now);
    let places: BTreeSet<&String> = case.old.keys().chain(case.new.keys()).chain(now.keys()).collect();
    let mut rest: Vec<&String> = places.into_iter().collect();
    while let Some(place) = rest.first() {
        let unit = unit(case.run.unit, place).to_owned();
        let (mine, others): (Vec<_>, _) = rest.into_iter().partition(|place| self::unit(case.run.unit, place) == unit);
        rest = others;
        let is = |tree: &Tree| mine.iter().all(|place| tree.get(*place) == now.get(*place));
        let is_away = mine.iter().all(|place| !now.contains_key(*place));
        // A manifest may be away, and where there is no exchange a unit is away between two renames.
        let may_be_away = !matches!(case.run.way, Way::Exchange) || unit.starts_with("etc/kubernetes/manifests/");
        let is_whole = is(&case.old) || is(&case.new) || (is_away && may_be_away);
        if !is_whole {
            return Err(format!("{unit} is torn"));
        }
    }
    Ok(())
}

fn unit(unit: Unit, place: &str) -> &str {
    let folders = ["etc/kubernetes/pki", "var/lib/kubelet/pki", INSTALLED];
    let is_in = |folder: &&str| unit == Unit::Folder && Path::new(place).starts_with(folder);
    folders.into_iter().find(is_in).unwrap_or(place)
}

/// No key is anywhere but in the place of one, or in a folder that nobody else enters.
fn keys_are_kept(case: &Case, now: &Tree) -> Checked {
    for (place, seen) in now {
        let name = place.rsplit('/').next().unwrap();
        if name == ".certferry" && (seen.what != What::Folder || seen.attributes.mode != 0o700) {
            return Err(format!("{place} has mode {:o}", seen.attributes.mode));
        }
        let is_hidden = place.contains(".certferry");
        let is_known = || case.old.contains_key(place) || case.new.contains_key(place);
        if !is_hidden && seen.what != What::Folder && !is_known() {
            return Err(format!("{place} is in a place of nobody"));
        }
        if seen.attributes.mode & 0o077 != 0 && has_key(seen) {
            return Err(format!("the key in {place} has mode {:o}", seen.attributes.mode));
        }
    }
    Ok(())
}

fn has_key(seen: &Seen) -> bool {
    let text = String::from_utf8_lossy(seen.content());
    ["PRIVATE KEY-----", "client-key-data"].iter().any(|sign| text.contains(sign))
}

/// After a run: everything is old or everything is new, and nothing of a run is left.
fn after_run(case: &Case, root: &Path, has_begun: bool) -> Checked<(Live, Tree)> {
    let now = tree::read(root, &[]);
    keys_are_kept(case, &now)?;
    let is_of_run = |place: &&String| {
        let mut names = place.split('/').skip_while(|name| *name != ".certferry").skip(1);
        names.next().is_some_and(|name| OF_A_RUN.contains(&name)) || place.ends_with(".out")
    };
    if let Some(place) = now.keys().find(is_of_run).filter(|_| has_begun) {
        return Err(format!("{place} is left"));
    }
    if case.has_only_copy && !now.values().any(|seen| seen.content() == ONLY_COPY) {
        return Err("the only copy of a key is lost".to_owned());
    }
    let is_live = live(&now);
    let which = match () {
        () if is_live == case.old => Live::Old,
        () if is_live == case.new => Live::New,
        () => return Err(format!("neither the old nor the new is live: {}", differing(case, &is_live).join(", "))),
    };
    Ok((which, now))
}

fn differing(case: &Case, now: &Tree) -> Vec<String> {
    let places: BTreeSet<&String> = case.old.keys().chain(case.new.keys()).chain(now.keys()).collect();
    let of = |place: &&String| match (now.get(*place), case.old.get(*place), case.new.get(*place)) {
        (now, old, new) if now == old && now == new => None,
        (now, old, _) if now == old => Some(format!("{place}: old")),
        (now, _, new) if now == new => Some(format!("{place}: new")),
        (None, ..) => Some(format!("{place}: missing")),
        _ => Some(format!("{place}: neither")),
    };
    places.iter().filter_map(of).collect()
}

/// The next run of certferry, which is refused: it completes or undoes what was begun. Returns what is live then.
pub(crate) fn next_run(case: &Case, state: &State) -> Checked<(Live, Tree)> {
    let root = disk();
    tree::write(root.path(), &state.tree);
    let refuse = || Err(ApplyError::NotANode);
    match node::apply(&NodeTree::new(root.path().to_owned()), Allowed::default(), None, refuse, &mut |_| {}) {
        Err(ApplyError::NotANode) => {}
        Err(error) => return Err(format!("the next run: {error}")),
        Ok(_) => return Err("the next run was not refused".to_owned()),
    }
    after_run(case, root.path(), state.tree.contains_key(STATE))
}

/// The same by the program.
pub(crate) fn next_program(case: &Case, state: &State) -> Checked<(Live, Tree)> {
    let root = disk();
    tree::write(root.path(), &state.tree);
    let output = run(&mut apply(&SECOND, "nobody", root.path()));
    let said = String::from_utf8_lossy(&output.stderr);
    if !said.contains("error: there is no node nobody in ") {
        return Err(format!("the next run: {said}"));
    }
    after_run(case, root.path(), state.tree.contains_key(STATE))
}

/// The next run is one of install.sh, which does what was to be done. Where certferry has stopped static pods, it says
/// so and leaves them to it.
pub(crate) fn next_script(case: &Case, state: &State) -> Checked {
    let root = disk();
    tree::write(root.path(), &state.tree);
    let is_overlay = matches!((case.run.way, case.run.unit), (Way::Script(_), Unit::File));
    let way = Way::Script(&FAST[usize::from(is_overlay)]);
    let output = run(&mut command(root.path(), case.run.forth, way));
    let said = String::from_utf8_lossy(&output.stderr);
    if state.tree.contains_key(AWAY) && said.contains("error: the manifests of static pods are still away, in ") {
        return Ok(());
    }
    if !output.status.success() {
        return Err(format!("the next run of install.sh: {said}"));
    }
    match (after_run(case, root.path(), true)?.0, case.run.forth) {
        (Live::Old, Forth::Apply(_) | Forth::Repair(_)) => Err("install.sh did not install".to_owned()),
        // It completed the way back, then went forth again.
        _ => Ok(()),
    }
}

/// What follows: the way forth, and the way back, lead where they would have led without the failure.
pub(crate) fn go_on(case: &Case, which: Live, now: &Tree) -> Checked {
    if which == Live::Old && !matches!(case.run.forth, Forth::Rollback) {
        let root = disk();
        tree::write(root.path(), now);
        match (&case.before, back(root.path())) {
            (Before::Live(before), is_back) => {
                is_back?;
                if live(&tree::read(root.path(), &[])) != *before {
                    return Err("what a rollback would have brought back is lost".to_owned());
                }
            }
            (Before::Nothing, Ok(())) => return Err("a rollback to where nothing was".to_owned()),
            (Before::Nothing, Err(_)) | (Before::Either, _) => {}
        }
    }
    let root = disk();
    tree::write(root.path(), now);
    if let Forth::Repair(bundle) = case.run.forth {
        forth(root.path(), bundle)?;
        let (which, now) = after_run(case, root.path(), true)?;
        return if which == Live::New { is_kept(&case.old, &now) } else { Err("it is not repaired".to_owned()) };
    }
    let mut which = which;
    for _ in 0..2 {
        let other = if which == Live::Old { Live::New } else { Live::Old };
        match (case.run.forth, other) {
            (Forth::Apply(bundle), Live::New) => forth(root.path(), bundle)?,
            _ => back(root.path())?,
        }
        which = after_run(case, root.path(), true)?.0;
        if which != other {
            return Err(format!("{which:?} is live, not {other:?}"));
        }
    }
    Ok(())
}

/// What a repair has replaced is somewhere.
fn is_kept(old: &Tree, now: &Tree) -> Checked {
    let is_in = |seen: &Seen| now.values().any(|other| other.what == seen.what);
    match old.iter().find(|(_, seen)| !is_in(seen)) {
        Some((place, _)) => Err(format!("the replaced {place} is lost")),
        None => Ok(()),
    }
}

fn forth(root: &Path, bundle: &Bundle) -> Checked {
    let part = part(bundle);
    let allowed = Allowed { downgrade: true, ..Allowed::default() };
    let tree = NodeTree::new(root.to_owned());
    let applied = node::apply(&tree, allowed, None, || Ok::<_, ApplyError>(&part), &mut |_| {});
    applied.map(|_| ()).map_err(|error| format!("apply: {error}"))
}

fn back(root: &Path) -> Checked {
    let done = node::rollback(&NodeTree::new(root.to_owned()), None, &mut |_| {});
    done.map(|_| ()).map_err(|error| format!("rollback: {error}"))
}

fn part(bundle: &Bundle) -> (VerifiedPart, PublicKey) {
    let signer = PublicKey::from_pem(&fs::read(&bundle.public_key).unwrap()).unwrap();
    let (at, name) = (datetime!(2026-11-23 00:00 UTC), PartName::Node(NODE.to_owned()));
    let bytes = fs::read(&bundle.archive).unwrap();
    let checked = check_bundle(&*bytes, &signer, at, Some(&name), &AlreadyVerified::default()).unwrap();
    (checked.wanted.unwrap(), checked.key)
}
