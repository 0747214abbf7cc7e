//! The fields that every record of a bundle and its index have in common.

use serde::{Deserialize, Serialize};
use time::{Date, Month};

use super::error::RecordError;
use super::hex::{Hex, Sha256};
use super::name::is_version;
use super::text;
use crate::kubernetes::{KeyId, is_label};

/// The identity of a cluster: 16 bytes derived from the seed and the cluster's name (manual/formats.md, section 2).
pub type ClusterId = Hex<16>;

/// The bundle format that this room writes and reads.
pub const FORMAT: u32 = 1;
pub(crate) const GENERATION_LIMIT: u32 = 999_999_999;

/// The most CAs and keys that can rotate together: the CAs of a profile, and the key of service accounts.
pub(super) const ROTATING: usize = 16;

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
    /// The phase of a rotation for which the bundle is made. `None` means that it is not part of one.
    pub phase: Option<Phase>,
}

/// The phase of a rotation for which a bundle is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// 1, 2 or 3.
    pub number: u32,
    /// What rotates, at least one, in the order of the authorities.
    pub rotation: Vec<Rotating>,
    /// Whether the bundle carries trust alone, because nobody has an old key any more. Only that of phase 1 can.
    pub trust_only: bool,
}

/// A CA, or the key of service accounts, that rotates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a row of a rotation")]
pub struct Rotating {
    /// The key-id: `ca/kubernetes`, `sa`.
    #[serde(with = "text")]
    pub authority: KeyId,
    /// The SHA-256 of the old SubjectPublicKeyInfo in DER.
    pub from: Sha256,
    /// The SHA-256 of the new one.
    pub to: Sha256,
}

impl Phase {
    fn read(
        number: u32,
        rotation: Option<Vec<Rotating>>,
        trust_only: Option<bool>,
    ) -> Result<Option<Self>, RecordError> {
        let field = |field, found: &dyn ToString| Err(RecordError::Field { field, found: found.to_string() });
        match (number, rotation, trust_only) {
            (0, None, None) => Ok(None),
            (1..=3, Some(rotation), trust_only) => {
                let trust_only = match (trust_only, number) {
                    (None, _) => false,
                    // `false` is not written.
                    (Some(true), 1) => true,
                    (Some(found), _) => return field("trust_only", &found),
                };
                let phase = Self { number, rotation, trust_only };
                phase.check().map(|()| Some(phase))
            }
            (0, Some(_), _) | (1..=3, None, _) => field("rotation", &format!("of phase {number}")),
            (0, None, Some(found)) => field("trust_only", &found),
            _ => field("phase", &number),
        }
    }

    fn check(&self) -> Result<(), RecordError> {
        let field = |field, found: &dyn ToString| Err(RecordError::Field { field, found: found.to_string() });
        if !(1..=3).contains(&self.number) {
            return field("phase", &self.number);
        }
        let ids = || self.rotation.iter().map(|row| &row.authority);
        if ids().next().is_none() {
            return field("rotation", &"nothing");
        }
        if let Some((_, second)) = ids().zip(ids().skip(1)).find(|(first, second)| first >= second) {
            return field("rotation", second);
        }
        match self.rotation.iter().find(|row| row.from == row.to || row.authority.trusted().is_none()) {
            Some(row) => field("rotation", &row.authority),
            None => Ok(()),
        }
    }
}

impl Head {
    /// Returns the name of the top folder, with which the bundle's name begins too: `<cluster>-g<generation>`, in a phase
    /// of a rotation with `-p<phase>` behind it.
    #[must_use]
    pub fn top(&self) -> String {
        let name = format!("{}-g{}", self.cluster, self.generation);
        match &self.phase {
            None => name,
            Some(phase) => format!("{name}-p{}", phase.number),
        }
    }

    /// Returns the phase of a rotation, 1 to 3, or 0.
    #[must_use]
    pub fn phase_number(&self) -> u32 {
        self.phase.as_ref().map_or(0, |phase| phase.number)
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
            self.phase.as_ref().map_or(Ok(()), Phase::check)
        }
    }

    pub(super) fn read(raw: RawHead) -> Result<Self, RecordError> {
        let field = |field, found: &dyn ToString| RecordError::Field { field, found: found.to_string() };
        if raw.format != FORMAT {
            return Err(field("format", &raw.format));
        }
        let head = Self {
            cluster: raw.cluster,
            cluster_id: raw.cluster_id,
            generation: raw.generation,
            kubernetes: raw.kubernetes,
            issued_at: date(&raw.issued_at).ok_or_else(|| field("issued_at", &raw.issued_at))?,
            phase: Phase::read(raw.phase, raw.rotation, raw.trust_only)?,
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
            ("phase", left.phase.to_string(), right.phase.to_string()),
            ("rotation", outline(left.rotation), outline(right.rotation)),
            ("trust_only", left.trust_only.is_some().to_string(), right.trust_only.is_some().to_string()),
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
    pub(super) rotation: Option<Vec<Rotating>>,
    pub(super) trust_only: Option<bool>,
}

/// Writes what rotates, for a message.
fn outline(rotation: Option<Vec<Rotating>>) -> String {
    let row = |row: Rotating| format!("{} {:.8} {:.8}", row.authority, row.from.to_string(), row.to.to_string());
    rotation.map_or_else(|| "none".to_owned(), |rows| rows.into_iter().map(row).collect::<Vec<_>>().join(", "))
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
            phase: head.phase_number(),
            rotation: head.phase.as_ref().map(|phase| phase.rotation.clone()),
            trust_only: head.phase.as_ref().is_some_and(|phase| phase.trust_only).then_some(true),
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
    #![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop at once")]

    use time::macros::date as day;

    use super::{Head, Hex, Phase, RecordError, Rotating, date};

    /// The head that the tests of this room share.
    pub(in crate::bundle) fn head() -> Head {
        Head {
            cluster: "prod-1".to_owned(),
            cluster_id: Hex(std::array::from_fn(|index| index as u8)),
            generation: 1,
            kubernetes: "1.24.15".to_owned(),
            issued_at: day!(2026 - 11 - 22),
            phase: None,
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
    fn a_phase_is_one_of_a_rotation() {
        let row = |authority: &str, from: u8, to: u8| Rotating {
            authority: authority.parse().unwrap(),
            from: Hex([from; 32]),
            to: Hex([to; 32]),
        };
        let two = || Some(vec![row("ca/etcd", 1, 2), row("sa", 3, 4)]);
        assert_eq!(Phase::read(0, None, None), Ok(None));
        for number in 1..=3 {
            let phase = Phase::read(number, two(), None).unwrap().unwrap();
            let head = Head { phase: Some(phase), ..head() };
            assert_eq!((head.phase_number(), head.top()), (number, format!("prod-1-g1-p{number}")));
            assert_eq!(self::head().difference(&head).map(|(field, ..)| field), Some("phase"));
        }
        assert!(Phase::read(1, two(), Some(true)).unwrap().unwrap().trust_only);
        let field = |found: Result<Option<Phase>, RecordError>| match found {
            Err(RecordError::Field { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        for (number, rows, trust_only, expected) in [
            (4, two(), None, "phase"),
            (0, two(), None, "rotation"),
            (1, None, None, "rotation"),
            (1, Some(Vec::new()), None, "rotation"),
            (1, Some(vec![row("sa", 1, 2), row("ca/etcd", 1, 2)]), None, "rotation"),
            (1, Some(vec![row("sa", 1, 2), row("sa", 1, 2)]), None, "rotation"),
            (1, Some(vec![row("sa", 1, 1)]), None, "rotation"),
            (1, Some(vec![row("user/alice", 1, 2)]), None, "rotation"),
            (2, two(), Some(true), "trust_only"),
            (1, two(), Some(false), "trust_only"),
            (0, None, Some(true), "trust_only"),
        ] {
            assert_eq!(field(Phase::read(number, rows, trust_only)), expected, "{number}");
        }
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
