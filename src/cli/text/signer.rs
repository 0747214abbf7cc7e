//! The words of `plan` for a signer who is somebody else than whoever has the seed.

use crate::bundle::Hex;
use crate::profile::Profile;
use crate::x509::escape_for_terminal;

/// Returns who signs the bundle, if the profile says so.
pub(crate) fn told(profile: &Profile) -> String {
    let Some(signer) = &profile.signer else { return String::new() };
    let fingerprint = signer.found.map(|spki| format!("sha256:{}", Hex(spki))).unwrap_or_default();
    format!(
        "\nthe bundle is signed by {fingerprint}, the key of {}, which the seed does not give\n",
        escape_for_terminal(&signer.key)
    )
}
