//! The journal, which says what a run swaps, so that the next run can complete it.

use super::NodeError;
use super::place::{HIDDEN, Slot};
use super::unit::is_place;

const HEAD: &str = "certferry-journal-1";
const END: &str = "end";

/// The swap of a run. The file exists from before the first rename until everything is swapped and the previous
/// generation is in its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    /// The slot whose entries become live.
    pub(super) slot: Slot,
    /// The steps, one for each unit, in their order.
    pub(super) steps: Vec<Step>,
}

/// The swap of one unit. Inodes tell where an entry is, because a rename does not change them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The place of the unit when the cluster uses it.
    pub(super) live: String,
    /// The place of the unit in its slot.
    pub(super) slot: String,
    /// The inode that must be live in the end. `None` when nothing may be.
    pub(super) arrives: Option<u64>,
    /// The inode that was live at the start. `None` when nothing was.
    pub(super) leaves: Option<u64>,
}

impl Step {
    const fn kind(&self) -> &'static str {
        match (self.arrives, self.leaves) {
            (Some(_), Some(_)) => "swap",
            (Some(_), None) => "place",
            (None, _) => "remove",
        }
    }

    /// Returns the folder that holds the folder of slots.
    pub(super) fn home(&self) -> Option<&str> {
        let (home, _) = self.slot.split_once(HIDDEN)?;
        Some(home.strip_suffix('/').unwrap_or(home))
    }

    /// Returns the step that undoes this one.
    pub(super) fn reversed(&self) -> Self {
        Self { arrives: self.leaves, leaves: self.arrives, ..self.clone() }
    }
}

impl Journal {
    /// Returns the text of the file.
    pub(super) fn render(&self) -> String {
        let mut text = format!("{HEAD}\nslot {}\n", self.slot.name());
        for step in &self.steps {
            let inode = |inode: Option<u64>| inode.unwrap_or(0);
            let (arrives, leaves) = (inode(step.arrives), inode(step.leaves));
            text.push_str(&format!("{} {} {} {arrives} {leaves}\n", step.kind(), step.live, step.slot));
        }
        text + END + "\n"
    }

    /// Reads a text that [`Self::render`] wrote.
    pub(super) fn parse(text: &str) -> Result<Self, NodeError> {
        Self::read(text).ok_or(NodeError::BrokenState { file: "journal" })
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next() != Some(HEAD) || lines.next_back() != Some(END) {
            return None;
        }
        let slot = match lines.next()?.strip_prefix("slot ")? {
            "next" => Slot::Next,
            "previous" => Slot::Previous,
            _ => return None,
        };
        let steps = lines.map(read_step).collect::<Option<_>>()?;
        Some(Self { slot, steps })
    }
}

fn read_step(line: &str) -> Option<Step> {
    let mut words = line.split(' ');
    let kind = words.next()?;
    let mut place = || words.next().filter(|place| is_place(place)).map(str::to_owned);
    let (live, slot) = (place()?, place()?);
    let mut inode = || words.next()?.parse().ok().map(|inode: u64| Some(inode).filter(|inode| *inode != 0));
    let step = Step { live, slot, arrives: inode()?, leaves: inode()? };
    (words.next().is_none() && step.kind() == kind).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::{Journal, Slot, Step};

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let step = |arrives, leaves| Step {
            live: "etc/kubernetes/pki".to_owned(),
            slot: "etc/kubernetes/.certferry/next/pki".to_owned(),
            arrives,
            leaves,
        };
        let journal =
            Journal { slot: Slot::Next, steps: vec![step(Some(1), Some(2)), step(Some(3), None), step(None, Some(4))] };
        let text = journal.render();
        assert_eq!(
            text,
            "certferry-journal-1\nslot next\n\
             swap etc/kubernetes/pki etc/kubernetes/.certferry/next/pki 1 2\n\
             place etc/kubernetes/pki etc/kubernetes/.certferry/next/pki 3 0\n\
             remove etc/kubernetes/pki etc/kubernetes/.certferry/next/pki 0 4\nend\n"
        );
        assert_eq!(Journal::parse(&text).ok(), Some(journal));
        for cut in 0..text.len() {
            assert!(Journal::parse(&text[..cut]).is_err(), "{cut}");
        }
        for (from, to) in [("swap", "place"), ("pki 1 2", "pki 1 2 "), ("slot next", "slot discard"), (" etc/", " ../")]
        {
            assert!(Journal::parse(&text.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }
}
