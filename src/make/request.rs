//! The request for a certificate that somebody else signs.

use super::error::{Defect, MakeError};
use crate::issue::{certificate_request, renewal_request};
use crate::keys::{Label, PrivateKey, Seed, derive, engines};
use crate::kubernetes::KeyId;
use crate::plan::{PlannedCertificate, plan};
use crate::profile::Profile;
use crate::x509::ReadCertificate;

/// Returns the PKCS #10 request for the certificate of a CA, in PEM, over the key that the seed gives. Returns `None` when
/// the profile makes no such CA. The same profile and seed make the same bytes.
///
/// # Errors
/// Returns a [`Defect`], to which no profile should lead.
pub fn request(profile: &Profile, seed: &Seed, id: &KeyId) -> Result<Option<String>, MakeError> {
    let plan = plan(profile);
    let planned = plan.certificates.iter().find(|planned| planned.is_ca && planned.key == *id);
    let key = plan.keys.iter().find(|key| key.id == *id);
    let (Some(planned), Some(key), Some(engine)) = (planned, key, engines().into_iter().next()) else {
        return Ok(None);
    };
    let label = Label::new(&plan.cluster, &key.id, key.algorithm, key.generation);
    let keys = derive(&*engine.test, seed, &[label], None, &|_| {}).map_err(Defect::from)?;
    let Some(key) = keys.get(id) else { return Ok(None) };
    Ok(Some(certificate_request(planned, key).map_err(Defect::from)?))
}

/// Returns the request for the certificate of a CA over a key of its own: for a later certificate, if it has one, and else
/// for the one that the profile describes. Returns `None` when the profile has no such CA.
///
/// # Errors
/// Returns a [`Defect`] for a certificate without extensions.
pub fn request_over(
    profile: &Profile,
    id: &KeyId,
    key: &PrivateKey,
    certificate: Option<&ReadCertificate>,
) -> Result<Option<String>, MakeError> {
    if let Some(certificate) = certificate {
        return Ok(Some(renewal_request(id, certificate, key).map_err(Defect::from)?));
    }
    let plan = plan(profile);
    let Some(planned) = plan.certificates.iter().find(|planned| planned.is_ca && planned.key == *id) else {
        return Ok(None);
    };
    let planned = PlannedCertificate { algorithm: key.algorithm(), ..planned.clone() };
    Ok(Some(certificate_request(&planned, key).map_err(Defect::from)?))
}
