//! The command line as clap reads it, and what clap says of it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{ColorChoice, CommandFactory, Error, FromArgMatches, ValueEnum};

use crate::cli::args::Arguments;
use crate::cli::typed_key;

/// The switches that let through what a check has refused. Nobody should meet one as a guess at a word that was
/// misspelt.
const OVERRIDES: [&str; 8] = [
    "--force-node",
    "--allow-downgrade",
    "--drop-backup",
    "--replace-seed",
    "--replace-signer",
    "--replace-ca",
    "--same-generation",
    "--allow-weak-seed",
];

/// Reads a command line, whose first word is the name of the program.
///
/// # Errors
/// Returns what clap says of it. Help and version are errors to clap.
pub(crate) fn read(line: impl IntoIterator<Item = OsString>) -> Result<Arguments, Error> {
    let line = typed_key::joined(line);
    let matches = Arguments::command().color(color(&line)).try_get_matches_from(line);
    matches.and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches)).map_err(without_overrides)
}

/// Returns what `--color` says, also on a command line with mistakes in it.
pub(crate) fn color(line: &[OsString]) -> ColorChoice {
    let words: Vec<_> = line.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--").collect();
    let value = words.iter().enumerate().find_map(|(place, word)| match word.strip_prefix("--color")? {
        "" => words.get(place + 1).map(AsRef::as_ref),
        rest => rest.strip_prefix('='),
    });
    value.and_then(|value| ColorChoice::from_str(value, false).ok()).unwrap_or_default()
}

/// Takes away tips at switches that let through what a check has refused.
fn without_overrides(mut error: Error) -> Error {
    let names_one = |text: &str| OVERRIDES.iter().any(|switch| text.contains(switch));
    let is_tip = |value: &ContextValue| match value {
        ContextValue::String(text) => names_one(text),
        ContextValue::Strings(texts) => texts.iter().any(|text| names_one(text)),
        ContextValue::StyledStr(text) => names_one(&text.to_string()),
        ContextValue::StyledStrs(texts) => texts.iter().any(|text| names_one(&text.to_string())),
        _ => false,
    };
    // The usage is that of a line with the tip in it.
    for kind in [ContextKind::SuggestedArg, ContextKind::Suggested, ContextKind::Usage] {
        if error.get(kind).is_some_and(is_tip) {
            error.remove(kind);
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::ColorChoice;

    use super::{OVERRIDES, color, read};

    fn line(text: &str) -> Vec<std::ffi::OsString> {
        text.split(' ').map(Into::into).collect()
    }

    #[test]
    fn colours_are_seen_in_every_spelling() {
        for (text, expected) in [
            ("x", ColorChoice::Auto),
            ("x plan --color=never", ColorChoice::Never),
            ("x --color always plan", ColorChoice::Always),
            ("x --color", ColorChoice::Auto),
            ("x --colors=never", ColorChoice::Auto),
            ("x --color blue", ColorChoice::Auto),
            ("x -- --color=never", ColorChoice::Auto),
        ] {
            assert_eq!(color(&line(text)), expected, "{text}");
        }
    }

    /// A word that is short of a letter is near to its own switch above all.
    #[test]
    fn no_tip_names_an_override() {
        let said = |text: &str| read(line(text)).err().map(|error| error.to_string()).unwrap_or_default();
        for switch in OVERRIDES {
            let cut = &switch[..switch.len() - 1];
            for command in ["build p", "apply b", "plan p", "split b", "rollback"] {
                let said = said(&format!("certferry {command} {cut}"));
                assert!(said.contains(&format!("unexpected argument '{cut}' found")), "{said}");
                assert!(!OVERRIDES.iter().any(|switch| said.contains(switch)), "{said}");
            }
        }
        let said = said("certferry build p --lockd");
        assert!(said.contains("tip: a similar argument exists: '--locked'"), "{said}");
    }
}
