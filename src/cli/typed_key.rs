//! Fingerprints that were typed without quotes.
//!
//! On paper a fingerprint stands in groups, and a shell makes an argument of each: `--key 5d73 80eb feb0 ...`.

use std::ffi::OsString;

use crate::words;

/// The most digits that are put together. More would not be a fingerprint.
const DIGITS: usize = 64;

/// Returns the arguments with the groups, or words, behind `--key` put together into one.
pub(crate) fn joined(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined = Vec::<OsString>::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let Some(mut key) = begun(&argument, joined.last()) else {
            joined.push(argument);
            continue;
        };
        while let Some(group) = arguments.peek().and_then(|next| next.to_str()).filter(|next| goes_on(&key, next)) {
            key.extend([" ", group]);
            arguments.next();
        }
        joined.push(key.into());
    }
    joined
}

/// Returns an argument in which a fingerprint may begin: behind `--key`, or as `--key=...`.
fn begun(argument: &OsString, before: Option<&OsString>) -> Option<String> {
    let text = argument.to_str()?;
    (text.starts_with("--key=") || before.is_some_and(|before| before == "--key")).then(|| text.to_owned())
}

/// Returns whether `next` goes on with the fingerprint in `key`: one more group of four digits, or one more word.
fn goes_on(key: &str, next: &str) -> bool {
    let value = key.trim_start_matches("--key=").to_ascii_lowercase();
    let digits = value.trim_start_matches("sha256").trim_start_matches(':');
    let mut groups = digits.split_whitespace();
    if groups.all(is_group) && is_group(next) {
        return digits.chars().filter(char::is_ascii_hexdigit).count() < DIGITS;
    }
    let mut words = value.split_whitespace();
    let count = words.clone().count();
    (1..words::COUNT).contains(&count) && words.all(words::is_word) && words::is_word(next)
}

fn is_group(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::joined;

    fn check(line: &str, expected: &[&str]) {
        assert_eq!(joined(line.split(' ').map(OsString::from)), expected, "{line}");
    }

    #[test]
    fn groups_behind_key_become_one_argument_and_nothing_else_does() {
        check("x verify b --key 5d73 80eb FEB0 --quiet", &["x", "verify", "b", "--key", "5d73 80eb FEB0", "--quiet"]);
        check("x --key sha256: 5d73 80eb b.tar.gz", &["x", "--key", "sha256: 5d73 80eb", "b.tar.gz"]);
        check("x --key sha256:5d73 80eb b.tar.gz", &["x", "--key", "sha256:5d73 80eb", "b.tar.gz"]);
        check("x --key=sha256:5d73 80eb b", &["x", "--key=sha256:5d73 80eb", "b"]);
        check("x --key zoo vote b.tar.gz", &["x", "--key", "zoo vote", "b.tar.gz"]);
        for same in [
            "x verify --key lab.pub b.tar.gz",
            "x verify --key dead.pub beef",
            "x 5d73 80eb",
            "x --key",
            "x --node cp-1 80eb",
            "x --key lab.pub 80eb",
        ] {
            check(same, &same.split(' ').collect::<Vec<_>>());
        }
        let whole = vec!["80eb"; 16].join(" ");
        check(&format!("x --key {whole} 80eb"), &["x", "--key", &whole, "80eb"]);
        let whole = vec!["zoo"; 24].join(" ");
        check(&format!("x --key {whole} zoo"), &["x", "--key", &whole, "zoo"]);
    }
}
