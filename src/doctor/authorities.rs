//! Looks at the CAs that have ended, which are another matter than leaves: what helps depends on where their keys are.

use super::finding::Findings;
use super::time::Clock;
use crate::kubernetes::AUTHORITIES;
use crate::tree::{Tree, certificates};

/// Says of each of kubeadm's CAs on a node that has ended what helps.
pub(super) fn check(tree: &Tree, clock: Clock, findings: &mut Findings) {
    let (mut ended, mut lacking) = (Vec::new(), Vec::new());
    let pki = tree.certificates_dir.folder();
    for base_name in AUTHORITIES.iter().map(|row| row.base_name) {
        let [certificate, key] = ["crt", "key"].map(|end| format!("{pki}/{base_name}.{end}"));
        if certificates(tree, &certificate).first().is_some_and(|own| own.not_after() < clock.at) {
            ended.push(certificate);
            lacking.extend((!tree.is_there(&key)).then_some(key));
        }
    }
    let mut remedy = format!(
        "{} can be renewed under the same name and key, so that nobody has to trust another CA (section 7)",
        ended.join(", ")
    );
    if !lacking.is_empty() {
        remedy += &format!(
            "; look for {} on every control plane, because only a key that is lost makes a new CA necessary",
            lacking.join(", ")
        );
    }
    for certificate in &ended {
        findings.explain("expired", certificate, &format!("{remedy}: "));
    }
}
