//! The facts about a node that its files state.

use std::net::IpAddr;

use super::static_pod::StaticPod;
use super::tree::{HOST_NAME, KUBELET_CONFIG, KUBELET_FLAGS, Tree};
use crate::kubeconfig::{Held, Kubeconfig, resolve};
use crate::kubernetes::{CERTIFICATES, KUBELET_CONF, KUBELET_PKI, KUBERNETES, MANIFESTS, Output, PKI};
use crate::x509::{AltName, ReadCertificate, read_pem};
use crate::yaml::{Yaml, YamlLimits};

/// The facts about a node. What no file states is `None` or empty.
#[derive(Default)]
pub(super) struct GatheredFacts {
    /// The name under which the kubelet registers: the host's, if etcd has the same name, or else that in the kubelet's
    /// certificate, or else etcd's. The host's name alone is not enough.
    pub(super) node_name: Option<String>,
    /// The common name of the kubelet's certificate without `system:node:`.
    pub(super) kubelet_name: Option<String>,
    /// The name that the kubelet gives itself, in lower case: `--hostname-override`, or else the host's name.
    pub(super) host_name: Option<String>,
    /// The static pods, in the order of their files.
    pub(super) pods: Vec<StaticPod>,
    /// The manifests that are not YAML, each with the reason.
    pub(super) broken_manifests: Vec<(String, String)>,
    /// The kubelet's configuration.
    pub(super) kubelet: Option<KubeletConfig>,
    /// The certificates in `pki/ca.crt`.
    pub(super) authorities: Vec<ReadCertificate>,
    /// The hosts by which this node's kubeconfigs call API servers, each with the first kubeconfig that does.
    pub(super) servers: Vec<(AltName, String)>,
    /// The certificate of the API server, if the node has one, and its file.
    pub(super) api_server: Option<(String, ReadCertificate)>,
}

/// The fields of `/var/lib/kubelet/config.yaml` that matter here.
pub(super) struct KubeletConfig {
    /// The reason why the file is not YAML, if it is not.
    pub(super) fault: Option<String>,
    pub(super) rotates: bool,
    pub(super) bootstraps_serving: bool,
    pub(super) client_ca_file: Option<String>,
    /// `tlsCertFile` and `tlsPrivateKeyFile`, as far as they are set: field and value.
    pub(super) tls_files: Vec<(&'static str, String)>,
}

impl GatheredFacts {
    pub(super) fn read(tree: &Tree) -> Self {
        let (mut pods, mut broken_manifests) = (Vec::new(), Vec::new());
        for place in tree.texts.keys().filter(|place| place.starts_with(MANIFESTS)) {
            match tree.text(place).map(|text| StaticPod::read(place, text)) {
                Some(Ok(pod)) => pods.extend(pod),
                Some(Err(reason)) => broken_manifests.push((place.clone(), reason)),
                None => broken_manifests.push((place.clone(), "not UTF-8".to_owned())),
            }
        }
        let kubelet_name = kubelet_name(tree);
        let host_name = host_name(tree);
        let etcd = pods.iter().find(|pod| pod.program == "etcd").and_then(|pod| pod.flag("name"));
        // When host and etcd have the same name, a kubelet's certificate for another name is another node's.
        let agreed = host_name.clone().filter(|host| etcd == Some(host));
        let certified = || kubelet_name.as_ref().map(|name| name.to_lowercase());
        let node_name = agreed.or_else(certified).or_else(|| etcd.map(str::to_owned));
        let mut facts = Self {
            node_name: node_name.filter(|name| is_plain(name)),
            kubelet_name,
            host_name,
            broken_manifests,
            kubelet: kubelet_config(tree),
            authorities: certificates(tree, &format!("{PKI}/ca.crt")),
            servers: servers(tree),
            api_server: None,
            pods,
        };
        let named = facts.pod("kube-apiserver").and_then(|pod| pod.place(pod.flag("tls-cert-file")?));
        let place = named.unwrap_or_else(|| format!("{PKI}/apiserver.crt"));
        facts.api_server = certificates(tree, &place).into_iter().next().map(|certificate| (place, certificate));
        facts
    }

    /// Returns the static pod of a program.
    pub(super) fn pod(&self, program: &str) -> Option<&StaticPod> {
        self.pods.iter().find(|pod| pod.program == program)
    }

    /// Returns the first address of each service subnet (kubeadm v1.20.2, constants.go GetAPIServerVirtualIP).
    pub(super) fn service_addresses(&self) -> Vec<IpAddr> {
        let ranges = self.pod("kube-apiserver").and_then(|pod| pod.flag("service-cluster-ip-range"));
        ranges.unwrap_or_default().split(',').filter_map(first_address).collect()
    }

    /// Returns whether a host is that of one of this cluster's API servers.
    pub(super) fn is_own_server(&self, host: &AltName) -> bool {
        self.servers.iter().any(|(known, _)| known == host)
            || self.api_server.as_ref().is_some_and(|(_, certificate)| certificate.is_for(host))
    }
}

/// Returns whether a name can be used in a command without quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

fn first_address(range: &str) -> Option<IpAddr> {
    let (address, length) = range.trim().split_once('/')?;
    let length: u32 = length.parse().ok()?;
    match address.parse().ok()? {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?).unwrap_or(0);
            Some(IpAddr::V4((address.to_bits() & mask).checked_add(1)?.into()))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?).unwrap_or(0);
            Some(IpAddr::V6((address.to_bits() & mask).checked_add(1)?.into()))
        }
    }
}

/// Returns the certificates of a file in the tree, or nothing when it cannot be read or has none.
pub(super) fn certificates(tree: &Tree, place: &str) -> Vec<ReadCertificate> {
    let known = tree.pki.get(place).map(|file| read_pem(&file.content));
    let read = known.or_else(|| tree.named(place).map(|content| read_pem(&content)));
    read.and_then(Result::ok).map(|contents| contents.certificates).unwrap_or_default()
}

/// Returns the certificates that a field of a kubeconfig holds or names.
pub(super) fn held(tree: &Tree, place: &str, held: &Held) -> Vec<ReadCertificate> {
    match held {
        Held::Inline(content) => read_pem(content).map(|contents| contents.certificates).unwrap_or_default(),
        Held::File(file) => certificates(tree, &resolve(place, file)),
        Held::Broken => Vec::new(),
    }
}

fn kubelet_name(tree: &Tree) -> Option<String> {
    let current = format!("{KUBELET_PKI}/kubelet-client-current.pem");
    let stored = certificates(tree, &current).into_iter().next();
    let inline = || {
        let read = Kubeconfig::read(&tree.pki.get(KUBELET_CONF)?.content).ok()?;
        let user = read.users.into_iter().next()?;
        held(tree, KUBELET_CONF, &user.certificate?).into_iter().next()
    };
    stored.or_else(inline)?.common_name()?.strip_prefix("system:node:").map(str::to_owned)
}

/// Returns the name that the kubelet gives itself. Source: pkg/util/node/node.go GetHostname, v1.20.2.
fn host_name(tree: &Tree) -> Option<String> {
    let flags = tree.text(KUBELET_FLAGS).unwrap_or_default();
    let words = flags.split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\''));
    let overridden = words.filter_map(|word| word.strip_prefix("--hostname-override=")).next_back();
    let name = overridden.or_else(|| tree.text(HOST_NAME))?.trim();
    (!name.is_empty()).then(|| name.to_lowercase())
}

fn servers(tree: &Tree) -> Vec<(AltName, String)> {
    let mut servers: Vec<(AltName, String)> = Vec::new();
    // These are the kubeconfigs with which the node's programs and the administrator call API servers.
    let embedded = CERTIFICATES.iter().filter(|row| matches!(row.output, Output::Kubeconfig(_)));
    let embedded = embedded.map(|row| format!("{KUBERNETES}/{}", row.base_name));
    for place in std::iter::once(KUBELET_CONF.to_owned()).chain(embedded) {
        let Some(read) = tree.pki.get(&place).and_then(|file| Kubeconfig::read(&file.content).ok()) else { continue };
        for cluster in read.clusters {
            let host = cluster.server_name.map(AltName::Dns).or_else(|| AltName::of_url(&cluster.server?));
            if let Some(host) = host.filter(|host| servers.iter().all(|(known, _)| known != host)) {
                servers.push((host, place.clone()));
            }
        }
    }
    servers
}

fn kubelet_config(tree: &Tree) -> Option<KubeletConfig> {
    let file = tree.texts.get(KUBELET_CONFIG)?;
    let text = std::str::from_utf8(&file.content).map_err(|_| "not UTF-8".to_owned());
    let read = text.and_then(|text| Yaml::documents(text, YamlLimits::KUBECONFIG));
    let (fault, yaml) = match read {
        Ok(documents) => (None, documents.into_iter().next().map_or(Yaml::Null, |(_, yaml)| yaml)),
        Err(reason) => (Some(reason), Yaml::Null),
    };
    let text = |path: &[&str]| yaml.at(path).and_then(Yaml::text).filter(|text| !text.is_empty());
    let is_on = |field: &str| text(&[field]).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let tls_files = ["tlsCertFile", "tlsPrivateKeyFile"].map(|field| (field, text(&[field]).map(str::to_owned)));
    Some(KubeletConfig {
        fault,
        rotates: is_on("rotateCertificates"),
        bootstraps_serving: is_on("serverTLSBootstrap"),
        client_ca_file: text(&["authentication", "x509", "clientCAFile"]).map(str::to_owned),
        tls_files: tls_files.into_iter().filter_map(|(field, file)| Some((field, file?))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::first_address;

    #[test]
    fn the_first_address_of_a_subnet_is_the_api_servers() {
        for (range, address) in [
            ("10.96.0.0/12", Some("10.96.0.1")),
            (" 10.20.0.8/29", Some("10.20.0.9")),
            ("fd00:96::/112", Some("fd00:96::1")),
            ("0.0.0.0/0", Some("0.0.0.1")),
            ("10.96.7.7/16", Some("10.96.0.1")),
            ("10.96.0.0/33", None),
            ("10.96.0.0", None),
            ("", None),
        ] {
            assert_eq!(first_address(range).map(|address| address.to_string()).as_deref(), address, "{range}");
        }
    }
}
