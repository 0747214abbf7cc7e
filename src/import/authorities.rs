//! The CAs that are there, the key that signs the tokens of service accounts, and where their keys lie.

use sha2::{Digest, Sha256};
use time::{Date, OffsetDateTime};

use super::finding::{Finding, Subject};
use super::machines::{Machine, surveyed};
use super::said::Said;
use super::surveyed::{API_SERVER, CONTROLLER_MANAGER, ETCD, Surveyed, read_all};
use crate::kubernetes::Role;
use crate::x509::{ReadCertificate, instant};

/// The years for which the profile lets leaves live.
pub(super) const LEAF_YEARS: i32 = 199;

/// A CA of kubeadm's.
pub(super) struct Authority {
    /// The name of its table in the profile.
    pub(super) table: &'static str,
    /// The names of its files in `adopted`, without their ending.
    pub(super) stem: &'static str,
    /// The certificate, with its source. `None` when no source has it.
    pub(super) certificate: Option<Said<ReadCertificate>>,
    /// The certificates above it, when another CA has signed it.
    pub(super) issuers: Vec<ReadCertificate>,
    /// Where its key lies.
    pub(super) key: KeyPlace,
    /// The certificates of other CAs that are believed beside it, each with the place.
    pub(super) foreign: Vec<Said<ReadCertificate>>,
    /// Whether it ends before the leaves of the profile.
    pub(super) ends_early: bool,
}

/// Where a key lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyPlace {
    /// In a file of a node: node and path.
    Node { label: String, path: String },
    /// In a file of a node, which was not read: node, path and reason.
    Unread { label: String, path: String, reason: String },
    /// On no node that was surveyed.
    Nowhere,
}

/// The CAs and the key of service accounts.
pub(super) struct Authorities {
    pub(super) all: Vec<Authority>,
    pub(super) service_account: KeyPlace,
    /// Whether a control plane was surveyed.
    pub(super) has_control_plane: bool,
}

impl Authority {
    /// Returns whether it signed itself.
    pub(super) fn is_root(&self) -> Option<bool> {
        self.certificate.as_ref().map(|certificate| is_root(&certificate.value))
    }

    /// Returns the path of the certificate, relative to the profile.
    pub(super) fn certificate_path(&self) -> String {
        format!("adopted/{}.crt", self.stem)
    }

    /// Returns the path of the key, relative to the profile.
    pub(super) fn key_path(&self) -> String {
        format!("adopted/{}.key", self.stem)
    }
}

impl Authorities {
    pub(super) fn named(&self, table: &str) -> Option<&Authority> {
        self.all.iter().find(|authority| authority.table == table)
    }

    /// Returns whether no control plane that was surveyed has the key of the cluster's CA.
    pub(super) fn is_external(&self) -> bool {
        let nowhere = |authority: &Authority| authority.key == KeyPlace::Nowhere && authority.certificate.is_some();
        self.has_control_plane && self.named("kubernetes").is_some_and(nowhere)
    }

    /// Returns the certificates of the CAs, each with its path relative to the profile.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for authority in &self.all {
            let Some(certificate) = &authority.certificate else { continue };
            let chain = std::iter::once(&certificate.value).chain(&authority.issuers);
            files.push((authority.certificate_path(), chain.map(ReadCertificate::to_pem).collect()));
        }
        files
    }
}

/// A row of what is looked for.
struct Wanted {
    table: &'static str,
    stem: &'static str,
    /// Where programs name its certificate, the most certain first.
    flags: &'static [(&'static str, &'static str)],
    /// kubeadm's name for the certificate.
    kubeadms: &'static str,
    /// A leaf that it signed: program, flag, kubeadm's name.
    leaf: (&'static str, &'static str, &'static str),
    /// The roles of nodes that have it.
    roles: &'static [Role],
}

const WANTED: [Wanted; 3] = [
    Wanted {
        table: "kubernetes",
        stem: "ca",
        flags: &[(API_SERVER, "client-ca-file")],
        kubeadms: "ca.crt",
        leaf: (API_SERVER, "tls-cert-file", "apiserver.crt"),
        roles: &[Role::ControlPlane, Role::Worker],
    },
    Wanted {
        table: "etcd",
        stem: "etcd/ca",
        flags: &[(ETCD, "trusted-ca-file"), (API_SERVER, "etcd-cafile")],
        kubeadms: "etcd/ca.crt",
        leaf: (ETCD, "cert-file", "etcd/server.crt"),
        roles: &[Role::Etcd, Role::ControlPlane],
    },
    Wanted {
        table: "front-proxy",
        stem: "front-proxy-ca",
        flags: &[(API_SERVER, "requestheader-client-ca-file")],
        kubeadms: "front-proxy-ca.crt",
        leaf: (API_SERVER, "proxy-client-cert-file", "front-proxy-client.crt"),
        roles: &[Role::ControlPlane],
    },
];

/// Finds the CAs, but for that of an etcd of somebody else.
pub(super) fn of(
    machines: &[Machine<'_>],
    issued_at: Date,
    is_etcd_foreign: bool,
    findings: &mut Vec<Finding>,
) -> Authorities {
    let leaves_end = issued_at.replace_year(issued_at.year() + LEAF_YEARS).unwrap_or(issued_at);
    let leaves_end = leaves_end.midnight().assume_utc();
    let wanted = WANTED.iter().filter(|wanted| !(is_etcd_foreign && wanted.table == "etcd"));
    let all: Vec<_> = wanted.map(|wanted| authority(wanted, machines, leaves_end, findings)).collect();
    for (index, authority) in all.iter().enumerate() {
        let Some(certificate) = &authority.certificate else { continue };
        let same = |other: &&Authority| {
            other.certificate.as_ref().is_some_and(|other| other.value.spki_der() == certificate.value.spki_der())
        };
        if let Some(twin) = all.get(..index).unwrap_or_default().iter().find(same) {
            let text = format!(
                "[ca.{}] and [ca.{}] are one CA: a client of one is a client of the other",
                twin.table, authority.table
            );
            findings.push(Finding::new(Subject::Power, text));
        }
    }
    let has_control_plane = surveyed(machines, Role::ControlPlane).next().is_some();
    let service_account = service_account(machines, findings);
    Authorities { all, service_account, has_control_plane }
}

fn authority(
    wanted: &Wanted,
    machines: &[Machine<'_>],
    leaves_end: OffsetDateTime,
    findings: &mut Vec<Finding>,
) -> Authority {
    let mut chosen: Option<Said<ReadCertificate>> = None;
    let mut foreign: Vec<Said<ReadCertificate>> = Vec::new();
    for role in wanted.roles {
        for (_, survey) in surveyed(machines, *role) {
            let found = trusted(wanted, survey, *role);
            let leaf = {
                let (program, flag, kubeadms) = wanted.leaf;
                survey.certificate(&survey.place(program, flag, kubeadms))
            };
            let own = own(&found, leaf.as_ref(), survey).cloned();
            for certificate in found {
                let is_own = own.as_ref().is_some_and(|own| own.value.der() == certificate.value.der());
                if !is_own {
                    add_foreign(&mut foreign, certificate);
                    continue;
                }
                match &chosen {
                    None => chosen = Some(certificate),
                    Some(known) if known.value.spki_der() != certificate.value.spki_der() => {
                        findings.push(Finding::new(
                            Subject::Contradiction,
                            format!(
                                "the CA of [ca.{}]: {} ({}) was taken, but {} has another: {}",
                                wanted.table,
                                described(&known.value),
                                known.source,
                                certificate.source,
                                described(&certificate.value),
                            ),
                        ));
                        add_foreign(&mut foreign, certificate);
                    }
                    Some(known) if known.value.der() != certificate.value.der() => {
                        let (late, early) = match known.value.not_after() < certificate.value.not_after() {
                            true => (certificate, known.clone()),
                            false => (known.clone(), certificate),
                        };
                        findings.push(Finding::new(Subject::Contradiction, format!(
                            "the CA of [ca.{}] has two certificates over one key: that of {}, which ends {}, was taken, and not that of {}, which ends {}",
                            wanted.table, late.source, instant(late.value.not_after()), early.source, instant(early.value.not_after()),
                        )));
                        chosen = Some(late);
                    }
                    Some(_) => {}
                }
            }
        }
    }
    if let Some(certificate) = &chosen {
        foreign.retain(|other| other.value.spki_der() != certificate.value.spki_der());
    }
    let issuers =
        chosen.as_ref().map(|certificate| issuers(&certificate.value, &foreign, machines)).unwrap_or_default();
    // Whoever signed the CA is no stranger in files that verify servers, but in those that verify clients it is one.
    for other in &foreign {
        findings.push(Finding::new(
            Subject::Power,
            format!(
                "a further CA beside that of [ca.{}], in {}: {}; whatever name and groups it signs are believed{}",
                wanted.table,
                other.source,
                described(&other.value),
                if wanted.table == "kubernetes" { ", system:masters among them" } else { "" },
            ),
        ));
    }
    let key = match &chosen {
        Some(certificate) => key_place(&certificate.value, wanted, machines),
        None => KeyPlace::Nowhere,
    };
    let chain = chosen.iter().map(|certificate| &certificate.value).chain(&issuers);
    let ends_early = chain.into_iter().any(|certificate| certificate.not_after() < leaves_end);
    Authority { table: wanted.table, stem: wanted.stem, certificate: chosen, issuers, key, foreign, ends_early }
}

fn add_foreign(foreign: &mut Vec<Said<ReadCertificate>>, certificate: Said<ReadCertificate>) {
    if foreign.iter().all(|known| known.value.der() != certificate.value.der()) {
        foreign.push(certificate);
    }
}

/// Returns the certificates of the file in which a node finds the CA.
fn trusted(wanted: &Wanted, survey: &Surveyed<'_>, role: Role) -> Vec<Said<ReadCertificate>> {
    let mut places: Vec<_> = wanted.flags.iter().filter_map(|(program, flag)| survey.named(program, flag)).collect();
    places.push(format!("{}/{}", survey.pki(), wanted.kubeadms));
    if role == Role::Worker {
        let field = survey.field("KubeletConfiguration", "authentication.x509.clientCAFile");
        let field = field.and_then(|field| field.value.strip_prefix('/').map(str::to_owned));
        places.splice(0..0, field);
    }
    for place in places {
        let found = survey.certificates(&place);
        if !found.is_empty() {
            let source = survey.of(&place);
            return found.into_iter().map(|certificate| Said::new(certificate, source.clone())).collect();
        }
    }
    let kubeconfig = survey.kubeconfig("kubelet.conf").filter(|_| wanted.table == "kubernetes");
    let Some(kubeconfig) = kubeconfig else { return Vec::new() };
    let source = survey.of(&kubeconfig.path);
    let certificates = kubeconfig.clusters.iter().flat_map(|cluster| read_all(&cluster.certificates));
    certificates.map(|certificate| Said::new(certificate, source.clone())).collect()
}

/// Returns the CA among certificates that are believed: the one that signed the node's own leaf, or whose key is there, or
/// else the first, as kubeadm takes it.
fn own<'c>(
    found: &'c [Said<ReadCertificate>],
    leaf: Option<&ReadCertificate>,
    survey: &Surveyed<'_>,
) -> Option<&'c Said<ReadCertificate>> {
    let signed = found.iter().find(|certificate| leaf.is_some_and(|leaf| is_issued_by(leaf, &certificate.value)));
    let with_key = || found.iter().find(|certificate| key_file(&certificate.value, survey).is_some());
    signed.or_else(with_key).or_else(|| found.first())
}

/// Returns whether a certificate names a CA as its issuer, byte for byte as Go compares.
pub(super) fn is_issued_by(leaf: &ReadCertificate, ca: &ReadCertificate) -> bool {
    let key_ids = leaf.authority_key_identifier().zip(ca.subject_key_identifier());
    leaf.issuer_der() == ca.subject_der() && key_ids.is_none_or(|(authority, subject)| authority == subject)
}

/// Returns whether a certificate names itself as its issuer.
pub(super) fn is_root(certificate: &ReadCertificate) -> bool {
    certificate.issuer_der() == certificate.subject_der()
}

/// Returns the certificates above a CA, as far as the surveys have them.
fn issuers(ca: &ReadCertificate, foreign: &[Said<ReadCertificate>], machines: &[Machine<'_>]) -> Vec<ReadCertificate> {
    const MOST: usize = 8;
    if is_root(ca) {
        return Vec::new();
    }
    let surveys = machines.iter().filter_map(|machine| machine.survey.as_ref());
    let of_files = surveys.flat_map(|survey| survey.survey.files.iter().flat_map(|file| read_all(&file.certificates)));
    let known: Vec<_> = foreign.iter().map(|certificate| certificate.value.clone()).chain(of_files).collect();
    let mut chain: Vec<ReadCertificate> = Vec::new();
    while let Some(issuer) = {
        let last = chain.last().unwrap_or(ca);
        let next = |certificate: &&ReadCertificate| certificate.is_ca() && is_issued_by(last, certificate);
        if is_root(last) || chain.len() == MOST { None } else { known.iter().find(next) }
    } {
        if chain.iter().any(|known| known.der() == issuer.der()) {
            break;
        }
        chain.push(issuer.clone());
    }
    chain
}

/// Returns the SHA-256 of a SubjectPublicKeyInfo in hex, as surveys have it.
fn key_hash(spki: &[u8]) -> String {
    Sha256::digest(spki).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the SHA-256 of a CA's public key in hex.
pub(super) fn key_hash_of(ca: &ReadCertificate) -> String {
    key_hash(ca.spki_der())
}

/// Returns a certificate in words: its subject, and by what it is recognised.
pub(super) fn described(certificate: &ReadCertificate) -> String {
    format!("{}, SHA-256 {}", certificate.subject(), key_hash(certificate.der()))
}

/// Returns the path of the file of a node that has a CA's key.
fn key_file<'s>(ca: &ReadCertificate, survey: &'s Surveyed<'_>) -> Option<&'s str> {
    let hash = key_hash_of(ca);
    survey.survey.files.iter().find(|file| file.private_keys.contains(&hash)).map(|file| file.path.as_str())
}

fn key_place(ca: &ReadCertificate, wanted: &Wanted, machines: &[Machine<'_>]) -> KeyPlace {
    let surveys = || machines.iter().filter_map(|machine| machine.survey.as_ref());
    for survey in surveys() {
        if let Some(path) = key_file(ca, survey) {
            return KeyPlace::Node { label: survey.label.clone(), path: path.to_owned() };
        }
    }
    let usual = |survey: &Surveyed<'_>| {
        let named =
            survey.named(CONTROLLER_MANAGER, "cluster-signing-key-file").filter(|_| wanted.table == "kubernetes");
        named.unwrap_or_else(|| format!("{}/{}", survey.pki(), wanted.kubeadms.replace(".crt", ".key")))
    };
    for survey in surveys() {
        if let Some(unread) = unread(survey, &usual(survey)) {
            return unread;
        }
    }
    KeyPlace::Nowhere
}

/// Returns the place of a file that is there, and could not be read.
fn unread(survey: &Surveyed<'_>, path: &str) -> Option<KeyPlace> {
    let found = survey.survey.unread.iter().find(|unread| unread.path == path && !unread.is_missing())?;
    Some(KeyPlace::Unread { label: survey.label.clone(), path: path.to_owned(), reason: found.reason.clone() })
}

/// Finds the key that signs the tokens of service accounts. All control planes have the same one.
fn service_account(machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> KeyPlace {
    let mut first: Option<(String, String)> = None;
    let mut place = KeyPlace::Nowhere;
    for (_, survey) in surveyed(machines, Role::ControlPlane) {
        let named = survey.named(API_SERVER, "service-account-signing-key-file");
        let named = named.or_else(|| survey.named(CONTROLLER_MANAGER, "service-account-private-key-file"));
        let path = named.unwrap_or_else(|| format!("{}/sa.key", survey.pki()));
        let Some(file) = survey.survey.file(&path).filter(|file| !file.private_keys.is_empty()) else {
            if place == KeyPlace::Nowhere {
                place = unread(survey, &path).unwrap_or(KeyPlace::Nowhere);
            }
            continue;
        };
        let Some(hash) = file.private_keys.first() else { continue };
        match &first {
            None => {
                place = KeyPlace::Node { label: survey.label.clone(), path };
                first = Some((hash.clone(), survey.label.clone()));
            }
            Some((known, label)) if known != hash => findings.push(Finding::new(Subject::Contradiction, format!(
                "the key of service accounts: that of {label} was taken, but {} has another; tokens of one are refused by the API server of the other",
                survey.of(&path),
            ))),
            Some(_) => {}
        }
    }
    place
}
