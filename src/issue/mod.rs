//! Makes certificates from their specifications.
//!
//! Why: kubeadm's certificates have a shape of their own (Go's order of extensions, all groups in one RDN), and a
//! deterministic serial can be computed only when the rest of the certificate is known.
//!
//! Input: a [`Plan`], its keys, and the key of the serial numbers.
//!
//! Output: [`Issued`], which holds every certificate. Each is checked against its issuer after signing.
//!
//! Refuses a plan that lacks a key, a certificate that breaks a rule, and a certificate that does not hold what was
//! planned.

mod certificate;
mod error;
mod lint_context;
mod serial;
mod tbs;

use std::collections::BTreeMap;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

pub use certificate::Certificate;
pub use error::IssueError;
pub use serial::SerialKey;

use crate::keys::{KeyRing, PrimeTest};
use crate::kubernetes::KeyId;
use crate::lint::Breach;
use crate::plan::{Plan, PlannedCertificate};
use certificate::Issuer;
use lint_context::LintContext;

/// Every certificate of a plan, by the id of its key.
#[derive(Debug)]
pub struct Issued {
    certificates: BTreeMap<KeyId, Certificate>,
    warnings: Vec<(KeyId, Breach)>,
}

impl Issued {
    /// Returns the certificate of this key, if the plan has one.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&Certificate> {
        self.certificates.get(id)
    }

    /// Returns every certificate, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.values()
    }

    /// Returns the rules of [severity warning](crate::lint::Severity::Warning) that certificates break, in the order of
    /// the plan.
    #[must_use]
    pub fn warnings(&self) -> &[(KeyId, Breach)] {
        &self.warnings
    }
}

/// How many certificates of one issuer are signed together. An engine that computes eight powers side by side is full
/// with four.
const SIGNING_BATCH: usize = 16;

/// Issues every certificate of a plan: the CAs first, in the order of the plan, then the leaves in parallel.
///
/// The result does not depend on the order, nor on the engine that makes the RSA signatures.
///
/// # Errors
/// Returns an [`IssueError`], to which no checked profile leads.
pub fn issue(
    plan: &Plan<'_>,
    keys: &KeyRing,
    serial_key: &SerialKey,
    engine: &dyn PrimeTest,
) -> Result<Issued, IssueError> {
    let key = |id: &KeyId| keys.get(id).ok_or_else(|| IssueError::MissingKey(id.clone()));
    let context = LintContext::new(plan);
    let mut all = Vec::new();
    let mut issuers = BTreeMap::new();
    for planned in plan.certificates.iter().filter(|planned| planned.is_ca) {
        let own_key = key(&planned.key)?;
        let own = Issuer::new(planned, own_key)?;
        let issuer = if planned.issuer == planned.key {
            &own
        } else {
            issuers.get(&planned.issuer).ok_or_else(|| IssueError::MissingIssuer(planned.issuer.clone()))?
        };
        let unsigned = certificate::make_unsigned(planned, own_key, issuer, serial_key, &context)?;
        let made = certificate::sign(vec![unsigned], issuer, engine)?;
        let Some((_, certificate, _)) = made.first() else { return Err(IssueError::MissingKey(planned.key.clone())) };
        issuers.insert(planned.key.clone(), own.with(planned, certificate)?);
        all.extend(made);
    }
    let mut leaves: BTreeMap<&KeyId, Vec<&PlannedCertificate>> = BTreeMap::new();
    for planned in plan.certificates.iter().filter(|planned| !planned.is_ca) {
        leaves.entry(&planned.issuer).or_default().push(planned);
    }
    let together: Vec<&[&PlannedCertificate]> =
        leaves.values().flat_map(|leaves| leaves.chunks(SIGNING_BATCH)).collect();
    let make = |leaves: &&[&'_ PlannedCertificate]| {
        let Some(first) = leaves.first() else { return Ok(Vec::new()) };
        let issuer = issuers.get(&first.issuer).ok_or_else(|| IssueError::MissingIssuer(first.issuer.clone()))?;
        let unsigned = leaves
            .iter()
            .map(|planned| certificate::make_unsigned(planned, key(&planned.key)?, issuer, serial_key, &context));
        certificate::sign(unsigned.collect::<Result<_, IssueError>>()?, issuer, engine)
    };
    // A thread takes few at a time, so that it has no long piece left when the others are done.
    let made = together.par_iter().with_max_len(2).map(make).collect::<Result<Vec<_>, IssueError>>()?;
    let all = all.into_iter().chain(made.into_iter().flatten());
    let mut breaches = BTreeMap::new();
    let certificates = all.map(|(id, certificate, broken)| {
        if !broken.is_empty() {
            breaches.insert(id.clone(), broken);
        }
        (id, certificate)
    });
    let certificates = certificates.collect();
    let in_order = plan.certificates.iter().filter_map(|planned| breaches.remove_entry(&planned.key));
    let warnings = in_order.flat_map(|(id, broken)| broken.into_iter().map(move |breach| (id.clone(), breach)));
    Ok(Issued { warnings: warnings.collect(), certificates })
}
