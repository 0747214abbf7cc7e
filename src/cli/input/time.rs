//! Reads a time on the command line.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::cli::failure::Failure;
use crate::host;

/// Returns the time that `--at` names, or now.
pub(crate) fn of(at: Option<&str>) -> Result<OffsetDateTime, Failure> {
    let Some(text) = at else { return Ok(host::now()) };
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok();
    let day = || Some(Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?.midnight().assume_utc());
    instant.or_else(day).ok_or_else(|| {
        Failure::cannot_run(format!("--at {text} is not a time")).hint("write 2026-11-22 or 2026-11-22T08:00:00Z")
    })
}
