//! `diff`: two bundles, a slice, a node. That it finds what a build changes is held in `changes`.

use std::fs;

use serde_json::json;

use crate::common::desk::{Desk, PROFILE};
use crate::common::{self};
use crate::json::Documents;

const WORKERS: &str = "
[[node_pool]]
role = \"worker\"
names = \"w-[1..3]\"
first_addresses = [\"192.168.11.1\"]
";
const KEY: &str = "--key out/lab.pub";

/// A desk with two generations: another name of the API server, another user, a new CA of the front proxy.
fn two() -> Desk {
    let desk = Desk::new();
    desk.write("lab.toml", format!("{PROFILE}{WORKERS}"));
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let changed = desk.text("lab.toml").replace(
        "issued_at = 2026-11-22\n",
        "issued_at = 2026-11-22\ngeneration = 2\napiserver_cert_sans = [\"vip.lab\"]\n",
    );
    desk.write("lab.toml", changed.replace("alice", "bob") + "\n[ca.front-proxy]\ngeneration = 2\n");
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk
}

const CHANGES: &str = "\
\x20 ~ generation 1 -> 2, in every record
  ~ the profile, in the part cluster
  ~ ca/front-proxy  another key
  - user/alice
  + user/bob
  ~ cluster/kubeadm/init.yaml
  ~ node/cp-1/apiserver  alternative names +DNS:vip.lab
  ~ node/cp-1/front-proxy-client  the key of ca/front-proxy is another

to restart when it is installed:
  kube-apiserver, kube-controller-manager  on cp-1

to hand out from the part cluster:
  kubeadm/init.yaml, users/bob.conf
";

#[test]
fn it_says_what_plan_says_and_why() {
    let desk = two();
    let ended = desk.run(&format!("diff out/lab-g1.tar.gz out/lab-g2.tar.gz {KEY}"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), "error: they differ\n"));
    assert_eq!(ended.stdout, format!("from out/lab-g1.tar.gz to out/lab-g2.tar.gz:\n{CHANGES}"));
    let same = desk.succeed(&format!("diff out/lab-g2.tar.gz out/lab-g2.tar.gz {KEY}"));
    assert_eq!(same, "from out/lab-g2.tar.gz to out/lab-g2.tar.gz: nothing differs\n");
}

/// Of the same, of others, and of a version that needs a binding which the one before did not need.
#[test]
fn its_documents_are_as_their_schema_says() {
    let desk = two();
    let mut documents = Documents::default();
    let mut diff = |line: &str| documents.ends(&mut desk.command(&format!("diff {line} {KEY}")));
    let (code, same, error) = diff("out/lab-g2.tar.gz out/lab-g2.tar.gz");
    assert_eq!((code, &same["differs"], error), (0, &json!(false), json!(null)));
    let (code, other, error) = diff("out/lab-g1.tar.gz out/lab-g2.tar.gz");
    assert_eq!((code, &other["differs"], &error["error"]), (1, &json!(true), &json!("they differ")));
    assert_eq!(other["heads"], json!([{"what": "generation", "before": "1", "after": "2"}]));
    assert_eq!(other["changes"][0], json!({"id": "ca/front-proxy", "change": "changed", "reasons": ["another key"]}));
    desk.write(
        "lab.toml",
        desk.text("lab.toml").replace("1.24.15", "1.29.0").replace("generation = 2\napi", "generation = 3\napi"),
    );
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let (code, newer, _) = diff("out/lab-g2.tar.gz out/lab-g3.tar.gz");
    assert_eq!((code, &newer["new_bindings"]), (1, &json!(["kubeadm:cluster-admins"])));
}

#[test]
fn a_slice_is_compared_with_its_part_alone() {
    let desk = two();
    desk.succeed("split out/lab-g2.tar.gz --node w-2 --out lab-g2-w-2.tar.gz");
    let ended = desk.run(&format!("diff out/lab-g1.tar.gz lab-g2-w-2.tar.gz {KEY}"));
    let expected = "\
from out/lab-g1.tar.gz to lab-g2-w-2.tar.gz:
  ~ generation 1 -> 2, in every record
  no key, no certificate and no kubeconfig changes
";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), expected));
    let missing = format!("diff lab-g2-w-2.tar.gz out/lab-g1.tar.gz {KEY} --node cp-1");
    let error = "error: there is no part node/cp-1 in both: lab-g2-w-2.tar.gz and out/lab-g1.tar.gz\n";
    desk.refuse(&missing, 2, error);
}

#[test]
fn a_bundle_is_compared_with_what_is_on_a_node() {
    let desk = two();
    fs::create_dir(desk.path("root")).unwrap();
    desk.succeed(&format!("apply out/lab-g1.tar.gz {KEY} --node cp-1 --root root"));
    let line = |bundle: &str, more: &str| format!("diff {bundle} root {KEY}{more}");
    let same = desk.succeed(&line("out/lab-g1.tar.gz", ""));
    assert_eq!(same, "from out/lab-g1.tar.gz to root: nothing differs\n");
    let ended = desk.run(&format!("diff root out/lab-g2.tar.gz {KEY}"));
    let expected = "\
from root to out/lab-g2.tar.gz:
  ~ generation 1 -> 2, in every record
  ~ ca/front-proxy  another key
  ~ node/cp-1/apiserver  alternative names +DNS:vip.lab
  ~ node/cp-1/front-proxy-client  the key of ca/front-proxy is another

to restart when it is installed:
  kube-apiserver, kube-controller-manager  on cp-1
";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), expected));
    // Somebody has renewed and removed files since.
    fs::remove_file(desk.path("root/etc/kubernetes/admin.conf")).unwrap();
    let (old, new) = ("etc/kubernetes/pki/apiserver.crt", "etc/kubernetes/pki/front-proxy-client.crt");
    fs::copy(desk.path(&format!("root/{new}")), desk.path(&format!("root/{old}"))).unwrap();
    fs::write(desk.path("root/etc/kubernetes/pki/dex.crt"), "somebody's own\n").unwrap();
    let ended = desk.run(&line("out/lab-g1.tar.gz", ""));
    assert!(ended.stdout.contains("  - node/cp-1/admin.conf\n"), "{}", ended.stdout);
    let renewed = "  ~ node/cp-1/apiserver  another key; subject CN=kube-apiserver -> CN=front-proxy-client; ";
    assert!(ended.stdout.contains(renewed) && !ended.stdout.contains("dex"), "{}", ended.stdout);
    // A node that certferry has not installed does not say which it is.
    fs::remove_dir_all(desk.path("root/etc/kubernetes/.certferry")).unwrap();
    let hint = "hint: certferry has not installed it; name the node with --node NAME\n";
    desk.refuse(&line("out/lab-g1.tar.gz", ""), 2, &format!("error: root does not say which node it is\n{hint}"));
    let ended = desk.run(&line("out/lab-g1.tar.gz", " --node cp-1"));
    assert!(ended.stdout.contains(renewed), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let desk = two();
    desk.refuse(
        &format!("diff nope.tar.gz out/lab-g2.tar.gz {KEY}"),
        2,
        "error: cannot read nope.tar.gz: no such file or directory\n",
    );
    desk.refuse(
        &format!("diff out/lab-g1.tar.gz lab.toml {KEY}"),
        2,
        "error: lab.toml is neither a bundle nor a folder\n\
         hint: name bundles, slices, or the root of a node's files\n",
    );
    desk.refuse(
        "diff out/lab-g1.tar.gz out/lab-g2.tar.gz",
        2,
        "error: out/lab-g1.tar.gz is a bundle: nothing in it is believed before its signatures hold\n\
         hint: add --key with the public key's file or its fingerprint `sha256:...`, as `certferry build` printed it\n",
    );
    desk.refuse(
        &format!("diff out/lab-g1.tar.gz out/lab-g2.tar.gz {KEY} {KEY} {KEY}"),
        2,
        "error: --key is given more than twice\nhint: once for both, or one for each\n",
    );
    fs::create_dir(desk.path("empty")).unwrap();
    desk.refuse(
        &format!("diff out/lab-g1.tar.gz empty {KEY}"),
        2,
        "error: empty holds neither etc/kubernetes nor var/lib/kubelet\n\
         hint: name the root of a node's files, /etc/kubernetes, a pki folder, or single files\n",
    );
    // A changed byte is refused, and not compared.
    let mut bytes = desk.read("out/lab-g2.tar.gz");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    desk.write("lab-g3.tar.gz", bytes);
    let ended = desk.run(&format!("diff out/lab-g1.tar.gz lab-g3.tar.gz {KEY}"));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    common::desk::assert_secret_is_kept(&ended.stderr, "stderr");
}
