//! Loads certificates and their keys as Go's `crypto/tls` does.

use der::asn1::ObjectIdentifier;
use p256::pkcs8::{DecodePrivateKey, PrivateKeyInfoRef};
use pkcs1::RsaPrivateKeyRef;
use ring::signature::KeyPair;
use sec1::EcPrivateKey;
use sec1::der::Decode;

use super::pem::{Block, blocks, blocks_of};
use super::public_key::{Curve, PublicKey};
use super::{GoCertificate, GoError, GoVersion};
use crate::x509::oid;

/// Loads the certificates of a file and the key of another one, as every server and client does. Both may be one file.
///
/// Returns the certificates, the leaf first. Only the leaf must be readable; others that are not are left out.
///
/// # Errors
/// Fails with Go's text. Source: crypto/tls/tls.go `X509KeyPair`, Go 1.15 to 1.26.
pub fn check_key_pair(certificate: &[u8], key: &[u8], go: GoVersion) -> Result<Vec<GoCertificate>, GoError> {
    let tls = |text: &str| GoError::text(format!("tls: {text}"));
    let found = blocks_of(certificate, go);
    let (certificates, others): (Vec<Block>, Vec<Block>) =
        found.into_iter().partition(|block| block.kind == "CERTIFICATE");
    let Some((leaf, rest)) = certificates.split_first() else {
        return Err(match others.as_slice() {
            [] => tls("failed to find any PEM data in certificate input"),
            [one] if one.kind.ends_with("PRIVATE KEY") => tls(
                "failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may \
                     have been switched",
            ),
            others => tls(&format!(
                "failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following \
                 types: [{}]",
                kinds(others)
            )),
        });
    };
    let mut skipped = blocks_of(key, go);
    let Some(position) = skipped.iter().position(is_private) else {
        return Err(match skipped.as_slice() {
            [] => tls("failed to find any PEM data in key input"),
            [one] if one.kind == "CERTIFICATE" => {
                tls("found a certificate rather than a key in the PEM for the private key")
            }
            others => tls(&format!(
                "failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the \
                 following types: [{}]",
                kinds(others)
            )),
        });
    };
    let key = skipped.swap_remove(position);
    let leaf = GoCertificate::parse(&leaf.content, go)?;
    let public = private_key(&key.content).map_err(|fault| match fault {
        KeyFault::Unusable if go.is_at_least(20) => tls("found unknown private key type in PKCS#8 wrapping"),
        KeyFault::Broken | KeyFault::Unusable => tls("failed to parse private key"),
    })?;
    match (&leaf.key, &public) {
        (PublicKey::Ec(Curve::P224, _), PublicKey::Ec(Curve::P224, _)) => {
            return Err(GoError::Unchecked("a private key on the curve P-224".to_owned()));
        }
        (PublicKey::Dsa | PublicKey::Unknown, _) => return Err(tls("unknown public key algorithm")),
        (PublicKey::Rsa { modulus: left, .. }, PublicKey::Rsa { modulus: right, .. }) if left == right => {}
        (left, right) if left == right => {}
        (PublicKey::Rsa { .. }, PublicKey::Rsa { .. })
        | (PublicKey::Ec(..), PublicKey::Ec(..))
        | (PublicKey::Ed25519(_), PublicKey::Ed25519(_)) => return Err(tls("private key does not match public key")),
        _ => return Err(tls("private key type does not match public key type")),
    }
    let rest = rest.iter().filter_map(|block| GoCertificate::parse(&block.content, go).ok());
    Ok(std::iter::once(leaf).chain(rest).collect())
}

fn kinds(blocks: &[Block]) -> String {
    blocks.iter().map(|block| block.kind.as_str()).collect::<Vec<_>>().join(" ")
}

fn is_private(block: &Block) -> bool {
    block.kind == "PRIVATE KEY" || block.kind.ends_with(" PRIVATE KEY")
}

/// id-X25519: RFC 8410, section 3.
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");

/// Returns the public keys of a file: public keys, and those of certificates and of private keys in it.
///
/// Source: client-go util/keyutil/key.go `ParsePublicKeysPEM`, v0.20.2.
#[must_use]
pub fn public_keys(text: &[u8]) -> Vec<PublicKey> {
    let newest = GoVersion(u16::MAX, 0);
    let key = |block: Block| match block.kind.as_str() {
        "PUBLIC KEY" => PublicKey::parse(&block.content),
        "RSA PUBLIC KEY" => PublicKey::rsa(&block.content).ok(),
        "CERTIFICATE" => GoCertificate::parse(&block.content, newest).ok().map(|certificate| certificate.key),
        "EC PRIVATE KEY" | "RSA PRIVATE KEY" | "PRIVATE KEY" => private_key(&block.content).ok(),
        _ => None,
    };
    blocks(text).into_iter().filter_map(key).collect()
}

/// Why a private key cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// It is in none of the three forms, or its numbers do not belong together.
    Broken,
    /// It is of an algorithm that Go knows from 1.20 on, and that no certificate has: X25519.
    Unusable,
}

/// Returns the public half of a private key in DER: PKCS#1, PKCS#8 or SEC 1. The point of a key on the curve P-224 is
/// empty: nobody computes it.
///
/// # Errors
/// Fails when the key is in none of these forms.
pub fn private_key(der: &[u8]) -> Result<PublicKey, KeyFault> {
    if let Some(key) = rsa(der) {
        return Ok(key);
    }
    if let Ok(info) = PrivateKeyInfoRef::from_der(der) {
        let algorithm = info.algorithm.oid;
        let key = if algorithm == oid::RSA_ENCRYPTION {
            rsa(info.private_key.as_bytes())
        } else if algorithm == oid::EC_PUBLIC_KEY {
            let curve = info.algorithm.parameters.and_then(|parameters| parameters.decode_as().ok());
            curve.and_then(|curve: ObjectIdentifier| ec_pkcs8(der, curve.as_bytes()))
        } else if algorithm == oid::ED25519 {
            let pair = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok();
            pair.map(|pair| PublicKey::Ed25519(pair.public_key().as_ref().to_vec()))
        } else if algorithm == X25519 {
            return Err(KeyFault::Unusable);
        } else {
            None
        };
        return key.ok_or(KeyFault::Broken);
    }
    sec1_key(der).ok_or(KeyFault::Broken)
}

fn rsa(der: &[u8]) -> Option<PublicKey> {
    let key = RsaPrivateKeyRef::from_der(der).ok()?;
    PublicKey::rsa_of(&unsigned(key.modulus.as_bytes()), &unsigned(key.public_exponent.as_bytes()))
}

/// Returns a positive INTEGER's octets as DER has them.
fn unsigned(octets: &[u8]) -> Vec<u8> {
    let needs_zero = octets.first().is_none_or(|octet| octet & 0x80 != 0);
    if needs_zero { [&[0], octets].concat() } else { octets.to_vec() }
}

fn ec_pkcs8(der: &[u8], curve: &[u8]) -> Option<PublicKey> {
    let curve = Curve::of(curve)?;
    let point = match curve {
        Curve::P224 => Vec::new(),
        Curve::P256 => p256::SecretKey::from_pkcs8_der(der).ok()?.public_key().to_sec1_bytes().to_vec(),
        Curve::P384 => p384::SecretKey::from_pkcs8_der(der).ok()?.public_key().to_sec1_bytes().to_vec(),
        Curve::P521 => p521::SecretKey::from_pkcs8_der(der).ok()?.public_key().to_sec1_bytes().to_vec(),
    };
    Some(PublicKey::Ec(curve, point))
}

fn sec1_key(der: &[u8]) -> Option<PublicKey> {
    let key = EcPrivateKey::from_der(der).ok()?;
    let curve = Curve::of(key.parameters?.named_curve()?.as_bytes())?;
    let point = match curve {
        Curve::P224 => Vec::new(),
        Curve::P256 => p256::SecretKey::from_slice(key.private_key).ok()?.public_key().to_sec1_bytes().to_vec(),
        Curve::P384 => p384::SecretKey::from_slice(key.private_key).ok()?.public_key().to_sec1_bytes().to_vec(),
        Curve::P521 => p521::SecretKey::from_slice(key.private_key).ok()?.public_key().to_sec1_bytes().to_vec(),
    };
    Some(PublicKey::Ec(curve, point))
}
