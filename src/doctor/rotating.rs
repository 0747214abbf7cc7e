//! Finds what trusts one CA alone while the node trusts several, as in the phases of a rotation.

use super::finding::Findings;
use super::objects::Object;
use crate::tree::GatheredFacts;
use crate::x509::ReadCertificate;

/// The Secret into which `kubeadm init --upload-certs` puts the keys of the CAs.
const KUBEADM_CERTS: (&str, &str) = ("kube-system", "kubeadm-certs");

/// Returns the CAs of `known` that whoever trusts `found` lacks.
///
/// A CA over the same key, or one that is above or below another in `found`, is not lacking: that is a CA which was
/// renewed, or one of two tiers. Whoever trusts none of `known` lacks nothing here, because other rules say that.
pub(super) fn lacking<'a>(found: &[ReadCertificate], known: &'a [ReadCertificate]) -> Vec<&'a ReadCertificate> {
    let is_same = |left: &ReadCertificate, right: &ReadCertificate| left.spki_der() == right.spki_der();
    if !found.iter().any(|found| known.iter().any(|known| is_same(found, known))) {
        return Vec::new();
    }
    let is_related = |known: &ReadCertificate| {
        found.iter().any(|found| {
            is_same(found, known) || found.is_signed_by(known) == Some(true) || known.is_signed_by(found) == Some(true)
        })
    };
    known.iter().filter(|known| !is_related(known)).collect()
}

/// Returns the names of CAs for a sentence.
pub(super) fn names(authorities: &[&ReadCertificate]) -> String {
    authorities.iter().map(|authority| authority.subject()).collect::<Vec<_>>().join(" and ")
}

/// Reports a copy of the cluster's CA in an object that lacks one of the node's.
pub(super) fn report(
    file: &str,
    it: &str,
    found: &[ReadCertificate],
    facts: &GatheredFacts,
    mend: &str,
    findings: &mut Findings,
) {
    let lacking = lacking(found, &facts.authorities);
    if !lacking.is_empty() {
        let values =
            [("missing", names(&lacking)), ("authority", facts.authority_file.clone()), ("mend", mend.to_owned())];
        findings.add_in("object-one-ca", file, it, &super::words::as_texts(&values));
    }
}

/// Reports the Secret with the keys of CAs, where there is another CA by now.
pub(super) fn check_kubeadm_certs(objects: &[Object<'_>], facts: &GatheredFacts, findings: &mut Findings) {
    let Some(first) = facts.authorities.get(..1) else { return };
    if lacking(first, &facts.authorities).is_empty() {
        return;
    }
    let is_it = |object: &&Object<'_>| object.kind == "Secret" && (object.namespace, object.name) == KUBEADM_CERTS;
    for object in objects.iter().filter(is_it) {
        let it = format!("{} in {}", object.title(), object.file);
        findings.add_in("kubeadm-certs-left", object.file, &it, &[("authority", &facts.authority_file)]);
    }
}
