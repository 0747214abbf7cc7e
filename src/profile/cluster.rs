//! `[cluster]`, key by key. Checks that involve other tables too are elsewhere.

use ipnet::IpNet;
use time::Date;

use super::dates::issued_at;
use super::model::{Cluster, Endpoint, EtcdTopology};
use super::names::{label, subdomain, visible_text};
use super::network::{alt_name, endpoint, family, service_subnet};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::value::{Setting, WrittenValue, values};
use crate::kubernetes::{CLUSTER_NAME, CertificatesDir, CertificatesDirRefusal, Version};
use crate::x509::AltName;

/// `[cluster]` as far as it could be read. A field is `None` when it was refused.
pub(super) struct ClusterDraft {
    pub(super) name: Option<String>,
    pub(super) kubernetes: Option<Setting<Version>>,
    pub(super) issued_at: Option<Setting<Date>>,
    pub(super) generation: Option<u32>,
    pub(super) control_plane_endpoint: Option<Setting<Option<Endpoint>>>,
    pub(super) service_subnets: Vec<Setting<IpNet>>,
    pub(super) apiserver_cert_sans: Vec<Setting<AltName>>,
    pub(super) etcd: Option<Setting<EtcdTopology>>,
    pub(super) etcd_cert_sans: Vec<Setting<AltName>>,
    pub(super) header: Option<std::ops::Range<usize>>,
    pub(super) api_server_restart: Option<Setting<bool>>,
    api_server_port: Option<u16>,
    dns_domain: Option<String>,
    kubeconfig_cluster_name: Option<String>,
    certificates_dir: Option<CertificatesDir>,
}

impl ClusterDraft {
    pub(super) fn read(root: &TableReader<'_>) -> Self {
        let table = root.required_table("cluster", "`name`, `kubernetes` and `issued_at`");
        let draft = Self {
            name: table.required("name", "\"prod-1\"", label),
            kubernetes: table.required("kubernetes", "\"1.34.1\"", |value| value.located(version)),
            issued_at: table.required("issued_at", "2026-11-22", |value| value.located(issued_at)),
            generation: table.generation("generation"),
            control_plane_endpoint: table.setting("control_plane_endpoint", None, |value| endpoint(value).map(Some)),
            api_server_port: table.optional("api_server_port", 6443, port),
            api_server_restart: table.setting("api_server_restart", false, |value| value.boolean()),
            service_subnets: table
                .optional("service_subnets", default_subnet().into_iter().collect(), |value| {
                    value.filled_list(service_subnet)
                })
                .unwrap_or_default(),
            dns_domain: table.optional("dns_domain", "cluster.local".to_owned(), subdomain),
            kubeconfig_cluster_name: table.optional("kubeconfig_cluster_name", CLUSTER_NAME.to_owned(), visible_text),
            certificates_dir: table.optional("certificates_dir", CertificatesDir::default(), certificates_dir),
            apiserver_cert_sans: table.distinct("apiserver_cert_sans", alt_name, AltName::to_string),
            etcd: table.setting("etcd", EtcdTopology::Stacked, |value| {
                value.word(&[("stacked", EtcdTopology::Stacked), ("external", EtcdTopology::External)])
            }),
            etcd_cert_sans: table.distinct("etcd_cert_sans", alt_name, AltName::to_string),
            header: table.header.clone(),
        };
        table.refuse_unknown_keys();
        draft.check_subnets(root.problems);
        draft
    }

    /// Refuses more than one subnet of each family, as kubeadm's dual stack does. The first is that of the API server's
    /// own address.
    fn check_subnets(&self, problems: &Problems) {
        let [first, second, rest @ ..] = self.service_subnets.as_slice() else { return };
        if let Some(third) = rest.first().and_then(|subnet| subnet.set_at.as_ref()) {
            problems.add(
                Problem::error("more than two service subnets")
                    .at(third, "the third one")
                    .hint("one subnet, or for dual stack one of IPv4 and one of IPv6"),
            );
        }
        let is_ipv4 = first.value.addr().is_ipv4();
        if let (true, Some(second_at)) = (is_ipv4 == second.value.addr().is_ipv4(), &second.set_at) {
            problems.add(
                Problem::error("two service subnets of one address family")
                    .at(second_at, format!("{} again", family(is_ipv4)))
                    .related(first.set_at.as_ref(), "the first one")
                    .hint("one subnet, or for dual stack one of IPv4 and one of IPv6"),
            );
        }
    }

    /// Returns the checked table, or `None` when something in it was refused.
    pub(super) fn build(self) -> Option<Cluster> {
        Some(Cluster {
            name: self.name?,
            kubernetes: self.kubernetes?.value,
            issued_at: self.issued_at?.value,
            generation: self.generation?,
            control_plane_endpoint: self.control_plane_endpoint?.value,
            api_server_port: self.api_server_port?,
            api_server_restart: self.api_server_restart?.value,
            service_subnets: values(self.service_subnets),
            dns_domain: self.dns_domain?,
            kubeconfig_cluster_name: self.kubeconfig_cluster_name?,
            certificates_dir: self.certificates_dir?,
            apiserver_cert_sans: values(self.apiserver_cert_sans),
            etcd: self.etcd?.value,
            etcd_cert_sans: values(self.etcd_cert_sans),
        })
    }
}

/// Reads a full version whose PKI is known: the cluster's, or that of a CA which keeps the shape of an older version.
pub(super) fn version(value: WrittenValue<'_>) -> Option<Version> {
    let text = value.string()?;
    let (title, reason) = match Version::parse(text) {
        Some(version) if version.is_supported() => return Some(version),
        Some(version) => (format!("Kubernetes {version} is not supported"), "no PKI is known for this version"),
        None => (
            format!("\"{text}\" is not a full Kubernetes version"),
            "the PKI's shape changes even between patch levels, so all three numbers count",
        ),
    };
    let (first, last) = (Version::SUPPORTED_MINORS.start(), Version::SUPPORTED_MINORS.end());
    value.refuse(title, reason, format!("write a version from 1.{first}.0 to 1.{last}.x, as in \"1.24.15\""))
}

/// Returns kubeadm's default service subnet.
fn default_subnet() -> Option<Setting<IpNet>> {
    "10.96.0.0/12".parse().ok().map(Setting::default)
}

fn certificates_dir(value: WrittenValue<'_>) -> Option<CertificatesDir> {
    let path = value.string()?;
    let shown = path.escape_debug();
    let (title, label) = match CertificatesDir::parse(path) {
        Ok(folder) => return Some(folder),
        Err(CertificatesDirRefusal::Elsewhere) => {
            (format!("\"{shown}\" is no folder in /etc/kubernetes"), "expected /etc/kubernetes/ and one name")
        }
        Err(CertificatesDirRefusal::Name) => (
            format!("\"{shown}\" has a name that no bundle takes"),
            "at most 32 of A-Z a-z 0-9 . _ -, a letter or digit first",
        ),
        Err(CertificatesDirRefusal::Taken) => {
            (format!("\"{shown}\" is taken"), "Kubernetes or certferry keeps other files under this name")
        }
    };
    value.refuse(
        title,
        label,
        "write kubeadm's certificatesDir, as in \"/etc/kubernetes/ssl\"; without this key it is \"/etc/kubernetes/pki\"",
    )
}

fn port(value: WrittenValue<'_>) -> Option<u16> {
    value.integer(1..=u16::MAX.into()).and_then(|port| port.try_into().ok())
}
