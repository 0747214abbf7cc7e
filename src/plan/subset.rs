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
pub fn subset<'p>(plan: &Plan<'p>, nodes: &[String], with_cluster: bool) -> Result<Plan<'p>, Vec<String>> {
    let mut unknown: BTreeSet<&str> = nodes.iter().map(String::as_str).collect();
    let wanted = unknown.clone();
    let is_wanted = |recipient: &&Recipient<'_>| match recipient {
        Recipient::Node(node) => {
            unknown.remove(node.name.as_str());
            wanted.contains(node.name.as_str())
        }
        Recipient::Cluster => with_cluster,
    };
    let recipients: Vec<_> = plan.recipients.iter().filter(is_wanted).copied().collect();
    if !unknown.is_empty() {
        return Err(unknown.into_iter().map(str::to_owned).collect());
    }
    let files = recipients.iter().flat_map(|recipient| plan.files(*recipient));
    let mut needed: BTreeSet<KeyId> =
        files.flat_map(|file| sources(&file.content).into_iter().cloned().collect::<Vec<_>>()).collect();
    // From the leaves up, because the root of an intermediate stands before it.
    for certificate in plan.certificates.iter().rev() {
        if needed.contains(&certificate.key) {
            needed.insert(certificate.issuer.clone());
        }
    }
    needed.insert(KeyId::BundleSigner);
    let keys = plan.keys.iter().filter(|key| needed.contains(&key.id)).cloned().collect();
    let certificates = plan.certificates.iter().filter(|planned| needed.contains(&planned.key)).cloned().collect();
    Ok(Plan {
        cluster: plan.cluster.clone(),
        kubernetes: plan.kubernetes,
        issued_at: plan.issued_at,
        generation: plan.generation,
        phase: plan.phase,
        endpoint: plan.endpoint.clone(),
        service_address: plan.service_address,
        metallb_rotates: plan.metallb_rotates,
        keys,
        certificates,
        recipients,
        required_bindings: plan.required_bindings.clone(),
        profile: plan.profile,
        control_planes: plan.control_planes.clone(),
    })
}
