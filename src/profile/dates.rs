//! Days, durations and instants as a profile writes them.

use time::format_description::well_known::Rfc3339;
use time::macros::date;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};
use toml::de::DeValue;
use toml::value::{Datetime, Offset};

use super::value::{WrittenValue, type_name};

/// The longest skew. A kubelet's client certificate starts earlier by the skew, and must stay below Go's 292 years.
const CLOCK_SKEW_DAYS: i64 = 366;
const LIFETIME_HINT: &str = "write \"199y\" (calendar years), \"73000d\" (days), \"87600h\" (hours) or an instant such \
                             as \"2226-11-22T00:00:00Z\"";
const FIRST_ISSUED_AT: Date = date!(2000 - 01 - 01);
const LAST_ISSUED_AT: Date = date!(2200 - 12 - 31);

/// How long a certificate lives, or until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// Calendar years. 29 February becomes 28 February in a year that lacks it.
    Years(u32),
    Days(u32),
    Hours(u32),
    Until(OffsetDateTime),
}

/// Reads `issued_at`, a TOML local date.
pub(super) fn issued_at(value: WrittenValue<'_>) -> Option<Date> {
    let reason = match value.written.get_ref() {
        DeValue::Datetime(Datetime { date: Some(day), time: None, .. }) => match calendar_date(*day) {
            Some(day) if (FIRST_ISSUED_AT..=LAST_ISSUED_AT).contains(&day) => return Some(day),
            _ => format!("not from {FIRST_ISSUED_AT} to {LAST_ISSUED_AT}"),
        },
        DeValue::Datetime(_) => "a day has no time; validity counts from 00:00:00 UTC".to_owned(),
        DeValue::String(_) => "a day stands without quotes".to_owned(),
        other => format!("expected a day, found {}", type_name(other)),
    };
    value.refuse(
        format!("`{}` is not a usable day", value.key),
        reason,
        "write the day alone, as in `issued_at = 2026-11-22`",
    )
}

/// Reads a duration that is not zero, or an instant.
pub(super) fn lifetime(value: WrittenValue<'_>) -> Option<Lifetime> {
    let read = match value.written.get_ref() {
        DeValue::Datetime(instant) => utc(instant).map(Lifetime::Until),
        DeValue::String(text) => match duration(text) {
            Some(duration) => Ok(duration),
            None => written_instant(text).map(Lifetime::Until),
        },
        _ => return value.wrong_type("a string", LIFETIME_HINT),
    };
    let (title, reason) = match read {
        Ok(Lifetime::Years(0) | Lifetime::Days(0) | Lifetime::Hours(0)) => {
            ("a validity of nothing".to_owned(), "the certificate would end as it begins")
        }
        Ok(lifetime) => return Some(lifetime),
        Err(reason) => (format!("`{}` is neither a duration nor an instant", value.key), reason),
    };
    value.refuse(title, reason, LIFETIME_HINT)
}

/// Reads a short duration, which may be zero.
pub(super) fn clock_skew(value: WrittenValue<'_>) -> Option<Lifetime> {
    let text = value.string()?;
    let skew = duration(text);
    let days = skew.and_then(|skew| match skew {
        Lifetime::Years(years) => Some(i64::from(years) * CLOCK_SKEW_DAYS),
        Lifetime::Days(days) => Some(days.into()),
        Lifetime::Hours(hours) => Some(i64::from(hours.div_ceil(24))),
        Lifetime::Until(_) => None,
    });
    match days {
        Some(days) if days <= CLOCK_SKEW_DAYS => skew,
        Some(_) => value.refuse(
            "`clock_skew` is too long",
            format!("at most {CLOCK_SKEW_DAYS} days"),
            "the default \"24h\" suits clocks that nobody sets; \"0h\" switches it off",
        ),
        None => value.refuse(
            "`clock_skew` is not a duration",
            "expected a number and one unit",
            "write \"24h\", \"7d\" or \"1y\"",
        ),
    }
}

/// Reads a number followed by one unit.
fn duration(text: &str) -> Option<Lifetime> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    let count = digits.parse::<u32>().ok().filter(|count| count.to_string() == digits)?;
    match unit {
        'y' => Some(Lifetime::Years(count)),
        'd' => Some(Lifetime::Days(count)),
        'h' => Some(Lifetime::Hours(count)),
        _ => None,
    }
}

fn written_instant(text: &str) -> Result<OffsetDateTime, &'static str> {
    let instant =
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "expected a number and one unit, or an RFC 3339 instant")?;
    whole_utc_seconds(instant)
}

fn utc(written: &Datetime) -> Result<OffsetDateTime, &'static str> {
    let (Some(day), Some(time), Some(offset)) = (written.date, written.time, written.offset) else {
        return Err("an instant has a day, a time and `Z`");
    };
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => minutes,
    };
    let impossible = "this day or second does not exist";
    let offset = UtcOffset::from_whole_seconds(i32::from(minutes) * 60).map_err(|_| impossible)?;
    let day = calendar_date(day).ok_or(impossible)?;
    let time = Time::from_hms_nano(time.hour, time.minute, time.second.unwrap_or(0), time.nanosecond.unwrap_or(0))
        .map_err(|_| impossible)?;
    whole_utc_seconds(day.with_time(time).assume_offset(offset))
}

/// Refuses instants that no certificate can hold. RFC 5280, section 4.1.2.5: dates are in UTC, end in `Z` and have no
/// fractions of a second.
fn whole_utc_seconds(instant: OffsetDateTime) -> Result<OffsetDateTime, &'static str> {
    if !instant.offset().is_utc() {
        Err("an instant is in UTC and ends in `Z`")
    } else if instant.nanosecond() != 0 {
        Err("certificates count in whole seconds")
    } else {
        Ok(instant)
    }
}

fn calendar_date(day: toml::value::Date) -> Option<Date> {
    let month = Month::try_from(day.month).ok()?;
    Date::from_calendar_date(day.year.into(), month, day.day).ok()
}

/// Writes an instant as RFC 3339 has it.
pub(super) fn instant(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}
