//! Rules about who a certificate says it is: Kubernetes takes the common name as user and the organizations as groups.

use super::{Facts, Purpose, Rule, Severity};

pub(super) const RULES: [Rule; 4] = [
    Rule {
        id: "extended-key-usage",
        clause: "kubeadm v1.20.2, certlist.go and kubeconfig.go",
        severity: Severity::Error,
        check: extended_key_usage,
    },
    Rule {
        id: "common-name",
        clause: "kubeadm v1.20.2, certlist.go; Kubernetes v1.20.2, pkg/auth/nodeidentifier: compared exactly",
        severity: Severity::Error,
        check: common_name,
    },
    Rule {
        id: "node-group",
        clause: "Kubernetes v1.20.2, pkg/auth/nodeidentifier: group system:nodes",
        severity: Severity::Error,
        check: node_group,
    },
    Rule {
        id: "lower-case-node",
        clause: "Kubernetes v1.20.2, pkg/util/node GetHostname: lower case",
        severity: Severity::Error,
        check: lower_case_node,
    },
];

const SYSTEM_NODE: &str = "system:node:";

fn extended_key_usage(facts: &Facts<'_>) -> Option<String> {
    let expected = facts.purpose.usages()?;
    let found = facts.certificate.usages();
    let same = found.iter().copied().eq(expected.iter().map(|usage| usage.oid()));
    let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
    let expected = if expected.is_empty() { "none".to_owned() } else { expected.join(", ") };
    (!same).then(|| format!("has other extended key usages than {expected}"))
}

fn common_name(facts: &Facts<'_>) -> Option<String> {
    let node = facts.node.map(|node| node.name);
    let expected = match facts.purpose {
        Purpose::ApiServer => "kube-apiserver".to_owned(),
        Purpose::ApiServerKubeletClient => "kube-apiserver-kubelet-client".to_owned(),
        Purpose::FrontProxyClient => "front-proxy-client".to_owned(),
        Purpose::ControllerManager => "system:kube-controller-manager".to_owned(),
        Purpose::Scheduler => "system:kube-scheduler".to_owned(),
        Purpose::EtcdServer | Purpose::EtcdPeer => node?.to_owned(),
        Purpose::KubeletClient | Purpose::KubeletServing => format!("{SYSTEM_NODE}{}", node?),
        _ => return None,
    };
    let found = facts.certificate.common_name();
    (found.as_deref() != Some(&expected))
        .then(|| format!("is for {}, not for {expected}", found.as_deref().unwrap_or("nobody")))
}

fn node_group(facts: &Facts<'_>) -> Option<String> {
    let wrong = facts.purpose == Purpose::KubeletClient && facts.certificate.organizations() != ["system:nodes"];
    wrong.then(|| "is not in the group system:nodes alone; the kubelet replaces it at once".to_owned())
}

fn lower_case_node(facts: &Facts<'_>) -> Option<String> {
    let found = facts.certificate.common_name()?;
    let node = found.strip_prefix(SYSTEM_NODE)?;
    node.bytes()
        .any(|byte| byte.is_ascii_uppercase())
        .then(|| format!("is for {found}; the kubelet registers in lower case and is not that node"))
}
