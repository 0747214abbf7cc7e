//! Units, each of which one rename swaps, and the list of units that a slot keeps for rollback.

use super::NodeError;
use super::place::{HIDDEN, Slot, parent_and_name};
use crate::kubernetes::MANIFESTS;

const HEAD: &str = "certferry-units-1";
const END: &str = "end";
/// The sign that stands for the name of the slot.
const ANY: &str = "@";

/// An entry of the disk that one rename swaps: a folder, a file or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// The place where it is live.
    pub(super) live: String,
    /// The folder that holds the folder of slots.
    home: String,
    /// The path in a slot.
    name: String,
}

impl Unit {
    /// Returns the unit of this name in `home`, which holds its slots, too.
    pub(super) fn new(home: &str, name: &str) -> Self {
        let live = if home.is_empty() { name.to_owned() } else { format!("{home}/{name}") };
        Self { live, home: home.to_owned(), name: name.to_owned() }
    }

    /// Returns the unit of what is installed, which stands in the folder of slots itself.
    pub(super) fn installed() -> Self {
        let (home, name) = parent_and_name(super::place::INSTALLED);
        let (home, _) = parent_and_name(home);
        Self { live: super::place::INSTALLED.to_owned(), home: home.to_owned(), name: name.to_owned() }
    }

    /// Returns the unit of a static pod's manifest at this place, with links followed. What is not live of it lies in `home`:
    /// beside it would be a second static pod.
    pub(super) fn manifest(live: &str, home: &str) -> Self {
        let name = format!("{}/{}", parent_and_name(MANIFESTS).1, parent_and_name(live).1);
        Self { live: live.to_owned(), home: home.to_owned(), name }
    }

    /// Returns whether this is the unit of a static pod's manifest.
    pub(super) fn is_manifest(&self) -> bool {
        let folder = format!("{}/", parent_and_name(MANIFESTS).1);
        self.name.starts_with(&folder) && !self.live.ends_with(&format!("{HIDDEN}/{}", self.name))
    }

    /// Returns the unit of one file of this unit, which is a folder.
    pub(super) fn below(&self, path: &str) -> Self {
        let [live, name] = [&self.live, &self.name].map(|folder| format!("{folder}/{path}"));
        Self { live, home: self.home.clone(), name }
    }

    /// Returns the place of the unit in a slot.
    pub(super) fn at(&self, slot: Slot) -> String {
        format!("{}/{}", slot.folder(&self.home), self.name)
    }

    /// Returns the folder that holds the folder of slots.
    pub(super) fn home(&self) -> &str {
        &self.home
    }
}

/// Returns the text of a `units` file.
pub(super) fn render(units: &[Unit]) -> String {
    let mut text = format!("{HEAD}\n");
    for unit in units {
        let slots = super::place::hidden(&unit.home);
        text.push_str(&format!("{} {slots}/{ANY}/{}\n", unit.live, unit.name));
    }
    text + END + "\n"
}

/// Reads a text that [`render`] wrote.
pub(super) fn parse(text: &str) -> Result<Vec<Unit>, NodeError> {
    let broken = || NodeError::BrokenState { file: "units" };
    let lines = text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(broken)?;
    let lines = lines.strip_suffix('\n').and_then(|rest| rest.strip_suffix(END)).ok_or_else(broken)?;
    lines.lines().map(|line| parse_line(line).ok_or_else(broken)).collect()
}

fn parse_line(line: &str) -> Option<Unit> {
    let (live, slot) = line.split_once(' ')?;
    if !is_place(live) || !is_place(slot) {
        return None;
    }
    let infix = format!("{HIDDEN}/{ANY}/");
    let (home, name) = slot.split_once(&infix)?;
    let home = home.strip_suffix('/').unwrap_or(home);
    Some(Unit { live: live.to_owned(), home: home.to_owned(), name: name.to_owned() })
}

/// Returns whether a text is a path below the root that does not leave the root and has no white space.
pub(super) fn is_place(text: &str) -> bool {
    let is_name = |name: &str| !matches!(name, "" | "." | "..");
    text.split('/').all(is_name) && !text.contains(|character: char| character.is_whitespace() || character == '\0')
}
