//! Renders kubeadm's and the kubelet's configuration.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{FileSources, LayoutError};
use crate::kubernetes::{CertificatesDir, KubeadmApi};
use crate::plan::{
    ClusterConfiguration, Discovery, EtcdClientFiles, KubeadmEtcd, KubeadmFile, KubeletConfiguration, LocalServer,
    Renewal,
};
use crate::template::render as render_template;
use crate::yaml::scalar;

const INIT: &str = include_str!("../../templates/kubeadm/init.yaml");
const RENEWAL: &str = include_str!("../../templates/kubeadm/renewal.yaml");
const EXTERNAL_ETCD: &str = include_str!("../../templates/kubeadm/external-etcd.yaml");
const JOIN_CONTROL_PLANE: &str = include_str!("../../templates/kubeadm/join-control-plane.yaml");
const JOIN_WORKER: &str = include_str!("../../templates/kubeadm/join-worker.yaml");
const JOIN_WORKER_TOKEN: &str = include_str!("../../templates/kubeadm/join-worker-token.yaml");
const KUBELET: &str = include_str!("../../templates/kubeadm/kubelet.yaml");

/// Renders a file in YAML.
pub(super) fn render(file: &KubeadmFile, sources: &FileSources<'_>) -> Result<Zeroizing<String>, LayoutError> {
    match file {
        KubeadmFile::Init { server, cluster } => init(server, cluster),
        KubeadmFile::JoinControlPlane { api, server, has_kubelet_conf, certificates_dir } => {
            let ignored = if *has_kubelet_conf {
                "  # It is there already, because certferry made it.\n  ignorePreflightErrors:\n  - \
                 FileAvailable--etc-kubernetes-kubelet.conf\n"
            } else {
                ""
            };
            let authority = ca_cert_path(certificates_dir);
            with_server(JOIN_CONTROL_PLANE, *api, server, &[("ignored", ignored), ("ca_cert_path", &authority)])
        }
        KubeadmFile::JoinWorker { api, discovery, certificates_dir } => match discovery {
            Discovery::KubeletConf => {
                let (authority, file) = (ca_cert_path(certificates_dir), preflight_name(certificates_dir));
                let values = [("api", api.name()), ("ca_cert_path", &authority), ("ca_file", &file)];
                filled_in(JOIN_WORKER, &values)
            }
            Discovery::Token { endpoint, ca } => {
                // The hash that `kubeadm join` compares is that of the SubjectPublicKeyInfo (kubeadm v1.20.2,
                // pubkeypin.go).
                let hash: String =
                    Sha256::digest(sources.key(ca)?.spki_der()).iter().map(|byte| format!("{byte:02x}")).collect();
                let values = [
                    ("api", api.name()),
                    ("endpoint", &scalar(endpoint)),
                    ("ca_hash", &hash),
                    ("ca_cert_path", &ca_cert_path(certificates_dir)),
                    ("ca_file", &preflight_name(certificates_dir)),
                ];
                filled_in(JOIN_WORKER_TOKEN, &values)
            }
        },
        KubeadmFile::Kubelet(kubelet) => render_kubelet(kubelet),
    }
}

/// Returns kubeadm's `caCertPath`, which does not follow `certificatesDir`. Source: kubeadm v1.20.2 and v1.34.1,
/// apis/kubeadm/*/defaults.go `DefaultCACertPath`.
fn ca_cert_path(folder: &CertificatesDir) -> String {
    if folder.is_default() { String::new() } else { format!("caCertPath: {folder}/ca.crt\n") }
}

/// Returns what kubeadm's check is called of whether the CA's file is there already. Source: kubeadm v1.20.2,
/// preflight/checks.go `FileAvailableCheck`.
fn preflight_name(folder: &CertificatesDir) -> String {
    format!("FileAvailable-{}", format!("{folder}/ca.crt").replace('/', "-"))
}

fn init(server: &LocalServer, cluster: &ClusterConfiguration) -> Result<Zeroizing<String>, LayoutError> {
    let sans = |indent: &str, key: &str, names: &[String]| match list(indent, names) {
        items if items.is_empty() => String::new(),
        items => format!("{indent}{key}:\n{items}"),
    };
    let texts = |names: &[crate::x509::AltName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let name = cluster.name.as_ref().map(|name| format!("clusterName: {}\n", scalar(name)));
    let folder = &cluster.certificates_dir;
    let certificates_dir = (!folder.is_default()).then(|| format!("certificatesDir: {folder}\n"));
    let endpoint = cluster.endpoint.as_ref().map(|endpoint| format!("controlPlaneEndpoint: {}\n", scalar(endpoint)));
    let cert_sans = match sans("  ", "certSANs", &texts(&cluster.cert_sans)) {
        list if list.is_empty() => list,
        list => format!("apiServer:\n{list}"),
    };
    // A list of pairs from v1beta4 on, where each may come more than once.
    let controller_manager = cluster.root_ca_file.as_ref().map(|file| {
        let argument = match cluster.api.has_argument_lists() {
            true => format!("  - name: root-ca-file\n    value: {}\n", scalar(file)),
            false => format!("    root-ca-file: {}\n", scalar(file)),
        };
        format!("controllerManager:\n  extraArgs:\n{argument}")
    });
    let etcd = match &cluster.etcd {
        KubeadmEtcd::Local(names) if names.is_empty() => String::new(),
        KubeadmEtcd::Local(names) => {
            let names = texts(names);
            let both = ["serverCertSANs", "peerCertSANs"].map(|key| sans("    ", key, &names));
            format!("etcd:\n  local:\n{}", both.concat())
        }
        KubeadmEtcd::External { endpoints, files } => external_etcd(endpoints, files.as_ref(), folder)?,
    };
    let subnets: Vec<_> = cluster.service_subnets.iter().map(ToString::to_string).collect();
    let renewal = cluster.renewal.as_ref().map(render_renewal).transpose()?;
    let values = [
        ("kubernetes", cluster.kubernetes.to_string()),
        ("cluster_name", name.unwrap_or_default()),
        ("certificates_dir", certificates_dir.unwrap_or_default()),
        ("endpoint", endpoint.unwrap_or_default()),
        ("cert_sans", cert_sans),
        ("controller_manager", controller_manager.unwrap_or_default()),
        ("etcd", etcd),
        ("service_subnets", scalar(&subnets.join(","))),
        ("dns_domain", scalar(&cluster.dns_domain)),
        (
            "feature_gates",
            if cluster.gates_dual_stack { "featureGates:\n  IPv6DualStack: true\n" } else { "" }.to_owned(),
        ),
        ("renewal", renewal.map(|text| text.as_str().to_owned()).unwrap_or_default()),
    ];
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    with_server(INIT, cluster.api, server, &values)
}

fn external_etcd(
    endpoints: &[String],
    files: Option<&EtcdClientFiles>,
    folder: &CertificatesDir,
) -> Result<String, LayoutError> {
    let [ca, certificate, key] = match files {
        Some(EtcdClientFiles { ca, certificate, key }) => [ca, certificate, key].map(|path| scalar(path)),
        None => ["etcd/ca.crt", "apiserver-etcd-client.crt", "apiserver-etcd-client.key"]
            .map(|file| format!("{folder}/{file}")),
    };
    let endpoints = list("    ", endpoints);
    let values = [("endpoints", &*endpoints), ("ca_file", &ca), ("cert_file", &certificate), ("key_file", &key)];
    Ok(filled_in(EXTERNAL_ETCD, &values)?.as_str().to_owned())
}

fn render_renewal(renewal: &Renewal) -> Result<Zeroizing<String>, LayoutError> {
    let algorithm = renewal.algorithm.map(|name| format!("encryptionAlgorithm: {name}\n"));
    let (leaf, ca) = (renewal.leaf_hours.to_string(), renewal.ca_hours.to_string());
    let values = [("leaf_hours", &*leaf), ("ca_hours", &ca), ("algorithm", &algorithm.unwrap_or_default())];
    filled_in(RENEWAL, &values)
}

fn render_kubelet(kubelet: &KubeletConfiguration) -> Result<Zeroizing<String>, LayoutError> {
    let cluster_dns = kubelet.cluster_dns.map(|address| scalar(&address.to_string())).unwrap_or_default();
    let cgroups = if kubelet.has_systemd_cgroups { "cgroupDriver: systemd\n" } else { "" };
    let domain = scalar(&kubelet.cluster_domain);
    let values = [
        ("cgroups", cgroups),
        ("cluster_dns", &cluster_dns),
        ("cluster_domain", &domain),
        ("certificates_dir", &kubelet.certificates_dir.to_string()),
    ];
    filled_in(KUBELET, &values)
}

/// Fills in a template that names an API server.
fn with_server(
    template: &str,
    api: KubeadmApi,
    server: &LocalServer,
    further: &[(&str, &str)],
) -> Result<Zeroizing<String>, LayoutError> {
    let (address, port) = (scalar(&server.address.to_string()), server.port.to_string());
    let node = scalar(&server.name);
    let own = [("api", api.name()), ("name", &server.name), ("node", &node), ("address", &address), ("port", &port)];
    let values: Vec<_> = own.into_iter().chain(further.iter().copied()).collect();
    filled_in(template, &values)
}

fn filled_in(template: &str, values: &[(&str, &str)]) -> Result<Zeroizing<String>, LayoutError> {
    render_template(template, values).map_err(LayoutError::Template)
}

/// Returns the items of a list, each on a line of its own.
fn list(indent: &str, items: &[String]) -> String {
    items.iter().map(|item| format!("{indent}- {}\n", scalar(item))).collect()
}
