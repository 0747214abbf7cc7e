//! Why there are no shares, or no secret. No variant carries a secret.

use thiserror::Error;

/// Why words are not a share.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShareError {
    /// There are more or less than 31.
    #[error("there are {0} words, not 31")]
    Count(usize),
    /// The checksum does not hold.
    #[error("a word is another one, or two changed places: the checksum in the last words does not hold")]
    Checksum,
    /// It is of another format.
    #[error("it has format {0}, and this version knows format 1")]
    Format(u8),
    /// No set has such a threshold or number.
    #[error("its threshold is {threshold} and its number {index}: no set of shares has that")]
    Numbers {
        /// How many shares make the secret.
        threshold: u8,
        /// The number of the share.
        index: u8,
    },
}

/// Why a secret was not split.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SplitError {
    /// More shares would be needed than there are.
    #[error("a threshold of {threshold} is more than the {shares} shares")]
    Threshold {
        /// How many shares make the secret.
        threshold: u8,
        /// How many there are.
        shares: u8,
    },
    /// One share would be the secret.
    #[error("a threshold of {0} is none: one share would be the seed")]
    NoThreshold(u8),
    /// There are no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
    /// The crate has refused, or what it made is not what was asked for.
    #[error("the shares do not give the secret back")]
    Defect,
}

/// Why shares give no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CombineError {
    /// Two are of different sets.
    #[error("share {first} is of the set {set}, and share {second} of the set {other}")]
    Mixed {
        /// The number of a share.
        first: u8,
        /// Its set.
        set: String,
        /// The number of another one.
        second: u8,
        /// The other one's set.
        other: String,
    },
    /// Two of one set say that they have different thresholds.
    #[error("share {first} says that {threshold} make the seed, and share {second} that {other} do")]
    Thresholds {
        /// The number of a share.
        first: u8,
        /// Its threshold.
        threshold: u8,
        /// The number of another one.
        second: u8,
        /// The other one's threshold.
        other: u8,
    },
    /// One is there twice.
    #[error("share {0} is there twice")]
    Doubled(u8),
    /// Two have one number, and are not the same.
    #[error("two different shares have the number {0}")]
    SameNumber(u8),
    /// There are too few.
    #[error("{threshold} shares make the seed, and there {}: {}", if indices.len() == 1 { "is 1".to_owned() } else { format!("are {}", indices.len()) }, numbers(indices))]
    TooFew {
        /// How many it takes.
        threshold: u8,
        /// The numbers of those that there are.
        indices: Vec<u8>,
    },
    /// The crate has refused.
    #[error("the shares do not go together")]
    Defect,
}

fn numbers(indices: &[u8]) -> String {
    let numbers: Vec<_> = indices.iter().map(ToString::to_string).collect();
    format!("number{} {}", if indices.len() == 1 { "" } else { "s" }, numbers.join(", "))
}
