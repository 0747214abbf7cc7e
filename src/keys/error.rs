//! What can go wrong with a seed and with keys. No variant carries anything secret.

use thiserror::Error;

use crate::kubernetes::KeyId;
use crate::x509::KeyAlgorithm;

/// Why bytes are not a root seed. Its text says never what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SeedError {
    /// There is nothing.
    #[error("the file is empty")]
    Empty,
    /// The line does not begin with `certferry-seed-1:`.
    #[error("it does not begin with `certferry-seed-1:`")]
    WrongPrefix,
    /// The line begins as a seed of another format does.
    #[error("it has format {number}, and this version knows format 1")]
    OtherFormat {
        /// The format's number.
        number: u32,
    },
    /// The number of hex digits is not 64.
    #[error("it has {digits} hex digits instead of 64")]
    WrongLength {
        /// How many there are.
        digits: usize,
    },
    /// A hex digit is in upper case.
    #[error("column {column} is an upper-case hex digit")]
    UpperCase {
        /// Which character of the line, counted from 1.
        column: usize,
    },
    /// A character is no hex digit.
    #[error("column {column} is not a hex digit")]
    NotHex {
        /// Which character of the line, counted from 1.
        column: usize,
    },
    /// The line ends in CR LF.
    #[error("its line ends in CR LF")]
    CarriageReturn,
    /// Something other than a hex digit follows the 64 digits on their line.
    #[error("something follows the 64 hex digits")]
    TrailingBytes,
    /// Something follows the first line.
    #[error("something follows its first line")]
    MoreThanOneLine,
    /// All 32 bytes are the same: no random generator made this.
    #[error("all its bytes are the same, so no random generator made it")]
    RepeatedByte,
}

/// Why there is no key, or no signature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Two labels name one key.
    #[error("two keys have the id {key_id}")]
    Duplicate {
        /// The key's id.
        key_id: KeyId,
    },
    /// The worker threads could not be started.
    #[error("cannot start threads: {reason}")]
    Threads {
        /// What the operating system said.
        reason: String,
    },
    /// One key of several could not be made.
    #[error("{key_id}: {fault}")]
    Derivation {
        /// The key's id.
        key_id: KeyId,
        /// What is wrong with it.
        fault: Box<KeyError>,
    },
    /// det-keygen found no scalar in the curve's range. Below 2^-63 for a P-256 key, far below that for P-384.
    #[error("no scalar of {} was found", algorithm.name())]
    NoScalar {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
    },
    /// The key has no DER encoding.
    #[error("a key of {} cannot be encoded: {reason}", algorithm.name())]
    Encoding {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// What the encoder said.
        reason: String,
    },
    /// ring does not take the key.
    #[error("ring does not take a key of {}: {reason}", algorithm.name())]
    Rejected {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// What ring said.
        reason: String,
    },
    /// A signature could not be made.
    #[error("a key of {} does not sign", algorithm.name())]
    Signature {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
    },
    /// The key's own signature does not verify under its public key.
    #[error("the signature of a key of {} does not verify under its public key", algorithm.name())]
    Proof {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
    },
}
