//! Kubeconfigs that people have, not certferry's own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::common::{certferry, fail, succeed, tool};
use crate::inspect::{AT, Ca, STACKED, copy, inspect, json, names, pem, put, stderr, stdout, unpacked};

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

/// Cluster CA, client certificate and key of a kubeconfig of certferry's, in base64.
fn parts(conf: &str) -> [&str; 3] {
    ["certificate-authority-data: ", "client-certificate-data: ", "client-key-data: "]
        .map(|key| conf.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap())
}

/// As a person with several clusters has it.
fn merged(ca: &str, certificate: &str, key: &str) -> String {
    format!(
        "kind: Config
contexts:
- {{name: one, context: {{user: me, cluster: lab}}}}
- {{name: two, context: {{user: robot, cluster: cloud}}}}
clusters:
- {{name: cloud, cluster: {{server: 'https://cloud:443'}}}}
- name: lab
  cluster: {{server: 'https://k8s:6443', certificate-authority-data: {ca}}}
users:
- {{name: robot, user: {{token: abc}}}}
- name: me
  user:
    client-certificate-data: {certificate}
    client-key-data: \"{key}\"
"
    )
}

#[test]
fn lint_judges_a_kubeconfig_whoever_wrote_it() {
    let conf = fs::read_to_string(unpacked(&STACKED, "cp-1").join("etc/kubernetes/admin.conf")).unwrap();
    let other = fs::read_to_string(unpacked(&STACKED, "cp-1").join("etc/kubernetes/scheduler.conf")).unwrap();
    let ([ca, certificate, key], [_, _, other_key]) = (parts(&conf), parts(&other));
    let stranger = data(&Ca::new("kubernetes").pem());
    let folder = tempfile::tempdir().unwrap();
    for (content, fault) in [
        (merged(ca, certificate, key), ""),
        (merged(ca, certificate, other_key), "key and certificate do not belong together"),
        (merged(&stranger, certificate, key), "no CA beside it signed it; it names CN=kubernetes"),
        (merged("'!'", certificate, key), "is not PEM"),
        (merged(ca, certificate, "'!'"), "is not PEM"),
        (
            merged(ca, certificate, "").replace("    client-key-data: \"\"\n", ""),
            "key or certificate is missing beside it",
        ),
    ] {
        let file = put(folder.path(), "config", content);
        let ended = inspect(["--lint", "--at", AT, file.to_str().unwrap()].map(str::to_owned));
        let found = stdout(&ended);
        if fault.is_empty() {
            assert_eq!((ended.status.code(), &*found), (Some(0), "no rule is broken\n"), "{}", stderr(&ended));
        } else {
            assert_eq!(ended.status.code(), Some(1), "{found}");
            assert_eq!(found.lines().count(), 1, "{found}");
            assert!(found.contains(fault), "{found}");
        }
        assert!(!found.contains(key) && !stderr(&ended).contains(key));
    }
}

#[test]
fn lint_looks_for_the_files_that_a_nodes_kubeconfig_names() {
    let node = copy(&unpacked(&STACKED, "cp-1"));
    let lint = || {
        let ended = inspect([OsStr::new("--lint"), OsStr::new("--at"), OsStr::new(AT), node.path().as_os_str()]);
        (ended.status.code(), stdout(&ended))
    };
    let genuine = lint();
    let admin = |authority: &str, certificate: &str| {
        let text = format!(
            "kind: Config
clusters: [{{name: a, cluster: {{server: 'https://k8s:6443', certificate-authority: {authority}}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
users: [{{name: a, user: {{client-certificate: {certificate}.crt, client-key: {certificate}.key}}}}]
"
        );
        put(node.path(), "etc/kubernetes/other.conf", text);
        fs::set_permissions(node.path().join("etc/kubernetes/other.conf"), PermissionsExt::from_mode(0o600)).unwrap();
        lint()
    };
    let there = "pki/apiserver-kubelet-client";
    assert_eq!(admin("pki/ca.crt", there), genuine);
    assert_eq!(admin("/etc/kubernetes/pki/ca.crt", "/srv/elsewhere/a"), genuine);
    for (authority, certificate, fault) in [
        ("pki/etcd/ca.crt", there, "holds another CA than pki/ca.crt"),
        ("pki/gone.crt", there, "refers to pki/gone.crt, which is not there"),
        ("pki/ca.crt", "pki/gone", "refers to pki/gone.key, which is not there"),
    ] {
        let (code, found) = admin(authority, certificate);
        assert!(code == Some(1) && found.contains(&format!("etc/kubernetes/other.conf  {fault}")), "{found}");
    }
    put(node.path(), "etc/kubernetes/other.conf", "[Global]\nzone = a\n");
    fs::set_permissions(node.path().join("etc/kubernetes/other.conf"), PermissionsExt::from_mode(0o600)).unwrap();
    let (code, found) = lint();
    assert_eq!(code, genuine.0);
    assert!(found.contains("other.conf  cannot be read as a kubeconfig and was not checked\n"), "{found}");
}
