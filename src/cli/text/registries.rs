//! The words for the roots of registries, which a reviewer of a profile must see: they are trusted by whole nodes.

use serde::Serialize;

use crate::profile::{Profile, Registry, RegistryRoot};
use crate::x509::ReadCertificate;

/// Returns whom nodes are told to trust, and how far, or nothing for a profile without registries.
pub(crate) fn told(profile: &Profile) -> String {
    let told = |registry: &Registry| {
        let roots = match &registry.root {
            RegistryRoot::Tls => "ca/tls".to_owned(),
            RegistryRoot::Pem(roots) => {
                let named = roots.iter().map(|root| format!("{} (sha256:{})", subject(&root.pem), root.short_hash()));
                named.collect::<Vec<_>>().join(", ")
            }
        };
        let far = match registry.system_trust {
            true => "every program of control planes and workers trusts it, for EVERY NAME",
            false => "containerd of control planes and workers trusts it",
        };
        format!("registry {}  root {roots}: {far}\n", registry.host)
    };
    let lines: String = profile.registries.iter().map(told).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

fn subject(pem: &str) -> String {
    ReadCertificate::from_pem(pem.as_bytes()).map(|certificate| certificate.subject()).unwrap_or_default()
}

/// A registry for programs.
#[derive(Serialize)]
pub(crate) struct RegistryJson<'a> {
    host: &'a str,
    /// `tls`, or the SHA-256 of each certificate.
    root: Vec<&'a str>,
    system_trust: bool,
}

/// Returns the registries of a profile for programs, in its order.
pub(crate) fn json(profile: &Profile) -> Vec<RegistryJson<'_>> {
    profile
        .registries
        .iter()
        .map(|registry| RegistryJson {
            host: &registry.host,
            root: match &registry.root {
                RegistryRoot::Tls => vec!["tls"],
                RegistryRoot::Pem(roots) => roots.iter().map(|root| root.sha256.as_str()).collect(),
            },
            system_trust: registry.system_trust,
        })
        .collect()
}
