//! Bundles that are rightly signed and wrongly made: `verify` and `unpack` name each fault with its file.
//!
//! Genuine files are re-arranged and signed by a test's own key, as a defect of the building side would do it.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at once")]

mod common;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::{
    Content, Description, File, Head, KUBELET_CLIENT_LINK, Mode, Owner, Part, PartName, Reader, Row, Sha256, Writer,
};
use certferry::sign::{PublicKey, SigningFailed};
use common::desk::{Desk, PROFILE};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;

const PKI: &str = "etc/kubernetes/pki";
const STORE: &str = "var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem";

/// A cluster's files by part and path; links by path and target.
#[derive(Clone)]
struct Cluster {
    head: Head,
    parts: BTreeMap<PartName, Tree>,
}

#[derive(Clone)]
struct Tree {
    owner: Owner,
    files: BTreeMap<String, (Mode, Vec<u8>)>,
    links: BTreeMap<String, String>,
}

/// The cluster `lab` with two more nodes, under the desk's seed and under another.
static GENUINE: LazyLock<[Cluster; 2]> = LazyLock::new(|| {
    let profile = format!(
        "{}{}",
        PROFILE.replace("[keys]", "control_plane_endpoint = \"k8s.lab\"\n\n[keys]"),
        "[[node]]\nname = \"cp-2\"\nrole = \"control-plane\"\naddresses = [\"192.168.10.6\"]\n\
         [[node]]\nname = \"w-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]\n\
         [[etcd_client]]\nname = \"backup\"\n"
    );
    let desk = Desk::new();
    desk.write("lab.toml", profile);
    desk.write("other.seed", format!("certferry-seed-1:{}\n", "0123456789abcdef".repeat(4)));
    desk.set_mode("other.seed", 0o600);
    ["lab.seed", "other.seed"].map(|seed| {
        let line = format!("build lab.toml --seed {seed} --out {seed}.out --lock {seed}.lock");
        assert_eq!(desk.run(&line).code, Some(0));
        let key = PublicKey::from_pem(&desk.read(&format!("{seed}.out/lab.pub"))).unwrap();
        Cluster::read(&desk.read(&format!("{seed}.out/lab-g1.tar.gz")), &key)
    })
});

impl Cluster {
    fn read(archive: &[u8], key: &PublicKey) -> Self {
        let mut reader = Reader::open(archive, key).unwrap_or_else(|error| panic!("{error:?}"));
        let head = reader.index().unwrap().index().head.clone();
        let mut parts = BTreeMap::new();
        while let Some(part) = reader.next_part().unwrap_or_else(|error| panic!("{error:?}")) {
            let owner = part.record().owner.clone();
            let mut tree = Tree { owner: owner.clone(), files: BTreeMap::new(), links: BTreeMap::new() };
            for (row, content) in part.files() {
                match row {
                    Row::File { path, mode, .. } => {
                        tree.files.insert(path.clone(), (*mode, content.to_vec()));
                    }
                    Row::Link { path, target } => {
                        tree.links.insert(path.clone(), target.clone());
                    }
                }
            }
            parts.insert(owner.part(), tree);
        }
        Self { head, parts }
    }

    fn tree(&mut self, part: &str) -> &mut Tree {
        self.parts.get_mut(&PartName::parse(part).unwrap()).unwrap()
    }

    /// Writes the bundle and its key to a desk, signed by the test.
    fn carry(&self) -> Desk {
        let parts: Vec<Part> = self.parts.values().map(Tree::part).collect();
        let description =
            Description { head: self.head.clone(), partial: false, profile_sha256: Sha256::of(b"profile") };
        let signer = SigningKey::from_slice(&[7; 32]).unwrap();
        let sign = |message: &[u8]| {
            let signature: DerSignature = signer.try_sign(message).map_err(|_| SigningFailed)?;
            Ok(signature.as_bytes().to_vec())
        };
        let writer = Writer::prepare(description, parts.len(), |number| &parts[number])
            .unwrap_or_else(|error| panic!("{error:?}"));
        let mut archive = Vec::new();
        writer.write(&sign, &mut archive).unwrap();
        let der = p256::PublicKey::from(signer.verifying_key()).to_public_key_der().unwrap();
        let desk = Desk::new();
        desk.write("lab-g1.tar.gz", archive);
        desk.write("lab.pub", PublicKey::from_der(der.as_bytes()).unwrap().to_pem());
        desk
    }
}

impl Tree {
    fn part(&self) -> Part {
        let files = self.files.iter().map(|(path, (mode, content))| File::Regular {
            path: path.clone(),
            mode: *mode,
            content: Content::new(content.clone()),
        });
        let links = self.links.iter().map(|(path, target)| File::Link { path: path.clone(), target: target.clone() });
        Part::new(self.owner.clone(), files.chain(links).collect()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn get(&self, path: &str) -> Vec<u8> {
        self.files[path].1.clone()
    }

    /// Replaces the content of a file that is there.
    fn set(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.get_mut(path).unwrap_or_else(|| panic!("{path}")).1 = content.into();
    }

    fn remove(&mut self, path: &str) {
        assert!(self.files.remove(path).is_some() || self.links.remove(path).is_some(), "{path}");
    }
}

/// Plants a fault in `lab` (given `lab` under another seed) and expects `verify` to say just these lines.
fn plants(change: impl FnOnce(&mut Cluster, &Cluster), lines: &[&str]) -> Desk {
    let [mut cluster, other] = GENUINE.clone();
    change(&mut cluster, &other);
    let desk = cluster.carry();
    let mut files: Vec<_> = lines.iter().map(|line| line.split("  ").take(2).collect::<Vec<_>>()).collect();
    files.sort_unstable();
    files.dedup();
    let count = match files.len() {
        1 => "1 file is".to_owned(),
        count => format!("{count} files are"),
    };
    let listed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    desk.refuse(
        "verify lab-g1.tar.gz --key lab.pub --at 2027-01-01",
        1,
        &format!("error: every signature and hash holds, but {count} wrong\n{listed}"),
    );
    desk
}

/// `unpack` refuses the node that has the fault and takes the one that has not.
fn unpacks(desk: &Desk, wrong: &str, lines: &[&str], right: &str) {
    let unpack = "unpack lab-g1.tar.gz --key lab.pub --quiet --at 2027-01-01 --root";
    let listed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    desk.refuse(
        &format!("{unpack} wrong --node {wrong}"),
        1,
        &format!(
            "error: the files of {wrong} would not work\n{listed}hint: nothing was written; build the bundle again\n"
        ),
    );
    desk.succeed(&format!("{unpack} right --node {right}"));
}

#[test]
fn the_genuine_files_have_no_fault() {
    for cluster in &*GENUINE {
        let desk = cluster.carry();
        let said = desk.succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
        assert!(said.starts_with("lab, generation 1, Kubernetes 1.24.15: the whole bundle, 3 nodes and the cluster's"));
    }
}

#[test]
fn the_key_of_another_certificate() {
    let lines = ["node/cp-1  etc/kubernetes/pki/apiserver.key  key and certificate do not belong together"];
    let desk = plants(
        |lab, _| {
            let tree = lab.tree("node/cp-1");
            let key = tree.get(&format!("{PKI}/front-proxy-client.key"));
            tree.set(&format!("{PKI}/apiserver.key"), key);
        },
        &lines,
    );
    unpacks(&desk, "cp-1", &lines, "cp-2");
}

#[test]
fn the_key_of_another_seed_in_the_kubelets_store_and_in_kubeconfigs() {
    let data = |conf: &[u8], key: &str| {
        let text = String::from_utf8(conf.to_vec()).unwrap();
        text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": ")).unwrap().to_owned()
    };
    plants(
        |lab, other| {
            let (tree, foreign) = (lab.tree("node/cp-1"), &other.parts[&PartName::parse("node/cp-1").unwrap()]);
            let certificate = |pem: &[u8]| {
                let text = String::from_utf8(pem.to_vec()).unwrap();
                text.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_owned()
            };
            let (own, theirs) = (tree.get(STORE), foreign.get(STORE));
            let key = String::from_utf8(theirs.clone()).unwrap().replace(&certificate(&theirs), "");
            tree.set(STORE, certificate(&own) + &key);
            let conf = "etc/kubernetes/scheduler.conf";
            let (own, theirs) = (tree.get(conf), foreign.get(conf));
            let (from, to) = (data(&own, "client-key-data"), data(&theirs, "client-key-data"));
            tree.set(conf, String::from_utf8(own).unwrap().replace(&from, &to));
        },
        &[
            &format!("node/cp-1  {STORE}  key and certificate do not belong together"),
            "node/cp-1  etc/kubernetes/scheduler.conf  key and certificate do not belong together",
        ],
    );
}

#[test]
fn the_authority_of_another_seed() {
    let unknown = |file: &str| format!("node/w-1  {file}  no CA beside it signed it; it names CN=kubernetes");
    let lines = [
        unknown(STORE),
        unknown("var/lib/kubelet/pki/kubelet.crt"),
        "node/w-1  etc/kubernetes/kubelet.conf  holds another CA than pki/ca.crt".to_owned(),
        "node/w-1  etc/kubernetes/pki/ca.crt  differs from the one of node/cp-1, and must be the same everywhere"
            .to_owned(),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let ca = format!("{PKI}/ca.crt");
    let desk = plants(|lab, other| lab.tree("node/w-1").set(&ca, other.clone().tree("node/w-1").get(&ca)), &lines);
    unpacks(&desk, "w-1", &lines, "cp-1");
}

#[test]
fn a_whole_node_of_another_seed() {
    let differs = |name: &str| {
        format!("node/cp-2  {PKI}/{name}  differs from the one of node/cp-1, and must be the same everywhere")
    };
    let names = ["ca.crt", "etcd/ca.crt", "front-proxy-ca.crt", "sa.key", "sa.pub"].map(differs);
    let lines: Vec<_> = names.iter().map(String::as_str).collect();
    plants(|lab, other| *lab.tree("node/cp-2") = other.clone().tree("node/cp-2").clone(), &lines);
}

#[test]
fn a_kubeconfig_of_another_seed() {
    // It fits itself: certificate, key and embedded CA are of one seed.
    let conf = "etc/kubernetes/admin.conf";
    let lines = ["node/cp-1  etc/kubernetes/admin.conf  holds another CA than pki/ca.crt"];
    let desk = plants(|lab, other| lab.tree("node/cp-1").set(conf, other.clone().tree("node/cp-1").get(conf)), &lines);
    unpacks(&desk, "cp-1", &lines, "w-1");
    // A user's lies in a part without ca.crt.
    let conf = "users/alice.conf";
    let desk = plants(
        |lab, other| lab.tree("cluster").set(conf, other.clone().tree("cluster").get(conf)),
        &["cluster  users/alice.conf  holds another CA than pki/ca.crt"],
    );
    // No node is concerned.
    desk.succeed("unpack lab-g1.tar.gz --key lab.pub --at 2027-01-01 --node cp-1 --root right --quiet");
}

#[test]
fn a_kubeconfig_with_another_authority() {
    let conf = "etc/kubernetes/controller-manager.conf";
    plants(
        |lab, other| {
            let tree = lab.tree("node/cp-1");
            let ca = |tree: &Tree| STANDARD.encode(tree.get(&format!("{PKI}/ca.crt")));
            let text = String::from_utf8(tree.get(conf)).unwrap();
            let (from, to) = (ca(tree), ca(other.clone().tree("node/cp-1")));
            assert!(text.contains(&from));
            tree.set(conf, text.replace(&from, &to));
        },
        &[
            "node/cp-1  etc/kubernetes/controller-manager.conf  holds another CA than pki/ca.crt",
            "node/cp-1  etc/kubernetes/controller-manager.conf  no CA beside it signed it; it names CN=kubernetes",
        ],
    );
}

#[test]
fn an_etcd_clients_other_authority() {
    let differs = |file: &str| {
        format!(
            "cluster  etcd-clients/backup/{file}  differs from the one of node/cp-1, and must be the same everywhere"
        )
    };
    plants(
        |lab, other| {
            for file in ["ca.crt", "client.crt", "client.key"] {
                let path = format!("etcd-clients/backup/{file}");
                lab.tree("cluster").set(&path, other.clone().tree("cluster").get(&path));
            }
        },
        &[&differs("ca.crt")],
    );
}

#[test]
fn missing_halves() {
    let alone = "key or certificate is missing beside it";
    let lines = [
        format!("node/cp-1  {PKI}/apiserver.crt  {alone}"),
        format!("node/cp-1  {PKI}/front-proxy-client.key  {alone}"),
        format!("node/cp-1  {PKI}/sa.key  {alone}"),
        format!("node/cp-1  var/lib/kubelet/pki/kubelet.crt  {alone}"),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    plants(
        |lab, _| {
            let tree = lab.tree("node/cp-1");
            for name in ["apiserver.key", "front-proxy-client.crt", "sa.pub"] {
                tree.remove(&format!("{PKI}/{name}"));
            }
            tree.remove("var/lib/kubelet/pki/kubelet.key");
        },
        &lines,
    );
    // A CA's key may be missing: that is external-CA mode. Its certificate may not.
    let [mut lab, _] = GENUINE.clone();
    for name in ["ca.key", "front-proxy-ca.key", "etcd/ca.key"] {
        lab.tree("node/cp-1").remove(&format!("{PKI}/{name}"));
    }
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01 --quiet");
    plants(
        |lab, _| lab.tree("node/cp-1").remove(&format!("{PKI}/front-proxy-ca.crt")),
        &[
            &format!("node/cp-1  {PKI}/front-proxy-client.crt  no CA beside it signed it; it names CN=front-proxy-ca"),
            &format!("node/cp-1  {PKI}/front-proxy-ca.key  {alone}"),
        ],
    );
}

#[test]
fn a_kubelets_certificate_that_is_not_where_its_kubeconfig_looks() {
    let missing = "node/w-1  etc/kubernetes/kubelet.conf  refers to /var/lib/kubelet/pki/kubelet-client-current.pem, \
                   which is not there";
    let desk = plants(|lab, _| lab.tree("node/w-1").remove(KUBELET_CLIENT_LINK), &[missing]);
    unpacks(&desk, "w-1", &[missing], "cp-1");
    plants(
        |lab, _| {
            lab.tree("node/w-1").remove(KUBELET_CLIENT_LINK);
            lab.tree("node/w-1").remove(STORE);
        },
        &[missing],
    );
}

#[test]
fn service_account_keys_that_differ_between_control_planes() {
    let differs = |file: &str| {
        format!("node/cp-2  {PKI}/{file}  differs from the one of node/cp-1, and must be the same everywhere")
    };
    let (key, public) = (format!("{PKI}/sa.key"), format!("{PKI}/sa.pub"));
    plants(
        |lab, other| {
            for path in [&key, &public] {
                lab.tree("node/cp-2").set(path, other.clone().tree("node/cp-2").get(path));
            }
        },
        &[&differs("sa.key"), &differs("sa.pub")],
    );
    plants(
        |lab, other| lab.tree("node/cp-2").set(&public, other.clone().tree("node/cp-2").get(&public)),
        &[&format!("node/cp-2  {key}  key and certificate do not belong together"), &differs("sa.pub")],
    );
}

#[test]
fn files_that_hold_something_else() {
    let line = |file: &str, fault: &str| format!("node/cp-1  {PKI}/{file}  {fault}");
    let lines = [
        line("apiserver-etcd-client.crt", "is not PEM"),
        line("apiserver-kubelet-client.crt", "is not PEM"),
        line("apiserver.key", "holds a key that is broken or of an unknown kind"),
        line("etcd/peer.crt", "holds something that is neither certificate nor key"),
        line("apiserver-etcd-client.key", "key or certificate is missing beside it"),
        line("apiserver-kubelet-client.key", "key or certificate is missing beside it"),
        line("apiserver.crt", "key or certificate is missing beside it"),
        line("etcd/healthcheck-client.crt", "does not hold exactly what such a file should"),
        line("etcd/peer.key", "key or certificate is missing beside it"),
        "node/cp-1  etc/kubernetes/scheduler.conf  is not a kubeconfig as certferry writes it".to_owned(),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    plants(
        |lab, _| {
            let tree = lab.tree("node/cp-1");
            let path = |name: &str| format!("{PKI}/{name}");
            tree.set(&path("apiserver-etcd-client.crt"), "nothing of the kind\n");
            tree.set(&path("apiserver-kubelet-client.crt"), "");
            // The last digits of the key, where its public half stands.
            let key = String::from_utf8(tree.get(&path("apiserver.key"))).unwrap();
            tree.set(&path("apiserver.key"), key.replacen("\nMHcCAQEE", "\nMHcCAQEF", 1));
            let request = String::from_utf8(tree.get(&path("etcd/peer.crt"))).unwrap();
            tree.set(&path("etcd/peer.crt"), request.replace("CERTIFICATE-", "CERTIFICATE REQUEST-"));
            let twice = tree.get(&path("etcd/healthcheck-client.crt")).repeat(2);
            tree.set(&path("etcd/healthcheck-client.crt"), twice);
            tree.set("etc/kubernetes/scheduler.conf", "apiVersion: v1\nkind: Config\n");
        },
        &lines,
    );
}

#[test]
fn a_certificate_that_cannot_be_read() {
    let [mut cluster, _] = GENUINE.clone();
    let path = format!("{PKI}/apiserver.crt");
    let text = String::from_utf8(cluster.tree("node/cp-1").get(&path)).unwrap();
    // One line less in the middle: still PEM.
    let cut: String =
        text.split_inclusive('\n').enumerate().filter(|(line, _)| *line != 3).map(|(_, line)| line).collect();
    cluster.tree("node/cp-1").set(&path, cut);
    let ended = cluster.carry().run("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains(&format!("node/cp-1  {path}  holds a certificate that cannot be read: ")),
        "{}",
        ended.stderr
    );
}
