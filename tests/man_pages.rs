//! The man pages, read by groff with every warning turned on.

use std::fs;
use std::path::Path;

use crate::common::desk::Desk;
use crate::common::{Ended, run, tool};

/// The page as plain text, wide enough that no word is cut.
fn read(page: &Path) -> String {
    let mut groff = tool("groff");
    // Not as for a terminal: no bold letters by overstriking.
    groff.args(["-t", "-man", "-ww", "-Tascii", "-P-c", "-P-b", "-P-u", "-P-o", "-rLL=200n", "-rHY=0"]).arg(page);
    let output = run(&mut groff);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{}: {said}", page.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_a_page_that_groff_reads_without_a_word() {
    let desk = Desk::new();
    let said = desk.succeed("man --out man");
    let names = desk.names("man/man1");
    assert_eq!(said.lines().next(), Some(format!("{} pages in man/man1", names.len()).as_str()));
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let command = name.strip_suffix(".1").unwrap();
        assert_eq!(desk.mode(&format!("man/man1/{name}")), 0o644);
        let page = read(&desk.path(&format!("man/man1/{name}")));
        let words: Vec<_> = page.split_whitespace().collect();
        let has = |text: &str| words.windows(text.split(' ').count()).any(|window| window.join(" ") == text);
        assert!(has(&format!("NAME {command} -")), "{page}");
        // The dashes of `user-data` are a command's, those of `certferry-seed-new` stand for blanks.
        let line =
            command.replacen("certferry-", "certferry ", 1).replace("seed-", "seed ").replace("identity-", "identity ");
        assert!(has(&format!("SYNOPSIS {line}")), "{page}");
        let help = desk.succeed(&format!("{} --help", line.strip_prefix("certferry").unwrap()));
        let options = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        for option in options.flat_map(|line| line.split([' ', ',']).filter(|word| word.starts_with("--"))) {
            assert!(words.iter().any(|word| word.trim_end_matches(',') == option), "{option}\n{page}");
        }
        // The header's five parts stand in their places.
        let foot: Vec<_> = page.trim_end().lines().last().unwrap().split_whitespace().collect();
        assert_eq!(foot, ["certferry", env!("CARGO_PKG_VERSION"), &format!("{command}(1)")], "{page}");
    }
}

/// The mirror: groff would say something.
#[test]
fn groff_warns_about_a_wrong_page() {
    let desk = Desk::new();
    desk.write("wrong.1", format!("{}.XX\n", desk.succeed("man")));
    let output = run(tool("groff").args(["-man", "-ww", "-z"]).arg(desk.path("wrong.1")));
    assert!(String::from_utf8(output.stderr).unwrap().contains("macro 'XX' not defined"));
}

#[test]
fn the_main_page_is_on_the_standard_output() {
    let desk = Desk::new();
    desk.succeed("man --out a");
    assert_eq!(desk.succeed("man"), desk.text("a/man1/certferry.1"));
    // Pages of another version give way.
    desk.write("a/man1/certferry.1", "old");
    desk.write("a/man1/other.1", "other");
    desk.succeed("man --out a");
    assert_eq!(desk.succeed("man"), desk.text("a/man1/certferry.1"));
    assert_eq!(desk.text("a/man1/other.1"), "other");
    let page = read(&desk.path("a/man1/certferry.1"));
    assert!(page.contains("certferry help lists the chapters of the manual."), "{page}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let desk = Desk::new();
    desk.refuse("man --out lab.toml", 2, "error: cannot create lab.toml/man1: not a directory\n");
    fs::create_dir_all(desk.path("full/man1/certferry.1")).unwrap();
    let Ended { code, stdout, stderr } = desk.run("man --out full");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.starts_with("error: cannot write full/man1/certferry.1: "), "{stderr}");
    assert_eq!(desk.names("full"), [""; 0], "nothing is left");
}

/// Somebody who knows the folder of section 1 alone.
#[test]
fn a_folder_for_one_section_is_refused() {
    let desk = Desk::new();
    for (folder, section, above) in [("man1", "man1", "."), ("share/man/man7/", "man7", "share/man")] {
        let said = format!(
            "error: {section} is for one section of pages, and there are two: man1 and man7\n\
             hint: name the folder above it: --out {above}\n"
        );
        desk.refuse(&format!("man --out {folder}"), 2, &said);
    }
}

#[test]
fn the_synopsis_has_values_and_what_excludes_each_other() {
    let desk = Desk::in_memory();
    desk.succeed("man --out man");
    let synopsis = |name: &str| {
        let page = read(&desk.path(&format!("man/man1/{name}.1")));
        let (_, page) = page.split_once("SYNOPSIS\n").unwrap();
        page.split("\nDESCRIPTION\n").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(synopsis("certferry-man"), "certferry man [--out DIR] [--dry-run] [-h|--help]");
    assert_eq!(
        synopsis("certferry-seed-new"),
        "certferry seed new [--passphrase-file FILE] [--recipient RECIPIENT ...] [--plain] [--dry-run] [-o|--output FORMAT] [-h|--help] FILE"
    );
    let build = synopsis("certferry-build");
    for part in ["[--out DIR]", "[--only NODE ...]", "{--seed FILE | --new-seed FILE}", "[-q|--quiet]"] {
        assert!(build.contains(part), "{part}: {build}");
    }
    assert!(build.starts_with("certferry build [") && build.ends_with("} PROFILE"), "{build}");
    let apply = synopsis("certferry-apply");
    assert!(apply.ends_with("--node NAME --key FILE|FINGERPRINT BUNDLE"), "{apply}");
}

#[test]
fn a_command_has_examples_that_the_manual_has() {
    let desk = Desk::in_memory();
    desk.succeed("man --out man");
    let page = read(&desk.path("man/man1/certferry-split.1"));
    let (_, examples) = page.split_once("EXAMPLES\n").unwrap();
    let chapter = desk.succeed("help quickstart --markdown");
    let line = chapter.lines().find(|line| line.starts_with("    certferry split ")).unwrap().trim();
    assert!(examples.contains(&format!("{line}\n              From certferry-quickstart(7).\n")), "{examples}");
}

/// All that a chapter says is on its page, its commands to the letter.
#[test]
fn every_chapter_has_a_page_that_groff_reads_without_a_word() {
    let desk = Desk::in_memory();
    desk.succeed("man --out man");
    let names = desk.names("man/man7");
    assert!(names.len() > 10, "{names:?}");
    // As wide as a console, too: nothing is said of a table that does not fit.
    let files = names.iter().map(|name| desk.path(&format!("man/man7/{name}")));
    let output = run(tool("groff").args(["-t", "-man", "-ww", "-Tutf8", "-z", "-rLL=78n"]).args(files));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    for name in names {
        let title = name.strip_suffix(".7").unwrap();
        let chapter = title.strip_prefix("certferry-").unwrap();
        let file = desk.path(&format!("man/man7/{name}"));
        let page = read(&file);
        let joined = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(joined.contains(&format!("NAME {title} - ")) && joined.contains("SEE ALSO certferry(1), "), "{page}");
        let source = desk.succeed(&format!("help {chapter} --markdown"));
        let letters = |text: &str| text.replace("\\\n", "").split_whitespace().collect::<String>();
        let (shown, mut seen) = (letters(&page), 0);
        for line in source.lines().filter(|line| line.starts_with("    ") || line.starts_with("## ")) {
            // A remark may stand above its line.
            let line = line.trim_start_matches(['#', ' ']).split(" # ").next().unwrap();
            assert!(shown.contains(&letters(line.trim_end_matches('\\')).replace("**", "")), "{name}: {line}\n{page}");
            seen += 1;
        }
        // A pipe of a command in a cell stands behind a backslash.
        let rows = source.lines().filter(|line| line.starts_with("| ")).map(|line| line.replace(r"\|", " "));
        let cells: Vec<String> = rows.flat_map(|row| row.split('|').map(str::to_owned).collect::<Vec<_>>()).collect();
        for word in
            cells.iter().flat_map(|cell| cell.split_whitespace()).map(|word| word.replace('`', "").replace("**", ""))
        {
            assert!(shown.contains(&word), "{name}: {word}\n{page}");
        }
        assert!(seen > 0 || chapter == "exit-codes", "{name}");
    }
}
