//! An engine with AWS-LC's modular powers, two at a time. Only with the cargo feature `aws-lc`.
//!
//! Why: other people's arithmetic, well kept and in wide use, as a second opinion on ours. It is no default, because it brings
//! a minute of compiling C and assembly for every build, and is the fastest only where [`super::Portable`] would do the work,
//! by a quarter to a third; our own engine for AVX2 takes two thirds of its time, the one for AVX-512 IFMA a quarter.
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
    BIGNUM, BN_CTX, BN_CTX_free, BN_CTX_new, BN_MONT_CTX, BN_MONT_CTX_free, BN_MONT_CTX_new_for_modulus,
    BN_bn2le_padded, BN_clear_free, BN_cmp, BN_is_one, BN_le2bn, BN_mod_exp_mont_consttime_x2, BN_new,
};
use zeroize::Zeroizing;

use super::integer::{Integer, remainder, shift_right_by_one};
use super::portable::Portable;
use super::prime::{Candidate, Power, PrimeSize, PrimeTest, Search, base};

/// Trial division of the portable engine, then Miller-Rabin with AWS-LC's powers.
#[derive(Default)]
pub(super) struct AwsLc {
    portable: Portable,
}

impl PrimeTest for AwsLc {
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_> {
        Box::new(Pairs { portable: self.portable.search(size), context: Context::new(), length: size.bytes() / 8 })
    }
}

struct Pairs<'engine> {
    portable: Box<dyn Search + 'engine>,
    context: Option<Context>,
    /// Of a candidate, in limbs.
    length: usize,
}

impl Search for Pairs<'_> {
    fn batch_size(&self) -> usize {
        2
    }

    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
        self.portable.survives_trial_division(candidate)
    }

    fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        match self.context.as_mut().and_then(|context| pass_base_two(context, candidates)) {
            Some(verdicts) => passes.iter_mut().zip(verdicts).for_each(|(passes, verdict)| *passes = verdict),
            None => self.portable.test_base_two(candidates, passes),
        }
    }

    fn test_own_bases(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        match self.context.as_mut().and_then(|context| pass_own_bases(context, candidates)) {
            Some(verdicts) => passes.iter_mut().zip(verdicts).for_each(|(passes, verdict)| *passes = verdict),
            None => self.portable.test_own_bases(candidates, passes),
        }
    }

    fn powers(&mut self, wanted: &[Power<'_>]) -> Option<Vec<Integer>> {
        let context = self.context.as_mut()?;
        let length = self.length;
        let is_of_size = |power: &Power<'_>| {
            [power.exponent.len(), power.modulus.len()] == [length; 2] && power.base.len() <= 2 * length
        };
        if !wanted.iter().all(is_of_size) {
            return None;
        }
        let numbers: Vec<[Number; 2]> = wanted
            .iter()
            .map(|power| Some([Number::new(&remainder(power.base, power.modulus))?, Number::new(power.exponent)?]))
            .collect::<Option<_>>()?;
        let moduli: Vec<Modulus> =
            wanted.iter().map(|power| Modulus::new(power.modulus, context)).collect::<Option<_>>()?;
        let operands =
            numbers.iter().zip(&moduli).map(|([base, exponent], modulus)| Operands { base, exponent, modulus });
        let results = powers(context, &operands.collect::<Vec<_>>())?;
        results.iter().map(|result| result.limbs(length)).collect()
    }
}

/// Which candidates pass with base 2; none if the library fails.
fn pass_base_two(context: &mut Context, candidates: &[&Candidate]) -> Option<Vec<bool>> {
    // -2 instead of 2: an odd power of it is the other's negative, and one is 1 or -1 exactly if the other is. The library
    // uses its vector instructions for bases of full length alone.
    pass(context, candidates, |candidate| Some(vec![minus_two(candidate)?]))
}

/// Which candidates pass with bases of their own; none if the library fails.
fn pass_own_bases(context: &mut Context, candidates: &[&Candidate]) -> Option<Vec<bool>> {
    pass(context, candidates, |candidate| (0..candidate.rounds()).map(|round| own_base(candidate, round)).collect())
}

/// Which candidates pass with all the bases that `bases` gives for them; none if the library fails.
fn pass(
    context: &mut Context,
    candidates: &[&Candidate],
    bases: impl Fn(&Candidate) -> Option<Vec<Number>>,
) -> Option<Vec<bool>> {
    let tests: Vec<Test> = candidates.iter().map(|candidate| Test::new(candidate, context)).collect::<Option<_>>()?;
    let bases: Vec<Vec<Number>> = candidates.iter().map(|candidate| bases(candidate)).collect::<Option<_>>()?;
    let operands = tests.iter().zip(&bases).flat_map(|(test, bases)| {
        bases.iter().map(|base| Operands { base, exponent: &test.exponent, modulus: &test.modulus })
    });
    let mut powers = powers(context, &operands.collect::<Vec<_>>())?.into_iter();
    let verdict = |(test, bases): (&Test, &Vec<Number>)| {
        let mut passes = true;
        for _ in bases {
            passes &= powers.next()?.is_one_or(&test.minus_one);
        }
        Some(passes)
    };
    tests.iter().zip(&bases).map(verdict).collect()
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

/// A candidate and what its tests need.
struct Test {
    modulus: Modulus,
    minus_one: Number,
    /// (n-1)/2
    exponent: Number,
}

impl Test {
    fn new(candidate: &Candidate, context: &mut Context) -> Option<Self> {
        let modulus = Modulus::new(candidate.limbs(), context)?;
        let mut words = Zeroizing::new(candidate.limbs().to_vec());
        // Candidates are odd.
        words[0] -= 1;
        let minus_one = Number::new(&words)?;
        shift_right_by_one(&mut words);
        Some(Self { modulus, minus_one, exponent: Number::new(&words)? })
    }
}

/// An odd number above 1, prepared.
struct Modulus {
    number: Number,
    montgomery: Montgomery,
}

impl Modulus {
    fn new(words: &[u64], context: &mut Context) -> Option<Self> {
        let number = Number::new(words)?;
        let montgomery = Montgomery::new(&number, context)?;
        Some(Self { number, montgomery })
    }
}

/// What a power is made of.
struct Operands<'a> {
    base: &'a Number,
    exponent: &'a Number,
    modulus: &'a Modulus,
}

/// The powers, two at a time; none if the library fails, as it does when a base is not below its modulus.
fn powers(context: &mut Context, operands: &[Operands<'_>]) -> Option<Vec<Number>> {
    let mut powers = Vec::with_capacity(operands.len());
    for pair in operands.chunks(2) {
        // An odd one out goes twice.
        let (one, other) = (pair.first()?, pair.last()?);
        let results = [Number::empty()?, Number::empty()?];
        // SAFETY: all pointers are valid (1). Both results are new and different. Each modulus has the Montgomery context that
        // was made from it.
        let done = unsafe {
            BN_mod_exp_mont_consttime_x2(
                results[0].0.as_ptr(),
                one.base.0.as_ptr(),
                one.exponent.0.as_ptr(),
                one.modulus.number.0.as_ptr(),
                one.modulus.montgomery.0.as_ptr(),
                results[1].0.as_ptr(),
                other.base.0.as_ptr(),
                other.exponent.0.as_ptr(),
                other.modulus.number.0.as_ptr(),
                other.modulus.montgomery.0.as_ptr(),
                context.0.as_ptr(),
            )
        };
        if done != 1 {
            return None;
        }
        powers.extend(results.into_iter().take(pair.len()));
    }
    Some(powers)
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

    /// As many limbs, the least significant first; none if the number is longer.
    fn limbs(&self, length: usize) -> Option<Integer> {
        let mut bytes = Zeroizing::new(vec![0; 8 * length]);
        // SAFETY: writes `bytes.len()` bytes to `bytes`; the number is valid (1) and not written.
        let done = unsafe { BN_bn2le_padded(bytes.as_mut_ptr(), bytes.len(), self.0.as_ptr()) };
        let (limbs, _) = bytes.as_chunks();
        (done == 1).then(|| Zeroizing::new(limbs.iter().map(|limb| u64::from_le_bytes(*limb)).collect()))
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
