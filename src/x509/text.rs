//! Text for people: names that others wrote, made safe to show, and times.

use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Returns a time as RFC 3339 has it, in UTC and whole seconds: `2226-11-22T00:00:00Z`. Years have four digits.
#[must_use]
pub fn instant(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    // This fails only when the writer does.
    time.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Returns text that a terminal shows and does not obey.
///
/// Control characters, and characters that turn the direction of writing, become `\u{1b}` and the like. Names in
/// certificates and kubeconfigs are whatever their maker wanted.
#[must_use]
pub fn escape_for_terminal(text: &str) -> String {
    let turns = |letter| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || turns(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::escape_for_terminal;

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(
            escape_for_terminal("a\u{1b}[2Jb\rc\u{9b}d\u{202e}e\n"),
            "a\\u{1b}[2Jb\\u{d}c\\u{9b}d\\u{202e}e\\u{a}"
        );
        assert_eq!(escape_for_terminal("Zürich 東京 \\u{1b}"), "Zürich 東京 \\u{1b}");
    }
}
