//! What can go wrong with a seed and with keys. No variant carries anything secret.

use crate::x509::KeyAlgorithm;

use crate::kubernetes::KeyId;

/// Why bytes are not a root seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedError {
    /// There is nothing.
    Empty,
    /// The line does not begin with `certferry-seed-1:`.
    WrongPrefix,
    /// The line begins as a seed of another format does.
    OtherFormat {
        /// The format's number.
        number: u32,
    },
    /// The number of hex digits is not 64.
    WrongLength {
        /// How many there are.
        digits: usize,
    },
    /// A hex digit is in upper case.
    UpperCase {
        /// Which character of the line, counted from 1.
        column: usize,
    },
    /// A character is no hex digit.
    NotHex {
        /// Which character of the line, counted from 1.
        column: usize,
    },
    /// The line ends in CR LF.
    CarriageReturn,
    /// Something other than a hex digit follows the 64 digits on their line.
    TrailingBytes,
    /// Something follows the first line.
    MoreThanOneLine,
    /// All 32 bytes are the same: no random generator made this.
    RepeatedByte,
}

/// Why there is no key, or no signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Two labels name one key.
    Duplicate {
        /// The key's id.
        key_id: KeyId,
    },
    /// The worker threads could not be started.
    Threads {
        /// What the operating system said.
        reason: String,
    },
    /// One key of several could not be made.
    Derivation {
        /// The key's id.
        key_id: KeyId,
        /// What is wrong with it.
        fault: Box<KeyError>,
    },
    /// det-keygen found no scalar in the curve's range. Below 2^-63 for a P-256 key, far below that for P-384.
    NoScalar {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
    },
    /// The key has no DER encoding.
    Encoding {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// What the encoder said.
        reason: String,
    },
    /// ring does not take the key.
    Rejected {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// What ring said.
        reason: String,
    },
    /// A signature could not be made.
    Signature {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
    },
    /// The key's own signature does not verify under its public key.
    Proof {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
    },
}
