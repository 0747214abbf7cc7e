//! The request for a certificate that somebody else signs.

use super::error::{Defect, MakeError};
use crate::issue::certificate_request;
use crate::keys::{Label, Seed, derive, engines};
use crate::kubernetes::KeyId;
use crate::plan::plan;
use crate::profile::Profile;

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
