//! What `build` says: the exact text of success and of every failure before anything is made. No failure changes a file.

use std::fs;
use std::os::unix::fs::{chown, symlink};

use crate::common::desk::{CANARY, Desk, PROFILE};
use crate::common::rights::{Right, lacks};
use crate::common::{Ended, signer};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";

/// What `build` prints for the desk's profile, with what only a build can know taken from its lock.
fn summary(desk: &Desk, kubernetes: &str, new_seed: &str) -> String {
    let lock = desk.text("lab.lock.toml");
    let value = |key: &str| {
        let line = lock.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.unwrap().strip_suffix('"').unwrap().to_owned()
    };
    format!(
        "\
lab, generation 1, Kubernetes {kubernetes}

  out/lab-g1.tar.gz  16 certificates, 18 keys, 1 node
  out/lab-g1.tar.gz.sig
  out/lab.pub
  out/install.sh  for nodes without certferry
  out/install.sh.sig
  lab.lock.toml  for version control
{new_seed}
valid    from 2026-11-21T00:00:00Z; the first to end is user/alice at 2031-11-22T00:00:00Z
         the first of a node is node/cp-1/apiserver at 2225-11-22T00:00:00Z
{}         Write it on paper or into the change ticket: it must reach the nodes by another road.
content  sha256:{}
check    openssl dgst -sha256 -verify out/lab.pub -signature out/lab-g1.tar.gz.sig out/lab-g1.tar.gz
",
        signer(&value("signer")),
        value("content_sha256"),
    )
}

#[test]
fn a_build_says_what_it_made() {
    let desk = Desk::new();
    let said = desk.succeed(BUILD);
    assert_eq!(said, summary(&desk, "1.24.15", ""));
    assert_eq!(desk.names("out"), ["install.sh", "install.sh.sig", "lab-g1.tar.gz", "lab-g1.tar.gz.sig", "lab.pub"]);
    // The same again: the same words, the same files.
    let before = desk.state();
    assert_eq!(desk.succeed(BUILD), said);
    assert_eq!(desk.succeed(&format!("{BUILD} --locked --threads 1")), said);
    assert_eq!(desk.succeed(&format!("{BUILD} --quiet")), "");
    assert!(desk.state() == before);
}

#[test]
fn a_new_seed_is_announced_and_then_used() {
    let desk = Desk::new();
    let line = "build lab.toml --new-seed new.seed --plain --out out";
    let announced = "  new.seed  NEW: whoever has it can make every key. Keep two copies offline.\n  \
                     .gitignore  keeps seeds and bundles out of git\n";
    assert_eq!(desk.succeed(line), summary(&desk, "1.24.15", announced));
    assert_eq!(desk.mode("new.seed"), 0o600);
    assert_eq!(desk.read("new.seed").len(), "certferry-seed-1:".len() + 65 + "seed-id ".len() + 17);
    let before = desk.state();
    assert_eq!(desk.succeed(line), summary(&desk, "1.24.15", ""));
    assert!(desk.state() == before, "an existing seed is used, not replaced");
}

#[test]
fn what_the_cluster_itself_must_bind_is_said() {
    let admins = |version| {
        format!(
            "
Kubernetes {version} needs the ClusterRoleBinding kubeadm:cluster-admins (Group kubeadm:cluster-admins to ClusterRole \
             cluster-admin): without it
admin.conf may do nothing. `kubeadm init` and `kubeadm upgrade apply` create it; without kubeadm, apply manifests/kubeadm-rbac.yaml \
             of
the part `cluster` with super-admin.conf, for admin.conf may not yet; or run once, with super-admin.conf:
  kubectl create clusterrolebinding kubeadm:cluster-admins --clusterrole=cluster-admin --group=kubeadm:cluster-admins
"
        )
    };
    let kubelet_client = |version| {
        format!(
            "
Kubernetes {version} needs the ClusterRoleBinding kubeadm:apiserver-kubelet-client (User \
             kube-apiserver-kubelet-client to ClusterRole system:kubelet-api-admin): without it
kubectl logs and exec are forbidden. `kubeadm init` and `kubeadm upgrade apply` create it; without kubeadm, apply manifests/kubeadm-rbac.yaml \
             of
the part `cluster` with super-admin.conf, for admin.conf may not yet; or run once, with super-admin.conf:
  kubectl create clusterrolebinding kubeadm:apiserver-kubelet-client --clusterrole=system:kubelet-api-admin \
             --user=kube-apiserver-kubelet-client
"
        )
    };
    for (version, expected) in
        [("1.29.0", admins("1.29.0")), ("1.36.1", format!("{}{}", admins("1.36.1"), kubelet_client("1.36.1")))]
    {
        let desk = Desk::new();
        desk.profile_with(&[("1.24.15", version)]);
        let said = desk.succeed(BUILD);
        // super-admin.conf is one certificate more.
        let head = summary(&desk, version, "").replace("16 certificates, 18 keys", "17 certificates, 19 keys");
        assert_eq!(said, format!("{head}{expected}"));
    }
}

#[test]
fn changes_since_the_lock_are_listed() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    desk.profile_with(&[
        ("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\napiserver_cert_sans = [\"vip.lab\"]\n"),
        ("\"alice\"", "\"bob\""),
    ]);
    let said = desk.succeed(BUILD);
    let changes = &said[said.find("since the lock:\n").unwrap()..];
    let expected = "\
since the lock:
  ~ generation 1 -> 2, in every record
  ~ the profile, in the part cluster
  - user/alice
  + user/bob
  ~ cluster/kubeadm/init.yaml  content nothing -> SANs vip.lab
  ~ node/cp-1/apiserver  alternative names +DNS:vip.lab

to restart when it is installed:
  nothing  on cp-1: kube-apiserver reads the two files again within a minute; after install.sh, restart it

to hand out from the part cluster:
  kubeadm/init.yaml, users/bob.conf
";
    assert_eq!(changes, expected);
}

#[test]
fn a_pool_has_a_line_for_each_file_and_with_verbose_each_node_has() {
    let desk = Desk::new();
    desk.succeed(BUILD);
    let pool = "[[node_pool]]\nrole = \"worker\"\nnames = \"w-[01..25]\"\nfirst_addresses = [\"192.168.11.1\"]\n";
    desk.profile_with(&[("issued_at = 2026-11-22", "issued_at = 2026-11-22\ngeneration = 2")]);
    desk.write("lab.toml", desk.text("lab.toml") + pool);
    let heads = "\
since the lock:
  ~ generation 1 -> 2, in every record
  ~ the profile, in the part cluster
";
    let folded = format!("{heads}  + node/w-[01..25]/kubelet\n  + node/w-[01..25]/kubelet-client\n");
    let planned = desk.succeed("plan lab.toml");
    assert!(planned.contains("node/w-[01..25] (25 nodes)\n"), "{planned}");
    assert!(planned.ends_with(&folded), "{planned}");
    assert_eq!(desk.succeed("plan lab.toml --changes"), format!("\n{folded}"), "the same without the tree");
    let ids: String =
        (1..=25).map(|node| format!("  + node/w-{node:02}/kubelet\n  + node/w-{node:02}/kubelet-client\n")).collect();
    assert_eq!(desk.succeed("plan lab.toml --changes --verbose"), format!("\n{heads}{ids}"));
    let built = desk.succeed(&format!("{BUILD} --verbose"));
    assert!(built.ends_with(&format!("{heads}{ids}")), "a new node has nothing to restart: {built}");
}

#[test]
fn profiles_that_cannot_be_used_are_refused() {
    let desk = Desk::new();
    desk.refuse(
        "build none.toml --seed lab.seed",
        2,
        "\
error: cannot read the profile none.toml: no such file or directory
hint: `certferry init FILE` writes one to begin with
",
    );
    desk.refuse("build . --seed lab.seed", 2, "error: cannot read the profile .: is a directory\n");
    desk.write("bad.toml", PROFILE.replace("[[node]]\nname", "[[node]]\nnmae").replace("2026-11-22", "2026-11-31"));
    desk.refuse(
        "build bad.toml --new-seed new.seed --plain --out out",
        2,
        "\
error: the profile is not TOML
 --> bad.toml:6:13
  |
6 | issued_at = 2026-11-31
  |             ^^^^^^^^^^ invalid date
  |
  = hint: expected day between 01 and 30
",
    );
    desk.write("bad.toml", PROFILE.replace("[[node]]\nname", "[[node]]\nnmae"));
    desk.refuse(
        "build bad.toml --new-seed new.seed --plain --out out",
        2,
        "\
error: missing key `name`
  --> bad.toml:13:1
   |
13 | [[node]]
   | ^^^^^^^^ [[node]] needs `name`
   |
   = hint: add `name = \"cp-1\"`

error: unknown key `nmae`
  --> bad.toml:14:1
   |
14 | nmae = \"cp-1\"
   | ^^^^ not a key of [[node]]
   |
   = hint: did you mean `name`?
",
    );
}

#[test]
fn warnings_of_a_profile_are_told_and_do_not_stop() {
    let desk = Desk::new();
    let long = "a".repeat(65);
    desk.profile_with(&[("\"alice\"", &format!("\"{long}\""))]);
    let Ended { code, stdout, stderr } = desk.run(&format!("{BUILD} --quiet"));
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    assert_eq!(
        stderr,
        format!(
            "\
warning: the common name \"{}...\" has 65 characters
  --> lab.toml:19:8
   |
19 | name = \"{long}\"
   |        {} more than the 64 of RFC 5280, appendix A.1
   |
   = hint: Kubernetes takes it; a shorter name satisfies strict checkers too
",
            &long[..48],
            "^".repeat(67)
        )
    );
}

#[test]
fn a_seed_is_asked_for() {
    let desk = Desk::new();
    desk.refuse(
        "build lab.toml",
        2,
        "\
error: the following required arguments were not provided:
  <--seed <FILE>|--new-seed <FILE>>

Usage: certferry build <--seed <FILE>|--new-seed <FILE>> <PROFILE>

For more information, try '--help'.
",
    );
    desk.refuse(
        "build lab.toml --seed lab.seed --new-seed new.seed",
        2,
        "\
error: the argument '--seed <FILE>' cannot be used with '--new-seed <FILE>'

Usage: certferry build <--seed <FILE>|--new-seed <FILE>> <PROFILE>

For more information, try '--help'.
",
    );
    desk.refuse(
        "build lab.toml --seed none.seed",
        2,
        "\
error: cannot read the seed none.seed: no such file or directory
hint: make one with `certferry seed new FILE`, or build with --new-seed FILE
",
    );
    desk.refuse("build lab.toml --seed .", 2, "error: cannot read the seed .: is a directory\n");
    desk.refuse("build lab.toml --seed lab.seed/x", 2, "error: cannot read the seed lab.seed/x: not a directory\n");
    desk.refuse("build lab.toml --new-seed . --plain --out out", 2, "error: cannot read the seed .: is a directory\n");
}

/// As many threads as a number can say would bring the machine down.
#[test]
fn threads_are_as_many_as_a_machine_may_have() {
    let desk = Desk::new();
    for count in ["0", "1025", "18446744073709551615", "-1"] {
        let ended = desk.run(&format!("{BUILD} --threads={count}"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.starts_with(&format!("error: invalid value '{count}' for '--threads <COUNT>'")));
    }
    assert!(!desk.exists("out"));
    desk.succeed(&format!("{BUILD} --threads 64"));
}

#[test]
fn each_fault_of_a_seed_is_named_and_never_shown() {
    let desk = Desk::new();
    let seed = |digits: &str| format!("certferry-seed-1:{digits}\n");
    for (content, reason) in [
        (String::new(), "the file is empty"),
        (CANARY.to_owned(), "it does not begin with `certferry-seed-1:`"),
        (format!("certferry-seed-2:{CANARY}\n"), "it has format 2, and this version knows format 1"),
        (seed(&CANARY[..63]), "it has 63 hex digits instead of 64"),
        (seed(&CANARY.to_uppercase()), "column 18 is an upper-case hex digit"),
        (seed(&CANARY.replacen('c', " ", 1)), "column 18 is not a hex digit"),
        (format!("certferry-seed-1:{CANARY}\r\n"), "its line ends in CR LF"),
        (seed(&format!("{CANARY} ")), "something follows the 64 hex digits"),
        (format!("{}\n", seed(CANARY)), "something follows its first line"),
        (format!("{}seed-id 0123456789abcdef\n", seed(CANARY)), "its digits do not give its id: a digit is mistyped"),
        (format!("{}seed-id \n", seed(CANARY)), "its second line is not `seed-id ` and 16 lower-case hex digits"),
        (seed(&"c0".repeat(32)), "all its bytes are the same, so no random generator made it"),
    ] {
        desk.write("bad.seed", content);
        let hint = "hint: a seed is `certferry-seed-1:` and 64 lower-case hex digits, and its id on a second line\n";
        let text = format!("error: bad.seed is not a seed: {reason}\n{hint}");
        for line in ["build lab.toml --seed bad.seed", "build lab.toml --new-seed bad.seed --plain", "seed id bad.seed"]
        {
            desk.refuse(line, 2, &text);
        }
    }
    desk.write("bad.seed", [b'c'; 4097]);
    desk.refuse("seed id bad.seed", 2, "error: cannot read the seed bad.seed: longer than 4096 bytes\n");
}

#[test]
fn a_seed_that_others_can_read_is_warned_about() {
    let desk = Desk::new();
    for mode in [0o604, 0o640, 0o644] {
        desk.set_mode("lab.seed", mode);
        let Ended { code, stderr, .. } = desk.run(BUILD);
        assert_eq!(stderr, "warning: lab.seed can be read by others\nhint: chmod 600 lab.seed\n");
        assert_eq!(code, Some(0));
    }
    for mode in [0o600, 0o400, 0o611] {
        desk.set_mode("lab.seed", mode);
        desk.succeed(BUILD);
    }
}

#[test]
fn a_seed_that_others_can_write_is_refused() {
    let desk = Desk::new();
    let take = "hint: --allow-weak-seed takes it all the same\n";
    let id = "`certferry seed id lab.seed` must print the `seed_id` that is in the lock";
    let told = format!("lab.seed can be written by others\nhint: chmod 600 lab.seed; {id}\n");
    for mode in [0o602, 0o620, 0o660, 0o666] {
        desk.set_mode("lab.seed", mode);
        for line in [BUILD, "build lab.toml --new-seed lab.seed --plain --out out"] {
            desk.refuse(line, 2, &format!("error: {told}{take}"));
        }
        let Ended { code, stderr, .. } = desk.run("seed id lab.seed");
        assert_eq!((code, stderr), (Some(0), format!("warning: {told}")));
    }
    desk.set_mode("lab.seed", 0o620);
    desk.succeed(&format!("{BUILD} --allow-weak-seed"));

    // Whoever may write to a folder can put another file there.
    let desk = Desk::new();
    for folder in ["a", "a/b", "a/b/c"] {
        fs::create_dir(desk.path(folder)).unwrap();
        desk.set_mode(folder, 0o755);
    }
    fs::rename(desk.path("lab.seed"), desk.path("a/b/c/lab.seed")).unwrap();
    symlink("a/b/c/lab.seed", desk.path("linked.seed")).unwrap();
    for (folder, mode) in [("a", 0o777), ("a/b", 0o757), ("a/b/c", 0o777), ("a/b/c", 0o775)] {
        desk.set_mode(folder, mode);
        for seed in ["a/b/c/lab.seed", "linked.seed"] {
            let path = desk.path(folder).canonicalize().unwrap();
            let path = path.display();
            desk.refuse(
                &format!("build lab.toml --seed {seed} --out out"),
                2,
                &format!(
                    "error: others can put another file in the place of {seed}: they may write to {path}\n\
                     hint: move it to a folder of your own, or chmod go-w {path}; `certferry seed id {seed}` must \
                     print the `seed_id` that is in the lock\n{take}"
                ),
            );
        }
        // But for a sticky one.
        desk.set_mode(folder, 0o1777);
        desk.succeed("build lab.toml --seed linked.seed --out out");
        desk.set_mode(folder, 0o755);
    }
    // A new one is not made there either.
    desk.set_mode("a", 0o777);
    let path = desk.path("a").canonicalize().unwrap();
    let told = format!(
        "others can put another file in the place of a/new.seed: they may write to {path}\n\
         hint: choose a folder of your own, or chmod go-w {path}\n",
        path = path.display()
    );
    desk.refuse("build lab.toml --new-seed a/new.seed --plain --out out", 2, &format!("error: {told}{take}"));
    let Ended { code, stderr, .. } = desk.run("seed new a/new.seed --plain");
    assert_eq!((code, stderr), (Some(0), format!("warning: {told}")));
    // A pipe has no folder.
    fs::create_dir(desk.path("open")).unwrap();
    desk.set_mode("open", 0o777);
    let ended = desk.watch(&mut desk.wrapped(
        &["bash", "-c", "cd open; cat ../linked.seed | \"$0\" \"$@\""],
        "build ../lab.toml --seed - --out ../out --locked",
    ));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

/// A group of a user's own, which has the user's number, has nobody else in it.
#[test]
fn a_folder_of_the_users_own_group_is_no_others() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let desk = Desk::new();
    desk.set_mode("", 0o775);
    chown(desk.path(""), Some(7), Some(7)).unwrap();
    desk.succeed(BUILD);
    chown(desk.path(""), Some(7), Some(8)).unwrap();
    let ended = desk.run(BUILD);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.starts_with("error: others can put another file in the place of lab.seed: "),
        "{}",
        ended.stderr
    );
    chown(desk.path(""), Some(0), Some(0)).unwrap();
    desk.set_mode("", 0o700);
}

#[test]
fn a_seed_of_a_visible_pattern_is_refused() {
    let desk = Desk::new();
    let text = |digits: &str| digits.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (digits, pattern) in [
        ("0123456789abcdef".repeat(4), "its digits repeat themselves"),
        ("deadbeef".repeat(8), "its digits repeat themselves"),
        (format!("{}01", "00".repeat(31)), "its digits repeat themselves"),
        ((0..32).map(|byte| format!("{byte:02x}")).collect(), "its numbers are counted up or down"),
        ((0..32).map(|byte| format!("{:02x}", 255 - byte)).collect(), "its numbers are counted up or down"),
        (text("The quick brown fox jumps over 1"), "its bytes are text"),
        (text("correct horse battery staple\0\0\0\0"), "its bytes are text"),
    ] {
        desk.write("weak.seed", format!("certferry-seed-1:{digits}\n"));
        desk.set_mode("weak.seed", 0o600);
        let told = format!(
            "weak.seed is a seed that can be guessed: {pattern}, so no random generator made it\n\
             hint: make one with `certferry seed new FILE`: whoever guesses a seed has every key\n"
        );
        let take = "hint: --allow-weak-seed takes it all the same\n";
        for line in ["build lab.toml --seed weak.seed", "build lab.toml --new-seed weak.seed --plain"] {
            desk.refuse(line, 2, &format!("error: {told}{take}"));
        }
        let Ended { code, stderr, .. } = desk.run("seed id weak.seed");
        assert_eq!((code, stderr), (Some(0), format!("warning: {told}")));
    }
    desk.succeed("build lab.toml --seed weak.seed --out out --allow-weak-seed");
}

/// Messages quote the file they complain about; a seed must not be quoted.
#[test]
fn exchanged_arguments_show_no_secret() {
    let desk = Desk::new();
    let text = |file: &str, expected: &str, found: &str| {
        format!(
            "error: {file} is not {expected}: there is {found} in it\n\
             hint: nothing of it is shown here; were two arguments exchanged?\n"
        )
    };
    desk.refuse("build lab.seed --seed lab.toml", 2, &text("lab.seed", "a profile", "a seed"));
    desk.refuse("build lab.toml --seed lab.seed --lock lab.seed", 2, &text("lab.seed", "a lock", "a seed"));
    desk.write("pasted-seed.toml", format!("{PROFILE}\nseed = \"certferry-seed-1:{CANARY}\"\n"));
    desk.refuse("build pasted-seed.toml --seed lab.seed", 2, &text("pasted-seed.toml", "a profile", "a seed"));
    fs::remove_file(desk.path("pasted-seed.toml")).unwrap();
    desk.write("ca.key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n");
    desk.refuse("build ca.key --seed lab.seed", 2, &text("ca.key", "a profile", "a private key"));
    desk.refuse(
        "build lab.toml --seed lab.toml",
        2,
        "\
error: lab.toml is not a seed: it does not begin with `certferry-seed-1:`
hint: a seed is `certferry-seed-1:` and 64 lower-case hex digits, and its id on a second line
",
    );
    let typed = "\
error: a seed was given instead of the name of its file
hint: other users and the shell's history can see arguments: make a new seed with `certferry seed new FILE`
";
    for command in ["build lab.toml --seed", "build lab.toml --new-seed", "seed new", "seed id"] {
        desk.refuse(&format!("{command} certferry-seed-1:{CANARY}"), 2, typed);
    }
}

#[test]
fn a_new_seed_needs_a_file_of_its_own() {
    let desk = Desk::new();
    let text = "\
error: a new seed is not written to the standard output
hint: name a file that does not exist; it gets mode 0600
";
    desk.refuse("build lab.toml --new-seed - --out out", 2, text);
    desk.refuse("seed new -", 2, text);
    desk.refuse(
        "build lab.toml --new-seed x --plain --lock x --out out",
        2,
        "error: x cannot be both the seed and the lock\n",
    );
    desk.refuse(
        "build lab.toml --new-seed none/new.seed --plain --out out",
        2,
        "error: cannot create none/new.seed: no such file or directory\n",
    );
}

#[test]
fn no_new_seed_is_left_when_the_rest_cannot_be_written() {
    let desk = Desk::new();
    desk.write("file", "");
    let line = "build lab.toml --new-seed new.seed --plain";
    desk.refuse(&format!("{line} --out file"), 2, "error: cannot write to file: not a directory\n");
    desk.refuse(&format!("{line} --out file/out"), 2, "error: cannot create file/out: not a directory\n");
    desk.refuse(
        &format!("{line} --out out --lock file/lock"),
        2,
        "error: cannot read the lock file/lock: not a directory\n",
    );
    fs::create_dir(desk.path("taken")).unwrap();
    for name in ["lab-g1.tar.gz", "lab-g1.tar.gz.sig", "lab.pub"] {
        desk.write(&format!("taken/{name}"), "other bytes");
        desk.refuse(
            &format!("{line} --out taken"),
            2,
            &format!(
                "\
error: taken/{name} exists with other bytes
hint: raise `generation` in [cluster], or write to another folder with --out; a bundle is never overwritten
"
            ),
        );
        fs::remove_file(desk.path(&format!("taken/{name}"))).unwrap();
    }
    desk.refuse(
        &format!("{line} --out taken --locked"),
        2,
        "\
error: --locked, but there is no lock lab.lock.toml
hint: the first build writes it; name another with --lock FILE
",
    );
}
