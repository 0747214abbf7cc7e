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
pub(super) fn render(head: &[&str], rows: &[Row]) -> String {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let escaped_cells = |row: &Row| row.cells.iter().map(|cell| escape_for_terminal(cell)).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows.iter().map(escaped_cells)).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let widest = lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        (widest.unwrap_or_default() + PADDING).clamp(MIN_WIDTH, MAX_WIDTH)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let details = std::iter::once(&[][..]).chain(rows.iter().map(|row| row.details.as_slice()));
    let mut text = String::new();
    for (line, details) in lines.iter().zip(details) {
        let start = text.len();
        for (cell, width) in line.iter().zip(&widths) {
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
        let text = render(&["NAME", "END"], &[row("a"), row(&long), row("b")]);
        let shown = "\\u{1b}".repeat(11_000);
        let gap = " ".repeat(MAX_WIDTH);
        let expected = format!("NAME{}END\na{}end\n{shown}   end\nb{}end\n", &gap[4..], &gap[1..], &gap[1..]);
        assert_eq!(text, expected);
    }
}
