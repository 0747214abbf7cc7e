//! How long RSA keys take, and whether all engines make the same ones; and what signing in our own way saves. `cargo xtask bench engines` and `cargo xtask engines`
//! run this and print what it says as a table.
//!
//! ```text
//! cargo bench --bench engines -- time COUNT [ENGINE [BITS]]
//! cargo bench --bench engines -- wall COUNT
//! cargo bench --bench engines -- sign COUNT
//! cargo bench --bench engines -- compare KEYS CANDIDATES
//! cargo bench --bench engines -- list
//! ```
//!
//! Times are of the processor, from the system's accounting: other programs lengthen them only by what they take from the
//! caches, and from a core that is shared.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark may stop at once")]

use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use certferry::keys::{Engine, KeyRing, Label, PrivateKey, Seed, derive, engines};
use certferry::kubernetes::KeyId;
use certferry::x509::KeyAlgorithm;
use det_keygen::p256_base_point::multiply;
use det_keygen::{Candidate, PrimeSize};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};

const ALGORITHMS: [(KeyAlgorithm, PrimeSize, u32); 3] = [
    (KeyAlgorithm::Rsa2048, PrimeSize::Bits1024, 2048),
    (KeyAlgorithm::Rsa3072, PrimeSize::Bits1536, 3072),
    (KeyAlgorithm::Rsa4096, PrimeSize::Bits2048, 4096),
];

fn main() -> ExitCode {
    // cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().expect("a number");
    match arguments[..] {
        ["time", count] => time(number(count), |_, _| true),
        ["time", count, engine] => time(number(count), |name, _| name == engine),
        ["time", count, engine, bits] => time(number(count), |name, size| name == engine && size == number(bits)),
        ["wall", count] => wall(number(count)),
        ["sign", count] => sign(number(count)),
        ["list"] => engines().iter().for_each(|engine| println!("{}", engine.name)),
        ["compare", keys, candidates] => return compare(number(keys), number(candidates)),
        _ => {
            println!("time COUNT [ENGINE [BITS]] | wall COUNT | sign COUNT | compare KEYS CANDIDATES | list");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// A line for each engine and algorithm: `key` with the mean of COUNT whole derivations one after the other as a build makes
/// them, on one thread; then mean, median and 90th percentile of the same keys each alone. `average` with the best of some
/// runs over the candidates of an average key.
fn time(count: usize, wanted: impl Fn(&str, usize) -> bool) {
    for (algorithm, size, bits) in ALGORITHMS {
        for engine in engines().into_iter().filter(|engine| wanted(engine.name, bits as usize)) {
            let labels = labels(algorithm, count + 1);
            let (extra, labels) = labels.split_last().unwrap();
            let one = |label: &Label| {
                PrivateKey::derive(&seed().key_seed(label), algorithm, &*engine.test)
                    .unwrap_or_else(|error| panic!("{error:?}"))
            };
            // The table of small primes is made once a run.
            one(extra);
            let (together, _) = measure(ClockId::ProcessCPUTime, || ring(&engine, labels, NonZeroUsize::new(1)));
            let mut alone: Vec<f64> = labels.iter().map(|label| measure(THREAD, || one(label)).0).collect();
            let mean = alone.iter().sum::<f64>() / alone.len() as f64;
            alone.sort_by(f64::total_cmp);
            let at = |part: f64| alone[((alone.len() - 1) as f64 * part) as usize];
            println!(
                "key {} rsa-{bits} {count} {:.3} {mean:.3} {:.3} {:.3}",
                engine.name,
                together / count as f64,
                at(0.5),
                at(0.9),
            );
            let (division, tests, survivors) = average(&engine, size, bits);
            println!("average {} rsa-{bits} {division:.3} {tests:.3} {survivors}", engine.name);
        }
    }
}

/// Seconds on the wall for COUNT RSA-2048 keys by the quickest engine, as a build makes them: on all processors.
fn wall(count: usize) {
    let engine = engines().remove(0);
    let labels = labels(KeyAlgorithm::Rsa2048, count);
    let begin = Instant::now();
    ring(&engine, &labels, None);
    println!("wall {} {count} {:.3}", engine.name, begin.elapsed().as_secs_f64());
}

/// A line for each thing that we do in our own way and a library could do: milliseconds of one with us, by the quickest engine, and
/// with the library, which is ring for RSA and p256 for P-256. Signatures of COUNT messages together, with P-256 of one alone, too,
/// and P-256's public keys.
fn sign(count: usize) {
    let engine = engines().remove(0);
    let message = [0x5a; 700];
    let messages = vec![&message[..]; count];
    let key = |algorithm| {
        let label = &labels(algorithm, 1)[0];
        PrivateKey::derive(&seed().key_seed(label), algorithm, &*engine.test)
            .unwrap_or_else(|error| panic!("{error:?}"))
    };
    let together = |key: &PrivateKey| best(count, || key.sign_each(&messages, &*engine.test).unwrap());
    let alone = |key: &PrivateKey| {
        best(count, || messages.iter().map(|message| key.sign(message).unwrap()).collect::<Vec<_>>())
    };
    for (name, algorithm) in [("rsa-2048", KeyAlgorithm::Rsa2048), ("rsa-4096", KeyAlgorithm::Rsa4096)] {
        let key = key(algorithm);
        println!("sign {name} {:.4} {:.4}", together(&key), alone(&key));
    }
    let key = key(KeyAlgorithm::EcdsaP256);
    let secret = p256::SecretKey::from_sec1_pem(&key.to_pem()).unwrap();
    let signer = SigningKey::from(&secret);
    let theirs = best(count, || messages.iter().map(|message| signer.sign(message)).collect::<Vec<DerSignature>>());
    println!("sign p256-together {:.4} {theirs:.4}", together(&key));
    println!("sign p256-alone {:.4} {theirs:.4}", alone(&key));
    let ours = best(count, || messages.iter().map(|_| multiply(black_box(&secret))).collect::<Vec<_>>());
    let theirs = best(count, || messages.iter().map(|_| black_box(&secret).public_key()).collect::<Vec<_>>());
    println!("sign p256-point {ours:.4} {theirs:.4}");
}

/// Milliseconds of one of `count` that `work` does.
fn best<T>(count: usize, work: impl Fn() -> T) -> f64 {
    let runs = (0..20).map(|_| measure(THREAD, || black_box(work())).0);
    runs.fold(f64::INFINITY, f64::min) / count as f64
}

fn seed() -> Seed {
    Seed::parse(format!("certferry-seed-1:{}", "0123456789abcdef".repeat(4)).as_bytes()).unwrap()
}

fn labels(algorithm: KeyAlgorithm, count: usize) -> Vec<Label> {
    (0..count).map(|number| Label::new("bench", &KeyId::User(number.to_string().into()), algorithm, 1)).collect()
}

fn ring(engine: &Engine, labels: &[Label], threads: Option<NonZeroUsize>) -> KeyRing {
    derive(&*engine.test, &seed(), labels, threads, &|_| ()).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Trial division and tests of the candidates of an average key, and how many came to be tested.
fn average(engine: &Engine, size: PrimeSize, bits: u32) -> (f64, f64, usize) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/det-keygen/rsa.bench.{bits}.txt"));
    let text = fs::read_to_string(file).unwrap();
    let candidates = || -> Vec<Candidate> { text.lines().map(|line| candidate(line, size)).collect() };
    let mut search = engine.test.search(size);
    let (mut division, mut tests, mut survivors) = (f64::INFINITY, f64::INFINITY, 0);
    for _ in 0..10 {
        let mut batch = candidates();
        let (time, ()) = measure(THREAD, || batch.retain(|candidate| search.survives_trial_division(candidate)));
        division = division.min(time);
        survivors = batch.len();
        let batch: Vec<&Candidate> = batch.iter().collect();
        let mut passes = vec![false; batch.len()];
        let size = search.batch_size().max(1);
        let (time, primes) = measure(THREAD, || {
            for (candidates, passes) in batch.chunks(size).zip(passes.chunks_mut(size)) {
                search.test_base_two(candidates, passes);
            }
            let probable: Vec<&Candidate> =
                batch.iter().zip(&passes).filter(|(_, passes)| **passes).map(|(candidate, _)| *candidate).collect();
            let mut passes = vec![false; probable.len()];
            search.test_own_bases(&probable, &mut passes);
            passes.into_iter().filter(|passes| *passes).count()
        });
        tests = tests.min(time);
        assert_eq!(primes, 2, "{bits}");
    }
    (division, tests, survivors)
}

fn candidate(hex: &str, size: PrimeSize) -> Candidate {
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|place| u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).unwrap()).collect();
    Candidate::from_be_bytes(&bytes, size)
}

const THREAD: ClockId = ClockId::ThreadCPUTime;

/// The time of this thread, or of all, in milliseconds.
fn measure<T>(clock: ClockId, work: impl FnOnce() -> T) -> (f64, T) {
    let now = || {
        let time = clock_gettime(clock);
        time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
    };
    let begin = now();
    let result = work();
    (now() - begin, result)
}

/// Derives the same keys with each engine and lets them sign, and tests the same candidates, random and chosen; counts and
/// differences.
fn compare(keys: usize, candidates: usize) -> ExitCode {
    let engines = engines();
    let mut differences = 0;
    for (algorithm, _, bits) in ALGORITHMS {
        // The larger sizes take up to fifteen times as long.
        let count = if bits == 2048 { keys } else { keys / 10 };
        let made: Vec<Vec<(String, Vec<u8>)>> =
            engines.iter().map(|engine| keys_and_signatures(engine, algorithm, count)).collect();
        let different = (0..count).filter(|number| made.iter().any(|keys| keys[*number] != made[0][*number])).count();
        println!("keys rsa-{bits} {count} different {different}");
        differences += different;
    }
    for (_, size, bits) in ALGORITHMS {
        let count = if bits == 2048 { candidates } else { candidates / 100 };
        let (tested, primes, different) = compare_candidates(&engines, size, count);
        println!("candidates rsa-{bits} {tested} primes {primes} different {different}");
        differences += different;
    }
    println!("engines {}", engines.iter().map(|engine| engine.name).collect::<Vec<_>>().join(" "));
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Keys as a build makes them, on all processors, each with signatures of a few messages.
fn keys_and_signatures(engine: &Engine, algorithm: KeyAlgorithm, count: usize) -> Vec<(String, Vec<u8>)> {
    let ring = ring(engine, &labels(algorithm, count), None);
    let sign = |key: &PrivateKey| key.sign_each(&[b"one", b"two", b"three"], &*engine.test).unwrap().concat();
    ring.iter().map(|(_, key)| (key.to_pem().to_string(), sign(key))).collect()
}

/// Candidates that no engine's trial division sorts out beforehand: every one of them goes through every engine's test.
fn compare_candidates(engines: &[Engine], size: PrimeSize, count: usize) -> (usize, usize, usize) {
    let mut searches: Vec<_> = engines.iter().map(|engine| engine.test.search(size)).collect();
    let (mut primes, mut different) = (0, 0);
    let mut bytes = vec![0; size.bytes()];
    for batch in 0..count.div_ceil(8) {
        let batch: Vec<Candidate> = (0..8)
            .map(|place| {
                for (block, bytes) in (0_u8..).zip(bytes.chunks_mut(32)) {
                    let digest = Sha256::digest([&batch.to_be_bytes()[..], &[place, block]].concat());
                    bytes.copy_from_slice(&digest);
                }
                shape(&mut bytes, batch);
                Candidate::from_be_bytes(&bytes, size)
            })
            .collect();
        let verdicts: Vec<[bool; 8]> = searches
            .iter_mut()
            .map(|search| {
                let mut is_prime = [false; 8];
                search.test(&batch, &mut is_prime);
                is_prime
            })
            .collect();
        different += usize::from(verdicts.iter().any(|verdict| *verdict != verdicts[0]));
        primes += verdicts[0].iter().filter(|is_prime| **is_prime).count();
        for candidate in &batch {
            // An engine may leave a composite to the test, but must not lose a prime.
            let survive: Vec<bool> =
                searches.iter_mut().map(|search| search.survives_trial_division(candidate)).collect();
            let mut is_prime = [false];
            if survive.contains(&false) {
                searches[0].test(std::slice::from_ref(candidate), &mut is_prime);
            }
            different += usize::from(is_prime[0]);
        }
    }
    (count.div_ceil(8) * 8, primes, different)
}

/// Every fourth batch gets long runs of ones or zeros, where carries run far.
fn shape(bytes: &mut [u8], batch: usize) {
    let (begin, length) = (bytes[0] as usize % bytes.len(), bytes[1] as usize % bytes.len());
    let end = (begin + length).min(bytes.len());
    match batch % 8 {
        1 => bytes[begin..end].fill(0xff),
        5 => bytes[begin..end].fill(0),
        _ => {}
    }
}
