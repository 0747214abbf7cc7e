//! What a rotation refuses, each time with every file as it was.

use super::{BUILD, ROTATES, profile, rotating};

/// Changes that are made beside the rotation.
#[test]
fn whoever_rotates_changes_nothing_else() {
    let desk = rotating();
    let hint = "hint: a rotation changes who is trusted and nothing else: say in `previous` what the old CA is, as the lock \
                has it; make every other change at a generation of its own, before the rotation or after it\n";
    let refused = |from: &str, to: &str, what: &str| {
        let own = profile(2, ROTATES);
        assert!(own.contains(from), "{from}");
        desk.write("lab.toml", own.replacen(from, to, 1));
        let error = format!("error: the build rotates, and changes something else at once: {what}\n{hint}");
        desk.refuse(BUILD, 1, &error);
    };
    refused(
        "generation = 2\n",
        "generation = 2\napiserver_cert_sans = [\"vip.lab\"]\n",
        "node/cp-1/apiserver changed: alternative names +DNS:vip.lab",
    );
    refused("[[etcd_client]]", "[[user]]\nname = \"bob\"\n\n[[etcd_client]]", "user/bob is new");
    refused("\n[[node]]\nname = \"worker-1\"", "\n[[node]]\nname = \"worker-9\"", "node/worker-1/kubelet is gone");
}

/// The three bundles are one build: nothing is written when one of them cannot be.
#[test]
fn phases_stand_at_a_generation_of_their_own() {
    let desk = rotating();
    desk.write("lab.toml", profile(1, ROTATES));
    desk.refuse(
        BUILD,
        1,
        "error: the record of node/cp-1 would change at generation 1\nhint: raise `generation` in [cluster]; while nothing \
         was carried to a node yet, --same-generation will do\n",
    );
    assert!(!desk.exists("out/lab-g1-p1.tar.gz"));
}

#[test]
fn what_makes_one_file_of_one_bundle_is_refused() {
    let desk = rotating();
    desk.refuse(
        "build lab.toml --seed lab.seed --out out --split slices",
        2,
        "error: --split with a profile that rotates: there are three bundles, one of each phase\nhint: `certferry split \
         BUNDLE` cuts each of them afterwards, sealed or not\n",
    );
}

/// A rotation whose `previous` is not what the cluster has would leave everybody alone with what nobody trusts.
#[test]
fn previous_is_what_the_lock_has() {
    let desk = rotating();
    let etcd = "[ca.etcd]\ngeneration = 2\nprevious = { generation = 1 }";
    let other = "[ca.etcd]\ngeneration = 3\nprevious = { generation = 2 }";
    desk.write("lab.toml", profile(2, &ROTATES.replace(etcd, other)));
    let ended = desk.run(BUILD);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let first = ended.stderr.lines().next().unwrap();
    assert_eq!(
        first,
        "error: the build rotates, and changes something else at once: ca/etcd changed: generation 1 -> 2"
    );
}
