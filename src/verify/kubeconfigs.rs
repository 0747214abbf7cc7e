//! The kubeconfigs of a part: their CA, their credentials.

use super::Fault;
use super::kubeconfig::{self, ReadCredentials, ReadKubeconfig};
use super::shared::{SharedFiles, sha256};
use super::tree::{Judge, Part, Report, check_pair};
use crate::x509::{PemContents, ReadCertificate, read_pem};

/// Where a control plane's kubelet finds its kubeconfig.
const KUBELET: &str = "etc/kubernetes/kubelet.conf";

/// Checks each file whose name ends in `.conf`.
pub(super) fn check(part: &Part<'_>, judge: &Judge<'_>, shared: &SharedFiles, report: &mut Report<'_>) {
    // Users' kubeconfigs lie in a part without `ca.crt`; then the nodes' counts.
    let own_ca = part.files.get("etc/kubernetes/pki/ca.crt").map(|file| sha256(file.content));
    let expected_ca = own_ca.or_else(|| shared.kubernetes_ca());
    for (file, content) in part.files.iter().filter(|(file, _)| file.ends_with(".conf")) {
        let Some(read) = kubeconfig::read(content.content) else {
            report(file, Fault::Kubeconfig);
            continue;
        };
        if expected_ca.is_some_and(|expected| expected != sha256(&read.ca)) {
            report(file, Fault::OtherAuthority);
        }
        check_read(part, judge, file, &read, report);
    }
}

/// Checks one kubeconfig, whatever its name; one in another form has nothing to check.
pub(super) fn check_file(part: &Part<'_>, judge: &Judge<'_>, file: &str, content: &[u8], report: &mut Report<'_>) {
    if let Some(read) = kubeconfig::read(content) {
        check_read(part, judge, file, &read, report);
    }
}

fn check_read(part: &Part<'_>, judge: &Judge<'_>, file: &str, read: &ReadKubeconfig, report: &mut Report<'_>) {
    match read_pem(&read.ca) {
        Err(error) => report(file, Fault::Pem(error)),
        Ok(ca) => check_one(part, judge, file, read, &ca, report),
    }
}

fn check_one(
    part: &Part<'_>,
    judge: &Judge<'_>,
    file: &str,
    read: &ReadKubeconfig,
    ca: &PemContents,
    report: &mut Report<'_>,
) {
    let authorities: Vec<&ReadCertificate> = ca.certificates.iter().collect();
    for authority in &authorities {
        judge.authority(file, authority, report);
    }
    let pair = match &read.credentials {
        ReadCredentials::Path(path) => {
            let place = path.strip_prefix('/');
            if !place.is_some_and(|place| part.links.contains(place) || part.files.contains_key(place)) {
                report(file, Fault::MissingFile { path: path.clone() });
            }
            return;
        }
        ReadCredentials::Embedded(pair) => pair,
    };
    if file == KUBELET {
        report(file, Fault::InlineKubelet);
    }
    match read_pem(pair) {
        Err(error) => report(file, Fault::Pem(error)),
        Ok(pair) if (pair.certificates.len(), pair.public_keys.len()) != (1, 1) => report(file, Fault::Contents),
        Ok(pair) => {
            check_pair(file, &pair, &pair, report);
            for certificate in &pair.certificates {
                judge.leaf(file, certificate, &authorities, report);
            }
        }
    }
}
