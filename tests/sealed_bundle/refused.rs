//! What `seal` refuses, each with one message, and nothing written.

use std::fs;
use std::path::Path;
use std::process::Command;

use certferry::seal::Kind;

use super::{Opener, seal};
use crate::common::node::FIRST;
use crate::common::{certferry, fail, succeed, write};

const NOTHING_PLAIN: &str = "hint: nothing was written: beside sealed parts none stays in the clear\n";

const ALSO: &str = "hint: `also_to` and --also-to say who else opens a part, and stand in for nobody: for a part that \
                    they alone open, name them as its recipient\n";

fn refused(folder: &Path, command: &mut Command, code: i32, text: &str) {
    assert_eq!(fail(command, code), text);
    assert!(!folder.join("sealed").exists());
}

#[test]
fn every_part_has_a_recipient_of_one_kind_and_no_other_has() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let strong = Opener::new(folder, "strong", Kind::Hybrid);
    let weak = Opener::new(folder, "weak", Kind::X25519);
    let plain = FIRST.archive.display();
    refused(
        folder,
        seal(folder).arg("--to").arg(strong.of("cp-1")),
        2,
        &format!(
            "error: there is no recipient for node/worker-1, cluster\n\
             hint: add --to worker-1=RECIPIENT, or `encrypt_to` in the profile; `certferry identity new` on the node makes one\n{NOTHING_PLAIN}"
        ),
    );
    refused(
        folder,
        seal(folder).arg("--to").arg(strong.of("cp-1")).arg("--to").arg(strong.of("worker-1")),
        2,
        &format!(
            "error: there is no recipient for cluster\n\
             hint: add --cluster-to RECIPIENT, or `cluster_to` in [seal]: who runs the cluster\n{NOTHING_PLAIN}"
        ),
    );
    refused(
        folder,
        seal(folder).arg("--to").arg(strong.of("cp1")).arg("--also-to").arg(&strong.recipient),
        2,
        &format!("error: there is no node cp1 in {plain}\nhint: did you mean `cp-1`?\n"),
    );
    // Who opens every part opens it beside its owner.
    for dry_run in [&[][..], &["--dry-run"]] {
        refused(
            folder,
            seal(folder).arg("--to").arg(strong.of("cp-1")).arg("--also-to").arg(&strong.recipient).args(dry_run),
            2,
            &format!(
                "error: there is no recipient of its own for node/worker-1, cluster\n\
                 hint: add --to worker-1=RECIPIENT, or `encrypt_to` in the profile; `certferry identity new` on the node makes one\n\
                 {ALSO}{NOTHING_PLAIN}"
            ),
        );
    }
    refused(
        folder,
        seal(folder).arg("--to").arg(weak.of("cp-1")).args(strong.of_all()),
        2,
        "error: node/cp-1 has recipients age1pq1... and age1...: a computer that breaks X25519 would open it\n\
         hint: give recipients of one kind; age1pq1... is the stronger\n",
    );
}

/// The text of what is no recipient is never repeated: it may be the secret half.
#[test]
fn what_is_no_recipient_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let own = Opener::new(folder, "own", Kind::Hybrid);
    let hint = "hint: a recipient is what `certferry identity new` prints: age1pq1... or age1...\n";
    let secret = "is an identity, the secret half of a recipient";
    for (option, value, said) in [
        ("--to", format!("cp-1={}", own.secret), format!("error: what --to names {secret}\n{hint}")),
        ("--cluster-to", own.secret.clone(), format!("error: what --cluster-to names {secret}\n{hint}")),
        ("--also-to", own.secret.to_lowercase(), format!("error: what --also-to names {secret}\n{hint}")),
        (
            "--to",
            own.secret.clone(),
            "error: --to takes NODE=RECIPIENT, and there is no `=` in what it was given\n\
             hint: for example --to cp-1=age1pq1...\n"
                .to_owned(),
        ),
        (
            "--to",
            format!("cp-1={}q", own.recipient),
            format!(
                "error: what --to names has a wrong letter, or one too few or too many: its checksum does not hold\n{hint}"
            ),
        ),
    ] {
        refused(folder, seal(folder).arg(option).arg(value), 2, &said);
    }
}

#[test]
fn a_bundle_of_another_seed_or_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let office = Opener::new(folder, "office", Kind::Hybrid);
    let to = &office.of_all();
    let plain = FIRST.archive.display();
    let other = format!("certferry-seed-1:{}\n", "0123456789abcdef".repeat(4));
    let other = write(folder, "other.seed", &other, 0o600);
    let mut command = certferry();
    command.arg("seal").arg(&FIRST.archive).args(to).arg("--allow-weak-seed").arg("--seed").arg(&other);
    let id = succeed(certferry().args(["seed", "id"]).arg(&other));
    let id = id.trim_end();
    refused(
        folder,
        command.arg("--out").arg(folder.join("sealed")),
        1,
        &format!(
            "error: {plain} is not signed by the signer of this seed (seed id {id})\n\
             hint: it was changed, or built with another seed: compare its fingerprint with the one on paper\n\
             hint: with --key in place of --seed another's bundle is sealed, and the sealed file is not signed\n"
        ),
    );
    // One byte of a part is another.
    let mut bytes = fs::read(&FIRST.archive).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    let changed = folder.join("lab-g1.tar.gz");
    fs::write(&changed, bytes).unwrap();
    let mut command = seal(folder);
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    command = certferry();
    for argument in arguments {
        let is_bundle = argument == FIRST.archive.as_os_str();
        command.arg(if is_bundle { changed.clone().into() } else { argument });
    }
    let said = fail(command.args(to), 1);
    assert!(said.starts_with(&format!("error: {} is refused: ", changed.display())), "{said}");
    assert!(!folder.join("sealed").exists());
}

#[test]
fn what_is_no_bundle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let office = Opener::new(folder, "office", Kind::Hybrid);
    let slice = folder.join("cp-1.tar.gz");
    succeed(certferry().arg("split").arg(&FIRST.archive).args(["--node", "cp-1", "--out"]).arg(&slice));
    let seal = |bundle: &Path| {
        let mut command = certferry();
        command.arg("seal").arg(bundle).arg("--key").arg(&FIRST.public_key).arg("--also-to").arg(&office.recipient);
        command
    };
    refused(
        folder,
        &mut seal(&slice),
        2,
        &format!(
            "error: {} is a slice, which has no index\n\
             hint: seal the bundle; one slice alone: `age -r RECIPIENT -o SLICE.age SLICE`\n",
            slice.display()
        ),
    );
    refused(
        folder,
        &mut seal(Path::new("-")),
        2,
        "error: a bundle from the standard input cannot be sealed: it is read more than once\nhint: name its file\n",
    );
    let text = write(folder, "notes", "nothing\n", 0o644);
    refused(
        folder,
        &mut seal(&text),
        1,
        &format!(
            "error: {} is refused: it ends too early\nhint: nothing was written; carry the bundle again\n",
            text.display()
        ),
    );
}
