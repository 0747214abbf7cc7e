//! `certferry fingerprint`: one key's name in every form in which people carry it.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::common::desk::Desk;
use crate::common::{end, signer, succeed, tool};

fn built() -> (Desk, String) {
    let desk = Desk::new();
    let said = desk.succeed("build lab.toml --seed lab.seed --out out");
    let fingerprint = said.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap().to_owned();
    (desk, fingerprint)
}

#[test]
fn every_form_is_that_of_the_key() {
    let (desk, fingerprint) = built();
    let said = desk.succeed("fingerprint out/lab.pub");
    let (before, words) = said.split_once("words    ").unwrap();
    assert_eq!(before, format!("out/lab.pub\n\n{}", signer(&fingerprint)));
    assert_eq!(words.lines().map(|line| line.split_whitespace().count()).collect::<Vec<_>>(), [6; 4]);
    assert!(said.lines().all(|line| line.len() <= 80));
    // What openssl says of the key.
    let sum = succeed(
        tool("sh")
            .current_dir(desk.path(""))
            .args(["-c", "openssl pkey -pubin -in out/lab.pub -outform DER | sha256sum"]),
    );
    assert_eq!(format!("sha256:{}", sum.split(' ').next().unwrap()), fingerprint);
    // As it was spoken, so it is taken.
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    desk.succeed(&format!("verify out/lab-g1.tar.gz --quiet --key {words}"));
    // Of a bundle it is that of the key beside it.
    assert_eq!(desk.succeed("fingerprint out/lab-g1.tar.gz"), said);
    // Through a pipe.
    let key = fs::File::open(desk.path("out/lab.pub")).unwrap();
    let piped = desk.command("fingerprint -").stdin(key).stderr(Stdio::inherit()).output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), said.replace("out/lab.pub\n", "-\n"));
    let json: Value = serde_json::from_str(&desk.succeed("fingerprint out/lab.pub -o json")).unwrap();
    let digits = &fingerprint[7..];
    let groups: Vec<_> = (0..64).step_by(4).map(|at| &digits[at..at + 4]).collect();
    assert_eq!(json["schema"], "certferry.fingerprint.v1");
    assert_eq!(json["file"], "out/lab.pub");
    assert_eq!(json["fingerprint"], fingerprint.as_str());
    assert_eq!(json["groups"], groups.join(" "));
    assert_eq!(json["words"], words);
}

#[test]
fn what_is_no_key_is_named() {
    let (desk, _) = built();
    desk.refuse("fingerprint none", 2, "error: cannot read none: no such file or directory\n");
    let why = "it is not PEM";
    desk.refuse("fingerprint lab.toml", 2, &format!("error: lab.toml is not a signer's public key: {why}\n"));
    desk.refuse("fingerprint -", 2, &format!("error: - is not a signer's public key: {why}\n"));
    // A bundle beside another's key.
    let mut bytes = desk.read("out/lab-g1.tar.gz");
    bytes[100] ^= 1;
    desk.write("out/lab-g1.tar.gz", bytes);
    desk.refuse(
        "fingerprint out/lab-g1.tar.gz",
        1,
        "error: out/lab-g1.tar.gz.sig does not hold for out/lab-g1.tar.gz\n\
         hint: the file was changed or cut on its way, or another key signed it; carry it again\n",
    );
}

/// What a camera sees of a terminal: each letter is a rectangle twice as high as wide, on a dark or a light background.
fn seen(text: &str, on_dark: bool) -> Vec<Vec<bool>> {
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let width = lines.iter().map(Vec::len).max().unwrap() + 16;
    let mut rows = Vec::new();
    let mut row = |inked: &dyn Fn(char) -> bool, line: &[char]| {
        let mut cells: Vec<bool> = line.iter().map(|letter| inked(*letter) == on_dark).collect();
        cells.resize(width, !on_dark);
        rows.push(cells);
    };
    for line in &lines {
        row(&|letter| matches!(letter, '█' | '▀' | '#'), line);
        row(&|letter| matches!(letter, '█' | '▄' | '#'), line);
    }
    rows
}

/// rqrr, another's reader, finds in it what a person reads above it.
pub fn decoded(code: &str, on_dark: bool) -> String {
    const SCALE: usize = 4;
    let rows = seen(code, on_dark);
    let (width, height) = (rows[0].len() * SCALE, rows.len() * SCALE);
    let is_light = |x: usize, y: usize| rows[y / SCALE][x / SCALE];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| 255 * u8::from(is_light(x, y)));
    let [grid] = &image.detect_grids()[..] else { panic!("no code in\n{code}") };
    grid.decode().unwrap().1
}

#[test]
fn a_camera_reads_it_from_any_terminal() {
    let (desk, fingerprint) = built();
    let plain = desk.succeed("fingerprint out/lab.pub");
    for (option, on_dark) in [("--qr", true), ("--qr=dark", true), ("--qr=light", false)] {
        for (locale, columns, rows) in [("C.UTF-8", 40, 20), ("C", 80, 40), ("", 80, 40), ("ko_KR.EUC-KR", 80, 40)] {
            let mut command = desk.command(&format!("fingerprint out/lab.pub {option}"));
            let ended = end(command.env_remove("LC_CTYPE").env("LANG", "C.UTF-8").env("LC_ALL", locale));
            let locale = if locale.is_empty() { "C.UTF-8" } else { locale };
            let (columns, rows) = if locale == "C.UTF-8" { (40, 20) } else { (columns, rows) };
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
            let code = ended.stdout.strip_prefix(&format!("{plain}\n")).unwrap();
            assert_eq!(code.is_ascii(), locale != "C.UTF-8", "{locale}");
            assert!(code.lines().all(|line| line.chars().count() <= columns), "{code}");
            assert!(code.lines().count() <= rows, "{code}");
            assert_eq!(decoded(code, on_dark), fingerprint.to_uppercase(), "{option} {locale}");
            desk.succeed(&format!("verify out/lab-g1.tar.gz --quiet --key {}", decoded(code, on_dark)));
        }
    }
    desk.refuse(
        "fingerprint out/lab.pub --qr -o text",
        2,
        "error: the argument '--qr[=<BACKGROUND>]' cannot be used with '--output <FORMAT>'\n\n\
         Usage: certferry fingerprint --qr[=<BACKGROUND>] <FILE>\n\nFor more information, try '--help'.\n",
    );
}
