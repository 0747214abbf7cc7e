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

/// Whether breaking a rule stops something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does, or will.
    Error,
    /// It may, or somebody will ask.
    Warning,
}

/// A rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name: lower case, never changed.
    pub id: &'static str,
    /// Where it is stated.
    pub clause: &'static str,
    /// What breaking it means.
    pub severity: Severity,
    /// Who looks.
    check: Check,
}

/// Who looks whether a rule is kept.
#[derive(Clone, Copy)]
enum Check {
    /// What is wrong with a certificate, in words that follow "it"; nothing when it keeps the rule.
    Certificate(fn(&Facts<'_>) -> Option<String>),
    /// Takes more than one certificate: [`crate::verify`] looks, which has the files.
    Files,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.id)
    }
}

/// What is known about a certificate.
pub struct Facts<'a> {
    /// The certificate.
    pub certificate: &'a ReadCertificate,
    /// What it is for.
    pub purpose: Purpose,
    /// Its issuer, if at hand.
    pub issuer: Option<&'a ReadCertificate>,
    /// The node it is on.
    pub node: Option<NodeFacts<'a>>,
    /// By which the API server calls a webhook: `<service>.<namespace>.svc`.
    pub service: Option<&'a AltName>,
    /// The cluster.
    pub cluster: ClusterFacts<'a>,
    /// Instants at which it is to work: the day it is asked for, the day of its bundle, the time of a look at it.
    pub needed_at: &'a [OffsetDateTime],
}

/// What is known about a node.
#[derive(Clone, Copy)]
pub struct NodeFacts<'a> {
    /// The name the kubelet registers.
    pub name: &'a str,
    /// Its addresses, as far as they are known; the first is the advertise address.
    pub addresses: &'a [IpAddr],
}

/// What is known about the cluster.
#[derive(Clone, Copy, Default)]
pub struct ClusterFacts<'a> {
    /// The host by which clients call the API servers: the control plane endpoint, or the only control plane.
    pub endpoint: Option<&'a AltName>,
    /// The first address of the service subnet; without it, any address that could be one will do.
    pub service_address: Option<IpAddr>,
}

/// A rule that is broken, and how.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The rule.
    pub rule: &'static Rule,
    /// What is wrong, in words that follow "it".
    pub detail: String,
}

impl PartialEq for Breach {
    fn eq(&self, other: &Self) -> bool {
        (self.rule.id, &self.detail) == (other.rule.id, &other.detail)
    }
}

impl Eq for Breach {}

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
