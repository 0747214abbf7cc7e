//! The lock knows the signer: another one wants a word, and a rebuild needs none of them.

use std::fs;

use super::{ASSEMBLE, REQUEST, SEED, SIGN, desk, fingerprint, forget, key, name_signer, sign_by_hand};
use crate::common::desk::PROFILE;

fn other(locked: &str, now: &str) -> String {
    format!(
        "error: another key would sign: the lock has {locked}, and now it is {now}\n\
         hint: every node knows the signer by its fingerprint: put `signer` of [bundle] back, or say --replace-signer \
         and carry the new fingerprint to every node\n"
    )
}

#[test]
fn another_signer_wants_a_word() {
    let desk = desk();
    desk.succeed(&format!("{SEED} --signer signer.key --out out"));
    let lock = desk.text("lab.lock.toml");
    let signer = fingerprint(&desk, "signer");
    assert!(lock.contains(&format!("\nsigner = \"{signer}\"\n")), "{lock}");
    let adopted = format!("\n[[adopted]]\nid = \"bundle-signer\"\nspki_sha256 = \"{}\"\n", &signer[7..]);
    assert!(lock.contains(&adopted), "{lock}");

    key(&desk, "other");
    name_signer(&desk, "other.pub");
    let refused = other(&signer, &fingerprint(&desk, "other"));
    let plan = desk.succeed("plan lab.toml --changes");
    let changes: Vec<_> = plan.lines().filter(|line| line.starts_with("  ~ ") || line.starts_with("  + ")).collect();
    assert_eq!(changes[0], "  ~ the profile, in the part cluster");
    assert!(changes[1].starts_with("  ~ bundle-signer  adopted key "), "{plan}");
    assert!(plan.contains(&format!("\na build would be refused:\n{refused}")), "{plan}");
    for more in ["--out new", "--out new --dry-run", "--out new --same-generation --replace-ca"] {
        desk.refuse(&format!("{SEED} --signer other.key {more}"), 1, &refused);
    }
    desk.refuse(&format!("{SEED} --unsigned lab-g1.request.tar"), 1, &refused);
    // The part `cluster` has the profile in it.
    let words = "--same-generation --replace-signer";
    desk.refuse(
        &format!("{SEED} --signer other.key --out new --only cp-1"),
        1,
        "error: --only, but bundle-signer changes, which all nodes share\n\
         hint: `certferry plan` tells why; build the whole bundle, or set the profile back\n",
    );
    desk.succeed(&format!("{SEED} --signer other.key --out new {words}"));
    assert!(desk.text("lab.lock.toml").contains(&fingerprint(&desk, "other")));

    // Back to the seed's key, which no file has, and from there to somebody again.
    desk.write("lab.toml", PROFILE);
    desk.refuse(
        &format!("{SEED} --out seeds --same-generation"),
        1,
        &other(&fingerprint(&desk, "other"), "the one that the seed gives"),
    );
    desk.succeed(&format!("{SEED} --out seeds {words}"));
    fs::copy(desk.path("seeds/lab.pub"), desk.path("seeds.pub")).unwrap();
    name_signer(&desk, "signer.pub");
    desk.refuse(
        &format!("{SEED} --signer signer.key --out back --same-generation"),
        1,
        &other(&fingerprint(&desk, "seeds"), &signer),
    );
    // Another seed has another word, and hides nobody.
    desk.write("other.seed", format!("certferry-seed-1:{}\n", crate::common::desk::OTHER_SEED));
    desk.set_mode("other.seed", 0o600);
    desk.refuse(
        "build lab.toml --seed other.seed --signer signer.key --out back --same-generation --replace-seed",
        1,
        &other(&fingerprint(&desk, "seeds"), &signer),
    );
}

#[test]
fn a_rebuild_without_the_signer_compares_index_and_records() {
    let desk = desk();
    desk.succeed(REQUEST);
    sign_by_hand(&desk, "signer");
    desk.succeed(ASSEMBLE);
    let before = desk.state();
    let said = desk.succeed(&format!("{SEED} --locked --out again"));
    assert!(
        said.ends_with("\nindex and records are those of the lock; nobody signed, and no bundle was written\n"),
        "{said}"
    );
    assert!(desk.state() == before, "{:?}", desk.names(""));
    // With the key at hand the signatures are those of RFC 6979, and not those that openssl made.
    let said = desk.succeed(&format!("{SEED} --locked --out again --signer signer.key"));
    assert!(
        said.ends_with("\nindex and records are those of the lock; the signatures are others, and so is the content\n"),
        "{said}"
    );
    let said = desk.succeed(&format!("{SEED} --locked --signatures lab-g1.signatures.tar --out same"));
    assert!(said.ends_with("\nindex, records and signatures are those of the lock\n"), "{said}");
    assert!(desk.read("same/lab-g1.tar.gz") == desk.read("out/lab-g1.tar.gz"));
    // What is not the same is told, without a signer, too.
    desk.write("lab.toml", desk.text("lab.toml").replace("192.168.10.5", "192.168.10.6"));
    let said = desk.run(&format!("{SEED} --locked"));
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.starts_with("error: the build differs from lab.lock.toml: "), "{}", said.stderr);
}

/// The first request comes with a new seed, which is kept at once: signatures over keys that nobody can make again
/// would be of no use.
#[test]
fn a_new_seed_is_kept_with_the_request() {
    let desk = desk();
    let said = desk.succeed("build lab.toml --new-seed new.seed --plain --unsigned lab-g1.request.tar");
    assert!(said.contains("\n  new.seed  NEW: whoever has it can make every key."), "{said}");
    assert!(desk.exists("new.seed") && !desk.exists("lab.lock.toml"));
    desk.succeed(SIGN);
    desk.succeed("build lab.toml --seed new.seed --signatures lab-g1.signatures.tar --out out");
    desk.succeed("verify out/lab-g1.tar.gz --key signer.pub");
    forget(&desk);
}
