//! RSA and ECDSA keys that depend on a seed alone: C2SP det-keygen.
//!
//! Why: a package of its own, so that its arithmetic is always compiled to be fast while certferry, whose code is many times as
//! long and seldom waits for itself, is compiled fast while one works on it; and so that `unsafe` has one place, outside of
//! certferry.
//!
//! Input: seeds, and the engine that is to search for primes; for signatures, the key and messages.
//!
//! Output: keys in DER, the same from every engine; signatures that leave no choice. All of it has yet to be proved: see
//! certferry's `keys`.
//!
//! Refuses: nothing but what has a negligible probability.

#[cfg(feature = "aws-lc")]
#[allow(unsafe_code, reason = "calls a library in C; proved in the file")]
mod aws_lc;
pub mod ecdsa;
mod engine;
mod hmac;
mod hmac_drbg;
mod integer;
mod limbs;
mod montgomery;
pub mod p256_base_point;
pub mod p256_signature;
mod portable;
mod prime;
pub mod rsa;
pub mod rsa_signature;
mod streams;
mod trial_division;
#[cfg(target_arch = "x86_64")]
mod vector;

pub use engine::{Engine, engines};
pub use hmac::HmacKey;
pub use hmac_drbg::HmacDrbg;
pub use integer::Integer;
pub use portable::Portable;
pub use prime::{Candidate, Power, PrimeSize, PrimeTest, Search};
