//! Each `mend:` about saved objects that is no command is done as it says, by hand, and the fault is gone.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::common::rights::{Right, lacks};
use crate::common::{succeed, tool};
use crate::doctor::objects::{HOST, ca, list, private, serving};
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node, issuers, metallb, objects, planted, recorded};
use crate::planting::PKI;
use crate::planting::forge::Key;

/// A fault, its rule, a part of what is advised, and what a person does then.
type Row = (fn(&Node), &'static str, &'static str, fn(&Path, &mut Vec<Value>));

fn set(secret: &mut Value, key: &str, text: &str) {
    secret["data"][key] = STANDARD.encode(text).into();
}

fn find<'a>(objects: &'a mut [Value], kind: &str) -> &'a mut Value {
    objects.iter_mut().find(|object| object["kind"] == kind).unwrap()
}

/// The rules of objects whose mend a person carries out. The others are commands, which `mends` runs.
const ROWS: [Row; 15] = [
    (objects::no_base64, "secret-encoding", "goes under `stringData`", |_, objects| {
        let secret = find(objects, "Secret");
        let text = secret["data"].as_object_mut().unwrap().remove("note").unwrap();
        secret["stringData"] = json!({ "note": text });
    }),
    (objects::other_service, "webhook-alt-name", "make its certificate anew with", |_, objects| {
        set(find(objects, "Secret"), "tls.crt", &serving(21, &[HOST], &Key::new(31)));
    }),
    (issuers::other_host, "ingress-host", "make its certificate anew with", |_, objects| {
        let hosts = ["shop.lab", "*.shop.lab", "a.b.shop.lab"];
        set(find(objects, "Secret"), "tls.crt", &serving(21, &hosts, &Key::new(31)));
    }),
    (issuers::no_ca, "issuer-no-ca", "the certificate of the CA that signs first", |_, objects| {
        let [first, _] = issuers::intermediates();
        let secret = find(objects, "Secret");
        set(secret, "tls.crt", &first);
        set(secret, "tls.key", &private(41));
    }),
    (issuers::other_root, "issuer-chain", "ca.crt the root alone", |_, objects| {
        set(find(objects, "Secret"), "ca.crt", &ca(21));
    }),
    (issuers::too_deep, "issuer-path-length", "made anew with a greater path length", |_, objects| {
        let [first, second] = issuers::below(Some(1));
        set(find(objects, "Secret"), "tls.crt", &(second + &first));
    }),
    (issuers::too_deep, "issuer-path-length", "itself and its key into the Secret", |_, objects| {
        let [first, _] = issuers::below(Some(0));
        let secret = find(objects, "Secret");
        set(secret, "tls.crt", &first);
        set(secret, "tls.key", &private(41));
    }),
    (issuers::asked_outside, "issuer-constraints", "name another issuer for these hosts", |_, objects| {
        find(objects, "Certificate")["spec"]["issuerRef"]["name"] = "another".into();
    }),
    (metallb::other_key, "metallb-ca-pair", "make the Secret anew as MetalLB wants it", |_, objects| {
        *find(objects, "Secret") = metallb::right();
    }),
    (metallb::no_ca, "metallb-ca-absent", "make the Secret anew as MetalLB wants it", |_, objects| {
        *find(objects, "Secret") = metallb::right();
    }),
    (metallb::pkcs8, "metallb-ca-pkcs1", "`openssl pkey -traditional -in ca.key -out pkcs1.key`", |desk, objects| {
        let secret = find(objects, "Secret");
        let key = STANDARD.decode(secret["data"]["ca.key"].as_str().unwrap()).unwrap();
        crate::common::write(desk, "ca.key", &String::from_utf8(key).unwrap(), 0o600);
        let mut openssl = tool("openssl");
        succeed(openssl.args(["pkey", "-traditional", "-in", "ca.key", "-out", "pkcs1.key"]).current_dir(desk));
        set(secret, "ca.key", &fs::read_to_string(desk.join("pkcs1.key")).unwrap());
    }),
    (objects::old_token, "secret-token-ca", "writes its --root-ca-file into every such Secret", |desk, objects| {
        let root_ca = fs::read_to_string(desk.join("root").join(PKI).join("ca.crt")).unwrap();
        set(find(objects, "Secret"), "ca.crt", &root_ca);
    }),
    (issuers::outlives, "issued-outlives", "or give the issuer a CA that lives longer", |_, objects| {
        let pair = issuers::issued(|_| {}, |forge| forge.not_after = datetime!(2027-12-01 0:00 UTC));
        *find(objects, "Secret") = issuers::issued_secret(&pair, &ca(21));
    }),
    (issuers::no_root, "issued-ca", "give clients the root itself", |_, objects| {
        set(find(objects, "Secret"), "ca.crt", &ca(21));
    }),
    (objects::no_bundle, "ca-bundle-missing", "write the CA that signs for", |_, objects| {
        let bundle = STANDARD.encode(ca(21));
        find(objects, "ValidatingWebhookConfiguration")["webhooks"][0]["clientConfig"]["caBundle"] = bundle.into();
    }),
];

#[test]
fn what_a_person_does_as_told_ends_the_fault() {
    for (plant, rule, advice, mend) in ROWS {
        let node = Node::control_plane(|_, _| {});
        plant(&node);
        let findings = node.findings();
        assert_eq!(findings.len(), 1, "{rule}: {findings:#?}");
        assert_eq!(findings[0]["rule"], rule);
        let told = findings[0]["mend"].as_str().unwrap();
        assert!(told.contains(advice), "{rule}: {told}");
        let desk = node.0.path();
        let saved: Value = serde_json::from_slice(&fs::read(desk.join("objects.yaml")).unwrap()).unwrap();
        let mut objects = saved["items"].as_array().unwrap().clone();
        mend(desk, &mut objects);
        node.save(&list(&objects));
        assert_eq!(node.rules(), [].into(), "{rule}: {told}");
    }
}

/// A Secret in another namespace, copied as the command and the words behind it say.
#[test]
fn a_copied_secret_and_an_annotation_taken_away_end_theirs() {
    let node = Node::control_plane(|_, _| {});
    let objects = |node: &Node| -> Vec<Value> {
        let saved: Value = serde_json::from_slice(&fs::read(node.0.path().join("objects.yaml")).unwrap()).unwrap();
        saved["items"].as_array().unwrap().clone()
    };
    issuers::other_namespace(&node);
    assert_eq!(node.rules(), ["issuer-namespace".to_owned()].into());
    let mut saved = objects(&node);
    let mut copy = find(&mut saved, "Secret").clone();
    copy["metadata"]["namespace"] = "cert-manager".into();
    saved.push(copy);
    node.save(&list(&saved));
    assert_eq!(node.rules(), [].into());

    issuers::acme_left(&node);
    let mend = node.findings()[0]["mend"].as_str().unwrap().trim_matches('`').to_owned();
    let mut saved = objects(&node);
    let annotations = find(&mut saved, "Ingress")["metadata"]["annotations"].as_object_mut().unwrap();
    // `kubectl annotate KIND NAME KEY-` takes the key away.
    for key in mend.split(' ').filter_map(|word| word.strip_suffix('-')) {
        assert!(annotations.remove(key).is_some(), "{key}");
    }
    node.save(&list(&saved));
    assert_eq!(node.rules(), [].into());
}

/// Of a node: what no command of ours or of the system does.
#[test]
fn so_does_what_a_person_does_on_a_node() {
    let mut done = Vec::new();
    for (flaw, node) in planted::nodes() {
        let mend = || node.findings()[0]["mend"].as_str().unwrap().to_owned();
        match flaw.rule {
            "missing-manifest" => {
                assert!(mend().starts_with("bring the manifest back"), "{}", mend());
                let name = "kube-scheduler.yaml";
                node.write(&format!("{MANIFESTS}/{name}"), recorded(name));
                node.set_mode(&format!("{MANIFESTS}/{name}"), 0o600);
            }
            "kubelet-inline" => {
                assert!(mend().contains("or set rotateCertificates: false in"), "{}", mend());
                node.replace(KUBELET_CONFIG, "rotateCertificates: true", "rotateCertificates: false");
            }
            "owner" => {
                let command = mend().trim_matches('`').replace(" /", &format!(" {}/", node.path("").display()));
                succeed(Command::new("sh").args(["-c", &command]));
            }
            _ => continue,
        }
        assert_eq!(node.rules(), [].into(), "{}", flaw.rule);
        done.push(flaw.rule);
    }
    let expected = ["owner", "missing-manifest", "kubelet-inline"];
    assert!(expected.iter().all(|rule| done.contains(rule) || *rule == "owner" && lacks(&[Right::Owners])), "{done:?}");
}
