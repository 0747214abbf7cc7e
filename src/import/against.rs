//! Compares what a profile plans with what is on nodes, file by file.

use std::collections::{BTreeMap, BTreeSet};

use der::asn1::ObjectIdentifier;
use sha2::{Digest, Sha256};

use super::goes::{self, Going};
use super::old_authorities::{self, OldAuthority};
use super::sources::OtherPod;
use super::surveyed::{Surveyed, hex, read_all};
use crate::kubernetes::{Component, KeyId, is_of_registry, to_restart};
use crate::plan::{Plan, PlannedCertificate, PlannedContent, PlannedFile, PlannedKubeconfig, Recipient};
use crate::survey::{File, Survey, looks_at};
use crate::x509::{ExtendedKeyUsage, ReadCertificate, instant};

/// Where the kubelet's own client certificate is, whatever the day in the name of its file.
const KUBELET_CLIENT: &str = "var/lib/kubelet/pki/kubelet-client-current.pem";

/// Why it is not known what becomes of a file.
const NOT_SURVEYED: &str = "surveys do not have such files";

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileFate {
    /// Nothing changes.
    Same,
    /// The key and all names are the same, and the dates are others.
    Renewed,
    /// The key is another, and all names are the same.
    OtherKey,
    /// A name, a group, a usage or a server is another.
    OtherNames,
    /// The node does not have the file.
    New,
    /// Whether the file changes is not known.
    Unknown,
    /// No bundle has the file, and it stays.
    Stays,
    /// The bundle does not have the file, and `apply` takes it away.
    Goes,
}

impl FileFate {
    /// Every fate, in the order in which they are counted.
    pub const ALL: [Self; 8] = [
        Self::Same,
        Self::Renewed,
        Self::OtherKey,
        Self::OtherNames,
        Self::New,
        Self::Goes,
        Self::Unknown,
        Self::Stays,
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Renewed => "renewed",
            Self::OtherKey => "other key",
            Self::OtherNames => "other names",
            Self::New => "new",
            Self::Unknown => "not known",
            Self::Stays => "stays",
            Self::Goes => "goes",
        }
    }
}

/// A file of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedFile {
    /// The path below the node's root.
    pub path: String,
    /// What becomes of it.
    pub fate: FileFate,
    /// What differs, in words. Names in it are as a certificate has them.
    pub details: Vec<String>,
}

/// A node that is in the profile, and whose survey is there.
#[derive(Clone, Debug)]
pub struct ComparedNode {
    /// The name of the node.
    pub node: String,
    /// The files in the order of their paths.
    pub files: Vec<ComparedFile>,
    /// Who has to start anew to read what changes.
    pub restarts: BTreeSet<Component>,
    /// Whether what changes is read without a restart, too.
    pub is_reloaded: bool,
    /// The static pods that are none of Kubernetes' own and mount something that changes, as far as their manifests were
    /// given: a mount keeps showing the file of before until the pod starts anew.
    pub pods: Vec<String>,
    /// The files that stay and hold an older certificate of a CA that is renewed, in the order of their paths.
    pub old_authorities: Vec<OldAuthority>,
    /// The files that stay with a certificate that names such a CA by the serial number of its older certificate.
    pub by_serial: Vec<String>,
}

/// What is known beside surveys.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The files of the record of each root that has one, by the name of the root as it is given with its survey.
    pub by_root: BTreeMap<String, BTreeSet<String>>,
    /// The files of the last build, by the name of the node.
    pub by_lock: BTreeMap<String, BTreeSet<String>>,
    /// The static pods of each root that are none of Kubernetes' own.
    pub pods: BTreeMap<String, Vec<OtherPod>>,
}

/// What comes of the comparison of a profile with surveys.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// The nodes, in the order of the profile.
    pub nodes: Vec<ComparedNode>,
    /// The nodes of the profile without a survey.
    pub unsurveyed: Vec<String>,
    /// The surveys of nodes that are not in the profile: each with its file.
    pub strangers: Vec<String>,
}

/// Compares a plan with surveys, each of which comes with the name of its file. `known_keys` are the SHA-256 of the
/// public halves of keys, as the lock has them; of any other derived key nobody knows it before it is made. `beside`
/// is what roots and the lock say.
#[must_use]
pub fn against(
    plan: &Plan<'_>,
    known_keys: &BTreeMap<KeyId, [u8; 32]>,
    surveys: &[(String, Survey)],
    beside: &Beside,
) -> Against {
    let mut against = Against::default();
    let mut keys = known_keys.clone();
    keys.extend(plan.keys.iter().filter_map(|key| Some((key.id.clone(), *key.adopted.as_deref()?))));
    let certificates = plan.certificates.iter().map(|certificate| (&certificate.key, certificate)).collect();
    fn name(survey: &Survey) -> Option<&str> {
        survey.node.node_name.as_deref().or(survey.node.host_name.as_deref())
    }
    let mut by_name: BTreeMap<&str, (&str, &Survey)> = BTreeMap::new();
    for (file, survey) in surveys {
        if let Some(name) = name(survey) {
            by_name.entry(name).or_insert((file, survey));
        }
    }
    for recipient in &plan.recipients {
        let Recipient::Node(node) = recipient else { continue };
        match by_name.get(node.name.as_str()) {
            Some((file, survey)) => {
                let survey = Surveyed { survey, label: node.name.clone() };
                let comparing = Comparing { survey, keys: &keys, certificates: &certificates };
                let brought = Brought { recorded: beside.by_root.get(*file), locked: beside.by_lock.get(&node.name) };
                let mut compared = comparing.node(plan, *recipient, brought);
                compared.pods = mounting(&compared.files, beside.pods.get(*file));
                against.nodes.push(compared);
            }
            None => against.unsurveyed.push(node.name.clone()),
        }
    }
    let planned = plan.recipients.iter().filter_map(|recipient| match recipient {
        Recipient::Node(node) => Some(node.name.as_str()),
        Recipient::Cluster => None,
    });
    let planned: BTreeSet<&str> = planned.collect();
    let is_planned = |survey: &Survey| name(survey).is_some_and(|name| planned.contains(name));
    against.strangers =
        surveys.iter().filter(|(_, survey)| !is_planned(survey)).map(|(file, _)| file.clone()).collect();
    against
}

/// Returns the names of the pods that mount what changes.
fn mounting(files: &[ComparedFile], pods: Option<&Vec<OtherPod>>) -> Vec<String> {
    let changed = files.iter().filter(|file| !matches!(file.fate, FileFate::Same | FileFate::Stays));
    let changed: Vec<&str> = changed.map(|file| file.path.as_str()).collect();
    let is_in = |path: &str, mount: &String| {
        path.strip_prefix(mount.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mounts_one = |pod: &&OtherPod| pod.mounts.iter().any(|mount| changed.iter().any(|path| is_in(path, mount)));
    // A pod may have several containers.
    let names: BTreeSet<_> = pods.into_iter().flatten().filter(mounts_one).map(|pod| pod.name.clone()).collect();
    names.into_iter().collect()
}

struct Comparing<'a> {
    survey: Surveyed<'a>,
    keys: &'a BTreeMap<KeyId, [u8; 32]>,
    certificates: &'a BTreeMap<&'a KeyId, &'a PlannedCertificate>,
}

/// The files that certferry brought to a node before.
#[derive(Clone, Copy)]
struct Brought<'a> {
    recorded: Option<&'a BTreeSet<String>>,
    locked: Option<&'a BTreeSet<String>>,
}

impl Comparing<'_> {
    fn node(&self, plan: &Plan<'_>, recipient: Recipient<'_>, brought: Brought<'_>) -> ComparedNode {
        let mut files: BTreeMap<String, ComparedFile> = BTreeMap::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let planned = plan.files(recipient);
        for file in &planned {
            let is_store = matches!(file.content, PlannedContent::CertificateAndKey(_));
            let place = if is_store { KUBELET_CLIENT } else { &file.path };
            known.insert(self.survey.survey.leads_to(place).to_owned());
            let Some((fate, details)) = self.file(place, &file.content) else { continue };
            files.insert(file.path.clone(), ComparedFile { path: file.path.clone(), fate, details });
        }
        self.registries(&planned, brought, &mut files);
        let going = Going::new(&self.survey, plan.certificates_dir(), &planned, |id| self.keys.get(id).copied());
        let surveyed = &self.survey.survey;
        let others = surveyed.files.iter().filter(|file| {
            !(file.certificates.is_empty() && file.private_keys.is_empty() && file.public_keys.is_empty())
        });
        let others =
            others.map(|file| &file.path).chain(surveyed.kubeconfigs.iter().map(|kubeconfig| &kubeconfig.path));
        for path in others.filter(|path| !known.contains(*path)) {
            let why = going.why(path);
            let fate = if why.is_some() { FileFate::Goes } else { FileFate::Stays };
            let other = ComparedFile { path: path.clone(), fate, details: why.into_iter().collect() };
            files.entry(path.clone()).or_insert(other);
        }
        let files: Vec<_> = files.into_values().collect();
        let is_others = |file: &ComparedFile| matches!(file.fate, FileFate::Stays | FileFate::Goes);
        let changed = files.iter().filter(|file| !is_others(file) && file.fate != FileFate::Same);
        let has_etcd = files.iter().any(|file| !is_others(file) && file.path.ends_with("/etcd/server.crt"));
        let (restarts, is_reloaded) = match recipient {
            Recipient::Node(node) => to_restart(node.role, has_etcd, changed.map(|file| file.path.as_str())),
            Recipient::Cluster => (BTreeSet::new(), false),
        };
        let staying = files.iter().filter(|file| file.fate == FileFate::Stays).map(|file| file.path.as_str());
        let (old_authorities, by_serial) = old_authorities::of(plan, &self.survey, staying);
        ComparedNode {
            node: self.survey.label.clone(),
            files,
            restarts,
            is_reloaded,
            pods: Vec::new(),
            old_authorities,
            by_serial,
        }
    }

    /// Adds the files of registries that certferry brought before and the plan does not have. No survey looks at them.
    fn registries(&self, planned: &[PlannedFile], brought: Brought<'_>, files: &mut BTreeMap<String, ComparedFile>) {
        let (fate, why, known) = match brought {
            Brought { recorded: Some(recorded), .. } => (FileFate::Goes, goes::NOT_PLANNED, recorded),
            Brought { locked: Some(locked), .. } => (FileFate::Unknown, NOT_SURVEYED, locked),
            Brought { .. } => return,
        };
        let is_planned = |path: &str| planned.iter().any(|file| file.path == path);
        for path in known.iter().filter(|path| is_of_registry(path) && !is_planned(path)) {
            let file = ComparedFile { path: path.clone(), fate, details: vec![why.to_owned()] };
            files.insert(path.clone(), file);
        }
    }

    /// Returns what becomes of a file. Returns `None` for what follows from other files.
    fn file(&self, place: &str, content: &PlannedContent) -> Option<(FileFate, Vec<String>)> {
        let found = self.survey.survey.file(place);
        let lacking = || self.if_missing(place);
        Some(match content {
            PlannedContent::Certificate(id) | PlannedContent::CertificateAndKey(id) => {
                let certificate = self.survey.certificate(place);
                certificate.map_or_else(lacking, |certificate| self.file_of(id, &certificate, found))
            }
            // What follows is above the first, and nobody is known by such a file.
            PlannedContent::Chain(chain) => {
                let (id, certificate) = (chain.certificates.first()?, self.survey.certificate(place));
                certificate.map_or_else(lacking, |certificate| self.certificate(id, &certificate))
            }
            PlannedContent::PrivateKey(id) => match found.and_then(|file| file.private_keys.first()) {
                None => lacking(),
                Some(hash) => (self.key(id, |known| hex(known) == *hash), Vec::new()),
            },
            PlannedContent::PublicKeys(ids) => match found.and_then(|file| file.public_keys.first()) {
                None => lacking(),
                Some(pem) => {
                    let is_it =
                        |known: &[u8; 32]| spki_of(pem).is_some_and(|spki| Sha256::digest(spki)[..] == known[..]);
                    (self.key(ids.first()?, is_it), Vec::new())
                }
            },
            PlannedContent::Kubeconfig(planned) => self.kubeconfig(place, planned),
            // The kubelet's link leads to a file that is compared.
            PlannedContent::Link(_) => return None,
            PlannedContent::Profile | PlannedContent::Manifest(_) => (FileFate::Unknown, vec![NOT_SURVEYED.to_owned()]),
        })
    }

    /// Returns what becomes of a file that the survey does not have.
    fn if_missing(&self, place: &str) -> (FileFate, Vec<String>) {
        let unread = self.survey.survey.unread.iter().find(|unread| unread.path == self.survey.survey.leads_to(place));
        match unread {
            Some(unread) if unread.is_missing() => (FileFate::New, Vec::new()),
            Some(unread) => (FileFate::Unknown, vec![unread.reason.clone()]),
            None if looks_at(place) => (FileFate::New, Vec::new()),
            None => (FileFate::Unknown, vec![NOT_SURVEYED.to_owned()]),
        }
    }

    fn key(&self, id: &KeyId, is_it: impl Fn(&[u8; 32]) -> bool) -> FileFate {
        if self.keys.get(id).is_some_and(is_it) { FileFate::Same } else { FileFate::OtherKey }
    }

    /// Returns what becomes of a file whose first certificate is given. Of a CA there may be more, while it is rotated.
    fn file_of(&self, id: &KeyId, first: &ReadCertificate, file: Option<&File>) -> (FileFate, Vec<String>) {
        let (mut fate, mut details) = self.certificate(id, first);
        let further = file.map_or(0, |file| file.certificates.len().saturating_sub(1));
        if further > 0 && self.certificates.get(id).is_some_and(|planned| planned.is_ca) {
            fate = FileFate::OtherNames;
            let further = if further == 1 {
                "another certificate goes".to_owned()
            } else {
                format!("{further} further certificates go")
            };
            details.push(format!("{further}: whom they signed is no longer believed"));
        }
        (fate, details)
    }

    /// Returns what differs in the issuer: its name, or its key.
    fn issuer(&self, planned: &PlannedCertificate, found: &ReadCertificate) -> Option<String> {
        let issuer = self.certificates.get(&planned.issuer)?;
        if issuer.subject.to_der().is_ok_and(|name| name != found.issuer_der()) {
            return Some(format!("issuer {}, then {}", found.issuer(), issuer.subject));
        }
        let key = self.keys.get(&planned.issuer);
        let is_it = |authority: &ReadCertificate| {
            key.is_some_and(|key| Sha256::digest(authority.spki_der())[..] == key[..])
                && found.is_signed_by(authority) != Some(false)
        };
        let of_files = self.survey.survey.files.iter().flat_map(|file| read_all(&file.certificates));
        // The CA may be in the kubeconfigs alone.
        let of_kubeconfigs = self.survey.survey.kubeconfigs.iter().flat_map(|kubeconfig| &kubeconfig.clusters);
        let mut all = of_files.chain(of_kubeconfigs.flat_map(|cluster| read_all(&cluster.certificates)));
        (!all.any(|authority| is_it(&authority))).then(|| "signed by another key".to_owned())
    }

    fn certificate(&self, id: &KeyId, found: &ReadCertificate) -> (FileFate, Vec<String>) {
        let Some(planned) = self.certificates.get(id) else { return (FileFate::Unknown, Vec::new()) };
        let mut details = names(planned, found);
        // A root is its own issuer, and an adopted intermediate has that of its certificate.
        if !planned.is_ca {
            details.extend(self.issuer(planned, found));
        }
        let has_other_names = !details.is_empty();
        let has_key = self.keys.get(id).is_some_and(|known| Sha256::digest(found.spki_der())[..] == known[..]);
        let existing = planned.existing.as_deref().filter(|existing| !existing.is_renewed);
        let is_same = match existing {
            Some(existing) => Sha256::digest(found.der())[..] == existing.sha256[..],
            None => {
                planned.validity.not_after == found.not_after() && planned.validity.not_before == found.not_before()
            }
        };
        let fate = match (has_other_names, has_key, is_same) {
            (true, ..) => FileFate::OtherNames,
            (false, false, _) => FileFate::OtherKey,
            (false, true, false) => FileFate::Renewed,
            (false, true, true) => FileFate::Same,
        };
        if has_other_names && !has_key {
            details.push("another key".to_owned());
        }
        if planned.validity.not_after != found.not_after() {
            details.push(format!("ends {}, then {}", instant(found.not_after()), instant(planned.validity.not_after)));
        }
        (fate, details)
    }

    fn kubeconfig(&self, place: &str, planned: &PlannedKubeconfig) -> (FileFate, Vec<String>) {
        let Some(found) = self.survey.survey.kubeconfig(place) else { return self.if_missing(place) };
        let (mut fate, mut details) = match (planned.embedded(), self.survey.client_certificate(found)) {
            (Some(id), Some(certificate)) => self.certificate(id, &certificate),
            (Some(_), None) => (FileFate::OtherKey, Vec::new()),
            (None, _) => (FileFate::Same, Vec::new()),
        };
        let of_file = |value: Option<&str>| value.unwrap_or("nothing").to_owned();
        let cluster = found.clusters.first();
        let server = of_file(cluster.and_then(|cluster| cluster.server.as_deref()));
        let name = of_file(cluster.map(|cluster| cluster.name.as_str()));
        for (what, before, after) in [("server", server, &planned.server), ("cluster", name, &planned.cluster)] {
            if before != *after {
                details.push(format!("{what} {before}, then {after}"));
                fate = FileFate::OtherNames;
            }
        }
        // The CA's certificate is in it, too.
        let authority = cluster.map(|cluster| read_all(&cluster.certificates)).unwrap_or_default().into_iter().next();
        let of_authority = authority.zip(planned.authorities.first());
        let of_authority = of_authority.map_or(FileFate::Same, |(found, id)| self.certificate(id, &found).0);
        if fate == FileFate::Same && of_authority != FileFate::Same {
            fate = of_authority;
            details.push("the certificate of the CA in it".to_owned());
        }
        (fate, details)
    }
}

/// Returns what differs in user, groups, usages and names.
fn names(planned: &PlannedCertificate, found: &ReadCertificate) -> Vec<String> {
    let mut details = Vec::new();
    if planned.is_ca {
        // Whoever knows the one does not know the other, whatever the key.
        if planned.subject.to_der().is_ok_and(|name| name != found.subject_der()) {
            details.push(format!("subject {}, then {}", found.subject(), planned.subject));
        }
        return details;
    }
    let user = found.common_name().unwrap_or_default();
    if user != planned.subject.common_name {
        details.push(format!("CN={user}, then CN={}", planned.subject.common_name));
    }
    let sets = [
        ("O=", found.organizations(), planned.subject.organizations.clone()),
        (
            "usage ",
            found.usages().iter().map(|oid| usage_name(*oid)).collect(),
            planned.usages.iter().map(|usage| usage_name(usage.oid())).collect(),
        ),
        (
            "",
            found.alt_names().iter().map(crate::x509::AltName::labelled).collect(),
            planned.alt_names.iter().map(crate::x509::AltName::labelled).collect(),
        ),
    ];
    for (label, before, after) in sets {
        let only = |these: &[String], those: &[String]| {
            these.iter().filter(|item| !those.contains(item)).cloned().collect::<Vec<_>>()
        };
        details.extend(only(&after, &before).iter().map(|item| format!("+{label}{item}")));
        details.extend(only(&before, &after).iter().map(|item| format!("-{label}{item}")));
    }
    details
}

/// Returns the name of an extended key usage, or its number.
fn usage_name(oid: ObjectIdentifier) -> String {
    let known = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    known.iter().find(|usage| usage.oid() == oid).map_or_else(|| oid.to_string(), ToString::to_string)
}

/// Returns the DER of a public key in PEM.
fn spki_of(pem: &str) -> Option<Vec<u8>> {
    let (label, der) = der::pem::decode_vec(pem.as_bytes()).ok()?;
    (label == "PUBLIC KEY").then_some(der)
}
