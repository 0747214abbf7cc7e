//! Texts of which a lock holds one copy, however many rows have them.

use std::sync::Arc;

use super::model::{LockedCertificate, LockedKey, LockedPart};
use crate::x509::SharedTexts;

/// The texts of a lock's rows so far.
#[derive(Default)]
pub struct Texts(SharedTexts);

impl Texts {
    /// Puts the known copies of its texts into a row.
    #[must_use]
    pub fn part(&mut self, mut row: LockedPart) -> LockedPart {
        let files = Arc::unwrap_or_clone(row.files).into_iter();
        row.files = Arc::new(files.map(|(path, outline)| (self.0.share(path), self.0.share(outline))).collect());
        row
    }

    /// Puts the known copies of its texts into a row.
    #[must_use]
    pub fn key(&mut self, row: LockedKey) -> LockedKey {
        LockedKey { id: row.id.share(&mut self.0), algorithm: self.0.share(row.algorithm), ..row }
    }

    /// Puts the known copies of its texts into a row.
    #[must_use]
    pub fn certificate(&mut self, mut row: LockedCertificate) -> LockedCertificate {
        row.usages = row.usages.into_iter().map(|usage| self.0.share(usage)).collect();
        row.alt_names.shrink_to_fit();
        LockedCertificate {
            id: row.id.share(&mut self.0),
            subject: self.0.share(row.subject),
            issuer: self.0.share(row.issuer),
            issued_at: self.0.share(row.issued_at),
            not_before: self.0.share(row.not_before),
            not_after: self.0.share(row.not_after),
            ..row
        }
    }
}
