//! From bytes to a TOML document: the checks that precede the reading of any key.

use toml::Spanned;
use toml::de::DeTable;

use super::problem::{Problem, Problems};

/// The longest profile. It has room for more than a hundred thousand nodes, each written out.
const MAX_BYTES: usize = 4 << 20;

/// Decodes the profile as text. Returns `None` when a reason was reported to `problems`.
///
/// The profile's bytes enter the bundle, and their hash enters the lock. What editors add invisibly is therefore
/// refused.
pub(super) fn decode<'a>(source: &'a [u8], problems: &Problems) -> Option<&'a str> {
    if source.len() > MAX_BYTES {
        problems.add(
            Problem::error(format!("the profile has {} bytes", source.len()))
                .hint(format!("at most {MAX_BYTES} bytes (4 MiB) are read; many like nodes fit in one [[node_pool]]")),
        );
        return None;
    }
    let text = match std::str::from_utf8(source) {
        Ok(text) => text,
        Err(error) => {
            let start = error.valid_up_to();
            problems.add(
                Problem::error("the profile is not UTF-8")
                    .at(&(start..start), "this byte does not belong to a UTF-8 character")
                    .hint("save the file as UTF-8 without a byte order mark"),
            );
            return None;
        }
    };
    let mut clean = true;
    if text.starts_with('\u{feff}') {
        clean = false;
        problems.add(
            Problem::error("the profile begins with a byte order mark")
                .at(&(0..0), "three unseen bytes, EF BB BF")
                .hint("save the file as UTF-8 without a byte order mark"),
        );
    }
    if let Some(start) = text.find('\r') {
        clean = false;
        problems.add(
            Problem::error("the profile has CR line ends")
                .at(&(start..start), "the first one")
                .hint("save the file with LF line ends, as `dos2unix` or `tr -d '\\r'` do"),
        );
    }
    clean.then_some(text)
}

/// Parses the text as a TOML document. Returns `None` when every syntax error was reported to `problems`.
///
/// No key is checked in a document with syntax errors, because after a broken header keys seem to stand in other
/// tables.
pub(super) fn document<'a>(text: &'a str, problems: &Problems) -> Option<Spanned<DeTable<'a>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let (reason, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), ""));
        let hint = match (reason, expected) {
            ("duplicate key", _) => "a key stands once in a table, and a table's header once in a file".to_owned(),
            ("string values must be quoted", _) => "put the value between double quotes".to_owned(),
            (_, "") => "the syntax is TOML 1.1, https://toml.io".to_owned(),
            _ => format!("expected {expected}"),
        };
        problems
            .add(Problem::error("the profile is not TOML").at_if(error.span().as_ref(), reason.to_owned()).hint(hint));
    }
    errors.is_empty().then_some(document)
}
