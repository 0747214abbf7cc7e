//! Wipes what functions leave on a thread's stack when they return.

use zeroize::Zeroize;

/// The number of 64-bit words that are overwritten: half a megabyte, which is several times as deep as any call here
/// goes and a quarter of a thread's stack.
const WORDS: usize = 1 << 16;

/// Overwrites what earlier calls have left on this thread's stack below the caller's frame.
///
/// Values that are wiped on drop were moved before, and arithmetic, ours and that of ring and the elliptic-curve
/// crates, keeps numbers in local arrays. When a thread ends, its stack is kept for the next thread.
///
/// The thread has at least two megabytes: the standard library gives them to each that it starts, and a program that is
/// granted less runs its commands on such a thread.
#[inline(never)]
pub fn wipe_stack() {
    let mut left = [0_u64; WORDS];
    // Writes volatile, so that the compiler does not leave it out.
    left.zeroize();
}
