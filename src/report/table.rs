//! Sets columns as Go's text/tabwriter does for kubeadm and kubectl.

use crate::x509::escape_for_terminal;

/// The widths are those of `tabwriter.NewWriter(out, 10, 4, 3, ' ', 0)`: kubeadm v1.20.2, cmd/certs.go.
const MIN_WIDTH: usize = 10;
const PADDING: usize = 3;

/// A row and the lines below it.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) details: Vec<String>,
}

/// Returns the head and the rows, with each column as wide as its widest cell and no spaces at the end of a line.
pub(super) fn render(head: &[&str], rows: &[Row]) -> String {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let escaped_cells = |row: &Row| row.cells.iter().map(|cell| escape_for_terminal(cell)).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows.iter().map(escaped_cells)).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let widest = lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        (widest.unwrap_or_default() + PADDING).max(MIN_WIDTH)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let details = std::iter::once(&[][..]).chain(rows.iter().map(|row| row.details.as_slice()));
    let mut text = String::new();
    for (line, details) in lines.iter().zip(details) {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text += cells.collect::<String>().trim_end();
        text.push('\n');
        for detail in details {
            text += &format!("  {}\n", escape_for_terminal(detail));
        }
    }
    text
}
