//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2), several signatures side by side.
//!
//! Why: certificates of a cluster are signed by few keys, one after the other, and what an engine does for the search for primes
//! it does for signatures, too: with AVX-512 IFMA eight powers at once take hardly longer than ring's one. ring verifies each
//! signature.
//!
//! Signatures are ring's, bit for bit: the padding leaves no choice.

use der::Decode;
use der::asn1::UintRef;
use pkcs1::RsaPrivateKeyRef;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::integer::{Integer, add, from_be_bytes, product, remainder, subtract, subtract_if_not_below, to_be_bytes};
use super::prime::{Power, PrimeSize, Search};

/// DigestInfo of SHA-256 without the digest (RFC 8017, section 9.2, note 1).
const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// A private key as the Chinese remainder theorem uses it (RFC 8017, section 3.2, the second form). Wiped on drop.
pub struct CrtKey {
    size: PrimeSize,
    p: Integer,
    q: Integer,
    exponent_p: Integer,
    exponent_q: Integer,
    coefficient: Integer,
}

impl CrtKey {
    /// From an RSAPrivateKey; none if its primes are not two of one size whose top two bits are set, as all here are.
    #[must_use]
    pub fn from_der(private_der: &[u8]) -> Option<Self> {
        let key = RsaPrivateKeyRef::from_der(private_der).ok()?;
        let sizes = [PrimeSize::Bits1024, PrimeSize::Bits1536, PrimeSize::Bits2048];
        let size = sizes.into_iter().find(|size| size.bytes() == key.prime1.as_bytes().len())?;
        let number = |value: UintRef<'_>| {
            let mut number = from_be_bytes(value.as_bytes());
            if number.len() > size.bytes() / 8 {
                return None;
            }
            // Reserved as long: growing would leave a copy behind.
            let mut padded = Zeroizing::new(vec![0; size.bytes() / 8]);
            padded[..number.len()].swap_with_slice(&mut number);
            Some(padded)
        };
        let (p, q) = (number(key.prime1)?, number(key.prime2)?);
        let (exponent_p, exponent_q) = (number(key.exponent1)?, number(key.exponent2)?);
        let coefficient = number(key.coefficient)?;
        let has_top_bits = |prime: &Integer| prime.last().is_some_and(|limb| limb >> 62 == 0b11);
        (has_top_bits(&p) && has_top_bits(&q)).then_some(Self { size, p, q, exponent_p, exponent_q, coefficient })
    }

    /// The size of its primes.
    #[must_use]
    pub const fn size(&self) -> PrimeSize {
        self.size
    }

    /// EMSA-PKCS1-v1_5 of a message: 00 01, octets ff, 00, DigestInfo (RFC 8017, section 9.2).
    fn encode(&self, message: &[u8]) -> Integer {
        let digest = Sha256::digest(message);
        let mut encoded = vec![0xff; 2 * self.size.bytes()];
        let end = encoded.len() - DIGEST_INFO.len() - digest.len();
        encoded[..2].copy_from_slice(&[0, 1]);
        encoded[end - 1] = 0;
        encoded[end..][..DIGEST_INFO.len()].copy_from_slice(&DIGEST_INFO);
        encoded[end + DIGEST_INFO.len()..].copy_from_slice(&digest);
        from_be_bytes(&encoded)
    }

    /// The signature whose remainders modulo p and q these are (RFC 8017, section 5.2.1, step 2b).
    fn combine(&self, modulo_p: &[u64], modulo_q: &[u64]) -> Vec<u8> {
        // s_1 - s_2 modulo p. q is below 2 p, because both have the same bits and the top one is set.
        let mut other = Zeroizing::new(modulo_q.to_vec());
        subtract_if_not_below(&mut other, &self.p);
        let mut difference = Zeroizing::new(modulo_p.to_vec());
        if subtract(&mut difference, &other) {
            add(&mut difference, &self.p);
        }
        let h = remainder(&product(&difference, &self.coefficient), &self.p);
        let mut signature = product(&h, &self.q);
        let mut padded = Zeroizing::new(vec![0; signature.len()]);
        padded[..modulo_q.len()].copy_from_slice(modulo_q);
        add(&mut signature, &padded);
        to_be_bytes(&signature).to_vec()
    }
}

/// The signature of each message by the key beside it, all keys of the engine's size; none if the engine has no powers.
///
/// They are not verified. A signature that goes wrong in one of its halves gives a prime away, so that must be done before
/// anybody else sees it.
pub fn sign_each(engine: &mut dyn Search, jobs: &[(&CrtKey, &[u8])]) -> Option<Vec<Vec<u8>>> {
    let encoded: Vec<Integer> = jobs.iter().map(|(key, message)| key.encode(message)).collect();
    let powers: Vec<Power<'_>> = jobs
        .iter()
        .zip(&encoded)
        .flat_map(|((key, _), encoded)| {
            [(&key.exponent_p, &key.p), (&key.exponent_q, &key.q)].map(|(exponent, modulus)| Power {
                base: encoded,
                exponent,
                modulus,
            })
        })
        .collect();
    let powers = engine.powers(&powers)?;
    let (halves, _) = powers.as_chunks();
    // A signature too few would be a certificate too few.
    if halves.len() != jobs.len() {
        return None;
    }
    Some(jobs.iter().zip(halves).map(|((key, _), [modulo_p, modulo_q])| key.combine(modulo_p, modulo_q)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use num_bigint::BigUint;
    use pkcs1::{RsaPrivateKeyRef, der::Decode};
    use sha2::{Digest, Sha256};

    use super::super::engine::engines;
    use super::super::rsa::{generate_each, stream};
    use super::{CrtKey, DIGEST_INFO, PrimeSize, sign_each};

    /// Compares the signatures of every engine that makes some with RSASP1 by num-bigint (RFC 8017, section 5.2.1, step 2a).
    #[test]
    fn signatures_are_those_of_num_bigint() {
        let messages: Vec<Vec<u8>> = (0..11_u8).map(|number| vec![number; usize::from(number) * 7]).collect();
        let mut count = 0;
        for size in [PrimeSize::Bits1024, PrimeSize::Bits1536, PrimeSize::Bits2048] {
            let (mut next, mut keys) = (Some(((), stream(&[3; 32], size))), Vec::new());
            generate_each(size, &*engines().remove(0).test, &mut |_| next.take(), &mut |made| keys.push(made.key));
            let private_der = keys.remove(0).unwrap().private_der;
            let key = CrtKey::from_der(&private_der).unwrap();
            let numbers = RsaPrivateKeyRef::from_der(&private_der).unwrap();
            let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
            let (exponent, modulus) = (number(numbers.private_exponent.as_bytes()), number(numbers.modulus.as_bytes()));
            let expected: Vec<_> = messages
                .iter()
                .map(|message| {
                    let info = [&DIGEST_INFO[..], &Sha256::digest(message)].concat();
                    let padding = vec![0xff; 2 * size.bytes() - 3 - info.len()];
                    number(&[&[0, 1], &padding[..], &[0], &info].concat()).modpow(&exponent, &modulus)
                })
                .collect();
            for engine in engines() {
                for length in [1, 2, 11] {
                    let jobs: Vec<_> = messages[..length].iter().map(|message| (&key, message.as_slice())).collect();
                    let Some(signatures) = sign_each(&mut *engine.test.search(size), &jobs) else { continue };
                    count += 1;
                    let signatures: Vec<_> = signatures.iter().map(|signature| number(signature)).collect();
                    assert_eq!(signatures, expected[..length], "{}, {size:?}", engine.name);
                }
            }
        }
        // Only an engine that the portable one is not makes signatures.
        assert!(count > 0 || engines().iter().all(|engine| engine.name == "portable"));
    }
}
