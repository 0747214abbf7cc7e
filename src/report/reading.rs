//! Finds the certificates of a source.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::certificates::{self, Certificates};
use super::fields;
use super::place::{FileRole, Interest, current, interest, kubelet_store, role};
use super::secret;
use super::source::{Source, SourceKind};
use super::{Embedded, EmbeddedKind, Entry, EntryKind, Fault, Problem, describe};
use crate::kubeconfig::{Held, resolve};
use crate::x509::{MASTERS, ReadCertificate};

/// A certificate whose signer is not known yet.
pub(super) struct Found {
    pub(super) entry: Entry,
    pub(super) certificate: ReadCertificate,
    /// Whether the certificate is a copy, as in [`FileRole`].
    pub(super) is_copy: bool,
    /// Whether the key of the certificate is there, or `None` when nobody looked for it. It matters only for CAs.
    pub(super) has_key: Option<bool>,
}

/// Returns the certificates of a source, and what is wrong with its files.
pub(super) fn read(source: &Source<'_>) -> (Vec<Found>, Vec<Problem>) {
    let mut reading = Reading { source, found: Vec::new(), problems: Vec::new() };
    reading.read();
    (reading.found, reading.problems)
}

/// The state of reading a source.
struct Reading<'s, 'a> {
    source: &'s Source<'a>,
    found: Vec<Found>,
    problems: Vec<Problem>,
}

/// The origin of the certificates of one file, or of one field of a kubeconfig.
struct Origin<'r> {
    role: &'r FileRole,
    path: String,
    embedded: Option<Embedded>,
    has_key: Option<bool>,
}

impl<'a> Reading<'_, 'a> {
    fn read(&mut self) {
        let source = self.source;
        match source.kind {
            SourceKind::File { place, title } => {
                let role =
                    FileRole { name: title.to_owned(), kind: EntryKind::Other, is_certain: true, is_copy: false };
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

    /// Returns whether the file at a place is listed.
    ///
    /// A dated certificate of the kubelet is listed only when its store has no current one. The kubelet itself reads
    /// only the current one, and leaves the others behind when it rotates.
    fn is_listed(&self, place: &str) -> bool {
        let outdated = |(store, is_current): (&str, bool)| !is_current && self.content(&current(store)).is_some();
        interest(place, self.source.certificates_dir) == Interest::Content
            && self.content(place).is_some()
            && !kubelet_store(place).is_some_and(outdated)
    }

    fn file(&mut self, place: &str, path: String, role: &FileRole, listed: &BTreeSet<&str>) {
        let content = self.content(place).unwrap_or_default();
        let is_kubeconfig = match self.source.kind {
            SourceKind::File { .. } => !looks_like_certificates(content),
            SourceKind::Tree | SourceKind::Folder => place.ends_with(".conf"),
        };
        if is_kubeconfig {
            self.kubeconfig(place, path, role, listed);
            return;
        }
        if !matches!(self.source.kind, SourceKind::File { .. }) && place.ends_with(".yaml") {
            self.secrets(content, &path);
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
        self.certificates(certificates, &Origin { role, path, embedded: None, has_key });
    }

    /// Lists the certificates and CAs of Secrets in a manifest. Other objects and broken YAML are passed over.
    fn secrets(&mut self, content: &[u8], path: &str) {
        for (secret, key, pem) in secret::read(content) {
            let is_ca = key == "ca.crt";
            let name = if is_ca { format!("{secret}:{key}") } else { secret.clone() };
            let kind = if is_ca { EntryKind::Authority } else { EntryKind::Other };
            let role = FileRole { name, kind, is_certain: true, is_copy: is_ca };
            let embedded = Some(Embedded { kind: EmbeddedKind::Secret, name: secret });
            let origin = Origin { role: &role, path: path.to_owned(), embedded, has_key: Some(false) };
            self.certificates(certificates::read(&pem), &origin);
        }
    }

    fn kubeconfig(&mut self, place: &str, path: String, role: &FileRole, listed: &BTreeSet<&str>) {
        let fields = match fields::read(self.content(place).unwrap_or_default()) {
            Ok(fields) => fields,
            Err(fault) if role.is_certain => return self.problems.push(Problem { path, fault }),
            // The folder also holds cloud.conf, a file of cloud providers.
            Err(_) => return,
        };
        let alone = matches!(self.source.kind, SourceKind::File { .. });
        if alone && fields.is_empty() {
            return self.problems.push(Problem { path, fault: Fault::NoCertificate });
        }
        let users = fields.iter().filter(|field| field.embedded.kind == EmbeddedKind::User).count();
        for field in fields {
            let is_cluster = field.embedded.kind == EmbeddedKind::Cluster;
            let name = match users {
                0 | 1 if !is_cluster => role.name.clone(),
                _ => format!("{}:{}", role.name, field.embedded.name),
            };
            let kind = match role.kind {
                _ if is_cluster => EntryKind::Authority,
                EntryKind::Other => EntryKind::User,
                kind => kind,
            };
            let role = FileRole { name, kind, is_certain: true, is_copy: is_cluster };
            let has_key = if alone { None } else { Some(false) };
            let origin = Origin { role: &role, path: path.clone(), embedded: Some(field.embedded), has_key };
            self.field(place, origin, field.certificates, listed);
        }
    }

    fn field(&mut self, place: &str, mut origin: Origin<'_>, held: Held, listed: &BTreeSet<&str>) {
        let Some(embedded) = origin.embedded.clone() else { return };
        let problem = match held {
            Held::Broken(_) => Fault::Base64(embedded),
            Held::Inline(content) => {
                let mut certificates = certificates::read(&content);
                let nest = |fault| Fault::Embedded(embedded.clone(), Box::new(fault));
                certificates.faults = certificates.faults.into_iter().map(nest).collect();
                return self.certificates(certificates, &origin);
            }
            Held::File(file) => {
                let target = resolve(place, &file);
                let is_elsewhere = !target.starts_with(self.source.mount);
                let is_listed = listed.contains(target.as_str()) && origin.role.kind != EntryKind::Kubeadm;
                match self.source.files.get(target.as_str()) {
                    _ if is_elsewhere || is_listed => return,
                    Some(Some(content)) => {
                        origin.path = self.path(&target);
                        return self.certificates(certificates::read(content), &origin);
                    }
                    // The reason why the file could not be read was reported already.
                    Some(None) => return,
                    None => Fault::MissingFile { embedded, file },
                }
            }
        };
        self.problems.push(Problem { path: origin.path, fault: problem });
    }

    fn certificates(&mut self, certificates: Certificates, origin: &Origin<'_>) {
        for fault in certificates.faults {
            self.problems.push(Problem { path: origin.path.clone(), fault });
        }
        for (position, certificate) in certificates.read {
            let is_first = position == 1;
            let kind = match origin.role.kind {
                kind if is_first && !(kind == EntryKind::Other && certificate.is_ca()) => kind,
                EntryKind::Authority => EntryKind::Authority,
                _ if certificate.is_ca() => EntryKind::Authority,
                _ => EntryKind::Other,
            };
            let name = if is_first { origin.role.name.clone() } else { format!("{}#{position}", origin.role.name) };
            let entry = Entry {
                name: name.into(),
                kind,
                path: origin.path.clone(),
                position,
                embedded: origin.embedded.clone(),
                node: self.source.node.map(str::to_owned),
                subject: certificate.subject().into(),
                subject_common_name: describe::common_name(certificate.subject_der()).into(),
                issuer: certificate.issuer().into(),
                issuer_common_name: describe::common_name(certificate.issuer_der()).into(),
                authority: None,
                externally_managed: None,
                not_before: certificate.not_before(),
                not_after: certificate.not_after(),
                is_ca: certificate.is_ca(),
                is_break_glass: kind == EntryKind::User
                    && certificate.organizations().iter().any(|group| group == MASTERS),
                usages: describe::usages(&certificate).into_iter().map(Arc::from).collect(),
                alt_names: describe::alt_names(&certificate),
                key: describe::key(&certificate).into(),
                serial: describe::serial(&certificate).into(),
                serial_in_decimal: describe::serial_in_decimal(&certificate).into(),
                sha256: describe::sha256(&certificate).into(),
            };
            // A key beside a file belongs to the first certificate of the file.
            let has_key = origin.has_key.map(|has_key| has_key && is_first);
            self.found.push(Found { entry, certificate, is_copy: origin.role.is_copy, has_key });
        }
    }
}

/// Returns whether a file is PEM or DER rather than YAML. A file that a user names can have any name.
fn looks_like_certificates(content: &[u8]) -> bool {
    let begins_block = |line: &[u8]| line.trim_ascii_start().starts_with(b"-----BEGIN ");
    matches!(content, [0x30, 0x81..=0x83, ..]) || content.split(|byte| *byte == b'\n').any(begins_block)
}
