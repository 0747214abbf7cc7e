//! Whoever has the seed, in whatever form.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::seal::{Identity, Kind};

use super::forgery::forges;
use super::{refused, secrets_in, victim};
use crate::canary::lab::{LAB, PASSPHRASE};
use crate::common::desk::{Desk, OTHER_SEED};
use crate::common::{run, succeed, tool, write};

/// Beside the seed he needs what is in every bundle and in version control: the profile.
#[test]
fn the_seed_in_the_clear() {
    let (victim, thief) = (victim(), Desk::new());
    thief.write("lab.toml", victim.read("lab.toml"));
    thief.succeed("build lab.toml --seed lab.seed --out out");
    assert!(thief.read("out/lab-g1.tar.gz") == victim.read("out/lab-g1.tar.gz"));
    thief.succeed("unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root tree");
    let pki = "tree/etc/kubernetes/pki";
    assert!(forges(&thief, &format!("{pki}/ca.crt"), &format!("{pki}/ca.key")));
    // The next generation, too, before anybody else has it.
    let next = thief.text("lab.toml").replace("issued_at = 2026-11-22", "issued_at = 2026-11-22\ngeneration = 2");
    thief.write("lab.toml", next);
    thief.succeed("build lab.toml --seed lab.seed --out out");

    // A key that does not come out of it he has not.
    let other = Desk::new();
    let adopted = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout adopted.key -out adopted.crt -days \
                   3650 -subj /CN=corp -addext keyUsage=critical,keyCertSign";
    succeed(tool("openssl").args(adopted.split_whitespace()).current_dir(other.path("")));
    fs::remove_file(other.path("adopted.key")).unwrap();
    let table = "[ca.kubernetes]\ncertificate = \"adopted.crt\"\nkey = \"adopted.key\"\n\n[keys]\n";
    other.profile_with(&[("[keys]\n", table)]);
    let said = refused(&other, "build lab.toml --seed lab.seed --out out");
    assert!(said.contains("adopted.key") && !other.exists("out"), "{said}");
    assert!(!forges(with(&other, &thief, "ca.key", &format!("{pki}/ca.key")), "adopted.crt", "ca.key"));
}

/// Puts a file of another desk on a desk.
fn with<'a>(desk: &'a Desk, from: &Desk, name: &str, path: &str) -> &'a Desk {
    desk.write(name, from.read(path));
    desk
}

#[test]
fn the_seed_sealed() {
    let desk = LAB.desk();
    assert!(secrets_in(&desk.read("sealed.seed")).is_empty());
    let stick = tempfile::tempdir().unwrap();
    let identity = Identity::random(Kind::Hybrid).unwrap();
    let own = write(stick.path(), "own.key", &identity.to_text(), 0o600);
    let said = refused(&desk, &format!("build lab.toml --seed sealed.seed --identity {} --out out", own.display()));
    assert!(said.starts_with("error: sealed.seed does not open: it is sealed to other recipients, or was changed\n"));

    // With a passphrase he guesses, and pays for each guess what the file's head says: 2^18 steps.
    let passphrase = LAB.on_stick("passphrase");
    desk.succeed(&format!(
        "seed reseal sealed.seed {} --out words.seed --new-passphrase-file {passphrase}",
        LAB.open()
    ));
    assert!(secrets_in(&desk.read("words.seed")).is_empty());
    let body: String = desk.text("words.seed").lines().filter(|line| !line.starts_with("-----")).collect();
    let head = STANDARD.decode(body).unwrap();
    let stanza = head.split(|byte| *byte == b'\n').nth(1).unwrap();
    assert!(stanza.starts_with(b"-> scrypt ") && stanza.ends_with(b" 18"), "{}", String::from_utf8_lossy(stanza));
    let guess = write(stick.path(), "guess", &PASSPHRASE.to_uppercase(), 0o600);
    let said = refused(&desk, &format!("seed id words.seed --passphrase-file {}", guess.display()));
    assert!(
        said.starts_with("error: words.seed does not open: the passphrase is another one, or the file was changed\n")
    );
    // What the head says cannot be made less: the passphrase then gives another key.
    desk.write("cheap.seed", cheap(&head));
    desk.set_mode("cheap.seed", 0o600);
    let said = refused(&desk, &format!("seed id cheap.seed --passphrase-file {passphrase}"));
    assert!(said.starts_with("error: cheap.seed does not open: "), "{said}");
}

/// The same file with a work factor of 1 in its second line.
fn cheap(sealed: &[u8]) -> Vec<u8> {
    let end = sealed.windows(4).position(|window| window == b" 18\n").unwrap();
    [&sealed[..end], b" 1", &sealed[end + 3..]].concat()
}

/// A signer that is the seed's. With one of one's own it is the same, but that the seed cannot sign.
#[test]
fn the_signer_s_key() {
    let (victim, thief) = (victim(), Desk::new());
    let signer = LAB.needles.secrets.iter().find(|secret| secret.name == "key bundle-signer").unwrap();
    thief.write("stolen.key", signer.leak(crate::canary::secrets::Form::Text));
    thief.set_mode("stolen.key", 0o600);
    thief.write("signer.pub", victim.read("out/lab.pub"));
    thief.write("own.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    thief.set_mode("own.seed", 0o600);
    fs::remove_file(thief.path("lab.seed")).unwrap();
    // He signs a cluster of his own seed, which nodes take that know nothing but this signer.
    thief.profile_with(&[("[keys]", "[bundle]\nsigner = \"signer.pub\"\n\n[keys]")]);
    thief.succeed("build lab.toml --seed own.seed --signer stolen.key --out forged --quiet");
    let pinned = victim.path("out/lab.pub");
    thief.succeed(&format!("verify forged/lab-g1.tar.gz --key {}", pinned.display()));
    fs::create_dir(thief.path("node")).unwrap();
    thief.succeed(&format!("apply forged/lab-g1.tar.gz --key {} --node cp-1 --root node --quiet", pinned.display()));
    // With another key they do not.
    succeed(
        tool("openssl")
            .args("ecparam -name prime256v1 -genkey -noout -out own.key".split(' '))
            .current_dir(thief.path("")),
    );
    thief.set_mode("own.key", 0o600);
    refused(&thief, "build lab.toml --seed own.seed --signer own.key --out other");

    // Of the cluster's own keys he has none: what runs there believes nobody that he makes.
    victim.succeed("unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root tree");
    let thief = with(&thief, &victim, "ca.crt", "tree/etc/kubernetes/pki/ca.crt");
    assert!(!forges(thief, "ca.crt", "stolen.key"));
    let sealed = crate::canary::sealed_build::owners();
    let desk = crate::canary::sealed_build::desk(&sealed);
    desk.succeed(&format!("build lab.toml --seed sealed.seed {} --out out --quiet", LAB.open()));
    succeed(tool("tar").args(["-xf", "out/lab-g1.sealed.tar"]).current_dir(desk.path("")));
    let mut age = tool("age");
    age.arg("--decrypt").arg("-i").arg(thief.path("stolen.key")).arg(desk.path("lab-g1/nodes/w-1.tar.gz.age"));
    assert!(!run(&mut age).status.success(), "it opens nothing that is sealed");
}

/// The building machine after it has built: everything that lies there.
#[test]
fn the_disk_of_the_building_machine() {
    let owners = crate::canary::sealed_build::owners();
    let desk = crate::canary::sealed_build::desk(&owners);
    desk.succeed(&format!("build lab.toml --seed sealed.seed {} --out out --split slices --quiet", LAB.open()));
    assert!(desk.exists("out/lab-g1.sealed.tar") && desk.exists("lab.lock.toml") && desk.exists("slices"));
    assert!(secrets_in(desk.text("lab.lock.toml").as_bytes()).is_empty() && super::secrets_below(&desk, "").is_empty());
    // What was built in the clear lies there in the clear: the keys, and neither the seed nor the signer's key.
    let desk = victim();
    let found = super::secrets_below(&desk, "");
    assert!(found.contains("key ca/kubernetes"));
    assert!(found.iter().all(|name| name.starts_with("key ") && name != "key bundle-signer"), "{found:?}");
}
