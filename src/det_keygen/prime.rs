//! Candidates for primes, and what an engine does with them.

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::integer::Integer;

/// Which RSA key a prime is for: half the modulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimeSize {
    /// For a modulus of 2048 bits.
    Bits1024,
    /// For a modulus of 3072 bits.
    Bits1536,
    /// For a modulus of 4096 bits.
    Bits2048,
}

impl PrimeSize {
    /// The length of a candidate.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bits1024 => 128,
            Self::Bits1536 => 192,
            Self::Bits2048 => 256,
        }
    }
}

/// A number that may be prime: its top two bits and its low three are set. Wiped on drop.
///
/// 64-bit limbs, the least significant first; one variant for each size of prime, so that an engine can be written for
/// arrays. Boxed, so that moving a candidate leaves no copy behind.
pub enum Candidate {
    /// For a modulus of 2048 bits.
    Bits1024(Box<Zeroizing<[u64; 16]>>),
    /// For a modulus of 3072 bits.
    Bits1536(Box<Zeroizing<[u64; 24]>>),
    /// For a modulus of 4096 bits.
    Bits2048(Box<Zeroizing<[u64; 32]>>),
}

impl Candidate {
    /// The number in big-endian `bytes`, as many as the size has, of which the fixed bits are set whatever they were.
    #[must_use]
    pub fn from_be_bytes(bytes: &[u8], size: PrimeSize) -> Self {
        match size {
            PrimeSize::Bits1024 => Self::Bits1024(limbs_with_fixed_bits(bytes)),
            PrimeSize::Bits1536 => Self::Bits1536(limbs_with_fixed_bits(bytes)),
            PrimeSize::Bits2048 => Self::Bits2048(limbs_with_fixed_bits(bytes)),
        }
    }

    /// The number, the least significant limb first: 16, 24 or 32 limbs.
    #[must_use]
    pub fn limbs(&self) -> &[u64] {
        match self {
            Self::Bits1024(limbs) => &***limbs,
            Self::Bits1536(limbs) => &***limbs,
            Self::Bits2048(limbs) => &***limbs,
        }
    }

    /// The same in an array, for an engine of this size: all candidates of a search have its size.
    pub(super) fn words<const W: usize>(&self) -> Option<&[u64; W]> {
        self.limbs().try_into().ok()
    }

    /// How many rounds of Miller-Rabin with bases of its own a candidate must pass, after one with base 2.
    ///
    /// det-keygen, RSA, step 13: 5 for a modulus below 2690 bits, 4 below 7494 bits. They suffice because candidates
    /// are random; against chosen numbers they would not.
    #[must_use]
    pub fn rounds(&self) -> u8 {
        match self {
            Self::Bits1024(_) => 5,
            Self::Bits1536(_) | Self::Bits2048(_) => 4,
        }
    }
}

fn limbs_with_fixed_bits<const L: usize>(bytes: &[u8]) -> Box<Zeroizing<[u64; L]>> {
    let mut limbs = Box::new(Zeroizing::new([0; L]));
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
        *limb = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    }
    limbs[0] |= 0b111;
    limbs[L - 1] |= 0b11 << 62;
    limbs
}

/// The base of one round of Miller-Rabin: 64 L - 2 bits of SHA-256 of the candidate, below every candidate.
///
/// Taken from the candidate and not from the stream, so that how an engine tests cannot move the stream.
pub(super) fn base<const L: usize>(candidate: &[u64; L], round: u8) -> Zeroizing<[u64; L]> {
    let mut base = Zeroizing::new([0; L]);
    for (block, limbs) in (0_u8..).zip(base.chunks_mut(4)) {
        let mut hash = Sha256::new().chain_update(b"certferry Miller-Rabin base").chain_update([round, block]);
        for limb in candidate {
            hash.update(limb.to_le_bytes());
        }
        let mut digest = hash.finalize();
        for (limb, chunk) in limbs.iter_mut().zip(digest.chunks_exact(8)) {
            *limb = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        }
        digest.zeroize();
    }
    base[L - 1] >>= 2;
    base
}

/// An engine that tells primes from composites.
///
/// A key does not depend on the engine: one that errs with negligible probability finds the same primes as any other.
pub trait PrimeTest: Sync {
    /// The engine at work on numbers of one size. What it keeps of them is wiped when it is dropped.
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_>;
}

/// What an engine does with numbers of the size it was made for.
///
/// Both parts of the test set `passes[i]`, which is false before, if `candidates[i]` passes. A prime passes always. A composite
/// passes both with negligible probability if it is random.
pub trait Search {
    /// How many candidates the tests like to see at once; 0 is taken as 1.
    fn batch_size(&self) -> usize;

    /// The cheap test: false if a small prime divides the candidate, true if the engine wants to see it in a batch.
    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool;

    /// Miller-Rabin with base 2, which hardly any composite passes.
    fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]);

    /// [`Candidate::rounds`] rounds of Miller-Rabin whose bases do not come from the stream of candidates.
    fn test_own_bases(&mut self, candidates: &[&Candidate], passes: &mut [bool]);

    /// The whole test.
    fn test(&mut self, candidates: &[Candidate], is_prime: &mut [bool]) {
        self.test_base_two(&candidates.iter().collect::<Vec<_>>(), is_prime);
        let (places, probable): (Vec<_>, Vec<_>) =
            candidates.iter().enumerate().filter(|(place, _)| is_prime.get(*place) == Some(&true)).unzip();
        let mut passes = vec![false; probable.len()];
        self.test_own_bases(&probable, &mut passes);
        for (place, passes) in places.into_iter().zip(passes) {
            is_prime[place] = passes;
        }
    }

    /// Modular powers, several side by side; none if the engine has no faster way to them than others.
    fn powers(&mut self, _: &[Power<'_>]) -> Option<Vec<Integer>> {
        None
    }
}

/// `base^exponent` modulo `modulus`, which is odd with its top two bits set. Modulus and exponent are as long as a candidate,
/// the base at most twice as long.
pub struct Power<'a> {
    /// Its limbs, the least significant first, as of all here.
    pub base: &'a [u64],
    /// Below the modulus.
    pub exponent: &'a [u64],
    /// A candidate that is prime.
    pub modulus: &'a [u64],
}
