//! Compares what a profile plans with what lies on nodes, certificate by certificate.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use certferry::kubeconfig::Kubeconfig;
use certferry::kubernetes::Role;
use certferry::plan::{self, PlannedCertificate, PlannedContent, Recipient};
use certferry::profile::Profile;
use certferry::x509::ReadCertificate;

/// A certificate as both sides have it: user, groups, usages, names, and the issuer's common name.
pub type Shape = (String, BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);

fn planned(certificate: &PlannedCertificate) -> Shape {
    (
        certificate.subject.common_name.clone(),
        certificate.subject.organizations.iter().cloned().collect(),
        certificate.usages.iter().map(|usage| usage.oid().to_string()).collect(),
        certificate.alt_names.iter().map(|name| name.labelled()).collect(),
    )
}

pub fn found(certificate: &ReadCertificate) -> Shape {
    (
        certificate.common_name().unwrap(),
        certificate.organizations().into_iter().collect(),
        certificate.usages().iter().map(ToString::to_string).collect(),
        certificate.alt_names().iter().map(|name| name.labelled()).collect(),
    )
}

/// Asserts that the files of a node are those that the profile plans for it, but for dates, keys and serials. Returns how
/// many certificates and servers were compared. `kubelet` says whether the node has the pairs of a kubelet.
pub fn assert_same(profile: &Profile, node: &str, root: &Path, kubelet: bool) -> usize {
    let plan = plan::plan(profile);
    let recipient =
        plan.recipients.iter().find(|recipient| matches!(recipient, Recipient::Node(of) if of.name == node));
    let recipient = *recipient.unwrap_or_else(|| panic!("{node} is not in the profile"));
    let mut compared = 0;
    for file in plan.files(recipient) {
        if !kubelet && (file.path.starts_with("var/lib/kubelet") || file.path == "etc/kubernetes/kubelet.conf") {
            continue;
        }
        // The store's file has the day of the profile in its name.
        let is_store = file.path.starts_with("var/lib/kubelet/pki/kubelet-client-");
        let path = root.join(if is_store { "var/lib/kubelet/pki/kubelet-client-current.pem" } else { &file.path });
        let id = match &file.content {
            PlannedContent::Certificate(id) | PlannedContent::CertificateAndKey(id) => id,
            PlannedContent::Kubeconfig(kubeconfig) => {
                let text = fs::read(&path).unwrap_or_else(|error| panic!("{node} {}: {error}", file.path));
                let there = Kubeconfig::read(&text).unwrap();
                assert_eq!(
                    there.clusters[0].server.as_deref(),
                    Some(kubeconfig.server.as_str()),
                    "{node} {}",
                    file.path
                );
                compared += 1;
                continue;
            }
            _ => continue,
        };
        let certificate = plan.certificates.iter().find(|certificate| certificate.key == *id).unwrap();
        if certificate.is_ca {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{node} {}: {error}", file.path));
        let end = text.find("-----END CERTIFICATE-----").unwrap() + "-----END CERTIFICATE-----\n".len();
        let there = ReadCertificate::from_pem(&text.as_bytes()[..end]).unwrap();
        assert_eq!(found(&there), planned(certificate), "{node} {}", file.path);
        compared += 1;
    }
    let is_control_plane = matches!(recipient, Recipient::Node(of) if of.role == Role::ControlPlane);
    assert!(compared > if is_control_plane { 6 } else { 1 }, "{node}: only {compared}");
    compared
}
