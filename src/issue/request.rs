//! Requests for certificates of CAs that somebody else signs (PKCS #10, RFC 2986).

use der::asn1::{Any, AnyRef, BitStringRef, SetOfVec};
use der::pem::LineEnding;
use der::{Decode, Encode, Sequence};
use x509_cert::attr::{Attribute, Attributes};

use super::IssueError;
use super::certificate::{Issuer, encoding, template};
use super::renewal::signature_algorithm;
use super::tbs::{self, SubjectAndIssuer, TbsCertificate};
use crate::keys::PrivateKey;
use crate::kubernetes::KeyId;
use crate::plan::PlannedCertificate;
use crate::x509::{ReadCertificate, oid, public_key};

/// CertificationRequestInfo (RFC 2986, section 4.1). Version 1 has the number 0.
#[derive(Sequence)]
struct RequestInfo<'a> {
    version: u8,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    attributes: Attributes,
}

/// CertificationRequest (RFC 2986, section 4.2).
#[derive(Sequence)]
struct Request<'a> {
    info: AnyRef<'a>,
    signature_algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// Returns the request for the certificate of a CA, in PEM. It asks for the extensions that the certificate would have if
/// it were made here, but for the issuer's. The same plan and key make the same bytes.
///
/// # Errors
/// Returns an [`IssueError`], to which no checked profile leads.
pub fn certificate_request(planned: &PlannedCertificate, key: &PrivateKey) -> Result<String, IssueError> {
    let failed = |error: der::Error| encoding(planned, &error);
    let subject = planned.subject.to_der().map_err(failed)?;
    let issuer = Issuer::new(planned, key)?;
    let template = template(planned, key, &issuer).map_err(|error| encoding(planned, &error))?;
    let names = SubjectAndIssuer { issuer: &subject, subject: &subject, is_ca: planned.is_ca };
    let unsigned = tbs::finish(&template, &names, |_| Some([1; 16])).map_err(failed)?;
    let certificate = TbsCertificate::from_der(&unsigned.tbs).map_err(failed)?;
    let mut extensions = certificate.extensions;
    extensions.retain(|extension| extension.extn_id != oid::AUTHORITY_KEY_IDENTIFIER);
    signed(&planned.key, &info(&subject, key.spki_der(), &extensions).map_err(failed)?, key)
}

/// Returns the request for a later certificate of a CA, in PEM: with the subject of its certificate, byte for byte, and its
/// extensions, but for the issuer's.
///
/// # Errors
/// Returns an [`IssueError`] when the certificate is of version 1 or 2, which has no extensions.
pub fn renewal_request(id: &KeyId, certificate: &ReadCertificate, key: &PrivateKey) -> Result<String, IssueError> {
    let failed = |error: der::Error| IssueError::Encoding(id.clone(), error.to_string());
    let mut extensions = TbsCertificate::from_der(certificate.tbs_der()).map_err(failed)?.extensions;
    extensions.retain(|extension| extension.extn_id != oid::AUTHORITY_KEY_IDENTIFIER);
    signed(id, &info(certificate.subject_der(), key.spki_der(), &extensions).map_err(failed)?, key)
}

/// Signs a request.
fn signed(id: &KeyId, info: &[u8], key: &PrivateKey) -> Result<String, IssueError> {
    let failed = |error: der::Error| IssueError::Encoding(id.clone(), error.to_string());
    let signature = key.sign(info).map_err(|error| IssueError::Encoding(id.clone(), error.to_string()))?;
    // The code that verifies is of another library than the code that signed.
    public_key::verify(key.spki_der(), info, &signature).map_err(|_| IssueError::Check(id.clone(), "signature"))?;
    let algorithm = signature_algorithm(key.algorithm()).map_err(failed)?;
    let request = || {
        let request = Request {
            info: AnyRef::from_der(info)?,
            signature_algorithm: AnyRef::from_der(&algorithm)?,
            signature: BitStringRef::from_bytes(&signature)?,
        };
        let der = request.to_der()?;
        Ok(der::pem::encode_string("CERTIFICATE REQUEST", LineEnding::LF, &der).unwrap_or_default())
    };
    request().map_err(failed)
}

fn info(subject: &[u8], spki: &[u8], extensions: &Vec<x509_cert::ext::Extension>) -> der::Result<Vec<u8>> {
    let mut values = SetOfVec::new();
    values.insert(Any::from_der(&extensions.to_der()?)?)?;
    let mut attributes = Attributes::new();
    attributes.insert(Attribute { oid: oid::EXTENSION_REQUEST, values })?;
    let info = RequestInfo {
        version: 0,
        subject: AnyRef::from_der(subject)?,
        subject_public_key_info: AnyRef::from_der(spki)?,
        attributes,
    };
    info.to_der()
}
