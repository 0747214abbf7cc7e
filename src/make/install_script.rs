//! The text of `install.sh`, joined by the compiler from its parts in `templates/install`.
//!
//! The number of a part is its place. Each program for awk is a file of its own, so that an editor and `gawk --lint`
//! recognize it. The script holds each program in a variable, and a call names the programs that it needs. Each part is
//! complete for a person, an editor and shellcheck, but only [`SCRIPT`] runs.

/// Returns a part in shell.
macro_rules! shell {
    ($file:literal) => {
        include_str!(concat!("../../templates/install/", $file))
    };
}

/// Returns a variable of the shell that holds a program for awk. The program has no single quote, which would end it.
macro_rules! awk {
    ($variable:literal, $file:literal) => {
        concat!($variable, "='\n", include_str!(concat!("../../templates/install/", $file)), "'\n\n")
    };
}

/// The script that installs a bundle on a node that has no certferry.
pub const SCRIPT: &str = concat!(
    shell!("00-start.sh"),
    awk!("AWK_NEAREST", "nearest.awk"),
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
    awk!("AWK_DESCRIBE", "describe.awk"),
    awk!("AWK_PLAIN", "plain.awk"),
    shell!("40-node.sh"),
    awk!("AWK_DER", "der.awk"),
    awk!("AWK_PARTS", "parts.awk"),
    awk!("AWK_DATA", "data.awk"),
    shell!("45-certificates.sh"),
    shell!("50-lock.sh"),
    awk!("AWK_JOURNAL", "journal.awk"),
    awk!("AWK_MOUNTED", "mounted.awk"),
    awk!("AWK_MEANWHILE", "meanwhile.awk"),
    shell!("55-swap.sh"),
    awk!("AWK_DATES", "dates.awk"),
    awk!("AWK_OWNED", "owned.awk"),
    awk!("AWK_OWNERS", "owners.awk"),
    shell!("60-check.sh"),
    awk!("AWK_SORT", "sort.awk"),
    awk!("AWK_FILES", "files.awk"),
    awk!("AWK_RIGHTS", "rights.awk"),
    awk!("AWK_STAGED", "staged.awk"),
    awk!("AWK_CHANGES", "changes.awk"),
    shell!("70-stage.sh"),
    awk!("AWK_READERS", "readers.awk"),
    awk!("AWK_NOTE", "note.awk"),
    shell!("75-report.sh"),
    shell!("80-install.sh"),
    awk!("AWK_DIFFERING", "differing.awk"),
    awk!("AWK_DRIFT", "drift.awk"),
    shell!("85-back.sh"),
    shell!("90-main.sh"),
);
