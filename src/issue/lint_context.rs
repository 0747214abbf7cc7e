//! What the rules need to know about nodes and cluster before a certificate is signed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::lint::{ClusterFacts, NodeFacts};
use crate::plan::{Plan, Recipient};
use crate::x509::AltName;

/// The facts of a plan that the rules compare certificates with.
pub(super) struct LintContext<'a> {
    addresses: BTreeMap<&'a str, &'a [IpAddr]>,
    endpoint: Option<&'a AltName>,
    service_address: Option<IpAddr>,
    metallb_rotates: bool,
}

impl<'a> LintContext<'a> {
    pub(super) fn new(plan: &'a Plan<'_>) -> Self {
        let nodes = plan.recipients.iter().filter_map(|recipient| match recipient {
            Recipient::Node(node) => Some((node.name.as_str(), node.addresses.as_slice())),
            Recipient::Cluster => None,
        });
        Self {
            addresses: nodes.collect(),
            endpoint: plan.endpoint.as_ref(),
            service_address: plan.service_address,
            metallb_rotates: plan.metallb_rotates,
        }
    }

    pub(super) fn node<'b>(&'b self, name: &'b str) -> NodeFacts<'b> {
        NodeFacts { name, addresses: self.addresses.get(name).copied().unwrap_or_default() }
    }

    pub(super) const fn metallb_rotates(&self) -> bool {
        self.metallb_rotates
    }

    pub(super) fn cluster(&self) -> ClusterFacts<'a> {
        ClusterFacts { endpoint: self.endpoint, service_address: self.service_address }
    }
}
