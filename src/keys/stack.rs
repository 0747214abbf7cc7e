//! What functions leave on a thread's stack when they return.

use zeroize::Zeroize;

/// Words that are overwritten: half a megabyte, several times as deep as any call here goes and a quarter of a thread's stack.
const WORDS: usize = 1 << 16;

/// Overwrites what calls have left on this thread's stack, below its caller.
///
/// Values that types wipe on drop are moved before that, and arithmetic, ours and that of ring and the elliptic-curve crates,
/// keeps numbers in local arrays. A thread's stack is kept for the next thread when it ends.
#[inline(never)]
pub fn wipe_stack() {
    let mut left = [0_u64; WORDS];
    // Volatile: not left out.
    left.zeroize();
}
