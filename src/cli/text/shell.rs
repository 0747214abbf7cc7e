//! Paths in commands that a person can paste.

use std::path::Path;

/// Returns the path as one word of a POSIX shell, which no program takes for an option.
pub(crate) fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "%+,-./:=@_".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::word;

    #[test]
    fn only_what_a_shell_would_change_is_quoted() {
        for (path, expected) in [
            ("out/prod-1-g1.tar.gz", "out/prod-1-g1.tar.gz"),
            ("/srv/x_y@z:1+2,3%4=5", "/srv/x_y@z:1+2,3%4=5"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("-n", "./-n"),
            ("~root", "'~root'"),
            ("$x*?;|&<>()`\"\\\n#", "'$x*?;|&<>()`\"\\\n#'"),
            ("Zoë", "'Zoë'"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }
}
