//! The build, which makes a signed bundle from a profile and a seed.
//!
//! Why: a person, a test and another program all build in one call, and cannot leave a check out.
//!
//! Input: a [`Request`], an engine for RSA, and an output that can be read back. The build uses neither files nor a
//! terminal.
//!
//! Output: the bytes of the bundle, and [`Made`]: its signature and signer, the lock, and what it can say of the
//! changes since the lock before.
//!
//! Refuses what the lock of the build before forbids ([`Objection`]), as early as it is known. The output is read back
//! as a node will read it, before the caller gets it.
//!
//! Where to change what: `permission.rs` says what a build may change, and `comparison.rs` what it reports of changes.

mod adoption;
mod comparison;
mod derivation;
mod envelopes;
mod error;
#[cfg(test)]
mod install_facts;
pub mod install_script;
mod lock;
mod materials;
mod permission;
mod recipients;
mod request;
mod rotation;
mod signer;
mod signing;
mod slices;

use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::sync::Arc;

pub use adoption::check_derivable;
pub use comparison::{Comparison, Since};
pub use derivation::{Derivation, Progress};
pub use envelopes::{Envelopes, EnvelopesError};
pub use error::{BuildError, Defect, MakeError};
pub use permission::{Deviation, Objection, Permission, check_lock, rotation_refusal};
pub use recipients::{RecipientChange, recipient_changes, recipient_refusal};
pub use request::{request, request_over};
pub use rotation::{in_phases, rotation};
pub use signer::Signer;
pub use signing::{Signing, check_signing};

use crate::adopted::Adopted;
use crate::bundle::{ClusterId, Description, Head, Hex, Sha256, SigningRequest, WriteError, Writer, Written};
use crate::issue::{Authorities, SerialKey};
use crate::keys::{PrivateKey, Seed};
use crate::kubernetes::PartName;
use crate::layout::{self, Rotation, lay_out};
use crate::lock::{Lock, LockedPhase};
use crate::plan::{self, Plan, Recipient, plan};
use crate::profile::Profile;
use crate::sign::PublicKey;
use crate::verify::{AlreadyVerified, Finding, check_bundle};
use lock::Built;
use materials::Materials;
use signing::Signatory;

/// How many nodes have their keys and certificates in memory together. With fewer, threads would wait for each other
/// more often; with RSA keys, each takes five kilobytes.
const NODES_AT_ONCE: usize = 1024;

/// What to build.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The profile of the cluster.
    pub profile: &'a Profile,
    /// The secret from which all keys are derived that are not adopted.
    pub seed: &'a Seed,
    /// The CAs and keys that are adopted. The profile must be the one that [`adopt`](crate::adopted::adopt) returned
    /// with them.
    pub adopted: &'a Adopted,
    /// The lock of the build before, if there was one.
    pub lock: Option<&'a Lock>,
    /// The part of the cluster for a partial bundle, which needs the lock of a whole one. `None` builds the whole
    /// cluster.
    pub subset: Option<Subset<'a>>,
    /// What the build may change against the lock.
    pub permission: Permission,
    /// What the rotation replaces, as [`rotation()`] returns it. There must be one when the profile is in a phase, and none
    /// when it is not.
    pub rotation: Option<&'a Rotation>,
    /// Who signs the bundle.
    pub signing: Signing<'a>,
    /// To whom each part is sealed afterwards, for the lock to pin; `None` leaves what it has. What is built is the
    /// same.
    pub envelopes: Option<&'a Envelopes>,
    /// Whether to sign the slice of each part, too, as [`split`](crate::bundle::split) cuts it, if the key is at hand.
    pub signs_slices: bool,
}

/// A part of a cluster.
#[derive(Clone, Copy)]
pub struct Subset<'a> {
    /// The names of the nodes.
    pub nodes: &'a [String],
    /// Whether the cluster's own part is included.
    pub with_cluster: bool,
}

/// The results of a build.
pub struct Made<'a, O> {
    /// The output, which holds the bundle.
    pub output: O,
    /// The name that the file of the bundle should have.
    pub file_name: String,
    /// The plan of what the bundle holds.
    pub plan: Plan<'a>,
    /// Whether the bundle is partial.
    pub is_partial: bool,
    /// The public key under which the signatures of the bundle hold.
    pub signer: PublicKey,
    /// The signer's signature over the whole file, if the key is at hand.
    pub signature: Option<Vec<u8>>,
    /// The signer's signature over [`install_script::SCRIPT`]. `None` with [`Signing::Nobody`].
    pub install_signature: Option<Vec<u8>>,
    /// What the signer is asked to sign, with [`Signing::Nobody`]. The output then is a rehearsal, which no reader
    /// takes, and must not be kept; neither must the lock.
    pub to_sign: Option<SigningRequest>,
    /// The signer's signature over the slice of each part, if they were wanted and the key is at hand.
    pub slice_signatures: BTreeMap<PartName, Vec<u8>>,
    /// The SHA-256 of the tar stream, which identifies the bundle.
    pub content_sha256: Sha256,
    /// The digest and the size of the file.
    pub written: Written,
    /// The hash of the record of each part, in the order of the archive.
    pub records: Vec<(PartName, Sha256)>,
    /// The lock to keep for the next build.
    pub lock: Lock,
    /// The lock before, if there was one, to compare with.
    pub since: Option<Since<'a>>,
}

impl<O> Made<'_, O> {
    /// Returns what a lock keeps of the bundle of a phase.
    #[must_use]
    pub fn locked_phase(&self) -> LockedPhase {
        LockedPhase {
            number: self.plan.phase,
            content_sha256: self.content_sha256.to_string(),
            bundle_sha256: self.written.file_sha256.to_string(),
            records: self.records.iter().map(|(part, record)| (part.to_string(), *record)).collect(),
        }
    }

    /// Puts the bundles of all phases into the lock, which is that of the last one. Where they are partial, what describes
    /// the last whole bundles in the lock `before` stays.
    pub fn keep_phases(&mut self, before: Option<&Lock>, mut phases: Vec<LockedPhase>) {
        let before = before.filter(|before| self.is_partial && before.rotation == self.lock.rotation);
        for phase in &mut phases {
            let Some(old) = before.and_then(|before| before.phases.iter().find(|row| row.number == phase.number))
            else {
                continue;
            };
            phase.content_sha256.clone_from(&old.content_sha256);
            phase.bundle_sha256.clone_from(&old.bundle_sha256);
            for (part, record) in &old.records {
                phase.records.entry(part.clone()).or_insert(*record);
            }
        }
        self.lock.phases = phases;
    }
}

/// Builds a bundle into the output that `create` returns for the name of the file. The parts wait in the body that
/// `create_body` returns until all are there, because the bundle begins with their hashes. The body is as secret as the
/// bundle.
///
/// # Errors
/// Returns a [`MakeError`], or the error of `create_body` or `create`. The output may have been written to in part by
/// then, and none of it may be kept.
pub fn build<'a, B, O, E>(
    request: &Request<'a>,
    derivation: Derivation<'_>,
    create_body: impl FnOnce() -> Result<B, E>,
    create: impl FnOnce(&str) -> Result<O, E>,
) -> Result<Made<'a, O>, BuildError<E>>
where
    B: Read + Write + Seek,
    O: Read + Write + Seek + Send,
{
    let plan = check(request)?;
    signing::check_at_hand(request.profile, request.signing)?;
    let Request { profile, seed, .. } = *request;
    let is_partial = request.subset.is_some();
    let recipients = in_archive_order(&plan);
    let mut materials = Materials::of(&plan, seed, derivation);
    let mut keys = materials.shared_keys()?;
    for (id, key) in &request.adopted.keys {
        keys.insert(id.clone(), Arc::clone(key));
    }
    adoption::check_derived(&plan, request.adopted, |id| keys.get(id).map(PrivateKey::spki_der))?;
    let serial_key = SerialKey::new(seed.serial_key(&plan.cluster));
    let issued = Authorities::issue(&plan, &keys, &request.adopted.certificates, &serial_key, derivation.engine)
        .map_err(Defect::from)?;
    let (authorities, mut certificates) = issued;
    certificates.extend(materials.shared_leaves(&authorities, &keys)?);
    materials.keep(&keys, &certificates);
    let signatory = Signatory::new(request.signing, &keys, derivation.engine)?;
    materials.keep_signer(signatory.public());
    let sign = |path: &str, message: &[u8]| signatory.sign(path, message);
    let description =
        Description { head: head(request, &plan)?, partial: is_partial, profile_sha256: Hex(profile.sha256) };
    let body = create_body().map_err(BuildError::Create)?;
    let mut writer = Writer::new(description, body).map_err(MakeError::from)?;
    for some in recipients.chunks(NODES_AT_ONCE) {
        let own = materials.of_recipients(some, &authorities)?;
        let sources = layout::FileSources {
            keys: [&keys, &own.keys],
            certificates: [&certificates, &own.certificates],
            profile: &profile.source,
            rotation: request.rotation,
            public_keys: &request.adopted.public_keys,
        };
        let part = |number: usize| {
            let recipient = some[number];
            let laid_out = lay_out(recipient, &plan.files(recipient), &sources, &profile.cluster.certificates_dir);
            laid_out.map_err(|error| WriteError::Making(format!("layout: {error}")))
        };
        writer.add(some.len(), part, &sign).map_err(MakeError::from)?;
    }
    let mut collected = writer.finish().map_err(MakeError::from)?;
    (derivation.progress)(Progress::Writing);
    let file_name = collected.file_name();
    let mut output = create(&file_name).map_err(BuildError::Create)?;
    let written = collected.write(&sign, BufWriter::new(&mut output)).map_err(MakeError::from)?;
    let to_sign = signatory.request(collected.index_bytes())?;
    let index = collected.into_index();
    let Materials { traces, known, .. } = materials;
    let built = Built {
        plan: &plan,
        old: request.lock,
        recipients: &recipients,
        profile,
        seed,
        traces: &traces,
        signer: signatory.public(),
        index: &index,
        written: &written,
        sealed_to: recipients::Pins::new(request.envelopes, request.permission),
    };
    (derivation.progress)(Progress::Checking);
    let content_sha256 = check_written(&mut output, signatory.holds_under(), &plan, &known)?;
    // Each makes room for what comes next: for the largest cluster that is a good part of all memory.
    drop(known);
    let mut lock = lock::lock(&built);
    let records = index.parts.clone();
    drop((traces, index));
    lock.content_sha256 = content_sha256.to_string();
    let mut since = None;
    if let Some(old) = request.lock {
        let checked = match profile.phase {
            1 | 2 => permission::check_phase(old, &lock, profile.phase, seed.id() == old.seed_id, request.permission)
                .map(|()| (None, Vec::new())),
            _ => permission::check_built(old, &lock, is_partial, request.permission),
        };
        let (merged, changes) = checked.map_err(MakeError::from)?;
        let records = lock.parts.iter().map(|row| (row.part.clone(), row.record_sha256)).collect();
        since = Some(Since { lock: old, profile, records, is_partial, changes });
        lock = merged.unwrap_or(lock);
    }
    let install_signature = signatory.of_script()?;
    let mut signature = None;
    let mut slice_signatures = BTreeMap::new();
    // Whoever signs elsewhere cannot sign the file: it has these signatures in it, and keys.
    if let Some(key) = signatory.key() {
        let signed = key.sign_sha256(&written.file_sha256.0);
        signature = Some(signed.map_err(|error| Defect::Signature { what: "the bundle", error })?);
        if request.signs_slices {
            slice_signatures = slices::sign(&mut output, |sha256| key.sign_sha256(sha256))?;
        }
    }
    Ok(Made {
        output,
        file_name,
        is_partial,
        signer: signatory.public().clone(),
        signature,
        install_signature,
        to_sign,
        slice_signatures,
        content_sha256,
        written,
        records,
        lock,
        since,
        plan,
    })
}

/// Returns the plan of what would be built. Refuses the build as far as that is possible before any key is derived.
///
/// # Errors
/// Returns [`MakeError::UnknownNodes`], [`MakeError::NoLock`] or [`MakeError::Objection`].
pub fn check<'a>(request: &Request<'a>) -> Result<Plan<'a>, MakeError> {
    let Request { profile, seed, lock, subset, permission, .. } = *request;
    if (profile.phase == 0) != request.rotation.is_none() || !profile.rotating().is_empty() {
        return Err(MakeError::NotInPhase);
    }
    if lock.is_none() && (subset.is_some() || permission == Permission::Locked) {
        return Err(MakeError::NoLock);
    }
    if let Some(lock) = lock {
        check_lock(lock, &profile.cluster.name, permission)?;
        permission::check_seed(lock, seed.id(), permission)?;
    }
    adoption::check_files(profile, request.adopted)?;
    check_signing(profile, request.signing)?;
    let mut plan = plan(profile);
    if let Some(subset) = subset {
        plan = plan::subset(&plan, subset.nodes, subset.with_cluster).map_err(MakeError::UnknownNodes)?;
    }
    if let Some(lock) = lock {
        recipients::check(lock, request.envelopes, permission)?;
        match profile.phase {
            0 => permission::check_plan(lock, &plan, subset.is_some(), lock.seed_id == seed.id(), permission)?,
            _ if permission == Permission::Locked || lock.seed_id != seed.id() => {}
            number => {
                let rotation = request.rotation.map(|rotation| rotation::phase(number, rotation, false).rotation);
                let is_begun = rotation.as_ref().is_some_and(|rotation| *rotation == lock.rotation);
                permission::check_rotation(lock, profile, is_begun, subset.is_some())?;
            }
        }
    }
    signing::check_given(&plan, &in_archive_order(&plan), request.signing)?;
    Ok(plan)
}

/// Reads the archive back as a node will: signatures, hashes, chains, key pairs. An archive that fails here is never
/// kept. For what is in `known`, the signature of a certificate is not checked again, nor whether the numbers of one
/// private key belong together. Returns the SHA-256 of the tar stream.
fn check_written<O>(
    output: &mut O,
    key: &PublicKey,
    plan: &Plan<'_>,
    known: &AlreadyVerified,
) -> Result<Sha256, MakeError>
where
    O: Read + Seek + Send,
{
    output.rewind().map_err(MakeError::ReadBack)?;
    let at = plan.issued_at.midnight().assume_utc();
    let read = check_bundle(BufReader::new(output), key, at, None, known).map_err(Defect::NotABundle)?;
    let wrong = |finding: &Finding| !finding.fault.is_about_time() && !finding.fault.is_warning();
    match read.findings.into_iter().find(wrong) {
        Some(finding) => Err(Defect::Finding(finding).into()),
        None => Ok(read.archive.content_sha256()),
    }
}

/// Returns the recipients in the order of the archive: nodes bytewise by name, then the cluster.
fn in_archive_order<'a>(plan: &Plan<'a>) -> Vec<Recipient<'a>> {
    let mut recipients = plan.recipients.clone();
    recipients.sort_by_cached_key(Recipient::part);
    recipients
}

fn head(request: &Request<'_>, plan: &Plan<'_>) -> Result<Head, Defect> {
    let cluster_id = ClusterId::parse(&request.seed.cluster_id(&plan.cluster)).ok_or(Defect::ClusterId)?;
    let trust_only = request.profile.trust_only;
    Ok(Head {
        cluster: plan.cluster.clone(),
        cluster_id,
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        issued_at: plan.issued_at,
        phase: request.rotation.map(|rotation| rotation::phase(plan.phase, rotation, trust_only)),
    })
}
