//! `apply`, `rollback` and `status`: what a node has afterwards, and what they refuse.

use crate::common;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::common::node::{FIRST, SECOND, Seen, applied, apply, copy, everything, generation, live, remains, rollback};
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, SEED, build_text, certferry, fail, succeed, tool, write};

/// The files that `unpack` writes, with their folders.
fn unpacked(bundle: &Bundle, node: &str) -> BTreeMap<String, Seen> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let mut command = certferry();
    command.arg("unpack").arg(&bundle.archive).arg("--key").arg(&bundle.public_key);
    succeed(command.args(["--node", node, "--root"]).arg(&root));
    let mut tree = live(&root);
    // The root itself is the test's.
    tree.remove("");
    tree
}

/// What is live, without the folders above the units.
fn tree(root: &Path) -> BTreeMap<String, Seen> {
    let mut tree = live(root);
    tree.remove("");
    tree
}

fn status(root: &Path) -> String {
    succeed(certferry().args(["status", "--root"]).arg(root))
}

#[test]
fn a_fresh_node_gets_what_unpack_writes_and_rollback_takes_it_away() {
    for node in ["cp-1", "worker-1"] {
        let root = applied(&FIRST, node);
        assert_eq!(tree(root.path()), unpacked(&FIRST, node), "{node}");
        assert_eq!(remains(root.path()), Vec::<std::path::PathBuf>::new());
        succeed(&mut rollback(root.path()));
        let left = common::files(root.path()).into_iter().filter(|path| !path.contains("/.certferry/"));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
        succeed(&mut rollback(root.path()));
        assert_eq!(tree(root.path()), unpacked(&FIRST, node), "twice back is where one began");
    }
}

#[test]
fn the_umask_changes_nothing() {
    let expected = everything(applied(&FIRST, "cp-1").path());
    for umask in ["000", "022", "027", "077"] {
        let root = tempfile::tempdir().unwrap();
        let mut command = tool("sh");
        command.args(["-c", "umask \"$0\"; exec \"$@\"", umask]).arg(env!("CARGO_BIN_EXE_certferry"));
        let apply = apply(&FIRST, "cp-1", root.path());
        succeed(command.args(apply.get_args()));
        let found = everything(root.path());
        for (path, (mode, _)) in &expected {
            assert_eq!(
                found.get(path).map(|(mode, _)| format!("{mode:o}")),
                Some(format!("{mode:o}")),
                "{umask} {path}"
            );
        }
        assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn a_new_generation_replaces_the_old_and_rollback_brings_it_back() {
    let root = applied(&FIRST, "cp-1");
    let before = tree(root.path());
    let text = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert_eq!(tree(root.path()), unpacked(&SECOND, "cp-1"));
    assert!(
        text.starts_with("cp-1: generation 2 of lab, Kubernetes 1.31.0 is installed in the place of generation 1\n")
            || text.contains("is installed in the place of generation 1\n"),
        "{text}"
    );
    for part in [
        "etc/kubernetes/pki changes as a whole\n",
        "to restart on this node: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet\n",
        "1. kubectl -n kube-system delete configmap extension-apiserver-authentication\n",
        "back: certferry rollback\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(status(root.path()).contains("generation 1"), "the one before");
    succeed(&mut rollback(root.path()));
    assert_eq!(tree(root.path()), before);
    assert_eq!(remains(root.path()), Vec::<std::path::PathBuf>::new());
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert_eq!(tree(root.path()), unpacked(&SECOND, "cp-1"));
}

#[test]
fn what_is_as_it_must_be_is_left_alone_and_what_is_not_is_mended() {
    let root = applied(&FIRST, "cp-1");
    let inodes = || {
        let inode = |path: &str| std::os::unix::fs::MetadataExt::ino(&root.path().join(path).metadata().unwrap());
        ["etc/kubernetes/pki", "var/lib/kubelet/pki", "etc/kubernetes/admin.conf"].map(inode)
    };
    let before = (everything(root.path()), inodes());
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert!(text.ends_with(" is installed, and every file is as it must be\n"), "{text}");
    assert_eq!((everything(root.path()), inodes()), before);

    let [ca, key, conf] =
        ["pki/ca.crt", "pki/ca.key", "admin.conf"].map(|name| root.path().join("etc/kubernetes").join(name));
    fs::write(ca, "something else").unwrap();
    fs::set_permissions(key, PermissionsExt::from_mode(0o644)).unwrap();
    fs::remove_file(conf).unwrap();
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert_eq!(tree(root.path()), unpacked(&FIRST, "cp-1"));
    assert!(
        text.contains(
            "  changed  etc/kubernetes/pki/ca.crt\n  changed  etc/kubernetes/pki/ca.key: owner and permissions\n  \
         new      etc/kubernetes/admin.conf\n"
        ),
        "{text}"
    );
}

/// The installed bundle once more mends what differs, and says that and nothing of a rotation.
#[test]
fn the_installed_bundle_once_more_is_a_repair() {
    let root = applied(&FIRST, "cp-1");
    let installed = tree(root.path());
    let pki = root.path().join("etc/kubernetes/pki");
    let other = applied(&SECOND, "cp-1");
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
    let repaired =
        |count: &str| format!("cp-1: repaired {count} of generation 1 of lab, Kubernetes 1.34.1, which is installed\n");

    // All CAs of another generation: whoever reads them restarts, and the cluster has nothing to learn.
    for name in ["ca", "front-proxy-ca", "etcd/ca"] {
        for ending in ["crt", "key"] {
            let file = format!("{name}.{ending}");
            fs::copy(other.path().join("etc/kubernetes/pki").join(&file), pki.join(&file)).unwrap();
        }
    }
    let dry = succeed(apply(&FIRST, "cp-1", root.path()).arg("--dry-run"));
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert!(text.starts_with(&repaired("6 files")), "{text}");
    let kept = "what was replaced is kept in etc/kubernetes/.certferry/repaired\n";
    let would_be = kept.replace("was replaced is", "is replaced would be") + "nothing was changed\n";
    assert_eq!(dry, text.replace(kept, &would_be).replace("cp-1: repaired", "cp-1: would repair"));
    assert!(text.contains("\nto restart on this node: etcd, kube-apiserver, "), "{text}");
    for part in ["in the cluster", "CA is another", "in the place of"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    assert_eq!(tree(root.path()), installed);

    // Permissions: a component has read the file already, and goes on seeing the folder.
    let folder = inode(&pki);
    for name in ["ca.key", "apiserver-etcd-client.key"] {
        fs::set_permissions(pki.join(name), PermissionsExt::from_mode(0o644)).unwrap();
    }
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    let line = |place: &str| format!("  changed  etc/kubernetes/pki/{place}: owner and permissions\n");
    let by_files = "etc/kubernetes/pki changes file by file: the CAs stay, and what runs sees the new files\n";
    let lines = line("apiserver-etcd-client.key") + &line("ca.key");
    assert_eq!(text, repaired("2 files") + &lines + by_files);
    // A leaf that is gone comes back in the same folder.
    fs::remove_file(pki.join("etcd/peer.key")).unwrap();
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    let line = "  new      etc/kubernetes/pki/etcd/peer.key\n";
    assert!(text.starts_with(&(repaired("1 file") + line + by_files + "to restart on this node: etcd\n")), "{text}");
    assert_eq!((tree(root.path()), inode(&pki)), (installed.clone(), folder));
    // What nobody on the node reads restarts nobody.
    fs::remove_file(root.path().join("etc/kubernetes/admin.conf")).unwrap();
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert_eq!(text, repaired("1 file") + "  new      etc/kubernetes/admin.conf\n");
    // Another bundle of this generation is no repair.
    let twin = build_text(&generation(1, |profile| {
        profile["cluster"].as_table_mut().unwrap().insert("apiserver_cert_sans".to_owned(), vec!["10.9.9.9"].into());
    }));
    let text = succeed(apply(&twin, "cp-1", root.path()).arg("--allow-downgrade"));
    assert!(text.contains(" is installed in the place of another bundle of generation 1\n"), "{text}");
}

#[test]
fn the_same_files_in_a_newer_generation_change_the_record_alone() {
    let root = applied(&FIRST, "worker-1");
    let before = tree(root.path());
    let newer = build_text(&generation(2, |_| {}));
    let text = succeed(&mut apply(&newer, "worker-1", root.path()));
    assert!(text.contains("the files are the same: nothing restarts\n"), "{text}");
    assert_eq!(tree(root.path()), before);
    assert!(status(root.path()).starts_with("installed    lab") || status(root.path()).contains("generation 2"));
    let stderr = fail(&mut apply(&FIRST, "worker-1", root.path()), 1);
    assert_eq!(
        stderr,
        "error: generation 2 is installed, and the bundle is generation 1\nhint: `certferry rollback` brings back what was \
         before; to install an older bundle, --allow-downgrade; nothing was changed\n"
    );
    succeed(apply(&FIRST, "worker-1", root.path()).arg("--allow-downgrade"));
    assert!(status(root.path()).contains("generation 1"));
}

#[test]
fn a_new_name_under_the_same_authorities_changes_file_by_file() {
    let root = applied(&FIRST, "cp-1");
    let inode = |path: &str| std::os::unix::fs::MetadataExt::ino(&root.path().join(path).metadata().unwrap());
    let folder = inode("etc/kubernetes/pki");
    let before = tree(root.path());
    let newer = build_text(&generation(2, |profile| {
        profile["cluster"].as_table_mut().unwrap().insert("apiserver_cert_sans".to_owned(), vec!["10.9.9.9"].into());
    }));
    let text = succeed(&mut apply(&newer, "cp-1", root.path()));
    assert!(
        text.contains(
            "  changed  etc/kubernetes/pki/apiserver.crt\n\
         etc/kubernetes/pki changes file by file: the CAs stay, and what runs sees the new files\n\
         nothing must restart: kube-apiserver reads the two files again within a minute\n"
        ),
        "{text}"
    );
    assert_eq!(inode("etc/kubernetes/pki"), folder, "a container sees this folder");
    assert_eq!(tree(root.path()), unpacked(&newer, "cp-1"));
    succeed(&mut rollback(root.path()));
    assert_eq!(tree(root.path()), before);
    assert_eq!(inode("etc/kubernetes/pki"), folder);
}

#[test]
fn what_kubeadm_and_others_put_there_stays_unless_it_belongs_to_a_replaced_authority() {
    let root = applied(&FIRST, "cp-1");
    let etc = root.path().join("etc/kubernetes");
    fs::create_dir_all(etc.join("manifests")).unwrap();
    fs::create_dir_all(etc.join("pki/custom")).unwrap();
    fs::set_permissions(etc.join("pki/custom"), PermissionsExt::from_mode(0o750)).unwrap();
    write(&etc, "manifests/etcd.yaml", "kind: Pod\n", 0o600);
    write(&etc, "pki/custom/notes", "by hand\n", 0o640);
    symlink("../ca.crt", etc.join("pki/custom/link")).unwrap();
    write(&etc, "bootstrap-kubelet.conf", "kind: Config\n", 0o600);
    // A client of the old etcd CA, made with openssl, and one of a CA of its own.
    let old = etc.join("pki/etcd");
    for (name, ca) in [("mine", old.join("ca")), ("other", root.path().join("other-ca"))] {
        if name == "other" {
            succeed(
                tool("openssl")
                    .args([
                        "req",
                        "-x509",
                        "-newkey",
                        "ec",
                        "-pkeyopt",
                        "ec_paramgen_curve:P-256",
                        "-nodes",
                        "-subj",
                        "/CN=other",
                        "-keyout",
                    ])
                    .arg(ca.with_extension("key"))
                    .arg("-out")
                    .arg(ca.with_extension("crt")),
            );
        }
        let file = |ending: &str| etc.join(format!("pki/custom/{name}.{ending}"));
        succeed(
            tool("openssl")
                .args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"])
                .arg(format!("/CN={name}"))
                .arg("-keyout")
                .arg(file("key"))
                .arg("-out")
                .arg(file("csr")),
        );
        succeed(
            tool("openssl")
                .args(["x509", "-req", "-days", "10", "-in"])
                .arg(file("csr"))
                .arg("-CA")
                .arg(ca.with_extension("crt"))
                .arg("-CAkey")
                .arg(ca.with_extension("key"))
                .arg("-out")
                .arg(file("crt"))
                .arg("-set_serial")
                .arg("7"),
        );
    }
    let kubelet = root.path().join("var/lib/kubelet/pki");
    write(&kubelet, "kubelet-client-2021-01-01-00-00-00.pem", "old", 0o600);
    write(&kubelet, "notes", "kept", 0o600);
    let before = tree(root.path());

    let text = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let removed = [
        "etc/kubernetes/pki/custom/mine.crt: it belongs to the CA that was in etc/kubernetes/pki/etcd/ca.crt",
        "etc/kubernetes/pki/custom/mine.key: it belongs to the CA that was in etc/kubernetes/pki/etcd/ca.crt",
        "var/lib/kubelet/pki/kubelet-client-2021-01-01-00-00-00.pem: the kubelet would go on using it",
        "etc/kubernetes/bootstrap-kubelet.conf: the kubelet would go on using it",
    ];
    let kept =
        ["custom/link", "custom/mine.csr", "custom/notes", "custom/other.crt", "custom/other.csr", "custom/other.key"];
    let found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  removed  ")).collect();
    assert_eq!(found, removed);
    let found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  kept     ")).collect();
    let mut kept: Vec<_> = kept.iter().map(|name| format!("etc/kubernetes/pki/{name}")).collect();
    kept.push("var/lib/kubelet/pki/notes".to_owned());
    assert_eq!(found, kept);

    let mut expected = unpacked(&SECOND, "cp-1");
    for path in kept.iter().map(String::as_str).chain([
        "etc/kubernetes/pki/custom",
        "etc/kubernetes/manifests",
        "etc/kubernetes/manifests/etcd.yaml",
        "other-ca.crt",
        "other-ca.key",
    ]) {
        expected.insert(path.to_owned(), before[path].clone());
    }
    assert_eq!(tree(root.path()), expected);
    succeed(&mut rollback(root.path()));
    assert_eq!(tree(root.path()), before, "also what had gone to the backup");
}

/// A worker's part says nothing of etcd: what somebody else put there is theirs.
#[test]
fn the_authority_of_somebody_else_is_not_replaced() {
    let root = applied(&FIRST, "worker-1");
    let control_plane = applied(&FIRST, "cp-1");
    let etcd = "etc/kubernetes/pki/etcd";
    succeed(tool("cp").arg("-a").arg(control_plane.path().join(etcd)).arg(root.path().join("etc/kubernetes/pki")));
    let before = tree(root.path());
    succeed(&mut apply(&SECOND, "worker-1", root.path()));
    let after = tree(root.path());
    let kept: Vec<_> = before.keys().filter(|path| path.starts_with(etcd)).collect();
    assert!(kept.len() > 4 && kept.iter().all(|path| before[*path] == after[*path]));
}

#[test]
fn kubeconfigs_of_a_replaced_authority_go_to_the_backup() {
    let root = applied(&FIRST, "worker-1");
    // Put there by hand, as people do.
    let admin = root.path().join("etc/kubernetes/admin.conf");
    fs::write(&admin, &unpacked(&FIRST, "cp-1")["etc/kubernetes/admin.conf"].1).unwrap();
    let text = succeed(&mut apply(&SECOND, "worker-1", root.path()));
    let line = "  removed  etc/kubernetes/admin.conf: it belongs to the CA that was in etc/kubernetes/pki/ca.crt\n";
    assert!(text.contains(line), "{text}");
    assert_eq!(tree(root.path()), unpacked(&SECOND, "worker-1"));
    succeed(&mut rollback(root.path()));
    assert!(admin.exists());
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let root = applied(&FIRST, "cp-1");
    let before = everything(root.path());
    let dry = succeed(apply(&SECOND, "cp-1", root.path()).arg("--dry-run"));
    assert_eq!(everything(root.path()), before);
    let done = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let expected = done
        .replace("is installed in the place", "would be installed in the place")
        .replace("back: certferry rollback\n", "nothing was changed\n");
    assert_eq!(dry, expected);

    let fresh = tempfile::tempdir().unwrap();
    succeed(apply(&FIRST, "cp-1", fresh.path()).arg("--dry-run"));
    assert_eq!(everything(fresh.path()).len(), 1, "not even a lock");
}

#[test]
fn a_pki_behind_a_link_changes_where_it_is() {
    let root = applied(&FIRST, "cp-1");
    let (pki, data) = (root.path().join("etc/kubernetes/pki"), root.path().join("data"));
    fs::create_dir(&data).unwrap();
    fs::rename(&pki, data.join("k8s")).unwrap();
    symlink("/data/k8s", &pki).unwrap();
    let before = tree(root.path());
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert!(pki.is_symlink());
    let found = fs::read(data.join("k8s/ca.crt")).unwrap();
    assert_eq!(found, unpacked(&SECOND, "cp-1")["etc/kubernetes/pki/ca.crt"].1);
    assert_eq!(remains(root.path()), Vec::<std::path::PathBuf>::new());
    succeed(&mut rollback(root.path()));
    assert_eq!(tree(root.path()), before);
}

/// In a mount namespace of its own, so that nothing of this is seen outside.
#[test]
fn a_pki_that_is_a_mount_point_changes_file_by_file() {
    if lacks(&[Right::Mounts]) {
        return;
    }
    let root = applied(&FIRST, "cp-1");
    let before = tree(root.path());
    let pki = root.path().join("etc/kubernetes/pki");
    let disk = copy(&pki);
    let line = |bundle: &Bundle| {
        let command = apply(bundle, "cp-1", root.path());
        let words = [command.get_program()].into_iter().chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    };
    let script = format!(
        "set -e\nmount --bind '{}' '{}'\n{}\ncp -a '{}' '{}'\n{} rollback --root '{}' >&2\n",
        disk.path().display(),
        pki.display(),
        line(&SECOND),
        pki.display(),
        root.path().join("seen").display(),
        env!("CARGO_BIN_EXE_certferry"),
        root.path().display()
    );
    let text = succeed(tool("unshare").args(["--mount", "sh", "-c", &script]));
    assert!(text.contains("etc/kubernetes/pki changes file by file: it is a mount point\n"), "{text}");
    let expected = unpacked(&SECOND, "cp-1");
    let seen = tree(&root.path().join("seen"));
    for (path, content) in seen {
        assert_eq!(expected.get(&format!("etc/kubernetes/pki/{path}")), Some(&content), "{path}");
    }
    let back: BTreeMap<_, _> =
        before.iter().filter_map(|(path, seen)| Some((path.strip_prefix("etc/kubernetes/pki/")?, seen))).collect();
    let found = tree(disk.path());
    assert_eq!(found.iter().map(|(path, seen)| (path.as_str(), seen)).collect::<BTreeMap<_, _>>(), back);
}

#[test]
fn refusals_say_why_and_leave_everything_as_it_was() {
    let root = applied(&FIRST, "cp-1");
    write(&root.path().join("etc"), "hostname", "cp-1\n", 0o644);
    let before = everything(root.path());
    let refuse = |command: &mut std::process::Command, code: i32, expected: &str| {
        assert_eq!(fail(command, code), expected);
        assert_eq!(everything(root.path()), before);
    };
    refuse(
        &mut apply(&SECOND, "worker-1", root.path()),
        1,
        "error: this host is not worker-1: it is called cp-1, and the node is called worker-1\nhint: --node names the node \
         that this is; if it is that node all the same, --force-node; nothing was changed\n",
    );
    refuse(
        &mut apply(&SECOND, "cp-9", root.path()),
        2,
        &format!("error: there is no node cp-9 in {}\nhint: it has cp-1, worker-1\n", SECOND.archive.display()),
    );
    let id = |bundle: &Bundle| {
        let index = fs::read_to_string(bundle.untar().join("manifest.json")).unwrap();
        let line = index.lines().find(|line| line.contains("cluster_id")).unwrap();
        line.split('"').nth(3).unwrap().to_owned()
    };
    let other = common::build_from(
        &write(SECOND.folder.path(), "other.toml", &generation(2, |_| {}), 0o644),
        &SEED.replace("000102", "ff0102"),
        &[],
    );
    refuse(
        &mut apply(&other, "cp-1", root.path()),
        1,
        &format!(
            "error: this node belongs to the cluster lab ({}), and the bundle is of lab ({})\nhint: if it \
             shall change its cluster, --force-node; nothing was changed\n",
            id(&FIRST),
            id(&other)
        ),
    );
    let twin = build_text(&generation(1, |profile| {
        profile["cluster"].as_table_mut().unwrap().insert("apiserver_cert_sans".to_owned(), vec!["10.9.9.9"].into());
    }));
    refuse(
        &mut apply(&twin, "cp-1", root.path()),
        1,
        "error: another bundle of generation 1 is installed\nhint: two bundles of one generation must not differ: raise the \
         generation and build again; to install this one all the same, --allow-downgrade; nothing was changed\n",
    );
    refuse(
        &mut apply(&SECOND, "cp-1", &root.path().join("nowhere")),
        2,
        &format!(
            "error: {} is no folder\nhint: --root is the folder that holds etc/kubernetes and var/lib/kubelet, or shall hold \
             them\n",
            root.path().join("nowhere").display()
        ),
    );
    succeed(apply(&twin, "cp-1", root.path()).arg("--allow-downgrade"));
    succeed(apply(&other, "cp-1", root.path()).arg("--force-node"));
}

#[test]
fn a_clock_before_the_first_day_is_refused() {
    let root = applied(&FIRST, "worker-1");
    let before = everything(root.path());
    let apply = apply(&SECOND, "worker-1", root.path());
    // faketime tells another time to programs that are linked dynamically, as the one that cargo built beside the tests.
    let mut command = tool("faketime");
    command.arg("2001-01-01 00:00:00").arg(env!("CARGO_BIN_EXE_certferry")).args(apply.get_args());
    let stderr = fail(&mut command, 1);
    assert!(stderr.starts_with("error: not valid at this time\n"), "{stderr}");
    assert!(stderr.contains("is not valid before"), "{stderr}");
    assert!(stderr.ends_with("hint: look at the clock, `date -u`; the node's files are as they were\n"), "{stderr}");
    assert_eq!(everything(root.path()), before);
    let mut command = tool("faketime");
    command.arg("2230-01-01 00:00:00").arg(env!("CARGO_BIN_EXE_certferry")).args(apply.get_args());
    let stderr = fail(&mut command, 1);
    assert!(stderr.contains("  expired at 2220-01-01T00:00:00Z\n"), "{stderr}");
    assert!(stderr.ends_with("hint: if the clock is right: certferry help expired\n"), "{stderr}");
    assert_eq!(everything(root.path()), before);
}

#[test]
fn what_cannot_be_carried_over_is_named() {
    let root = applied(&FIRST, "cp-1");
    let socket = root.path().join("etc/kubernetes/pki/control.sock");
    let _listener = UnixListener::bind(socket).unwrap();
    let inode = || std::os::unix::fs::MetadataExt::ino(&root.path().join("etc/kubernetes/pki").metadata().unwrap());
    let before = inode();
    assert_eq!(
        fail(&mut apply(&SECOND, "cp-1", root.path()), 2),
        "error: etc/kubernetes/pki/control.sock is a socket, a pipe or a device, and cannot be carried over\nhint: move it \
         elsewhere; the node's files are as they were\n"
    );
    assert_eq!(inode(), before);
}

#[test]
fn one_run_at_a_time() {
    let root = applied(&FIRST, "worker-1");
    let lock = fs::File::open(root.path().join("etc/kubernetes/.certferry/lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    for command in [&mut apply(&SECOND, "worker-1", root.path()), &mut rollback(root.path())] {
        assert_eq!(
            fail(command, 2),
            "error: another certferry is at work on this node\nhint: wait for it to end; the node's files are as they were\n"
        );
    }
    // Not by closing it: a child of another test, on the way to its own program, may have it open, too.
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).unwrap();
    succeed(&mut apply(&SECOND, "worker-1", root.path()));
}

#[test]
fn rollback_needs_something_to_go_back_to() {
    let root = tempfile::tempdir().unwrap();
    let expected = "error: there is no generation to go back to\nhint: `certferry status` says what is installed\n";
    assert_eq!(fail(&mut rollback(root.path()), 1), expected);
    assert_eq!(everything(root.path()).len(), 1);
    assert_eq!(status(root.path()), "installed    nothing by certferry\nprevious     none\n");
}

#[test]
fn broken_state_is_not_guessed_at() {
    let root = applied(&FIRST, "worker-1");
    let state = root.path().join("etc/kubernetes/.certferry");
    let message = |file: &str| {
        format!(
            "error: what certferry remembers of this node cannot be read: {file}\nhint: nothing was changed; look at \
             etc/kubernetes/.certferry, which nobody but certferry should write\n"
        )
    };
    let record = fs::read(state.join("installed/record.json")).unwrap();
    fs::write(state.join("installed/record.json"), "{}").unwrap();
    assert_eq!(fail(&mut apply(&SECOND, "worker-1", root.path()), 2), message("installed"));
    fs::write(state.join("installed/record.json"), record).unwrap();
    let units = fs::read(state.join("previous/units")).unwrap();
    fs::write(state.join("previous/units"), "certferry-units-1\n../x etc/.certferry/@/x\nend\n").unwrap();
    assert_eq!(fail(&mut rollback(root.path()), 2), message("units"));
    fs::write(state.join("previous/units"), units).unwrap();
}

/// Access control lists, of files and folders that stay: without them a key would be readable by its group, whose bits
/// are the list's mask.
#[test]
fn what_is_kept_keeps_its_access_control_lists() {
    let root = applied(&FIRST, "cp-1");
    let etc = root.path().join("etc/kubernetes/pki");
    fs::create_dir(etc.join("custom")).unwrap();
    write(&etc, "custom/monitoring.key", "a key\n", 0o600);
    write(&etc, "custom/plain", "by hand\n", 0o640);
    let setfacl = |list: &str, path: &str| succeed(tool("setfacl").args(["-m", list]).arg(etc.join(path)));
    setfacl("u:65534:r", "custom/monitoring.key");
    setfacl("u:65534:rx,d:u:65534:r", "custom");
    setfacl("g:65534:x", "");
    let lists = || {
        let places = ["", "custom", "custom/monitoring.key", "custom/plain", "ca.key"];
        let list = |place: &&str| succeed(tool("getfacl").args(["-n", "-p", "-c"]).arg(etc.join(place)));
        places.iter().map(list).collect::<Vec<_>>()
    };
    let before = lists();
    assert!(before[2].contains("user:65534:r--") && before[2].contains("group::---"), "{}", before[2]);
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert_eq!(lists(), before);
    succeed(&mut rollback(root.path()));
    assert_eq!(lists(), before);
}

/// Whoever may write to the folder of the state can write a journal, which moves any file.
#[test]
fn a_folder_of_state_that_others_can_write_is_refused() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let root = applied(&FIRST, "worker-1");
    let state = root.path().join("etc/kubernetes/.certferry");
    let before = live(root.path());
    let hint = "hint: find out who made it and look at what is in it; if all is as it should be, `chown -R root:root` and \
                `chmod 700` it, otherwise move it away; the node's files are as they were\n";
    let path = state.display();
    let refuse = |what: &str| {
        let said = format!("error: {path} {what}: nothing in it is believed\n{hint}");
        assert_eq!(fail(&mut apply(&SECOND, "worker-1", root.path()), 2), said);
        assert_eq!(fail(&mut rollback(root.path()), 2), said);
        assert_eq!(live(root.path()), before);
    };
    for mode in [0o770, 0o707, 0o722] {
        fs::set_permissions(&state, PermissionsExt::from_mode(mode)).unwrap();
        refuse(&format!("can be written by others: its mode is {mode:04o}"));
    }
    fs::set_permissions(&state, PermissionsExt::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(&state, Some(7), Some(0)).unwrap();
    refuse("belongs to the user 7");
    // Nor is it behind a link of root's own.
    let elsewhere = root.path().join("etc/.certferry");
    fs::rename(&state, &elsewhere).unwrap();
    symlink("/etc/.certferry", &state).unwrap();
    refuse("belongs to the user 7");
    fs::remove_file(&state).unwrap();
    fs::rename(&elsewhere, &state).unwrap();
    std::os::unix::fs::chown(&state, Some(0), Some(0)).unwrap();
    succeed(&mut apply(&SECOND, "worker-1", root.path()));
}

#[test]
fn a_name_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let root = applied(&FIRST, "worker-1");
    let name = std::ffi::OsStr::from_bytes(b"Old\xff.crt");
    let path = root.path().join("etc/kubernetes/pki").join(name);
    fs::write(&path, "").unwrap();
    let before = live(root.path());
    let pki = root.path().join("etc/kubernetes/pki");
    assert_eq!(
        fail(&mut apply(&SECOND, "worker-1", root.path()), 2),
        format!(
            "error: the name of \"{}/Old\\xFF.crt\" is not UTF-8\nhint: rename it; the node's files are as they were\n",
            pki.display()
        )
    );
    assert_eq!(live(root.path()), before);
    fs::remove_file(path).unwrap();
    // A line end is no hindrance.
    fs::write(pki.join("two\nlines"), "kept").unwrap();
    succeed(&mut apply(&SECOND, "worker-1", root.path()));
    assert_eq!(fs::read_to_string(pki.join("two\nlines")).unwrap(), "kept");
}
