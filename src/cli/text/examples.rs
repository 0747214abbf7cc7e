//! How a command is typed, from the chapters of the manual.

use crate::manual::CHAPTERS;
use crate::markdown::{Block, Code, parse};

/// How many examples of a command are shown.
const MOST: usize = 6;

/// Returns lines of the manual that begin with these words, such as `certferry build`, each with the first chapter that
/// has it.
pub(crate) fn of(command: &str) -> Vec<(String, &'static str)> {
    let mut examples: Vec<(String, &str)> = Vec::new();
    for (chapter, _, text) in CHAPTERS {
        let blocks = parse(text);
        let code = blocks.iter().filter_map(|block| match block {
            Block::Code(Code::Shell, lines) => Some(lines.replace("\\\n", " ")),
            _ => None,
        });
        for line in code.flat_map(|lines| lines.lines().map(without_remark).collect::<Vec<_>>()) {
            let is_of_it = line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
            if is_of_it && command.contains(' ') && !examples.iter().any(|(known, _)| *known == line) {
                examples.push((line, chapter));
            }
        }
    }
    examples.truncate(MOST);
    examples
}

fn without_remark(line: &str) -> String {
    let line = line.split(" # ").next().unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_command_has_the_examples_of_the_manual() {
        let build = of("certferry build");
        assert!(build.iter().all(|(line, _)| line.starts_with("certferry build ") && !line.contains('#')), "{build:?}");
        assert!(build.iter().any(|(_, chapter)| *chapter == "quickstart"), "{build:?}");
        assert_eq!((of("certferry"), of("certferry buil")), (vec![], vec![]));
    }
}
