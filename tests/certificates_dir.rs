//! Certificates in another folder than kubeadm's own: kubespray's /etc/kubernetes/ssl, to which pki may be a link.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use walkdir::WalkDir;

use crate::common::node::{apply, rollback};
use crate::common::{Bundle, build_text, certferry, changed_profile, end, succeed, use_fast_keys};
use crate::install_sh::node::{FIRST, Node, SECOND, TOOLS, generation, renew_authority};

const PKI: &str = "etc/kubernetes/pki";
const SSL: &str = "etc/kubernetes/ssl";

/// The second generation, with another CA, for nodes whose certificates lie in ssl.
static KUBESPRAYS: LazyLock<Bundle> = LazyLock::new(|| {
    build_text(&generation(2, |profile| {
        renew_authority(profile);
        in_ssl(profile);
    }))
});

fn in_ssl(profile: &mut toml::Table) {
    let cluster = profile["cluster"].as_table_mut().unwrap();
    cluster.insert("certificates_dir".to_owned(), "/etc/kubernetes/ssl".into());
}

/// A node whose certificates lie in ssl, on which certferry never was.
fn node(has_link: bool) -> Node {
    let node = Node::with(&FIRST, "cp-1");
    for state in ["etc/kubernetes/.certferry", "var/lib/kubelet/.certferry"] {
        let _ = fs::remove_dir_all(node.path(state));
    }
    fs::rename(node.path(PKI), node.path(SSL)).unwrap();
    if has_link {
        symlink("/etc/kubernetes/ssl", node.path(PKI)).unwrap();
    }
    node
}

fn packed(bundle: &Bundle) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeed(Command::new("tar").arg("-xzf").arg(&bundle.archive).arg("-C").arg(folder.path()));
    folder
}

/// Nothing in a bundle names kubeadm's own folder then, and the files that name another one are valid for who reads them.
#[test]
fn all_that_a_bundle_holds_names_the_folder() {
    for (name, kubelet_client) in [("ha-external-etcd", true), ("single-node", false)] {
        let bundle = build_text(&changed_profile(name, |profile| {
            use_fast_keys(profile);
            in_ssl(profile);
            if !kubelet_client {
                profile.insert("kubelet".to_owned(), "client = false".parse::<toml::Table>().unwrap().into());
            }
        }));
        let folder = packed(&bundle);
        let mut of_nodes = 0;
        for entry in WalkDir::new(folder.path()) {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(folder.path()).unwrap().display().to_string();
            assert!(!path.contains("kubernetes/pki"), "{path}");
            of_nodes += usize::from(path.contains("etc/kubernetes/ssl/"));
            if entry.file_type().is_file() {
                let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
                assert!(!text.contains("kubernetes/pki") && !text.contains("kubernetes-pki"), "{path}: {text}");
            }
        }
        assert!(of_nodes > 8, "{name}: {of_nodes}");
        let top = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let says = |file: &str, text: &str| {
            let content = fs::read_to_string(top.join(file)).unwrap();
            assert!(content.contains(text), "{file}: {content}");
        };
        says("cluster/kubeadm/init.yaml", "\ncertificatesDir: /etc/kubernetes/ssl\n");
        says("cluster/kubeadm/join-worker.yaml", "\nkind: JoinConfiguration\ncaCertPath: /etc/kubernetes/ssl/ca.crt\n");
        says("cluster/kubeadm/join-worker.yaml", "- FileAvailable--etc-kubernetes-ssl-ca.crt\n");
        says("cluster/kubeadm/kubelet.yaml", "    clientCAFile: /etc/kubernetes/ssl/ca.crt\n");
        if kubelet_client {
            says("cluster/kubeadm/init.yaml", "    caFile: /etc/kubernetes/ssl/etcd/ca.crt\n");
            says("cluster/kubeadm/join/cp-1.yaml", "\ncaCertPath: /etc/kubernetes/ssl/ca.crt\n");
            says("cluster/etcd/etcd-1/etcd.env", "\nETCD_CERT_FILE=/etc/kubernetes/ssl/etcd/server.crt\n");
            says("cluster/etcd/etcd-1/etcd.drop-in", "chown -R etcd: /etc/kubernetes/ssl/etcd\n");
        }
        let records = fs::read_dir(top.join("nodes")).unwrap().map(|entry| entry.unwrap().path());
        for record in records.filter(|path| path.extension().is_some_and(|end| end == "json")) {
            let text = fs::read_to_string(&record).unwrap();
            assert!(text.contains("\n  \"certificates_dir\": \"/etc/kubernetes/ssl\",\n"), "{text}");
        }
        succeed(certferry().arg("verify").arg(&bundle.archive).arg("--key").arg(&bundle.public_key));
        let said = succeed(certferry().arg("inspect").arg(&bundle.archive).arg("--key").arg(&bundle.public_key));
        assert!(said.contains("\napiserver ") && said.contains("\nfront-proxy-ca "), "{said}");
    }
}

/// The default is no other word: the bytes are those of a profile that does not say it.
#[test]
fn kubeadms_own_folder_may_be_written() {
    let said = build_text(&generation(1, |profile| {
        profile["cluster"].as_table_mut().unwrap().insert("certificates_dir".to_owned(), "/etc/kubernetes/pki".into());
    }));
    let [said, silent] = [&said, &FIRST].map(|bundle| {
        let folder = packed(bundle);
        fs::read(folder.path().join("lab-g1/nodes/cp-1.json")).unwrap()
    });
    assert_eq!(said, silent);
}

/// kubespray leads pki to ssl. Whichever of both a bundle names, the files in ssl are exchanged and the link stays as it
/// is, and the way back is exact; install.sh leaves the very same behind.
#[test]
fn kubesprays_link_stays_as_it_is() {
    let node = node(true);
    let before = node.live();
    for (bundle, folder) in [(&*KUBESPRAYS, SSL), (&*SECOND, PKI)] {
        let mut left = Vec::new();
        for by_script in [false, true] {
            let node = node.copy();
            if by_script {
                let ended = node.install(&TOOLS, bundle, "cp-1", &[]);
                assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
                assert!(ended.stdout.contains(&format!("replaced: the CA in {folder}/ca.crt\n")), "{}", ended.stdout);
            } else {
                let said = succeed(&mut apply(bundle, "cp-1", node.root()));
                assert!(said.contains(&format!("{folder}/ca.crt")), "{said}");
            }
            assert_eq!(fs::read_link(node.path(PKI)).unwrap(), Path::new("/etc/kubernetes/ssl"));
            assert_ne!(node.live(), before);
            left.push(node.state());
            succeed(certferry().arg("status").arg("--root").arg(node.root()));
            assert!(node.status().contains("generation 2"));
            let said = succeed(certferry().args(["doctor", "--at", "2026-11-23"]).arg(node.root()));
            assert!(!said.contains("problem"), "{said}");
            if by_script {
                let ended = node.rollback(&TOOLS);
                assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
                assert!(ended.stdout.contains("extension-apiserver-authentication"), "{}", ended.stdout);
            } else {
                let said = succeed(&mut rollback(node.root()));
                assert!(said.contains("extension-apiserver-authentication"), "{said}");
            }
            assert!(node.live() == before, "by the script: {by_script}");
        }
        assert!(left[0] == left[1], "{folder}: both leave the same");
    }
}

/// Without the link nobody would look where such a bundle puts its files.
#[test]
fn a_bundle_for_another_folder_is_refused() {
    let text = |found: &str, brought: &str| {
        format!(
            "error: this node has its certificates in /{found}, and the bundle brings them for /{brought}\nhint: set \
             certificates_dir = \"/{found}\" in [cluster] of the profile, and build again; where the folder is to change, \
             make /{brought} first; nothing was changed\n"
        )
    };
    let fresh = node(false);
    fresh.refuse(&mut apply(&FIRST, "cp-1", fresh.root()), 1, &text(SSL, PKI));
    let ended = end(&mut fresh.command(&TOOLS, &FIRST, "cp-1", &[]));
    assert_eq!((ended.code, ended.stderr), (Some(1), text(SSL, PKI)));
    // Also where certferry has installed the one before.
    let installed = Node::with(&FIRST, "cp-1");
    installed.refuse(&mut apply(&KUBESPRAYS, "cp-1", installed.root()), 1, &text(PKI, SSL));
    installed.refuse(&mut installed.command(&TOOLS, &KUBESPRAYS, "cp-1", &[]), 1, &text(PKI, SSL));
    // As the hint says: and then the way back is the way back all the same.
    let before = installed.live();
    for by_script in [false, true] {
        let node = installed.copy();
        fs::create_dir(node.path(SSL)).unwrap();
        if by_script {
            assert_eq!(node.install(&TOOLS, &KUBESPRAYS, "cp-1", &[]).code, Some(0));
            assert_eq!(node.rollback(&TOOLS).code, Some(0));
        } else {
            succeed(&mut apply(&KUBESPRAYS, "cp-1", node.root()));
            succeed(&mut rollback(node.root()));
        }
        fs::remove_dir(node.path(SSL)).unwrap();
        assert!(node.live() == before, "by the script: {by_script}");
    }
}

/// What lies in the folder of a node is told apart from what was installed, and named where it lies.
#[test]
fn what_differs_is_named_in_its_folder() {
    let node = node(false);
    succeed(&mut apply(&KUBESPRAYS, "cp-1", node.root()));
    // With nothing missing.
    let said = succeed(certferry().arg("inspect").arg(node.root()));
    assert!(said.contains("\napiserver-etcd-client ") && said.contains("\nfront-proxy-ca "), "{said}");
    let mut diff = certferry();
    diff.arg("diff").arg(node.root()).arg(&KUBESPRAYS.archive).arg("--key").arg(&KUBESPRAYS.public_key);
    let said = succeed(diff.args(["--node", "cp-1"]));
    assert!(!said.contains("etc/kubernetes"), "{said}");
    fs::remove_file(node.path("etc/kubernetes/ssl/ca.key")).unwrap();
    fs::copy(node.path("etc/kubernetes/ssl/front-proxy-ca.crt"), node.path("etc/kubernetes/ssl/ca.crt")).unwrap();
    let ended = end(certferry().arg("status").arg("--root").arg(node.root()));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.contains("\n  changed    etc/kubernetes/ssl/ca.crt: another CA certificate"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("\n  note       etc/kubernetes/ssl/ca.key was taken away"), "{}", ended.stdout);
    let ended = end(certferry().args(["doctor", "--at", "2026-11-23"]).arg(node.root()));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("etc/kubernetes/ssl/ca.crt"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("kubernetes/pki"), "{}", ended.stdout);
}
