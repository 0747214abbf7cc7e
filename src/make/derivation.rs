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
    /// Called whenever a build has come further, from any thread.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// How far a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// One more key is made, and most certificates of those before. A key of 4096 bits takes many times as long as one of
    /// 2048, so this counts [costs](crate::keys::relative_cost), and not keys.
    Keys {
        /// What this key has cost.
        cost: u64,
        /// What all keys will have cost.
        of: u64,
    },
    /// All parts are there, and the bundle is written.
    Writing,
    /// The bundle is read back, and checked as a node will check it.
    Checking,
}
