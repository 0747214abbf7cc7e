//! Reduces a plan to some of its parts.

use std::collections::BTreeSet;

use super::part_changes::sources;
use super::{Plan, Recipient};
use crate::kubernetes::KeyId;

/// Returns the plan for these nodes alone, and for the cluster's part if asked for.
///
/// It has the files of these parts, and only the keys and certificates that the files need. A certificate needs the key
/// of its issuer.
///
/// # Errors
/// Returns the names that no node of the plan has.
pub fn subset(plan: &Plan, nodes: &[String], with_cluster: bool) -> Result<Plan, Vec<String>> {
    let wanted: BTreeSet<&str> = nodes.iter().map(String::as_str).collect();
    let parts: Vec<_> = plan
        .parts
        .iter()
        .filter(|part| match &part.recipient {
            Recipient::Node(node) => wanted.contains(node.name.as_str()),
            Recipient::Cluster => with_cluster,
        })
        .cloned()
        .collect();
    let found: BTreeSet<&str> = parts
        .iter()
        .filter_map(|part| match &part.recipient {
            Recipient::Node(node) => Some(node.name.as_str()),
            Recipient::Cluster => None,
        })
        .collect();
    let unknown: Vec<_> = wanted.difference(&found).map(|&name| name.to_owned()).collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut needed: BTreeSet<&KeyId> =
        parts.iter().flat_map(|part| &part.files).flat_map(|file| sources(&file.content)).collect();
    // From the leaves up, because the root of an intermediate stands before it.
    for certificate in plan.certificates.iter().rev() {
        if needed.contains(&certificate.key) {
            needed.insert(&certificate.issuer);
        }
    }
    needed.insert(&KeyId::BundleSigner);
    let keys = plan.keys.iter().filter(|key| needed.contains(&key.id)).cloned().collect();
    let certificates = plan.certificates.iter().filter(|planned| needed.contains(&planned.key)).cloned().collect();
    Ok(Plan {
        cluster: plan.cluster.clone(),
        kubernetes: plan.kubernetes,
        issued_at: plan.issued_at,
        generation: plan.generation,
        endpoint: plan.endpoint.clone(),
        service_address: plan.service_address,
        metallb_rotates: plan.metallb_rotates,
        keys,
        certificates,
        required_bindings: plan.required_bindings.clone(),
        parts,
    })
}
