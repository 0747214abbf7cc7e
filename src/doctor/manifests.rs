//! Checks manifests by themselves, and the files that they name and that are neither certificates nor keys.

use std::collections::BTreeMap;

use super::facts::GatheredFacts;
use super::finding::{Findings, LookedAt, shell_word};
use super::process::Process;
use super::tree::Tree;

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
