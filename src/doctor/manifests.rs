//! Checks the files that static pods name, and whether those files fit each other.

use std::collections::BTreeMap;

use super::facts::{GatheredFacts, certificates};
use super::finding::{Findings, LookedAt};
use super::static_pod::StaticPod;
use super::tree::Tree;
use crate::kubernetes::PKI;

/// The flags that tell the controller-manager to sign with a CA. It exits when one of them names a file that is not
/// there.
const SIGNING: [&str; 2] = ["cluster-signing-cert-file", "cluster-signing-key-file"];

/// A flag of a program that names a CA; kubeadm's file for that CA, below `pki`; and the program and flag that name a
/// certificate which the CA must have signed.
struct Trust {
    program: &'static str,
    flag: &'static str,
    usual: &'static str,
    of: &'static str,
    signed: &'static str,
}

/// The CAs that static pods trust. Source: kubeadm v1.20.2, phases/controlplane/manifests.go and phases/etcd/local.go.
const TRUSTS: [Trust; 6] = [
    trust("kube-apiserver", "etcd-cafile", "etcd/ca.crt", "etcd", "cert-file"),
    trust("etcd", "trusted-ca-file", "etcd/ca.crt", "kube-apiserver", "etcd-certfile"),
    trust("etcd", "peer-trusted-ca-file", "etcd/ca.crt", "etcd", "peer-cert-file"),
    trust(
        "kube-apiserver",
        "requestheader-client-ca-file",
        "front-proxy-ca.crt",
        "kube-apiserver",
        "proxy-client-cert-file",
    ),
    trust("kube-apiserver", "client-ca-file", "ca.crt", "kube-apiserver", "kubelet-client-certificate"),
    trust("kube-controller-manager", "root-ca-file", "ca.crt", "kube-apiserver", "tls-cert-file"),
];

const fn trust(
    program: &'static str,
    flag: &'static str,
    usual: &'static str,
    of: &'static str,
    signed: &'static str,
) -> Trust {
    Trust { program, flag, usual, of, signed }
}

/// Looks at every manifest.
pub(super) fn check(tree: &Tree, facts: &GatheredFacts, findings: &mut Findings, looked_at: &mut LookedAt) {
    looked_at.manifests = facts.pods.len() + facts.broken_manifests.len();
    if tree.has_journal() {
        findings.add("interrupted-apply", "etc/kubernetes/.certferry/journal", &[]);
    }
    for (file, reason) in &facts.broken_manifests {
        findings.add("manifest-yaml", file, &[("reason", reason)]);
    }
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for pod in &facts.pods {
        match first.get(pod.pod.as_str()) {
            Some(other) => findings.add("manifest-twice", &pod.file, &[("other", *other), ("pod", &pod.pod)]),
            None => drop(first.insert(&pod.pod, &pod.file)),
        }
        check_files(tree, pod, findings);
    }
    for trust in &TRUSTS {
        check_trust(tree, facts, trust, findings);
    }
}

fn check_files(tree: &Tree, pod: &StaticPod, findings: &mut Findings) {
    if !["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"].contains(&pod.program.as_str()) {
        return;
    }
    for (flag, path) in pod.file_flags() {
        let values = [("flag", flag), ("named", path), ("program", pod.program.as_str())];
        let it = format!("--{flag} in {}", pod.file);
        match pod.place(path) {
            None => findings.add_in("manifest-mount", &pod.file, &it, &values),
            Some(place) if tree.is_there(&place) || !tree.knows_folder_of(&place) => {}
            Some(_) if SIGNING.contains(&flag) => findings.add_in("signing-key-absent", &pod.file, &it, &values),
            Some(_) => findings.add_in("manifest-file", &pod.file, &it, &values),
        }
    }
}

/// Reports a CA that did not sign the certificate which it should have. kubeadm's own file for the CA is passed over,
/// because [`crate::verify`] has checked it.
fn check_trust(tree: &Tree, facts: &GatheredFacts, trust: &Trust, findings: &mut Findings) {
    let place = |program: &str, flag: &str| {
        let pod = facts.pod(program)?;
        Some((pod, pod.place(pod.flag(flag)?)?))
    };
    let (Some((pod, authority)), Some((_, leaf))) = (place(trust.program, trust.flag), place(trust.of, trust.signed))
    else {
        return;
    };
    if authority == format!("{PKI}/{}", trust.usual) {
        return;
    }
    let (authorities, leaves) = (certificates(tree, &authority), certificates(tree, &leaf));
    let Some(certificate) = leaves.first().filter(|_| !authorities.is_empty()) else { return };
    if !authorities.iter().any(|authority| certificate.is_signed_by(authority).unwrap_or(true)) {
        let it = format!("--{} in {}", trust.flag, pod.file);
        let values = [("authority", authority.as_str()), ("leaf", &leaf), ("program", trust.program)];
        findings.add_in("manifest-ca", &pod.file, &it, &values);
    }
}
