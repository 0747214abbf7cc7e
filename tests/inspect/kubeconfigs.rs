//! Kubeconfigs that people have, not certferry's own.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::common::{certferry, fail, succeed, tool};
use crate::inspect::{Ca, STACKED, inspect, json, names, pem, put, stderr, stdout, unpacked};

const FAR: time::OffsetDateTime = time::macros::datetime!(2100-01-01 0:00 UTC);

fn data(pem: &str) -> String {
    STANDARD.encode(pem)
}

#[test]
fn several_clusters_and_users_inline_and_by_path() {
    let home = tempfile::tempdir().unwrap();
    let (prod, test) = (Ca::new("kubernetes"), Ca::new("kubernetes"));
    put(home.path(), "certs/bob.crt", pem(&test.leaf("bob", FAR)));
    let absolute = put(home.path(), "certs/test-ca.crt", test.pem());
    let config = put(
        home.path(),
        ".kube/config",
        format!(
            "apiVersion: v1
kind: Config
preferences: {{}}
current-context: alice@prod
contexts:
- {{name: alice@prod, context: {{cluster: prod, user: alice}}}}
clusters:
- name: prod
  cluster:
    certificate-authority-data: {}
    server: https://prod:6443
- name: test
  cluster: {{certificate-authority: {}, server: 'https://test:6443'}}
- {{name: open, cluster: {{insecure-skip-tls-verify: true, server: 'https://open:6443'}}}}
users:
- name: alice
  user:
    client-certificate-data: {}
    client-key-data: bm90IHJlYWQ=
- {{name: bob, user: {{client-certificate: ../certs/bob.crt, client-key: ../certs/bob.key}}}}
- {{name: carol, user: {{token: abc}}}}
- name: dave
  user:
    exec: {{apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token]}}
",
            data(&prod.pem()),
            absolute.display(),
            data(&pem(&prod.leaf("alice", FAR)))
        ),
    );
    let rows = json(&config);
    let shown = config.display();
    let row = |row: &serde_json::Value| {
        let text = |key: &str| row[key].as_str().unwrap_or("null").to_owned();
        [
            text("name"),
            text("kind"),
            text("path"),
            text("authority"),
            row["embedded"]["name"].as_str().unwrap().to_owned(),
        ]
    };
    let expected = |name: &str, kind: &str, path: &str, authority: &str| {
        [format!("{shown}:{name}"), kind.to_owned(), path.to_owned(), format!("{shown}:{authority}"), name.to_owned()]
    };
    let config = config.to_str().unwrap();
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [
            expected("prod", "authority", config, "prod"),
            expected("test", "authority", absolute.to_str().unwrap(), "test"),
            expected("alice", "user", config, "prod"),
            expected("bob", "user", home.path().join("certs/bob.crt").to_str().unwrap(), "test"),
        ]
    );
}

#[test]
fn kubectls_own_form_in_yaml_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Ca::new("kubernetes");
    put(folder.path(), "ca.crt", ca.pem());
    let certificate = pem(&ca.leaf("me", FAR));
    put(folder.path(), "me.crt", &certificate);
    put(folder.path(), "me.key", "not read");
    let kubectl = |arguments: &[&str]| {
        let mut command = tool("kubectl");
        succeed(command.current_dir(folder.path()).args(["config", "--kubeconfig", "config"]).args(arguments))
    };
    kubectl(&["set-cluster", "kind-one", "--server=https://127.0.0.1:6443", "--certificate-authority=ca.crt"]);
    // Not `set-credentials`: Debian's kubectl 1.20.2 crashes when it makes a user.
    kubectl(&["set", "users.me.client-certificate", "me.crt"]);
    kubectl(&["set", "users.me.client-key", "me.key"]);
    let by_path = json(&folder.path().join("config"));
    assert_eq!(by_path.len(), 2, "{by_path:?}");
    kubectl(&["set-cluster", "kind-one", "--certificate-authority=ca.crt", "--embed-certs"]);
    kubectl(&["unset", "users.me.client-certificate"]);
    kubectl(&["unset", "users.me.client-key"]);
    kubectl(&["set", "users.me.client-certificate-data", &data(&certificate)]);
    kubectl(&["set", "users.me.client-key-data", &data("not read")]);
    let as_json = put(folder.path(), "config.json", kubectl(&["view", "--raw", "-o", "json"]));
    for file in [folder.path().join("config"), as_json] {
        let rows = json(&file);
        let found: Vec<_> = rows.iter().map(|row| (&row["kind"], &row["embedded"]["name"], &row["sha256"])).collect();
        let expected: Vec<_> =
            by_path.iter().map(|row| (&row["kind"], &row["embedded"]["name"], &row["sha256"])).collect();
        assert_eq!(found, expected, "{}", file.display());
    }
}

#[test]
fn kubeadms_own_is_known_by_its_content_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let admin = unpacked(&STACKED, "cp-1").join("etc/kubernetes/admin.conf");
    let copied = put(folder.path(), "me.txt", fs::read(admin).unwrap());
    let rows = json(&copied);
    assert_eq!(rows[0]["kind"], "authority");
    assert_eq!(rows[1]["subject"], "CN=kubernetes-admin,O=kubeadm:cluster-admins");
    // With the tree beside it the CA has its own name, and stands there once.
    let tree = unpacked(&STACKED, "cp-1");
    let table = stdout(&inspect([tree.join("etc/kubernetes/pki/ca.crt").as_os_str(), copied.as_os_str()]));
    let expected = ["CERTIFICATE", copied.to_str().unwrap(), "", "CERTIFICATE AUTHORITY"];
    assert_eq!(&names(&table)[..4], expected, "{table}");
    assert_eq!(names(&table).len(), 5, "{table}");
}

#[test]
fn what_cannot_be_used_is_named_by_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Ca::new("kubernetes");
    let config = put(
        folder.path(),
        "config",
        format!(
            "kind: Config
clusters:
- {{name: a, cluster: {{certificate-authority-data: '!!'}}}}
- {{name: b, cluster: {{certificate-authority-data: {}}}}}
users:
- {{name: c, user: {{client-certificate: gone.crt}}}}
- {{name: d, user: {{client-certificate-data: {}}}}}
- {{name: e, user: {{client-certificate-data: bm9uZQ==}}}}
",
            data("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
            data(&pem(&ca.leaf("d", FAR)))
        ),
    );
    let output = inspect([&config]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(names(&stdout(&output)), ["CERTIFICATE", &format!("{}:d", config.display())]);
    let shown = config.display();
    let error = stderr(&output);
    for line in [
        "error: 4 files cannot be listed\n".to_owned(),
        format!("{shown}  names gone.crt for user c, which is not there or cannot be read\n"),
        format!("{shown}  the certificate of user e is neither PEM nor DER nor a kubeconfig\n"),
        format!("{shown}  the certificate of cluster a is not base64\n"),
        format!("{shown}  the certificate of cluster b holds a certificate that cannot be read: "),
    ] {
        assert!(error.contains(&line), "{line}\n{error}");
    }
    for (content, reason) in [
        ("kind: Config\nusers: [{name: a, user: {token: b}}]\n", "holds no certificate"),
        ("kind: Pod\n", "is neither certificate nor kubeconfig"),
        ("users: &a [*a]\n", "nor YAML as a kubeconfig is: "),
    ] {
        let error = fail(certferry().arg("inspect").arg(put(folder.path(), "other", content)), 2);
        assert!(error.contains(reason), "{error}");
    }
}
