//! Units: what one rename swaps, and the list of them that a slot keeps for rollback.

use super::NodeError;
use super::place::{HIDDEN, Slot, parent_and_name};

const HEAD: &str = "certferry-units-1";
const END: &str = "end";
/// Stands for the slot's name.
const ANY: &str = "@";

/// An entry of the disk that is old or new at every instant: a folder, a file, a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Where it stands.
    pub(super) live: String,
    /// The folder beside which its slots are.
    home: String,
    /// Its path in a slot.
    name: String,
}

impl Unit {
    /// The unit at a place, whose slots are in that folder, which holds it.
    pub(super) fn new(home: &str, name: &str) -> Self {
        let live = if home.is_empty() { name.to_owned() } else { format!("{home}/{name}") };
        Self { live, home: home.to_owned(), name: name.to_owned() }
    }

    /// What is installed: it stands among the slots themselves.
    pub(super) fn installed() -> Self {
        let (home, name) = parent_and_name(super::place::INSTALLED);
        let (home, _) = parent_and_name(home);
        Self { live: super::place::INSTALLED.to_owned(), home: home.to_owned(), name: name.to_owned() }
    }

    /// Where it stands in a slot.
    pub(super) fn at(&self, slot: Slot) -> String {
        format!("{}/{}", slot.folder(&self.home), self.name)
    }

    /// The folder beside which its slots are.
    pub(super) fn home(&self) -> &str {
        &self.home
    }
}

/// The `units` file.
pub(super) fn render(units: &[Unit]) -> String {
    let mut text = format!("{HEAD}\n");
    for unit in units {
        let slots = super::place::hidden(&unit.home);
        text.push_str(&format!("{} {slots}/{ANY}/{}\n", unit.live, unit.name));
    }
    text + END + "\n"
}

/// Reads [`render`].
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

/// Whether a text is a path below the root that stays there, without white space.
pub(super) fn is_place(text: &str) -> bool {
    let is_name = |name: &str| !matches!(name, "" | "." | "..");
    text.split('/').all(is_name) && !text.contains(|character: char| character.is_whitespace() || character == '\0')
}
