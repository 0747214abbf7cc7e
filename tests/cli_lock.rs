//! The lock: what it refuses, in which words, and which word each refusal yields to.

use crate::common::Ended;
use crate::common::desk::{Desk, OTHER_SEED};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";
const NEXT: (&str, &str) = ("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\n");
const SAN: (&str, &str) = ("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\napiserver_cert_sans = [\"vip.lab\"]\n");

/// A desk with a first build.
fn built() -> Desk {
    let desk = Desk::new();
    desk.succeed(BUILD);
    desk
}

#[test]
fn the_lock_lies_beside_the_profile_or_where_it_is_told() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("a")).unwrap();
    desk.write("a/prod.v1.toml", desk.text("lab.toml"));
    desk.succeed("build a/prod.v1.toml --seed lab.seed --out out");
    assert_eq!(desk.names("a"), ["prod.v1.lock.toml", "prod.v1.toml"]);
    desk.succeed(&format!("{BUILD} --lock b/c.toml"));
    assert_eq!(desk.read("b/c.toml"), desk.read("a/prod.v1.lock.toml"));
    assert!(!desk.exists("lab.lock.toml"));
}

#[test]
fn a_file_that_is_no_lock_is_refused() {
    let desk = Desk::new();
    let hint = "hint: restore it from version control; to begin anew, move it away\n";
    desk.write("lab.lock.toml", "format = 2\n");
    let text = "error: lab.lock.toml is not a lock: it has format 2, and this version knows format 1\n";
    desk.refuse(BUILD, 2, &format!("{text}{hint}"));
    desk.write("lab.lock.toml", b"\xff");
    let text = "error: lab.lock.toml is not a lock: invalid utf-8 sequence of 1 bytes from index 0\n";
    desk.refuse(BUILD, 2, &format!("{text}{hint}"));
    desk.write("lab.lock.toml", "");
    let missing = |field: &str, line: &str| {
        format!(
            "error: lab.lock.toml is not a lock: TOML parse error at line 1, column 1\n  |\n1 | {line}\n  | ^\n\
             missing field `{field}`\n{hint}"
        )
    };
    desk.refuse(BUILD, 2, &missing("format", ""));
    desk.write("lab.lock.toml", "format = 1\n");
    desk.refuse(BUILD, 2, &missing("made_with", "format = 1"));
    // A profile by mistake.
    desk.refuse(
        &format!("{BUILD} --lock lab.toml"),
        2,
        &format!(
            "\
error: lab.toml is not a lock: TOML parse error at line 3, column 1
  |
3 | [cluster]
  | ^^^^^^^^^
invalid type: map, expected a string
{hint}"
        ),
    );
    std::fs::remove_file(desk.path("lab.lock.toml")).unwrap();
    std::fs::create_dir(desk.path("lab.lock.toml")).unwrap();
    desk.refuse(BUILD, 2, "error: cannot read the lock lab.lock.toml: is a directory\n");
}

#[test]
fn the_lock_of_another_cluster_is_refused() {
    let desk = built();
    desk.profile_with(&[("\"lab\"", "\"prod\"")]);
    let text = "\
error: the lock is of cluster lab, the profile of prod
hint: each cluster has a lock of its own; name it with --lock FILE
";
    for words in ["", " --replace-seed --replace-ca --same-generation"] {
        desk.refuse(&format!("{BUILD}{words}"), 1, text);
    }
    let locked = "\
error: the build differs from lab.lock.toml: cluster lab became prod
hint: nothing was written; build without --locked to accept the change
";
    desk.refuse(&format!("{BUILD} --locked"), 1, locked);
    // It is said before the seed is asked for, and by a plan, which would otherwise compare two clusters.
    desk.refuse("plan lab.toml", 1, text);
    desk.refuse("build lab.toml --seed none.seed", 1, text);
    desk.succeed("build lab.toml --seed lab.seed --out prod --lock prod.lock.toml");
}

#[test]
fn another_seed_is_refused_without_a_word() {
    let desk = built();
    desk.write("other.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    desk.set_mode("other.seed", 0o600);
    let (locked, given) = (desk.succeed("seed id lab.seed"), desk.succeed("seed id other.seed"));
    let (locked, given) = (locked.trim_end(), given.trim_end());
    let line = "build lab.toml --seed other.seed --out out2";
    let text = format!(
        "\
error: this is another seed: the lock was made with seed id {locked}, this one is {given}
hint: give the seed of the first build; --replace-seed gives the cluster another key everywhere
"
    );
    for words in ["", " --replace-ca --same-generation"] {
        desk.refuse(&format!("{line}{words}"), 1, &text);
    }
    desk.refuse(
        &format!("{line} --locked"),
        1,
        &format!(
            "\
error: the build differs from lab.lock.toml: seed id {locked} became {given}
hint: a rebuild needs the seed of the first build; nothing was written
"
        ),
    );
    let said = desk.succeed(&format!("{line} --replace-seed"));
    // Everything but the signer, which has no certificate, is listed with its reason.
    let (_, changes) = said.split_once("\nsince the lock:\n").unwrap();
    let (changes, restarts) = changes.split_once("\n\n").unwrap();
    assert!(restarts.contains("  etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet  on cp-1\n"));
    assert_eq!(changes.lines().count(), 18);
    assert!(changes.lines().all(|line| line.starts_with("  ~ ") && line.ends_with("  another key")), "{changes}");
    assert!(desk.text("lab.lock.toml").contains(&format!("seed_id = \"{given}\"")));
    desk.succeed(&format!("{line} --locked"));
}

/// Kubernetes 1.22 gave CA certificates a DNS name: a new version may not change what every node trusts unseen.
#[test]
fn a_changed_authority_is_refused_without_a_word() {
    let desk = Desk::new();
    // A key that kubeadm of these versions joins with.
    const RSA: (&str, &str) = ("service_account = \"ecdsa-p256\"", "service_account = \"rsa-2048\"");
    desk.profile_with(&[("1.24.15", "1.20.0"), RSA]);
    desk.succeed(BUILD);
    let text = "\
error: ca/etcd, ca/front-proxy, ca/kubernetes would get another certificate, though generation and issued_at did not move
hint: every node trusts the old one. Set what changed back in [ca.etcd], [ca.front-proxy], [ca.kubernetes] (for a newer \
                Kubernetes: `kubernetes` to the old version), raise `generation` there, or say --replace-ca
";
    desk.profile_with(&[("1.24.15", "1.24.0"), NEXT, RSA]);
    for words in ["", " --replace-seed --same-generation"] {
        desk.refuse(&format!("{BUILD}{words}"), 1, text);
    }
    // What the hint says helps, table by table.
    let kept = "kubernetes = \"1.20.0\"\n";
    desk.write("lab.toml", format!("{}\n[ca.etcd]\n{kept}[ca.front-proxy]\n{kept}", desk.text("lab.toml")));
    desk.refuse(
        BUILD,
        1,
        "\
error: ca/kubernetes would get another certificate, though generation and issued_at did not move
hint: every node trusts the old one. Set what changed back in [ca.kubernetes] (for a newer Kubernetes: `kubernetes` to \
         the old version), raise `generation` there, or say --replace-ca
",
    );
    let with_old = format!("{}[ca.kubernetes]\n{kept}", desk.text("lab.toml"));
    let with_new = format!("{}[ca.kubernetes]\ngeneration = 2\n", desk.text("lab.toml"));
    let lock = desk.read("lab.lock.toml");
    for (profile, words) in [(with_old, ""), (with_new, ""), (desk.text("lab.toml"), " --replace-ca")] {
        let again = Desk::new();
        again.write("lab.lock.toml", &lock);
        again.write("lab.toml", profile);
        let said = again.succeed(&format!("{BUILD}{words}"));
        assert_eq!(
            said.contains("  ~ ca/kubernetes  alternative names +DNS:kubernetes; Kubernetes 1.20.0 -> 1.24.0\n"),
            !words.is_empty(),
            "{said}"
        );
    }
}

#[test]
fn records_change_only_with_the_generation() {
    let desk = built();
    desk.profile_with(&[SAN]);
    let text = "\
error: the record of node/cp-1 would change at generation 1
hint: raise `generation` in [cluster]; while nothing was carried to a node yet, --same-generation will do
";
    for words in ["", " --replace-seed --replace-ca", " --out elsewhere"] {
        desk.refuse(&format!("{}{words}", BUILD.replace(" --out out", "")), 1, text);
    }
    // The word concerns the lock; the old bundle itself is never overwritten.
    desk.refuse(
        &format!("{BUILD} --same-generation"),
        2,
        "\
error: out/lab-g1.tar.gz exists with other bytes
hint: raise `generation` in [cluster], or write to another folder with --out; a bundle is never overwritten
",
    );
    desk.succeed("build lab.toml --seed lab.seed --out again --same-generation");
    // With the next generation no word is needed, and both bundles lie side by side.
    desk.profile_with(&[NEXT]);
    desk.succeed(BUILD);
    assert_eq!(desk.names("out").len(), 7);
    assert!(desk.text("lab.lock.toml").contains("\ngeneration = 2\n"));
}

#[test]
fn the_first_record_that_changes_is_named() {
    let desk = built();
    desk.profile_with(&[("\"ops\"", "\"dev\"")]);
    desk.refuse(
        BUILD,
        1,
        "\
error: the record of cluster would change at generation 1
hint: raise `generation` in [cluster]; while nothing was carried to a node yet, --same-generation will do
",
    );
}

#[test]
fn a_generation_never_goes_back() {
    let desk = Desk::new();
    desk.profile_with(&[NEXT]);
    desk.succeed(BUILD);
    desk.profile_with(&[]);
    let text = "\
error: the lock has node/cp-1 at generation 2, the profile is at 1
hint: a generation never goes back: nodes would refuse it
";
    for words in ["", " --replace-seed --replace-ca --same-generation"] {
        desk.refuse(&format!("{BUILD}{words}"), 1, text);
    }
}

#[test]
fn a_locked_build_needs_a_lock_and_a_seed() {
    let desk = Desk::new();
    desk.refuse(
        &format!("{BUILD} --locked"),
        2,
        "\
error: --locked, but there is no lock lab.lock.toml
hint: the first build writes it; name another with --lock FILE
",
    );
    desk.succeed(BUILD);
    desk.refuse(
        "build lab.toml --new-seed none.seed --plain --locked",
        2,
        "\
error: --locked, but there is no seed none.seed
hint: a rebuild needs the seed of the first build; give it with --seed FILE
",
    );
    for word in ["--replace-seed", "--replace-ca", "--same-generation"] {
        desk.refuse(
            &format!("{BUILD} --locked {word}"),
            2,
            &format!(
                "\
error: the argument '--locked' cannot be used with '{word}'

Usage: certferry build --out <DIR> --locked <--seed <FILE>|--new-seed <FILE>> <PROFILE>

For more information, try '--help'.
"
            ),
        );
    }
}

#[test]
fn a_locked_build_says_what_differs() {
    let desk = built();
    let lock = desk.text("lab.lock.toml");
    let differs = |what: &str| {
        format!(
            "error: the build differs from lab.lock.toml: {what}\n\
             hint: nothing was written; build without --locked to accept the change\n"
        )
    };
    let locked = "build lab.toml --seed lab.seed --out new --locked";
    desk.profile_with(&[SAN, ("\"alice\"", "\"bob\"")]);
    desk.refuse(locked, 1, &differs("node/cp-1/apiserver changed: alternative names +DNS:vip.lab"));
    desk.profile_with(&[("\"alice\"", "\"bob\"")]);
    desk.refuse(locked, 1, &differs("user/alice is gone"));
    desk.profile_with(&[("\"alice\"\n", "\"alice\"\n[[user]]\nname = \"adam\"\n")]);
    desk.refuse(locked, 1, &differs("user/adam is new"));
    // A comment moves nothing but the profile itself.
    desk.profile_with(&[("format = 1\n", "format = 1 # one\n")]);
    let Ended { code, stderr, .. } = desk.run(locked);
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("error: the build differs from lab.lock.toml: profile "), "{stderr}");
    assert!(!desk.exists("new"));
    // What nothing else explains.
    desk.profile_with(&[]);
    let (before, record) = lock.split_once("record_sha256 = \"").unwrap();
    let (zeros, record) = ("0".repeat(64), (&record[..64], &record[64..]));
    desk.write("lab.lock.toml", format!("{before}record_sha256 = \"{zeros}{}", record.1));
    desk.refuse(locked, 1, &differs(&format!("record of node/cp-1 {zeros} became {}", record.0)));
    desk.write("lab.lock.toml", lock.replace("derivation = 1", "derivation = 2"));
    desk.refuse(locked, 1, &differs("derivation format 2 became 1"));
}

#[test]
fn a_locked_build_is_the_same_build() {
    let desk = built();
    let first = desk.state();
    // The program's version informs and is never compared; the lock is not written again.
    let lock = desk.text("lab.lock.toml").replace("made_with = \"certferry ", "made_with = \"certferry 9");
    desk.write("lab.lock.toml", &lock);
    desk.succeed("build lab.toml --seed lab.seed --out again --locked");
    assert_eq!(desk.text("lab.lock.toml"), lock);
    for name in desk.names("again") {
        assert!(desk.read(&format!("again/{name}")) == first[&format!("out/{name}")].1, "{name}");
    }
}
