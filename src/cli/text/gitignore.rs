//! `.gitignore` beside a new seed: what holds keys does not belong into version control, where it stays for ever.

/// What it is for.
pub(crate) const KEEPS_OUT: &str = "keeps seeds and bundles out of git";

/// What every such file names: seeds, bundles with their slices, and keys that are adopted.
const PATTERNS: &str = "\
# Whoever has one of these has keys of the cluster. certferry wrote this file beside a new seed.
*.seed
*-g[0-9]*.tar.gz
*.key
";

/// Returns the file for a seed of this name.
pub(crate) fn content(seed: &str) -> String {
    let mut text = PATTERNS.to_owned();
    if !seed.ends_with(".seed") && !seed.contains('\n') {
        text += &format!("{}\n", pattern(seed));
    }
    text
}

/// Returns whether a file names the seed in one of the ways that are simple to see.
pub(crate) fn names(content: &str, seed: &str) -> bool {
    let mut known = vec![seed.to_owned(), pattern(seed), "*".to_owned(), "/*".to_owned()];
    if let Some((_, extension)) = seed.rsplit_once('.') {
        known.push(format!("*.{extension}"));
    }
    content.lines().any(|line| known.iter().any(|known| known == line.trim_end()))
}

/// Returns the pattern for a file of this folder alone (gitignore(5)).
fn pattern(name: &str) -> String {
    let mut text = String::from("/");
    for letter in name.chars() {
        if "*?[]!#\\ ".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{content, names};

    #[test]
    fn a_seed_is_named_by_what_was_written_for_it() {
        for seed in ["prod-1.seed", "seed", "my seed", "#a", "x.tar", "[a]*?!\\"] {
            assert!(names(&content(seed), seed), "{seed}");
        }
        assert_eq!(content("a.seed").lines().count(), 3);
        assert!(content("my #1 seed").ends_with("\n/my\\ \\#1\\ seed\n"));
    }

    #[test]
    fn other_files_may_name_it_too() {
        for (content, is_named) in [
            ("target\n*.seed\n", true),
            ("a.seed  \n", true),
            ("/a.seed\n", true),
            ("*\n", true),
            ("", false),
            ("# *.seed\n", false),
            ("b.seed\n", false),
        ] {
            assert_eq!(names(content, "a.seed"), is_named, "{content}");
        }
    }
}
