//! The kubeconfigs of a part: their CA, their credentials.

use std::sync::Arc;

use super::Fault;
use super::judge::{Authority, Judge};
use super::kubeconfig::{self, ReadCredentials, ReadKubeconfig};
use super::shared::{Claims, fingerprints, have_common};
use super::tree::{Pem, Report, check_pair};
use crate::kubernetes::Purpose;
use crate::x509::{PemContents, PemError};

/// Where a control plane's kubelet finds its kubeconfig.
const KUBELET: &str = "etc/kubernetes/kubelet.conf";
pub(super) const CA: &str = "etc/kubernetes/pki/ca.crt";

/// Checks each file whose name ends in `.conf`; `pem` holds the part's other files.
pub(super) fn check(judge: &Judge<'_>, pem: &Pem<'_>, claims: &mut Claims, report: &mut Report<'_>) {
    let part = judge.part;
    let own_ca = pem.get(CA).map(|own| fingerprints(own)).filter(|authorities| !authorities.is_empty());
    for (file, content) in part.contents().filter(|(file, _)| file.ends_with(".conf")) {
        let Some(read) = kubeconfig::read(content) else {
            report(file, if part.is_disk() { Fault::OtherKubeconfig } else { Fault::Kubeconfig });
            continue;
        };
        let ca = judge.known.read_pem(&read.ca);
        let authorities = ca.as_ref().map(|ca| fingerprints(ca)).unwrap_or_default();
        match &own_ca {
            Some(expected) if !have_common(&authorities, expected) => report(file, Fault::OtherAuthority),
            Some(_) => {}
            // Users' kubeconfigs lie in a part without `ca.crt`; then the nodes' counts.
            None => claims.kubeconfig(file, authorities),
        }
        check_content(judge, file, &read, ca, report);
    }
}

/// Checks one kubeconfig by itself.
pub(super) fn check_read(judge: &Judge<'_>, file: &str, read: &ReadKubeconfig, report: &mut Report<'_>) {
    check_content(judge, file, read, judge.known.read_pem(&read.ca), report);
}

fn check_content(
    judge: &Judge<'_>,
    file: &str,
    read: &ReadKubeconfig,
    ca: Result<Arc<PemContents>, PemError>,
    report: &mut Report<'_>,
) {
    match ca {
        Err(error) => report(file, Fault::Pem(error)),
        Ok(ca) => check_one(judge, file, read, &ca, report),
    }
}

fn check_one(judge: &Judge<'_>, file: &str, read: &ReadKubeconfig, ca: &PemContents, report: &mut Report<'_>) {
    let authority = |certificate| Authority { file, purpose: Purpose::KubernetesCa, certificate };
    let authorities: Vec<_> = ca.certificates.iter().map(authority).collect();
    for authority in &authorities {
        judge.authority(file, authority.certificate, report);
    }
    let pair = match &read.credentials {
        ReadCredentials::Path(path) => {
            if is_missing(judge, path) {
                report(file, Fault::MissingFile { path: path.clone() });
            }
            return;
        }
        ReadCredentials::Embedded(pair) => pair,
    };
    if file == KUBELET {
        report(file, Fault::InlineKubelet);
    }
    match judge.known.read_pem(pair) {
        Err(error) => report(file, Fault::Pem(error)),
        Ok(pair) if (pair.certificates.len(), pair.public_keys.len()) != (1, 1) => report(file, Fault::Contents),
        Ok(pair) => {
            check_pair(file, &pair, &pair, report);
            for certificate in &pair.certificates {
                judge.leaf(file, purpose(file), certificate, &authorities, report);
            }
        }
    }
}

/// What a kubeconfig is for: one that nobody knows is a person's.
fn purpose(file: &str) -> Purpose {
    match Purpose::of_path(file) {
        Purpose::Other => Purpose::User,
        purpose => purpose,
    }
}

/// Whether the tree lacks a file of the node. A folder of which nothing is at hand may be full.
fn is_missing(judge: &Judge<'_>, path: &str) -> bool {
    let part = judge.part;
    let Some(place) = path.strip_prefix('/') else { return true };
    if part.links.contains(place) || part.files.contains_key(place) {
        return false;
    }
    let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_beside = |file: &&str| file.rsplit_once('/').is_some_and(|(other, _)| other == folder);
    !part.is_disk() || part.files.keys().any(is_beside)
}
