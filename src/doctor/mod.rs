//! What is wrong with a node, in words.
//!
//! Why: the same few mistakes cost days each, because the error stands in another program's log than the cause, and
//! names neither.
//!
//! Input: a node's files below a root, live or unpacked; objects saved with `kubectl get -o yaml`; a time.
//!
//! Output: a [`Diagnosis`]: findings, each by a [`Rule`], with what is wrong, why it hurts (the text that people see)
//! and how to mend it; what was looked at; and what could not be read. Certificates and their files are judged by
//! [`crate::verify`]; here is what takes a look at the rest of the node: manifests, the kubelet's configuration, homes.
//!
//! Refuses nothing. A rule that lacks a fact says nothing; what cannot be read is told beside the rest.

mod bundles;
mod config_maps;
mod facts;
mod finding;
mod go_messages;
mod ingresses;
mod issuers;
mod kubeconfigs;
mod kubelet;
mod manifests;
mod metallb;
mod modes;
mod names;
mod objects;
mod pki;
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

/// What to look at.
pub struct Question<'a> {
    /// The node's files, if a node is looked at.
    pub tree: Option<&'a Tree>,
    /// Objects of the cluster.
    pub objects: &'a [Objects],
    /// The time to judge at.
    pub at: OffsetDateTime,
    /// What ends by then is worth a warning.
    pub expiring_by: OffsetDateTime,
}

/// The answer.
pub struct Diagnosis {
    /// Problems, then warnings; each most specific first, then by file.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub looked_at: LookedAt,
}

impl Diagnosis {
    /// How many findings stop something.
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
        // Before the rules of lint about names: what a manifest says is more than what one may guess.
        names::check(tree, &facts, &mut findings);
        pki::check(tree, &facts, clock, &mut findings, &mut looked_at);
        kubelet::check(tree, &facts, &mut findings, &mut looked_at);
        manifests::check(tree, &facts, &mut findings, &mut looked_at);
        kubeconfigs::check(tree, &facts, clock, &mut findings, &mut looked_at);
        modes::check(tree, &mut findings);
    }
    let objects = objects::list(question.objects);
    looked_at.objects = objects.len();
    let secrets = secrets::read(&objects, clock, &mut findings);
    let bundles = webhooks::bundles(&objects);
    bundles::check(&bundles, &secrets, &facts, clock, &mut findings);
    metallb::check(&objects, &bundles, &secrets, clock, &mut findings);
    issuers::check(&objects, &secrets, &mut findings);
    ingresses::check(&objects, &secrets, &mut findings);
    config_maps::check(&objects, &facts, &mut findings);
    Diagnosis { findings: findings.finish(), looked_at }
}
