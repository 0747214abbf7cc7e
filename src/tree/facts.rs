//! The facts about a node that its files state.

use std::net::IpAddr;

use super::files::{HOST_NAME, KUBELET_CONFIG, KUBELET_FLAGS, Tree};
use super::kubelet_fields::{UnknownField, unknown_fields};
use super::process::{
    API_SERVER, CONTROLLER_MANAGER, ETCD, KUBEADM, KUBECTL, KUBELET, Process, SCHEDULER, Setting, of_environment,
    of_etcd_yaml, program_of, shell_words,
};
use super::unit::{self, EXTRA_ARGUMENTS, variables};
use super::uses::{Use, uses};
use crate::go::GoRange;
use crate::kubeconfig::{Held, Kubeconfig, resolve};
use crate::kubernetes::{BOOTSTRAP, CERTIFICATES, KUBELET_CONF, KUBELET_PKI, KUBERNETES, MANIFESTS, Output};
use crate::x509::{AltName, ReadCertificate, read_pem};
use crate::yaml::{Yaml, YamlLimits};

/// The facts about a node. What no file states is `None` or empty.
#[derive(Default)]
pub(crate) struct GatheredFacts {
    /// The name under which the kubelet registers: the host's, if etcd has the same name, or else that in the kubelet's
    /// certificate, or else etcd's. The host's name alone is not enough.
    pub(crate) node_name: Option<String>,
    /// The common name of the kubelet's certificate without `system:node:`.
    pub(crate) kubelet_name: Option<String>,
    /// The name that the kubelet gives itself, in lower case: `--hostname-override`, or else the host's name.
    pub(crate) host_name: Option<String>,
    /// The programs: of static pods in the order of their files, of services, and those that kubeadm would start.
    pub(crate) processes: Vec<Process>,
    /// What the programs read.
    pub(crate) uses: Vec<Use>,
    /// The manifests that are not YAML, each with the reason.
    pub(crate) broken_manifests: Vec<(String, String)>,
    /// The manifests whose file name is that of a known program, and which start another one.
    pub(crate) unknown_manifests: Vec<(String, String)>,
    /// Whether the node has what only control planes have.
    pub(crate) is_control_plane: bool,
    /// How many manifests there are.
    pub(crate) manifests: usize,
    /// The kubelet's configuration.
    pub(crate) kubelet: Option<KubeletConfig>,
    /// The place of that file, where it is or should be.
    pub(crate) kubelet_place: String,
    /// The certificates of the CAs that sign clients: those that the API server trusts, or else the CA of the node.
    pub(crate) authorities: Vec<ReadCertificate>,
    /// The file with those certificates.
    pub(crate) authority_file: String,
    /// The hosts by which this node's kubeconfigs call API servers, each with the first kubeconfig that does.
    pub(crate) servers: Vec<(AltName, String)>,
    /// The certificate of the API server, if the node has one, and its file.
    pub(crate) api_server: Option<(String, ReadCertificate)>,
}

/// The fields of the kubelet's configuration that matter here.
pub(crate) struct KubeletConfig {
    /// The place of the file: that of `--config`, or kubeadm's.
    pub(crate) place: String,
    /// The reason why the file is not YAML, if it is not.
    pub(crate) fault: Option<String>,
    /// The fields that the kubelet drops.
    pub(crate) unknown: Vec<UnknownField>,
    pub(crate) rotates: bool,
    /// The folder of static pods, below the root.
    pub(crate) static_pods: Option<String>,
    pub(crate) bootstraps_serving: bool,
    pub(crate) client_ca_file: Option<String>,
    /// `tlsCertFile` and `tlsPrivateKeyFile`, as far as they are set: field and value.
    pub(crate) tls_files: Vec<(&'static str, String)>,
}

/// Where kubespray writes etcd's settings.
pub(crate) const ETCD_ENVIRONMENT: &str = "etc/etcd.env";

impl KubeletConfig {
    /// Returns the folder from which relative paths in the file lead, with a slash at its end.
    pub(crate) fn folder(&self) -> &str {
        self.place.rfind('/').and_then(|end| self.place.get(..=end)).unwrap_or_default()
    }

    /// Returns the fields that name files, as settings of the flags that mean the same.
    fn settings(&self) -> Vec<Setting> {
        let setting = |flag: &str, field: &str, value: &str| Setting {
            flag: flag.to_owned(),
            value: format!("/{}", resolve(self.folder(), value)),
            said: format!("{field} in {}", self.place),
        };
        let authority = self.client_ca_file.iter().map(|file| setting("client-ca-file", "clientCAFile", file));
        let files = self.tls_files.iter().map(|(field, file)| {
            let flag = if *field == "tlsCertFile" { "tls-cert-file" } else { "tls-private-key-file" };
            setting(flag, field, file)
        });
        authority.chain(files).collect()
    }
}

impl GatheredFacts {
    pub(crate) fn read(tree: &Tree) -> Self {
        let mut facts = Self::default();
        for place in tree.texts.keys().filter(|place| place.starts_with(MANIFESTS)) {
            facts.manifests += 1;
            match tree.text(place).map(|text| Process::of_manifest(place, text)) {
                Some(Ok(_)) if tree.text(place).is_some_and(|text| text.trim().is_empty()) => {
                    facts.broken_manifests.push((place.clone(), "it is empty".to_owned()));
                }
                Some(Ok(processes)) => facts.processes.extend(processes),
                Some(Err(reason)) => facts.broken_manifests.push((place.clone(), reason)),
                None => facts.broken_manifests.push((place.clone(), "not UTF-8".to_owned())),
            }
        }
        facts.unknown_manifests = unknown_manifests(&facts.processes);
        facts.processes.extend(unit::processes(tree).into_iter().filter(Process::is_known));
        let named = facts.pod(KUBELET).and_then(|kubelet| kubelet.place(kubelet.flag("config")?));
        facts.kubelet_place = named.unwrap_or_else(|| KUBELET_CONFIG.to_owned());
        facts.kubelet = kubelet_config(tree, &facts.kubelet_place);
        facts.add_configurations(tree);
        facts.add_usual(tree);
        facts.uses =
            uses(&facts.processes, tree, facts.kubelet.as_ref().is_some_and(|kubelet| kubelet.bootstraps_serving));
        facts.kubelet_name = kubelet_name(tree);
        facts.host_name = host_name(tree, &facts.processes);
        let etcd = facts.pod(ETCD).and_then(|pod| pod.flag("name"));
        // When host and etcd have the same name, a kubelet's certificate for another name is another node's.
        let agreed = facts.host_name.clone().filter(|host| etcd == Some(host));
        let certified = || facts.kubelet_name.as_ref().map(|name| name.to_lowercase());
        let node_name = agreed.or_else(certified).or_else(|| etcd.map(str::to_owned));
        facts.node_name = node_name.filter(|name| is_plain(name));
        let place = |flag: &str| facts.uses.iter().find(|used| used.program == API_SERVER && used.flag == flag);
        let pki = tree.certificates_dir.folder();
        facts.authority_file =
            place("client-ca-file").map_or_else(|| format!("{pki}/ca.crt"), |used| used.place.clone());
        facts.authorities = certificates(tree, &facts.authority_file);
        let place = place("tls-cert-file").map_or_else(|| format!("{pki}/apiserver.crt"), |used| used.place.clone());
        facts.api_server = certificates(tree, &place).into_iter().next().map(|certificate| (place, certificate));
        facts.servers = servers(tree);
        facts
    }

    /// Adds what configuration files say to the settings of the programs that read them. A flag counts more.
    fn add_configurations(&mut self, tree: &Tree) {
        let kubelet = self.kubelet.as_ref().map(KubeletConfig::settings).unwrap_or_default();
        for process in &mut self.processes {
            let mut settings = match process.program.as_str() {
                KUBELET => kubelet.clone(),
                ETCD => {
                    let file = process.flag("config-file").and_then(|path| process.place(path));
                    let text = file.and_then(|file| Some((tree.text_of(&file)?, file)));
                    // What is no YAML says nothing here; etcd itself does not start.
                    text.and_then(|(text, file)| of_etcd_yaml(&file, &text).ok()).unwrap_or_default()
                }
                _ => Vec::new(),
            };
            settings.append(&mut process.settings);
            process.settings = settings;
        }
        // kubespray's etcd runs in a container that systemd starts with an environment file.
        if self.pod(ETCD).is_none()
            && let Some(text) = tree.text_of(ETCD_ENVIRONMENT)
        {
            let variables = variables(&text);
            let pairs = variables.iter().map(|(variable, value)| (variable.as_str(), value.as_str()));
            self.processes.push(Process::on_node(ETCD_ENVIRONMENT, ETCD, of_environment(pairs)));
        }
    }

    /// Adds the programs that kubeadm would start, and that no file mentions.
    fn add_usual(&mut self, tree: &Tree) {
        let has = |place: &str| tree.is_there(place) || tree.dangling.contains(place);
        let pki = tree.certificates_dir.folder();
        let has_pair = |stem: &str| ["crt", "key"].iter().any(|end| has(&format!("{pki}/{stem}.{end}")));
        let is_control_plane = ["apiserver", "apiserver-kubelet-client", "front-proxy-client"]
            .iter()
            .any(|stem| has_pair(stem))
            || has(&format!("{pki}/sa.key"))
            || ["controller-manager.conf", "scheduler.conf"].iter().any(|file| has(&format!("{KUBERNETES}/{file}")));
        // A manifest that cannot be read starts something nobody knows.
        let is_unread = |program: &str| {
            let mut broken = self.broken_manifests.iter().chain(&self.unknown_manifests);
            broken.any(|(file, _)| file.contains(program))
        };
        let is_unread = [API_SERVER, CONTROLLER_MANAGER, SCHEDULER, ETCD].map(|program| (program, is_unread(program)));
        // Whoever runs one of them as a service runs none as kubeadm does.
        let control_plane = [API_SERVER, CONTROLLER_MANAGER, SCHEDULER];
        let is_service = |process: &Process| process.pod.is_none() && control_plane.contains(&process.program.as_str());
        let has_service = self.processes.iter().any(is_service);
        self.is_control_plane = is_control_plane && !has_service;
        let is_kubeadms = !has_service && !is_unread.iter().any(|(program, unread)| *program == API_SERVER && *unread);
        let mut usual = Vec::new();
        for program in
            [API_SERVER, CONTROLLER_MANAGER, SCHEDULER].into_iter().filter(|_| is_control_plane && is_kubeadms)
        {
            usual.push((program, Vec::new()));
        }
        if ["etcd/server", "etcd/peer"].iter().any(|stem| has_pair(stem)) {
            usual.push((ETCD, Vec::new()));
        }
        // The folder of its certificates alone may be another maker's kubelet's.
        let is_kubelets = [KUBELET_CONFIG, KUBELET_CONF, BOOTSTRAP].iter().any(|place| has(place));
        if is_kubelets {
            let mut settings = self.kubelet.as_ref().map(KubeletConfig::settings).unwrap_or_default();
            settings.extend(extra_arguments(tree));
            usual.push((KUBELET, settings));
        }
        usual.extend([(KUBEADM, Vec::new()), (KUBECTL, Vec::new())]);
        for (program, settings) in usual {
            if self.pod(program).is_none() {
                self.processes.push(Process::on_node(String::new(), program, settings));
            }
        }
    }

    /// Returns the versions of Go that may have built a program of this node.
    pub(crate) fn go_of(&self, program: &str) -> GoRange {
        let version = |program: &str| self.pod(program).and_then(|process| process.version);
        if program == ETCD {
            return version(ETCD)
                .filter(|version| version.major == 3)
                .map_or(GoRange::UNKNOWN, |version| GoRange::of_etcd(version.minor));
        }
        let known = [program, API_SERVER, CONTROLLER_MANAGER, SCHEDULER].into_iter().find_map(version);
        known
            .filter(|version| version.major == 1)
            .map_or(GoRange::UNKNOWN, |version| GoRange::of_kubernetes(version.minor))
    }

    /// Returns the process of a program.
    pub(crate) fn pod(&self, program: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.program == program)
    }

    /// Returns the address of the service `kubernetes`: the first one of the first service subnet (kubeadm v1.20.2,
    /// constants.go GetAPIServerVirtualIP). The service has one family only, also where there are two subnets.
    pub(crate) fn service_address(&self) -> Option<IpAddr> {
        let ranges = self.pod(API_SERVER)?.flag("service-cluster-ip-range")?;
        first_address(ranges.split(',').next()?)
    }

    /// Returns whether a host is that of one of this cluster's API servers.
    pub(crate) fn is_own_server(&self, host: &AltName) -> bool {
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
pub(crate) fn certificates(tree: &Tree, place: &str) -> Vec<ReadCertificate> {
    let known = tree.pki.get(place).map(|file| read_pem(&file.content));
    let read = known.or_else(|| tree.named(place).map(|content| read_pem(&content)));
    read.and_then(Result::ok).map(|contents| contents.certificates).unwrap_or_default()
}

/// Returns the certificates that a field of a kubeconfig holds or names.
pub(crate) fn held(tree: &Tree, place: &str, held: &Held) -> Vec<ReadCertificate> {
    match held {
        Held::Inline(content) => read_pem(content).map(|contents| contents.certificates).unwrap_or_default(),
        Held::File(file) => certificates(tree, &resolve(place, file)),
        Held::Broken(_) => Vec::new(),
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

/// Returns the name that the kubelet gives itself: the first line that is not empty. What cannot be a name is none, because
/// the file may be a link to any other. Source: pkg/util/node/node.go GetHostname, v1.20.2.
fn host_name(tree: &Tree, processes: &[Process]) -> Option<String> {
    let kubelet = processes.iter().find(|process| process.program == KUBELET);
    let overridden = kubelet.and_then(|kubelet| kubelet.flag("hostname-override")).map(str::to_owned);
    // The kubelet of a system that runs asks the kernel, whose name need not be that of the file.
    let kernels = || tree.text_of("proc/sys/kernel/hostname").filter(|_| tree.is_running());
    let name = overridden.or_else(kernels).or_else(|| tree.text(HOST_NAME).map(str::to_owned))?;
    let name = name.lines().map(str::trim).find(|line| !line.is_empty())?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (name.len() <= 253 && name.bytes().all(is_name)).then(|| name.to_ascii_lowercase())
}

/// Returns the flags that kubeadm and people add to the kubelet's command. What people add counts more, because the
/// unit names it last.
fn extra_arguments(tree: &Tree) -> Vec<Setting> {
    let files = std::iter::once(KUBELET_FLAGS).chain(EXTRA_ARGUMENTS);
    let settings = files.flat_map(|file| {
        let flags = arguments(&tree.text_of(file).unwrap_or_default()).into_iter();
        flags.map(move |setting| Setting { said: format!("{} in {file}", setting.said), ..setting })
    });
    settings.collect()
}

/// Returns the flags of the kubelet that the variables of an environment file hold.
pub(crate) fn arguments(text: &str) -> Vec<Setting> {
    let words = |value: &str| [vec![KUBELET.to_owned()], shell_words(value)].concat();
    variables(text).iter().flat_map(|(_, value)| program_of(&words(value)).1).collect()
}

/// Returns the manifests that are named after a program and start none that is known, each with the reason.
fn unknown_manifests(processes: &[Process]) -> Vec<(String, String)> {
    let named = |process: &&Process| {
        let file = super::files::name(&process.file);
        !process.is_known() && super::process::PROGRAMS.iter().any(|program| file.trim_end_matches(".yaml") == *program)
    };
    let unknown = processes.iter().filter(named);
    unknown.map(|process| (process.file.clone(), format!("it starts {}", process.program))).collect()
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

fn kubelet_config(tree: &Tree, place: &str) -> Option<KubeletConfig> {
    let content = tree.texts.get(place).map(|file| file.content.clone()).or_else(|| tree.content(place))?;
    let text = std::str::from_utf8(&content).map_err(|_| "not UTF-8".to_owned());
    let read = text.and_then(|text| Yaml::documents(text, YamlLimits::KUBECONFIG));
    let (fault, yaml) = match read {
        Ok(documents) => match documents.into_iter().next() {
            Some((_, yaml)) => (None, yaml),
            None => (Some("it is empty".to_owned()), Yaml::Null),
        },
        Err(reason) => (Some(reason), Yaml::Null),
    };
    let text = |path: &[&str]| yaml.at(path).and_then(Yaml::text).filter(|text| !text.is_empty());
    let is_on = |field: &str| text(&[field]).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let tls_files = ["tlsCertFile", "tlsPrivateKeyFile"].map(|field| (field, text(&[field]).map(str::to_owned)));
    Some(KubeletConfig {
        place: place.to_owned(),
        fault,
        unknown: unknown_fields(&yaml),
        rotates: is_on("rotateCertificates"),
        static_pods: text(&["staticPodPath"]).map(|path| resolve("", path)),
        bootstraps_serving: is_on("serverTLSBootstrap"),
        client_ca_file: text(&["authentication", "x509", "clientCAFile"]).map(str::to_owned),
        tls_files: tls_files.into_iter().filter_map(|(field, file)| Some((field, file?))).collect(),
    })
}

impl Tree {
    /// Returns the names of the static pods that are none of Kubernetes' own, each with the places of Kubernetes' files and
    /// folders that it mounts.
    pub(crate) fn other_pods(&self) -> Vec<(String, Vec<String>)> {
        let facts = GatheredFacts::read(self);
        let others = facts.processes.iter().filter(|process| !process.is_known());
        let named = others.filter_map(|process| Some((process.pod.clone()?, process)));
        let mounts = |process: &Process| {
            let places = [KUBERNETES, KUBELET_PKI].into_iter().flat_map(|folder| process.mounted_in(folder));
            places.map(str::to_owned).collect::<Vec<_>>()
        };
        named.map(|(name, process)| (name, mounts(process))).filter(|(_, mounts)| !mounts.is_empty()).collect()
    }
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
