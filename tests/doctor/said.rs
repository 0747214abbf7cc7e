//! What a person reads: of every planted fault in `said.txt`, rewritten with `CERTFERRY_BLESS=1`; the forms here.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::rights::{Right, lacks};
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node, planted};
use crate::planting::PKI;
use crate::planting::faults::leaf;

#[test]
fn golden_every_fault_is_told_in_words() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let mut told = String::new();
    let lints = planted::lints().filter(|(_, fault, _)| fault.told).map(|(rule, _, node)| (&*rule.id, node));
    for (rule, node) in planted::nodes().map(|(flaw, node)| (flaw.rule, node)).chain(lints) {
        let (said, _) = node.says();
        let (findings, seen) = said.trim_end().rsplit_once("\n\n").unwrap();
        assert!(seen.starts_with("looked at "), "{said}");
        for line in said.lines() {
            // A command is not cut.
            assert!(
                line.chars().count() <= 100 || line.trim_start().trim_start_matches("mend: ").starts_with('`'),
                "{line}"
            );
        }
        told += &format!("# {rule}\n{findings}\n\n");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/said.txt");
    if std::env::var_os("CERTFERRY_BLESS").is_some_and(|value| value == "1") {
        fs::write(&file, &told).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(told == expected, "`cargo xtask bless` rewrites {}:\n{told}", file.display());
}

/// Two faults: problems before warnings, each most specific first.
fn two_faults() -> Node {
    let node = Node::control_plane(|lab, _| leaf(lab, "apiserver.crt", |forge| forge.serial = vec![0]));
    node.replace(&format!("{MANIFESTS}/kube-apiserver.yaml"), "10.96.0.0/12", "10.20.0.8/29");
    node
}

#[test]
fn text_is_what_why_and_the_way_out() {
    assert_eq!(
        two_faults().says(),
        (
            "\
problem: etc/kubernetes/pki/apiserver.crt lacks 10.20.0.9 (--service-cluster-ip-range in
    etc/kubernetes/manifests/kube-apiserver.yaml)
  why:  pods that call https://kubernetes.default say
        `x509: certificate is valid for 10.96.0.1, 192.168.10.5, not 10.20.0.9`
  mend: add the name to the profile (`certferry help profile`), or to kubeadm's certSANs; then anew:
        `certferry apply BUNDLE --node cp-1 --key PUB`; where kubeadm made it, move it and its other
        half away, then `kubeadm init phase certs apiserver --config CONFIG`

warning: etc/kubernetes/pki/apiserver.crt has the serial number 0
  why:  openssl verify -x509_strict, Python 3.13 and auditors refuse it; Kubernetes itself does not
  mend: `certferry apply BUNDLE --node cp-1 --key PUB`; where kubeadm made it, move it and its other
        half away, then `kubeadm init phase certs apiserver --config CONFIG`

looked at 15 certificates, 4 kubeconfigs, 4 manifests and 1 kubelet configuration
"
            .to_owned(),
            1
        )
    );
}

#[test]
fn json_is_the_same() {
    let output = two_faults().run(&["-o", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        document["looked_at"],
        serde_json::json!({
            "certificates": 15, "kubeconfigs": 4, "manifests": 4, "kubelet_configurations": 1, "objects": 0
        })
    );
    let findings = document["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2);
    assert_eq!(
        findings[0],
        serde_json::json!({
            "rule": "service-address",
            "severity": "problem",
            "file": format!("{PKI}/apiserver.crt"),
            "what": "etc/kubernetes/pki/apiserver.crt lacks 10.20.0.9 (--service-cluster-ip-range in \
                     etc/kubernetes/manifests/kube-apiserver.yaml)",
            "why": "pods that call https://kubernetes.default say `x509: certificate is valid for 10.96.0.1, \
                    192.168.10.5, not 10.20.0.9`",
            "mend": "add the name to the profile (`certferry help profile`), or to kubeadm's certSANs; then anew: \
                     `certferry apply BUNDLE --node cp-1 --key PUB`; where kubeadm made it, move it and its other half \
                     away, then `kubeadm init phase certs apiserver --config CONFIG`",
        })
    );
    assert_eq!(findings[1]["severity"], "warning");
    // Keys in this order, always.
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with(
            "{\n  \"schema\": \"certferry.doctor.v1\",\n  \"problems\": 1,\n  \"findings\": [\n    {\n      \"rule\": "
        ),
        "{text}"
    );
}

#[test]
fn warnings_alone_are_no_problem() {
    let node = Node::control_plane(|_, _| {});
    node.replace(KUBELET_CONFIG, "syncFrequency", "SyncFrequency");
    let (said, code) = node.says();
    assert!(said.starts_with("warning: ") && !said.contains("problem: "), "{said}");
    assert_eq!(code, 0);
    // And what ends soon is one, as soon as one asks for more.
    let node = Node::control_plane(|_, _| {});
    let output = node.run(&["--expiring-within", "250y"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("warning: 15 certificates end soon: "), "{said}");
    assert_eq!(said.matches("warning: ").count(), 1, "{said}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_manual_lists_every_rule() {
    let chapter = crate::common::succeed(crate::common::certferry().args(["help", "doctor", "--markdown"]));
    let table = chapter.split("## Rules").nth(1).unwrap();
    let lints: Vec<_> = certferry::lint::RULES.into_iter().flatten().map(|rule| rule.id).collect();
    let rules = certferry::doctor::RULES.into_iter().flatten().filter(|rule| !lints.contains(&rule.id));
    let expected: Vec<_> = rules.map(|rule| format!("| `{}` | {} |", rule.id, rule.severity.name())).collect();
    let listed: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(listed, expected);
}
