//! Checks the ConfigMaps and Secrets that hold a copy of the cluster's CA, because they stay behind when the CA changes.

use super::finding::{Findings, shell_word};
use super::objects::Object;
use super::renewed;
use super::rotating;
use super::time::Clock;
use crate::kubeconfig::{Held, Kubeconfig};
use crate::tree::GatheredFacts;
use crate::x509::{ReadCertificate, read_pem};

/// The ConfigMaps: namespace (empty for any), name, key, and whether a client of any CA in it is let in. Source:
/// Kubernetes v1.20.2, pkg/controller/certificates/rootcacertpublisher, cluster-bootstrap/api,
/// pkg/controlplane/controller/clusterauthenticationtrust.
const COPIES: [(&str, &str, &str, bool); 3] = [
    ("", "kube-root-ca.crt", "ca.crt", false),
    ("kube-public", "cluster-info", "kubeconfig", false),
    ("kube-system", "extension-apiserver-authentication", "client-ca-file", true),
];

const CLUSTER_INFO: &str =
    "`kubeadm init phase bootstrap-token --skip-token-print` writes it anew, and makes a token for a day";
const CLUSTER_INFO_OF_PHASE: &str =
    "`sh rotation/phase-N.sh` of the bundle's cluster part writes what its phase trusts";
const ROOT_CA: &str = "restart kube-controller-manager on each control plane: it reads its --root-ca-file once, and writes every \
                       namespace anew";
const API_SERVERS: &str = "restart each kube-apiserver that has other files: each adds the CAs that it trusts";
const TOKEN: &str = "restart kube-controller-manager, which writes its --root-ca-file into every such Secret";

/// Looks at every ConfigMap and Secret that should hold the node's `ca.crt`.
pub(super) fn check(objects: &[Object<'_>], facts: &GatheredFacts, clock: Clock, findings: &mut Findings) {
    if facts.authorities.is_empty() {
        return;
    }
    let is_known = |found: &ReadCertificate| facts.authorities.iter().any(|known| known.der() == found.der());
    for object in objects.iter().filter(|object| object.kind == "ConfigMap") {
        let copy = COPIES.iter().find(|(namespace, name, _, _)| {
            object.name == *name && (namespace.is_empty() || object.namespace == *namespace)
        });
        let Some((_, name, key, lets_in)) = copy else { continue };
        let Some(text) = object.text(&["data", key]) else { continue };
        let found = if *key == "kubeconfig" { of_kubeconfig(text) } else { of_pem(text.as_bytes()) };
        let it = format!("{} in {}", object.title(), object.file);
        let namespace = shell_word(object.namespace);
        let values = [("name", *name), ("namespace", namespace.as_str())];
        if found.is_empty() {
            continue;
        }
        let anew = match *name {
            "cluster-info" => CLUSTER_INFO.to_owned(),
            _ => format!("`kubectl -n {namespace} delete configmap {name}`: it is made anew at once"),
        };
        if !found.iter().any(is_known) && renewed::report(object.file, &it, &found, facts, clock, &anew, findings) {
            continue;
        }
        if !found.iter().any(is_known) {
            findings.add_in("config-map-ca", object.file, &it, &values);
        } else if *lets_in && !found.iter().all(is_known) {
            findings.add_in("config-map-old-ca", object.file, &it, &values);
        } else {
            let mend = match *name {
                "cluster-info" => CLUSTER_INFO_OF_PHASE,
                "kube-root-ca.crt" => ROOT_CA,
                _ => API_SERVERS,
            };
            rotating::report(object.file, &it, &found, facts, mend, findings);
        }
    }
    let is_token = |object: &&Object<'_>| object.text(&["type"]) == Some("kubernetes.io/service-account-token");
    for object in objects.iter().filter(|object| object.kind == "Secret").filter(is_token) {
        let found = object.data("ca.crt").map(|content| of_pem(&content)).unwrap_or_default();
        let it = format!("{} in {}", object.title(), object.file);
        let is_other = !found.is_empty() && !found.iter().any(is_known);
        if is_other && !renewed::report(object.file, &it, &found, facts, clock, TOKEN, findings) {
            findings.add_in("secret-token-ca", object.file, &it, &[]);
        }
        rotating::report(object.file, &it, &found, facts, TOKEN, findings);
    }
}

fn of_pem(content: &[u8]) -> Vec<ReadCertificate> {
    read_pem(content).map(|contents| contents.certificates).unwrap_or_default()
}

fn of_kubeconfig(text: &str) -> Vec<ReadCertificate> {
    let clusters = Kubeconfig::read(text.as_bytes()).map(|read| read.clusters).unwrap_or_default();
    let inline = clusters.into_iter().filter_map(|cluster| match cluster.authority {
        Some(Held::Inline(content)) => Some(of_pem(&content)),
        _ => None,
    });
    inline.flatten().collect()
}
