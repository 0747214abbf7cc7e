//! What texts have to know of a terminal.

/// A terminal, as far as texts care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// How many columns it has.
    pub(crate) columns: usize,
    /// What lines are drawn with.
    pub(crate) lines: Lines,
}

/// What lines are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// The characters that Unicode has for it.
    Drawn,
    /// Those of ASCII that come near.
    Ascii,
}
