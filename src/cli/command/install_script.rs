//! `install.sh`, which `build` writes beside every bundle. The script is the same for every cluster, and each cluster
//! signs it.

use std::path::Path;

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::text::build_summary::Places;
use crate::host::{self, Outputs};
use crate::make::install_script;
use crate::sign::PublicKey;

const SCRIPT: &[u8] = install_script::SCRIPT.as_bytes();

/// The most bytes of any version of the script.
const LIMIT: u64 = 4 << 20;

/// Stages the script and its signature.
///
/// A bundle is never overwritten, but a better script replaces an older one that this signer signed, so that all
/// bundles in the folder have the same script. Nothing else with these names is replaced, because it may be another
/// cluster's, whose signature would be lost, or a file of the user.
pub(crate) fn stage(
    outputs: &mut Outputs,
    places: &Places,
    signer: &PublicKey,
    signature: &[u8],
) -> Result<(), Failure> {
    let (old_script, old_signature) = (existing(&places.script)?, existing(&places.script_signature)?);
    let is_signed = |script: &[u8]| {
        let signature = old_signature.as_deref().map(Vec::as_slice);
        signature.is_some_and(|signature| signer.verify(script, signature).is_ok())
    };
    let old_script = old_script.as_deref().map(Vec::as_slice);
    // A run that was killed between the two files has replaced the signature, which comes first.
    let is_ours = old_script.is_some_and(is_signed) || is_signed(SCRIPT);
    let refusal = |path: &Path, what: &str| {
        Failure::cannot_run(format!("{} exists {what}", path.display()))
            .hint("write to another folder with --out: each cluster signs its own copy")
    };
    if old_signature.is_some() && !is_ours {
        return Err(refusal(&places.script_signature, "and is not this cluster's"));
    }
    if old_script.is_some_and(|script| script != SCRIPT) && !is_ours {
        return Err(refusal(&places.script, "with other bytes"));
    }
    let is_old = old_signature.as_deref().is_some_and(|old| **old != *signature);
    outputs.put(&places.script_signature, signature, 0o644, is_old).or_cannot("write", &places.script_signature)?;
    let is_old = old_script.is_some_and(|script| script != SCRIPT);
    outputs.put(&places.script, SCRIPT, 0o755, is_old).or_cannot("write", &places.script)
}

/// Returns the content of an existing file. Refuses anything but a regular file without reading it, such as a pipe.
fn existing(path: &Path) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Failure> {
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path, &error)),
        Ok(metadata) if !metadata.is_file() => {
            Err(Failure::io("write", path, &std::io::Error::other("it is there and no regular file")))
        }
        Ok(_) => host::read(path, LIMIT).map(Some).or_cannot("read", path),
    }
}
