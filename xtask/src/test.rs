//! `cargo xtask test`: every check and every test, each step in one line, stopping at the first that fails.
//!
//! A test that cannot run on this machine prints `skipped: <reason>`; with CI=true it fails instead (the tests' own helper does
//! both), so a green run in CI left nothing out but what needs KUBE_BIN_DIR.

use crate::{Outcome, dist, layers, no_arguments, process, release, tools};

/// One step: its name and what it does; the tally collects test results.
type Step = (&'static str, fn(&mut Tally) -> Outcome);

const STEPS: &[Step] = &[
    ("tools: the programs that the tests run", |_| tools::prepare()),
    ("format: cargo fmt", |_| cargo(&["fmt", "--all", "--check"])),
    ("lints: cargo clippy", |_| cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])),
    ("docs: cargo doc", |_| docs()),
    ("layers: imports against the table of rooms", |_| layers::run(&[])),
    ("dist: the static program", |_| dist::run(&[])),
    ("tests: cargo test", |tally| cargo_test(&["--workspace".into()], tally)),
    ("release tests: cargo test --release", release_tests),
    ("feature aws-lc: cargo test", |tally| {
        cargo_test(&["--features=aws-lc", "--lib", "keys::"].map(String::from), tally)
    }),
];

/// Runs every step.
///
/// # Errors
/// The first step that failed, by name.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let mut tally = Tally::default();
    for (number, (name, step)) in (1..).zip(STEPS) {
        println!("xtask: step {number} of {}, {name}", STEPS.len());
        step(&mut tally).map_err(|error| format!("FAILED at {name}\n{error}"))?;
    }
    println!("xtask: all {} steps passed; {tally}", STEPS.len());
    Ok(())
}

fn cargo(arguments: &[&str]) -> Outcome {
    process::run(process::cargo().args(arguments))
}

/// Private items too: most of our links lead to them, and a broken one misleads just the same.
fn docs() -> Outcome {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"];
    process::run(process::cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

fn release_tests(tally: &mut Tally) -> Outcome {
    let targets = release::release_targets(process::root()).map_err(|error| error.to_string())?;
    if targets.is_empty() {
        println!("no test target names `{}` or `{}`", release::RELEASE_ONLY, release::BLESS);
        return Ok(());
    }
    let mut arguments = vec!["--release".to_owned()];
    arguments.extend(targets);
    cargo_test(&arguments, tally)
}

fn cargo_test(arguments: &[String], tally: &mut Tally) -> Outcome {
    let mut cargo = process::cargo();
    cargo.args(["test", "--locked"]).args(arguments).env("CERTFERRY_DIST", dist::program());
    process::run_watched(&mut cargo, |line| tally.add(line))
}

/// What the `test result:` lines of cargo test add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    programs: u32,
    passed: u32,
    ignored: u32,
}

impl Tally {
    fn add(&mut self, line: &str) {
        if let Some((passed, ignored)) = test_result(line) {
            self.programs += 1;
            self.passed += passed;
            self.ignored += ignored;
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { programs, passed, ignored } = self;
        write!(formatter, "{passed} tests passed in {programs} test programs, {ignored} ignored")
    }
}

/// Passed and ignored of a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; ...`.
fn test_result(line: &str) -> Option<(u32, u32)> {
    let counts = line.strip_prefix("test result: ok. ")?;
    let count = |what: &str| {
        let words = counts.split("; ").find_map(|part| part.strip_suffix(what))?;
        words.trim_end().parse::<u32>().ok()
    };
    Some((count("passed")?, count("ignored")?))
}

#[cfg(test)]
mod tests {
    use super::{Tally, test_result};

    const LINE: &str = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.04s";

    #[test]
    fn results_are_read() {
        assert_eq!(test_result(LINE), Some((12, 3)));
        assert_eq!(test_result("test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured"), None);
        assert_eq!(test_result("running 12 tests"), None);
    }

    #[test]
    fn results_add_up() {
        let mut tally = Tally::default();
        for line in ["running 12 tests", LINE, "", LINE] {
            tally.add(line);
        }
        assert_eq!(tally, Tally { programs: 2, passed: 24, ignored: 6 });
        assert_eq!(tally.to_string(), "24 tests passed in 2 test programs, 6 ignored");
    }
}
