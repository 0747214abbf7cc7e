//! Whoever has a bundle, a part of it, or a node.

use std::collections::BTreeSet;

use super::forgery::{believed, forges};
use super::{refused, secrets_below, secrets_in, victim};
use crate::canary::lab::LAB;
use crate::canary::sealed_build;
use crate::common::desk::Desk;
use crate::common::{run, succeed, tool, write};

const PKI: &str = "tree/etc/kubernetes/pki";

fn unpacked(desk: &Desk, node: &str) {
    desk.succeed(&format!("unpack out/lab-g1.tar.gz --key out/lab.pub --node {node} --root tree"));
}

#[test]
fn a_stick_with_a_bundle_in_the_clear() {
    let desk = victim();
    let found = secrets_in(&desk.read("out/lab-g1.tar.gz"));
    let expected: BTreeSet<String> =
        ["node/cp-1", "node/w-1", "cluster"].iter().flat_map(|part| LAB.keys_of(part).into_values()).collect();
    assert_eq!(found, expected, "all keys of the cluster, and neither the seed nor the signer's key");
    succeed(tool("tar").args(["-xzf", "out/lab-g1.tar.gz"]).current_dir(desk.path("")));
    let pki = "lab-g1/nodes/cp-1/etc/kubernetes/pki";
    assert!(forges(&desk, &format!("{pki}/ca.crt"), &format!("{pki}/ca.key")));
    // What he changes on it is found: one byte of a file, all else packed as before.
    let mut tar = succeed_bytes(tool("gzip").args(["-dc", "out/lab-g1.tar.gz"]).current_dir(desk.path("")));
    let place = tar.windows(22).position(|window| window == b"system:kube-controller").unwrap_or(tar.len() / 2);
    tar[place] ^= 1;
    desk.write("changed.tar", tar);
    succeed(tool("gzip").args(["-n", "changed.tar"]).current_dir(desk.path("")));
    let said = refused(&desk, "verify changed.tar.gz --key out/lab.pub");
    assert!(said.starts_with("error: "), "{said}");
}

fn succeed_bytes(command: &mut std::process::Command) -> Vec<u8> {
    let output = run(command);
    assert!(output.status.success());
    output.stdout
}

#[test]
fn a_stick_with_a_sealed_bundle() {
    let owners = sealed_build::owners();
    let desk = sealed_build::desk(&owners);
    desk.succeed(&format!("build lab.toml --seed sealed.seed {} --out out --quiet", LAB.open()));
    assert!(secrets_below(&desk, "out").is_empty());
    // Names are in the clear.
    let sealed = desk.read("out/lab-g1.sealed.tar");
    assert!(sealed.windows(4).any(|window| window == b"cp-1"));
    succeed(tool("tar").args(["-xf", "out/lab-g1.sealed.tar"]).current_dir(desk.path("")));
    let stick = tempfile::tempdir().unwrap();
    let own = write(stick.path(), "own.key", &sealed_build::owners()[1].identity.to_text(), 0o600);
    for owner in &owners {
        let mut age = tool("age");
        age.arg("--decrypt").arg("-i").arg(&own).arg(desk.path("lab-g1").join(owner.envelope));
        assert!(!run(&mut age).status.success(), "{}", owner.part);
    }
    // A changed one is seen by its signature, with openssl alone.
    let verified = |name: &str| {
        let words = ["dgst", "-sha256", "-verify", "out/lab.pub", "-signature", "out/lab-g1.sealed.tar.sig", name];
        run(tool("openssl").args(words).current_dir(desk.path(""))).status.success()
    };
    assert!(verified("out/lab-g1.sealed.tar"));
    let mut changed = sealed;
    let place = changed.len() / 2;
    changed[place] ^= 1;
    desk.write("changed", changed);
    assert!(!verified("changed"));
}

#[test]
fn the_identity_of_a_node() {
    let owners = sealed_build::owners();
    let desk = sealed_build::desk(&owners);
    desk.succeed(&format!("build lab.toml --seed sealed.seed {} --out out --quiet", LAB.open()));
    succeed(tool("tar").args(["-xf", "out/lab-g1.sealed.tar"]).current_dir(desk.path("")));
    let stick = tempfile::tempdir().unwrap();
    let stolen = write(stick.path(), "w-1.key", &owners[1].identity.to_text(), 0o600);
    for owner in &owners {
        let mut age = tool("age");
        age.arg("--decrypt").arg("-i").arg(&stolen).arg(desk.path("lab-g1").join(owner.envelope));
        let output = run(&mut age);
        let keys = LAB.keys_of(owner.part).into_values().collect();
        let opened = output.status.success().then(|| secrets_in(&output.stdout));
        assert_eq!(opened, (owner.part == "node/w-1").then_some(keys), "{}", owner.part);
    }
}

/// That the API server lets its kubelet do nothing for another is
/// `kube_a_kubelet_may_change_its_own_node_and_no_other`.
#[test]
fn a_worker() {
    let desk = victim();
    unpacked(&desk, "w-1");
    let names = ["key node/w-1/kubelet", "key node/w-1/kubelet-client"].map(str::to_owned);
    assert_eq!(secrets_below(&desk, "tree"), names.clone().into());
    let kubelet = "tree/var/lib/kubelet/pki";
    let client = format!("{kubelet}/kubelet-client-current.pem");
    // He is this node ...
    let said = succeed(tool("openssl").args(["x509", "-noout", "-subject", "-in", &client]).current_dir(desk.path("")));
    assert_eq!(said.replace(' ', ""), "subject=O=system:nodes,CN=system:node:w-1\n");
    assert!(believed(&desk.path(""), &format!("{PKI}/ca.crt"), &client));
    // ... and makes nobody else of himself.
    for key in [client, format!("{kubelet}/kubelet.key")] {
        assert!(!forges(&desk, &format!("{PKI}/ca.crt"), &key), "{key}");
        assert!(!signs_below(&desk, &key), "{key}");
    }
}

/// Whether a certificate that the node's own one has signed is believed.
fn signs_below(desk: &Desk, key: &str) -> bool {
    let leaf = key.replace(".key", ".crt");
    let sign = format!("x509 -req -in thief.csr -CA {leaf} -CAkey {key} -set_serial 8 -days 3650 -out below.crt");
    succeed(tool("openssl").args(sign.split(' ')).current_dir(desk.path("")));
    let mut openssl = tool("openssl");
    openssl.args(["verify", "-no_check_time", "-CAfile", &format!("{PKI}/ca.crt"), "-untrusted", &leaf, "below.crt"]);
    run(openssl.current_dir(desk.path(""))).status.success()
}

#[test]
fn a_control_plane() {
    let desk = victim();
    unpacked(&desk, "cp-1");
    let found = secrets_below(&desk, "tree");
    assert_eq!(found, LAB.keys_of("node/cp-1").into_values().collect(), "not the seed, not the signer's key");
    assert!(forges(&desk, &format!("{PKI}/ca.crt"), &format!("{PKI}/ca.key")));

    // Where no CA's key goes out, it makes nobody either.
    let desk = LAB.desk();
    let profile = desk.text("lab.toml").replace("[keys]\n", "[ca_keys]\nship_to = \"none\"\n\n[keys]\n");
    desk.write("lab.toml", profile);
    let ended = desk.run(&format!("build lab.toml --seed sealed.seed {} --out out", LAB.open()));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    unpacked(&desk, "cp-1");
    let found = secrets_below(&desk, "tree");
    assert!(!found.is_empty() && !found.iter().any(|name| name.starts_with("key ca/")), "{found:?}");
    for name in desk.names("tree").iter().filter(|name| name.ends_with(".key")) {
        assert!(!forges(&desk, &format!("{PKI}/ca.crt"), &format!("tree/{name}")), "{name}");
    }
}
