//! The text of `survey.sh`, joined by the compiler from its parts in `templates/survey`, as that of `install.sh` is.

/// Returns a part in shell.
macro_rules! shell {
    ($file:literal) => {
        include_str!(concat!("../../templates/survey/", $file))
    };
}

/// The script that writes the survey of a node that has no certferry.
pub const SCRIPT: &str = concat!(shell!("00-start.sh"),);
