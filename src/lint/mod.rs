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

pub mod files;
mod identity;
mod metallb;
mod names;
mod rfc5280;
mod time;
mod web;

use std::net::IpAddr;

use ::time::OffsetDateTime;

use crate::kubernetes::Purpose;
use crate::x509::{AltName, ReadCertificate};

/// How much breaking a rule matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something stops working, now or later.
    Error,
    /// Something may stop working, or somebody will ask.
    Warning,
}

/// A rule for certificates or their files.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The name: lower case, never changed.
    pub id: &'static str,
    /// The source of the rule.
    pub clause: &'static str,
    /// How much breaking the rule matters.
    pub severity: Severity,
    /// The code that checks the rule.
    check: Check,
}

/// The code that checks whether a rule is kept.
#[derive(Clone, Copy)]
enum Check {
    /// Returns what is wrong with a certificate, as the end of a sentence that begins with "it", or `None` when it
    /// keeps the rule.
    Certificate(fn(&Facts<'_>) -> Option<String>),
    /// Needs more than one certificate. [`crate::verify`], which has the files, checks the rule.
    Files,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.id)
    }
}

/// What is known about a certificate and its surroundings.
pub struct Facts<'a> {
    /// The certificate, as it was read.
    pub certificate: &'a ReadCertificate,
    /// What the certificate is for.
    pub purpose: Purpose,
    /// The certificate of the issuer, if at hand.
    pub issuer: Option<&'a ReadCertificate>,
    /// The node on which the certificate is.
    pub node: Option<NodeFacts<'a>>,
    /// The name by which the API server calls a webhook: `<service>.<namespace>.svc`.
    pub service: Option<&'a AltName>,
    /// The cluster to which the certificate belongs.
    pub cluster: ClusterFacts<'a>,
    /// The instants at which the certificate must be valid: the day it is issued, the day of its bundle, the time of an
    /// examination.
    pub needed_at: &'a [OffsetDateTime],
}

/// What is known about a node.
#[derive(Clone, Copy)]
pub struct NodeFacts<'a> {
    /// The name under which the kubelet registers the node.
    pub name: &'a str,
    /// The addresses, as far as they are known. The first is the advertise address.
    pub addresses: &'a [IpAddr],
}

/// What is known about the cluster.
#[derive(Clone, Copy, Default)]
pub struct ClusterFacts<'a> {
    /// The host that clients of the API servers connect to: the control plane endpoint, or the only control plane.
    pub endpoint: Option<&'a AltName>,
    /// The first address of the service subnet. When it is not known, any address that could be one will do.
    pub service_address: Option<IpAddr>,
}

/// A broken rule, and how it is broken.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The rule.
    pub rule: &'static Rule,
    /// What is wrong, as the end of a sentence that begins with "it".
    pub detail: String,
}

impl PartialEq for Breach {
    fn eq(&self, other: &Self) -> bool {
        (self.rule.id, &self.detail) == (other.rule.id, &other.detail)
    }
}

impl Eq for Breach {}

/// Every rule, grouped by subject.
pub const RULES: [&[Rule]; 7] =
    [&rfc5280::RULES, &identity::RULES, &names::RULES, &time::RULES, &web::RULES, &metallb::RULES, &files::RULES];

/// Returns every rule that the certificate breaks, in the order of [`RULES`].
#[must_use]
pub fn lint(facts: &Facts<'_>) -> Vec<Breach> {
    let breach = |rule: &'static Rule| match rule.check {
        Check::Certificate(check) => check(facts).map(|detail| Breach { rule, detail }),
        Check::Files => None,
    };
    RULES.into_iter().flatten().filter_map(breach).collect()
}
