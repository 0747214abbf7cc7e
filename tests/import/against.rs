//! `plan --against`: what becomes of each file that is on a node.

use std::fs;
use std::path::Path;

use super::{Fleet, init_from};
use crate::common::{certferry, changed_profile, fail, succeed, tool, use_fast_keys, write};

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
    assert!(!said.contains("copy.conf"), "what stays is counted: {said}");
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
    let said = fail(certferry().arg("plan").arg(&profile).args(["-o", "json", "--against"]).arg(&survey), 2);
    assert!(said.contains("\"--against has no document for programs\""), "{said}");
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
