//! `plan --against`: what becomes of each file that is on a node.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Fleet, init_from};
use crate::common::{Bundle, certferry, changed_profile, fail, succeed, tool, use_fast_keys, write};
use crate::json::Documents;

fn plan(profile: &Path, against: &Path, arguments: &[&str]) -> String {
    succeed(certferry().arg("plan").arg(profile).arg("--against").arg(against).args(arguments))
}

fn words<'t>(text: &'t str, path: &str) -> Option<&'t str> {
    let line = text.lines().find(|line| line.contains(&format!("  {path}")))?;
    line.trim_start().split("  ").next()
}

#[test]
fn each_file_is_the_same_renewed_or_another() {
    let fleet = Fleet::of(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["node"][0]["name"] = "cp-1".into();
        // Its CAs end before the leaves that a profile of today asks for.
        let validity: toml::Table = toml::from_str("ca = \"30y\"\nleaf = \"20y\"").unwrap();
        profile.insert("validity".to_owned(), validity.into());
    }));
    let root = fleet.root("cp-1");
    fs::copy(root.join("etc/kubernetes/admin.conf"), root.join("etc/kubernetes/copy.conf")).unwrap();
    let (folder, name, _) = init_from(&[&root], &[]);
    let out = folder.path().join("out");
    let profile = out.join(format!("{name}.toml"));
    for (from, to) in [("ca", "ca"), ("etcd/ca", "etcd/ca"), ("front-proxy-ca", "front-proxy-ca"), ("sa", "sa")] {
        let from = root.join(format!("etc/kubernetes/pki/{from}.key"));
        succeed(tool("install").args(["-m", "600"]).arg(from).arg(out.join(format!("adopted/{to}.key"))));
    }
    let said = plan(&profile, &root, &["-v"]);
    for (path, word) in [
        ("etc/kubernetes/pki/ca.crt", "renewed"),
        ("etc/kubernetes/pki/ca.key", "same"),
        ("etc/kubernetes/pki/etcd/ca.crt", "renewed"),
        ("etc/kubernetes/pki/sa.key", "same"),
        ("etc/kubernetes/pki/sa.pub", "same"),
        ("etc/kubernetes/pki/apiserver.crt", "other key"),
        ("etc/kubernetes/pki/apiserver.key", "other key"),
        ("etc/kubernetes/admin.conf", "other key"),
        ("etc/kubernetes/kubelet.conf", "renewed"),
        ("etc/kubernetes/copy.conf", "stays"),
        ("var/lib/kubelet/pki/kubelet.crt", "other key"),
    ] {
        assert_eq!(words(&said, path), Some(word), "{path}\n{said}");
    }
    assert!(!said.contains("other names") && !said.contains("not known"), "{said}");
    assert!(said.contains("\n  must start anew: "), "{said}");
    assert!(said.starts_with("cp-1 against what is there: "), "{said}");

    // A name more, a node more, and a file less.
    fs::remove_file(root.join("etc/kubernetes/pki/front-proxy-client.crt")).unwrap();
    let text = fs::read_to_string(&profile).unwrap();
    let further = "control_plane_endpoint = \"k8s.lab:6443\"\netcd_cert_sans = [\"new.lab\"]\n\n[validity]";
    let more = text.replace("\n[validity]", further)
        + "\n[[node]]\nname = \"w-9\"\nrole = \"worker\"\naddresses = [\"192.168.99.9\"]\n";
    fs::write(&profile, more).unwrap();
    let said = plan(&profile, &root, &[]);
    let line = said.lines().find(|line| line.contains("etcd/peer.crt")).unwrap();
    assert!(
        line.starts_with("  other names  etc/kubernetes/pki/etcd/peer.crt  +DNS:new.lab, another key, ends "),
        "{said}"
    );
    assert_eq!(words(&said, "etc/kubernetes/pki/front-proxy-client.crt"), Some("new"), "{said}");
    assert!(
        said.contains("server https://") && words(&said, "etc/kubernetes/admin.conf") == Some("other names"),
        "{said}"
    );
    assert!(said.ends_with("\nnot compared, because nothing was given of them: w-9\n"), "{said}");
    assert!(!said.contains("\n  stays "), "what stays is counted: {said}");
}

/// What no survey looks at is not called new, and a usage has a name.
#[test]
fn what_surveys_do_not_have_is_not_known() {
    let text = changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        let registry: toml::Table = toml::from_str("host = \"registry.lab\"\nroot = \"tls\"\n").unwrap();
        let served = "namespace = \"a\"\nsecret = \"b\"\nhosts = [\"registry.lab\"]\nvalidity = \"150y\"\n";
        let served: toml::Table = toml::from_str(served).unwrap();
        profile.insert("tls".to_owned(), vec![toml::Value::from(served)].into());
        profile.insert("registry".to_owned(), vec![toml::Value::from(registry)].into());
    });
    let fleet = Fleet::of(&text);
    let folder = fleet.folder.path();
    let root = fleet.root(&fleet.profile.nodes[0].name.clone());
    let profile = write(folder, "test.toml", &text, 0o644);
    let lines = |said: &str| {
        let lines = said.lines().filter(|line| line.contains("certs.d"));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let there = lines(&plan(&profile, &root, &[]));
    assert!(there.len() > 1, "{there:?}");
    for line in &there {
        assert!(line.starts_with("not known  ") && line.ends_with("surveys do not have such files"), "{line}");
    }
    fs::remove_dir_all(root.join("etc/containerd")).unwrap();
    assert_eq!(lines(&plan(&profile, &root, &[])), there);
    let pki = root.join("etc/kubernetes/pki");
    fs::copy(pki.join("apiserver-kubelet-client.crt"), pki.join("apiserver.crt")).unwrap();
    fs::write(pki.join("front-proxy-client.crt"), "no PEM").unwrap();
    let said = plan(&profile, &root, &[]);
    assert!(said.contains("+usage serverAuth, -usage clientAuth"), "{said}");
    assert!(
        said.contains(
            "  not known    etc/kubernetes/pki/front-proxy-client.crt  holds no certificate and no key as PEM\n"
        ),
        "{said}"
    );
}

/// With the lock of its build a profile knows the keys of its own nodes.
#[test]
fn what_certferry_made_itself_is_the_same() {
    let text = changed_profile("single-node", use_fast_keys);
    let fleet = Fleet::of(&text);
    let folder = fleet.folder.path();
    let node = fleet.profile.nodes[0].name.clone();
    let profile = write(folder, "test.toml", &text, 0o644);
    fs::copy(&fleet.bundle.lock, folder.join("test.lock.toml")).unwrap();
    let said = plan(&profile, &fleet.root(&node), &[]);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with(&format!("{node} against what is there: ")) && said.ends_with(" same\n"), "{said}");
    let survey = folder.join("survey.toml");
    let taken = crate::common::run(certferry().arg("survey").arg("--root").arg(fleet.root(&node))).stdout;
    fs::write(&survey, taken).unwrap();
    assert_eq!(plan(&profile, &survey, &[]), said, "a survey says the same");
    let mut documents = Documents::default();
    let mut command = certferry();
    command.arg("plan").arg(&profile).arg("--against").arg(&survey);
    let document = documents.of(&mut command);
    assert_eq!(document["nodes"][0]["restarts"], json!([]));
    for file in document["nodes"][0]["files"].as_array().unwrap() {
        assert_eq!((&file["fate"], &file["details"]), (&json!("same"), &json!([])), "{file}");
    }
    let nodes = write(folder, "nodes.yaml", "kind: Node\nmetadata: {name: a}\n", 0o644);
    assert_eq!(
        fail(certferry().arg("plan").arg(&profile).arg("--against").arg(&nodes), 2),
        "error: --against was given no node to compare with\n\
         hint: give surveys (`certferry survey`), roots or tar archives of nodes, or folders of these\n"
    );
}

/// A certificate under another issuer is not the same, and a CA of another name is another CA, whatever its key.
#[test]
fn another_authority_is_told() {
    let cluster = |more: &str| {
        let own = "organization = [\"Example\"]";
        let text = changed_profile("single-node", |profile| {
            use_fast_keys(profile);
            profile["node"][0]["name"] = "cp-1".into();
        });
        if more.is_empty() { text } else { format!("{text}\n[ca.kubernetes]\nsubject = {{ {own} }}\n") }
    };
    let fleet = Fleet::of(&cluster(""));
    let root = fleet.root("cp-1");
    let ca = root.join("etc/kubernetes/pki/ca.crt");
    let folder = tempfile::tempdir().unwrap();
    let lock = fs::copy(&fleet.bundle.lock, folder.path().join("lab.lock.toml"));
    lock.unwrap();
    // As it is.
    let own = write(folder.path(), "lab.toml", &cluster(""), 0o644);
    assert!(plan(&own, &root, &[]).ends_with(" same\n"));
    // Another name over the same key.
    let named = write(folder.path(), "named.toml", &cluster("named"), 0o644);
    fs::copy(folder.path().join("lab.lock.toml"), folder.path().join("named.lock.toml")).unwrap();
    let said = plan(&named, &root, &["-v"]);
    assert_eq!(words(&said, "etc/kubernetes/pki/ca.crt"), Some("other names"), "{said}");
    assert!(said.contains("subject CN=kubernetes, then "), "{said}");
    assert_eq!(words(&said, "etc/kubernetes/pki/apiserver.crt"), Some("other names"), "{said}");
    assert!(said.contains("issuer CN=kubernetes, then "), "{said}");
    assert_eq!(words(&said, "etc/kubernetes/pki/etcd/server.crt"), Some("same"), "{said}");
    // Two in one file, while somebody rotates them.
    let mut both = fs::read_to_string(&ca).unwrap();
    both += &fs::read_to_string(root.join("etc/kubernetes/pki/front-proxy-ca.crt")).unwrap();
    fs::write(&ca, both).unwrap();
    let said = plan(&own, &root, &["-v"]);
    assert_eq!(words(&said, "etc/kubernetes/pki/ca.crt"), Some("other names"), "{said}");
    assert!(said.contains("another certificate goes: whom they signed is no longer believed"), "{said}");
}

fn adopt_all(root: &Path, out: &Path) {
    for key in ["ca", "etcd/ca", "front-proxy-ca", "sa"] {
        let from = root.join(format!("etc/kubernetes/pki/{key}.key"));
        succeed(tool("install").args(["-m", "600"]).arg(from).arg(out.join(format!("adopted/{key}.key"))));
    }
}

/// The cluster of one node, with the profile that an import makes of it, so that its CAs are renewed.
fn renewed() -> (Fleet, tempfile::TempDir, PathBuf) {
    let fleet = Fleet::of(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["node"][0]["name"] = "cp-1".into();
        let validity: toml::Table = toml::from_str("ca = \"30y\"\nleaf = \"20y\"").unwrap();
        profile.insert("validity".to_owned(), validity.into());
    }));
    let root = fleet.root("cp-1");
    let (folder, name, _) = init_from(&[&root], &[]);
    let out = folder.path().join("out");
    adopt_all(&root, &out);
    let profile = out.join(format!("{name}.toml"));
    (fleet, folder, profile)
}

/// Kubeconfigs of a network plugin and of a person, and a server whose certificate openssl made.
fn keep_old_certificates(fleet: &Fleet, root: &Path) {
    let ca = fs::read(root.join("etc/kubernetes/pki/ca.crt")).unwrap();
    let plugin = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster: {{server: \"https://10.96.0.1:443\", \
         certificate-authority-data: {}}}\nusers:\n- name: calico\n  user: {{token: abc}}\n",
        STANDARD.encode(&ca)
    );
    fleet.write("cp-1", "etc/cni/net.d/calico-kubeconfig", &plugin);
    fleet.write("cp-1", "root/.kube/config", &fs::read_to_string(root.join("etc/kubernetes/admin.conf")).unwrap());
    let pki = root.join("etc/kubernetes/pki");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("extensions"), "authorityKeyIdentifier=keyid,issuer:always\n").unwrap();
    let mut openssl = tool("openssl");
    openssl.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=web"]);
    succeed(openssl.arg("-keyout").arg(pki.join("web.key")).arg("-out").arg(at("csr")));
    let mut openssl = tool("openssl");
    openssl.args(["x509", "-req", "-days", "300", "-set_serial", "77", "-in"]).arg(at("csr"));
    openssl.arg("-CA").arg(pki.join("ca.crt")).arg("-CAkey").arg(pki.join("ca.key"));
    succeed(openssl.arg("-extfile").arg(at("extensions")).arg("-out").arg(pki.join("web.crt")));
}

fn end_of(certificate: &Path) -> String {
    let mut openssl = tool("openssl");
    openssl.args(["x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"]).arg(certificate);
    succeed(&mut openssl).trim().strip_prefix("notAfter=").unwrap().replace(' ', "T")
}

#[test]
fn who_keeps_an_old_certificate_of_a_renewed_authority_is_named_with_the_day() {
    let (fleet, _folder, profile) = renewed();
    let root = fleet.root("cp-1");
    keep_old_certificates(&fleet, &root);
    let end = end_of(&root.join("etc/kubernetes/pki/ca.crt"));
    let survey = fleet.folder.path().join("survey.toml");
    fs::write(&survey, crate::common::run(certferry().arg("survey").arg("--root").arg(&root)).stdout).unwrap();
    let said = plan(&profile, &survey, &[]);
    let lines: Vec<_> = said.lines().filter(|line| line.contains("still has") || line.contains("OpenSSL")).collect();
    assert_eq!(
        lines,
        [
            format!(
                "  still has the certificate of ca/kubernetes which works until {end}: etc/cni/net.d/calico-kubeconfig"
            ),
            format!("  still has the certificate of ca/kubernetes which works until {end}: root/.kube/config"),
            "  fails in OpenSSL at once, because it names its CA by the older serial number: \
             etc/kubernetes/pki/web.crt"
                .to_owned(),
        ],
        "{said}"
    );
    assert_eq!(plan(&profile, &root, &[]), said, "a root says the same");
    let mut documents = Documents::default();
    let mut command = certferry();
    command.arg("plan").arg(&profile).arg("--against").arg(&root);
    let document = documents.of(&mut command);
    let old = |path: &str| json!({ "path": path, "authority": "ca/kubernetes", "not_after": end, "ended": false });
    let node = &document["nodes"][0];
    assert_eq!(
        node["old_authorities"],
        json!([old("etc/cni/net.d/calico-kubeconfig"), old("root/.kube/config")]),
        "{node:#}"
    );
    assert_eq!(node["by_serial"], json!(["etc/kubernetes/pki/web.crt"]));

    // A CA whose last day has passed when the bundle begins.
    let text = fs::read_to_string(&profile).unwrap();
    let issued = text.lines().find(|line| line.starts_with("issued_at")).unwrap();
    fs::write(&profile, text.replace(issued, "issued_at = 2100-01-01")).unwrap();
    let said = plan(&profile, &root, &[]);
    assert!(
        said.contains(&format!(
            "  still has the certificate of ca/kubernetes which ended on {end}: etc/cni/net.d/calico-kubeconfig\n"
        )),
        "{said}"
    );
}

/// kube-vip reads admin.conf through a mount of that one file, which goes on to show the old one.
#[test]
fn who_else_mounts_what_changes_is_named() {
    let (fleet, _folder, profile) = renewed();
    let root = fleet.root("cp-1");
    let pod = |name: &str, path: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: kube-system}}\nspec:\n  containers:\n  \
             - name: a\n    image: a:v1\n    args: [manager]\n    volumeMounts: [{{mountPath: /a, name: a}}]\n  volumes:\n  \
             - {{name: a, hostPath: {{path: {path}}}}}\n"
        )
    };
    let manifests = "etc/kubernetes/manifests";
    fleet.write("cp-1", &format!("{manifests}/kube-vip.yaml"), &pod("kube-vip", "/etc/kubernetes/admin.conf"));
    fleet.write("cp-1", &format!("{manifests}/exporter.yaml"), &pod("exporter", "/etc/kubernetes/pki/etcd/"));
    fleet.write("cp-1", &format!("{manifests}/other.yaml"), &pod("other", "/etc/kubernetes/other.conf"));
    fleet.write("cp-1", &format!("{manifests}/logs.yaml"), &pod("logs", "/var/log"));
    let said = plan(&profile, &root, &[]);
    let line =
        "\n  must start anew, too, because they mount what changes: kube-system/exporter, kube-system/kube-vip\n";
    assert!(said.contains(line), "{said}");
    let mut documents = Documents::default();
    let mut command = certferry();
    command.arg("plan").arg(&profile).arg("--against").arg(&root);
    let document = documents.of(&mut command);
    assert_eq!(document["nodes"][0]["pods"], json!(["kube-system/exporter", "kube-system/kube-vip"]));
}

/// What apply takes away, and what it leaves: the same as its own words, afterwards.
#[test]
fn what_goes_is_what_apply_takes_away() {
    let (fleet, folder, profile) = renewed();
    let root = fleet.root("cp-1");
    keep_old_certificates(&fleet, &root);
    fleet.write("cp-1", "var/lib/kubelet/pki/kubelet-client-2019-01-01-00-00-00.pem", &key_and_certificate(&root));
    fleet.write(
        "cp-1",
        "etc/kubernetes/bootstrap-kubelet.conf",
        "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\n",
    );
    fleet.write(
        "cp-1",
        "etc/kubernetes/pki/dex.key",
        &fs::read_to_string(root.join("etc/kubernetes/pki/sa.key")).unwrap(),
    );
    // Another CA for the cluster itself.
    let text = fs::read_to_string(&profile).unwrap();
    let table = text.find("[ca.kubernetes]").unwrap();
    let next = table + 1 + text[table + 1..].find("\n[").unwrap();
    let rotated = folder.path().join("out/rotated.toml");
    fs::write(&rotated, format!("{}{}", &text[..table], &text[next..])).unwrap();
    let said = plan(&rotated, &root, &["-v"]);
    let mut documents = Documents::default();
    let mut command = certferry();
    command.arg("plan").arg(&rotated).arg("--against").arg(&root);
    let document = documents.of(&mut command);
    let files = document["nodes"][0]["files"].as_array().unwrap();
    let of = |fate: &str| {
        let of_fate = files.iter().filter(|file| file["fate"] == fate);
        of_fate.map(|file| file["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let goes = of("goes");
    assert_eq!(
        goes,
        [
            "etc/kubernetes/bootstrap-kubelet.conf",
            "etc/kubernetes/pki/web.crt",
            "etc/kubernetes/pki/web.key",
            "var/lib/kubelet/pki/kubelet-client-2019-01-01-00-00-00.pem",
        ],
        "{said}"
    );
    assert!(
        said.contains(
            "  goes         etc/kubernetes/pki/web.key  it belongs to the CA that is in etc/kubernetes/pki/ca.crt now\n"
        ) && said.contains("  goes         etc/kubernetes/bootstrap-kubelet.conf  the kubelet would go on using it\n"),
        "{said}"
    );
    let bundle = crate::common::build(&rotated);
    apply(&bundle, &root);
    for path in &goes {
        assert!(!root.join(path).exists(), "{path}");
    }
    for path in of("stays") {
        assert!(root.join(&path).exists(), "{path}");
    }
    assert!(of("stays").contains(&"etc/kubernetes/pki/dex.key".to_owned()));
}

/// One of the kubelet's files of some years ago.
fn key_and_certificate(root: &Path) -> String {
    let pki = root.join("var/lib/kubelet/pki");
    fs::read_to_string(pki.join("kubelet-client-current.pem")).unwrap()
}

fn apply(bundle: &Bundle, root: &Path) {
    let mut apply = certferry();
    apply.arg("apply").arg(&bundle.archive).arg("--key").arg(&bundle.public_key);
    succeed(apply.args(["--node", "cp-1", "--root"]).arg(root));
}

/// A registry's files that an earlier bundle brought: certferry's record knows them, and a survey does not.
#[test]
fn what_a_registry_leaves_goes_and_is_not_known_to_a_survey() {
    let with = |registries: bool| {
        changed_profile("single-node", |profile| {
            use_fast_keys(profile);
            profile["node"][0]["name"] = "cp-1".into();
            let registry: toml::Table = toml::from_str("host = \"registry.lab\"\nroot = \"tls\"\n").unwrap();
            let served = "namespace = \"a\"\nsecret = \"b\"\nhosts = [\"registry.lab\"]\nvalidity = \"150y\"\n";
            let served: toml::Table = toml::from_str(served).unwrap();
            profile.insert("tls".to_owned(), vec![toml::Value::from(served)].into());
            if registries {
                profile.insert("registry".to_owned(), vec![toml::Value::from(registry)].into());
            } else {
                profile["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), 2.into());
            }
        })
    };
    let fleet = Fleet::of(&with(true));
    let root = fleet.root("cp-1");
    apply(&fleet.bundle, &root);
    let folder = fleet.folder.path();
    let profile = write(folder, "test.toml", &with(false), 0o644);
    fs::copy(&fleet.bundle.lock, folder.join("test.lock.toml")).unwrap();
    let lines = |said: &str| {
        let lines = said.lines().filter(|line| line.contains("certs.d"));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let of_root = lines(&plan(&profile, &root, &[]));
    assert_eq!(
        of_root,
        ["ca.crt", "hosts.toml"].map(|file| format!(
            "goes         etc/containerd/certs.d/registry.lab/{file}  an earlier bundle brought it, and this one does \
             not have it"
        ))
    );
    let survey = folder.join("survey.toml");
    fs::write(&survey, crate::common::run(certferry().arg("survey").arg("--root").arg(&root)).stdout).unwrap();
    assert_eq!(
        lines(&plan(&profile, &survey, &[])),
        ["ca.crt", "hosts.toml"].map(|file| format!(
            "not known    etc/containerd/certs.d/registry.lab/{file}  surveys do not have such files"
        ))
    );
    // A record that nobody wrote is told, and nothing is guessed.
    fs::write(root.join("etc/kubernetes/.certferry/installed/record.json"), "{}").unwrap();
    let mut documents = Documents::default();
    let mut command = certferry();
    command.arg("plan").arg(&profile).arg("--against").arg(&root);
    let document: Value = documents.of(&mut command);
    let warning = document["warnings"][0]["warning"].as_str().unwrap();
    assert!(
        warning.ends_with(
            "/etc/kubernetes/.certferry/installed was not used: what certferry installed there cannot be read: \
             what certferry remembers of this node cannot be read: installed"
        ),
        "{warning}"
    );
}
