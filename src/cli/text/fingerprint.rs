//! Fingerprints as people read them: one word to copy, and groups of four to write down and compare.

use crate::sign::Fingerprint;

/// Returns the row `signer` of a result: one word, and below it two lines of groups.
pub(crate) fn signer(fingerprint: &Fingerprint) -> String {
    let [first, second] = fingerprint.halves();
    format!("signer   {fingerprint}\n         {first}\n         {second}\n")
}

/// Returns two lines of groups, of which the first begins with a word, for fingerprints that are compared by eye.
pub(crate) fn compared(word: &str, fingerprint: &Fingerprint) -> String {
    let [first, second] = fingerprint.halves();
    format!("  {word:<9}{first}\n  {:<9}{second}\n", "")
}

/// How many words stand in a line.
const WORDS_IN_LINE: usize = 6;

/// Returns every form of a signer's fingerprint: one word, two lines of groups, four lines of words.
pub(crate) fn all(fingerprint: &Fingerprint) -> String {
    signer(fingerprint) + &words(fingerprint)
}

/// Returns every form of the fingerprint of a recipient, whose own text is too long for paper.
pub(crate) fn of_recipient(fingerprint: &Fingerprint) -> String {
    let [first, second] = fingerprint.halves();
    format!("paper    {fingerprint}\n         {first}\n         {second}\n") + &words(fingerprint)
}

fn words(fingerprint: &Fingerprint) -> String {
    let words = fingerprint.words();
    let mut text = String::new();
    for (number, line) in words.chunks(WORDS_IN_LINE).enumerate() {
        let head = if number == 0 { "words" } else { "" };
        text += &format!("{head:<9}{}\n", line.join(" "));
    }
    text
}
