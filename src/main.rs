//! The `certferry` command; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    certferry::cli::run()
}
