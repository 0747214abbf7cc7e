//! Of MetalLB, webhooks, cert-manager, TLS Secrets and roles.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use toml::{Table, Value};

use crate::changes::{Built, Seen, change_of, expected, first_build, set, table};
use crate::common;

fn profile() -> Table {
    let text = common::changed_profile("every-certificate", |profile| {
        common::use_fast_keys(profile);
        profile["cluster"]["name"] = "prod-1".into();
    });
    text.parse().unwrap()
}

static BASE: LazyLock<Built> = LazyLock::new(|| first_build(&profile()));

fn change(change: impl FnOnce(&mut Table)) -> Seen {
    change_of(&BASE, profile(), "", change)
}

/// Exactly these files of the part `cluster` are new or other, and none is gone.
#[track_caller]
fn assert_files(seen: &Seen, files: &[&str]) {
    assert_eq!(seen.files, expected(&[(&["cluster"], files)]));
    assert_eq!(seen.gone, BTreeSet::new());
}

const SECRET: &str = "manifests/cert-manager/secret.yaml";

#[test]
fn a_role_changes_a_manifest_alone() {
    let seen = change(|profile| set(profile, "user.0.cluster_role", "edit"));
    assert_files(&seen, &["manifests/users/alice.yaml"]);
    seen.assert_certificates(&[]);
    assert!(seen.said.contains("  ~ cluster/manifests/users/alice.yaml  content "), "{}", seen.said);
    let seen = change(|profile| {
        let user = profile["user"][0].as_table_mut().unwrap();
        user.remove("cluster_role");
        user.remove("role");
    });
    assert_eq!(seen.files, expected(&[]));
    assert_eq!(seen.gone, ["cluster manifests/users/alice.yaml".to_owned()].into());
}

#[test]
fn a_control_plane_more_is_an_endpoint_more() {
    let nodes = ["2", "3"].map(|number| {
        table(&format!("name = 'cp-{number}'\nrole = 'control-plane'\naddresses = ['192.168.40.1{number}']"))
    });
    let seen = change(|profile| profile["node"].as_array_mut().unwrap().extend(nodes));
    let of_cluster: Vec<_> = seen.files.iter().filter(|file| file.starts_with("cluster ")).collect();
    assert_eq!(
        of_cluster,
        [
            "cluster etcd-clients/backup/etcdctl.env",
            "cluster etcd-clients/backup/prometheus.yaml",
            "cluster etcd-clients/prometheus/etcdctl.env",
            "cluster etcd-clients/prometheus/prometheus.yaml",
            "cluster kubeadm/join/cp-1.yaml",
            "cluster kubeadm/join/cp-2.yaml",
            "cluster kubeadm/join/cp-3.yaml",
            "cluster profile.toml"
        ]
    );
}

#[test]
fn other_permitted_names_change_the_intermediate() {
    let seen = change(|profile| set(profile, "cert_manager.permitted_dns", vec!["web.factory.internal"]));
    assert_files(&seen, &["manifests/cert-manager/ingress-example.yaml", SECRET]);
    seen.assert_certificates(&["ca/cert-manager"]);
    let line = "  ~ ca/cert-manager  constraints +DNS:web.factory.internal -DNS:apps.factory.internal\n";
    assert!(seen.said.contains(line), "{}", seen.said);
}

#[test]
fn the_next_generation_of_the_root_reaches_all_below_it() {
    let seen = change(|profile| set(profile, "ca.tls.generation", 2));
    let stems = ["ingress-nginx.default-certificate", "monitoring.prometheus-client", "registry.registry-tls"];
    let mut files = vec![SECRET.to_owned(), "manifests/cert-manager/trust.yaml".to_owned(), "tls/ca.crt".to_owned()];
    for stem in stems {
        files.push(format!("manifests/tls/{stem}.yaml"));
        files.extend(["ca.crt", "tls.crt"].map(|name| format!("tls/{stem}/{name}")));
    }
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    // Nodes pull from a registry below it.
    let nodes = &["node/cp-1", "node/worker-1", "node/worker-2"];
    let root = &["etc/containerd/certs.d/registry.factory.internal_5000_/ca.crt"];
    assert_eq!(seen.files, expected(&[(&["cluster"], &files), (nodes, root)]));
    seen.assert_certificates(&[
        "ca/cert-manager",
        "ca/tls",
        "tls/ingress-nginx/default-certificate",
        "tls/monitoring/prometheus-client",
        "tls/registry/registry-tls",
    ]);
    assert!(seen.said.contains(CUT_OFF), "{}", seen.said);
}

/// What cert-manager issued stays below the same root, whatever else changes.
#[test]
fn only_another_root_cuts_off_what_cert_manager_issued() {
    let changes: [fn(&mut Table); 2] = [
        |profile| set(profile, "ca.cert-manager.generation", 2),
        |profile| set(profile, "ca.tls.issued_at", Value::Datetime("2026-11-23".parse().unwrap())),
    ];
    for change_one in changes {
        let seen = change(change_one);
        assert!(
            seen.said.contains("ca/cert-manager") && !seen.said.contains("cert-manager issues none"),
            "{}",
            seen.said
        );
    }
}

const CUT_OFF: &str = "
nothing that cert-manager has issued is below the new root, and cert-manager issues none of it anew by itself:
  first trust both roots, then apply its new Secret, then renew every certificate: certferry help cert-manager
";

#[test]
fn a_host_changes_its_certificate_alone() {
    let seen = change(|profile| set(profile, "tls.1.hosts", vec!["registry.factory.internal"]));
    assert_files(&seen, &["manifests/tls/registry.registry-tls.yaml", "tls/registry.registry-tls/tls.crt"]);
    seen.assert_certificates(&["tls/registry/registry-tls"]);
}

#[test]
fn without_rotation_metallb_gets_a_script_and_no_ca_key() {
    let seen = change(|profile| set(profile, "metallb.mode", "disable-rotation"));
    assert_files(&seen, &["manifests/metallb/ca-bundles.sh", "manifests/metallb/secret.yaml"]);
    seen.assert_certificates(&[]);
    let seen = change(|profile| set(profile, "ca.metallb.generation", 2));
    assert_files(&seen, &["manifests/metallb/secret.yaml"]);
    seen.assert_certificates(&["ca/metallb", "webhook/metallb-system/metallb-webhook-cert"]);
}

/// A webhook's own CA follows its generation; the shared one does not.
#[test]
fn the_next_generation_of_a_webhook_brings_its_own_ca_anew() {
    let files =
        |stem: &str| [format!("manifests/webhooks/{stem}.ca-bundles.sh"), format!("manifests/webhooks/{stem}.yaml")];
    let seen = change(|profile| set(profile, "webhook.1.generation", 2));
    let [script, secret] = files("plc-system.plc-operator-serving-cert");
    assert_files(&seen, &[&script, &secret]);
    let id = "webhook/plc-system/plc-operator-serving-cert";
    seen.assert_certificates(&[id, &format!("{id}/ca")]);
    let seen = change(|profile| set(profile, "webhook.0.generation", 2));
    let [script, secret] = files("policy-system.policy-tls");
    assert_files(&seen, &[&secret]);
    let seen = change(|profile| set(profile, "webhook.0.configurations", vec!["validating/policy"]));
    assert_files(&seen, &[&script]);
    let seen = change(|profile| set(profile, "webhook.0.service", "policy-engine"));
    assert_files(&seen, &[&script, &secret]);
}

#[test]
fn another_algorithm_of_webhooks_cas_reaches_what_they_sign() {
    let change = |profile: &mut Table| set(profile, "ca.webhook.algorithm", "ecdsa-p256");
    let seen = change_of(&BASE, profile(), " --replace-ca", change);
    seen.assert_certificates(&[
        "ca/webhook",
        "webhook/plc-system/plc-operator-serving-cert",
        "webhook/plc-system/plc-operator-serving-cert/ca",
        "webhook/policy-system/policy-tls",
    ]);
}

#[test]
fn the_way_of_trust_changes_one_manifest() {
    let seen = change(|profile| set(profile, "cert_manager.trust", "trust-manager"));
    assert_files(&seen, &["manifests/cert-manager/trust.yaml"]);
    let seen = change(|profile| set(profile, "cert_manager.issuer", "office"));
    let names =
        ["cluster-issuer", "ingress-example", "trust"].map(|name| format!("manifests/cert-manager/{name}.yaml"));
    assert_files(&seen, &names.each_ref().map(String::as_str));
}

/// A table that goes takes its files along.
#[test]
fn what_is_no_longer_asked_for_is_gone() {
    let seen = change(|profile| {
        profile.remove("metallb");
        profile["ca"].as_table_mut().unwrap().remove("metallb");
        profile.insert("webhook".to_owned(), Value::Array(Vec::new()));
    });
    assert_eq!(seen.files, expected(&[]));
    let gone = [
        "manifests/metallb/secret.yaml",
        "manifests/webhooks/plc-system.plc-operator-serving-cert.ca-bundles.sh",
        "manifests/webhooks/plc-system.plc-operator-serving-cert.yaml",
        "manifests/webhooks/policy-system.policy-tls.ca-bundles.sh",
        "manifests/webhooks/policy-system.policy-tls.yaml",
    ];
    assert_eq!(seen.gone, gone.map(|path| format!("cluster {path}")).into());
}
