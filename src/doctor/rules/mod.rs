//! Every rule of the doctor, the most specific first. A rule about a cause comes before the rules about its effects.

mod files;
mod lints;
mod node;
mod objects;
mod registries;

use super::rule::{Rule, warning};

/// Every rule, grouped by subject.
pub const RULES: [&[Rule]; 5] = [&node::RULES, &registries::RULES, &files::RULES, &objects::RULES, &lints::RULES];

/// The rule for a rule of [`crate::lint`] that is not explained here. A test ensures that there is none.
const UNEXPLAINED: Rule =
    warning("unexplained", "{it} {detail}", "it breaks the rule {id} (`certferry help lints`)", "{renew}");
static FALLBACK: Rule = UNEXPLAINED;

/// Returns the rule with that name, and its rank.
pub(super) fn find(id: &str) -> (usize, &'static Rule) {
    let found = RULES.into_iter().flatten().enumerate().find(|(_, rule)| rule.id == id);
    found.unwrap_or((usize::MAX, &FALLBACK))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::RULES;
    use crate::doctor::rule::Severity;
    use crate::lint;

    #[test]
    fn every_lint_is_explained_with_its_severity() {
        for known in lint::RULES.into_iter().flatten() {
            let rule = RULES.into_iter().flatten().find(|rule| rule.id == known.id);
            assert_eq!(rule.map(|rule| rule.severity), Some(Severity::from(known.severity)), "{}", known.id);
        }
    }

    #[test]
    fn no_rule_stands_twice_and_every_one_replaced_exists() {
        let mut seen = BTreeSet::new();
        assert!(RULES.into_iter().flatten().all(|rule| seen.insert(rule.id)));
        let replaced = RULES.into_iter().flatten().flat_map(|rule| rule.instead_of);
        assert!(replaced.copied().all(|id| seen.contains(id)));
    }

    /// The texts are read after "why:" and "mend:", and end without a full stop.
    #[test]
    fn texts_are_told_alike() {
        for rule in RULES.into_iter().flatten() {
            for text in [rule.what, rule.hurts, rule.mend] {
                assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{}: {text}", rule.id);
                assert_eq!(text.matches('`').count() % 2, 0, "{}: {text}", rule.id);
            }
        }
    }
}
