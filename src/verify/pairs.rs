//! Checks that certificates and keys belong together.

use super::Fault;
use super::authority::is_issued_by;
use super::part::{Part, Pem, Report};
use crate::kubernetes::{PKI, Purpose, usual_place};
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
        let has_certificate =
            certificates == 1 || (certificates > 1 && (part.is_disk() || is_chain(file, &contents.certificates)));
        let right = match extension {
            "crt" => keys == 0 && has_certificate,
            "pem" => keys == 1 && has_certificate,
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
