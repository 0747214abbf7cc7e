//! The certificate of an adopted CA with a later end: everything else stays as it is.

use std::time::Duration;

use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{DateTime, Decode, Encode, Sequence};
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::spki::AlgorithmIdentifierRef;
use x509_cert::time::Time;

use super::tbs::{self, TbsCertificate, Unsigned};
use crate::x509::{KeyAlgorithm, ReadCertificate, oid};

/// The first year that UTCTime cannot say (RFC 5280, section 4.1.2.5).
const GENERALIZED_FROM: i32 = 2050;

/// Validity (RFC 5280, section 4.1.2.5). The begin keeps its bytes.
#[derive(Sequence)]
struct RenewedValidity<'a> {
    not_before: AnyRef<'a>,
    not_after: Time,
}

/// Completes a renewed certificate up to its signature. `serial` is that of [`tbs::finish`].
///
/// What stays: subject, issuer, public key, begin, and all extensions with their order, criticality and bytes. Of an
/// authorityKeyIdentifier that names this very certificate by issuer and serial number, only the key identifier stays,
/// because the serial number is another from now on: OpenSSL would no longer take the certificate for its own issuer.
/// Without a key identifier the extension goes; a root needs none (RFC 5280, section 4.2.1.1).
///
/// # Errors
/// Fails when the certificate is of version 1 or 2, which has no extensions, and when `serial` returns `None`.
pub(super) fn finish(
    old: &ReadCertificate,
    not_after: OffsetDateTime,
    algorithm: KeyAlgorithm,
    serial: impl FnOnce(&[u8]) -> Option<[u8; 16]>,
) -> der::Result<Unsigned> {
    let old = TbsCertificate::from_der(old.tbs_der())?;
    let algorithm = signature_algorithm(algorithm)?;
    let validity: RenewedValidity<'_> = old.validity.decode_as()?;
    let validity = RenewedValidity { not_after: encodable(not_after)?, ..validity }.to_der()?;
    let extensions = old.extensions.iter().cloned().filter_map(|own| mended(own).transpose());
    let renewed = TbsCertificate {
        signature: AnyRef::from_der(&algorithm)?,
        validity: AnyRef::from_der(&validity)?,
        extensions: extensions.collect::<der::Result<_>>()?,
        ..old
    };
    let tbs = tbs::numbered(renewed, serial)?;
    Ok(Unsigned { tbs, algorithm })
}

/// Returns the AlgorithmIdentifier of the signatures of a key, in DER (RFC 4055, section 5; RFC 5758, section 3.2).
pub(super) fn signature_algorithm(algorithm: KeyAlgorithm) -> der::Result<Vec<u8>> {
    let (oid, parameters) = match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            (oid::SHA256_WITH_RSA, Some(AnyRef::NULL))
        }
        KeyAlgorithm::EcdsaP256 => (oid::ECDSA_WITH_SHA256, None),
        KeyAlgorithm::EcdsaP384 => (oid::ECDSA_WITH_SHA384, None),
    };
    AlgorithmIdentifierRef { oid, parameters }.to_der()
}

fn encodable(time: OffsetDateTime) -> der::Result<Time> {
    let seconds = u64::try_from(time.unix_timestamp()).map_err(|_| der::ErrorKind::DateTime)?;
    let date = DateTime::from_unix_duration(Duration::from_secs(seconds))?;
    Ok(match time.year() < GENERALIZED_FROM {
        true => Time::UtcTime(UtcTime::from_date_time(date)?),
        false => Time::GeneralTime(GeneralizedTime::from_date_time(date)),
    })
}

/// Returns an extension without what refers to the certificate itself by its serial number, or `None` when nothing is
/// left of it.
fn mended(extension: Extension) -> der::Result<Option<Extension>> {
    if extension.extn_id != oid::AUTHORITY_KEY_IDENTIFIER {
        return Ok(Some(extension));
    }
    let found = AuthorityKeyIdentifier::from_der(extension.extn_value.as_bytes())?;
    if found.authority_cert_issuer.is_none() && found.authority_cert_serial_number.is_none() {
        return Ok(Some(extension));
    }
    let Some(key_identifier) = found.key_identifier else { return Ok(None) };
    let only = AuthorityKeyIdentifier {
        key_identifier: Some(key_identifier),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    let extn_value = der::asn1::OctetString::new(only.to_der()?)?;
    Ok(Some(Extension { extn_value, ..extension }))
}
