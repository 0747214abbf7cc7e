//! What the cluster depends on, and what no bundle has.

use super::finding::{Finding, Subject};
use super::machines::Machine;
use super::objects::Objects;
use crate::survey::{Program, shown};

/// A flag whose loss would change who may do what, or make data unreadable.
struct Kept {
    program: &'static str,
    flag: &'static str,
    why: &'static str,
}

const fn of_api_server(flag: &'static str, why: &'static str) -> Kept {
    Kept { program: "kube-apiserver", flag, why }
}

/// Source: kube-apiserver v1.31, `--help`; kube-controller-manager v1.31, `--help`.
const KEPT: &[Kept] = &[
    of_api_server("encryption-provider-config", "without its keys, what etcd has encrypted is lost"),
    of_api_server("experimental-encryption-provider-config", "without its keys, what etcd has encrypted is lost"),
    of_api_server("basic-auth-file", "people and programs log in by it"),
    of_api_server("service-account-issuer", "tokens that name another issuer are refused"),
    of_api_server("service-account-jwks-uri", "who checks tokens elsewhere finds the keys there"),
    of_api_server("service-account-key-file", "each file holds a public key whose tokens are believed"),
    of_api_server("api-audiences", "tokens for other audiences are refused"),
    of_api_server("audit-policy-file", "audit"),
    of_api_server("audit-webhook-config-file", "audit"),
    of_api_server("audit-log-path", "audit"),
    of_api_server("oidc-issuer-url", "people log in by it"),
    of_api_server("oidc-ca-file", "people log in by it"),
    of_api_server("oidc-client-id", "people log in by it"),
    of_api_server("authentication-config", "people log in by it"),
    of_api_server("authentication-token-webhook-config-file", "people log in by it"),
    of_api_server("token-auth-file", "people and programs log in by it"),
    of_api_server("authorization-config", "it says who may do what"),
    of_api_server("authorization-policy-file", "it says who may do what"),
    of_api_server("authorization-webhook-config-file", "it says who may do what"),
    of_api_server("admission-control-config-file", "webhooks and their kubeconfigs"),
    of_api_server("egress-selector-config-file", "how the API server reaches nodes and webhooks"),
    of_api_server("tls-sni-cert-key", "a serving certificate for further names"),
    of_api_server("kubelet-certificate-authority", "the serving certificates of kubelets have to be of this CA"),
    of_api_server("tracing-config-file", "traces"),
    Kept {
        program: "kube-controller-manager",
        flag: "cluster-signing-kubelet-serving-cert-file",
        why: "another CA signs for kubelets",
    },
    Kept {
        program: "kube-controller-manager",
        flag: "cluster-signing-kubelet-client-cert-file",
        why: "another CA signs for kubelets",
    },
    Kept {
        program: "kube-controller-manager",
        flag: "cluster-signing-kube-apiserver-client-cert-file",
        why: "another CA signs for clients",
    },
    Kept {
        program: "kube-controller-manager",
        flag: "cluster-signing-legacy-unknown-cert-file",
        why: "another CA signs for programs",
    },
    Kept { program: "etcd", flag: "client-crl-file", why: "certificates that etcd refuses" },
    Kept { program: "etcd", flag: "peer-crl-file", why: "certificates that etcd refuses" },
];

/// The issuer and the key file that kubeadm sets in every cluster.
fn goes_without_saying(flag: &str, value: Option<&str>) -> bool {
    match flag {
        "service-account-issuer" => value == Some("https://kubernetes.default.svc.cluster.local"),
        "service-account-key-file" => value.is_some_and(|value| value.ends_with("/sa.pub")),
        _ => false,
    }
}

/// A line of the list but for the nodes, by place in the table.
type Line = (usize, String, String);

/// Lists what has to be kept: one line for what several nodes have alike.
pub(super) fn find(machines: &[Machine<'_>], objects: &Objects, findings: &mut Vec<Finding>) {
    let mut lines: Vec<(Line, Vec<&str>)> = Vec::new();
    for survey in machines.iter().filter_map(|machine| machine.survey.as_ref()) {
        let programs = survey.survey.programs.iter();
        for line in programs.flat_map(of_program) {
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, labels)) if labels.contains(&survey.label.as_str()) => {}
                Some((_, labels)) => labels.push(&survey.label),
                None => lines.push((line, vec![&survey.label])),
            }
        }
    }
    for ((index, what, place), labels) in lines {
        let why = KEPT.get(index).map_or("", |kept| kept.why);
        let text = format!("{what} in {place} of {}: {why}", labels.join(", "));
        findings.push(Finding::new(Subject::Keep, text));
    }
    for survey in machines.iter().filter_map(|machine| machine.survey.as_ref()) {
        let field = survey.field("KubeletConfiguration", "tlsCertFile");
        if let Some(field) = field.filter(|field| field.value != "/var/lib/kubelet/pki/kubelet.crt") {
            let text = format!(
                "{}: {}; the kubelet serves with it, and not with the pair of a bundle",
                field.source, field.value
            );
            findings.push(Finding::new(Subject::Keep, text));
        }
    }
    for cluster in &objects.clusters {
        for (component, flag, value) in &cluster.arguments {
            let kept = KEPT.iter().find(|kept| kept.program == *component && kept.flag == flag);
            let Some(kept) = kept.filter(|kept| !goes_without_saying(kept.flag, Some(value))) else { continue };
            // Whoever writes a configuration may put anything there: only what names a file or a server is repeated, and
            // of that what a survey would have.
            let value = shown(component, flag, value).filter(|value| value.starts_with('/') || value.contains("://"));
            let value = value.map_or_else(|| WITHHELD.to_owned(), |value| format!("={value}"));
            let text = format!("--{flag}{value} of {component}, extraArgs in {}: {}", cluster.source, kept.why);
            findings.push(Finding::new(Subject::Keep, text));
        }
        let fields = [("networking.podSubnet", &cluster.pod_subnet), ("imageRepository", &cluster.image_repository)];
        for (field, value) in fields {
            let Some(value) = value.as_deref().filter(|value| !KUBEADMS_REGISTRIES.contains(value)) else { continue };
            let value = shown("ClusterConfiguration", field, value)
                .map_or_else(|| WITHHELD.to_owned(), |value| format!(": {value}"));
            let text = format!(
                "{field}{value} in {}: no profile says it, so kubeadm's configuration in a bundle lacks it; who runs `kubeadm init` with that adds it",
                cluster.source
            );
            findings.push(Finding::new(Subject::Keep, text));
        }
    }
}

/// kubeadm's own registries, until 1.24 and since 1.25.
const KUBEADMS_REGISTRIES: [&str; 2] = ["k8s.gcr.io", "registry.k8s.io"];
/// What stands for a value that is of no form that its setting should have.
const WITHHELD: &str = " (its value is not shown)";

fn of_program(program: &Program) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, kept) in KEPT.iter().enumerate().filter(|(_, kept)| kept.program == program.name) {
        let mut add = |value: &str| {
            lines.push((index, format!("--{}{value} of {}", kept.flag, program.name), program.path.clone()));
        };
        for setting in program.all(kept.flag).filter(|setting| !goes_without_saying(kept.flag, Some(&setting.value))) {
            add(&format!("={}", setting.value));
        }
        if program.withheld.iter().any(|flag| flag == kept.flag) {
            add(WITHHELD);
        }
    }
    lines
}
