//! What is planted in a place is found there.

use std::collections::BTreeSet;

use super::lab::LAB;
use super::search::{Found, Needles, compressed};
use super::secrets::{Form, Secret};
use super::stopped::Stopped;
use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::{skip, tool};

/// Everything that a leak has, in a form.
fn leak(secrets: &[Secret], form: Form) -> Vec<u8> {
    secrets.iter().filter(|secret| secret.has(form)).map(|secret| secret.leak(form)).collect::<Vec<_>>().join(&b'\n')
}

fn expected(secrets: &[Secret], form: Form) -> Found {
    secrets.iter().filter(|secret| secret.has(form)).map(|secret| (secret.name.clone(), form)).collect()
}

#[test]
fn what_is_planted_in_a_place_is_found() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let secrets = &LAB.needles.secrets;
    // The kernel takes no longer an argument than 128 KiB.
    let few = &secrets[..16];
    let script = "cat leak > file; cat leak | cat >/dev/null; gzip -c leak > file.gz; gzip -c leak | cat >/dev/null
        cat leak >&2; mkdir other
        [ -z \"$1\" ] || { env true \"$(cat few)\"; LEAK=\"$(cat few)\" env true; }";
    for form in Form::ALL {
        let desk = Desk::new();
        desk.write("leak", leak(secrets, form));
        desk.write("few", leak(few, form));
        let text = if form.is_text() { "text" } else { "" };
        let mut sh = tool("sh");
        sh.args(["-euc", script, "sh", text]);
        let (output, places) = LAB.run(&desk, &sh);
        assert!(output.status.success(), "{output:?}");
        let all = expected(secrets, form);
        assert!(all.len() >= 20, "{all:?}");
        for place in [
            "file file".to_owned(),
            compressed("file file.gz"),
            "written to file".to_owned(),
            compressed("written to file.gz"),
            "written to a pipe".to_owned(),
            compressed("written to a pipe"),
            "the standard error".to_owned(),
        ] {
            let found = places.get(&place).unwrap_or_else(|| panic!("{form}: nothing in {place}"));
            let missed: BTreeSet<_> = all.difference(found).collect();
            assert!(missed.is_empty(), "{place}: {missed:?}");
        }
        if form.is_text() {
            let found = &places["said to execve"];
            let missed: BTreeSet<_> = expected(few, form).into_iter().filter(|one| !found.contains(one)).collect();
            assert!(missed.is_empty(), "an argument and a variable: {missed:?}");
        }
    }
}

/// In the environment alone, in an argument alone, in a name alone.
#[test]
fn each_road_to_a_program_is_looked_at() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let secret = &LAB.needles.secrets[0];
    let planted = String::from_utf8(secret.leak(Form::Hex)).unwrap();
    for (script, place) in [
        ("LEAK=$0 exec true", "said to execve"),
        ("exec true $0", "said to execve"),
        (": > $0", "names of files"),
        ("cat $0 2>/dev/null || true", "said to openat"),
    ] {
        let desk = Desk::new();
        std::fs::remove_file(desk.path("lab.seed")).unwrap();
        let mut sh = tool("sh");
        sh.args(["-euc", script, &planted]);
        let (_, places) = LAB.run(&desk, &sh);
        assert!(places[place].contains(&(secret.name.clone(), Form::Hex)), "{script}: {places:?}");
    }
    // And nothing is found where nothing is.
    let desk = LAB.desk();
    let mut sh = tool("sh");
    sh.args(["-euc", "cat sealed.seed | cat; gzip -c lab.toml"]);
    let (_, places) = LAB.run(&desk, &sh);
    assert!(places.is_empty(), "{places:?}");
}

/// What a terminal has shown is text or not.
#[test]
fn what_is_planted_in_a_transcript_is_found() {
    let secrets = &LAB.needles.secrets;
    let desk = Desk::new();
    for form in Form::ALL {
        desk.write("leak", leak(secrets, form));
        let mut script = tool("script");
        script.args(["--quiet", "--return", "--command", "stty -opost; cat leak", "/dev/null"]);
        let shown = script.current_dir(desk.path("")).output().unwrap().stdout;
        let missed: Vec<_> = {
            let found = LAB.needles.search(&shown);
            expected(secrets, form).into_iter().filter(|one| !found.contains(one)).collect()
        };
        assert!(missed.is_empty(), "{missed:?}");
    }
}

#[test]
fn what_is_planted_in_memory_is_found() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let secrets = &LAB.needles.secrets;
    let desk = Desk::new();
    for form in Form::ALL {
        desk.write("leak", leak(secrets, form));
        let mut python = tool("/usr/bin/python3");
        python.args(["-c", "leak = open('leak', 'rb').read(); import os; os._exit(len(leak) == 0)"]);
        let stopped = Stopped::at_exit(&python, &desk.path(""));
        let found = match stopped.search(&LAB.needles) {
            Ok(found) => found,
            Err(reason) => return skip(&reason),
        };
        let missed: Vec<_> = expected(secrets, form).into_iter().filter(|one| !found.contains(one)).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }
}

/// A piece says enough: half a key is a leak, too, wherever it is cut.
#[test]
fn half_of_a_secret_is_found_and_the_public_half_is_none() {
    let keys: Vec<&Secret> = LAB.needles.secrets.iter().filter(|secret| secret.name.starts_with("key ")).collect();
    assert!(keys.len() > 20);
    for key in keys {
        let pem = key.leak(Form::Text);
        let half = LAB.needles.search(&pem[pem.len() / 4..pem.len() * 3 / 4]);
        assert!(half.is_empty() || half.iter().all(|(name, _)| *name == key.name), "{half:?}");
        let number = key.leak(Form::Number);
        for half in [&number[..number.len() / 2], &number[number.len() / 2..]] {
            if half.len() >= 31 {
                assert!(LAB.needles.search(half).contains(&(key.name.clone(), Form::Number)), "{}", key.name);
            }
        }
    }
    let desk = Desk::new();
    desk.write("lab.lock.toml", &LAB.lock);
    desk.write(
        "alone.key",
        LAB.needles.secrets.iter().find(|secret| secret.name == "key sa").unwrap().leak(Form::Text),
    );
    let public = tool("openssl").args(["pkey", "-in"]).arg(desk.path("alone.key")).arg("-pubout").output().unwrap();
    assert!(public.stdout.starts_with(b"-----BEGIN PUBLIC KEY-----"));
    let alone = Needles::new(LAB.needles.secrets.clone());
    assert!(alone.search(&public.stdout).is_empty() && alone.search(LAB.lock.as_bytes()).is_empty());
}
