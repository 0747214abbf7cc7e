//! Who reads what, as what: the uses of files on a node.
//!
//! What the flags of programs say comes first. Where no file says how a program is started, it is started as kubeadm
//! does, from kubeadm's places.

use super::files::{KUBELET_CONFIG, KUBELET_FLAGS, Tree};
use super::process::{
    API_SERVER, CONTROLLER_MANAGER, ETCD, KUBE_PROXY, KUBEADM, KUBECTL, KUBELET, Process, SCHEDULER, Setting,
};
use crate::kubernetes::{BOOTSTRAP, CLUSTER_CA, ETCD_CA, KUBELET_CONF, MANIFESTS, PKI, Purpose};

/// What lies at a place, and so how a program reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// CAs, each of which is trusted.
    Trust,
    /// A certificate with its chain. The flag names its key, which may lie in the same file.
    Pair(&'static str),
    /// Exactly one certificate of a CA that signs. The flag names its key.
    Signer(&'static str),
    /// Public keys, or certificates or private keys that hold one.
    PublicKeys,
    /// A private key.
    PrivateKey,
    Kubeconfig,
}

/// A flag that names a file. Places are with kubeadm's own folder of certificates.
struct Row {
    program: &'static str,
    flag: &'static str,
    shape: Shape,
    /// kubeadm's place for the file. Empty where kubeadm does not set the flag.
    usual: &'static str,
    /// kubeadm's place for the key of a pair.
    usual_key: &'static str,
    /// What a certificate there is for, which decides the words of a finding.
    purpose: Purpose,
}

const CA_KEY: &str = "etc/kubernetes/pki/ca.key";
const FRONT_PROXY_CA: &str = "etc/kubernetes/pki/front-proxy-ca.crt";
const SA_PUB: &str = "etc/kubernetes/pki/sa.pub";
const SA_KEY: &str = "etc/kubernetes/pki/sa.key";
const CONTROLLER_MANAGER_CONF: &str = "etc/kubernetes/controller-manager.conf";
const SCHEDULER_CONF: &str = "etc/kubernetes/scheduler.conf";
const ADMIN_CONF: &str = "etc/kubernetes/admin.conf";
const STORE: &str = "var/lib/kubelet/pki/kubelet-client-current.pem";
const SERVING: [&str; 2] = ["var/lib/kubelet/pki/kubelet.crt", "var/lib/kubelet/pki/kubelet.key"];

const fn trust(program: &'static str, flag: &'static str, usual: &'static str, purpose: Purpose) -> Row {
    Row { program, flag, shape: Shape::Trust, usual, usual_key: "", purpose }
}

const fn pair(
    program: &'static str,
    [flag, key]: [&'static str; 2],
    [usual, usual_key]: [&'static str; 2],
    purpose: Purpose,
) -> Row {
    Row { program, flag, shape: Shape::Pair(key), usual, usual_key, purpose }
}

const fn signer(flag: &'static str, key: &'static str, [usual, usual_key]: [&'static str; 2]) -> Row {
    let (program, shape, purpose) = (CONTROLLER_MANAGER, Shape::Signer(key), Purpose::KubernetesCa);
    Row { program, flag, shape, usual, usual_key, purpose }
}

/// A CA of kubeadm, by its base name.
const fn authority(flag: &'static str, [usual, usual_key]: [&'static str; 2], purpose: Purpose) -> Row {
    Row { program: KUBEADM, flag, shape: Shape::Signer(""), usual, usual_key, purpose }
}

const fn plain(program: &'static str, flag: &'static str, shape: Shape, usual: &'static str) -> Row {
    Row { program, flag, shape, usual, usual_key: "", purpose: Purpose::Other }
}

/// The flags of Kubernetes' programs and of etcd that name certificates and keys. Source: `--help` of v1.20.2 and
/// v1.36; etcd v3.5; kubeadm v1.20.2, phases/controlplane/manifests.go and phases/etcd/local.go for the places.
const ROWS: [Row; 43] = [
    trust(API_SERVER, "client-ca-file", CLUSTER_CA, Purpose::KubernetesCa),
    pair(
        API_SERVER,
        ["tls-cert-file", "tls-private-key-file"],
        ["etc/kubernetes/pki/apiserver.crt", "etc/kubernetes/pki/apiserver.key"],
        Purpose::ApiServer,
    ),
    trust(API_SERVER, "etcd-cafile", ETCD_CA, Purpose::EtcdCa),
    pair(
        API_SERVER,
        ["etcd-certfile", "etcd-keyfile"],
        ["etc/kubernetes/pki/apiserver-etcd-client.crt", "etc/kubernetes/pki/apiserver-etcd-client.key"],
        Purpose::EtcdClient,
    ),
    pair(
        API_SERVER,
        ["kubelet-client-certificate", "kubelet-client-key"],
        ["etc/kubernetes/pki/apiserver-kubelet-client.crt", "etc/kubernetes/pki/apiserver-kubelet-client.key"],
        Purpose::ApiServerKubeletClient,
    ),
    trust(API_SERVER, "kubelet-certificate-authority", "", Purpose::KubernetesCa),
    pair(
        API_SERVER,
        ["proxy-client-cert-file", "proxy-client-key-file"],
        ["etc/kubernetes/pki/front-proxy-client.crt", "etc/kubernetes/pki/front-proxy-client.key"],
        Purpose::FrontProxyClient,
    ),
    trust(API_SERVER, "requestheader-client-ca-file", FRONT_PROXY_CA, Purpose::FrontProxyCa),
    plain(API_SERVER, "service-account-key-file", Shape::PublicKeys, SA_PUB),
    plain(API_SERVER, "service-account-signing-key-file", Shape::PrivateKey, SA_KEY),
    trust(API_SERVER, "oidc-ca-file", "", Purpose::Other),
    trust(CONTROLLER_MANAGER, "root-ca-file", CLUSTER_CA, Purpose::KubernetesCa),
    trust(CONTROLLER_MANAGER, "client-ca-file", CLUSTER_CA, Purpose::KubernetesCa),
    trust(CONTROLLER_MANAGER, "requestheader-client-ca-file", FRONT_PROXY_CA, Purpose::FrontProxyCa),
    signer("cluster-signing-cert-file", "cluster-signing-key-file", [CLUSTER_CA, CA_KEY]),
    signer("cluster-signing-kubelet-serving-cert-file", "cluster-signing-kubelet-serving-key-file", ["", ""]),
    signer("cluster-signing-kubelet-client-cert-file", "cluster-signing-kubelet-client-key-file", ["", ""]),
    signer(
        "cluster-signing-kube-apiserver-client-cert-file",
        "cluster-signing-kube-apiserver-client-key-file",
        ["", ""],
    ),
    signer("cluster-signing-legacy-unknown-cert-file", "cluster-signing-legacy-unknown-key-file", ["", ""]),
    plain(CONTROLLER_MANAGER, "service-account-private-key-file", Shape::PrivateKey, SA_KEY),
    plain(CONTROLLER_MANAGER, "kubeconfig", Shape::Kubeconfig, CONTROLLER_MANAGER_CONF),
    plain(CONTROLLER_MANAGER, "authentication-kubeconfig", Shape::Kubeconfig, CONTROLLER_MANAGER_CONF),
    plain(CONTROLLER_MANAGER, "authorization-kubeconfig", Shape::Kubeconfig, CONTROLLER_MANAGER_CONF),
    pair(CONTROLLER_MANAGER, ["tls-cert-file", "tls-private-key-file"], ["", ""], Purpose::Other),
    plain(SCHEDULER, "kubeconfig", Shape::Kubeconfig, SCHEDULER_CONF),
    plain(SCHEDULER, "authentication-kubeconfig", Shape::Kubeconfig, SCHEDULER_CONF),
    plain(SCHEDULER, "authorization-kubeconfig", Shape::Kubeconfig, SCHEDULER_CONF),
    pair(SCHEDULER, ["tls-cert-file", "tls-private-key-file"], ["", ""], Purpose::Other),
    pair(
        ETCD,
        ["cert-file", "key-file"],
        ["etc/kubernetes/pki/etcd/server.crt", "etc/kubernetes/pki/etcd/server.key"],
        Purpose::EtcdServer,
    ),
    trust(ETCD, "trusted-ca-file", ETCD_CA, Purpose::EtcdCa),
    pair(
        ETCD,
        ["peer-cert-file", "peer-key-file"],
        ["etc/kubernetes/pki/etcd/peer.crt", "etc/kubernetes/pki/etcd/peer.key"],
        Purpose::EtcdPeer,
    ),
    trust(ETCD, "peer-trusted-ca-file", ETCD_CA, Purpose::EtcdCa),
    plain(KUBELET, "kubeconfig", Shape::Kubeconfig, KUBELET_CONF),
    trust(KUBELET, "client-ca-file", CLUSTER_CA, Purpose::KubernetesCa),
    pair(KUBELET, ["tls-cert-file", "tls-private-key-file"], SERVING, Purpose::KubeletServing),
    pair(KUBELET, ["kubelet-client-current", "kubelet-client-current"], [STORE, STORE], Purpose::KubeletClient),
    plain(KUBE_PROXY, "kubeconfig", Shape::Kubeconfig, ""),
    authority("ca", [CLUSTER_CA, CA_KEY], Purpose::KubernetesCa),
    authority("front-proxy-ca", [FRONT_PROXY_CA, "etc/kubernetes/pki/front-proxy-ca.key"], Purpose::FrontProxyCa),
    authority("etcd/ca", [ETCD_CA, "etc/kubernetes/pki/etcd/ca.key"], Purpose::EtcdCa),
    pair(
        KUBEADM,
        ["etcd/healthcheck-client", "etcd/healthcheck-client"],
        ["etc/kubernetes/pki/etcd/healthcheck-client.crt", "etc/kubernetes/pki/etcd/healthcheck-client.key"],
        Purpose::EtcdClient,
    ),
    plain(KUBECTL, "admin.conf", Shape::Kubeconfig, ADMIN_CONF),
    plain(KUBECTL, "super-admin.conf", Shape::Kubeconfig, "etc/kubernetes/super-admin.conf"),
];

/// Returns every flag of the table and of the keys in it, with its program.
#[cfg(test)]
pub(crate) fn file_flags() -> Vec<(&'static str, &'static str, Shape)> {
    let flags = ROWS.iter().flat_map(|row| {
        let key = match row.shape {
            Shape::Pair(key) | Shape::Signer(key) => key,
            _ => row.flag,
        };
        [(row.program, row.flag, row.shape), (row.program, key, row.shape)]
    });
    flags.collect()
}

/// A file that a program reads.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) program: String,
    pub(crate) flag: &'static str,
    /// Who names the file: `--etcd-cafile in etc/kubernetes/manifests/kube-apiserver.yaml`. Empty when nobody does, and
    /// it is kubeadm's.
    pub(crate) said: String,
    /// The file that says so. Empty when nobody does.
    pub(crate) said_in: String,
    /// The path as the program knows it.
    pub(crate) named: String,
    /// The place on the node.
    pub(crate) place: String,
    pub(crate) shape: Shape,
    /// The place of the key of a pair, with the words that name it.
    pub(crate) key: Option<Named>,
    /// Whether the place is kubeadm's own.
    pub(crate) is_usual: bool,
    pub(crate) purpose: Purpose,
}

impl Use {
    /// Returns who names the file, or the file itself when nobody does.
    pub(crate) fn told(&self) -> String {
        if self.said.is_empty() { self.place.clone() } else { self.said.clone() }
    }

    /// Returns what the program says when the file is missing, up to its name.
    pub(crate) const fn missing_text(&self) -> &'static str {
        match self.shape {
            Shape::Kubeconfig => "stat",
            _ => "open",
        }
    }
}

/// A file and who names it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) said: String,
    pub(crate) named: String,
    pub(crate) place: String,
}

/// Returns every use, in the order of the programs and of the table.
///
/// `bootstraps_serving` says that the kubelet asks for its serving certificate, and does not look for a file.
pub(crate) fn uses(processes: &[Process], tree: &Tree, bootstraps_serving: bool) -> Vec<Use> {
    let mut uses = Vec::new();
    for process in processes {
        let rows = ROWS.iter().filter(|row| row.program == process.program);
        for row in rows {
            let settings = process.values(row.flag);
            if settings.is_empty() && process.file.is_empty() {
                let is_off = row.flag == "tls-cert-file" && row.program == KUBELET && bootstraps_serving;
                uses.extend(usual(process, row, tree).filter(|_| !is_off));
                continue;
            }
            // Only public keys may stand in several flags.
            let last = if row.shape == Shape::PublicKeys { 0 } else { settings.len().saturating_sub(1) };
            let settings = settings.into_iter().skip(last);
            uses.extend(settings.filter_map(|setting| said(process, row, setting, tree)));
        }
    }
    uses
}

/// Returns the use that a flag says. A flag without a value turns its file off.
fn said(process: &Process, row: &Row, setting: &Setting, tree: &Tree) -> Option<Use> {
    if setting.value.is_empty() {
        return None;
    }
    let place = process.place(&setting.value)?;
    let key_flag = match row.shape {
        Shape::Pair(flag) | Shape::Signer(flag) => Some(flag),
        _ => None,
    };
    let key = key_flag.and_then(|flag| process.setting(flag)).filter(|key| !key.value.is_empty());
    let key = match key {
        Some(key) => {
            let place = process.place(&key.value)?;
            Some(Named { said: told(process, key), named: key.value.clone(), place })
        }
        // Whoever names no key has none that could be judged.
        None => None,
    };
    Some(Use {
        program: process.program.clone(),
        flag: row.flag,
        said_in: told(process, setting).rsplit_once(" in ").map(|(_, file)| file.to_owned()).unwrap_or_default(),
        said: told(process, setting),
        named: setting.value.clone(),
        is_usual: place == tree.certificates_dir.place(row.usual),
        place,
        shape: row.shape,
        key,
        purpose: row.purpose,
    })
}

/// Returns how a setting is told of: with the file that says it.
fn told(process: &Process, setting: &Setting) -> String {
    if setting.said.contains(" in ") { setting.said.clone() } else { format!("{} in {}", setting.said, process.file) }
}

/// The places that only a node of kubeadm's has.
const KUBEADMS: [&str; 3] = [KUBELET_FLAGS, PKI, MANIFESTS];

/// Returns the use of kubeadm's file for a flag, when kubeadm has one and it is needed here.
fn usual(process: &Process, row: &Row, tree: &Tree) -> Option<Use> {
    let folder = &tree.certificates_dir;
    let (own, own_key) = (folder.place(row.usual), folder.place(row.usual_key));
    // Who trusts CAs has no key, and an empty place would be the root itself.
    let has = |place: &str| {
        let place = &*folder.place(place);
        !place.is_empty() && (tree.is_there(place) || tree.dangling.contains(place))
    };
    let is_needed = match row.flag {
        "etcd-cafile" | "etcd-certfile" => has(ETCD_CA) || has(row.usual) || has(row.usual_key),
        // Without its key, the CA signs nothing here.
        "cluster-signing-cert-file" => has(row.usual_key),
        // What kubeadm leaves to the CA's owner, and what is for people.
        "ca" | "front-proxy-ca" | "etcd/ca" => has(row.usual_key),
        "etcd/healthcheck-client" => has(row.usual) || has(row.usual_key),
        "admin.conf" | "super-admin.conf" => has(row.usual),
        "kubeconfig" if row.program == KUBELET => {
            has(row.usual) || (KUBEADMS.iter().any(|place| has(place)) && !has(BOOTSTRAP))
        }
        "tls-cert-file" if row.program == KUBELET => has(row.usual) || has(row.usual_key),
        "kubelet-client-current" => has(row.usual),
        // The kubelet's configuration says it, if there is one.
        "client-ca-file" if row.program == KUBELET => {
            !tree.texts.contains_key(KUBELET_CONFIG) && KUBEADMS.iter().any(|place| has(place))
        }
        // Flags that name the same file as another one.
        "client-ca-file" if row.program == CONTROLLER_MANAGER => false,
        "requestheader-client-ca-file" if row.program == CONTROLLER_MANAGER => false,
        "authentication-kubeconfig" | "authorization-kubeconfig" => false,
        _ => true,
    };
    if row.usual.is_empty() || !is_needed {
        return None;
    }
    let key = (!row.usual_key.is_empty()).then(|| Named {
        said: String::new(),
        named: format!("/{own_key}"),
        place: own_key.into_owned(),
    });
    Some(Use {
        program: process.program.clone(),
        flag: row.flag,
        said: String::new(),
        said_in: String::new(),
        named: format!("/{own}"),
        place: own.into_owned(),
        shape: row.shape,
        key,
        is_usual: true,
        purpose: row.purpose,
    })
}
