//! Webhooks, Secrets and ConfigMaps that somebody saved, and faults in them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::x509::oid;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::Node;
use crate::common::{certferry, run};
use crate::planting::forge::{Forge, Key, names, pem};
use crate::planting::{GENUINE, PKI};

/// A CA that a webhook uses.
fn authority(number: u8) -> (Forge, Key) {
    let key = Key::new(number);
    (Forge::authority("webhooks", &key), key)
}

/// A certificate in PEM for hosts, signed by that CA.
fn serving(number: u8, hosts: &[&str], key: &Key) -> String {
    let (issuer, issuer_key) = authority(number);
    let mut leaf = Forge::leaf(&[], "webhook", &[oid::SERVER_AUTH], key);
    leaf.alt_names = names(hosts);
    leaf.authority_key_identifier = issuer.subject_key_identifier.clone();
    pem(&leaf.sign(Some(&issuer.subject), &issuer_key))
}

fn ca(number: u8) -> String {
    let (forge, key) = authority(number);
    pem(&forge.sign(None, &key))
}

/// The private key of [`Key::new`], as anybody's library writes it.
fn private(number: u8) -> String {
    let key = p256::SecretKey::from_slice(&[number; 32]).unwrap();
    key.to_sec1_pem(der::pem::LineEnding::LF).unwrap().to_string()
}

fn secret(data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into())).collect();
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "webhook-server-cert", "namespace": "metallb-system" }, "data": data })
}

fn webhook(bundle: Option<&str>) -> Value {
    let mut config =
        json!({ "service": { "name": "webhook-service", "namespace": "metallb-system", "path": "/validate" } });
    if let Some(bundle) = bundle {
        config["caBundle"] = STANDARD.encode(bundle).into();
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "metallb-webhook-configuration" },
        "webhooks": [{ "name": "bgppeers.metallb.io", "clientConfig": config }],
    })
}

fn list(items: &[Value]) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

const HOST: &str = "webhook-service.metallb-system.svc";

/// The Secret as it should be.
fn good() -> Value {
    secret(&[("tls.crt", &serving(21, &[HOST], &Key::new(31))), ("tls.key", &private(31)), ("ca.crt", &ca(21))])
}

pub(crate) fn other_ca(node: &Node) {
    node.save(&list(&[webhook(Some(&ca(22))), good()]));
}

pub(crate) fn not_pem(node: &Node) {
    let mut webhook = webhook(None);
    webhook["webhooks"][0]["clientConfig"]["caBundle"] = STANDARD.encode(STANDARD.encode(ca(21))).into();
    node.save(&list(&[webhook, good()]));
}

pub(crate) fn no_bundle(node: &Node) {
    node.save(&list(&[webhook(None), good()]));
}

/// The cluster's CA of another seed.
pub(crate) fn old_cluster_ca(node: &Node) {
    let [_, mut other] = GENUINE.clone();
    let old = other.tree("node/cp-1").get(&format!("{PKI}/ca.crt"));
    let service = json!({ "name": "metrics-server", "namespace": "kube-system" });
    node.save(&list(&[json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": { "name": "v1beta1.metrics.k8s.io" },
        "spec": { "service": service, "caBundle": STANDARD.encode(old) },
    })]));
}

pub(crate) fn other_service(node: &Node) {
    let leaf = serving(21, &["metallb-webhook-service.metallb-system.svc"], &Key::new(31));
    node.save(&list(&[webhook(Some(&ca(21))), secret(&[("tls.crt", &leaf), ("tls.key", &private(31))])]));
}

pub(crate) fn broken_secret(node: &Node) {
    node.save(&list(&[secret(&[("tls.crt", "nothing")])]));
}

pub(crate) fn other_key(node: &Node) {
    let leaf = serving(21, &[HOST], &Key::new(31));
    node.save(&list(&[secret(&[("tls.crt", &leaf), ("tls.key", &private(32))])]));
}

fn config_map(namespace: &str, name: &str, key: &str, text: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace }, "data": { key: text } })
}

pub(crate) fn old_root_ca(node: &Node) {
    let [_, mut other] = GENUINE.clone();
    let old = String::from_utf8(other.tree("node/cp-1").get(&format!("{PKI}/ca.crt"))).unwrap();
    node.save(&list(&[config_map("default", "kube-root-ca.crt", "ca.crt", &old)]));
}

pub(crate) fn two_client_cas(node: &Node) {
    let [_, mut other] = GENUINE.clone();
    let old = String::from_utf8(other.tree("node/cp-1").get(&format!("{PKI}/ca.crt"))).unwrap();
    let both = node.text(&format!("{PKI}/ca.crt")) + &old;
    node.save(&list(&[config_map("kube-system", "extension-apiserver-authentication", "client-ca-file", &both)]));
}

#[test]
fn what_fits_is_well() {
    let node = Node::control_plane(|_, _| {});
    let own = node.text(&format!("{PKI}/ca.crt"));
    let conversion = |strategy: &str| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": "bgppeers.metallb.io" },
            "spec": { "conversion": { "strategy": strategy, "webhook": { "clientConfig": {
                "caBundle": STANDARD.encode(ca(21)),
                "service": { "name": "webhook-service", "namespace": "metallb-system" },
            } } } },
        })
    };
    let lax = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": "lax" },
        "spec": { "service": { "name": "a", "namespace": "b" }, "insecureSkipTLSVerify": true },
    });
    let local = json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": "local" }, "spec": {} });
    let kubeconfig = node.text("etc/kubernetes/admin.conf");
    node.save(&list(&[
        // While a CA is replaced there are two.
        webhook(Some(&(ca(22) + &ca(21)))),
        good(),
        conversion("Webhook"),
        lax,
        local,
        config_map("default", "kube-root-ca.crt", "ca.crt", &own),
        config_map("kube-public", "cluster-info", "kubeconfig", &kubeconfig),
        config_map("kube-system", "extension-apiserver-authentication", "client-ca-file", &own),
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "token", "namespace": "a" }, "data": { "token": "QUJD" } }),
    ]));
    assert_eq!(node.rules(), [].into());
}

/// An intermediate between the CA and the certificate.
#[test]
fn a_chain_in_the_secret_is_followed() {
    let node = Node::control_plane(|_, _| {});
    let (root, root_key) = authority(21);
    let intermediate_key = Key::new(40);
    let mut intermediate = Forge::authority("between", &intermediate_key);
    intermediate.authority_key_identifier = root.subject_key_identifier.clone();
    let mut leaf = Forge::leaf(&[], "webhook", &[oid::SERVER_AUTH], &Key::new(31));
    leaf.alt_names = names(&[HOST]);
    let leaf = pem(&leaf.sign(Some(&intermediate.subject), &intermediate_key));
    let chain = leaf.clone() + &pem(&intermediate.sign(Some(&root.subject), &root_key));
    node.save(&list(&[webhook(Some(&ca(21))), secret(&[("tls.crt", &chain)])]));
    assert_eq!(node.rules(), [].into());
    node.save(&list(&[webhook(Some(&ca(21))), secret(&[("tls.crt", &leaf)])]));
    assert_eq!(node.rules(), ["ca-bundle".to_owned()].into());
}

#[test]
fn dates_of_bundles_and_secrets_are_told() {
    let node = Node::control_plane(|_, _| {});
    let (mut old, key) = authority(21);
    old.not_after = datetime!(2026-12-01 0:00 UTC);
    let mut leaf = Forge::leaf(&[], "webhook", &[oid::SERVER_AUTH], &Key::new(31));
    leaf.alt_names = names(&[HOST]);
    leaf.not_after = datetime!(2027-01-02 0:00 UTC);
    let leaf = pem(&leaf.sign(Some(&old.subject), &key));
    node.save(&list(&[webhook(Some(&pem(&old.sign(None, &key)))), secret(&[("tls.crt", &leaf)])]));
    let said: Vec<_> = node.findings().iter().map(|finding| finding["what"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        said,
        [
            "caBundle of webhook bgppeers.metallb.io of ValidatingWebhookConfiguration metallb-webhook-configuration in \
             objects.yaml ended at 2026-12-01T00:00:00Z",
            "Secret metallb-system/webhook-server-cert in objects.yaml ends at 2027-01-02T00:00:00Z, in 1 day",
        ]
    );
}

/// A certificate of the time when a common name was enough.
#[test]
fn a_certificate_without_names_is_told_in_the_words_of_go() {
    let node = Node::control_plane(|_, _| {});
    let (issuer, issuer_key) = authority(21);
    let leaf = Forge::leaf(&[], HOST, &[oid::SERVER_AUTH], &Key::new(31));
    let leaf = pem(&leaf.sign(Some(&issuer.subject), &issuer_key));
    node.save(&list(&[webhook(Some(&ca(21))), secret(&[("tls.crt", &leaf)])]));
    assert_eq!(node.rules(), ["webhook-alt-name".to_owned()].into());
    let error = "x509: certificate relies on legacy Common Name field, use SANs instead";
    assert!(node.findings()[0]["why"].as_str().unwrap().contains(error));
}

/// Without a node, and from every form in which objects are saved.
#[test]
fn objects_alone_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("saved")).unwrap();
    std::fs::create_dir(path("empty")).unwrap();
    // Each document by itself, as files of a folder: YAML takes JSON.
    let documents = format!("---\n{}\n---\n{}\n", webhook(Some(&ca(22))), good());
    for (name, text) in
        [("saved/a.yaml", documents.as_str()), ("saved/b.json", &list(&[good()])), ("saved/c.txt", "no: [")]
    {
        std::fs::write(path(name), text).unwrap();
    }
    let doctor = |manifests: &str| {
        let mut command = certferry();
        command.args(["doctor", "empty", "--at", crate::AT, "--manifests", manifests, "-o", "json"]);
        let output = run(command.current_dir(folder.path()));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap(), output.status.code())
    };
    let (stdout, stderr, code) = doctor("saved");
    assert_eq!((stderr.as_str(), code), ("error: 1 problem\n", Some(1)));
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["looked_at"]["objects"], 3);
    assert_eq!(document["findings"][0]["file"], "saved/a.yaml");
    assert_eq!(document["findings"][0]["rule"], "ca-bundle");
}

/// As `kubectl get -o yaml` prints it: of three that trust a CA, two trust an old one.
#[test]
fn what_kubectl_prints_is_read() {
    let saved = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/saved");
    let node = Node::control_plane(|_, _| {});
    let output = node.run(&["--manifests", saved.join("metallb.yaml").to_str().unwrap(), "-o", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said: Vec<_> = document["findings"].as_array().unwrap().iter().map(|finding| &finding["what"]).collect();
    let file = saved.join("metallb.yaml").display().to_string();
    let secret = "is not the CA that signed Secret metallb-system/metallb-webhook-cert";
    assert_eq!(
        said,
        [
            &json!(format!(
                "the caBundle of webhook bgppeersvalidationwebhook.metallb.io of ValidatingWebhookConfiguration \
                 metallb-webhook-configuration in {file} {secret}"
            )),
            &json!(format!(
                "the caBundle of the conversion of CustomResourceDefinition bgppeers.metallb.io in {file} {secret}"
            )),
        ]
    );
    let patches: Vec<_> =
        document["findings"].as_array().unwrap().iter().map(|finding| finding["mend"].as_str().unwrap()).collect();
    assert!(patches[0].contains("/webhooks/1/clientConfig/caBundle"), "{patches:?}");
    assert!(patches[1].contains("/spec/conversion/webhook/clientConfig/caBundle"), "{patches:?}");
}
