//! Blocks as lines of a terminal.

use super::line::Line;
use super::terminal::{Lines, Screen};
use super::wrap::{text, width, wrap};
use super::{Block, code, plain, table};

/// What code stands behind, so that it is told from the rest.
const MARGIN: &str = "    ";

impl Screen {
    /// Returns the blocks as lines, with an end at each, none of them wider than the screen.
    pub(crate) fn show(&self, blocks: &[Block]) -> String {
        self.lines(blocks, true).into_iter().map(|line| line.into_text() + "\n").collect()
    }

    /// Returns a text as lines, with an end at each. The first begins with `first`, the others with `rest`.
    pub(crate) fn wrap(&self, text: &str, first: &str, rest: &str) -> String {
        wrap(text, self.columns, first, rest).into_iter().map(|line| line + "\n").collect()
    }

    fn lines(&self, blocks: &[Block], is_spaced: bool) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for block in blocks {
            let is_code = matches!(block, Block::Code(..));
            if !lines.is_empty() && (is_spaced || is_code) {
                lines.push(Line::Line(String::new()));
            }
            lines.extend(self.block(block));
        }
        lines
    }

    fn block(&self, block: &Block) -> Vec<Line> {
        let lines = match block {
            Block::Code(code, text) => return code::lines(*code, text, self.columns, MARGIN),
            Block::List(first, items) => return self.list(*first, items),
            Block::Heading(level, title) => self.heading(*level, &plain(title)),
            Block::Paragraph(spans) => wrap(&text(spans), self.columns, "", ""),
            Block::Table(head, rows) => table::lines(head, rows, self),
        };
        lines.into_iter().map(Line::Line).collect()
    }

    fn heading(&self, level: u8, title: &str) -> Vec<String> {
        let rule = match (level, self.lines) {
            (1, Lines::Drawn) => "═",
            (2, Lines::Drawn) => "─",
            (_, Lines::Drawn) => "·",
            (1, Lines::Ascii) => "=",
            (2, Lines::Ascii) => "-",
            (_, Lines::Ascii) => ".",
        };
        let mut lines = wrap(title, self.columns, "", "");
        let longest = lines.iter().map(|line| width(line)).max().unwrap_or_default();
        lines.push(rule.repeat(longest));
        lines
    }

    fn list(&self, first: Option<u64>, items: &[Vec<Block>]) -> Vec<Line> {
        let mark = |place: usize| match first {
            Some(first) => format!("{}. ", first.saturating_add(u64::try_from(place).unwrap_or_default())),
            None => "- ".to_owned(),
        };
        let indent = mark(items.len().saturating_sub(1)).len();
        let below = Self { columns: self.columns.saturating_sub(indent).max(1), ..*self };
        let mut lines = Vec::new();
        for (place, item) in items.iter().enumerate() {
            for (row, line) in below.lines(item, false).into_iter().enumerate() {
                let mark = if row == 0 { mark(place) } else { String::new() };
                lines.push(line.behind(&format!("{mark:indent$}")));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, Screen};
    use crate::markdown::parse;

    const TEXT: &str = "\
# The far side

It must say `every hash holds` and end with **0**.

## 1. Check

- With certferry
  on the node:
  1. look
- done

Say:

    certferry status

### Then
";

    #[test]
    fn a_text_is_laid_out_for_the_screen() {
        let show = |columns, lines| Screen { columns, lines }.show(&parse(TEXT));
        assert_eq!(
            show(24, Lines::Drawn),
            "\
The far side
════════════

It must say
`every hash holds` and
end with 0.

1. Check
────────

- With certferry on the
  node:
  1. look
- done

Say:

    certferry status

Then
····
"
        );
        let ascii = show(24, Lines::Ascii);
        assert!(ascii.is_ascii() && ascii.contains("far side\n============\n") && ascii.contains("Then\n...."));
    }
}
