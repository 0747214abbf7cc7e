//! A line of a text that is laid out.

/// A line, which may get something before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// One like any other.
    Line(String),
    /// The rest of a word of a command, before which a blank would make another word of it, or a word that has no room
    /// behind a margin.
    AtStart(String),
}

impl Line {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Line(text) | Self::AtStart(text) => text,
        }
    }

    /// Puts something before the line, unless it is empty or must stand at the beginning.
    pub(super) fn behind(self, before: &str) -> Self {
        match self {
            Self::Line(text) => Self::Line(format!("{before}{text}").trim_end().to_owned()),
            rest @ Self::AtStart(_) => rest,
        }
    }
}
