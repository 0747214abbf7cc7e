//! Tests of the room as a whole: golden bytes, and every way to tamper that we could think of.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

mod golden;
mod refused;
mod tampered;
mod written;

use std::io::{Cursor, Read};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;

use super::{
    BundleError, Collected, Content, Description, File, Head, KUBELET_CLIENT_LINK, Mode, Node, Part, PartOwner, Reader,
    Sha256, VerifiedArchive, VerifiedPart, WriteError, Writer, Written,
};
use crate::bundle::head::tests::head;
use crate::kubernetes::{CertificatesDir, Role};
use crate::sign::{PublicKey, SigningFailed};

/// Returns a key of 32 equal bytes, which is good for tests and nothing else.
fn signing_key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

fn public_key(byte: u8) -> PublicKey {
    let key = p256::PublicKey::from(signing_key(byte).verifying_key());
    PublicKey::from_der(key.to_public_key_der().unwrap().as_bytes()).unwrap()
}

fn signature(byte: u8, message: &[u8]) -> Vec<u8> {
    let signature: DerSignature = signing_key(byte).sign(message);
    signature.as_bytes().to_vec()
}

fn sign(_: &str, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
    Ok(signature(1, message))
}

fn description(head: Head) -> Description {
    Description { head, partial: false, profile_sha256: Sha256::of(b"format = 1\n") }
}

fn file(path: &str, mode: Mode, content: &[u8]) -> File {
    File::Regular { path: path.to_owned(), mode, content: Content::new(content.to_vec()) }
}

fn owner(name: &str, role: Role) -> PartOwner {
    PartOwner::Node(Node {
        name: name.to_owned(),
        role,
        names: vec![name.to_owned()],
        addresses: vec!["192.168.1.11".parse().unwrap()],
        certificates_dir: CertificatesDir::default(),
    })
}

/// Returns a control plane with every kind of entry, a worker and the cluster.
fn parts() -> Vec<Part> {
    let store = "kubelet-client-2026-11-22-00-00-00.pem";
    let control_plane = vec![
        file("etc/kubernetes/pki/ca.crt", Mode::Public, b"a certificate\n"),
        file("etc/kubernetes/pki/ca.key", Mode::Private, &[b'k'; 513]),
        file("etc/kubernetes/pki/etcd/ca.crt", Mode::Public, b""),
        file(&format!("var/lib/kubelet/pki/{store}"), Mode::Private, &[b'p'; 512]),
        File::Link { path: KUBELET_CLIENT_LINK.to_owned(), target: store.to_owned() },
    ];
    let worker = vec![file("etc/kubernetes/kubelet.conf", Mode::Private, b"kind: Config\n")];
    let cluster = vec![
        file("profile.toml", Mode::Public, b"format = 1\n"),
        file("users/a%2Fb@c.conf", Mode::Private, b"kind: Config\n"),
    ];
    [
        (owner("cp-1", Role::ControlPlane), control_plane),
        (owner("worker-001", Role::Worker), worker),
        (PartOwner::Cluster, cluster),
    ]
    .into_iter()
    .map(|(owner, files)| Part::new(owner, files).ok().unwrap())
    .collect()
}

fn write(description: Description, parts: &[Part]) -> (Vec<u8>, Written) {
    let mut bytes = Vec::new();
    let written = collect(description, parts).ok().unwrap().write(&sign, &mut bytes).unwrap();
    (bytes, written)
}

fn collect(description: Description, parts: &[Part]) -> Result<Collected<Cursor<Vec<u8>>>, WriteError> {
    let mut writer = Writer::new(description, Cursor::new(Vec::new()))?;
    writer.add(parts.len(), |number| Ok(&parts[number]), &sign)?;
    writer.finish()
}

/// Returns the bundle that most tests tamper with.
fn bundle() -> Vec<u8> {
    write(description(head()), &parts()).0
}

/// What a reader returned before it came to the end or to an error.
struct Outcome {
    /// For each part, the digest of its record, and the digest of its files one after the other.
    parts: Vec<(Sha256, Sha256)>,
    result: Result<VerifiedArchive, BundleError>,
}

fn read(bytes: &[u8]) -> Outcome {
    read_with(bytes, &public_key(1))
}

fn read_with(bytes: &[u8], key: &PublicKey) -> Outcome {
    let mut parts = Vec::new();
    let mut run = || {
        let mut reader = Reader::open(bytes, key)?;
        while let Some(part) = reader.next_part()? {
            parts.push(digests(&part));
        }
        reader.finish()
    };
    let result = run();
    for size in [1, usize::MAX] {
        let (parts_of_batches, result_of_batches) = read_batches(bytes, key, size);
        assert_eq!(format!("{result_of_batches:?}"), format!("{result:?}"), "parts of {size} bytes at a time");
        assert_eq!(parts_of_batches, parts, "parts of {size} bytes at a time");
    }
    Outcome { parts, result }
}

fn read_batches(
    bytes: &[u8],
    key: &PublicKey,
    size: usize,
) -> (Vec<(Sha256, Sha256)>, Result<VerifiedArchive, BundleError>) {
    let mut parts = Vec::new();
    let mut run = || {
        let mut reader = Reader::open(bytes, key)?;
        reader.each_part(size, digests, |_, digests| parts.push(digests))?;
        reader.finish()
    };
    let result = run();
    (parts, result)
}

/// Returns the digest of a part's record, and the digest of its files one after the other.
fn digests(part: &VerifiedPart) -> (Sha256, Sha256) {
    let contents: Vec<u8> = part.files().flat_map(|(_, content)| content.to_vec()).collect();
    (part.record_sha256(), Sha256::of(&contents))
}

/// Returns why the reader refuses these bytes.
fn refusal(bytes: &[u8]) -> BundleError {
    match read(bytes).result {
        Err(error) => error,
        Ok(_) => panic!("taken, but should have been refused"),
    }
}

/// Returns each member of an archive, unpacked.
fn members(archive: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = archive;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let mut member = Vec::new();
        GzDecoder::new(&mut rest).read_to_end(&mut member).unwrap();
        members.push(member);
    }
    members
}

/// Packs members without compressing them, which is quick. The reader accepts any compression.
fn pack(members: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for member in members {
        // Only level 0 sets no XFL; level 1 would.
        let encoder = GzBuilder::new().mtime(0).operating_system(255);
        let mut packed = Vec::new();
        encoder.read(&**member, Compression::new(0)).read_to_end(&mut packed).unwrap();
        packed[8] = 0;
        archive.extend_from_slice(&packed);
    }
    archive
}

/// Cuts a member into its entries, each a header with its content.
fn entries(member: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = member;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let digits = std::str::from_utf8(&rest[124..135]).unwrap();
        let size = usize::from_str_radix(digits, 8).unwrap();
        let (entry, others) = rest.split_at(512 + size.next_multiple_of(512));
        entries.push(entry.to_vec());
        rest = others;
    }
    entries
}
