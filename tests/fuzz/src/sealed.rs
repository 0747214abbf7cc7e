//! Sealed files, and the texts of recipients and identities.

use std::io::Read;
use std::sync::LazyLock;

use certferry::seal::{Envelope, Form, Identity, OpenWith, Recipient};

/// The identities that the specification of age shows, which are nobody's secret. The seeds are sealed to them.
const IDENTITIES: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n\
    AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR\n";

/// What is in every seed.
const CONTENT: &[u8] = b"content of a seed\n";

static OWN: LazyLock<Vec<Identity>> = LazyLock::new(|| Identity::parse_all(IDENTITIES.as_bytes()).unwrap_or_default());

/// What opens is what was sealed. Nothing is opened with a passphrase, which takes as long as a file wants.
pub fn run(file: &[u8]) {
    for form in [Form::Binary, Form::Armored] {
        if let Some(content) = open(file, form) {
            assert_eq!(content, CONTENT);
        }
    }
    let _ = Identity::parse_all(file);
    let Ok(text) = std::str::from_utf8(file) else { return };
    if let Ok(recipient) = Recipient::parse(text) {
        assert!(recipient.to_string().eq_ignore_ascii_case(text));
    }
}

fn open(file: &[u8], form: Form) -> Option<Vec<u8>> {
    let envelope = Envelope::read_as(file, form).ok()?;
    let mut content = Vec::new();
    envelope.open(OpenWith::Identities(&OWN)).ok()?.read_to_end(&mut content).ok()?;
    Some(content)
}

/// Returns whether a file opens.
pub fn is_opened(file: &[u8]) -> bool {
    [Form::Binary, Form::Armored].into_iter().any(|form| open(file, form).is_some())
}
