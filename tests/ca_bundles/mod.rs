//! ca-bundles.sh with kubectl and no other program: it finds every client of a Service and none of another, writes
//! nothing that it did not see, and says what holds in the end.
//!
//! `tests/kubernetes_manifests` has it work on a real API server.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use certferry::layout::scripts::CA_BUNDLES;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::api::Api;
use crate::common::shells::{SHELLS, find};
use crate::common::{Ended, end, succeed, tool, write};

const CA: &str = "b3VyIENB";
const OTHER: &str = "YW5vdGhlciBDQQ==";

/// A desk with kubectl and the script on it.
struct Desk(TempDir);

impl Desk {
    fn new(expected: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let values = [
            ("title", "The CA of a webhook."),
            ("namespace", "ns"),
            ("service", "svc"),
            ("expected", expected),
            ("ca", CA),
        ];
        let template = CA_BUNDLES.to_owned();
        let text = values.iter().fold(template, |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value));
        assert!(!text.contains("{{"), "a placeholder is not known");
        write(desk.0.path(), "ca-bundles.sh", &text, 0o644);
        fs::create_dir(desk.0.path().join("programs")).unwrap();
        symlink(find("kubectl"), desk.0.path().join("programs/kubectl")).unwrap();
        desk
    }

    fn command(&self, shell: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(find(shell[0]));
        command.args(&shell[1..]).arg(self.0.path().join("ca-bundles.sh")).args(arguments);
        command.env_clear().env("HOME", self.0.path()).env("PATH", self.0.path().join("programs"));
        command
    }

    fn run(&self, api: &Api, arguments: &[&str]) -> Ended {
        self.run_in(&["dash"], api, arguments)
    }

    fn run_in(&self, shell: &[&str], api: &Api, arguments: &[&str]) -> Ended {
        end(self.command(shell, &["--server", &api.url()]).args(arguments))
    }
}

fn said(ended: &Ended, text: &str) {
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str(), ended.code), (text, "", Some(0)));
}

fn client(service: &str, bundle: Option<&str>) -> Value {
    let (namespace, name) = service.split_once('/').unwrap();
    let mut config = json!({ "service": { "namespace": namespace, "name": name } });
    if let Some(bundle) = bundle {
        config["caBundle"] = bundle.into();
    }
    config
}

fn configuration(kind: &str, name: &str, webhooks: &[(&str, Value)]) -> Value {
    let webhooks: Vec<_> =
        webhooks.iter().map(|(name, client)| json!({ "name": name, "clientConfig": client })).collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": format!("{kind}WebhookConfiguration"),
        "metadata": { "name": name },
        "webhooks": webhooks,
    })
}

fn definition(name: &str, client: Option<Value>) -> Value {
    let conversion = client.map_or(json!({ "strategy": "None" }), |client| {
        json!({ "strategy": "Webhook", "webhook": { "clientConfig": client, "conversionReviewVersions": ["v1"] } })
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": name }, "spec": { "conversion": conversion },
    })
}

fn api_service(name: &str, mut spec: Value, is_lax: bool) -> Value {
    if is_lax {
        spec["insecureSkipTLSVerify"] = true.into();
    }
    json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": name }, "spec": spec,
    })
}

/// Clients of our Service in every state, among others.
fn mixed() -> Vec<Value> {
    let url = json!({ "url": "https://192.168.1.99/" });
    vec![
        configuration("Validating", "a-empty", &[]),
        configuration(
            "Validating",
            "b",
            &[
                ("url.b", url.clone()),
                ("none.b", client("ns/svc", None)),
                ("other.b", client("ns/other", Some(OTHER))),
                ("wrong.b", client("ns/svc", Some(OTHER))),
                ("right.b", client("ns/svc", Some(CA))),
                ("far.b", client("far/svc", None)),
            ],
        ),
        configuration("Validating", "c", &[("url.c", url)]),
        configuration("Mutating", "b", &[("only.b", client("ns/svc", None))]),
        definition("plain.example", None),
        definition("things.example", Some(client("ns/svc", Some(OTHER)))),
        definition("far.example", Some(client("far/svc", None))),
        api_service("v1.", json!({ "group": "" }), false),
        api_service("v1.lax", client("ns/svc", None), true),
        api_service("v1.other-lax", client("ns/other", None), true),
    ]
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "ca-bundles.sh", CA_BUNDLES, 0o644);
    assert_eq!(succeed(tool("shellcheck").args(["--shell=sh", "--norc"]).arg(&path)), "");
    for shell in SHELLS {
        succeed(tool(shell[0]).args(&shell[1..]).arg("-n").arg(&path));
    }
}

#[test]
fn every_client_of_the_service_is_written_and_none_of_another() {
    for shell in SHELLS {
        let api = Api::start(&mixed());
        let desk = Desk::new("validating/b mutating/b crd/things.example api-service/v1.lax");
        let lax = "it was not verified; take insecureSkipTLSVerify out of its manifest, too";
        let lines = |word: &str| {
            format!(
                "validating/b none.b: {word}, it had none\nvalidating/b wrong.b: {word}, it had another CA\n\
                 validating/b right.b: unchanged\nmutating/b only.b: {word}, it had none\n\
                 crd/things.example: {word}, it had another CA\napi-service/v1.lax: {word}, {lax}\n"
            )
        };
        let dry = desk.run_in(shell, &api, &["--dry-run"]);
        let summary = "6 reached through ns/svc: 5 would be written, 1 unchanged; nothing was written\n";
        said(&dry, &(lines("would be written") + summary));
        assert_eq!(api.patches(), [], "{shell:?}");
        let summary = "6 of 6 reached through ns/svc hold the CA: 5 written, 1 unchanged\n";
        said(&desk.run_in(shell, &api, &[]), &(lines("written") + summary));

        let test = |path: &str, value: &str| json!({ "op": "test", "path": path, "value": value });
        let row = |config: &str, test_first: Option<Value>, removed: Option<&str>| {
            let mut operations: Vec<_> = test_first.into_iter().collect();
            operations.push(test(&format!("{config}/service/namespace"), "ns"));
            operations.push(test(&format!("{config}/service/name"), "svc"));
            operations.extend(removed.map(|path| json!({ "op": "remove", "path": path })));
            operations.push(json!({ "op": "add", "path": format!("{config}/caBundle"), "value": CA }));
            operations
        };
        let of_webhook = |index: usize, name: &str| {
            let (config, place) = (format!("/webhooks/{index}/clientConfig"), format!("/webhooks/{index}/name"));
            row(&config, Some(test(&place, name)), None)
        };
        let expected = [
            ("b", json!([of_webhook(1, "none.b"), of_webhook(3, "wrong.b")].concat())),
            ("b", json!(of_webhook(0, "only.b"))),
            ("things.example", json!(row("/spec/conversion/webhook/clientConfig", None, None))),
            ("v1.lax", json!(row("/spec", None, Some("/spec/insecureSkipTLSVerify")))),
        ];
        assert_eq!(api.patches(), expected.map(|(name, operations)| (name.to_owned(), operations)), "{shell:?}");

        let unchanged = "validating/b none.b: unchanged\nvalidating/b wrong.b: unchanged\n\
                         validating/b right.b: unchanged\nmutating/b only.b: unchanged\ncrd/things.example: unchanged\n\
                         api-service/v1.lax: unchanged\n6 of 6 reached through ns/svc hold the CA: 0 written, 6 unchanged\n";
        said(&desk.run_in(shell, &api, &[]), unchanged);
        assert_eq!(api.patches().len(), 4, "{shell:?}");
        assert_eq!(api.object("apiservices", "v1.other-lax"), mixed()[9]);
    }
}

#[test]
fn what_is_expected_must_be_there() {
    let api = Api::start(&mixed());
    let desk = Desk::new("validating/b validating/c crd/b api-service/v1.other-lax");
    for shell in SHELLS {
        let ended = desk.run_in(shell, &api, &[]);
        let others = "through other Services of the namespace others are reached: ns/other";
        assert_eq!(
            ended.stderr,
            format!(
                "error: not everything that is expected is reached through ns/svc:\n  \
                 validating/c is there, but it is not reached through this Service\n  there is no crd/b\n  \
                 api-service/v1.other-lax is there, but it is not reached through this Service\n\
                 hint: install what brings it first; its version decides which names there are; {others}\n"
            )
        );
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    }
    assert_eq!(api.patches(), []);
}

#[test]
fn an_empty_cluster_is_no_success() {
    let api = Api::start(&[]);
    let ended = Desk::new("").run(&api, &[]);
    let text = "error: nothing in this cluster is reached through ns/svc\n\
                hint: install what brings it first; its version decides which names there are\n";
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(1), "", text));
}

#[test]
fn what_the_api_server_refuses_is_not_said_to_be_written() {
    let api = Api::start(&mixed());
    api.refuse_changes();
    let ended = Desk::new("").run(&api, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(
        ended.stdout,
        "validating/b none.b: NOT WRITTEN\nvalidating/b wrong.b: NOT WRITTEN\nvalidating/b right.b: unchanged\n\
         mutating/b only.b: NOT WRITTEN\ncrd/things.example: NOT WRITTEN\napi-service/v1.lax: NOT WRITTEN\n"
    );
    let named = |name: &str| format!("error: kubectl could not change {name}; what it said stands above\n");
    for name in ["validating/b", "mutating/b", "crd/things.example", "api-service/v1.lax"] {
        assert!(ended.stderr.contains(&named(name)), "{}", ended.stderr);
    }
    let last = "error: 5 of 6 do not hold the CA\n\
                hint: see above; what is written stays written, and the next run does the rest\n";
    assert!(ended.stderr.ends_with(last), "{}", ended.stderr);
}

/// Patches stay shorter than what one argument of a program may hold, 131072 bytes.
#[test]
fn a_long_list_is_written_in_parts() {
    let names: Vec<_> = (0..600).map(|number| format!("w{number}.{}", "long".repeat(15))).collect();
    let webhooks: Vec<_> = names.iter().map(|name| (name.as_str(), client("ns/svc", None))).collect();
    let api = Api::start(&[configuration("Validating", "long", &webhooks)]);
    let ended = Desk::new("").run(&api, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let patches = api.patches();
    assert!(patches.len() > 1 && patches.iter().all(|(_, operations)| operations.to_string().len() < 100_000));
    assert_eq!(patches.iter().map(|(_, operations)| operations.as_array().unwrap().len()).sum::<usize>(), 4 * 600);
}

#[test]
fn what_it_cannot_do_it_says() {
    let desk = Desk::new("");
    let api = Api::start(&mixed());
    let usage = desk.run(&api, &["--dry-run=server"]);
    let text = "error: this takes --dry-run without a value, not --dry-run=server\nhint: sh ca-bundles.sh --help\n";
    assert_eq!((usage.code, usage.stdout.as_str(), usage.stderr.as_str()), (Some(2), "", text));
    let help = desk.run(&api, &["--help"]);
    assert!(help.code == Some(0) && help.stdout.starts_with("usage: sh ca-bundles.sh "), "{help:?}");
    let unknown = desk.run(&api, &["--no-such-flag"]);
    let text = "error: kubectl could not read the cluster; what it said stands above\n";
    assert!(unknown.code == Some(2) && unknown.stderr.contains(text), "{unknown:?}");
    fs::remove_file(desk.0.path().join("programs/kubectl")).unwrap();
    let missing = desk.run(&api, &[]);
    let text = "error: there is no kubectl here\nhint: run this where you administer the cluster from; it needs \
                nothing else\n";
    assert_eq!((missing.code, missing.stdout.as_str(), missing.stderr.as_str()), (Some(2), "", text));
    assert_eq!(api.patches(), []);
}

/// A file that was cut on its way does nothing: all of it is read before any of it runs.
#[test]
fn a_script_that_was_cut_does_nothing() {
    let (desk, api) = (Desk::new(""), Api::start(&mixed()));
    let path = desk.0.path().join("ca-bundles.sh");
    let text = fs::read_to_string(&path).unwrap();
    let main = text.rfind("\nmain \"$@\"\n").unwrap() + 1;
    for end_of_text in [main, text.len() / 2, text.len() / 3, main - 40] {
        fs::write(&path, &text[..end_of_text]).unwrap();
        desk.run(&api, &[]);
        assert_eq!(api.patches(), [], "{end_of_text}");
    }
}
