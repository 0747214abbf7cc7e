//! Reads `[[tls]]`.

use super::addons::{TlsCertificate, TlsIssuer};
use super::cluster::ClusterDraft;
use super::dates::{Lifetime, lifetime};
use super::names::visible_text;
use super::network::alt_name;
use super::period::{Defaults, Period};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::secret_name::{self, SecretNameDraft};
use super::value::{Setting, WrittenValue, values};
use crate::x509::{AltName, ExtendedKeyUsage};

/// The most days from first to last that Apple's programs accept, even below a root that somebody installed: HT210176.
const LIFE_DAYS: u32 = 825;

/// One `[[tls]]` as far as it could be read.
pub(super) struct TlsDraft {
    pub(super) secret: SecretNameDraft,
    pub(super) period: Option<Period>,
    pub(super) header: Option<std::ops::Range<usize>>,
    pub(super) issuer: Option<Setting<TlsIssuer>>,
    common_name: Option<Setting<String>>,
    pub(super) hosts: Vec<Setting<AltName>>,
    usages: Vec<Setting<ExtendedKeyUsage>>,
    generation: Option<u32>,
}

pub(super) fn read(root: &TableReader<'_>, cluster: &ClusterDraft, validity: &Defaults) -> Vec<TlsDraft> {
    let read = |table: TableReader<'_>| {
        let has_common_name = table.find("common_name").is_some();
        let hosts = table.distinct("hosts", host, AltName::to_string);
        let first = hosts.first().map(|host| Setting::default(host.value.to_string()));
        let lifetime = table.setting("validity", longest(validity.clock_skew), lifetime);
        let draft = TlsDraft {
            secret: secret_name::required(&table),
            common_name: table.inherited("common_name", first, visible_text),
            usages: usages(&table),
            issuer: table.setting("ca", TlsIssuer::Tls, |value| {
                value.word(&[("tls", TlsIssuer::Tls), ("kubernetes", TlsIssuer::Kubernetes), ("etcd", TlsIssuer::Etcd)])
            }),
            generation: table.generation("generation"),
            period: Period::of(&table, cluster, lifetime, validity),
            header: table.header.clone(),
            hosts,
        };
        // What was refused, or written under a name that is nearly right, is not missing as well.
        let has_hosts = !draft.hosts.is_empty() || table.means("hosts");
        table.refuse_unknown_keys();
        draft.check(has_hosts, has_common_name, root.problems);
        draft
    };
    root.tables("tls").into_iter().map(read).collect()
}

/// Returns the longest validity that browsers accept. The skew counts, because the certificate is valid that much
/// earlier than the day from which the validity is counted.
fn longest(clock_skew: Option<Lifetime>) -> Lifetime {
    let skew = match clock_skew {
        Some(Lifetime::Years(years)) => years.saturating_mul(366),
        Some(Lifetime::Days(days)) => days,
        Some(Lifetime::Hours(hours)) => hours.div_ceil(24),
        Some(Lifetime::Until(_)) | None => 0,
    };
    Lifetime::Days(LIFE_DAYS.saturating_sub(skew).max(1))
}

/// Reads `usages`, which are those of a server by default. Returns none when they were refused.
pub(super) fn usages(table: &TableReader<'_>) -> Vec<Setting<ExtendedKeyUsage>> {
    let usage = |value: WrittenValue<'_>| {
        value.word(&[("server", ExtendedKeyUsage::ServerAuth), ("client", ExtendedKeyUsage::ClientAuth)])
    };
    match table.find("usages") {
        None => vec![Setting::default(ExtendedKeyUsage::ServerAuth)],
        Some(value) if value.filled_list(|_| Some(())).is_none() => Vec::new(),
        Some(_) => table.distinct("usages", usage, ExtendedKeyUsage::to_string),
    }
}

/// Reads a name, and refuses a wildcard that browsers do not accept: one above fewer than two labels (RFC 9525, section
/// 7.1, and browsers' own lists of public suffixes).
fn host(value: WrittenValue<'_>) -> Option<AltName> {
    let name = alt_name(value)?;
    let is_broad =
        matches!(&name, AltName::Dns(name) if name.strip_prefix("*.").is_some_and(|rest| !rest.contains('.')));
    if is_broad {
        return value.refuse(
            format!("browsers do not take {name}"),
            "a wildcard above a single label",
            "name at least two labels behind the `*`, as in \"*.apps.internal\"",
        );
    }
    Some(name)
}

impl TlsDraft {
    /// Returns whether the certificate is one of a client, below the root that cert-manager's CA stands below.
    pub(super) fn is_client_of_tls_ca(&self) -> bool {
        self.is_for(ExtendedKeyUsage::ClientAuth)
            && self.issuer.as_ref().is_some_and(|issuer| issuer.value == TlsIssuer::Tls)
    }

    pub(super) fn is_for(&self, wanted: ExtendedKeyUsage) -> bool {
        self.usages.iter().any(|usage| usage.value == wanted)
    }

    fn check(&self, has_hosts: bool, has_common_name: bool, problems: &Problems) {
        if self.usages.is_empty() {
            return;
        }
        let place = self.header.as_ref();
        if self.is_for(ExtendedKeyUsage::ServerAuth) && !has_hosts {
            problems.add(
                Problem::error("a server's certificate without a host")
                    .at_if(place, "clients look at `hosts` and at nothing else")
                    .hint("add `hosts = [\"app.corp.internal\"]`, or `usages = [\"client\"]`"),
            );
        } else if !has_hosts && !has_common_name {
            problems.add(
                Problem::error("a certificate without a name")
                    .at_if(place, "neither `hosts` nor `common_name`")
                    .hint("add `common_name = \"prometheus\"`"),
            );
        }
        let Some(issuer) = &self.issuer else { return };
        let table = match issuer.value {
            TlsIssuer::Tls => return,
            TlsIssuer::Kubernetes => "[[user]]",
            TlsIssuer::Etcd => "[[etcd_client]]",
        };
        if self.is_for(ExtendedKeyUsage::ClientAuth) {
            let powers = match issuer.value {
                TlsIssuer::Etcd => "whoever has one reads and writes all of etcd",
                _ => "its common name would be a user of Kubernetes",
            };
            problems.add(
                Problem::error("a client's certificate of one of the cluster's own CAs")
                    .at_if(issuer.set_at.as_ref(), powers)
                    .hint(format!("write a table {table} for it, or `ca = \"tls\"`")),
            );
        }
    }

    pub(super) fn build(self) -> Option<TlsCertificate> {
        Some(TlsCertificate {
            secret: self.secret.name?,
            common_name: self.common_name?.value,
            hosts: values(self.hosts),
            usages: values(self.usages),
            issuer: self.issuer?.value,
            generation: self.generation?,
            validity: self.period?.validity,
        })
    }
}
