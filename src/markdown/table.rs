//! Tables, drawn as wide as the terminal.

use comfy_table::{ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, TableStyle, Width};

use super::terminal::{Lines, Screen};
use super::wrap::{text, width, wrap};
use super::{Text, plain};

/// The columns between two columns of text: a blank, a line, a blank.
const GAP: usize = 3;

/// Returns the lines of a table. Where not even the longest words of its columns fit beside each other, each row is a
/// paragraph with the cells below each other.
pub(super) fn lines(head: &[Text], rows: &[Vec<Text>], screen: &Screen) -> Vec<String> {
    let all: Vec<Vec<String>> = [head].into_iter().chain(rows.iter().map(Vec::as_slice)).map(cells).collect();
    let longest = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.flat_map(|cell| cell.split(' ')).map(width).max().unwrap_or_default()
    };
    let least: Vec<usize> = (0..head.len()).map(longest).collect();
    if least.iter().sum::<usize>() + GAP * head.len().saturating_sub(1) > screen.columns {
        return rows_as_paragraphs(head, rows, screen.columns);
    }
    let drawn = draw(&all, &least, screen, false);
    // Where a row has several lines a rule tells it from the next.
    if drawn.len() > all.len() + 1 { draw(&all, &least, screen, true) } else { drawn }
}

fn cells(row: &[Text]) -> Vec<String> {
    row.iter().map(|cell| plain(cell)).collect()
}

fn draw(all: &[Vec<String>], least: &[usize], screen: &Screen, is_ruled: bool) -> Vec<String> {
    let (rule, bar, cross) = match screen.lines {
        Lines::Drawn => ('─', '│', '┼'),
        Lines::Ascii => ('-', '|', '+'),
    };
    let content = ContentLineStyle::none().junction(bar);
    let line = LineStyle::none().fill(rule).junction(cross);
    let mut style = TableStyle::new().header_lines(content).header_separator(line).content_lines(content);
    if is_ruled {
        style = style.row_separator(line);
    }
    let mut table = comfy_table::Table::new();
    let number = |width: usize| u16::try_from(width).unwrap_or(u16::MAX);
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic).set_width(number(screen.columns));
    let (head, rows) = all.split_first().map_or((&[][..], all), |(head, rows)| (head.as_slice(), rows));
    table.set_header(head);
    table.add_rows(rows);
    let last = least.len().saturating_sub(1);
    for (place, (column, least)) in table.column_iter_mut().zip(least).enumerate() {
        let padding = (u16::from(place > 0), u16::from(place < last));
        column.set_padding(padding);
        let width = number(*least) + padding.0 + padding.1;
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn rows_as_paragraphs(head: &[Text], rows: &[Vec<Text>], columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    // The head says in the first paragraph what the others have in which place.
    for (number, row) in [head].into_iter().chain(rows.iter().map(Vec::as_slice)).enumerate() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        for (place, (cell, name)) in row.iter().zip(head).enumerate().filter(|(_, (cell, _))| !cell.is_empty()) {
            let is_named = head.len() > 2 && !name.is_empty() && place > 0 && number > 0;
            let name = if is_named { format!("{}: ", plain(name)) } else { String::new() };
            let indent = if place == 0 { "" } else { "  " };
            let rest = if place == 0 { "" } else { "    " };
            lines.extend(wrap(&format!("{name}{}", text(cell)), columns, indent, rest));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::markdown::{Lines, Screen, parse};

    const TABLE: &str = "\
| code | meaning | 뜻 |
|---|---|---|
| `0` | done | 끝났음 |
| `1` | the check said no | 검사 결과가 아니오 |
";

    fn shown(columns: usize, lines: Lines) -> String {
        Screen { columns, lines }.show(&parse(TABLE))
    }

    #[test]
    fn a_table_is_drawn_and_its_cells_wrap() {
        assert_eq!(
            shown(60, Lines::Drawn),
            "\
code │ meaning           │ 뜻
─────┼───────────────────┼───────────────────
`0`  │ done              │ 끝났음
`1`  │ the check said no │ 검사 결과가 아니오
"
        );
        assert_eq!(
            shown(36, Lines::Ascii),
            "\
code | meaning   | 뜻
-----+-----------+------------
`0`  | done      | 끝났음
-----+-----------+------------
`1`  | the check | 검사 결과가
     | said no   | 아니오
"
        );
    }

    #[test]
    fn rows_are_paragraphs_where_columns_have_no_room() {
        assert_eq!(
            shown(20, Lines::Drawn),
            "\
code
  meaning
  뜻

`0`
  meaning: done
  뜻: 끝났음

`1`
  meaning: the check
    said no
  뜻: 검사 결과가
    아니오
"
        );
    }
}
