//! Values with their sources, and the choice among sources that contradict each other.

use super::finding::{Finding, Subject};

/// A value, and who says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) value: T,
    /// The source in words, as it stands in the comment behind the value. It may repeat untrusted text.
    pub(super) source: String,
}

impl<T> Said<T> {
    pub(super) fn new(value: T, source: impl Into<String>) -> Self {
        Self { value, source: source.into() }
    }
}

/// Returns the first of the claims, which come in the order of their certainty, and lists those that differ from it.
pub(super) fn decide<T: PartialEq>(
    what: &str,
    claims: Vec<Said<T>>,
    show: impl Fn(&T) -> String,
    findings: &mut Vec<Finding>,
) -> Option<Said<T>> {
    let mut claims = claims.into_iter();
    let taken = claims.next()?;
    let mut others: Vec<Said<T>> = Vec::new();
    for claim in claims.filter(|claim| claim.value != taken.value) {
        if others.iter().all(|other| other.value != claim.value) {
            others.push(claim);
        }
    }
    for other in others {
        findings.push(Finding::new(
            Subject::Contradiction,
            format!(
                "{what}: {} ({}) was taken, but {} says {}",
                show(&taken.value),
                taken.source,
                other.source,
                show(&other.value)
            ),
        ));
    }
    Some(taken)
}
