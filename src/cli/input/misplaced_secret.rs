//! Finds secrets in the wrong place. Files and arguments are easily mixed up, and messages quote what they complain
//! about.

use std::ffi::OsString;
use std::path::Path;

use crate::cli::failure::Failure;
use crate::words;

/// Refuses a file of TOML or JSON whose text a message could quote, when it holds a secret, or is one line, such as a
/// passphrase.
pub(crate) fn refuse_content(path: &Path, content: &[u8], expected: &str) -> Result<(), Failure> {
    refuse_secret(path, content, expected)?;
    if !is_bare_line(content) {
        return Ok(());
    }
    let message = format!("{} is not {expected}: it is one line, and nothing of TOML", path.display());
    Err(Failure::cannot_run(message).hint(NOT_SHOWN))
}

/// Refuses a file of another form, which may be one line, when it holds a secret.
pub(crate) fn refuse_secret(path: &Path, content: &[u8], expected: &str) -> Result<(), Failure> {
    let found = if holds_seed(content) {
        "there is a seed"
    } else if holds(content, b"PRIVATE KEY-----") {
        "there is a private key"
    } else if holds_identity(content) {
        "there is an identity, which opens what is sealed,"
    } else if words::stands_in(content) {
        "there are the words of a seed or a share"
    } else {
        return Ok(());
    };
    Err(Failure::cannot_run(format!("{} is not {expected}: {found} in it", path.display())).hint(NOT_SHOWN))
}

const NOT_SHOWN: &str = "nothing of it is shown here; were two arguments exchanged?";

/// Returns whether a text is one line, without a key, a table or a comment of TOML, such as a passphrase. Nothing is
/// quoted of what is not UTF-8.
fn is_bare_line(content: &[u8]) -> bool {
    let line = content.trim_ascii();
    let is_bare = !line.is_empty() && !line.iter().any(|byte| matches!(byte, b'\n' | b'=' | b'[' | b'#'));
    is_bare && std::str::from_utf8(line).is_ok()
}

/// Refuses a seed that was typed in place of the name of its file.
pub(crate) fn refuse_argument(path: &Path) -> Result<(), Failure> {
    if !holds_seed(path.as_os_str().as_encoded_bytes()) {
        return Ok(());
    }
    Err(Failure::cannot_run("a seed was given instead of the name of its file")
        .hint("other users and the shell's history can see arguments: make a new seed with `certferry seed new FILE`"))
}

/// The options whose values are recipients. They refuse the secret half of one by themselves.
const RECIPIENTS: [&str; 4] = ["--recipient", "--to", "--cluster-to", "--also-to"];

/// Refuses a command line that has the secret half of a recipient in it, before anything can quote it.
pub(crate) fn refuse_line(line: &[OsString]) -> Result<(), Failure> {
    let is_option = |word: &OsString| RECIPIENTS.iter().any(|option| word == option);
    let stands_alone = line.windows(2).any(|pair| match pair {
        [before, word] => !is_option(before) && holds_identity(word.as_encoded_bytes()),
        _ => false,
    });
    if !stands_alone {
        return Ok(());
    }
    Err(Failure::cannot_run("an identity was given as an argument, and not the name of its file").hint(
        "other users and the shell's history can see arguments: make a new one with `certferry identity new FILE`",
    ))
}

/// Returns whether `certferry-seed-`, a number, `:` and at least 16 hex digits stand anywhere, in either case.
fn holds_seed(content: &[u8]) -> bool {
    const PREFIX: &[u8] = b"certferry-seed-";
    content.windows(PREFIX.len()).enumerate().filter(|(_, window)| *window == PREFIX).any(|(place, _)| {
        let rest = content.get(place + PREFIX.len()..).unwrap_or_default();
        let mut fields = rest.splitn(2, |byte| *byte == b':');
        let is_number = fields.next().is_some_and(|number| number.iter().all(u8::is_ascii_digit));
        let digits = fields.next().unwrap_or_default().iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        is_number && digits >= 16
    })
}

/// Returns whether the secret half of a recipient of age stands anywhere, in either case.
pub(crate) fn holds_identity(content: &[u8]) -> bool {
    const PREFIX: &[u8] = b"AGE-SECRET-KEY-";
    content.windows(PREFIX.len()).any(|window| window.eq_ignore_ascii_case(PREFIX))
}

fn holds(content: &[u8], text: &[u8]) -> bool {
    content.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::{Path, holds_seed, refuse_argument, refuse_content};

    #[test]
    fn a_seed_is_seen_anywhere_in_any_format() {
        for text in [
            "certferry-seed-1:0123456789abcdef",
            "seed = \"certferry-seed-2:0123456789ABCDEF\"",
            "certferry-seed-x certferry-seed-:0123456789abcdef0",
        ] {
            assert!(holds_seed(text.as_bytes()), "{text}");
        }
        for text in ["", "certferry-seed-", "certferry-seed-1:` and 64 hex digits", "certferry-seed-1:0123456789abcde"]
        {
            assert!(!holds_seed(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn only_secrets_are_refused() {
        let path = Path::new("prod-1.toml");
        assert_eq!(refuse_content(path, b"format = 1\n# -----BEGIN CERTIFICATE-----\n", "a profile"), Ok(()));
        assert!(refuse_content(path, b"encrypt_to = [\"age-secret-key-pq-1", "a profile").is_err());
        assert!(refuse_content(path, b"\n-----BEGIN RSA PRIVATE KEY-----\n", "a profile").is_err());
        assert!(refuse_content(path, b"four words of nobody\r\n", "a profile").is_err());
        assert_eq!(refuse_content(path, b"four words of \xff\r\n", "a profile"), Ok(()));
        for other in [&b""[..], b"\n", b"# nothing yet", b"[cluster", b"format =", b"two\nlines"] {
            assert_eq!(refuse_content(path, other, "a profile"), Ok(()));
        }
        assert_eq!(refuse_argument(path), Ok(()));
    }
}
