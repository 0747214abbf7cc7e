//! What the cluster depends on, and what no bundle has.

use super::finding::{Finding, Subject};
use super::machines::Machine;
use super::objects::Objects;
use crate::survey::Program;

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

/// Lists what has to be kept.
pub(super) fn find(machines: &[Machine<'_>], objects: &Objects, findings: &mut Vec<Finding>) {
    for machine in machines {
        let Some(survey) = &machine.survey else { continue };
        for program in &survey.survey.programs {
            let place = survey.of(&program.path);
            for kept in KEPT.iter().filter(|kept| kept.program == program.name) {
                of_program(kept, program, &place, findings);
            }
        }
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
            // Whoever writes a configuration may put anything there: only what names a file is repeated.
            let value = if value.starts_with('/') { format!("={value}") } else { String::new() };
            let text = format!("--{flag}{value} of {component}, extraArgs in {}: {}", cluster.source, kept.why);
            findings.push(Finding::new(Subject::Keep, text));
        }
    }
}

fn of_program(kept: &Kept, program: &Program, place: &str, findings: &mut Vec<Finding>) {
    let mut say = |value: &str| {
        let text = format!("--{}{value} of {} in {place}: {}", kept.flag, program.name, kept.why);
        findings.push(Finding::new(Subject::Keep, text));
    };
    for setting in program.all(kept.flag).filter(|setting| !goes_without_saying(kept.flag, Some(&setting.value))) {
        say(&format!("={}", setting.value));
    }
    if program.withheld.iter().any(|flag| flag == kept.flag) {
        say("");
    }
}
