//! Where certferry differs from kubeadm on purpose, row by row, and the comparison that allows just that.
//!
//! The reasons are those of `certferry help kubeadm`. What the facts do not record (dates, serials, key identifiers) is
//! not compared here.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use super::facts::{Fields, Rows};

/// Something that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// `certificates`, `kubeconfigs`, `files` or `folders`.
    pub table: String,
    /// The node's name and the path: `cp-1:pki/ca.crt`.
    pub place: String,
    /// The field; `row` when only one side has it at all.
    pub field: String,
    /// What kubeadm makes.
    pub kubeadm: String,
    /// What certferry makes.
    pub certferry: String,
}

/// A difference that is meant to be.
#[derive(Clone)]
pub struct Deliberate {
    /// Minor versions of Kubernetes 1 that have it.
    pub minors: Range<u64>,
    /// As in [`Difference`].
    pub table: &'static str,
    /// As in [`Difference`]; each must have it.
    pub places: &'static [&'static str],
    /// As in [`Difference`].
    pub field: &'static str,
    /// As in [`Difference`].
    pub kubeadm: &'static str,
    /// As in [`Difference`].
    pub certferry: &'static str,
    /// The reason.
    pub why: &'static str,
}

const ALL: Range<u64> = 0..u64::MAX;
const NONE: &str = "none";
const BOTH_KUBELETS: &[&str] = &["cp-1:kubelet.conf", "worker-1:kubelet.conf"];
const CLIENTS_OF_1_20: &[&str] = &[
    "cp-1:admin.conf",
    "cp-1:controller-manager.conf",
    "cp-1:kubelet.conf",
    "cp-1:pki/apiserver-etcd-client.crt",
    "cp-1:pki/apiserver-kubelet-client.crt",
    "cp-1:pki/etcd/healthcheck-client.crt",
    "cp-1:pki/front-proxy-client.crt",
    "cp-1:scheduler.conf",
    "worker-1:kubelet.conf",
];
const SERVERS_OF_1_20: &[&str] = &["cp-1:pki/apiserver.crt", "cp-1:pki/etcd/peer.crt", "cp-1:pki/etcd/server.crt"];

const BASIC_CONSTRAINTS: &str = "a leaf says that it is one; so does kubeadm from 1.21 on";
const STORE: &str = "a kubelet with rotateCertificates throws an inline certificate away within seconds";
const SERVING: &str = "signed by the cluster's CA, so that it can be verified; the kubelet's own is self-signed";
const WORKER_CA: &str = "`kubeadm join` writes it; a worker without bootstrap token brings it along";

/// Every one of them, for the example cluster of the facts.
pub const DELIBERATE: [Deliberate; 16] = [
    Deliberate {
        minors: 0..21,
        table: "certificates",
        places: CLIENTS_OF_1_20,
        field: "basic_constraints",
        kubeadm: "absent",
        certferry: "critical",
        why: BASIC_CONSTRAINTS,
    },
    Deliberate {
        minors: 0..21,
        table: "certificates",
        places: SERVERS_OF_1_20,
        field: "basic_constraints",
        kubeadm: "absent",
        certferry: "critical",
        why: BASIC_CONSTRAINTS,
    },
    Deliberate {
        minors: 0..21,
        table: "certificates",
        places: CLIENTS_OF_1_20,
        field: "extensions",
        kubeadm: r#"["keyUsage","extendedKeyUsage","authorityKeyIdentifier"]"#,
        certferry: r#"["keyUsage","extendedKeyUsage","basicConstraints","authorityKeyIdentifier"]"#,
        why: BASIC_CONSTRAINTS,
    },
    Deliberate {
        minors: 0..21,
        table: "certificates",
        places: SERVERS_OF_1_20,
        field: "extensions",
        kubeadm: r#"["keyUsage","extendedKeyUsage","authorityKeyIdentifier","subjectAltName"]"#,
        certferry: r#"["keyUsage","extendedKeyUsage","basicConstraints","authorityKeyIdentifier","subjectAltName"]"#,
        why: BASIC_CONSTRAINTS,
    },
    Deliberate {
        minors: ALL,
        table: "kubeconfigs",
        places: BOTH_KUBELETS,
        field: "credentials",
        kubeadm: "embedded",
        certferry: "/var/lib/kubelet/pki/kubelet-client-current.pem",
        why: STORE,
    },
    Deliberate {
        minors: ALL,
        table: "folders",
        places: &["cp-1:/var/lib/kubelet/pki", "worker-1:/var/lib/kubelet/pki"],
        field: "row",
        kubeadm: NONE,
        certferry: r#"{"mode":"0755"}"#,
        why: STORE,
    },
    Deliberate {
        minors: ALL,
        table: "files",
        places: &[
            "cp-1:/var/lib/kubelet/pki/kubelet-client-2020-01-01-00-00-00.pem",
            "worker-1:/var/lib/kubelet/pki/kubelet-client-2020-01-01-00-00-00.pem",
        ],
        field: "row",
        kubeadm: NONE,
        certferry: r#"{"mode":"0600"}"#,
        why: STORE,
    },
    Deliberate {
        minors: ALL,
        table: "files",
        places: &[
            "cp-1:/var/lib/kubelet/pki/kubelet-client-current.pem",
            "worker-1:/var/lib/kubelet/pki/kubelet-client-current.pem",
        ],
        field: "row",
        kubeadm: NONE,
        certferry: r#"{"link":"kubelet-client-2020-01-01-00-00-00.pem"}"#,
        why: STORE,
    },
    Deliberate {
        minors: ALL,
        table: "files",
        places: &["cp-1:/var/lib/kubelet/pki/kubelet.crt", "worker-1:/var/lib/kubelet/pki/kubelet.crt"],
        field: "row",
        kubeadm: NONE,
        certferry: r#"{"mode":"0644"}"#,
        why: SERVING,
    },
    Deliberate {
        minors: ALL,
        table: "files",
        places: &["cp-1:/var/lib/kubelet/pki/kubelet.key", "worker-1:/var/lib/kubelet/pki/kubelet.key"],
        field: "row",
        kubeadm: NONE,
        certferry: r#"{"mode":"0600"}"#,
        why: SERVING,
    },
    Deliberate {
        minors: ALL,
        table: "certificates",
        places: &["cp-1:/var/lib/kubelet/pki/kubelet.crt"],
        field: "row",
        kubeadm: NONE,
        certferry: concat!(
            r#"{"alt_names":["DNS:cp-1","IP:192.168.1.11"],"basic_constraints":"critical","#,
            r#""common_name":"system:node:cp-1","extended_key_usages":["serverAuth"],"#,
            r#""extensions":["keyUsage","extendedKeyUsage","basicConstraints","authorityKeyIdentifier","subjectAltName"],"#,
            r#""is_ca":false,"issuer":"kubernetes","key_usages":["digitalSignature","keyEncipherment"],"#,
            r#""organizations":["system:nodes"]}"#,
        ),
        why: SERVING,
    },
    Deliberate {
        minors: ALL,
        table: "certificates",
        places: &["worker-1:/var/lib/kubelet/pki/kubelet.crt"],
        field: "row",
        kubeadm: NONE,
        certferry: concat!(
            r#"{"alt_names":["DNS:worker-1","IP:192.168.1.21"],"basic_constraints":"critical","#,
            r#""common_name":"system:node:worker-1","extended_key_usages":["serverAuth"],"#,
            r#""extensions":["keyUsage","extendedKeyUsage","basicConstraints","authorityKeyIdentifier","subjectAltName"],"#,
            r#""is_ca":false,"issuer":"kubernetes","key_usages":["digitalSignature","keyEncipherment"],"#,
            r#""organizations":["system:nodes"]}"#,
        ),
        why: SERVING,
    },
    Deliberate {
        minors: ALL,
        table: "folders",
        places: &["worker-1:pki"],
        field: "row",
        kubeadm: NONE,
        certferry: r#"{"mode":"0755"}"#,
        why: WORKER_CA,
    },
    Deliberate {
        minors: ALL,
        table: "files",
        places: &["worker-1:pki/ca.crt"],
        field: "row",
        kubeadm: NONE,
        certferry: r#"{"mode":"0644"}"#,
        why: WORKER_CA,
    },
    Deliberate {
        minors: 0..22,
        table: "certificates",
        places: &["worker-1:pki/ca.crt"],
        field: "row",
        kubeadm: NONE,
        certferry: concat!(
            r#"{"alt_names":[],"basic_constraints":"critical","common_name":"kubernetes","#,
            r#""extended_key_usages":[],"extensions":["keyUsage","basicConstraints","subjectKeyIdentifier"],"#,
            r#""is_ca":true,"issuer":"kubernetes","#,
            r#""key_usages":["digitalSignature","keyEncipherment","keyCertSign"],"organizations":[]}"#,
        ),
        why: WORKER_CA,
    },
    Deliberate {
        minors: 22..u64::MAX,
        table: "certificates",
        places: &["worker-1:pki/ca.crt"],
        field: "row",
        kubeadm: NONE,
        certferry: concat!(
            r#"{"alt_names":["DNS:kubernetes"],"basic_constraints":"critical","common_name":"kubernetes","#,
            r#""extended_key_usages":[],"extensions":["keyUsage","basicConstraints","subjectKeyIdentifier","subjectAltName"],"#,
            r#""is_ca":true,"issuer":"kubernetes","#,
            r#""key_usages":["digitalSignature","keyEncipherment","keyCertSign"],"organizations":[]}"#,
        ),
        why: WORKER_CA,
    },
];

/// Every difference that is not meant to be, and every one that is meant to be and is not there.
pub fn judge(kubernetes: &str, kubeadm: &Rows, certferry: &Rows, deliberate: &[Deliberate]) -> Vec<String> {
    let found = differences(kubeadm, certferry);
    let minor: u64 = kubernetes.split('.').nth(1).unwrap().parse().unwrap();
    let mut allowed = BTreeSet::new();
    for row in deliberate.iter().filter(|row| row.minors.contains(&minor)) {
        for place in row.places {
            let allowed_difference = Difference {
                table: row.table.to_owned(),
                place: (*place).to_owned(),
                field: row.field.to_owned(),
                kubeadm: row.kubeadm.to_owned(),
                certferry: row.certferry.to_owned(),
            };
            assert!(!row.why.is_empty() && allowed.insert(allowed_difference), "{place} is allowed twice");
        }
    }
    let unexplained = found.difference(&allowed).map(|row| format!("{kubernetes}: differs: {row:?}"));
    let unneeded = allowed.difference(&found).map(|row| format!("{kubernetes}: should differ: {row:?}"));
    unexplained.chain(unneeded).collect()
}

/// Every difference between two sets of rows.
pub fn differences(kubeadm: &Rows, certferry: &Rows) -> BTreeSet<Difference> {
    let mut found = BTreeSet::new();
    let places: BTreeSet<_> = kubeadm.keys().chain(certferry.keys()).collect();
    for place in places {
        let mut differ = |field: &str, kubeadm: String, certferry: String| {
            if kubeadm != certferry {
                let table = place.table.to_owned();
                let place = format!("{}:{}", place.node, place.path);
                found.insert(Difference { table, place, field: field.to_owned(), kubeadm, certferry });
            }
        };
        match (kubeadm.get(place), certferry.get(place)) {
            (Some(kubeadm), Some(certferry)) => {
                let names: BTreeSet<_> = kubeadm.keys().chain(certferry.keys()).collect();
                for name in names {
                    differ(name, shown(kubeadm.get(name)), shown(certferry.get(name)));
                }
            }
            (kubeadm, certferry) => differ("row", shown_row(kubeadm), shown_row(certferry)),
        }
    }
    found
}

fn shown_row(row: Option<&Fields>) -> String {
    row.map_or_else(|| NONE.to_owned(), |row| Value::Object(row.clone()).to_string())
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
