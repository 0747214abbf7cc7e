//! Builds the inventory, source by source.

use std::collections::{BTreeMap, BTreeSet};

use super::certificates::{self, Certificates};
use super::kubeconfig::{self, Held};
use super::place::{Interest, Role, current, interest, kubelet_store, missing, role};
use super::signature::is_signed_by;
use super::{Embedded, EmbeddedKind, Entry, Fault, Group, Inventory, Kind, Missing, Problem, describe};
use crate::x509::ReadCertificate;

/// Files that were read together.
pub struct Source<'a> {
    /// What they are.
    pub kind: SourceKind<'a>,
    /// The node whose part of a bundle they are.
    pub node: Option<&'a str>,
    /// The folder of the node that the files are from, ending in `/`; empty for its root. Places begin with it.
    pub mount: &'a str,
    /// What stands in its stead in the path that a person would open.
    pub prefix: &'a str,
    /// Place to content: the places that [`interest`] names, and those that a kubeconfig among them names (see
    /// [`referenced`](super::referenced)). A file without content is there and was not read: a key, or a file that
    /// could not be read, which is the caller's to tell.
    pub files: BTreeMap<&'a str, Option<&'a [u8]>>,
}

/// What was inspected.
#[derive(Clone, Copy)]
pub enum SourceKind<'a> {
    /// Everything that a node has, or a part of a bundle.
    Tree,
    /// Some folder of a node: nothing in it can be missing.
    Folder,
    /// One file, certificate or kubeconfig.
    File {
        /// Where it is in `files`.
        place: &'a str,
        /// How it was named.
        title: &'a str,
    },
}

/// Makes an [`Inventory`].
#[derive(Default)]
pub struct Builder {
    inventory: Inventory,
    /// Every CA so far, by its DER.
    authorities: BTreeMap<Vec<u8>, Signer>,
    /// Certificates whose CA may still come: group, index in the group, the certificate.
    waiting: Vec<(usize, usize, ReadCertificate)>,
}

/// A CA at hand.
#[derive(Clone)]
struct Signer {
    name: String,
    certificate: ReadCertificate,
    /// Whether its key is there too; `None` if nobody looked.
    has_key: Option<bool>,
}

/// One certificate before it is known who signed it.
struct Found {
    entry: Entry,
    certificate: ReadCertificate,
    is_copy: bool,
    /// Whether its key is there; `None` if nobody looked. Asked for CAs alone.
    has_key: Option<bool>,
}

impl Builder {
    /// Nothing found yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a group; sources belong to the last one that was begun.
    pub fn begin(&mut self, title: impl Into<String>) {
        self.inventory.groups.push(Group { title: title.into(), ..Group::default() });
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
        let mut reading = Reading { source, found: Vec::new(), problems: Vec::new() };
        reading.read();
        self.inventory.problems.append(&mut reading.problems);
        let signers = self.signers(&mut reading.found);
        reading.found.sort_by(|left, right| {
            let key = |found: &Found| (found.entry.kind, found.entry.name.clone(), found.entry.position);
            key(left).cmp(&key(right))
        });
        for found in reading.found {
            self.list(found, &signers);
        }
        if matches!(source.kind, SourceKind::Tree)
            && let Some(group) = self.inventory.groups.last_mut()
        {
            group.missing.extend(missing(|place| source.files.contains_key(place)).map(|known| Missing {
                name: known.name,
                is_authority: known.kind == Kind::Authority,
                node: source.node.map(str::to_owned),
            }));
        }
    }

    /// The CAs among what was found. Copies of a CA that is known already are taken out.
    fn signers(&mut self, found: &mut Vec<Found>) -> Vec<Signer> {
        // Copies last: the CA's own file names it.
        found.sort_by_key(|found| found.is_copy);
        let mut signers: Vec<Signer> = Vec::new();
        found.retain(|found| {
            if found.entry.kind != Kind::Authority && !found.certificate.is_ca() {
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
            let name = found.entry.name.clone();
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
        let signer = signers.iter().find(|signer| is_signed_by(&certificate, &signer.certificate));
        let signer = signer.or_else(|| find(&self.authorities, &certificate));
        let is_known = signer.is_some();
        sign(&mut entry, signer);
        if entry.kind == Kind::Authority {
            entry.externally_managed = has_key.map(|has_key| !has_key);
        }
        let last = self.inventory.groups.len().saturating_sub(1);
        if let Some(group) = self.inventory.groups.last_mut() {
            if !is_known {
                self.waiting.push((last, group.entries.len(), certificate));
            }
            group.entries.push(entry);
        }
    }

    /// The inventory, once every source was added.
    #[must_use]
    pub fn finish(mut self) -> Inventory {
        for (group, index, certificate) in &self.waiting {
            let entry = self.inventory.groups.get_mut(*group).and_then(|group| group.entries.get_mut(*index));
            if let Some(entry) = entry {
                let externally_managed = entry.externally_managed;
                sign(entry, find(&self.authorities, certificate));
                if entry.kind == Kind::Authority {
                    entry.externally_managed = externally_managed;
                }
            }
        }
        self.inventory
    }
}

fn find<'a>(authorities: &'a BTreeMap<Vec<u8>, Signer>, certificate: &ReadCertificate) -> Option<&'a Signer> {
    authorities.values().find(|signer| is_signed_by(certificate, &signer.certificate))
}

fn sign(entry: &mut Entry, signer: Option<&Signer>) {
    entry.authority = signer.map(|signer| signer.name.clone());
    entry.externally_managed = signer.and_then(|signer| signer.has_key).map(|has_key| !has_key);
}

/// A source while it is read.
struct Reading<'s, 'a> {
    source: &'s Source<'a>,
    found: Vec<Found>,
    problems: Vec<Problem>,
}

/// Certificates of one file, or of one field of a kubeconfig.
struct Origin<'r> {
    role: &'r Role,
    name: String,
    path: String,
    embedded: Option<Embedded>,
    has_key: Option<bool>,
}

impl<'a> Reading<'_, 'a> {
    fn read(&mut self) {
        let source = self.source;
        match source.kind {
            SourceKind::File { place, title } => {
                let role = Role { name: title.to_owned(), kind: Kind::Other, is_certain: true, is_copy: false };
                self.file(place, title.to_owned(), &role, &BTreeSet::new());
            }
            SourceKind::Tree | SourceKind::Folder => {
                let listed: BTreeSet<_> = source.files.keys().copied().filter(|place| self.is_listed(place)).collect();
                for place in &listed {
                    self.file(place, self.path(place), &role(place), &listed);
                }
            }
        }
    }

    fn content(&self, place: &str) -> Option<&'a [u8]> {
        self.source.files.get(place).copied().flatten()
    }

    fn path(&self, place: &str) -> String {
        format!("{}{}", self.source.prefix, place.strip_prefix(self.source.mount).unwrap_or(place))
    }

    /// A dated certificate of the kubelet's is listed only when none of its store is current: the kubelet itself looks
    /// at the current one alone, and the others stay behind when it rotates.
    fn is_listed(&self, place: &str) -> bool {
        let outdated = |(store, is_current): (&str, bool)| !is_current && self.content(&current(store)).is_some();
        interest(place) == Interest::Content
            && self.content(place).is_some()
            && !kubelet_store(place).is_some_and(outdated)
    }

    fn file(&mut self, place: &str, path: String, role: &Role, listed: &BTreeSet<&str>) {
        let content = self.content(place).unwrap_or_default();
        let is_kubeconfig = match self.source.kind {
            SourceKind::File { .. } => !looks_like_certificates(content),
            SourceKind::Tree | SourceKind::Folder => place.ends_with(".conf"),
        };
        if is_kubeconfig {
            self.kubeconfig(place, path, role, listed);
            return;
        }
        let has_key = match self.source.kind {
            SourceKind::File { .. } => None,
            SourceKind::Tree | SourceKind::Folder => {
                let stem = place.rsplit_once('.').map_or(place, |(stem, _)| stem);
                Some(self.source.files.contains_key(format!("{stem}.key").as_str()))
            }
        };
        let certificates = certificates::read(content);
        if !role.is_certain && certificates.faults == [Fault::NoCertificate] {
            return;
        }
        self.certificates(certificates, &Origin { role, name: role.name.clone(), path, embedded: None, has_key });
    }

    fn kubeconfig(&mut self, place: &str, path: String, role: &Role, listed: &BTreeSet<&str>) {
        let fields = match kubeconfig::read(self.content(place).unwrap_or_default()) {
            Ok(fields) => fields,
            Err(fault) if role.is_certain => return self.problems.push(Problem { path, fault }),
            // The folder also holds what cloud providers call cloud.conf.
            Err(_) => return,
        };
        let alone = matches!(self.source.kind, SourceKind::File { .. });
        if alone && fields.is_empty() {
            return self.problems.push(Problem { path, fault: Fault::NoCertificate });
        }
        let users = fields.iter().filter(|field| field.embedded.kind == EmbeddedKind::User).count();
        for field in fields {
            let embedded = field.embedded;
            let (mut path, is_inline) = (path.clone(), matches!(field.certificates, Held::Inline(_)));
            let content = match field.certificates {
                Held::Broken => {
                    self.problems.push(Problem { path, fault: Fault::Base64(embedded) });
                    continue;
                }
                Held::Inline(content) => content,
                Held::File(named) => {
                    let target = kubeconfig::resolve(place, &named);
                    if listed.contains(target.as_str()) && role.kind != Kind::Kubeadm {
                        continue;
                    }
                    if !target.starts_with(self.source.mount) {
                        // Nobody asked for what lies elsewhere.
                        continue;
                    }
                    let Some(content) = self.content(&target) else {
                        if self.source.files.contains_key(target.as_str()) {
                            // It was told already why it could not be read.
                            continue;
                        }
                        let fault = Fault::MissingFile { embedded, file: named };
                        self.problems.push(Problem { path, fault });
                        continue;
                    };
                    path = self.path(&target);
                    content.to_vec()
                }
            };
            let is_cluster = embedded.kind == EmbeddedKind::Cluster;
            let name = match users {
                0 | 1 if !is_cluster => role.name.clone(),
                _ => format!("{}:{}", role.name, embedded.name),
            };
            let kind = match role.kind {
                _ if is_cluster => Kind::Authority,
                Kind::Other => Kind::User,
                kind => kind,
            };
            let role = Role { name: name.clone(), kind, is_certain: true, is_copy: is_cluster };
            let mut certificates = certificates::read(&content);
            if is_inline {
                let nest = |fault| Fault::Embedded(embedded.clone(), Box::new(fault));
                certificates.faults = certificates.faults.into_iter().map(nest).collect();
            }
            let has_key = if alone { None } else { Some(false) };
            self.certificates(certificates, &Origin { role: &role, name, path, embedded: Some(embedded), has_key });
        }
    }

    fn certificates(&mut self, certificates: Certificates, origin: &Origin<'_>) {
        for fault in certificates.faults {
            self.problems.push(Problem { path: origin.path.clone(), fault });
        }
        for (position, certificate) in certificates.read {
            let is_first = position == 1;
            let kind = match origin.role.kind {
                kind if is_first && !(kind == Kind::Other && certificate.is_ca()) => kind,
                Kind::Authority => Kind::Authority,
                _ if certificate.is_ca() => Kind::Authority,
                _ => Kind::Other,
            };
            let name = if is_first { origin.name.clone() } else { format!("{}#{position}", origin.name) };
            let entry = Entry {
                name,
                kind,
                path: origin.path.clone(),
                position,
                embedded: origin.embedded.clone(),
                node: self.source.node.map(str::to_owned),
                subject: certificate.subject(),
                subject_common_name: describe::common_name(certificate.subject_der()),
                issuer: certificate.issuer(),
                issuer_common_name: describe::common_name(certificate.issuer_der()),
                authority: None,
                externally_managed: None,
                not_before: certificate.not_before(),
                not_after: certificate.not_after(),
                is_ca: certificate.is_ca(),
                usages: describe::usages(&certificate),
                alt_names: describe::alt_names(&certificate),
                key: describe::key(&certificate),
                serial: describe::serial(&certificate),
                sha256: describe::sha256(&certificate),
            };
            // A key beside a file belongs to its first certificate.
            let has_key = origin.has_key.map(|has_key| has_key && is_first);
            self.found.push(Found { entry, certificate, is_copy: origin.role.is_copy, has_key });
        }
    }
}

/// PEM and DER against YAML: what a person hands over has any name.
fn looks_like_certificates(content: &[u8]) -> bool {
    let begins_block = |line: &[u8]| line.trim_ascii_start().starts_with(b"-----BEGIN ");
    matches!(content, [0x30, 0x81..=0x83, ..]) || content.split(|byte| *byte == b'\n').any(begins_block)
}
