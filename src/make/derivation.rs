//! How keys are made.

use std::num::NonZeroUsize;

use crate::keys::PrimeTest;

/// The engine that makes keys, and how it is run.
#[derive(Clone, Copy)]
pub struct Derivation<'a> {
    /// The search for primes and the making of RSA signatures. Keys and certificates do not depend on it.
    pub engine: &'a dyn PrimeTest,
    /// The number of threads that derive keys. `None` means one for each processor. Everything else runs in the rayon
    /// pool from which the call is made.
    pub threads: Option<NonZeroUsize>,
    /// Called with the number of keys that are done and the number of all keys, from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}
