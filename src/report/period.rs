//! Spans of time: those that remain, and those that a user asks for.

use std::str::FromStr;

use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime};

/// A number and a unit: `90d`, `36h`, `2y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Calendar years. 29 February becomes the 28th where the year has none.
    Years(u32),
    /// Days of 24 hours.
    Days(u32),
    /// Hours.
    Hours(u32),
}

impl Period {
    /// Returns the end of a period that begins at `at`, or the last time that can be represented if the end is beyond.
    #[must_use]
    pub fn after(self, at: OffsetDateTime) -> OffsetDateTime {
        let end = match self {
            Self::Hours(hours) => at.checked_add(Duration::hours(hours.into())),
            Self::Days(days) => at.checked_add(Duration::days(days.into())),
            Self::Years(years) => i32::try_from(years).ok().and_then(|years| {
                let year = at.year().checked_add(years)?;
                let day = at.date().replace_year(year);
                // Only 29 February is a day that another year may not have.
                let day = day.or_else(|_| Date::from_calendar_date(year, at.month(), 28)).ok()?;
                Some(at.replace_date(day))
            }),
        };
        end.unwrap_or_else(|| PrimitiveDateTime::MAX.assume_utc())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected a number and one unit, such as 90d, 36h or 2y".to_owned();
        let unit = text.chars().next_back().ok_or_else(expected)?;
        let digits = text.strip_suffix(unit).unwrap_or_default();
        // `parse` would accept a sign.
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits.parse().ok().filter(|_| is_number).ok_or_else(expected)?;
        match unit {
            'y' => Ok(Self::Years(count)),
            'd' => Ok(Self::Days(count)),
            'h' => Ok(Self::Hours(count)),
            _ => Err(expected()),
        }
    }
}

/// Returns the remaining time in the words of kubectl and kubeadm: `198y`, `364d`, `23h`, `59m`, `1s`, `<invalid>`.
///
/// Source: k8s.io/apimachinery pkg/util/duration `ShortHumanDuration`. Times longer than Go's 292 years are written as
/// they are, where kubeadm stops counting.
pub(super) fn short(left: Duration) -> String {
    let (seconds, minutes, hours) = (left.whole_seconds(), left.whole_minutes(), left.whole_hours());
    if seconds < -1 {
        "<invalid>".to_owned()
    } else if seconds < 0 {
        "0s".to_owned()
    } else if seconds < 60 {
        format!("{seconds}s")
    } else if minutes < 60 {
        format!("{minutes}m")
    } else if hours < 24 {
        format!("{hours}h")
    } else if hours < 24 * 365 {
        format!("{}d", hours / 24)
    } else {
        format!("{}y", hours / 24 / 365)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::{Period, short};

    #[test]
    fn what_is_left_reads_as_kubeadm_writes_it() {
        for (left, text) in [
            (Duration::seconds(-2), "<invalid>"),
            (Duration::milliseconds(-1_999), "0s"),
            (Duration::seconds(-1), "0s"),
            (Duration::milliseconds(-999), "0s"),
            (Duration::seconds(59), "59s"),
            (Duration::seconds(60), "1m"),
            (Duration::seconds(3_599), "59m"),
            (Duration::hours(1), "1h"),
            (Duration::hours(24) - Duration::SECOND, "23h"),
            (Duration::days(1), "1d"),
            (Duration::days(365) - Duration::SECOND, "364d"),
            (Duration::days(365), "1y"),
            (Duration::days(3_650) - Duration::SECOND, "9y"),
            (Duration::days(365 * 500), "500y"),
        ] {
            assert_eq!(short(left), text, "{left}");
        }
    }

    #[test]
    fn periods_are_a_number_and_a_unit() {
        assert_eq!("90d".parse(), Ok(Period::Days(90)));
        assert_eq!("0h".parse(), Ok(Period::Hours(0)));
        assert_eq!("2y".parse(), Ok(Period::Years(2)));
        for wrong in ["", "d", "90", "90 d", "+90d", "-1d", "1.5d", "90m", "1y6d", "99999999999d", "90D", "９d"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn years_are_calendar_years_and_no_period_overflows() {
        let at = datetime!(2028-02-29 12:00 UTC);
        assert_eq!(Period::Years(1).after(at), datetime!(2029-02-28 12:00 UTC));
        assert_eq!(Period::Years(4).after(at), datetime!(2032-02-29 12:00 UTC));
        assert_eq!(Period::Days(1).after(at), datetime!(2028-03-01 12:00 UTC));
        assert_eq!(Period::Hours(12).after(at), datetime!(2028-03-01 0:00 UTC));
        for long in [Period::Years(u32::MAX), Period::Years(9_999), Period::Days(u32::MAX), Period::Hours(u32::MAX)] {
            assert!(long.after(at) > datetime!(9999-12-31 0:00 UTC), "{long:?}");
        }
    }
}
