//! The bytes of a small bundle, put together here by hand, without the writer's own code.

use super::{Mode, Part, PartOwner, Role, Sha256, description, file, head, members, owner, read, signature, write};
use crate::bundle::{ArchiveKind, VerifiedArchive};

const INDEX: &str = r#"{
  "cluster": "prod-1",
  "cluster_id": "000102030405060708090a0b0c0d0e0f",
  "format": 1,
  "generation": 1,
  "issued_at": "2026-11-22",
  "kubernetes": "1.24.15",
  "partial": false,
  "parts": [
    {"part": "node/w-1", "sha256": "22474ec29c749a46b5208cad9d39a65e186dca9c187f3e730c35228fd0ffafbb"},
    {"part": "cluster", "sha256": "93ace06430b2e83694a254290e4deb5e930b25dc7c060c6cf4e3e25eaf4243ce"}
  ],
  "phase": 0,
  "profile_sha256": "a1af1bccf46862c1ce45d1064094b00a0808329540e06a44bcedd8c921849f1e"
}
"#;

const NODE: &str = r#"{
  "addresses": [
    "192.168.1.11"
  ],
  "cluster": "prod-1",
  "cluster_id": "000102030405060708090a0b0c0d0e0f",
  "files": [
    {"mode": "0600", "path": "etc/kubernetes/kubelet.conf", "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "size": 3}
  ],
  "format": 1,
  "generation": 1,
  "issued_at": "2026-11-22",
  "kubernetes": "1.24.15",
  "names": [
    "w-1"
  ],
  "part": "node/w-1",
  "phase": 0,
  "role": "worker"
}
"#;

const CLUSTER: &str = r#"{
  "cluster": "prod-1",
  "cluster_id": "000102030405060708090a0b0c0d0e0f",
  "files": [
    {"mode": "0644", "path": "profile.toml", "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "size": 0}
  ],
  "format": 1,
  "generation": 1,
  "issued_at": "2026-11-22",
  "kubernetes": "1.24.15",
  "part": "cluster",
  "phase": 0
}
"#;

/// Encodes an entry as POSIX describes it, field by field at its offset.
fn entry(path: &str, mode: &str, kind: &str, content: &[u8]) -> Vec<u8> {
    let mut entry = vec![0; 512];
    let size = format!("{:011o}\0", content.len());
    for (offset, field) in [
        (0, path),
        (100, mode),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (124, &size),
        (136, "15300430200\0"),
        (148, "        "),
        (156, kind),
        (257, "ustar\x0000"),
    ] {
        entry[offset..offset + field.len()].copy_from_slice(field.as_bytes());
    }
    let sum: u32 = entry.iter().map(|byte| u32::from(*byte)).sum();
    entry[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn folder(path: &str) -> Vec<u8> {
    entry(path, "0000755\0", "5", b"")
}

fn signed(path: &str, content: &str) -> Vec<u8> {
    let content = content.as_bytes();
    let public = |path: &str, content: &[u8]| entry(path, "0000644\0", "0", content);
    [public(path, content), public(&format!("{path}.sig"), &signature(1, content))].concat()
}

fn small_bundle() -> Vec<Part> {
    let node = vec![file("etc/kubernetes/kubelet.conf", Mode::Private, b"abc")];
    let cluster = vec![file("profile.toml", Mode::Public, b"")];
    vec![
        Part::new(owner("w-1", Role::Worker), node).ok().unwrap(),
        Part::new(PartOwner::Cluster, cluster).ok().unwrap(),
    ]
}

#[test]
fn writes_the_bundle_made_by_hand() {
    let expected = [
        [folder("prod-1-g1/"), signed("prod-1-g1/manifest.json", INDEX), folder("prod-1-g1/nodes/")].concat(),
        [
            signed("prod-1-g1/nodes/w-1.json", NODE),
            folder("prod-1-g1/nodes/w-1/"),
            folder("prod-1-g1/nodes/w-1/etc/kubernetes/"),
            entry("prod-1-g1/nodes/w-1/etc/kubernetes/kubelet.conf", "0000600\0", "0", b"abc"),
        ]
        .concat(),
        [signed("prod-1-g1/cluster.json", CLUSTER), entry("prod-1-g1/cluster/profile.toml", "0000644\0", "0", b"")]
            .concat(),
        vec![0; 1024],
    ];
    let (bytes, written) = write(description(head()), &small_bundle());
    for (number, (found, expected)) in members(&bytes).iter().zip(&expected).enumerate() {
        assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string(), "member {number}");
    }
    let tar = expected.concat();
    assert_eq!(members(&bytes).concat(), tar);
    assert_eq!(written.file_sha256, Sha256::of(&bytes));
    assert_eq!(written.size, bytes.len() as u64);
}

/// The tar stream and the compressed bytes are contracts of their own.
#[test]
fn writes_the_pinned_bytes() {
    let (bytes, written) = write(description(head()), &small_bundle());
    let content = Sha256::of(&members(&bytes).concat());
    assert_eq!(content.to_string(), "4deb0468d1ac1d218ca000e30d24ad2c40908e91f641c927837791cec51bcc78");
    assert_eq!(written.file_sha256.to_string(), "59db98e629a0fa1c74355cef284c362bf991bc8912e7108e8cb8470275734bba");
}

#[test]
fn reads_it_back() {
    let (bytes, _) = write(description(head()), &small_bundle());
    let outcome = read(&bytes);
    let expected =
        [(Sha256::of(NODE.as_bytes()), Sha256::of(b"abc")), (Sha256::of(CLUSTER.as_bytes()), Sha256::of(b""))];
    assert_eq!(outcome.parts, expected);
    let archive: VerifiedArchive = outcome.result.unwrap();
    assert_eq!(
        (archive.kind(), archive.parts(), archive.content_sha256()),
        (ArchiveKind::Whole, 2, Sha256::of(&members(&bytes).concat()))
    );
}
