//! Makes certificates from their specifications.
//!
//! Why: kubeadm's certificates have a shape of their own (Go's order of extensions, all groups in one RDN), and a
//! deterministic serial can be computed only when the rest of the certificate is known.
//!
//! Input: a [`Plan`], its keys, and the key of the serial numbers.
//!
//! Output: [`Issued`] certificates, first those of the CAs, then leaves as the caller asks for them. Each is checked
//! against its issuer after signing.
//!
//! Refuses a plan that lacks a key, a certificate that breaks a rule, and a certificate that does not hold what was
//! planned.

mod certificate;
mod error;
mod lint_context;
mod renewal;
mod request;
mod serial;
mod tbs;

use std::collections::BTreeMap;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

pub use certificate::Certificate;
pub use error::IssueError;
pub use request::{certificate_request, renewal_request};
pub use serial::SerialKey;

use crate::keys::{KeyRing, PrimeTest, PrivateKey};
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedCertificate};
use crate::x509::ReadCertificate;
use certificate::Issuer;
use lint_context::LintContext;

/// Certificates, by the ids of their keys.
#[derive(Debug)]
pub struct Issued(BTreeMap<KeyId, Certificate>);

impl Issued {
    /// Returns the certificate of this key, if it is among these.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&Certificate> {
        self.0.get(id)
    }

    /// Adds certificates.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Returns every certificate, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.0.values()
    }
}

/// How many certificates of one issuer are signed together. An engine that computes eight powers side by side is full
/// with four.
const SIGNING_BATCH: usize = 16;

/// The CAs of a plan, which sign its leaves.
pub struct Authorities<'a> {
    issuers: BTreeMap<&'a KeyId, Issuer<'a>>,
    context: LintContext<'a>,
    serial_key: &'a SerialKey,
    engine: &'a dyn PrimeTest,
}

impl<'a> Authorities<'a> {
    /// Issues the certificates of all CAs of a plan, in its order. `keys` must have their keys, and `existing` the
    /// certificates of those that are adopted. These are taken as they are, or made anew with another end.
    ///
    /// No certificate depends on the engine that makes the RSA signatures.
    ///
    /// # Errors
    /// Returns an [`IssueError`], to which no checked profile leads.
    pub fn issue(
        plan: &'a Plan<'_>,
        keys: &'a KeyRing,
        existing: &BTreeMap<KeyId, ReadCertificate>,
        serial_key: &'a SerialKey,
        engine: &'a dyn PrimeTest,
    ) -> Result<(Self, Issued), IssueError> {
        let context = LintContext::new(plan);
        let (mut issued, mut issuers) = (BTreeMap::new(), BTreeMap::new());
        for planned in plan.certificates.iter().filter(|planned| planned.is_ca) {
            let old = planned.existing.as_ref().map(|_| existing.get(&planned.key));
            if let (Some(Some(old)), None) = (old, keys.get(&planned.key)) {
                // It is trusted and signs nothing here.
                issued.insert(planned.key.clone(), Certificate::existing(old));
                continue;
            }
            let own_key = key(keys, &planned.key)?;
            if let Some(adopted) = &planned.existing {
                let old = old.flatten().ok_or_else(|| IssueError::MissingCertificate(planned.key.clone()))?;
                let issuer = Issuer::existing(old, own_key);
                let (issuer, certificate) = if adopted.is_renewed {
                    let unsigned = certificate::renew_unsigned(planned, old, own_key, serial_key)?;
                    let made = certificate::sign(vec![unsigned], &issuer, engine)?;
                    let made = made.into_iter().next().ok_or_else(|| IssueError::MissingKey(planned.key.clone()))?;
                    (issuer.with(planned, &made.1)?, made.1)
                } else {
                    (issuer, Certificate::existing(old))
                };
                issuers.insert(&planned.key, issuer);
                issued.insert(planned.key.clone(), certificate);
                continue;
            }
            let own = Issuer::new(planned, own_key)?;
            let issuer = if planned.issuer == planned.key {
                &own
            } else {
                issuers.get(&planned.issuer).ok_or_else(|| IssueError::MissingIssuer(planned.issuer.clone()))?
            };
            let unsigned = certificate::make_unsigned(planned, own_key, issuer, serial_key, &context)?;
            let made = certificate::sign(vec![unsigned], issuer, engine)?;
            let Some((_, certificate)) = made.first() else { return Err(IssueError::MissingKey(planned.key.clone())) };
            issuers.insert(&planned.key, own.with(planned, certificate)?);
            issued.extend(made);
        }
        Ok((Self { issuers, context, serial_key, engine }, Issued(issued)))
    }

    /// Issues leaves in parallel. `keys` must have their keys. The result does not depend on their order.
    ///
    /// # Errors
    /// Returns an [`IssueError`], to which no checked profile leads.
    pub fn issue_leaves<'p>(
        &self,
        planned: impl IntoIterator<Item = &'p PlannedCertificate>,
        keys: &KeyRing,
    ) -> Result<Issued, IssueError> {
        let mut leaves: BTreeMap<&KeyId, Vec<&PlannedCertificate>> = BTreeMap::new();
        for planned in planned {
            leaves.entry(&planned.issuer).or_default().push(planned);
        }
        let together: Vec<&[&PlannedCertificate]> =
            leaves.values().flat_map(|leaves| leaves.chunks(SIGNING_BATCH)).collect();
        let make = |leaves: &&[&'_ PlannedCertificate]| {
            let Some(first) = leaves.first() else { return Ok(Vec::new()) };
            let issuer = self.issuers.get(&first.issuer);
            let issuer = issuer.ok_or_else(|| IssueError::MissingIssuer(first.issuer.clone()))?;
            let unsigned = leaves.iter().map(|planned| {
                let key = key(keys, &planned.key)?;
                certificate::make_unsigned(planned, key, issuer, self.serial_key, &self.context)
            });
            certificate::sign(unsigned.collect::<Result<_, IssueError>>()?, issuer, self.engine)
        };
        // A thread takes few at a time, so that it has no long piece left when the others are done.
        let made = together.par_iter().with_max_len(2).map(make).collect::<Result<Vec<_>, IssueError>>()?;
        Ok(Issued(made.into_iter().flatten().collect()))
    }
}

fn key<'k>(keys: &'k KeyRing, id: &KeyId) -> Result<&'k PrivateKey, IssueError> {
    keys.get(id).ok_or_else(|| IssueError::MissingKey(id.clone()))
}
