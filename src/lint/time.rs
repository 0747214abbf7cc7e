//! Rules about validity.

use ::time::Duration;

use super::{Check, Facts, Rule, Severity};
use crate::kubernetes::Purpose;

pub(super) const RULES: [Rule; 3] = [
    Rule {
        id: "outlives-ca",
        clause: "RFC 5280, section 6.1.3: every certificate of a chain must be valid",
        severity: Severity::Error,
        check: Check::Certificate(outlives_ca),
    },
    Rule {
        id: "clock-margin",
        clause: "kubeadm v1.31, constants.go CertificateBackdate: five minutes, for clocks that differ",
        severity: Severity::Warning,
        check: Check::Certificate(clock_margin),
    },
    Rule {
        id: "kubelet-life",
        clause: "client-go v1.20.2, certificate_manager.go: lives are Go durations, 2^63 nanoseconds at most",
        severity: Severity::Error,
        check: Check::Certificate(kubelet_life),
    },
];

/// The longest time that a Go duration holds, in whole seconds.
const GO_DURATION: Duration = Duration::seconds(i64::MAX / 1_000_000_000);

fn outlives_ca(facts: &Facts<'_>) -> Option<String> {
    let issuer = facts.issuer?;
    let outlives = facts.certificate.not_after() > issuer.not_after();
    outlives.then(|| format!("ends after its CA, which ends on {}", issuer.not_after().date()))
}

fn clock_margin(facts: &Facts<'_>) -> Option<String> {
    let not_before = facts.certificate.not_before();
    let is_narrow = |margin: Duration| !margin.is_negative() && margin < Duration::minutes(5);
    let narrow = facts.needed_at.iter().any(|needed_at| is_narrow(*needed_at - not_before));
    narrow.then(|| {
        "begins less than five minutes before it is needed; a node whose clock is behind refuses it".to_owned()
    })
}

/// Checks the life of a kubelet's client certificate. A longer life saturates, and puts the kubelet's rotation point
/// into the past.
fn kubelet_life(facts: &Facts<'_>) -> Option<String> {
    let too_long = facts.purpose == Purpose::KubeletClient && life(facts) > GO_DURATION;
    too_long.then(|| "lives longer than the 292 years in which a kubelet can count".to_owned())
}

/// Returns how long the certificate is valid.
pub(super) fn life(facts: &Facts<'_>) -> Duration {
    facts.certificate.not_after() - facts.certificate.not_before()
}
