//! Rules about the identity in a certificate: Kubernetes takes the common name as user and the organizations as groups.

use der::asn1::ObjectIdentifier;

use super::{Check, Facts, Rule, Severity};
use crate::kubernetes::Purpose;
use crate::x509::oid;

pub(super) const RULES: [Rule; 7] = [
    Rule {
        id: "extended-key-usage",
        clause: "kubeadm v1.20.2, certlist.go and kubeconfig.go; RFC 5280, section 4.2.1.12",
        severity: Severity::Error,
        check: Check::Certificate(extended_key_usage),
    },
    Rule {
        id: "extended-key-usage-alone",
        clause: "kubeadm v1.20.2, certlist.go and kubeconfig.go: no more than it is for",
        severity: Severity::Warning,
        check: Check::Certificate(extended_key_usage_alone),
    },
    Rule {
        id: "common-name",
        clause: "Kubernetes v1.20.2, the name is the user: nodeidentifier, bootstrappolicy, --requestheader-allowed-names; KEP-4872",
        severity: Severity::Error,
        check: Check::Certificate(common_name),
    },
    Rule {
        id: "common-name-by-custom",
        clause: "kubeadm v1.20.2, certlist.go",
        severity: Severity::Warning,
        check: Check::Certificate(common_name_by_custom),
    },
    Rule {
        id: "node-group",
        clause: "Kubernetes v1.20.2, pkg/auth/nodeidentifier: group system:nodes",
        severity: Severity::Error,
        check: Check::Certificate(node_group),
    },
    Rule {
        id: "node-group-alone",
        clause: "kubeadm v1.20.2, kubeconfig.go: a node is in no other group",
        severity: Severity::Warning,
        check: Check::Certificate(node_group_alone),
    },
    Rule {
        id: "lower-case-node",
        clause: "Kubernetes v1.20.2, pkg/util/node GetHostname: lower case; nodeidentifier compares exactly",
        severity: Severity::Error,
        check: Check::Certificate(lower_case_node),
    },
];

const SYSTEM_NODE: &str = "system:node:";
const NODES: &str = "system:nodes";

fn extended_key_usage(facts: &Facts<'_>) -> Option<String> {
    // The rule `metallb-usage` reports what the lack means to MetalLB.
    let is_metallbs = matches!(facts.purpose, Purpose::MetallbCa | Purpose::MetallbServer);
    if is_metallbs { None } else { lacks_usage(facts) }
}

/// Reports needed usages that the certificate is not for.
///
/// A certificate without the extension is for everything. That of a CA limits what the CA signs, because Go and OpenSSL
/// check every certificate of a chain.
pub(super) fn lacks_usage(facts: &Facts<'_>) -> Option<String> {
    let found = facts.certificate.usages();
    if found.is_empty() || found.contains(&oid::ANY_EXTENDED_KEY_USAGE) {
        return None;
    }
    let needed = facts.purpose.usages().iter();
    let missing: Vec<_> = needed.filter(|usage| !found.contains(&usage.oid())).map(ToString::to_string).collect();
    (!missing.is_empty()).then(|| format!("is not for {} (extendedKeyUsage)", missing.join(", ")))
}

fn extended_key_usage_alone(facts: &Facts<'_>) -> Option<String> {
    let (found, needed) = (facts.certificate.usages(), facts.purpose.usages());
    // A certificate that lacks a usage is reported for that alone.
    if facts.purpose.is_ca() || needed.is_empty() || lacks_usage(facts).is_some() {
        return None;
    }
    if found.is_empty() {
        return Some("has no extendedKeyUsage and so is for everything".to_owned());
    }
    let is_needed = |found: &ObjectIdentifier| needed.iter().any(|usage| usage.oid() == *found);
    let needed: Vec<_> = needed.iter().map(ToString::to_string).collect();
    (!found.iter().all(is_needed)).then(|| format!("is for more than {} (extendedKeyUsage)", needed.join(", ")))
}

/// Checks the common name where the API server, RBAC or another client reads it.
fn common_name(facts: &Facts<'_>) -> Option<String> {
    let of_node = || facts.node.map(|node| format!("{SYSTEM_NODE}{}", node.name));
    let expected = match facts.purpose {
        Purpose::FrontProxyClient | Purpose::ControllerManager | Purpose::Scheduler => {
            facts.purpose.fixed_common_name()?.to_owned()
        }
        Purpose::KubeletClient => of_node().unwrap_or_else(|| SYSTEM_NODE.to_owned()),
        Purpose::KubeletServing => of_node()?,
        // With a group, the group decides and the name does not.
        Purpose::ApiServerKubeletClient if facts.certificate.organizations().is_empty() => {
            facts.purpose.fixed_common_name()?.to_owned()
        }
        _ => return None,
    };
    let found = facts.certificate.common_name();
    // The rule `lower-case-node` reports a name that differs in case.
    let right = found.as_deref().is_some_and(|found| match facts.purpose {
        Purpose::KubeletClient if facts.node.is_none() => found.len() > expected.len() && found.starts_with(&expected),
        Purpose::KubeletClient | Purpose::KubeletServing => found.eq_ignore_ascii_case(&expected),
        _ => found == expected,
    });
    let node = if expected == SYSTEM_NODE { "<node>" } else { "" };
    (!right).then(|| format!("is for {}, not for {expected}{node}", found.as_deref().unwrap_or("nobody")))
}

/// Checks the common name where only people read it.
fn common_name_by_custom(facts: &Facts<'_>) -> Option<String> {
    let expected = match facts.purpose {
        Purpose::ApiServer => facts.purpose.fixed_common_name()?,
        Purpose::ApiServerKubeletClient if !facts.certificate.organizations().is_empty() => {
            facts.purpose.fixed_common_name()?
        }
        Purpose::EtcdServer | Purpose::EtcdPeer => facts.node?.name,
        _ => return None,
    };
    let found = facts.certificate.common_name();
    (found.as_deref() != Some(expected))
        .then(|| format!("is for {}, not for {expected}", found.as_deref().unwrap_or("nobody")))
}

fn node_group(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.purpose == Purpose::KubeletClient && !is_in_nodes(facts);
    missing.then(|| format!("is not in the group {NODES}: it is no node to the API server"))
}

fn node_group_alone(facts: &Facts<'_>) -> Option<String> {
    let more = facts.purpose == Purpose::KubeletClient && is_in_nodes(facts);
    let mut others = facts.certificate.organizations();
    others.retain(|group| group != NODES);
    (more && !others.is_empty()).then(|| format!("is in more groups than {NODES}: {}", others.join(", ")))
}

fn is_in_nodes(facts: &Facts<'_>) -> bool {
    facts.certificate.organizations().iter().any(|group| group == NODES)
}

fn lower_case_node(facts: &Facts<'_>) -> Option<String> {
    let found = facts.certificate.common_name()?;
    let of_kubelet = matches!(facts.purpose, Purpose::KubeletClient | Purpose::KubeletServing);
    let upper = of_kubelet && found.get(..SYSTEM_NODE.len())?.eq_ignore_ascii_case(SYSTEM_NODE);
    (upper && found.bytes().any(|byte| byte.is_ascii_uppercase()))
        .then(|| format!("is for {found}; the kubelet registers in lower case and is not that node"))
}
