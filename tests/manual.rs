//! The manual: complete, linked, readable on a terminal, and every command in it one that the program takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::desk::Desk;
use certferry::{cli, profile};

/// A terminal that is split in two shows no more.
const COLUMNS: usize = 120;

fn repository(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Name and text of each chapter, from the folder: one that was not registered would be in no list.
fn chapters() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual");
    let mut chapters: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("mod.rs") && !path.ends_with("ko"))
        .map(|path| {
            assert_eq!(path.extension().unwrap(), "md", "{path:?}");
            (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    chapters.sort();
    assert!(chapters.len() >= 8, "{}", chapters.len());
    chapters
}

/// The chapters and the README.
fn texts() -> Vec<(String, String)> {
    chapters().into_iter().chain([("README".to_owned(), repository("README.md"))]).collect()
}

/// Lines of code: indented, or between fences, those of TOML left out; and the rest.
fn code_and_prose(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut code, mut prose) = (Vec::new(), Vec::new());
    let mut fence = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (None, Some("toml")) => {}
            (None, Some(_)) => code.push(line),
            (None, None) if line.starts_with("    ") => code.push(line),
            (None, None) => prose.push(line),
        }
    }
    assert_eq!(fence, None, "a fence is open");
    (code, prose)
}

/// What stands between two backticks.
fn spans<'a>(prose: &[&'a str]) -> Vec<&'a str> {
    prose.iter().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// The commands in lines of a shell, each as its words. Knows comments, quotes, pipes, lists, redirections, loops and
/// lines that go on; no more is needed in a manual.
fn commands(lines: &[&str]) -> Vec<Vec<String>> {
    let joined = lines.join("\n").replace("\\\n", " ");
    joined.lines().flat_map(commands_of_line).collect()
}

fn commands_of_line(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![vec![]];
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    for letter in line.chars().chain(['\n']) {
        match letter {
            _ if quote == Some(letter) => quote = None,
            _ if quote.is_some() => word.get_or_insert_default().push(letter),
            '\'' | '"' => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            '#' if word.is_none() => break,
            ' ' | '\n' | '|' | '&' | ';' | '(' | ')' | '<' | '>' => {
                commands.last_mut().unwrap().extend(word.take());
                if letter != ' ' {
                    commands.push(Vec::new());
                }
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    // Where a quote is open the line was a sentence, and no command is in it.
    for command in &mut commands {
        let keywords = command.iter().take_while(|word| ["do", "then", "if", "!", "sudo"].contains(&word.as_str()));
        drop(command.drain(..keywords.count()));
    }
    commands
}

/// The command lines of certferry among them, without the program's name. From the sources it is run by cargo.
fn of_certferry(commands: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let names = [words("certferry"), words("cargo run --release --")];
    let stripped = |command: Vec<String>| names.iter().find_map(|name| Some(command.strip_prefix(&name[..])?.to_vec()));
    commands.into_iter().filter_map(stripped).collect()
}

fn parses(words: &[String]) -> Result<(), String> {
    cli::parses(["certferry"].into_iter().chain(words.iter().map(String::as_str)))
}

#[test]
fn every_chapter_is_printed_listed_and_linked() {
    let desk = Desk::new();
    let (contents, readme) = (desk.succeed("help"), repository("README.md"));
    let (_, list) = contents.split_once("\n\n").unwrap();
    // A purpose goes on with a deeper indent.
    let listed = list.lines().filter(|line| !line.starts_with("   "));
    let listed: BTreeSet<_> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    let names = chapters();
    let names: BTreeSet<_> = names.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(listed, names);
    for (name, text) in chapters() {
        assert_eq!(desk.succeed(&format!("help {name} --markdown")), text, "{name}");
        assert!(text.starts_with("# ") && text.lines().count() > 5, "{name}");
        assert!(readme.contains(&format!("](src/manual/{name}.md)")), "README does not link {name}");
    }
}

#[test]
fn a_terminal_shows_every_line_whole() {
    for (name, text) in texts() {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains(['\t', '\r']), "{name}");
        for line in text.lines() {
            assert_eq!(line, line.trim_end(), "{name}");
        }
        for line in code_and_prose(&text).1.into_iter().filter(|line| !line.starts_with('|')) {
            assert!(line.chars().count() <= COLUMNS, "{name}: {line}");
        }
    }
}

#[test]
fn every_command_shown_is_one_that_the_program_takes() {
    let mut seen = 0;
    for (name, text) in texts() {
        let (code, prose) = code_and_prose(&text);
        for command in of_certferry(commands(&code)) {
            assert_eq!(parses(&command), Ok(()), "{name}: certferry {}", command.join(" "));
            seen += 1;
        }
        for command in spans(&prose).into_iter().flat_map(|span| of_certferry(commands(&[span]))) {
            // In a sentence a command may stand for itself, without what it needs.
            let help = command.iter().cloned().chain(["--help".to_owned()]).collect::<Vec<_>>();
            let is_name = command.iter().all(|word| !word.starts_with('-')) && command.len() <= 2;
            let taken = parses(&command).or_else(|said| if is_name { parses(&help) } else { Err(said) });
            assert_eq!(taken, Ok(()), "{name}: certferry {}", command.join(" "));
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

/// The mirror: what is wrong is found, in every place where a command may stand.
#[test]
fn a_wrong_command_would_be_found() {
    for wrong in [
        "    certferry verify b.tar.gz --kez sha256:...",
        "    openssl version && certferry unpack b.tar.gz | cat",
        "```\nfor node in a b; do certferry split b.tar.gz --note \"$node\"; done\n```",
        "    cargo run --release -- biuld a.toml",
        "    certferry build a.toml \\\n        --seeed a.seed",
    ] {
        let found = of_certferry(commands(&code_and_prose(wrong).0));
        assert!(found.len() == 1 && parses(&found[0]).is_err(), "{wrong}: {found:?}");
    }
    let right =
        "    certferry verify 'a b.tar.gz' --key=x  # certferry none\n    certferry plan p -o json > certferry.txt\n";
    let found = of_certferry(commands(&code_and_prose(right).0));
    assert_eq!(found, [vec!["verify", "a b.tar.gz", "--key=x"], vec!["plan", "p", "-o", "json"]]);
    assert_eq!(found.iter().map(|words| parses(words)).collect::<Vec<_>>(), [Ok(()), Ok(())]);
    assert_eq!(spans(&["say `certferry help`, `x`", "or `certferry man`"]), ["certferry help", "x", "certferry man"]);
}

/// A chapter points to another by the command that prints it, the README by a link.
#[test]
fn every_pointer_leads_somewhere() {
    let desk = Desk::new();
    let mut topics = BTreeSet::new();
    for (name, text) in texts() {
        let (code, prose) = code_and_prose(&text);
        let spans = spans(&prose).into_iter().flat_map(|span| commands(&[span]));
        let found = of_certferry(commands(&code).into_iter().chain(spans).collect());
        let words = found.into_iter().filter(|words| words.first().is_some_and(|word| word == "help"));
        topics.extend(words.map(|words| words.join(" ")).filter(|words| *words != words.to_uppercase()));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_there = Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists();
            assert!(link.starts_with("https://") || is_there, "{name}: {link}");
        }
    }
    for topic in topics.iter().filter(|topic| !["help TOPIC", "help CHAPTER", "help COMMAND"].contains(&topic.as_str()))
    {
        desk.succeed(topic);
    }
    assert!(topics.len() > 3, "{topics:?}");
}

/// Examples of profiles are profiles, the one of every key included.
#[test]
fn every_profile_shown_is_a_profile() {
    let mut seen = 0;
    for (name, text) in texts() {
        for example in text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            // The rest shows tables of a profile.
            if !example.starts_with("format = 1\n") {
                continue;
            }
            if let Err(problems) = profile::parse(example.as_bytes()) {
                assert_eq!(cli::text::problems::render(&name, example.as_bytes(), &problems), "");
            }
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

/// The starter profile's keys are RSA, and take their time.
fn use_quick_keys(desk: &Desk) {
    let quick = desk.text("prod-1.toml").replace("rsa-4096", "ecdsa-p256").replace("rsa-2048", "ecdsa-p256");
    desk.write("prod-1.toml", quick);
}

/// The commands of the chapter, one after the other, as a person would type them.
#[test]
fn the_quick_start_works_as_written() {
    let desk = Desk::new();
    desk.write("passphrase", "a line of words\n");
    desk.set_mode("passphrase", 0o600);
    let chapter = desk.succeed("help quickstart --markdown");
    let mut fingerprint = "sha256:...".to_owned();
    let mut seen = Vec::new();
    for words in of_certferry(commands(&code_and_prose(&chapter).0)) {
        // A test does not write to the real one.
        let mut line = words.join(" ").replace("sha256:...", &fingerprint).replace("/root/", "../../../");
        if words[0] == "build" {
            // A person is asked for it on a terminal; `sealed_seed::terminal` types it there.
            line += " --passphrase-file passphrase";
        }
        let mut command = desk.command(&line);
        if matches!(words[0].as_str(), "verify" | "unpack") {
            // On the node, in the folder that was carried there.
            fs::copy(desk.path("out/prod-1.pub"), desk.path("slices/nodes/cp-1/prod-1.pub")).unwrap();
            command.current_dir(desk.path("slices/nodes/cp-1"));
        }
        let ended = desk.watch(&mut command);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
        if words[0] == "init" {
            use_quick_keys(&desk);
        }
        let signer = ended.stdout.lines().find_map(|line| line.strip_prefix("signer   "));
        fingerprint = signer.map_or(fingerprint, str::to_owned);
        seen.push(words[0].clone());
    }
    assert_eq!(seen, ["init", "plan", "build", "split", "verify", "unpack", "build"]);
    assert!(desk.exists("pki-cp-1/etc/kubernetes/pki/apiserver.key"));
    for name in ["prod-1-g1.tar.gz", "prod-1-g1.tar.gz.sig", "prod-1.pub"] {
        assert!(chapter.contains(name), "{name}");
        assert!(desk.read(&format!("out/{name}")) == desk.read(&format!("again/{name}")), "{name}");
    }
}

#[test]
fn adding_a_node_works_as_written() {
    let desk = Desk::new();
    desk.succeed("init prod-1.toml");
    use_quick_keys(&desk);
    let said = desk.succeed("build prod-1.toml --new-seed prod-1.seed --plain --out out");
    let fingerprint = said.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap();
    let chapter = desk.succeed("help adding-a-node --markdown");
    let table = chapter.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    desk.write("prod-1.toml", format!("{}\n{table}", desk.text("prod-1.toml")));
    let mut seen = Vec::new();
    for words in of_certferry(commands(&code_and_prose(&chapter).0)) {
        if words[0] == "split" {
            let raised = desk.text("prod-1.toml").replacen("generation = 1", "generation = 2", 1);
            desk.write("prod-1.toml", raised);
            desk.succeed("build prod-1.toml --seed prod-1.seed --out out");
            // What is carried.
            fs::copy(desk.path("out/prod-1.pub"), desk.path("prod-1.pub")).unwrap();
        }
        let said = desk.succeed(&words.join(" ").replace("sha256:...", fingerprint).replace("/root/", ""));
        if let Some((_, changes)) = said.split_once("since the lock:\n") {
            let changes: Vec<_> = changes.lines().take_while(|line| !line.is_empty()).collect();
            // A partial bundle does not have the profile.
            let expected = [
                "  ~ the profile, in the part cluster",
                "  + node/worker-4/kubelet",
                "  + node/worker-4/kubelet-client",
            ];
            assert_eq!(changes, expected[usize::from(words[0] == "build")..], "{words:?}");
        }
        seen.push(words[0].clone());
    }
    assert_eq!(seen, ["plan", "build", "split", "verify", "unpack"]);
    let partial = desk.names("out").into_iter().filter(|name| name.starts_with("prod-1-g1-only-")).count();
    assert_eq!(partial, 2, "the bundle and its signature");
    assert!(desk.exists("pki-worker-4/etc/kubernetes/kubelet.conf"));
}
