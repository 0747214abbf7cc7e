//! Checks that certificates and keys belong together.

use super::Fault;
use super::authority::is_issued_by;
use super::part::{Part, Pem, Report};
use crate::bundle::{Phase, Sha256};
use crate::kubernetes::{AUTHORITIES, CA_CHAIN, CA_SIGNING, KeyId, PKI, Purpose, usual_place};
use crate::x509::{PemContents, ReadCertificate, public_key_bits};

/// The path of the service-account key pair in kubeadm's own folder, without extension.
const SERVICE_ACCOUNT: &str = "etc/kubernetes/pki/sa";

/// Checks the pairs `X.crt` and `X.key`, `sa.pub` and `sa.key`, and those in one `.pem`. A CA's key may be absent.
pub(super) fn check_pairs(part: &Part<'_>, pem: &Pem<'_>, report: &mut Report<'_>) {
    for (&file, contents) in pem {
        let Some((stem, extension)) = file.rsplit_once('.') else { continue };
        // It is a CA alone, and has been looked at.
        if Purpose::of_path(file) == Purpose::RegistryRoot {
            continue;
        }
        let (certificates, keys) = (contents.certificates.len(), contents.public_keys.len());
        // On a disk, any chain may follow the certificate.
        let has_certificate = match trusted_in_phase(part, file) {
            Some(expected) => are_trusted(file, &contents.certificates, expected),
            None => {
                certificates == 1 || (certificates > 1 && (part.is_disk() || is_chain(file, &contents.certificates)))
            }
        };
        let right = match extension {
            "crt" => keys == 0 && has_certificate,
            "pem" => keys == 1 && has_certificate,
            "pub" if are_two_keys(part, file) => (certificates, keys) == (0, 2),
            _ => (certificates, keys) == (0, 1),
        };
        // Other programs may keep any files beside kubeadm's.
        let is_known = Purpose::of_path(&format!("{stem}.{}", if extension == "pem" { "pem" } else { "crt" }))
            != Purpose::Other
            || usual_place(stem) == SERVICE_ACCOUNT;
        let is_foreign = part.is_disk() && !is_known;
        if !right {
            if !is_foreign {
                report(file, Fault::Contents);
            }
            continue;
        }
        let read = |extension: &str| pem.get(format!("{stem}.{extension}").as_str());
        let is_there = |extension: &str| part.files.contains_key(format!("{stem}.{extension}").as_str());
        match extension {
            "pem" => check_pair(file, contents, contents, report),
            "key" => match read("crt").or_else(|| read("pub")) {
                Some(public) => check_pair(file, contents, public, report),
                None if is_foreign || is_there("crt") || is_there("pub") => {}
                None => report(file, Fault::Alone),
            },
            "crt" if !is_there("key") && !is_foreign && !contents.certificates.iter().all(ReadCertificate::is_ca) => {
                report(file, Fault::Alone);
            }
            _ => {}
        }
    }
}

/// Returns the keys that the first CA in a file and another one in it must have, in a phase of a rotation in which two are
/// trusted there. Returns `None` for every other file.
fn trusted_in_phase(part: &Part<'_>, file: &str) -> Option<[Sha256; 2]> {
    let phase = part.phase.filter(|phase| phase.number < 3)?;
    let purpose = match usual_place(file) == CA_CHAIN {
        true => Purpose::KubernetesCa,
        false => Purpose::of_path(file),
    };
    let authority = AUTHORITIES.iter().find(|row| row.purpose == purpose)?;
    let id = KeyId::ca(authority.name.profile_name());
    let row = phase.rotation.iter().find(|row| row.authority == id)?;
    Some(if phase.number == 1 { [row.from, row.to] } else { [row.to, row.from] })
}

/// Returns whether these are the CAs that a file must hold in a phase: that which issues first. Where clients are known by
/// them, there is no other.
fn are_trusted(file: &str, certificates: &[ReadCertificate], [first, second]: [Sha256; 2]) -> bool {
    let keys: Vec<_> = certificates.iter().map(|certificate| Sha256::of(certificate.spki_der())).collect();
    let are_cas = certificates.iter().all(ReadCertificate::is_ca);
    if usual_place(file) == CA_SIGNING {
        return are_cas && keys == [first];
    }
    let knows_clients = Purpose::of_path(file).is_ca() && usual_place(file).starts_with(PKI);
    are_cas && keys.first() == Some(&first) && keys.contains(&second) && (keys.len() == 2 || !knows_clients)
}

/// Returns whether a file must hold two public keys of service accounts.
fn are_two_keys(part: &Part<'_>, file: &str) -> bool {
    let rotates =
        |phase: &Phase| phase.number < 3 && phase.rotation.iter().any(|row| row.authority == KeyId::ServiceAccount);
    part.phase.is_some_and(rotates) && usual_place(file) == format!("{SERVICE_ACCOUNT}.pub")
}

/// Returns whether certificates of a file in a bundle are a chain that belongs there: each one signed the one before it, and
/// it ends with a root where servers are verified, and before it where one is sent.
///
/// By kubeadm's files of CAs clients are known, so that those hold one CA.
fn is_chain(file: &str, certificates: &[ReadCertificate]) -> bool {
    let is_link = |pair: &[ReadCertificate]| match pair {
        [below, above] => above.is_ca() && above.subject_der() == below.issuer_der() && is_issued_by(below, above),
        _ => false,
    };
    let ends_with_root = certificates.last().is_some_and(|last| last.issuer_der() == last.subject_der());
    let is_trusted = certificates.first().is_some_and(ReadCertificate::is_ca);
    let knows_clients = Purpose::of_path(file).is_ca() && usual_place(file).starts_with(PKI);
    certificates.windows(2).all(is_link) && ends_with_root == is_trusted && !knows_clients
}

/// Reports a private key that does not belong to the first certificate, or else to the first public key, of `public`.
pub(super) fn check_pair(file: &str, private: &PemContents, public: &PemContents, report: &mut Report<'_>) {
    let certified = public.certificates.first().and_then(|certificate| public_key_bits(certificate.spki_der()));
    let expected = certified.or_else(|| public.public_keys.first().cloned());
    if private.public_keys.first() != expected.as_ref() {
        report(file, Fault::KeyMismatch);
    }
}
