//! Multiples of the generator of P-256: a public key of its scalar, the point of an ECDSA signature of its nonce.
//!
//! The crate p256 does this too, in three times the time; for a cluster of P-256 keys that was a third of a build. It makes
//! the table and it is the judge in tests; and of every point that leaves here, ring says whether it was the right one: it
//! computes each public key again and verifies each signature.
//!
//! The time and the places read do not depend on the scalar.

use std::hint::black_box;
use std::sync::LazyLock;

use p256::elliptic_curve::point::{AffineCoordinates, BatchNormalize};
use zeroize::{Zeroize, Zeroizing};

use super::curve_field::Residue;

/// Bits of the scalar taken at once, as a digit from -15 to 16.
const WINDOW: usize = 5;
const MULTIPLES: usize = 1 << (WINDOW - 1);
/// Of 256 bits, and a carry.
const WINDOWS: usize = 256 / WINDOW + 1;
/// The curve's b in Montgomery's form (FIPS 186-5 by way of SP 800-186, section 3.2.1.3).
static B: LazyLock<Residue> = LazyLock::new(|| {
    Residue::from_be_bytes(&[
        0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd, 0x55, 0x76, 0x98, 0x86, 0xbc, 0x65, 0x1d,
        0x06, 0xb0, 0xcc, 0x53, 0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b,
    ])
});
/// For each window its first multiples of the generator: `(place + 1) 2^(5 window) G`.
static TABLE: LazyLock<Vec<[Affine; MULTIPLES]>> = LazyLock::new(table);

/// A point other than the neutral one.
#[derive(Clone, Copy)]
struct Affine {
    x: Residue,
    y: Residue,
}

/// A point with projective coordinates: x / z, y / z; the neutral one has z = 0.
#[derive(Clone, Copy, Zeroize)]
struct Projective {
    x: Residue,
    y: Residue,
    z: Residue,
}

/// The multiple of the generator by a big-endian scalar that is not a multiple of the order: an uncompressed point (SEC 1,
/// section 2.3.3).
pub(super) fn multiply(scalar: &[u8; 32]) -> [u8; 65] {
    let b = *B;
    let mut sum = Zeroizing::new(Projective { x: Residue::ZERO, y: Residue::ONE, z: Residue::ZERO });
    let mut carry = 0;
    for (window, multiples) in TABLE.iter().enumerate() {
        let value = bits(scalar, window * WINDOW) + carry;
        // Above 16 it is the next window's one, less what lacks.
        carry = (MULTIPLES as u64).wrapping_sub(value) >> 63;
        let negative = carry.wrapping_neg();
        let magnitude = (value ^ (value ^ (2 * MULTIPLES as u64).wrapping_sub(value)) & negative) & 31;
        let point = select(multiples, black_box(magnitude), black_box(negative));
        let added = Zeroizing::new(sum.plus(&point, &b));
        let is_zero = equals(black_box(magnitude), 0);
        *sum = Projective {
            x: added.x.or(&sum.x, is_zero),
            y: added.y.or(&sum.y, is_zero),
            z: added.z.or(&sum.z, is_zero),
        };
    }
    let inverse = Zeroizing::new(sum.z.inverse());
    let mut point = [4; 65];
    point[1..33].copy_from_slice(&sum.x.times(&inverse).to_be_bytes());
    point[33..].copy_from_slice(&sum.y.times(&inverse).to_be_bytes());
    point
}

/// The five bits from `low` on.
fn bits(scalar: &[u8; 32], low: usize) -> u64 {
    let byte = |place: usize| scalar.iter().rev().nth(place).map_or(0, |byte| u64::from(*byte));
    (byte(low / 8) | byte(low / 8 + 1) << 8) >> (low % 8) & 31
}

/// The multiple with that number, counted from 1, or its negative where the mask is all ones; of number 0, nothing of use.
#[inline(always)]
fn select(multiples: &[Affine; MULTIPLES], number: u64, negative: u64) -> Affine {
    let mut point = Affine { x: Residue::ZERO, y: Residue::ZERO };
    for (place, multiple) in (1..).zip(multiples) {
        let mask = equals(number, place);
        for (found, limb) in point.x.0.iter_mut().zip(multiple.x.0) {
            *found |= limb & mask;
        }
        for (found, limb) in point.y.0.iter_mut().zip(multiple.y.0) {
            *found |= limb & mask;
        }
    }
    point.y = point.y.or(&Residue::ZERO.minus(&point.y), negative);
    point
}

/// All ones if two small numbers are equal, or else zero.
#[inline(always)]
fn equals(a: u64, b: u64) -> u64 {
    ((a ^ b).wrapping_sub(1) >> 63).wrapping_neg()
}

impl Projective {
    /// The sum, whatever the points: Renes, Costello and Batina, "Complete addition formulas for prime order elliptic curves"
    /// (2015), algorithm 5.
    #[inline(always)]
    fn plus(&self, other: &Affine, b: &Residue) -> Self {
        let (x1, y1, z1, x2, y2) = (&self.x, &self.y, &self.z, &other.x, &other.y);
        let xx = x1.times(x2);
        let yy = y1.times(y2);
        let xy = x1.plus(y1).times(&x2.plus(y2)).minus(&xx.plus(&yy));
        let yz = y2.times(z1).plus(y1);
        let xz = x2.times(z1).plus(x1);
        let bz = xz.minus(&b.times(z1)).tripled();
        let (low, high) = (yy.minus(&bz), yy.plus(&bz));
        let z_three = z1.tripled();
        let bxz = b.times(&xz).minus(&z_three.plus(&xx)).tripled();
        let xx_three = xx.tripled().minus(&z_three);
        Self {
            x: high.times(&xy).minus(&yz.times(&bxz)),
            y: high.times(&low).plus(&xx_three.times(&bxz)),
            z: low.times(&yz).plus(&xy.times(&xx_three)),
        }
    }
}

fn table() -> Vec<[Affine; MULTIPLES]> {
    let mut base = p256::ProjectivePoint::GENERATOR;
    let row = |_| {
        let mut multiple = base;
        let row: [p256::ProjectivePoint; MULTIPLES] = std::array::from_fn(|_| {
            let this = multiple;
            multiple += base;
            this
        });
        // Sixteen times, twice.
        base = row[MULTIPLES - 1] + row[MULTIPLES - 1];
        p256::ProjectivePoint::batch_normalize(&row).map(|point| Affine {
            x: Residue::from_be_bytes(&point.x().into()),
            y: Residue::from_be_bytes(&point.y().into()),
        })
    };
    (0..WINDOWS).map(row).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use p256::elliptic_curve::group::Group;
    use p256::elliptic_curve::sec1::ToSec1Point;
    use p256::{NonZeroScalar, ProjectivePoint};
    use sha2::{Digest, Sha256};

    use super::multiply;

    fn expected(scalar: &[u8; 32]) -> Vec<u8> {
        let scalar = NonZeroScalar::from_repr((*scalar).into()).unwrap();
        ProjectivePoint::mul_by_generator(&scalar).to_affine().to_sec1_point(false).as_bytes().to_vec()
    }

    #[test]
    fn multiples_are_those_of_the_crate_p256() {
        // The order less one, and less what its last window makes.
        let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let order: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap()).collect();
        for less in 1..=0x51_u8 {
            let mut scalar: [u8; 32] = order.clone().try_into().unwrap();
            scalar[31] -= less;
            assert_eq!(multiply(&scalar)[..], expected(&scalar), "n - {less}");
        }
        // Each digit alone in each window, also those that carry.
        for bit in (0..251).step_by(5) {
            for digit in 1..32_u16 {
                let mut scalar = [0; 32];
                let shifted = (digit << (bit % 8)).to_be_bytes();
                scalar[31 - bit / 8] = shifted[1];
                if bit / 8 < 31 {
                    scalar[30 - bit / 8] = shifted[0];
                }
                assert_eq!(multiply(&scalar)[..], expected(&scalar), "{digit} << {bit}");
            }
        }
        // Runs of ones, where every window carries, and whatever comes.
        for length in 1..32 {
            let scalar = std::array::from_fn(|place| if place < 32 - length { 0 } else { 0xff });
            assert_eq!(multiply(&scalar)[..], expected(&scalar), "{length} bytes of ones");
        }
        for number in 0..2_000_u32 {
            let scalar = Sha256::digest(number.to_be_bytes()).into();
            assert_eq!(multiply(&scalar)[..], expected(&scalar), "{number}");
        }
    }
}
