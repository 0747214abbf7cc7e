//! The search for primes: candidates in the order of the stream, and the test that an engine makes of them.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::hmac_drbg::HmacDrbg;

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
    /// The engine at work for one key. What it keeps of the candidates is wiped when it is dropped.
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_>;
}

/// What an engine does for one key, whose candidates all have the size it was made for.
pub trait Search {
    /// How many candidates [`Search::test`] likes to see at once; 0 is taken as 1.
    fn batch_size(&self) -> usize;

    /// The cheap test: false if a small prime divides the candidate, true if the engine wants to see it in a batch.
    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool;

    /// The proper test: sets `is_prime[i]`, which is false before, if `candidates[i]` is prime.
    ///
    /// A prime passes always. A composite passes with negligible probability if it is random: the test must be at
    /// least [`Candidate::rounds`] rounds of Miller-Rabin whose bases do not come from the stream of candidates.
    fn test(&mut self, candidates: &[Candidate], is_prime: &mut [bool]);
}

/// The primes among the candidates of one stream, in order. Wiped on drop.
pub(super) struct PrimeStream<'engine> {
    drbg: HmacDrbg,
    /// The bytes of the last candidate. One buffer for all, for wiping one for each takes as long as filling it.
    bytes: Zeroizing<[u8; PrimeSize::Bits2048.bytes()]>,
    size: PrimeSize,
    search: Box<dyn Search + 'engine>,
    /// Primes found in a batch and not yet asked for. What they come from is consumed: a batch must not lose them.
    found: VecDeque<Candidate>,
}

impl<'engine> PrimeStream<'engine> {
    pub(super) fn new(drbg: HmacDrbg, size: PrimeSize, engine: &'engine dyn PrimeTest) -> Self {
        let bytes = Zeroizing::new([0; PrimeSize::Bits2048.bytes()]);
        Self { drbg, bytes, size, search: engine.search(size), found: VecDeque::new() }
    }

    pub(super) fn next_prime(&mut self) -> Candidate {
        loop {
            if let Some(prime) = self.found.pop_front() {
                return prime;
            }
            let mut batch = Vec::new();
            while batch.len() < self.search.batch_size().max(1) {
                let candidate = self.draw();
                if self.search.survives_trial_division(&candidate) {
                    batch.push(candidate);
                }
            }
            let mut is_prime = vec![false; batch.len()];
            self.search.test(&batch, &mut is_prime);
            self.found.extend(batch.into_iter().zip(is_prime).filter_map(|(one, is_prime)| is_prime.then_some(one)));
        }
    }

    /// det-keygen, RSA, steps 8 to 12.
    fn draw(&mut self) -> Candidate {
        let bytes = &mut self.bytes[..self.size.bytes()];
        self.drbg.fill(bytes);
        Candidate::from_be_bytes(bytes, self.size)
    }
}
