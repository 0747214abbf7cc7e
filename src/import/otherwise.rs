//! Certificates that a bundle would make in another shape than the one that is there.

use std::collections::BTreeSet;

use super::cluster::Cluster;
use super::finding::{Finding, Subject};
use super::machines::Machine;
use super::surveyed::Surveyed;
use crate::kubernetes::{CERTIFICATES, CaName, CertificateRow, KUBELET_CONF, KUBERNETES, Output};
use crate::x509::ReadCertificate;

/// Lists certificates whose name, groups or usages are not those that the version's table gives them.
pub(super) fn find(machines: &[Machine<'_>], cluster: &Cluster, findings: &mut Vec<Finding>) {
    let Some(version) = cluster.kubernetes.as_ref().map(|version| version.value) else { return };
    for machine in machines {
        let (Some(survey), Some(name)) = (&machine.survey, &machine.name) else { continue };
        for row in CERTIFICATES.iter().filter(|row| row.ca != CaName::Etcd || cluster.foreign_etcd.is_none()) {
            let Some((place, certificate)) = certificate(row, survey) else { continue };
            let place = survey.of(&place);
            let groups: BTreeSet<_> = row.organizations_for(version).iter().map(|group| (*group).to_owned()).collect();
            let found: BTreeSet<_> = certificate.organizations().into_iter().collect();
            let list =
                |groups: &BTreeSet<String>| format!("[{}]", groups.iter().cloned().collect::<Vec<_>>().join(", "));
            let mut say = |text: String| findings.push(Finding::new(Subject::Otherwise, text));
            if !row.since.includes(version) {
                say(format!("{place} is there, and kubeadm {version} makes none: a bundle has none"));
                continue;
            }
            let common_name = row.common_name_on(&name.value);
            if certificate.common_name().as_deref() != Some(common_name.as_str()) {
                say(format!("{place} is that of {}, and becomes that of CN={common_name}", certificate.subject()));
            }
            if found != groups {
                say(format!(
                    "{place} has the groups {}, and gets {}, as kubeadm {version} makes it",
                    list(&found),
                    list(&groups)
                ));
            }
            let wanted: Vec<_> = row.usages.iter().map(|usage| usage.oid()).collect();
            let found = certificate.usages();
            if found.len() != wanted.len() || !wanted.iter().all(|usage| found.contains(usage)) {
                let names: Vec<_> = row.usages.iter().map(ToString::to_string).collect();
                say(format!("{place} has other extended key usages, and gets {}", names.join(", ")));
            }
        }
    }
}

/// Returns the certificate that a node has for a row of the table, and its place.
fn certificate(row: &CertificateRow, survey: &Surveyed<'_>) -> Option<(String, ReadCertificate)> {
    match row.output {
        Output::Pair => {
            let place = format!("{}/{}.crt", survey.pki(), row.base_name);
            Some((place.clone(), survey.certificate(&place)?))
        }
        Output::Kubeconfig(_) => {
            let place = format!("{KUBERNETES}/{}", row.base_name);
            let kubeconfig = survey.survey.kubeconfig(&place)?;
            Some((place, survey.client_certificate(kubeconfig)?))
        }
        Output::KubeletStore(_) => {
            let kubeconfig = survey.survey.kubeconfig(KUBELET_CONF)?;
            Some((KUBELET_CONF.to_owned(), survey.client_certificate(kubeconfig)?))
        }
        // The kubelet makes one of its own, in a shape of its own.
        Output::KubeletServing => None,
    }
}
