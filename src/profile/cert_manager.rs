//! Reads `[cert_manager]`.

use ipnet::IpNet;

use super::addons::{CertManager, Trust};
use super::authority::AuthorityDraft;
use super::names::subdomain;
use super::network::subnet;
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::secret_name::{self, SecretNameDraft};
use super::tls::{TlsDraft, usages};
use super::value::{Setting, values};
use crate::x509::{ExtendedKeyUsage, PermittedNames};

/// `[cert_manager]` as far as it could be read.
pub(super) struct CertManagerDraft {
    pub(super) secret: SecretNameDraft,
    issuer: Option<String>,
    domains: Vec<Setting<String>>,
    ranges: Vec<Setting<IpNet>>,
    usages: Vec<Setting<ExtendedKeyUsage>>,
    trust: Option<Trust>,
}

pub(super) fn read(root: &TableReader<'_>) -> Option<CertManagerDraft> {
    let table = root.table("cert_manager");
    table.header.as_ref()?;
    let draft = CertManagerDraft {
        secret: secret_name::with_defaults(&table, "cert-manager", Some("certferry-ca".to_owned())),
        issuer: table.optional("issuer", "certferry".to_owned(), subdomain),
        domains: table.distinct("permitted_dns", subdomain, String::clone),
        ranges: table.distinct("permitted_ips", subnet, IpNet::to_string),
        usages: usages(&table),
        trust: table.optional("trust", Trust::ConfigMap, |value| {
            value.word(&[("config-map", Trust::ConfigMap), ("trust-manager", Trust::TrustManager)])
        }),
    };
    table.refuse_unknown_keys();
    if let (Some(first), true) = (draft.ranges.first(), draft.domains.is_empty()) {
        root.problems.add(
            Problem::error("`permitted_ips` without `permitted_dns`")
                .at_if(first.set_at.as_ref(), "every DNS name would be open")
                .hint("add `permitted_dns`: what it does not list is then refused, addresses too"),
        );
    }
    Some(draft)
}

impl CertManagerDraft {
    /// Warns when a client that this profile makes shares its root with clients of any name: no name constraint limits
    /// a common name.
    pub(super) fn check_clients(&self, tls: &[TlsDraft], problems: &Problems) {
        let client = self.usages.iter().find(|usage| usage.value == ExtendedKeyUsage::ClientAuth);
        let known = tls.iter().find(|draft| draft.is_client_of_tls_ca());
        if let (Some(client), Some(known)) = (client, known) {
            problems.add(
                Problem::warning("whoever may create a Certificate may be any client below [ca.tls]")
                    .at_if(client.set_at.as_ref(), "no `permitted_dns` limits a common name")
                    .related(known.header.as_ref(), "such as this one")
                    .hint("write `usages = [\"server\"]`, or let nobody trust the clients of `tls/ca.crt`"),
            );
        }
    }

    pub(super) fn build(self, ca: Option<AuthorityDraft>) -> Option<CertManager> {
        Some(CertManager {
            secret: self.secret.name?,
            issuer: self.issuer?,
            ca: ca?.build()?,
            usages: values(self.usages),
            permitted: PermittedNames { domains: values(self.domains), ranges: values(self.ranges) },
            trust: self.trust?,
        })
    }
}
