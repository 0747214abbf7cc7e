//! The Korean chapters say what the English ones say, as far as a program can tell: the same sections in the same order,
//! in each of them the same blocks, the same commands, and the same names between backticks.
//!
//! A change in English fails here until the Korean chapter, `src/manual/ko/NAME.md`, has it, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::desk::Desk;

/// What a person on the far side needs.
const CHAPTERS: [&str; 5] = ["doctor", "expired", "far-side", "quickstart", "rotation"];

/// What both languages have in common in a section.
#[derive(Debug, Default)]
struct Section {
    /// `#`s, and the number if there is one: `## 7.`.
    heading: String,
    /// The kinds of its blocks: a paragraph, an element of a list, a row of a table, a block of code.
    shape: Vec<&'static str>,
    /// Its blocks of code, without remarks; of those between fences the first word of each line.
    code: Vec<String>,
    /// What stands between backticks.
    spans: BTreeSet<String>,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual").join(path)).unwrap()
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let (mut is_fenced, mut before) = (false, "");
    // One after the other, since what is between backticks may go on in the next line.
    let mut prose = vec![String::new()];
    for line in text.lines() {
        let section = sections.last_mut().unwrap();
        if line.starts_with("```") {
            is_fenced = !is_fenced;
            if is_fenced {
                section.shape.push("code");
                section.code.push(String::new());
            }
        } else if is_fenced {
            let code = section.code.last_mut().unwrap();
            *code += line.split_whitespace().next().unwrap_or_default();
            code.push('\n');
        } else if let Some(line) = line.strip_prefix("    ") {
            if section.shape.last() != Some(&"code") || !before.starts_with("    ") {
                section.shape.push("code");
                section.code.push(String::new());
            }
            let code = section.code.last_mut().unwrap();
            *code += line.split(" # ").next().unwrap().trim_end();
            code.push('\n');
        } else if line.starts_with('#') {
            let marks = line.split(' ').take(2).filter(|word| word.starts_with('#') || word.ends_with('.'));
            sections.push(Section { heading: marks.collect::<Vec<_>>().join(" "), ..Section::default() });
            prose.push(line.to_owned());
        } else if !line.is_empty() {
            let is_numbered = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
            let kind = match line {
                _ if line.starts_with("- ") => Some("element"),
                _ if line.starts_with('|') => Some("row"),
                _ if is_numbered => Some("numbered element"),
                _ => (before.is_empty() || before.starts_with("```") || before.starts_with("    "))
                    .then_some("paragraph"),
            };
            section.shape.extend(kind);
            *prose.last_mut().unwrap() += &format!("{} ", line.trim_start());
        }
        before = line;
    }
    for (section, prose) in sections.iter_mut().zip(prose) {
        section.spans = prose.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    }
    sections
}

#[test]
fn korean_and_english_say_the_same() {
    let mut differences = Vec::new();
    for name in CHAPTERS {
        let (english, korean) = (sections(&read(&format!("{name}.md"))), sections(&read(&format!("ko/{name}.md"))));
        let headings =
            |sections: &[Section]| sections.iter().map(|section| section.heading.clone()).collect::<Vec<_>>();
        if headings(&english) != headings(&korean) {
            differences.push(format!("{name}: headings\n  en {:?}\n  ko {:?}", headings(&english), headings(&korean)));
            continue;
        }
        for (place, (english, korean)) in english.iter().zip(&korean).enumerate() {
            let place = format!("{name}, heading {place} ({})", english.heading);
            if english.shape != korean.shape {
                differences.push(format!("{place}: blocks\n  en {:?}\n  ko {:?}", english.shape, korean.shape));
            }
            for (number, (english, korean)) in english.code.iter().zip(&korean.code).enumerate() {
                if english != korean {
                    differences
                        .push(format!("{place}: block of code {}\n  en {english:?}\n  ko {korean:?}", number + 1));
                }
            }
            let only = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect::<Vec<_>>();
            let (en, ko) = (only(&english.spans, &korean.spans), only(&korean.spans, &english.spans));
            if !(en.is_empty() && ko.is_empty()) {
                differences.push(format!("{place}: between backticks\n  en alone {en:?}\n  ko alone {ko:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "say it in Korean, too (src/manual/ko):\n{}", differences.join("\n"));
}

/// The mirror: what is said in one language alone is found, and what may differ does not matter.
#[test]
fn a_difference_would_be_found() {
    let of = |text: &str| format!("{:?}", sections(text));
    let text = "# T\n\nSay `a\nb`.\n\n## 1. One\n\n    run x   # why\n\n```\na: b\n```\n\n- c\n\n| d |\n|---|\n";
    let same =
        "# 가\n\n`a b`라고 한다.\n\n## 1. 하나\n\n    run x   # 왜\n\n```\na: 비\n```\n\n- 다\n\n| 라 |\n|---|\n";
    assert_eq!(of(same), of(text));
    for (from, to) in
        [("`a b`", "`a`"), ("## 1.", "## 2."), ("run x", "run y"), ("a: 비", "c: 비"), ("- 다", "다"), ("| 라 |\n", "")]
    {
        assert_ne!(of(&same.replace(from, to)), of(text), "{from}");
    }
}

#[test]
fn the_translated_chapters_are_those_of_the_folder_and_are_printed() {
    let desk = Desk::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/ko");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, CHAPTERS.map(|name| format!("{name}.md")));
    for name in CHAPTERS {
        let text = read(&format!("ko/{name}.md"));
        assert_eq!(desk.succeed(&format!("help {name} --lang ko --markdown")), text, "{name}");
        // Letters of Korean are there, and no line is wider than those of the English ones.
        let columns = |line: &str| line.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum::<usize>();
        let prose = text.lines().filter(|line| !line.starts_with("    ") && !line.starts_with('|'));
        for line in prose {
            assert!(columns(line) <= 120 && line == line.trim_end(), "{name}: {line}");
        }
        assert!(text.chars().filter(|letter| ('가'..='힣').contains(letter)).count() > 500, "{name}");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains(['\t', '\r']), "{name}");
    }
}

/// The README tells a person who reads Korean where to go on, and with the commands of the English part.
#[test]
fn the_readme_has_a_korean_section() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (english, korean) = readme.split_once("\n## 한국어\n").unwrap();
    let korean = korean.split("\n## ").next().unwrap();
    let commands: Vec<_> = korean.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(commands.len() > 4, "{korean}");
    for command in commands {
        let line = command.split(" # ").next().unwrap().trim_end();
        let is_help = line.starts_with("certferry help ") && line.ends_with(" --lang ko");
        assert!(is_help || english.lines().any(|known| known.split(" # ").next().unwrap().trim() == line), "{line}");
    }
    for name in CHAPTERS {
        assert!(korean.contains(&format!("](src/manual/ko/{name}.md)")), "{name}");
    }
}
