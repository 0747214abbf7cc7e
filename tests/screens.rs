//! The manual on consoles: every chapter, at 80 and at 40 columns, in UTF-8 and in ASCII.
//!
//! coreutils' wc measures lines, and bash says whether a command that was broken is still the same.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::common::desk::Desk;
use crate::common::{certferry, program, succeed, tool};

const WIDTHS: [usize; 2] = [80, 40];
const UTF8: &str = "C.UTF-8";
const ASCII: &str = "C";
/// What margin, indents and a backslash may take of a line.
const AROUND: usize = 12;

/// Name, language and text of every chapter.
fn chapters() -> Vec<(String, &'static str, String)> {
    let of = |folder: &str, language| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
        files.map(|path| (name(&path), language, std::fs::read_to_string(&path).unwrap())).collect::<Vec<_>>()
    };
    let mut chapters = [of("src/manual", "en"), of("src/manual/ko", "ko")].concat();
    chapters.sort();
    assert!(chapters.len() > 20, "{}", chapters.len());
    chapters
}

/// What `help` shows of a chapter, without the options of a command of the same name.
fn shown(name: &str, language: &str, columns: usize, locale: &str) -> String {
    let mut help = certferry();
    help.args(["help", name, "--lang", language]).env("COLUMNS", columns.to_string()).env("LC_ALL", locale);
    let text = succeed(&mut help);
    let mut options = certferry();
    let options = options.args([name, "--help"]).env("COLUMNS", columns.to_string()).output().unwrap();
    let options = String::from_utf8(options.stdout).unwrap();
    text.strip_prefix(&options).map_or(text.clone(), |chapter| chapter.trim_start_matches('\n').to_owned())
}

/// The columns of the longest line.
fn widest(text: &str) -> usize {
    let mut wc = tool("wc").arg("-L").env("LC_ALL", UTF8).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    wc.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(wc.wait_with_output().unwrap().stdout).unwrap().trim().parse().unwrap()
}

/// The words of a chapter with how often each is there, without what Markdown needs.
fn words(source: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let is_drawn = |word: &&str| !word.trim_matches(['|', '-', '#', '=', '`', '\\', '*']).is_empty();
    let lines = source.lines().filter(|line| !line.starts_with("```") && !line.starts_with("|---"));
    for word in lines.flat_map(str::split_whitespace).filter(is_drawn) {
        *counts.entry(word.replace("**", "").replace("\\|", "|")).or_default() += 1;
    }
    counts
}

#[test]
fn no_line_is_too_long_and_no_word_is_cut() {
    for (name, language, source) in chapters() {
        let wanted = words(&source);
        for (columns, locale) in WIDTHS.into_iter().flat_map(|columns| [(columns, UTF8), (columns, ASCII)]) {
            // Korean is shown in UTF-8 alone.
            if (language, locale) == ("ko", ASCII) {
                continue;
            }
            let text = shown(&name, language, columns, locale);
            let place = format!("{name} ({language}) at {columns} columns in {locale}");
            let widest = widest(&text);
            assert!(widest <= columns, "{place}: {widest} columns\n{text}");
            assert!(locale != ASCII || text.is_ascii(), "{place}\n{text}");
            assert!(text.lines().all(|line| line == line.trim_end()), "{place}\n{text}");
            let found = words(&text);
            let whole: String = text.replace("\\\n", "\n").split_whitespace().collect();
            for (word, count) in &wanted {
                let fits =
                    word.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum::<usize>() + AROUND <= columns;
                let seen = found.get(word).copied().unwrap_or_default();
                assert!(!fits || seen >= *count, "{place}: `{word}` {seen} times in place of {count}\n{text}");
                assert!(
                    fits || whole.contains(word) || locale == UTF8 && is_in_table(&source, word),
                    "{place}: {word}\n{text}"
                );
            }
        }
    }
}

/// In cells beside each other the pieces of two words may alternate.
fn is_in_table(source: &str, word: &str) -> bool {
    source.lines().any(|line| line.starts_with('|') && line.contains(word))
}

/// The blocks of code in a text, each with whether it was indented and not between fences.
fn blocks(source: &str) -> Vec<(bool, String)> {
    let mut blocks: Vec<(bool, String)> = Vec::new();
    let (mut is_fenced, mut is_open, mut blanks) = (false, false, 1);
    for line in source.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
            blocks.extend(is_fenced.then(|| (false, String::new())));
            is_open = false;
            continue;
        }
        let goes_on = is_open && blocks.last().is_some_and(|(_, code)| code.ends_with("\\\n"));
        let is_code = is_fenced || goes_on || line.starts_with("    ") && (is_open || blanks > 0);
        if is_code {
            if !is_open && !is_fenced {
                blocks.push((true, String::new()));
            }
            let code = &mut blocks.last_mut().unwrap().1;
            code.push_str(if is_open && !is_fenced && !goes_on { &"\n"[..blanks.min(1)] } else { "" });
            code.push_str(line.strip_prefix("    ").filter(|_| !is_fenced).unwrap_or(line));
            code.push('\n');
            is_open = !is_fenced;
        } else if !line.is_empty() {
            is_open = false;
        }
        blanks = if line.is_empty() { blanks + 1 } else { 0 };
    }
    blocks
}

/// How bash writes commands when it has read them.
fn as_bash_reads(blocks: &[String], place: &str) -> String {
    let functions = blocks.iter().enumerate().map(|(number, block)| format!("block_{number}() {{\n{block}}}\n"));
    let script = format!("{}declare -f\n", functions.collect::<String>());
    let output = tool("bash").args(["--norc", "--noprofile", "-c", &script]).env_clear().output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{place}: indented code is for a shell: {said}\n{script}");
    // A quote that ends and begins again is the same quote.
    String::from_utf8(output.stdout).unwrap().replace("''", "")
}

#[test]
fn a_command_that_is_broken_over_lines_is_the_same_command() {
    let mut broken = 0;
    for (name, language, source) in chapters() {
        let of_source = blocks(&source);
        let commands: Vec<_> =
            of_source.iter().filter(|(is_shell, _)| *is_shell).map(|(_, code)| code.clone()).collect();
        let expected = as_bash_reads(&commands, &name);
        for columns in WIDTHS {
            let place = format!("{name} ({language}) at {columns} columns");
            let text = shown(&name, language, columns, UTF8);
            let of_text = blocks(&text);
            let firsts = |blocks: &[(bool, String)]| {
                let word = |(_, code): &(bool, String)| {
                    code.trim_start_matches(['#', ' ']).chars().take(3).collect::<String>()
                };
                blocks.iter().map(word).collect::<Vec<_>>()
            };
            assert_eq!(of_text.len(), of_source.len(), "{place}: {:?} {:?}", firsts(&of_text), firsts(&of_source));
            let shown = of_text.iter().zip(&of_source).filter(|(_, (is_shell, _))| *is_shell);
            let shown: Vec<_> = shown.map(|((_, code), _)| code.clone()).collect();
            broken += shown.iter().zip(&commands).filter(|(shown, command)| shown != command).count();
            assert_eq!(as_bash_reads(&shown, &place), expected, "{place}");
        }
    }
    assert!(broken > 20, "{broken}");
}

/// The mirror: bash tells a command that was broken in a wrong place.
#[test]
fn bash_tells_a_command_that_was_broken_in_a_wrong_place() {
    let reads = |block: &str| as_bash_reads(&[block.to_owned()], "");
    let whole = reads("certferry verify 'a b' --key=x # why\n");
    for same in ["certferry verify \\\n  'a b' --key=x\n", "# why\ncertferry verify 'a '\\\n'b' --k\\\ney=x\n"] {
        assert_eq!(reads(same), whole, "{same}");
    }
    for other in ["certferry verify 'a \\\nb' --key=x\n", "certferry verify 'a b' --key=\\\n  x\n"] {
        assert_ne!(reads(other), whole, "{other}");
    }
}

#[test]
fn the_list_of_chapters_fits_too() {
    for (columns, language) in WIDTHS.into_iter().flat_map(|columns| [(columns, "en"), (columns, "ko")]) {
        let mut help = certferry();
        help.args(["help", "--lang", language]).env("COLUMNS", columns.to_string()).env("LC_ALL", UTF8);
        let text = succeed(&mut help);
        assert!(widest(&text) <= columns, "{text}");
        let mut search = certferry();
        search.args(["help", "--search", "certificate", "--lang", language]);
        let text = succeed(search.env("COLUMNS", columns.to_string()).env("LC_ALL", UTF8));
        assert!(widest(&text) <= columns && text.lines().count() > 100, "{text}");
    }
}

#[test]
fn trees_and_progress_are_drawn_with_what_the_locale_has() {
    let desk = Desk::new();
    let worker = "[[node]]\nname = \"w-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.6\"]\n";
    desk.write("lab.toml", desk.text("lab.toml") + worker);
    let plan = |locale: &str| succeed(desk.command("plan lab.toml").env("LC_ALL", locale));
    let (drawn, ascii) = (plan(UTF8), plan(ASCII));
    assert!(drawn.contains("\n├── ") && drawn.contains("\n│   └── "), "{drawn}");
    assert!(ascii.is_ascii() && ascii.contains("\n|-- ") && ascii.contains("\n|   `-- "), "{ascii}");
    let back = ascii.replace("|-- ", "├── ").replace("`-- ", "└── ").replace('|', "│");
    assert_eq!(back, drawn);
    // Progress is shown on a terminal alone. With RSA keys there is some.
    desk.profile_with(&[("leaf = \"ecdsa-p256\"", "leaf = \"rsa-2048\"")]);
    let line = format!("stty cols 80; exec '{}' build lab.toml --seed lab.seed --out out", program().display());
    let mut script = tool("script");
    script.args(["-qec", &line, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "xterm").env("LC_ALL", ASCII);
    let said = succeed(script.current_dir(desk.path("")));
    assert!(said.contains('\u{1b}') && said.is_ascii(), "{}", said.escape_debug());
}

/// What is no number, and what is no terminal's.
#[test]
fn a_width_that_makes_no_sense_is_not_taken() {
    let shown = |columns: &str| succeed(certferry().args(["help", "tls"]).env("COLUMNS", columns).env("LC_ALL", UTF8));
    let mut unset = certferry();
    let usual = succeed(unset.args(["help", "tls"]).env_remove("COLUMNS").env("LC_ALL", UTF8));
    for columns in ["80", "0", "", "wide", "-1"] {
        assert_eq!(shown(columns), usual, "{columns}");
    }
    assert!(widest(&usual) <= 80);
    // No more than can be read with ease, and no less than a word needs.
    assert!(widest(&shown("9999")) <= 100 && widest(&shown("3")) <= 20);
    assert_ne!(shown("9999"), usual);
}
