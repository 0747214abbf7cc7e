//! `[service_account]`: the key that signs the tokens of service accounts, and the one before it.

use std::ops::Range;

use super::adoption::file;
use super::authority::algorithm;
use super::model::{KeyAdoption, ServiceAccountKey};
use super::problem::Problem;
use super::reader::TableReader;
use super::value::{Setting, WrittenValue};
use crate::x509::KeyAlgorithm;

/// `[service_account]` as far as it could be read.
pub(super) struct ServiceAccountDraft {
    algorithm: Option<Setting<KeyAlgorithm>>,
    generation: Option<u32>,
    key: Option<Option<String>>,
    is_lost: bool,
    previous: Option<Option<Box<Self>>>,
}

impl ServiceAccountDraft {
    /// Reads the table. `algorithm` is that of `[keys]`.
    pub(super) fn read(root: &TableReader<'_>, algorithm: Option<&Setting<KeyAlgorithm>>) -> Self {
        let table = root.table("service_account");
        let key = key(&table, algorithm.and_then(|setting| setting.set_at.as_ref()));
        let mut draft = Self {
            algorithm: algorithm.cloned(),
            generation: table.generation("generation"),
            key,
            is_lost: false,
            previous: Some(None),
        };
        if table.find("previous").is_some() {
            draft.previous = draft.read_previous(&table).map(|previous| Some(Box::new(previous)));
        }
        table.refuse_unknown_keys();
        draft
    }

    /// Returns `previous` as far as it could be read, or `None` when it was refused as a whole.
    fn read_previous(&self, parent: &TableReader<'_>) -> Option<Self> {
        let table = parent.table("previous");
        let named = ["generation", "key", "public_key"].map(|key| table.find(key));
        let place = table.header.clone()?;
        let [generation, key, public_key] = &named;
        match (generation, key, public_key) {
            (None, None, None) => {
                parent.problems.add(
                    Problem::error("`previous` names no key")
                        .at(&place, "nothing says from which key the cluster moves")
                        .hint(
                            "write `previous = { generation = 1 }`, or the file of the old key: \
                             `previous = { key = \"old/sa.key\" }`",
                        ),
                );
                return None;
            }
            (_, Some(_), Some(second)) => {
                return second.refuse(
                    "`public_key` with `key`",
                    "the private key holds the public one",
                    "remove `public_key`; it is for a private key that nobody has any more",
                );
            }
            (Some(_), _, Some(second)) => {
                return second.refuse(
                    "`public_key` with `generation`",
                    "the key of a generation is derived, and never lost",
                    "remove one of them",
                );
            }
            (Some(first), Some(_), _) => {
                return first.refuse(
                    "`generation` with `key`",
                    "the file in `key` is the key, whatever its number",
                    "remove one of them",
                );
            }
            _ => {}
        }
        let path = |value: Option<WrittenValue<'_>>| value.map_or(Some(None), |value| file(value).map(Some));
        let is_lost = public_key.is_some();
        let is_derived = key.is_none() && !is_lost;
        let draft = Self {
            algorithm: table.inherited("algorithm", self.algorithm.clone(), algorithm),
            generation: if is_derived { table.generation("generation") } else { self.generation },
            key: if is_lost { path(named[2]) } else { path(named[1]) },
            is_lost,
            previous: Some(None),
        };
        table.refuse_unknown_keys();
        if let (Some(own), Some(before), true) =
            (self.generation, draft.generation, is_derived && matches!(self.key, Some(None)))
            && before >= own
        {
            parent.problems.add(
                Problem::error("`previous` is not an earlier key")
                    .at(&place, format!("generation {before}, and that of [service_account] is {own}"))
                    .hint("raise `generation`, and write in `previous` the one that the cluster has"),
            );
            return None;
        }
        Some(draft)
    }

    /// Returns whether the key is one of a file.
    pub(super) const fn is_adopted(&self) -> bool {
        matches!(self.key, Some(Some(_)))
    }

    /// Returns the checked table, or `None` when something in it was refused.
    pub(super) fn build(self) -> Option<ServiceAccountKey> {
        let previous = match self.previous? {
            Some(previous) => Some(Box::new(previous.build()?)),
            None => None,
        };
        Some(ServiceAccountKey {
            algorithm: self.algorithm?.value,
            generation: self.generation?,
            adoption: self.key?.map(|key| KeyAdoption { key, found: None }),
            is_lost: self.is_lost,
            previous,
            trusted: None,
        })
    }
}

/// Reads `key`.
fn key(table: &TableReader<'_>, has_algorithm: Option<&Range<usize>>) -> Option<Option<String>> {
    let Some(value) = table.find("key") else { return Some(None) };
    let path = file(value)?;
    if let Some(place) = has_algorithm {
        table.problems.add(
            Problem::error("`service_account` of [keys] with a key that is adopted")
                .at(place, "the file in `key` of [service_account] decides it")
                .related(Some(&value.span()), "the key")
                .hint("remove it"),
        );
    }
    Some(Some(path))
}
