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
