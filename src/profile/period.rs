//! When certificates are valid, and which setting of the profile is responsible for it.

use std::ops::Range;

use time::{Date, Duration, Month, OffsetDateTime};

use super::cluster::ClusterDraft;
use super::dates::{Lifetime, clock_skew, instant, issued_at, lifetime};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::value::Setting;
use crate::x509::Validity;

/// The longest life of a kubelet's client certificate. Go's durations end at 292 years (2^63 nanoseconds), and the
/// kubelet computes its rotation point with one.
const KUBELET_CLIENT_YEARS: u32 = 290;

/// `[validity]` as far as it could be read: the default lifetimes.
pub(super) struct Defaults {
    pub(super) ca: Option<Setting<Lifetime>>,
    pub(super) leaf: Option<Setting<Lifetime>>,
    pub(super) clock_skew: Option<Lifetime>,
}

impl Defaults {
    pub(super) fn read(root: &TableReader<'_>) -> Self {
        let table = root.table("validity");
        let defaults = Self {
            ca: table.setting("ca", Lifetime::Years(200), lifetime),
            leaf: table.setting("leaf", Lifetime::Years(199), lifetime),
            clock_skew: table.optional("clock_skew", Lifetime::Hours(24), clock_skew),
        };
        table.refuse_unknown_keys();
        defaults
    }
}

/// A validity, and the setting that is responsible for it.
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) validity: Validity,
    /// The most specific setting of this validity in the profile: one of the table itself rather than one of
    /// `[validity]`.
    pub(super) set_at: Option<Range<usize>>,
}

impl Period {
    /// Returns the period of the certificates of a table that may set `validity` and `issued_at` itself. Returns `None`
    /// when a reason was reported.
    pub(super) fn of(
        table: &TableReader<'_>,
        cluster: &ClusterDraft,
        lifetime: Option<Setting<Lifetime>>,
        defaults: &Defaults,
    ) -> Option<Self> {
        let has_own_lifetime = table.find("validity").is_some();
        Self::read(table, cluster.issued_at.as_ref(), lifetime.as_ref(), has_own_lifetime, defaults.clock_skew)
    }

    /// Returns the period of the certificates of `table`, which may set `issued_at` itself. Returns `None` when a
    /// reason was reported.
    pub(super) fn read(
        table: &TableReader<'_>,
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

    /// Refuses a kubelet's client certificate that lives longer than Go's durations can hold.
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

    /// Refuses a leaf that ends after its issuer, or ends before its issuer begins.
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
    // Cannot overflow, because both the skew and the day are bounded.
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

/// Returns the same day of another year. 29 February becomes 28 February in a year that lacks it.
fn with_year(day: Date, year: i32) -> Option<Date> {
    day.replace_year(year).or_else(|_| Date::from_calendar_date(year, Month::February, 28)).ok()
}
