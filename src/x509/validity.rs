//! When a certificate is valid.

use time::{Date, OffsetDateTime};

/// From when to when a certificate is valid, whole seconds, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The day the validity counts from.
    pub issued_at: Date,
    /// First second: `issued_at - clock_skew`; [`Self::within`] moves it to an issuer that starts later.
    pub not_before: OffsetDateTime,
    /// Last second (RFC 5280, section 4.1.2.5: inclusive).
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// The same, but not before the issuer's first second.
    #[must_use]
    pub fn within(self, issuer: Self) -> Self {
        Self { not_before: self.not_before.max(issuer.not_before), ..self }
    }
}
