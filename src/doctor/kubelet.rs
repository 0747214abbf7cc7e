//! Checks the kubelet's configuration, its store and its name.

use super::finding::{Findings, LookedAt, shell_word};
use super::rule::Severity;
use super::time::Clock;
use crate::go::{GoCertificate, GoError, GoUsage, VerifyOptions, verify};
use crate::kubeconfig::{Held, Kubeconfig, resolve};
use crate::kubernetes::{KUBELET_CONF, KUBELET_PKI};
use crate::tree::{GatheredFacts, KUBELET, KUBELET_CONFIG, KUBELET_FLAGS, KubeletConfig, Tree, certificates, held};
use crate::x509::ReadCertificate;

const BOOTSTRAP: &str = "etc/kubernetes/bootstrap-kubelet.conf";

/// Looks at the kubelet's files together.
pub(super) fn check(
    tree: &Tree,
    facts: &GatheredFacts,
    clock: Clock,
    findings: &mut Findings,
    looked_at: &mut LookedAt,
) {
    let kubeconfig = tree.pki.get(KUBELET_CONF).and_then(|file| Kubeconfig::read(&file.content).ok());
    if let Some(config) = &facts.kubelet {
        looked_at.kubelet_configurations = 1;
        check_config(tree, facts, config, findings);
        if config.rotates && kubeconfig.as_ref().is_some_and(is_inline) && !has_store(tree) {
            findings.add("kubelet-inline", KUBELET_CONF, &[]);
        }
    }
    // kubeadm's unit names both files.
    let is_named = facts.kubelet_place != KUBELET_CONFIG || tree.texts.contains_key(KUBELET_FLAGS);
    if facts.kubelet.is_none() && is_named && !tree.dangling.contains(&facts.kubelet_place) {
        let named = format!("/{}", facts.kubelet_place);
        let values = [("named", named.as_str()), ("program", KUBELET), ("text", "open")];
        findings.add("missing", &facts.kubelet_place, &values);
    }
    if let Some(kubeconfig) = &kubeconfig {
        check_store(tree, facts, clock, kubeconfig, findings);
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
        // A cloud provider may give the node another name than its host has.
        let is_clouds = facts.pod(KUBELET).is_some_and(|kubelet| kubelet.flag("cloud-provider").is_some());
        let severity = is_clouds.then_some(Severity::Warning);
        findings.add_as(severity, "host-name", &file, &file, &[("certified", &certified), ("host", &host)]);
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
fn check_store(tree: &Tree, facts: &GatheredFacts, clock: Clock, kubeconfig: &Kubeconfig, findings: &mut Findings) {
    let file = format!("{KUBELET_PKI}/kubelet-client-current.pem");
    let authorities: Vec<_> = kubeconfig
        .clusters
        .iter()
        .filter_map(|cluster| cluster.authority.as_ref())
        .flat_map(|authority| held(tree, KUBELET_CONF, authority))
        .collect();
    let newest = facts.go_of(KUBELET).newest;
    let parse = |read: &ReadCertificate| GoCertificate::parse(read.der(), newest).ok();
    let anchors: Vec<_> = authorities.iter().filter_map(parse).collect();
    let stored: Vec<_> = certificates(tree, &file).iter().filter_map(parse).collect();
    let Some((leaf, rest)) = stored.split_first().filter(|_| !anchors.is_empty()) else { return };
    let options =
        VerifyOptions { at: clock.inside(leaf, &anchors), usage: GoUsage::ClientAuth, host: None, go: newest };
    // A CA that may not sign at all is reported for itself.
    if let Err(error @ GoError::UnknownAuthority(hint)) = &verify(leaf, rest, &anchors, &options)
        && !error.is_unchecked()
        && hint.as_ref().is_none_or(|hint| hint.error != GoError::ParentCannotSign)
    {
        findings.add("kubelet-store-stale", &file, &[]);
    }
}

fn check_config(tree: &Tree, facts: &GatheredFacts, config: &KubeletConfig, findings: &mut Findings) {
    if let Some(reason) = &config.fault {
        findings.add("kubelet-config", &config.place, &[("reason", reason)]);
    }
    for field in &config.unknown {
        let it = format!("{} in {}", field.path, config.place);
        match (field.meant, field.effect) {
            (Some(meant), Some(effect)) => {
                findings.add_in("kubelet-field", &config.place, &it, &[("meant", meant), ("effect", effect)]);
            }
            (meant, _) => {
                let advice = meant.map_or("its name".to_owned(), |meant| format!("it into {meant}"));
                // A newer kubelet may know it.
                let severity = meant.is_none().then_some(Severity::Note);
                let values = [("advice", advice.as_str())];
                findings.add_as(severity, "kubelet-field-unknown", &config.place, &it, &values);
            }
        }
    }
    if let Some(path) = &config.client_ca_file {
        let place = resolve(config.folder(), path);
        let found = certificates(tree, &place);
        let is_cluster_ca = |found: &[_]| {
            facts.authorities.is_empty()
                || found.iter().any(|found: &ReadCertificate| {
                    facts.authorities.iter().any(|known| known.spki_der() == found.spki_der())
                })
        };
        if !found.is_empty() && !is_cluster_ca(&found) {
            findings.add("kubelet-client-ca", &config.place, &[("named", path)]);
        }
    }
    let serves = format!("{KUBELET_PKI}/kubelet-server-current.pem");
    if config.bootstraps_serving && config.tls_files.is_empty() && !tree.is_there(&serves) {
        findings.add("serving-bootstrap", &config.place, &[]);
    }
}
