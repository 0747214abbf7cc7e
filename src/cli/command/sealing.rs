//! How `build` seals: to whom, and the sealed bundle and its slices in place of those in the clear.

use std::collections::BTreeSet;
use std::io::{BufReader, BufWriter, Seek};
use std::path::Path;

use crate::bundle::sealed::{self, SealedError};
use crate::cli::args::BuildArguments;
use crate::cli::command::draft::Draft;
use crate::cli::command::sealed_file::{MODE, cannot_seal};
use crate::cli::command::slice_folder::SliceFolder;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::recipients::{self, Named};
use crate::cli::text::build_summary::Places;
use crate::cli::text::sealing;
use crate::host::Outputs;
use crate::kubernetes::{PartName, is_authority_key};
use crate::lock::Lock;
use crate::make::{Defect, Envelopes, Made, RecipientChange, Request, Signer, Signing, recipient_changes};
use crate::plan::Recipient;
use crate::profile::Profile;

/// Returns to whom a build seals each of its parts; `None` when the bundle stays in the clear.
pub(super) fn wanted(
    arguments: &BuildArguments,
    profile: &Profile,
    lock: Option<&Lock>,
) -> Result<Option<Envelopes>, Failure> {
    let seal = &arguments.seal;
    let is_required = profile.seal.as_ref().is_some_and(|seal| seal.required);
    if seal.unsealed {
        return match is_required {
            true => Err(Failure::says_no("--unsealed, but [seal] of the profile has `required = true`")
                .hint("leave --unsealed out; for a bundle in the clear, once, take `required` out of the profile")),
            false => Ok(None),
        };
    }
    // What has to be signed elsewhere has no key in it, and nothing else is written.
    if arguments.unsigned.is_some() {
        return Ok(None);
    }
    if !profile.asks_for_seal() && !seal.to.is_given() {
        return match lock.is_some_and(was_sealed) {
            true => Err(Failure::says_no("the bundle before was sealed, and this one would be in the clear")
                .hint("name the recipients again, in the profile or with --to; or say --unsealed")),
            false => Ok(None),
        };
    }
    let all = || profile.nodes.iter().map(|node| PartName::Node(node.name.clone()));
    let known: BTreeSet<_> = all().chain([PartName::Cluster]).collect();
    let parts: BTreeSet<_> = match arguments.only.as_slice() {
        [] => known.clone(),
        only => {
            let own = all().filter(|part| part.node().is_some_and(|name| only.iter().any(|only| only == name)));
            own.chain(arguments.with_cluster.then_some(PartName::Cluster)).collect()
        }
    };
    let mut named = Named::of_arguments(&seal.to)?;
    named.add_profile(profile);
    if let Some(file) = recipients::file(seal.to.recipients.as_deref(), Some((&arguments.profile, profile))) {
        named.add_file(&file, (&parts, &known), lock)?;
    }
    named.envelopes(&parts, &known, "the profile").map(Some)
}

/// Returns whether a lock has recipients of any part.
pub(super) fn was_sealed(lock: &Lock) -> bool {
    lock.parts.iter().any(|row| !row.sealed_to.is_empty())
}

/// Returns the name of the sealed file of a bundle, which has this one in the clear.
pub(super) fn file_name(plain: &str) -> String {
    format!("{}{}", plain.strip_suffix(".tar.gz").unwrap_or(plain), sealed::ENDING)
}

/// Stages the sealed bundle, and puts a sealed slice of each part into a folder if that is asked for. What was made
/// then tells of the sealed file: its name, digest and signature.
pub(super) fn stage(
    outputs: &mut Outputs,
    (made, envelopes, request): (&mut Made<'_, Draft>, &Envelopes, &Request<'_>),
    archive: &Path,
    mut slices: Option<&mut SliceFolder<'_>>,
) -> Result<(), Failure> {
    warn_of_classical(made, envelopes);
    let rewind = |draft: &mut Draft| draft.rewind().or_cannot("read", archive);
    rewind(&mut made.output)?;
    let beginning = sealed::beginning(BufReader::new(&mut made.output));
    let beginning = beginning.map_err(|error| Failure::bundle(archive, &error))?;
    let beginning = beginning.ok_or_else(|| Failure::defect("the bundle has no index"))?;
    rewind(&mut made.output)?;
    let output = outputs.stage(archive, MODE, false).or_cannot("write", archive)?;
    let envelop = |part: &PartName, slice: &[u8]| envelopes.seal(part, slice);
    let head = &beginning.index().head;
    let folder = slices.as_ref().map(|slices| slices.folder());
    let mut beside = |part: &PartName, envelope: &[u8]| match &mut slices {
        Some(slices) => slices.put_envelope(part, head, envelope),
        None => Ok(()),
    };
    let source = BufReader::with_capacity(1 << 16, &mut made.output);
    let written = sealed::write(source, &beginning, &envelop, &mut beside, BufWriter::new(output));
    made.written = written.map_err(|error| match (error, folder) {
        (SealedError::Beside { error, .. }, Some(folder)) => Failure::io("write", folder, &error),
        (error, _) => cannot_seal(archive, archive, &error),
    })?;
    made.file_name = file_name(&made.file_name);
    let defect = |error: Defect| Failure::defect(&error.to_string());
    let signer = match request.signing {
        Signing::Derived => {
            let generation = request.profile.signer_generation;
            Some(Signer::of_seed(request.seed, &made.plan.cluster, generation).map_err(defect)?)
        }
        Signing::Key(key) => Some(Signer::of_key(key).map_err(defect)?),
        Signing::Given { .. } | Signing::Nobody { .. } => None,
    };
    let sign = |what, sha256: &[u8; 32]| signer.as_ref().map(|signer| signer.sign_sha256(what, sha256)).transpose();
    made.signature = sign("the sealed bundle", &made.written.file_sha256.0).map_err(defect)?;
    if let Some(slices) = slices {
        slices.sign_envelopes(|sha256| sign("a sealed slice", sha256).map_err(defect))?;
        let (name, key) = (format!("{}.pub", made.plan.cluster), made.signer.to_pem());
        slices.put_beside(|_, _| Some((name.clone(), key.as_bytes())))?;
        slices.complete()?;
    }
    Ok(())
}

fn warn_of_classical(made: &Made<'_, Draft>, envelopes: &Envelopes) {
    let signs = |recipient: &&Recipient<'_>| {
        let files = made.plan.files(**recipient);
        envelopes.is_classical(&recipient.part()) && files.iter().any(|file| is_authority_key(&file.path))
    };
    let parts: BTreeSet<_> = made.plan.recipients.iter().filter(signs).map(Recipient::part).collect();
    sealing::warn_of_classical(&parts.into_iter().collect::<Vec<_>>());
}

/// Returns what changes about recipients since the lock.
pub(super) fn changes(request: &Request<'_>) -> Vec<RecipientChange> {
    let (Some(lock), Some(envelopes)) = (request.lock, request.envelopes) else { return Vec::new() };
    recipient_changes(lock, &envelopes.fingerprints())
}

/// Names the sealed file in the places of a build that seals.
pub(super) fn place(places: &mut Places, envelopes: Option<&Envelopes>) {
    if envelopes.is_none() {
        return;
    }
    places.is_sealed = true;
    let sealed = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        path.with_file_name(file_name(&name))
    };
    places.archive = places.archive.as_deref().map(sealed);
    places.signature = places.archive.as_deref().map(|archive| {
        let mut path = archive.as_os_str().to_owned();
        path.push(".sig");
        path.into()
    });
}
