//! The errors of seeds and of keys. No variant carries a secret.

use thiserror::Error;

use crate::kubernetes::KeyId;
use crate::x509::KeyAlgorithm;

/// The reason why bytes are not a root seed. Its text never says what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SeedError {
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// The line does not begin with `certferry-seed-1:`.
    #[error("it does not begin with `certferry-seed-1:`")]
    WrongPrefix,
    /// The line begins as a seed of another format does.
    #[error("it has format {number}, and this version knows format 1")]
    OtherFormat {
        /// The number of the format.
        number: u32,
    },
    /// The number of hex digits is not 64.
    #[error("it has {digits} hex digits instead of 64")]
    WrongLength {
        /// The number of hex digits found.
        digits: usize,
    },
    /// A hex digit is in upper case.
    #[error("column {column} is an upper-case hex digit")]
    UpperCase {
        /// The position of the character in the line, counted from 1.
        column: usize,
    },
    /// A character is not a hex digit.
    #[error("column {column} is not a hex digit")]
    NotHex {
        /// The position of the character in the line, counted from 1.
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
    /// The second line is not `seed-id ` and 16 hex digits.
    #[error("its second line is not `seed-id ` and 16 lower-case hex digits")]
    NoId,
    /// The id on the second line is that of another seed.
    #[error("its digits do not give its id: a digit is mistyped")]
    OtherId,
    /// Something follows the second line.
    #[error("something follows its second line")]
    MoreThanTwoLines,
    /// All 32 bytes are the same, so no random generator made them.
    #[error("all its bytes are the same, so no random generator made it")]
    RepeatedByte,
}

/// The reason why there is no key or no signature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Two labels name one key.
    #[error("two keys have the id {key_id}")]
    Duplicate {
        /// The id of the key.
        key_id: KeyId,
    },
    /// The worker threads could not be started.
    #[error("cannot start threads: {reason}")]
    Threads {
        /// The answer of the operating system.
        reason: String,
    },
    /// One key of several could not be made.
    #[error("{key_id}: {fault}")]
    Derivation {
        /// The id of the key.
        key_id: KeyId,
        /// The reason.
        fault: Box<KeyError>,
    },
    /// det-keygen found no scalar in the range of the curve. The probability is below 2^-63 for a P-256 key and far
    /// below that for P-384.
    #[error("no scalar of {} was found", algorithm.name())]
    NoScalar {
        /// The algorithm of the key.
        algorithm: KeyAlgorithm,
    },
    /// The key has no DER encoding.
    #[error("a key of {} cannot be encoded: {reason}", algorithm.name())]
    Encoding {
        /// The algorithm of the key.
        algorithm: KeyAlgorithm,
        /// The answer of the encoder.
        reason: String,
    },
    /// ring refuses the key.
    #[error("ring does not take a key of {}: {reason}", algorithm.name())]
    Rejected {
        /// The algorithm of the key.
        algorithm: KeyAlgorithm,
        /// The answer of ring.
        reason: String,
    },
    /// A signature could not be made.
    #[error("a key of {} does not sign", algorithm.name())]
    Signature {
        /// The algorithm of the key.
        algorithm: KeyAlgorithm,
    },
    /// A signature made with the key does not verify under its public key.
    #[error("the signature of a key of {} does not verify under its public key", algorithm.name())]
    Proof {
        /// The algorithm of the key.
        algorithm: KeyAlgorithm,
    },
}
