//! Checks the certificate with which the API server calls itself.
//!
//! The API server makes it at its start and keeps it in memory: for a year, and from 1.33 on for three. Source:
//! apiserver/pkg/server/secure_serving.go, kubernetes#130047; measured on 1.20.2 and 1.36.2.

use time::{Duration, OffsetDateTime};

use super::finding::{Findings, shell_word};
use super::rule::Severity;
use super::time::Clock;
use crate::tree::{API_SERVER, GatheredFacts};
use crate::x509::instant;

const YEAR: Duration = Duration::days(365);
/// The first minor version whose certificate lasts for three years.
const THREE_YEARS: u32 = 33;
/// The time before its end from which on a restart is worth a warning.
const NOTICE: Duration = Duration::days(180);

/// Reports an API server that has run for so long that its own certificate ends.
pub(super) fn check(facts: &GatheredFacts, since: Option<OffsetDateTime>, clock: Clock, findings: &mut Findings) {
    let (Some(since), Some(process)) = (since, facts.pod(API_SERVER)) else { return };
    // Of a version that nobody knows the shorter life counts.
    let years = if process.version.is_some_and(|version| version.minor >= THREE_YEARS) { 3 } else { 1 };
    let end = since + YEAR * years;
    if clock.at + NOTICE < end {
        return;
    }
    let severity = if clock.at > end { Severity::Problem } else { Severity::Warning };
    let verb = if clock.at > end { "ended" } else { "ends" };
    let manifest = shell_word(&format!("/{}", process.file));
    let values = [("time", instant(since)), ("end", instant(end)), ("verb", verb.to_owned()), ("manifest", manifest)];
    let values: Vec<_> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
    findings.add_as(Some(severity), "api-server-since", &process.file, API_SERVER, &values);
}
