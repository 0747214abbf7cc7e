//! What is read and done at most.

/// The binary logarithm of the most work that is done to open a file with a passphrase: a file of somebody else's would keep
/// this machine busy for as long as it says.
pub(super) const MAX_WORK_FACTOR: u8 = 20;

/// The most bytes of a passphrase. More was no passphrase, but another file.
pub(super) const PASSPHRASE: usize = 1024;
