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
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

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

    /// install.sh guesses by a program in awk: for every name of up to three letters, and for names of nodes.
    #[test]
    fn install_sh_guesses_the_same() {
        const PROGRAM: &str = include_str!("../../../templates/install/nearest.awk");
        // Each case ends with an empty line. The program is for one, so a function takes its end's place.
        let each = PROGRAM.replace("NR == 1 {", "is_first { is_first = 0;").replace("END { if", "function say() { if");
        let each = format!(
            "BEGIN {{ is_first = 1 }}\n$0 == \"end\" {{ say(); print \"-\"; is_first = 1; best = \"\"; next }}\n{each}"
        );
        let letters = ["", "a", "b", "c"];
        let mut short = vec![String::new()];
        for _ in 0..3 {
            short = short.iter().flat_map(|begun| letters.map(|letter| format!("{begun}{letter}"))).collect();
        }
        let nodes = ["cp-1", "cp-2", "worker-1", "worker-12", "db-7", "dc-7", "ca", "abc"];
        let mut cases: Vec<(String, Vec<&str>)> = Vec::new();
        for (written, name) in short.iter().flat_map(|written| short.iter().map(move |name| (written, name))) {
            // Names have letters, and what is written may have none.
            if !name.is_empty() {
                cases.push((format!("x{written}yz"), vec![name, &short[short.len() - 1]]));
                cases.push((written.clone(), vec![name]));
            }
        }
        for written in ["cp1", "CP-2", "wroker-12", "woker-21", "dx-7", "worker-1.lab", "krower-1", "acb", "c", "-1"] {
            cases.push((written.to_owned(), nodes.to_vec()));
        }
        let input: String =
            cases.iter().map(|(written, names)| format!("{written}\n{}\nend\n", names.join("\n"))).collect();
        let expected: String = cases
            .iter()
            .map(|(written, names)| match nearest(written, names.iter().copied()) {
                Some(name) => format!("{name}\n-\n"),
                None => "-\n".to_owned(),
            })
            .collect();
        let guesses = expected.lines().count() - cases.len();
        assert!(guesses > 100 && cases.len() - guesses > 100, "{guesses} of {}", cases.len());
        for awk in ["mawk", "gawk", "busybox awk", "original-awk"] {
            let script =
                format!("command -v {} >/dev/null || exit 99; exec {awk} \"$1\"", awk.split(' ').next().unwrap());
            let mut child = Command::new("sh")
                .args(["-c", &script, "sh", &each])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let text = input.clone();
            let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
            let output = child.wait_with_output().unwrap();
            let _ = writer.join().unwrap();
            if output.status.code() == Some(99) {
                continue;
            }
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{awk}");
        }
    }
}
