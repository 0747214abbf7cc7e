//! Each rule about a certificate: what breaks it, in which words, and what lies just beside and keeps it.

use crate::common;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::planting::forge::{Forge, Hash, Key, names, pem};
use certferry::kubernetes::Purpose;
use certferry::kubernetes::Purpose::{
    ApiServer, ApiServerKubeletClient, ControllerManager, EtcdCa, EtcdClient, EtcdPeer, EtcdServer, FrontProxyCa,
    FrontProxyClient, KubeletClient, KubeletServing, KubernetesCa, MetallbCa, MetallbServer, Other, Scheduler, Tls,
    User, WebhookServer,
};
use certferry::lint::{Breach, ClusterFacts, Facts, NodeFacts, RULES, Severity, lint};
use certferry::x509::{AltName, ReadCertificate, oid};
use der::asn1::ObjectIdentifier;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use x509_cert::ext::pkix::KeyUsages::{DataEncipherment, DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment};

/// id-kp-codeSigning: RFC 5280, section 4.2.1.12.
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");

/// A certificate and all that the rules are told about it.
struct Scene {
    purpose: Purpose,
    leaf: Forge,
    issuer: Forge,
    /// Signs instead of the issuer.
    intermediate: Option<Forge>,
    knows_issuer: bool,
    service: Option<AltName>,
    node: Option<(&'static str, Vec<IpAddr>)>,
    endpoint: Option<AltName>,
    service_address: Option<IpAddr>,
    needed_at: Vec<OffsetDateTime>,
}

impl Scene {
    /// A certificate of the control plane `cp-1` without fault.
    fn good(purpose: Purpose) -> Self {
        let (key, server, client) = (Key::new(2), oid::SERVER_AUTH, oid::CLIENT_AUTH);
        let issuer = Forge::authority("kubernetes", &Key::new(1));
        let mut leaf = match purpose {
            KubernetesCa | FrontProxyCa | EtcdCa => Forge::authority("kubernetes", &key),
            ApiServer => Forge::leaf(&[], "kube-apiserver", &[server], &key),
            ApiServerKubeletClient => {
                Forge::leaf(&["system:masters"], "kube-apiserver-kubelet-client", &[client], &key)
            }
            FrontProxyClient => Forge::leaf(&[], "front-proxy-client", &[client], &key),
            EtcdServer | EtcdPeer => Forge::leaf(&[], "cp-1", &[server, client], &key),
            EtcdClient => Forge::leaf(&[], "backup", &[client], &key),
            ControllerManager => Forge::leaf(&[], "system:kube-controller-manager", &[client], &key),
            Scheduler => Forge::leaf(&[], "system:kube-scheduler", &[client], &key),
            User => Forge::leaf(&["ops"], "alice", &[client], &key),
            KubeletClient => Forge::leaf(&["system:nodes"], "system:node:cp-1", &[client], &key),
            KubeletServing => Forge::leaf(&["system:nodes"], "system:node:cp-1", &[server], &key),
            MetallbCa => {
                let mut leaf = Forge::authority("cert", &key);
                leaf.set_rsa_key(2048);
                leaf.key_usage = Some(vec![DigitalSignature, KeyEncipherment, KeyCertSign]);
                leaf
            }
            MetallbServer | WebhookServer => Forge::leaf(&[], "webhook", &[server], &key),
            Tls | Other => {
                let mut leaf = Forge::leaf(&[], "dashboard", &[server], &key);
                leaf.not_after = leaf.not_before + Duration::days(90);
                leaf
            }
        };
        leaf.alt_names = names(match purpose {
            ApiServer => &[
                "cp-1",
                "k8s.lab",
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
                "10.96.0.1",
                "192.168.10.5",
            ],
            EtcdServer | EtcdPeer => &["cp-1", "localhost", "192.168.10.5", "127.0.0.1", "::1"],
            KubeletServing => &["cp-1", "192.168.10.5", "fd00::5"],
            MetallbCa => &["cert"],
            MetallbServer | WebhookServer => &["webhook-service.metallb-system.svc"],
            Tls | Other => &["dashboard.lab"],
            _ => &[],
        });
        if !purpose.is_ca() {
            leaf.authority_key_identifier = issuer.subject_key_identifier.clone();
        }
        Self {
            purpose,
            leaf,
            issuer,
            intermediate: None,
            knows_issuer: !purpose.is_ca(),
            service: names(&["webhook-service.metallb-system.svc"]).pop(),
            node: Some(("cp-1", vec!["192.168.10.5".parse().unwrap(), "fd00::5".parse().unwrap()])),
            endpoint: Some(AltName::Dns("k8s.lab".to_owned())),
            service_address: None,
            needed_at: vec![datetime!(2026-01-02 0:00 UTC)],
        }
    }

    fn certificate(&self) -> ReadCertificate {
        let signer = self.intermediate.as_ref().unwrap_or(&self.issuer);
        let issuer = (!self.purpose.is_ca()).then_some(signer.subject.as_slice());
        ReadCertificate::from_der(&self.leaf.sign(issuer, &Key::new(1))).unwrap()
    }

    fn breaches(&self) -> Vec<Breach> {
        let issuer = ReadCertificate::from_der(&self.issuer.sign(None, &Key::new(1))).unwrap();
        let facts = Facts {
            certificate: &self.certificate(),
            purpose: self.purpose,
            issuer: Some(&issuer).filter(|_| self.knows_issuer),
            node: self.node.as_ref().map(|(name, addresses)| NodeFacts { name, addresses }),
            service: self.service.as_ref(),
            cluster: ClusterFacts { endpoint: self.endpoint.as_ref(), service_address: self.service_address },
            needed_at: &self.needed_at,
        };
        lint(&facts)
    }
}

const PURPOSES: [Purpose; 19] = [
    KubernetesCa,
    FrontProxyCa,
    EtcdCa,
    ApiServer,
    ApiServerKubeletClient,
    FrontProxyClient,
    EtcdServer,
    EtcdPeer,
    EtcdClient,
    ControllerManager,
    Scheduler,
    User,
    KubeletClient,
    KubeletServing,
    MetallbCa,
    MetallbServer,
    WebhookServer,
    Tls,
    Other,
];

struct Vector {
    rule: &'static str,
    purpose: Purpose,
    breaks: fn(&mut Scene),
    /// What is said, and nothing else.
    detail: &'static str,
    /// The neighbour that keeps the rule.
    keeps: fn(&mut Scene),
}

const fn vector(
    rule: &'static str,
    purpose: Purpose,
    breaks: fn(&mut Scene),
    detail: &'static str,
    keeps: fn(&mut Scene),
) -> Vector {
    Vector { rule, purpose, breaks, detail, keeps }
}

const VECTORS: &[Vector] = &[
    // RFC 5280.
    vector(
        "negative-serial",
        ApiServer,
        |scene| scene.leaf.serial = vec![0xfb],
        "has a negative serial number",
        |scene| scene.leaf.serial = vec![0x05],
    ),
    vector(
        "negative-serial",
        KubernetesCa,
        |scene| scene.leaf.serial = vec![0x80],
        "has a negative serial number",
        |scene| scene.leaf.serial = vec![0x00, 0x80],
    ),
    vector(
        "serial",
        KubernetesCa,
        |scene| scene.leaf.serial = vec![0],
        "has the serial number 0",
        |scene| scene.leaf.serial = vec![1],
    ),
    vector(
        "serial",
        ApiServer,
        |scene| scene.leaf.serial = [vec![0x00, 0x80], vec![0; 19]].concat(),
        "has a serial number of 21 octets",
        |scene| scene.leaf.serial = vec![0x7f; 20],
    ),
    vector(
        "serial",
        User,
        |scene| scene.leaf.serial = vec![0x01; 21],
        "has a serial number of 21 octets",
        |scene| scene.leaf.serial = [vec![0x00, 0x80], vec![0; 18]].concat(),
    ),
    vector(
        "signature-algorithm",
        Scheduler,
        |scene| scene.leaf.hash = Hash::Sha1,
        "is signed with SHA-1",
        |scene| scene.leaf.hash = Hash::Sha256,
    ),
    vector(
        "rsa-size",
        FrontProxyClient,
        |scene| scene.leaf.set_rsa_key(2047),
        "has an RSA key of 2047 bits",
        |scene| scene.leaf.set_rsa_key(2048),
    ),
    vector(
        "rsa-size",
        ApiServer,
        |scene| scene.leaf.set_rsa_key(1024),
        "has an RSA key of 1024 bits",
        |scene| scene.leaf.set_rsa_key(4096),
    ),
    vector(
        "ca-basic-constraints",
        KubernetesCa,
        |scene| {
            scene.leaf.basic_constraints = None;
            scene.leaf.key_usage = None;
        },
        "stands where a CA belongs and is none (basicConstraints)",
        |_| {},
    ),
    vector(
        "ca-basic-constraints",
        EtcdCa,
        |scene| {
            scene.leaf.basic_constraints = Some((false, true));
            scene.leaf.key_usage = Some(vec![DigitalSignature]);
        },
        "stands where a CA belongs and is none (basicConstraints)",
        |scene| scene.leaf.basic_constraints = Some((true, true)),
    ),
    vector(
        "ca-basic-constraints-critical",
        KubernetesCa,
        |scene| scene.leaf.basic_constraints = Some((true, false)),
        "is a CA by basicConstraints that are not critical; strict clients refuse it",
        |scene| scene.leaf.basic_constraints = Some((true, true)),
    ),
    vector(
        "ca-key-usage",
        FrontProxyCa,
        |scene| scene.leaf.key_usage = Some(vec![DigitalSignature]),
        "is a CA and may not sign certificates (keyCertSign)",
        |scene| scene.leaf.key_usage = Some(vec![KeyCertSign]),
    ),
    vector(
        "ca-key-usage-present",
        KubernetesCa,
        |scene| scene.leaf.key_usage = None,
        "is a CA without keyUsage; strict clients refuse it",
        |scene| scene.leaf.key_usage = Some(vec![KeyCertSign]),
    ),
    vector(
        "ca-subject-key-identifier",
        EtcdCa,
        |scene| scene.leaf.subject_key_identifier = None,
        "is a CA without subjectKeyIdentifier; strict clients refuse it",
        |scene| scene.leaf.subject_key_identifier = Some(vec![1]),
    ),
    vector(
        "leaf-is-no-ca",
        ApiServer,
        |scene| {
            scene.leaf.basic_constraints = Some((true, true));
            scene.leaf.key_usage = Some(vec![DigitalSignature, KeyCertSign]);
            scene.leaf.subject_key_identifier = Some(vec![1; 20]);
        },
        "is a CA and stands where a leaf belongs",
        // kubeadm 1.20 leaves basicConstraints out of leaves.
        |scene| scene.leaf.basic_constraints = None,
    ),
    vector(
        "authority-key-identifier",
        ApiServer,
        |scene| scene.leaf.authority_key_identifier.as_mut().unwrap()[19] ^= 1,
        "names another key as its issuer's; OpenSSL finds no chain",
        |_| {},
    ),
    vector(
        "authority-key-identifier-present",
        KubeletClient,
        |scene| scene.leaf.authority_key_identifier = None,
        "does not name its issuer's key; with two CAs of one name clients may take the wrong one",
        |scene| {
            scene.leaf.authority_key_identifier = None;
            scene.issuer.subject_key_identifier = None;
        },
    ),
    vector(
        "key-usage-key-type",
        ApiServer,
        |scene| scene.leaf.key_usage = Some(vec![DigitalSignature, KeyEncipherment]),
        "has an EC key, which cannot encipher, and says that it does",
        |scene| scene.leaf.set_rsa_key(2048),
    ),
    vector(
        "key-usage-key-type",
        KubernetesCa,
        |scene| scene.leaf.key_usage = Some(vec![KeyCertSign, DataEncipherment]),
        "has an EC key, which cannot encipher, and says that it does",
        |scene| scene.leaf.key_usage = Some(vec![KeyCertSign, KeyAgreement]),
    ),
    vector(
        "key-usage-leaf",
        User,
        |scene| scene.leaf.key_usage = Some(vec![DigitalSignature, KeyCertSign]),
        "is no CA and may sign certificates (keyCertSign)",
        |scene| scene.leaf.key_usage = Some(vec![DigitalSignature, KeyAgreement]),
    ),
    vector(
        "key-usage-leaf",
        EtcdPeer,
        |scene| scene.leaf.key_usage = Some(vec![KeyAgreement]),
        "may not sign (digitalSignature), which TLS 1.3 needs",
        |scene| scene.leaf.key_usage = None,
    ),
    // Who it is.
    vector(
        "extended-key-usage",
        EtcdPeer,
        |scene| scene.leaf.usages = Some(vec![oid::SERVER_AUTH]),
        "is not for clientAuth (extendedKeyUsage)",
        |scene| scene.leaf.usages = Some(vec![oid::CLIENT_AUTH, oid::SERVER_AUTH]),
    ),
    vector(
        "extended-key-usage",
        KubernetesCa,
        |scene| scene.leaf.usages = Some(vec![CODE_SIGNING]),
        "is not for serverAuth, clientAuth (extendedKeyUsage)",
        |scene| scene.leaf.usages = Some(vec![CODE_SIGNING, oid::ANY_EXTENDED_KEY_USAGE]),
    ),
    vector(
        "extended-key-usage",
        FrontProxyCa,
        |scene| scene.leaf.usages = Some(vec![oid::SERVER_AUTH]),
        "is not for clientAuth (extendedKeyUsage)",
        |scene| scene.leaf.usages = Some(vec![oid::CLIENT_AUTH]),
    ),
    vector(
        "extended-key-usage-alone",
        ApiServer,
        |scene| scene.leaf.usages = Some(vec![oid::SERVER_AUTH, oid::CLIENT_AUTH]),
        "is for more than serverAuth (extendedKeyUsage)",
        |_| {},
    ),
    vector(
        "extended-key-usage-alone",
        Scheduler,
        |scene| scene.leaf.usages = None,
        "has no extendedKeyUsage and so is for everything",
        |_| {},
    ),
    vector(
        "extended-key-usage-alone",
        EtcdServer,
        |scene| scene.leaf.usages = Some(vec![oid::ANY_EXTENDED_KEY_USAGE]),
        "is for more than serverAuth, clientAuth (extendedKeyUsage)",
        |scene| scene.leaf.usages = Some(vec![oid::CLIENT_AUTH, oid::SERVER_AUTH]),
    ),
    vector(
        "common-name",
        FrontProxyClient,
        |scene| scene.leaf.name(&[], "front-proxy"),
        "is for front-proxy, not for front-proxy-client",
        |scene| scene.leaf.name(&["any"], "front-proxy-client"),
    ),
    vector(
        "common-name",
        ControllerManager,
        |scene| scene.leaf.name(&[], "system:kube-scheduler"),
        "is for system:kube-scheduler, not for system:kube-controller-manager",
        |_| {},
    ),
    vector(
        "common-name",
        Scheduler,
        |scene| scene.leaf.subject = vec![0x30, 0x00],
        "is for nobody, not for system:kube-scheduler",
        |_| {},
    ),
    vector(
        "common-name",
        KubeletClient,
        |scene| scene.leaf.name(&["system:nodes"], "system:node:cp-10"),
        "is for system:node:cp-10, not for system:node:cp-1",
        |_| {},
    ),
    vector(
        "common-name",
        KubeletClient,
        |scene| {
            scene.leaf.name(&["system:nodes"], "system:node:");
            scene.node = None;
        },
        "is for system:node:, not for system:node:<node>",
        |scene| {
            scene.leaf.name(&["system:nodes"], "system:node:x");
            scene.node = None;
        },
    ),
    vector(
        "common-name",
        KubeletServing,
        |scene| scene.leaf.name(&[], "cp-1"),
        "is for cp-1, not for system:node:cp-1",
        |scene| {
            // A kubelet signs for itself as it likes.
            scene.leaf.name(&[], "cp-1@1700000000");
            scene.node = None;
        },
    ),
    vector(
        "common-name",
        ApiServerKubeletClient,
        |scene| scene.leaf.name(&[], "kubelet-client"),
        "is for kubelet-client, not for kube-apiserver-kubelet-client",
        |scene| scene.leaf.name(&["system:masters"], "kubelet-client"),
    ),
    vector(
        "common-name-by-custom",
        ApiServer,
        |scene| scene.leaf.name(&[], "kubernetes"),
        "is for kubernetes, not for kube-apiserver",
        |_| {},
    ),
    vector(
        "common-name-by-custom",
        ApiServerKubeletClient,
        |scene| scene.leaf.name(&["system:masters"], "kubelet-client"),
        "is for kubelet-client, not for kube-apiserver-kubelet-client",
        |scene| scene.leaf.name(&["kubeadm:cluster-admins"], "kube-apiserver-kubelet-client"),
    ),
    vector(
        "common-name-by-custom",
        EtcdServer,
        |scene| scene.leaf.name(&[], "CP-1"),
        "is for CP-1, not for cp-1",
        |scene| {
            scene.leaf.name(&[], "etcd");
            scene.node = None;
        },
    ),
    vector(
        "node-group",
        KubeletClient,
        |scene| scene.leaf.name(&[], "system:node:cp-1"),
        "is not in the group system:nodes: it is no node to the API server",
        |_| {},
    ),
    vector(
        "node-group",
        KubeletClient,
        |scene| scene.leaf.name(&["system:masters"], "system:node:cp-1"),
        "is not in the group system:nodes: it is no node to the API server",
        |scene| scene.leaf.name(&["system:masters", "system:nodes"], "system:node:cp-1"),
    ),
    vector(
        "node-group-alone",
        KubeletClient,
        |scene| scene.leaf.name(&["system:masters", "system:nodes"], "system:node:cp-1"),
        "is in more groups than system:nodes: system:masters",
        |scene| scene.leaf.name(&["system:nodes"], "system:node:cp-1"),
    ),
    vector(
        "lower-case-node",
        KubeletClient,
        |scene| scene.leaf.name(&["system:nodes"], "system:node:Cp-1"),
        "is for system:node:Cp-1; the kubelet registers in lower case and is not that node",
        |_| {},
    ),
    vector(
        "lower-case-node",
        KubeletServing,
        |scene| {
            scene.leaf.name(&["system:nodes"], "system:node:X");
            scene.node = None;
        },
        "is for system:node:X; the kubelet registers in lower case and is not that node",
        |scene| {
            scene.leaf.name(&["system:nodes"], "system:node:x");
            scene.node = None;
        },
    ),
    // Names.
    vector("alt-name", ApiServer, |scene| scene.leaf.alt_names.clear(), "is for a server and names no host", |_| {}),
    vector(
        "alt-name",
        Other,
        |scene| scene.leaf.alt_names.clear(),
        "is for a server and names no host",
        |scene| {
            scene.leaf.alt_names.clear();
            scene.leaf.usages = Some(vec![oid::CLIENT_AUTH]);
        },
    ),
    vector(
        "kubernetes-service-name",
        ApiServer,
        |scene| scene.leaf.unname("kubernetes.default.svc"),
        "lacks kubernetes.default.svc, by which pods call it",
        |scene| {
            scene.leaf.unname("kubernetes.default.svc");
            scene.leaf.add_name("Kubernetes.Default.SVC");
        },
    ),
    vector(
        "kubernetes-service-name",
        ApiServer,
        |scene| ["kubernetes", "kubernetes.default"].iter().for_each(|name| scene.leaf.unname(name)),
        "lacks kubernetes, kubernetes.default, by which pods call it",
        |_| {},
    ),
    vector(
        "kubernetes-service-name",
        ApiServer,
        |scene| scene.leaf.unname("kubernetes.default.svc.cluster.local"),
        "lacks kubernetes.default.svc.<domain>, by which pods call it",
        |scene| {
            scene.leaf.unname("kubernetes.default.svc.cluster.local");
            scene.leaf.add_name("kubernetes.default.svc.k8s.corp");
        },
    ),
    vector(
        "service-address",
        ApiServer,
        |scene| scene.service_address = Some("10.96.0.2".parse().unwrap()),
        "lacks 10.96.0.2, by which pods call it",
        |scene| scene.service_address = Some("10.96.0.1".parse().unwrap()),
    ),
    vector(
        "service-address",
        ApiServer,
        |scene| scene.leaf.unname("10.96.0.1"),
        "lacks the first address of the service subnet, by which pods call it",
        |_| {},
    ),
    vector(
        "service-address",
        ApiServer,
        |scene| {
            // What ends as a service address does and cannot be one: of the host, of this node, the endpoint.
            scene.leaf.unname("10.96.0.1");
            ["127.0.0.1", "::1", "192.168.10.1", "fd00::1", "192.168.10.33", "10.96.0.2"]
                .iter()
                .for_each(|name| scene.leaf.add_name(name));
            let (_, addresses) = scene.node.as_mut().unwrap();
            addresses.extend(["192.168.10.1", "fd00::1"].map(|address| address.parse::<IpAddr>().unwrap()));
            scene.endpoint = names(&["192.168.10.33"]).pop();
        },
        "lacks the first address of the service subnet, by which pods call it",
        |scene| {
            // The first of the smallest subnets.
            scene.leaf.unname("10.96.0.1");
            scene.leaf.add_name("10.0.0.17");
        },
    ),
    vector(
        "service-address",
        ApiServer,
        |scene| {
            scene.leaf.unname("10.96.0.1");
            scene.leaf.add_name("fd00:96::10");
        },
        "lacks the first address of the service subnet, by which pods call it",
        |scene| {
            scene.leaf.unname("10.96.0.1");
            scene.leaf.add_name("fd00:96::11");
        },
    ),
    vector(
        "endpoint",
        ApiServer,
        |scene| scene.leaf.unname("k8s.lab"),
        "lacks k8s.lab, by which clients call it",
        |scene| {
            scene.leaf.unname("k8s.lab");
            scene.leaf.add_name("*.lab");
        },
    ),
    vector(
        "endpoint",
        ApiServer,
        |scene| {
            scene.endpoint = names(&["a.b.lab"]).pop();
            scene.leaf.add_name("*.lab");
            scene.leaf.add_name("*.a.b.lab");
        },
        "lacks a.b.lab, by which clients call it",
        |scene| {
            scene.endpoint = names(&["A.b.lab"]).pop();
            scene.leaf.add_name("*.B.lab");
        },
    ),
    vector(
        "endpoint",
        ApiServer,
        |scene| scene.endpoint = names(&["fd00::100"]).pop(),
        "lacks fd00::100, by which clients call it",
        |scene| {
            scene.endpoint = names(&["fd00::100"]).pop();
            scene.leaf.add_name("fd00:0:0::100");
        },
    ),
    vector(
        "endpoint",
        ApiServer,
        |scene| scene.endpoint = names(&["192.168.10.100"]).pop(),
        "lacks 192.168.10.100, by which clients call it",
        // A single control plane without an endpoint is called by its address.
        |scene| scene.endpoint = names(&["192.168.10.5"]).pop(),
    ),
    vector(
        "node-name-and-address",
        ApiServer,
        |scene| scene.leaf.unname("cp-1"),
        "lacks cp-1, its own node",
        // A server's certificate need not name more than the advertise address.
        |scene| scene.node.as_mut().unwrap().1.push("10.9.8.7".parse().unwrap()),
    ),
    vector(
        "node-name-and-address",
        EtcdServer,
        |scene| scene.leaf.unname("192.168.10.5"),
        "lacks 192.168.10.5, its own node",
        |scene| {
            scene.leaf.unname("192.168.10.5");
            scene.node.as_mut().unwrap().1.clear();
        },
    ),
    vector(
        "node-name-and-address",
        EtcdPeer,
        |scene| ["cp-1", "192.168.10.5"].iter().for_each(|name| scene.leaf.unname(name)),
        "lacks cp-1, 192.168.10.5, its own node",
        |scene| {
            ["cp-1", "192.168.10.5"].iter().for_each(|name| scene.leaf.unname(name));
            scene.node = None;
        },
    ),
    vector(
        "node-name-and-address",
        KubeletServing,
        |scene| scene.leaf.unname("fd00::5"),
        "lacks fd00::5, its own node",
        |_| {},
    ),
    vector(
        "etcd-localhost",
        EtcdServer,
        |scene| scene.leaf.unname("localhost"),
        "lacks localhost, by which its own node calls it",
        |_| {},
    ),
    vector(
        "etcd-localhost",
        EtcdPeer,
        |scene| scene.leaf.unname("127.0.0.1"),
        "lacks 127.0.0.1, by which its own node calls it",
        |_| {},
    ),
    vector(
        "etcd-localhost",
        EtcdServer,
        |scene| scene.leaf.unname("::1"),
        "lacks ::1, by which its own node calls it",
        |scene| {
            scene.leaf.unname("localhost");
            scene.leaf.add_name("LocalHost");
        },
    ),
    // Time.
    vector(
        "outlives-ca",
        ApiServer,
        |scene| scene.leaf.not_after = scene.issuer.not_after + Duration::SECOND,
        "ends after its CA, which ends on 2126-01-01",
        |scene| scene.leaf.not_after = scene.issuer.not_after,
    ),
    vector(
        "clock-margin",
        ApiServer,
        |scene| scene.leaf.not_before = datetime!(2026-01-01 23:55:01 UTC),
        "begins less than five minutes before it is needed; a node whose clock is behind refuses it",
        |scene| scene.leaf.not_before = datetime!(2026-01-01 23:55 UTC),
    ),
    vector(
        "clock-margin",
        EtcdCa,
        |scene| scene.needed_at.push(scene.leaf.not_before),
        "begins less than five minutes before it is needed; a node whose clock is behind refuses it",
        // Not even valid: that is no matter of margins.
        |scene| scene.needed_at.push(scene.leaf.not_before - Duration::SECOND),
    ),
    vector(
        "kubelet-life",
        KubeletClient,
        |scene| {
            scene.issuer.not_after = datetime!(2400-01-01 0:00 UTC);
            scene.leaf.not_after = scene.leaf.not_before + Duration::seconds(9_223_372_037);
        },
        "lives longer than the 292 years in which a kubelet can count",
        |scene| {
            scene.issuer.not_after = datetime!(2400-01-01 0:00 UTC);
            scene.leaf.not_after = scene.leaf.not_before + Duration::seconds(9_223_372_036);
        },
    ),
    // Browsers.
    vector(
        "wildcard",
        WebhookServer,
        |scene| ["a*.lab.corp", "*.*.lab.corp", "a.*"].iter().for_each(|name| scene.leaf.add_name(name)),
        "names a*.lab.corp, *.*.lab.corp, a.*; a star can only be the whole first label",
        |scene| scene.leaf.add_name("*.lab.corp"),
    ),
    vector(
        "wildcard",
        Tls,
        |scene| scene.leaf.add_name("dash*.lab.corp"),
        "names dash*.lab.corp; a star can only be the whole first label",
        |scene| {
            // Nobody looks at the names of a client.
            scene.leaf.add_name("dash*.lab.corp");
            scene.leaf.usages = Some(vec![oid::CLIENT_AUTH]);
        },
    ),
    vector(
        "web-wildcard",
        Tls,
        |scene| ["*.lab", "*", "*.apps.lab"].iter().for_each(|name| scene.leaf.add_name(name)),
        "names *.lab, *; browsers need two labels behind the star",
        |scene| scene.leaf.add_name("*.apps.lab"),
    ),
    vector(
        "web-wildcard",
        Other,
        |scene| scene.leaf.add_name("*.local"),
        "names *.local; browsers need two labels behind the star",
        // No browser calls it.
        |scene| {
            scene.purpose = WebhookServer;
            scene.leaf.add_name("*.local");
        },
    ),
    vector(
        "web-life",
        Other,
        |scene| scene.leaf.not_after = scene.leaf.not_before + Duration::days(825) + Duration::SECOND,
        "is for a server and lives 826 days; Apple's programs take 825",
        |scene| scene.leaf.not_after = scene.leaf.not_before + Duration::days(825),
    ),
    vector(
        "web-life",
        Tls,
        |scene| scene.leaf.not_after = scene.leaf.not_before + Duration::days(3650),
        "is for a server and lives 3650 days; Apple's programs take 825",
        |scene| {
            scene.leaf.not_after = scene.leaf.not_before + Duration::days(3650);
            scene.leaf.usages = Some(vec![oid::CLIENT_AUTH]);
        },
    ),
    vector("alt-name", Tls, |scene| scene.leaf.alt_names.clear(), "is for a server and names no host", |_| {}),
    vector(
        "alt-name",
        MetallbServer,
        |scene| scene.leaf.alt_names.clear(),
        "is for a server and names no host",
        |_| {},
    ),
    // MetalLB.
    vector(
        "metallb-ca-name",
        MetallbCa,
        |scene| {
            scene.leaf.unname("cert");
            scene.leaf.add_name("cert.metallb-system.svc");
        },
        "does not name DNS:cert (subjectAltName), for which MetalLB verifies it",
        |scene| {
            scene.leaf.unname("cert");
            scene.leaf.add_name("CERT");
        },
    ),
    vector(
        "metallb-ca-rsa",
        MetallbCa,
        |scene| {
            scene.leaf.spki = Key::new(2).spki();
            scene.leaf.key_usage = Some(vec![KeyCertSign]);
        },
        "has a key that is not RSA, the only kind that MetalLB reads",
        |scene| {
            scene.leaf.set_rsa_key(4096);
            scene.leaf.key_usage = Some(vec![KeyCertSign]);
        },
    ),
    vector(
        "metallb-usage",
        MetallbCa,
        |scene| scene.leaf.usages = Some(vec![oid::CLIENT_AUTH]),
        "is not for serverAuth (extendedKeyUsage)",
        |scene| scene.leaf.usages = Some(vec![oid::CLIENT_AUTH, oid::SERVER_AUTH]),
    ),
    vector(
        "metallb-usage",
        MetallbServer,
        |scene| scene.leaf.usages = Some(vec![oid::CLIENT_AUTH]),
        "is not for serverAuth (extendedKeyUsage)",
        |scene| scene.leaf.usages = Some(vec![oid::ANY_EXTENDED_KEY_USAGE]),
    ),
    vector(
        "metallb-life",
        MetallbCa,
        |scene| scene.leaf.not_after = datetime!(2026-04-01 23:59:59 UTC),
        "ends on 2026-04-01, less than 90 days from when it is needed",
        |scene| scene.leaf.not_after = datetime!(2026-04-02 0:00 UTC),
    ),
    vector(
        "metallb-life",
        MetallbServer,
        |scene| scene.leaf.not_after = datetime!(2026-04-01 23:59:59 UTC),
        "ends on 2026-04-01, less than 90 days from when it is needed",
        |scene| scene.leaf.not_after = datetime!(2026-04-02 0:00 UTC),
    ),
    vector(
        "metallb-server-name",
        MetallbServer,
        |scene| scene.service = names(&["metallb-webhook-service.metallb-system.svc"]).pop(),
        "lacks metallb-webhook-service.metallb-system.svc, by which the API server calls it",
        |scene| {
            scene.service = names(&["metallb-webhook-service.metallb-system.svc"]).pop();
            scene.leaf.add_name("metallb-webhook-service.metallb-system.svc");
        },
    ),
    vector(
        "metallb-server-name",
        MetallbServer,
        |scene| {
            scene.service = None;
            scene.leaf.alt_names = names(&["webhook-service", "webhook-service.metallb-system.svc.cluster.local"]);
        },
        "lacks <service>.<namespace>.svc, by which the API server calls it",
        |scene| {
            scene.service = None;
            scene.leaf.alt_names = names(&["Any.Namespace.SVC"]);
        },
    ),
    vector(
        "metallb-chain",
        MetallbServer,
        |scene| scene.intermediate = Some(Forge::authority("between", &Key::new(1))),
        "is signed by CN=between and not by the CA itself",
        |scene| {
            scene.intermediate = Some(Forge::authority("between", &Key::new(1)));
            scene.knows_issuer = false;
        },
    ),
];

#[test]
fn every_rule_has_a_vector() {
    let files = |rule: &str| RULES.last().unwrap().iter().any(|known| known.id == rule);
    let rules: BTreeSet<_> = RULES.iter().copied().flatten().map(|rule| rule.id).collect();
    let certificates: BTreeSet<_> = rules.iter().copied().filter(|rule| !files(rule)).collect();
    assert_eq!(VECTORS.iter().map(|vector| vector.rule).collect::<BTreeSet<_>>(), certificates);
    assert_eq!(rules.len(), RULES.iter().copied().map(<[_]>::len).sum::<usize>(), "no two rules have one name");
    let is_plain =
        |id: &&str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    assert!(rules.iter().all(is_plain), "{rules:?}");
}

#[test]
fn a_good_certificate_breaks_no_rule() {
    for purpose in PURPOSES {
        let mut scene = Scene::good(purpose);
        assert_eq!(scene.breaches(), [], "{purpose:?}");
        // Nor is anything wrong for want of facts.
        (scene.node, scene.endpoint, scene.service, scene.knows_issuer) = (None, None, None, false);
        scene.needed_at.clear();
        assert_eq!(scene.breaches(), [], "{purpose:?}");
    }
}

#[test]
fn what_breaks_a_rule_is_said_and_nothing_else() {
    for Vector { rule, purpose, breaks, detail, keeps } in VECTORS {
        let mut scene = Scene::good(*purpose);
        breaks(&mut scene);
        let found: Vec<_> = scene.breaches().into_iter().map(|breach| (breach.rule.id, breach.detail)).collect();
        assert_eq!(found, [(*rule, (*detail).to_owned())], "{rule}: {detail}");
        let mut scene = Scene::good(*purpose);
        keeps(&mut scene);
        let found = scene.breaches();
        assert!(found.iter().all(|breach| breach.rule.id != *rule), "{rule}: {detail}: {found:?}");
    }
}

#[test]
fn a_ca_of_somebody_elses_is_none_of_our_business() {
    let mut scene = Scene::good(KubernetesCa);
    scene.purpose = Other;
    scene.leaf.usages = Some(vec![oid::SERVER_AUTH, oid::CLIENT_AUTH]);
    assert_eq!(scene.breaches(), []);
}

/// Another program's eyes: what the vectors say they are, they are.
#[test]
fn openssl_sees_the_same_oddities() {
    let text = |purpose, change: fn(&mut Scene)| {
        let mut scene = Scene::good(purpose);
        change(&mut scene);
        let folder = tempfile::tempdir().unwrap();
        let file = common::write(folder.path(), "odd.crt", &pem(scene.certificate().der()), 0o644);
        common::succeed(common::tool("openssl").args(["x509", "-noout", "-text", "-in"]).arg(file))
    };
    for (purpose, change, words) in [
        (ApiServer, (|scene| scene.leaf.serial = vec![0xfb]) as fn(&mut Scene), "Serial Number: -5 (-0x5)"),
        (ApiServer, |scene| scene.leaf.serial = vec![0], "Serial Number: 0 (0x0)"),
        (ApiServer, |scene| scene.leaf.serial = vec![0x00, 0x80], "Serial Number: 128 (0x80)"),
        (Scheduler, |scene| scene.leaf.hash = Hash::Sha1, "Signature Algorithm: ecdsa-with-SHA1"),
        (Scheduler, |scene| scene.leaf.set_rsa_key(2047), "Public-Key: (2047 bit)"),
        (KubernetesCa, |scene| scene.leaf.basic_constraints = Some((true, false)), "X509v3 Basic Constraints: \n"),
        (KubernetesCa, |_| {}, "X509v3 Basic Constraints: critical\n                CA:TRUE\n"),
        (EtcdServer, |_| {}, "DNS:cp-1, DNS:localhost, IP Address:192.168.10.5, IP Address:127.0.0.1, IP Address:0:0"),
        (User, |scene| scene.leaf.key_usage = Some(vec![KeyAgreement]), "critical\n                Key Agreement\n"),
        (User, |_| {}, "Not After : Jan  1 00:00:00 2126 GMT"),
    ] {
        let text = text(purpose, change);
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn the_manual_lists_exactly_the_table() {
    let chapter = common::succeed(common::certferry().args(["help", "lints"]));
    let rows = chapter.lines().filter(|line| line.starts_with("| `"));
    let table = RULES.iter().copied().flatten().map(|rule| {
        let severity = match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!("| `{}` | {severity} | {} |", rule.id, rule.clause)
    });
    assert_eq!(rows.collect::<Vec<_>>(), table.collect::<Vec<_>>());
}
