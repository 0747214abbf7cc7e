//! Somebody else's programs open a sealed bundle: GNU tar and openssl, Debian's age, age-encryption of npm.

use std::fs;
use std::path::Path;

use certferry::seal::Kind;

use super::{Opener, seal};
use crate::common::node::FIRST;
use crate::common::{certferry, files, succeed, tool};
use crate::seal::{node, npm, pipe};

/// Unpacks a sealed bundle with GNU tar; returns its top folder.
fn untar(folder: &Path) -> std::path::PathBuf {
    let sealed = folder.join("sealed/lab-g1.sealed.tar");
    succeed(tool("tar").arg("-xf").arg(sealed).arg("-C").arg(folder));
    folder.join("lab-g1")
}

/// The slice of a part, as `split` writes it.
fn slice(folder: &Path, name: &str, arguments: &[&str]) -> Vec<u8> {
    let out = folder.join(format!("{name}.tar.gz"));
    succeed(certferry().arg("split").arg(&FIRST.archive).args(arguments).arg("--out").arg(&out));
    fs::read(out).unwrap()
}

#[test]
fn tar_openssl_and_debians_age_open_what_is_sealed_with_x25519() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [cp, worker, office] = ["cp", "worker", "office"].map(|name| Opener::new(folder, name, Kind::X25519));
    let mut command = seal(folder);
    command.arg("--to").arg(cp.of("cp-1")).arg("--to").arg(worker.of("worker-1"));
    succeed(command.arg("--cluster-to").arg(&office.recipient));
    let top = untar(folder);
    let names = ["cluster.tar.gz.age", "manifest.json", "manifest.json.sig"];
    let nodes = ["nodes/cp-1.tar.gz.age", "nodes/worker-1.tar.gz.age"];
    assert_eq!(files(&top), names.iter().chain(&nodes).copied().collect::<Vec<_>>());
    for name in ["manifest.json", "manifest.json.sig"] {
        let plain = pipe(tool("tar").arg("-xOzf").arg(&FIRST.archive).arg(format!("lab-g1/{name}")), b"");
        assert!(fs::read(top.join(name)).unwrap() == plain, "{name}");
    }
    // Both signatures, with the key that lies beside.
    for (file, signature) in [
        ("lab-g1/manifest.json", "lab-g1/manifest.json.sig"),
        ("sealed/lab-g1.sealed.tar", "sealed/lab-g1.sealed.tar.sig"),
    ] {
        let mut openssl = tool("openssl");
        openssl.args(["dgst", "-sha256", "-verify"]).arg(folder.join("sealed/lab.pub")).arg("-signature");
        succeed(openssl.arg(folder.join(signature)).arg(folder.join(file)));
    }
    let parts = [
        (&cp, "nodes/cp-1", &["--node", "cp-1"][..]),
        (&worker, "nodes/worker-1", &["--node", "worker-1"]),
        (&office, "cluster", &["--with-cluster"]),
    ];
    for (number, (opener, part, arguments)) in parts.into_iter().enumerate() {
        let envelope = fs::read(top.join(format!("{part}.tar.gz.age"))).unwrap();
        let opened = pipe(tool("age").arg("--decrypt").arg("-i").arg(&opener.file), &envelope);
        assert!(opened == slice(folder, &number.to_string(), arguments), "{part}");
        // Nobody else opens it.
        for other in [&cp, &worker, &office].into_iter().filter(|other| other.recipient != opener.recipient) {
            let mut age = tool("age");
            age.arg("--decrypt").arg("-i").arg(&other.file).arg(top.join(format!("{part}.tar.gz.age")));
            assert!(!crate::common::run(&mut age).status.success(), "{part}");
        }
    }
}

#[test]
fn age_encryption_opens_what_is_sealed_with_the_hybrid() {
    let Some(packages) = npm() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [cp, everybody] = ["cp", "everybody"].map(|name| Opener::new(folder, name, Kind::Hybrid));
    let mut command = seal(folder);
    succeed(command.arg("--to").arg(cp.of("cp-1")).args(everybody.of_all()));
    let top = untar(folder);
    let envelope = fs::read(top.join("nodes/cp-1.tar.gz.age")).unwrap();
    let wanted = slice(folder, "cp-1", &["--node", "cp-1"]);
    for opener in [&cp, &everybody] {
        let opened = pipe(node("age.mjs", &packages).args(["open", "identity", &opener.secret, "binary"]), &envelope);
        assert!(opened == wanted);
    }
    let envelope = fs::read(top.join("cluster.tar.gz.age")).unwrap();
    let mut open = node("age.mjs", &packages);
    let opened = pipe(open.args(["open", "identity", &everybody.secret, "binary"]), &envelope);
    assert!(opened == slice(folder, "cluster", &["--with-cluster"]));
}
