//! MetalLB's Secret, as its rotator keeps it and as it does not.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::kubernetes::Purpose;
use certferry::x509::oid;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::common::{run, succeed, tool};
use crate::doctor::Node;
use crate::doctor::objects::{HOST, good, list, private, secret, webhook};
use crate::planting::change::{Change, EC_KEY};
use crate::planting::forge::{Forge, Key, names, pem};

/// Two RSA keys in PKCS#1.
static RSA: LazyLock<[String; 2]> =
    LazyLock::new(|| [(); 2].map(|()| succeed(tool("openssl").args(["genrsa", "-traditional", "2048"]))));

/// What a Secret is made of.
struct Kept {
    ca: Forge,
    ca_key: Key,
    /// In `ca.key`.
    ca_key_pem: String,
    server: Forge,
    /// Who signs the server's certificate.
    signer: Option<(Forge, Key)>,
}

/// The Secret as it should be, changed.
fn kept(change: impl FnOnce(&mut Kept)) -> Value {
    let ca_key = Key::rsa(&RSA[0]);
    let mut ca = Forge::authority("cert", &ca_key);
    ca.name(&["metallb"], "cert");
    ca.alt_names = names(&["cert"]);
    let mut server = Forge::leaf(&[], HOST, &[oid::SERVER_AUTH], &Key::new(31));
    server.alt_names = names(&[HOST]);
    server.authority_key_identifier = ca.subject_key_identifier.clone();
    let mut kept = Kept { ca, ca_key, ca_key_pem: RSA[0].clone(), server, signer: None };
    change(&mut kept);
    let (issuer, issuer_key) = kept.signer.as_ref().map_or((&kept.ca, &kept.ca_key), |(forge, key)| (forge, key));
    secret(&[
        ("ca.crt", &pem(&kept.ca.sign(None, &kept.ca_key))),
        ("ca.key", &kept.ca_key_pem),
        ("tls.crt", &pem(&kept.server.sign(Some(&issuer.subject), issuer_key))),
        ("tls.key", &private(31)),
    ])
}

/// The Secret as it should be.
pub(crate) fn right() -> Value {
    kept(|_| {})
}

fn save(node: &Node, change: impl FnOnce(&mut Kept)) {
    node.save(&list(&[kept(change)]));
}

/// A value of a Secret.
fn plain(secret: &Value, key: &str) -> String {
    String::from_utf8(STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap()).unwrap()
}

/// The controller, with an argument more.
fn controller(argument: &str) -> Value {
    let container = json!({
        "name": "controller",
        "image": "registry.lab/metallb/controller:v0.13.12",
        "args": ["--port=7472", "--log-level=info", argument],
    });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "controller", "namespace": "metallb-system" },
        "spec": { "template": { "spec": { "containers": [container] } } },
    })
}

pub(crate) fn other_key(node: &Node) {
    save(node, |kept| kept.ca_key_pem = RSA[1].clone());
}

pub(crate) fn no_ca(node: &Node) {
    node.save(&list(&[good(), controller("--webhook-mode=enabled")]));
}

pub(crate) fn pkcs8(node: &Node) {
    let folder = tempfile::tempdir().unwrap();
    let key = crate::common::write(folder.path(), "key", &RSA[0], 0o600);
    let pkcs8 = succeed(tool("openssl").args(["pkcs8", "-topk8", "-nocrypt", "-in"]).arg(key));
    save(node, |kept| kept.ca_key_pem = pkcs8);
}

/// A fault of the table in the CA's certificate or the server's.
pub(crate) fn plant(node: &Node, purpose: Purpose, change: &Change) {
    save(node, |kept| {
        if change.ec {
            kept.ca_key = Key::new(EC_KEY);
            kept.ca_key_pem = private(EC_KEY);
        }
        change.apply(if purpose == Purpose::MetallbCa { &mut kept.ca } else { &mut kept.server });
        kept.signer = change.signed_by.as_deref().map(|name| (Forge::authority(name, &Key::new(40)), Key::new(40)));
    });
}

#[test]
fn what_the_rotator_keeps_is_well() {
    let node = Node::control_plane(|_, _| {});
    let secret = kept(|_| {});
    node.save(&list(&[webhook(Some(&plain(&secret, "ca.crt"))), secret, controller("--webhook-mode=enabled")]));
    assert_eq!(node.rules(), [].into());
    // To the day, with names besides, and a CA that ends its usages with more than it needs.
    save(&node, |kept| {
        kept.server.not_after = datetime!(2027-04-01 0:00 UTC);
        kept.server.add_name("webhook-service.metallb-system.svc.cluster.local");
        kept.ca.usages = Some(vec![oid::CLIENT_AUTH, oid::SERVER_AUTH]);
        kept.ca.not_after = datetime!(2027-04-01 0:00 UTC);
    });
    assert_eq!(node.rules(), [].into());
}

/// What the rotator itself makes: no subject key identifiers, serial numbers 0 and 1, a server that outlives its CA.
#[test]
fn what_the_rotator_makes_is_well() {
    let node = Node::control_plane(|_, _| {});
    save(&node, |kept| {
        (kept.ca.serial, kept.server.serial) = (vec![0], vec![1]);
        kept.ca.subject_key_identifier = None;
        kept.server.authority_key_identifier = None;
        kept.ca.not_after = datetime!(2027-06-01 0:00 UTC);
        kept.server.not_after = datetime!(2027-12-01 0:00 UTC);
    });
    assert_eq!(node.rules(), [].into());
}

/// Without rotation the Secret is what its owner wants, and before the controller's first start it is empty.
#[test]
fn what_is_not_rotated_is_nobodys_business() {
    let node = Node::control_plane(|_, _| {});
    for secret in [good(), kept(|kept| kept.ca.alt_names.clear())] {
        node.save(&list(&[secret, controller("--disable-cert-rotation=true")]));
        assert_eq!(node.rules(), [].into());
    }
    let empty =
        json!({ "kind": "Secret", "metadata": { "name": "webhook-server-cert", "namespace": "metallb-system" } });
    node.save(&list(&[empty, controller("--webhook-mode=enabled")]));
    assert_eq!(node.rules(), [].into());
    // Other operators call theirs the same.
    let mut other = kept(|kept| kept.ca.alt_names.clear());
    other["metadata"]["namespace"] = "elsewhere".into();
    node.save(&list(&[other]));
    assert_eq!(node.rules(), [].into());
}

/// Under another name, found by the service that MetalLB's webhooks call.
#[test]
fn a_secret_of_another_name_is_found_by_its_webhooks() {
    let node = Node::control_plane(|_, _| {});
    let mut renamed = kept(|kept| kept.ca.alt_names.clear());
    renamed["metadata"]["name"] = "mine".into();
    let bundle = plain(&renamed, "ca.crt");
    node.save(&list(&[webhook(Some(&bundle)), renamed]));
    assert_eq!(node.rules(), ["metallb-ca-name".to_owned()].into());
}

/// It names the CA, and another of the same name signed it.
#[test]
fn a_signature_of_another_ca_is_told() {
    let node = Node::control_plane(|_, _| {});
    save(&node, |kept| kept.signer = Some((kept.ca.clone(), Key::rsa(&RSA[1]))));
    assert_eq!(node.rules(), ["metallb-chain".to_owned()].into());
    save(&node, |kept| kept.ca_key_pem = String::from("nothing"));
    assert_eq!(node.rules(), ["metallb-ca-pkcs1".to_owned()].into());
    let mut broken = kept(|_| {});
    broken["data"]["ca.crt"] = "QUJD".into();
    node.save(&list(&[broken]));
    assert_eq!(node.rules(), ["metallb-ca-pair".to_owned()].into());
}

/// openssl agrees that the tests' Secret is a pair, a chain and a name.
#[test]
fn openssl_takes_what_the_rotator_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let secret = kept(|_| {});
    let file = |key: &str| {
        let content = plain(&secret, key);
        crate::common::write(folder.path(), key, &content, 0o600)
    };
    let verify = |file: &std::path::Path, name: &str| {
        let mut openssl = tool("openssl");
        openssl.args(["verify", "-purpose", "sslserver", "-attime", "1798761600", "-verify_hostname", name, "-CAfile"]);
        succeed(openssl.arg(folder.path().join("ca.crt")).arg(file))
    };
    let (ca_file, server) = (file("ca.crt"), file("tls.crt"));
    assert!(verify(&ca_file, "cert").ends_with(": OK\n"));
    assert!(verify(&server, HOST).ends_with(": OK\n"));
    let modulus = |command: &str, key: &str| {
        String::from_utf8(run(tool("openssl").args([command, "-noout", "-modulus", "-in"]).arg(file(key))).stdout)
            .unwrap()
    };
    assert_eq!(modulus("x509", "ca.crt"), modulus("rsa", "ca.key"));
}
