//! Finds what a CA that was renewed over its own key leaves behind: older certificates of it, which end, and
//! certificates that name it by its older serial number.

use time::OffsetDateTime;

use super::finding::Findings;
use super::time::Clock;
use crate::kubernetes::authorities;
use crate::tree::{GatheredFacts, Tree, certificates, is_kubeconfig};
use crate::x509::{ReadCertificate, instant};

/// Returns the last second of the latest certificate of a known CA, if all that are of known CAs are other ones over
/// the same key and name, by the same issuer: what somebody else signed for the CA is not an older one.
pub(super) fn last_day(found: &[ReadCertificate], known: &[ReadCertificate]) -> Option<OffsetDateTime> {
    if found.iter().any(|found| known.iter().any(|known| known.der() == found.der())) {
        return None;
    }
    let is_older = |found: &&ReadCertificate| {
        known.iter().any(|known| {
            known.spki_der() == found.spki_der()
                && known.subject_der() == found.subject_der()
                && known.issuer_der() == found.issuer_der()
        })
    };
    found.iter().filter(is_older).map(ReadCertificate::not_after).max()
}

/// Returns until when an older certificate is enough.
pub(super) fn works(end: OffsetDateTime, clock: Clock) -> String {
    match end < clock.at {
        true => format!("it works no more: that older certificate ended at {}", instant(end)),
        false => format!("it works until that older certificate ends, at {}", instant(end)),
    }
}

/// Reports `it` if it has an older certificate of the node's CA. Returns whether it has.
pub(super) fn report(
    file: &str,
    it: &str,
    found: &[ReadCertificate],
    facts: &GatheredFacts,
    clock: Clock,
    mend: &str,
    findings: &mut Findings,
) -> bool {
    let Some(end) = last_day(found, &facts.authorities) else { return false };
    let works = works(end, clock);
    let values = [("authority", facts.authority_file.as_str()), ("works", &works), ("mend", mend)];
    findings.add_in("old-ca-certificate", file, it, &values);
    true
}

/// Looks at the certificates of the node beside those of its CAs.
pub(super) fn check(tree: &Tree, facts: &GatheredFacts, clock: Clock, findings: &mut Findings) {
    let in_place = |usual: String| tree.certificates_dir.place(&usual).into_owned();
    let places: Vec<String> = authorities().map(in_place).chain([facts.authority_file.clone()]).collect();
    let known: Vec<(&str, ReadCertificate)> = places
        .iter()
        .flat_map(|place| certificates(tree, place).into_iter().map(|certificate| (place.as_str(), certificate)))
        .collect();
    for place in tree.pki.keys().filter(|place| !is_kubeconfig(place) && !places.contains(place)) {
        let found = certificates(tree, place);
        for authority in &places {
            let of_place: Vec<_> =
                known.iter().filter(|(place, _)| place == authority).map(|(_, it)| it.clone()).collect();
            let Some(end) = last_day(&found, &of_place) else { continue };
            let mend = format!("put the certificate of /{authority} in its place");
            let values = [("authority", authority.as_str()), ("works", &works(end, clock)), ("mend", &mend)];
            findings.add("old-ca-certificate", place, &values);
        }
        let Some(leaf) = found.first() else { continue };
        let Some(serial) = leaf.authority_serial() else { continue };
        let mut signers = known.iter().filter(|(_, authority)| {
            authority.subject_der() == leaf.issuer_der() && leaf.is_signed_by(authority) == Some(true)
        });
        let Some((authority, first)) = signers.next() else { continue };
        if first.serial() != serial && signers.all(|(_, authority)| authority.serial() != serial) {
            findings.add("authority-serial", place, &[("authority", authority)]);
        }
    }
}
