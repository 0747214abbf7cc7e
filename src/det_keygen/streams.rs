//! The search for primes in several streams side by side.
//!
//! Why: an engine that tests eight candidates at once has eight of them at hand only with as many keys in the making. From one
//! stream alone it would take candidates behind the prime that it looks for, and test each prime it finds with idle lanes.
//!
//! A key does not depend on its neighbours: each stream's candidates are looked at in the stream's order, and its primes are
//! the first ones that pass.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use super::hmac_drbg::{HmacDrbg, fill};
use super::prime::{Candidate, PrimeSize, PrimeTest, Search};

/// What a key asks of its stream.
const PRIMES: usize = 2;

/// One stream of candidates, and what was found in it. Wiped on drop.
struct Stream {
    drbg: HmacDrbg,
    /// The bytes of the last candidate. One buffer for all, for wiping one for each takes as long as filling it.
    bytes: Zeroizing<[u8; PrimeSize::Bits2048.bytes()]>,
    /// Candidates that are worth a test, in order.
    waiting: VecDeque<Candidate>,
    /// Candidates that passed with base 2, in order. What they come from is consumed: none may be lost.
    found: VecDeque<Found>,
}

struct Found {
    candidate: Candidate,
    /// Whether it passed with its own bases, too.
    is_prime: bool,
}

impl Stream {
    fn is_hungry(&self) -> bool {
        self.found.len() < PRIMES
    }
}

/// Streams side by side, each with its owner.
pub(super) struct Streams<'engine, T> {
    search: Box<dyn Search + 'engine>,
    size: PrimeSize,
    streams: Vec<(T, Stream)>,
}

impl<'engine, T> Streams<'engine, T> {
    pub(super) fn new(size: PrimeSize, engine: &'engine dyn PrimeTest) -> Self {
        Self { search: engine.search(size), size, streams: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Twice the engine's batch: while some streams wait until there are enough primes for a test with their own bases, others
    /// fill the batches.
    pub(super) fn is_full(&self) -> bool {
        let batch_size = self.search.batch_size();
        self.streams.len() >= if batch_size > 1 { 2 * batch_size } else { 1 }
    }

    pub(super) fn add(&mut self, owner: T, drbg: HmacDrbg) {
        let bytes = Zeroizing::new([0; PrimeSize::Bits2048.bytes()]);
        self.streams.push((owner, Stream { drbg, bytes, waiting: VecDeque::new(), found: VecDeque::new() }));
    }

    /// The engine, for what else it can do with numbers of this size.
    pub(super) fn engine(&mut self) -> &mut dyn Search {
        &mut *self.search
    }

    /// Goes on until a stream has two primes, and hands them to `key` in the order of the stream, from each that has: when that
    /// makes nothing of them the stream goes on, else it ends, and its owner is given back with what was made.
    pub(super) fn search<K>(&mut self, key: impl Fn(&Candidate, &Candidate) -> Option<K>) -> Vec<(T, K)> {
        let mut made = Vec::new();
        while made.is_empty() && !self.streams.is_empty() {
            self.test_batch();
            let mut place = 0;
            while let Some((_, stream)) = self.streams.get_mut(place) {
                match first_key(stream, &key) {
                    Some(key) => {
                        let (owner, _) = self.streams.swap_remove(place);
                        made.push((owner, key));
                    }
                    None => place += 1,
                }
            }
        }
        made
    }

    /// The next candidate worth a test of one or two streams.
    fn next_candidates(&mut self, places: &[usize]) -> Vec<Candidate> {
        let (size, search) = (self.size, &mut *self.search);
        if let [one, other] = *places
            && let Ok([(_, one), (_, other)]) = self.streams.get_disjoint_mut([one, other])
        {
            while one.waiting.is_empty() || other.waiting.is_empty() {
                draw([&mut *one, &mut *other], size, search);
            }
            return [one, other].into_iter().filter_map(|stream| stream.waiting.pop_front()).collect();
        }
        let next = |place: &usize| {
            let (_, stream) = self.streams.get_mut(*place)?;
            while stream.waiting.is_empty() {
                draw([&mut *stream], size, search);
            }
            stream.waiting.pop_front()
        };
        places.iter().filter_map(next).collect()
    }

    /// Tests one batch with base 2, and what passed before with its own bases as soon as that is a batch, or nothing else can be
    /// done.
    fn test_batch(&mut self) {
        let batch_size = self.search.batch_size().max(1);
        let hungry: Vec<usize> = self
            .streams
            .iter()
            .enumerate()
            .filter(|(_, (_, stream))| stream.is_hungry())
            .map(|(place, _)| place)
            .collect();
        if !hungry.is_empty() {
            let owners: Vec<usize> = hungry.into_iter().cycle().take(batch_size).collect();
            let batch: Vec<Candidate> = owners.chunks(2).flat_map(|pair| self.next_candidates(pair)).collect();
            let mut passes = vec![false; batch.len()];
            self.search.test_base_two(&batch.iter().collect::<Vec<_>>(), &mut passes);
            for ((place, candidate), _) in owners.into_iter().zip(batch).zip(passes).filter(|(_, passes)| *passes) {
                self.streams[place].1.found.push_back(Found { candidate, is_prime: false });
            }
        }
        let probable: Vec<&Candidate> = self
            .streams
            .iter()
            .flat_map(|(_, stream)| &stream.found)
            .filter(|found| !found.is_prime)
            .map(|found| &found.candidate)
            .collect();
        if probable.len() < batch_size && self.streams.iter().any(|(_, stream)| stream.is_hungry()) {
            return;
        }
        let mut passes = vec![false; probable.len()];
        self.search.test_own_bases(&probable, &mut passes);
        let mut passes = passes.into_iter();
        for (_, stream) in &mut self.streams {
            stream.found.retain_mut(|found| {
                found.is_prime = found.is_prime || passes.next() == Some(true);
                found.is_prime
            });
        }
    }
}

/// det-keygen, RSA, steps 8 to 12, once for each stream, which keeps the candidate if it is worth a test.
fn draw<const N: usize>(mut streams: [&mut Stream; N], size: PrimeSize, search: &mut dyn Search) {
    fill(streams.each_mut().map(|stream| (&mut stream.drbg, &mut stream.bytes[..size.bytes()])));
    for stream in streams {
        let candidate = Candidate::from_be_bytes(&stream.bytes[..size.bytes()], size);
        if search.survives_trial_division(&candidate) {
            stream.waiting.push_back(candidate);
        }
    }
}

/// What `key` makes of the first two primes of a stream, or of those after them; none if there are no two.
fn first_key<K>(stream: &mut Stream, key: impl Fn(&Candidate, &Candidate) -> Option<K>) -> Option<K> {
    while stream.found.iter().take(PRIMES).filter(|found| found.is_prime).count() == PRIMES {
        let (p, q) = (stream.found.pop_front()?, stream.found.pop_front()?);
        if let Some(key) = key(&p.candidate, &q.candidate) {
            return Some(key);
        }
    }
    None
}
