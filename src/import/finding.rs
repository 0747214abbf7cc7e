//! The list that comes with a profile.

use crate::x509::escape_for_terminal;

/// What an entry of the list is about. The order is that of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Somebody or something may do more than its place in the files shows.
    Power,
    /// Two sources say different things.
    Contradiction,
    /// No source says it, or what one says cannot be used.
    Unknown,
    /// A file that has to be brought to the profile.
    Bring,
    /// Something outside the PKI, on which the cluster depends.
    Keep,
    /// A certificate that the profile makes in another shape than the one that is there.
    Otherwise,
    /// Something worth knowing.
    Note,
}

impl Subject {
    const ALL: [Self; 7] =
        [Self::Power, Self::Contradiction, Self::Unknown, Self::Bring, Self::Keep, Self::Otherwise, Self::Note];

    /// Returns the heading in the list.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Power => "Power: look at each of these first. In the profile it is a comment",
            Self::Contradiction => "Contradictions: what the profile has comes from the more certain source",
            Self::Unknown => "Not known: fill it in",
            Self::Bring => "Bring: to the folder of the profile, with mode 0600",
            Self::Keep => "Keep: the cluster needs it, and no bundle has it",
            Self::Otherwise => "Otherwise: what a bundle makes in another shape than it is",
            Self::Note => "Notes",
        }
    }
}

/// An entry of the list, in one line that a terminal shows and does not obey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// The line.
    pub text: String,
}

impl Finding {
    pub(super) fn new(subject: Subject, text: impl AsRef<str>) -> Self {
        Self { subject, text: escape_for_terminal(text.as_ref()) }
    }
}

/// Returns the list as a text, which is empty when there is nothing to say.
#[must_use]
pub fn list(findings: &[Finding]) -> String {
    let mut text = String::new();
    for subject in Subject::ALL {
        let mut lines = findings.iter().filter(|finding| finding.subject == subject).peekable();
        if lines.peek().is_none() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend([subject.heading(), "\n"]);
        for finding in lines {
            text.extend(["- ", &finding.text, "\n"]);
        }
    }
    text
}
