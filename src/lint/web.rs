//! Rules about servers that people call with browsers.

use ::time::Duration;

use super::names::serves;
use super::time::life;
use super::{Check, Facts, Rule, Severity};
use crate::kubernetes::Purpose;
use crate::x509::AltName;

pub(super) const RULES: [Rule; 3] = [
    Rule {
        id: "wildcard",
        clause: "RFC 9525, section 6.3: a star is the whole first label; RFC 6125, section 6.4.3, left it to clients",
        severity: Severity::Error,
        check: Check::Certificate(wildcard),
    },
    Rule {
        id: "web-wildcard",
        clause: "Firefox, pkixnames.cpp: two labels behind a star; Chromium: none for a whole top-level domain",
        severity: Severity::Warning,
        check: Check::Certificate(web_wildcard),
    },
    Rule {
        id: "web-life",
        clause: "Apple HT210176: at most 825 days, under roots that users add as well; the 398 of HT211025 are for public roots",
        severity: Severity::Warning,
        check: Check::Certificate(web_life),
    },
];

/// Reports names with a star that is not the whole first label.
///
/// Go, browsers and curl match no host with such a name. OpenSSL's own matching still accepts a star within the first
/// label.
fn wildcard(facts: &Facts<'_>) -> Option<String> {
    let has_stray_star = |name: &&str| name.strip_prefix("*.").unwrap_or(name).contains('*') && *name != "*";
    let wrong: Vec<_> = dns_names(facts).filter(has_stray_star).collect();
    (serves(facts) && !wrong.is_empty())
        .then(|| format!("names {}; a star can only be the whole first label", wrong.join(", ")))
}

fn web_wildcard(facts: &Facts<'_>) -> Option<String> {
    let is_too_wide = |name: &&str| *name == "*" || name.strip_prefix("*.").is_some_and(|rest| !rest.contains('.'));
    let wide: Vec<_> = dns_names(facts).filter(is_too_wide).collect();
    (is_web(facts) && !wide.is_empty())
        .then(|| format!("names {}; browsers need two labels behind the star", wide.join(", ")))
}

fn web_life(facts: &Facts<'_>) -> Option<String> {
    let (life, limit) = (life(facts), Duration::days(825));
    let too_long = is_web(facts) && life > limit;
    // A day that has begun counts as a whole day.
    let days = (life + Duration::days(1) - Duration::SECOND).whole_days();
    too_long.then(|| format!("is for a server and lives {days} days; Apple's programs take 825"))
}

/// Returns whether a browser may meet the certificate. People do not call the servers that Kubernetes itself calls.
fn is_web(facts: &Facts<'_>) -> bool {
    matches!(facts.purpose, Purpose::Tls | Purpose::Other) && serves(facts)
}

fn dns_names<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a str> {
    facts.certificate.alt_names().iter().filter_map(|name| match name {
        AltName::Dns(name) => Some(name.as_str()),
        AltName::Ip(_) => None,
    })
}
