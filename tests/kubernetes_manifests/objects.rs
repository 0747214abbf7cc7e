//! What products bring to a cluster: as little of them as their webhooks need.

use serde_json::{Value, json};

/// MetalLB's webhooks up to 0.14.2, in the order of its manifest, and what each looks at.
pub const METALLB: [(&str, &str); 7] = [
    ("addresspool", "addresspools"),
    ("bfdprofile", "bfdprofiles"),
    ("bgpadvertisement", "bgpadvertisements"),
    ("bgppeers", "bgppeers"),
    ("community", "communities"),
    ("ipaddresspool", "ipaddresspools"),
    ("l2advertisement", "l2advertisements"),
];

/// Namespaces that manifests of the bundle name.
pub fn namespaces() -> Vec<Value> {
    let names = ["backup", "cert-manager", "dev", "hooks", "ingress", "metallb-system", "test"];
    names.map(|name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })).into()
}

/// Services with the addresses where the servers are, and one whose name is in no certificate.
pub fn services() -> Vec<Value> {
    let rows = [
        ("hooks", "guard", "10.96.0.50"),
        ("metallb-system", "webhook-service", "10.96.0.51"),
        ("metallb-system", "alias", "10.96.0.52"),
    ];
    let of = |(namespace, name, address): (&str, &str, &str)| {
        let metadata = json!({ "name": name, "namespace": namespace });
        let port = json!({ "name": "https", "port": 443, "targetPort": 443 });
        let subset = json!({ "addresses": [{ "ip": "192.168.1.11" }], "ports": [{ "name": "https", "port": 443 }] });
        [
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                    "spec": { "clusterIP": address, "ports": [port] } }),
            // For an APIService: the aggregator wants to see a server behind it.
            json!({ "apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset] }),
        ]
    };
    rows.into_iter().flat_map(of).collect()
}

/// A client configuration of the API server.
pub fn client(namespace: &str, service: &str, path: &str) -> Value {
    json!({ "service": { "namespace": namespace, "name": service, "path": path } })
}

/// Custom resources, of any shape; the last version is stored.
pub fn definition(group: &str, kind: &str, versions: &[&str], is_namespaced: bool, service: Option<&str>) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let last = versions.len() - 1;
    let versions: Vec<_> = versions
        .iter()
        .enumerate()
        .map(|(number, name)| json!({ "name": name, "served": true, "storage": number == last, "schema": schema }))
        .collect();
    let mut spec = json!({
        "group": group,
        "names": { "kind": kind, "plural": plural },
        "scope": if is_namespaced { "Namespaced" } else { "Cluster" },
        "versions": versions,
    });
    if let Some((namespace, service)) = service.and_then(|service| service.split_once('/')) {
        let webhook = json!({
            "clientConfig": client(namespace, service, "/convert"),
            "conversionReviewVersions": ["v1"],
        });
        spec["conversion"] = json!({ "strategy": "Webhook", "webhook": webhook });
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": spec,
    })
}

/// Of MetalLB, cert-manager, trust-manager, of the guard, and of nobody.
pub fn definitions() -> Vec<Value> {
    let metallb = Some("metallb-system/webhook-service");
    vec![
        definition("metallb.io", "IPAddressPool", &["v1beta1"], true, None),
        definition("metallb.io", "AddressPool", &["v1alpha1", "v1beta1"], true, metallb),
        definition("metallb.io", "BGPPeer", &["v1beta1", "v1beta2"], true, metallb),
        definition("cert-manager.io", "ClusterIssuer", &["v1"], false, None),
        definition("trust.cert-manager.io", "Bundle", &["v1alpha1"], false, None),
        definition("guard.example", "Thing", &["v1", "v2"], true, Some("hooks/guard")),
        definition("guard.example", "Plain", &["v1"], true, None),
    ]
}

/// A webhook for the creation of objects.
pub fn webhook(name: &str, client: &Value, group: &str, resource: &str) -> Value {
    json!({
        "name": name,
        "clientConfig": client,
        "rules": [{
            "apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE"], "resources": [resource],
        }],
        // Only what the tests make.
        "objectSelector": { "matchLabels": { "guarded": "yes" } },
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    })
}

/// A configuration of webhooks.
pub fn configuration(kind: &str, name: &str, webhooks: &[Value]) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": { "name": name },
        "webhooks": webhooks,
    })
}

pub const VALIDATING: &str = "ValidatingWebhookConfiguration";
pub const MUTATING: &str = "MutatingWebhookConfiguration";

/// What the products register.
pub fn webhooks() -> Vec<Value> {
    let metallb = client("metallb-system", "webhook-service", "/admit");
    let of_metallb = METALLB.map(|(name, resource)| {
        webhook(&format!("{name}validationwebhook.metallb.io"), &metallb, "metallb.io", resource)
    });
    let [admit, change] = ["/admit", "/change"].map(|path| client("hooks", "guard", path));
    let elsewhere = json!({ "url": "https://192.168.1.99/admit" });
    let other = client("hooks", "other", "/admit");
    vec![
        configuration(VALIDATING, "metallb-webhook-configuration", &of_metallb),
        configuration(
            VALIDATING,
            "guard",
            &[
                webhook("configmaps.guard.example", &admit, "", "configmaps"),
                webhook("url.guard.example", &elsewhere, "guard.example", "nothings"),
                webhook("other.guard.example", &other, "guard.example", "nothings"),
                webhook("secrets.guard.example", &admit, "", "secrets"),
            ],
        ),
        configuration(VALIDATING, "empty", &[]),
        configuration(MUTATING, "guard", &[webhook("change.guard.example", &change, "", "configmaps")]),
        json!({
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": { "name": "v1.extra.example" },
            "spec": {
                "group": "extra.example", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 10,
                "service": { "namespace": "hooks", "name": "guard" },
                "insecureSkipTLSVerify": true,
            },
        }),
    ]
}
