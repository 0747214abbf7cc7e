//! Text for people: names that others wrote, made safe to show, and times.

use std::fmt::Write;

use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Returns a time as RFC 3339 has it, in UTC and whole seconds: `2226-11-22T00:00:00Z`. Years have four digits.
#[must_use]
pub fn instant(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    // This fails only when the writer does.
    time.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Returns whether a character is one that a terminal obeys or does not show: it could wipe a line, turn the direction of
/// writing, or make two names look alike.
///
/// These are the general categories Cc, Cf, Zl and Zp, and what else has the property Default_Ignorable_Code_Point.
/// Source: Unicode 16.0, UnicodeData.txt and DerivedCoreProperties.txt.
#[must_use]
pub fn is_unseen(letter: char) -> bool {
    // Cc is C0, delete and C1.
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns text that a terminal shows and does not obey, on one line.
///
/// Characters that are [unseen](is_unseen) become `\u{1b}` and the like, line ends too. Names in certificates and
/// kubeconfigs are whatever their maker wanted.
#[must_use]
pub fn escape_for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unseen(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Returns a JSON document in which what is [unseen](is_unseen) is escaped as JSON does: `\u001b`, and two of them for a
/// character beyond U+FFFF (RFC 8259, section 7). The document means the same as before.
///
/// Line ends between its values stay.
#[must_use]
pub fn escape_in_json(document: String) -> String {
    let is_escaped = |letter: char| is_unseen(letter) && letter != '\n';
    if !document.contains(is_escaped) {
        return document;
    }
    let mut shown = String::with_capacity(document.len() + 64);
    for letter in document.chars() {
        if is_escaped(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{escape_for_terminal, escape_in_json, is_unseen};

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(
            escape_for_terminal("a\u{1b}[2Jb\rc\u{9b}d\u{202e}e\n"),
            "a\\u{1b}[2Jb\\u{d}c\\u{9b}d\\u{202e}e\\u{a}"
        );
        assert_eq!(escape_for_terminal("Zürich 東京 \\u{1b}"), "Zürich 東京 \\u{1b}");
    }

    #[test]
    fn json_means_the_same() {
        let value = "a\u{7f}\u{9b}\u{2028}\u{e0041}\n é";
        let document = format!("{}\n", serde_json::to_string(&[value]).unwrap());
        let shown = escape_in_json(document);
        assert_eq!(shown, "[\"a\\u007f\\u009b\\u2028\\udb40\\udc41\\n é\"]\n");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [value]);
        assert_eq!(escape_in_json("{}\n".to_owned()), "{}\n");
    }

    /// Rust's own tables know a part of the class, and what surely is not in it.
    #[test]
    fn the_class_is_whole_and_shows_the_rest() {
        let mut unseen = 0;
        for letter in '\0'..=char::MAX {
            if letter.is_control() {
                assert!(is_unseen(letter), "{letter:?}");
            }
            if letter.is_alphanumeric() && !matches!(letter, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}') {
                assert!(!is_unseen(letter), "{letter:?}");
            }
            unseen += usize::from(is_unseen(letter));
        }
        // Counted with Python's unicodedata: every character of Cc, Cf, Zl and Zp is in it, and 4,096 are the tags' block.
        assert_eq!(unseen, 65 + 4_096 + 112);
        for letter in "\u{85}\u{200b}\u{202a}\u{2066}\u{61c}\u{fe0f}\u{e0001}\u{e007f}\u{180e}\u{fff9}".chars() {
            assert!(is_unseen(letter), "{letter:?}");
        }
        for letter in " ~äß\u{301}東\u{1f980}├─\u{fffd}\u{a0}".chars() {
            assert!(!is_unseen(letter), "{letter:?}");
        }
    }
}
