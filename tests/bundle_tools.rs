//! Other people's tools read what the writer writes: GNU tar, busybox tar, openssl. A tool that is missing fails the
//! test, so that nobody mistakes a machine without it for a proof.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};

use certferry::bundle::{
    Content, Description, File, Head, Hex, KUBELET_CLIENT_LINK, Mode, Node, Part, PartOwner, Sha256, Writer,
};
use certferry::kubernetes::{CertificatesDir, Role};
use certferry::sign::{PublicKey, SigningFailed};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use tempfile::TempDir;
use time::macros::date;

const STORE: &str = "kubelet-client-2026-11-22-00-00-00.pem";
/// With this name the paths of the kubelet's store have more than 100 bytes, so that ustar splits them.
const LONG: &str = "worker-with-a-long-name-001.rack-07.site-a.corp.internal";

fn key() -> SigningKey {
    SigningKey::from_slice(&[1; 32]).unwrap()
}

fn sign(_: &str, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
    let signature: DerSignature = key().try_sign(message).map_err(|_| SigningFailed::Key)?;
    Ok(signature.as_bytes().to_vec())
}

fn file(path: &str, mode: Mode, content: &[u8]) -> File {
    File::Regular { path: path.to_owned(), mode, content: Content::new(content.to_vec()) }
}

fn node(name: &str) -> Part {
    let owner = PartOwner::Node(Node {
        name: name.to_owned(),
        role: Role::ControlPlane,
        names: vec![name.to_owned()],
        addresses: vec!["192.168.1.11".parse().unwrap()],
        certificates_dir: CertificatesDir::default(),
    });
    let files = vec![
        file("etc/kubernetes/admin.conf", Mode::Private, b"kind: Config\n"),
        file("etc/kubernetes/pki/ca.crt", Mode::Public, &[b'c'; 1500]),
        file("etc/kubernetes/pki/etcd/ca.key", Mode::Private, b""),
        file(&format!("var/lib/kubelet/pki/{STORE}"), Mode::Private, &[b'p'; 512]),
        File::Link { path: KUBELET_CLIENT_LINK.to_owned(), target: STORE.to_owned() },
    ];
    Part::new(owner, files).ok().unwrap()
}

/// A folder with `prod-1-g1.tar.gz` and `prod-1.pub`.
fn bundle() -> TempDir {
    let cluster = vec![file("users/a%2Fb@c.conf", Mode::Private, b"kind: Config\n")];
    let parts = [node("cp-1"), node(LONG), Part::new(PartOwner::Cluster, cluster).ok().unwrap()];
    let head = Head {
        cluster: "prod-1".to_owned(),
        cluster_id: Hex([7; 16]),
        generation: 1,
        kubernetes: "1.24.15".to_owned(),
        issued_at: date!(2026 - 11 - 22),
        phase: None,
    };
    let description = Description { head, partial: false, profile_sha256: Sha256::of(b"") };
    let mut writer = Writer::new(description, Cursor::new(Vec::new())).unwrap();
    writer.add(parts.len(), |number| Ok(&parts[number]), &sign).unwrap();
    let mut collected = writer.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = fs::File::create(folder.path().join(collected.file_name())).unwrap();
    collected.write(&sign, output).unwrap();
    let der = p256::PublicKey::from(key().verifying_key()).to_public_key_der().unwrap();
    let public = PublicKey::from_der(der.as_bytes()).unwrap();
    fs::write(folder.path().join("prod-1.pub"), public.to_pem()).unwrap();
    folder
}

/// Runs a line of shell in the folder, as an operator would.
fn shell(folder: &Path, line: &str) -> Output {
    let tool = line.split_whitespace().next().unwrap();
    let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
    assert!(found.status.success(), "{tool} is not installed; this test needs it");
    Command::new("sh")
        .args(["-c", &format!("umask 022; {line}")])
        .current_dir(folder)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .unwrap()
}

fn succeeds(folder: &Path, line: &str) -> String {
    let output = shell(folder, line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{line}: {}: {said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn gnu_tar_lists_exactly_the_entries() {
    let folder = bundle();
    let listing = succeeds(folder.path(), "tar --numeric-owner -tvf prod-1-g1.tar.gz");
    let signed = |path: &str| [format!("-rw-r--r-- {path}.json"), format!("-rw-r--r-- {path}.json.sig")];
    let mut expected = vec!["drwxr-xr-x prod-1-g1/".to_owned()];
    expected.extend(signed("prod-1-g1/manifest"));
    expected.push("drwxr-xr-x prod-1-g1/nodes/".to_owned());
    for name in ["cp-1", LONG] {
        let tree = format!("prod-1-g1/nodes/{name}");
        expected.extend(signed(&tree));
        for (mode, path) in [
            ("drwxr-xr-x", "/"),
            ("drwxr-xr-x", "/etc/kubernetes/"),
            ("-rw-------", "/etc/kubernetes/admin.conf"),
            ("drwxr-xr-x", "/etc/kubernetes/pki/"),
            ("-rw-r--r--", "/etc/kubernetes/pki/ca.crt"),
            ("drwxr-xr-x", "/etc/kubernetes/pki/etcd/"),
            ("-rw-------", "/etc/kubernetes/pki/etcd/ca.key"),
            ("drwxr-xr-x", "/var/lib/kubelet/pki/"),
            ("-rw-------", &format!("/var/lib/kubelet/pki/{STORE}")),
            ("lrwxrwxrwx", &format!("/{KUBELET_CLIENT_LINK} -> {STORE}")),
        ] {
            expected.push(format!("{mode} {tree}{path}"));
        }
    }
    expected.extend(signed("prod-1-g1/cluster"));
    expected.push("-rw------- prod-1-g1/cluster/users/a%2Fb@c.conf".to_owned());
    let found: Vec<String> = listing
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((fields[1], fields[3], fields[4]), ("0/0", "2026-11-22", "00:00"), "{line}");
            format!("{} {}", fields[0], fields[5..].join(" "))
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn gnu_tar_unpacks_a_node() {
    unpacks("tar");
}

#[test]
fn busybox_tar_unpacks_a_node() {
    unpacks("busybox tar");
}

/// The manual installation that the format promises: files, modes and the link are there, and nothing else.
fn unpacks(tar: &str) {
    let folder = bundle();
    for name in ["cp-1", LONG] {
        let root = folder.path().join(name);
        fs::create_dir(&root).unwrap();
        let said = succeeds(
            folder.path(),
            &format!("{tar} -xzf prod-1-g1.tar.gz -C {name} --strip-components=3 prod-1-g1/nodes/{name}"),
        );
        assert_eq!(said, "");
        let part = node(name);
        for (row, content) in part.files() {
            let path = root.join(row.path());
            let metadata = fs::symlink_metadata(&path).unwrap();
            match row {
                certferry::bundle::Row::File { mode, .. } => {
                    assert_eq!(metadata.mode() & 0o7777, mode.bits(), "{path:?}");
                    assert_eq!(metadata.mtime(), 1_795_305_600, "{path:?}");
                    assert_eq!(fs::read(&path).unwrap(), content, "{path:?}");
                }
                certferry::bundle::Row::Link { target, .. } => {
                    assert_eq!(fs::read_link(&path).unwrap(), Path::new(target));
                    assert_eq!(fs::read(&path).unwrap(), [b'p'; 512]);
                }
            }
        }
        let count = succeeds(&root, "find . ! -type d").lines().count();
        assert_eq!(count, part.rows().len());
    }
}

#[test]
fn openssl_verifies_index_and_records() {
    let folder = bundle();
    succeeds(folder.path(), "tar -xzf prod-1-g1.tar.gz");
    for document in ["manifest.json", "nodes/cp-1.json", &format!("nodes/{LONG}.json"), "cluster.json"] {
        let verify =
            format!("openssl dgst -sha256 -verify prod-1.pub -signature prod-1-g1/{document}.sig prod-1-g1/{document}");
        assert_eq!(succeeds(folder.path(), &verify), "Verified OK\n", "{document}");
        let path = folder.path().join("prod-1-g1").join(document);
        let mut changed = fs::read(&path).unwrap();
        changed[10] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(!shell(folder.path(), &verify).status.success(), "{document}");
    }
}

#[test]
fn sha256sum_agrees_with_the_records() {
    let folder = bundle();
    succeeds(folder.path(), "tar -xzf prod-1-g1.tar.gz");
    // The records are lines, so awk can read them: mode, path, sha256, size in this order.
    let rows = succeeds(
        folder.path(),
        "awk -F'\"' '/^    [{]\"mode\"/ { print $12 \"  \" $8 }' prod-1-g1/nodes/cp-1.json > sums && cat sums",
    );
    assert_eq!(rows.lines().count(), 4);
    let tree = folder.path().join("prod-1-g1/nodes/cp-1");
    assert_eq!(succeeds(&tree, "sha256sum --strict --quiet -c ../../../sums"), "");
    succeeds(
        folder.path(),
        "awk -F'\"' '/^    [{]\"part\": \"node/ { sub(\"node/\", \"nodes/\", $4); print $8 \"  \" $4 \".json\" }' \
         prod-1-g1/manifest.json > sums",
    );
    assert_eq!(succeeds(&folder.path().join("prod-1-g1"), "sha256sum --strict --quiet -c ../sums"), "");
}
