//! Completes the TBSCertificate that rcgen encodes, with serial, names and the order of extensions.
//!
//! rcgen holds one value per attribute type (no several groups in one RDN), takes the issuer's name from parameters and
//! not from a certificate's bytes, and has an order of extensions of its own. It therefore builds every certificate
//! with placeholders, and this file alone replaces them.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Encode, Sequence};
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;

use crate::x509::oid;

/// Go's order of extensions (crypto/x509 `buildCertExtensions`).
const EXTENSION_ORDER: [ObjectIdentifier; 7] = [
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::BASIC_CONSTRAINTS,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::SUBJECT_ALT_NAME,
    oid::NAME_CONSTRAINTS,
];

/// Certificate (RFC 5280, section 4.1).
#[derive(Sequence)]
struct SignedCertificate<'a> {
    tbs_certificate: AnyRef<'a>,
    signature_algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// TBSCertificate (RFC 5280, section 4.1). Fields that are not changed keep their bytes.
#[derive(Sequence)]
pub(super) struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", default = "Default::default")]
    pub(super) version: Version,
    pub(super) serial_number: AnyRef<'a>,
    pub(super) signature: AnyRef<'a>,
    pub(super) issuer: AnyRef<'a>,
    pub(super) validity: AnyRef<'a>,
    pub(super) subject: AnyRef<'a>,
    pub(super) subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) issuer_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) subject_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    pub(super) extensions: Vec<Extension>,
}

/// The fields that rcgen leaves open.
pub(super) struct SubjectAndIssuer<'a> {
    /// The issuer's Name in DER.
    pub(super) issuer: &'a [u8],
    /// The subject's Name in DER.
    pub(super) subject: &'a [u8],
    /// Whether this is a CA. Only CAs get a subject key identifier.
    pub(super) is_ca: bool,
}

/// A certificate that lacks only its signature.
pub(super) struct Unsigned {
    /// The TBSCertificate in DER, which is what the signature covers.
    pub(super) tbs: Vec<u8>,
    /// The AlgorithmIdentifier of the signature, in DER.
    pub(super) algorithm: Vec<u8>,
}

/// Completes a certificate up to its signature.
///
/// `template` is what rcgen encoded. `serial` gets the TBSCertificate in DER with serial 1, and returns the serial
/// number.
///
/// # Errors
/// Fails when `template` is not a certificate, when it has an extension that no certificate of ours has, and when
/// `serial` returns `None`.
pub(super) fn finish(
    template: &[u8],
    names: &SubjectAndIssuer<'_>,
    serial: impl FnOnce(&[u8]) -> Option<[u8; 16]>,
) -> der::Result<Unsigned> {
    let template = SignedCertificate::from_der(template)?;
    let mut tbs: TbsCertificate<'_> = template.tbs_certificate.decode_as()?;
    tbs.issuer = AnyRef::from_der(names.issuer)?;
    tbs.subject = AnyRef::from_der(names.subject)?;
    if !names.is_ca {
        tbs.extensions.retain(|extension| extension.extn_id != oid::SUBJECT_KEY_IDENTIFIER);
    }
    let place = |extension: &Extension| EXTENSION_ORDER.iter().position(|id| *id == extension.extn_id);
    if tbs.extensions.iter().any(|extension| place(extension).is_none()) {
        return Err(der::ErrorKind::Failed.into());
    }
    tbs.extensions.sort_by_key(place);

    Ok(Unsigned { tbs: numbered(tbs, serial)?, algorithm: template.signature_algorithm.to_der()? })
}

/// Returns the TBSCertificate in DER with its serial number. `serial` gets the TBSCertificate in DER with serial 1.
///
/// # Errors
/// Fails when `serial` returns `None`.
pub(super) fn numbered(
    tbs: TbsCertificate<'_>,
    serial: impl FnOnce(&[u8]) -> Option<[u8; 16]>,
) -> der::Result<Vec<u8>> {
    let one = UintRef::new(&[1])?.to_der()?;
    let first = TbsCertificate { serial_number: AnyRef::from_der(&one)?, ..tbs };
    let serial = serial(&first.to_der()?).ok_or(der::ErrorKind::Failed)?;
    let serial = UintRef::new(&serial)?.to_der()?;
    TbsCertificate { serial_number: AnyRef::from_der(&serial)?, ..first }.to_der()
}

/// Returns the certificate in DER with this signature.
///
/// # Errors
/// None is expected.
pub(super) fn certificate(unsigned: &Unsigned, signature: &[u8]) -> der::Result<Vec<u8>> {
    let certificate = SignedCertificate {
        tbs_certificate: AnyRef::from_der(&unsigned.tbs)?,
        signature_algorithm: AnyRef::from_der(&unsigned.algorithm)?,
        signature: BitStringRef::from_bytes(signature)?,
    };
    certificate.to_der()
}

/// Returns the signature in a certificate, or `None` when anything else in it is not what was to be signed.
pub(super) fn signature<'a>(unsigned: &Unsigned, certificate: &'a [u8]) -> Option<&'a [u8]> {
    let read = SignedCertificate::from_der(certificate).ok()?;
    let holds = [(read.tbs_certificate, &unsigned.tbs), (read.signature_algorithm, &unsigned.algorithm)]
        .into_iter()
        .all(|(read, expected)| AnyRef::from_der(expected).is_ok_and(|expected| read == expected));
    holds.then_some(read.signature.as_bytes())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Unsigned, certificate, signature};

    #[test]
    fn a_signature_is_found_only_behind_what_was_to_be_signed() {
        // Two sequences of one number each. Nothing here reads them.
        let unsigned = Unsigned { tbs: vec![0x30, 3, 2, 1, 5], algorithm: vec![0x30, 3, 2, 1, 6] };
        let right = certificate(&unsigned, b"signature").unwrap();
        assert_eq!(signature(&unsigned, &right), Some(&b"signature"[..]));
        assert_eq!(signature(&unsigned, &certificate(&unsigned, &[]).unwrap()), Some(&[][..]));
        // Every byte before the signature's own octets: numbers, tags, unused bits, lengths.
        for place in 0..right.len() - b"signature".len() {
            let mut wrong = right.clone();
            wrong[place] ^= 1;
            assert_eq!(signature(&unsigned, &wrong), None, "{place}");
        }
        assert_eq!(signature(&unsigned, &[&right[..], &[0]].concat()), None);
        assert_eq!(signature(&unsigned, &right[..right.len() - 1]), None);
    }
}
