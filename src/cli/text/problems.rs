//! Draws the problems of a profile: title, line, caret, reason, hint.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use crate::cli::failure::Failure;
use crate::profile::{Problem, Severity};

/// The most problems that are shown, because a file that is no profile at all would fill the terminal.
const SHOWN: usize = 100;

/// Returns the failure for a profile that is refused, with every problem and its line.
pub(crate) fn failure(file_name: &str, source: &[u8], problems: &[Problem]) -> Failure {
    Failure::drawn(render(file_name, source, problems))
}

/// Returns the text for all `problems` of the profile `source`, without colours, ending in a newline.
///
/// `source` is the profile as it was read, whatever its encoding. The spans are byte offsets in it.
#[must_use]
pub fn render(file_name: &str, source: &[u8], problems: &[Problem]) -> String {
    let renderer = Renderer::plain();
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

fn group<'a>(file_name: &'a str, source: &[u8], problem: &'a Problem) -> Group<'a> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let place: Element<'_> = match &problem.span {
        Some(span) => snippet(file_name, source, span, problem).into(),
        None => Origin::path(file_name).into(),
    };
    let mut group = level.primary_title(&problem.title).element(place);
    if !problem.hint.is_empty() {
        group = group.element(Level::HELP.with_name("hint").message(normalize_untrusted_str(&problem.hint)));
    }
    group
}

/// Returns the snippet for one problem. It holds only the lines from the first to the last place, because a profile may
/// have many lines and many problems.
fn snippet<'a>(
    file_name: &'a str,
    source: &[u8],
    span: &Range<usize>,
    problem: &'a Problem,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let related = problem.related.as_ref().map(|(range, label)| (range, label.as_str()));
    let first = related.map_or(span.start, |(range, _)| range.start.min(span.start)).min(source.len());
    let last = related.map_or(span.end, |(range, _)| range.end.max(span.end)).clamp(first, source.len());
    let (before, behind) = (source.get(..first).unwrap_or_default(), source.get(last..).unwrap_or_default());
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = behind.iter().position(|byte| *byte == b'\n').map_or(source.len(), |newline| last + newline);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();

    let window = source.get(start..end).unwrap_or_default();
    let text = String::from_utf8_lossy(window).into_owned();
    // Bytes that are not UTF-8 are replaced by wider characters, so offsets agree only up to the first of them.
    let within = |range: &Range<usize>| {
        let offset = |at: usize| floor_char_boundary(&text, at.saturating_sub(start));
        offset(range.start)..offset(range.end)
    };
    let mut annotations = vec![AnnotationKind::Primary.span(within(span)).label(problem.label.as_str())];
    annotations.extend(related.map(|(range, label)| AnnotationKind::Context.span(within(range)).label(label)));
    Snippet::source(text).line_start(line).path(file_name).annotations(annotations)
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
