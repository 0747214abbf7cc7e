//! MetalLB, as somebody runs it who keeps its certificates by hand: every one of its webhooks must trust the same CA.

use serde_json::{Value, json};

use crate::kube::wait::wait_for;
use crate::kube::webhook::REFUSED;
use crate::kubernetes_manifests::cluster::{Cluster, FILES, cluster};
use crate::kubernetes_manifests::objects::{METALLB, VALIDATING, client, configuration, webhook};

const DASH: &[&str] = &["dash"];
const UNKNOWN: &str = "x509: certificate signed by unknown authority";

fn pool(name: &str, label: &str) -> Value {
    json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": { "name": name, "namespace": "metallb-system", "labels": { "guarded": "yes", label: "yes" } },
    })
}

/// The API server learns of a changed configuration a moment later.
fn wait_for_refusal(cluster: &Cluster, object: &Value, words: &[&str]) {
    wait_for(&format!("refusal with {words:?}"), || match cluster.create(object) {
        Err(error) if words.iter().all(|word| error.contains(word)) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            let namespace = object["metadata"]["namespace"].as_str().unwrap();
            cluster.kubectl(&format!("--namespace {namespace} delete {kind} {name}")).unwrap();
            Err("it was created".to_owned())
        }
    });
}

/// The webhooks and conversions, as the script names them.
fn names() -> Vec<String> {
    let webhooks =
        METALLB.map(|(name, _)| format!("validating/metallb-webhook-configuration {name}validationwebhook.metallb.io"));
    let conversions = ["crd/addresspools.metallb.io", "crd/bgppeers.metallb.io"];
    webhooks.into_iter().chain(conversions.map(str::to_owned)).collect()
}

fn lines(state: impl Fn(&str) -> &'static str, summary: &str) -> String {
    let lines: String = names().iter().map(|name| format!("{name}: {}\n", state(name))).collect();
    format!("{lines}9 of 9 reached through metallb-system/webhook-service hold the CA: {summary}\n")
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_metallbs_webhooks_work_once_every_one_of_them_has_the_ca() {
    let cluster = cluster();
    let script = format!("{FILES}/manifests/metallb/ca-bundles.sh");
    wait_for_refusal(cluster, &pool("before", "a"), &["ipaddresspoolvalidationwebhook.metallb.io", UNKNOWN]);

    let ended = cluster.script(DASH, &script, &[]);
    assert_eq!(ended.stdout, lines(|_| "written, it had none", "9 written, 0 unchanged"), "{}", ended.stderr);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    wait_for("admitted pool", || cluster.create(&pool("admitted", "a")));
    let refused = cluster.create(&pool("refused", REFUSED)).unwrap_err();
    let said =
        "admission webhook \"ipaddresspoolvalidationwebhook.metallb.io\" denied the request: it carries the label";
    assert!(refused.contains(said), "{refused}");
    // Stored in one version, asked for in the other.
    let peer = json!({
        "apiVersion": "metallb.io/v1beta2", "kind": "BGPPeer",
        "metadata": { "name": "peer", "namespace": "metallb-system" },
    });
    wait_for("stored peer", || cluster.create(&peer));
    let old = wait_for("converted peer", || {
        cluster.kubectl("--namespace metallb-system get bgppeers.v1beta1.metallb.io peer --output json")
    });
    assert_eq!(serde_json::from_str::<Value>(&old).unwrap()["apiVersion"], "metallb.io/v1beta1");
    for shell in [&["dash"][..], &["busybox", "ash"], &["bash"]] {
        let ended = cluster.script(shell, &script, &[]);
        assert_eq!(ended.stdout, lines(|_| "unchanged", "0 written, 9 unchanged"), "{shell:?} {}", ended.stderr);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{shell:?}");
    }

    one_is_forgotten(cluster, &script);
}

/// One webhook of seven is left with another CA: whoever makes an object of its kind learns of it, and doctor names it.
fn one_is_forgotten(cluster: &Cluster, script: &str) {
    let looked_at = [
        "validatingwebhookconfiguration metallb-webhook-configuration",
        "customresourcedefinitions addresspools.metallb.io bgppeers.metallb.io",
        "--namespace metallb-system secret webhook-server-cert",
    ];
    let healthy = cluster.doctor(&looked_at);
    assert!(healthy.code == Some(0) && !healthy.stdout.contains("metallb"), "{healthy:?}");

    let path = "/webhooks/5/clientConfig/caBundle";
    let patch = json!([{ "op": "replace", "path": path, "value": cluster.other_ca() }]);
    let mut command =
        cluster.command(crate::kubernetes_manifests::cluster::ADMIN, "patch validatingwebhookconfiguration");
    command.args(["metallb-webhook-configuration", "--type=json", "--patch", &patch.to_string()]);
    crate::common::succeed(&mut command);
    let name = "ipaddresspoolvalidationwebhook.metallb.io";
    let failed = format!("failed calling webhook \"{name}\"");
    wait_for_refusal(cluster, &pool("forgotten", "a"), &[&failed, UNKNOWN]);
    let sick = cluster.doctor(&looked_at);
    let words = sick.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(sick.code == Some(1) && words.contains(name) && words.contains("certificate signed by unknown authority"));
    for (other, _) in METALLB.iter().filter(|(other, _)| *other != "ipaddresspool") {
        assert!(!words.contains(&format!(" {other}validationwebhook")), "{words}");
    }

    let ended = cluster.script(DASH, script, &[]);
    let state = |line: &str| if line.ends_with(name) { "written, it had another CA" } else { "unchanged" };
    assert_eq!(ended.stdout, lines(state, "1 written, 8 unchanged"), "{}", ended.stderr);
    wait_for("mended pool", || cluster.create(&pool("mended", "a")));
    assert_eq!(cluster.doctor(&looked_at), healthy);
}

/// The name that is verified is the Service's: the same server under another is refused.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_webhook_is_known_by_the_name_of_its_service() {
    let cluster = cluster();
    let mut client = client("metallb-system", "alias", "/admit");
    client["caBundle"] = cluster.ca("metallb-system", "webhook-server-cert").into();
    let mut webhook = webhook("alias.guard.example", &client, "", "configmaps");
    webhook["objectSelector"]["matchLabels"] = json!({ "aliased": "yes" });
    cluster.apply(&[configuration(VALIDATING, "alias", &[webhook])]);
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "aliased", "namespace": "test", "labels": { "aliased": "yes" } },
    });
    let valid = "x509: certificate is valid for webhook-service.metallb-system.svc";
    wait_for_refusal(cluster, &object, &[valid, "not alias.metallb-system.svc"]);
}
