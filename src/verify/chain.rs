//! A leaf under its CA, by webpki.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use webpki::ring::{ECDSA_P256_SHA256, ECDSA_P384_SHA384, RSA_PKCS1_2048_8192_SHA256};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::Fault;
use crate::x509::{ReadCertificate, oid, public_key};

/// What is wrong with a leaf, given the CA certificates beside it.
pub(super) fn leaf_faults(leaf: &ReadCertificate, authorities: &[&ReadCertificate], at: OffsetDateTime) -> Vec<Fault> {
    let mut faults: Vec<_> = time_fault(leaf, at).into_iter().collect();
    let Some(issuer) = issuer_of(leaf, authorities) else {
        faults.push(Fault::UnknownAuthority { issuer: leaf.issuer() });
        return faults;
    };
    for (usage, name, webpki_usage) in [
        (oid::SERVER_AUTH, "serverAuth", KeyUsage::server_auth()),
        (oid::CLIENT_AUTH, "clientAuth", KeyUsage::client_auth()),
    ] {
        if leaf.usages().contains(&usage)
            && let Err(reason) = verify(leaf, issuer, webpki_usage)
        {
            faults.push(Fault::Chain { usage: name, reason });
        }
    }
    faults
}

/// The CA certificate that signed a leaf.
pub(super) fn issuer_of<'a>(
    leaf: &ReadCertificate,
    authorities: &[&'a ReadCertificate],
) -> Option<&'a ReadCertificate> {
    authorities.iter().copied().find(|authority| {
        authority.subject_der() == leaf.issuer_der()
            && public_key::verify(authority.spki_der(), leaf.tbs_der(), leaf.signature()).is_ok()
    })
}

/// What is wrong with a CA certificate by itself.
pub(super) fn authority_faults(authority: &ReadCertificate, at: OffsetDateTime) -> Vec<Fault> {
    let mut faults: Vec<_> = time_fault(authority, at).into_iter().collect();
    let self_signed = authority.issuer_der() == authority.subject_der()
        && public_key::verify(authority.spki_der(), authority.tbs_der(), authority.signature()).is_ok();
    let may_sign = authority.is_ca() && authority.key_usage().is_none_or(|usage| usage.key_cert_sign());
    if !self_signed || !may_sign {
        faults.push(Fault::UnknownAuthority { issuer: authority.issuer() });
    }
    faults
}

/// Whether a certificate is out of its time.
pub(super) fn time_fault(certificate: &ReadCertificate, at: OffsetDateTime) -> Option<Fault> {
    if at > certificate.not_after() {
        return Some(Fault::Expired { not_after: certificate.not_after() });
    }
    (at < certificate.not_before()).then(|| Fault::NotYetValid { not_before: certificate.not_before() })
}

/// The chain at the leaf's last second, when its CA must still be valid; the time asked for is a check of its own.
fn verify(leaf: &ReadCertificate, issuer: &ReadCertificate, usage: KeyUsage) -> Result<(), String> {
    if issuer.not_after() < leaf.not_after() {
        return Err("the certificate outlives its CA".to_owned());
    }
    let (leaf_der, issuer_der) = (CertificateDer::from(leaf.der()), CertificateDer::from(issuer.der()));
    let anchor = anchor_from_trusted_cert(&issuer_der).map_err(|error| error.to_string())?;
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(|error| error.to_string())?;
    let seconds = u64::try_from(leaf.not_after().unix_timestamp()).unwrap_or_default();
    let algorithms = [RSA_PKCS1_2048_8192_SHA256, ECDSA_P256_SHA256, ECDSA_P384_SHA384];
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    end_entity
        .verify_for_usage(&algorithms, &[anchor], &[], at, usage, None, None)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
