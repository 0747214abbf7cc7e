//! Chooses the engine that searches for primes: the fastest that this machine can run, or the one that a variable
//! names.
//!
//! The variable is for tests and benchmarks, because keys are the same with every engine.

use crate::cli::failure::Failure;
use crate::keys::{Engine, engines};

/// The variable that names an engine. The fastest is chosen when it is unset or empty.
const VARIABLE: &str = "CERTFERRY_ENGINE";

/// Returns the engine for this run.
pub(crate) fn chosen() -> Result<Engine, Failure> {
    let wanted = std::env::var_os(VARIABLE).unwrap_or_default();
    choose(engines(), &wanted.to_string_lossy())
}

fn choose(engines: Vec<Engine>, wanted: &str) -> Result<Engine, Failure> {
    let names: Vec<&str> = engines.iter().map(|engine| engine.name).collect();
    let hint = format!("this machine has {}; keys are the same with each of them", names.join(", "));
    let mut fitting = engines.into_iter().filter(|engine| wanted.is_empty() || engine.name == wanted);
    fitting.next().ok_or_else(|| {
        Failure::cannot_run(format!("{VARIABLE}: no engine `{}` on this machine", wanted.escape_debug())).hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::keys::engines;

    #[test]
    fn the_fastest_engine_unless_one_is_named() {
        let name = |wanted| choose(engines(), wanted).ok().map(|engine| engine.name);
        assert_eq!(name(""), engines().first().map(|engine| engine.name));
        for engine in engines() {
            assert_eq!(name(engine.name), Some(engine.name));
        }
    }

    #[test]
    fn what_there_is_instead_is_said() {
        let engines = || engines().into_iter().filter(|engine| engine.name == "portable").collect();
        let expected = "error: CERTFERRY_ENGINE: no engine `Ifma\\n` on this machine\n\
                        hint: this machine has portable; keys are the same with each of them\n";
        assert_eq!(choose(engines(), "Ifma\n").err().map(|failure| failure.text()), Some(expected.to_owned()));
    }
}
