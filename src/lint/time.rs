//! Rules about validity.

use ::time::Duration;

use super::{Facts, Purpose, Rule, Severity};
use crate::x509::oid;

pub(super) const RULES: [Rule; 4] = [
    Rule {
        id: "outlives-ca",
        clause: "RFC 5280, section 6.1.3: every certificate of a chain must be valid",
        severity: Severity::Error,
        check: outlives_ca,
    },
    Rule {
        id: "clock-margin",
        clause: "isolated clocks run wrong; kubeadm v1.31 backdates by five minutes",
        severity: Severity::Warning,
        check: clock_margin,
    },
    Rule {
        id: "kubelet-life",
        clause: "client-go certificate_manager.go computes in Go durations, which end at 292 years",
        severity: Severity::Error,
        check: kubelet_life,
    },
    Rule {
        id: "web-life",
        clause: "Apple HT210176: at most 825 days for a server certificate that people's browsers see",
        severity: Severity::Warning,
        check: web_life,
    },
];

fn outlives_ca(facts: &Facts<'_>) -> Option<String> {
    let issuer = facts.issuer?;
    let outlives = facts.certificate.not_after() > issuer.not_after();
    outlives.then(|| format!("ends after its CA, which ends on {}", issuer.not_after().date()))
}

fn clock_margin(facts: &Facts<'_>) -> Option<String> {
    let margin = facts.at? - facts.certificate.not_before();
    let narrow = !margin.is_negative() && margin < Duration::minutes(5);
    narrow.then(|| {
        "begins less than five minutes before it is needed; a node whose clock is behind refuses it".to_owned()
    })
}

fn kubelet_life(facts: &Facts<'_>) -> Option<String> {
    // 290 calendar years and a clock skew of at most one more stay below 292 years of 365.25 days.
    let life = facts.certificate.not_after() - facts.certificate.not_before();
    let too_long = facts.purpose == Purpose::KubeletClient && life > Duration::days(292 * 365);
    too_long.then(|| "lives longer than a kubelet can compute".to_owned())
}

fn web_life(facts: &Facts<'_>) -> Option<String> {
    let life = facts.certificate.not_after() - facts.certificate.not_before();
    let serves = facts.certificate.usages().contains(&oid::SERVER_AUTH);
    let too_long = facts.purpose == Purpose::Other && serves && life > Duration::days(825);
    too_long.then(|| format!("is for a server and lives {} days; browsers take 825", life.whole_days()))
}
