//! A node without certferry: GNU tar and busybox tar install its tree on a system with folders of its own, as the
//! chapter `far-side` of the manual says.
//!
//! These tests run as root, as the installation does: only root's tar gives files their owner and exact mode.

use crate::common;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, build, certferry, files, profile, succeed, tool};
use walkdir::WalkDir;

const TARS: [&str; 2] = ["tar", "busybox tar"];
/// One node of each role; the first control plane has the most files.
const NODES: [&str; 3] = ["cp-1", "etcd-1", "worker-1"];
/// What the system made before, with modes and owners that a careless archive would change.
const SYSTEM: [(&str, u32, u32, u32); 6] = [
    ("", 0o711, 7, 8),
    ("etc", 0o750, 0, 42),
    ("var", 0o755, 0, 0),
    ("var/lib", 0o711, 3, 4),
    ("var/lib/kubelet", 0o700, 5, 6),
    ("etc/ssl", 0o2751, 1, 2),
];
/// The folders that the archive itself brings.
const BROUGHT: [&str; 4] = ["etc/kubernetes", "etc/kubernetes/pki", "etc/kubernetes/pki/etcd", "var/lib/kubelet/pki"];

fn bundle() -> Bundle {
    build(&profile("ha-external-etcd"))
}

/// The command of the manual, with this tar, root, node and umask.
fn install(bundle: &Bundle, tar: &str, umask: &str, node: &str, root: &Path) {
    let chapter = succeed(certferry().args(["help", "far-side", "--markdown"]));
    let line = chapter.lines().map(str::trim).find(|line| line.starts_with("tar -xzf ")).unwrap();
    let line = line.replace("prod-1-g1", &bundle.top()).replace("/cp-1", &format!("/{node}"));
    let line = line.replacen("tar ", &format!("{tar} "), 1).replace(" -C / ", &format!(" -C {} ", root.display()));
    let line = format!("umask {umask}; {line}");
    let said = succeed(tool("sh").args(["-euc", &line]).current_dir(bundle.archive.parent().unwrap()));
    assert_eq!(said, "", "{line}");
}

fn make_folders(root: &Path, folders: &[(&str, u32, u32, u32)]) {
    for (folder, mode, owner, group) in folders {
        let path = root.join(folder);
        fs::create_dir_all(&path).unwrap();
        chown(&path, Some(*owner), Some(*group)).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// The files are those that `unpack` writes, to the bit, and belong to root.
fn assert_same_files(root: &Path, unpacked: &Path, context: &str) {
    assert_eq!(files(root), files(unpacked), "{context}");
    for file in files(root) {
        let (installed, expected) = (root.join(&file), unpacked.join(&file));
        let metadata = fs::symlink_metadata(&installed).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (0, 0), "{context}: {file}");
        if metadata.is_symlink() {
            assert_eq!(fs::read_link(&installed).unwrap(), fs::read_link(&expected).unwrap(), "{context}: {file}");
            continue;
        }
        assert_eq!(fs::read(&installed).unwrap(), fs::read(&expected).unwrap(), "{context}: {file}");
        assert_eq!(mode(&installed), mode(&expected), "{context}: {file}");
        let public = file.ends_with(".crt");
        assert_eq!(mode(&installed), if public { 0o644 } else { 0o600 }, "{context}: {file}");
    }
}

#[test]
fn the_manuals_command_installs_beside_the_systems_own_folders() {
    if lacks(&[Right::Root, Right::Owners]) {
        return;
    }
    let bundle = bundle();
    for node in NODES {
        let unpacked = bundle.unpack(node);
        for tar in TARS {
            let context = format!("{tar}, {node}");
            let root = bundle.folder.path().join(context.replace([' ', ','], "-"));
            make_folders(&root, &SYSTEM);
            install(&bundle, tar, "022", node, &root);
            assert_same_files(&root, &unpacked, &context);
            for (folder, before, owner, group) in SYSTEM {
                let metadata = fs::metadata(root.join(folder)).unwrap();
                assert_eq!(metadata.mode() & 0o7777, before, "{context}: mode of /{folder}");
                assert_eq!((metadata.uid(), metadata.gid()), (owner, group), "{context}: owner of /{folder}");
            }
            assert_folders(&root, &unpacked, &context);
        }
    }
}

/// Whatever `unpack` makes a folder for is there; what the archive brings is 0755 and root's.
fn assert_folders(root: &Path, unpacked: &Path, context: &str) {
    let folders = |root: &Path| -> Vec<String> {
        let entries = WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter().map(Result::unwrap);
        let folders = entries.filter(|entry| entry.file_type().is_dir());
        folders.map(|folder| folder.path().strip_prefix(root).unwrap().to_string_lossy().into_owned()).collect()
    };
    for folder in folders(unpacked) {
        assert!(root.join(&folder).is_dir(), "{context}: {folder}");
        if BROUGHT.contains(&folder.as_str()) {
            let metadata = fs::metadata(root.join(&folder)).unwrap();
            assert_eq!(metadata.mode() & 0o7777, 0o755, "{context}: {folder}");
            assert_eq!((metadata.uid(), metadata.gid()), (0, 0), "{context}: {folder}");
        }
    }
    let beside = folders(root).into_iter().filter(|folder| !unpacked.join(folder).exists());
    let systems: Vec<_> = beside.filter(|folder| !SYSTEM.iter().any(|(known, ..)| known == folder)).collect();
    assert_eq!(systems, [""; 0], "{context}: no folder too many");
}

/// The umask that the manual asks for matters to folders that nobody brought, and to nothing else.
#[test]
fn files_have_their_modes_under_every_umask() {
    if lacks(&[Right::Root, Right::Owners]) {
        return;
    }
    let bundle = bundle();
    let unpacked = bundle.unpack("cp-1");
    for tar in TARS {
        for (umask, implied) in [("022", 0o755), ("077", 0o700), ("000", 0o777)] {
            let context = format!("{tar}, umask {umask}");
            let root = bundle.folder.path().join(context.replace([' ', ','], "-"));
            make_folders(&root, &[("", 0o755, 0, 0)]);
            install(&bundle, tar, umask, "cp-1", &root);
            assert_same_files(&root, &unpacked, &context);
            assert_folders(&root, &unpacked, &context);
            for folder in ["etc", "var", "var/lib", "var/lib/kubelet"] {
                assert_eq!(mode(&root.join(folder)), implied, "{context}: {folder}");
            }
        }
    }
}

/// Old files give way, whatever their modes; kubeadm's own folders get kubeadm's own modes.
#[test]
fn an_older_installation_is_replaced() {
    if lacks(&[Right::Root, Right::Owners]) {
        return;
    }
    let bundle = bundle();
    let unpacked = bundle.unpack("cp-1");
    for tar in TARS {
        let root = bundle.folder.path().join(tar.replace(' ', "-"));
        make_folders(&root, &SYSTEM);
        make_folders(&root, &BROUGHT.map(|folder| (folder, 0o700, 9, 9)));
        for file in ["etc/kubernetes/pki/ca.key", "etc/kubernetes/admin.conf", "var/lib/kubelet/pki/kubelet.crt"] {
            common::write(&root, file, "old", 0o666);
            chown(root.join(file), Some(9), Some(9)).unwrap();
        }
        let link = "var/lib/kubelet/pki/kubelet-client-current.pem";
        std::os::unix::fs::symlink("kubelet-client-2020-01-01-00-00-00.pem", root.join(link)).unwrap();
        install(&bundle, tar, "022", "cp-1", &root);
        assert_same_files(&root, &unpacked, tar);
        assert_folders(&root, &unpacked, tar);
    }
}
