//! Shamir's scheme.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use vsss_rs::Gf256;
use zeroize::{Zeroize, Zeroizing};

use super::error::{CombineError, SplitError};
use super::share::Share;

/// Random bytes as the crate asks for them.
struct Drawn<Fill> {
    /// Fills its argument, or returns that it cannot.
    fill: Fill,
    /// Whether it could not once. The crate knows no such case, so what it made meanwhile is thrown away.
    has_failed: bool,
}

impl<Fill: FnMut(&mut [u8]) -> bool> TryRng for Drawn<Fill> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = Zeroizing::new([0; 4]);
        self.try_fill_bytes(bytes.as_mut_slice())?;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = Zeroizing::new([0; 8]);
        self.try_fill_bytes(bytes.as_mut_slice())?;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.has_failed |= !(self.fill)(bytes);
        Ok(())
    }
}

impl<Fill: FnMut(&mut [u8]) -> bool> TryCryptoRng for Drawn<Fill> {}

/// Splits a secret into shares with the numbers 1, 2, 3 and so on (0 is the secret's place), of which `threshold` make
/// it again. `fill` fills its argument with random bytes, or returns that it cannot.
///
/// # Errors
/// Fails when the numbers do not fit, and when there are no random bytes.
pub fn split(
    secret: &[u8; 32],
    threshold: u8,
    shares: u8,
    mut fill: impl FnMut(&mut [u8]) -> bool,
) -> Result<Vec<Share>, SplitError> {
    if threshold < 2 {
        return Err(SplitError::NoThreshold(threshold));
    }
    if threshold > shares {
        return Err(SplitError::Threshold { threshold, shares });
    }
    let mut set = [0; 4];
    if !fill(&mut set) {
        return Err(SplitError::NoRandomness);
    }
    let mut drawn = Drawn { fill, has_failed: false };
    let made = Gf256::split_bytes(usize::from(threshold), usize::from(shares), secret, &mut drawn);
    let mut made = made.map_err(|_| SplitError::Defect)?;
    let split = made.iter().map(|made| {
        let (index, value) = made.split_first()?;
        Share::new(set, threshold, *index, value)
    });
    let split: Option<Vec<Share>> = split.collect();
    made.iter_mut().for_each(Zeroize::zeroize);
    if drawn.has_failed {
        return Err(SplitError::NoRandomness);
    }
    let split = split.filter(|split| split.len() == usize::from(shares)).ok_or(SplitError::Defect)?;
    // Before anybody writes one down: each of them is needed once.
    for some in split.windows(usize::from(threshold)) {
        let again = combine(some).map_err(|_| SplitError::Defect)?;
        if *again != *secret {
            return Err(SplitError::Defect);
        }
    }
    Ok(split)
}

/// Returns the secret of some shares. Of more than the threshold the first ones count.
///
/// # Errors
/// Fails when they are of different sets, one is there twice, or there are too few.
pub fn combine(shares: &[Share]) -> Result<Zeroizing<[u8; 32]>, CombineError> {
    check(shares)?;
    let threshold = shares.first().map_or(2, Share::threshold);
    if shares.len() < usize::from(threshold) {
        return Err(CombineError::TooFew { threshold, indices: shares.iter().map(Share::index).collect() });
    }
    combine_chosen(shares, &(0..usize::from(threshold)).collect::<Vec<_>>())
}

/// Returns the secret of the shares in these places, of which there are as many as it takes.
///
/// # Errors
/// Fails when one is there twice.
pub fn combine_chosen(shares: &[Share], places: &[usize]) -> Result<Zeroizing<[u8; 32]>, CombineError> {
    let point = |share: &Share| [&[share.index()], share.value()].concat();
    let mut points: Vec<Vec<u8>> = places.iter().filter_map(|place| shares.get(*place)).map(point).collect();
    let combined = Gf256::combine_bytes(&points).map(Zeroizing::new);
    points.iter_mut().for_each(Zeroize::zeroize);
    let combined = combined.map_err(|_| CombineError::Defect)?;
    let mut secret = Zeroizing::new([0; 32]);
    if combined.len() != secret.len() {
        return Err(CombineError::Defect);
    }
    secret.copy_from_slice(&combined);
    Ok(secret)
}

/// Checks that shares go together: they are of one set, and each is there once.
///
/// # Errors
/// Returns what is wrong with the first two that do not.
pub fn check<'s>(shares: impl IntoIterator<Item = &'s Share>) -> Result<(), CombineError> {
    let mut before: Vec<&Share> = Vec::new();
    for share in shares {
        before.iter().try_for_each(|before| check_pair(before, share))?;
        before.push(share);
    }
    Ok(())
}

fn check_pair(before: &Share, share: &Share) -> Result<(), CombineError> {
    let (first, second) = (before.index(), share.index());
    if !before.is_of_the_set_of(share) {
        return Err(CombineError::Mixed { first, set: before.set_id(), second, other: share.set_id() });
    }
    if before.threshold() != share.threshold() {
        let (threshold, other) = (before.threshold(), share.threshold());
        return Err(CombineError::Thresholds { first, threshold, second, other });
    }
    if first != second {
        return Ok(());
    }
    Err(if before.value() == share.value() { CombineError::Doubled(first) } else { CombineError::SameNumber(first) })
}
