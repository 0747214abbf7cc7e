//! Markdown for those who have no browser: on a terminal of any width, and as a page of man(1).
//!
//! Why: the manual is Markdown, and an isolated node has a console of 80 columns and nothing that shows Markdown.
//!
//! Input: CommonMark with tables, of which a manual needs headings, paragraphs, lists, code and tables. A block of code
//! that is indented is lines of a shell; between fences is anything else.
//!
//! Output: [`Screen`] lays blocks out in lines, none of them wider than the terminal; [`roff()`] makes them a page. [`section()`]
//! finds one section, [`search()`] the sentences with a text.

mod code;
mod line;
mod parse;
mod roff;
mod screen;
mod search;
mod section;
mod table;
mod terminal;
mod wrap;

pub(crate) use parse::parse;
pub(crate) use roff::{Page, roff};
pub(crate) use search::{search, words};
pub(crate) use section::{section, titles};
pub(crate) use terminal::{Lines, Screen};

/// A block of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// A heading: 1 is the title.
    Heading(u8, Text),
    /// A paragraph.
    Paragraph(Text),
    /// A list: the number of the first element when they are numbered, and what each element holds.
    List(Option<u64>, Vec<Vec<Block>>),
    /// Lines to be shown as they are.
    Code(Code, String),
    /// A table: its head, then its rows, all of the same length.
    Table(Vec<Text>, Vec<Vec<Text>>),
}

/// What lines of code are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Commands for a shell.
    Shell,
    /// Anything else.
    Text,
}

/// A text in pieces.
pub(crate) type Text = Vec<Span>;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// What is shown.
    pub(crate) text: String,
    /// How it is shown.
    pub(crate) kind: SpanKind,
}

/// How a piece of a text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    /// Like the text around it.
    Plain,
    /// Emphasised.
    Strong,
    /// As something that is typed or printed.
    Code,
}

/// Returns a text in one line, with backticks around code, because a console has no other letters for it.
pub(crate) fn plain(text: &[Span]) -> String {
    let pieces = text.iter().map(|span| match span.kind {
        SpanKind::Code => format!("`{}`", span.text),
        SpanKind::Plain | SpanKind::Strong => span.text.clone(),
    });
    pieces.collect()
}
