//! Reads a signer's public key, which came by another road than the bundle.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::input::source;
use crate::cli::text::fingerprint::compared;
use crate::sign::{Fingerprint, PublicKey};

/// The most bytes of a file with a public key.
pub(crate) const KEY_LIMIT: u64 = 64 << 10;

/// Reads the key from the file `key`, or finds the one beside the bundle whose fingerprint is `key`.
///
/// What has the form of a fingerprint is never taken for the name of a file: whoever can write to this folder could put a
/// key of that name there.
pub(crate) fn read(bundle: &Path, key: &str) -> Result<PublicKey, Failure> {
    let Some(typed) = Fingerprint::typed(key) else { return read_key(Path::new(key)) };
    let expected = typed.map_err(|error| {
        Failure::cannot_run(format!("--key is not a fingerprint: {error}")).hint(
            "a fingerprint is 64 hex digits, in any case and with any blanks, or 24 words; `certferry build` prints it",
        )
    })?;
    let paths = keys_beside(bundle)?;
    // Of several names that the bundle's could begin with, it is that of the key which has this fingerprint.
    let path = paths.iter().find(|path| read_key(path).is_ok_and(|key| key.fingerprint() == expected));
    let Some(path) = path.or(paths.first()) else { return Err(Failure::defect("no name of a key")) };
    let key = read_key(path)?;
    if key.fingerprint() == expected {
        return Ok(key);
    }
    Err(Failure::says_no(format!("{} is not the key of that fingerprint", path.display()))
        .lines(compared("it is", &key.fingerprint()) + &compared("expected", &expected))
        .hint(
            "compare the fingerprint with the one written down when the bundle was built; if that is what was typed, \
             somebody else made this bundle",
        ))
}

/// Returns the path of `<cluster>.pub` in the bundle's folder, or several where the bundle's name could begin with the
/// names of several clusters: those that are there, or else the likeliest. There is at least one.
///
/// In `<cluster>-g<generation>...` a `-g` before a digit ends the name of the cluster, most likely the last one. But a name
/// of a cluster, and what somebody has added to the name of a slice, may have another.
pub(crate) fn keys_beside(bundle: &Path) -> Result<Vec<PathBuf>, Failure> {
    if source::is_standard(bundle) {
        return Err(Failure::cannot_run("--key is a fingerprint, and nothing lies beside the standard input")
            .hint("give the public key's file to --key"));
    }
    let name = bundle.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ends = name.rmatch_indices("-g").map(|(place, _)| place);
    let ends = ends.filter(|place| name.as_bytes().get(place + 2).is_some_and(u8::is_ascii_digit));
    let path = |end| bundle.with_file_name(format!("{}.pub", name.split_at(end).0));
    let mut paths: Vec<_> = ends.filter(|end| *end > 0).map(path).collect();
    if paths.is_empty() {
        return Err(Failure::cannot_run(format!("cannot tell the cluster from the name {name}"))
            .hint("give the public key's file to --key instead of its fingerprint"));
    }
    let is_any_there = paths.iter().any(|path| path.is_file());
    if is_any_there {
        paths.retain(|path| path.is_file());
    } else {
        paths.truncate(1);
    }
    Ok(paths)
}

/// Reads a key from its file, or from the standard input for `-`.
pub(crate) fn read_key(path: &Path) -> Result<PublicKey, Failure> {
    let bytes = source::read(path, KEY_LIMIT).map_err(|error| {
        Failure::io("read the public key", path, &error).hint(
            "--key takes the file CLUSTER.pub, or the fingerprint `sha256:...` when that file lies beside the bundle",
        )
    })?;
    PublicKey::from_pem(&bytes)
        .map_err(|error| Failure::cannot_run(format!("{} is not a signer's public key: {error}", path.display())))
}
