//! Trees where no more than ASCII is shown.

use crate::markdown::Lines;

/// Returns a text whose lines may begin with branches of a tree, drawn with what the terminal has. What stands behind the
/// branches stays as it is.
pub(crate) fn drawn(text: String, lines: Lines) -> String {
    match lines {
        Lines::Drawn => text,
        Lines::Ascii => text.split_inclusive('\n').map(ascii).collect(),
    }
}

fn ascii(line: &str) -> String {
    let is_text = |letter: char| !"├└│─ ".contains(letter);
    let (branches, text) = line.split_at(line.find(is_text).unwrap_or(line.len()));
    branches.replace(['├', '│'], "|").replace('└', "`").replace('─', "-") + text
}

#[cfg(test)]
mod tests {
    use super::drawn;
    use crate::markdown::Lines;

    #[test]
    fn branches_and_nothing_else_become_ascii() {
        let tree = "ca\n├── user/├─\n│   └── x  CN=─\n└── b\n\nend";
        assert_eq!(drawn(tree.to_owned(), Lines::Drawn), tree);
        assert_eq!(drawn(tree.to_owned(), Lines::Ascii), "ca\n|-- user/├─\n|   `-- x  CN=─\n`-- b\n\nend");
    }
}
