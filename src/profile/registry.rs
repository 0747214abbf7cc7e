//! Reads `[[registry]]`.

use std::collections::BTreeMap;
use std::ops::Range;

use time::{Date, Time};

use super::addons::TlsIssuer;
use super::cluster::ClusterDraft;
use super::model::{Registry, RegistryRoot};
use super::names::abridged;
use super::network::endpoint;
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::root_certificate::RootCertificate;
use super::tls::TlsDraft;
use super::value::{Setting, WrittenValue};
use crate::kubernetes::registry_folder;
use crate::x509::{AltName, ExtendedKeyUsage, instant, read_pem};

/// The most bytes of a folder's name, so that `etc/containerd/certs.d/<folder>/hosts.toml` fits in ustar's name field of
/// 100 bytes.
const FOLDER_BYTES: usize = 66;
/// Names of Docker's own registry. Images without a registry are of it, and it is called otherwise at its own door.
const DOCKER: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// One `[[registry]]` as far as it could be read.
pub(super) struct RegistryDraft {
    host: Option<Setting<(String, AltName)>>,
    root: Option<RegistryRoot>,
    system_trust: Option<bool>,
    header: Option<Range<usize>>,
}

pub(super) fn read(root: &TableReader<'_>, cluster: &ClusterDraft) -> Vec<RegistryDraft> {
    let read = |table: TableReader<'_>| {
        let header = table.header.clone();
        let draft = RegistryDraft {
            host: table.required("host", "\"registry.corp.internal:5000\"", |value| value.located(host)),
            root: table.required("root", "\"tls\"", |value| read_root(value, header.as_ref(), cluster)),
            system_trust: table.optional("system_trust", false, |value| value.boolean()),
            header,
        };
        table.refuse_unknown_keys();
        draft
    };
    root.tables("registry").into_iter().map(read).collect()
}

/// Reads the name of a registry as image names have it, and returns it with its host.
///
/// Source: distribution/reference, normalize.go `splitDockerDomain`.
fn host(value: WrittenValue<'_>) -> Option<(String, AltName)> {
    let text = value.string()?;
    let refuse = |reason: &str, hint: String| {
        value.refuse(format!("\"{}\" is not a registry of image names", abridged(text)), reason, hint)
    };
    if text.contains('/') {
        return refuse("a URL or a path", "write the host alone, and its port where images name one".to_owned());
    }
    let read = endpoint(value)?;
    let (name, _) = text.rsplit_once(':').unwrap_or((text, ""));
    if DOCKER.contains(&name.to_ascii_lowercase().as_str()) {
        let reason = "its certificates are not this network's";
        return refuse(reason, "name the registry that images are pulled from here".to_owned());
    }
    if let AltName::Ip(std::net::IpAddr::V6(address)) = read.host {
        let hint = format!("give the registry a DNS name, and name images by it instead of {address}");
        return refuse("containerd's folder for an IPv6 address has brackets and colons in its name", hint);
    }
    if read.port.is_none() && !text.contains('.') && text != "localhost" {
        let hint = format!("write \"{text}.DOMAIN\", or \"{text}:PORT\", as images name it");
        return refuse("in an image's name this is a folder of docker.io: no dot and no port", hint);
    }
    let folder = registry_folder(text).len();
    if folder > FOLDER_BYTES {
        let reason = format!("its folder's name has {folder} bytes; at most {FOLDER_BYTES}");
        return refuse(&reason, "give the registry a shorter name".to_owned());
    }
    Some((text.to_owned(), read.host))
}

/// Reads `"tls"` or the text of certificates. No message repeats the text, because it may be a key.
fn read_root(value: WrittenValue<'_>, header: Option<&Range<usize>>, cluster: &ClusterDraft) -> Option<RegistryRoot> {
    let text = value.string()?;
    if text == "tls" {
        return Some(RegistryRoot::Tls);
    }
    let refuse = |title: &str, label: String, hint: &str| {
        value.problems.add(Problem::error(title).at_if(header, label).hint(hint));
        None
    };
    if text.contains("PRIVATE KEY") {
        return refuse(
            "`root` of a registry holds a private key",
            "only certificates belong here".to_owned(),
            "remove the key at once: the profile travels in every bundle; if others have seen it, make the CA anew",
        );
    }
    let certificates = match read_pem(text.as_bytes()) {
        Ok(contents) if contents.public_keys.is_empty() => contents.certificates,
        Ok(_) => {
            let label = "it holds something else than certificates".to_owned();
            return refuse("`root` of a registry is not a root", label, "paste the certificates of its CA alone");
        }
        Err(error) => {
            let hint = "write \"tls\" for the root of [ca.tls], or paste the CA's certificate between ''' and '''";
            return refuse("`root` of a registry is not a root", format!("it {error}"), hint);
        }
    };
    for certificate in &certificates {
        let subject = crate::x509::escape_for_terminal(&certificate.subject());
        if !certificate.is_ca() {
            return refuse(
                "`root` of a registry is not a root",
                format!("{subject} is no CA (basicConstraints)"),
                "paste the certificate of the CA that signed the registry's, not the registry's own",
            );
        }
        if certificate.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
            return refuse(
                "`root` of a registry is not a root",
                format!("{subject} may not sign certificates (keyUsage)"),
                "paste the certificate of the CA that signed the registry's",
            );
        }
        if certificates.iter().all(|above| certificate.is_signed_by(above) == Some(false)) {
            return refuse(
                "`root` of a registry is not a root",
                format!("{subject} is signed by another CA, which is not here"),
                "paste the certificate of that CA, too, up to the one that signed itself: OpenSSL trusts no other",
            );
        }
        let begins = cluster.issued_at().map(|day| day.with_time(Time::MIDNIGHT).assume_utc());
        if begins.is_some_and(|begins| certificate.not_after() < begins) {
            return refuse(
                "`root` of a registry has ended",
                format!("{subject} ended at {}, before `issued_at`", instant(certificate.not_after())),
                "paste the CA's present certificate",
            );
        }
    }
    Some(RegistryRoot::Pem(certificates.iter().map(RootCertificate::of).collect()))
}

/// Refuses a registry that is there twice, and one below a root that signs nothing. Warns where no certificate of that
/// root is for the registry.
pub(super) fn check(drafts: &[RegistryDraft], tls: &[TlsDraft], has_cert_manager: bool, problems: &Problems) {
    let mut seen = BTreeMap::new();
    for draft in drafts {
        let Some(Setting { value: (name, host), set_at }) = &draft.host else { continue };
        if let Some(first) = seen.insert(name.as_str(), set_at.as_ref()) {
            problems.add(
                Problem::error(format!("the registry {name} is there twice"))
                    .at_if(set_at.as_ref(), "again here")
                    .related(first, "first here")
                    .hint("a registry has one table; `root` may hold several certificates"),
            );
        }
        if !matches!(draft.root, Some(RegistryRoot::Tls)) || has_cert_manager {
            continue;
        }
        if !tls.iter().any(TlsDraft::is_of_tls_ca) {
            problems.add(
                Problem::error(format!("the root of the registry {name} would sign nothing"))
                    .at_if(draft.header.as_ref(), "the profile has no certificate of [ca.tls]")
                    .hint("add a [[tls]] for the registry, or give `root` the text of another CA's certificate"),
            );
        } else if !tls.iter().any(|tls| tls.serves(host)) {
            problems.add(
                Problem::warning(format!("no [[tls]] of the CA `tls` is for {host}"))
                    .at_if(set_at.as_ref(), "the registry's own certificate must be of that CA")
                    .hint(format!("add \"{host}\" to the `hosts` of the registry's [[tls]]")),
            );
        }
    }
}

impl TlsDraft {
    fn is_of_tls_ca(&self) -> bool {
        self.issuer.as_ref().is_some_and(|issuer| issuer.value == TlsIssuer::Tls)
    }

    /// Returns whether this is a server's certificate of the CA `tls` for a host.
    fn serves(&self, host: &AltName) -> bool {
        let is_for = |known: &AltName| match (known, host) {
            (AltName::Dns(known), AltName::Dns(host)) => match known.strip_prefix("*.") {
                Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
                None => known == host,
            },
            (known, host) => known == host,
        };
        self.is_of_tls_ca()
            && self.is_for(ExtendedKeyUsage::ServerAuth)
            && self.hosts.iter().any(|known| is_for(&known.value))
    }
}

impl RegistryDraft {
    pub(super) fn build(self) -> Option<Registry> {
        Some(Registry { host: self.host?.value.0, root: self.root?, system_trust: self.system_trust? })
    }
}

impl ClusterDraft {
    fn issued_at(&self) -> Option<Date> {
        self.issued_at.as_ref().map(|setting| setting.value)
    }
}
