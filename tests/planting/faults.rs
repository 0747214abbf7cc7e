//! The table of faults, `tests/vectors/faults`: what is wrong with a certificate or the files around it, once.
//!
//! Three judges read it: the rules themselves (`lints`), `verify` (`planted`) and `doctor` (`doctor::planted`). Each has to
//! say what the table says of every fault that it is not excused from.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::Mode;
use certferry::kubernetes::Purpose;
use certferry::x509::oid;
use serde::Deserialize;
use time::Duration;
use time::macros::datetime;

use super::change::Change;
use super::forge::{Forge, Key, names, pem};
use super::{Cluster, GENUINE, PKI, STORE, Tree};
use crate::common;
use crate::common::desk::Desk;

/// A rule and what breaks it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    pub id: String,
    pub clause: String,
    pub severity: String,
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

/// A fault.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub id: String,
    /// Whose certificate it is of; nothing where it takes more, see [`BY_HAND`].
    of: Option<String>,
    /// Part and file, where that is not the purpose's place in the lab.
    file: Option<String>,
    /// What breaks the rule.
    #[serde(default)]
    pub breaks: Change,
    /// What lies just beside and keeps it; the good certificate, if nothing is said.
    #[serde(default)]
    pub keeps: Change,
    /// What the rule says of the certificate.
    #[serde(default)]
    pub says: String,
    /// What the rule says of files, each with part and file.
    #[serde(default)]
    lines: Vec<String>,
    /// What `verify` says besides, since one fault leads to another; not by a rule.
    #[serde(default)]
    pub besides: Vec<String>,
    /// Whether the words of the doctor are in `tests/doctor/said.txt`.
    #[serde(default)]
    pub told: bool,
    /// Why the rules themselves, `verify` or the doctor cannot tell it.
    not_lint: Option<String>,
    not_verify: Option<String>,
    not_doctor: Option<String>,
    /// Why neither of the latter can.
    lint_alone: Option<String>,
}

/// Who judges.
#[derive(Clone, Copy)]
pub enum Judge {
    Lint,
    Verify,
    Doctor,
}

/// Every rule with its faults, in the order of the rules.
pub static TABLE: LazyLock<Vec<Broken>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Area {
        rule: Vec<Broken>,
    }
    let read = |area: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/faults/{area}.toml"));
        let text = fs::read_to_string(&file).unwrap();
        toml::from_str::<Area>(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())).rule
    };
    ["rfc5280", "identity", "names", "time", "web", "metallb", "files"].into_iter().flat_map(read).collect()
});

/// Every fault that the judge has to tell, with its rule.
pub fn faults(judge: Judge) -> impl Iterator<Item = (&'static Broken, &'static Fault)> {
    let all = TABLE.iter().flat_map(|rule| rule.faults.iter().map(move |fault| (rule, fault)));
    all.filter(move |(_, fault)| fault.excuse(judge).is_none())
}

/// The fault of that name.
pub fn fault(id: &str) -> &'static Fault {
    let mut all = TABLE.iter().flat_map(|rule| &rule.faults);
    all.find(|fault| fault.id == id).unwrap_or_else(|| panic!("{id}"))
}

/// Every purpose, and where its certificate lies in the lab. Some it has not, or only after [`Fault::plant`].
pub const PLACES: [(Purpose, &str, &str); 19] = [
    (Purpose::KubernetesCa, CP, "etc/kubernetes/pki/ca.crt"),
    (Purpose::FrontProxyCa, CP, "etc/kubernetes/pki/front-proxy-ca.crt"),
    (Purpose::EtcdCa, CP, "etc/kubernetes/pki/etcd/ca.crt"),
    (Purpose::ApiServer, CP, "etc/kubernetes/pki/apiserver.crt"),
    (Purpose::ApiServerKubeletClient, CP, "etc/kubernetes/pki/apiserver-kubelet-client.crt"),
    (Purpose::FrontProxyClient, CP, "etc/kubernetes/pki/front-proxy-client.crt"),
    (Purpose::EtcdServer, CP, "etc/kubernetes/pki/etcd/server.crt"),
    (Purpose::EtcdPeer, CP, "etc/kubernetes/pki/etcd/peer.crt"),
    (Purpose::EtcdClient, "cluster", "etcd-clients/backup/client.crt"),
    (Purpose::ControllerManager, CP, "etc/kubernetes/controller-manager.conf"),
    (Purpose::Scheduler, CP, "etc/kubernetes/scheduler.conf"),
    (Purpose::User, "cluster", "users/alice.conf"),
    (Purpose::KubeletClient, CP, STORE),
    (Purpose::KubeletServing, CP, "var/lib/kubelet/pki/kubelet.crt"),
    (Purpose::MetallbCa, "", "ca.crt of the Secret"),
    (Purpose::MetallbServer, "", "tls.crt of the Secret"),
    (Purpose::WebhookServer, "", "tls.crt of another Secret"),
    (Purpose::Tls, "cluster", "tls/kube-system.registry/tls.crt"),
    (Purpose::Other, CP, "etc/kubernetes/pki/dashboard.crt"),
];

/// The purpose as the table writes it.
pub fn purpose(name: &str) -> Purpose {
    PLACES.iter().find(|(purpose, ..)| format!("{purpose:?}") == name).unwrap_or_else(|| panic!("{name}")).0
}

impl Fault {
    /// Why the judge does not tell it.
    pub fn excuse(&self, judge: Judge) -> Option<&str> {
        let (own, alone) = match judge {
            Judge::Lint => (&self.not_lint, &None),
            Judge::Verify => (&self.not_verify, &self.lint_alone),
            Judge::Doctor => (&self.not_doctor, &self.lint_alone),
        };
        let is_elsewhere = matches!(judge, Judge::Verify) && self.purpose() == Some(Purpose::Other);
        own.as_deref().or(alone.as_deref()).or(is_elsewhere.then_some("no bundle has a place for such a file"))
    }

    /// Whose certificate it is of.
    pub fn purpose(&self) -> Option<Purpose> {
        self.of.as_deref().map(purpose)
    }

    /// The part and the file that it is in.
    pub fn place(&self) -> (&str, &str) {
        if let Some(place) = &self.file {
            return place.split_once("  ").unwrap();
        }
        let purpose = self.purpose().unwrap();
        let (_, part, file) = PLACES.iter().find(|(known, ..)| *known == purpose).unwrap();
        (part, file)
    }

    /// What `verify` says by the rule, in the order of files.
    pub fn lines(&self) -> Vec<String> {
        let Some(purpose) = self.purpose() else { return self.lines.clone() };
        let (part, file) = self.place();
        if !purpose.is_ca() {
            return vec![format!("{part}  {file}  {}", self.says)];
        }
        // A CA is wherever it is needed.
        let content = GENUINE[0].part(part).get(file);
        let parts = GENUINE[0].parts.iter();
        let files = parts.flat_map(|(part, tree)| tree.files.iter().map(move |(file, (_, held))| (part, file, held)));
        let holders = files.filter(|(_, _, held)| **held == content);
        holders.map(|(part, file, _)| format!("{part}  {file}  {}", self.says)).collect()
    }

    /// Plants it in `lab`, given `lab` under another seed.
    pub fn plant(&self, lab: &mut Cluster, other: &Cluster) {
        let Some(purpose) = self.purpose() else {
            let (_, plant) = BY_HAND.iter().find(|(id, _)| *id == self.id).unwrap_or_else(|| panic!("{}", self.id));
            return plant(lab, other);
        };
        let (part, file) = self.place();
        let ca = ca_of(file);
        if let Some(issuer) = &self.breaks.issuer {
            lab.reissue_ca(ca, |forge| issuer.apply(forge));
        }
        match purpose {
            Purpose::Tls => return registry(lab, |forge| self.breaks.apply(forge)),
            Purpose::Other => dashboard(lab),
            _ if purpose.is_ca() => return lab.reissue_ca(ca, |forge| self.breaks.apply(forge)),
            _ => {}
        }
        let rsa = self.breaks.rsa.map(rsa_key);
        lab.reissue(part, file, ca, |forge| {
            self.breaks.apply(forge);
            forge.spki = rsa.as_ref().map_or(forge.spki.clone(), |(spki, _)| spki.clone());
        });
        if let Some((_, key)) = rsa {
            lab.tree(part).set(&file.replace(".crt", ".key"), key);
        }
    }
}

/// The CA of a file, which may be its own.
fn ca_of(file: &str) -> &'static str {
    match file.rsplit_once("pki/").map_or(file, |(_, name)| name) {
        name if name.starts_with("etcd") => "etcd/ca",
        name if name.starts_with("front-proxy") => "front-proxy-ca",
        _ => "ca",
    }
}

/// The lab with what [`Fault::plant`] adds to it, without fault.
pub static GOOD: LazyLock<Cluster> = LazyLock::new(|| {
    let [mut lab, _] = GENUINE.clone();
    dashboard(&mut lab);
    registry(&mut lab, |_| {});
    lab
});

pub const CP: &str = "node/cp-1";
const LAST: &str = "node/cp-2";

type Plant = fn(&mut Cluster, &Cluster);

/// How what takes more than a certificate is planted, by the fault's name.
pub const BY_HAND: &[(&str, Plant)] = &[
    ("key-of-another-file", |lab, _| copy(lab.tree(CP), "front-proxy-client.key", "apiserver.key")),
    ("key-of-another-seed-in-the-store", |lab, other| {
        let tree = lab.tree(CP);
        tree.set(STORE, mixed(tree, other.part(CP)));
    }),
    ("signed-by-the-ca-of-etcd", |lab, _| lab.reissue(CP, &format!("{PKI}/apiserver.crt"), "etcd/ca", |_| {})),
    ("two-cas-of-one-name", one_subject),
    ("two-cas-of-one-key", one_key),
    ("service-account-key-of-another-seed", |lab, other| {
        for file in ["sa.key", "sa.pub"] {
            let path = format!("{PKI}/{file}");
            lab.tree(LAST).set(&path, other.part(LAST).get(&path));
        }
    }),
    ("kubeconfig-of-another-seed", |lab, other| {
        let conf = "etc/kubernetes/admin.conf";
        lab.tree(CP).set(conf, other.part(CP).get(conf));
    }),
    ("credentials-in-kubelet-conf", inline),
    ("secrets-that-everybody-reads", |lab, _| {
        for file in ["etc/kubernetes/admin.conf", "etc/kubernetes/pki/etcd/peer.key", STORE] {
            lab.tree(CP).files.get_mut(file).unwrap().0 = Mode::Public;
        }
    }),
];

/// Signs a leaf of the first control plane anew by its CA.
pub fn leaf(lab: &mut Cluster, file: &str, change: impl FnOnce(&mut Forge)) {
    lab.reissue(CP, &format!("{PKI}/{file}"), ca_of(file), change);
}

pub fn kubeconfig(lab: &mut Cluster, file: &str, change: impl FnOnce(&mut Forge)) {
    lab.reissue(CP, &format!("etc/kubernetes/{file}"), "ca", change);
}

/// Signs the kubelet's client certificate anew.
pub fn stored(lab: &mut Cluster, change: impl FnOnce(&mut Forge)) {
    lab.reissue(CP, STORE, "ca", change);
}

fn ca(lab: &mut Cluster, change: impl FnOnce(&mut Forge)) {
    lab.reissue_ca("front-proxy-ca", change);
}

fn copy(tree: &mut Tree, from: &str, to: &str) {
    let content = tree.get(&format!("{PKI}/{from}"));
    tree.set(&format!("{PKI}/{to}"), content);
}

/// One tree's kubelet certificate with the other's key.
pub fn mixed(own: &Tree, theirs: &Tree) -> String {
    let key = String::from_utf8(theirs.get(STORE)).unwrap().replace(&theirs.certificate(STORE), "");
    own.certificate(STORE) + &key
}

/// The front-proxy CA calls itself as the cluster's does.
fn one_subject(lab: &mut Cluster, _: &Cluster) {
    ca(lab, |forge| forge.name(&[], "kubernetes"));
    for part in [CP, LAST] {
        lab.reissue(part, &format!("{PKI}/front-proxy-client.crt"), "front-proxy-ca", |_| {});
    }
}

/// The front-proxy CA has the key of the cluster's.
fn one_key(lab: &mut Cluster, _: &Cluster) {
    let tree = lab.tree(CP);
    let key = Key::from_pem(&tree.get(&format!("{PKI}/ca.key")));
    let shared = Forge::authority("front-proxy-ca", &key);
    for part in [CP, LAST] {
        let tree = lab.tree(part);
        copy(tree, "ca.key", "front-proxy-ca.key");
        let mut shared = shared.clone();
        shared.not_after = datetime!(2226-11-22 0:00 UTC);
        tree.set(&format!("{PKI}/front-proxy-ca.crt"), pem(&shared.sign(None, &key)));
    }
    for part in [CP, LAST] {
        let identifier = shared.subject_key_identifier.clone();
        let file = format!("{PKI}/front-proxy-client.crt");
        lab.reissue(part, &file, "front-proxy-ca", |forge| forge.authority_key_identifier = identifier);
    }
}

/// kubelet.conf as `kubeadm init` wrote it before it learned to finalize.
pub fn inline(lab: &mut Cluster, _: &Cluster) {
    let tree = lab.tree(CP);
    let certificate = tree.certificate(STORE);
    let key = String::from_utf8(tree.get(STORE)).unwrap().replace(&certificate, "");
    let conf = "etc/kubernetes/kubelet.conf";
    let path = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let data = |text: &str| STANDARD.encode(text);
    let text = String::from_utf8(tree.get(conf)).unwrap();
    let text = text
        .replace(&format!("client-certificate: {path}"), &format!("client-certificate-data: {}", data(&certificate)))
        .replace(&format!("client-key: {path}"), &format!("client-key-data: {}", data(&key)));
    tree.set(conf, text);
}

/// An RSA key of that size: its SubjectPublicKeyInfo, and PEM. No library here makes small ones.
fn rsa_key(bits: usize) -> (Vec<u8>, String) {
    let key = common::succeed(common::tool("openssl").args(["genrsa", "-traditional", &bits.to_string()]));
    let desk = Desk::new();
    desk.write("key", &key);
    let spki = ["rsa", "-pubout", "-outform", "DER", "-in"];
    (common::run(common::tool("openssl").args(spki).arg(desk.path("key"))).stdout, key)
}

/// A certificate of another program, with the API server's names and key, for as long as browsers take it.
pub fn dashboard(lab: &mut Cluster) {
    let tree = lab.tree(CP);
    for (from, to) in [("apiserver.crt", "dashboard.crt"), ("apiserver.key", "dashboard.key")] {
        let content = tree.get(&format!("{PKI}/{from}"));
        let mode = if to.ends_with("key") { Mode::Private } else { Mode::Public };
        tree.add(&format!("{PKI}/{to}"), mode, content);
    }
    leaf(lab, "dashboard.crt", |forge| forge.not_after = forge.not_before + Duration::days(825));
}

/// A registry's certificate and key in the cluster's part, under a root of its own, for as long as browsers take it.
pub fn registry(lab: &mut Cluster, change: impl FnOnce(&mut Forge)) {
    let root = Forge::authority("web", &Key::new(51));
    let mut leaf = Forge::leaf(&[], "registry.lab", &[oid::SERVER_AUTH], &Key::new(52));
    leaf.alt_names = names(&["registry.lab"]);
    leaf.authority_key_identifier = root.subject_key_identifier.clone();
    leaf.not_after = leaf.not_before + Duration::days(825);
    change(&mut leaf);
    let key = p256::SecretKey::from_slice(&[52; 32]).unwrap().to_sec1_pem(der::pem::LineEnding::LF).unwrap();
    let root_pem = pem(&root.sign(None, &Key::new(51)));
    let cluster = lab.tree("cluster");
    cluster.add("tls/ca.crt", Mode::Public, root_pem.clone());
    cluster.add("tls/kube-system.registry/ca.crt", Mode::Public, root_pem);
    cluster.add("tls/kube-system.registry/tls.crt", Mode::Public, pem(&leaf.sign(Some(&root.subject), &Key::new(51))));
    cluster.add("tls/kube-system.registry/tls.key", Mode::Private, key.as_bytes());
}
