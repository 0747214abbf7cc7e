//! Checks manifests by themselves, and the files that they name and that are neither certificates nor keys.

use std::collections::BTreeMap;

use super::finding::{Findings, LookedAt, shell_word};
use crate::kubernetes::MANIFESTS;
use crate::tree::{API_SERVER, CONTROLLER_MANAGER, ETCD, GatheredFacts, Process, SCHEDULER, Tree};

/// Looks at every manifest.
pub(super) fn check(tree: &Tree, facts: &GatheredFacts, findings: &mut Findings, looked_at: &mut LookedAt) {
    looked_at.manifests = facts.manifests;
    if tree.has_journal() {
        findings.add("interrupted-apply", "etc/kubernetes/.certferry/journal", &[]);
    }
    for (file, reason) in &facts.broken_manifests {
        findings.add("manifest-yaml", file, &[("reason", reason)]);
    }
    for (file, reason) in &facts.unknown_manifests {
        findings.add("manifest-unread", file, &[("reason", reason)]);
    }
    check_absent(tree, facts, findings);
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for process in &facts.processes {
        if let Some(pod) = process.pod.as_deref() {
            match first.get(pod) {
                Some(other) if *other == process.file => {}
                Some(other) => findings.add("manifest-twice", &process.file, &[("other", *other), ("pod", pod)]),
                None => drop(first.insert(pod, &process.file)),
            }
        }
        check_files(tree, facts, process, findings);
    }
}

/// Reports the manifests of a control plane that are not there, and the folder for them.
fn check_absent(tree: &Tree, facts: &GatheredFacts, findings: &mut Findings) {
    if !facts.is_control_plane {
        return;
    }
    let named = facts.kubelet.as_ref().and_then(|kubelet| kubelet.static_pods.as_deref());
    if named == Some(MANIFESTS) && !tree.has_folder(MANIFESTS) {
        let values =
            [("count", "3"), ("files", "kube-apiserver.yaml, kube-controller-manager.yaml and kube-scheduler.yaml")];
        return findings.add("missing-folder", MANIFESTS, &values);
    }
    let place = |program: &str| format!("{MANIFESTS}/{program}.yaml");
    let programs = [API_SERVER, CONTROLLER_MANAGER, SCHEDULER];
    let is_kubeadms = programs.iter().any(|program| tree.texts.contains_key(&place(program)));
    let runs =
        |program: &str| facts.processes.iter().any(|process| process.program == program && !process.file.is_empty());
    let local_etcd = facts.pod(API_SERVER).and_then(|pod| pod.flag("etcd-servers")).is_some_and(|servers| {
        servers.split(',').all(|server| server.contains("//127.0.0.1:") || server.contains("//localhost:"))
    });
    let etcd = local_etcd.then_some(ETCD);
    for program in programs.into_iter().chain(etcd).filter(|program| is_kubeadms && !runs(program)) {
        let place = place(program);
        if !tree.is_there(&place) && !tree.dangling.contains(&place) {
            let named = format!("/{place}");
            findings.add("missing-manifest", &place, &[("named", &named), ("program", program)]);
        }
    }
}

fn check_files(tree: &Tree, facts: &GatheredFacts, process: &Process, findings: &mut Findings) {
    if !process.is_known() || process.file.is_empty() {
        return;
    }
    for setting in process.files() {
        let named = setting.value.as_str();
        let values = [("named", named), ("program", process.program.as_str())];
        let it = format!("{} in {}", setting.said, process.file);
        let is_judged = facts.uses.iter().any(|used| {
            used.program == process.program
                && (used.named == named || used.key.as_ref().is_some_and(|key| key.named == named))
        });
        match process.place(named) {
            None => findings.add_in("manifest-mount", &process.file, &it, &values),
            Some(_) if is_judged => {}
            Some(place)
                if tree.is_there(&place)
                    || tree.missing_folder(&place).is_some_and(|folder| !tree.is_nodes(&folder)) => {}
            Some(place) => {
                let manifest = shell_word(&format!("/{}", process.file));
                let values = [values[0], values[1], ("manifest", manifest.as_str())];
                findings.add_in("manifest-file", &place, &it, &values);
            }
        }
    }
}
