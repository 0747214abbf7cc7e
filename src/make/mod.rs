//! The build: a profile and a seed become a signed bundle.
//!
//! Why: whoever builds, a person, a test or another program, does it in one call, and cannot leave a check out.
//!
//! Input: a [`Request`]; an engine for RSA; an output that can be read back. Neither files nor a terminal.
//!
//! Output: the bundle's bytes, and [`Made`]: its signature and signer, the lock, and what changed since the lock before.
//!
//! Refuses what the lock of the build before stands against ([`Objection`]), as early as it shows. What was written is
//! read back as a node will, before anybody sees it.
//!
//! Where to change what: what a build may change is in `permission.rs`, what it tells of changes in `comparison.rs`.

mod comparison;
mod error;
#[cfg(test)]
mod install_facts;
pub mod install_script;
mod lock;
mod permission;

use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::num::NonZeroUsize;

pub use comparison::Comparison;
pub use error::{BuildError, Defect, MakeError};
pub use permission::{Deviation, Objection, Permission, check_lock};

use crate::bundle::{ClusterId, Description, Head, Hex, WriteError, Writer, Written};
use crate::issue::{Certificate, Issued, SerialKey, issue};
use crate::keys::{KeyRing, Label, PrimeTest, Seed, derive};
use crate::kubernetes::KeyId;
use crate::layout::{self, lay_out};
use crate::lock::Lock;
use crate::plan::{self, Plan, PlannedKey, PlannedPart, plan};
use crate::profile::Profile;
use crate::sign::{PublicKey, SigningFailed};
use crate::verify::{AlreadyVerified, Finding, check_bundle};
use lock::Built;

/// What shall be built.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The cluster.
    pub profile: &'a Profile,
    /// The secret that all keys are derived from.
    pub seed: &'a Seed,
    /// The lock of the build before, if there was one.
    pub lock: Option<&'a Lock>,
    /// Part of the cluster, for a partial bundle; it needs the lock of a whole one.
    pub subset: Option<Subset<'a>>,
    /// What may change against the lock.
    pub permission: Permission,
}

/// Part of a cluster.
#[derive(Clone, Copy)]
pub struct Subset<'a> {
    /// Names of nodes.
    pub nodes: &'a [String],
    /// Whether the cluster's own part is among it.
    pub with_cluster: bool,
}

/// Who makes the keys, and how.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// Searches for primes, and makes RSA signatures. Keys and certificates do not depend on it.
    pub test: &'a dyn PrimeTest,
    /// How many threads derive keys; one for each processor where there is no number. Everything else runs in the pool
    /// of rayon that the call is made in.
    pub threads: Option<NonZeroUsize>,
    /// Is told how many keys are done, and of how many, from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// What was built.
pub struct Made<O> {
    /// The bundle.
    pub output: O,
    /// The name that its file should have.
    pub file_name: String,
    /// What is in it.
    pub plan: Plan,
    /// Whether it is part of the cluster alone.
    pub is_partial: bool,
    /// The certificates, by the id of their key.
    pub certificates: Issued,
    /// Whose signatures are in it.
    pub signer: PublicKey,
    /// The signer's signature over the whole file.
    pub signature: Vec<u8>,
    /// The signer's signature over [`install_script::SCRIPT`].
    pub install_signature: Vec<u8>,
    /// Digests and size of the file.
    pub written: Written,
    /// The lock to keep for the next build, as TOML.
    pub lock: String,
    /// What changed since the lock before, if there was one.
    pub comparison: Option<Comparison>,
}

/// Builds a bundle into the output that `create` gives for the name of its file.
///
/// # Errors
/// [`MakeError`], and whatever `create` fails with. Something may have been written to the output then; nothing of it
/// may be kept.
pub fn build<O, E>(
    request: &Request<'_>,
    engine: Engine<'_>,
    create: impl FnOnce(&str) -> Result<O, E>,
) -> Result<Made<O>, BuildError<E>>
where
    O: Read + Write + Seek + Send,
{
    let plan = check(request)?;
    let Request { profile, seed, .. } = *request;
    let keys = keys(&plan, seed, engine)?;
    let serial_key = SerialKey::new(seed.serial_key(&plan.cluster));
    let certificates = issue(&plan, &keys, &serial_key, engine.test).map_err(Defect::from)?;
    let signer = keys.get(&KeyId::BundleSigner).ok_or(Defect::NoSigner)?;
    let signer_public = PublicKey::from_der(signer.spki_der()).map_err(Defect::from)?;
    let sources = layout::FileSources { keys: &keys, certificates: &certificates, profile: &profile.source };
    let planned = in_archive_order(&plan);
    // Laid out anew for each pass: all at once would be ten kilobytes a node.
    let part = |number: usize| {
        lay_out(planned[number], &sources).map_err(|error| WriteError::Making(format!("layout: {error}")))
    };
    let is_partial = request.subset.is_some();
    let description =
        Description { head: head(&plan, seed)?, partial: is_partial, profile_sha256: Hex(profile.sha256) };
    let writer = Writer::prepare(description, planned.len(), part).map_err(MakeError::from)?;
    let file_name = writer.file_name();
    let mut output = create(&file_name).map_err(BuildError::Create)?;
    let sign = |message: &[u8]| signer.sign(message).map_err(|_| SigningFailed);
    let written = writer.write(&sign, BufWriter::new(&mut output)).map_err(MakeError::from)?;
    let known = AlreadyVerified::made(
        certificates.iter().map(Certificate::signature),
        keys.iter().map(|(_, key)| key.digest()),
    );
    let built = Built {
        plan: &plan,
        profile,
        seed,
        keys: &keys,
        certificates: &certificates,
        signer: &signer_public,
        index: writer.index(),
        written: &written,
    };
    // The lock's text is long, and made by one thread: beside the check, which has work for all.
    let (checked, (new, text)) = rayon::join(
        || check_written(&mut output, &signer_public, &plan, &known),
        || {
            let new = lock::lock(&built);
            let text = new.to_toml();
            (new, text)
        },
    );
    checked?;
    let (mut lock, mut comparison) = (text, None);
    if let Some(old) = request.lock {
        let (merged, changes) =
            permission::check_built(old, &new, is_partial, request.permission).map_err(MakeError::from)?;
        comparison = Some(Comparison::of_build(old, &new, profile, &plan, is_partial, changes));
        if let Some(merged) = merged {
            lock = merged.to_toml();
        }
    }
    let signature = |what, signed: Result<Vec<u8>, _>| signed.map_err(|error| Defect::Signature { what, error });
    let install_signature = signature("install.sh", signer.sign(install_script::SCRIPT.as_bytes()))?;
    let signature = signature("the bundle", signer.sign_sha256(&written.file_sha256.0))?;
    drop(writer);
    Ok(Made {
        output,
        file_name,
        is_partial,
        signer: signer_public,
        signature,
        install_signature,
        written,
        lock,
        comparison,
        plan,
        certificates,
    })
}

/// Finds what would be built, and refuses it as far as can be told before any key is derived.
///
/// # Errors
/// [`MakeError::UnknownNodes`], [`MakeError::NoLock`], [`MakeError::Objection`].
pub fn check(request: &Request<'_>) -> Result<Plan, MakeError> {
    let Request { profile, seed, lock, subset, permission } = *request;
    if lock.is_none() && (subset.is_some() || permission == Permission::Locked) {
        return Err(MakeError::NoLock);
    }
    if let Some(lock) = lock {
        check_lock(lock, &profile.cluster.name, permission)?;
        permission::check_seed(lock, seed.id(), permission)?;
    }
    let mut plan = plan(profile);
    if let Some(subset) = subset {
        plan = plan::subset(&plan, subset.nodes, subset.with_cluster).map_err(MakeError::UnknownNodes)?;
    }
    if let Some(lock) = lock {
        permission::check_plan(lock, &plan, subset.is_some(), lock.seed_id == seed.id(), permission)?;
    }
    Ok(plan)
}

fn keys(plan: &Plan, seed: &Seed, engine: Engine<'_>) -> Result<KeyRing, Defect> {
    let label = |key: &PlannedKey| Label::new(&plan.cluster, &key.id, key.algorithm, key.generation);
    let labels: Vec<_> = plan.keys.iter().map(label).collect();
    let progress = |done| (engine.progress)(done, labels.len());
    Ok(derive(engine.test, seed, &labels, engine.threads, &progress)?)
}

/// Reads the archive back as a node will: signatures, hashes, chains, key pairs. What fails here was never written. Of
/// what is known, a certificate's signature is not checked again, nor whether the numbers of one private key belong together.
fn check_written<O>(output: &mut O, key: &PublicKey, plan: &Plan, known: &AlreadyVerified) -> Result<(), MakeError>
where
    O: Read + Seek + Send,
{
    output.rewind().map_err(MakeError::ReadBack)?;
    let at = plan.issued_at.midnight().assume_utc();
    let read = check_bundle(BufReader::new(output), key, at, None, known).map_err(Defect::NotABundle)?;
    let wrong = |finding: &Finding| !finding.fault.is_about_time() && !finding.fault.is_warning();
    match read.findings.into_iter().find(wrong) {
        Some(finding) => Err(Defect::Finding(finding).into()),
        None => Ok(()),
    }
}

/// Nodes bytewise by name, then the cluster's part.
fn in_archive_order(plan: &Plan) -> Vec<&PlannedPart> {
    let mut parts: Vec<_> = plan.parts.iter().collect();
    parts.sort_by_cached_key(|part| part.recipient.part());
    parts
}

fn head(plan: &Plan, seed: &Seed) -> Result<Head, Defect> {
    let cluster_id = ClusterId::parse(&seed.cluster_id(&plan.cluster)).ok_or(Defect::ClusterId)?;
    Ok(Head {
        cluster: plan.cluster.clone(),
        cluster_id,
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        issued_at: plan.issued_at,
    })
}
