//! Reads the files of the CAs and keys that a profile adopts. Their paths are relative to the profile.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::adopted::{AdoptError, AdoptFault, Adopted, Content, Wanted, adopt, wanted};
use crate::bundle::Sha256;
use crate::cli::failure::Failure;
use crate::cli::input::sealed::Opener;
use crate::cli::input::{signer_key, source};
use crate::cli::notice::Notice;
use crate::cli::text::adoption;
use crate::host::{self, Exposure};
use crate::keys::PrivateKey;
use crate::profile::Profile;
use crate::seal::Form;
use crate::x509::{ReadCertificate, read_pem};

/// The most bytes of such a file.
const LIMIT: u64 = 4 << 20;

/// What becomes of keys that are not at hand, and of those that others may have put in their place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// They are needed.
    Needed {
        /// Whether one is taken that others can write.
        allow_weak: bool,
    },
    /// Those of CAs whose certificates are there may be missing. No secret is needed to plan.
    IfThere,
}

/// Reads and checks the files. Returns the profile with what is in them.
///
/// Keys that are sealed are opened with the opener. Without one they are as if they were not at hand.
pub(crate) fn read(
    mut profile: Profile,
    path: &Path,
    keys: Keys,
    opener: Option<&Opener<'_>>,
) -> Result<(Profile, Adopted), Failure> {
    if let Some(signer) = &mut profile.signer {
        signer.found = Some(Sha256::of(signer_key::read_public(&beside(path, &signer.key))?.as_der()).0);
    }
    let all = wanted(&profile);
    if all.is_empty() {
        return Ok((profile, Adopted::default()));
    }
    let mut files = BTreeMap::new();
    for Wanted { certificate, key, public_key, .. } in &all {
        for (file, what) in [(certificate, "certificate"), (public_key, "public key")] {
            let Some(file) = file else { continue };
            let place = beside(path, file);
            let read = host::read(&place, LIMIT).map_err(|error| missing(path, &place, what, &error))?;
            files.insert(file.clone(), read);
        }
        if let Some(file) = key
            && let Some(read) = read_key(path, &beside(path, file), certificate.is_some(), keys, opener)?
        {
            files.insert(file.clone(), read);
        }
    }
    let (profile, adopted) = adopt(&profile, &files).map_err(|errors| adoption::refused(&errors))?;
    for warning in &adopted.warnings {
        Notice::new(warning.to_string()).hint(warning.hint()).give();
    }
    Ok((profile, adopted))
}

/// Reads the key of a CA, and its certificate if there is one, for a request. Of the certificate nothing is asked but
/// that the key is its own: that it has ended may be why another one is asked for.
pub(crate) fn read_own(
    path: &Path,
    wanted: &Wanted,
    allow_weak: bool,
    opener: &Opener<'_>,
) -> Result<(PrivateKey, Option<ReadCertificate>), Failure> {
    let refused = |file: &str, fault: AdoptFault| {
        let (id, file) = (wanted.id.clone(), file.to_owned());
        let error = AdoptError { id, file, has_key: true, is_intermediate: true, fault: Box::new(fault) };
        adoption::refused(&[error])
    };
    let file = wanted.key.as_deref().unwrap_or_default();
    let content =
        read_key(path, &beside(path, file), false, Keys::Needed { allow_weak }, Some(opener))?.unwrap_or_default();
    let key = PrivateKey::from_pem(&content).map_err(|fault| refused(file, fault.into()))?;
    let Some(of_certificate) = wanted.certificate.as_deref() else { return Ok((key, None)) };
    let place = beside(path, of_certificate);
    let read = host::read(&place, LIMIT).map_err(|error| missing(path, &place, "certificate", &error))?;
    let certificate = read_pem(&read).ok().and_then(|read| read.certificates.into_iter().next());
    let certificate = certificate.ok_or_else(|| refused(of_certificate, AdoptFault::NoCertificate))?;
    if certificate.spki_der() != key.spki_der() {
        return Err(refused(file, AdoptFault::OtherKey { certificate: of_certificate.to_owned() }));
    }
    Ok((key, Some(certificate)))
}

/// Returns where a file is that a profile names. A profile from the standard input lies in the working directory.
pub(crate) fn beside(profile: &Path, file: &str) -> PathBuf {
    let folder = profile.parent().filter(|_| !source::is_standard(profile));
    folder.map_or_else(|| PathBuf::from(file), |folder| folder.join(file))
}

fn missing(profile: &Path, place: &Path, what: &str, error: &io::Error) -> Failure {
    let failure = Failure::io(&format!("read the {what}"), place, error);
    if error.kind() != io::ErrorKind::NotFound {
        return failure;
    }
    let failure = failure.hint("the path in the profile is relative to the profile");
    // What `init --from` wrote beside it.
    let list = profile.with_extension("list.txt");
    if source::is_standard(profile) || !list.is_file() {
        return failure;
    }
    failure.hint(format!("{} says under \"Bring\" from where to bring it", list.display()))
}

/// Reads a key. Returns `None` when it is not at hand and not needed.
fn read_key(
    profile: &Path,
    place: &Path,
    has_certificate: bool,
    keys: Keys,
    opener: Option<&Opener<'_>>,
) -> Result<Option<Content>, Failure> {
    match host::read_secret(place, LIMIT) {
        Err(error) if has_certificate && keys == Keys::IfThere && is_absence(&error) => Ok(None),
        Err(error) => Err(missing(profile, place, "key", &error)),
        Ok((content, exposure)) => {
            check_exposure(place, &exposure, keys)?;
            match opener {
                Some(opener) => opener.open(place, content, LIMIT as usize).map(Some),
                None if Form::of(&content).is_none() => Ok(Some(content)),
                None if has_certificate => Ok(None),
                None => Err(Failure::cannot_run(format!("{} is sealed, and `plan` opens nothing", place.display()))
                    .hint("`certferry build --dry-run` opens it and shows what would be made")),
            }
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}

/// Does with a key what is done with a seed: one that others can read is told, one that others can write is refused.
fn check_exposure(place: &Path, exposure: &Exposure, keys: Keys) -> Result<(), Failure> {
    let name = place.display();
    let weakness = exposure.can_be_written.as_deref().map(|open| match open == place {
        true => (format!("{name} can be written by others"), format!("chmod 600 {name}")),
        false => {
            let folder = open.display();
            (
                format!("others can put another file in the place of {name}: they may write to {folder}"),
                format!("move it to a folder of your own, or chmod go-w {folder}"),
            )
        }
    });
    match weakness {
        Some((what, hint)) if keys == (Keys::Needed { allow_weak: false }) => Err(Failure::cannot_run(what)
            .hint(format!("{hint}; then compare it with the one on a control plane"))
            .hint("--allow-weak-seed takes it all the same")),
        Some((what, hint)) if keys == Keys::IfThere => {
            Notice::new(what).hint(hint).give();
            Ok(())
        }
        Some(_) => Ok(()),
        None => {
            if exposure.can_be_read {
                Notice::new(format!("{name} can be read by others")).hint(format!("chmod 600 {name}")).give();
            }
            Ok(())
        }
    }
}
