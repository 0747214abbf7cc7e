//! OpenSSL reads our keys, writes them the same way, verifies their signatures, and derives what we derive.
//!
//! OpenSSL 3 is needed (`openssl kdf`).

use std::io::Write;
use std::process::{Command, Stdio};

use certferry::keys::{Label, PrivateKey, Seed};
use certferry::kubernetes::KeyId;
use certferry::x509::KeyAlgorithm;
use det_keygen::Portable;

const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What openssl prints, given `input`.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("openssl must be installed: {error}"));
    // openssl may end before it has read everything; its exit status tells then.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn seed() -> Seed {
    Seed::parse(format!("certferry-seed-1:{SEED}\n").as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
}

fn label(algorithm: KeyAlgorithm) -> Label {
    Label::new("prod-1", &KeyId::node("cp-1", "etcd/server"), algorithm, 1)
}

fn key(algorithm: KeyAlgorithm) -> PrivateKey {
    PrivateKey::derive(&seed().key_seed(&label(algorithm)), algorithm, &Portable::new())
        .unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn openssl_finds_every_key_sound() {
    for algorithm in KeyAlgorithm::ALL {
        let pem = key(algorithm).to_pem();
        let command = if algorithm.is_rsa() { "rsa" } else { "ec" };
        openssl(&[command, "-check", "-noout"], pem.as_bytes());
        openssl(&["pkey", "-check", "-noout"], pem.as_bytes());
    }
}

#[test]
fn openssl_writes_private_keys_as_we_do() {
    for algorithm in KeyAlgorithm::ALL {
        let pem = key(algorithm).to_pem();
        let arguments: &[&str] = if algorithm.is_rsa() { &["rsa", "-traditional"] } else { &["ec"] };
        assert!(openssl(arguments, pem.as_bytes()) == pem.as_bytes(), "{}", algorithm.name());
    }
}

#[test]
fn openssl_writes_public_keys_as_we_do() {
    for algorithm in KeyAlgorithm::ALL {
        let key = key(algorithm);
        let public_pem = openssl(&["pkey", "-pubout"], key.to_pem().as_bytes());
        assert_eq!(String::from_utf8(public_pem).unwrap(), key.public_pem());
        let spki_der = openssl(&["pkey", "-pubin", "-outform", "DER"], key.public_pem().as_bytes());
        assert_eq!(spki_der, key.spki_der());
        // The BIT STRING's content ends the structure, after its octet of unused bits.
        let (before, content) = spki_der.split_at(spki_der.len() - key.public_key_bits().len());
        assert_eq!(content, key.public_key_bits());
        assert_eq!(before.last(), Some(&0));
        assert_eq!(content[0], if algorithm.is_rsa() { 0x30 } else { 0x04 });
    }
}

#[test]
fn openssl_verifies_our_signatures_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in KeyAlgorithm::ALL {
        let key = key(algorithm);
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("key.pub"), key.public_pem()).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature, key.sign(b"message").unwrap(), "deterministic");
        std::fs::write(path("signature"), &signature).unwrap();

        let digest = if algorithm == KeyAlgorithm::EcdsaP384 { "-sha384" } else { "-sha256" };
        let arguments = ["dgst", digest, "-verify", &path("key.pub"), "-signature", &path("signature")];
        assert_eq!(openssl(&arguments, b"message"), b"Verified OK\n");
        std::fs::write(path("other"), b"another message").unwrap();
        let refused = Command::new("openssl").args(arguments).arg(path("other")).output().unwrap();
        assert!(!refused.status.success(), "{}", algorithm.name());
    }
}

#[test]
fn openssl_makes_the_same_rsa_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    for algorithm in KeyAlgorithm::ALL.into_iter().filter(|algorithm| algorithm.is_rsa()) {
        let key = key(algorithm);
        std::fs::write(&path, key.to_pem().as_bytes()).unwrap();
        let theirs = openssl(&["dgst", "-sha256", "-sign", path.to_str().unwrap()], b"message");
        assert_eq!(key.sign(b"message").unwrap(), theirs);
    }
}

#[test]
fn openssl_derives_what_the_seed_derives() {
    let hkdf = |info: &str, length: &str| {
        let (key, info) = (format!("hexkey:{SEED}"), format!("info:{info}"));
        let arguments = ["kdf", "-keylen", length, "-kdfopt", "digest:SHA256", "-kdfopt", &key, "-kdfopt", &info];
        openssl(&[&arguments[..], &["-binary", "HKDF"]].concat(), b"")
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();

    let seed = seed();
    assert_eq!(hex(&hkdf("certferry/1|seed-id", "8")), seed.id());
    assert_eq!(hex(&hkdf("certferry/1|prod-1|cluster-id|id|1", "16")), seed.cluster_id("prod-1"));
    assert_eq!(hkdf("certferry/1|prod-1|serial|hmac-sha256|1", "32"), *seed.serial_key("prod-1"));
    for algorithm in KeyAlgorithm::ALL {
        let info = format!("certferry/1|prod-1|node/cp-1/etcd/server|{}|1", algorithm.name());
        assert_eq!(hkdf(&info, "32"), *seed.key_seed(&label(algorithm)));
    }
}
