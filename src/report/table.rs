//! Sets columns as Go's text/tabwriter does for kubeadm and kubectl.

use crate::x509::escape_for_terminal;

/// The widths are those of `tabwriter.NewWriter(out, 10, 4, 3, ' ', 0)`: kubeadm v1.20.2, cmd/certs.go.
const MIN_WIDTH: usize = 10;
const PADDING: usize = 3;
/// The widest column. A longer cell is whole, too, but does not fill up every other line with spaces.
const MAX_WIDTH: usize = 200;

/// A row and the lines below it.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) details: Vec<String>,
}

/// Returns the head and the rows, with each column as wide as its widest cell, up to [`MAX_WIDTH`], and no spaces at the
/// end of a line.
pub(super) fn render(head: &[&str], rows: Vec<Row>) -> String {
    let head = Row { cells: head.iter().map(|cell| (*cell).to_owned()).collect(), details: Vec::new() };
    let escaped = |row: Row| Row { cells: row.cells.iter().map(|cell| escape_for_terminal(cell)).collect(), ..row };
    let rows: Vec<Row> = std::iter::once(head).chain(rows.into_iter().map(escaped)).collect();
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
    let width = |column: usize| {
        let widest = rows.iter().filter_map(|row| row.cells.get(column)).map(|cell| cell.chars().count()).max();
        (widest.unwrap_or_default() + PADDING).clamp(MIN_WIDTH, MAX_WIDTH)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for Row { cells, details } in &rows {
        let start = text.len();
        for (cell, width) in cells.iter().zip(&widths) {
            text += cell;
            // Not with the width of a format, which cannot be above 65,535.
            let gap = width.saturating_sub(cell.chars().count()).max(PADDING);
            text.extend(std::iter::repeat_n(' ', gap));
        }
        text.truncate(start + text.get(start..).unwrap_or_default().trim_end().len());
        text.push('\n');
        for detail in details {
            text += &format!("  {}\n", escape_for_terminal(detail));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{MAX_WIDTH, Row, render};

    #[test]
    fn a_long_cell_is_whole_and_widens_no_other_line() {
        let row = |name: &str| Row { cells: vec![name.to_owned(), "end".to_owned()], details: Vec::new() };
        let long = "\u{1b}".repeat(11_000);
        let text = render(&["NAME", "END"], vec![row("a"), row(&long), row("b")]);
        let shown = "\\u{1b}".repeat(11_000);
        let gap = " ".repeat(MAX_WIDTH);
        let expected = format!("NAME{}END\na{}end\n{shown}   end\nb{}end\n", &gap[4..], &gap[1..], &gap[1..]);
        assert_eq!(text, expected);
    }
}
