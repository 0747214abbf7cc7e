//! Draws the problems of a profile: title, line, caret, reason, hint.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use crate::cli::failure::Failure;
use crate::cli::notice::{self, Notice};
use crate::profile::{Problem, Severity};
use crate::x509::{escape_for_terminal, is_unseen};

/// The most problems that are shown, because a file that is no profile at all would fill the terminal.
const SHOWN: usize = 100;

/// Returns the failure for a profile that is refused, with every problem and its line.
pub(crate) fn failure(file_name: &str, source: &[u8], problems: &[Problem]) -> Failure {
    let count = problems.len();
    let failure =
        Failure::cannot_run(format!("{count} {} in {file_name}", if count == 1 { "problem" } else { "problems" }));
    let lines: String = problems.iter().take(SHOWN).map(|problem| line(file_name, source, problem) + "\n").collect();
    let hints = problems.iter().take(SHOWN).map(|problem| &problem.hint).filter(|hint| !hint.is_empty());
    let failure = hints.fold(failure.lines(lines), |failure, hint| failure.hint(hint));
    failure.drawn(render(file_name, source, problems))
}

/// Gives the warnings of a profile.
pub(crate) fn warn(file_name: &str, source: &[u8], problems: &[Problem]) {
    let notice = |problem: &Problem| {
        let notice = Notice::new(line(file_name, source, problem));
        if problem.hint.is_empty() { notice } else { notice.hint(&problem.hint) }
    };
    notice::give_drawn(problems.iter().map(notice).collect(), &render(file_name, source, problems));
}

/// Returns a problem in one line: `lab.toml:12:3: title: label`.
fn line(file_name: &str, source: &[u8], problem: &Problem) -> String {
    let place = problem.span.as_ref().map(|span| {
        let before = source.get(..span.start).unwrap_or(source);
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let column = 1 + String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count();
        format!("{}:{column}:", 1 + before.iter().filter(|byte| **byte == b'\n').count())
    });
    let label = if problem.label.is_empty() { String::new() } else { format!(": {}", problem.label) };
    escape_for_terminal(&format!("{file_name}:{} {}{label}", place.unwrap_or_default(), problem.title))
}

/// Returns the text for all `problems` of the profile `source`, without colours, ending in a newline.
///
/// `source` is the profile as it was read, whatever its encoding. The spans are byte offsets in it.
#[must_use]
pub fn render(file_name: &str, source: &[u8], problems: &[Problem]) -> String {
    let renderer = Renderer::plain();
    let file_name = &escape_for_terminal(file_name);
    let mut blocks: Vec<String> = problems
        .iter()
        .take(SHOWN)
        .map(|problem| {
            let drawn = renderer.render(&[group(file_name, source, problem)]);
            // Blanks at the end of a line would make every golden file and every diff ugly.
            drawn.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
        })
        .collect();
    if problems.len() > SHOWN {
        blocks.push(format!("and {} more\n", problems.len() - SHOWN));
    }
    blocks.join("\n")
}

fn group<'a>(file_name: &'a str, source: &[u8], problem: &Problem) -> Group<'a> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let place: Element<'_> = match &problem.span {
        Some(span) => snippet(file_name, source, span, problem).into(),
        None => Origin::path(file_name).into(),
    };
    let mut group = level.primary_title(escape_for_terminal(&problem.title)).element(place);
    if !problem.hint.is_empty() {
        group = group.element(Level::HELP.with_name("hint").message(escape_for_terminal(&problem.hint)));
    }
    group
}

/// Returns the snippet for one problem. It holds only the lines from the first to the last place, because a profile may
/// have many lines and many problems.
fn snippet<'a>(
    file_name: &'a str,
    source: &[u8],
    span: &Range<usize>,
    problem: &Problem,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let related = problem.related.as_ref().map(|(range, label)| (range, escape_for_terminal(label)));
    let other = related.as_ref().map(|(range, _)| *range);
    let first = other.map_or(span.start, |range| range.start.min(span.start)).min(source.len());
    let last = other.map_or(span.end, |range| range.end.max(span.end)).clamp(first, source.len());
    let (before, behind) = (source.get(..first).unwrap_or_default(), source.get(last..).unwrap_or_default());
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = behind.iter().position(|byte| *byte == b'\n').map_or(source.len(), |newline| last + newline);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();

    let window = source.get(start..end).unwrap_or_default();
    let text = String::from_utf8_lossy(window).into_owned();
    // Bytes that are not UTF-8 are replaced by wider characters, so offsets agree only up to the first of them.
    let within = |range: &Range<usize>| {
        let offset = |at: usize| {
            let place = floor_char_boundary(&text, at.saturating_sub(start));
            text.get(..place).map_or(place, |before| drawable(before).len())
        };
        offset(range.start)..offset(range.end)
    };
    let mut annotations = vec![AnnotationKind::Primary.span(within(span)).label(escape_for_terminal(&problem.label))];
    annotations.extend(related.map(|(range, label)| AnnotationKind::Context.span(within(range)).label(label)));
    Snippet::source(drawable(&text).into_owned()).line_start(line).path(file_name).annotations(annotations)
}

/// Returns lines of a profile as they can be drawn, with unseen characters as `\u{9b}` and the like. The renderer itself
/// has a picture for each character of C0, and knows how wide it is.
fn drawable(text: &str) -> Cow<'_, str> {
    let is_escaped = |letter: char| is_unseen(letter) && letter != '\u{7f}' && letter >= ' ';
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut drawn = String::with_capacity(text.len() + 64);
    for letter in text.chars() {
        if is_escaped(letter) {
            drawn.extend(letter.escape_unicode());
        } else {
            drawn.push(letter);
        }
    }
    Cow::Owned(drawn)
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
