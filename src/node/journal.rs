//! The journal, which says what a run swaps, so that the next run can complete it.

use super::NodeError;
use super::place::{HIDDEN, Slot};
use super::unit::is_place;
use crate::bundle::Sha256;

const HEAD: &str = "certferry-journal-2";
/// Before the SHA-256 of all bytes above it, in the last line.
const SUM: &str = "sha256 ";

/// The swap of a run. The file exists from before the first rename until everything is swapped and what was live is in
/// the slot that keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    /// The slot whose entries become live.
    pub(super) slot: Slot,
    /// The slot that keeps what was live.
    pub(super) keep: Slot,
    /// The steps, one for each unit, in their order.
    pub(super) steps: Vec<Step>,
}

/// The swap of one unit. Fingerprints tell where an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The place of the unit when the cluster uses it.
    pub(super) live: String,
    /// The place of the unit in its slot.
    pub(super) slot: String,
    /// The fingerprint of what must be live in the end. `None` when nothing may be.
    pub(super) arrives: Option<Sha256>,
    /// The fingerprint of what was live at the start. `None` when nothing was.
    pub(super) leaves: Option<Sha256>,
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
}

impl Journal {
    /// Returns the text of the file.
    pub(super) fn render(&self) -> String {
        let mut text = format!("{HEAD}\nslot {}\nkeep {}\n", self.slot.name(), self.keep.name());
        for step in &self.steps {
            let print = |print: Option<Sha256>| print.map_or_else(|| "-".to_owned(), |print| print.to_string());
            let (arrives, leaves) = (print(step.arrives), print(step.leaves));
            text.push_str(&format!("{} {} {} {arrives} {leaves}\n", step.kind(), step.live, step.slot));
        }
        let sum = Sha256::of(text.as_bytes());
        format!("{text}{SUM}{sum}\n")
    }

    /// Reads a text that [`Self::render`] wrote.
    pub(super) fn parse(text: &str) -> Result<Self, NodeError> {
        Self::read(text).ok_or(NodeError::BrokenState { file: "journal" })
    }

    fn read(text: &str) -> Option<Self> {
        let (body, sum) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let body_with_end = text.get(..=body.len())?;
        if Sha256::parse(sum.strip_prefix(SUM)?)? != Sha256::of(body_with_end.as_bytes()) {
            return None;
        }
        let mut lines = body.split('\n');
        if lines.next() != Some(HEAD) {
            return None;
        }
        let slot = Slot::of_name(lines.next()?.strip_prefix("slot ")?)?;
        let keep = Slot::of_name(lines.next()?.strip_prefix("keep ")?)?;
        if slot != Slot::Next && keep != slot {
            return None;
        }
        let infix = format!("{HIDDEN}/{}/", slot.name());
        let step = |line| read_step(line).filter(|step| format!("/{}", step.slot).contains(&format!("/{infix}")));
        let steps = lines.map(step).collect::<Option<_>>()?;
        Some(Self { slot, keep, steps })
    }
}

fn read_step(line: &str) -> Option<Step> {
    let mut words = line.split(' ');
    let kind = words.next()?;
    let mut place = || words.next().filter(|place| is_place(place)).map(str::to_owned);
    let (live, slot) = (place()?, place()?);
    let mut print = || match words.next()? {
        "-" => Some(None),
        print => Sha256::parse(print).map(Some),
    };
    let step = Step { live, slot, arrives: print()?, leaves: print()? };
    (words.next().is_none() && step.kind() == kind).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::{Journal, Sha256, Slot, Step};

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let [first, second] = [b"1", b"2"].map(|content| Sha256::of(content));
        let step = |arrives, leaves| Step {
            live: "etc/kubernetes/pki".to_owned(),
            slot: "etc/kubernetes/.certferry/next/pki".to_owned(),
            arrives,
            leaves,
        };
        let steps = vec![step(Some(first), Some(second)), step(Some(first), None), step(None, Some(second))];
        let journal = Journal { slot: Slot::Next, keep: Slot::Previous, steps };
        let text = journal.render();
        let body = format!(
            "certferry-journal-2\nslot next\nkeep previous\n\
             swap etc/kubernetes/pki etc/kubernetes/.certferry/next/pki {first} {second}\n\
             place etc/kubernetes/pki etc/kubernetes/.certferry/next/pki {first} -\n\
             remove etc/kubernetes/pki etc/kubernetes/.certferry/next/pki - {second}\n"
        );
        let sealed = |body: &str| format!("{body}sha256 {}\n", Sha256::of(body.as_bytes()));
        assert_eq!(text, sealed(&body));
        assert_eq!(Journal::parse(&text).ok(), Some(journal));
        for cut in 0..text.len() {
            assert!(Journal::parse(&text[..cut]).is_err(), "{cut}");
            let mut damaged = text.clone().into_bytes();
            damaged[cut] ^= 1;
            let damaged = String::from_utf8_lossy(&damaged);
            assert!(Journal::parse(&damaged).is_err(), "{cut}: {damaged}");
        }
        // With the right sum.
        let third = second.to_string();
        for (from, to) in [
            ("swap", "place"),
            ("slot next", "slot elsewhere"),
            ("slot next", "slot previous"),
            ("keep previous", "keep elsewhere"),
            (" etc/", " ../"),
            ("journal-2", "journal-1"),
            ("next/pki", "previous/pki"),
            ("swap", " swap"),
            (third.as_str(), "1234"),
        ] {
            assert!(Journal::parse(&sealed(&body.replacen(from, to, 1))).is_err(), "{from} -> {to}");
        }
    }
}
