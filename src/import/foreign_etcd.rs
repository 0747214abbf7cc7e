//! An etcd of somebody else: API servers are its clients with files that lie outside kubeadm's folders, and nobody looks for
//! certificates of etcd in those.

use super::finding::{Finding, Subject};
use super::hosts::HostPort;
use super::machines::{Machine, surveyed};
use super::said::{Said, decide};
use super::sources::Sources;
use super::surveyed::{API_SERVER, ETCD, Surveyed};
use super::text::{Text, quoted, told};
use crate::kubernetes::{PKI, Role, usual_place, written_folder};

/// The port at which a member serves clients, for a URL without one.
const CLIENT_PORT: u16 = 2379;

/// What `[etcd]` says.
pub(super) struct ForeignEtcd {
    /// The URLs of the members. `None` when no source says any that can be taken.
    pub(super) endpoints: Option<Said<Vec<String>>>,
    /// The CA, the certificate and the key of the API server as a client.
    pub(super) files: [Said<String>; 3],
}

/// The keys of `[etcd]` that name files, with the flags of the API server that name the same.
const FILES: [(&str, &str); 3] =
    [("ca_file", "etcd-cafile"), ("cert_file", "etcd-certfile"), ("key_file", "etcd-keyfile")];

/// Returns what is known of somebody else's etcd. Returns `None` when nothing shows that etcd is somebody else's.
///
/// API servers count more than kubeadm's configuration. A member that has its certificate in kubeadm's folder is one of
/// kubeadm's, whatever API servers read.
pub(super) fn find(sources: &Sources, machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> Option<ForeignEtcd> {
    let surveys: Vec<_> = surveyed(machines, Role::ControlPlane).map(|(_, survey)| survey).collect();
    let mut surveyed_machines = machines.iter().filter_map(|machine| machine.survey.as_ref());
    if surveyed_machines.any(has_kubeadms_member) || surveys.iter().any(|survey| reads_own_folder(survey)) {
        return None;
    }
    let of_api_servers: Vec<_> = surveys.iter().filter_map(|survey| of_api_server(survey)).collect();
    let mut of_kubeadm = Vec::new();
    for cluster in &sources.objects.clusters {
        let Some(etcd) = &cluster.external_etcd else { continue };
        let said = |(place, (key, _)): (usize, &(&str, &str))| {
            let path = etcd.files.get(place)?.clone()?;
            Some(Said::new(path, format!("{} in {}", kubeadms_field(key), cluster.source)))
        };
        let files: Option<Vec<_>> = FILES.iter().enumerate().map(said).collect();
        of_kubeadm.extend(files.and_then(|files| <[_; 3]>::try_from(files).ok()));
    }
    // An API server that reads kubeadm's files reads those of a bundle.
    let is_foreign = |files: &[Said<String>; 3]| files.iter().all(|file| is_elsewhere(&file.value));
    let all: Vec<_> = of_api_servers.iter().chain(&of_kubeadm).collect();
    let deciding = if of_api_servers.is_empty() { &of_kubeadm } else { &of_api_servers };
    if deciding.is_empty() || !deciding.iter().all(is_foreign) {
        return None;
    }
    let (first, others) = all.split_first()?;
    for ((key, _), place) in FILES.iter().zip(0..) {
        let Some(taken) = first.get(place) else { continue };
        let others = others.iter().filter_map(|files| files.get(place));
        let mut others: Vec<_> = others.filter(|other| other.value != taken.value).collect();
        others.dedup_by(|left, right| left.value == right.value);
        for other in others {
            findings.push(Finding::new(Subject::Note, format!(
                "`{key}` in [etcd] is {}, as {} says, and {} says {}: kubeadm's configuration, which is for the first control \
                 plane, has the former; each API server goes on to read its own",
                taken.value, taken.source, other.source, told_path(&other.value),
            )));
        }
    }
    let endpoints = endpoints(sources, &surveys, findings);
    let paths: Vec<_> = first.iter().map(|file| file.value.as_str()).collect();
    findings.push(Finding::new(Subject::Keep, format!(
        "etcd is somebody else's: {} on every control plane; API servers read them, no bundle has them, and whoever runs etcd \
         renews them",
        paths.join(", "),
    )));
    for (machine, _) in surveyed(machines, Role::Etcd) {
        findings.push(Finding::new(
            Subject::Note,
            format!(
                "{}: a member of somebody else's etcd, which gets nothing from here; its [[node]] is a comment",
                machine.label,
            ),
        ));
    }
    Some(ForeignEtcd { endpoints, files: (*first).clone() })
}

/// Writes `[etcd]`.
pub(super) fn write(text: &mut Text, etcd: &ForeignEtcd) {
    text.table("[etcd]");
    match &etcd.endpoints {
        Some(endpoints) => {
            let list: Vec<_> = endpoints.value.iter().map(|url| quoted(url)).collect();
            text.key("endpoints", &format!("[{}]", list.join(", ")), &endpoints.source);
        }
        None => text.off("endpoints", "[]", "not known"),
    }
    for ((key, _), file) in FILES.iter().zip(&etcd.files) {
        text.key(key, &quoted(&file.value), &file.source);
    }
}

/// Returns the files with which an API server is a client of etcd, if its flags name all three.
fn of_api_server(survey: &Surveyed<'_>) -> Option<[Said<String>; 3]> {
    let [ca, certificate, key] = FILES.map(|(_, flag)| {
        let source = survey.setting(API_SERVER, flag)?.source;
        Some(Said::new(format!("/{}", survey.named(API_SERVER, flag)?), source))
    });
    Some([ca?, certificate?, key?])
}

/// Returns whether an API server finds a file of etcd's in the folder of its own certificate.
fn reads_own_folder(survey: &Surveyed<'_>) -> bool {
    let folder = format!("/{}/", survey.pki());
    of_api_server(survey).is_some_and(|files| files.iter().any(|file| file.value.starts_with(&folder)))
}

/// Returns whether a path is one that `[etcd]` takes, outside the folder of certificates.
fn is_elsewhere(path: &str) -> bool {
    let Some(place) = path.strip_prefix('/') else { return false };
    let is_plain = place.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let is_ours = written_folder(place).is_some() || usual_place(place).starts_with(PKI);
    is_plain && path.trim() == path && !is_ours && !path.chars().any(crate::x509::is_unseen)
}

/// Returns a path as a finding repeats it. What kubeadm's configuration has may be anything.
fn told_path(path: &str) -> String {
    if is_elsewhere(path) { path.to_owned() } else { told(path) }
}

/// Returns whether a node has a certificate of a member where kubeadm has it.
fn has_kubeadms_member(survey: &Surveyed<'_>) -> bool {
    let place = survey.place(ETCD, "cert-file", "etcd/server.crt");
    survey.survey.file(&place).is_some_and(|file| usual_place(&file.path).starts_with(PKI))
}

/// Returns kubeadm's name for a key of `[etcd]`.
fn kubeadms_field(key: &str) -> &'static str {
    match key {
        "ca_file" => "etcd.external.caFile",
        "cert_file" => "etcd.external.certFile",
        _ => "etcd.external.keyFile",
    }
}

/// Returns the URLs of the members.
fn endpoints(sources: &Sources, surveys: &[&Surveyed<'_>], findings: &mut Vec<Finding>) -> Option<Said<Vec<String>>> {
    let mut claims = Vec::new();
    let mut add = |urls: &mut dyn Iterator<Item = &str>, source: String| {
        let urls: Option<Vec<_>> = urls.map(|url| url_of(url.trim())).collect();
        claims.extend(urls.filter(|urls| !urls.is_empty()).map(|urls| Said::new(urls, source)));
    };
    for survey in surveys {
        let Some(setting) = survey.setting(API_SERVER, "etcd-servers") else { continue };
        add(&mut setting.value.split(','), setting.source);
    }
    for cluster in &sources.objects.clusters {
        let Some(etcd) = &cluster.external_etcd else { continue };
        let source = format!("etcd.external.endpoints in {}", cluster.source);
        add(&mut etcd.endpoints.iter().map(String::as_str), source);
    }
    let decided = decide("endpoints in [etcd]", claims, |urls| urls.join(", "), findings);
    if decided.is_none() {
        let text = "`endpoints` in [etcd]: no source says at which URLs (https) the members of etcd serve clients";
        findings.push(Finding::new(Subject::Unknown, text));
    }
    decided
}

/// Returns a URL as a profile takes it.
fn url_of(text: &str) -> Option<String> {
    let host = text.strip_prefix("https://").and_then(HostPort::parse)?;
    Some(format!("https://{}", host.with_port(CLIENT_PORT)))
}
