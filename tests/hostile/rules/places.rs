//! Places: what a part may never hold, however rightly it is signed.

use super::Case;
use crate::hostile::archive::Entry;
use crate::hostile::bundle::{Bundle, LAST, LINK, Part, STORE, TOP, at, link_row, row, rows, tree};

const PLACE: &str = "files in places that the format does not name";
const ROLE: &str = "files that do not belong on a node of that role";
const MODE: &str = "modes that are another file's";
const NAMES: &str = "names of a node";
/// Cases that install.sh does not see: it takes no cluster's part.
pub const CLUSTER: &str = "files of the cluster's part";

/// The folders that have entries of their own.
const FOLDERS: [&str; 4] =
    ["etc/kubernetes/", "etc/kubernetes/pki/", "etc/kubernetes/pki/etcd/", "var/lib/kubelet/pki/"];

/// What only control planes have, and with which mode.
const CONTROL_PLANE: [(&str, &str); 24] = [
    ("etc/kubernetes/admin.conf", "0600"),
    ("etc/kubernetes/certferry-restart-kube-apiserver.service", "0644"),
    ("etc/kubernetes/certferry-restart-kube-apiserver.sh", "0644"),
    ("etc/kubernetes/certferry-restart-kube-apiserver.timer", "0644"),
    ("etc/kubernetes/controller-manager.conf", "0600"),
    ("etc/kubernetes/pki/apiserver-etcd-client.crt", "0644"),
    ("etc/kubernetes/pki/apiserver-etcd-client.key", "0600"),
    ("etc/kubernetes/pki/apiserver-kubelet-client.crt", "0644"),
    ("etc/kubernetes/pki/apiserver-kubelet-client.key", "0600"),
    ("etc/kubernetes/pki/apiserver.crt", "0644"),
    ("etc/kubernetes/pki/apiserver.key", "0600"),
    ("etc/kubernetes/pki/ca.key", "0600"),
    ("etc/kubernetes/pki/etcd/ca.key", "0600"),
    ("etc/kubernetes/pki/front-proxy-ca.crt", "0644"),
    ("etc/kubernetes/pki/front-proxy-ca.key", "0600"),
    ("etc/kubernetes/pki/front-proxy-client.crt", "0644"),
    ("etc/kubernetes/pki/front-proxy-client.key", "0600"),
    ("etc/kubernetes/pki/sa.key", "0600"),
    ("etc/kubernetes/pki/sa.pub", "0600"),
    ("etc/kubernetes/scheduler.conf", "0600"),
    ("etc/kubernetes/super-admin.conf", "0600"),
    ("etc/kubernetes/pki/etcd/server.key", "0600"),
    ("etc/kubernetes/pki/etcd/peer.key", "0600"),
    ("etc/kubernetes/pki/etcd/healthcheck-client.key", "0600"),
];

/// What members of etcd have, and workers do not.
const ETCD: [(&str, &str); 4] = [
    ("etc/kubernetes/pki/etcd/ca.crt", "0644"),
    ("etc/kubernetes/pki/etcd/healthcheck-client.crt", "0644"),
    ("etc/kubernetes/pki/etcd/peer.crt", "0644"),
    ("etc/kubernetes/pki/etcd/server.crt", "0644"),
];

/// What nodes with a kubelet have, and members of etcd do not.
const KUBELET: [(&str, &str); 5] = [
    ("etc/kubernetes/kubelet.conf", "0600"),
    ("etc/kubernetes/pki/ca.crt", "0644"),
    ("var/lib/kubelet/pki/kubelet-client-2025-01-01-00-00-00.pem", "0600"),
    ("var/lib/kubelet/pki/kubelet.crt", "0644"),
    ("var/lib/kubelet/pki/kubelet.key", "0600"),
];

/// What nobody has.
const NOBODY: [&str; 31] = [
    "bin/sh",
    "etc/cron.d/certferry",
    "etc/default/kubelet",
    "etc/hostname",
    "etc/kubernetes/.certferry/installed/record.json",
    "etc/kubernetes/.certferry/journal",
    "etc/kubernetes/.certferry/next/units",
    "etc/kubernetes/.certferry/previous/pki/ca.key",
    "etc/kubernetes/Admin.conf",
    "etc/kubernetes/bootstrap-kubelet.conf",
    "etc/kubernetes/certferry-restart-kube-apiserver",
    "etc/kubernetes/certferry-restart-kube-apiserver.conf",
    "etc/kubernetes/cloud.conf",
    "etc/kubernetes/manifests/kube-apiserver.yaml",
    "etc/kubernetes/pki",
    "etc/kubernetes/pki/.certferry/next/units",
    "etc/kubernetes/pki/apiserver",
    "etc/kubernetes/pki/ca.crt.bak",
    "etc/kubernetes/pki/dex.crt",
    "etc/kubernetes/pki/etcd/sub/ca.crt",
    "etc/kubernetes/ssl/ca.crt",
    "etc/ssh/sshd_config",
    "etc/systemd/system/kubelet.service",
    "root/.ssh/authorized_keys",
    "usr/local/bin/certferry",
    "var/lib/etcd/member/snap/db",
    "var/lib/kubelet/.certferry/previous/pki",
    "var/lib/kubelet/config.yaml",
    "var/lib/kubelet/pki/kubelet-client-.pem",
    "var/lib/kubelet/pki/kubelet-client-tomorrow.pem",
    "var/lib/kubelet/pki/kubelet-server-current.pem",
];

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = NOBODY
        .iter()
        .map(|path| {
            let archive = packed("control-plane", path, "0644");
            Case::new(
                PLACE,
                *path,
                archive,
                not_valid("nodes/cp-1", &format!("{path:?} is no place of this part (rule place)")),
            )
        })
        .collect();
    let wrong_role = |role: &str, files: &[(&str, &str)]| -> Vec<Case> {
        let case = |(path, mode): &(&str, &str)| {
            let problem = format!("{path:?} does not belong on a node of role {role} (rule role)");
            Case::new(ROLE, format!("{path} on {role}"), packed(role, path, mode), not_valid("nodes/cp-1", &problem))
        };
        files.iter().map(case).collect()
    };
    cases.extend(wrong_role("worker", &[&CONTROL_PLANE[..], &ETCD].concat()));
    // Of the control plane's, the last three are etcd's members', too.
    cases.extend(wrong_role("etcd", &[&CONTROL_PLANE[..21], &KUBELET].concat()));
    for (path, mode) in CONTROL_PLANE.iter().chain(&ETCD).chain(&KUBELET) {
        let other = if *mode == "0600" { "0644" } else { "0600" };
        let problem = format!("{path:?} must not have the mode {other} (rule mode)");
        let archive = packed("control-plane", path, other);
        cases.push(Case::new(MODE, *path, archive, not_valid("nodes/cp-1", &problem)));
    }
    cases.extend(of_the_folder());
    cases.extend(of_the_link());
    let nameless =
        Part::control_plane(&rows(), tree()).with("\"names\": [\n    \"cp-1\"", "\"names\": [\n    \"cp-2\"");
    let problem = not_valid("nodes/cp-1", "names are without the node's own, \"cp-1\" (rule names)");
    cases.push(Case::new(NAMES, "another node's alone", Bundle::genuine().with(nameless).packed(), problem));
    cases.extend(of_the_cluster());
    cases
}

/// Records that say where the certificates lie, and files that lie elsewhere.
fn of_the_folder() -> Vec<Case> {
    let case = |folder: &str, place: &str, problem: &str| {
        let tree =
            vec![Entry::folder(&at(&place[..=place.rfind('/').unwrap()])), Entry::file(&at(place), 0o644, b"x\n")];
        let said = format!("],\n  \"certificates_dir\": \"{folder}\",\n  \"cluster\"");
        let part = Part::node("cp-1", "worker", "192.168.10.5", &[row(place, "0644", b"x\n")], tree);
        let archive = Bundle::genuine().with(part.with("],\n  \"cluster\"", &said)).packed();
        Case::new(PLACE, format!("{place} with {folder}"), archive, not_valid("nodes/cp-1", problem))
    };
    let nowhere = |place: &str| format!("{place:?} is no place of this part (rule place)");
    let [usual, other, third] = ["pki", "ssl", "tls"].map(|name| format!("etc/kubernetes/{name}/ca.crt"));
    let cannot = |folder: &str| format!("certificates_dir cannot be {folder:?}");
    let mut cases = vec![
        case("/etc/kubernetes/ssl", &usual, &nowhere(&usual)),
        case("/etc/kubernetes/ssl", &third, &nowhere(&third)),
        case("/etc/kubernetes/ssl", "etc/kubernetes/ssl/dex.crt", &nowhere("etc/kubernetes/ssl/dex.crt")),
    ];
    for folder in [
        "/etc/kubernetes/pki",
        "/etc/kubernetes/.certferry",
        "/etc/kubernetes/manifests",
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/a/b",
        "/etc/kubernetes/..",
        "/etc/ssl",
        "etc/kubernetes/ssl",
    ] {
        cases.push(case(folder, &other, &cannot(folder)));
    }
    cases
}

fn of_the_link() -> [Case; 2] {
    let to = |target: &str| {
        let (mut rows, mut tree) = (rows(), tree());
        rows[3] = link_row(LINK, target);
        tree[5] = Entry::link(&at(LINK), target);
        Bundle::genuine().with(Part::control_plane(&rows, tree)).packed()
    };
    let key = LAST.rsplit('/').next().unwrap();
    let problem = format!("the link {LINK:?} to {key:?} is not the kubelet's (rule link)");
    let to_a_key = Case::new(PLACE, "the link to another file", to(key), not_valid("nodes/cp-1", &problem));
    let rows = [row(&format!("var/lib/kubelet/pki/{STORE}"), "0600", b""), link_row(LINK, STORE)];
    let tree = vec![
        Entry::folder(&at("var/lib/kubelet/pki/")),
        Entry::file(&at(&format!("var/lib/kubelet/pki/{STORE}")), 0o600, b""),
        Entry::link(&at(LINK), STORE),
    ];
    let part = Part::node("cp-1", "etcd", "192.168.10.5", &rows, tree);
    let problem = format!("\"var/lib/kubelet/pki/{STORE}\" does not belong on a node of role etcd (rule role)");
    let archive = Bundle::genuine().with(part).packed();
    [to_a_key, Case::new(ROLE, "the store and its link on etcd", archive, not_valid("nodes/cp-1", &problem))]
}

fn of_the_cluster() -> Vec<Case> {
    let case = |path: &str, mode: &str, problem: &str| {
        let mut bundle = Bundle::genuine();
        let bits = u32::from_str_radix(mode, 8).unwrap();
        let entry = Entry::file(&format!("{TOP}/cluster/{path}"), bits, b"x\n");
        bundle.parts[2] = Part::cluster(&[row(path, mode, b"x\n")], vec![entry]);
        Case::new(
            CLUSTER,
            format!("{path}, {mode}"),
            bundle.packed(),
            not_valid("cluster", &format!("{path:?} {problem}")),
        )
    };
    let nowhere = "is no place of this part (rule place)";
    vec![
        case("users/a", "0600", nowhere),
        case("users/a/b.conf", "0600", nowhere),
        case("etc/passwd", "0644", nowhere),
        case("install.sh", "0644", nowhere),
        case("manifests/evil.yaml", "0644", nowhere),
        case("manifests/cert-manager/evil.yaml", "0644", nowhere),
        case("tls/web.shop/other.key", "0600", nowhere),
        case("tls/web.shop/tls.key", "0644", "must not have the mode 0644 (rule mode)"),
        case("users/a.conf", "0644", "must not have the mode 0644 (rule mode)"),
        case("manifests/tls/web.shop.yaml", "0644", "must not have the mode 0644 (rule mode)"),
        case("etcd-clients/a/client.key", "0644", "must not have the mode 0644 (rule mode)"),
        case("profile.toml", "0600", "must not have the mode 0600 (rule mode)"),
    ]
}

/// A bundle whose node cp-1 has this role, and this file alone.
fn packed(role: &str, path: &str, mode: &str) -> Vec<u8> {
    let bits = u32::from_str_radix(mode, 8).unwrap();
    let folders = FOLDERS.iter().filter(|folder| path.starts_with(**folder)).map(|folder| Entry::folder(&at(folder)));
    let entries = folders.chain([Entry::file(&at(path), bits, b"x\n")]).collect();
    let part = Part::node("cp-1", role, "192.168.10.5", &[row(path, mode, b"x\n")], entries);
    Bundle::genuine().with(part).packed()
}

fn not_valid(document: &str, problem: &str) -> String {
    format!("{TOP}/{document}.json is rightly signed but not valid: {problem}")
}
