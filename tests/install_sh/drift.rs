//! `--status` of install.sh: what is missing, changed or open to others, told as `certferry status` tells it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::common::shells::Tools;
use crate::common::{Ended, certferry, end, succeed, tool};
use crate::install_sh::node::{FIRST, Node, SECOND, TOOLS};

const PKI: &str = "etc/kubernetes/pki";
const KUBELET: &str = "var/lib/kubelet/pki";

/// What both say of the files, and their exit codes.
fn both(node: &Node, tools: &Tools) -> [(Option<i32>, String); 2] {
    let before = node.state();
    let by_script = end(&mut node.other_command(tools, "--status"));
    let by_certferry = end(certferry().args(["status", "--root"]).arg(node.root()));
    assert!(node.state() == before, "nothing changes");
    [by_script, by_certferry].map(|Ended { code, stdout, stderr }| {
        assert_eq!(code == Some(1), stderr.starts_with("error: ") && stderr.contains(" installed\nhint: "), "{stderr}");
        let start = stdout.find("files ").unwrap_or_else(|| panic!("{stdout}{stderr}"));
        (code, stdout[start..].to_owned())
    })
}

/// Both say this.
#[track_caller]
fn say(node: &Node, code: i32, text: &str) {
    for tools in [&*TOOLS, &Tools::busybox()] {
        let [by_script, by_certferry] = both(node, tools);
        let hint = "             `certferry status --accept PATH` takes note of it for good\n";
        assert_eq!(by_script, (Some(code), text.to_owned()), "{}", tools.name());
        assert_eq!((by_certferry.0, by_certferry.1.replace(hint, "")), (Some(code), text.to_owned()));
    }
}

#[test]
fn what_is_gone_or_open_is_told_alike() {
    let node = Node::with(&FIRST, "cp-1");
    let record = fs::read_to_string(node.path("etc/kubernetes/.certferry/installed/record.json")).unwrap();
    let all = record.matches("\"path\": ").count();
    say(&node, 0, &format!("files        all {all} are as they were installed\n"));

    let etcd = record.matches("\"path\": \"etc/kubernetes/pki/etcd/").count();
    fs::remove_dir_all(node.path(PKI).join("etcd")).unwrap();
    let differ = |count: usize| format!("files        {count} of {all} differ from what was installed\n");
    let folder = format!("  missing    {PKI}/etcd, a folder with {etcd} files\n");
    say(&node, 1, &(differ(etcd) + &folder));
    for name in ["apiserver.key", "sa.pub"] {
        fs::remove_file(node.path(PKI).join(name)).unwrap();
    }
    // One has no line of its own, two have.
    let [script, by_certferry] = both(&node, &TOOLS);
    let two = format!("  missing    2 files\n    {PKI}/apiserver.key\n    {PKI}/sa.pub\n");
    for said in [script, by_certferry] {
        assert_eq!(said.0, Some(1));
        assert!(
            said.1.starts_with(&differ(etcd + 2)) && said.1.contains(&folder) && said.1.contains(&two),
            "{}",
            said.1
        );
    }

    let node = Node::with(&FIRST, "cp-1");
    for place in ["etc/kubernetes/admin.conf", "etc/kubernetes/pki/ca.key"] {
        fs::remove_file(node.path(place)).unwrap();
    }
    let noted = format!(
        "files        all {all} are as they were installed, save what is noted\n  note       etc/kubernetes/admin.conf was \
         taken away: nothing on the node reads it\n  note       {PKI}/ca.key was taken away: no flag of a static pod names it\n"
    );
    say(&node, 0, &noted);
    // What certferry accepted, the script accepts, and keeps it when it mends.
    succeed(certferry().args(["status", "--accept", "/etc/kubernetes/admin.conf", "--root"]).arg(node.root()));
    let noted =
        noted.replace("  note       etc/kubernetes/admin.conf was taken away: nothing on the node reads it\n", "");
    say(&node, 0, &noted);
    let list = node.path("etc/kubernetes/.certferry/installed/accepted");
    let accepted = fs::read(&list).unwrap();
    assert_eq!(node.install(&TOOLS, &FIRST, "cp-1", &[]).code, Some(0));
    assert_eq!(fs::read(&list).unwrap(), accepted);
    fs::remove_file(node.path("etc/kubernetes/pki/ca.key")).unwrap();
    // A flag names it.
    fs::create_dir_all(node.path("etc/kubernetes/manifests")).unwrap();
    let pod =
        "kind: Pod\nspec: {containers: [{command: [x, --cluster-signing-key-file=/etc/kubernetes/pki/ca.key]}]}\n";
    fs::write(node.path("etc/kubernetes/manifests/kcm.yaml"), pod).unwrap();
    let [script, by_certferry] = both(&node, &TOOLS);
    assert_eq!(script, (Some(1), format!("{}  missing    {PKI}/ca.key\n", differ(1))));
    assert!(
        by_certferry.0 == Some(1) && by_certferry.1.contains("ca.key: /etc/kubernetes/manifests/kcm.yaml names it in")
    );
    assert_eq!(node.install(&TOOLS, &SECOND, "cp-1", &[]).code, Some(0));
    assert!(!list.exists(), "a new generation begins without");
}

/// The script says no more of a file than that it is another, or that its permissions are.
#[test]
fn what_is_changed_is_named() {
    let node = Node::with(&FIRST, "worker-1");
    fs::write(node.path("etc/kubernetes/kubelet.conf"), "somebody's own\n").unwrap();
    fs::set_permissions(node.path(KUBELET).join("kubelet.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let [script, by_certferry] = both(&node, &TOOLS);
    assert_eq!((script.0, by_certferry.0), (Some(1), Some(1)));
    assert_eq!(
        script.1,
        format!(
            "files        2 of 6 differ from what was installed\n  changed    etc/kubernetes/kubelet.conf\n  access     \
             {KUBELET}/kubelet.key: other permissions than were installed\n"
        )
    );
    assert!(by_certferry.1.starts_with("files        2 of 6 differ from what was installed\n"), "{}", by_certferry.1);
    let ended = end(&mut node.other_command(&TOOLS, "--status"));
    assert_eq!(
        ended.stderr,
        "error: not all files are as they were installed\nhint: `sh install.sh` with the installed bundle mends it; if the \
         change is wanted, build and install a new generation\n"
    );
    fs::write(node.path("etc/kubernetes/.certferry/journal"), "certferry-journal-1\nslot next\nend\n").unwrap();
    let text = "files        not compared: those of two generations may be there\n";
    let ended = end(&mut node.other_command(&TOOLS, "--status"));
    assert!(ended.code == Some(0) && ended.stdout.ends_with(text), "{}", ended.stdout);
}

#[test]
fn the_kubelets_own_rotation_is_no_difference() {
    let node = Node::with(&FIRST, "worker-1");
    let control_plane = Node::with(&FIRST, "cp-1");
    let authority = control_plane.path(PKI);
    let link = node.path(KUBELET).join("kubelet-client-current.pem");
    let installed = fs::read_link(&link).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sign = |subject: &str, target: &str| {
        let run = |line: String| succeed(tool("openssl").args(line.split_whitespace()).current_dir(folder.path()));
        run(format!("req -newkey rsa:2048 -nodes -keyout key -out csr -subj {subject}"));
        let ca = authority.join("ca").display().to_string();
        run(format!("x509 -req -in csr -CA {ca}.crt -CAkey {ca}.key -set_serial 7 -days 90 -out crt"));
        let pem = ["crt", "key"].map(|name| fs::read(folder.path().join(name)).unwrap()).concat();
        fs::write(node.path(KUBELET).join(target), pem).unwrap();
        fs::remove_file(&link).unwrap();
        symlink(format!("/{KUBELET}/{target}"), &link).unwrap();
    };
    sign("/O=system:nodes/CN=system:node:worker-1", "kubelet-client-2099-01-01-00-00-00.pem");
    fs::remove_file(node.path(KUBELET).join(installed)).unwrap();
    say(&node, 0, "files        all 6 are as they were installed\n");
    sign("/O=system:nodes/CN=system:node:worker-10", "kubelet-client-2099-01-01-00-00-01.pem");
    let [script, by_certferry] = both(&node, &TOOLS);
    assert_eq!((script.0, by_certferry.0), (Some(1), Some(1)));
    assert!(script.1.contains(&format!("  changed    {KUBELET}/kubelet-client-current.pem\n")), "{}", script.1);
}

/// The record, the ends of the certificates and all else that is kept, byte for byte.
#[test]
fn what_is_kept_of_an_installation_is_the_same() {
    for name in ["cp-1", "worker-1"] {
        let [by_script, by_apply] = [Node::with(&FIRST, name), Node::new()];
        succeed(&mut crate::common::node::apply(&FIRST, name, by_apply.root()));
        assert!(by_script.state() == by_apply.state(), "{name}");
        let ends = fs::read_to_string(by_apply.path("etc/kubernetes/.certferry/installed/not_after")).unwrap();
        let expected = if name == "cp-1" { 15 } else { 3 };
        assert_eq!(ends.lines().count(), expected + 2, "{ends}");
    }
}

/// The installed bundle once more, as `certferry apply` tells it.
#[test]
fn a_repair_is_told_alike() {
    let node = Node::with(&FIRST, "cp-1");
    for name in ["ca.crt", "ca.key"] {
        fs::copy(Node::with(&SECOND, "cp-1").path(PKI).join(name), node.path(PKI).join(name)).unwrap();
    }
    let by_apply = node.copy();
    let dry = node.install(&TOOLS, &FIRST, "cp-1", &["--dry-run"]).stdout;
    let script = node.install(&TOOLS, &FIRST, "cp-1", &[]).stdout;
    let by_certferry = succeed(&mut crate::common::node::apply(&FIRST, "cp-1", by_apply.root()));
    let expected = "cp-1: repaired 2 files of generation 1 of lab, Kubernetes 1.28.0, which is installed\n  changed  \
                    etc/kubernetes/pki/ca.crt\n  changed  etc/kubernetes/pki/ca.key\n";
    for text in [&script, &by_certferry] {
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains("in the cluster") && !text.contains("\nreplaced: "), "{text}");
    }
    assert!(dry.starts_with(&expected.replace("repaired", "would repair")), "{dry}");
    assert!(node.live() == by_apply.live());
}
