//! Checks the CAs and credentials in the kubeconfigs of a part.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::Fault;
use super::authority::Authority;
use super::judge::Judge;
use super::pairs::check_pair;
use super::part::{ENDINGS, Pem, Report};
use super::shared::{Claims, fingerprints, have_common};
use crate::kubeconfig::{Held, Kubeconfig, KubeconfigUser, resolve};
use crate::kubernetes::{CLUSTER_CA as CA, Purpose, usual_place};
use crate::x509::{PemContents, PemError};

/// Where the kubelet of a node finds its kubeconfig.
const KUBELET: &str = "etc/kubernetes/kubelet.conf";

/// The CA certificates that a cluster of a kubeconfig trusts.
struct Trust<'a> {
    cluster: &'a str,
    /// Whether the kubeconfig itself holds the CA. A CA in a file of its own is judged with that file.
    is_embedded: bool,
    authorities: Result<Arc<PemContents>, PemError>,
}

/// Checks each file whose name ends in `.conf`. `pem` holds the part's other files.
pub(super) fn check(judge: &Judge<'_>, pem: &Pem<'_>, claims: &mut Claims, report: &mut Report<'_>) {
    let part = judge.part;
    let own_ca = pem
        .iter()
        .find(|(file, _)| usual_place(file) == CA)
        .map(|(_, own)| fingerprints(own))
        .filter(|authorities| !authorities.is_empty());
    for (file, content) in part.contents().filter(|(file, _)| file.ends_with(".conf")) {
        let read = Kubeconfig::read(content).ok();
        let Some(read) = read.filter(|read| part.is_disk() || read.is_as_written(content)) else {
            report(file, if part.is_disk() { Fault::NotKubeconfig } else { Fault::Kubeconfig });
            continue;
        };
        let trusts = trusts(judge, file, &read);
        let known = trusts.iter().filter_map(|trust| trust.authorities.as_ref().ok());
        let authorities: Vec<_> = known.flat_map(|authorities| fingerprints(authorities)).collect();
        match &own_ca {
            _ if trusts.is_empty() => {}
            Some(expected) if !have_common(&authorities, expected) => report(file, Fault::OtherAuthority),
            // In a phase of a rotation, who calls trusts what everybody trusts.
            Some(expected) if part.phase.is_some() && authorities != *expected => report(file, Fault::OtherAuthority),
            Some(_) => {}
            // Users' kubeconfigs are in a part without `ca.crt`, and are compared with the nodes' CA later.
            None => claims.kubeconfig(file, authorities),
        }
        check_one(judge, file, &read, &trusts, report);
    }
}

/// Checks a kubeconfig by itself.
pub(super) fn check_alone(judge: &Judge<'_>, file: &str, read: &Kubeconfig, report: &mut Report<'_>) {
    check_one(judge, file, read, &trusts(judge, file, read), report);
}

/// Returns the CAs of the clusters. A CA in a file of its own is left out when the file is not at hand or cannot be
/// read.
fn trusts<'a>(judge: &Judge<'_>, file: &str, read: &'a Kubeconfig) -> Vec<Trust<'a>> {
    let trust = |authority: &Held| match authority {
        Held::Inline(pem) => Some((true, judge.known.read_pem(pem))),
        Held::Broken(_) => Some((true, Err(PemError::NotPem))),
        Held::File(path) => {
            let authorities = judge.known.read_pem(judge.part.content(&resolve(file, path))?).ok()?;
            Some((false, Ok(authorities)))
        }
    };
    let trusts = read.clusters.iter().filter_map(|cluster| {
        let (is_embedded, authorities) = trust(cluster.authority.as_ref()?)?;
        Some(Trust { cluster: &cluster.name, is_embedded, authorities })
    });
    trusts.collect()
}

fn check_one(judge: &Judge<'_>, file: &str, read: &Kubeconfig, trusts: &[Trust<'_>], report: &mut Report<'_>) {
    for trust in trusts.iter().filter(|trust| trust.is_embedded) {
        match &trust.authorities {
            Err(error) => report(file, Fault::Pem(error.clone())),
            Ok(authorities) => {
                authorities.certificates.iter().for_each(|authority| judge.authority(file, authority, report));
            }
        }
    }
    for cluster in &read.clusters {
        check_files(judge, file, [cluster.authority.as_ref()], report);
    }
    for user in &read.users {
        let called: Vec<_> = read.contexts.iter().filter(|context| context.user == user.name).collect();
        // A user whom no context names could be used with any cluster.
        let is_called =
            |trust: &&Trust<'_>| called.is_empty() || called.iter().any(|context| context.cluster == trust.cluster);
        let called: Result<Vec<_>, _> =
            trusts.iter().filter(is_called).map(|trust| trust.authorities.as_ref()).collect();
        // When a CA cannot be read, that alone is reported.
        let Ok(called) = called else { continue };
        let authority = |certificate| Authority { file, purpose: Purpose::KubernetesCa, certificate };
        let authorities: Vec<_> = called.iter().flat_map(|read| &read.certificates).map(authority).collect();
        check_user(judge, file, user, &authorities, report);
    }
}

fn check_user(
    judge: &Judge<'_>,
    file: &str,
    user: &KubeconfigUser,
    authorities: &[Authority<'_>],
    report: &mut Report<'_>,
) {
    check_files(judge, file, [user.certificate.as_ref(), user.key.as_ref()], report);
    let (certificate, key) = match (&user.certificate, &user.key) {
        // client-go refuses a certificate without its key (v1.20.2, tools/clientcmd/validation.go validateAuthInfo).
        (Some(_), None) => return report(file, Fault::Alone),
        (Some(Held::Broken(_)), _) | (Some(_), Some(Held::Broken(_))) => {
            return report(file, Fault::Pem(PemError::NotPem));
        }
        (Some(Held::Inline(certificate)), Some(Held::Inline(key))) => (certificate, Some(key)),
        (Some(Held::Inline(certificate)), Some(Held::File(_))) => (certificate, None),
        // The user has a token or a program, or its certificate is in a file, which is judged by itself.
        (None, _) | (Some(Held::File(_)), _) => return,
    };
    if file == KUBELET {
        report(file, Fault::InlineKubelet);
    }
    let key = key.map(|key| key.as_slice()).unwrap_or_default();
    let mut both = Zeroizing::new(Vec::with_capacity(certificate.len() + 1 + key.len()));
    both.extend_from_slice(certificate);
    // client-go reads the two by themselves, so neither needs a line break at its end.
    if !certificate.ends_with(b"\n") {
        both.push(b'\n');
    }
    both.extend_from_slice(key);
    let read = match judge.known.read_pem(&both) {
        Ok(read) => read,
        Err(error) => return report(file, Fault::Pem(error)),
    };
    let Some((leaf, chain)) = read.certificates.split_first() else { return report(file, Fault::Contents) };
    // On a disk, the certificate's chain may follow it.
    let has_more = !chain.is_empty() && !judge.part.is_disk();
    if has_more || read.public_keys.len() != usize::from(!key.is_empty()) {
        return report(file, Fault::Contents);
    }
    if !key.is_empty() {
        check_pair(file, &read, &read, report);
    }
    // The CA in a kubeconfig is that of the server. Outside kubeadm another one may sign clients, which then name it.
    let is_foreign = judge.part.is_disk() && Purpose::of_path(file) == Purpose::Other;
    let names = |authority: &Authority<'_>| authority.certificate.subject() == leaf.issuer();
    let is_other = is_foreign && !authorities.iter().any(names);
    judge.leaf(file, purpose(file), leaf, if is_other { &[] } else { authorities }, report);
}

/// Returns the purpose of a kubeconfig's credentials. A kubeconfig at an unknown path is taken for a person's.
fn purpose(file: &str) -> Purpose {
    match Purpose::of_path(file) {
        Purpose::Other => Purpose::User,
        purpose => purpose,
    }
}

/// Reports each file that a kubeconfig names and the tree lacks.
fn check_files<const N: usize>(judge: &Judge<'_>, file: &str, held: [Option<&Held>; N], report: &mut Report<'_>) {
    let mut paths: Vec<&String> = Vec::new();
    for held in held.into_iter().flatten() {
        if let Held::File(path) = held
            && !paths.contains(&path)
        {
            paths.push(path);
        }
    }
    for path in paths {
        if is_missing(judge, file, path) {
            report(file, Fault::MissingFile { path: path.clone() });
        }
    }
}

/// Returns whether the tree lacks a file that a kubeconfig names.
///
/// On a disk, only files with certain endings were read, and perhaps not in every folder. There, a file counts as
/// missing only when it has such an ending and another file of its folder is at hand.
fn is_missing(judge: &Judge<'_>, kubeconfig: &str, path: &str) -> bool {
    let part = judge.part;
    let place = resolve(kubeconfig, path);
    if part.links.contains(place.as_str()) || part.files.contains_key(place.as_str()) {
        return false;
    }
    let folder = |file: &str| file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let is_beside = |file: &&str| *file != kubeconfig && folder(file) == folder(&place);
    let would_be_known = || ENDINGS.iter().any(|ending| place.ends_with(ending)) && part.files.keys().any(is_beside);
    !part.is_disk() || would_be_known()
}
