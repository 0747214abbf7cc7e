//! People and programs with certificates of the cluster's CAs, beside those that kubeadm makes.
//!
//! What such a client may do is said by RBAC, not by a file, and what has power in etcd has all of it. So all of them are
//! comments in the profile.

use super::authorities::{Authorities, is_issued_by};
use super::finding::{Finding, Subject};
use super::machines::Machine;
use super::surveyed::{Surveyed, read_all};
use crate::kubernetes::{CERTIFICATES, CaName, KUBERNETES, kubeconfigs};
use crate::x509::{ExtendedKeyUsage, MASTERS, ReadCertificate, instant};

/// A client whose row in the profile is a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// Whether it is one of etcd.
    pub(super) is_etcds: bool,
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) source: String,
}

impl Client {
    /// Returns whether Kubernetes itself gives the name or a group power.
    fn has_power(&self) -> bool {
        let is_special = |text: &String| text.starts_with("system:") || text.starts_with("kubeadm:");
        self.is_etcds || is_special(&self.name) || self.groups.iter().any(is_special)
    }
}

pub(super) fn of(machines: &[Machine<'_>], authorities: &Authorities, findings: &mut Vec<Finding>) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for machine in machines {
        let Some(survey) = &machine.survey else { continue };
        of_kubeconfigs(survey, authorities, &mut clients, findings);
        of_files(survey, machine, authorities, &mut clients, findings);
    }
    clients
}

/// Returns whether a certificate is of a CA of this cluster.
fn is_of(authorities: &Authorities, table: &str, certificate: &ReadCertificate) -> bool {
    let authority = authorities.named(table).and_then(|authority| authority.certificate.as_ref());
    authority.is_some_and(|authority| is_issued_by(certificate, &authority.value))
}

/// Returns whether a name is one that kubeadm or the kubelet gives a certificate of this CA on this node.
fn is_kubeadms(name: &str, ca: CaName, machine: &Machine<'_>) -> bool {
    let node = machine.name.as_ref().map_or(machine.label.as_str(), |name| name.value.as_str());
    CERTIFICATES.iter().any(|row| row.ca == ca && row.common_name_on(node) == name)
}

fn of_kubeconfigs(
    survey: &Surveyed<'_>,
    authorities: &Authorities,
    clients: &mut Vec<Client>,
    findings: &mut Vec<Finding>,
) {
    let own: Vec<String> = kubeconfigs().iter().map(|name| format!("{KUBERNETES}/{name}")).collect();
    let own_certificates: Vec<_> = own
        .iter()
        .filter_map(|place| survey.survey.kubeconfig(place))
        .filter_map(|kubeconfig| survey.client_certificate(kubeconfig))
        .collect();
    for kubeconfig in survey.survey.kubeconfigs.iter().filter(|kubeconfig| !own.contains(&kubeconfig.path)) {
        let place = survey.of(&kubeconfig.path);
        for user in &kubeconfig.users {
            if !user.withheld.is_empty() {
                let ways = user.withheld.join(", ");
                let text = format!(
                    "{place}: its user {} proves who it is by {ways}, of which a survey has no more",
                    user.name
                );
                findings.push(Finding::new(Subject::Note, text));
            }
            let Some(certificate) = survey.user_certificate(kubeconfig, user) else { continue };
            if own_certificates.iter().any(|own| own.der() == certificate.der()) {
                let text = format!(
                    "{place} is a copy of one of kubeadm's kubeconfigs: copy it anew after a bundle is installed"
                );
                findings.push(Finding::new(Subject::Note, text));
                continue;
            }
            if !is_of(authorities, "kubernetes", &certificate) {
                if certificate_is_strange(authorities, &certificate) {
                    let text = format!(
                        "{place}: a client certificate that none of the cluster's CAs has signed: {}",
                        certificate.subject()
                    );
                    findings.push(Finding::new(Subject::Note, text));
                }
                continue;
            }
            add(clients, findings, false, &certificate, &place);
        }
    }
}

fn certificate_is_strange(authorities: &Authorities, certificate: &ReadCertificate) -> bool {
    authorities.named("kubernetes").is_some_and(|authority| authority.certificate.is_some())
        && !["etcd", "front-proxy"].iter().any(|table| is_of(authorities, table, certificate))
}

fn of_files(
    survey: &Surveyed<'_>,
    machine: &Machine<'_>,
    authorities: &Authorities,
    clients: &mut Vec<Client>,
    findings: &mut Vec<Finding>,
) {
    let tables = [("kubernetes", CaName::Kubernetes), ("etcd", CaName::Etcd), ("front-proxy", CaName::FrontProxy)];
    for file in &survey.survey.files {
        for certificate in read_all(&file.certificates).into_iter().take(1).filter(|certificate| !certificate.is_ca()) {
            let Some(name) = certificate.common_name() else { continue };
            let table = tables.iter().find(|(table, _)| is_of(authorities, table, &certificate));
            let Some((table, ca)) = table.filter(|(_, ca)| !is_kubeadms(&name, *ca, machine)) else { continue };
            let place = survey.of(&file.path);
            let is_client = certificate.usages().contains(&ExtendedKeyUsage::ClientAuth.oid());
            let is_server = certificate.usages().contains(&ExtendedKeyUsage::ServerAuth.oid());
            if is_client && !is_server && *ca != CaName::FrontProxy {
                add(clients, findings, *ca == CaName::Etcd, &certificate, &place);
            } else {
                let text = format!(
                    "{place}: {} of [ca.{table}], which ends {}; no bundle has it, and it stays as it is",
                    certificate.subject(),
                    instant(certificate.not_after())
                );
                findings.push(Finding::new(Subject::Keep, text));
            }
        }
    }
}

fn add(
    clients: &mut Vec<Client>,
    findings: &mut Vec<Finding>,
    is_etcds: bool,
    certificate: &ReadCertificate,
    place: &str,
) {
    let Some(name) = certificate.common_name() else {
        let text = format!("{place}: a client certificate without one common name: {}", certificate.subject());
        findings.push(Finding::new(Subject::Note, text));
        return;
    };
    let client = Client { is_etcds, name, groups: certificate.organizations(), source: place.to_owned() };
    let until = instant(certificate.not_after());
    let (subject, text) = if client.is_etcds {
        (Subject::Power, format!("{place}: \"{}\" may read and write all of etcd until {until}", client.name))
    } else if client.groups.iter().any(|group| group == MASTERS) {
        (
            Subject::Power,
            format!("{place}: \"{}\" may do everything until {until}, as a member of {MASTERS}", client.name),
        )
    } else if client.has_power() {
        (
            Subject::Power,
            format!(
                "{place}: \"{}\" with the groups [{}] has a name or group of Kubernetes itself, until {until}",
                client.name,
                client.groups.join(", ")
            ),
        )
    } else {
        (
            Subject::Note,
            format!(
                "{place}: the user \"{}\" with the groups [{}], until {until}; what it may do, RBAC says. In the profile it is a comment",
                client.name,
                client.groups.join(", ")
            ),
        )
    };
    findings.push(Finding::new(subject, text));
    let is_known = |known: &Client| {
        known.is_etcds == client.is_etcds && known.name == client.name && known.groups == client.groups
    };
    if !clients.iter().any(is_known) {
        clients.push(client);
    }
}
