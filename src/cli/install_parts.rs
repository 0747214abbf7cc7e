//! The text of `install.sh`: its parts in `templates/install`, joined by the compiler.
//!
//! A part's number is its place. A part is whole by itself, so that a person, an editor and shellcheck can read one
//! alone; only [`SCRIPT`] runs.

/// The script for a node that has no certferry.
pub const SCRIPT: &str = concat!(
    include_str!("../../templates/install/00-start.sh"),
    include_str!("../../templates/install/10-messages.sh"),
    include_str!("../../templates/install/20-places.sh"),
    include_str!("../../templates/install/25-names.sh"),
    include_str!("../../templates/install/30-archive.sh"),
    include_str!("../../templates/install/35-records.sh"),
    include_str!("../../templates/install/40-node.sh"),
    include_str!("../../templates/install/45-certificates.sh"),
    include_str!("../../templates/install/50-lock.sh"),
    include_str!("../../templates/install/55-swap.sh"),
    include_str!("../../templates/install/60-check.sh"),
    include_str!("../../templates/install/70-stage.sh"),
    include_str!("../../templates/install/75-report.sh"),
    include_str!("../../templates/install/80-install.sh"),
    include_str!("../../templates/install/85-back.sh"),
    include_str!("../../templates/install/90-main.sh"),
);
