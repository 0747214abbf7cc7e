//! Who still has an older certificate of a CA that a plan renews, and until when that is enough.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::surveyed::{Surveyed, read_all};
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedCertificate};
use crate::x509::ReadCertificate;

/// An older certificate of a CA that is renewed, in a file that no bundle has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OldAuthority {
    /// The path of the file.
    pub path: String,
    /// The CA.
    pub authority: KeyId,
    /// The last second of the older certificate: from then on whoever reads the file believes nobody.
    pub not_after: OffsetDateTime,
    /// Whether that was before the day from which the plan's certificates are valid.
    pub has_ended: bool,
}

/// Returns the older certificates in the files that stay, and the files with a certificate that names its issuer by the
/// serial number of one.
pub(super) fn of<'p>(
    plan: &Plan<'_>,
    survey: &Surveyed<'_>,
    staying: impl Iterator<Item = &'p str>,
) -> (Vec<OldAuthority>, Vec<String>) {
    let renewed: Vec<_> = plan.certificates.iter().filter(|planned| is_renewed(planned)).collect();
    if renewed.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let issued_at = plan.issued_at.midnight().assume_utc();
    let is_of = |found: &ReadCertificate, planned: &PlannedCertificate| {
        found.is_ca() && planned.subject.to_der().is_ok_and(|name| name == found.subject_der())
    };
    // The serial numbers of certificates that are renewed already.
    let all = survey.survey.files.iter().flat_map(|file| read_all(&file.certificates));
    let is_new = |found: &ReadCertificate| {
        renewed.iter().any(|planned| is_of(found, planned) && found.not_after() == planned.validity.not_after)
    };
    let new_serials: BTreeSet<Vec<u8>> = all.filter(is_new).map(|found| found.serial().to_vec()).collect();
    let (mut old, mut by_serial) = (BTreeSet::new(), BTreeSet::new());
    for path in staying {
        let of_file = survey.survey.file(path).map(|file| read_all(&file.certificates)).unwrap_or_default();
        for certificate in &of_file {
            let names_serial = certificate.authority_serial().is_some_and(|serial| !new_serials.contains(serial));
            let is_below = renewed
                .iter()
                .any(|planned| planned.subject.to_der().is_ok_and(|name| name == certificate.issuer_der()));
            if names_serial && is_below && !certificate.is_ca() {
                by_serial.insert(path.to_owned());
            }
        }
        let clusters = survey.survey.kubeconfig(path).map(|kubeconfig| kubeconfig.clusters.as_slice());
        let of_kubeconfig = clusters.unwrap_or_default().iter().flat_map(|cluster| read_all(&cluster.certificates));
        for found in of_file.into_iter().chain(of_kubeconfig) {
            let planned = renewed.iter().find(|planned| is_of(&found, planned));
            let Some(planned) = planned.filter(|planned| found.not_after() != planned.validity.not_after) else {
                continue;
            };
            let not_after = found.not_after();
            let (path, authority) = (path.to_owned(), planned.key.clone());
            old.insert(OldAuthority { path, authority, not_after, has_ended: not_after < issued_at });
        }
    }
    (old.into_iter().collect(), by_serial.into_iter().collect())
}

fn is_renewed(planned: &PlannedCertificate) -> bool {
    planned.is_ca && planned.existing.as_deref().is_some_and(|existing| existing.is_renewed)
}
