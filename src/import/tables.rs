//! The tables and keys of a profile that are about what exists already: CAs, the key of service accounts, and the layout
//! of nodes. They stand together here, because they follow what `profile` takes.

use super::authorities::{Authorities, Authority, KeyPlace, described};
use super::cluster::Cluster;
use super::finding::{Finding, Subject};
use super::text::{Text, quoted};
use crate::kubernetes::CertificatesDir;
use crate::x509::instant;

/// kubeadm's name for a cluster in kubeconfigs, which profiles have by default.
const KUBEADMS_NAME: &str = "kubernetes";

/// Writes the keys of `[cluster]` about names and places that exist.
pub(super) fn cluster(text: &mut Text, cluster: &Cluster) {
    if let Some(name) = cluster.kubeconfig_cluster_name.as_ref().filter(|name| name.value != KUBEADMS_NAME) {
        text.key("kubeconfig_cluster_name", &quoted(&name.value), &name.source);
    }
    if let Some(folder) = &cluster.certificates_dir {
        match CertificatesDir::parse(&folder.value) {
            Ok(_) => text.key("certificates_dir", &quoted(&folder.value), &folder.source),
            Err(_) => text.off("certificates_dir", &quoted(&folder.value), &folder.source),
        }
    }
}

/// Lists what of [`cluster`] no profile can say.
pub(super) fn find(cluster: &Cluster, findings: &mut Vec<Finding>) {
    if let Some(folder) = &cluster.certificates_dir
        && CertificatesDir::parse(&folder.value).is_err()
    {
        let text = format!(
            "certificates in {} ({}): a bundle has them in one folder of /etc/kubernetes, and here in /etc/kubernetes/pki, where nobody there would look",
            folder.value, folder.source
        );
        findings.push(Finding::new(Subject::Unknown, text));
    }
}

/// Writes `[ca_keys]`, `[ca.*]` and `[service_account]`.
pub(super) fn authorities(text: &mut Text, authorities: &Authorities) {
    if authorities.is_external() {
        text.table("[ca_keys]");
        text.key("ship_to", "\"none\"", "no control plane that was surveyed has the key of the cluster's CA");
    }
    for authority in &authorities.all {
        text.table(&format!("[ca.{}]", authority.table));
        one(text, authority);
    }
    text.table("[service_account]");
    text.key("key", "\"adopted/sa.key\"", &key_source(&authorities.service_account));
}

fn one(text: &mut Text, authority: &Authority) {
    let source = match &authority.certificate {
        Some(certificate) => format!("{}, from {}", described(&certificate.value), certificate.source),
        None => "not known: no source has it, so bring it".to_owned(),
    };
    text.key("certificate", &quoted(&authority.certificate_path()), &source);
    text.key("key", &quoted(&authority.key_path()), &key_source(&authority.key));
    let ends = authority.certificate.as_ref().map(|certificate| instant(certificate.value.not_after()));
    match (authority.is_root(), authority.ends_early) {
        (Some(true), true) => {
            let ends = ends.unwrap_or_default();
            text.key("renew", "true", &format!("it ends {ends}; the same key and name, with a later end"));
        }
        (Some(true), false) => text.comment(&format!("It ends {}, after the leaves.", ends.unwrap_or_default())),
        (Some(false), _) => {
            text.comment(&format!(
                "Another CA has signed it, so it cannot be renewed here; it ends {}.",
                ends.unwrap_or_default()
            ));
        }
        (None, _) => text.off("renew", "true", "for a CA that signed itself: the same key and name, with a later end"),
    }
    for other in &authority.foreign {
        text.comment(&format!(
            "Believed beside it, in {}, and in no bundle: {}",
            other.source,
            described(&other.value)
        ));
    }
}

fn key_source(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Node { label, path } => format!("bring it: /{path} of {label}"),
        KeyPlace::Unread { label, path, reason } => format!("bring it: probably /{path} of {label} ({reason})"),
        KeyPlace::Nowhere => "bring it: it is on no node that was surveyed".to_owned(),
    }
}
