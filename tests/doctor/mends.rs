//! Each `mend:` about a Secret that is a command ends what it mends: it is run as printed, and the objects are looked
//! at again. `kubectl` is played by a script that keeps values in files.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::{succeed, tool};
use crate::doctor::objects::{HOST, authority, ca, list, private, serving, webhook};
use crate::doctor::{Node, issuers, objects};
use crate::planting::forge::{Forge, Key, names, pem};

/// Prints a value for `get -o jsonpath`, takes values from `patch --patch-file=/dev/stdin` and `patch -p`.
const KUBECTL: &str = r#"#!/bin/sh
set -eu
for argument; do
    case $argument in
    jsonpath=*)
        key=$(printf %s "$argument" | sed 's/^jsonpath={.data.//; s/}$//; s/\\//g')
        exec cat "values/$key" ;;
    --patch-file=/dev/stdin)
        sed 's/^{"data":{//; s/}}$//' | tr , '\n' | sed 's/"//g' | while IFS=: read -r key value || [ -n "$key" ]; do
            printf %s "$value" > "values/$key"
        done ;;
    '[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"'*)
        printf %s "$argument" | sed 's/.*"value":"//; s/".*//' > caBundle ;;
    esac
done
"#;

/// A Secret and perhaps the `caBundle` of a webhook, on a disk.
struct Cluster {
    node: Node,
    secret: Value,
    others: Vec<Value>,
}

impl Cluster {
    /// Of what a fault was planted with.
    fn of(plant: impl FnOnce(&Node)) -> Self {
        let node = Node::control_plane(|_, _| {});
        plant(&node);
        let saved: Value = serde_json::from_slice(&fs::read(node.0.path().join("objects.yaml")).unwrap()).unwrap();
        let (secrets, others): (Vec<Value>, Vec<Value>) =
            saved["items"].as_array().unwrap().iter().cloned().partition(|item| item["kind"] == "Secret");
        let [secret] = secrets.try_into().unwrap();
        let desk = node.0.path();
        fs::create_dir(desk.join("values")).unwrap();
        for (key, value) in secret["data"].as_object().unwrap() {
            fs::write(desk.join("values").join(key), value.as_str().unwrap()).unwrap();
        }
        fs::create_dir(desk.join("bin")).unwrap();
        crate::common::write(&desk.join("bin"), "kubectl", KUBECTL, 0o755);
        Self { node, secret, others }
    }

    fn desk(&self) -> &Path {
        self.node.0.path()
    }

    /// Writes what the cluster has now.
    fn save(&self) {
        let mut secret = self.secret.clone();
        for entry in fs::read_dir(self.desk().join("values")).unwrap() {
            let path = entry.unwrap().path();
            let key = path.file_name().unwrap().to_str().unwrap();
            secret["data"][key] = fs::read_to_string(&path).unwrap().into();
        }
        let mut items = self.others.clone();
        if let Ok(bundle) = fs::read_to_string(self.desk().join("caBundle")) {
            items[0]["webhooks"][0]["clientConfig"]["caBundle"] = bundle.into();
        }
        items.push(secret);
        self.node.save(&list(&items));
    }

    /// Runs every command of the only finding's mend, in the order in which they stand.
    fn mend(&self, rule: &str, change: impl FnOnce(String) -> String) {
        let findings = self.node.findings();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0]["rule"], rule);
        let mend = findings[0]["mend"].as_str().unwrap();
        let starts = ["kubectl ", "printf ", "CA=", "sed "];
        let commands: Vec<_> = mend
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| starts.iter().any(|start| word.starts_with(start)))
            .collect();
        assert!(!commands.is_empty(), "{mend}");
        let script = change(commands.join("\n"));
        let path = format!("{}:{}", self.desk().join("bin").display(), std::env::var("PATH").unwrap());
        succeed(Command::new("sh").args(["-euc", &script]).env("PATH", path).current_dir(self.desk()));
        self.save();
        assert_eq!(self.node.rules(), [].into(), "{script}");
    }

    fn file(&self, name: &str, content: &str) {
        crate::common::write(self.desk(), name, content, 0o600);
    }
}

/// The pair that the service should have, and its CA, in the files that a mend names.
fn with_files(cluster: &Cluster, ca_number: u8) {
    cluster.file("CRT", &serving(ca_number, &[HOST], &Key::new(31)));
    cluster.file("KEY", &private(31));
    cluster.file("CA.crt", &ca(ca_number));
}

#[test]
fn lines_are_parted() {
    Cluster::of(objects::one_line).mend("pem-joined", |script| script);
}

#[test]
fn a_key_is_decrypted() {
    let with_passphrase = |script: String| script.replace("openssl pkey", "openssl pkey -passin pass:x");
    Cluster::of(objects::encrypted_key).mend("secret-encrypted", with_passphrase);
}

#[test]
fn the_key_stands_alone() {
    Cluster::of(issuers::parameters_first).mend("issuer-key", |script| script);
}

#[test]
fn other_halves_are_written() {
    for (plant, rule) in [
        (objects::broken_secret as fn(&Node), "secret-broken"),
        (objects::other_key, "secret-key-pair"),
        (objects::chain_reversed, "secret-chain-order"),
        (objects::no_key, "secret-key-absent"),
        (objects::negative_serial, "secret-version"),
    ] {
        let cluster = Cluster::of(plant);
        with_files(&cluster, 21);
        cluster.mend(rule, |script| script);
    }
}

#[test]
fn a_bundle_is_written() {
    // From the Secret itself, and from a file.
    Cluster::of(objects::other_ca).mend("ca-bundle", |script| script);
    let cluster = Cluster::of(objects::not_pem);
    with_files(&cluster, 21);
    cluster.mend("ca-bundle-encoding", |script| script);
    let joined = |node: &Node| {
        let webhook = webhook(Some(&format!("{}{}", ca(22).trim_end(), ca(21))));
        node.save(&list(&[webhook, objects::good()]));
    };
    let cluster = Cluster::of(joined);
    cluster.file("CA.crt", &format!("{}{}", ca(22).trim_end(), ca(21)));
    cluster.mend("ca-bundle-encoding", |script| script);
}

#[test]
fn a_server_gets_a_certificate_that_the_api_server_takes() {
    for (plant, rule, ca_number) in [
        (objects::client_alone as fn(&Node), "webhook-certificate", 21),
        (objects::sha1, "webhook-certificate-version", 21),
        // Another CA, which the bundle has to name as well.
        (objects::other_names, "webhook-certificate", 23),
    ] {
        let cluster = Cluster::of(plant);
        with_files(&cluster, ca_number);
        cluster.mend(rule, |script| script);
    }
}

/// A chain that breaks the constraints of the CA beside it, in a Secret that nobody but its owner writes.
#[test]
fn a_chain_is_written_anew() {
    let outside = |node: &Node| {
        let (mut issuer, issuer_key) = authority(21);
        issuer.permitted = vec!["apps.lab".to_owned()];
        let mut leaf = Forge::leaf(&[], "shop", &[], &Key::new(31));
        leaf.alt_names = names(&["shop.lab"]);
        let leaf = pem(&leaf.sign(Some(&issuer.subject), &issuer_key));
        let issuer = pem(&issuer.sign(None, &issuer_key));
        let data = [("tls.crt", leaf), ("tls.key", private(31)), ("ca.crt", issuer)];
        let data: serde_json::Map<String, Value> =
            data.into_iter().map(|(key, value)| (key.to_owned(), STANDARD.encode(value).into())).collect();
        node.save(&list(&[json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "shop", "namespace": "web" }, "data": data,
        })]));
    };
    let cluster = Cluster::of(outside);
    with_files(&cluster, 23);
    cluster.mend("secret-chain", |script| script);
}

/// The script that plays `kubectl` takes what the real one takes: base64 in one line, names with dots.
#[test]
fn openssl_reads_what_the_commands_wrote() {
    let cluster = Cluster::of(issuers::parameters_first);
    cluster.mend("issuer-key", |script| script);
    let key = STANDARD.decode(fs::read(cluster.desk().join("values/tls.key")).unwrap()).unwrap();
    cluster.file("written", &String::from_utf8(key).unwrap());
    let public = |name: &str| succeed(tool("openssl").args(["pkey", "-pubout", "-in"]).arg(cluster.desk().join(name)));
    cluster.file("known", &private(21));
    assert_eq!(public("written"), public("known"));
    assert!(fs::read_to_string(cluster.desk().join("written")).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
}
