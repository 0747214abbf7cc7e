//! Arithmetic modulo an odd number of L 64-bit limbs whose top bit is set, in Montgomery's form.
//!
//! A residue a is kept as `a R mod n` with `R = 2^(64 L)`; limbs stand with the least significant first. The time
//! depends on the numbers, and temporaries on the stack are not wiped: see the room's opening lines.

use zeroize::Zeroize;

use super::trial_division::inverse;

/// A modulus. Both the modulus and what is prepared from it are secret; the caller wipes the modulus it passed.
pub(super) struct Montgomery<'modulus, const L: usize> {
    modulus: &'modulus [u64; L],
    /// `-n^-1 mod 2^64`.
    factor: u64,
    /// `R mod n`: the residue 1.
    one: [u64; L],
}

/// Bits of the exponent taken at once by [`Montgomery::power`].
const WINDOW: usize = 5;

impl<'modulus, const L: usize> Montgomery<'modulus, L> {
    /// `modulus` is odd and its top bit is set.
    pub(super) fn new(modulus: &'modulus [u64; L]) -> Self {
        // R - n is below n, because n is above R / 2.
        let mut one = [0; L];
        subtract(&mut one, modulus);
        Self { modulus, factor: inverse(modulus[0]).wrapping_neg(), one }
    }

    /// Whether `2^((n-1)/2)` is 1 or -1 modulo n: the Miller-Rabin test with base 2, since (n-1)/2 is odd for all
    /// candidates. Takes squarings and doublings only.
    pub(super) fn passes_base_two(&self) -> bool {
        let mut power = self.one;
        self.double(&mut power);
        // The exponent is n shifted right by one; its top bit is the 2 above.
        for bit in (1..64 * L - 1).rev() {
            power = self.square(&power);
            if self.modulus[bit / 64] >> (bit % 64) & 1 == 1 {
                self.double(&mut power);
            }
        }
        self.is_one_or_minus_one(&power)
    }

    /// The Miller-Rabin test with `base`, which is below n.
    pub(super) fn passes(&self, base: &[u64; L]) -> bool {
        self.is_one_or_minus_one(&self.power(&self.enter(base), &half(self.modulus)))
    }

    /// `base^exponent mod n`, with `base` below n.
    pub(super) fn power_of(&self, base: &[u64; L], exponent: &[u64; L]) -> [u64; L] {
        let mut unit = [0; L];
        unit[0] = 1;
        self.multiply(&self.power(&self.enter(base), exponent), &unit)
    }

    /// Takes a number of L limbs modulo n.
    pub(super) fn reduce(&self, number: &mut [u64; L]) {
        self.reduce_once(number, false);
    }

    /// `base^exponent` of a base in Montgomery's form.
    fn power(&self, base: &[u64; L], exponent: &[u64; L]) -> [u64; L] {
        let mut powers = [self.one; 1 << WINDOW];
        for index in 1..powers.len() {
            powers[index] = self.multiply(&powers[index - 1], base);
        }
        let mut result = self.one;
        for window in (0..(64 * L).div_ceil(WINDOW)).rev() {
            for _ in 0..WINDOW {
                result = self.square(&result);
            }
            result = self.multiply(&result, &powers[bits(exponent, window * WINDOW)]);
        }
        result
    }

    /// `number R mod n`.
    fn enter(&self, number: &[u64; L]) -> [u64; L] {
        // From the residue 1, L doublings give 2^L and 6 squarings 2^(64 L) = R, whose form is R^2 mod n.
        let mut square_of_r = self.one;
        for _ in 0..L {
            self.double(&mut square_of_r);
        }
        for _ in 0..6 {
            square_of_r = self.square(&square_of_r);
        }
        self.multiply(number, &square_of_r)
    }

    fn is_one_or_minus_one(&self, residue: &[u64; L]) -> bool {
        let mut minus_one = *self.modulus;
        subtract(&mut minus_one, &self.one);
        *residue == self.one || *residue == minus_one
    }

    fn double(&self, residue: &mut [u64; L]) {
        let mut carry = 0;
        for limb in residue.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        self.reduce_once(residue, carry != 0);
    }

    /// `a b R^-1 mod n` (coarsely integrated operand scanning: Koc, Acar, Kaliski 1996).
    fn multiply(&self, a: &[u64; L], b: &[u64; L]) -> [u64; L] {
        let mut sum = [0; L];
        let mut top = 0;
        for &b in b {
            let mut carry = 0;
            for (limb, &a) in sum.iter_mut().zip(a) {
                (*limb, carry) = multiply_add(*limb, a, b, carry);
            }
            let (high, over) = carry.overflowing_add(top);

            let quotient = sum[0].wrapping_mul(self.factor);
            let (_, mut carry) = multiply_add(sum[0], quotient, self.modulus[0], 0);
            for index in 1..L {
                (sum[index - 1], carry) = multiply_add(sum[index], quotient, self.modulus[index], carry);
            }
            let (high, over_again) = high.overflowing_add(carry);
            sum[L - 1] = high;
            top = u64::from(over) + u64::from(over_again);
        }
        self.reduce_once(&mut sum, top != 0);
        sum
    }

    fn square(&self, a: &[u64; L]) -> [u64; L] {
        self.multiply(a, a)
    }

    /// `number + carry R`, which is below 2 n, modulo n.
    fn reduce_once(&self, number: &mut [u64; L], carry: bool) {
        if carry || !is_below(number, self.modulus) {
            subtract(number, self.modulus);
        }
    }
}

impl<const L: usize> Drop for Montgomery<'_, L> {
    fn drop(&mut self) {
        // R - n tells n.
        self.one.zeroize();
    }
}

/// `addend + a b + carry` in two limbs, the low one first. Cannot overflow: (B-1)^2 + 2 (B-1) = B^2 - 1 for any B.
///
/// The sums wrap because the compiler does not see that they cannot, and a check here costs a third of the time.
fn multiply_add(addend: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = (u128::from(a) * u128::from(b)).wrapping_add(u128::from(addend)).wrapping_add(u128::from(carry));
    (sum as u64, (sum >> 64) as u64)
}

fn is_below<const L: usize>(a: &[u64; L], b: &[u64; L]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// `a - b` modulo R.
fn subtract<const L: usize>(a: &mut [u64; L], b: &[u64; L]) {
    let mut borrow = false;
    for (a, &b) in a.iter_mut().zip(b) {
        let (difference, first) = a.overflowing_sub(b);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        *a = difference;
        borrow = first | second;
    }
}

/// `number / 2`, rounded down.
fn half<const L: usize>(number: &[u64; L]) -> [u64; L] {
    let mut result = *number;
    let mut carry = 0;
    for limb in result.iter_mut().rev() {
        (*limb, carry) = (*limb >> 1 | carry, *limb << 63);
    }
    result
}

/// The [`WINDOW`] bits of `number` from bit `low` on.
fn bits<const L: usize>(number: &[u64; L], low: usize) -> usize {
    let (limb, shift) = (low / 64, low % 64);
    let mut window = number[limb] >> shift;
    if shift + WINDOW > 64 && limb + 1 < L {
        window |= number[limb + 1] << (64 - shift);
    }
    window as usize & ((1 << WINDOW) - 1)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::Montgomery;

    fn to_big(limbs: &[u64]) -> BigUint {
        BigUint::from_bytes_le(&limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Numbers where carries go wrong first, and some that look random.
    fn samples<const L: usize>() -> Vec<[u64; L]> {
        let mut samples = vec![[0; L], [u64::MAX; L], [1 << 63; L], [u64::from(u32::MAX); L]];
        samples.push(std::array::from_fn(|index| u64::from(index == 0)));
        samples.push(std::array::from_fn(|index| if index % 2 == 0 { u64::MAX } else { 0 }));
        let mut state = 1_u64;
        for _ in 0..4 {
            samples.push(std::array::from_fn(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                state ^ state >> 29
            }));
        }
        samples
    }

    fn agrees_with_num_bigint<const L: usize>() {
        for mut modulus in samples::<L>() {
            modulus[0] |= 7;
            modulus[L - 1] |= 3 << 62;
            let n = to_big(&modulus);
            let montgomery = Montgomery::new(&modulus);
            for mut base in samples::<L>() {
                montgomery.reduce(&mut base);
                let big = to_big(&base);
                assert!(big < n);
                for exponent in samples::<L>() {
                    let expected = big.modpow(&to_big(&exponent), &n);
                    assert_eq!(to_big(&montgomery.power_of(&base, &exponent)), expected, "{big} {exponent:?} {n}");
                }
                let passes = |base: &BigUint| {
                    let power = base.modpow(&(&n >> 1), &n);
                    power == BigUint::from(1_u32) || power == &n - 1_u32
                };
                assert_eq!(montgomery.passes(&base), passes(&big), "{big} {n}");
                assert_eq!(montgomery.passes_base_two(), passes(&BigUint::from(2_u32)), "{n}");
            }
        }
    }

    #[test]
    fn powers_agree_with_num_bigint() {
        // Carries behave alike in all lengths; the short ones leave time for more numbers.
        agrees_with_num_bigint::<2>();
        agrees_with_num_bigint::<3>();
        agrees_with_num_bigint::<16>();
    }
}
