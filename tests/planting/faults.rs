//! Faults to plant: one for each rule, in an otherwise good cluster.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::Mode;
use certferry::x509::oid;
use time::Duration;
use time::macros::datetime;
use x509_cert::ext::pkix::KeyUsages::{DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment};

use super::forge::{Forge, Hash, Key, pem};
use super::{Cluster, PKI, STORE, Tree};
use crate::common;
use crate::common::desk::Desk;

/// What `verify` says: part, file below `etc/kubernetes/pki` or with a leading `/` below the root, words.
pub type Line = (&'static str, &'static str, &'static str);

/// A fault.
pub struct Planted {
    pub rule: &'static str,
    /// Changes `lab`, given `lab` under another seed.
    pub plant: fn(&mut Cluster, &Cluster),
    /// What the rule says.
    pub lines: &'static [Line],
    /// What is said besides, since one fault leads to another; not by a rule.
    pub besides: &'static [Line],
}

const fn planted(rule: &'static str, plant: fn(&mut Cluster, &Cluster), lines: &'static [Line]) -> Planted {
    Planted { rule, plant, lines, besides: &[] }
}

pub const CP: &str = "node/cp-1";
const LAST: &str = "node/cp-2";
const STORED: &str = "/var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem";

/// A fault or more for each rule of the table of lints.
pub const PLANTED: &[Planted] = &[
    planted(
        "negative-serial",
        |lab, _| leaf(lab, "apiserver.crt", |forge| forge.serial = vec![0xfb]),
        &[(CP, "apiserver.crt", "has a negative serial number")],
    ),
    planted(
        "serial",
        |lab, _| leaf(lab, "etcd/peer.crt", |forge| forge.serial = vec![0]),
        &[(CP, "etcd/peer.crt", "has the serial number 0")],
    ),
    planted(
        "serial",
        |lab, _| leaf(lab, "etcd/peer.crt", |forge| forge.serial = [vec![0], vec![0xff; 20]].concat()),
        &[(CP, "etcd/peer.crt", "has a serial number of 21 octets")],
    ),
    planted(
        "signature-algorithm",
        |lab, _| leaf(lab, "apiserver.crt", |forge| forge.hash = Hash::Sha1),
        &[(CP, "apiserver.crt", "is signed with SHA-1")],
    ),
    planted(
        "signature-algorithm",
        |lab, _| lab.reissue_ca("etcd/ca", |forge| forge.hash = Hash::Sha1),
        &[
            (CP, "etcd/ca.crt", "is signed with SHA-1"),
            (LAST, "etcd/ca.crt", "is signed with SHA-1"),
            ("cluster", "/etcd-clients/backup/ca.crt", "is signed with SHA-1"),
        ],
    ),
    Planted {
        rule: "rsa-size",
        plant: small_rsa_key,
        lines: &[(CP, "front-proxy-client.crt", "has an RSA key of 1024 bits")],
        besides: &[(CP, "front-proxy-client.key", "holds an RSA key of 1024 bits, which is too small")],
    },
    Planted {
        rule: "ca-basic-constraints",
        plant: |lab, _| {
            lab.reissue_ca("front-proxy-ca", |forge| {
                forge.basic_constraints = Some((false, true));
                forge.key_usage = Some(vec![DigitalSignature]);
            });
        },
        lines: &[
            (CP, "front-proxy-ca.crt", "stands where a CA belongs and is none (basicConstraints)"),
            (LAST, "front-proxy-ca.crt", "stands where a CA belongs and is none (basicConstraints)"),
        ],
        besides: &[
            (CP, "front-proxy-client.crt", "no CA beside it signed it; it names CN=front-proxy-ca"),
            (LAST, "front-proxy-client.crt", "no CA beside it signed it; it names CN=front-proxy-ca"),
        ],
    },
    planted(
        "ca-basic-constraints-critical",
        |lab, _| ca(lab, |forge| forge.basic_constraints = Some((true, false))),
        &[
            (CP, "front-proxy-ca.crt", "is a CA by basicConstraints that are not critical; strict clients refuse it"),
            (LAST, "front-proxy-ca.crt", "is a CA by basicConstraints that are not critical; strict clients refuse it"),
        ],
    ),
    planted(
        "ca-key-usage",
        |lab, _| ca(lab, |forge| forge.key_usage = Some(vec![DigitalSignature])),
        &[
            (CP, "front-proxy-ca.crt", "is a CA and may not sign certificates (keyCertSign)"),
            (LAST, "front-proxy-ca.crt", "is a CA and may not sign certificates (keyCertSign)"),
        ],
    ),
    planted(
        "ca-key-usage-present",
        |lab, _| ca(lab, |forge| forge.key_usage = None),
        &[
            (CP, "front-proxy-ca.crt", "is a CA without keyUsage; strict clients refuse it"),
            (LAST, "front-proxy-ca.crt", "is a CA without keyUsage; strict clients refuse it"),
        ],
    ),
    planted(
        "ca-subject-key-identifier",
        |lab, _| ca(lab, |forge| forge.subject_key_identifier = None),
        &[
            (CP, "front-proxy-ca.crt", "is a CA without subjectKeyIdentifier; strict clients refuse it"),
            (LAST, "front-proxy-ca.crt", "is a CA without subjectKeyIdentifier; strict clients refuse it"),
        ],
    ),
    planted(
        "leaf-is-no-ca",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.basic_constraints = Some((true, true));
                forge.key_usage = Some(vec![DigitalSignature, KeyCertSign]);
                forge.subject_key_identifier = Some(vec![1; 20]);
            });
        },
        &[(CP, "apiserver.crt", "is a CA and stands where a leaf belongs")],
    ),
    planted(
        "authority-key-identifier",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.authority_key_identifier = Some(vec![1; 20]);
            })
        },
        &[(CP, "apiserver.crt", "names another key as its issuer's; OpenSSL finds no chain")],
    ),
    planted(
        "authority-key-identifier-present",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.authority_key_identifier = None;
            })
        },
        &[(
            CP,
            "apiserver.crt",
            "does not name its issuer's key; with two CAs of one name clients may take the wrong one",
        )],
    ),
    planted(
        "key-usage-key-type",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.key_usage = Some(vec![DigitalSignature, KeyEncipherment]);
            })
        },
        &[(CP, "apiserver.crt", "has an EC key, which cannot encipher, and says that it does")],
    ),
    planted(
        "key-usage-leaf",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.key_usage = Some(vec![DigitalSignature, KeyCertSign]);
            })
        },
        &[(CP, "apiserver.crt", "is no CA and may sign certificates (keyCertSign)")],
    ),
    planted(
        "key-usage-leaf",
        |lab, _| {
            leaf(lab, "etcd/server.crt", |forge| {
                forge.key_usage = Some(vec![KeyAgreement]);
            })
        },
        &[(CP, "etcd/server.crt", "may not sign (digitalSignature), which TLS 1.3 needs")],
    ),
    planted(
        "extended-key-usage",
        |lab, _| {
            leaf(lab, "etcd/server.crt", |forge| {
                forge.usages = Some(vec![oid::SERVER_AUTH]);
            })
        },
        &[(CP, "etcd/server.crt", "is not for clientAuth (extendedKeyUsage)")],
    ),
    planted(
        "extended-key-usage",
        |lab, _| {
            lab.reissue_ca("etcd/ca", |forge| {
                forge.usages = Some(vec![oid::CLIENT_AUTH]);
            })
        },
        &[
            (CP, "etcd/ca.crt", "is not for serverAuth (extendedKeyUsage)"),
            (LAST, "etcd/ca.crt", "is not for serverAuth (extendedKeyUsage)"),
            ("cluster", "/etcd-clients/backup/ca.crt", "is not for serverAuth (extendedKeyUsage)"),
        ],
    ),
    planted(
        "extended-key-usage-alone",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.usages = Some(vec![oid::SERVER_AUTH, oid::CLIENT_AUTH]);
            })
        },
        &[(CP, "apiserver.crt", "is for more than serverAuth (extendedKeyUsage)")],
    ),
    planted(
        "extended-key-usage-alone",
        |lab, _| kubeconfig(lab, "admin.conf", |forge| forge.usages = None),
        &[(CP, "/etc/kubernetes/admin.conf", "has no extendedKeyUsage and so is for everything")],
    ),
    planted(
        "common-name",
        |lab, _| kubeconfig(lab, "scheduler.conf", |forge| forge.name(&[], "kube-scheduler")),
        &[(CP, "/etc/kubernetes/scheduler.conf", "is for kube-scheduler, not for system:kube-scheduler")],
    ),
    planted(
        "common-name",
        |lab, _| stored(lab, |forge| forge.name(&["system:nodes"], "system:node:cp-2")),
        &[(CP, STORED, "is for system:node:cp-2, not for system:node:cp-1")],
    ),
    planted(
        "common-name-by-custom",
        |lab, _| leaf(lab, "etcd/server.crt", |forge| forge.name(&[], "cp-1.lab")),
        &[(CP, "etcd/server.crt", "is for cp-1.lab, not for cp-1")],
    ),
    planted(
        "node-group",
        |lab, _| stored(lab, |forge| forge.name(&["system:node"], "system:node:cp-1")),
        &[(CP, STORED, "is not in the group system:nodes: it is no node to the API server")],
    ),
    planted(
        "node-group-alone",
        |lab, _| {
            stored(lab, |forge| {
                forge.name(&["system:nodes", "system:masters"], "system:node:cp-1");
            })
        },
        &[(CP, STORED, "is in more groups than system:nodes: system:masters")],
    ),
    planted(
        "lower-case-node",
        |lab, _| stored(lab, |forge| forge.name(&["system:nodes"], "system:node:CP-1")),
        &[(CP, STORED, "is for system:node:CP-1; the kubelet registers in lower case and is not that node")],
    ),
    planted(
        "alt-name",
        |lab, _| leaf(lab, "apiserver.crt", |forge| forge.alt_names.clear()),
        &[(CP, "apiserver.crt", "is for a server and names no host")],
    ),
    planted(
        "alt-name",
        |lab, _| {
            lab.reissue(CP, "var/lib/kubelet/pki/kubelet.crt", "ca", |forge| forge.alt_names.clear());
        },
        &[(CP, "/var/lib/kubelet/pki/kubelet.crt", "is for a server and names no host")],
    ),
    planted(
        "kubernetes-service-name",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.unname("kubernetes.default");
                forge.unname("kubernetes.default.svc.cluster.local");
            })
        },
        &[(CP, "apiserver.crt", "lacks kubernetes.default, kubernetes.default.svc.<domain>, by which pods call it")],
    ),
    planted(
        "service-address",
        |lab, _| leaf(lab, "apiserver.crt", |forge| forge.unname("10.96.0.1")),
        &[(CP, "apiserver.crt", "lacks the first address of the service subnet, by which pods call it")],
    ),
    planted(
        "endpoint",
        |lab, _| leaf(lab, "apiserver.crt", |forge| forge.unname("k8s.lab")),
        &[(CP, "apiserver.crt", "lacks k8s.lab, by which clients call it")],
    ),
    planted(
        "node-name-and-address",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.unname("cp-1");
                forge.unname("192.168.10.5");
            })
        },
        &[(CP, "apiserver.crt", "lacks cp-1, 192.168.10.5, its own node")],
    ),
    planted(
        "node-name-and-address",
        |lab, _| {
            let kubelet = "var/lib/kubelet/pki/kubelet.crt";
            lab.reissue("node/w-1", kubelet, "ca", |forge| forge.unname("192.168.10.7"));
        },
        &[("node/w-1", "/var/lib/kubelet/pki/kubelet.crt", "lacks 192.168.10.7, its own node")],
    ),
    planted(
        "etcd-localhost",
        |lab, _| {
            leaf(lab, "etcd/server.crt", |forge| {
                ["localhost", "127.0.0.1", "::1"].iter().for_each(|name| forge.unname(name));
            })
        },
        &[(CP, "etcd/server.crt", "lacks localhost, 127.0.0.1, ::1, by which its own node calls it")],
    ),
    planted(
        "outlives-ca",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.not_after = datetime!(2226-11-22 0:00:01 UTC);
            })
        },
        &[(CP, "apiserver.crt", "ends after its CA, which ends on 2226-11-22")],
    ),
    planted(
        "clock-margin",
        |lab, _| {
            leaf(lab, "apiserver.crt", |forge| {
                forge.not_before = datetime!(2026-11-21 23:55:01 UTC);
            })
        },
        &[(
            CP,
            "apiserver.crt",
            "begins less than five minutes before it is needed; a node whose clock is behind refuses it",
        )],
    ),
    planted(
        "kubelet-life",
        long_lived_kubelet,
        &[(CP, STORED, "lives longer than the 292 years in which a kubelet can count")],
    ),
    planted(
        "wildcard",
        |lab, other| {
            dashboard(lab, other);
            leaf(lab, "dashboard.crt", |forge| {
                forge.not_after -= Duration::SECOND;
                forge.add_name("dash*.k8s.lab");
                forge.add_name("a.*.lab");
            });
        },
        &[(CP, "dashboard.crt", "names dash*.k8s.lab, a.*.lab; a star can only be the whole first label")],
    ),
    planted(
        "web-wildcard",
        |lab, other| {
            dashboard(lab, other);
            leaf(lab, "dashboard.crt", |forge| {
                forge.not_after -= Duration::SECOND;
                forge.add_name("*.lab");
            });
        },
        &[(CP, "dashboard.crt", "names *.lab; browsers need two labels behind the star")],
    ),
    planted(
        "web-life",
        dashboard,
        &[(CP, "dashboard.crt", "is for a server and lives 826 days; Apple's programs take 825")],
    ),
    planted(
        "key-pair",
        |lab, _| copy(lab.tree(CP), "front-proxy-client.key", "apiserver.key"),
        &[(CP, "apiserver.key", "key and certificate do not belong together")],
    ),
    planted(
        "key-pair",
        |lab, other| {
            let tree = lab.tree(CP);
            tree.set(STORE, mixed(tree, other.clone().tree(CP)));
        },
        &[(CP, STORED, "key and certificate do not belong together")],
    ),
    planted(
        "right-ca",
        |lab, _| lab.reissue(CP, &format!("{PKI}/apiserver.crt"), "etcd/ca", |_| {}),
        &[(CP, "apiserver.crt", "is signed by the CA of etc/kubernetes/pki/etcd/ca.crt, and belongs to another")],
    ),
    planted(
        "distinct-ca-subjects",
        one_subject,
        &[
            (
                CP,
                "ca.crt",
                "has the subject CN=kubernetes as etc/kubernetes/pki/front-proxy-ca.crt has, and another key",
            ),
            (
                CP,
                "front-proxy-ca.crt",
                "has the subject CN=kubernetes as etc/kubernetes/pki/ca.crt has, and another key",
            ),
            (
                LAST,
                "ca.crt",
                "has the subject CN=kubernetes as etc/kubernetes/pki/front-proxy-ca.crt has, and another key",
            ),
            (
                LAST,
                "front-proxy-ca.crt",
                "has the subject CN=kubernetes as etc/kubernetes/pki/ca.crt has, and another key",
            ),
        ],
    ),
    planted(
        "front-proxy-apart",
        one_key,
        &[
            (CP, "front-proxy-ca.crt", "has the key of pki/ca.crt"),
            (LAST, "front-proxy-ca.crt", "has the key of pki/ca.crt"),
        ],
    ),
    planted(
        "same-everywhere",
        |lab, other| {
            for file in ["sa.key", "sa.pub"] {
                let path = format!("{PKI}/{file}");
                lab.tree(LAST).set(&path, other.clone().tree(LAST).get(&path));
            }
        },
        &[
            (LAST, "sa.key", "differs from the one of node/cp-1, and must be the same everywhere"),
            (LAST, "sa.pub", "differs from the one of node/cp-1, and must be the same everywhere"),
        ],
    ),
    planted(
        "kubeconfig-ca",
        |lab, other| {
            let conf = "etc/kubernetes/admin.conf";
            lab.tree(CP).set(conf, other.clone().tree(CP).get(conf));
        },
        &[(CP, "/etc/kubernetes/admin.conf", "holds another CA than pki/ca.crt")],
    ),
    planted(
        "kubelet-inline",
        inline,
        &[(
            CP,
            "/etc/kubernetes/kubelet.conf",
            "holds the kubelet's credentials; with rotateCertificates the kubelet replaces them at once",
        )],
    ),
    planted(
        "key-mode",
        |lab, _| {
            for file in ["etc/kubernetes/admin.conf", "etc/kubernetes/pki/etcd/peer.key", STORE] {
                lab.tree(CP).files.get_mut(file).unwrap().0 = Mode::Public;
            }
        },
        &[
            (CP, "/etc/kubernetes/admin.conf", "is a secret and has mode 0644"),
            (CP, "etcd/peer.key", "is a secret and has mode 0644"),
            (CP, STORED, "is a secret and has mode 0644"),
        ],
    ),
];

/// Signs a leaf of the first control plane anew by its CA.
pub fn leaf(lab: &mut Cluster, file: &str, change: impl FnOnce(&mut Forge)) {
    let ca = if file.starts_with("etcd/") { "etcd/ca" } else { "ca" };
    lab.reissue(CP, &format!("{PKI}/{file}"), ca, change);
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

/// No library here makes RSA keys that small.
fn small_rsa_key(lab: &mut Cluster, _: &Cluster) {
    let key = common::succeed(common::tool("openssl").args(["genrsa", "-traditional", "1024"]));
    let desk = Desk::new();
    desk.write("key", &key);
    let spki = ["rsa", "-pubout", "-outform", "DER", "-in"];
    let spki = common::run(common::tool("openssl").args(spki).arg(desk.path("key"))).stdout;
    let file = format!("{PKI}/front-proxy-client.crt");
    lab.reissue(CP, &file, "front-proxy-ca", |forge| {
        forge.spki = spki;
        forge.key_usage = Some(vec![DigitalSignature, KeyEncipherment]);
    });
    lab.tree(CP).set(&format!("{PKI}/front-proxy-client.key"), key);
}

/// Under a CA that lives long enough.
fn long_lived_kubelet(lab: &mut Cluster, _: &Cluster) {
    lab.reissue_ca("ca", |forge| forge.not_after = datetime!(2400-01-01 0:00 UTC));
    stored(lab, |forge| forge.not_after = forge.not_before + Duration::seconds(9_223_372_037));
}

/// A certificate of another program.
pub fn dashboard(lab: &mut Cluster, _: &Cluster) {
    let tree = lab.tree(CP);
    for (from, to) in [("apiserver.crt", "dashboard.crt"), ("apiserver.key", "dashboard.key")] {
        let content = tree.get(&format!("{PKI}/{from}"));
        let mode = if to.ends_with("key") { Mode::Private } else { Mode::Public };
        tree.add(&format!("{PKI}/{to}"), mode, content);
    }
    leaf(lab, "dashboard.crt", |forge| forge.not_after = forge.not_before + Duration::days(825) + Duration::SECOND);
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
