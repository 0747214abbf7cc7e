//! Rules that a cluster's certificates and their files must keep, each with the clause from which it comes.
//!
//! Why: a certificate may be well formed, rightly signed and still stop a cluster. The same rules are applied before a
//! certificate is signed, when a bundle is verified and when a node is examined.
//!
//! Input: a certificate that was read, what it is for, and what is known about node, cluster and time. The rules about
//! files are rows of the same table, but [`crate::verify`] checks them, because it has the files.
//!
//! Output: every rule that the certificate breaks, with the values.
//!
//! Refuses nothing itself. A rule that lacks a fact (no node known, no issuer at hand) reports nothing.

mod facts;
pub mod file_rules;
mod identity;
mod metallb;
mod names;
mod rfc5280;
mod rule;
mod time;
mod web;

pub use facts::{ClusterFacts, Facts, NodeFacts};
pub use rule::{Breach, Rule, Severity};

use rule::Check;

/// Every rule, grouped by subject.
pub const RULES: [&[Rule]; 7] =
    [&rfc5280::RULES, &identity::RULES, &names::RULES, &time::RULES, &web::RULES, &metallb::RULES, &file_rules::RULES];

/// Returns every rule that the certificate breaks, in the order of [`RULES`].
#[must_use]
pub fn lint(facts: &Facts<'_>) -> Vec<Breach> {
    let breach = |rule: &'static Rule| match rule.check {
        Check::Certificate(check) => check(facts).map(|detail| Breach { rule, detail }),
        Check::Files => None,
    };
    RULES.into_iter().flatten().filter_map(breach).collect()
}
