//! Blocks as a page of man(1), in the macros of man(7) and tbl(1).

use clap_mangen::roff::{Inline, Roff, bold, roman};

use super::line::Line;
use super::wrap::width;
use super::{Block, Code, Span, SpanKind, Text, code, plain};

/// The columns that a page leaves to code on a terminal of 80: it is indented twice.
const CODE_COLUMNS: usize = 66;
/// The columns that a page leaves to a table, and those between two of its columns.
const TABLE_COLUMNS: usize = 70;
const GAP: usize = 3;

/// What a page is called and says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// Its name: `certferry-far-side`.
    pub(crate) name: &'a str,
    /// Its section: `7`.
    pub(crate) section: &'a str,
    /// Its purpose in one line.
    pub(crate) about: &'a str,
    /// The program and its version.
    pub(crate) source: &'a str,
    /// The manual of which it is a page.
    pub(crate) manual: &'a str,
    /// The pages to read besides: `certferry(1)`.
    pub(crate) see_also: &'a [String],
}

/// Returns the page of a text, whose title is left out.
pub(crate) fn roff(page: &Page<'_>, blocks: &[Block]) -> String {
    let mut text = Roff::new();
    // The page has no date, so that the same program prints the same page. The blank keeps the arguments behind it in
    // their places.
    text.control("TH", [page.name, page.section, " ", page.source, page.manual]);
    // A command with a hyphen of groff's in it could not be copied, nor one with wide blanks.
    text.control("nh", []).control("ad", ["l"]);
    heading(&mut text, "SH", [roman("NAME")]);
    text.text([roman(format!("{} - {}", page.name, page.about))]);
    let body = match blocks {
        [Block::Heading(1, _), body @ ..] => body,
        body => body,
    };
    if !matches!(body, [Block::Heading(..), ..]) {
        heading(&mut text, "SH", [roman("DESCRIPTION")]);
    }
    for block in body {
        add(&mut text, block);
    }
    heading(&mut text, "SH", [roman("SEE ALSO")]);
    let last = page.see_also.len().saturating_sub(1);
    for (place, name) in page.see_also.iter().enumerate() {
        let (name, section) = name.split_once('(').unwrap_or((name, ""));
        let end = if place < last { "," } else { "" };
        text.text([bold(name), roman(format!("({section}{end}"))]);
    }
    // tbl(1) works only where the first line says so. What groff would print for these letters cannot be copied.
    format!("'\\\" t\n{}", text.render().replace('`', "\\(ga").replace('^', "\\(ha").replace('~', "\\(ti"))
}

fn heading(text: &mut Roff, name: &str, title: impl Into<Vec<Inline>>) {
    // As an argument the title could hold no quote.
    text.control(name, []).text(title);
}

fn add(text: &mut Roff, block: &Block) {
    match block {
        Block::Heading(level, title) => {
            heading(text, if *level < 3 { "SH" } else { "SS" }, [roman(plain(title))]);
        }
        Block::Paragraph(spans) => {
            text.control("PP", []).text(inlines(spans));
        }
        Block::List(first, items) => list(text, *first, items),
        Block::Code(code, lines) => self::code(text, *code, lines),
        Block::Table(head, rows) => table(text, head, rows),
    }
}

fn inlines(spans: &[Span]) -> Vec<Inline> {
    let inline = |span: &Span| match span.kind {
        SpanKind::Plain => roman(&span.text),
        SpanKind::Strong | SpanKind::Code => bold(&span.text),
    };
    spans.iter().map(inline).collect()
}

fn list(text: &mut Roff, first: Option<u64>, items: &[Vec<Block>]) {
    for (place, item) in items.iter().enumerate() {
        let mark = first.map_or_else(
            || "\\(bu".to_owned(),
            |first| format!("{}.", first.saturating_add(u64::try_from(place).unwrap_or_default())),
        );
        text.control("IP", [mark.as_str(), "4"]);
        let (first, others) = item.split_first().map_or((None, item.as_slice()), |(first, rest)| (Some(first), rest));
        match first {
            Some(Block::Paragraph(spans)) => {
                text.text(inlines(spans));
            }
            Some(block) => add(text, block),
            None => {}
        }
        if !others.is_empty() {
            text.control("RS", ["4"]);
            others.iter().for_each(|block| add(text, block));
            text.control("RE", []);
        }
    }
}

fn code(text: &mut Roff, code: Code, lines: &str) {
    text.control("PP", []).control("RS", ["4"]).control("nf", []);
    for line in code::lines(code, lines, CODE_COLUMNS, "") {
        match line {
            Line::Line(line) => {
                text.text([roman(line)]);
            }
            Line::AtStart(line) => {
                // At the very beginning of a line, for this one alone.
                text.control("in", ["0"]).text([roman(line)]).control("in", []);
            }
        }
    }
    text.control("fi", []).control("RE", []);
}

fn table(text: &mut Roff, head: &[Text], rows: &[Vec<Text>]) {
    let Some(widths) = widths(head, rows) else { return rows_as_paragraphs(text, head, rows) };
    text.control("TS", []);
    text.text([roman("allbox;")]);
    for (font, end) in [("b", ""), ("", ".")] {
        let columns = widths.iter().map(|width| format!("l{font}w({width}n)"));
        text.text([roman(columns.collect::<Vec<_>>().join(" ") + end)]);
    }
    for row in [head].into_iter().chain(rows.iter().map(Vec::as_slice)) {
        for (place, cell) in row.iter().enumerate() {
            text.text([roman(if place == 0 { "T{" } else { "T}\tT{" })]);
            if !cell.is_empty() {
                text.text(inlines(cell));
            }
        }
        text.text([roman("T}")]);
    }
    text.control("TE", []).control("sp", []);
}

/// Returns the widths of the columns: each has its longest word, and what is left goes to those that need more. Returns
/// `None` where the longest words do not fit beside each other.
fn widths(head: &[Text], rows: &[Vec<Text>]) -> Option<Vec<usize>> {
    let cells = |column: usize| {
        let cells = rows.iter().map(Vec::as_slice).chain([head]).filter_map(move |row| row.get(column));
        cells.map(|cell| plain(cell).replace('`', ""))
    };
    let widest = |column| cells(column).map(|cell| width(&cell)).max().unwrap_or_default();
    let longest = |column| {
        let words = cells(column).flat_map(|cell| cell.split(' ').map(width).collect::<Vec<_>>());
        words.max().unwrap_or_default()
    };
    let least: Vec<usize> = (0..head.len()).map(longest).collect();
    let left = TABLE_COLUMNS.checked_sub(least.iter().sum::<usize>() + GAP * head.len())?;
    let wanted: Vec<usize> = least.iter().enumerate().map(|(column, least)| widest(column) - least).collect();
    let all = wanted.iter().sum::<usize>().max(1);
    Some(least.iter().zip(wanted).map(|(least, wanted)| least + wanted.min(left * wanted / all)).collect())
}

/// For a table whose words do not fit beside each other.
fn rows_as_paragraphs(text: &mut Roff, head: &[Text], rows: &[Vec<Text>]) {
    for (number, row) in [head].into_iter().chain(rows.iter().map(Vec::as_slice)).enumerate() {
        text.control("TP", []);
        for (place, (cell, name)) in row.iter().zip(head).enumerate().filter(|(_, (cell, _))| !cell.is_empty()) {
            let is_named = head.len() > 2 && !name.is_empty() && place > 0 && number > 0;
            let mut line = if is_named { vec![roman(format!("{}: ", plain(name)))] } else { vec![] };
            if place > 1 {
                text.control("br", []);
            }
            line.extend(inlines(cell));
            text.text(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, roff};
    use crate::markdown::parse;

    #[test]
    fn a_page_has_its_macros_and_its_letters() {
        let page = Page {
            name: "certferry-x",
            section: "7",
            about: "what it is",
            source: "certferry 1",
            manual: "Manual",
            see_also: &["certferry(1)".to_owned(), "certferry-y(7)".to_owned()],
        };
        let source = "# T\n\n'Why' `~/a`.\n\n- a\n\n## Now\n\n    .b '^\\['\n\n| a | b |\n|---|---|\n| x | |\n";
        let text = roff(&page, &parse(source));
        let (_, body) = text.split_once(".TH").unwrap_or_default();
        assert!(text.starts_with("'\\\" t\n"), "{text}");
        assert_eq!(
            body,
            " certferry-x 7 \" \" \"certferry 1\" Manual\n\
             .nh\n.ad l\n.SH\nNAME\ncertferry\\-x \\- what it is\n.SH\nDESCRIPTION\n.PP\n\
             \\*(AqWhy\\*(Aq \\fB\\(ti/a\\fR.\n.IP \\(bu 4\na\n.SH\nNow\n\
             .PP\n.RS 4\n.nf\n\\&.b \\*(Aq\\(ha\\\\[\\*(Aq\n.fi\n.RE\n\
             .TS\nallbox;\nlbw(1n) lbw(1n)\nlw(1n) lw(1n).\nT{\na\nT}\tT{\nb\nT}\nT{\nx\nT}\tT{\nT}\n.TE\n.sp\n\
             .SH\nSEE ALSO\n\\fBcertferry\\fR(1),\n\\fBcertferry\\-y\\fR(7)\n"
        );
    }
}
