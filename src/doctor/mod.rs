//! Says in words what is wrong with a node.
//!
//! Why: the same few mistakes cost days each, because the error is in the log of another program than the one at fault,
//! and names neither that program nor the cause.
//!
//! Input: a node's files below a root, of a running or an unpacked system; objects saved with `kubectl get -o yaml`; a
//! time.
//!
//! Output: a [`Diagnosis`] with findings, and with how much was looked at. A finding belongs to a [`Rule`], and says
//! what is wrong, why it hurts (the text that people see) and how to mend it. [`Tree::unread`] has the files that could
//! not be read. [`crate::verify`] judges certificates and their files; this room judges the rest of the node:
//! manifests, the kubelet's configuration, homes.
//!
//! Refuses nothing. A rule that lacks a fact reports nothing.

mod bundles;
mod config_maps;
mod facts;
mod finding;
mod go_answer;
mod go_messages;
mod ingresses;
mod issued;
mod issuers;
mod kubeconfigs;
mod kubelet;
mod manifests;
mod metallb;
mod modes;
mod names;
mod objects;
mod pem_lines;
mod pki;
mod remedy;
mod renew;
mod rule;
mod rules;
mod secrets;
mod static_pod;
mod time;
mod tree;
mod webhooks;

pub use finding::{Finding, LookedAt};
pub use objects::{Objects, ObjectsError};
pub use rule::{Rule, Severity};
pub use rules::RULES;
pub use tree::{Tree, Unread};

use ::time::OffsetDateTime;

use facts::GatheredFacts;
use finding::Findings;

/// The files and objects to look at, and the times to judge them by.
pub struct Question<'a> {
    /// The node's files, if a node is to be looked at.
    pub tree: Option<&'a Tree>,
    /// Objects of the cluster.
    pub objects: &'a [Objects],
    /// The time of the check.
    pub at: OffsetDateTime,
    /// The time up to which the end of a certificate is worth a warning.
    pub expiring_by: OffsetDateTime,
}

/// What is wrong, and how much was looked at.
pub struct Diagnosis {
    /// The problems, then the warnings, each with the most specific rule first, then by file.
    pub findings: Vec<Finding>,
    /// How much was looked at.
    pub looked_at: LookedAt,
}

impl Diagnosis {
    /// Returns the number of findings that are problems, because something does not work.
    #[must_use]
    pub fn problems(&self) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity == Severity::Problem).count()
    }
}

/// Finds everything that is wrong.
#[must_use]
pub fn examine(question: &Question<'_>) -> Diagnosis {
    let clock = time::Clock { at: question.at, expiring_by: question.expiring_by };
    let mut looked_at = LookedAt::default();
    let facts = question.tree.map(GatheredFacts::read).unwrap_or_default();
    let mut findings = Findings::new(facts.node_name.clone().or_else(|| facts.host_name.clone()));
    if let Some(tree) = question.tree {
        // `names` comes before the rules of lint about names, because a manifest's statement is worth more than a
        // guess.
        names::check(tree, &facts, &mut findings);
        pki::check(tree, &facts, clock, &mut findings, &mut looked_at);
        kubelet::check(tree, &facts, &mut findings, &mut looked_at);
        manifests::check(tree, &facts, &mut findings, &mut looked_at);
        kubeconfigs::check(tree, &facts, clock, &mut findings, &mut looked_at);
        modes::check(tree, &mut findings);
    }
    let objects = objects::list(question.objects);
    looked_at.objects = objects.len();
    let go = go_answer::ANY_GO;
    pem_lines::check(&objects, &mut findings);
    let secrets = secrets::read(&objects, clock, go, &mut findings);
    let bundles = webhooks::bundles(&objects);
    let mut said = bundles::check(&bundles, &secrets, &facts, clock, go, &mut findings);
    said.extend(metallb::check(&objects, &bundles, &secrets, clock, &mut findings));
    let signers = issuers::check(&objects, &secrets, &mut findings);
    issued::check(&objects, &secrets, &signers, &said, (clock, go), &mut findings);
    ingresses::check(&objects, &secrets, &mut findings);
    config_maps::check(&objects, &facts, &mut findings);
    Diagnosis { findings: findings.finish(), looked_at }
}
