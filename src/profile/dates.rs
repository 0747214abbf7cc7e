//! From a day and a lifetime to a first and a last second.

use std::ops::Range;

use time::format_description::well_known::Rfc3339;
use time::macros::date;
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset};
use toml::de::DeValue;
use toml::value::{Datetime, Offset};

use super::model::Validity;
use super::problem::{Problem, Problems};
use super::reader::Reader;
use super::value::{Setting, Value};

/// Go's durations end at 292 years (2^63 nanoseconds), and the kubelet computes its rotation point with one.
const KUBELET_CLIENT_YEARS: u32 = 290;
/// Keeps a kubelet's client certificate, which starts earlier by the skew, below Go's 292 years.
const CLOCK_SKEW_DAYS: i64 = 366;
const FIRST_ISSUED_AT: Date = date!(2000 - 01 - 01);
const LAST_ISSUED_AT: Date = date!(2200 - 12 - 31);

/// How long something lives, or until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// Calendar years; 29 February becomes the 28th.
    Years(u32),
    Days(u32),
    Hours(u32),
    Until(OffsetDateTime),
}

/// `[validity]`.
pub(super) struct Defaults {
    pub(super) ca: Option<Setting<Lifetime>>,
    pub(super) leaf: Option<Setting<Lifetime>>,
    pub(super) clock_skew: Option<Lifetime>,
}

impl Defaults {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let table = root.table("validity");
        let defaults = Self {
            ca: table.setting("ca", Lifetime::Years(200), lifetime),
            leaf: table.setting("leaf", Lifetime::Years(199), lifetime),
            clock_skew: table.optional("clock_skew", Lifetime::Hours(24), clock_skew),
        };
        table.finish();
        defaults
    }
}

/// A validity and the setting to blame for it.
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) validity: Validity,
    /// The most specific setting that the profile has for it: of its own table before `[validity]`.
    pub(super) set_at: Option<Range<usize>>,
}

impl Period {
    /// The period of the certificates of `table`, which may set `issued_at` itself; `None` once a reason is reported.
    pub(super) fn read(
        table: &Reader<'_>,
        cluster_issued_at: Option<&Setting<Date>>,
        lifetime: Option<&Setting<Lifetime>>,
        has_own_lifetime: bool,
        clock_skew: Option<Lifetime>,
    ) -> Option<Self> {
        let own_issued_at = table.setting("issued_at", None, |value| issued_at(value).map(Some))?;
        let lifetime = lifetime?;
        let issued_at = match own_issued_at.value {
            Some(day) => day,
            None => cluster_issued_at?.value,
        };
        let set_at = if has_own_lifetime {
            lifetime.set_at.clone()
        } else {
            own_issued_at.set_at.or_else(|| lifetime.set_at.clone())
        };
        let blamed = set_at.as_ref().or_else(|| cluster_issued_at.and_then(|setting| setting.set_at.as_ref()));
        let validity = validity(issued_at, lifetime.value, clock_skew?, blamed, table.problems)?;
        Some(Self { validity, set_at })
    }

    /// Refuses the end of a kubelet's client certificate beyond what Go's durations hold.
    pub(super) fn check_kubelet_client(&self, fallback: Option<&Range<usize>>, problems: &Problems) {
        let issued_at = self.validity.issued_at;
        let Some(limit) = years_later(issued_at, KUBELET_CLIENT_YEARS).map(Date::midnight) else { return };
        if self.validity.not_after > limit.assume_utc() {
            problems.add(
                Problem::error(format!("kubelet client certificates live at most {KUBELET_CLIENT_YEARS} years"))
                    .at_if(
                        self.set_at.as_ref().or(fallback),
                        format!(
                            "from {issued_at} to {}; the kubelet's rotation counts in nanoseconds, which end after 292 years",
                            instant(self.validity.not_after)
                        ),
                    )
                    .hint(format!("write at most \"{KUBELET_CLIENT_YEARS}y\", or set `client = false` in [kubelet]")),
            );
        }
    }

    /// Refuses a leaf that its issuer does not outlive, or that ends before its issuer begins.
    pub(super) fn check_within(
        &self,
        issuer: &Self,
        issuer_name: &str,
        fallback: Option<&Range<usize>>,
        problems: &Problems,
    ) {
        let (leaf, ca) = (&self.validity, &issuer.validity);
        let title = if leaf.not_after > ca.not_after {
            format!("a certificate would outlive its CA [ca.{issuer_name}]")
        } else if leaf.not_after <= ca.not_before {
            format!("a certificate would end before its CA [ca.{issuer_name}] begins")
        } else {
            return;
        };
        let issuer_dates = format!("the CA: {} to {}", instant(ca.not_before), instant(ca.not_after));
        let leaf_end = format!("the certificate ends {}", instant(leaf.not_after));
        let problem = match (&self.set_at, &issuer.set_at) {
            (Some(own), theirs) => Problem::error(title)
                .at(own, format!("{leaf_end}; {issuer_dates}"))
                .related(theirs.as_ref(), "of its CA"),
            (None, theirs) => {
                Problem::error(title).at_if(theirs.as_ref().or(fallback), format!("{issuer_dates}; {leaf_end}"))
            }
        };
        problems.add(problem.hint(
            "every certificate ends with or before its CA: set `leaf` and `ca` in [validity], or the table's own \
             `validity` and `issued_at`",
        ));
    }
}

fn validity(
    issued_at: Date,
    lifetime: Lifetime,
    clock_skew: Lifetime,
    blamed: Option<&Range<usize>>,
    problems: &Problems,
) -> Option<Validity> {
    let start = issued_at.midnight().assume_utc();
    // The skew is bounded, and so is the day.
    let not_before = earlier(issued_at, clock_skew)?;
    let Some(not_after) = later(issued_at, lifetime) else {
        problems.add(
            Problem::error("a certificate would end after the year 9999")
                .at_if(blamed, format!("counted from {issued_at}"))
                .hint("X.509 dates have four digits for the year; write a shorter validity"),
        );
        return None;
    };
    if not_after <= start {
        problems.add(
            Problem::error("a certificate would end before it begins")
                .at_if(blamed, format!("issued at {}, valid until {}", instant(start), instant(not_after)))
                .hint("write a later instant, or a duration such as \"199y\""),
        );
        return None;
    }
    Some(Validity { issued_at, not_before, not_after })
}

fn later(day: Date, lifetime: Lifetime) -> Option<OffsetDateTime> {
    let start = day.midnight().assume_utc();
    match lifetime {
        Lifetime::Years(years) => Some(years_later(day, years)?.midnight().assume_utc()),
        Lifetime::Days(days) => start.checked_add(Duration::days(days.into())),
        Lifetime::Hours(hours) => start.checked_add(Duration::hours(hours.into())),
        Lifetime::Until(instant) => Some(instant),
    }
}

fn earlier(day: Date, skew: Lifetime) -> Option<OffsetDateTime> {
    let start = day.midnight().assume_utc();
    match skew {
        Lifetime::Years(years) => {
            let year = day.year().checked_sub_unsigned(years)?;
            Some(with_year(day, year)?.midnight().assume_utc())
        }
        Lifetime::Days(days) => start.checked_sub(Duration::days(days.into())),
        Lifetime::Hours(hours) => start.checked_sub(Duration::hours(hours.into())),
        Lifetime::Until(_) => None,
    }
}

fn years_later(day: Date, years: u32) -> Option<Date> {
    with_year(day, day.year().checked_add_unsigned(years)?)
}

/// The same day of another year; 29 February becomes the 28th where the year has none.
fn with_year(day: Date, year: i32) -> Option<Date> {
    day.replace_year(year).or_else(|_| Date::from_calendar_date(year, Month::February, 28)).ok()
}

/// `issued_at`: a TOML local date.
pub(super) fn issued_at(value: Value<'_>) -> Option<Date> {
    let (title, label) = match value.written.get_ref() {
        DeValue::Datetime(Datetime { date: Some(day), time: None, .. }) => match calendar_date(*day) {
            Some(day) if (FIRST_ISSUED_AT..=LAST_ISSUED_AT).contains(&day) => return Some(day),
            _ => ("`issued_at` is out of range".to_owned(), format!("from {FIRST_ISSUED_AT} to {LAST_ISSUED_AT}")),
        },
        DeValue::Datetime(_) => {
            ("`issued_at` is not a day".to_owned(), "a day has no time; validity counts from 00:00:00 UTC".to_owned())
        }
        DeValue::String(_) => ("`issued_at` is a string".to_owned(), "a day stands without quotes".to_owned()),
        other => {
            ("`issued_at` is not a day".to_owned(), format!("expected a day, found {}", super::value::type_name(other)))
        }
    };
    value.refuse(title, label, "write the day alone, as in `issued_at = 2026-11-22`")
}

/// A positive duration, or an instant.
pub(super) fn lifetime(value: Value<'_>) -> Option<Lifetime> {
    let read = match value.written.get_ref() {
        DeValue::Datetime(instant) => utc(instant).map(Lifetime::Until),
        DeValue::String(text) => match duration(text) {
            Some(duration) => Ok(duration),
            None => written_instant(text).map(Lifetime::Until),
        },
        _ => return value.wrong_type("a string"),
    };
    let (title, reason) = match read {
        Ok(Lifetime::Years(0) | Lifetime::Days(0) | Lifetime::Hours(0)) => {
            ("a validity of nothing".to_owned(), "the certificate would end as it begins")
        }
        Ok(lifetime) => return Some(lifetime),
        Err(reason) => (format!("`{}` is neither a duration nor an instant", value.key), reason),
    };
    value.refuse(
        title,
        reason,
        "write \"199y\" (calendar years), \"73000d\" (days), \"87600h\" (hours) or an instant such as \
         \"2226-11-22T00:00:00Z\"",
    )
}

/// A duration that may be nothing and is short.
fn clock_skew(value: Value<'_>) -> Option<Lifetime> {
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

/// A number and one unit.
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

/// RFC 5280, section 4.1.2.5: dates are in UTC, end in `Z` and have no fractions of a second.
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

/// As in RFC 3339.
fn instant(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}
