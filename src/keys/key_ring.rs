//! All keys of a plan, derived on several threads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use det_keygen::{PrimeTest, rsa};
use rayon::ThreadPoolBuilder;

use super::error::KeyError;
use super::label::Label;
use super::private_key::{PrivateKey, prime_size};
use super::seed::Seed;
use super::stack::wipe_stack;
use crate::kubernetes::KeyId;
use crate::x509::KeyAlgorithm;

/// The keys of a plan, by their ids.
#[derive(Default)]
pub struct KeyRing(BTreeMap<KeyId, Arc<PrivateKey>>);

impl KeyRing {
    /// Returns the key with this id. Returns `None` when the plan has no such key.
    #[must_use]
    pub fn get(&self, key_id: &KeyId) -> Option<&PrivateKey> {
        self.0.get(key_id).map(AsRef::as_ref)
    }

    /// Adds a key that was not derived.
    pub fn insert(&mut self, key_id: KeyId, key: Arc<PrivateKey>) {
        self.0.insert(key_id, key);
    }

    /// Returns every key, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyId, &PrivateKey)> {
        self.0.iter().map(|(id, key)| (id, key.as_ref()))
    }
}

/// Derives the key of each label on `threads` threads, by default one for each processor. Each thread makes as many RSA
/// keys side by side as its engine prefers.
///
/// The keys do not depend on the engine, the threads or the order of the labels. `progress` gets the algorithm of each key
/// when it is done, from any thread.
///
/// # Errors
///
/// Returns [`KeyError::Duplicate`] before any work when two labels have one key id, [`KeyError::Threads`] when the
/// threads cannot be started, and otherwise the [`KeyError::Derivation`] with the first id.
pub fn derive(
    engine: &dyn PrimeTest,
    seed: &Seed,
    labels: &[Label],
    threads: Option<NonZeroUsize>,
    progress: &(dyn Fn(KeyAlgorithm) + Sync),
) -> Result<KeyRing, KeyError> {
    let mut key_ids = BTreeSet::new();
    if let Some(label) = labels.iter().find(|label| !key_ids.insert(label.key_id())) {
        return Err(KeyError::Duplicate { key_id: label.key_id().clone() });
    }
    let threads = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .exit_handler(|_| wipe_stack())
        .build()
        .map_err(|error| KeyError::Threads { reason: error.to_string() })?;

    let queue = Queue::new(labels, threads);
    let derive = || {
        let mut derived = Vec::new();
        let mut take_in = |label: &Label, key| {
            progress(label.algorithm());
            derived.push((label.key_id().clone(), key));
        };
        while let Some(label) = queue.take() {
            let algorithm = label.algorithm();
            let Some(size) = prime_size(algorithm) else {
                take_in(label, PrivateKey::derive(&seed.key_seed(label), algorithm, engine));
                continue;
            };
            let mut first = Some(label);
            let mut next = |live| {
                let label = first.take().or_else(|| queue.take_beside(algorithm, live))?;
                Some((label, rsa::stream(&*seed.key_seed(label), size)))
            };
            PrivateKey::derive_rsa_each(algorithm, size, engine, &mut next, &mut take_in);
        }
        derived
    };
    let mut derived: Vec<_> = pool.broadcast(|_| derive()).into_iter().flatten().collect();

    // Ordered by id, so that of several errors the same one is reported each time.
    derived.sort_by(|(one, _), (other, _)| one.cmp(other));
    let keys = derived.into_iter().map(|(key_id, key)| match key {
        Ok(key) => Ok((key_id, Arc::new(key))),
        Err(fault) => Err(KeyError::Derivation { key_id, fault: Box::new(fault) }),
    });
    Ok(KeyRing(keys.collect::<Result<_, _>>()?))
}

/// The labels that no thread has taken yet, those of slow keys first. Otherwise all threads but one could end up
/// waiting for an RSA-4096 key that was taken last.
struct Queue<'labels> {
    labels: Mutex<VecDeque<&'labels Label>>,
    threads: usize,
}

impl<'labels> Queue<'labels> {
    fn new(labels: &'labels [Label], threads: usize) -> Self {
        let mut labels: Vec<&Label> = labels.iter().collect();
        labels.sort_by_key(|label| std::cmp::Reverse(relative_cost(label.algorithm())));
        Self { labels: Mutex::new(labels.into()), threads }
    }

    fn take(&self) -> Option<&'labels Label> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Takes one more label of this algorithm for a thread that already makes `live` such keys. Returns `None` when the
    /// rest is the share of the other threads.
    fn take_beside(&self, algorithm: KeyAlgorithm, live: usize) -> Option<&'labels Label> {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = labels.partition_point(|label| label.algorithm() == algorithm);
        let share = (rest + live).div_ceil(self.threads);
        if rest == 0 || live >= share.max(1) {
            return None;
        }
        labels.pop_front()
    }
}

/// Returns about how long a key takes, in tenths of a millisecond. What counts is how one size compares to another.
#[must_use]
pub const fn relative_cost(algorithm: KeyAlgorithm) -> u32 {
    match algorithm {
        KeyAlgorithm::Rsa4096 => 5_000,
        KeyAlgorithm::Rsa3072 => 1_500,
        KeyAlgorithm::Rsa2048 => 260,
        KeyAlgorithm::EcdsaP384 => 10,
        KeyAlgorithm::EcdsaP256 => 3,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Mutex;

    use det_keygen::Portable;

    use super::{KeyError, KeyId, KeyRing, Label, Seed};
    use crate::x509::KeyAlgorithm;

    fn seed() -> Seed {
        let text = format!("certferry-seed-1:{}", "0123456789abcdef".repeat(4));
        Seed::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn labels() -> Vec<Label> {
        let label = |key_id, algorithm| Label::new("prod-1", &key_id, algorithm, 1);
        let node = KeyId::node;
        vec![
            label(KeyId::BundleSigner, KeyAlgorithm::EcdsaP256),
            label(KeyId::ca("kubernetes"), KeyAlgorithm::EcdsaP384),
            label(node("cp-1", "apiserver"), KeyAlgorithm::Rsa2048),
            label(node("cp-2", "apiserver"), KeyAlgorithm::EcdsaP256),
            label(KeyId::ca("etcd"), KeyAlgorithm::Rsa2048),
            label(KeyId::ServiceAccount, KeyAlgorithm::Rsa2048),
            label(KeyId::User("alice".into()), KeyAlgorithm::EcdsaP256),
        ]
    }

    fn derive(
        labels: &[Label],
        threads: Option<NonZeroUsize>,
        progress: &(dyn Fn(KeyAlgorithm) + Sync),
    ) -> Result<KeyRing, KeyError> {
        super::derive(&Portable::new(), &seed(), labels, threads, progress)
    }

    fn ring(labels: &[Label], threads: usize) -> KeyRing {
        derive(labels, NonZeroUsize::new(threads), &|_| ()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn contents(ring: &KeyRing) -> Vec<(KeyId, String)> {
        ring.iter().map(|(key_id, key)| (key_id.clone(), key.to_pem().to_string())).collect()
    }

    #[test]
    fn keys_do_not_depend_on_threads_or_order() {
        let mut labels = labels();
        let expected = contents(&ring(&labels, 1));
        assert_eq!(expected.len(), labels.len());
        for threads in [2, 7] {
            labels.reverse();
            assert!(contents(&ring(&labels, threads)) == expected, "{threads} threads");
        }
        // A key does not depend on the keys that are derived with it.
        let alone = ring(&labels[2..3], 1);
        let key_id = labels[2].key_id();
        assert!(alone.get(key_id).unwrap().to_pem() == ring(&labels, 0).get(key_id).unwrap().to_pem());
    }

    #[test]
    fn each_part_of_a_label_makes_another_key() {
        let user = |name: &str| KeyId::User(name.into());
        let key = |cluster, key_id: KeyId, algorithm, generation| {
            let ring = ring(&[Label::new(cluster, &key_id, algorithm, generation)], 1);
            ring.get(&key_id).unwrap().to_pem().to_string()
        };
        let mut keys = vec![
            key("a", user("x"), KeyAlgorithm::EcdsaP256, 1),
            key("b", user("x"), KeyAlgorithm::EcdsaP256, 1),
            key("a", user("y"), KeyAlgorithm::EcdsaP256, 1),
            key("a", user("x"), KeyAlgorithm::EcdsaP384, 1),
            key("a", user("x"), KeyAlgorithm::EcdsaP256, 2),
            key("a", KeyId::EtcdClient("x".into()), KeyAlgorithm::EcdsaP256, 1),
        ];
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 6);
    }

    #[test]
    fn two_labels_for_one_key_are_refused_before_any_work() {
        let mut labels = labels();
        labels.push(Label::new("prod-1", &KeyId::BundleSigner, KeyAlgorithm::EcdsaP256, 2));
        let refused = derive(&labels, None, &|_| panic!("a key was derived"));
        assert_eq!(refused.err(), Some(KeyError::Duplicate { key_id: KeyId::BundleSigner }));
    }

    #[test]
    fn progress_tells_of_each_key_once() {
        let told = Mutex::new(Vec::new());
        derive(&labels(), NonZeroUsize::new(3), &|algorithm| told.lock().unwrap().push(algorithm.name())).unwrap();
        let mut told = told.into_inner().unwrap();
        let mut expected: Vec<_> = labels().iter().map(|label| label.algorithm().name()).collect();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected);
    }

    #[test]
    fn no_labels_make_an_empty_ring() {
        assert_eq!(ring(&[], 2).iter().count(), 0);
    }
}
