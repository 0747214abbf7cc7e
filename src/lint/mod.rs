//! Rules that a cluster's certificates and the files they are in must keep, each with the clause it comes from.
//!
//! Why: a certificate may be well formed, rightly signed and still stop a cluster. The same rules speak before a
//! certificate is signed, when a bundle is verified and when a node is looked at.
//!
//! Input: a certificate read back, what it is for, and what is known of node, cluster and time. The rules about files
//! are rows of the same table; [`crate::verify`] looks at the files.
//!
//! Output: every rule it breaks, with the values.
//!
//! Refuses nothing itself. A rule that lacks a fact (no node known, no issuer at hand) says nothing.

mod facts;
pub mod files;
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

/// Every rule, grouped by where it comes from.
pub const RULES: [&[Rule]; 7] =
    [&rfc5280::RULES, &identity::RULES, &names::RULES, &time::RULES, &web::RULES, &metallb::RULES, &files::RULES];

/// Every rule that the certificate breaks, in the order of the table.
#[must_use]
pub fn lint(facts: &Facts<'_>) -> Vec<Breach> {
    let breach = |rule: &'static Rule| match rule.check {
        Check::Certificate(check) => check(facts).map(|detail| Breach { rule, detail }),
        Check::Files => None,
    };
    RULES.into_iter().flatten().filter_map(breach).collect()
}
