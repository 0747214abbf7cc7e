//! `cargo xtask go-oracle [--go PATH] [--cases N] [--seed N]`: asks Go and certferry about certificates made by chance.
//! The tests of every day ask the Go of Debian 12 about a few thousand. Here it may be any Go, and more cases.

use std::fs;

use crate::{Outcome, process};

/// What the arguments say, as variables for the tests of `tests/go`.
type Variables = Vec<(&'static str, String)>;

/// The cases that are asked by default.
const CASES: u32 = 20_000;

/// Runs the tests of `tests/go`.
///
/// # Errors
/// Fails when an argument is unknown, and when both disagree about a certificate.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let variables = variables(arguments)?;
    let mut cargo = process::cargo();
    cargo.args(["test", "--locked", "--test=main", "--", "--nocapture", "go::"]).envs(variables);
    cargo.env("GOCACHE", process::root().join("target/go-cache"));
    process::run(&mut cargo)
}

fn variables(arguments: &[String]) -> Result<Variables, String> {
    let mut variables = vec![("CERTFERRY_GO_CASES", CASES.to_string())];
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let name = match argument.as_str() {
            "--go" => "CERTFERRY_GO",
            "--cases" => "CERTFERRY_GO_CASES",
            "--seed" => "CERTFERRY_GO_SEED",
            unknown => return Err(format!("unknown argument `{unknown}`")),
        };
        let value = rest.next().ok_or_else(|| format!("{argument} needs a value"))?;
        variables.retain(|(known, _)| *known != name);
        variables.push((name, if name == "CERTFERRY_GO" { program(value)? } else { number(value)? }));
    }
    Ok(variables)
}

/// Returns the whole path, because Go is started in another folder.
fn program(path: &str) -> Result<String, String> {
    let path = fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))?;
    path.into_os_string().into_string().map_err(|path| format!("{}: not UTF-8", path.display()))
}

fn number(text: &str) -> Result<String, String> {
    text.parse::<u64>().map(|number| number.to_string()).map_err(|_| format!("no number: `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::variables;

    fn said(line: &str) -> Result<Vec<(&'static str, String)>, String> {
        variables(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_become_variables() {
        let cases = ("CERTFERRY_GO_CASES", "20000".to_owned());
        assert_eq!(said(""), Ok(vec![cases.clone()]));
        assert_eq!(
            said("--seed 7 --go /"),
            Ok(vec![cases, ("CERTFERRY_GO_SEED", "7".to_owned()), ("CERTFERRY_GO", "/".to_owned())])
        );
        assert_eq!(said("--cases 5"), Ok(vec![("CERTFERRY_GO_CASES", "5".to_owned())]));
    }

    #[test]
    fn what_is_no_argument_is_refused() {
        for (line, message) in [
            ("--gone 1", "unknown argument `--gone`"),
            ("--cases", "--cases needs a value"),
            ("--seed x", "no number: `x`"),
            ("--go /nowhere/go", "/nowhere/go: No such file or directory (os error 2)"),
        ] {
            assert_eq!(said(line), Err(message.to_owned()));
        }
    }
}
