//! The man pages, read by groff with every warning turned on.

use std::fs;
use std::path::Path;

use crate::common::desk::Desk;
use crate::common::{Ended, run, tool};

/// The page as plain text, wide enough that no word is cut.
fn read(page: &Path) -> String {
    let mut groff = tool("groff");
    // Not as for a terminal: no bold letters by overstriking.
    groff.args(["-man", "-ww", "-Tascii", "-P-c", "-P-b", "-P-u", "-P-o", "-rLL=200n", "-rHY=0"]).arg(page);
    let output = run(&mut groff);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{}: {said}", page.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_a_page_that_groff_reads_without_a_word() {
    let desk = Desk::new();
    let said = desk.succeed("man --out man1");
    let names = desk.names("man1");
    assert_eq!(said, format!("{} pages in man1\n", names.len()));
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let command = name.strip_suffix(".1").unwrap();
        assert_eq!(desk.mode(&format!("man1/{name}")), 0o644);
        let page = read(&desk.path(&format!("man1/{name}")));
        let words: Vec<_> = page.split_whitespace().collect();
        let has = |text: &str| words.windows(text.split(' ').count()).any(|window| window.join(" ") == text);
        assert!(has(&format!("NAME {command} -")), "{page}");
        // The dashes of `threat-model` are a chapter's, those of `certferry-seed-new` stand for blanks.
        let line = command.replace('-', " ");
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
    desk.succeed("man --out a/man1");
    assert_eq!(desk.succeed("man"), desk.text("a/man1/certferry.1"));
    // Pages of another version give way.
    desk.write("a/man1/certferry.1", "old");
    desk.write("a/man1/other.1", "other");
    desk.succeed("man --out a/man1");
    assert_eq!(desk.succeed("man"), desk.text("a/man1/certferry.1"));
    assert_eq!(desk.text("a/man1/other.1"), "other");
    let page = read(&desk.path("a/man1/certferry.1"));
    assert!(page.contains("certferry help lists the chapters of the manual."), "{page}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let desk = Desk::new();
    desk.refuse("man --out lab.toml", 2, "error: cannot write lab.toml/certferry.1: not a directory\n");
    fs::create_dir(desk.path("full")).unwrap();
    fs::create_dir(desk.path("full/certferry.1")).unwrap();
    let Ended { code, stdout, stderr } = desk.run("man --out full");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.starts_with("error: cannot write full/certferry.1: "), "{stderr}");
    assert_eq!(desk.names("full"), [""; 0], "nothing is left");
}
