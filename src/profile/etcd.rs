//! `[etcd]`: an etcd of somebody else, of which this profile makes nothing.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::addons::TlsIssuer;
use super::client::ClientDraft;
use super::cluster::ClusterDraft;
use super::model::{EtcdTopology, ForeignEtcd};
use super::names::{abridged, visible_text};
use super::node::NodeRow;
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::tls::TlsDraft;
use super::value::{Setting, WrittenValue, values};
use crate::kubernetes::{Role, is_subdomain, written_folder};

/// `[etcd]` as far as it could be read.
pub(super) struct EtcdDraft {
    header: Option<Range<usize>>,
    endpoints: Option<Vec<Setting<String>>>,
    ca_file: Option<String>,
    cert_file: Option<String>,
    key_file: Option<String>,
}

/// Reads the table. Returns `None` for a profile without it.
pub(super) fn read(root: &TableReader<'_>) -> Option<EtcdDraft> {
    root.find("etcd")?;
    let table = root.table("etcd");
    let draft = EtcdDraft {
        header: table.header.clone(),
        endpoints: table.required("endpoints", "[\"https://10.0.1.11:2379\"]", |value| value.filled_list(url)),
        ca_file: table.required("ca_file", "\"/etc/ssl/etcd/ssl/ca.pem\"", file),
        cert_file: table.required("cert_file", "\"/etc/ssl/etcd/ssl/client.pem\"", file),
        key_file: table.required("key_file", "\"/etc/ssl/etcd/ssl/client-key.pem\"", file),
    };
    table.refuse_unknown_keys();
    Some(draft)
}

/// Reads the URL of a member: `https://`, a host and a port.
fn url(value: WrittenValue<'_>) -> Option<String> {
    let text = value.string()?;
    if is_endpoint(text) {
        return Some(text.to_owned());
    }
    value.refuse(
        format!("\"{}\" is not the URL of a member of etcd", abridged(text)),
        "expected `https://`, a host and a port",
        "write \"https://10.0.1.11:2379\", \"https://etcd-1.corp.internal:2379\" or \"https://[fd00::11]:2379\"",
    )
}

fn is_endpoint(text: &str) -> bool {
    let parts = text.strip_prefix("https://").and_then(|rest| rest.rsplit_once(':'));
    let Some((host, port)) = parts else { return false };
    let is_port = port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().is_ok(),
        None if host.bytes().any(|byte| byte.is_ascii_lowercase()) => is_subdomain(host),
        None => host.parse::<Ipv4Addr>().is_ok(),
    };
    is_port && is_host
}

/// Reads the path of a file of a control plane that others look after.
fn file(value: WrittenValue<'_>) -> Option<String> {
    let path = visible_text(value)?;
    let place = path.strip_prefix('/');
    let is_plain = |place: &str| place.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let Some(place) = place.filter(|place| is_plain(place)) else {
        return value.refuse(
            format!("`{}` is not the path of a file", value.key),
            "expected an absolute path on a control plane, without `.`, `..` and `//`",
            "write it as the API server has it, as in \"/etc/ssl/etcd/ssl/ca.pem\"",
        );
    };
    if let Some(folder) = written_folder(place) {
        return value.refuse(
            format!("`{}` is in a folder that bundles write", value.key),
            format!("`apply` exchanges /{folder} as a whole, and nobody can tell there whose file is whose"),
            "keep it in a folder of its own, as in \"/etc/ssl/etcd/ssl/ca.pem\"; an etcd whose CA you have is adopted: \
             `certferry help existing-clusters`",
        );
    }
    Some(path)
}

impl EtcdDraft {
    /// Refuses what needs a CA or members of etcd, of which there are none.
    pub(super) fn check(
        &self,
        cluster: &ClusterDraft,
        rows: &[NodeRow],
        clients: &[ClientDraft],
        tls: &[TlsDraft],
        problems: &Problems,
    ) {
        let own = self.header.as_ref();
        if let Some(etcd) = cluster.etcd.as_ref().filter(|etcd| etcd.value == EtcdTopology::Stacked) {
            problems.add(
                Problem::error("[etcd] with stacked etcd")
                    .at_if(own, "an etcd of somebody else is an external one")
                    .related(etcd.set_at.as_ref(), "set here")
                    .hint("write `etcd = \"external\"` in [cluster], or remove [etcd]"),
            );
        }
        for role in rows.iter().filter(|row| row.has_role(Role::Etcd)).filter_map(|row| row.role.as_ref()) {
            problems.add(
                Problem::error("a member of etcd beside [etcd]")
                    .at_if(role.set_at.as_ref(), "somebody else has the members, and makes their certificates")
                    .related(own, "[etcd]")
                    .hint("remove the node, or remove [etcd] to make certificates for members here"),
            );
        }
        for name in cluster.etcd_cert_sans.iter().take(1) {
            problems.add(
                Problem::error("`etcd_cert_sans` with [etcd]")
                    .at_if(name.set_at.as_ref(), "no certificate of a member is made here")
                    .related(own, "[etcd]")
                    .hint("remove it"),
            );
        }
        let of_clients = clients.iter().filter_map(|client| client.own.name.as_ref()?.set_at.as_ref());
        let of_secrets = tls.iter().filter_map(|tls| tls.issuer.as_ref().filter(|of| of.value == TlsIssuer::Etcd));
        for place in of_clients.chain(of_secrets.filter_map(|issuer| issuer.set_at.as_ref())) {
            problems.add(
                Problem::error("a certificate of etcd's CA with [etcd]")
                    .at(place, "somebody else has that CA")
                    .related(own, "[etcd]")
                    .hint("ask whoever runs etcd for it, or remove [etcd] to have a CA of etcd here"),
            );
        }
    }

    /// Returns the checked table, or `None` when something in it was refused.
    pub(super) fn build(self) -> Option<ForeignEtcd> {
        Some(ForeignEtcd {
            endpoints: values(self.endpoints?),
            ca_file: self.ca_file?,
            cert_file: self.cert_file?,
            key_file: self.key_file?,
        })
    }
}
