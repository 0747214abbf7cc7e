//! Each rule is broken once on a node: that rule is named, and no other but where one fault is two.

use std::collections::BTreeSet;

use certferry::bundle::KUBELET_CLIENT_LINK;
use certferry::doctor::RULES;
use certferry::kubernetes::Purpose;
use time::macros::datetime;

use crate::common::rights::{Right, lacks};
use crate::common::{succeed, tool};
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node, issuers, metallb, objects};
use crate::planting::faults::{Broken, CP, Fault, Judge, TABLE, faults, inline, leaf};
use crate::planting::{Cluster, PKI, STORE};

/// A fault of a node or its files that is no lint's to tell.
pub(crate) struct Flaw {
    pub(crate) rule: &'static str,
    /// What follows from it.
    also: &'static [&'static str],
    /// In the files of a bundle.
    lab: fn(&mut Cluster, &Cluster),
    /// On the node.
    node: fn(&Node),
}

const fn in_files(rule: &'static str, lab: fn(&mut Cluster, &Cluster)) -> Flaw {
    Flaw { rule, also: &[], lab, node: |_| {} }
}

const fn on_node(rule: &'static str, node: fn(&Node)) -> Flaw {
    Flaw { rule, also: &[], lab: |_, _| {}, node }
}

impl Flaw {
    const fn also(mut self, rules: &'static [&'static str]) -> Self {
        self.also = rules;
        self
    }
}

const ADMIN: &str = "etc/kubernetes/admin.conf";

const FLAWS: &[Flaw] = &[
    // The node.
    on_node("interrupted-apply", |node| node.write("etc/kubernetes/.certferry/journal", "certferry-journal-1\n")),
    on_node("manifest-yaml", |node| node.write(&format!("{MANIFESTS}/kube-scheduler.yaml"), "kind: Pod\n  spec: [\n")),
    on_node("manifest-twice", |node| {
        let text = node.text(&format!("{MANIFESTS}/kube-apiserver.yaml"));
        node.write(&format!("{MANIFESTS}/kube-apiserver.yaml.bak"), text);
    }),
    on_node("manifest-mount", |node| {
        node.write("etc/kubernetes/audit.yaml", "kind: Policy\n");
        node.flag("kube-apiserver", "--audit-policy-file=/etc/kubernetes/audit.yaml");
    }),
    on_node("signing-key-absent", |node| node.remove(&format!("{PKI}/ca.key"))),
    on_node("manifest-file", |node| {
        node.flag("kube-apiserver", "--encryption-provider-config=/etc/kubernetes/pki/encryption.yaml");
    }),
    on_node("manifest-ca", |node| {
        node.replace(
            &format!("{MANIFESTS}/kube-apiserver.yaml"),
            "etcd-cafile=/etc/kubernetes/pki/etcd/ca",
            "etcd-cafile=/etc/kubernetes/pki/ca",
        );
    }),
    on_node("kubelet-config", |node| node.write(KUBELET_CONFIG, "kind: [\n")),
    on_node("kubelet-file", |node| {
        node.replace(KUBELET_CONFIG, "syncFrequency: 0s", "tlsCertFile: /var/lib/kubelet/pki/serving.crt");
    }),
    on_node("kubelet-file", |node| node.replace(KUBELET_CONFIG, "pki/ca.crt", "pki/clients.crt")),
    on_node("kubelet-client-ca", |node| node.replace(KUBELET_CONFIG, "pki/ca.crt", "pki/front-proxy-ca.crt")),
    in_files("kubelet-store-stale", |lab, other| {
        lab.tree(CP).set(STORE, other.clone().tree(CP).get(STORE));
    }),
    in_files("kubelet-inline", |lab, other| {
        inline(lab, other);
        lab.tree(CP).remove(STORE);
        lab.tree(CP).remove(KUBELET_CLIENT_LINK);
    }),
    on_node("serving-bootstrap", |node| node.replace(KUBELET_CONFIG, "syncFrequency: 0s", "serverTLSBootstrap: true")),
    on_node("host-name", |node| node.write("etc/hostname", "CP-9\n")),
    on_node("host-name", |node| {
        node.write("var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"--a=b --hostname-override=cp-9\"\n");
    }),
    on_node("bootstrap-left", |node| {
        let text = node.text(ADMIN);
        let cut = text.find("    client-certificate-data").unwrap();
        let place = "etc/kubernetes/bootstrap-kubelet.conf";
        node.write(place, format!("{}    token: abcdef.0123456789abcdef\n", &text[..cut]));
        node.set_mode(place, 0o600);
    }),
    Flaw {
        lab: |lab, other| {
            lab.tree(CP).add("root/.kube/config", certferry::bundle::Mode::Private, other.clone().tree(CP).get(ADMIN))
        },
        ..on_node("user-kubeconfig-ca", |_| {})
    },
    Flaw {
        lab: |lab, other| {
            let (own, theirs) = (lab.tree(CP).get(ADMIN), other.clone().tree(CP).get(ADMIN));
            let mixed = with_credentials_of(&own, &theirs);
            lab.tree(CP).add("home/alice/.kube/config", certferry::bundle::Mode::Private, mixed);
        },
        ..on_node("user-kubeconfig-credentials", |_| {})
    },
    on_node("kubeconfig-broken", |node| node.write("etc/kubernetes/scheduler.conf", "kind: [\n")),
    on_node("kubeconfig-file", |node| node.remove(KUBELET_CLIENT_LINK)),
    on_node("broken-link", |node| node.remove(STORE)),
    on_node("writable", |node| node.set_mode(&format!("{PKI}/ca.crt"), 0o666)),
    on_node("writable", |node| node.set_mode(MANIFESTS, 0o777)),
    on_node("owner", |node| {
        std::os::unix::fs::chown(node.path(&format!("{PKI}/apiserver.key")), Some(4711), None).unwrap();
    }),
    // Files.
    in_files("expired", |lab, _| leaf(lab, "apiserver.crt", |forge| forge.not_after = datetime!(2026-12-31 0:00 UTC))),
    in_files("not-yet-valid", |lab, _| {
        leaf(lab, "apiserver.crt", |forge| forge.not_before = datetime!(2027-06-01 0:00 UTC));
    }),
    in_files("expiring", |lab, _| leaf(lab, "apiserver.crt", |forge| forge.not_after = datetime!(2027-01-31 0:00 UTC))),
    in_files("broken-file", |lab, _| lab.tree(CP).set(&format!("{PKI}/apiserver.crt"), "nothing\n")),
    in_files("contents", |lab, _| {
        let path = format!("{PKI}/apiserver.key");
        let twice = lab.tree(CP).get(&path).repeat(2);
        lab.tree(CP).set(&path, twice);
    }),
    in_files("alone", |lab, _| lab.tree(CP).remove(&format!("{PKI}/apiserver.key"))).also(&["manifest-file"]),
    in_files("sa-key-pair", |lab, other| {
        let path = format!("{PKI}/sa.pub");
        lab.tree(CP).set(&path, other.clone().tree(CP).get(&path));
    }),
    in_files("unknown-authority", |lab, other| {
        for file in ["apiserver.crt", "apiserver.key"] {
            let path = format!("{PKI}/{file}");
            lab.tree(CP).set(&path, other.clone().tree(CP).get(&path));
        }
    }),
    // Its own kubeconfigs, and all that it signed, belong to the old one.
    in_files("unknown-authority", |lab, other| {
        for file in ["ca.crt", "ca.key"] {
            let path = format!("{PKI}/{file}");
            lab.tree(CP).set(&path, other.clone().tree(CP).get(&path));
        }
    })
    .also(&["kubeconfig-ca"]),
    in_files("ca-not-self-signed", |lab, _| lab.reissue(CP, &format!("{PKI}/front-proxy-ca.crt"), "ca", |_| {})),
    on_node("chain", critical_extension),
    in_files("etcd-ca-shared", |lab, _| {
        for extension in ["crt", "key"] {
            let content = lab.tree(CP).get(&format!("{PKI}/ca.{extension}"));
            lab.tree(CP).set(&format!("{PKI}/etcd/ca.{extension}"), content);
        }
        let ca = certferry::x509::ReadCertificate::from_pem(&lab.tree(CP).get(&format!("{PKI}/ca.crt"))).unwrap();
        for file in ["etcd/server", "etcd/peer", "etcd/healthcheck-client", "apiserver-etcd-client"] {
            lab.reissue(CP, &format!("{PKI}/{file}.crt"), "ca", |forge| {
                forge.authority_key_identifier = ca.subject_key_identifier().map(<[u8]>::to_vec);
            });
        }
    }),
    // Objects.
    on_node("ca-bundle", objects::other_ca),
    on_node("ca-bundle-encoding", objects::not_pem),
    on_node("ca-bundle-missing", objects::no_bundle),
    on_node("ca-bundle-old", objects::old_cluster_ca),
    on_node("ca-bundle-version", objects::negative_ca),
    on_node("webhook-alt-name", objects::other_service),
    on_node("webhook-certificate", objects::client_alone),
    on_node("webhook-certificate", objects::other_names),
    on_node("webhook-certificate-version", objects::sha1),
    on_node("object-unchecked", objects::odd_signature),
    on_node("secret-encoding", objects::no_base64),
    on_node("pem-joined", objects::one_line),
    on_node("secret-encrypted", objects::encrypted_key),
    on_node("secret-version", objects::negative_serial),
    on_node("secret-token-ca", objects::old_token),
    on_node("secret-chain", issuers::outside),
    on_node("secret-broken", objects::broken_secret),
    on_node("secret-key-pair", objects::other_key),
    on_node("secret-key-absent", objects::no_key),
    on_node("ingress-host", issuers::other_host),
    on_node("ingress-acme", issuers::acme_left),
    on_node("issuer-no-ca", issuers::no_ca),
    on_node("issuer-chain", issuers::other_root),
    on_node("issuer-namespace", issuers::other_namespace),
    on_node("issuer-key", issuers::parameters_first),
    on_node("issuer-path-length", issuers::too_deep),
    on_node("issuer-constraints", issuers::asked_outside),
    on_node("issued-outlives", issuers::outlives),
    on_node("issued-ca", issuers::no_root),
    on_node("metallb-ca-pair", metallb::other_key),
    on_node("metallb-ca-absent", metallb::no_ca),
    on_node("metallb-ca-pkcs1", metallb::pkcs8),
    on_node("config-map-ca", objects::old_root_ca),
    on_node("config-map-old-ca", objects::two_client_cas),
];

/// One kubeconfig with the client certificate and key of another.
fn with_credentials_of(own: &[u8], theirs: &[u8]) -> String {
    let [own, theirs] = [own, theirs].map(|text| String::from_utf8(text.to_vec()).unwrap());
    let client = |line: &&str| line.trim_start().starts_with("client-");
    let mut new = theirs.lines().filter(client);
    let lines = own.lines().map(|line| if client(&line) { new.next().unwrap() } else { line });
    lines.map(|line| format!("{line}\n")).collect()
}

/// An extension that nobody knows and everybody must: no library here makes one.
fn critical_extension(node: &Node) {
    let pki = |name: &str| node.path(&format!("{PKI}/{name}"));
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name);
    std::fs::write(
        at("x"),
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n1.2.3.4=critical,DER:0500\n",
    )
    .unwrap();
    let subject = "/O=system:masters/CN=kube-apiserver-kubelet-client";
    let key = pki("apiserver-kubelet-client.key");
    succeed(tool("openssl").args(["req", "-new", "-subj", subject, "-key"]).arg(key).arg("-out").arg(at("csr")));
    let mut sign = tool("openssl");
    sign.args(["x509", "-req", "-days", "900", "-in"]).arg(at("csr")).arg("-extfile").arg(at("x"));
    sign.arg("-CA").arg(pki("ca.crt")).arg("-CAkey").arg(pki("ca.key")).args(["-set_serial", "77", "-out"]);
    succeed(sign.arg(pki("apiserver-kubelet-client.crt")));
}

/// Every fault above that this machine lets plant, and the node that has it.
pub(crate) fn nodes() -> impl Iterator<Item = (&'static Flaw, Node)> {
    let possible = FLAWS.iter().filter(|fault| fault.rule != "owner" || !lacks(&[Right::Owners]));
    possible.map(|fault| {
        let node = Node::control_plane(fault.lab);
        (fault.node)(&node);
        (fault, node)
    })
}

#[test]
fn a_fault_is_named_by_its_rule() {
    for (Flaw { rule, also, .. }, node) in nodes() {
        println!("{rule}");
        let expected: BTreeSet<String> = also.iter().chain([rule]).map(|rule| (*rule).to_owned()).collect();
        assert_eq!(node.rules(), expected, "{:#?}", node.findings());
    }
}

/// The faults of the table that are told on a disk, and the node that has each.
pub(crate) fn lints() -> impl Iterator<Item = (&'static Broken, &'static Fault, Node)> {
    faults(Judge::Doctor).map(|(rule, fault)| {
        let node = match fault.purpose() {
            Some(purpose @ (Purpose::MetallbCa | Purpose::MetallbServer)) => {
                let node = Node::control_plane(|_, _| {});
                metallb::plant(&node, purpose, &fault.breaks);
                node
            }
            _ => Node::control_plane(|lab, other| fault.plant(lab, other)),
        };
        (rule, fault, node)
    })
}

#[test]
fn every_lint_is_told_on_a_disk() {
    let wrong: Vec<_> = lints()
        .filter(|(rule, _, node)| node.rules() != [rule.id.clone()].into())
        .map(|(_, fault, node)| format!("{}: {:#?}", fault.id, node.findings()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rule that nothing breaks would never be seen.
#[test]
fn every_rule_is_planted() {
    let own = FLAWS.iter().map(|fault| fault.rule);
    let planted: BTreeSet<&str> = own.chain(TABLE.iter().map(|rule| &*rule.id)).collect();
    let rules: BTreeSet<&str> = RULES.into_iter().flatten().map(|rule| rule.id).collect();
    assert_eq!(planted, rules);
}
