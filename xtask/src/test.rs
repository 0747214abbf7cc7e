//! `cargo xtask test`: runs every check and every test. Each step prints the seconds that it took.
//!
//! A check that fails ends the run. The tests all run, whichever of them fail, and the end names each program that
//! failed. A test that cannot run on this machine prints `skipped: <reason>`. With CI=true it fails instead, by the
//! tests' own helper. Tests that need KUBE_BIN_DIR are ignored where it is not set, and the closing line counts them.
//! Where cargo-deny is not installed, its step says so and passes.

use std::{
    env,
    process::Command,
    thread::{self, JoinHandle},
    time::Instant,
};

use crate::{Outcome, deny, dist, filters, layers, no_arguments, process, tally::Tally, tools};

/// A step: its name and its function.
type Step = (&'static str, fn(&mut Run) -> Outcome);

/// What the steps of a run share.
#[derive(Default)]
struct Run {
    /// The results of the tests.
    tally: Tally,
    /// The build of the static program. It goes on beside the checks, because its linking keeps only one processor busy
    /// for a minute and a half, and no check needs it.
    dist: Option<JoinHandle<Outcome>>,
}

impl Run {
    /// Waits for the static program if it is being built.
    fn dist(&mut self) -> Outcome {
        match self.dist.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err("the thread that built the program panicked".to_owned()),
        }
    }
}

/// The checks. Each of them ends the run when it fails.
const CHECKS: &[Step] = &[
    ("tools: the programs that the tests run", |_| tools::prepare()),
    ("format: cargo fmt", |_| cargo(&["fmt", "--all", "--check"])),
    ("begin dist: the static program, built beside the checks", |run| {
        run.dist = Some(thread::spawn(|| dist::run(&[])));
        Ok(())
    }),
    ("lints: cargo clippy", |_| cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])),
    ("docs: cargo doc", |_| docs()),
    ("layers: imports against the table of rooms", |_| layers::run(&[])),
    ("crates: cargo deny", |_| deny::run_where_installed()),
    ("end dist: the rest of its build", Run::dist),
];

/// The tests. All of them run, whichever fail.
const TESTS: &[Step] = &[
    ("tests: cargo test", |run| cargo_test(process::cargo().arg("test"), &["--workspace"], run)),
    ("Kubernetes' programs: cargo test -- --ignored", kubernetes_tests),
    ("release tests: cargo test with the static program", release_tests),
    ("feature aws-lc: cargo test", |run| {
        cargo_test(process::cargo().arg("test"), &["--package=det-keygen", "--features=aws-lc"], run)
    }),
];

/// Runs every step.
///
/// # Errors
/// Returns the name of the check that failed, or every test program that did.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let mut run = Run::default();
    let mut failed = Vec::new();
    let steps = CHECKS.len() + TESTS.len();
    for (number, (name, step)) in (1..).zip(CHECKS.iter().chain(TESTS)) {
        println!("xtask: step {number} of {steps}, {name}");
        let begin = Instant::now();
        let outcome = step(&mut run);
        run.tally.end_of_run();
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
    }
    // It is still being built when a check has failed.
    if let Err(error) = run.dist() {
        failed.push(format!("FAILED at dist\n{error}"));
    }
    let tally = &run.tally;
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

fn kubernetes_tests(run: &mut Run) -> Outcome {
    if env::var_os(filters::KUBE_BIN_DIR).is_none() {
        println!("xtask: {} is not set: what needs Kubernetes' programs stays ignored", filters::KUBE_BIN_DIR);
        return Ok(());
    }
    cargo_test(process::cargo().arg("test"), &["--test=main", "--", "--ignored", filters::KUBERNETES], run)
}

/// Runs the tests for release as they are compiled already, on the program that travels. So what is tested is made for
/// release, and what tests it is not.
fn release_tests(run: &mut Run) -> Outcome {
    let arguments = [&["--test=main", "--", "--include-ignored"][..], &filters::RELEASE].concat();
    cargo_test(process::cargo().arg("test").env(filters::PROGRAM, dist::built()), &arguments, run)
}

/// Runs tests, two more at once than there are processors, because some tests wait for an etcd, a kubelet or a disk.
fn cargo_test(cargo: &mut Command, arguments: &[&str], run: &mut Run) -> Outcome {
    let threads = thread::available_parallelism().map_or(1, usize::from) + 2;
    cargo.args(["--locked", "--no-fail-fast"]).args(arguments).env("CERTFERRY_DIST", dist::program());
    cargo.env("RUST_TEST_THREADS", threads.to_string());
    process::run_watched(cargo, |line| run.tally.add(line))
}
