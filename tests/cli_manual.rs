//! `help`: sections, search, what it says to slips, languages.

use crate::common::desk::Desk;
use crate::common::{Ended, certferry, end};

/// Runs `help` with these words in a locale.
fn help(words: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = certferry();
    command.arg("help").args(words).env_remove("COLUMNS");
    for name in ["LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LANG"] {
        command.env_remove(name);
    }
    end(command.envs(variables.iter().copied()))
}

fn shown(words: &[&str]) -> String {
    let ended = help(words, &[("LC_ALL", "C.UTF-8")]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{words:?}");
    ended.stdout
}

#[test]
fn a_section_is_shown_alone() {
    let chapter = shown(&["far-side"]);
    let seventh = shown(&["far-side", "7"]);
    assert!(seventh.starts_with("7. A node without certferry: install.sh\n────"), "{seventh}");
    assert!(chapter.contains(&seventh) && !seventh.contains("8. Is it still"), "{seventh}");
    for words in [&["far-side", "7.", "a", "node"][..], &["far-side", "A node without"], &["far-side", "INSTALL.SH"]] {
        assert_eq!(shown(words), seventh, "{words:?}");
    }
    // One without a number, one counted where none has one, one within another.
    assert!(shown(&["far-side", "before", "anything"]).starts_with("Before anything\n"));
    assert!(shown(&["rotation", "1"]).starts_with("Replacing the files of a running node\n"));
    assert!(shown(&["rotation", "With an outage"]).starts_with("With an outage\n··"));
    let ca = shown(&["rotation", "A CA"]);
    assert!(ca.contains("\nWith an outage\n") && !ca.contains("\nThe root of TLS"), "{ca}");
    // A command is shown with its chapter, a section of the chapter without the command.
    assert!(shown(&["doctor"]).contains("Usage: certferry doctor"));
    assert!(shown(&["doctor", "Exit codes"]).starts_with("Exit codes\n"));
}

#[test]
fn a_section_that_is_not_there_is_refused_with_those_that_are() {
    let desk = Desk::new();
    desk.refuse(
        "help adding-a-node 9",
        2,
        "\
error: the chapter `adding-a-node` has no section `9`
hint: give the number, or words of a title: 1. Say so in the profile; 2. Build that node alone; 3. Or cut it out of a \
whole bundle; 4. Carry, check, unpack; A further control plane; A node that leaves
",
    );
    desk.refuse("help webhooks 1", 2, "error: the chapter `webhooks` has no section `1`\nhint: it has no sections\n");
    desk.refuse(
        "help seed newest",
        2,
        "error: there is no chapter and no command `seed newest`\nhint: `certferry help` lists the chapters, `certferry --help` the commands\n",
    );
}

#[test]
fn a_text_is_found_in_all_chapters() {
    let found = shown(&["--search", "X509"]);
    let places: Vec<_> = found.lines().filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
    for place in ["expired", "far-side, When something is refused", "expired, 2. What has ended?"] {
        assert!(places.contains(&place), "{place}: {places:?}");
    }
    // Each thing that is said has the text, over the end of a line as well.
    let said: Vec<_> = found.split("\n  - ").skip(1).map(|said| said.split("\n\n").next().unwrap()).collect();
    assert!(said.len() > 10 && said.iter().all(|said| said.to_lowercase().contains("x509")), "{said:#?}");
    let sentence = "`rollback` brings back those of the generation before";
    let found = shown(&["--search", sentence]);
    assert!(found.starts_with("far-side, 8. Is it still as it was installed?\n  - "), "{found}");
    assert_eq!(found.matches("\n  - ").count(), 1, "{found}");
    // In one chapter alone.
    let found = shown(&["expired", "--search", "x509"]);
    let mut places = found.lines().filter(|line| !line.starts_with(' ') && !line.is_empty());
    assert!(places.all(|place| place.starts_with("expired")), "{found}");
}

#[test]
fn a_text_that_is_nowhere_ends_with_1() {
    let desk = Desk::new();
    desk.refuse(
        "help --search certificat3",
        1,
        "error: `certificat3` is nowhere in the manual\nhint: did you mean `certificate`?\n",
    );
    desk.refuse(
        "help --search qqqqqqqqqqqqqqqq",
        1,
        "error: `qqqqqqqqqqqqqqqq` is nowhere in the manual\nhint: give a shorter text; `certferry help` lists the chapters\n",
    );
    desk.refuse(
        "help tls --search kubespray",
        1,
        "error: `kubespray` is nowhere in the chapter `tls`\nhint: without the chapter: `certferry help --search kubespray`\n",
    );
    let said = end(desk.command("help --search").arg("")).stderr;
    assert!(said.starts_with("error: a value is required for '--search <TEXT>' but none was supplied\n"), "{said}");
    desk.refuse("help tsl --search a", 2, "error: there is no chapter `tsl`\nhint: did you mean `tls`?\n");
    desk.refuse(
        "help far-side 7 --search a",
        2,
        "error: there is no chapter `far-side 7`\nhint: did you mean `far-side`?\n",
    );
}

#[test]
fn what_is_no_topic_may_be_a_word_of_the_manual() {
    let desk = Desk::new();
    for (topic, hint) in [
        ("farside", "did you mean `far-side`?"),
        ("biuld", "did you mean `build`?"),
        ("tsl", "did you mean `tls`?"),
        (
            "kubespray",
            "`existing-clusters`, `import`, `survey` and 1 more speak of it: `certferry help --search kubespray`",
        ),
        ("kubespary", "did you mean `kubespray`? `certferry help --search kubespray`"),
        ("qqqqqqqq", "`certferry help` lists the chapters, `certferry --help` the commands"),
    ] {
        let said = format!("error: there is no chapter and no command `{topic}`\nhint: {hint}\n");
        desk.refuse(&format!("help {topic}"), 2, &said);
    }
    let said = end(&mut desk.command("help kubeconfig")).stderr;
    let (chapters, command) = said.lines().nth(1).unwrap().split_once(" speak of it: ").unwrap();
    assert_eq!(command, "`certferry help --search kubeconfig`");
    assert!(
        chapters.starts_with("hint: `") && chapters.contains(" more") && chapters.matches('`').count() == 6,
        "{said}"
    );
}

#[test]
fn the_source_of_a_chapter_is_for_programs() {
    let desk = Desk::new();
    let source = include_str!("../src/manual/far-side.md");
    for variables in [&[("LC_ALL", "C")][..], &[("LANG", "ko_KR.UTF-8"), ("COLUMNS", "40")]] {
        let ended = help(&["far-side", "--markdown"], variables);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), source, ""));
    }
    desk.refuse("help --markdown", 2, "error: --markdown needs a chapter\nhint: `certferry help` lists them\n");
    for (words, said) in [
        ("build", "there is no chapter `build`\nhint: `certferry help` lists the chapters"),
        ("far-side 7", "there is no chapter `far-side 7`\nhint: did you mean `far-side`?"),
    ] {
        desk.refuse(&format!("help {words} --markdown"), 2, &format!("error: {said}\n"));
    }
}

/// POSIX: `LC_ALL`, then the category, then `LANG`; what is empty counts as not set.
#[test]
fn letters_and_language_are_those_of_the_locale() {
    let first = |words: &[&str], variables: &[(&str, &str)]| {
        let ended = help(words, variables);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{variables:?}");
        ended.stdout.lines().take(2).map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let (drawn, ascii) = ("Before anything\n───────────────", "Before anything\n---------------");
    for (variables, expected) in [
        (&[][..], ascii),
        (&[("LC_ALL", "C")], ascii),
        (&[("LANG", "en_US.ISO-8859-1")], ascii),
        (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "POSIX")], ascii),
        (&[("LANG", "en_US.UTF-8"), ("LC_CTYPE", "C")], ascii),
        (&[("LANG", "en_US.UTF-8")], drawn),
        (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], drawn),
        (&[("LC_ALL", ""), ("LANG", "de_DE.UTF-8@euro")], drawn),
    ] {
        assert_eq!(first(&["far-side", "before"], variables), expected, "{variables:?}");
    }
    let english = "The far side";
    for (words, variables, title) in [
        (&["far-side"][..], &[("LANG", "ko_KR.UTF-8")][..], "폐쇄망 쪽에서 하는 일"),
        (&["far-side"], &[("LANG", "ko_KR.UTF-8"), ("LC_MESSAGES", "C")], english),
        (&["far-side"], &[("LANG", "ko_KR.UTF-8"), ("LC_ALL", "C.UTF-8")], english),
        (&["far-side"], &[("LC_ALL", "C.UTF-8"), ("LANG", "C")], english),
        (&["far-side", "--lang", "ko"], &[("LC_ALL", "C.UTF-8")], "폐쇄망 쪽에서 하는 일"),
        (&["far-side", "--lang", "en"], &[("LANG", "ko_KR.UTF-8")], english),
        // Not translated.
        (&["tls", "--lang", "ko"], &[("LC_ALL", "C.UTF-8")], "(이 장은 영어로만 있습니다.)"),
    ] {
        assert_eq!(first(words, variables).lines().next(), Some(title), "{words:?} {variables:?}");
    }
}

#[test]
fn korean_needs_utf8_and_it_is_said() {
    let note = "\
Korean needs a terminal in UTF-8, and by LC_ALL, LC_CTYPE or LANG this is none:
here is English. On a terminal that does show UTF-8 put `LC_ALL=C.UTF-8` before
the command, and `--lang ko` behind it.

";
    let english = help(&["far-side", "--lang", "en"], &[("LC_ALL", "C")]).stdout;
    for (words, variables) in [
        (&["far-side", "--lang", "ko"][..], &[("LC_ALL", "C")][..]),
        (&["far-side"], &[("LANG", "ko_KR.EUC-KR")]),
        (&["far-side"], &[("LANG", "ko_KR")]),
    ] {
        let ended = help(words, variables);
        assert_eq!((ended.code, ended.stdout, ended.stderr.as_str()), (Some(0), format!("{note}{english}"), ""));
    }
    let said = help(&["far-side", "--lang", "kr"], &[]).stderr;
    assert!(
        said.starts_with("error: invalid value 'kr' for '--lang <LANGUAGE>'\n  [possible values: en, ko]\n"),
        "{said}"
    );
}
