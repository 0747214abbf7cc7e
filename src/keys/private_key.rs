//! A private key: its signatures, and the forms in which it is written.

use std::sync::OnceLock;

use der::Encode;
use det_keygen::ecdsa::{generate_p256, generate_p384};
use det_keygen::p256_base_point::multiply;
use det_keygen::rsa::{self, PROOF};
use det_keygen::rsa_signature::{CrtKey, sign_each};
use det_keygen::{HmacDrbg, PrimeSize, PrimeTest, p256_signature};
use p384::ecdsa::signature::Signer as _;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, RsaKeyPair, UnparsedPublicKey};
use sec1::{EcParameters, EcPrivateKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::error::KeyError;
use super::pem::pem;
use super::spki::subject_public_key_info;
use crate::x509::{KeyAlgorithm, oid};

/// A private key and its public key, proved to belong together. The secrets are wiped on drop.
pub struct PrivateKey {
    algorithm: KeyAlgorithm,
    /// The RSAPrivateKey (RFC 8017, appendix A.1.2) or ECPrivateKey (RFC 5915) in DER.
    private_der: Zeroizing<Vec<u8>>,
    signer: Signer,
    spki_der: Vec<u8>,
    /// The index in `spki_der` at which the content of its BIT STRING begins. The content reaches to the end.
    public_key_start: usize,
}

/// The form of a key in which it signs.
///
/// ring's RSA key pair holds the primes and does not wipe them on drop, so there should be few. The proof of a key
/// makes one and drops it, and only a key that signs later keeps one. So there are as many as CAs, and not as many as
/// keys or signatures.
enum Signer {
    Rsa(OnceLock<Box<RsaKeyPair>>),
    /// This is not p256's signing key, because that one multiplies the base point when it is made.
    P256(Box<p256::SecretKey>),
    P384(Box<p384::ecdsa::SigningKey>),
}

impl PrivateKey {
    /// Returns the key that C2SP det-keygen makes from `key_seed`, which is [`super::Seed::key_seed`] of the key's
    /// label.
    ///
    /// The engine decides how long an RSA key takes, and not which key it is. Before this returns, ring has found that
    /// the private and the public key belong together, and has verified a signature of an RSA key.
    ///
    /// # Errors
    ///
    /// Fails when there is no scalar or no encoding, when ring refuses the key, and when a signature does not verify.
    /// None of these is expected of working hardware.
    pub fn derive(key_seed: &[u8; 32], algorithm: KeyAlgorithm, engine: &dyn PrimeTest) -> Result<Self, KeyError> {
        Self::from_det_keygen(key_seed, algorithm, engine)
    }

    fn from_det_keygen(seed: &[u8], algorithm: KeyAlgorithm, engine: &dyn PrimeTest) -> Result<Self, KeyError> {
        let key = match prime_size(algorithm) {
            Some(size) => {
                let mut streams = Some(((), rsa::stream(seed, size)));
                let mut derived = Err(KeyError::Proof { algorithm });
                Self::derive_rsa_each(algorithm, size, engine, &mut |_| streams.take(), &mut |(), key| derived = key);
                return derived;
            }
            None if algorithm == KeyAlgorithm::EcdsaP256 => {
                let key = generate_p256(seed).ok_or(KeyError::NoScalar { algorithm })?;
                Self::from_p256(key)?
            }
            None => {
                let key = generate_p384(seed).ok_or(KeyError::NoScalar { algorithm })?;
                Self::from_p384(&key)?
            }
        };
        key.prove(None)?;
        Ok(key)
    }

    /// Makes RSA keys from the streams that `next` gives, several side by side, and passes each key to `done`. See
    /// [`rsa::generate_each`].
    pub(super) fn derive_rsa_each<T>(
        algorithm: KeyAlgorithm,
        size: PrimeSize,
        engine: &dyn PrimeTest,
        next: &mut dyn FnMut(usize) -> Option<(T, HmacDrbg)>,
        done: &mut dyn FnMut(T, Result<Self, KeyError>),
    ) {
        rsa::generate_each(size, engine, next, &mut |made| {
            let key = made.key.map_err(encoding(algorithm)).and_then(|key| {
                let key = Self::from_rsa(algorithm, key.private_der, &key.public_der)?;
                key.prove(made.proof)?;
                Ok(key)
            });
            done(made.owner, key);
        });
    }

    pub(super) fn from_rsa(
        algorithm: KeyAlgorithm,
        private: Zeroizing<Vec<u8>>,
        public: &[u8],
    ) -> Result<Self, KeyError> {
        Self::new(algorithm, private, Signer::Rsa(OnceLock::new()), public)
    }

    pub(super) fn from_p256(key: p256::SecretKey) -> Result<Self, KeyError> {
        let scalar = Zeroizing::new(key.to_bytes());
        let point = multiply(&key);
        Self::from_ecdsa(KeyAlgorithm::EcdsaP256, &scalar, &point, Signer::P256(Box::new(key)))
    }

    pub(super) fn from_p384(key: &p384::SecretKey) -> Result<Self, KeyError> {
        let signer = p384::ecdsa::SigningKey::from(key);
        let point = signer.verifying_key().to_sec1_point(false);
        Self::from_ecdsa(
            KeyAlgorithm::EcdsaP384,
            &Zeroizing::new(key.to_bytes()),
            point.as_bytes(),
            Signer::P384(Box::new(signer)),
        )
    }

    /// Returns a key whose private form is an ECPrivateKey with parameters and public key, as openssl and Go write it
    /// (RFC 5915, section 3).
    fn from_ecdsa(algorithm: KeyAlgorithm, scalar: &[u8], point: &[u8], signer: Signer) -> Result<Self, KeyError> {
        let curve = if algorithm == KeyAlgorithm::EcdsaP256 { oid::SECP256R1 } else { oid::SECP384R1 };
        let parameters = Some(EcParameters::NamedCurve(curve));
        let key = EcPrivateKey { private_key: scalar, parameters, public_key: Some(point) };
        let private_der = Zeroizing::new(key.to_der().map_err(encoding(algorithm))?);
        Self::new(algorithm, private_der, signer, point)
    }

    fn new(
        algorithm: KeyAlgorithm,
        private_der: Zeroizing<Vec<u8>>,
        signer: Signer,
        public_key: &[u8],
    ) -> Result<Self, KeyError> {
        let spki_der = subject_public_key_info(algorithm, public_key).map_err(encoding(algorithm))?;
        let public_key_start = spki_der.len() - public_key.len();
        Ok(Self { algorithm, private_der, signer, spki_der, public_key_start })
    }

    /// Returns the algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Returns the SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7).
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// Returns the content of the subjectPublicKey BIT STRING without the octet of unused bits: an RSAPublicKey in DER
    /// (RFC 8017, appendix A.1.1) or an uncompressed point (SEC 1, section 2.3.3).
    #[must_use]
    pub fn public_key_bits(&self) -> &[u8] {
        &self.spki_der[self.public_key_start..]
    }

    /// Returns the SHA-256 of the private key in DER (PKCS#1 or SEC 1), by which the key is recognized later.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&*self.private_der).into()
    }

    /// Returns the private key in PEM: PKCS#1 `RSA PRIVATE KEY`, or SEC 1 `EC PRIVATE KEY` with parameters and public
    /// key.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem(if self.algorithm.is_rsa() { "RSA PRIVATE KEY" } else { "EC PRIVATE KEY" }, &self.private_der)
    }

    /// Returns the SubjectPublicKeyInfo in PEM, `PUBLIC KEY`.
    #[must_use]
    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki_der).to_string()
    }

    /// Returns the signature of `message`. It is the same each time.
    ///
    /// An RSA key signs by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2). An ECDSA key signs by RFC 6979, in
    /// DER, P-256 with SHA-256 and P-384 with SHA-384. A high s stays as it is and is not made low.
    ///
    /// # Errors
    ///
    /// Fails when no signature can be made, which is not expected of working hardware.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let algorithm = self.algorithm;
        match &self.signer {
            Signer::Rsa(key_pair) => match key_pair.get() {
                Some(key_pair) => sign_rsa(key_pair, algorithm, message),
                // When two threads come here at once, the work of one is lost.
                None => {
                    let parsed = self.parse_rsa()?;
                    sign_rsa(key_pair.get_or_init(|| Box::new(parsed)), algorithm, message)
                }
            },
            Signer::P256(_) => self.sign_sha256(&Sha256::digest(message).into()),
            Signer::P384(key) => {
                let signature: p384::ecdsa::DerSignature =
                    key.try_sign(message).map_err(|_| KeyError::Signature { algorithm })?;
                Ok(signature.as_bytes().to_vec())
            }
        }
    }

    /// Returns the signature of each message, as [`Self::sign`] does. This is faster for an RSA key when the engine has
    /// modular powers, and for a P-256 key with any engine.
    ///
    /// ring verifies the signatures that it makes. The others are not verified here, so the caller must verify a
    /// signature before it gives it away.
    ///
    /// # Errors
    ///
    /// Fails when no signature can be made, which is not expected of working hardware.
    pub fn sign_each(&self, messages: &[&[u8]], engine: &dyn PrimeTest) -> Result<Vec<Vec<u8>>, KeyError> {
        // A single message leaves most of an engine idle.
        if messages.len() > 1
            && self.algorithm.is_rsa()
            && let Some(key) = CrtKey::from_der(&self.private_der)
        {
            let jobs: Vec<_> = messages.iter().map(|message| (&key, *message)).collect();
            if let Some(signatures) = sign_each(&mut *engine.search(key.size()), &jobs) {
                return Ok(signatures);
            }
        }
        if let Signer::P256(key) = &self.signer {
            let hashes: Vec<[u8; 32]> = messages.iter().map(|message| Sha256::digest(message).into()).collect();
            return p256_signature::sign_each(key, &hashes, multiply)
                .ok_or(KeyError::Signature { algorithm: self.algorithm });
        }
        messages.iter().map(|message| self.sign(message)).collect()
    }

    /// Returns the signature of a message of which only the SHA-256 is known. Only a P-256 key can do so.
    ///
    /// # Errors
    ///
    /// Returns [`KeyError::Signature`] for a key of another algorithm.
    pub fn sign_sha256(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, KeyError> {
        let failed = KeyError::Signature { algorithm: self.algorithm };
        let Signer::P256(key) = &self.signer else { return Err(failed) };
        p256_signature::sign_each(key, &[*sha256], multiply).and_then(|mut signatures| signatures.pop()).ok_or(failed)
    }

    /// Returns ring's form of an RSA key.
    pub(super) fn parse_rsa(&self) -> Result<RsaKeyPair, KeyError> {
        RsaKeyPair::from_der(&self.private_der)
            .map_err(|rejected| KeyError::Rejected { algorithm: self.algorithm, reason: rejected.to_string() })
    }

    /// Proves, by ring, that the private and the public key belong together.
    ///
    /// For an ECDSA key, ring computes the public key from the scalar. For an RSA key, ring checks p q = n and q q^-1 =
    /// 1 mod p when it takes the key, and verifies a signature made with dP and dQ: `proof`, or its own. d is compared
    /// with dP and dQ.
    pub(super) fn prove(&self, proof: Option<Vec<u8>>) -> Result<(), KeyError> {
        let public_key = self.public_key_bits();
        let ecdsa = |signing, scalar: &[u8]| {
            EcdsaKeyPair::from_private_key_and_public_key(signing, scalar, public_key, &SystemRandom::new()).is_ok()
        };
        let holds = match &self.signer {
            Signer::P256(key) => ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &Zeroizing::new(key.to_bytes())),
            Signer::P384(key) => ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &Zeroizing::new(key.to_bytes())),
            Signer::Rsa(_) => {
                let key_pair = self.parse_rsa()?;
                let signature = proof.map_or_else(|| sign_rsa(&key_pair, self.algorithm, PROOF), Ok)?;
                let verifier = UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, public_key);
                rsa::exponents_agree(&self.private_der) && verifier.verify(PROOF, &signature).is_ok()
            }
        };
        if holds { Ok(()) } else { Err(KeyError::Proof { algorithm: self.algorithm }) }
    }
}

/// Returns the size of an RSA key's primes. Returns `None` for other algorithms.
pub(super) const fn prime_size(algorithm: KeyAlgorithm) -> Option<PrimeSize> {
    match algorithm {
        KeyAlgorithm::Rsa2048 => Some(PrimeSize::Bits1024),
        KeyAlgorithm::Rsa3072 => Some(PrimeSize::Bits1536),
        KeyAlgorithm::Rsa4096 => Some(PrimeSize::Bits2048),
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 => None,
    }
}

fn sign_rsa(key_pair: &RsaKeyPair, algorithm: KeyAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut signature = vec![0; key_pair.public().modulus_len()];
    // ring asks for a source of randomness for any padding, and this padding draws nothing from it.
    key_pair
        .sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| KeyError::Signature { algorithm })?;
    Ok(signature)
}

fn encoding(algorithm: KeyAlgorithm) -> impl Fn(der::Error) -> KeyError {
    move |error| KeyError::Encoding { algorithm, reason: error.to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use det_keygen::Portable;
    use p256::pkcs8::{DecodePrivateKey, PrivateKeyInfoRef};
    use serde_json::Value;

    use super::{KeyAlgorithm, PrivateKey};

    struct Vector {
        name: String,
        seed: Vec<u8>,
        pkcs8: Vec<u8>,
    }

    /// Returns the entries whose field `key` is `wanted`.
    fn vectors(json: &str, key: &str, wanted: &Value) -> Vec<Vector> {
        let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let entries: Vec<Value> = serde_json::from_str(json).unwrap();
        let entries = entries.iter().enumerate().filter(|(_, entry)| entry[key] == *wanted);
        entries
            .map(|(index, entry)| Vector {
                name: format!("{wanted}, entry {index}"),
                seed: bytes(&entry["seed"]),
                pkcs8: bytes(&entry["private_key_pkcs8"]),
            })
            .collect()
    }

    fn rsa_vectors(bits: u32) -> Vec<Vector> {
        vectors(include_str!("../../tests/vectors/det-keygen/rsa.json"), "bits", &bits.into())
    }

    fn ecdsa_vectors(curve: &str) -> Vec<Vector> {
        vectors(include_str!("../../tests/vectors/det-keygen/ecdsa.json"), "curve", &curve.into())
    }

    fn derive(seed: &[u8], algorithm: KeyAlgorithm) -> PrivateKey {
        PrivateKey::from_det_keygen(seed, algorithm, &Portable::new()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    #[test]
    fn rsa_keys_are_those_of_the_public_vectors() {
        for (bits, algorithm, count) in
            [(2048, KeyAlgorithm::Rsa2048, 16), (3072, KeyAlgorithm::Rsa3072, 1), (4096, KeyAlgorithm::Rsa4096, 1)]
        {
            let vectors = rsa_vectors(bits);
            assert_eq!(vectors.len(), count);
            for vector in vectors {
                let expected = PrivateKeyInfoRef::try_from(&vector.pkcs8[..]).unwrap();
                // Compares all of n, e, d, p, q, d mod p-1, d mod q-1 and q^-1 mod p.
                let key = derive(&vector.seed, algorithm);
                assert!(key.private_der[..] == *expected.private_key.as_bytes(), "{}", vector.name);
            }
        }
    }

    #[test]
    fn ecdsa_keys_are_those_of_the_public_vectors() {
        let vectors = ecdsa_vectors("secp256r1");
        assert_eq!(vectors.len(), 6);
        for vector in &vectors {
            let expected = p256::SecretKey::from_pkcs8_der(&vector.pkcs8).unwrap();
            let key = derive(&vector.seed, KeyAlgorithm::EcdsaP256);
            assert!(key.private_der == expected.to_sec1_der().unwrap(), "{}", vector.name);
            assert!(vector.pkcs8.ends_with(key.public_key_bits()), "{}", vector.name);
        }
        // det-keygen, ECDSA, step 11: the seed whose first value is not below the order.
        let retried = 0xb432_f9be_3089_0480_2982_1851_0559_aed7_u128.to_be_bytes();
        assert!(vectors.iter().any(|vector| vector.seed == retried));

        let vectors = ecdsa_vectors("secp384r1");
        assert_eq!(vectors.len(), 5);
        for vector in &vectors {
            let expected = p384::SecretKey::from_pkcs8_der(&vector.pkcs8).unwrap();
            let key = derive(&vector.seed, KeyAlgorithm::EcdsaP384);
            assert!(key.private_der == expected.to_sec1_der().unwrap(), "{}", vector.name);
            assert!(vector.pkcs8.ends_with(key.public_key_bits()), "{}", vector.name);
        }
    }

    /// Key, message, r and s of RFC 6979, appendices A.2.5 and A.2.6. Two of each curve's s are above half the order.
    const RFC_6979_P256: (&str, [(&str, &str, &str); 2]) = (
        "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
        [
            (
                "sample",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                "test",
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
            ),
        ],
    );
    const RFC_6979_P384: (&str, [(&str, &str, &str); 2]) = (
        "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
        [
            (
                "sample",
                "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
                "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
            ),
            (
                "test",
                "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB",
                "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5",
            ),
        ],
    );

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn ecdsa_signatures_are_those_of_rfc_6979_and_s_stays_high() {
        let p256 = PrivateKey::from_p256(p256::SecretKey::from_slice(&unhex(RFC_6979_P256.0)).unwrap());
        let p384 = PrivateKey::from_p384(&p384::SecretKey::from_slice(&unhex(RFC_6979_P384.0)).unwrap());
        for (key, signatures) in [(p256, RFC_6979_P256.1), (p384, RFC_6979_P384.1)] {
            let key = key.unwrap_or_else(|error| panic!("{error:?}"));
            for (message, r, s) in signatures {
                let signature = key.sign(message.as_bytes()).unwrap();
                assert_eq!(signature, der_signature(&unhex(r), &unhex(s)), "{message}");
            }
            let (_, _, s) = signatures[0];
            assert!(unhex(s)[0] > 0x7f, "the vector has a high s");
        }
    }

    fn der_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        for value in [r, s] {
            let value: Vec<u8> = value.iter().copied().skip_while(|byte| *byte == 0).collect();
            let sign = usize::from(value[0] > 0x7f);
            content.extend([2, u8::try_from(value.len() + sign).unwrap()]);
            content.extend(vec![0; sign]);
            content.extend(value);
        }
        [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat()
    }

    #[test]
    fn a_key_that_does_not_fit_its_public_key_is_refused() {
        let mut key = derive(&[1; 32], KeyAlgorithm::EcdsaP256);
        let other = derive(&[2; 32], KeyAlgorithm::EcdsaP256);
        key.spki_der = other.spki_der.clone();
        assert_eq!(key.prove(None), Err(super::KeyError::Proof { algorithm: KeyAlgorithm::EcdsaP256 }));
    }

    #[test]
    fn an_rsa_key_with_a_wrong_part_is_refused() {
        let key = derive(&[1; 32], KeyAlgorithm::Rsa2048);
        assert_eq!(key.prove(None), Ok(()));
        // Each offset is of a byte well inside one of the numbers from n to q^-1. e and d are skipped: ring reads e and
        // does not use d.
        for offset in [100, 600, 750, 870, 1000, 1150] {
            let mut broken = derive(&[1; 32], KeyAlgorithm::Rsa2048);
            broken.private_der[offset] ^= 1;
            assert!(broken.prove(None).is_err(), "{offset}");
        }
    }

    /// Compares ring's own signatures with those of every engine, for one message and for many.
    #[test]
    fn signatures_do_not_depend_on_the_engine() {
        let messages: Vec<Vec<u8>> = (0..11_u8).map(|number| vec![number; usize::from(number) * 7]).collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072, KeyAlgorithm::Rsa4096, KeyAlgorithm::EcdsaP256]
        {
            let fastest = super::super::engines().remove(0);
            let key = PrivateKey::derive(&[3; 32], algorithm, &*fastest.test).unwrap();
            let expected: Vec<_> = messages.iter().map(|message| key.sign(message).unwrap()).collect();
            for engine in super::super::engines() {
                for count in [0, 1, 2, 11] {
                    let signatures = key.sign_each(&messages[..count], &*engine.test).unwrap();
                    assert_eq!(signatures, expected[..count], "{}, {}", engine.name, algorithm.name());
                }
            }
        }
    }

    #[test]
    fn only_an_rsa_key_that_signs_keeps_the_form_that_is_not_wiped() {
        let key = derive(&[1; 32], KeyAlgorithm::Rsa2048);
        let is_kept = || matches!(&key.signer, super::Signer::Rsa(key_pair) if key_pair.get().is_some());
        assert!(!is_kept(), "its proof is a signature, too");
        let first = key.sign(b"message").unwrap();
        assert!(is_kept());
        assert_eq!(key.sign(b"message").unwrap(), first);
    }

    #[test]
    fn keys_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<PrivateKey>();
    }
}
