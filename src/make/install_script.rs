//! The text of `install.sh`: its parts in `templates/install`, joined by the compiler.
//!
//! A part's number is its place. Programs for awk are files of their own, so that an editor and `gawk --lint` know them
//! for what they are; the script holds each in a variable, and a call names those that it needs. A part is whole by
//! itself, for a person, an editor and shellcheck; only [`SCRIPT`] runs.

/// A part in shell.
macro_rules! shell {
    ($file:literal) => {
        include_str!(concat!("../../templates/install/", $file))
    };
}

/// A program for awk, in a variable of the shell. It holds no single quote, which would end it.
macro_rules! awk {
    ($variable:literal, $file:literal) => {
        concat!($variable, "='\n", include_str!(concat!("../../templates/install/", $file)), "'\n\n")
    };
}

/// The script for a node that has no certferry.
pub const SCRIPT: &str = concat!(
    shell!("00-start.sh"),
    shell!("10-messages.sh"),
    include_str!("../../templates/shared/refuse.sh"),
    shell!("20-facts.sh"),
    awk!("AWK_FACTS", "facts.awk"),
    awk!("AWK_NAMES", "names.awk"),
    awk!("AWK_ADDRESSES", "addresses.awk"),
    awk!("AWK_MEMBERS", "members.awk"),
    awk!("AWK_GATE", "gate.awk"),
    shell!("30-archive.sh"),
    awk!("AWK_DOCUMENT", "document.awk"),
    shell!("35-records.sh"),
    awk!("AWK_HOMES", "homes.awk"),
    shell!("40-node.sh"),
    awk!("AWK_SIGNED", "signed.awk"),
    awk!("AWK_DATA", "data.awk"),
    shell!("45-certificates.sh"),
    shell!("50-lock.sh"),
    awk!("AWK_JOURNAL", "journal.awk"),
    shell!("55-swap.sh"),
    awk!("AWK_DATES", "dates.awk"),
    shell!("60-check.sh"),
    awk!("AWK_MODE", "mode.awk"),
    awk!("AWK_STAGED", "staged.awk"),
    awk!("AWK_CHANGES", "changes.awk"),
    shell!("70-stage.sh"),
    awk!("AWK_READERS", "readers.awk"),
    awk!("AWK_NOTE", "note.awk"),
    shell!("75-report.sh"),
    shell!("80-install.sh"),
    shell!("85-back.sh"),
    shell!("90-main.sh"),
);
