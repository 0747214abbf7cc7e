//! A bundle read with a key that came by another road: what `verify` and `unpack` share.

use std::path::{Path, PathBuf};

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::cli::args::TrustArguments;
use crate::cli::failure::Failure;
use crate::host;
use crate::kubernetes::PartName;
use crate::sign::{Fingerprint, PublicKey};
use crate::verify::{CheckedBundle, Known, check_bundle};

/// No public key file is longer.
pub(crate) const KEY_LIMIT: u64 = 64 << 10;

/// Opens the bundle and checks it.
pub(crate) fn open(arguments: &TrustArguments, wanted: Option<&PartName>) -> Result<CheckedBundle, Failure> {
    let at = time_of(arguments.at.as_deref())?;
    let key = trusted_key(&arguments.bundle, &arguments.key)?;
    check_outer_signature(&arguments.bundle, &key)?;
    let source = host::open(&arguments.bundle).map_err(|error| Failure::io("read", &arguments.bundle, &error))?;
    check_bundle(source, &key, at, wanted, &Known::default())
        .map_err(|error| Failure::bundle(&arguments.bundle, &error))
}

/// The time that `--at` names, or now.
pub(crate) fn time_of(at: Option<&str>) -> Result<OffsetDateTime, Failure> {
    let Some(text) = at else { return Ok(host::now()) };
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok();
    let day = || Some(Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?.midnight().assume_utc());
    instant.or_else(day).ok_or_else(|| {
        Failure::cannot_run(format!("--at {text} is not a time")).hint("write 2026-11-22 or 2026-11-22T08:00:00Z")
    })
}

/// The key itself, or the one beside the bundle that has the given fingerprint.
pub(crate) fn trusted_key(bundle: &Path, key: &str) -> Result<PublicKey, Failure> {
    if !key.starts_with("sha256:") {
        return read_key(Path::new(key));
    }
    let expected: Fingerprint = key.parse().map_err(|_| {
        Failure::cannot_run(format!("--key {key} is not a fingerprint"))
            .hint("a fingerprint is `sha256:` and 64 lower-case hex digits; `certferry build` prints it")
    })?;
    let path = key_beside(bundle)?;
    let key = read_key(&path)?;
    if key.fingerprint() == expected {
        return Ok(key);
    }
    Err(Failure::says_no(format!(
        "{} is not the key of that fingerprint: it is {}, expected {expected}",
        path.display(),
        key.fingerprint()
    ))
    .hint(
        "compare the fingerprint with the one written down when the bundle was built; if that is what was typed, \
           somebody else made this bundle",
    ))
}

/// The one `.pub` in the bundle's folder that the bundle's name begins with.
fn key_beside(bundle: &Path) -> Result<PathBuf, Failure> {
    let name = bundle.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // `<cluster>-g<generation>...`: the last `-g` before a digit ends the cluster's name.
    let cluster = name
        .match_indices("-g")
        .filter(|(place, _)| name.as_bytes().get(place + 2).is_some_and(u8::is_ascii_digit))
        .last();
    let cluster = cluster.map(|(place, _)| name.split_at(place).0);
    cluster.map(|cluster| bundle.with_file_name(format!("{cluster}.pub"))).ok_or_else(|| {
        Failure::cannot_run(format!("cannot tell the cluster from the name {name}"))
            .hint("give the public key's file to --key instead of its fingerprint")
    })
}

fn read_key(path: &Path) -> Result<PublicKey, Failure> {
    let bytes = host::read(path, KEY_LIMIT).map_err(|error| {
        Failure::io("read the public key", path, &error).hint(
            "--key takes the file CLUSTER.pub, or the fingerprint `sha256:...` when that file lies beside the bundle",
        )
    })?;
    PublicKey::from_pem(&bytes)
        .map_err(|error| Failure::cannot_run(format!("{} is not a signer's public key: {error}", path.display())))
}

/// The signature over the whole file may be missing, as from a slice; a present one must hold.
pub(crate) fn check_outer_signature(bundle: &Path, key: &PublicKey) -> Result<(), Failure> {
    let mut path = bundle.as_os_str().to_owned();
    path.push(".sig");
    let path = PathBuf::from(path);
    let signature = match host::read(&path, KEY_LIMIT) {
        Ok(signature) => signature,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::io("read", &path, &error)),
    };
    let digest = host::sha256(bundle).map_err(|error| Failure::io("read", bundle, &error))?;
    key.verify_sha256(&digest, &signature).map_err(|_| {
        Failure::says_no(format!("{} does not hold for {}", path.display(), bundle.display()))
            .hint("the file was changed or cut on its way, or another key signed it; carry it again")
    })
}
