//! What files of Kubernetes' objects say: kubeadm's configuration, the ConfigMap that kubeadm keeps it in, the kubelet's
//! configuration, and nodes as `kubectl get nodes -o yaml` lists them.

use thiserror::Error;

use crate::survey::Survey;
use crate::yaml::{Yaml, YamlLimits, decode_text};

/// The versions of kubeadm's configuration that are read.
const KUBEADM: [&str; 4] =
    ["kubeadm.k8s.io/v1beta1", "kubeadm.k8s.io/v1beta2", "kubeadm.k8s.io/v1beta3", "kubeadm.k8s.io/v1beta4"];

/// The fields of `etcd.external` that name files.
const ETCD_FILES: [&str; 3] = ["caFile", "certFile", "keyFile"];

/// The kinds of the documents that ConfigMaps hold.
const CONFIGURATIONS: [&str; 5] =
    ["ClusterConfiguration", "ClusterStatus", "InitConfiguration", "JoinConfiguration", "KubeletConfiguration"];

/// What files of objects say. Every text in it is as it is in the file.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    pub(super) clusters: Vec<ClusterConfiguration>,
    pub(super) servers: Vec<LocalServer>,
    pub(super) kubelets: Vec<KubeletSettings>,
    pub(super) nodes: Vec<ListedNode>,
}

/// kubeadm's `ClusterConfiguration`, as far as certificates depend on it.
#[derive(Clone, Debug, Default)]
pub(super) struct ClusterConfiguration {
    /// The file, in words.
    pub(super) source: String,
    pub(super) kubernetes_version: Option<String>,
    pub(super) control_plane_endpoint: Option<String>,
    pub(super) cluster_name: Option<String>,
    pub(super) certificates_dir: Option<String>,
    pub(super) service_subnet: Option<String>,
    pub(super) pod_subnet: Option<String>,
    pub(super) image_repository: Option<String>,
    pub(super) dns_domain: Option<String>,
    pub(super) cert_sans: Vec<String>,
    pub(super) etcd_cert_sans: Vec<String>,
    /// An etcd that kubeadm does not run. `None` when kubeadm runs it.
    pub(super) external_etcd: Option<ExternalEtcd>,
    /// The arguments of components: component, flag, value.
    pub(super) arguments: Vec<(&'static str, String, String)>,
}

/// `etcd.external` of kubeadm's configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct ExternalEtcd {
    /// The URLs of its members.
    pub(super) endpoints: Vec<String>,
    /// The paths of its CA, and of the API server's certificate and key as a client.
    pub(super) files: [Option<String>; 3],
}

/// Where a control plane's API server listens, or what kubeadm says of a node.
#[derive(Clone, Debug)]
pub(super) struct LocalServer {
    pub(super) source: String,
    pub(super) node: Option<String>,
    pub(super) is_control_plane: bool,
    pub(super) advertise_address: Option<String>,
    pub(super) port: Option<String>,
    pub(super) node_ip: Option<String>,
}

/// The fields of a kubelet's configuration that are for all nodes.
#[derive(Clone, Debug)]
pub(super) struct KubeletSettings {
    pub(super) source: String,
    pub(super) bootstraps_serving: bool,
    pub(super) cluster_domain: Option<String>,
}

/// A node in a list of nodes.
#[derive(Clone, Debug)]
pub(super) struct ListedNode {
    pub(super) source: String,
    pub(super) name: String,
    pub(super) is_control_plane: bool,
    pub(super) addresses: Vec<String>,
    pub(super) kubelet_version: Option<String>,
}

/// Why a file says nothing. The text of an error continues a sentence that begins with the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ObjectsError {
    /// The file is no text.
    #[error("is neither text nor a tar archive")]
    NotText,
    /// The file is not YAML; the value is the reader's reason.
    #[error("is not YAML: {0}")]
    NotYaml(String),
    /// The configuration is of a version that is not read.
    #[error("has the version `{0}`; this version of certferry reads kubeadm.k8s.io/v1beta1 to v1beta4")]
    Version(String),
    /// No document is of a kind that says something; the value names those that are there.
    #[error("says nothing of a cluster: it holds {0}")]
    Nothing(String),
}

impl Objects {
    /// Adds what a file says. `source` is the name by which a person knows it.
    ///
    /// # Errors
    /// Returns the reason when the file says nothing.
    pub fn add(&mut self, source: &str, content: &[u8]) -> Result<(), ObjectsError> {
        let text = decode_text(content).ok_or(ObjectsError::NotText)?;
        let documents = Yaml::documents(&text, YamlLimits::OBJECTS).map_err(ObjectsError::NotYaml)?;
        let mut found = Self::default();
        let mut others = Vec::new();
        for (_, document) in &documents {
            found.read(source, document, &mut others)?;
        }
        if found.is_empty() {
            others.dedup();
            others.truncate(5);
            let kinds = if others.is_empty() { "no object".to_owned() } else { others.join(", ") };
            return Err(ObjectsError::Nothing(kinds));
        }
        self.clusters.append(&mut found.clusters);
        self.servers.append(&mut found.servers);
        self.kubelets.append(&mut found.kubelets);
        self.nodes.append(&mut found.nodes);
        Ok(())
    }

    /// Returns how many things files have said.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clusters.len() + self.servers.len() + self.kubelets.len() + self.nodes.len()
    }

    /// Returns whether no file has said anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds what a survey has of kubeadm's configuration on a node.
    pub(super) fn add_survey(&mut self, survey: &Survey, node: &str) {
        for configuration in &survey.configurations {
            let get = |name: &str| {
                configuration.settings.iter().find(|setting| setting.name == name).map(|setting| setting.value.clone())
            };
            let all = |name: &str| {
                let begins = format!("{name}.");
                let settings = configuration.settings.iter().filter(|setting| setting.name.starts_with(&begins));
                settings.map(|setting| setting.value.clone()).collect::<Vec<_>>()
            };
            let source = format!("{} of {node}", configuration.path);
            match configuration.kind.as_str() {
                "ClusterConfiguration" => {
                    let mut etcd_cert_sans = all("etcd.local.serverCertSANs");
                    etcd_cert_sans.extend(all("etcd.local.peerCertSANs"));
                    let endpoints = all("etcd.external.endpoints");
                    self.clusters.push(ClusterConfiguration {
                        source,
                        kubernetes_version: get("kubernetesVersion"),
                        control_plane_endpoint: get("controlPlaneEndpoint"),
                        cluster_name: get("clusterName"),
                        certificates_dir: get("certificatesDir"),
                        service_subnet: get("networking.serviceSubnet"),
                        pod_subnet: get("networking.podSubnet"),
                        image_repository: get("imageRepository"),
                        dns_domain: get("networking.dnsDomain"),
                        cert_sans: all("apiServer.certSANs"),
                        etcd_cert_sans,
                        external_etcd: (!endpoints.is_empty()).then(|| ExternalEtcd {
                            endpoints,
                            files: ETCD_FILES.map(|file| get(&format!("etcd.external.{file}"))),
                        }),
                        arguments: Vec::new(),
                    });
                }
                kind @ ("InitConfiguration" | "JoinConfiguration") => {
                    let place = if kind == "InitConfiguration" { "" } else { "controlPlane." };
                    let advertise_address = get(&format!("{place}localAPIEndpoint.advertiseAddress"));
                    self.servers.push(LocalServer {
                        source,
                        node: get("nodeRegistration.name").or_else(|| Some(node.to_owned())),
                        is_control_plane: kind == "InitConfiguration" || advertise_address.is_some(),
                        advertise_address,
                        port: get(&format!("{place}localAPIEndpoint.bindPort")),
                        node_ip: None,
                    });
                }
                _ => {}
            }
        }
    }

    fn read(&mut self, source: &str, document: &Yaml, others: &mut Vec<String>) -> Result<(), ObjectsError> {
        let version = text(document, &["apiVersion"]).unwrap_or_default();
        let kind = text(document, &["kind"]).unwrap_or_default();
        let is_kubeadms = version.starts_with("kubeadm.k8s.io/");
        if is_kubeadms && !KUBEADM.contains(&version.as_str()) {
            return Err(ObjectsError::Version(version));
        }
        match kind.as_str() {
            "ClusterConfiguration" if is_kubeadms => self.clusters.push(cluster(source, document)),
            "InitConfiguration" if is_kubeadms => {
                let place = document.get("localAPIEndpoint");
                self.servers.push(server(source, document, place, true));
            }
            "JoinConfiguration" if is_kubeadms => {
                let control_plane = document.get("controlPlane");
                let place = control_plane.and_then(|table| table.get("localAPIEndpoint"));
                self.servers.push(server(source, document, place, control_plane.is_some()));
            }
            "ClusterStatus" if is_kubeadms => {
                for (node, place) in document.get("apiEndpoints").map(Yaml::pairs).unwrap_or_default() {
                    let server = server(source, &Yaml::Null, Some(place), true);
                    self.servers.push(LocalServer { node: Some(node.clone()), ..server });
                }
            }
            "KubeletConfiguration" => self.kubelets.push(KubeletSettings {
                source: source.to_owned(),
                bootstraps_serving: text(document, &["serverTLSBootstrap"]).as_deref() == Some("true"),
                cluster_domain: text(document, &["clusterDomain"]),
            }),
            "Node" => self.nodes.extend(node(source, document)),
            "List" | "NodeList" | "ConfigMapList" => {
                for item in document.get("items").map(Yaml::items).unwrap_or_default() {
                    self.read(source, item, others)?;
                }
            }
            // The values are documents themselves: kubeadm-config has ClusterConfiguration and, until 1.21,
            // ClusterStatus; kubelet-config has the kubelet's.
            "ConfigMap" => {
                for (_, value) in document.get("data").map(Yaml::pairs).unwrap_or_default() {
                    let inner = value.text().map(|text| Yaml::documents(text, YamlLimits::OBJECTS));
                    for (_, inner) in inner.into_iter().flatten().flatten() {
                        // None of these holds documents again, so this goes no deeper.
                        let kind = text(&inner, &["kind"]).unwrap_or_default();
                        if CONFIGURATIONS.contains(&kind.as_str()) {
                            self.read(source, &inner, &mut Vec::new())?;
                        }
                    }
                }
                others.push("a ConfigMap".to_owned());
            }
            "" => others.push("something without a kind".to_owned()),
            kind => others.push(format!("the kind {kind}")),
        }
        Ok(())
    }
}

/// Returns the text at a path of keys, unless it is empty.
fn text(document: &Yaml, path: &[&str]) -> Option<String> {
    document.at(path)?.text().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(document: &Yaml, path: &[&str]) -> Vec<String> {
    let items = document.at(path).map(Yaml::items).unwrap_or_default();
    items.iter().filter_map(Yaml::text).map(str::to_owned).collect()
}

fn cluster(source: &str, document: &Yaml) -> ClusterConfiguration {
    let mut etcd_cert_sans = texts(document, &["etcd", "local", "serverCertSANs"]);
    etcd_cert_sans.extend(texts(document, &["etcd", "local", "peerCertSANs"]));
    let mut arguments = Vec::new();
    for (component, path) in [
        ("kube-apiserver", &["apiServer", "extraArgs"][..]),
        ("kube-controller-manager", &["controllerManager", "extraArgs"]),
        ("kube-scheduler", &["scheduler", "extraArgs"]),
        ("etcd", &["etcd", "local", "extraArgs"]),
    ] {
        let pairs = document.at(path).map(extra_arguments).unwrap_or_default();
        arguments.extend(pairs.into_iter().map(|(flag, value)| (component, flag, value)));
    }
    ClusterConfiguration {
        source: source.to_owned(),
        kubernetes_version: text(document, &["kubernetesVersion"]),
        control_plane_endpoint: text(document, &["controlPlaneEndpoint"]),
        cluster_name: text(document, &["clusterName"]),
        certificates_dir: text(document, &["certificatesDir"]),
        service_subnet: text(document, &["networking", "serviceSubnet"]),
        pod_subnet: text(document, &["networking", "podSubnet"]),
        image_repository: text(document, &["imageRepository"]),
        dns_domain: text(document, &["networking", "dnsDomain"]),
        cert_sans: texts(document, &["apiServer", "certSANs"]),
        etcd_cert_sans,
        external_etcd: document.at(&["etcd", "external"]).map(|external| ExternalEtcd {
            endpoints: texts(external, &["endpoints"]),
            files: ETCD_FILES.map(|file| text(external, &[file])),
        }),
        arguments,
    }
}

/// Returns arguments that are a mapping (until v1beta3) or a list of names and values (v1beta4).
fn extra_arguments(arguments: &Yaml) -> Vec<(String, String)> {
    let pair = |(flag, value): &(String, Yaml)| Some((flag.clone(), value.text()?.to_owned()));
    let item = |item: &Yaml| Some((text(item, &["name"])?, text(item, &["value"]).unwrap_or_default()));
    arguments.pairs().iter().filter_map(pair).chain(arguments.items().iter().filter_map(item)).collect()
}

fn server(source: &str, document: &Yaml, place: Option<&Yaml>, is_control_plane: bool) -> LocalServer {
    let arguments = document.at(&["nodeRegistration", "kubeletExtraArgs"]).map(extra_arguments).unwrap_or_default();
    LocalServer {
        source: source.to_owned(),
        node: text(document, &["nodeRegistration", "name"]),
        is_control_plane,
        advertise_address: place.and_then(|place| text(place, &["advertiseAddress"])),
        port: place.and_then(|place| text(place, &["bindPort"])),
        node_ip: arguments.into_iter().find(|(flag, _)| flag == "node-ip").map(|(_, value)| value),
    }
}

fn node(source: &str, document: &Yaml) -> Option<ListedNode> {
    let labels = document.at(&["metadata", "labels"]).map(Yaml::pairs).unwrap_or_default();
    let is_control_plane = labels.iter().any(|(label, _)| {
        matches!(label.as_str(), "node-role.kubernetes.io/control-plane" | "node-role.kubernetes.io/master")
    });
    let addresses = document.at(&["status", "addresses"]).map(Yaml::items).unwrap_or_default();
    let internal = addresses.iter().filter(|item| text(item, &["type"]).as_deref() == Some("InternalIP"));
    Some(ListedNode {
        source: source.to_owned(),
        name: text(document, &["metadata", "name"])?,
        is_control_plane,
        addresses: internal.filter_map(|item| text(item, &["address"])).collect(),
        kubelet_version: text(document, &["status", "nodeInfo", "kubeletVersion"]),
    })
}
