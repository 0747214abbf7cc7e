//! Secrets with pairs that a server cannot load, under whatever names.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::common::{succeed, tool};
use crate::doctor::Node;
use crate::doctor::objects::{
    HOST, ca, changed, config_map, encrypted, good, joined, list, private, secret, serving, webhook,
};
use crate::planting::forge::{Forge, Key};

/// What the only finding says, in one line.
pub(crate) fn only(node: &Node, rule: &str) -> String {
    let findings = node.findings();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0]["rule"], rule);
    ["what", "why", "mend"].map(|key| findings[0][key].as_str().unwrap()).join("\n")
}

/// The Secret under the names that another program has for its values.
fn renamed(secret: &Value, names: [&str; 3]) -> Value {
    let mut renamed = secret.clone();
    let old = ["tls.crt", "tls.key", "ca.crt"];
    renamed["data"] = old.iter().zip(names).map(|(old, new)| (new.to_owned(), secret["data"][old].clone())).collect();
    renamed["type"] = "Opaque".into();
    renamed
}

/// ingress-nginx's kube-webhook-certgen, and those that name their files.
#[test]
fn secrets_with_other_names_are_held_against_webhooks() {
    let node = Node::control_plane(|_, _| {});
    for names in [
        ["cert", "key", "ca"],
        ["server.crt", "server.key", "ca.crt"],
        ["cert.pem", "key.pem", "ca.pem"],
        ["server.pem", "server-key.pem", "ca.pem"],
        ["tls.pem", "tls-key.pem", "ca.pem"],
        ["server-cert.pem", "server-key.pem", "ca-cert.pem"],
        ["crt.pem", "key.pem", "ca.pem"],
        ["dashboard.crt", "dashboard.key", "ca.crt"],
    ] {
        node.save(&list(&[webhook(Some(&ca(21))), renamed(&good(), names)]));
        assert_eq!(node.rules(), [].into(), "{names:?}");
        node.save(&list(&[webhook(Some(&ca(22))), renamed(&good(), names)]));
        let said = only(&node, "ca-bundle");
        let path = names[2].replace('.', r"\.");
        let take =
            format!("`CA=$(kubectl -n metallb-system get secret webhook-server-cert -o jsonpath='{{.data.{path}}}')`");
        assert!(said.contains(&take), "{said}");
        let mut broken = renamed(&good(), names);
        broken["data"][names[1]] = STANDARD.encode(private(32)).into();
        node.save(&list(&[broken]));
        let said = only(&node, "secret-key-pair");
        assert!(said.starts_with(&format!("{} of Secret metallb-system/webhook-server-cert", names[1])), "{said}");
        assert!(said.contains("`tls: private key does not match public key`"), "{said}");
    }
    // Something else that is called so: a key of SSH, and words.
    for (cert, key) in [
        (ca(21), "-----BEGIN OPENSSH PRIVATE KEY-----\nQUJD\n-----END OPENSSH PRIVATE KEY-----\n"),
        ("words".to_owned(), "x"),
    ] {
        node.save(&list(&[secret(&[("cert", &cert), ("key", key)])]));
        assert_eq!(node.rules(), [].into(), "{key}");
    }
}

/// Both the CA and the certificate that it signed are over: two findings, and none about what follows.
#[test]
fn a_secret_that_is_over_is_told_beside_its_ca() {
    let node = Node::control_plane(|_, _| {});
    let over = |leaf: &mut Forge, issuer: &mut Forge| {
        leaf.not_after = datetime!(2026-11-01 0:00 UTC);
        issuer.not_after = datetime!(2026-12-01 0:00 UTC);
    };
    let [webhook, secret] = changed(over);
    node.save(&list(&[webhook, renamed(&secret, ["cert", "key", "ca"])]));
    let findings = node.findings();
    let said: Vec<_> = findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert_eq!(said, ["expired", "expired"], "{findings:#?}");
}

/// One that was saved before `kubectl apply`, with the text as it is.
#[test]
fn plain_text_of_a_secret_is_read() {
    let node = Node::control_plane(|_, _| {});
    let leaf = serving(21, &[HOST], &Key::new(31));
    let plain = |key: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": { "name": "webhook-server-cert", "namespace": "metallb-system" },
            "stringData": { "tls.crt": leaf, "tls.key": key },
        })
    };
    node.save(&list(&[webhook(Some(&ca(21))), plain(&private(31))]));
    assert_eq!(node.rules(), [].into());
    node.save(&list(&[webhook(Some(&ca(21))), plain(&private(32))]));
    only(&node, "secret-key-pair");
    node.save(&list(&[webhook(Some(&ca(21))), plain("")]));
    only(&node, "secret-key-absent");
}

#[test]
fn a_name_in_two_namespaces_is_two_secrets() {
    let node = Node::control_plane(|_, _| {});
    let elsewhere = |mut secret: Value| {
        secret["metadata"]["namespace"] = "elsewhere".into();
        secret
    };
    let broken = || secret(&[("tls.crt", &serving(21, &[HOST], &Key::new(31))), ("tls.key", &private(32))]);
    node.save(&list(&[broken(), elsewhere(broken())]));
    let findings = node.findings();
    let whats: Vec<_> = findings.iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    let title = |namespace: &str| {
        format!("tls.key of Secret {namespace}/webhook-server-cert in objects.yaml is not the key of its tls.crt")
    };
    assert_eq!(whats, [title("metallb-system"), title("elsewhere")]);
    // The certificate for the service is a good one in another namespace, too, and signed by another CA.
    node.save(&list(&[webhook(Some(&ca(21))), elsewhere(changed(|_, _| {})[1].clone()), good()]));
    assert_eq!(node.rules(), [].into());
}

#[test]
fn halves_that_cannot_be_loaded_are_told_in_the_words_of_go() {
    let node = Node::control_plane(|_, _| {});
    let leaf = serving(21, &[HOST], &Key::new(31));
    let broken = "-----BEGIN EC PRIVATE KEY-----\nQUJD\n-----END EC PRIVATE KEY-----\n";
    for (crt, key, rule, half, error) in [
        (
            private(31),
            leaf.clone(),
            "secret-broken",
            "tls.crt",
            "did find a private key; PEM inputs may have been switched",
        ),
        (
            leaf.clone(),
            ca(21),
            "secret-broken",
            "tls.key",
            "tls: found a certificate rather than a key in the PEM for the private key",
        ),
        (leaf.clone(), broken.to_owned(), "secret-broken", "tls.key", "tls: failed to parse private key"),
        (leaf.clone(), "words".to_owned(), "secret-broken", "tls.key", "tls: failed to find any PEM data in key input"),
        (
            STANDARD.encode(&leaf),
            private(31),
            "secret-broken",
            "tls.crt",
            "tls: failed to find any PEM data in certificate input",
        ),
        (leaf.replace('M', "N"), private(31), "secret-broken", "tls.crt", "x509: malformed certificate"),
        (leaf.clone(), encrypted(31), "secret-encrypted", "tls.key", "tls: failed to parse private key"),
        (leaf.clone(), joined(&private(31), &leaf), "pem-joined", "tls.key", "tls: failed to find any PEM data"),
    ] {
        node.save(&list(&[secret(&[("tls.crt", &crt), ("tls.key", &key)])]));
        let said = only(&node, rule);
        assert!(said.contains(&format!("{half} of Secret metallb-system/webhook-server-cert")), "{said}");
        assert!(said.contains(error), "{error}: {said}");
    }
}

/// A curve that OpenSSL knows and Go does not, with an Ingress beside it.
#[test]
fn a_curve_that_go_does_not_know_is_told() {
    let node = Node::control_plane(|_, _| {});
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut request = tool("openssl");
    request.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:secp256k1",
        "-nodes",
        "-subj",
        "/CN=x",
    ]);
    request.args(["-days", "30000", "-addext", "subjectAltName=DNS:x.lab", "-keyout"]);
    succeed(request.arg(at("key")).arg("-out").arg(at("crt")));
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    node.save(&list(&[secret(&[("tls.crt", &text("crt")), ("tls.key", &text("key"))])]));
    let said = only(&node, "secret-broken");
    assert!(said.contains("`x509: unsupported elliptic curve`") && said.contains("prime256v1"), "{said}");
}

#[test]
fn what_is_encoded_twice_is_said() {
    let node = Node::control_plane(|_, _| {});
    let twice = |text: &str| STANDARD.encode(text);
    let chain = serving(21, &[HOST], &Key::new(31));
    node.save(&list(&[secret(&[("tls.crt", &twice(&chain)), ("tls.key", &twice(&private(31)))])]));
    only(&node, "secret-broken");
    let findings = node.findings();
    assert!(findings[0]["mend"].as_str().unwrap().starts_with("it is base64 twice; once is right: "), "{findings:?}");
}

/// In whatever object and place.
#[test]
fn joined_lines_are_told_wherever_they_stand() {
    let node = Node::control_plane(|_, _| {});
    let both = joined(&ca(21), &ca(22));
    node.save(&list(&[config_map("a", "trust", "ca-bundle.crt", &both)]));
    let said = only(&node, "pem-joined");
    assert!(said.starts_with("in ca-bundle.crt of ConfigMap a/trust in objects.yaml"), "{said}");
    assert!(said.contains("programs in Go find 0 of its 2 blocks"), "{said}");
    // The leaf is found, and those above it are not.
    let chain = ca(23) + &both;
    node.save(&list(&[secret(&[("tls.crt", &chain)])]));
    assert!(only(&node, "pem-joined").contains("programs in Go find 1 of its 3 blocks"));
    node.save(&list(&[secret(&[("root-cert.pem", &both)])]));
    only(&node, "pem-joined");
    node.save(&list(&[webhook(Some(&both)), good()]));
    let said = only(&node, "ca-bundle-encoding");
    assert!(said.contains("`unable to load root certificates: unable to parse bytes as PEM block`"), "{said}");
    assert!(said.contains(r"`sed -i 's/----------BEGIN /-----\n-----BEGIN /g' CA.crt` parts the lines"), "{said}");
    // No line break at the very end is no fault.
    node.save(&list(&[webhook(Some(ca(21).trim_end())), good(), config_map("a", "trust", "x", ca(21).trim_end())]));
    assert_eq!(node.rules(), [].into());
}

/// A certificate that Go reads and that nobody here does: a name of a kind that nothing uses (x400Address).
#[test]
fn a_certificate_that_nobody_here_reads_is_not_called_wrong() {
    let node = Node::control_plane(|_, _| {});
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("key"), private(31)).unwrap();
    let mut request = tool("openssl");
    request.args([
        "req",
        "-x509",
        "-subj",
        "/CN=x",
        "-days",
        "30000",
        "-addext",
        "2.5.29.17=DER:3009A3008205782E6C6162",
        "-key",
    ]);
    succeed(request.arg(at("key")).arg("-out").arg(at("crt")));
    let certificate = std::fs::read_to_string(at("crt")).unwrap();
    node.save(&list(&[secret(&[("tls.crt", &certificate), ("tls.key", &private(31))])]));
    let said = only(&node, "object-unchecked");
    let what = "tls.crt of Secret metallb-system/webhook-server-cert in objects.yaml was not judged\n";
    assert!(said.starts_with(what), "{said}");
}

/// Go reads a key on P-224, and no library of ours does.
#[test]
fn a_key_that_nobody_here_reads_is_not_called_broken() {
    let node = Node::control_plane(|_, _| {});
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for conversion in ["pkcs8", "ec"] {
        let mut request = tool("openssl");
        request.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-224",
            "-nodes",
            "-subj",
            "/CN=x",
        ]);
        succeed(request.args(["-days", "30000", "-keyout"]).arg(at("key")).arg("-out").arg(at("crt")));
        let mut convert = tool("openssl");
        convert.args([conversion].iter().chain(if conversion == "ec" { &[][..] } else { &["-topk8", "-nocrypt"] }));
        let key = succeed(convert.arg("-in").arg(at("key")));
        let certificate = std::fs::read_to_string(at("crt")).unwrap();
        node.save(&list(&[secret(&[("tls.crt", &certificate), ("tls.key", &key)])]));
        let said = only(&node, "object-unchecked");
        assert!(said.contains("cannot be judged: a private key on the curve P-224"), "{said}");
    }
}

/// A CA that a server in the cluster signs with, as Istio's.
#[test]
fn the_pair_of_a_ca_is_judged_too() {
    let node = Node::control_plane(|_, _| {});
    let names = ["ca-cert.pem", "ca-key.pem", "root-cert.pem"];
    let of_ca =
        |key: u8| renamed(&secret(&[("tls.crt", &ca(21)), ("tls.key", &private(key)), ("ca.crt", &ca(21))]), names);
    node.save(&list(&[of_ca(21)]));
    assert_eq!(node.rules(), [].into());
    node.save(&list(&[of_ca(22)]));
    assert!(only(&node, "secret-key-pair").starts_with("ca-key.pem of Secret metallb-system/webhook-server-cert"));
}
