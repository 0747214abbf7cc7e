//! What is the same for all nodes: version, endpoint, subnets, domain, where etcd runs.
//!
//! What runs counts more than what kubeadm was told, and that more than what the list of nodes says.

use ipnet::IpNet;

use super::authorities::{Authorities, key_hash_of};
use super::etcd::{self, LoneMember};
use super::finding::{Finding, Subject};
use super::foreign_etcd::ForeignEtcd;
use super::hosts::HostPort;
use super::machines::{Machine, surveyed};
use super::said::{Said, decide};
use super::sources::{Sources, Wishes};
use super::surveyed::{API_SERVER, CONTROLLER_MANAGER, Surveyed};
use super::text::told;
use crate::kubernetes::{PKI, Role, Version, is_label, is_subdomain};
use crate::x509::{AltName, KeyAlgorithm, ReadCertificate, public_key_bits};

/// The port of an API server for which nothing says another.
const API_SERVER_PORT: u16 = 6443;
/// kubeadm's name of every cluster.
const KUBEADMS_NAME: &str = "kubernetes";

/// The settings of `[cluster]`, `[keys]` and `[kubelet]`.
pub(super) struct Cluster {
    pub(super) name: Said<String>,
    pub(super) kubernetes: Option<Said<Version>>,
    pub(super) endpoint: Option<Said<HostPort>>,
    pub(super) api_server_port: Option<Said<u16>>,
    pub(super) service_subnets: Option<Said<Vec<IpNet>>>,
    pub(super) dns_domain: Option<Said<String>>,
    pub(super) kubeconfig_cluster_name: Option<Said<String>>,
    pub(super) certificates_dir: Option<Said<String>>,
    /// Whether etcd runs on machines of its own.
    pub(super) etcd_is_external: Option<Said<bool>>,
    /// The etcd of somebody else.
    pub(super) foreign_etcd: Option<ForeignEtcd>,
    /// The members of etcd of which nothing else is known.
    pub(super) lone_members: Vec<LoneMember>,
    pub(super) leaf_algorithm: Option<Said<KeyAlgorithm>>,
    /// Whether kubelets ask the cluster for their serving certificates.
    pub(super) bootstraps_serving: Option<Said<bool>>,
}

pub(super) fn of(
    sources: &Sources,
    wishes: &Wishes,
    machines: &[Machine<'_>],
    authorities: &Authorities,
    foreign_etcd: Option<ForeignEtcd>,
    findings: &mut Vec<Finding>,
) -> Cluster {
    let kubernetes = kubernetes(sources, machines, findings);
    let api_server_port = port(sources, machines, findings);
    let port = api_server_port.as_ref().map_or(API_SERVER_PORT, |port| port.value);
    let (etcd_is_external, lone_members) = etcd::find(sources, machines, foreign_etcd.as_ref(), findings);
    let kubeconfig_cluster_name = kubeconfig_cluster_name(sources, machines, findings);
    Cluster {
        name: name(wishes, kubeconfig_cluster_name.as_ref(), authorities, findings),
        endpoint: endpoint(sources, machines, port, findings),
        service_subnets: service_subnets(sources, machines, findings),
        dns_domain: dns_domain(sources, machines, findings),
        kubeconfig_cluster_name,
        certificates_dir: certificates_dir(sources, machines, findings),
        leaf_algorithm: leaf_algorithm(machines, findings),
        bootstraps_serving: bootstraps_serving(sources, machines, findings),
        kubernetes,
        api_server_port,
        etcd_is_external,
        foreign_etcd,
        lone_members,
    }
}

fn unknown(findings: &mut Vec<Finding>, text: String) {
    findings.push(Finding::new(Subject::Unknown, text));
}

/// Returns the cluster's name. Keys are derived from it, so that two clusters of one seed must not share one; the name
/// that kubeadm gives every cluster is therefore none.
fn name(
    wishes: &Wishes,
    of_kubeconfigs: Option<&Said<String>>,
    authorities: &Authorities,
    findings: &mut Vec<Finding>,
) -> Said<String> {
    if let Some(name) = &wishes.name {
        return Said::new(name.clone(), "--name");
    }
    if let Some(name) = of_kubeconfigs.filter(|name| is_label(&name.value) && name.value != KUBEADMS_NAME) {
        return name.clone();
    }
    let certificate = authorities.named("kubernetes").and_then(|authority| authority.certificate.as_ref());
    let Some(certificate) = certificate else {
        unknown(findings, "the name of the cluster: `cluster` stands for it; begin again with --name".to_owned());
        return Said::new("cluster".to_owned(), "no source names the cluster");
    };
    let digits: String = key_hash_of(&certificate.value).chars().take(8).collect();
    let name = format!("cluster-{digits}");
    findings.push(Finding::new(
        Subject::Note,
        format!("no source names the cluster: \"{name}\" is made of the key of its CA; --name gives another, once and for ever"),
    ));
    Said::new(name, "no source names the cluster; the digits are those of its CA's key")
}

fn kubernetes(sources: &Sources, machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> Option<Said<Version>> {
    let mut texts: Vec<Said<&str>> = Vec::new();
    for (_, survey) in surveyed(machines, Role::ControlPlane) {
        let program =
            survey.survey.program(API_SERVER).and_then(|program| Some((program.version.as_deref()?, &program.path)));
        match (program, survey.survey.node.kubernetes.as_deref()) {
            (Some((version, path)), _) => texts.push(Said::new(version, survey.of(&format!("the image in {path}")))),
            (None, Some(version)) => texts.push(Said::new(version, survey.of("the images of the static pods"))),
            (None, None) => {}
        }
    }
    for cluster in &sources.objects.clusters {
        let version = cluster.kubernetes_version.as_deref();
        texts.extend(version.map(|version| Said::new(version, format!("kubernetesVersion in {}", cluster.source))));
    }
    if texts.is_empty() {
        // Kubelets may be older than API servers.
        let listed = machines.iter().filter(|machine| machine.has_role(Role::ControlPlane));
        for listed in listed.filter_map(|machine| machine.listed) {
            let version = listed.kubelet_version.as_deref();
            texts.extend(
                version
                    .map(|version| Said::new(version, format!("the kubelet of {} in {}", listed.name, listed.source))),
            );
        }
    }
    let mut claims = Vec::new();
    for text in texts {
        match Version::parse(text.value) {
            Some(version) if version.is_supported() => claims.push(Said::new(version, text.source)),
            Some(version) => {
                let (first, last) = Version::SUPPORTED_MINORS.into_inner();
                unknown(
                    findings,
                    format!(
                        "the version of Kubernetes: {} says {version}, and this version of certferry knows 1.{first} to 1.{last}",
                        text.source,
                    ),
                );
            }
            None => unknown(
                findings,
                format!(
                    "the version of Kubernetes: {} says {}, which is no full version such as 1.24.15",
                    text.source,
                    told(text.value),
                ),
            ),
        }
    }
    let decided = decide("kubernetes", claims, Version::to_string, findings);
    if decided.is_none() {
        unknown(findings, "`kubernetes` in [cluster]: no source says a version that can be taken; `plan` refuses a profile without it".to_owned());
    }
    decided
}

fn port(sources: &Sources, machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> Option<Said<u16>> {
    let of_surveys =
        surveyed(machines, Role::ControlPlane).filter_map(|(_, survey)| survey.setting(API_SERVER, "secure-port"));
    let of_surveys = of_surveys.filter_map(|setting| Some(Said::new(setting.value.parse().ok()?, setting.source)));
    let of_kubeadm = sources.objects.servers.iter().filter_map(|server| {
        Some(Said::new(server.port.as_deref()?.parse().ok()?, format!("bindPort in {}", server.source)))
    });
    let claims = of_surveys.chain(of_kubeadm).filter(|claim: &Said<u16>| claim.value > 0).collect();
    decide("api_server_port", claims, u16::to_string, findings)
}

/// Finds the endpoint: the server in kubeconfigs, unless it is the node's own API server.
fn endpoint(
    sources: &Sources,
    machines: &[Machine<'_>],
    port: u16,
    findings: &mut Vec<Finding>,
) -> Option<Said<HostPort>> {
    let control_planes: Vec<_> = machines.iter().filter(|machine| machine.has_role(Role::ControlPlane)).collect();
    let is_single = control_planes.len() == 1;
    let (mut certain, mut own) = (Vec::new(), Vec::new());
    let files = [(Role::ControlPlane, "admin.conf"), (Role::Worker, "kubelet.conf")];
    for (role, file) in files {
        for (machine, survey) in surveyed(machines, role) {
            let Some(kubeconfig) = survey.kubeconfig(file) else { continue };
            let server = kubeconfig.clusters.first().and_then(|cluster| cluster.server.as_deref());
            let Some(server) = server else { continue };
            let source = survey.of(&format!("the server in {}", kubeconfig.path));
            let Some(server) = HostPort::parse(server).map(|server| server.with_port(443)) else {
                unknown(
                    findings,
                    format!("the endpoint of the API servers: {source}, {}, is no host and port", told(server)),
                );
                continue;
            };
            if server.is_loopback() {
                findings.push(Finding::new(Subject::Keep, format!(
                    "{source} is {server}: something on the node leads it to the API servers, and the profile has one endpoint for all",
                )));
                continue;
            }
            let is_at = |machine: &Machine<'_>| match &server.host {
                AltName::Ip(address) => server.port == Some(port) && machine.has_address(*address),
                AltName::Dns(_) => false,
            };
            let claim = Said::new(server.clone(), source);
            if is_single && control_planes.iter().any(|machine| is_at(machine)) {
                // Without an endpoint the profile means this very address.
            } else if is_at(machine) {
                own.push(claim);
            } else {
                certain.push(claim);
            }
        }
    }
    for cluster in &sources.objects.clusters {
        let Some(text) = &cluster.control_plane_endpoint else { continue };
        let source = format!("controlPlaneEndpoint in {}", cluster.source);
        match HostPort::parse(text) {
            Some(host) => certain.push(Said::new(host.with_port(port), source)),
            None => unknown(
                findings,
                format!("the endpoint of the API servers: {source}, {}, is no host and port", told(text)),
            ),
        }
    }
    // A control plane whose own address everybody uses is an endpoint as well.
    let several = control_planes.len() > 1;
    if several {
        certain.append(&mut own);
    }
    let decided = decide("control_plane_endpoint", certain, HostPort::to_string, findings);
    if several && decided.is_none() {
        let text = "`control_plane_endpoint` in [cluster]: no source says where clients reach the API servers; `plan` refuses several control planes without it";
        unknown(findings, text.to_owned());
    }
    decided
}

fn service_subnets(
    sources: &Sources,
    machines: &[Machine<'_>],
    findings: &mut Vec<Finding>,
) -> Option<Said<Vec<IpNet>>> {
    let mut texts = Vec::new();
    for (_, survey) in surveyed(machines, Role::ControlPlane) {
        for program in [API_SERVER, CONTROLLER_MANAGER] {
            let setting = survey.setting(program, "service-cluster-ip-range");
            texts.extend(setting.map(|setting| Said::new(setting.value.to_owned(), setting.source)));
        }
    }
    for cluster in &sources.objects.clusters {
        let subnet = cluster.service_subnet.clone();
        texts.extend(subnet.map(|subnet| Said::new(subnet, format!("networking.serviceSubnet in {}", cluster.source))));
    }
    let mut claims = Vec::new();
    for text in texts {
        let subnets: Option<Vec<IpNet>> =
            text.value.split(',').map(|subnet| Some(subnet.trim().parse::<IpNet>().ok()?.trunc())).collect();
        match subnets {
            Some(subnets) => claims.push(Said::new(subnets, text.source)),
            None => unknown(findings, format!("the service subnets: {}, {}, are none", text.source, told(&text.value))),
        }
    }
    let show = |subnets: &Vec<IpNet>| subnets.iter().map(IpNet::to_string).collect::<Vec<_>>().join(",");
    let decided = decide("service_subnets", claims, show, findings);
    if decided.is_none() {
        unknown(
            findings,
            "`service_subnets` in [cluster]: no source says them; without them a profile means kubeadm's 10.96.0.0/12"
                .to_owned(),
        );
    }
    decided
}

fn dns_domain(sources: &Sources, machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> Option<Said<String>> {
    const SERVICE: &str = "kubernetes.default.svc.";
    let mut claims = Vec::new();
    for (_, survey) in surveyed(machines, Role::ControlPlane) {
        let Some(certificate) = survey.api_server_certificate() else { continue };
        let names = certificate.alt_names().iter().filter_map(|name| match name {
            AltName::Dns(name) => name.strip_prefix(SERVICE).map(str::to_owned),
            AltName::Ip(_) => None,
        });
        let source = survey.of("the API server's certificate");
        claims.extend(names.map(|domain| Said::new(domain, source.clone())));
    }
    for cluster in &sources.objects.clusters {
        let domain = cluster.dns_domain.clone();
        claims.extend(domain.map(|domain| Said::new(domain, format!("networking.dnsDomain in {}", cluster.source))));
    }
    for survey in machines.iter().filter_map(|machine| machine.survey.as_ref()) {
        let field = survey.field("KubeletConfiguration", "clusterDomain");
        claims.extend(field.map(|field| Said::new(field.value.to_owned(), field.source)));
    }
    for kubelet in &sources.objects.kubelets {
        let domain = kubelet.cluster_domain.clone();
        claims.extend(domain.map(|domain| Said::new(domain, format!("clusterDomain in {}", kubelet.source))));
    }
    for claim in &mut claims {
        // The kubelet takes it with a dot at its end, too.
        claim.value = claim.value.trim_end_matches('.').to_ascii_lowercase();
    }
    let (claims, wrong): (Vec<_>, Vec<_>) = claims.into_iter().partition(|claim| is_subdomain(&claim.value));
    for wrong in wrong {
        unknown(findings, format!("the DNS domain: {} ({}) is none", told(&wrong.value), wrong.source));
    }
    let decided = decide("dns_domain", claims, String::clone, findings);
    if decided.is_none() {
        unknown(
            findings,
            "`dns_domain` in [cluster]: no source says it; without it a profile means kubeadm's cluster.local"
                .to_owned(),
        );
    }
    decided
}

fn kubeconfig_cluster_name(
    sources: &Sources,
    machines: &[Machine<'_>],
    findings: &mut Vec<Finding>,
) -> Option<Said<String>> {
    let mut claims = Vec::new();
    for file in ["admin.conf", "kubelet.conf"] {
        for survey in machines.iter().filter_map(|machine| machine.survey.as_ref()) {
            let Some(kubeconfig) = survey.kubeconfig(file) else { continue };
            // kubelets that joined call it default-cluster, whatever the cluster's name.
            let name = kubeconfig.clusters.first().map(|cluster| cluster.name.clone());
            let name = name.filter(|name| !name.is_empty() && name != "default-cluster" && name.trim() == name);
            claims.extend(name.map(|name| Said::new(name, survey.of(&format!("the cluster in {}", kubeconfig.path)))));
        }
    }
    for cluster in &sources.objects.clusters {
        let name = cluster.cluster_name.clone();
        claims.extend(name.map(|name| Said::new(name, format!("clusterName in {}", cluster.source))));
    }
    let (claims, wrong): (Vec<_>, Vec<_>) =
        claims.into_iter().partition(|claim| !claim.value.chars().any(crate::x509::is_unseen));
    for wrong in wrong {
        unknown(
            findings,
            format!("the cluster's name in kubeconfigs: {} has characters that are not seen", wrong.source),
        );
    }
    decide("kubeconfig_cluster_name", claims, String::clone, findings)
}

/// Returns kubeadm's certificatesDir, where it is another than kubeadm's own.
fn certificates_dir(sources: &Sources, machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> Option<Said<String>> {
    let mut claims = Vec::new();
    for (_, survey) in surveyed(machines, Role::ControlPlane) {
        if survey.survey.program(API_SERVER).is_some() {
            claims.push(Said::new(format!("/{}", survey.pki()), survey.of("the files of the API server")));
        }
    }
    for cluster in &sources.objects.clusters {
        let folder = cluster.certificates_dir.clone();
        claims.extend(folder.map(|folder| Said::new(folder, format!("certificatesDir in {}", cluster.source))));
    }
    let decided = decide("certificates_dir", claims, String::clone, findings);
    decided.filter(|folder| folder.value != format!("/{PKI}"))
}

/// Returns the algorithm of the API servers' keys, where a profile can name it.
fn leaf_algorithm(machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> Option<Said<KeyAlgorithm>> {
    let mut claims = Vec::new();
    for (_, survey) in surveyed(machines, Role::ControlPlane) {
        let Some(certificate) = survey.api_server_certificate() else { continue };
        let source = survey.of("the API server's certificate");
        match algorithm(&certificate) {
            Some(algorithm) => claims.push(Said::new(algorithm, source)),
            None => findings.push(Finding::new(
                Subject::Otherwise,
                format!("the key of {source} is of a kind that a profile does not have: leaves get rsa-2048"),
            )),
        }
    }
    decide("leaf in [keys]", claims, |algorithm| algorithm.name().to_owned(), findings)
}

fn algorithm(certificate: &ReadCertificate) -> Option<KeyAlgorithm> {
    /// Octets of an uncompressed point (SEC 1, section 2.3.3).
    const P256_POINT: usize = 65;
    const P384_POINT: usize = 97;
    if let Some(bits) = certificate.rsa_bits() {
        return match bits {
            2048 => Some(KeyAlgorithm::Rsa2048),
            3072 => Some(KeyAlgorithm::Rsa3072),
            4096 => Some(KeyAlgorithm::Rsa4096),
            _ => None,
        };
    }
    match public_key_bits(certificate.spki_der()).filter(|_| certificate.has_ec_key())?.len() {
        P256_POINT => Some(KeyAlgorithm::EcdsaP256),
        P384_POINT => Some(KeyAlgorithm::EcdsaP384),
        _ => None,
    }
}

/// Returns whether kubelets ask for their serving certificates. If some do, none gets one from a bundle.
fn bootstraps_serving(sources: &Sources, machines: &[Machine<'_>], findings: &mut Vec<Finding>) -> Option<Said<bool>> {
    const FIELD: &str = "serverTLSBootstrap";
    let has_kubelet = |survey: &&Surveyed<'_>| {
        survey.survey.configurations.iter().any(|configuration| configuration.kind == "KubeletConfiguration")
    };
    let surveys = machines.iter().filter_map(|machine| machine.survey.as_ref()).filter(has_kubelet);
    let of_surveys = surveys.map(|survey| match survey.field("KubeletConfiguration", FIELD) {
        Some(field) => Said::new(field.value == "true", field.source),
        None => Said::new(false, survey.of(&format!("no {FIELD} in the kubelet's configuration"))),
    });
    let of_objects = sources.objects.kubelets.iter();
    let of_objects =
        of_objects.map(|kubelet| Said::new(kubelet.bootstraps_serving, format!("{FIELD} in {}", kubelet.source)));
    let mut claims: Vec<_> = of_surveys.chain(of_objects).collect();
    claims.sort_by_key(|claim| !claim.value);
    if claims.is_empty() {
        let text =
            "`serving` in [kubelet]: no source says whether kubelets ask the cluster for their serving certificates";
        unknown(
            findings,
            format!("{text} ({FIELD}); without it a profile means `true`: every kubelet gets one from the bundle"),
        );
    }
    decide(FIELD, claims, bool::to_string, findings)
}
