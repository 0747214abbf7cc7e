//! When a certificate is valid.

use time::{Date, OffsetDateTime};

/// The time during which a certificate is valid, in whole seconds, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The day from which the validity is counted.
    pub issued_at: Date,
    /// The first second: `issued_at - clock_skew`, or the issuer's first second when that is later; see
    /// [`Self::within`].
    pub not_before: OffsetDateTime,
    /// The last second. It belongs to the validity (RFC 5280, section 4.1.2.5).
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// Returns the same validity, but with no second before the issuer's first second.
    #[must_use]
    pub fn within(self, issuer: Self) -> Self {
        Self { not_before: self.not_before.max(issuer.not_before), ..self }
    }
}
