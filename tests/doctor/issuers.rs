//! cert-manager's issuers, Ingresses and the Secrets behind them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::x509::oid;
use serde_json::{Map, Value, json};
use time::macros::datetime;

use crate::doctor::Node;
use crate::doctor::objects::{authority, ca, list, private, serving};
use crate::planting::forge::{Forge, Key, names, pem};

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
pub(crate) fn intermediates() -> [String; 2] {
    let (root, root_key) = authority(21);
    let [first, second] = [("first", 41), ("second", 42)].map(|(name, key)| Forge::authority(name, &Key::new(key)));
    [pem(&first.sign(Some(&root.subject), &root_key)), pem(&second.sign(Some(&first.subject), &Key::new(41)))]
}

pub(crate) fn signing(namespace: &str, tls_crt: &str, key: u8, ca_crt: &str) -> Value {
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
pub(crate) fn shop(hosts: &[&str]) -> Value {
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

/// As `openssl ecparam -genkey` writes a key.
pub(crate) fn parameters_first(node: &Node) {
    node.save(&list(&[of_ca(), with_parameters()]));
}

fn with_parameters() -> Value {
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    tls_secret("cert-manager", "web-ca", &[("tls.crt", &ca(21)), ("tls.key", &(parameters.to_owned() + &private(21)))])
}

/// The intermediate below the CA 21, changed, and a certificate that it signed, changed, both in PEM.
pub(crate) fn issued(intermediate: impl FnOnce(&mut Forge), leaf: impl FnOnce(&mut Forge)) -> [String; 2] {
    let (root, root_key) = authority(21);
    let mut between = Forge::authority("first", &Key::new(41));
    intermediate(&mut between);
    let mut shop = Forge::leaf(&[], "shop", &[oid::SERVER_AUTH], &Key::new(31));
    shop.alt_names = names(&["shop.lab"]);
    leaf(&mut shop);
    [pem(&between.sign(Some(&root.subject), &root_key)), pem(&shop.sign(Some(&between.subject), &Key::new(41)))]
}

/// The Secret that cert-manager writes.
pub(crate) fn issued_secret([intermediate, leaf]: &[String; 2], ca_crt: &str) -> Value {
    let chain = leaf.clone() + intermediate;
    let mut secret =
        tls_secret("web", "shop-tls", &[("tls.crt", &chain), ("tls.key", &private(31)), ("ca.crt", ca_crt)]);
    secret["metadata"]["annotations"] =
        json!({ "cert-manager.io/issuer-name": "web", "cert-manager.io/issuer-kind": "ClusterIssuer" });
    secret
}

fn constrained(forge: &mut Forge) {
    forge.permitted = vec!["apps.lab".to_owned()];
}

/// cert-manager issued it all the same, for an Ingress.
pub(crate) fn outside(node: &Node) {
    let pair = issued(constrained, |_| {});
    let annotations = json!({ "cert-manager.io/cluster-issuer": "web" });
    let signing = signing("cert-manager", &pair[0], 41, &ca(21));
    node.save(&list(&[of_ca(), signing, ingress(&annotations, &["shop.lab"]), issued_secret(&pair, &ca(21))]));
}

fn certificate(hosts: &[&str]) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": { "name": "shop", "namespace": "web" },
        "spec": {
            "secretName": "shop-tls", "dnsNames": hosts, "ipAddresses": ["10.0.0.1"],
            "issuerRef": { "kind": "ClusterIssuer", "name": "web" },
        },
    })
}

/// Before anything was issued, or saved.
pub(crate) fn asked_outside(node: &Node) {
    let [intermediate, _] = issued(constrained, |_| {});
    let signing = signing("cert-manager", &intermediate, 41, &ca(21));
    node.save(&list(&[of_ca(), signing, certificate(&["shop.lab", "a.apps.lab", "*.other.lab"])]));
}

/// A CA below one that lets none stand below itself.
pub(crate) fn too_deep(node: &Node) {
    let [first, second] = below(Some(0));
    node.save(&list(&[of_ca(), signing("cert-manager", &(second + &first), 42, &ca(21))]));
}

pub(crate) fn below(path_length: Option<u8>) -> [String; 2] {
    let (root, root_key) = authority(21);
    let mut first = Forge::authority("first", &Key::new(41));
    first.path_length = path_length;
    let second = Forge::authority("second", &Key::new(42));
    [pem(&first.sign(Some(&root.subject), &root_key)), pem(&second.sign(Some(&first.subject), &Key::new(41)))]
}

pub(crate) fn outlives(node: &Node) {
    let pair = issued(|forge| forge.not_after = datetime!(2028-01-01 0:00 UTC), |_| {});
    node.save(&list(&[issued_secret(&pair, &ca(21))]));
}

/// As cert-manager 1.3 wrote it.
pub(crate) fn no_root(node: &Node) {
    let pair = issued(|_| {}, |_| {});
    node.save(&list(&[issued_secret(&pair, &pair[0])]));
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

fn whats(node: &Node) -> Vec<String> {
    node.findings().iter().map(|finding| finding["what"].as_str().unwrap().to_owned()).collect()
}

/// An Ingress is asked for once, whatever saved it: its Certificate, the Secret, itself.
#[test]
fn a_host_outside_is_told_once() {
    let node = Node::control_plane(|_, _| {});
    let pair = issued(constrained, |_| {});
    let by_issuer = json!({ "cert-manager.io/cluster-issuer": "web" });
    let signing = || signing("cert-manager", &pair[0], 41, &ca(21));
    let shop = ingress(&by_issuer, &["shop.lab"]);
    let wanted = "asks ClusterIssuer web for shop.lab, which the name constraints of its CA in Secret cert-manager/web-ca do \
                  not permit";
    node.save(&list(&[of_ca(), signing(), shop.clone()]));
    assert_eq!(whats(&node), [format!("Ingress web/shop in objects.yaml {wanted}")]);
    let mut certificate = certificate(&["shop.lab"]);
    node.save(&list(&[of_ca(), signing(), shop.clone(), certificate.clone()]));
    assert_eq!(whats(&node), [format!("Ingress web/shop in objects.yaml {wanted}")]);
    node.save(&list(&[of_ca(), signing(), certificate.clone(), shop.clone(), issued_secret(&pair, &ca(21))]));
    let told = "clients do not accept the certificate in tls.crt of Secret web/shop-tls in objects.yaml, though its ca.crt signed it";
    assert_eq!(whats(&node), [told]);
    // Inside, by another issuer, or by somebody else's of the same name.
    certificate["spec"]["dnsNames"] = json!(["apps.lab", "*.apps.lab"]);
    node.save(&list(&[of_ca(), signing(), certificate.clone()]));
    assert_eq!(node.rules(), [].into());
    certificate["spec"]["dnsNames"] = json!(["shop.lab"]);
    for (key, value) in [("name", "other"), ("kind", "Issuer"), ("group", "certmanager.step.sm")] {
        let mut other = certificate.clone();
        other["spec"]["issuerRef"][key] = value.into();
        node.save(&list(&[of_ca(), signing(), other]));
        assert_eq!(node.rules(), [].into(), "{key}");
    }
    let annotations =
        json!({ "cert-manager.io/cluster-issuer": "web", "cert-manager.io/issuer-group": "certmanager.step.sm" });
    node.save(&list(&[of_ca(), signing(), ingress(&annotations, &["shop.lab"])]));
    assert_eq!(node.rules(), [].into());
}

/// An issuer whose CA may sign for servers alone, as our own has by default.
#[test]
fn a_client_below_a_ca_for_servers_is_told() {
    let node = Node::control_plane(|_, _| {});
    let servers = |forge: &mut Forge| forge.usages = Some(vec![oid::SERVER_AUTH]);
    let client = issued(servers, |forge| forge.usages = Some(vec![oid::CLIENT_AUTH]));
    node.save(&list(&[issued_secret(&client, &ca(21))]));
    assert_eq!(node.rules(), ["secret-chain".to_owned()].into());
    let why = node.findings()[0]["why"].as_str().unwrap().to_owned();
    let error = "they say `x509: certificate specifies an incompatible key usage`; cert-manager looks at none of it, and says \
                 `Ready`";
    assert_eq!(why, error);
    for usages in [None, Some(vec![oid::SERVER_AUTH, oid::CLIENT_AUTH])] {
        node.save(&list(&[issued_secret(&issued(servers, |forge| forge.usages = usages), &ca(21))]));
        assert_eq!(node.rules(), [].into());
    }
}

/// A certificate below a CA that stands where no CA may stand, and one that brings the CA of its clients.
#[test]
fn a_leaf_too_deep_is_told_and_the_ca_of_clients_is_none_of_its() {
    let node = Node::control_plane(|_, _| {});
    for (path_length, expected) in [(Some(0), vec!["secret-chain".to_owned()]), (Some(1), vec![]), (None, vec![])] {
        let [first, second] = below(path_length);
        let mut leaf = Forge::leaf(&[], "shop", &[oid::SERVER_AUTH], &Key::new(31));
        leaf.alt_names = names(&["shop.lab"]);
        let (signer, signer_key) = (Forge::authority("second", &Key::new(42)), Key::new(42));
        let leaf = pem(&leaf.sign(Some(&signer.subject), &signer_key));
        node.save(&list(&[issued_secret(&[second + &first, leaf], &ca(21))]));
        assert_eq!(node.rules(), expected.into_iter().collect(), "{path_length:?}");
    }
    node.save(&list(&[tls_secret(
        "web",
        "shop-tls",
        &[("tls.crt", &serving(21, &["shop.lab"], &Key::new(31))), ("tls.key", &private(31)), ("ca.crt", &ca(22))],
    )]));
    assert_eq!(node.rules(), [].into());
}

/// The Secret says nothing of a CA, and its issuer is at hand: by the annotations, or by the Certificate.
#[test]
fn without_a_ca_beside_it_the_issuers_is_taken() {
    let node = Node::control_plane(|_, _| {});
    let pair = issued(constrained, |_| {});
    let signing = || signing("cert-manager", &pair[0], 41, &ca(21));
    let mut secret = issued_secret(&pair, "");
    node.save(&list(&[of_ca(), signing(), secret.clone()]));
    assert_eq!(node.rules(), ["secret-chain".to_owned()].into());
    secret["metadata"].as_object_mut().unwrap().remove("annotations");
    node.save(&list(&[of_ca(), signing(), secret.clone()]));
    assert_eq!(node.rules(), [].into());
    node.save(&list(&[of_ca(), signing(), secret, certificate(&["shop.lab"])]));
    assert_eq!(node.rules(), ["secret-chain".to_owned()].into());
}

/// What cert-manager does issue below a CA of ours is well.
#[test]
fn what_fits_its_issuer_is_well() {
    let node = Node::control_plane(|_, _| {});
    let pair = issued(
        |forge| (forge.permitted, forge.path_length) = (vec!["lab".to_owned()], Some(0)),
        |forge| forge.not_after = datetime!(2027-04-01 0:00 UTC),
    );
    let signing = signing("cert-manager", &pair[0], 41, &ca(21));
    let mut certificate = certificate(&["shop.lab"]);
    certificate["spec"].as_object_mut().unwrap().remove("ipAddresses");
    node.save(&list(&[of_ca(), signing, certificate, issued_secret(&pair, &ca(21))]));
    assert_eq!(node.rules(), [].into());
}

/// A cert-manager that reads on to the key says so itself.
#[test]
fn an_issuer_that_is_ready_has_read_its_key() {
    let node = Node::control_plane(|_, _| {});
    for (status, expected) in [("True", vec![]), ("False", vec!["issuer-key".to_owned()])] {
        let mut issuer = of_ca();
        issuer["status"] = json!({ "conditions": [{ "type": "Ready", "status": status }] });
        node.save(&list(&[issuer, with_parameters()]));
        assert_eq!(node.rules(), expected.into_iter().collect(), "{status}");
    }
    // A server in Go reads on, too.
    node.save(&list(&[with_parameters()]));
    assert_eq!(node.rules(), [].into());
}
