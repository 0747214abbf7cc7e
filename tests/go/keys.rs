//! Keys that everybody knows, and signatures of every kind.

use std::sync::LazyLock;

use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::asn1::{bits, null, octets, oid, seq, tlv, uint};

/// A key.
pub enum Key {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    /// The curve's base point. Its private key is 1, so that no arithmetic of the curve is needed.
    P224,
    Ed25519 {
        seed: [u8; 32],
        pair: Ed25519KeyPair,
    },
    Rsa(Box<Rsa>),
}

pub struct Rsa {
    modulus: BigUint,
    exponent: BigUint,
    private_exponent: BigUint,
    primes: [BigUint; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Rsa(Hash),
    RsaPss(Hash),
    Ecdsa(Hash),
    Ed25519,
}

/// Every key. [`KINDS`] says which is which.
pub static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys: Vec<_> =
        (0..6).map(|number| Key::P256(p256::SecretKey::from_slice(&stream(number, 32)).unwrap())).collect();
    keys.extend([6, 7].map(|number| Key::P384(p384::SecretKey::from_slice(&stream(number, 48)).unwrap())));
    keys.extend([8, 9].map(|number| {
        let scalar = [vec![0], stream(number, 65)].concat();
        Key::P521(p521::SecretKey::from_slice(&scalar).unwrap())
    }));
    keys.extend([10, 11].map(|number| {
        let seed: [u8; 32] = stream(number, 32).try_into().unwrap();
        Key::Ed25519 { seed, pair: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap() }
    }));
    keys.extend(
        [(12, 2048), (13, 2048), (14, 1024), (15, 512)]
            .map(|(number, size)| Key::Rsa(Box::new(Rsa::new(number, size)))),
    );
    keys.push(Key::P224);
    keys
});

/// The numbers of the keys of each kind.
pub const P256: [usize; 6] = [0, 1, 2, 3, 4, 5];
pub const P384: [usize; 2] = [6, 7];
pub const P521: [usize; 2] = [8, 9];
pub const ED25519: [usize; 2] = [10, 11];
pub const RSA_2048: [usize; 2] = [12, 13];
pub const RSA_1024: usize = 14;
pub const RSA_512: usize = 15;
pub const P224: usize = 16;

/// Octets that depend on a number alone.
fn stream(number: u8, length: usize) -> Vec<u8> {
    let block = |counter: u8| Sha512::digest([b"certferry's known keys".as_slice(), &[number, counter]].concat());
    let mut octets: Vec<u8> =
        (0..=u8::MAX).take(length.div_ceil(64)).flat_map(|counter| block(counter).to_vec()).collect();
    octets.truncate(length);
    octets
}

impl Rsa {
    fn new(number: u8, size: usize) -> Self {
        let exponent = BigUint::from(65537_u32);
        let primes = [0, 1].map(|half| prime(&stream(number * 2 + half + 100, size / 16)));
        let one = BigUint::from(1_u32);
        let totient = (&primes[0] - &one) * (&primes[1] - &one);
        let private_exponent = exponent.modinv(&totient).unwrap();
        Self { modulus: &primes[0] * &primes[1], exponent, private_exponent, primes }
    }

    fn size(&self) -> usize {
        usize::try_from(self.modulus.bits().div_ceil(8)).unwrap()
    }

    /// RFC 8017, section 5.1.2, with the Chinese remainder theorem.
    fn power(&self, message: &[u8]) -> Vec<u8> {
        let (message, [p, q], one) = (BigUint::from_bytes_be(message), &self.primes, BigUint::from(1_u32));
        let of_p = message.modpow(&(&self.private_exponent % (p - &one)), p);
        let of_q = message.modpow(&(&self.private_exponent % (q - &one)), q);
        let difference = (&of_p + p * q - &of_q) % p;
        let power = &of_q + q * ((difference * q.modinv(p).unwrap()) % p);
        left_padded(&power.to_bytes_be(), self.size())
    }

    /// RFC 8017, section 9.2. Without room for the padding the signature is nothing.
    fn sign_pkcs1(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let info = seq(&[seq(&[oid(hash.oid()), null()]), octets(&hash.digest(message))]);
        let Some(padding) = self.size().checked_sub(info.len() + 3).filter(|length| *length >= 8) else {
            return vec![1; self.size()];
        };
        self.power(&[vec![0, 1], vec![0xff; padding], vec![0], info].concat())
    }

    /// RFC 8017, section 9.1.1, with a salt that is known.
    fn sign_pss(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let digest = hash.digest(message);
        let salt = vec![0x5a; digest.len()];
        let bits = usize::try_from(self.modulus.bits()).unwrap() - 1;
        let length = bits.div_ceil(8);
        let Some(padding) = length.checked_sub(2 * digest.len() + 2) else { return vec![1; self.size()] };
        let hashed = hash.digest(&[vec![0; 8], digest, salt.clone()].concat());
        let mut block = [vec![0; padding], vec![1], salt].concat();
        let mask = (0..u32::MAX).flat_map(|counter| hash.digest(&[&hashed[..], &counter.to_be_bytes()].concat()));
        block.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
        block[0] &= 0xff >> (8 * length - bits);
        self.power(&[block, hashed, vec![0xbc]].concat())
    }

    fn public(&self) -> Vec<u8> {
        seq(&[uint(&self.modulus.to_bytes_be()), uint(&self.exponent.to_bytes_be())])
    }

    /// RSAPrivateKey: RFC 8017, appendix A.1.2.
    fn private(&self) -> Vec<u8> {
        let one = BigUint::from(1_u32);
        let [p, q] = &self.primes;
        let mut fields = vec![uint(&[0])];
        let numbers = [
            self.modulus.clone(),
            self.exponent.clone(),
            self.private_exponent.clone(),
            p.clone(),
            q.clone(),
            &self.private_exponent % (p - &one),
            &self.private_exponent % (q - &one),
            q.modinv(p).unwrap(),
        ];
        fields.extend(numbers.map(|number| uint(&number.to_bytes_be())));
        seq(&fields)
    }
}

/// The first probable prime from a number on whose two highest bits are set, so that a product has all its bits.
fn prime(octets: &[u8]) -> BigUint {
    let mut start = octets.to_vec();
    start[0] |= 0xc0;
    let last = start.len() - 1;
    start[last] |= 1;
    let mut number = BigUint::from_bytes_be(&start);
    let small: Vec<u32> =
        (3..2000).step_by(2).filter(|&n| (3..n).take_while(|d| d * d <= n).all(|d| n % d != 0)).collect();
    let exponent = BigUint::from(65537_u32);
    loop {
        let is_divided = |by: &u32| &number % *by == BigUint::ZERO;
        let less = &number - 1_u32;
        if !small.iter().any(is_divided) && &less % &exponent != BigUint::ZERO {
            // Fermat's test is enough for numbers that nobody chose to fool it.
            if [2_u32, 3, 5].iter().all(|base| BigUint::from(*base).modpow(&less, &number) == BigUint::from(1_u32)) {
                return number;
            }
        }
        number += 2_u32;
    }
}

fn left_padded(octets: &[u8], length: usize) -> Vec<u8> {
    [&vec![0; length.saturating_sub(octets.len())], octets].concat()
}

impl Hash {
    const fn oid(self) -> &'static str {
        match self {
            Self::Md5 => "1.2.840.113549.2.5",
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        }
    }

    /// The digest. Of MD5 it is none: nobody looks at such a signature.
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => vec![0; 16],
            Self::Sha1 => ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, message).as_ref().to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

impl Scheme {
    /// The AlgorithmIdentifier in DER.
    pub fn identifier(self) -> Vec<u8> {
        let rsa = |last: u8| seq(&[oid(&format!("1.2.840.113549.1.1.{last}")), null()]);
        match self {
            Self::Rsa(Hash::Md5) => rsa(4),
            Self::Rsa(Hash::Sha1) => rsa(5),
            Self::Rsa(Hash::Sha256) => rsa(11),
            Self::Rsa(Hash::Sha384) => rsa(12),
            Self::Rsa(Hash::Sha512) => rsa(13),
            Self::RsaPss(hash) => pss(hash, hash, hash.digest(&[]).len(), 1),
            Self::Ecdsa(Hash::Md5 | Hash::Sha1) => seq(&[oid("1.2.840.10045.4.1")]),
            Self::Ecdsa(Hash::Sha256) => seq(&[oid("1.2.840.10045.4.3.2")]),
            Self::Ecdsa(Hash::Sha384) => seq(&[oid("1.2.840.10045.4.3.3")]),
            Self::Ecdsa(Hash::Sha512) => seq(&[oid("1.2.840.10045.4.3.4")]),
            Self::Ed25519 => seq(&[oid("1.3.101.112")]),
        }
    }
}

/// The AlgorithmIdentifier of RSASSA-PSS: RFC 8017, appendix A.2.3.
pub fn pss(hash: Hash, mask_hash: Hash, salt: usize, trailer: u8) -> Vec<u8> {
    let hashed = |hash: Hash| seq(&[oid(hash.oid()), null()]);
    let mask = seq(&[oid("1.2.840.113549.1.1.8"), hashed(mask_hash)]);
    let salt = uint(&[u8::try_from(salt).unwrap()]);
    let mut fields = vec![tlv(0xa0, &hashed(hash)), tlv(0xa1, &mask), tlv(0xa2, &salt)];
    if trailer != 1 {
        fields.push(tlv(0xa3, &uint(&[trailer])));
    }
    seq(&[oid("1.2.840.113549.1.1.10"), seq(&fields)])
}

impl Key {
    /// What the key signs with by default.
    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::P256(_) | Self::P224 => Scheme::Ecdsa(Hash::Sha256),
            Self::P384(_) => Scheme::Ecdsa(Hash::Sha384),
            Self::P521(_) => Scheme::Ecdsa(Hash::Sha512),
            Self::Ed25519 { .. } => Scheme::Ed25519,
            Self::Rsa(_) => Scheme::Rsa(Hash::Sha256),
        }
    }

    /// The same kind of scheme with another hash.
    pub const fn scheme_with(&self, hash: Hash) -> Scheme {
        match self {
            Self::P256(_) | Self::P224 | Self::P384(_) | Self::P521(_) => Scheme::Ecdsa(hash),
            Self::Ed25519 { .. } => Scheme::Ed25519,
            Self::Rsa(_) => Scheme::Rsa(hash),
        }
    }

    /// A signature. With a scheme that does not fit the key it is nothing.
    pub fn sign(&self, scheme: Scheme, message: &[u8]) -> Vec<u8> {
        match (self, scheme) {
            (Self::Rsa(key), Scheme::Rsa(hash)) => key.sign_pkcs1(hash, message),
            (Self::Rsa(key), Scheme::RsaPss(hash)) => key.sign_pss(hash, message),
            (Self::Ed25519 { pair, .. }, Scheme::Ed25519) => pair.sign(message).as_ref().to_vec(),
            (Self::P256(key), Scheme::Ecdsa(hash)) => {
                let signature: p256::ecdsa::DerSignature =
                    p256::ecdsa::SigningKey::from(key).sign_prehash(&hash.digest(message)).unwrap();
                signature.as_bytes().to_vec()
            }
            // The crates refuse a digest of less than half the field's size. Zeros in front of it are the same number.
            (Self::P384(key), Scheme::Ecdsa(hash)) => {
                let digest = left_padded(&hash.digest(message), 24);
                let signature: p384::ecdsa::DerSignature =
                    p384::ecdsa::SigningKey::from(key).sign_prehash(&digest).unwrap();
                signature.as_bytes().to_vec()
            }
            (Self::P521(key), Scheme::Ecdsa(hash)) => {
                let digest = left_padded(&hash.digest(message), 33);
                let signature: p521::ecdsa::DerSignature =
                    p521::ecdsa::SigningKey::from(key).sign_prehash(&digest).unwrap();
                signature.as_bytes().to_vec()
            }
            (Self::P224, Scheme::Ecdsa(hash)) => sign_p224(&hash.digest(message)),
            _ => vec![1; 64],
        }
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn spki(&self) -> Vec<u8> {
        seq(&[self.algorithm(), bits(&self.public())])
    }

    /// The AlgorithmIdentifier of the key.
    fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => seq(&[oid("1.2.840.113549.1.1.1"), null()]),
            Self::Ed25519 { .. } => seq(&[oid("1.3.101.112")]),
            _ => seq(&[oid("1.2.840.10045.2.1"), self.curve()]),
        }
    }

    fn curve(&self) -> Vec<u8> {
        oid(match self {
            Self::P224 => "1.3.132.0.33",
            Self::P384(_) => "1.3.132.0.34",
            Self::P521(_) => "1.3.132.0.35",
            _ => "1.2.840.10045.3.1.7",
        })
    }

    /// The content of the subjectPublicKey.
    pub fn public(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.public_key().to_sec1_bytes().to_vec(),
            Self::P384(key) => key.public_key().to_sec1_bytes().to_vec(),
            Self::P521(key) => key.public_key().to_sec1_bytes().to_vec(),
            Self::P224 => [&[4], &p224("x")[..], &p224("y")[..]].concat(),
            Self::Ed25519 { pair, .. } => pair.public_key().as_ref().to_vec(),
            Self::Rsa(key) => key.public(),
        }
    }

    /// The private key in PEM: PKCS#8, or the older form of its kind where there is one.
    pub fn pem(&self, is_pkcs8: bool) -> String {
        let (kind, older) = match self {
            Self::Rsa(key) => ("RSA PRIVATE KEY", key.private()),
            Self::Ed25519 { seed, .. } => ("PRIVATE KEY", octets(seed)),
            _ => ("EC PRIVATE KEY", self.sec1(!is_pkcs8)),
        };
        if kind == "PRIVATE KEY" || is_pkcs8 {
            return pem("PRIVATE KEY", &seq(&[uint(&[0]), self.algorithm(), octets(&older)]));
        }
        pem(kind, &older)
    }

    /// ECPrivateKey: RFC 5915, section 3.
    fn sec1(&self, with_curve: bool) -> Vec<u8> {
        let scalar = match self {
            Self::P256(key) => key.to_bytes().to_vec(),
            Self::P384(key) => key.to_bytes().to_vec(),
            Self::P521(key) => key.to_bytes().to_vec(),
            _ => left_padded(&[1], 28),
        };
        let mut fields = vec![uint(&[1]), octets(&scalar)];
        if with_curve {
            fields.push(tlv(0xa0, &self.curve()));
        }
        fields.push(tlv(0xa1, &bits(&self.public())));
        seq(&fields)
    }
}

/// FIPS 186-4, section D.1.2.2: the base point of P-224 and its order.
fn p224(what: &str) -> Vec<u8> {
    let digits = match what {
        "x" => "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
        "y" => "bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34",
        _ => "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
    };
    left_padded(&BigUint::parse_bytes(digits.as_bytes(), 16).unwrap().to_bytes_be(), 28)
}

/// ECDSA with the private key 1 and the number 1 in place of a random one.
fn sign_p224(digest: &[u8]) -> Vec<u8> {
    let order = BigUint::from_bytes_be(&p224("n"));
    let r = BigUint::from_bytes_be(&p224("x")) % &order;
    let s = (BigUint::from_bytes_be(&digest[..digest.len().min(28)]) + &r) % &order;
    seq(&[uint(&r.to_bytes_be()), uint(&s.to_bytes_be())])
}

/// A PEM block.
pub fn pem(kind: &str, der: &[u8]) -> String {
    der::pem::encode_string(kind, der::pem::LineEnding::LF, der).unwrap()
}
