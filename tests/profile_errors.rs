//! The exact text of every refusal and warning: `profile_errors/*.toml` with `*.stderr` beside it.
//!
//! With `CERTFERRY_BLESS=1` the texts are rewritten; look at the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use certferry::cli::text::problems::render;
use certferry::profile::{Problem, Severity, parse};

fn toml_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn problems(source: &[u8]) -> Vec<Problem> {
    parse(source).map_or_else(|problems| problems, |parsed| parsed.warnings)
}

#[test]
fn golden_every_refusal_has_its_text() {
    let bless = std::env::var_os("CERTFERRY_BLESS").is_some();
    let mut wrong = Vec::new();
    for file in toml_files("tests/profile_errors") {
        let source = fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let is_refused = parse(&source).is_err();
        assert_eq!(is_refused, !name.starts_with("warning"), "{name}");
        let text = render(name, &source, &problems(&source));
        let expected_file = file.with_extension("stderr");
        if bless {
            fs::write(&expected_file, &text).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if text.is_empty() || text != expected {
            wrong.push(format!("--- {name}: expected\n{expected}\n+++ found\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files that an editor or git would mend.
#[test]
fn what_is_not_plain_text_is_refused() {
    let cases: [(&[u8], &str); 3] = [
        (
            b"format = 1\r\n\r\n[cluster]\r\n",
            "\
error: the profile has CR line ends
 --> text.toml:1:11
  |
1 | format = 1␍
  |           ^ the first one
  |
  = hint: save the file with LF line ends, as `dos2unix` or `tr -d '\\r'` do
",
        ),
        (
            b"# Gr\xc3\xbc\xdfe\nformat = 1\n",
            "\
error: the profile is not UTF-8
 --> text.toml:1:6
  |
1 | # Gr\u{fc}\u{fffd}e
  |      ^ this byte does not belong to a UTF-8 character
  |
  = hint: save the file as UTF-8 without a byte order mark
",
        ),
        (
            b"\xef\xbb\xbfformat = 1\n",
            "\
error: the profile begins with a byte order mark
 --> text.toml:1:1
  |
1 | \\u{feff}format = 1
  | ^ three unseen bytes, EF BB BF
  |
  = hint: save the file as UTF-8 without a byte order mark
",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(render("text.toml", source, &parse(source).unwrap_err()), expected);
    }
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let mut source = b"format = 1\n".to_vec();
    source.resize((4 << 20) + 1, b'\n');
    assert_eq!(
        render("large.toml", &source, &parse(&source).unwrap_err()),
        "\
error: the profile has 4194305 bytes
--> large.toml
 = hint: at most 4194304 bytes (4 MiB) are read; many like nodes fit in one [[node_pool]]
"
    );
    source.pop();
    assert!(!render("large.toml", &source, &parse(&source).unwrap_err()).contains("bytes"));
}

#[test]
fn many_problems_are_counted_and_not_all_drawn() {
    let source: String = "format = 1\n"
        .chars()
        .chain((0..150).flat_map(|n| format!("x{n:03} = 1\n").into_bytes()).map(char::from))
        .collect();
    let text = render("many.toml", source.as_bytes(), &problems(source.as_bytes()));
    assert!(text.ends_with("\n\nand 52 more\n"), "{text}");
}

/// Whatever is typed: an answer, an error in it when it is refused, every place within the file, and a drawing.
fn check_robustly(source: &[u8]) {
    let found = match parse(source) {
        Ok(parsed) => parsed.warnings,
        Err(problems) => {
            assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
            problems
        }
    };
    let mut last = None;
    for problem in &found {
        let place = problem.span.as_ref().map(|span| span.start);
        assert!(place >= last, "out of order: {found:?}");
        last = place;
        for span in problem.span.iter().chain(problem.related.as_ref().map(|(span, _)| span)) {
            assert!(span.start <= span.end && span.end <= source.len(), "{problem:?}");
        }
        assert!(!problem.title.is_empty() && !problem.hint.is_empty(), "{problem:?}");
        assert!(problem.span.is_none() || !problem.label.is_empty(), "{problem:?}");
    }
    assert_eq!(render("x.toml", source, &found).is_empty(), found.is_empty());
}

#[test]
fn a_profile_cut_anywhere_is_answered() {
    for file in toml_files("profiles").into_iter().chain(toml_files("tests/profile_errors")) {
        let source = fs::read(&file).unwrap();
        for end in (0..source.len()).step_by(7) {
            check_robustly(&source[..end]);
        }
    }
}

#[test]
fn a_profile_with_slips_is_answered() {
    slips_are_answered(60);
}

#[test]
#[ignore = "long form"]
fn long_a_profile_with_more_slips_is_answered() {
    slips_are_answered(200);
}

/// Lets each profile have slips, so many times.
fn slips_are_answered(times: usize) {
    const SLIPS: &[&[u8]] = &[
        b"",
        b"\"",
        b"[",
        b"]",
        b"\n",
        b"=",
        b"#",
        b".",
        b"0",
        b"-",
        b"999999999",
        b"\xff",
        b"\xc3\xbc",
        b"\r",
        b"\t",
    ];
    // A linear congruential generator: the same slips every time (Knuth, MMIX).
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let files = toml_files("profiles").into_iter().chain(toml_files("tests/profile_errors"));
    for source in files.map(|file| fs::read(file).unwrap()).filter(|source| !source.is_empty()) {
        for _ in 0..times {
            let mut source = source.clone();
            for _ in 0..=draw(3) {
                let start = draw(source.len());
                let end = (start + draw(4)).min(source.len());
                source.splice(start..end, SLIPS[draw(SLIPS.len())].iter().copied());
                if source.is_empty() {
                    break;
                }
            }
            check_robustly(&source);
        }
    }
}
