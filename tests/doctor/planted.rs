//! Each rule is broken once on a node: that rule is named, and no other but where one fault is two.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::KUBELET_CLIENT_LINK;
use certferry::doctor::RULES;
use certferry::kubernetes::Purpose;
use certferry::x509::ReadCertificate;
use time::macros::datetime;

use crate::common::rights::{Right, lacks};
use crate::common::{run, succeed, tool};
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node, issuers, metallb, objects, registries, renewed};
use crate::planting::faults::{Broken, CP, Fault, Judge, TABLE, faults, inline, leaf};
use crate::planting::forge::{Forge, Key, pem};
use crate::planting::{Cluster, GENUINE, PKI, STORE};

/// A fault of a node or its files that is no lint's to tell.
pub(crate) struct Flaw {
    pub(crate) rule: &'static str,
    /// In the files of a bundle.
    lab: fn(&mut Cluster, &Cluster),
    /// On the node.
    node: fn(&Node),
}

const fn in_files(rule: &'static str, lab: fn(&mut Cluster, &Cluster)) -> Flaw {
    Flaw { rule, lab, node: |_| {} }
}

const fn on_node(rule: &'static str, node: fn(&Node)) -> Flaw {
    Flaw { rule, lab: |_, _| {}, node }
}

const ADMIN: &str = "etc/kubernetes/admin.conf";

/// Writes a file of `pki` anew with openssl.
fn in_form(node: &Node, name: &str, command: &[&str]) {
    let file = node.path(&format!("{PKI}/{name}"));
    let written = run(tool("openssl").args(command).arg("-in").arg(&file));
    assert!(written.status.success() && !written.stdout.is_empty(), "{command:?}");
    node.write(&format!("{PKI}/{name}"), written.stdout);
}

const FLAWS: &[Flaw] = &[
    // The node.
    on_node("interrupted-apply", |node| node.write("etc/kubernetes/.certferry/journal", "certferry-journal-1\n")),
    on_node("manifest-yaml", |node| node.write(&format!("{MANIFESTS}/kube-scheduler.yaml"), "kind: Pod\n  spec: [\n")),
    on_node("manifest-twice", |node| {
        let text = node.text(&format!("{MANIFESTS}/kube-apiserver.yaml"));
        node.write(&format!("{MANIFESTS}/kube-apiserver.yaml.bak"), text);
    }),
    on_node("manifest-unread", |node| {
        node.replace(&format!("{MANIFESTS}/kube-scheduler.yaml"), "- kube-scheduler\n", "- /start.sh\n");
    }),
    in_files("signing-cert-count", |lab, other| {
        let both = with_the_ca_of(lab, other);
        for file in ["admin", "super-admin", "controller-manager", "scheduler", "kubelet"] {
            trust(lab, &format!("etc/kubernetes/{file}.conf"), &both);
        }
    }),
    // `kubeadm certs renew` while there are two CAs.
    Flaw {
        lab: |lab, other| {
            let alone = lab.tree(CP).get(ADMIN);
            in_phase_1(lab, other);
            lab.tree(CP).set(ADMIN, alone);
        },
        ..on_node("kubeconfig-one-ca", signs_with_its_own)
    },
    // What a network plugin wrote when its pod started.
    Flaw {
        lab: |lab, other| {
            let alone = lab.tree(CP).get(ADMIN);
            in_phase_1(lab, other);
            lab.tree(CP).add("etc/cni/net.d/calico-kubeconfig", certferry::bundle::Mode::Private, alone);
        },
        ..on_node("kubeconfig-one-ca", signs_with_its_own)
    },
    Flaw {
        lab: in_phase_1,
        ..on_node("object-one-ca", |node| {
            signs_with_its_own(node);
            objects::one_root_ca(node);
        })
    },
    Flaw {
        lab: in_phase_1,
        ..on_node("object-one-ca", |node| {
            signs_with_its_own(node);
            objects::one_cluster_info(node);
        })
    },
    Flaw {
        lab: in_phase_1,
        ..on_node("kubeadm-certs-left", |node| {
            signs_with_its_own(node);
            objects::kubeadm_certs(node);
        })
    },
    on_node("client-ca-above", |node| {
        let place = format!("{PKI}/etcd/ca.crt");
        let (own, root) = below_a_root(node, &place);
        node.write(&place, own + &root);
    }),
    on_node("root-ca-below", |node| {
        let (own, _) = below_a_root(node, &format!("{PKI}/ca.crt"));
        node.write(&format!("{PKI}/below.crt"), own);
        let manifest = format!("{MANIFESTS}/kube-controller-manager.yaml");
        node.replace(
            &manifest,
            "root-ca-file=/etc/kubernetes/pki/ca.crt",
            "root-ca-file=/etc/kubernetes/pki/below.crt",
        );
    }),
    on_node("requestheader-names", |node| {
        node.replace(&format!("{MANIFESTS}/kube-apiserver.yaml"), "names=front-proxy-client", "names=aggregator");
    }),
    on_node("kubelet-field", |node| node.replace(KUBELET_CONFIG, "rotateCertificates", "RotateCertificates")),
    on_node("kubelet-field-unknown", |node| node.replace(KUBELET_CONFIG, "syncFrequency", "SyncFrequency")),
    on_node("kubeconfig-data", |node| {
        node.replace(ADMIN, "certificate-authority-data: ", "certificate-authority-data: $");
    }),
    on_node("kubeconfig-data", |node| node.replace(ADMIN, "client-key-data: ", "client-key-data: QUJD")),
    on_node("kubeconfig-duplicate", |node| {
        node.replace(ADMIN, "users:\n", "users:\n- name: kubernetes-admin\n  user: {token: abc}\n");
    }),
    on_node("kubeconfig-dangling", |node| node.replace(ADMIN, "current-context: ", "current-context: no-")),
    on_node("kubeconfig-dangling", |node| node.replace(ADMIN, "current-context: ", "preferred-context: ")),
    on_node("kubeconfig-refused", |node| {
        let data = "    certificate-authority-data: ";
        node.replace(ADMIN, data, &format!("    certificate-authority: /etc/kubernetes/pki/ca.crt\n{data}"));
    }),
    on_node("kubeconfig-refused", |node| {
        let data = "    certificate-authority-data: ";
        node.replace(ADMIN, data, &format!("    insecure-skip-tls-verify: true\n{data}"));
    }),
    on_node("kubeconfig-refused", |node| node.replace(ADMIN, "server: https://", "server: http://")),
    on_node("kubeconfig-refused", |node| {
        let data = "    client-certificate-data: ";
        node.replace(ADMIN, data, &format!("    client-certificate: /etc/kubernetes/admin.crt\n{data}"));
    }),
    on_node("kubeconfig-refused", |node| {
        let data = "    client-key-data: ";
        node.replace(ADMIN, data, &format!("    client-key: /etc/kubernetes/admin.key\n{data}"));
    }),
    on_node("kubeconfig-refused", |node| node.replace(ADMIN, "client-key-data: ", "no-key: ")),
    on_node("kubeconfig-refused", |node| node.replace(ADMIN, "client-certificate-data: ", "no-certificate: ")),
    on_node("kubeconfig-insecure", |node| {
        node.replace(ADMIN, "certificate-authority-data: ", "insecure-skip-tls-verify: true\n    no-authority: ");
    }),
    in_files("kubeconfig-ca-renewed", |lab, _| {
        let place = format!("{PKI}/ca.crt");
        let old = lab.tree(CP).get(&place);
        lab.reissue_ca("ca", |forge| forge.not_after = datetime!(2326-01-01 0:00 UTC));
        lab.tree(CP).set(&place, old);
    }),
    on_node("link-as-file", |node| {
        node.remove(KUBELET_CLIENT_LINK);
        node.write(KUBELET_CLIENT_LINK, format!("/{STORE}"));
        node.set_mode(KUBELET_CLIENT_LINK, 0o600);
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
    on_node("copied-modes", |node| {
        for file in walkdir::WalkDir::new(node.path("")).into_iter().map(Result::unwrap) {
            if file.file_type().is_file() {
                std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
            }
        }
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
    in_files("manifest-file", |lab, _| lab.tree(CP).remove(&format!("{PKI}/apiserver.key"))),
    on_node("missing-manifest", |node| node.remove(&format!("{MANIFESTS}/kube-scheduler.yaml"))),
    on_node("missing", |node| {
        remove_folder(node, MANIFESTS);
        node.remove(KUBELET_CONFIG);
        node.remove(&format!("{PKI}/apiserver.key"));
    }),
    on_node("missing-folder", |node| remove_folder(node, &format!("{PKI}/etcd"))),
    on_node("ca-fits-nothing", |node| {
        let place = format!("{PKI}/ca.crt");
        let subject = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let own = ["-subj", "/CN=kubernetes", "-days", "900", "-addext", "keyUsage=critical,keyCertSign"];
        succeed(tool("openssl").args(subject).args(own).args(["-keyout", "/dev/null", "-out"]).arg(node.path(&place)));
    }),
    on_node("file-form", |node| {
        let place = format!("{PKI}/ca.crt");
        node.write(&place, [b"\xef\xbb\xbf", node.text(&place).as_bytes()].concat());
    }),
    on_node("file-form", |node| {
        let place = format!("{PKI}/front-proxy-ca.crt");
        node.write(&place, node.text(&place).lines().map(|line| format!("  {line}\n")).collect::<String>());
    }),
    on_node("file-form", |node| in_form(node, "ca.crt", &["x509", "-trustout"])),
    on_node("file-form", |node| {
        in_form(node, "apiserver.crt", &["x509", "-outform", "DER"]);
    }),
    on_node("file-form", |node| {
        in_form(node, "apiserver.key", &["pkey", "-outform", "DER"]);
    }),
    on_node("file-form", |node| {
        let place = format!("{PKI}/ca.crt");
        let wide = node.text(&place).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        node.write(&place, [&b"\xff\xfe"[..], &wide].concat());
    }),
    on_node("chain-order", |node| {
        let place = format!("{PKI}/apiserver.crt");
        node.write(&place, node.text(&format!("{PKI}/ca.crt")) + &node.text(&place));
    }),
    on_node("pem-file-joined", |node| {
        let place = format!("{PKI}/ca.crt");
        let text = node.text(&place);
        node.write(&place, format!("{}{text}", text.trim_end()));
    }),
    on_node("key-encrypted", |node| {
        let (plain, sealed) = (node.path(&format!("{PKI}/apiserver.key")), node.path("sealed"));
        let mut openssl = tool("openssl");
        openssl.args(["pkey", "-aes256", "-passout", "pass:x", "-in"]).arg(&plain).arg("-out").arg(&sealed);
        succeed(&mut openssl);
        std::fs::rename(sealed, plain).unwrap();
        node.set_mode(&format!("{PKI}/apiserver.key"), 0o600);
    }),
    on_node("kubelet-serving-expired", |node| {
        let [certificate, key] = ["crt", "key"].map(|end| format!("var/lib/kubelet/pki/kubelet.{end}"));
        // A clock that stands still, since the end is told.
        let mut openssl = tool("faketime");
        openssl.env("TZ", "UTC").args(["-f", "2026-11-22 12:00:00", "openssl"]);
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]);
        openssl.args(["-subj", "/CN=cp-1@1790000000", "-addext", "subjectAltName=DNS:cp-1", "-keyout"]);
        succeed(openssl.arg(node.path(&key)).arg("-out").arg(node.path(&certificate)));
        node.set_mode(&key, 0o600);
    }),
    on_node("go-later", odd_name),
    on_node("go-version", |node| {
        odd_name(node);
        for program in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            let place = format!("{MANIFESTS}/{program}.yaml");
            let text = node.text(&place);
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("image:"));
            node.write(&place, lines.map(|line| format!("{line}\n")).collect::<String>());
        }
    }),
    on_node("ca-key-kubeadm", ed25519_front_proxy),
    in_files("garbled-name", |lab, _| leaf(lab, "apiserver.crt", |forge| forge.add_name("cp-1.labDNS.2 = 10.0.0.1"))),
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
    in_files("ca-fits-nothing", |lab, other| {
        for file in ["ca.crt", "ca.key"] {
            let path = format!("{PKI}/{file}");
            lab.tree(CP).set(&path, other.clone().tree(CP).get(&path));
        }
    }),
    in_files("ca-not-self-signed", |lab, _| lab.reissue(CP, &format!("{PKI}/front-proxy-ca.crt"), "ca", |_| {})),
    on_node("chain", critical_extension),
    in_files("etcd-ca-shared", |lab, _| {
        for extension in ["crt", "key"] {
            let content = lab.tree(CP).get(&format!("{PKI}/ca.{extension}"));
            lab.tree(CP).set(&format!("{PKI}/etcd/ca.{extension}"), content);
        }
        let ca = ReadCertificate::from_pem(&lab.tree(CP).get(&format!("{PKI}/ca.crt"))).unwrap();
        for file in ["etcd/server", "etcd/peer", "etcd/healthcheck-client", "apiserver-etcd-client"] {
            lab.reissue(CP, &format!("{PKI}/{file}.crt"), "ca", |forge| {
                forge.authority_key_identifier = ca.subject_key_identifier().map(<[u8]>::to_vec);
            });
        }
    }),
    // Registries.
    on_node("containerd-registry", registries::conflict),
    on_node("containerd-config-path", registries::no_path),
    on_node("registry-ca", registries::no_root),
    on_node("registry-ca-expired", registries::old_root),
    on_node("registry-hosts", registries::no_section),
    on_node("registry-shadowed", registries::two_folders),
    on_node("registry-certificate", registries::other_ca),
    on_node("system-trust", registries::not_taken),
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
    on_node("secret-chain-order", objects::chain_reversed),
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
    Flaw { node: renewed::old_cluster_info, ..in_files("old-ca-certificate", renewed::renew) },
    Flaw { node: renewed::named_by_serial, ..in_files("authority-serial", renewed::renew) },
    on_node("config-map-old-ca", objects::two_client_cas),
];

/// Adds the CA of another cluster to the one of the node, and returns both.
fn with_the_ca_of(lab: &mut Cluster, other: &Cluster) -> Vec<u8> {
    let place = format!("{PKI}/ca.crt");
    let both = [lab.tree(CP).get(&place), other.clone().tree(CP).get(&place)].concat();
    lab.tree(CP).set(&place, both.clone());
    both
}

/// Has a kubeconfig trust these CAs.
fn trust(lab: &mut Cluster, place: &str, authorities: &[u8]) {
    if !lab.tree(CP).files.contains_key(place) {
        return;
    }
    let text = String::from_utf8(lab.tree(CP).get(place)).unwrap();
    let (before, rest) = text.split_once("certificate-authority-data: ").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let data = STANDARD.encode(authorities);
    lab.tree(CP).set(place, format!("{before}certificate-authority-data: {data}\n{after}"));
}

/// A node in phase 1 of a rotation: it trusts two CAs everywhere, and the controller manager has the first alone.
pub(crate) fn in_phase_1(lab: &mut Cluster, other: &Cluster) {
    let alone = lab.tree(CP).get(&format!("{PKI}/ca.crt"));
    let both = with_the_ca_of(lab, other);
    for file in ["admin", "super-admin", "controller-manager", "scheduler", "kubelet"] {
        trust(lab, &format!("etc/kubernetes/{file}.conf"), &both);
    }
    lab.tree(CP).add(&format!("{PKI}/ca-signing.crt"), certferry::bundle::Mode::Public, alone);
}

/// Has the controller manager sign with its own file, as in phases 1 and 2.
pub(crate) fn signs_with_its_own(node: &Node) {
    node.replace(
        &format!("{MANIFESTS}/kube-controller-manager.yaml"),
        "signing-cert-file=/etc/kubernetes/pki/ca.crt",
        "signing-cert-file=/etc/kubernetes/pki/ca-signing.crt",
    );
}

/// Nothing is wrong in a phase by itself.
#[test]
fn a_node_in_a_phase_is_healthy() {
    let node = Node::control_plane(in_phase_1);
    signs_with_its_own(&node);
    assert_eq!(node.findings(), Vec::<serde_json::Value>::new());
}

/// The certificate with which the controller manager signs is not that of its key.
#[test]
fn a_signing_certificate_of_another_ca_is_named() {
    let node = Node::control_plane(in_phase_1);
    signs_with_its_own(&node);
    let [_, mut other] = GENUINE.clone();
    node.write(&format!("{PKI}/ca-signing.crt"), other.tree(CP).get(&format!("{PKI}/ca.crt")));
    let findings = node.findings();
    assert_eq!((findings.len(), &findings[0]["rule"]), (1, &"key-pair".into()), "{findings:#?}");
    let what = "etc/kubernetes/pki/ca.key is not the key of etc/kubernetes/pki/ca-signing.crt";
    assert_eq!(findings[0]["what"], what);
}

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
    let extensions = b"keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n1.2.3.4=critical,DER:0500\n";
    let subject = "/O=system:masters/CN=kube-apiserver-kubelet-client";
    sign(node, "apiserver-kubelet-client", subject, "ca", extensions);
}

fn remove_folder(node: &Node, place: &str) {
    std::fs::remove_dir_all(node.path(place)).unwrap();
}

/// Signs a certificate anew with openssl: its file below `pki`, its subject, the CA's file and its extensions.
pub(crate) fn sign(node: &Node, file: &str, subject: &str, authority: &str, extensions: &[u8]) {
    let pki = |name: String| node.path(&format!("{PKI}/{name}"));
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name);
    std::fs::write(at("x"), extensions).unwrap();
    let key = pki(format!("{file}.key"));
    succeed(tool("openssl").args(["req", "-new", "-subj", subject, "-key"]).arg(key).arg("-out").arg(at("csr")));
    let mut sign = tool("openssl");
    sign.args(["x509", "-req", "-days", "900", "-in"]).arg(at("csr")).arg("-extfile").arg(at("x"));
    sign.arg("-CA").arg(pki(format!("{authority}.crt"))).arg("-CAkey").arg(pki(format!("{authority}.key")));
    succeed(sign.args(["-set_serial", "77", "-out"]).arg(pki(format!("{file}.crt"))));
}

/// A name with a letter that is not ASCII, which Go 1.15 lets pass.
fn odd_name(node: &Node) {
    let names = "DNS:cp-1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
                 DNS:kubernetes.default.svc.cluster.local,DNS:k8s.lab,IP:10.96.0.1,IP:192.168.10.5,URI:spiffe://lab/\u{e4}";
    let text = format!("keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName={names}\n");
    sign(node, "apiserver", "/CN=kube-apiserver", "ca", text.as_bytes());
}

/// An Ed25519 CA for the aggregation layer, which signed its client.
fn ed25519_front_proxy(node: &Node) {
    let [certificate, key] = ["crt", "key"].map(|end| node.path(&format!("{PKI}/front-proxy-ca.{end}")));
    let mut authority = tool("openssl");
    authority.args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=front-proxy-ca", "-days", "1000"]);
    authority.args(["-addext", "keyUsage=critical,keyCertSign,digitalSignature", "-keyout"]).arg(key);
    succeed(authority.arg("-out").arg(certificate));
    node.set_mode(&format!("{PKI}/front-proxy-ca.key"), 0o600);
    let extensions = b"keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";
    sign(node, "front-proxy-client", "/CN=front-proxy-client", "front-proxy-ca", extensions);
}

/// Returns a CA of the node as another one has signed it, and that one.
fn below_a_root(node: &Node, place: &str) -> (String, String) {
    let key = Key::new(77);
    let root = ReadCertificate::from_der(&Forge::authority("Example root", &key).sign(None, &key)).unwrap();
    let own = ReadCertificate::from_pem(node.text(place).as_bytes()).unwrap();
    (pem(&Forge::like(&own).sign(Some(root.subject_der()), &key)), pem(root.der()))
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
    let wrong: Vec<_> = nodes()
        .filter(|(flaw, node)| node.rules() != [flaw.rule.to_owned()].into())
        .map(|(flaw, node)| format!("{}: {:#?}", flaw.rule, node.findings()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    let own = FLAWS.iter().map(|fault| fault.rule).chain(crate::doctor::lost::RULES);
    let planted: BTreeSet<&str> = own.chain(TABLE.iter().map(|rule| &*rule.id)).collect();
    let rules: BTreeSet<&str> = RULES.into_iter().flatten().map(|rule| rule.id).collect();
    assert_eq!(planted, rules);
}
