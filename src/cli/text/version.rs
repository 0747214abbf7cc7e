//! What this program is: its version, its sources, what it reads and writes, how it computes.

use crate::keys::engines;
use crate::lock::Formats;

/// The commit of the sources, which `cargo xtask dist` sets. It is no part of a plain build, because cargo does not know when
/// it changes: a program would name a commit that it was not built from.
const COMMIT: Option<&str> = option_env!("CERTFERRY_COMMIT");

/// Returns the lines behind the program's name.
pub(crate) fn long() -> String {
    let Formats { profile, derivation, certificate, bundle } = Formats::CURRENT;
    let engines: Vec<_> = engines().iter().map(|engine| engine.name).collect();
    let features = if cfg!(feature = "aws-lc") { "aws-lc" } else { "none" };
    format!(
        "{}\n\
         commit    {}\n\
         formats   profile {profile}, derivation {derivation}, certificate {certificate}, bundle {bundle}\n\
         engine    {} (this machine has {})\n\
         features  {features}",
        env!("CARGO_PKG_VERSION"),
        COMMIT
            .filter(|commit| !commit.is_empty())
            .unwrap_or("unknown: not built by `cargo xtask dist` from a git checkout"),
        engines.first().unwrap_or(&"none"),
        engines.join(", "),
    )
}
