//! What passes between the machine that builds and whoever signs: the request, the answer, and the checksum of a file.
//!
//! **Why.** The signer of a bundle may be somebody else than whoever has the seed. Neither needs the other's secret:
//! what is signed, index, records and `install.sh`, has no key in it, and a signature is public.
//!
//! Everything that is signed is a text with a form of its own, which a person can read. A bare digest is never asked
//! for: whoever signs one cannot see whether it is that of a record nobody has shown.

mod answer;
mod checksum;
mod error;
mod request;

pub use answer::SigningAnswer;
pub use checksum::Checksum;
pub use error::SigningFileError;
pub use request::SigningRequest;

/// The most bytes of a request, and of an answer.
pub const REQUEST_LIMIT: u64 = 1 << 30;

/// The name of the file with the SHA-256 of everything that is signed, as sha256sum writes it.
const SUMS: &str = "SHA256SUMS";
/// The name of the signer's public key in a request.
const SIGNER: &str = "signer.pub";
/// The name of the index.
pub(super) const INDEX_NAME: &str = "manifest.json";
/// The name of the script, which is signed, too.
pub(super) const SCRIPT_NAME: &str = "install.sh";

/// Returns the lines of [`SUMS`].
fn sums<'a>(documents: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let line = |(path, bytes): (&str, &[u8])| format!("{}  {path}\n", super::hex::Sha256::of(bytes));
    documents.into_iter().map(line).collect()
}
