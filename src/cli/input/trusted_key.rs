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
    let path = key_beside(bundle)?;
    let key = read_key(&path)?;
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

/// Returns the path of `<cluster>.pub` in the bundle's folder. The name of the bundle begins with that of the cluster.
pub(crate) fn key_beside(bundle: &Path) -> Result<PathBuf, Failure> {
    if source::is_standard(bundle) {
        return Err(Failure::cannot_run("--key is a fingerprint, and nothing lies beside the standard input")
            .hint("give the public key's file to --key"));
    }
    let name = bundle.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // In `<cluster>-g<generation>...`, the last `-g` before a digit ends the name of the cluster.
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
