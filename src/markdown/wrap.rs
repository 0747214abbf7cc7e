//! Lines that are no wider than they may be.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use super::{Span, SpanKind, plain};

/// Behind these a word that is wider than a whole line goes on in the next one.
pub(super) const SEAMS: [char; 8] = ['/', ',', '=', ':', '.', '_', '-', '@'];

/// A blank at which no line ends.
const FIRM_BLANK: char = '\u{a0}';

/// Returns how many columns a text takes. The letters of Korean take two.
pub(super) fn width(text: &str) -> usize {
    display_width(text)
}

/// Breaks a text at its blanks into lines of at most `columns`, the first of which begins with `first`, the others with
/// `rest`. No word is cut that fits on a line.
pub(super) fn wrap(text: &str, columns: usize, first: &str, rest: &str) -> Vec<String> {
    let room = columns.saturating_sub(width(first).max(width(rest))).max(1);
    let loose = |word: &str| if width(word) > room { word.replace(FIRM_BLANK, " ") } else { word.to_owned() };
    let text = text.split(' ').map(loose).collect::<Vec<_>>().join(" ");
    // A piece ends where the next one does not fit beside it, so that two pieces are never on one line.
    let words: Vec<_> = text.split(' ').flat_map(|word| pieces(word, room)).collect();
    let options = Options::new(columns)
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(false);
    let text = words.join(" ");
    textwrap::wrap(&text, options).into_iter().map(|line| line.trim_end().replace(FIRM_BLANK, " ")).collect()
}

/// Returns a text for [`wrap`]. What is between backticks stays on one line if it fits on one, so that it can be copied.
pub(super) fn text(spans: &[Span]) -> String {
    let firm = spans.iter().map(|span| match span.kind {
        SpanKind::Code => Span { text: span.text.replace(' ', &FIRM_BLANK.to_string()), kind: span.kind },
        SpanKind::Plain | SpanKind::Strong => span.clone(),
    });
    plain(&firm.collect::<Vec<_>>())
}

/// Returns the parts of a word that fit on a line each: the word itself if it fits, else broken behind a [seam](SEAMS),
/// and where there is none, anywhere.
fn pieces(word: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while width(rest) > columns {
        let (mut seam, mut end) = (0, 0);
        for (start, letter) in rest.char_indices() {
            let next = start + letter.len_utf8();
            if width(rest.get(..next).unwrap_or_default()) > columns {
                break;
            }
            end = next;
            if SEAMS.contains(&letter) {
                seam = next;
            }
        }
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let cut = if seam > 0 { seam } else { end.max(first) };
        let (piece, after) = rest.split_at(cut);
        pieces.push(piece);
        rest = after;
    }
    // A letter may be wider than the line.
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::{pieces, text, width, wrap};
    use crate::markdown::{Span, SpanKind};

    #[test]
    fn lines_end_at_blanks_and_korean_counts_twice() {
        assert_eq!(wrap("one two three", 8, "", ""), ["one two", "three"]);
        assert_eq!(wrap("one two three", 9, "- ", "  "), ["- one two", "  three"]);
        assert_eq!(
            (width("인증서"), wrap("인증서 노드", 10, "", "")),
            (6, vec!["인증서".to_owned(), "노드".to_owned()])
        );
        assert_eq!(wrap("인증서 노드", 11, "", ""), ["인증서 노드"]);
    }

    #[test]
    fn a_word_is_cut_only_where_it_is_wider_than_a_line() {
        assert_eq!(pieces("/etc/kubernetes/pki", 12), ["/etc/", "kubernetes/", "pki"]);
        assert_eq!(pieces("/etc/kubernetes/pki", 19), ["/etc/kubernetes/pki"]);
        assert_eq!(pieces("0123456789", 4), ["0123", "4567", "89"]);
        assert_eq!(pieces("인증서", 1), ["인", "증", "서"]);
        assert_eq!(wrap("in /etc/kubernetes/pki now", 14, "", ""), ["in /etc/", "kubernetes/pki", "now"]);
    }

    #[test]
    fn code_stays_whole_where_it_fits() {
        let spans = [("see ", SpanKind::Plain), ("certferry help doctor", SpanKind::Code), (".", SpanKind::Plain)];
        let spans = spans.map(|(text, kind)| Span { text: text.to_owned(), kind });
        assert_eq!(wrap(&text(&spans), 26, "", ""), ["see", "`certferry help doctor`."]);
        assert_eq!(wrap(&text(&spans), 20, "", ""), ["see `certferry help", "doctor`."]);
    }
}
