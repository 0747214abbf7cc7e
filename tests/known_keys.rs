//! Known answers of key derivation, number 1: these never change again.
//!
//! They were computed from the format's page alone, by another program (Python's hmac, SymPy, pyca/cryptography).

use certferry::keys::{Label, Seed, derive, engines};
use certferry::kubernetes::KeyId;
use certferry::x509::KeyAlgorithm;
use sha2::{Digest, Sha256};

/// The bytes 00 to 1f.
const SEED: &str = "certferry-seed-1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

#[test]
fn one_seed_gives_these_keys() {
    let seed = Seed::parse(SEED.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(seed.id(), "a654bec5a07c4d4e");
    assert_eq!(seed.cluster_id("prod-1"), "8bff3f9550f50edaeecf24fbf9d97ed9");

    let user = |name: &str| KeyId::User(name.into());
    let expected = [
        (
            KeyId::ca("kubernetes"),
            KeyAlgorithm::Rsa4096,
            1,
            "1bea71c9ae9b691267a1b9a52f380a5f267f4315166da8bfae2576ee2646afc9",
        ),
        (
            KeyId::ca("front-proxy"),
            KeyAlgorithm::Rsa3072,
            1,
            "a54c76f02183bfd70e5ac67efdd576a378e341776351af050e820cbb0ac3084a",
        ),
        (
            KeyId::ServiceAccount,
            KeyAlgorithm::Rsa2048,
            2,
            "270a38fd80b028710173e42f12cc2fe08c232e4a1c3ee40161454f9a2bedb1a5",
        ),
        (
            KeyId::BundleSigner,
            KeyAlgorithm::EcdsaP256,
            1,
            "94f1f5e3f78b9069d7e1b00b4f196a758c53f02374e70f5308a3f541a4a8d2e6",
        ),
        (
            user("Zoë"),
            KeyAlgorithm::EcdsaP384,
            999_999_999,
            "716dc0791ef2121f5cdea628c47739093506ea48a1f071d85a6221749698bf8d",
        ),
    ];
    let labels: Vec<Label> = expected
        .iter()
        .map(|(key_id, algorithm, generation, _)| Label::new("prod-1", key_id, *algorithm, *generation))
        .collect();
    for engine in engines() {
        let ring = derive(&*engine.test, &seed, &labels, None, &|_| ()).unwrap_or_else(|error| panic!("{error:?}"));
        for (key_id, _, _, spki_sha256) in &expected {
            let digest = Sha256::digest(ring.get(key_id).unwrap().spki_der());
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, *spki_sha256, "{key_id}, {}", engine.name);
        }
    }
}
