//! Looks at the certificates of other makers of clusters, as far as that is possible without knowing who reads them.
//!
//! Where no flag, unit or table says who reads a file, its dates can be judged, and whether it fits the key beside it.

use std::collections::BTreeSet;

use super::finding::Findings;
use super::load::{Loaded, first_private_key};
use super::time::Clock;
use crate::go::{GoCertificate, GoVersion, trusted};
use crate::tree::{OTHER_FOLDERS, Tree, Use};

const ENDINGS: [&str; 2] = [".crt", ".pem"];

/// Looks at what lies in the folders of other makers and what no program is known to read. Returns the number of
/// certificates.
pub(super) fn check(tree: &Tree, loaded: &[(Use, Loaded)], clock: Clock, findings: &mut Findings) -> usize {
    // kubespray's pki is a link to a folder of another name.
    let known: BTreeSet<&[u8]> = tree.pki.values().map(|file| file.content.as_slice()).collect();
    let used: BTreeSet<&str> = loaded.iter().map(|(used, _)| used.place.as_str()).collect();
    let mut count = 0;
    for folder in OTHER_FOLDERS {
        let places = tree.files_below(folder);
        let places = places.iter().filter(|place| ENDINGS.iter().any(|ending| place.ends_with(ending)));
        let mut looked_at = 0;
        for place in places.filter(|place| !used.contains(place.as_str())) {
            let Some(content) = tree.content(place).filter(|content| !known.contains(content.as_slice())) else {
                continue;
            };
            // Only whether it can be read matters, and the oldest Go reads most.
            let certificates = trusted(&content, GoVersion(15, 0));
            looked_at += certificates.len();
            if let Some(first) = certificates.first() {
                clock.check_times(place, place, first.not_before(), first.not_after(), findings);
                check_key(tree, place, first, findings);
            }
        }
        count += looked_at;
        if looked_at > 0 {
            let certificates = if looked_at == 1 { "certificate" } else { "certificates" };
            findings.unchecked(
                folder,
                &format!(
                    "who reads the {looked_at} {certificates} in {folder}: no flag that was found names them, and only \
                     their dates and their keys were looked at"
                ),
            );
        }
    }
    count
}

/// Reports a key beside a certificate that does not belong to it: `a.key` of `a.crt`, `a-key.pem` of `a.pem`.
fn check_key(tree: &Tree, place: &str, certificate: &GoCertificate, findings: &mut Findings) {
    let Some((stem, ending)) = place.rsplit_once('.') else { return };
    let key_place = if ending == "pem" { format!("{stem}-key.pem") } else { format!("{stem}.key") };
    let Some(key) = tree.content(&key_place).and_then(|content| first_private_key(&content)) else { return };
    if key != *certificate.key() {
        let pair = format!("{key_place} is not the key of {place}");
        findings.add("key-pair", &key_place, &[("pair", &pair)]);
    }
}
