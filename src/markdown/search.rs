//! Where a text says something.

use super::{Block, Text, plain};

/// A sentence, line of code or row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The title of the section in which it is; before the first one, nothing.
    pub(crate) section: Option<String>,
    /// What it says.
    pub(crate) text: String,
}

/// Returns the sentences, lines of code and rows of tables in which a text is, in any case, in their order.
pub(crate) fn search(blocks: &[Block], wanted: &str) -> Vec<Hit> {
    let wanted = wanted.to_lowercase();
    let is_hit = |text: &String| text.to_lowercase().contains(&wanted);
    let (mut hits, mut section) = (Vec::new(), None);
    for block in blocks {
        if let Block::Heading(level, title) = block
            && *level > 1
        {
            section = Some(plain(title));
        }
        hits.extend(sayings(block).into_iter().filter(is_hit).map(|text| Hit { section: section.clone(), text }));
    }
    hits
}

/// Returns the words of a text, in lower case: letters and digits, with what joins them.
pub(crate) fn words(blocks: &[Block]) -> impl Iterator<Item = String> {
    let is_joined = |letter: char| letter.is_alphanumeric() || "-_.:".contains(letter);
    let sayings: Vec<String> = blocks.iter().flat_map(sayings).collect();
    sayings.into_iter().flat_map(move |text| {
        let words = text.split(move |letter| !is_joined(letter));
        words.map(|word| word.trim_matches(['-', '_', '.', ':']).to_lowercase()).collect::<Vec<_>>()
    })
}

/// Returns what a block says, in pieces that can be understood by themselves.
fn sayings(block: &Block) -> Vec<String> {
    match block {
        Block::Heading(_, text) => vec![plain(text)],
        Block::Paragraph(text) => sentences(text),
        Block::List(_, items) => items.iter().flatten().flat_map(sayings).collect(),
        Block::Code(_, text) => text.lines().map(|line| line.trim().to_owned()).collect(),
        Block::Table(_, rows) => {
            let row = |row: &Vec<Text>| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(" | ");
            rows.iter().map(row).collect()
        }
    }
}

fn sentences(text: &Text) -> Vec<String> {
    let text = plain(text);
    let mut sentences = vec![String::new()];
    let mut is_code = false;
    for piece in text.split_inclusive(' ') {
        let word = piece.trim_end();
        is_code ^= word.matches('`').count() % 2 == 1;
        let last = sentences.last_mut().map(|sentence| sentence.push_str(piece));
        if last.is_some() && !is_code && word.ends_with(['.', '?', '!']) && !word.ends_with("...") {
            sentences.push(String::new());
        }
    }
    sentences.into_iter().map(|sentence| sentence.trim().to_owned()).filter(|sentence| !sentence.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Hit, search, words};
    use crate::markdown::parse;

    const TEXT: &str = "\
# T

One `x509: a. b` here. Two says
X509 again. Three.

## Where

- see x509

| x509 | meaning |
|---|---|
| a | `x509:` |

    openssl x509 -noout
";

    #[test]
    fn sentences_lines_and_rows_are_found_with_their_section() {
        let hit =
            |section: Option<&str>, text: &str| Hit { section: section.map(str::to_owned), text: text.to_owned() };
        assert_eq!(
            search(&parse(TEXT), "x509"),
            [
                hit(None, "One `x509: a. b` here."),
                hit(None, "Two says X509 again."),
                hit(Some("Where"), "see x509"),
                hit(Some("Where"), "a | `x509:`"),
                hit(Some("Where"), "openssl x509 -noout"),
            ]
        );
        assert_eq!(search(&parse(TEXT), "says x509").len(), 1, "over the end of a line");
        assert_eq!(search(&parse(TEXT), "nothing"), []);
        assert!(words(&parse(TEXT)).any(|word| word == "x509") && !words(&parse(TEXT)).any(|word| word == "x509:"));
    }
}
