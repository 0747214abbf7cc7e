//! Checks what containerd reads of registries, and the roots of bundles that the system shall trust.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::containerd::Config;
use super::finding::Findings;
use super::secrets::{TlsSecret, title};
use super::time::Clock;
use super::words::as_texts;
use crate::kubeconfig::resolve;
use crate::kubernetes::{
    CERTS_D, HOSTS_TOML, TRUST_FOLDERS, UPDATE_TRUST, in_certs_d, is_trusted_by_system, registry_folder,
    registry_of_folder,
};
use crate::tree::Tree;
use crate::x509::{AltName, ReadCertificate, instant, read_pem};

/// What the systems make of [`TRUST_FOLDERS`], in their order.
const MADE: [&str; 2] = ["etc/ssl/certs/ca-certificates.crt", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"];

/// A registry of which containerd has a folder.
pub(super) struct Registry {
    /// The name, as image names have it.
    name: String,
    /// The certificates of the files that its `hosts.toml` names.
    roots: Vec<ReadCertificate>,
    /// Those files.
    files: BTreeSet<String>,
}

/// Looks at every folder of a registry, at containerd's configuration when there is one, and at the system's roots.
pub(super) fn check(tree: &Tree, clock: Clock, findings: &mut Findings) -> Vec<Registry> {
    let mut registries = Vec::new();
    let places = tree.files_below(CERTS_D);
    let files = places.iter().filter_map(|place| in_certs_d(place)).filter(|(_, file)| *file == HOSTS_TOML);
    for (folder, _) in files {
        registries.extend(registry(tree, folder, clock, findings));
    }
    if !registries.is_empty() {
        Config::read(tree).check(findings);
    }
    check_system(tree, findings);
    registries
}

/// Reads the file of one registry. Source: containerd v1.6.20 and v2.2, remotes/docker/config/hosts.go; of v1.6.20 tried
/// that a file without a section of a host is passed over.
fn registry(tree: &Tree, folder: &str, clock: Clock, findings: &mut Findings) -> Option<Registry> {
    let place = format!("{CERTS_D}/{folder}/{HOSTS_TOML}");
    let name = registry_of_folder(folder);
    if folder.contains(':') {
        let other = format!("{CERTS_D}/{}", registry_folder(folder));
        if tree.has_folder(&other) {
            findings.add("registry-shadowed", &place, &[("other", &other)]);
            return None;
        }
    }
    let text = tree.text_of(&place)?;
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let reason = toml::de::Error::message(&error).to_owned();
            findings.add("registry-hosts", &place, &[("detail", &format!("is not TOML: {reason}"))]);
            return None;
        }
    };
    let hosts = table.get("host").and_then(Value::as_table);
    if hosts.is_none() {
        let detail = format!("has no section [host.\"https://{name}\"]");
        findings.add("registry-hosts", &place, &[("detail", &detail)]);
    }
    let sections = hosts.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let named: BTreeSet<&str> =
        sections.chain([&table]).filter_map(|section| section.get("ca")).flat_map(texts).collect();
    let (mut roots, mut files) = (Vec::new(), BTreeSet::new());
    for path in named {
        let file = resolve(&place, path);
        let add = |detail: &str, findings: &mut Findings| {
            let values = [("named", path), ("detail", detail), ("registry", &name)];
            findings.add_in("registry-ca", &place, &place, &values);
        };
        let Some(content) = tree.content(&file) else {
            // One that cannot be read is told of elsewhere, as root can read all.
            if !tree.is_there(&file) {
                add("is not there", findings);
            }
            continue;
        };
        let found = read_pem(&content).map(|contents| contents.certificates).unwrap_or_default();
        if found.is_empty() {
            add("holds no certificate that can be read", findings);
            continue;
        }
        // One that still holds is enough.
        if let Some(last) = found.iter().map(ReadCertificate::not_after).max().filter(|last| clock.at > *last) {
            findings.add(
                "registry-ca-expired",
                &file,
                &as_texts(&[("time", instant(last)), ("registry", name.clone())]),
            );
        }
        roots.extend(found);
        files.insert(file);
    }
    Some(Registry { name, roots, files })
}

/// Returns a text, or the texts of an array.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Reports the roots of a bundle that lie where the system takes them from, and that it has not taken.
fn check_system(tree: &Tree, findings: &mut Findings) {
    let lines = |text: &str| text.lines().map(str::trim).collect::<String>();
    for (folder, made) in TRUST_FOLDERS.into_iter().zip(MADE) {
        // A system has one of the two, and the other's folder is of no use there.
        let Some(all) = tree.text_of(made) else { continue };
        let all = lines(&all);
        for place in tree.files_below(folder).iter().filter(|place| is_trusted_by_system(place)) {
            if tree.text_of(place).is_some_and(|text| !all.contains(&lines(&text))) {
                findings.add("system-trust", place, &[("made", made), ("update", UPDATE_TRUST)]);
            }
        }
    }
    if MADE.iter().all(|made| !tree.is_there(made)) {
        for place in TRUST_FOLDERS.iter().flat_map(|folder| tree.files_below(folder)) {
            if is_trusted_by_system(&place) {
                findings.unchecked(&place, &format!("{place}: neither {} is there", MADE.join(" nor ")));
            }
        }
    }
}

/// Reports Secrets with a registry's certificate that none of its roots signed.
pub(super) fn check_secrets(registries: &[Registry], secrets: &[TlsSecret<'_>], findings: &mut Findings) {
    for registry in registries.iter().filter(|registry| !registry.roots.is_empty()) {
        let host = registry.name.rsplit_once(':').map_or(registry.name.as_str(), |(host, _)| host);
        let host = host.parse().map_or_else(|_| AltName::Dns(host.to_owned()), AltName::Ip);
        for secret in secrets.iter().filter(|secret| secret.leaf.is_for(&host)) {
            if !leads_to(&secret.leaf, &secret.rest, &registry.roots) {
                let root = registry.files.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
                let values = [("registry", registry.name.as_str()), ("root", &root)];
                findings.add_in("registry-certificate", secret.object.file, &title(&secret.object), &values);
            }
        }
    }
}

/// Returns whether a chain of signatures leads from a certificate to one of the roots, or may lead there.
fn leads_to(leaf: &ReadCertificate, rest: &[ReadCertificate], roots: &[ReadCertificate]) -> bool {
    let signs = |authority: &&ReadCertificate| leaf.is_signed_by(authority) != Some(false);
    if roots.iter().any(|root| signs(&root)) {
        return true;
    }
    // Each step uses up one of the others.
    let next = rest.iter().position(|other| signs(&other));
    next.and_then(|next| Some((rest.get(next)?, rest.get(next + 1..)?)))
        .is_some_and(|(issuer, rest)| leads_to(issuer, rest, roots))
}
