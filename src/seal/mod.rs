//! Sealed files: age version 1, as <https://c2sp.org/age> has it.
//!
//! **Why.** A seed makes every key of a cluster, and a bundle carries them. What lies on a disk or a stick is found one
//! day.
//!
//! **Input.** Bytes, and who may open them: whoever knows a [`Passphrase`], or whoever has the [`Identity`] of a
//! [`Recipient`]. In the other direction a sealed file, and one of these.
//!
//! **Output.** A sealed file, binary or armored, or what is in one. Both are streams: a few hundred KiB of memory hold
//! whatever their length, save for scrypt, which takes 1 KiB x 2^work factor: 256 MiB to seal, at most 1 GiB to open.
//!
//! **What it refuses.** A passphrase beside anything else, recipients of both kinds in one file (the weaker one
//! decides), none at all; a file that is not exactly in its form, a work factor above 2^20, and whatever was cut off or
//! changed. Nothing is handed on of which the tag does not hold.
//!
//! Recipients are `X25519` (`age1...`) and `mlkem768x25519` (`age1pq1...`), which, as far as is known, a quantum
//! computer of later does not open either. Plugins and keys of SSH are not here: whoever has them uses age itself.
//!
//! Here is the one place of certferry with randomness besides a new seed: no two sealed files are the same. What they
//! hold is.
//!
//! The crates: `age` would bring 86 others, among them a second generation of the ones below, and no hybrid recipient.
//! So the arithmetic is that of `hpke` with `x-wing` and `ml-kem`, of `x25519-dalek`, `scrypt`, `hkdf` and ring, and
//! the letters are those of `bech32`; here is what lies between them. X25519 is not ring's, which has no key that lives
//! longer than one agreement.

mod armor;
mod bech32;
mod envelope;
mod ephemeral;
mod error;
mod form;
mod header;
mod hybrid;
mod identity;
mod kind;
mod limits;
mod passphrase;
mod payload;
mod random;
mod recipient;
mod sealer;
mod wrap;
mod x25519;

pub use envelope::{Envelope, OpenWith, OpensWith, Recipients};
pub use ephemeral::Ephemeral;
pub use error::{IdentityError, OpenError, PassphraseError, RecipientError, SealError};
pub use form::Form;
pub use identity::Identity;
pub use kind::Kind;
pub use passphrase::Passphrase;
pub use payload::Opened;
pub use recipient::Recipient;
pub use sealer::{SealTo, Sealer};
