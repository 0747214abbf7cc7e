//! "Did you mean": the name that was most likely meant.

/// The most letters that differ.
const DISTANCE: usize = 2;

/// Returns the one name that is nearest to what was written, if it is near and no other is as near. Another number is
/// another node, and no slip: `cp-9` does not mean `cp-1`.
pub(crate) fn nearest<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let written = written.to_lowercase();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let number = digits(&written);
    let mut best: Option<(usize, &str)> = None;
    let mut is_only = false;
    for name in names.into_iter().filter(|name| digits(name) == number) {
        let distance = strsim::damerau_levenshtein(&written, name);
        match best {
            Some((least, _)) if distance > least => {}
            Some((least, _)) if distance == least => is_only = false,
            _ => (best, is_only) = (Some((distance, name)), true),
        }
    }
    best.filter(|(distance, name)| is_only && *distance <= DISTANCE && *distance < name.len()).map(|(_, name)| name)
}

/// Returns a hint at the nearest name.
pub(crate) fn did_you_mean<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(written, names).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_guess_is_made_only_when_there_is_one() {
        let names = ["cp-1", "cp-2", "worker-1", "worker-12", "db-7", "dc-7"];
        for (written, expected) in [
            ("cp1", Some("cp-1")),
            ("CP-2", Some("cp-2")),
            ("wroker-12", Some("worker-12")),
            ("worker-1.lab", None),
            ("cp-x", None),
            ("cp-9", None),
            ("dx-7", None),
            ("etcd-1", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names), expected, "{written}");
        }
        assert_eq!(nearest("x", []), None);
    }
}
