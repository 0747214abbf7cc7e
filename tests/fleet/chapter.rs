//! The commands of the chapter `fleet`, as they stand there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::{Bundle, succeed, tool};

/// The lines of the chapter, and which of them were run.
pub(crate) struct Chapter {
    lines: Vec<String>,
    fingerprint: String,
    run: BTreeSet<String>,
}

impl Chapter {
    /// The chapter, with the fingerprint of a bundle's signer in the place of the dots.
    pub(crate) fn new(bundle: &Bundle) -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/fleet.md")).unwrap();
        let code: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        let lines = code.join("\n").replace("\\\n", " ").lines().map(str::to_owned).collect();
        // As a person takes it from the public key, by openssl.
        let sum = "openssl pkey -pubin -in \"$0\" -outform DER | sha256sum";
        let sum = succeed(tool("sh").args(["-c", sum]).arg(&bundle.public_key));
        Self { lines, fingerprint: format!("sha256:{}", &sum[..64]), run: BTreeSet::new() }
    }

    /// The one line that has all of these words; of two that do, the one that has nothing more.
    pub(crate) fn line(&mut self, words: &str) -> String {
        let has = |line: &&String| words.split(' ').all(|word| line.contains(word));
        let found = self.lines.iter().filter(has).min_by_key(|line| line.len());
        let line = found.unwrap_or_else(|| panic!("the chapter has no line with {words}")).clone();
        self.run.insert(line.clone());
        line.replace("sha256:...", &self.fingerprint)
    }

    /// Every line was run.
    pub(crate) fn assert_complete(&self) {
        let rest: Vec<_> = self.lines.iter().filter(|line| !self.run.contains(*line)).collect();
        assert!(rest.is_empty(), "nobody has run {rest:?}");
    }
}
