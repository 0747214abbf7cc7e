//! Reads the output of cargo test line by line: which programs failed, which tests were left out, and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The beginning of the line that a test prints before it returns without having tested anything (see `tests/common`).
const SKIPPED: &str = "skipped: ";

/// The results of all runs so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The program whose lines are being read, until its result.
    program: Option<String>,
    programs: u32,
    passed: u32,
    /// The reasons of ignored tests, by program and name. A test that another step runs is removed again.
    ignored: BTreeMap<(String, String), String>,
    skipped: BTreeSet<String>,
    /// The failed tests, by program.
    failed: BTreeMap<String, BTreeSet<String>>,
}

impl Tally {
    /// Reads a line that cargo test printed to either output.
    pub(crate) fn add(&mut self, line: &str) {
        if let Some(program) = program(line) {
            self.end_of_run();
            self.program = Some(program.to_owned());
        } else if let Some(passed) = passed(line) {
            self.programs += 1;
            self.passed += passed;
            self.program = None;
        } else if line.starts_with("test result: FAILED. ") {
            self.programs += 1;
            let program = self.program.take().unwrap_or_default();
            self.failed.entry(program).or_default();
        } else if let Some((_, skipped)) = line.split_once(SKIPPED) {
            self.skipped.insert(skipped.to_owned());
        } else if let (Some(program), Some((test, result))) = (&self.program, test(line)) {
            let key = (program.clone(), test.to_owned());
            match result {
                "ok" => drop(self.ignored.remove(&key)),
                "FAILED" => drop(self.failed.entry(key.0).or_default().insert(key.1)),
                ignored => {
                    if let Some(reason) = ignored.strip_prefix("ignored") {
                        self.ignored.insert(key, reason.trim_start_matches(", ").to_owned());
                    }
                }
            }
        }
    }

    /// Ends a run. A program that has printed no result by now has failed.
    pub(crate) fn end_of_run(&mut self) {
        if let Some(program) = self.program.take() {
            self.failed.entry(program).or_default().insert("it ended without a result".to_owned());
        }
    }

    /// Returns what failed, a line for each program.
    pub(crate) fn failures(&self) -> Vec<String> {
        let line = |(program, tests): (&String, &BTreeSet<String>)| {
            format!("{program}: {}", tests.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        };
        self.failed.iter().map(line).collect()
    }

    /// Returns the reasons that skipped tests gave.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &str> {
        self.skipped.iter().map(String::as_str)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} tests passed in {} test programs", self.passed, self.programs)?;
        write!(formatter, ", {} ignored", self.ignored.len())?;
        let mut reasons = BTreeMap::<&str, usize>::new();
        for reason in self.ignored.values() {
            *reasons.entry(reason).or_default() += 1;
        }
        for (number, (reason, count)) in reasons.iter().enumerate() {
            write!(formatter, "{}{count}: {reason}", if number == 0 { " (" } else { "; " })?;
        }
        let end = if reasons.is_empty() { "" } else { ")" };
        match self.skipped.len() {
            0 => write!(formatter, "{end}"),
            count => write!(formatter, "{end}, of the passed {count} did nothing (skipped, see above)"),
        }
    }
}

/// Returns the test program that begins with a line such as `     Running tests/apply.rs
/// (target/debug/deps/apply-0123)`.
fn program(line: &str) -> Option<&str> {
    let line = line.trim_start();
    match line.strip_prefix("Running ") {
        Some(program) => program.split_once(" (").map(|(program, _)| program),
        None => line.starts_with("Doc-tests ").then_some(line),
    }
}

/// Returns how many tests passed, from a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0
/// filtered out; ...`.
fn passed(line: &str) -> Option<u32> {
    line.strip_prefix("test result: ok. ")?.split_once(" passed; ")?.0.parse().ok()
}

/// Returns the test and its result, from a line such as `test keys::rsa::a_key ... ignored, release only`.
fn test(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("test ")?.rsplit_once(" ... ")
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(text: &str) -> Tally {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.add(line));
        tally.end_of_run();
        tally
    }

    const FIRST: &str = "   Compiling certferry v0.0.1
     Running unittests src/lib.rs (target/debug/deps/certferry-0a)
test keys::one ... ok
test keys::slow ... ignored, release only
test kube ... ignored, needs KUBE_BIN_DIR
test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.04s
   Doc-tests certferry
test src/lib.rs - seed (line 3) ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.04s
";

    #[test]
    fn results_add_up_and_a_test_that_ran_later_is_not_ignored() {
        assert_eq!(
            tally(FIRST).to_string(),
            "13 tests passed in 2 test programs, 2 ignored (1: needs KUBE_BIN_DIR; 1: release only)"
        );
        let release = "     Running unittests src/lib.rs (target/release/deps/certferry-0b)
test keys::slow ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.04s";
        let tally = tally(&format!("{FIRST}{release}"));
        assert_eq!(tally.to_string(), "14 tests passed in 3 test programs, 1 ignored (1: needs KUBE_BIN_DIR)");
        assert_eq!(tally.failures(), [""; 0]);
    }

    #[test]
    fn every_failed_program_is_named_with_its_tests() {
        let tally = tally(
            "     Running tests/apply.rs (target/debug/deps/apply-0a)
test b ... FAILED
test a ... FAILED
test c ... ok
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.04s
error: test failed, to rerun pass `--test apply`
     Running tests/killed.rs (target/debug/deps/killed-0a)
test d ... ok
     Running tests/last.rs (target/debug/deps/last-0a)
test e ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.04s
     Running tests/silent.rs (target/debug/deps/silent-0a)",
        );
        assert_eq!(
            tally.failures(),
            [
                "tests/apply.rs: a, b",
                "tests/killed.rs: it ended without a result",
                "tests/silent.rs: it ended without a result"
            ]
        );
    }

    /// With one thread, the name of the test stands before what it prints.
    #[test]
    fn what_was_skipped_is_listed_once() {
        let tally = tally(
            "     Running tests/apply.rs (target/debug/deps/apply-0a)
skipped: a: no mounts
test a ... ok
test b ... skipped: b: no mounts
ok
skipped: a: no mounts
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.04s",
        );
        assert_eq!(tally.skipped().collect::<Vec<_>>(), ["a: no mounts", "b: no mounts"]);
        assert_eq!(
            tally.to_string(),
            "2 tests passed in 1 test programs, 0 ignored, of the passed 2 did nothing (skipped, see above)"
        );
    }
}
