//! RSA keys by C2SP det-keygen.

use der::asn1::UintRef;
use der::{Decode, Encode};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use zeroize::Zeroizing;

use super::hmac_drbg::HmacDrbg;
use super::integer::{
    Integer, divide, from_be_bytes, gcd_of_odd, inverse_modulo_odd, inverse_of_prime, product, remainder,
    shift_right_by_one, subtract_if_not_below, to_be_bytes,
};
use super::prime::{Candidate, PrimeSize, PrimeTest};
use super::rsa_signature::{CrtKey, sign_each};
use super::streams::Streams;

/// det-keygen, RSA, step 22.
const PUBLIC_EXPONENT: u32 = 65_537;

/// A key pair in its encodings.
pub struct RsaKey {
    /// RSAPrivateKey (RFC 8017, appendix A.1.2).
    pub private_der: Zeroizing<Vec<u8>>,
    /// RSAPublicKey (RFC 8017, appendix A.1.1).
    pub public_der: Vec<u8>,
}

/// What a key signs to prove itself.
pub const PROOF: &[u8] = b"certferry: a key proves itself before anybody uses it";

/// A key that was made, for whoever asked for it.
pub struct Made<T> {
    /// Who asked for it.
    pub owner: T,
    /// The key.
    pub key: der::Result<RsaKey>,
    /// The key's signature of [`PROOF`], where the engine made one. It is not verified.
    pub proof: Option<Vec<u8>>,
}

/// Where det-keygen takes the candidates for a key from.
#[must_use]
pub fn stream(seed: &[u8], size: PrimeSize) -> HmacDrbg {
    let mut personalization = b"det RSA key gen".to_vec();
    personalization.extend_from_slice(&modulus_bits(size).to_be_bytes());
    HmacDrbg::new(seed, &personalization)
}

/// The keys that det-keygen makes from the streams that `next` gives, several side by side; `next` is told how many are in the
/// making, and is asked again whenever one is done. p is the prime drawn first, d is taken modulo lcm(p-1, q-1).
///
/// `done` gets them in no certain order. A key does not depend on the others.
pub fn generate_each<T>(
    size: PrimeSize,
    engine: &dyn PrimeTest,
    next: &mut dyn FnMut(usize) -> Option<(T, HmacDrbg)>,
    done: &mut dyn FnMut(Made<T>),
) {
    let mut streams = Streams::new(size, engine);
    let mut unproved = Vec::new();
    loop {
        while !streams.is_full()
            && let Some((owner, drbg)) = next(streams.len())
        {
            streams.add(owner, drbg);
        }
        if streams.len() == 0 {
            return;
        }
        unproved.extend(streams.search(key));
        // A signature takes two powers.
        if 2 * unproved.len() >= streams.engine().batch_size() || streams.len() == 0 {
            let keys = unproved.iter().map(|(_, key)| CrtKey::from_der(&key.as_ref().ok()?.private_der));
            let keys: Vec<CrtKey> = keys.collect::<Option<_>>().unwrap_or_default();
            let jobs: Vec<_> = keys.iter().map(|key| (key, PROOF)).collect();
            let proofs = sign_each(streams.engine(), &jobs);
            let mut proofs = proofs.unwrap_or_default().into_iter();
            unproved.drain(..).for_each(|(owner, key)| done(Made { owner, key, proof: proofs.next() }));
        }
    }
}

/// The key with these primes; none if they must be drawn anew.
fn key(p: &Candidate, q: &Candidate) -> Option<der::Result<RsaKey>> {
    let exponents = Exponents::new(p.limbs(), q.limbs())?;
    let coefficient = coefficient(p.limbs(), q.limbs())?;
    Some(encode(p, q, &exponents, &coefficient))
}

const fn modulus_bits(size: PrimeSize) -> u16 {
    match size {
        PrimeSize::Bits1024 => 2048,
        PrimeSize::Bits1536 => 3072,
        PrimeSize::Bits2048 => 4096,
    }
}

/// `e^-1` modulo lcm(p-1, q-1), p-1 and q-1.
struct Exponents {
    private: Integer,
    modulo_p: Integer,
    modulo_q: Integer,
}

impl Exponents {
    /// det-keygen, RSA, steps 19 to 23; none if both primes must be drawn anew.
    fn new(p: &[u64], q: &[u64]) -> Option<Self> {
        // Step 11 sees to it that (p-1)/2 and (q-1)/2 are odd.
        let (mut half_p, mut half_q) = (Zeroizing::new(p.to_vec()), Zeroizing::new(q.to_vec()));
        shift_right_by_one(&mut half_p);
        shift_right_by_one(&mut half_q);
        let half_ratio = gcd_of_odd(&half_p, &half_q);
        // The ratio is to be below 2^32, its half below 2^31.
        if half_ratio[1..].iter().any(|limb| *limb != 0) {
            return None;
        }
        let half_ratio = u32::try_from(half_ratio[0]).ok().filter(|half| half >> 31 == 0)?;
        // (p-1)(q-1) / ratio = (p-1) ((q-1)/2) / (ratio/2)
        let (totient, _) = divide(&product(&minus_one(p), &half_q), half_ratio);
        Some(Self {
            private: inverse_of_prime(PUBLIC_EXPONENT, &totient)?,
            // d mod (p-1) is the inverse of e there too; both exist if the first does.
            modulo_p: inverse_of_prime(PUBLIC_EXPONENT, &minus_one(p))?,
            modulo_q: inverse_of_prime(PUBLIC_EXPONENT, &minus_one(q))?,
        })
    }
}

/// A prime's predecessor: primes here are odd.
fn minus_one(prime: &[u64]) -> Integer {
    let mut number = Zeroizing::new(prime.to_vec());
    number[0] &= !1;
    number
}

/// Whether d is dP modulo p-1 and dQ modulo q-1. A signature by the Chinese remainder theorem, ring's and OpenSSL's,
/// proves those two and never looks at d; Go does.
#[must_use]
pub fn exponents_agree(private_der: &[u8]) -> bool {
    let Ok(key) = RsaPrivateKeyRef::from_der(private_der) else { return false };
    let number = |value: UintRef<'_>| from_be_bytes(value.as_bytes());
    let private = number(key.private_exponent);
    [(key.prime1, key.exponent1), (key.prime2, key.exponent2)].into_iter().all(|(prime, exponent)| {
        let modulus = minus_one(&number(prime));
        // Every prime here has its top bit set.
        if modulus.last().is_none_or(|limb| limb >> 63 == 0) {
            return false;
        }
        let rest = remainder(&private, &modulus);
        to_be_bytes(&rest).iter().skip_while(|byte| **byte == 0).eq(exponent.as_bytes().iter())
    })
}

/// `q^-1 mod p`; none if p is q, which step 20 draws anew too.
fn coefficient(p: &[u64], q: &[u64]) -> Option<Integer> {
    // Both have the same bits, the top one set: q is below 2 p.
    let mut number = Zeroizing::new(q.to_vec());
    subtract_if_not_below(&mut number, p);
    inverse_modulo_odd(&number, p)
}

fn encode(p: &Candidate, q: &Candidate, exponents: &Exponents, coefficient: &[u64]) -> der::Result<RsaKey> {
    let modulus = to_be_bytes(&product(p.limbs(), q.limbs()));
    let public_exponent = PUBLIC_EXPONENT.to_be_bytes();
    let private_exponent = to_be_bytes(&exponents.private);
    let (prime1, prime2) = (to_be_bytes(p.limbs()), to_be_bytes(q.limbs()));
    let coefficient = to_be_bytes(coefficient);
    let (exponent1, exponent2) = (to_be_bytes(&exponents.modulo_p), to_be_bytes(&exponents.modulo_q));

    let public = RsaPublicKeyRef { modulus: UintRef::new(&modulus)?, public_exponent: UintRef::new(&public_exponent)? };
    let private = RsaPrivateKeyRef {
        modulus: public.modulus,
        public_exponent: public.public_exponent,
        private_exponent: UintRef::new(&private_exponent)?,
        prime1: UintRef::new(&prime1)?,
        prime2: UintRef::new(&prime2)?,
        exponent1: UintRef::new(&exponent1)?,
        exponent2: UintRef::new(&exponent2)?,
        coefficient: UintRef::new(&coefficient)?,
        other_prime_infos: None,
    };
    Ok(RsaKey { private_der: Zeroizing::new(private.to_der()?), public_der: public.to_der()? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use num_bigint::BigUint;

    use super::super::portable::Portable;
    use super::{Exponents, PUBLIC_EXPONENT, exponents_agree};

    /// `2 common factor + 1` as 16 limbs; the tests below need no primes, only odd `common` and `factor`.
    fn prime(common: u64, factor: &BigUint) -> ([u64; 16], BigUint) {
        let number = BigUint::from(2 * u128::from(common)) * factor + 1_u32;
        let mut limbs = [0; 16];
        for (limb, digit) in limbs.iter_mut().zip(number.iter_u64_digits()) {
            *limb = digit;
        }
        (limbs, number)
    }

    /// Two odd numbers of 960 bits without a common factor: 2^k - 1 and 2^l - 1 have gcd 2^gcd(k, l) - 1.
    fn factors() -> (BigUint, BigUint) {
        ((BigUint::from(1_u32) << 953) - 1_u32, (BigUint::from(1_u32) << 947) - 1_u32)
    }

    #[test]
    fn primes_are_drawn_anew_when_their_predecessors_have_too_large_a_common_factor() {
        let (one, other) = factors();
        // det-keygen, RSA, step 20: the ratio is twice this number and must be below 2^32.
        for (common, expected) in [(1, true), ((1 << 31) - 1, true), ((1 << 31) + 1, false), ((1 << 40) + 1, false)] {
            let exponents = Exponents::new(&prime(common, &one).0, &prime(common, &other).0);
            assert_eq!(exponents.is_some(), expected, "{common}");
        }
    }

    #[test]
    fn primes_are_drawn_anew_when_the_exponent_has_no_inverse() {
        let (one, other) = factors();
        let e = u64::from(PUBLIC_EXPONENT);
        for (first, second, expected) in [(1, 1, true), (e, 1, false), (1, e, false), (e, e, false), (3, e * 3, false)]
        {
            let exponents = Exponents::new(&prime(first, &one).0, &prime(second, &other).0);
            assert_eq!(exponents.is_some(), expected, "{first} {second}");
        }
    }

    #[test]
    fn a_private_exponent_that_is_another_is_noticed() {
        let size = super::PrimeSize::Bits1024;
        let mut streams = vec![((), super::stream(&[7; 32], size))];
        let mut key = None;
        super::generate_each(size, &Portable::new(), &mut |_| streams.pop(), &mut |made| key = made.key.ok());
        let key = key.unwrap();
        assert!(exponents_agree(&key.private_der));
        // d is the number of 256 octets behind the exponent 65537.
        let behind = key.private_der.windows(5).position(|window| window == [2, 3, 1, 0, 1]).unwrap() + 5;
        for place in [behind + 8, behind + 100, behind + 250] {
            let mut other = key.private_der.clone();
            other[place] ^= 1;
            assert!(!exponents_agree(&other), "{place}");
        }
    }

    #[test]
    fn exponents_are_inverses_modulo_the_carmichael_totient() {
        let (one, other) = factors();
        for common in [1, 3, 1_000_003] {
            let ((p, big_p), (q, big_q)) = (prime(common, &one), prime(common, &other));
            let exponents = Exponents::new(&p, &q).unwrap();
            let inverse = |modulus: BigUint| BigUint::from(PUBLIC_EXPONENT).modinv(&modulus).unwrap();
            let totient = (&big_p - 1_u32) * (&big_q - 1_u32) / (2 * common);
            for (exponent, expected) in [
                (exponents.private, inverse(totient)),
                (exponents.modulo_p, inverse(big_p - 1_u32)),
                (exponents.modulo_q, inverse(big_q - 1_u32)),
            ] {
                assert_eq!(BigUint::from_bytes_be(&super::to_be_bytes(&exponent)), expected, "{common}");
            }
        }
    }
}
