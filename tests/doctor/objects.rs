//! Webhooks, Secrets and ConfigMaps that somebody saved, and faults in them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::x509::oid;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::common::{certferry, run, succeed, tool};
use crate::doctor::Node;
use crate::planting::forge::{Forge, Hash, Key, names, pem};
use crate::planting::{GENUINE, PKI};

/// A CA that a webhook uses.
pub(crate) fn authority(number: u8) -> (Forge, Key) {
    let key = Key::new(number);
    (Forge::authority("webhooks", &key), key)
}

/// A certificate in PEM for hosts, signed by that CA.
pub(crate) fn serving(number: u8, hosts: &[&str], key: &Key) -> String {
    let (issuer, issuer_key) = authority(number);
    let mut leaf = Forge::leaf(&[], "webhook", &[oid::SERVER_AUTH], key);
    leaf.alt_names = names(hosts);
    leaf.authority_key_identifier = issuer.subject_key_identifier.clone();
    pem(&leaf.sign(Some(&issuer.subject), &issuer_key))
}

pub(crate) fn ca(number: u8) -> String {
    let (forge, key) = authority(number);
    pem(&forge.sign(None, &key))
}

/// The private key of [`Key::new`], as anybody's library writes it.
pub(crate) fn private(number: u8) -> String {
    let key = p256::SecretKey::from_slice(&[number; 32]).unwrap();
    key.to_sec1_pem(der::pem::LineEnding::LF).unwrap().to_string()
}

pub(crate) fn secret(data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into())).collect();
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "webhook-server-cert", "namespace": "metallb-system" }, "data": data })
}

pub(crate) fn webhook(bundle: Option<&str>) -> Value {
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

pub(crate) fn list(items: &[Value]) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

pub(crate) const HOST: &str = "webhook-service.metallb-system.svc";

/// The Secret as it should be.
pub(crate) fn good() -> Value {
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

pub(crate) fn no_key(node: &Node) {
    let mut secret = secret(&[("tls.crt", &serving(21, &[HOST], &Key::new(31)))]);
    secret["type"] = "kubernetes.io/tls".into();
    node.save(&list(&[secret]));
}

pub(crate) fn other_key(node: &Node) {
    let leaf = serving(21, &[HOST], &Key::new(31));
    node.save(&list(&[secret(&[("tls.crt", &leaf), ("tls.key", &private(32))])]));
}

/// The CA before the certificate that it signed.
pub(crate) fn chain_reversed(node: &Node) {
    let chain = format!("{}{}", ca(21), serving(21, &[HOST], &Key::new(31)));
    node.save(&list(&[secret(&[("tls.crt", &chain), ("tls.key", &private(31))])]));
}

/// A value of a Secret under a name of its own.
pub(crate) fn no_base64(node: &Node) {
    let mut secret = good();
    secret["data"]["note"] = "not base64".into();
    node.save(&list(&[secret]));
}

/// Two files one behind the other, the first without a line break at its end.
pub(crate) fn joined(first: &str, second: &str) -> String {
    format!("{}{second}", first.trim_end())
}

pub(crate) fn one_line(node: &Node) {
    let leaf = serving(21, &[HOST], &Key::new(31));
    node.save(&list(&[secret(&[("tls.crt", &joined(&leaf, &ca(21))), ("tls.key", &private(31))])]));
}

/// A Secret whose certificate and issuer are changed, and a webhook that trusts the issuer.
pub(crate) fn changed(change: impl FnOnce(&mut Forge, &mut Forge)) -> [Value; 2] {
    let (mut issuer, issuer_key) = authority(21);
    let mut leaf = Forge::leaf(&[], "webhook", &[oid::SERVER_AUTH], &Key::new(31));
    leaf.alt_names = names(&[HOST]);
    change(&mut leaf, &mut issuer);
    let leaf = pem(&leaf.sign(Some(&issuer.subject), &issuer_key));
    let bundle = pem(&issuer.sign(None, &issuer_key));
    [webhook(Some(&bundle)), secret(&[("tls.crt", &leaf), ("tls.key", &private(31)), ("ca.crt", &bundle)])]
}

pub(crate) fn client_alone(node: &Node) {
    node.save(&list(&changed(|leaf, _| leaf.usages = Some(vec![oid::CLIENT_AUTH]))));
}

pub(crate) fn other_names(node: &Node) {
    node.save(&list(&changed(|_, issuer| issuer.permitted = vec!["example.com".to_owned()])));
}

pub(crate) fn sha1(node: &Node) {
    node.save(&list(&changed(|leaf, issuer| (leaf.hash, issuer.hash) = (Hash::Sha1, Hash::Sha1))));
}

/// Go 1.23 and later refuse a negative serial number.
pub(crate) fn negative_serial(node: &Node) {
    let [_, secret] = changed(|leaf, _| leaf.serial = vec![0x80, 1]);
    node.save(&list(&[secret]));
}

/// A key as `openssl pkey -aes256` writes it.
pub(crate) fn encrypted(number: u8) -> String {
    let folder = tempfile::tempdir().unwrap();
    let key = crate::common::write(folder.path(), "key", &private(number), 0o600);
    succeed(tool("openssl").args(["pkey", "-aes256", "-passout", "pass:x", "-in"]).arg(key))
}

pub(crate) fn encrypted_key(node: &Node) {
    let leaf = serving(21, &[HOST], &Key::new(31));
    node.save(&list(&[secret(&[("tls.crt", &leaf), ("tls.key", &encrypted(31))])]));
}

/// Go 1.23 and later find no CA in such a bundle.
pub(crate) fn negative_ca(node: &Node) {
    node.save(&list(&changed(|_, issuer| issuer.serial = vec![0x80, 1])[..1]));
}

/// An RSA key of 1024 bits that signs with SHA-384: no library of ours computes that.
pub(crate) fn odd_signature(node: &Node) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ca =
        ["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-sha384", "-days", "30000", "-subj", "/CN=odd", "-keyout"];
    succeed(tool("openssl").args(ca).arg(at("ca.key")).arg("-out").arg(at("ca.crt")));
    std::fs::write(at("leaf.key"), private(31)).unwrap();
    std::fs::write(at("san"), format!("subjectAltName=DNS:{HOST}\n")).unwrap();
    succeed(
        tool("openssl").args(["req", "-new", "-subj", "/CN=x", "-key"]).arg(at("leaf.key")).arg("-out").arg(at("csr")),
    );
    let mut sign = tool("openssl");
    sign.args(["x509", "-req", "-sha384", "-days", "30000", "-in"]).arg(at("csr")).arg("-extfile").arg(at("san"));
    succeed(sign.arg("-CA").arg(at("ca.crt")).arg("-CAkey").arg(at("ca.key")).arg("-out").arg(at("leaf.crt")));
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    node.save(&list(&[
        webhook(Some(&text("ca.crt"))),
        secret(&[("tls.crt", &text("leaf.crt")), ("tls.key", &private(31))]),
    ]));
}

pub(crate) fn old_token(node: &Node) {
    let [_, mut other] = GENUINE.clone();
    let old = String::from_utf8(other.tree("node/cp-1").get(&format!("{PKI}/ca.crt"))).unwrap();
    node.save(&list(&[token(&old)]));
}

fn token(ca: &str) -> Value {
    let mut secret = secret(&[("ca.crt", ca), ("token", "x")]);
    secret["type"] = "kubernetes.io/service-account-token".into();
    secret
}

pub(crate) fn config_map(namespace: &str, name: &str, key: &str, text: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace }, "data": { key: text } })
}

pub(crate) fn old_root_ca(node: &Node) {
    let [_, mut other] = GENUINE.clone();
    let old = String::from_utf8(other.tree("node/cp-1").get(&format!("{PKI}/ca.crt"))).unwrap();
    node.save(&list(&[config_map("default", "kube-root-ca.crt", "ca.crt", &old)]));
}

/// The first CA of the node's alone.
fn first_ca(node: &Node) -> String {
    let both = node.text(&format!("{PKI}/ca.crt"));
    let end = "-----END CERTIFICATE-----\n";
    both.split_inclusive(end).next().unwrap().to_owned()
}

pub(crate) fn one_root_ca(node: &Node) {
    node.save(&list(&[config_map("default", "kube-root-ca.crt", "ca.crt", &first_ca(node))]));
}

pub(crate) fn one_cluster_info(node: &Node) {
    let cluster =
        json!({ "server": "https://k8s.lab:6443", "certificate-authority-data": STANDARD.encode(first_ca(node)) });
    let kubeconfig = json!({ "kind": "Config", "apiVersion": "v1", "clusters": [{ "name": "", "cluster": cluster }] });
    node.save(&list(&[config_map("kube-public", "cluster-info", "kubeconfig", &kubeconfig.to_string())]));
}

pub(crate) fn kubeadm_certs(node: &Node) {
    let metadata = json!({ "name": "kubeadm-certs", "namespace": "kube-system" });
    let data = json!({ "ca.key": STANDARD.encode("encrypted") });
    node.save(&list(&[json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data })]));
}

pub(crate) fn two_client_cas(node: &Node) {
    let [_, mut other] = GENUINE.clone();
    let old = String::from_utf8(other.tree("node/cp-1").get(&format!("{PKI}/ca.crt"))).unwrap();
    let both = node.text(&format!("{PKI}/ca.crt")) + &old;
    node.save(&list(&[config_map("kube-system", "extension-apiserver-authentication", "client-ca-file", &both)]));
}

fn conversion(bundle: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "bgppeers.metallb.io" },
        "spec": { "conversion": { "strategy": "Webhook", "webhook": { "clientConfig": {
            "caBundle": STANDARD.encode(bundle),
            "service": { "name": "webhook-service", "namespace": "metallb-system" },
        } } } },
    })
}

/// As many webhooks as there are letters, each trusting the CA 21 (`r`, right) or 22 (`w`, wrong), or none (`-`).
fn webhooks(kinds: &str) -> Value {
    let mut all = webhook(None);
    let one = |(number, kind)| {
        let bundle = match kind {
            'r' => Some(ca(21)),
            'w' => Some(ca(22)),
            _ => None,
        };
        let mut one = webhook(bundle.as_deref())["webhooks"][0].take();
        one["name"] = format!("{number}.metallb.io").into();
        one
    };
    all["webhooks"] = kinds.chars().enumerate().map(one).collect();
    all
}

/// What, why and mend of the only finding.
fn only_finding(node: &Node) -> [String; 3] {
    let findings = node.findings();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    ["what", "why", "mend"].map(|key| findings[0][key].as_str().unwrap().to_owned())
}

/// What somebody searched for a day stands in one line.
#[test]
fn what_is_wrong_with_many_webhooks_is_said_once() {
    let node = Node::control_plane(|_, _| {});
    let of = "webhooks of ValidatingWebhookConfiguration metallb-webhook-configuration";
    let secret = "is not the CA that signed Secret metallb-system/webhook-server-cert";
    let conversion_of = "the conversion of CustomResourceDefinition bgppeers.metallb.io";
    node.save(&list(&[webhooks("wwrwww"), good(), conversion(&ca(22))]));
    let [what, why, mend] = only_finding(&node);
    assert_eq!(what, format!("the caBundle of 5 of 6 {of} and {conversion_of} in objects.yaml {secret}"));
    let begin = "the API server says `failed calling webhook \"0.metallb.io\"` and at the end of the line `x509: ";
    assert!(why.starts_with(begin), "{why}");
    let webhooks_patch = "`for i in 0 1 3 4 5; do kubectl patch validatingwebhookconfiguration \
                          metallb-webhook-configuration --type=json -p '[{\"op\":\"add\",\
                          \"path\":\"/webhooks/'$i'/clientConfig/caBundle\",\"value\":\"'$CA'\"}]'; done`";
    let conversion_patch = "`kubectl patch customresourcedefinition bgppeers.metallb.io --type=json -p '[{\"op\":\"add\",\
                            \"path\":\"/spec/conversion/webhook/clientConfig/caBundle\",\"value\":\"'$CA'\"}]'`";
    assert!(mend.ends_with(&format!("`, then {webhooks_patch}; {conversion_patch}")), "{mend}");
    node.save(&list(&[webhooks("www"), good()]));
    assert_eq!(only_finding(&node)[0], format!("the caBundle of all 3 {of} in objects.yaml {secret}"));
    node.save(&list(&[webhooks("--r"), good()]));
    assert_eq!(only_finding(&node)[0], format!("the caBundle of 2 of 3 {of} in objects.yaml is missing"));
    node.save(&list(&[webhooks("rwr"), good(), conversion(&ca(21))]));
    let one = format!("webhook 1.metallb.io of {}", of.trim_start_matches("webhooks of "));
    assert_eq!(only_finding(&node)[0], format!("the caBundle of {one} in objects.yaml {secret}"));
    // Two ways to be wrong are two findings.
    node.save(&list(&[webhooks("w-"), good()]));
    assert_eq!(node.rules(), ["ca-bundle", "ca-bundle-missing"].map(str::to_owned).into());
    node.save(&list(&[webhooks("rrrrrr"), good(), conversion(&ca(21))]));
    assert_eq!(node.rules(), [].into());
}

/// An object that was saved twice is not two.
#[test]
fn objects_of_two_files_are_held_against_each_other() {
    let node = Node::control_plane(|_, _| {});
    node.save(&list(&[webhooks("ww"), good()]));
    let more = node.0.path().join("more.yaml");
    std::fs::write(&more, list(&[webhooks("ww"), conversion(&ca(22))])).unwrap();
    let output = run(certferry()
        .current_dir(node.0.path())
        .args(["doctor", "root", "--at", crate::doctor::AT])
        .args(["--manifests", "objects.yaml", "--manifests", "more.yaml"]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.matches("problem: ").count(), 1, "{said}");
    let one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let both = "the caBundle of all 2 webhooks of ValidatingWebhookConfiguration metallb-webhook-configuration and the \
                conversion of CustomResourceDefinition bgppeers.metallb.io in objects.yaml and more.yaml is not";
    assert!(one_line.contains(both), "{said}");
}

#[test]
fn what_fits_is_well() {
    let node = Node::control_plane(|_, _| {});
    let own = node.text(&format!("{PKI}/ca.crt"));
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
        conversion(&ca(21)),
        lax,
        local,
        config_map("default", "kube-root-ca.crt", "ca.crt", &own),
        config_map("kube-public", "cluster-info", "kubeconfig", &kubeconfig),
        config_map("kube-system", "extension-apiserver-authentication", "client-ca-file", &own),
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "token", "namespace": "a" }, "data": { "token": "QUJD" } }),
        token(&own),
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
        command.args(["doctor", "empty", "--at", crate::doctor::AT, "--manifests", manifests, "-o", "json"]);
        let output = run(command.current_dir(folder.path()));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap(), output.status.code())
    };
    let (stdout, stderr, code) = doctor("saved");
    assert!(stderr.contains("\"error\": \"1 problem\"") && code == Some(1), "{stderr}");
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
    let secret = "Secret metallb-system/metallb-webhook-cert";
    assert_eq!(
        said,
        [
            &json!(format!(
                "the caBundle of webhook bgppeersvalidationwebhook.metallb.io of ValidatingWebhookConfiguration \
             metallb-webhook-configuration and the conversion of CustomResourceDefinition bgppeers.metallb.io in {file} is \
             not the CA that signed {secret}"
            )),
            // Whoever made it took the default of a newer library.
            &json!(format!("ca.crt of {secret} in {file} has a key that is not RSA, the only kind that MetalLB reads")),
        ]
    );
    let mend = document["findings"][0]["mend"].as_str().unwrap();
    assert!(mend.contains("/webhooks/1/clientConfig/caBundle"), "{mend}");
    assert!(mend.contains("/spec/conversion/webhook/clientConfig/caBundle"), "{mend}");
}
