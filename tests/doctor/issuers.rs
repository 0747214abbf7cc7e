//! cert-manager's issuers, Ingresses and the Secrets behind them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::doctor::Node;
use crate::doctor::objects::{authority, ca, list, private, serving};
use crate::planting::forge::{Forge, Key, pem};

fn tls_secret(namespace: &str, name: &str, data: &[(&str, &str)]) -> Value {
    let data: Map<String, Value> =
        data.iter().map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into())).collect();
    let metadata = json!({ "name": name, "namespace": namespace });
    json!({ "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data })
}

fn cluster_issuer(spec: &Value) -> Value {
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": { "name": "web" }, "spec": spec })
}

fn of_ca() -> Value {
    cluster_issuer(&json!({ "ca": { "secretName": "web-ca" } }))
}

/// The intermediate below the CA 21, and the intermediate below that, in PEM.
fn intermediates() -> [String; 2] {
    let (root, root_key) = authority(21);
    let [first, second] = [("first", 41), ("second", 42)].map(|(name, key)| Forge::authority(name, &Key::new(key)));
    [pem(&first.sign(Some(&root.subject), &root_key)), pem(&second.sign(Some(&first.subject), &Key::new(41)))]
}

fn signing(namespace: &str, tls_crt: &str, key: u8, ca_crt: &str) -> Value {
    tls_secret(namespace, "web-ca", &[("tls.crt", tls_crt), ("tls.key", &private(key)), ("ca.crt", ca_crt)])
}

fn ingress(annotations: &Value, hosts: &[&str]) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": { "name": "shop", "namespace": "web", "annotations": annotations },
        "spec": { "tls": [{ "hosts": hosts, "secretName": "shop-tls" }] },
    })
}

/// The Secret of the Ingress.
fn shop(hosts: &[&str]) -> Value {
    tls_secret("web", "shop-tls", &[("tls.crt", &serving(21, hosts, &Key::new(31))), ("tls.key", &private(31))])
}

pub(crate) fn no_ca(node: &Node) {
    let leaf = serving(21, &["web.lab"], &Key::new(31));
    node.save(&list(&[of_ca(), signing("cert-manager", &leaf, 31, &ca(21))]));
}

pub(crate) fn other_root(node: &Node) {
    let [first, _] = intermediates();
    node.save(&list(&[of_ca(), signing("cert-manager", &first, 41, &ca(22))]));
}

pub(crate) fn other_namespace(node: &Node) {
    let [first, _] = intermediates();
    node.save(&list(&[of_ca(), signing("web", &first, 41, &ca(21))]));
}

pub(crate) fn other_host(node: &Node) {
    let hosts = ["shop.lab", "www.shop.lab", "a.b.shop.lab"];
    node.save(&list(&[ingress(&json!({}), &hosts), shop(&["shop.lab", "*.shop.lab"])]));
}

pub(crate) fn acme_left(node: &Node) {
    let annotations = json!({
        "acme.cert-manager.io/http01-edit-in-place": "true",
        "cert-manager.io/cluster-issuer": "web",
        "kubernetes.io/tls-acme": "true",
    });
    node.save(&list(&[of_ca(), ingress(&annotations, &["shop.lab"])]));
}

#[test]
fn chains_that_cert_manager_takes_are_well() {
    let node = Node::control_plane(|_, _| {});
    let [first, second] = intermediates();
    for (tls_crt, key, ca_crt) in [
        (&first, 41, ca(21)),
        (&first, 41, String::new()),
        (&(second.clone() + &first), 42, ca(21)),
        // The root among the others, twice; ca.crt with another behind the first.
        (&(second.clone() + &ca(21) + &first), 42, ca(21) + &ca(22)),
        (&ca(21), 21, ca(21)),
    ] {
        node.save(&list(&[of_ca(), signing("cert-manager", tls_crt, key, &ca_crt)]));
        assert_eq!(node.rules(), [].into());
    }
}

#[test]
fn chains_that_cert_manager_refuses_are_told() {
    let node = Node::control_plane(|_, _| {});
    let [first, second] = intermediates();
    for (tls_crt, key, ca_crt) in [
        // What is between is missing; a stranger; one that is below.
        (&second, 42, ca(21)),
        (&(first.clone() + &ca(22)), 41, ca(21)),
        (&(first.clone() + &second), 41, ca(21)),
    ] {
        node.save(&list(&[of_ca(), signing("cert-manager", tls_crt, key, &ca_crt)]));
        assert_eq!(node.rules(), ["issuer-chain".to_owned()].into());
    }
}

#[test]
fn an_issuers_secret_lies_beside_it() {
    let node = Node::control_plane(|_, _| {});
    let [first, _] = intermediates();
    let issuer = |kind: &str, group: &str| {
        json!({
            "apiVersion": format!("{group}/v1"), "kind": kind,
            "metadata": { "name": "web", "namespace": "web" }, "spec": { "ca": { "secretName": "web-ca" } },
        })
    };
    let saved = |issuer: Value, namespace: &str| {
        node.save(&list(&[issuer, signing(namespace, &first, 41, &ca(21))]));
        node.rules()
    };
    assert_eq!(saved(issuer("Issuer", "cert-manager.io"), "web"), [].into());
    assert_eq!(saved(issuer("Issuer", "cert-manager.io"), "cert-manager"), ["issuer-namespace".to_owned()].into());
    // Somebody else's issuer, and a Secret that was not saved.
    assert_eq!(saved(issuer("Issuer", "certmanager.step.sm"), "cert-manager"), [].into());
    node.save(&list(&[of_ca()]));
    assert_eq!(node.rules(), [].into());
}

#[test]
fn ingresses_that_fit_are_well() {
    let node = Node::control_plane(|_, _| {});
    let by_issuer = json!({ "cert-manager.io/cluster-issuer": "web" });
    let acme = json!({ "acme.cert-manager.io/http01-edit-in-place": "true", "cert-manager.io/cluster-issuer": "web" });
    let hosts = ["shop.lab", "www.shop.lab", "*.shop.lab"];
    for objects in [
        vec![of_ca(), ingress(&by_issuer, &hosts), shop(&["shop.lab", "*.shop.lab"])],
        // An issuer that does speak ACME, and one that is not at hand.
        vec![cluster_issuer(&json!({ "acme": { "server": "https://acme.lab/directory" } })), ingress(&acme, &[])],
        vec![ingress(&acme, &hosts)],
        // The Secret of another namespace is not its.
        vec![ingress(&json!({}), &hosts), {
            let mut other = shop(&["other.lab"]);
            other["metadata"]["namespace"] = "other".into();
            other
        }],
    ] {
        node.save(&list(&objects));
        assert_eq!(node.rules(), [].into(), "{objects:?}");
    }
}

/// What is told of an Ingress is what somebody can copy.
#[test]
fn what_is_left_of_acme_can_be_removed_as_written() {
    let node = Node::control_plane(|_, _| {});
    acme_left(&node);
    let mend = node.findings()[0]["mend"].as_str().unwrap().to_owned();
    let command =
        "`kubectl -n web annotate ingress shop acme.cert-manager.io/http01-edit-in-place- kubernetes.io/tls-acme-`";
    assert_eq!(mend, command);
}
