//! The TBSCertificate, reopened: rcgen encodes it, then serial, names and the order of extensions are set.
//!
//! rcgen holds one value per attribute type (no several groups in one RDN), takes the issuer's name from parameters
//! and not from a certificate's bytes, and has an order of extensions of its own. So it builds every certificate with
//! a placeholder for those, and this one place finishes all of them.

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
    tbs_certificate: TbsCertificate<'a>,
    signature_algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// TBSCertificate (RFC 5280, section 4.1); what is not changed keeps its bytes.
#[derive(Sequence)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", default = "Default::default")]
    version: Version,
    serial_number: UintRef<'a>,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: AnyRef<'a>,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// What rcgen leaves open.
pub(super) struct Names<'a> {
    /// The issuer's Name in DER.
    pub(super) issuer: &'a [u8],
    /// The subject's Name in DER.
    pub(super) subject: &'a [u8],
    /// Whether the certificate carries a subject key identifier: only CAs do.
    pub(super) is_ca: bool,
}

/// A certificate that lacks nothing but its signature.
pub(super) struct Unsigned {
    /// The certificate in DER with an empty signature.
    pub(super) certificate: Vec<u8>,
    /// The TBSCertificate in DER: what is to be signed.
    pub(super) tbs: Vec<u8>,
}

/// A certificate that lacks nothing but its signature.
///
/// `template` is what rcgen encoded; `serial` receives the TBSCertificate in DER with serial 1 and answers with the
/// serial.
///
/// # Errors
/// When `template` is not a certificate, has an extension that no certificate of ours has, or there is no serial.
pub(super) fn finish(
    template: &[u8],
    names: &Names<'_>,
    serial: impl FnOnce(&[u8]) -> Option<[u8; 16]>,
) -> der::Result<Unsigned> {
    let mut certificate = SignedCertificate::from_der(template)?;
    let tbs = &mut certificate.tbs_certificate;
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

    tbs.serial_number = UintRef::new(&[1])?;
    let serial = serial(&tbs.to_der()?).ok_or(der::ErrorKind::Failed)?;
    tbs.serial_number = UintRef::new(&serial)?;
    certificate.signature = BitStringRef::from_bytes(&[])?;
    Ok(Unsigned { tbs: certificate.tbs_certificate.to_der()?, certificate: certificate.to_der()? })
}

/// The certificate in DER with its signature.
///
/// # Errors
/// None is expected.
pub(super) fn sign(unsigned: &Unsigned, signature: &[u8]) -> der::Result<Vec<u8>> {
    let mut certificate = SignedCertificate::from_der(&unsigned.certificate)?;
    certificate.signature = BitStringRef::from_bytes(signature)?;
    certificate.to_der()
}
