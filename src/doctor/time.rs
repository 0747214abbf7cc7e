//! Checks certificates that have expired, are not yet valid, or end soon.

use time::OffsetDateTime;

use super::finding::Findings;
use crate::go::{GoCertificate, GoError};
use crate::x509::{ReadCertificate, instant};

/// The times against which certificates are checked.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    /// The time of the check.
    pub(super) at: OffsetDateTime,
    /// The time up to which the end of a certificate counts as soon.
    pub(super) expiring_by: OffsetDateTime,
}

impl Clock {
    /// Adds the finding about the time of a certificate, if there is one.
    pub(super) fn check(self, file: &str, it: &str, certificate: &ReadCertificate, findings: &mut Findings) {
        self.check_times(file, it, certificate.not_before(), certificate.not_after(), findings);
    }

    /// Returns a time at which neither a certificate nor the CAs that may have signed it are out of their time: that of
    /// the check, or another one if that is possible. What is out of its time is reported for itself.
    pub(super) fn inside(self, leaf: &GoCertificate, anchors: &[GoCertificate]) -> OffsetDateTime {
        let within = |at: OffsetDateTime, certificate: &GoCertificate| {
            at.max(certificate.not_before()).min(certificate.not_after())
        };
        let at = within(self.at, leaf);
        let holds = |anchor: &&GoCertificate| within(at, anchor) == at;
        let signer = |anchor: &&GoCertificate| leaf.issuer_der() == anchor.subject_der();
        if anchors.iter().filter(signer).any(|anchor| holds(&anchor)) {
            return at;
        }
        anchors.iter().find(signer).map_or(at, |anchor| within(within(at, anchor), leaf))
    }

    /// Adds the finding about a period of validity, if there is one.
    pub(super) fn check_times(
        self,
        file: &str,
        it: &str,
        begin: OffsetDateTime,
        end: OffsetDateTime,
        findings: &mut Findings,
    ) {
        if self.at > end {
            self.expired(file, it, end, findings);
        } else if self.at < begin {
            self.not_yet_valid(file, it, begin, findings);
        } else {
            self.expiring(file, it, end, findings);
        }
    }

    pub(super) fn expired(self, file: &str, it: &str, not_after: OffsetDateTime, findings: &mut Findings) {
        let error = GoError::Expired { now: self.at, end: not_after }.to_string();
        findings.add_in("expired", file, it, &[("time", &instant(not_after)), ("error", &error)]);
    }

    pub(super) fn not_yet_valid(self, file: &str, it: &str, not_before: OffsetDateTime, findings: &mut Findings) {
        let error = GoError::NotYetValid { now: self.at, begin: not_before }.to_string();
        let values = [("time", instant(not_before)), ("now", instant(self.at)), ("error", error)];
        findings.add_in("not-yet-valid", file, it, &values.each_ref().map(|(key, value)| (*key, value.as_str())));
    }

    /// Adds a finding if the certificate is still valid and ends soon.
    pub(super) fn expiring(self, file: &str, it: &str, not_after: OffsetDateTime, findings: &mut Findings) {
        if self.at <= not_after && not_after <= self.expiring_by {
            let left = not_after - self.at;
            let left = match (left.whole_days(), left.whole_hours()) {
                (0, 1) => "1 hour".to_owned(),
                (0, hours) => format!("{hours} hours"),
                (1, _) => "1 day".to_owned(),
                (days, _) => format!("{days} days"),
            };
            findings.add_in("expiring", file, it, &[("time", &instant(not_after)), ("left", &left)]);
        }
    }
}
