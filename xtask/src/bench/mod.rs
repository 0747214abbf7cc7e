//! `cargo xtask bench`: measures how fast certferry is on this machine, beside what it replaces, in one run. Timings
//! are not tests, because machines differ and are shared. All tables are Markdown, for the README.

mod builds;
mod cost;
mod cpu;
mod engines;
mod others;
mod scale;
mod sealing;

pub(crate) use engines::compare;

use crate::{Outcome, no_arguments};

const HINT: &str = "hint: cargo xtask bench, or of it: bench engines, bench builds, bench others, bench sealing; and bench scale [NODES] [ALGORITHM]";

/// Runs the benchmark that the first argument names, or all of them.
///
/// # Errors
/// Fails when there is no benchmark of this name, and when the benchmark fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    println!("{}", cpu::name());
    match arguments.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        Some(("engines", rest)) => engines::run(rest),
        Some(("builds", rest)) => no_arguments(rest).and_then(|()| builds::run()),
        Some(("others", rest)) => no_arguments(rest).and_then(|()| others::run()),
        Some(("sealing", rest)) => no_arguments(rest).and_then(|()| sealing::run()),
        // Ten minutes, so only when it is asked for.
        Some(("scale", rest)) => scale::run(rest),
        None | Some(("--keys" | "--aws-lc", _)) => {
            engines::run(arguments)?;
            builds::run()?;
            others::run()?;
            sealing::run()
        }
        Some((name, _)) => Err(format!("no benchmark `{name}`\n{HINT}")),
    }
}
