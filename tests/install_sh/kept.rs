//! What the bundle does not have: unknown files stay, those of a replaced CA go to the backup.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use crate::common::rights::{Right, lacks};
use crate::common::shells::Tools;
use crate::common::{succeed, tool, write};
use crate::install_sh::node::{FIRST, Node, SECOND, State, TOOLS, unpacked};

const PKI: &str = "etc/kubernetes/pki";
const KUBELET: &str = "var/lib/kubelet/pki";

fn openssl(folder: &Path, line: &str) {
    let mut command = tool("openssl");
    let output = command.args(line.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A certificate that the CA in the folder signed, and its key.
fn sign(folder: &Path, name: &str, authority: &str) {
    openssl(folder, &format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"));
    let by = format!("-CA {authority}.crt -CAkey {authority}.key -set_serial 7 -days 1");
    openssl(folder, &format!("x509 -req -in {name}.csr {by} -out {name}.crt"));
    fs::remove_file(folder.join(format!("{name}.csr"))).unwrap();
}

/// A control plane of the first generation on which people have worked.
fn lived_in() -> Node {
    let node = Node::with(&FIRST, "cp-1");
    let pki = node.path(PKI);
    // Of the CA that is replaced: a certificate, its key, both in one, the old CA under another name.
    sign(&pki, "bob", "ca");
    let both = [fs::read(pki.join("bob.crt")).unwrap(), fs::read(pki.join("bob.key")).unwrap()].concat();
    fs::write(pki.join("both.pem"), both).unwrap();
    fs::copy(pki.join("ca.crt"), pki.join("old-ca.crt")).unwrap();
    // It ended long ago, and still is that CA's. In OpenSSL 3.0 only `ca` dates back.
    openssl(&pki, "req -newkey rsa:2048 -nodes -keyout gone.key -out gone.csr -subj /CN=gone");
    let authority = tempfile::tempdir().unwrap();
    let config = format!(
        "[ca]\ndefault_ca = d\n[d]\ndatabase = {0}/index\nnew_certs_dir = {0}\ndefault_md = sha256\npolicy = p\n\
         rand_serial = yes\nunique_subject = no\n[p]\ncommonName = supplied\n",
        authority.path().display()
    );
    let config = write(authority.path(), "config", &config, 0o600);
    write(authority.path(), "index", "", 0o600);
    let dates = "-startdate 20200102000000Z -enddate 20200103000000Z";
    let by = format!("-batch -notext -config {} -cert ca.crt -keyfile ca.key", config.display());
    openssl(&pki, &format!("ca {by} -in gone.csr -out gone.crt {dates}"));
    fs::remove_file(pki.join("gone.csr")).unwrap();
    // Of the CA that stays, and of nobody's.
    sign(&pki.join("etcd"), "backup", "ca");
    openssl(&pki, "req -x509 -newkey rsa:2048 -nodes -keyout oidc.key -out oidc.crt -subj /CN=oidc");
    fs::create_dir_all(pki.join("my files/empty")).unwrap();
    write(&pki, "my files/a  note", "a note\n", 0o640);
    chown(pki.join("my files/a  note"), Some(7), Some(8)).unwrap();
    chown(pki.join("my files"), Some(9), Some(9)).unwrap();
    fs::set_permissions(pki.join("my files"), PermissionsExt::from_mode(0o2750)).unwrap();
    write(&pki, "-rf", "", 0o4755);
    write(&pki, "\u{1b}[2J", "", 0o600);
    write(&pki, ".hidden", "", 0o600);
    symlink("../ca.crt", pki.join("my files/link")).unwrap();
    symlink("nowhere", pki.join("broken")).unwrap();
    fs::set_permissions(&pki, PermissionsExt::from_mode(0o700)).unwrap();
    // Beside the kubelet's own.
    for (name, mode) in [("kubelet-client-2019-01-01-00-00-00.pem", 0o600), ("note", 0o640)] {
        write(&node.path(KUBELET), name, name, mode);
    }
    // Kubeconfigs that the bundle does not have: of the old CA, of none, and the bootstrap's.
    let kubernetes = node.path("etc/kubernetes");
    fs::copy(kubernetes.join("admin.conf"), kubernetes.join("super-admin.conf")).unwrap();
    write(&kubernetes, "bootstrap-kubelet.conf", "a token", 0o600);
    write(&kubernetes, "mine.conf", &fs::read_to_string(kubernetes.join("admin.conf")).unwrap(), 0o600);
    fs::create_dir(kubernetes.join("manifests")).unwrap();
    write(&kubernetes, "manifests/etcd.yaml", "a pod", 0o600);
    node
}

/// What belongs to the CA that is replaced, and what the kubelet would go on using.
const LEFT: [&str; 9] = [
    "etc/kubernetes/bootstrap-kubelet.conf",
    "etc/kubernetes/pki/bob.crt",
    "etc/kubernetes/pki/bob.key",
    "etc/kubernetes/pki/both.pem",
    "etc/kubernetes/pki/gone.crt",
    "etc/kubernetes/pki/gone.key",
    "etc/kubernetes/pki/old-ca.crt",
    "etc/kubernetes/super-admin.conf",
    "var/lib/kubelet/pki/kubelet-client-2019-01-01-00-00-00.pem",
];

/// Every tool copies, compares and tells certificates in its own way.
#[test]
fn unknown_files_stay_and_those_of_a_replaced_ca_go_to_the_backup() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let old = lived_in();
    let before = old.live();
    let bundle = unpacked(&SECOND, "cp-1");
    let times = |node: &Node| fs::metadata(node.path(PKI).join("my files/a  note")).unwrap().mtime();
    let tools = [Tools::new(&["dash"], "mawk", "tar"), Tools::busybox(), Tools::new(&["bash"], "gawk", "tar")];
    for tools in tools {
        let node = old.copy();
        let said = node.install(&tools, &SECOND, "cp-1", &[]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", tools.name());
        let after = node.live();
        let gone: Vec<_> = before.keys().filter(|path| !after.contains_key(*path)).map(String::as_str).collect();
        assert_eq!(gone, LEFT, "{}", tools.name());
        // The bundle's files, and beside them everything as it was, folders included.
        for (path, seen) in &after {
            let is_of_bundle = bundle.get(path).is_some_and(|new| !path.ends_with("pki") && new == seen);
            assert!(is_of_bundle || before.get(path) == Some(seen), "{}: {path}", tools.name());
        }
        assert_eq!(times(&node), times(&old), "{}", tools.name());
        for path in LEFT {
            let reason = match path {
                path if path.contains("kubelet") => "the kubelet would go on using it",
                _ => "it belongs to a CA that was replaced",
            };
            assert!(said.stdout.contains(&format!("  removed  {path}: {reason}\n")), "{path}: {}", said.stdout);
        }
        for path in ["my files/a  note", "-rf", "?[2J", ".hidden", "broken", "etcd/backup.key", "oidc.crt"] {
            assert!(said.stdout.contains(&format!("  kept     {PKI}/{path}\n")), "{path}: {}", said.stdout);
        }
        assert!(!said.stdout.contains('\u{1b}'), "nothing moves the cursor");
        // And back, and forth.
        let installed = node.state();
        assert_eq!(node.rollback(&tools).code, Some(0), "{}", tools.name());
        assert!(node.live() == before, "{}", tools.name());
        assert_eq!(times(&node), times(&old));
        assert_eq!(node.rollback(&tools).code, Some(0), "{}", tools.name());
        assert!(node.state() == installed, "{}", tools.name());
    }
}

/// An operator may have put the folder on another disk and left a link.
#[test]
fn a_linked_folder_changes_where_it_is() {
    let node = Node::with(&FIRST, "worker-1");
    fs::create_dir(node.path("data")).unwrap();
    fs::rename(node.path(PKI), node.path("data/kubernetes-pki")).unwrap();
    symlink("../../data/kubernetes-pki", node.path(PKI)).unwrap();
    let before = node.live();
    let state = node.state();
    assert_eq!(node.install(&TOOLS, &SECOND, "worker-1", &["--dry-run"]).code, Some(0));
    assert!(node.state() == state, "a trial leaves nothing beside the folder");
    assert_eq!(node.install(&TOOLS, &SECOND, "worker-1", &[]).code, Some(0));
    assert!(node.path(PKI).is_symlink());
    let new = fs::read(node.path("data/kubernetes-pki/ca.crt")).unwrap();
    assert!(new != before["data/kubernetes-pki/ca.crt"].3);
    assert!(node.path("data/.certferry/previous/kubernetes-pki/ca.crt").exists());
    assert_eq!(node.rollback(&TOOLS).code, Some(0));
    assert!(node.live() == before);
    let installed = node.install(&TOOLS, &SECOND, "worker-1", &[]);
    assert_eq!(installed.code, Some(0), "{}", installed.stderr);
    fs::remove_file(node.path(PKI)).unwrap();
    symlink("/", node.path(PKI)).unwrap();
    let text = format!("error: {0}/{PKI} is a link that leads to {0}/ itself\n", node.root().display());
    node.refuse(&mut node.command(&TOOLS, &FIRST, "worker-1", &["--allow-downgrade"]), 2, &text);
}

/// etcd runs as a user of its own where the kubelet does not start it.
#[test]
fn a_member_of_etcd_keeps_the_owner_of_its_files() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let change = |profile: &mut toml::Table| {
        let member = "name = \"etcd-1\"\nrole = \"etcd\"\naddresses = [\"192.168.10.9\"]";
        let member: toml::Table = member.parse().unwrap();
        profile["node"].as_array_mut().unwrap().push(member.into());
        profile["cluster"].as_table_mut().unwrap().insert("etcd".to_owned(), "external".into());
    };
    let [first, second] = [1, 2].map(|number| {
        crate::common::build_text(&crate::install_sh::node::generation(number, |profile| {
            change(profile);
            if number == 2 {
                let authority: toml::Table = "etcd = { generation = 2 }".parse().unwrap();
                profile.insert("ca".to_owned(), authority.into());
            }
        }))
    });
    let node = Node::with(&first, "etcd-1");
    let key = format!("{PKI}/etcd/server.key");
    chown(node.path(&key), Some(70), Some(71)).unwrap();
    assert_eq!(node.install(&TOOLS, &second, "etcd-1", &[]).code, Some(0));
    let state: State = node.live();
    let (mode, owner, group, _) = &state[&key];
    assert_eq!((mode & 0o7777, *owner, *group), (0o600, 70, 71));
    assert_eq!(state[&format!("{PKI}/etcd/peer.key")].1, 0);
}

#[test]
fn what_cannot_be_kept_is_named() {
    let node = Node::with(&FIRST, "worker-1");
    succeed(Command::new("mkfifo").arg(node.path(PKI).join("pipe")));
    let text = format!(
        "error: {PKI}/pipe is a socket, a pipe or a device, and cannot be carried over\n\
         hint: move it elsewhere; nothing was changed\n"
    );
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &text);
    fs::remove_file(node.path(PKI).join("pipe")).unwrap();
    write(&node.path(PKI), "two\nlines", "", 0o600);
    let folder = node.path(PKI).display().to_string();
    let text = format!("error: a name below {folder} has a line break in it\nhint: rename that file\n");
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &text);
    fs::remove_file(node.path(PKI).join("two\nlines")).unwrap();
    fs::rename(node.path("etc/kubernetes/kubelet.conf"), node.path("etc/kubernetes/elsewhere.conf")).unwrap();
    symlink("elsewhere.conf", node.path("etc/kubernetes/kubelet.conf")).unwrap();
    let file = node.path("etc/kubernetes/kubelet.conf").display().to_string();
    let text = format!("error: {file} is a link\nhint: put the file itself in its place, or use `certferry apply`\n");
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &text);
}
