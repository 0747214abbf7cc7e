//! Text that others wrote, as names hold it, for people to read.

/// Text that a terminal shows and does not obey: control characters, and those that turn the direction of writing,
/// stand as `\u{1b}`. Names in certificates and kubeconfigs are whatever their maker wanted.
#[must_use]
pub fn printable(text: &str) -> String {
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
    use super::printable;

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(printable("a\u{1b}[2Jb\rc\u{9b}d\u{202e}e\n"), "a\\u{1b}[2Jb\\u{d}c\\u{9b}d\\u{202e}e\\u{a}");
        assert_eq!(printable("Zürich 東京 \\u{1b}"), "Zürich 東京 \\u{1b}");
    }
}
