//! Other implementations open what is sealed here, and here opens what they sealed: age 1.1 of Debian, age-encryption of npm.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use certferry::seal::{Form, Identity, Kind, OpenWith, Recipient, SealTo};

use super::{contents, identity, node, npm, open, passphrase, pipe, seal};
use crate::common::{tool, write};

const FORMS: [(Form, &str); 2] = [(Form::Binary, "binary"), (Form::Armored, "armored")];
const PASSPHRASE: &str = "correct horse; Pferd, 말";

/// What a recipient's text is for, in both directions, whoever made the identity.
#[test]
fn recipients_of_debians_age() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = pipe(&mut tool("age-keygen"), b"");
    let ours = Identity::random(Kind::X25519).unwrap();
    for text in [String::from_utf8(theirs).unwrap(), format!("{}\n", *ours.to_text())] {
        let file = write(folder.path(), "identity", &text, 0o600);
        let told = pipe(tool("age-keygen").arg("-y").arg(&file), b"");
        let (identities, told) = (identity(&text), String::from_utf8(told).unwrap());
        let recipient = Recipient::parse(told.trim_end()).unwrap();
        assert_eq!(identities[0].recipient(), recipient);
        assert_eq!(recipient.to_string(), told.trim_end());
        for content in contents() {
            for (form, _) in FORMS {
                let sealed = seal(&content, SealTo::Recipients(std::slice::from_ref(&recipient)), form);
                assert!(pipe(tool("age").arg("--decrypt").arg("-i").arg(&file), &sealed) == content);
                let armor: &[_] = if form == Form::Armored { &["--armor"] } else { &[] };
                let sealed = pipe(tool("age").args(armor).arg("-r").arg(told.trim_end()), &content);
                assert!(open(&sealed, OpenWith::Identities(&identities)).unwrap() == content);
            }
        }
    }
}

/// It reads passphrases of a terminal only, which script(1) makes.
#[test]
fn passphrases_of_debians_age() {
    let folder = tempfile::tempdir().unwrap();
    let content = contents().into_iter().nth(3).unwrap();
    let sealed = seal(&content, SealTo::Passphrase(&passphrase(PASSPHRASE)), Form::Binary);
    std::fs::write(folder.path().join("ours.age"), sealed).unwrap();
    typed("age --decrypt --output ours ours.age", 1, folder.path());
    assert!(std::fs::read(folder.path().join("ours")).unwrap() == content);
    typed("age --passphrase --armor --output theirs.age ours", 2, folder.path());
    let sealed = std::fs::read(folder.path().join("theirs.age")).unwrap();
    assert!(open(&sealed, OpenWith::Passphrase(&passphrase(PASSPHRASE))).unwrap() == content);
    // The other form of each of the two.
    let sealed = seal(b"seed", SealTo::Passphrase(&passphrase(PASSPHRASE)), Form::Armored);
    std::fs::write(folder.path().join("armored.age"), sealed).unwrap();
    typed("age --decrypt --output armored armored.age", 1, folder.path());
    assert_eq!(std::fs::read(folder.path().join("armored")).unwrap(), b"seed");
}

/// Runs a line on a terminal on which the passphrase is typed so many times.
fn typed(line: &str, times: usize, folder: &Path) {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", line, "/dev/null"]).current_dir(folder);
    let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It waits at the terminal until it is read.
    let mut stdin = script.stdin.take().unwrap();
    stdin.write_all(format!("{PASSPHRASE}\n").repeat(times).as_bytes()).unwrap();
    let told = script.wait_with_output().unwrap();
    drop(stdin);
    assert!(told.status.success(), "{line}: {}", String::from_utf8_lossy(&told.stdout));
}

#[test]
fn recipients_of_age_encryption() {
    let Some(packages) = npm() else { return };
    for (kind, name) in [(Kind::X25519, "x25519"), (Kind::Hybrid, "hybrid")] {
        let theirs = String::from_utf8(pipe(node("age.mjs", &packages).args(["keygen", name]), b"")).unwrap();
        let (text, told) = theirs.trim_end().split_once(' ').unwrap();
        let identities = identity(text);
        assert_eq!(identities[0].recipient().to_string(), told);
        assert_eq!(identities[0].recipient().kind(), kind);
        assert_eq!(*identities[0].to_text(), text);
        let recipient = Recipient::parse(told).unwrap();
        let other = Identity::random(kind).unwrap().recipient();
        for (content, (form, form_name)) in contents().into_iter().skip(2).zip(FORMS.into_iter().cycle()) {
            let sealed = seal(&content, SealTo::Recipients(&[other.clone(), recipient.clone()]), form);
            let opened = pipe(node("age.mjs", &packages).args(["open", "identity", text, form_name]), &sealed);
            assert!(opened == content, "{name}, {form_name}");
            let sealed = pipe(node("age.mjs", &packages).args(["seal", "recipient", told, form_name]), &content);
            assert!(open(&sealed, OpenWith::Identities(&identities)).unwrap() == content, "{name}, {form_name}");
        }
    }
}

#[test]
fn passphrases_of_age_encryption() {
    let Some(packages) = npm() else { return };
    let content = contents().into_iter().nth(4).unwrap();
    for (form, name) in FORMS {
        let sealed = seal(&content, SealTo::Passphrase(&passphrase(PASSPHRASE)), form);
        let opened = pipe(node("age.mjs", &packages).args(["open", "passphrase", PASSPHRASE, name]), &sealed);
        assert!(opened == content, "{name}");
        let sealed = pipe(node("age.mjs", &packages).args(["seal", "passphrase", PASSPHRASE, name]), &content);
        assert!(open(&sealed, OpenWith::Passphrase(&passphrase(PASSPHRASE))).unwrap() == content, "{name}");
    }
}
