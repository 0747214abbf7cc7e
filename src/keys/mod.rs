//! Every private key of a cluster, derived from one secret.
//!
//! Why: a key that is derived can be made again, by this program or by any other implementation of C2SP det-keygen. It
//! need not be stored, backed up or carried in the open.
//!
//! Input: the root [`Seed`] and one [`Label`] for each key of a plan.
//!
//! Or a key file that somebody else made, for an authority that is adopted.
//!
//! Output: a [`KeyRing`]. Each of its [`PrivateKey`]s is proved before anything else can use it.
//!
//! Refuses: a seed file that is not exactly in its form, a seed of one repeated byte, two keys with one id, and a key
//! that another implementation (ring) does not take, derived or from a file.
//!
//! The time of the search for primes depends on the candidates. The time of an RSA signature depends on the key in the
//! steps around its powers, unless ring makes the signature. That is acceptable because keys are made, and sign, only
//! on a machine that no attacker shares. A node never makes keys.

mod error;
mod hkdf;
mod key_file;
mod key_ring;
mod label;
mod pattern;
mod pem;
mod private_key;
mod seed;
mod spki;
mod stack;

pub use det_keygen::{Engine, PrimeTest, engines};
pub use error::{KeyError, SeedError};
pub use key_file::KeyFileError;
pub use key_ring::{KeyRing, derive, relative_cost};
pub use label::Label;
pub use pattern::SeedPattern;
pub use private_key::PrivateKey;
pub use seed::Seed;
pub use stack::wipe_stack;
