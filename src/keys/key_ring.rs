//! All keys of a plan, derived side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPoolBuilder;
use rayon::iter::{ParallelBridge, ParallelIterator};

use super::error::KeyError;
use super::label::{KeyId, Label};
use super::portable::Portable;
use super::prime::PrimeTest;
use super::private_key::PrivateKey;
use super::seed::Seed;
use crate::x509::KeyAlgorithm;

/// The keys of a plan, by their ids.
pub struct KeyRing(BTreeMap<KeyId, PrivateKey>);

impl KeyRing {
    /// The key with this id, if the plan had one.
    #[must_use]
    pub fn get(&self, key_id: &KeyId) -> Option<&PrivateKey> {
        self.0.get(key_id)
    }

    /// Every key, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyId, &PrivateKey)> {
        self.0.iter()
    }
}

/// Derives the key of each label, one key per task, on `threads` threads (default: one for each processor).
///
/// The keys do not depend on the threads or on the order of the labels. `progress` is told how many keys are done: each
/// number from 1 to all, once, from any thread, and therefore not always in order.
///
/// # Errors
///
/// [`KeyError::Duplicate`] before any work if two labels have one key id; [`KeyError::Threads`]; the
/// [`KeyError::Derivation`] with the first id.
pub fn derive(
    seed: &Seed,
    labels: &[Label],
    threads: Option<NonZeroUsize>,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<KeyRing, KeyError> {
    derive_with(&Portable::new(), seed, labels, threads, progress)
}

fn derive_with(
    engine: &dyn PrimeTest,
    seed: &Seed,
    labels: &[Label],
    threads: Option<NonZeroUsize>,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<KeyRing, KeyError> {
    let mut key_ids = BTreeSet::new();
    if let Some(label) = labels.iter().find(|label| !key_ids.insert(label.key_id())) {
        return Err(KeyError::Duplicate { key_id: label.key_id().clone() });
    }
    let threads = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| KeyError::Threads { reason: error.to_string() })?;

    // Slow keys first: otherwise all threads but one may end up waiting for the last one's RSA-4096 key.
    let mut queue: Vec<&Label> = labels.iter().collect();
    queue.sort_by_key(|label| std::cmp::Reverse(relative_cost(label.algorithm())));
    let done = AtomicUsize::new(0);
    // A bridged iterator, unlike a split slice, hands the labels out in this order.
    let mut derived: Vec<(KeyId, Result<PrivateKey, KeyError>)> = pool.install(|| {
        queue
            .into_iter()
            .par_bridge()
            .map(|label| {
                let key = PrivateKey::derive(&seed.key_seed(label), label.algorithm(), engine);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                (label.key_id().clone(), key)
            })
            .collect()
    });

    // In the order of the ids, so that of several errors the same one is reported each time.
    derived.sort_by(|(one, _), (other, _)| one.cmp(other));
    let keys = derived.into_iter().map(|(key_id, key)| match key {
        Ok(key) => Ok((key_id, key)),
        Err(fault) => Err(KeyError::Derivation { key_id, fault: Box::new(fault) }),
    });
    Ok(KeyRing(keys.collect::<Result<_, _>>()?))
}

/// About how long a key takes, in tenths of a millisecond.
const fn relative_cost(algorithm: KeyAlgorithm) -> u32 {
    match algorithm {
        KeyAlgorithm::Rsa4096 => 5_000,
        KeyAlgorithm::Rsa3072 => 1_500,
        KeyAlgorithm::Rsa2048 => 260,
        KeyAlgorithm::EcdsaP384 => 10,
        KeyAlgorithm::EcdsaP256 => 3,
    }
}
