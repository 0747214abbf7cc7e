//! `status` sees what was changed after the installation, and takes healthy habits for what they are.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use certferry::host::NodeRoot;
use certferry::node::drift::{Change, Weight};
use certferry::node::{Drift, drift};
use serde_json::json;

use crate::common::node::{FIRST, SECOND, applied, apply, copy, everything, generation, journal, rollback};
use crate::common::rights::{Right, lacks};
use crate::common::{build_text, certferry, end, succeed, tool, write};
use crate::kube::machine::Machine;
use crate::kube::{kubeadm_config, lone_control_plane, programs};

const PKI: &str = "etc/kubernetes/pki";
const KUBELET: &str = "var/lib/kubelet/pki";
const LINK: &str = "var/lib/kubelet/pki/kubelet-client-current.pem";
const HINT: &str = "hint: `certferry apply` with the installed bundle mends it; if the change is wanted, build and apply a \
                    new generation\n";

fn status(root: &Path) -> Command {
    let mut command = certferry();
    command.args(["status", "--root"]).arg(root);
    command
}

/// What `status` says of the files: all from the line `files` on.
#[track_caller]
fn said(root: &Path, code: i32) -> String {
    let before = everything(root);
    let ended = end(&mut status(root));
    assert_eq!(ended.code, Some(code), "{}{}", ended.stdout, ended.stderr);
    assert!(everything(root) == before, "status changes nothing");
    assert_eq!(ended.stderr.is_empty(), code == 0, "{}", ended.stderr);
    let start = ended.stdout.find("files ").unwrap_or_else(|| panic!("{}", ended.stdout));
    ended.stdout[start..].to_owned()
}

fn compared(root: &Path) -> Drift {
    drift(&NodeRoot::new(root.to_owned())).unwrap().unwrap()
}

/// The number of files and links in the record of that node.
fn count(root: &Path) -> usize {
    compared(root).places.len()
}

fn all(root: &Path) -> String {
    format!("files        all {} are as they were installed\n", count(root))
}

fn openssl(folder: &Path, line: &str) -> String {
    succeed(tool("openssl").args(line.split_whitespace()).current_dir(folder))
}

/// A certificate for a subject and a year's validity, as kubeadm renews it: by the CA in the folder, with a new key.
fn renew(pki: &Path, name: &str, authority: &str, subject: &str) {
    openssl(
        pki,
        &format!("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out csr -subj {subject}"),
    );
    openssl(
        pki,
        &format!(
            "x509 -req -in csr -CA {authority}.crt -CAkey {authority}.key -set_serial 7 -days 365 -out {name}.crt"
        ),
    );
    fs::remove_file(pki.join("csr")).unwrap();
    fs::set_permissions(pki.join(format!("{name}.crt")), PermissionsExt::from_mode(0o644)).unwrap();
}

/// The day on which a certificate ends, as openssl tells it.
fn day(path: &Path) -> String {
    let line = openssl(Path::new("/"), &format!("x509 -noout -enddate -dateopt iso_8601 -in {}", path.display()));
    line.trim().strip_prefix("notAfter=").unwrap()[..10].to_owned()
}

#[test]
fn what_was_installed_is_as_it_was() {
    for node in ["cp-1", "worker-1"] {
        let root = applied(&FIRST, node);
        assert_eq!(said(root.path(), 0), all(root.path()), "{node}");
    }
    // Nothing is installed, and so nothing differs.
    let fresh = tempfile::tempdir().unwrap();
    let text = succeed(&mut status(fresh.path()));
    assert_eq!(text, "installed    nothing by certferry\nprevious     none\n");
    assert!(drift(&NodeRoot::new(fresh.path().to_owned())).unwrap().is_none());
}

#[test]
fn each_file_that_is_gone_changed_or_open_to_others_is_named() {
    for node in ["cp-1", "worker-1"] {
        let root = applied(&FIRST, node);
        let places = compared(root.path()).places;
        for place in &places {
            let only = |what: &str, change: &dyn Fn(&Path)| {
                let root = copy(root.path());
                change(&root.path().join(place));
                let found = compared(root.path());
                let named: Vec<_> = found.problems().chain(found.notes()).map(|drifted| &drifted.place).collect();
                assert_eq!(named, [place], "{what}");
                let ended = end(&mut status(root.path()));
                let is_note = found.problems().next().is_none();
                let may_go = ["admin.conf", "ca.key"].iter().any(|name| place.ends_with(name));
                assert_eq!(is_note, what == "gone" && may_go, "{what} {place}");
                assert_eq!(ended.code, Some(i32::from(!is_note)), "{what} {place}");
                assert!(ended.stdout.contains(place), "{what} {place}: {}", ended.stdout);
            };
            only("gone", &|path| fs::remove_file(path).unwrap());
            only("a folder", &|path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            });
            if place == LINK {
                continue;
            }
            only("empty", &|path| fs::write(path, "").unwrap());
            only("mode", &|path| fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap());
            only("link", &|path| {
                fs::rename(path, path.with_extension("old")).unwrap();
                symlink(path.with_extension("old"), path).unwrap();
            });
        }
        assert!(places.len() > 4, "{places:?}");
    }
}

#[test]
fn a_folder_that_is_gone_is_one_line() {
    let root = applied(&FIRST, "cp-1");
    let all = count(root.path());
    let below = |folder: &str| {
        let folder = format!("{folder}/");
        compared(root.path()).places.iter().filter(|place| place.starts_with(&folder)).count()
    };
    let (etcd, kubelet) = (below(&format!("{PKI}/etcd")), below(KUBELET));
    fs::remove_dir_all(root.path().join(PKI).join("etcd")).unwrap();
    let ended = end(&mut status(root.path()));
    assert_eq!(ended.stderr, format!("error: {etcd} of {all} files are not as they were installed\n{HINT}"));
    assert!(ended.stdout.ends_with(&format!(
        "files        {etcd} of {all} differ from what was installed\n  missing    {PKI}/etcd, a folder with {etcd} files\n"
    )));
    // A folder above others, and another one.
    let pki = below(PKI);
    fs::remove_dir_all(root.path().join(PKI)).unwrap();
    fs::remove_dir_all(root.path().join("var")).unwrap();
    assert_eq!(
        said(root.path(), 1),
        format!(
            "files        {} of {all} differ from what was installed\n  missing    {PKI}, a folder with {pki} files\n  \
             missing    var, a folder with {kubelet} files\n",
            pki + kubelet
        )
    );
    // A link that leads nowhere is told as what it is.
    symlink("nowhere", root.path().join(PKI)).unwrap();
    let text = said(root.path(), 1);
    assert!(text.contains(&format!("\n  changed    {PKI}: a link to nowhere stands there\n")), "{text}");
}

/// What `kubeadm certs renew all` does to every leaf.
#[test]
fn renewed_leaves_are_one_paragraph_with_the_old_and_the_new_end() {
    let root = applied(&FIRST, "cp-1");
    let (all, pki) = (count(root.path()), root.path().join(PKI));
    let before = day(&pki.join("apiserver.crt"));
    for (name, authority, subject) in [
        ("apiserver", "ca", "/CN=kube-apiserver"),
        ("etcd/server", "etcd/ca", "/CN=cp-1"),
        ("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client"),
    ] {
        renew(&pki, name, authority, subject);
    }
    let after = day(&pki.join("apiserver.crt"));
    assert_eq!(
        said(root.path(), 1),
        format!(
            "files        6 of {all} differ from what was installed\n  renewed    3 certificates, by the installed CAs; they \
             end {after} instead of {before}:\n    {PKI}/apiserver.crt and its key\n    {PKI}/etcd/server.crt and its key\n    \
             {PKI}/front-proxy-client.crt and its key\n"
        )
    );
    // One alone stands on its line; without the list of ends it is known how long the new one is valid.
    let alone = applied(&FIRST, "cp-1");
    renew(&alone.path().join(PKI), "apiserver", "ca", "/CN=kube-apiserver");
    let line = |instead: &str| {
        format!(
            "files        2 of {all} differ from what was installed\n  renewed    {PKI}/apiserver.crt and its key: by the \
             installed CA; ends {after}{instead}\n"
        )
    };
    assert_eq!(said(alone.path(), 1), line(&format!(" instead of {before}")));
    fs::remove_file(alone.path().join("etc/kubernetes/.certferry/installed/not_after")).unwrap();
    assert_eq!(said(alone.path(), 1), line(""));
}

/// kubeadm itself, and the same words.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_kubeadm_renews_every_leaf_and_status_says_it_once() {
    let programs = programs();
    let bundle = build_text(&generation(1, |profile| profile["cluster"]["kubernetes"] = "1.20.2".into()));
    let root = applied(&bundle, "cp-1");
    let before = day(&root.path().join(PKI).join("apiserver.crt"));
    let machine = Machine::start(&programs, &[], "");
    for folder in ["etc/kubernetes", "var/lib/kubelet"] {
        machine.bind(&root.path().join(folder), &format!("/{folder}"));
    }
    let cluster = lone_control_plane(Some("192.168.10.5:6443"), "192.168.10.5");
    write(&machine.path("root"), "kubeadm.yaml", &kubeadm_config("1.20.2", &cluster, "cp-1"), 0o600);
    succeed(machine.command("kubeadm").args(["certs", "renew", "all", "--config", "/root/kubeadm.yaml"]));
    let (all, after) = (count(root.path()), day(&root.path().join(PKI).join("apiserver.crt")));
    let kubeconfigs =
        ["admin.conf", "controller-manager.conf", "scheduler.conf"].map(|name| format!("etc/kubernetes/{name}"));
    let pairs = [
        "apiserver-etcd-client",
        "apiserver-kubelet-client",
        "apiserver",
        "etcd/healthcheck-client",
        "etcd/peer",
        "etcd/server",
        "front-proxy-client",
    ];
    let pairs = pairs.map(|name| format!("{PKI}/{name}.crt and its key"));
    let list: String =
        kubeconfigs.iter().take(2).chain(&pairs).chain(&kubeconfigs[2..]).map(|line| format!("    {line}\n")).collect();
    assert_eq!(
        said(root.path(), 1),
        format!(
            "files        17 of {all} differ from what was installed\n  renewed    10 certificates, by the installed CAs; they \
             end {after} instead of {before}:\n{list}"
        )
    );
    succeed(&mut apply(&bundle, "cp-1", root.path()));
    assert!(said(root.path(), 0).contains("are as they were installed"));
}

#[test]
fn another_authority_is_told_from_a_renewed_one() {
    let root = applied(&FIRST, "cp-1");
    let all = count(root.path());
    let ends = day(&root.path().join(PKI).join("ca.crt"));
    let other = applied(&SECOND, "cp-1");
    // Another generation's CA, with its key, and one leaf that it signed.
    let bring = |names: &[&str]| {
        let root = copy(root.path());
        for name in names {
            fs::copy(other.path().join(PKI).join(name), root.path().join(PKI).join(name)).unwrap();
        }
        said(root.path(), 1)
    };
    assert_eq!(
        bring(&["ca.crt"]),
        format!(
            "files        1 of {all} differ from what was installed\n  changed    {PKI}/ca.crt: another CA, with another key: \
             ends {ends} instead of {ends}\n"
        )
    );
    // The leaf has the same key in both generations.
    let text = bring(&["ca.crt", "ca.key", "apiserver.crt", "apiserver.key"]);
    assert!(text.starts_with(&format!("files        3 of {all} differ")), "{text}");
    assert!(
        text.contains(&format!("{PKI}/apiserver.crt: signed by the CA that is in {PKI}/ca.crt now; ends ")),
        "{text}"
    );
    assert!(text.contains(&format!("{PKI}/ca.crt: another CA, with another key: ")), "{text}");
    // A leaf whose CA is not the one that lies there.
    let text = bring(&["apiserver.crt"]);
    assert!(
        text.contains(&format!("{PKI}/apiserver.crt: not signed by the installed CA: it names CN=kubernetes; ends ")),
        "{text}"
    );
    let text = bring(&["ca.key"]);
    assert!(text.ends_with("ca.key: another key, which belongs to nothing that is installed\n"), "{text}");

    // The CA made anew with its own key, and without its key there a leaf that it signed tells.
    let pki = root.path().join(PKI);
    openssl(&pki, "x509 -in ca.crt -signkey ca.key -days 3650 -out new.crt");
    fs::rename(pki.join("new.crt"), pki.join("ca.crt")).unwrap();
    let now = day(&pki.join("ca.crt"));
    let line = format!("{PKI}/ca.crt: the CA was renewed with its own key: ends {now} instead of {ends}\n");
    assert!(said(root.path(), 1).contains(&line), "{}", said(root.path(), 1));
    fs::remove_file(pki.join("ca.key")).unwrap();
    assert!(said(root.path(), 1).contains(&line), "{}", said(root.path(), 1));
}

#[test]
fn a_renewed_kubeconfig_and_one_that_says_something_else() {
    let root = applied(&FIRST, "cp-1");
    let all = count(root.path());
    let conf = root.path().join("etc/kubernetes/scheduler.conf");
    let text = fs::read_to_string(&conf).unwrap();
    let change = |from: &str, to: &str| {
        let other = text.replace(from, to);
        assert_ne!(other, text, "{from}");
        fs::write(&conf, other).unwrap();
    };
    change("server: https://", "server: https://elsewhere.");
    assert_eq!(
        said(root.path(), 1),
        format!(
            "files        1 of {all} differ from what was installed\n  changed    etc/kubernetes/scheduler.conf: says something \
             else\n"
        )
    );
    change("kind: Config", "kind: [");
    assert!(said(root.path(), 1).contains("scheduler.conf: is no kubeconfig that can be read: "), "{text}");
    // The same in another layout is no difference.
    change("kind: Config", "kind: 'Config'\npreferences: {}");
    assert!(said(root.path(), 0).starts_with("files        all "));
    fs::write(&conf, &text).unwrap();
    let kubelet = root.path().join("etc/kubernetes/kubelet.conf");
    let text = fs::read_to_string(&kubelet).unwrap();
    fs::write(&kubelet, text.replace('"', "")).unwrap();
    assert!(said(root.path(), 0).starts_with("files        all "), "quotes alone");
}

/// The kubelet has fetched another certificate; each way in which that is not so is named.
#[test]
fn a_rotation_of_the_kubelets_own_is_no_difference() {
    let control_plane = applied(&FIRST, "cp-1");
    let root = applied(&FIRST, "worker-1");
    let installed = fs::read_link(root.path().join(LINK)).unwrap().display().to_string();
    let authorities = tempfile::tempdir().unwrap();
    for name in ["ca.crt", "ca.key"] {
        fs::copy(control_plane.path().join(PKI).join(name), authorities.path().join(name)).unwrap();
    }
    openssl(
        authorities.path(),
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.crt -subj /CN=kubernetes",
    );
    // Signs a certificate of the kubelet's and leads the link to it, as the kubelet does: absolute.
    let rotate = |name: &str, authority: &str, subject: &str| {
        let root = copy(root.path());
        renew(authorities.path(), "new", authority, subject);
        let pem = ["new.crt", "new.key"].map(|file| fs::read(authorities.path().join(file)).unwrap()).concat();
        fs::write(root.path().join(KUBELET).join(name), pem).unwrap();
        fs::remove_file(root.path().join(LINK)).unwrap();
        symlink(format!("/{KUBELET}/{name}"), root.path().join(LINK)).unwrap();
        root
    };
    let (newer, own) = ("kubelet-client-2027-11-01-00-00-00.pem", "/O=system:nodes/CN=system:node:worker-1");
    let rotated = rotate(newer, "ca", own);
    assert_eq!(said(rotated.path(), 0), all(root.path()));
    fs::remove_file(rotated.path().join(KUBELET).join(&installed)).unwrap();
    assert_eq!(said(rotated.path(), 0), all(root.path()), "the installed one may go then");

    let all = count(root.path());
    let refused = |root: &Path, target: &str, reason: &str| {
        let target = format!("/{KUBELET}/{target}");
        assert_eq!(
            said(root, 1),
            format!(
                "files        1 of {all} differ from what was installed\n  changed    {LINK}: leads to {target} and not to \
                 {installed}; {target} {reason}\n"
            )
        );
    };
    let older = "kubelet-client-2019-01-01-00-00-00.pem";
    refused(rotate(older, "ca", own).path(), older, "is older than the installed one");
    let other = "/O=system:nodes/CN=system:node:worker-2";
    refused(rotate(newer, "ca", other).path(), newer, "is a certificate for another subject");
    let reason = "is not signed by the installed CA: it names CN=kubernetes";
    refused(rotate(newer, "other", own).path(), newer, reason);
    let gone = rotate(newer, "ca", own);
    fs::remove_file(gone.path().join(KUBELET).join(newer)).unwrap();
    refused(gone.path(), newer, "cannot be read");
    let empty = rotate(newer, "ca", own);
    fs::write(empty.path().join(KUBELET).join(newer), "").unwrap();
    refused(empty.path(), newer, "holds no certificate");
    // A link to the installed file by its whole path is the same link.
    let whole = copy(root.path());
    fs::remove_file(whole.path().join(LINK)).unwrap();
    symlink(format!("/{KUBELET}/{installed}"), whole.path().join(LINK)).unwrap();
    assert!(said(whole.path(), 0).contains("all"));
}

#[test]
fn permissions_and_owners_are_compared() {
    let root = applied(&FIRST, "cp-1");
    let all = count(root.path());
    for name in ["ca.key", "sa.key"] {
        fs::set_permissions(root.path().join(PKI).join(name), PermissionsExt::from_mode(0o644)).unwrap();
    }
    assert_eq!(
        said(root.path(), 1),
        format!(
            "files        2 of {all} differ from what was installed\n  access     2 files: mode 0644 instead of 0600\n    \
             {PKI}/ca.key\n    {PKI}/sa.key\n"
        )
    );
    if lacks(&[Right::Owners]) {
        return;
    }
    let root = applied(&FIRST, "cp-1");
    std::os::unix::fs::chown(root.path().join(PKI).join("sa.key"), Some(7), Some(8)).unwrap();
    assert!(said(root.path(), 1).ends_with("  access     etc/kubernetes/pki/sa.key: owner 7:8 instead of 0:0\n"));
}

#[test]
fn people_may_take_away_what_nothing_reads() {
    let root = applied(&FIRST, "cp-1");
    let remove = |place: &str| fs::remove_file(root.path().join(place)).unwrap();
    let accept = |root: &Path, path: &str| {
        let mut command = status(root);
        command.arg("--accept").arg(path);
        command
    };
    for place in ["etc/kubernetes/admin.conf", "etc/kubernetes/pki/ca.key", "etc/kubernetes/pki/etcd/ca.key"] {
        remove(place);
    }
    let head = format!("files        all {} are as they were installed, save what is noted\n", count(root.path()));
    let note = |place: &str, why: &str| format!("  note       {place} was taken away: {why}\n");
    let (people, flags) = ("nothing on the node reads it", "no flag of a static pod names it");
    let end_of_notes = "             `certferry status --accept PATH` takes note of it for good\n";
    assert_eq!(
        said(root.path(), 0),
        format!(
            "{head}{}{}{}{end_of_notes}",
            note("etc/kubernetes/admin.conf", people),
            note("etc/kubernetes/pki/ca.key", flags),
            note("etc/kubernetes/pki/etcd/ca.key", flags)
        )
    );
    // As a person types it: from /, from the root's own place, relative to the root.
    let whole = root.path().join("etc/kubernetes/pki/ca.key").display().to_string();
    let text = succeed(&mut accept(root.path(), "/etc/kubernetes/admin.conf"));
    assert!(!text.contains("admin.conf") && text.contains("pki/ca.key"), "{text}");
    succeed(&mut accept(root.path(), &whole));
    succeed(&mut accept(root.path(), "etc/kubernetes/pki/etcd/ca.key"));
    assert_eq!(said(root.path(), 0), all(root.path()));
    let list = root.path().join("etc/kubernetes/.certferry/installed/accepted");
    let expected = "certferry-accepted-1\netc/kubernetes/admin.conf\netc/kubernetes/pki/ca.key\netc/kubernetes/pki/etcd/ca.key\nend\n";
    assert_eq!(fs::read_to_string(&list).unwrap(), expected);
    let weights: BTreeMap<_, _> =
        compared(root.path()).drifted.into_iter().map(|drifted| (drifted.place, drifted.weight)).collect();
    assert!(weights.len() == 3 && weights.values().all(|weight| *weight == Weight::Accepted), "{weights:?}");

    // A flag that names the key wins over what was accepted.
    let manifests = root.path().join("etc/kubernetes/manifests");
    fs::create_dir_all(&manifests).unwrap();
    let pod = "kind: Pod\nspec:\n  containers:\n  - command: [kube-controller-manager, --cluster-signing-key-file=/pki/ca.key]\n    \
               volumeMounts: [{mountPath: /pki, name: pki}]\n  volumes: [{name: pki, hostPath: {path: /etc/kubernetes/pki}}]\n";
    write(&manifests, "kube-controller-manager.yaml", pod, 0o600);
    let text = said(root.path(), 1);
    let needed = "  missing    etc/kubernetes/pki/ca.key: /etc/kubernetes/manifests/kube-controller-manager.yaml names it in \
                  --cluster-signing-key-file\n";
    assert!(text.ends_with(needed), "{text}");
    fs::remove_dir_all(&manifests).unwrap();

    // A repair brings the files back and keeps the list; a new generation begins without, and the way back has it again.
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert_eq!(fs::read_to_string(&list).unwrap(), expected);
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert!(!list.exists());
    succeed(&mut rollback(root.path()));
    assert_eq!(fs::read_to_string(&list).unwrap(), expected);
}

#[test]
fn what_may_not_be_accepted_is_refused_with_its_reason() {
    let root = applied(&FIRST, "cp-1");
    let refuse = |root: &Path, paths: &[&str], code: i32, text: &str| {
        let before = everything(root);
        let mut command = status(root);
        for path in paths {
            command.args(["--accept", path]);
        }
        let ended = end(&mut command);
        assert_eq!((ended.code, ended.stderr.as_str(), ended.stdout.as_str()), (Some(code), text, ""));
        assert!(everything(root) == before, "{text}");
    };
    let (admin, leaf) = ("etc/kubernetes/admin.conf", "etc/kubernetes/pki/apiserver.key");
    refuse(
        root.path(),
        &[admin],
        1,
        "error: etc/kubernetes/admin.conf was not taken away\nhint: there is nothing to accept while it is there; nothing was \
         changed\n",
    );
    for place in [admin, leaf] {
        fs::remove_file(root.path().join(place)).unwrap();
    }
    let may = "only admin.conf, super-admin.conf and a CA's key that no flag names may be taken away";
    let text = format!("error: etc/kubernetes/pki/apiserver.key must not be missing\nhint: {may}\n");
    // Of two that are named neither is accepted.
    refuse(root.path(), &[admin, leaf], 1, &text);
    refuse(
        root.path(),
        &["/etc/kubernetes/pki/dex.key"],
        2,
        "error: generation 1 has no file etc/kubernetes/pki/dex.key\nhint: name it as `certferry status` does; nothing was \
         changed\n",
    );
    let manifests = root.path().join("etc/kubernetes/manifests");
    fs::create_dir_all(&manifests).unwrap();
    let pod =
        "kind: Pod\nspec: {containers: [{command: [x, --cluster-signing-key-file, /etc/kubernetes/pki/ca.key]}]}\n";
    write(&manifests, "kcm.yaml", pod, 0o600);
    fs::remove_file(root.path().join(PKI).join("ca.key")).unwrap();
    let text = format!(
        "error: etc/kubernetes/pki/ca.key must not be missing: kcm.yaml names it in --cluster-signing-key-file\nhint: {may}\n"
    );
    refuse(root.path(), &["etc/kubernetes/pki/ca.key"], 1, &text);
    write(&root.path().join("etc/kubernetes/.certferry"), "journal", &journal(""), 0o600);
    refuse(
        root.path(),
        &[admin],
        2,
        "error: an interrupted run waits to be brought to its end\nhint: `certferry apply` or `certferry rollback` brings it to \
         its end; nothing was changed\n",
    );
    let fresh = tempfile::tempdir().unwrap();
    refuse(
        fresh.path(),
        &[admin],
        2,
        "error: certferry installed nothing here\nhint: --root is the folder that holds etc/kubernetes/.certferry\n",
    );
}

#[test]
fn what_cannot_be_compared_is_said() {
    let root = applied(&FIRST, "worker-1");
    let state = root.path().join("etc/kubernetes/.certferry");
    write(&state, "journal", &journal(""), 0o600);
    let text = said(root.path(), 0);
    assert_eq!(text, "files        not compared: those of two generations may be there\n");
    assert!(compared(root.path()).is_interrupted);
    fs::remove_file(state.join("journal")).unwrap();

    let broken = |file: &str| {
        format!(
            "error: what certferry remembers of this node cannot be read: {file}\nhint: nothing was changed; look at \
             etc/kubernetes/.certferry, which nobody but certferry should write\n"
        )
    };
    let refuse = |text: &str| {
        let ended = end(&mut status(root.path()));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), text));
    };
    for name in ["accepted", "not_after"] {
        let file = state.join("installed").join(name);
        let before = fs::read(&file);
        fs::write(&file, "something\n").unwrap();
        refuse(&broken(name));
        match before {
            Ok(before) => fs::write(&file, before).unwrap(),
            Err(_) => fs::remove_file(&file).unwrap(),
        }
    }
    let record = state.join("installed/record.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    refuse(
        "error: what is installed has the bundle format 2, and this certferry knows the format 1\nhint: take the certferry that \
         installed it, or a newer one; nothing was changed\n",
    );
}

#[test]
fn what_cannot_be_read_is_no_missing_file() {
    let root = applied(&FIRST, "cp-1");
    let places = compared(root.path()).places;
    let pki: Vec<_> = places.iter().filter(|place| place.starts_with(PKI)).collect();
    fs::remove_dir_all(root.path().join(PKI)).unwrap();
    symlink("pki", root.path().join(PKI)).unwrap();
    let (all, unread) = (places.len(), pki.len());
    // In the order of the record, which is by component.
    let text = said(root.path(), 2);
    let list = text.strip_prefix(&format!(
        "files        0 of {all} differ from what was installed, {unread} cannot be read\n  unread     {unread} files: too many \
         links\n"
    ));
    let list = list.unwrap_or_else(|| panic!("{text}"));
    let mut list: Vec<_> = list.lines().map(str::trim).collect();
    list.sort_unstable();
    assert_eq!(list, pki);
    assert_eq!(
        end(&mut status(root.path())).stderr,
        format!(
            "error: {unread} of {all} files cannot be read, and 0 are not as they were installed\nhint: run this as root, or \
             mend what is named above\n"
        )
    );
    // Whether a manifest names a key that is gone is not known, if it cannot be read.
    let root = applied(&FIRST, "cp-1");
    let manifests = root.path().join("etc/kubernetes/manifests");
    fs::create_dir(&manifests).unwrap();
    write(&manifests, "kcm.yaml", "kind: [\n", 0o600);
    assert!(said(root.path(), 0).contains("are as they were installed\n"), "no key is gone");
    fs::remove_file(root.path().join(PKI).join("ca.key")).unwrap();
    let text = said(root.path(), 2);
    assert!(text.contains("  unread     etc/kubernetes/manifests/kcm.yaml: not YAML: "), "{text}");
    // One that is too long to be read is none of those that were installed.
    let root = applied(&FIRST, "worker-1");
    fs::File::create(root.path().join(PKI).join("ca.crt")).unwrap().set_len(5 << 20).unwrap();
    assert!(said(root.path(), 1).ends_with("pki/ca.crt: holds no certificate that can be read\n"));
}

#[test]
fn programs_are_told_the_same() {
    let root = applied(&FIRST, "cp-1");
    let document = |root: &Path, code: i32| -> serde_json::Value {
        let ended = end(status(root).args(["-o", "json"]));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    };
    let all = count(root.path());
    let none = json!({ "compared": true, "files": all, "differing": 0, "findings": [], "unread": [] });
    assert_eq!(document(root.path(), 0)["drift"], none);
    let pki = root.path().join(PKI);
    let before = day(&pki.join("apiserver.crt"));
    renew(&pki, "apiserver", "ca", "/CN=kube-apiserver");
    let after = day(&pki.join("apiserver.crt"));
    fs::remove_file(root.path().join("etc/kubernetes/admin.conf")).unwrap();
    let drift = &document(root.path(), 1)["drift"];
    assert_eq!(drift["differing"], 2);
    let rows: Vec<_> = drift["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| ["path", "change", "weight", "text"].map(|key| row[key].as_str().unwrap().to_owned()))
        .collect();
    let row = |cells: [&str; 4]| cells.map(str::to_owned);
    let ends = format!("by the installed CA; ends {after} instead of {before}");
    assert_eq!(
        rows,
        [
            row(["etc/kubernetes/admin.conf", "missing", "note", ""]),
            row(["etc/kubernetes/pki/apiserver.crt", "renewed", "problem", &ends]),
            row([
                "etc/kubernetes/pki/apiserver.key",
                "key",
                "problem",
                "another key, which belongs to etc/kubernetes/pki/apiserver.crt"
            ]),
        ]
    );
    let certificate = &drift["findings"][1];
    assert!(certificate["not_after"].as_str().unwrap().starts_with(&after));
    assert!(certificate["installed_not_after"].as_str().unwrap().starts_with(&before));
    let fresh = tempfile::tempdir().unwrap();
    assert_eq!(document(fresh.path(), 0)["drift"], serde_json::Value::Null);
}

/// A tree that was copied elsewhere and belongs to somebody else, with its folder behind a link, as kubespray has it.
#[test]
fn any_readable_tree_can_be_compared() {
    let root = applied(&FIRST, "cp-1");
    let kubernetes = root.path().join("etc/kubernetes");
    fs::rename(kubernetes.join("pki"), kubernetes.join("ssl")).unwrap();
    symlink("/etc/kubernetes/ssl", kubernetes.join("pki")).unwrap();
    assert_eq!(said(root.path(), 0), all(root.path()));
    fs::remove_file(kubernetes.join("ssl/ca.key")).unwrap();
    let manifests = kubernetes.join("manifests");
    fs::create_dir(&manifests).unwrap();
    let pod = "kind: Pod\nspec: {containers: [{args: [--cluster-signing-key-file=/etc/kubernetes/ssl/ca.key]}]}\n";
    write(&manifests, "kcm.yaml", pod, 0o600);
    let found = compared(root.path());
    let problem = found.problems().next().unwrap();
    assert_eq!(problem.place, "etc/kubernetes/pki/ca.key");
    assert!(
        matches!(&problem.change, Change::Missing { needed_by: Some(user) } if user.flag == "--cluster-signing-key-file")
    );
}
