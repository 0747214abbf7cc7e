//! Checks the kubelet's configuration, its store and its name.

use super::facts::{GatheredFacts, KubeletConfig, certificates, held};
use super::finding::{Findings, LookedAt, shell_word};
use super::tree::{KUBELET_CONFIG, Tree};
use crate::kubeconfig::{Held, Kubeconfig, resolve};
use crate::kubernetes::{KUBELET_CONF, KUBELET_PKI};

const BOOTSTRAP: &str = "etc/kubernetes/bootstrap-kubelet.conf";

/// Looks at the kubelet's files together.
pub(super) fn check(tree: &Tree, facts: &GatheredFacts, findings: &mut Findings, looked_at: &mut LookedAt) {
    let kubeconfig = tree.pki.get(KUBELET_CONF).and_then(|file| Kubeconfig::read(&file.content).ok());
    if let Some(config) = &facts.kubelet {
        looked_at.kubelet_configurations = 1;
        check_config(tree, facts, config, findings);
        if config.rotates && kubeconfig.as_ref().is_some_and(is_inline) && !has_store(tree) {
            findings.add("kubelet-inline", KUBELET_CONF, &[]);
        }
    }
    if let Some(kubeconfig) = &kubeconfig {
        check_store(tree, kubeconfig, findings);
        if tree.pki.contains_key(BOOTSTRAP) {
            findings.add("bootstrap-left", BOOTSTRAP, &[]);
        }
    }
    if let (Some(certified), Some(host)) = (&facts.kubelet_name, &facts.host_name)
        && certified != host
        // A name in upper case breaks another rule.
        && !certified.bytes().any(|byte| byte.is_ascii_uppercase())
    {
        let file =
            if has_store(tree) { format!("{KUBELET_PKI}/kubelet-client-current.pem") } else { KUBELET_CONF.into() };
        let (certified, host) = (shell_word(certified), shell_word(host));
        findings.add("host-name", &file, &[("certified", &certified), ("host", &host)]);
    }
}

fn is_inline(kubeconfig: &Kubeconfig) -> bool {
    kubeconfig.users.iter().any(|user| matches!(user.certificate, Some(Held::Inline(_))))
}

fn has_store(tree: &Tree) -> bool {
    tree.pki.contains_key(&format!("{KUBELET_PKI}/kubelet-client-current.pem"))
}

/// Reports a certificate in the store that the CA of kubelet.conf did not sign, because one of the two is from before
/// the CA changed.
fn check_store(tree: &Tree, kubeconfig: &Kubeconfig, findings: &mut Findings) {
    let file = format!("{KUBELET_PKI}/kubelet-client-current.pem");
    let authorities: Vec<_> = kubeconfig
        .clusters
        .iter()
        .filter_map(|cluster| cluster.authority.as_ref())
        .flat_map(|authority| held(tree, KUBELET_CONF, authority))
        .collect();
    let stored = certificates(tree, &file);
    let Some(certificate) = stored.first().filter(|_| !authorities.is_empty()) else { return };
    if !authorities.iter().any(|authority| certificate.is_signed_by(authority).unwrap_or(true)) {
        findings.add("kubelet-store-stale", &file, &[]);
    }
}

fn check_config(tree: &Tree, facts: &GatheredFacts, config: &KubeletConfig, findings: &mut Findings) {
    if let Some(reason) = &config.fault {
        findings.add("kubelet-config", KUBELET_CONFIG, &[("reason", reason)]);
    }
    let place = |path: &str| resolve("var/lib/kubelet/", path);
    if let Some(path) = &config.client_ca_file {
        let place = place(path);
        let found = certificates(tree, &place);
        let is_cluster_ca = |found: &[_]| {
            facts.authorities.is_empty()
                || found.iter().any(|found: &crate::x509::ReadCertificate| {
                    facts.authorities.iter().any(|known| known.spki_der() == found.spki_der())
                })
        };
        if !tree.is_there(&place) {
            if tree.knows_folder_of(&place) {
                findings.add_in("kubelet-file", KUBELET_CONFIG, "clientCAFile", &[("named", path)]);
            }
        } else if !found.is_empty() && !is_cluster_ca(&found) {
            findings.add("kubelet-client-ca", KUBELET_CONFIG, &[("named", path)]);
        }
    }
    for (field, path) in &config.tls_files {
        let place = place(path);
        if !tree.is_there(&place) && tree.knows_folder_of(&place) {
            findings.add_in("kubelet-file", KUBELET_CONFIG, field, &[("named", path)]);
        }
    }
    let serves = format!("{KUBELET_PKI}/kubelet-server-current.pem");
    if config.bootstraps_serving && config.tls_files.is_empty() && !tree.is_there(&serves) {
        findings.add("serving-bootstrap", KUBELET_CONFIG, &[]);
    }
}
