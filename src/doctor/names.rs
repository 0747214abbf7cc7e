//! Checks that certificates have the names by which, according to manifests and kubeconfigs, they are called.

use std::collections::BTreeMap;

use super::finding::Findings;
use crate::go::{GoCertificate, GoVersion};
use crate::tree::{API_SERVER, ETCD, GatheredFacts, Process, Tree, certificates};
use crate::x509::{AltName, ReadCertificate};

/// A name that a certificate needs, the rule that it breaks without the name, and the source of the need.
struct Need {
    rule: &'static str,
    name: AltName,
    said_by: String,
}

/// Looks at the certificates of the API server and of etcd.
pub(super) fn check(tree: &Tree, facts: &GatheredFacts, findings: &mut Findings) {
    if let Some((file, certificate)) = &facts.api_server {
        hold(file, certificate, api_server(facts), facts.go_of(API_SERVER).newest, findings);
    }
    if let Some(etcd) = facts.pod(ETCD) {
        for (flag, default, needs) in [
            ("cert-file", "etcd/server.crt", etcd_server(etcd, facts)),
            ("peer-cert-file", "etcd/peer.crt", etcd_peer(etcd, facts)),
        ] {
            let file = etcd.flag(flag).and_then(|path| etcd.place(path));
            let file = file.unwrap_or_else(|| format!("{}/{default}", tree.certificates_dir.folder()));
            if let Some(certificate) = certificates(tree, &file).first() {
                hold(&file, certificate, needs, facts.go_of(ETCD).newest, findings);
            }
        }
    }
}

fn api_server(facts: &GatheredFacts) -> Vec<Need> {
    let mut needs = own_name(facts);
    let service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let service = service.map(|name| AltName::Dns(name.to_owned()));
    let said_by = || "pods call it so".to_owned();
    needs.extend(service.map(|name| Need { rule: "kubernetes-service-name", name, said_by: said_by() }));
    if let Some(pod) = facts.pod(API_SERVER) {
        let said_by = |flag: &str| format!("{flag} in {}", pod.file);
        let range = "--service-cluster-ip-range";
        let services = facts.service_address().into_iter().map(AltName::Ip);
        needs.extend(services.map(|name| Need { rule: "service-address", name, said_by: said_by(range) }));
        let advertised = pod.flag("advertise-address").and_then(|address| address.parse().ok()).map(AltName::Ip);
        needs.extend(advertised.map(|name| Need {
            rule: "node-name-and-address",
            name,
            said_by: said_by("--advertise-address"),
        }));
    }
    let servers = facts.servers.iter().cloned();
    needs.extend(servers.map(|(name, said_by)| Need { rule: "endpoint", name, said_by }));
    needs
}

/// Returns the names that etcd's server certificate needs: its own, those by which clients are told to call it, those
/// by which the API server beside it does, and those of the node itself at which it listens.
fn etcd_server(etcd: &Process, facts: &GatheredFacts) -> Vec<Need> {
    let mut needs = if is_kubeadms(facts, "cert-file") { own_name(facts) } else { Vec::new() };
    let listens = urls(etcd, "listen-client-urls");
    needs.extend(listens.iter().filter(|need| is_loopback(&need.name)).map(|need| Need {
        rule: "etcd-localhost",
        name: need.name.clone(),
        said_by: need.said_by.clone(),
    }));
    needs.extend(urls(etcd, "advertise-client-urls"));
    let listens: Vec<_> = listens.into_iter().map(|need| need.name).collect();
    let called = facts.pod(API_SERVER).map(|pod| urls(pod, "etcd-servers")).unwrap_or_default();
    needs.extend(called.into_iter().filter(|need| listens.contains(&need.name)));
    needs
}

fn etcd_peer(etcd: &Process, facts: &GatheredFacts) -> Vec<Need> {
    let mut needs = if is_kubeadms(facts, "peer-cert-file") { own_name(facts) } else { Vec::new() };
    needs.extend(urls(etcd, "initial-advertise-peer-urls"));
    needs
}

/// Returns whether a certificate of etcd lies where kubeadm puts it: kubeadm's have the node's name. Others need not,
/// because nobody calls etcd so.
fn is_kubeadms(facts: &GatheredFacts, flag: &str) -> bool {
    facts.uses.iter().any(|used| used.program == ETCD && used.flag == flag && used.is_usual)
}

fn is_loopback(name: &AltName) -> bool {
    match name {
        AltName::Dns(name) => name == "localhost",
        AltName::Ip(address) => address.is_loopback(),
    }
}

fn own_name(facts: &GatheredFacts) -> Vec<Need> {
    let name = facts.node_name.iter().cloned().map(AltName::Dns);
    name.map(|name| Need { rule: "node-name-and-address", name, said_by: "the node's name".to_owned() }).collect()
}

fn urls(pod: &Process, flag: &str) -> Vec<Need> {
    let urls = pod.flag(flag).unwrap_or_default().split(',').map(str::trim).filter(|url| url.starts_with("https://"));
    let said_by = || format!("--{flag} in {}", pod.file);
    let need = |name| Need { rule: "node-name-and-address", name, said_by: said_by() };
    urls.filter_map(AltName::of_url).map(need).collect()
}

fn hold(file: &str, certificate: &ReadCertificate, needs: Vec<Need>, go: GoVersion, findings: &mut Findings) {
    // A certificate without any name breaks another rule, which says more.
    if certificate.alt_names().is_empty() {
        return;
    }
    // One that Go cannot read is reported by who loads it.
    let Ok(read) = GoCertificate::parse(certificate.der(), go) else { return };
    let refusal = |name: &AltName| read.check_host(&name.to_string(), go).err();
    let mut missing: BTreeMap<&str, Vec<Need>> = BTreeMap::new();
    for need in needs.into_iter().filter(|need| refusal(&need.name).is_some()) {
        // A name that several sources need is reported once, with the first of them.
        if missing.values().flatten().all(|known| known.name != need.name) {
            missing.entry(need.rule).or_default().push(need);
        }
    }
    for (rule, needs) in missing {
        let by_source = needs.chunk_by(|left, right| left.said_by == right.said_by);
        let words: Vec<_> = by_source.map(told).collect();
        let names: Vec<_> = needs.iter().map(|need| need.name.to_string()).collect();
        let error =
            needs.first().and_then(|need| refusal(&need.name)).map(|error| error.to_string()).unwrap_or_default();
        let detail = format!("lacks {}", words.join(", "));
        let values = [("detail", detail.as_str()), ("error", &error), ("names", &names.join(", "))];
        findings.add(rule, file, &values);
    }
}

/// Returns names and their common source, as in `localhost, 127.0.0.1 (the node itself calls it so)`.
fn told(needs: &[Need]) -> String {
    let names: Vec<_> = needs.iter().map(|need| need.name.to_string()).collect();
    let said_by = needs.first().map(|need| need.said_by.as_str()).unwrap_or_default();
    format!("{} ({said_by})", names.join(", "))
}
