//! Who signs a build, and the file that somebody else is asked to sign.

use std::path::{Path, PathBuf};

use crate::bundle::{Checksum, REQUEST_LIMIT, SigningAnswer, SigningRequest};
use crate::cli::args::{BuildArguments, OutputFormat};
use crate::cli::command::draft::Draft;
use crate::cli::command::seed_file;
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::sealed::Opener;
use crate::cli::input::{adopted_files, signer_key, source};
use crate::cli::text::build_json::{self, Files};
use crate::cli::text::build_summary::{self, Places};
use crate::cli::text::changes::Detail;
use crate::host::Outputs;
use crate::keys::PrivateKey;
use crate::make::{self, Comparison, Made, MakeError, Permission, Request, Signing};
use crate::profile::Profile;
use crate::sign::PublicKey;

/// Whoever signs a build, with what there is of them.
pub(super) enum Chosen {
    /// The key that the seed gives.
    Derived,
    /// The signer's private key.
    Key(Box<PrivateKey>),
    /// What the signer signed elsewhere.
    Given(PublicKey, Box<SigningAnswer>),
    /// Nobody yet.
    Nobody(PublicKey),
}

impl Chosen {
    /// Finds who signs. Refuses what cannot be signed before anything is made.
    pub(super) fn new(
        profile: &Profile,
        arguments: &BuildArguments,
        opener: &Opener<'_>,
        lock: &Path,
    ) -> Result<Self, Failure> {
        let BuildArguments { signer, unsigned, signatures, .. } = arguments;
        let refused = |error: &MakeError| Failure::make(error, &arguments.out, lock);
        let Some(named_signer) = &profile.signer else {
            return match signer.is_some() || unsigned.is_some() || signatures.is_some() {
                true => Err(refused(&MakeError::NoSignerNamed)),
                false => Ok(Self::Derived),
            };
        };
        if unsigned.as_deref().is_some_and(source::is_standard) {
            return Err(Failure::cannot_run("--unsigned takes the name of a file that does not exist yet"));
        }
        let public = || signer_key::read_public(&adopted_files::beside(&arguments.profile, &named_signer.key));
        let chosen = match (signer, signatures) {
            (Some(file), _) => Self::Key(Box::new(signer_key::read_private(file, opener)?)),
            (None, Some(file)) => {
                let content = source::read(file, REQUEST_LIMIT).or_cannot("read the signatures", file)?;
                let answer = SigningAnswer::read(&content).map_err(|error| not_an_answer(file, &error.to_string()))?;
                Self::Given(public()?, Box::new(answer))
            }
            (None, None) if unsigned.is_some() || arguments.locked => Self::Nobody(public()?),
            (None, None) => return Err(refused(&MakeError::NobodySigns)),
        };
        make::check_signing(profile, chosen.signing()).map_err(|error| refused(&error))?;
        Ok(chosen)
    }

    /// Returns what the build is told.
    pub(super) const fn signing(&self) -> Signing<'_> {
        match self {
            Self::Derived => Signing::Derived,
            Self::Key(key) => Signing::Key(key),
            Self::Given(key, answer) => Signing::Given { key, answer },
            Self::Nobody(key) => Signing::Nobody { key },
        }
    }
}

fn not_an_answer(file: &Path, error: &str) -> Failure {
    Failure::cannot_run(format!("{} {error}", named(file)))
        .hint("--signatures takes the file that `certferry sign` wrote, or a tar archive with the .sig files in it")
}

/// Leaves out of the places of a build what nobody can sign there, and adds what is written in its place.
pub(super) fn place(places: &mut Places, request: &Request<'_>, arguments: &BuildArguments) {
    match request.signing {
        Signing::Derived | Signing::Key(_) => {}
        Signing::Given { .. } => {
            places.checksum = places.archive.as_deref().map(checksum_of);
            places.signature = None;
        }
        Signing::Nobody { .. } => {
            places.request.clone_from(&arguments.unsigned);
            places.is_unsigned = true;
            places.signature = None;
        }
    }
}

fn checksum_of(archive: &Path) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push(".sha256");
    path.into()
}

/// Stages the checksum of a bundle whose file nobody here can sign.
pub(super) fn stage_checksum(outputs: &mut Outputs, places: &Places, made: &Made<'_, Draft>) -> Result<(), Failure> {
    let Some(path) = &places.checksum else { return Ok(()) };
    let checksum = Checksum { sha256: made.written.file_sha256, name: made.file_name.clone() };
    outputs.put(path, checksum.to_text().as_bytes(), 0o644, false).or_cannot("write", path)
}

/// Says what a build with `--locked` could compare where somebody else signs.
pub(super) fn compared(request: &Request<'_>, made: &Made<'_, Draft>) -> String {
    let Some(lock) = request.lock.filter(|_| request.permission == Permission::Locked) else { return String::new() };
    match (request.signing, lock.content_sha256 == made.content_sha256.to_string()) {
        (Signing::Derived, _) => String::new(),
        (_, true) => "\nindex, records and signatures are those of the lock\n".to_owned(),
        (_, false) => {
            "\nindex and records are those of the lock; the signatures are others, and so is the content\n".to_owned()
        }
    }
}

/// Ends a build that nobody signed: writes what has to be signed, if that is asked for, and nothing else but a new
/// seed.
pub(super) fn end_unsigned(
    made: &mut Made<'_, Draft>,
    (request, arguments, to_sign): (&Request<'_>, &BuildArguments, &SigningRequest),
    mut outputs: Outputs,
    mut places: Places,
    new_seed: Option<&Path>,
) -> Result<String, Failure> {
    let mut before = None;
    if let Some(file) = &arguments.unsigned {
        let content = to_sign.to_tar().map_err(|error| Failure::write(file, &error))?;
        outputs.put(file, &content, 0o644, false).or_cannot("write", file)?;
        if let Some(seed) = new_seed {
            places.gitignore = seed_file::stage_gitignore(&mut outputs, seed)?;
        }
        before = Some(Files::look(&places, new_seed));
        outputs.commit().map_err(|refused| {
            let failure = Failure::commit("write", &refused);
            match refused.error.kind() == std::io::ErrorKind::AlreadyExists && refused.left.is_empty() {
                true => failure.hint("a file that exists is never overwritten"),
                false => failure,
            }
        })?;
    }
    let is_json = arguments.format.output == OutputFormat::Json;
    if arguments.quiet && !is_json {
        return Ok(String::new());
    }
    let comparison = made.since.take().map(|since| Comparison::of_build(since, &made.plan));
    if is_json {
        let now = Files::look(&places, new_seed);
        let before = before.unwrap_or_else(|| Files::look(&places, new_seed));
        let result = build_json::Result { signer: made.signer.fingerprint().to_string(), content_sha256: None };
        let is_partial = made.is_partial;
        return build_json::done(&made.plan, is_partial, (&places, &before, &now), result, comparison.as_ref(), &[]);
    }
    let detail = if arguments.verbose { Detail::Full } else { Detail::Folded };
    let is_locked = request.permission == Permission::Locked;
    Ok(build_summary::of_unsigned(made, to_sign, comparison.as_ref(), (&places, new_seed), is_locked, detail))
}
