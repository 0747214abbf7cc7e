//! Makes keys and certificates: first those that several parts share, then those of some nodes at a time.

use std::collections::BTreeMap;

use super::derivation::{Derivation, Progress};
use super::error::Defect;
use super::lock::Trace;
use crate::bundle::{Hex, Sha256};
use crate::issue::{Authorities, Certificate, Issued};
use crate::keys::{KeyRing, Label, Seed, derive, relative_cost};
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedCertificate, PlannedKey, Recipient};
use crate::sign::PublicKey;
use crate::verify::AlreadyVerified;

/// Keys and their certificates.
pub(super) struct Made {
    pub(super) keys: KeyRing,
    pub(super) certificates: Issued,
}

/// What is still to be made, and what is kept of all that was.
pub(super) struct Materials<'a> {
    plan: &'a Plan<'a>,
    seed: &'a Seed,
    derivation: Derivation<'a>,
    of_nodes: BTreeMap<&'a str, Planned<'a>>,
    /// What all keys will have cost.
    cost: u64,
    /// What the lock keeps.
    pub(super) traces: BTreeMap<KeyId, Trace>,
    /// What need not be checked again when the bundle is read back.
    pub(super) known: AlreadyVerified,
}

/// The keys and certificates of one node.
#[derive(Default)]
struct Planned<'a> {
    keys: Vec<&'a PlannedKey>,
    certificates: Vec<&'a PlannedCertificate>,
}

impl<'a> Materials<'a> {
    pub(super) fn of(plan: &'a Plan<'a>, seed: &'a Seed, derivation: Derivation<'a>) -> Self {
        let mut of_nodes: BTreeMap<_, Planned<'a>> = BTreeMap::new();
        for key in &plan.keys {
            if let Some(node) = node_of(&key.id) {
                of_nodes.entry(node).or_default().keys.push(key);
            }
        }
        for certificate in &plan.certificates {
            if let Some(node) = node_of(&certificate.key) {
                of_nodes.entry(node).or_default().certificates.push(certificate);
            }
        }
        let (traces, known) = (BTreeMap::new(), AlreadyVerified::default());
        let derived = plan.keys.iter().filter(|key| key.adopted.is_none());
        let cost = derived.map(|key| u64::from(relative_cost(key.algorithm))).sum();
        Self { plan, seed, derivation, of_nodes, cost, traces, known }
    }

    /// Derives the keys that are not of one node alone: those of CAs, users, Secrets, and of the bundle's signer.
    pub(super) fn shared_keys(&self) -> Result<KeyRing, Defect> {
        let keys: Vec<_> =
            self.plan.keys.iter().filter(|key| node_of(&key.id).is_none() && key.adopted.is_none()).collect();
        self.derive(&keys)
    }

    /// Issues the certificates of these keys that are not those of CAs.
    pub(super) fn shared_leaves(&self, authorities: &Authorities<'_>, keys: &KeyRing) -> Result<Issued, Defect> {
        let of_none = |planned: &&PlannedCertificate| !planned.is_ca && node_of(&planned.key).is_none();
        Ok(authorities.issue_leaves(self.plan.certificates.iter().filter(of_none), keys)?)
    }

    /// Makes what these recipients alone have.
    pub(super) fn of_recipients(
        &mut self,
        recipients: &[Recipient<'_>],
        authorities: &Authorities<'_>,
    ) -> Result<Made, Defect> {
        let (mut planned_keys, mut planned_certificates) = (Vec::new(), Vec::new());
        for recipient in recipients {
            let Recipient::Node(node) = recipient else { continue };
            let Some(planned) = self.of_nodes.remove(node.name.as_str()) else { continue };
            planned_keys.extend(planned.keys);
            planned_certificates.extend(planned.certificates);
        }
        let keys = self.derive(&planned_keys)?;
        let certificates = authorities.issue_leaves(planned_certificates, &keys)?;
        self.keep(&keys, &certificates);
        Ok(Made { keys, certificates })
    }

    /// Keeps what the lock and the check of the bundle need of keys and certificates.
    pub(super) fn keep(&mut self, keys: &KeyRing, certificates: &Issued) {
        for (id, key) in keys.iter() {
            let certificate = certificates.get(id);
            let certificate = certificate.map(|issued| (issued.serial().map(Hex), Sha256::of(issued.der())));
            self.traces.insert(id.clone(), Trace { spki_sha256: Sha256::of(key.spki_der()), certificate });
        }
        let signatures = certificates.iter().filter_map(Certificate::signature);
        self.known.add_made(signatures, keys.iter().map(|(_, key)| key.digest()));
    }

    /// Keeps what the lock needs of the signer's key, which may be nobody's here.
    pub(super) fn keep_signer(&mut self, key: &PublicKey) {
        let trace = Trace { spki_sha256: Sha256::of(key.as_der()), certificate: None };
        self.traces.insert(KeyId::BundleSigner, trace);
    }

    fn derive(&self, keys: &[&PlannedKey]) -> Result<KeyRing, Defect> {
        let Derivation { engine, threads, progress } = self.derivation;
        let label = |key: &&PlannedKey| Label::new(&self.plan.cluster, &key.id, key.algorithm, key.generation);
        let labels: Vec<_> = keys.iter().map(label).collect();
        let of = self.cost;
        let tell = |algorithm| progress(Progress::Keys { cost: relative_cost(algorithm).into(), of });
        Ok(derive(engine, self.seed, &labels, threads, &tell)?)
    }
}

/// Returns the node that alone has a key.
fn node_of(id: &KeyId) -> Option<&str> {
    match id {
        KeyId::Node { node, .. } => Some(node),
        _ => None,
    }
}
