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

mod above;
mod authorities;
mod bundles;
mod config_maps;
mod containerd;
mod elsewhere;
mod finding;
mod ingresses;
mod installed;
mod issued;
mod issuers;
mod judge;
mod kubeconfigs;
mod kubelet;
mod load;
mod loopback;
mod manifests;
mod metallb;
mod modes;
mod names;
mod objects;
mod pem_lines;
mod pki;
mod registries;
mod remedy;
mod renew;
mod renewed;
mod rotating;
mod rule;
mod rules;
mod secrets;
mod time;
mod usable;
mod webhooks;
mod words;

pub use finding::{Finding, LookedAt};
pub use installed::Installed;
pub use objects::{Objects, ObjectsError};
pub use rule::{Rule, Severity};
pub use rules::RULES;

use ::time::OffsetDateTime;

use crate::tree::{API_SERVER, GatheredFacts, Tree};
use finding::Findings;

use crate::go::GoRange;

/// The files and objects to look at, and the times to judge them by.
pub struct Question<'a> {
    /// The node's files, if a node is to be looked at.
    pub tree: Option<&'a Tree>,
    /// What lies on the node otherwise than it was installed.
    pub installed: Installed<'a>,
    /// Whether the files may be a copy of a node's, which may have lost their modes.
    pub is_copy: bool,
    /// Since when the API server has run, if it runs on this very machine.
    pub api_server_since: Option<OffsetDateTime>,
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
    /// What could not be checked, each with the reason.
    pub unchecked: Vec<String>,
    /// How much was looked at.
    pub looked_at: LookedAt,
}

impl Diagnosis {
    /// Returns whether there was no certificate to judge, and nothing else was found.
    #[must_use]
    pub fn judged_nothing(&self) -> bool {
        self.findings.is_empty() && self.looked_at.certificates == 0
    }

    /// Returns the number of problems, because of each of which something does not work. Several findings of one cause
    /// are one problem.
    #[must_use]
    pub fn problems(&self) -> usize {
        Finding::together(&self.findings).iter().filter(|finding| finding.severity == Severity::Problem).count()
    }
}

/// Finds everything that is wrong.
#[must_use]
pub fn examine(question: &Question<'_>) -> Diagnosis {
    let clock = time::Clock { at: question.at, expiring_by: question.expiring_by };
    let mut looked_at = LookedAt::default();
    let facts = question.tree.map(GatheredFacts::read).unwrap_or_default();
    let folder = question.tree.map(|tree| tree.certificates_dir.clone()).unwrap_or_default();
    let mut findings = Findings::new(facts.node_name.clone().or_else(|| facts.host_name.clone()), folder);
    let mut registries = Vec::new();
    if let Some(tree) = question.tree {
        installed::check(question.installed, &mut findings);
        examine_node(tree, &facts, clock, &mut findings, &mut looked_at);
        if question.is_copy {
            modes::check_copy(tree, &mut findings);
        }
        loopback::check(&facts, question.api_server_since, clock, &mut findings);
        registries.extend(registries::check(tree, clock, &mut findings));
    }
    let objects = objects::list(question.objects);
    looked_at.objects = objects.len();
    // Who serves with a Secret may be built with any Go that is newer than the API server's.
    let go = GoRange { oldest: facts.go_of(API_SERVER).oldest, ..GoRange::UNKNOWN };
    pem_lines::check(&objects, &mut findings);
    let secrets = secrets::read(&objects, clock, go, &mut findings);
    registries::check_secrets(&registries, &secrets, &mut findings);
    let bundles = webhooks::bundles(&objects);
    let mut said = bundles::check(&bundles, &secrets, &facts, clock, go, &mut findings);
    said.extend(metallb::check(&objects, &bundles, &secrets, clock, &mut findings));
    let signers = issuers::check(&objects, &secrets, &mut findings);
    issued::check(&objects, &secrets, &signers, &said, (clock, go), &mut findings);
    ingresses::check(&objects, &secrets, &mut findings);
    config_maps::check(&objects, &facts, clock, &mut findings);
    rotating::check_kubeadm_certs(&objects, &facts, &mut findings);
    let unchecked = findings.all_unchecked();
    Diagnosis { findings: findings.finish(), unchecked, looked_at }
}

fn examine_node(
    tree: &Tree,
    facts: &GatheredFacts,
    clock: time::Clock,
    findings: &mut Findings,
    looked_at: &mut LookedAt,
) {
    let mut misfits = judge::Misfits::default();
    let loaded = judge::check(tree, facts, clock, &mut misfits, findings, looked_at);
    // `names` comes before the rules of lint about names, because a manifest's statement is worth more than a guess.
    names::check(tree, facts, findings);
    pki::check(tree, facts, &loaded, clock, findings, looked_at);
    kubelet::check(tree, facts, clock, findings, looked_at);
    manifests::check(tree, facts, findings, looked_at);
    kubeconfigs::Judge { tree, facts, clock, loaded: &loaded }.check(&mut misfits, findings, looked_at);
    modes::check(tree, findings);
    looked_at.certificates += elsewhere::check(tree, &loaded, clock, findings);
    authorities::check(tree, clock, findings);
    above::check(tree, &loaded, findings);
    renewed::check(tree, facts, clock, findings);
    for culprit in misfits.culprits() {
        // Its key lies beside another certificate now.
        for key in loaded.iter().filter(|(used, _)| used.place == culprit).filter_map(|(used, _)| used.key.as_ref()) {
            findings.withdraw("key-pair", &key.place);
        }
    }
    misfits.report(findings);
}
