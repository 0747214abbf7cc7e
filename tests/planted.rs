//! Every rule is broken once in an otherwise good, rightly signed bundle: `verify` says so, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at once")]

mod common;
mod planting;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::Mode;
use certferry::lint::{RULES, Severity};
use certferry::x509::{ReadCertificate, oid};
use common::desk::{Desk, Ended};
use planting::forge::{Forge, Hash, Key, pem};
use planting::{Cluster, GENUINE, PKI, STORE, Tree, by, plants, warns};
use time::Duration;
use time::macros::datetime;
use x509_cert::ext::pkix::KeyUsages::{DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment};

/// What `verify` says: part, file below `etc/kubernetes/pki` or with a leading `/` below the root, words.
type Line = (&'static str, &'static str, &'static str);

struct Planted {
    rule: &'static str,
    /// Changes `lab`, given `lab` under another seed.
    plant: fn(&mut Cluster, &Cluster),
    /// What the rule says.
    lines: &'static [Line],
    /// What is said besides, since one fault leads to another; not by a rule.
    besides: &'static [Line],
}

const fn planted(rule: &'static str, plant: fn(&mut Cluster, &Cluster), lines: &'static [Line]) -> Planted {
    Planted { rule, plant, lines, besides: &[] }
}

const CP: &str = "node/cp-1";
const LAST: &str = "node/cp-2";
const STORED: &str = "/var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem";

const PLANTED: &[Planted] = &[
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
    planted("web-life", dashboard, &[(CP, "dashboard.crt", "is for a server and lives 826 days; browsers take 825")]),
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
fn leaf(lab: &mut Cluster, file: &str, change: impl FnOnce(&mut Forge)) {
    let ca = if file.starts_with("etcd/") { "etcd/ca" } else { "ca" };
    lab.reissue(CP, &format!("{PKI}/{file}"), ca, change);
}

fn kubeconfig(lab: &mut Cluster, file: &str, change: impl FnOnce(&mut Forge)) {
    lab.reissue(CP, &format!("etc/kubernetes/{file}"), "ca", change);
}

/// Signs the kubelet's client certificate anew.
fn stored(lab: &mut Cluster, change: impl FnOnce(&mut Forge)) {
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
fn dashboard(lab: &mut Cluster, _: &Cluster) {
    let tree = lab.tree(CP);
    for (from, to) in [("apiserver.crt", "dashboard.crt"), ("apiserver.key", "dashboard.key")] {
        let content = tree.get(&format!("{PKI}/{from}"));
        let mode = if to.ends_with("key") { Mode::Private } else { Mode::Public };
        tree.add(&format!("{PKI}/{to}"), mode, content);
    }
    leaf(lab, "dashboard.crt", |forge| forge.not_after = forge.not_before + Duration::days(825) + Duration::SECOND);
}

/// One tree's kubelet certificate with the other's key.
fn mixed(own: &Tree, theirs: &Tree) -> String {
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
fn inline(lab: &mut Cluster, _: &Cluster) {
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

fn place((part, file, words): &Line) -> String {
    let file = file.strip_prefix('/').map_or_else(|| format!("{PKI}/{file}"), str::to_owned);
    format!("{part}  {file}  {words}")
}

#[test]
fn every_rule_is_planted() {
    let planted: BTreeSet<&str> = PLANTED.iter().map(|planted| planted.rule).collect();
    let rules: BTreeSet<&str> = RULES.iter().copied().flatten().map(|rule| rule.id).collect();
    assert_eq!(planted, rules);
}

#[test]
fn verify_says_just_what_was_planted() {
    for Planted { rule, plant, lines, besides } in PLANTED {
        let severity = RULES.iter().copied().flatten().find(|known| known.id == *rule).unwrap().severity;
        let said: Vec<_> = lines.iter().map(|line| by(rule, &place(line))).collect();
        let besides: Vec<_> = besides.iter().map(place).collect();
        // Each part is looked at by itself; within it, files that cannot be used come first.
        let mut all: Vec<&str> = said.iter().chain(&besides).map(String::as_str).collect();
        let part = |line: &str| {
            let part = line.split("  ").next().unwrap().to_owned();
            (part == "cluster", part, !line.contains("too small"))
        };
        all.sort_by_key(|line| part(line));
        println!("{rule}");
        match severity {
            Severity::Error => drop(plants(plant, &all)),
            Severity::Warning => warns(plant, &all),
        }
    }
}

#[test]
fn a_certificate_that_is_signed_anew_as_it_was_has_no_fault() {
    let [mut lab, _] = GENUINE.clone();
    for file in ["apiserver.crt", "apiserver-kubelet-client.crt", "etcd/server.crt", "etcd/peer.crt"] {
        leaf(&mut lab, file, |_| {});
    }
    kubeconfig(&mut lab, "controller-manager.conf", |_| {});
    stored(&mut lab, |_| {});
    lab.reissue_ca("ca", |_| {});
    lab.reissue_ca("etcd/ca", |_| {});
    let file = format!("{PKI}/apiserver.crt");
    let serial = |lab: &mut Cluster| {
        ReadCertificate::from_pem(lab.tree(CP).certificate(&file).as_bytes()).unwrap().serial().to_vec()
    };
    assert_eq!(serial(&mut lab), [0x47; 16], "it is another certificate");
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
}

#[test]
fn what_lies_at_the_edge_has_no_fault() {
    let [mut lab, _] = GENUINE.clone();
    leaf(&mut lab, "apiserver.crt", |forge| {
        forge.serial = vec![0x7f; 20];
        forge.not_before = datetime!(2026-11-21 23:55 UTC);
        forge.not_after = datetime!(2226-11-22 0:00 UTC);
        forge.unname("k8s.lab");
        forge.add_name("*.lab");
        forge.unname("kubernetes");
        forge.add_name("KUBERNETES");
    });
    lab.reissue_ca("ca", |forge| forge.usages = Some(vec![oid::SERVER_AUTH, oid::CLIENT_AUTH]));
    dashboard(&mut lab, &GENUINE[1]);
    leaf(&mut lab, "dashboard.crt", |forge| forge.not_after -= Duration::SECOND);
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");

    let [mut lab, _] = GENUINE.clone();
    lab.reissue_ca("ca", |forge| forge.not_after = datetime!(2400-01-01 0:00 UTC));
    stored(&mut lab, |forge| forge.not_after = forge.not_before + Duration::seconds(9_223_372_036));
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
}

#[test]
fn what_the_decoder_refuses_is_named_as_such() {
    type Case = (fn(&mut Forge), &'static str);
    let cases: [Case; 2] = [
        (|forge| forge.serial = vec![0x47; 22], "malformed ASN.1 DER value for INTEGER"),
        (|forge| forge.generalized = true, "ASN.1 SEQUENCE not canonically encoded as DER"),
    ];
    for (change, reason) in cases {
        let file = format!("{PKI}/apiserver.crt");
        plants(
            |lab, _| leaf(lab, "apiserver.crt", change),
            &[&format!("{CP}  {file}  holds a certificate that cannot be read: {reason}")],
        );
    }
}

#[test]
fn the_clock_margin_is_told_by_the_time_asked_for_as_well() {
    let [lab, _] = GENUINE.clone();
    let desk = lab.carry();
    // Everything begins on 2026-11-21T00:00:00Z.
    desk.succeed("verify lab-g1.tar.gz --key lab.pub --quiet --at 2026-11-21T00:05:00Z");
    let Ended { code, stderr, .. } = desk.run("verify lab-g1.tar.gz --key lab.pub --quiet --at 2026-11-21T00:04:59Z");
    assert_eq!(code, Some(0));
    let line = by(
        "clock-margin",
        "node/cp-1  etc/kubernetes/pki/ca.crt  begins less than five minutes before it is needed; a node whose clock is \
         behind refuses it",
    );
    assert!(stderr.starts_with(&format!("warning: this works, but\n{line}\n")), "{stderr}");
}
