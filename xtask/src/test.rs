//! `cargo xtask test`: runs every check and every test. Each step prints the seconds that it took. The static program,
//! which the tests run, is built beside the first steps.
//!
//! A check that fails ends the run. The tests all run, whichever of them fail, and the end names each program that
//! failed. A test that cannot run on this machine prints `skipped: <reason>`. With CI=true it fails instead, by the
//! tests' own helper. Tests that need KUBE_BIN_DIR are ignored where it is not set, and the closing line counts them.
//! Where cargo-deny is not installed, its step says so and passes.

use std::{env, process::Command, thread, time::Instant};

use crate::{Outcome, deny, dist, filters, layers, no_arguments, npm, process, tally::Tally, tools};

/// A step: its name and its function. The tally collects test results.
type Step = (&'static str, fn(&mut Tally) -> Outcome);

/// What all tests are compiled with: every engine. The program that they run, the static one, is built without.
const FEATURES: [&str; 2] = ["--locked", "--features=aws-lc"];

/// The checks. Each of them ends the run when it fails.
const CHECKS: &[Step] = &[
    ("tools: the programs that the tests run", |_| tools::prepare().and_then(|()| npm::prepare())),
    ("format: cargo fmt", |_| cargo(&["fmt", "--all", "--check"])),
    ("lints: cargo clippy", |_| cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])),
    ("docs: cargo doc", |_| docs()),
    ("layers: imports against the table of rooms", |_| layers::run(&[])),
    ("crates: cargo deny", |_| deny::run_where_installed()),
    ("programs: the static one, and beside it those of the tests", |_| programs()),
];

/// The tests. All of them run, whichever fail.
const TESTS: &[Step] = &[
    ("tests: cargo test, with the static program", |tally| cargo_test(&mut on_dist(), &["--workspace"], tally)),
    ("golden tests: cargo test, with the program as cargo builds it for tests", golden_tests),
    ("Kubernetes' programs: cargo test -- --ignored", kubernetes_tests),
    ("release tests: cargo test -- --ignored, with the static program", |tally| {
        cargo_test(&mut on_dist(), &["--test=main", "--", "--ignored", filters::RELEASE], tally)
    }),
];

/// Runs every step.
///
/// # Errors
/// Returns the name of the check that failed, or every test program that did.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    let steps = CHECKS.len() + TESTS.len();
    // The longest piece of work, in a folder of its own. What is installed, formatted, linted and documented meanwhile
    // leaves processors idle, and waits for others.
    let mut ahead = Some(dist::begin());
    for (number, (name, step)) in (1..).zip(CHECKS.iter().chain(TESTS)) {
        println!("xtask: step {number} of {steps}, {name}");
        let begin = Instant::now();
        let outcome = step(&mut tally);
        tally.end_of_run();
        let seconds = begin.elapsed().as_secs_f32();
        match outcome {
            Ok(()) => println!("xtask: step {number} of {steps} took {seconds:.1} s"),
            Err(error) => {
                println!("xtask: step {number} of {steps} FAILED after {seconds:.1} s");
                failed.push(format!("FAILED at {name}\n{error}"));
                if number <= CHECKS.len() {
                    break;
                }
            }
        }
        if number == CHECKS.len() {
            drop(ahead.take());
        }
    }
    for skipped in tally.skipped() {
        println!("xtask: skipped: {skipped}");
    }
    if failed.is_empty() && tally.failures().is_empty() {
        println!("xtask: all {steps} steps passed; {tally}");
        return Ok(());
    }
    failed.extend(tally.failures().into_iter().map(|failure| format!("FAILED {failure}")));
    Err(failed.join("\n"))
}

fn cargo(arguments: &[&str]) -> Outcome {
    process::run(process::cargo().args(arguments))
}

/// Builds the documentation. It includes private items, because most of our links lead to them, and a broken link
/// misleads there just the same.
fn docs() -> Outcome {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"];
    process::run(process::cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Builds the static program, and at the same time the programs of the tests. Each alone leaves processors idle: the
/// first ends with one long piece of work for one of them. What the others print is shown when they have ended.
fn programs() -> Outcome {
    let mut tests = process::cargo();
    tests.args(["test", "--workspace", "--no-run"]).args(FEATURES);
    thread::scope(|scope| {
        let tests = scope.spawn(|| process::run_quietly(&mut tests));
        let dist = dist::run(&[]);
        let tests = tests.join().unwrap_or_else(|_| Err("the thread that builds the tests ended early".to_owned()));
        dist.and(tests)
    })
}

fn kubernetes_tests(tally: &mut Tally) -> Outcome {
    if env::var_os(filters::KUBE_BIN_DIR).is_none() {
        println!("xtask: {} is not set: what needs Kubernetes' programs stays ignored", filters::KUBE_BIN_DIR);
        return Ok(());
    }
    cargo_test(&mut on_dist(), &["--test=main", "--", "--ignored", filters::KUBERNETES], tally)
}

/// Returns `cargo test` with the program that travels. So what is tested is made for release, and what tests it is not:
/// that costs less to compile.
fn on_dist() -> Command {
    let mut cargo = process::cargo();
    cargo.arg("test").env(filters::PROGRAM, dist::built());
    cargo
}

/// Runs the golden tests once more with the other build of the program, whose bytes must be the same.
fn golden_tests(tally: &mut Tally) -> Outcome {
    let arguments = [&["--test=main", "--"][..], &filters::GOLDEN].concat();
    cargo_test(process::cargo().arg("test"), &arguments, tally)
}

/// Runs tests, two more at once than there are processors, because some tests wait for an etcd, a kubelet or a disk.
fn cargo_test(cargo: &mut Command, arguments: &[&str], tally: &mut Tally) -> Outcome {
    let threads = thread::available_parallelism().map_or(1, usize::from) + 2;
    cargo.args(FEATURES).arg("--no-fail-fast").args(arguments).env("CERTFERRY_DIST", dist::program());
    cargo.env("RUST_TEST_THREADS", threads.to_string());
    process::run_watched(cargo, |line| tally.add(line))
}
