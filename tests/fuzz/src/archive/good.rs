//! The archive that every script begins with.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::{LazyLock, Mutex, PoisonError};

use certferry::bundle::{
    Content, Description, File, Head, Hex, KUBELET_CLIENT_LINK, Mode, Node, Part, PartOwner, Sha256, Writer,
};
use certferry::kubernetes::{CertificatesDir, Role};
use certferry::sign::{PublicKey, SigningFailed};
use flate2::bufread::MultiGzDecoder;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use time::macros::date;

use super::entries::{Entry, members};

/// The good archive, and the key that signs whatever becomes of it.
pub struct Good {
    pub key: PublicKey,
    /// The entries of each member but the last, which is the end.
    pub members: Vec<Vec<Entry>>,
}

pub static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let head = Head {
        cluster: "lab".to_owned(),
        cluster_id: Hex([7; 16]),
        generation: 1,
        kubernetes: "1.24.15".to_owned(),
        issued_at: date!(2026 - 11 - 22),
        phase: None,
    };
    let archive = write(head, false, Sha256::of(b"a profile"), &parts());
    let der = p256::PublicKey::from(SIGNER.verifying_key()).to_public_key_der();
    let key = der.ok().and_then(|der| PublicKey::from_der(der.as_bytes()).ok());
    Good { key: key.unwrap_or_else(|| unreachable!()), members: members(&archive) }
});

static SIGNER: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_slice(&[7; 32]).unwrap_or_else(|_| unreachable!()));

/// What was signed already; most scripts leave most documents as they were.
static SIGNED: LazyLock<Mutex<HashMap<Sha256, Vec<u8>>>> = LazyLock::new(Mutex::default);

/// More signatures than this are not remembered.
const REMEMBERED: usize = 4096;

/// Deterministic (RFC 6979), so that what is written again is the same again.
pub fn sign(message: &[u8]) -> Vec<u8> {
    let digest = Sha256::of(message);
    let mut signed = SIGNED.lock().unwrap_or_else(PoisonError::into_inner);
    if signed.len() > REMEMBERED {
        signed.clear();
    }
    let sign = || {
        let signature: DerSignature = SIGNER.sign(message);
        signature.as_bytes().to_vec()
    };
    signed.entry(digest).or_insert_with(sign).clone()
}

/// Packs parts as certferry does.
pub fn write(head: Head, partial: bool, profile_sha256: Sha256, parts: &[Part]) -> Vec<u8> {
    let description = Description { head, partial, profile_sha256 };
    let mut bytes = Vec::new();
    let signer = |_: &str, message: &[u8]| -> Result<Vec<u8>, SigningFailed> { Ok(sign(message)) };
    let written = Writer::new(description, Cursor::new(Vec::new())).and_then(|mut writer| {
        writer.add(parts.len(), |number| Ok(&parts[number]), &signer)?;
        writer.finish()?.write(&signer, &mut bytes)
    });
    assert!(written.is_ok(), "not written: {written:?}");
    bytes
}

/// The digest of the tar stream, by another reader than certferry's.
pub fn content_sha256(archive: &[u8]) -> Sha256 {
    let mut content = Vec::new();
    let unpacked = MultiGzDecoder::new(archive).read_to_end(&mut content);
    assert!(unpacked.is_ok(), "not gzip");
    Sha256::of(&content)
}

fn parts() -> Vec<Part> {
    let file = |path: &str, mode, content: &[u8]| File::Regular {
        path: path.to_owned(),
        mode,
        content: Content::new(content.to_vec()),
    };
    let node = |name: &str, role, address: &str| {
        let addresses = address.parse().into_iter().collect();
        PartOwner::Node(Node {
            name: name.to_owned(),
            role,
            names: vec![name.to_owned()],
            addresses,
            certificates_dir: CertificatesDir::default(),
        })
    };
    let link = File::Link { path: KUBELET_CLIENT_LINK.to_owned(), target: "kubelet-client-2025-01-01.pem".to_owned() };
    let parts = [
        (
            node("cp-1", Role::ControlPlane, "192.168.10.5"),
            vec![
                file("etc/kubernetes/admin.conf", Mode::Private, b"kind: Config\n"),
                file("etc/kubernetes/pki/ca.crt", Mode::Public, b"a certificate\n"),
                file("etc/kubernetes/pki/etcd/ca.crt", Mode::Public, b""),
                file("var/lib/kubelet/pki/kubelet-client-2025-01-01.pem", Mode::Private, &[b'p'; 512]),
                link,
            ],
        ),
        (node("w-1", Role::Worker, "fd00::5"), vec![file("etc/kubernetes/kubelet.conf", Mode::Private, b"x\n")]),
        (PartOwner::Cluster, vec![file("users/a%2Fb@c.conf", Mode::Private, b"kind: Config\n")]),
    ];
    parts.into_iter().filter_map(|(owner, files)| Part::new(owner, files).ok()).collect()
}
