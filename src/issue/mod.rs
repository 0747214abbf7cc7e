//! Specifications become certificates.
//!
//! Why: kubeadm's certificates have a shape of their own (Go's order of extensions, all groups in one RDN), and a
//! deterministic serial needs the rest of the certificate first.
//!
//! Input: a [`Plan`], its keys, the serial key.
//!
//! Output: [`Issued`]: every certificate, each checked against its issuer after signing.
//!
//! Refuses a plan whose keys are not all there, and a certificate that does not hold what was asked for.

mod certificate;
mod serial;
mod tbs;

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

pub use certificate::Certificate;
pub use serial::SerialKey;

use crate::keys::{KeyId, KeyRing};
use crate::lint::Breach;
use crate::plan::{Plan, PlannedCertificate};
use certificate::Issuer;

/// Every certificate of a plan, by the id of its key.
#[derive(Debug)]
pub struct Issued(BTreeMap<KeyId, Certificate>);

impl Issued {
    /// The certificate of that key, if the plan had one.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&Certificate> {
        self.0.get(id)
    }
}

/// Why a certificate could not be issued. Neither can follow from a profile; both are defects.
#[derive(Debug)]
pub enum IssueError {
    /// The plan names a key that was not derived.
    MissingKey(KeyId),
    /// The issuer of a certificate is not a CA of the plan.
    MissingIssuer(KeyId),
    /// The certificate could not be encoded.
    Encoding(KeyId, String),
    /// The certificate would break a rule, and was not signed.
    Rule(KeyId, Breach),
    /// The certificate is not what was asked for, or its signature does not verify.
    Check(KeyId, &'static str),
}

/// Issues every certificate of a plan: CAs first, then the rest in parallel. The result depends on neither.
///
/// # Errors
/// [`IssueError`], which no checked profile leads to.
pub fn issue(plan: &Plan, keys: &KeyRing, serial_key: &SerialKey) -> Result<Issued, IssueError> {
    let key = |id: &KeyId| keys.get(id).ok_or_else(|| IssueError::MissingKey(id.clone()));
    let mut issued = BTreeMap::new();
    let mut issuers = BTreeMap::new();
    for planned in plan.certificates.iter().filter(|planned| planned.is_ca) {
        let signer = key(&planned.key)?;
        let issuer = Issuer::new(planned, signer)?;
        issued.insert(planned.key.clone(), certificate::issue(planned, signer, &issuer, serial_key)?);
        issuers.insert(planned.key.clone(), issuer);
    }
    let leaf = |planned: &&PlannedCertificate| {
        let issuer = issuers.get(&planned.issuer).ok_or_else(|| IssueError::MissingIssuer(planned.issuer.clone()))?;
        let certificate = certificate::issue(planned, key(&planned.key)?, issuer, serial_key)?;
        Ok((planned.key.clone(), certificate))
    };
    let leaves: Vec<_> = plan.certificates.iter().filter(|planned| !planned.is_ca).collect();
    issued.extend(leaves.par_iter().map(leaf).collect::<Result<Vec<_>, IssueError>>()?);
    Ok(Issued(issued))
}
