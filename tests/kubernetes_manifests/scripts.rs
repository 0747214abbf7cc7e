//! What `ca-bundles.sh` finds, what it leaves alone, and what it does when it cannot do its work.

use std::fs;

use certferry::layout::scripts::CA_BUNDLES;
use serde_json::{Value, json};

use crate::common::{Ended, write, write_program};
use crate::kube::wait::wait_for;
use crate::kubernetes_manifests::cluster::{Cluster, FILES, cluster};
use crate::kubernetes_manifests::objects::{VALIDATING, client, configuration, webhook};

const DASH: &[&str] = &["dash"];

/// Puts a script for that Service on the machine.
fn place(cluster: &Cluster, file: &str, service: &str, expected: &str, ca: &str) -> String {
    let (namespace, name) = service.split_once('/').unwrap();
    let values =
        [("title", "Of a test."), ("namespace", namespace), ("service", name), ("expected", expected), ("ca", ca)];
    let template = CA_BUNDLES.to_owned();
    let text = values.iter().fold(template, |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value));
    write(&cluster.machine.path("root"), file, &text, 0o644);
    format!("/root/{file}")
}

fn refused(ended: &Ended, code: i32, stderr: &str) {
    assert_eq!((ended.stderr.as_str(), ended.stdout.as_str()), (stderr, ""));
    assert_eq!(ended.code, Some(code));
}

fn config_map(name: &str, label: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "hooks", "labels": { "guarded": "yes", label: "yes" } },
    })
}

/// All that the guard's script may touch, and its neighbours, without what every write changes.
fn objects(cluster: &Cluster) -> Value {
    let names = "validatingwebhookconfigurations/guard mutatingwebhookconfigurations/guard \
                 customresourcedefinitions/things.guard.example customresourcedefinitions/plains.guard.example \
                 apiservices/v1.extra.example";
    let mut list = cluster.get(names);
    for object in list["items"].as_array_mut().unwrap() {
        object.as_object_mut().unwrap().remove("status");
        for changing in ["generation", "managedFields", "resourceVersion"] {
            object["metadata"].as_object_mut().unwrap().remove(changing);
        }
    }
    list
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_every_kind_is_found_and_nothing_else_is_touched() {
    let cluster = cluster();
    let script = format!("{FILES}/manifests/webhooks/hooks.guard-tls.ca-bundles.sh");
    let before = objects(cluster);

    let ended = cluster.script(DASH, &script, &["--dry-run"]);
    let lax = "it was not verified; take insecureSkipTLSVerify out of its manifest, too";
    let found = |word: &str| {
        format!(
            "validating/guard configmaps.guard.example: {word}, it had none\n\
             validating/guard secrets.guard.example: {word}, it had none\n\
             mutating/guard change.guard.example: {word}, it had none\n\
             crd/things.guard.example: {word}, it had none\n\
             api-service/v1.extra.example: {word}, {lax}\n"
        )
    };
    let summary = "5 reached through hooks/guard: 5 would be written, 0 unchanged; nothing was written\n";
    assert_eq!(ended.stdout, found("would be written") + summary, "{}", ended.stderr);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(objects(cluster), before);

    let ended = cluster.script(DASH, &script, &[]);
    let summary = "5 of 5 reached through hooks/guard hold the CA: 5 written, 0 unchanged\n";
    assert_eq!(ended.stdout, found("written") + summary, "{}", ended.stderr);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let mut expected = before;
    let ca = cluster.ca("hooks", "guard-tls");
    let places = [
        (0, "/webhooks/0/clientConfig"),
        (0, "/webhooks/3/clientConfig"),
        (1, "/webhooks/0/clientConfig"),
        (2, "/spec/conversion/webhook/clientConfig"),
        (4, "/spec"),
    ];
    for (number, place) in places {
        let config = expected["items"][number].pointer_mut(place).unwrap().as_object_mut().unwrap();
        config.insert("caBundle".to_owned(), ca.clone().into());
        config.remove("insecureSkipTLSVerify");
    }
    assert_eq!(objects(cluster), expected);

    // And all of them are called.
    let made = wait_for("admitted object", || {
        cluster.create(&config_map("admitted", "a"))?;
        Ok(cluster.get("--namespace hooks configmap admitted"))
    });
    assert_eq!(made["metadata"]["labels"]["changed"], "yes");
    let thing = json!({
        "apiVersion": "guard.example/v2", "kind": "Thing", "metadata": { "name": "thing", "namespace": "hooks" },
    });
    wait_for("stored thing", || cluster.create(&thing));
    let old =
        wait_for("converted thing", || cluster.kubectl("--namespace hooks get things.v1.guard.example thing -o name"));
    assert_eq!(old, "thing.guard.example/thing\n");
    let list = wait_for("extra API", || cluster.kubectl("get --raw /apis/extra.example/v1"));
    assert!(list.contains("\"groupVersion\":\"extra.example/v1\""), "{list}");

    another_ca(cluster, &script);
}

/// Another CA everywhere: nothing works, and the script of the right one mends all.
fn another_ca(cluster: &Cluster, script: &str) {
    let wrong = place(cluster, "wrong.sh", "hooks/guard", "", &cluster.other_ca());
    let ended = cluster.script(DASH, &wrong, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.matches(": written, it had another CA\n").count(), 5, "{}", ended.stdout);
    let unknown = "x509: certificate signed by unknown authority";
    wait_for("refused conversion", || match cluster.kubectl("--namespace hooks get things.v1.guard.example thing") {
        Err(error) if error.contains(unknown) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    // The aggregator's answer has no form that kubectl would print.
    wait_for("refused extra API", || match cluster.kubectl("get --raw /apis/extra.example/v1 -v=8") {
        Err(error) if error.contains(&format!("error trying to reach service: {unknown}")) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let kinds = "validatingwebhookconfigurations/guard mutatingwebhookconfigurations/guard \
                 customresourcedefinitions/things.guard.example apiservices/v1.extra.example";
    let sick = cluster.doctor(&[kinds, "--namespace hooks secret guard-tls"]);
    assert_eq!(sick.code, Some(1), "{}", sick.stdout);
    for name in ["things.guard.example", "v1.extra.example"] {
        assert!(sick.stdout.contains(name), "{name}: {}", sick.stdout);
    }
    let ended = cluster.script(DASH, script, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    let healthy = cluster.doctor(&[kinds, "--namespace hooks secret guard-tls"]);
    assert_eq!(healthy.code, Some(0), "{}", healthy.stdout);
    wait_for("extra API", || cluster.kubectl("get --raw /apis/extra.example/v1"));
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_what_is_expected_and_not_there_stops_it_before_anything_is_written() {
    let cluster = cluster();
    let elsewhere = [webhook("missing.guard.example", &client("missing", "there", "/"), "guard.example", "nothings")];
    cluster.apply(&[configuration(VALIDATING, "missing", &elsewhere)]);
    let expected = "validating/missing mutating/missing validating/empty api-service/v1.apps";
    let script = place(cluster, "missing.sh", "missing/there", expected, &cluster.other_ca());
    refused(
        &cluster.script(DASH, &script, &[]),
        1,
        "error: not everything that is expected is reached through missing/there:\n  \
         there is no mutating/missing\n  \
         validating/empty is there, but it is not reached through this Service\n  \
         api-service/v1.apps is there, but it is not reached through this Service\n\
         hint: install what brings it first; its version decides which names there are\n",
    );
    let left = cluster.get("validatingwebhookconfiguration missing");
    assert_eq!(left["webhooks"][0]["clientConfig"]["caBundle"], Value::Null);

    // The name of MetalLB's Service changed with 0.14.5.
    let script = place(cluster, "nothing.sh", "metallb-system/metallb-webhook-service", "", &cluster.other_ca());
    let ended = cluster.script(DASH, &script, &["--dry-run"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    let said = "error: nothing in this cluster is reached through metallb-system/metallb-webhook-service\nhint: ";
    assert!(ended.stderr.starts_with(said), "{}", ended.stderr);
    let others = "through other Services of the namespace others are reached:";
    let tail = ended.stderr.split_once(others).unwrap_or_else(|| panic!("{}", ended.stderr)).1;
    assert!(tail.contains(" metallb-system/webhook-service"), "{tail}");
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_cluster_that_cannot_be_read_is_said_to_be() {
    let cluster = cluster();
    let script = place(cluster, "unread.sh", "hooks/guard", "", "");
    let ended = cluster.script(DASH, &script, &["--server", "https://192.168.1.99"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    let said = "error: kubectl could not read the cluster; what it said stands above\nhint: this needs the rights";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    let ended = cluster.script(DASH, &script, &["--kubeconfig", &format!("{FILES}/users/alice.conf")]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("(Forbidden)") && ended.stderr.contains(said), "{}", ended.stderr);
}

/// Between what it read and what it writes, somebody takes a webhook out of the list.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_list_that_changed_meanwhile_is_refused() {
    let cluster = cluster();
    let hook = |name: &str, service: &str| {
        webhook(&format!("{name}.guard.example"), &client("late", service, "/"), "guard.example", "nothings")
    };
    let webhooks = [hook("first", "other"), hook("second", "there"), hook("third", "other")];
    cluster.apply(&[configuration(VALIDATING, "late", &webhooks)]);
    let script = place(cluster, "late.sh", "late/there", "validating/late", &cluster.other_ca());
    let kubectl = format!(
        "#!/bin/sh\ncase \"$*\" in\n*' patch '*)\n    [ -e /root/taken ] || /only/kubectl --kubeconfig {} patch \
         validatingwebhookconfiguration late --type=json \
         --patch '[{{\"op\":\"remove\",\"path\":\"/webhooks/0\"}}]' >/dev/null\n    : >/root/taken\n    ;;\nesac\n\
         exec /only/kubectl \"$@\"\n",
        crate::kubernetes_manifests::cluster::ADMIN
    );
    fs::create_dir(cluster.machine.path("/late")).unwrap();
    write_program(&cluster.machine.path("/late"), "kubectl", &kubectl);
    let run = || {
        let mut command = cluster.machine.command("env");
        command.args(["PATH=/late", "/bin/sh", &script, "--kubeconfig", crate::kubernetes_manifests::cluster::ADMIN]);
        crate::kubernetes_manifests::cluster::ended(&mut command)
    };
    let ended = run();
    assert_eq!(ended.stdout, "validating/late second.guard.example: NOT WRITTEN\n", "{}", ended.stderr);
    assert_eq!(ended.code, Some(1));
    let said = "error: kubectl could not change validating/late; what it said stands above\n\
                hint: when the object changed meanwhile, run this again\n\
                error: 1 of 1 do not hold the CA\n";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    let bundles = || {
        let webhooks = cluster.get("validatingwebhookconfiguration late")["webhooks"].clone();
        let webhooks = webhooks.as_array().unwrap().iter();
        webhooks.map(|webhook| webhook["clientConfig"]["caBundle"].is_string()).collect::<Vec<_>>()
    };
    assert_eq!(bundles(), [false, false]);
    let ended = run();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert_eq!(bundles(), [true, false]);
}

/// More than one argument of a program may hold is written in parts.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_long_list_is_written_in_parts() {
    let cluster = cluster();
    let webhooks: Vec<_> = (0..60)
        .map(|number| {
            let client = client("long", "there", "/");
            webhook(&format!("w{number}.guard.example"), &client, "guard.example", "nothings")
        })
        .collect();
    cluster.apply(&[configuration(VALIDATING, "long", &webhooks)]);
    let script = place(cluster, "long.sh", "long/there", "validating/long", &cluster.other_ca());
    assert!(60 * cluster.other_ca().len() > 65_536);
    for summary in ["60 written, 0 unchanged\n", "0 written, 60 unchanged\n"] {
        let ended = cluster.script(DASH, &script, &[]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert!(ended.stdout.ends_with(summary), "{}", ended.stdout);
    }
}
