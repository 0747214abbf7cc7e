//! Builds the inventory, source by source.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::missing;
use super::reading::{self, Found};
use super::source::{Source, SourceKind};
use super::{Entry, EntryGroup, EntryKind, Fault, Inventory, Missing, Problem};
use crate::x509::{ReadCertificate, SharedTexts};

/// The builder of an [`Inventory`].
#[derive(Default)]
pub struct Builder {
    inventory: Inventory,
    /// Every CA so far, by its DER.
    authorities: BTreeMap<Vec<u8>, Signer>,
    /// The certificates whose CA may still come: index of the group, index in the group, and the certificate.
    waiting: Vec<(usize, usize, ReadCertificate)>,
    texts: SharedTexts,
}

/// A CA at hand.
#[derive(Clone)]
struct Signer {
    name: Arc<str>,
    certificate: ReadCertificate,
    /// Whether the key of the CA is there as well, or `None` when nobody looked for it.
    has_key: Option<bool>,
}

impl Builder {
    /// Returns a builder of an empty inventory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a group. Sources are added to the group that was begun last.
    pub fn begin(&mut self, title: impl Into<String>) {
        self.inventory.groups.push(EntryGroup { title: title.into(), ..EntryGroup::default() });
    }

    /// Notes a file that could not be listed.
    pub fn problem(&mut self, path: impl Into<String>, fault: Fault) {
        self.inventory.problems.push(Problem { path: path.into(), fault });
    }

    /// Adds the certificates of a source to the last group.
    pub fn add(&mut self, source: &Source<'_>) {
        if self.inventory.groups.is_empty() {
            self.begin("");
        }
        let (mut found, problems) = reading::read(source);
        self.inventory.problems.extend(problems);
        let signers = self.signers(&mut found);
        found.sort_by(|left, right| {
            let key = |found: &Found| (found.entry.kind, found.entry.name.clone(), found.entry.position);
            key(left).cmp(&key(right))
        });
        for found in found {
            self.list(found, &signers);
        }
        if matches!(source.kind, SourceKind::Tree)
            && let Some(group) = self.inventory.groups.last_mut()
        {
            group.missing.extend(
                missing(|place| source.files.contains_key(&*source.certificates_dir.place(place))).map(|known| {
                    Missing {
                        name: known.name,
                        is_authority: known.kind == EntryKind::Authority,
                        is_of_person: known.is_of_person,
                        node: source.node.map(str::to_owned),
                    }
                }),
            );
        }
    }

    /// Returns the CAs among the certificates that were found, and takes out copies of CAs that are known already.
    fn signers(&mut self, found: &mut Vec<Found>) -> Vec<Signer> {
        // Copies are last, so that a CA has its name from its own file.
        found.sort_by_key(|found| found.is_copy);
        let mut signers: Vec<Signer> = Vec::new();
        found.retain(|found| {
            if found.entry.kind != EntryKind::Authority && !found.certificate.is_ca() {
                return true;
            }
            let der = found.certificate.der();
            if found.is_copy {
                if signers.iter().any(|signer| signer.certificate.der() == der) {
                    return false;
                }
                if let Some(known) = self.authorities.get(der) {
                    signers.push(known.clone());
                    return false;
                }
            }
            let name = Arc::clone(&found.entry.name);
            let signer = Signer { name, certificate: found.certificate.clone(), has_key: found.has_key };
            let known = self.authorities.entry(der.to_vec()).or_insert_with(|| signer.clone());
            known.has_key = known.has_key.max(found.has_key);
            signers.push(signer);
            true
        });
        signers
    }

    fn list(&mut self, found: Found, signers: &[Signer]) {
        let Found { mut entry, certificate, has_key, .. } = found;
        let signer = signed(&certificate, signers.iter()).or_else(|| find(&self.authorities, &certificate));
        let is_known = signer.is_some();
        sign(&mut entry, signer);
        if entry.kind == EntryKind::Authority {
            entry.externally_managed = has_key.map(|has_key| !has_key);
        }
        let last = self.inventory.groups.len().saturating_sub(1);
        if let Some(group) = self.inventory.groups.last_mut() {
            if !is_known {
                self.waiting.push((last, group.entries.len(), certificate));
            }
            group.entries.push(shared(entry, &mut self.texts));
        }
    }

    /// Returns the inventory, once every source was added.
    #[must_use]
    pub fn finish(mut self) -> Inventory {
        for (group, index, certificate) in &self.waiting {
            let entry = self.inventory.groups.get_mut(*group).and_then(|group| group.entries.get_mut(*index));
            if let Some(entry) = entry {
                let externally_managed = entry.externally_managed;
                sign(entry, find(&self.authorities, certificate));
                if entry.kind == EntryKind::Authority {
                    entry.externally_managed = externally_managed;
                }
            }
        }
        self.inventory
    }
}

/// The most CAs of one name whose signature is looked for on a certificate, which no cluster has and one file can hold.
const MOST_OF_A_NAME: usize = 100;

fn find<'a>(authorities: &'a BTreeMap<Vec<u8>, Signer>, certificate: &ReadCertificate) -> Option<&'a Signer> {
    let has_signed = |signer: &&Signer| certificate.is_signed_by(&signer.certificate) == Some(true);
    signed(certificate, authorities.values()).or_else(|| authorities.get(certificate.der()).filter(has_signed))
}

/// Returns the first of the signers that signed a certificate. Those with its own key are asked first, because most CAs
/// signed themselves, and no other key can have made the same signature.
fn signed<'a>(certificate: &ReadCertificate, signers: impl Iterator<Item = &'a Signer> + Clone) -> Option<&'a Signer> {
    let named = signers.filter(|signer| signer.certificate.subject_der() == certificate.issuer_der());
    let has_its_key = |signer: &&Signer| signer.certificate.spki_der() == certificate.spki_der();
    let mut ordered = named.clone().filter(has_its_key).take(1).chain(named.take(MOST_OF_A_NAME));
    ordered.find(|signer| certificate.is_signed_by(&signer.certificate) == Some(true))
}

/// Returns the entry with the copies of its texts that other entries have.
fn shared(mut entry: Entry, texts: &mut SharedTexts) -> Entry {
    entry.usages = entry.usages.into_iter().map(|usage| texts.share(usage)).collect();
    entry.alt_names.shrink_to_fit();
    entry.path.shrink_to_fit();
    Entry {
        name: texts.share(entry.name),
        subject: texts.share(entry.subject),
        subject_common_name: texts.share(entry.subject_common_name),
        issuer: texts.share(entry.issuer),
        issuer_common_name: texts.share(entry.issuer_common_name),
        authority: entry.authority.map(|authority| texts.share(authority)),
        key: texts.share(entry.key),
        serial: texts.share(entry.serial),
        serial_in_decimal: texts.share(entry.serial_in_decimal),
        sha256: texts.share(entry.sha256),
        ..entry
    }
}

fn sign(entry: &mut Entry, signer: Option<&Signer>) {
    entry.authority = signer.map(|signer| Arc::clone(&signer.name));
    entry.externally_managed = signer.and_then(|signer| signer.has_key).map(|has_key| !has_key);
}
