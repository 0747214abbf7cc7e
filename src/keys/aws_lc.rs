//! An engine with AWS-LC's modular powers, two at a time. Only with the cargo feature `aws-lc`.
//!
//! Why: other people's arithmetic, well kept and in wide use, as a second opinion on ours. It is no default, because it brings
//! a minute of compiling C and assembly for every build, and is the fastest only where [`super::Portable`] would do the work,
//! by a sixth; where the CPU has AVX-512 IFMA it is faster than that, but not half as fast as our own engine for it.
//!
//! # Unsafe
//!
//! AWS-LC is a library in C: every call is unsafe. What its functions demand, and why it holds, is the same for all of them:
//!
//! 1. *Pointers are valid.* [`Number`], [`Montgomery`] and [`Context`] hold one that the library returned and that is not
//!    null, which they alone free, once, in `drop`. Results go to numbers that are borrowed mutably or new.
//! 2. *Threads.* None of them is `Send` or `Sync`, for pointers are neither; the library keeps no state between calls.
//! 3. *Secrets.* The library's allocator wipes all that it frees.
//!
//! A call that fails (there is no memory) makes no verdict: the portable engine then tests the candidate.

use std::ptr::{NonNull, null_mut};

use aws_lc_sys::{
    BIGNUM, BN_CTX, BN_CTX_free, BN_CTX_new, BN_MONT_CTX, BN_MONT_CTX_free, BN_MONT_CTX_new_for_modulus, BN_clear_free,
    BN_cmp, BN_is_one, BN_le2bn, BN_mod_exp_mont_consttime_x2, BN_new,
};
use zeroize::Zeroizing;

use super::portable::Portable;
use super::prime::{Candidate, PrimeSize, PrimeTest, Search, base};

/// Trial division of the portable engine, then Miller-Rabin with AWS-LC's powers.
#[derive(Default)]
pub(super) struct AwsLc {
    portable: Portable,
}

impl PrimeTest for AwsLc {
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_> {
        Box::new(Pairs { portable: self.portable.search(size), context: Context::new() })
    }
}

struct Pairs<'engine> {
    portable: Box<dyn Search + 'engine>,
    context: Option<Context>,
}

impl Search for Pairs<'_> {
    fn batch_size(&self) -> usize {
        2
    }

    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
        self.portable.survives_trial_division(candidate)
    }

    fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        for (candidates, passes) in candidates.chunks(2).zip(passes.chunks_mut(2)) {
            match self.context.as_mut().and_then(|context| pass_base_two(context, candidates)) {
                Some(verdicts) => passes.copy_from_slice(&verdicts[..candidates.len()]),
                None => self.portable.test_base_two(candidates, passes),
            }
        }
    }

    fn test_own_bases(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        for (candidate, passes) in candidates.iter().zip(passes) {
            match self.context.as_mut().and_then(|context| passes_own_bases(context, candidate)) {
                Some(verdict) => *passes = verdict,
                None => self.portable.test_own_bases(&[candidate], std::slice::from_mut(passes)),
            }
        }
    }
}

/// Whether one or two candidates pass with base 2; none if the library fails.
fn pass_base_two(context: &mut Context, candidates: &[&Candidate]) -> Option<[bool; 2]> {
    let [first, others @ ..] = candidates else { return None };
    let second = others.first().unwrap_or(first);
    let moduli = [Modulus::new(first, context)?, Modulus::new(second, context)?];
    // -2 instead of 2: an odd power of it is the other's negative, and one is 1 or -1 exactly if the other is. The library
    // uses its vector instructions for bases of full length alone.
    let bases = [minus_two(first)?, minus_two(second)?];
    powers_are_units(context, [(&moduli[0], &bases[0]), (&moduli[1], &bases[1])])
}

fn passes_own_bases(context: &mut Context, candidate: &Candidate) -> Option<bool> {
    let modulus = Modulus::new(candidate, context)?;
    let bases: Vec<Number> = (0..candidate.rounds()).map(|round| own_base(candidate, round)).collect::<Option<_>>()?;
    for pair in bases.chunks(2) {
        // An odd one out goes twice.
        let (one, other) = (pair.first()?, pair.last()?);
        if powers_are_units(context, [(&modulus, one), (&modulus, other)])? != [true; 2] {
            return Some(false);
        }
    }
    Some(true)
}

fn own_base(candidate: &Candidate, round: u8) -> Option<Number> {
    match candidate {
        Candidate::Bits1024(number) => Number::new(&*base(number, round)),
        Candidate::Bits1536(number) => Number::new(&*base(number, round)),
        Candidate::Bits2048(number) => Number::new(&*base(number, round)),
    }
}

fn minus_two(candidate: &Candidate) -> Option<Number> {
    let mut number = Zeroizing::new(candidate.limbs().to_vec());
    // Candidates end in three set bits.
    number[0] -= 2;
    Number::new(&number)
}

/// A candidate and what a test of it needs.
struct Modulus {
    number: Number,
    minus_one: Number,
    /// (n-1)/2
    exponent: Number,
    montgomery: Montgomery,
}

impl Modulus {
    fn new(candidate: &Candidate, context: &mut Context) -> Option<Self> {
        let mut words = Zeroizing::new(candidate.limbs().to_vec());
        let number = Number::new(&words)?;
        // Candidates are odd.
        words[0] -= 1;
        let minus_one = Number::new(&words)?;
        let mut carry = 0;
        for word in words.iter_mut().rev() {
            (*word, carry) = (*word >> 1 | carry, *word << 63);
        }
        let exponent = Number::new(&words)?;
        let montgomery = Montgomery::new(&number, context)?;
        Some(Self { number, minus_one, exponent, montgomery })
    }
}

/// For two moduli, which may be the same, and a base below each: whether `base^((n-1)/2)` is 1 or -1.
fn powers_are_units(context: &mut Context, pairs: [(&Modulus, &Number); 2]) -> Option<[bool; 2]> {
    let powers = [Number::empty()?, Number::empty()?];
    let [(one, one_base), (other, other_base)] = pairs;
    // SAFETY: all pointers are valid (1). Both results are new and different. The moduli are odd and each has the Montgomery
    // context that was made from it; the bases are below them, as the function demands.
    let done = unsafe {
        BN_mod_exp_mont_consttime_x2(
            powers[0].0.as_ptr(),
            one_base.0.as_ptr(),
            one.exponent.0.as_ptr(),
            one.number.0.as_ptr(),
            one.montgomery.0.as_ptr(),
            powers[1].0.as_ptr(),
            other_base.0.as_ptr(),
            other.exponent.0.as_ptr(),
            other.number.0.as_ptr(),
            other.montgomery.0.as_ptr(),
            context.0.as_ptr(),
        )
    };
    (done == 1).then(|| [powers[0].is_one_or(&one.minus_one), powers[1].is_one_or(&other.minus_one)])
}

/// A number of the library's.
struct Number(NonNull<BIGNUM>);

impl Number {
    fn empty() -> Option<Self> {
        // SAFETY: takes nothing; what it returns is owned from here on (1).
        NonNull::new(unsafe { BN_new() }).map(Self)
    }

    /// The number of these words, the least significant first.
    fn new(words: &[u64]) -> Option<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 * words.len()));
        for word in words {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        // SAFETY: reads `bytes.len()` bytes from `bytes`; asked for a new number by the null, it returns one to own (1).
        NonNull::new(unsafe { BN_le2bn(bytes.as_ptr(), bytes.len(), null_mut()) }).map(Self)
    }

    fn is_one_or(&self, other: &Self) -> bool {
        // SAFETY: both pointers are valid (1), and nothing is written.
        unsafe { BN_is_one(self.0.as_ptr()) == 1 || BN_cmp(self.0.as_ptr(), other.0.as_ptr()) == 0 }
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: owned, valid and not used again (1).
        unsafe { BN_clear_free(self.0.as_ptr()) }
    }
}

/// What the library prepares for a modulus.
struct Montgomery(NonNull<BN_MONT_CTX>);

impl Montgomery {
    fn new(modulus: &Number, context: &mut Context) -> Option<Self> {
        // SAFETY: both pointers are valid (1); the modulus, a candidate, is odd and above 1. It is copied.
        NonNull::new(unsafe { BN_MONT_CTX_new_for_modulus(modulus.0.as_ptr(), context.0.as_ptr()) }).map(Self)
    }
}

impl Drop for Montgomery {
    fn drop(&mut self) {
        // SAFETY: owned, valid and not used again (1).
        unsafe { BN_MONT_CTX_free(self.0.as_ptr()) }
    }
}

/// The library's memory for intermediate values.
struct Context(NonNull<BN_CTX>);

impl Context {
    fn new() -> Option<Self> {
        // SAFETY: takes nothing; what it returns is owned from here on (1).
        NonNull::new(unsafe { BN_CTX_new() }).map(Self)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: owned, valid and not used again (1).
        unsafe { BN_CTX_free(self.0.as_ptr()) }
    }
}
