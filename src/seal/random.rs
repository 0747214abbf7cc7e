//! The operating system's random bytes.

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::error::SealError;

/// Returns random bytes.
pub(super) fn bytes<const N: usize>() -> Result<Box<Zeroizing<[u8; N]>>, SealError> {
    let mut bytes = Box::new(Zeroizing::new([0; N]));
    SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}
