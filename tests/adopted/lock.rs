//! A build takes the files that the lock pins, and others only on purpose.

use super::{Shape, authority, build, desk, key};
use crate::common::desk::Desk;

const HINT: &str = "hint: put the files back of which the lock has the SHA-256 in [[adopted]]; to take others on purpose, raise \
                    `generation` in";

#[track_caller]
fn refused(desk: &Desk, ids: &str, tables: &str) {
    let error = format!(
        "error: {ids} would be adopted from other files than those of the lock\n{HINT} {tables}, or say --replace-ca\n"
    );
    desk.refuse("build lab.toml --seed lab.seed --out again --lock new.lock.toml", 1, &error);
}

fn next_generation(desk: &Desk) {
    desk.write("lab.toml", desk.text("lab.toml").replacen("issued_at", "generation = 2\nissued_at", 1));
}

#[test]
fn the_lock_names_the_files() {
    let desk = desk(true);
    build(&desk, "new");
    let lock: toml::Table = desk.text("new.lock.toml").parse().unwrap();
    let rows = lock["adopted"].as_array().unwrap();
    let hash = |words: &str| {
        let mut shell = crate::common::tool("sh");
        shell.current_dir(desk.path("")).args(["-c", &format!("{words} | openssl dgst -sha256 -r | cut -c1-64")]);
        crate::common::succeed(&mut shell).trim().to_owned()
    };
    let found: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(found, ["ca/etcd", "ca/front-proxy", "ca/kubernetes", "sa"]);
    let files = ["etcd-ca", "front-proxy-ca", "ca"];
    for (row, file) in rows.iter().zip(files) {
        let spki = hash(&format!("openssl pkey -in adopted/{file}.key -pubout -outform DER"));
        let certificate = hash(&format!("openssl x509 -in adopted/{file}.crt -outform DER"));
        assert_eq!(row["spki_sha256"].as_str().unwrap(), spki);
        assert_eq!(row["certificate_sha256"].as_str().unwrap(), certificate);
    }
    assert!(rows[3].get("certificate_sha256").is_none());
}

#[test]
fn another_certificate_over_the_same_key_is_refused() {
    let desk = desk(true);
    build(&desk, "new");
    next_generation(&desk);
    super::certificate(&desk, "ca", &Shape { end: "20980101000000Z", ..Shape::default() }, "ca");
    refused(&desk, "ca/kubernetes", "[ca.kubernetes]");
    let plan = desk.succeed("plan lab.toml --lock new.lock.toml --changes");
    assert!(plan.contains("ca/kubernetes"), "{plan}");
    assert!(
        plan.contains("a build would be refused:\nerror: ca/kubernetes would be adopted from other files"),
        "{plan}"
    );
    desk.succeed("build lab.toml --seed lab.seed --out again --lock new.lock.toml --replace-ca");
}

#[test]
fn another_key_is_refused_until_the_generation_moves() {
    let desk = desk(true);
    build(&desk, "new");
    next_generation(&desk);
    authority(&desk, "etcd-ca", &Shape { subject: "CN = etcd-ca", ..Shape::default() });
    key(&desk, "sa", super::P256);
    let moved = desk.text("lab.toml");
    refused(&desk, "ca/etcd, sa", "[ca.etcd], [service_account]");
    let moved = moved.replace("[ca.etcd]\n", "[ca.etcd]\ngeneration = 2\n");
    desk.write("lab.toml", moved.replace("[service_account]\n", "[service_account]\ngeneration = 2\n"));
    let said = desk.run("build lab.toml --seed lab.seed --out again --lock new.lock.toml");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("ca/etcd"), "{}", said.stdout);
}

#[test]
fn a_made_authority_becomes_no_adopted_one_unasked_nor_the_other_way_round() {
    let desk = desk(true);
    let adopted = desk.text("lab.toml");
    desk.write("lab.toml", super::PROFILE);
    build(&desk, "new");
    desk.write("lab.toml", &adopted);
    next_generation(&desk);
    refused(
        &desk,
        "ca/etcd, ca/front-proxy, ca/kubernetes, sa",
        "[ca.etcd], [ca.front-proxy], [ca.kubernetes], [service_account]",
    );
    desk.write("lab.toml", adopted);
    build(&desk, "other");
    desk.write("lab.toml", super::PROFILE);
    next_generation(&desk);
    let error = format!(
        "error: ca/etcd, ca/front-proxy, ca/kubernetes, sa would be adopted from other files than those of the lock\n{HINT} \
         [ca.etcd], [ca.front-proxy], [ca.kubernetes], [service_account], or say --replace-ca\n"
    );
    desk.refuse("build lab.toml --seed lab.seed --out again --lock other.lock.toml", 1, &error);
}

/// What a renewal leaves good is not said of a CA whose key the lock does not have.
#[test]
fn a_plan_says_of_no_other_key_that_what_was_signed_before_stays_good() {
    let desk = desk(true);
    build(&desk, "new");
    let said = "renewed over the same keys, so that what was signed before stays good";
    let line = |plan: &str, id: &str| {
        let (_, told) = plan.split_once(said).unwrap();
        told.split("who may still have").next().unwrap().contains(&format!("  {id}  its certificate so far"))
    };
    let plan = desk.succeed("plan lab.toml --lock new.lock.toml");
    assert!(line(&plan, "ca/etcd") && line(&plan, "ca/kubernetes"), "{plan}");
    next_generation(&desk);
    authority(&desk, "etcd-ca", &Shape { subject: "CN = etcd-ca", ..Shape::default() });
    desk.write("lab.toml", desk.text("lab.toml").replace("[ca.etcd]\n", "[ca.etcd]\ngeneration = 2\n"));
    let plan = desk.succeed("plan lab.toml --lock new.lock.toml");
    assert!(plan.contains("ca/etcd  generation 1 -> 2; adopted key "), "{plan}");
    assert!(!line(&plan, "ca/etcd") && line(&plan, "ca/kubernetes"), "{plan}");
}

/// Renewing what was adopted as it is needs no word: who trusted it trusts it still.
#[test]
fn renewal_may_come_later() {
    let desk = desk(false);
    build(&desk, "new");
    desk.write("lab.toml", desk.text("lab.toml").replace(".key\"\n\n", ".key\"\nrenew = true\n\n"));
    next_generation(&desk);
    let said = desk.succeed("build lab.toml --seed lab.seed --out again --lock new.lock.toml");
    assert!(said.contains("end of validity 2099-01-01T00:00:00Z -> 2226-11-22T00:00:00Z"), "{said}");
}

#[test]
fn a_locked_rebuild_names_the_file_that_is_another() {
    let desk = desk(true);
    build(&desk, "new");
    super::certificate(&desk, "ca", &Shape { end: "20980101000000Z", ..Shape::default() }, "ca");
    let said = desk.run("build lab.toml --seed lab.seed --out again --lock new.lock.toml --locked");
    assert_eq!(said.code, Some(1));
    let expected = "error: the build differs from new.lock.toml: ca/kubernetes changed: adopted certificate ";
    assert!(said.stderr.starts_with(expected), "{}", said.stderr);
}

/// A new number of an adopted CA's table is no new key.
#[test]
fn a_generation_alone_changes_nothing_below_the_same_file() {
    let desk = desk(true);
    build(&desk, "new");
    desk.write("lab.toml", desk.text("lab.toml").replace("[ca.etcd]\n", "[ca.etcd]\ngeneration = 2\n"));
    let plan = desk.succeed("plan lab.toml --lock new.lock.toml --changes");
    assert!(plan.contains("ca/etcd") && plan.contains("generation 1 -> 2"), "{plan}");
    assert!(!plan.contains("is another"), "{plan}");
}
