//! What a build may not change without an explicit word.

use std::cmp::Ordering;

use super::model::Lock;

/// A reason not to write what a build made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The lock belongs to another cluster.
    OtherCluster {
        /// The lock's cluster.
        locked: String,
        /// The profile's cluster.
        built: String,
    },
    /// Another seed: every key would be another.
    OtherSeed {
        /// The lock's seed id.
        locked: String,
        /// The given seed's id.
        given: String,
    },
    /// A CA's certificate would change though neither its generation nor its day of issue moved.
    ChangedCa {
        /// Its id.
        id: String,
    },
    /// A record would change though its generation did not.
    SameGeneration {
        /// The part.
        part: String,
        /// The generation.
        generation: u32,
    },
    /// A part's generation would go back.
    LowerGeneration {
        /// The part.
        part: String,
        /// The lock's.
        locked: u32,
        /// The profile's.
        built: u32,
    },
}

/// Everything about `new` that needs an explicit word, given the lock before. With another seed nothing else counts.
#[must_use]
pub fn refusals(old: &Lock, new: &Lock) -> Vec<Refusal> {
    if old.cluster != new.cluster {
        return vec![Refusal::OtherCluster { locked: old.cluster.clone(), built: new.cluster.clone() }];
    }
    if old.seed_id != new.seed_id {
        return vec![Refusal::OtherSeed { locked: old.seed_id.clone(), given: new.seed_id.clone() }];
    }
    let mut found: Vec<_> = changed_authorities(old, new).map(|id| Refusal::ChangedCa { id: id.to_owned() }).collect();
    found.extend(new.parts.iter().find_map(|part| {
        let before = old.parts.iter().find(|before| before.part == part.part)?;
        let name = part.part.clone();
        match part.generation.cmp(&before.generation) {
            Ordering::Less => {
                Some(Refusal::LowerGeneration { part: name, locked: before.generation, built: part.generation })
            }
            Ordering::Equal if part.record_sha256 != before.record_sha256 => {
                Some(Refusal::SameGeneration { part: name, generation: part.generation })
            }
            _ => None,
        }
    }));
    found
}

fn changed_authorities<'a>(old: &'a Lock, new: &'a Lock) -> impl Iterator<Item = &'a str> {
    let moved = |id: &str| {
        let generation = |lock: &Lock| lock.keys.iter().find(|key| key.id == id).map(|key| key.generation);
        let issued_at = |lock: &Lock| {
            lock.certificates.iter().find(|certificate| certificate.id == id).map(|found| found.issued_at.clone())
        };
        generation(old) != generation(new) || issued_at(old) != issued_at(new)
    };
    old.certificates.iter().filter(|certificate| certificate.id.starts_with("ca/")).filter_map(move |before| {
        let after = new.certificates.iter().find(|after| after.id == before.id)?;
        (after.certificate_sha256 != before.certificate_sha256 && !moved(&before.id)).then_some(before.id.as_str())
    })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::model::tests::example;
    use super::{Refusal, refusals};

    #[test]
    fn the_same_again_is_never_refused() {
        assert_eq!(refusals(&example(), &example()), []);
    }

    #[test]
    fn another_seed_stands_alone() {
        let mut new = example();
        new.seed_id = "aa".repeat(8);
        new.certificates[0].certificate_sha256 = "bb".repeat(32);
        assert_eq!(refusals(&example(), &new), [Refusal::OtherSeed { locked: "11".repeat(8), given: "aa".repeat(8) }]);
    }

    #[test]
    fn a_ca_changes_only_with_its_generation_or_day() {
        let mut new = example();
        new.generation = 2;
        new.certificates[0].certificate_sha256 = "bb".repeat(32);
        assert_eq!(refusals(&example(), &new), [Refusal::ChangedCa { id: "ca/kubernetes".into() }]);
        new.keys[0].generation = 2;
        assert_eq!(refusals(&example(), &new), []);
        new.keys[0].generation = 1;
        new.certificates[0].issued_at = "2027-01-01".into();
        assert_eq!(refusals(&example(), &new), []);
    }

    #[test]
    fn records_change_only_with_the_generation() {
        let mut new = example();
        new.parts[0].record_sha256 = "bb".repeat(32);
        assert_eq!(refusals(&example(), &new), [Refusal::SameGeneration { part: "node/cp-1".into(), generation: 1 }]);
        new.parts[0].generation = 2;
        assert_eq!(refusals(&example(), &new), []);
        let mut old = example();
        old.parts[0].generation = 3;
        let lower = Refusal::LowerGeneration { part: "node/cp-1".into(), locked: 3, built: 2 };
        assert_eq!(refusals(&old, &new), [lower]);
    }

    #[test]
    fn a_new_part_needs_no_word() {
        let mut new = example();
        let mut part = new.parts[0].clone();
        part.part = "node/worker-1".into();
        new.parts.push(part);
        assert_eq!(refusals(&example(), &new), []);
    }
}
