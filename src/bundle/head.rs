//! The fields that every record of a bundle and its index have in common.

use time::{Date, Month};

use super::error::RecordError;
use super::hex::Hex;
use super::name::is_version;
use crate::kubernetes::is_label;

/// The identity of a cluster: 16 bytes derived from the seed and the cluster's name (manual/formats.md, section 2).
pub type ClusterId = Hex<16>;

/// The bundle format that this room writes and reads.
pub const FORMAT: u32 = 1;
/// The phase of a rotation for which a bundle is made. There is only one so far.
pub const PHASE: u32 = 0;

pub(crate) const GENERATION_LIMIT: u32 = 999_999_999;

/// The fields that every record and the index begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The name of the cluster.
    pub cluster: String,
    /// The identity of the cluster.
    pub cluster_id: ClusterId,
    /// `[cluster] generation`, 1 to 999,999,999.
    pub generation: u32,
    /// The full Kubernetes version, such as `1.24.15`.
    pub kubernetes: String,
    /// `[cluster] issued_at`. 00:00 UTC of that day is the mtime of every entry.
    pub issued_at: Date,
}

impl Head {
    /// Returns the name of the top folder, with which the bundle's name begins too: `<cluster>-g<generation>`.
    #[must_use]
    pub fn top(&self) -> String {
        format!("{}-g{}", self.cluster, self.generation)
    }

    /// Returns the mtime of every entry, in seconds since 1970. [`Self::check`] keeps it in the range of a header.
    pub(super) fn mtime(&self) -> u64 {
        self.issued_at.midnight().assume_utc().unix_timestamp().unsigned_abs()
    }

    pub(super) fn check(&self) -> Result<(), RecordError> {
        let field = |field, found: &dyn ToString| Err(RecordError::Field { field, found: found.to_string() });
        if !is_label(&self.cluster) {
            field("cluster", &self.cluster)
        } else if !(1..=GENERATION_LIMIT).contains(&self.generation) {
            field("generation", &self.generation)
        } else if !is_version(&self.kubernetes) {
            field("kubernetes", &self.kubernetes)
        } else if !(2000..=2200).contains(&self.issued_at.year()) {
            field("issued_at", &self.issued_at)
        } else {
            Ok(())
        }
    }

    pub(super) fn read(raw: RawHead) -> Result<Self, RecordError> {
        let field = |field, found: &dyn ToString| RecordError::Field { field, found: found.to_string() };
        if raw.format != FORMAT {
            return Err(field("format", &raw.format));
        }
        if raw.phase != PHASE {
            return Err(field("phase", &raw.phase));
        }
        let head = Self {
            cluster: raw.cluster,
            cluster_id: raw.cluster_id,
            generation: raw.generation,
            kubernetes: raw.kubernetes,
            issued_at: date(&raw.issued_at).ok_or_else(|| field("issued_at", &raw.issued_at))?,
        };
        head.check()?;
        Ok(head)
    }

    /// Returns the first field in which two heads differ: its name, the value in `self` and the value in `other`.
    pub(super) fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let (left, right) = (RawHead::from(self), RawHead::from(other));
        let fields = [
            ("cluster", left.cluster, right.cluster),
            ("cluster_id", left.cluster_id.to_string(), right.cluster_id.to_string()),
            ("generation", left.generation.to_string(), right.generation.to_string()),
            ("issued_at", left.issued_at, right.issued_at),
            ("kubernetes", left.kubernetes, right.kubernetes),
        ];
        fields.into_iter().find(|(_, left, right)| left != right)
    }
}

/// The JSON of a head. serde cannot both flatten and refuse unknown keys, so records and index spell the fields out.
pub(super) struct RawHead {
    pub(super) cluster: String,
    pub(super) cluster_id: ClusterId,
    pub(super) format: u32,
    pub(super) generation: u32,
    pub(super) issued_at: String,
    pub(super) kubernetes: String,
    pub(super) phase: u32,
}

impl From<&Head> for RawHead {
    fn from(head: &Head) -> Self {
        Self {
            cluster: head.cluster.clone(),
            cluster_id: head.cluster_id,
            format: FORMAT,
            generation: head.generation,
            issued_at: head.issued_at.to_string(),
            kubernetes: head.kubernetes.clone(),
            phase: PHASE,
        }
    }
}

/// Reads `YYYY-MM-DD`, in exactly this spelling.
fn date(text: &str) -> Option<Date> {
    let mut fields = text.split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    (date.to_string() == text).then_some(date)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use time::macros::date as day;

    use super::{Head, Hex, RecordError, date};

    /// The head that the tests of this room share.
    pub(in crate::bundle) fn head() -> Head {
        Head {
            cluster: "prod-1".to_owned(),
            cluster_id: Hex(std::array::from_fn(|index| index as u8)),
            generation: 1,
            kubernetes: "1.24.15".to_owned(),
            issued_at: day!(2026 - 11 - 22),
        }
    }

    #[test]
    fn names_top_folder_and_mtime() {
        assert_eq!(head().top(), "prod-1-g1");
        assert_eq!(head().mtime(), 1_795_305_600);
        let earliest = Head { issued_at: day!(2000 - 01 - 01), ..head() };
        let latest = Head { issued_at: day!(2200 - 12 - 31), ..head() };
        assert_eq!((earliest.mtime(), latest.mtime()), (946_684_800, 7_289_568_000));
        // An mtime has eleven octal digits, as many as a header has.
        assert!(latest.mtime() < 1 << 33);
        assert_eq!((earliest.check(), latest.check()), (Ok(()), Ok(())));
    }

    #[test]
    fn refuses_what_a_head_cannot_say() {
        for (field, wrong) in [
            ("cluster", Head { cluster: "Prod".to_owned(), ..head() }),
            ("cluster", Head { cluster: "a/b".to_owned(), ..head() }),
            ("generation", Head { generation: 0, ..head() }),
            ("generation", Head { generation: 1_000_000_000, ..head() }),
            ("kubernetes", Head { kubernetes: "1.24".to_owned(), ..head() }),
            ("issued_at", Head { issued_at: day!(1999 - 12 - 31), ..head() }),
            ("issued_at", Head { issued_at: day!(2201 - 01 - 01), ..head() }),
        ] {
            assert!(matches!(wrong.check(), Err(RecordError::Field { field: found, .. }) if found == field), "{field}");
            if field != "issued_at" {
                assert_eq!(head().difference(&wrong).map(|(field, ..)| field), Some(field));
            }
        }
        assert_eq!(head().difference(&head()), None);
    }

    #[test]
    fn reads_dates_in_one_spelling() {
        assert_eq!(date("2026-11-22"), Some(day!(2026 - 11 - 22)));
        for wrong in ["", "2026-11", "2026-11-31", "2026-1-22", "+2026-11-22", "2026-11-22-", " 2026-11-22", "26-11-22"]
        {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
