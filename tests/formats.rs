//! The chapter `formats` says what the program does: keys are re-created from its words, tables are compared.
//!
//! The limits of readers are compared beside their constants.

use crate::common;
use std::fs;
use std::path::Path;

use crate::common::desk::PROFILE;
use certferry::bundle::Sha256;
use certferry::keys::{Label, Seed, derive};
use certferry::kubernetes::{
    AltNameRule, CERTIFICATES, CommonName, KeyId, Organizations, PartFile, Role, cluster_files, node_files,
};
use certferry::profile;
use certferry::x509::{ExtendedKeyUsage, KeyAlgorithm, ReadCertificate, read_pem};
use det_keygen::Portable;
use hmac::{Hmac, KeyInit, Mac};

const CHAPTER: &str = include_str!("../src/manual/formats.md");

/// The value of the chapter's example of that name.
fn example(name: &str) -> &'static str {
    let line = CHAPTER.lines().rfind(|line| line.trim_start().starts_with(name)).unwrap();
    line.split_whitespace().next_back().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn derived(info: &str, length: usize) -> Vec<u8> {
    let seed: Vec<u8> = (0..32).collect();
    let mut output = vec![0; length];
    hkdf::Hkdf::<sha2::Sha256>::new(None, &seed).expand(info.as_bytes(), &mut output).unwrap();
    output
}

/// By nothing but the chapter's words and other people's HKDF, HMAC and curve.
#[test]
fn keys_can_be_made_again_from_the_words() {
    assert_eq!(hex(&derived("certferry/1|seed-id", 8)), example("seed id"));
    assert_eq!(hex(&derived("certferry/1|prod-1|cluster-id|id|1", 16)), example("cluster id"));
    let key_seed = derived("certferry/1|prod-1|bundle-signer|ecdsa-p256|1", 32);
    assert_eq!(hex(&key_seed), example("key seed of bundle-signer, generation 1"));

    let (mut key, mut value) = ([0; 32], [1; 32]);
    for round in [0, 1] {
        key = hmac(&key, &[&value, &[round], &key_seed, b"det ECDSA key gen P-256"]);
        value = hmac(&key, &[&value]);
    }
    let point = p256::SecretKey::from_slice(&hmac(&key, &[&value])).unwrap().public_key();
    let spki = p256::pkcs8::EncodePublicKey::to_public_key_der(&point).unwrap();
    assert_eq!(Sha256::of(spki.as_bytes()).to_string(), example("SHA-256 of its SubjectPublicKeyInfo"));
}

/// A TLV of DER, long enough for a length in two octets.
fn sequence(content: &[u8]) -> Vec<u8> {
    assert!(content.len() > 0xff);
    [&[0x30, 0x82, (content.len() >> 8) as u8, content.len() as u8], content].concat()
}

#[test]
fn serials_can_be_made_again_from_the_words() {
    let bundle = common::build_text(PROFILE);
    let node = bundle.untar().join("nodes/cp-1/etc/kubernetes/pki");
    let certificate = |name: &str| -> ReadCertificate {
        read_pem(&fs::read(node.join(name)).unwrap()).unwrap().certificates.remove(0)
    };
    for (name, issuer) in [("ca.crt", "ca.crt"), ("apiserver.crt", "ca.crt"), ("etcd/peer.crt", "etcd/ca.crt")] {
        let (read, issuer) = (certificate(name), certificate(issuer));
        // Version 3, then the serial in its 16 octets.
        let content = &read.tbs_der()[4..];
        assert_eq!(content[..7], [0xa0, 3, 2, 1, 2, 2, 16], "{name}");
        let (serial, rest) = content[7..].split_at(16);
        let with_1 = sequence(&[&content[..5], &[2, 1, 1], rest].concat());
        let key = derived("certferry/1|lab|serial|hmac-sha256|1", 32);
        let mut expected = hmac(&key, &[&<sha2::Sha256 as sha2::Digest>::digest(issuer.spki_der()), &with_1]);
        expected[0] = expected[0] & 0x7f | 0x40;
        assert_eq!(serial, &expected[..16], "{name}");
    }
}

/// And the program makes the same.
#[test]
fn keys_are_as_the_chapter_says() {
    let seed = Seed::from_bytes(std::array::from_fn(|index| index as u8)).unwrap_or_else(|_| panic!("no seed"));
    assert_eq!((seed.id().as_str(), seed.cluster_id("prod-1").as_str()), (example("seed id"), example("cluster id")));
    let label = Label::new("prod-1", &KeyId::BundleSigner, KeyAlgorithm::EcdsaP256, 1);
    assert_eq!(hex(&*seed.key_seed(&label)), example("key seed of bundle-signer, generation 1"));
    let ring = derive(&Portable::new(), &seed, std::slice::from_ref(&label), None, &|_| {});
    let ring = ring.unwrap_or_else(|_| panic!("no key"));
    let spki = ring.get(&KeyId::BundleSigner).unwrap().spki_der();
    assert_eq!(Sha256::of(spki).to_string(), example("SHA-256 of its SubjectPublicKeyInfo"));
}

#[test]
fn every_certificate_of_a_node_has_its_row() {
    let rows: Vec<Vec<&str>> = CHAPTER
        .lines()
        .filter(|line| line.starts_with('|') && line.matches('|').count() == 8)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    // A head and a rule.
    assert_eq!(rows.len(), CERTIFICATES.len() + 2);
    for (row, found) in CERTIFICATES.iter().zip(&rows[2..]) {
        let name = match row.common_name {
            CommonName::Fixed(name) => format!("`{name}`"),
            CommonName::NodeName => "NODE".to_owned(),
            CommonName::SystemNode => "`system:node:NODE`".to_owned(),
        };
        let groups = match row.organizations {
            [] => String::new(),
            [Organizations { values: [group], .. }] => format!("`{group}`"),
            [Organizations { values: [group], .. }, ..] => format!("`{group}`*"),
            other => panic!("{other:?}"),
        };
        let usages = row.usages.iter().map(|usage| match usage {
            ExtendedKeyUsage::ServerAuth => "server",
            ExtendedKeyUsage::ClientAuth => "client",
        });
        let alt_names = match row.alt_names {
            AltNameRule::None => "",
            AltNameRule::ApiServer => "a",
            AltNameRule::Etcd => "e",
            AltNameRule::Node => "n",
        };
        let ca = row.ca.profile_name();
        let usages = usages.collect::<Vec<_>>().join(", ");
        assert_eq!(found[..6], [&format!("`{}`", row.base_name), ca, &name, &groups, &usages, alt_names]);
    }
}

#[test]
fn a_profile_is_as_large_as_the_chapter_says() {
    assert!(CHAPTER.contains("| a profile | 4 MiB |\n"));
    let smallest = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/single-node.toml")).unwrap();
    let of_size = |size: usize| [&smallest[..], &vec![b'\n'; size - smallest.len()]].concat();
    assert!(profile::parse(&of_size(4 << 20)).is_ok());
    assert!(profile::parse(&of_size((4 << 20) + 1)).is_err());
}

/// The table of places is the one by which readers judge.
#[test]
fn places_are_those_of_the_table() {
    let role = |name: &str| match name {
        "control planes" => Role::ControlPlane,
        "workers" => Role::Worker,
        "nodes of role etcd" => Role::Etcd,
        other => panic!("{other}"),
    };
    let (mut of_nodes, mut of_cluster) = (Vec::new(), Vec::new());
    for line in CHAPTER.lines().skip_while(|line| !line.starts_with("| on | mode |")).skip(2) {
        let Some(cells) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else { break };
        let [on, mode, files] = cells.split(" | ").collect::<Vec<_>>().try_into().unwrap();
        for place in files.split(' ').map(|place| place.trim_matches('`').to_owned()) {
            match on {
                "the cluster's part" => of_cluster.push((place, mode == "0600", Vec::new())),
                on => of_nodes.push((place, mode == "0600", on.split(", ").map(role).collect::<Vec<_>>())),
            }
        }
    }
    let sorted = |mut files: Vec<(String, bool, Vec<Role>)>| {
        files.iter_mut().for_each(|(.., roles)| roles.sort());
        files.sort();
        files
    };
    let table = |files: Vec<PartFile>| {
        sorted(files.into_iter().map(|file| (file.place, file.is_private, file.roles.to_vec())).collect())
    };
    assert_eq!(sorted(of_nodes), table(node_files()));
    assert_eq!(sorted(of_cluster), table(cluster_files()));
}
