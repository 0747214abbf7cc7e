//! kubeadm 1.20.2 itself takes what certferry makes, adds nothing to it, and makes the same of its own.

use crate::common;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Bundle, succeed, write};
use crate::kube::deliberate::{DELIBERATE, Deliberate, differences, judge};
use crate::kube::facts::{Facts, Rows, node_names, nodes, profile};
use crate::kube::machine::Machine;
use crate::kube::observe::observe;
use crate::kube::{kubeadm_config, programs};
use serde_json::{Map, Value, json};

const KUBERNETES: &str = "1.20.2";
const CONFIG: &str = "/root/kubeadm.yaml";

/// A cluster with everything that reaches a name, an address or a URL.
fn cluster(etcd: &str) -> Map<String, Value> {
    let nodes = json!([
        { "name": "cp-1", "role": "control-plane", "addresses": ["192.168.1.11"] },
        { "name": "cp-2", "role": "control-plane", "addresses": ["192.168.1.12"] },
        { "name": "worker-1", "role": "worker", "addresses": ["192.168.1.21"] },
        { "name": "etcd-1", "role": "etcd", "addresses": ["192.168.1.31"] },
    ]);
    let nodes: Vec<_> =
        nodes.as_array().unwrap().iter().filter(|node| etcd == "external" || node["role"] != "etcd").collect();
    let cluster = json!({
        "control_plane_endpoint": "k8s.corp.internal:8443",
        "api_server_port": 6444,
        "service_subnets": ["10.200.0.0/16"],
        "dns_domain": "corp.internal",
        "apiserver_cert_sans": ["10.0.0.100", "extra.corp.internal"],
        "etcd": etcd,
        "etcd_cert_sans": ["10.0.0.200", "etcd.corp.internal"],
        "nodes": nodes,
    });
    cluster.as_object().unwrap().clone()
}

/// Builds a cluster's bundle; `more` goes before the profile's own tables.
fn build(cluster: &Map<String, Value>, more: &str) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    let text = profile(KUBERNETES, cluster).replacen("[cluster]", &format!("{more}\n[cluster]"), 1);
    common::build(&write(folder.path(), "kubeadm.toml", &text, 0o600))
}

/// A node with its tree in place, and kubeadm's configuration for it.
struct Node {
    machine: Machine,
    tree: PathBuf,
}

impl Node {
    fn start(programs: &Path, tree: PathBuf, config: &str) -> Self {
        let machine = Machine::start(programs, &[], "");
        machine.bind(&tree.join("etc/kubernetes"), "/etc/kubernetes");
        if tree.join("var/lib/kubelet").exists() {
            machine.bind(&tree.join("var/lib/kubelet"), "/var/lib/kubelet");
        }
        write(&machine.path("root"), "kubeadm.yaml", config, 0o600);
        Self { machine, tree }
    }

    fn kubeadm(&self, arguments: &str) -> Command {
        let mut kubeadm = self.machine.command("kubeadm");
        kubeadm.args(arguments.split(' ')).args(["--config", CONFIG]);
        kubeadm
    }

    /// Every file's kind, mode, time and content.
    fn snapshot(&self) -> BTreeMap<String, String> {
        let file = |path: String| {
            let full = self.tree.join(&path);
            let data = fs::symlink_metadata(&full).unwrap();
            let content = if data.is_symlink() { Vec::new() } else { fs::read(&full).unwrap() };
            let (kind, time) = (data.permissions(), data.modified().unwrap());
            (path, format!("{kind:?} {time:?} {content:?}"))
        };
        common::files(&self.tree).into_iter().map(file).collect()
    }

    /// Runs a phase that may find files and make none; returns what it said.
    fn phase(&self, phase: &str) -> Vec<String> {
        let before = self.snapshot();
        let output = common::run(&mut self.kubeadm(&format!("init phase {phase}")));
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        // kubeadm warns there of another server URL and of dates; and of this, on a machine without systemd.
        let no_init = "cannot determine if systemd-resolved is active: no supported init system detected";
        let is_silent = stderr.lines().all(|line| line.ends_with(no_init));
        assert!(output.status.success() && is_silent, "{phase}: {}\n{stdout}{stderr}", output.status);
        assert!(self.snapshot() == before, "{phase} touched a file:\n{stdout}");
        stdout.lines().filter(|line| *line != TWO_PORTS).map(str::to_owned).collect()
    }

    /// Asserts what `kubeadm certs check-expiration` tells: every certificate, the end of its life, and whether kubeadm
    /// takes its CA for its own.
    fn assert_expiry(&self, externally_managed: fn(&str) -> bool) {
        let said = succeed(&mut self.kubeadm("certs check-expiration"));
        let rows = said.lines().filter(|line| !line.is_empty() && !line.starts_with("CERTIFICATE"));
        let mut expected: Vec<_> = LEAVES.iter().map(|(name, ca)| (*name, "Jan 01, 2219 00:00 UTC", *ca)).collect();
        if !self.tree.join("etc/kubernetes/pki/etcd/server.crt").exists() {
            expected.retain(|(_, _, ca)| *ca != "etcd-ca");
        }
        let authorities = ["ca", "etcd-ca", "front-proxy-ca"].map(|name| (name, "Jan 01, 2220 00:00 UTC", name));
        let known: Vec<_> = expected.iter().map(|(_, _, ca)| *ca).collect();
        expected.extend(authorities.into_iter().filter(|(name, _, _)| known.contains(name)));
        let expected = expected.iter().map(|(name, end, ca)| {
            let managed = if externally_managed(ca) { "yes" } else { "no" };
            // kubeadm 1.20 leaves the CA of a kubeconfig out, and a CA has none.
            let ca = if name == ca || name.ends_with(".conf") { "" } else { ca };
            [*name, *end, ca, managed].join("|")
        });
        assert_eq!(rows.map(|row| columns(row).join("|")).collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{said}");
    }
}

/// A row of kubeadm's tables without the residual time, which must be a matter of centuries. Columns are at least three
/// spaces apart; an empty one disappears.
fn columns(row: &str) -> [&str; 4] {
    let cells: Vec<_> = row.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let (name, end, residual, ca, managed) = match cells.as_slice() {
        [name, end, residual, managed] => (name, end, residual, &"", managed),
        [name, end, residual, ca, managed] => (name, end, residual, ca, managed),
        _ => panic!("{row}"),
    };
    let years: u32 = residual.strip_suffix('y').unwrap().parse().unwrap();
    assert!((100..200).contains(&years), "{row}");
    [name, end, ca, managed]
}

/// What `check-expiration` lists and who signed it, as it sorts them.
const LEAVES: [(&str, &str); 10] = [
    ("admin.conf", "ca"),
    ("apiserver", "ca"),
    ("apiserver-etcd-client", "etcd-ca"),
    ("apiserver-kubelet-client", "ca"),
    ("controller-manager.conf", "ca"),
    ("etcd-healthcheck-client", "etcd-ca"),
    ("etcd-peer", "etcd-ca"),
    ("etcd-server", "etcd-ca"),
    ("front-proxy-client", "front-proxy-ca"),
    ("scheduler.conf", "ca"),
];

/// What kubeadm says of the configuration alone: the load balancer's port is another than the API server's.
const TWO_PORTS: &str = "[endpoint] WARNING: port specified in controlPlaneEndpoint overrides bindPort in the \
                         controlplane address";
const USING_FOLDER: &str = r#"[certs] Using certificateDir folder "/etc/kubernetes/pki""#;
const KUBECONFIG_FOLDER: &str = r#"[kubeconfig] Using kubeconfig folder "/etc/kubernetes""#;
const KUBECONFIGS: [&str; 5] = [
    KUBECONFIG_FOLDER,
    r#"[kubeconfig] Using existing kubeconfig file: "/etc/kubernetes/admin.conf""#,
    r#"[kubeconfig] Using existing kubeconfig file: "/etc/kubernetes/kubelet.conf""#,
    r#"[kubeconfig] Using existing kubeconfig file: "/etc/kubernetes/controller-manager.conf""#,
    r#"[kubeconfig] Using existing kubeconfig file: "/etc/kubernetes/scheduler.conf""#,
];
const EXTERNAL_KUBECONFIGS: [&str; 5] = [
    KUBECONFIG_FOLDER,
    "[kubeconfig] External CA mode: Using user provided admin.conf",
    "[kubeconfig] External CA mode: Using user provided kubelet.conf",
    "[kubeconfig] External CA mode: Using user provided controller-manager.conf",
    "[kubeconfig] External CA mode: Using user provided scheduler.conf",
];
const STACKED_ETCD: [&str; 4] = [
    "[certs] Using existing etcd/server certificate and key on disk",
    "[certs] Using existing etcd/peer certificate and key on disk",
    "[certs] Using existing etcd/healthcheck-client certificate and key on disk",
    "[certs] Using existing apiserver-etcd-client certificate and key on disk",
];
/// With external etcd kubeadm takes what its configuration names, and never looks at what it would have made.
const EXTERNAL_ETCD: [&str; 5] = [
    "[certs] External etcd mode: Skipping etcd/ca certificate authority generation",
    "[certs] External etcd mode: Skipping etcd/server certificate generation",
    "[certs] External etcd mode: Skipping etcd/peer certificate generation",
    "[certs] External etcd mode: Skipping etcd/healthcheck-client certificate generation",
    "[certs] External etcd mode: Skipping apiserver-etcd-client certificate generation",
];
const NO_CA_KEYS: &str = "[ca_keys]\nship_to = \"none\"";

/// What `init phase certs all` says when it finds everything.
fn certs_all(with_ca_keys: bool, stacked: bool) -> Vec<String> {
    let kind = if with_ca_keys { "" } else { "keyless " };
    let authority = |name: &str| format!("[certs] Using existing {name} {kind}certificate authority");
    let pair = |name: &str| format!("[certs] Using existing {name} certificate and key on disk");
    let mut lines = vec![
        USING_FOLDER.to_owned(),
        authority("ca"),
        pair("apiserver"),
        pair("apiserver-kubelet-client"),
        authority("front-proxy-ca"),
        pair("front-proxy-client"),
    ];
    if stacked {
        lines.push(authority("etcd/ca"));
        lines.extend(STACKED_ETCD.map(str::to_owned));
    } else {
        lines.extend(EXTERNAL_ETCD.map(str::to_owned));
    }
    let service_account = if with_ca_keys { r#"the existing "sa" key"# } else { "existing sa keys" };
    lines.push(format!("[certs] Using {service_account}"));
    lines
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_with_ca_keys_kubeadm_finds_everything_and_makes_nothing() {
    let programs = programs();
    let cluster = cluster("stacked");
    let bundle = build(&cluster, "");
    for name in ["cp-1", "cp-2"] {
        let node = Node::start(&programs, bundle.unpack(name), &kubeadm_config(KUBERNETES, &cluster, name));
        assert_eq!(node.phase("certs all"), certs_all(true, true));
        assert_eq!(node.phase("kubeconfig all"), KUBECONFIGS);
        node.assert_expiry(|_| false);
    }
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_without_ca_keys_kubeadm_is_in_external_ca_mode_and_makes_nothing() {
    let programs = programs();
    let cluster = cluster("stacked");
    let (bundle, with_ca_keys) = (build(&cluster, NO_CA_KEYS), build(&cluster, ""));
    for name in ["cp-1", "cp-2"] {
        let node = Node::start(&programs, bundle.unpack(name), &kubeadm_config(KUBERNETES, &cluster, name));
        assert_eq!(node.phase("certs all"), certs_all(false, true));
        assert_eq!(node.phase("kubeconfig all"), EXTERNAL_KUBECONFIGS);
        assert_eq!(common::fail(&mut node.kubeadm("certs check-expiration"), 1), NO_EXPIRY_WITHOUT_KEY);
        // Lent for the question alone.
        let key = "etc/kubernetes/pki/ca.key";
        fs::copy(with_ca_keys.unpack(name).join(key), node.tree.join(key)).unwrap();
        // It says "no" of etcd's CA before 1.24 (kubernetes pull request 106891).
        node.assert_expiry(|ca| ca == "front-proxy-ca");
    }
}

/// This kubeadm wants the CA's key to read a kubeconfig's dates, its own no less (repaired in December 2021, kubernetes pull
/// request 106854).
const NO_EXPIRY_WITHOUT_KEY: &str = "failure loading ca certificate authority: failed to load key: couldn't load the \
    private key file /etc/kubernetes/pki/ca.key: open /etc/kubernetes/pki/ca.key: no such file or directory\n\
    To see the stack trace of this error execute with --v=5 or higher\n";

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_with_external_etcd_kubeadm_finds_everything_and_makes_nothing() {
    let programs = programs();
    let cluster = cluster("external");
    for with_ca_keys in [true, false] {
        let bundle = build(&cluster, if with_ca_keys { "" } else { NO_CA_KEYS });
        let node = Node::start(&programs, bundle.unpack("cp-1"), &kubeadm_config(KUBERNETES, &cluster, "cp-1"));
        assert_eq!(node.phase("certs all"), certs_all(with_ca_keys, false));
        assert_eq!(node.phase("kubeconfig all"), if with_ca_keys { KUBECONFIGS } else { EXTERNAL_KUBECONFIGS });
        if with_ca_keys {
            node.assert_expiry(|_| false);
        }
        // On a member, as kubeadm's guide to external etcd has it, phase by phase.
        let member = Node::start(&programs, bundle.unpack("etcd-1"), &kubeadm_config(KUBERNETES, &cluster, "etcd-1"));
        let keyless = "[certs] Using existing etcd/ca keyless certificate authority";
        assert_eq!(member.phase("certs etcd-ca"), [keyless]);
        for (phase, line) in ["server", "peer", "healthcheck-client"].iter().zip(STACKED_ETCD) {
            assert_eq!(member.phase(&format!("certs etcd-{phase}")), [line]);
        }
    }
}

/// The mirror of the tests above: what kubeadm does not find it makes, and another server is not passed over.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_kubeadm_tells_what_it_does_not_find() {
    let programs = programs();
    let mut cluster = cluster("stacked");
    let bundle = build(&cluster, "");
    let node = Node::start(&programs, bundle.unpack("cp-1"), &kubeadm_config(KUBERNETES, &cluster, "cp-1"));
    let before = node.snapshot();
    for file in ["front-proxy-client.crt", "front-proxy-client.key"] {
        fs::remove_file(node.tree.join("etc/kubernetes/pki").join(file)).unwrap();
    }
    let said = succeed(&mut node.kubeadm("init phase certs all"));
    assert!(said.contains(r#"[certs] Generating "front-proxy-client" certificate and key"#), "{said}");
    let after = node.snapshot();
    let touched: Vec<_> = before.keys().filter(|path| before[*path] != after[*path]).collect();
    assert_eq!(touched, ["etc/kubernetes/pki/front-proxy-client.crt", "etc/kubernetes/pki/front-proxy-client.key"]);

    cluster.insert("control_plane_endpoint".to_owned(), json!("other.corp.internal:8443"));
    write(&node.machine.path("root"), "kubeadm.yaml", &kubeadm_config(KUBERNETES, &cluster, "cp-1"), 0o600);
    let output = common::run(&mut node.kubeadm("init phase kubeconfig all"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("has an unexpected API Server URL"), "{stderr}");
}

/// The bridges of the chapter `expired`: certificates that ended in 2020 get a year, the CAs and the kubelet's stay, and a
/// kubelet's kubeconfig is to be had.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_kubeadm_gives_what_has_expired_a_year() {
    let programs = programs();
    let cluster = cluster("stacked");
    let bundle = build(&cluster, "[validity]\nleaf = \"30d\"");
    let node = Node::start(&programs, bundle.unpack("cp-1"), &kubeadm_config(KUBERNETES, &cluster, "cp-1"));
    let chapter = include_str!("../src/manual/expired.md");
    let command = |start: &str| {
        let line = chapter.lines().find_map(|line| line.strip_prefix(&format!("    {start}"))).unwrap();
        assert!(line.contains("--config init.yaml"), "{line}");
        format!("{start}{line}").replace("init.yaml", CONFIG)
    };
    let run = |command: &str| succeed(node.machine.command("sh").args(["-c", command]));
    let before = node.snapshot();
    run(&command("kubeadm certs renew all"));
    let after = node.snapshot();
    let mut touched: Vec<_> = before.keys().filter(|path| before[*path] != after[*path]).collect();
    touched.retain(|path| !path.ends_with(".key"));
    let expected = [
        "etc/kubernetes/admin.conf",
        "etc/kubernetes/controller-manager.conf",
        "etc/kubernetes/pki/apiserver-etcd-client.crt",
        "etc/kubernetes/pki/apiserver-kubelet-client.crt",
        "etc/kubernetes/pki/apiserver.crt",
        "etc/kubernetes/pki/etcd/healthcheck-client.crt",
        "etc/kubernetes/pki/etcd/peer.crt",
        "etc/kubernetes/pki/etcd/server.crt",
        "etc/kubernetes/pki/front-proxy-client.crt",
        "etc/kubernetes/scheduler.conf",
    ];
    assert_eq!(touched, expected);
    for path in expected.iter().filter(|path| path.ends_with(".crt")) {
        let mut openssl = common::tool("openssl");
        // More than eleven months.
        succeed(openssl.args(["x509", "-noout", "-checkend", "29000000", "-in"]).arg(node.tree.join(path)));
    }
    assert!(chapter.contains("(up to Kubernetes 1.20 `kubeadm alpha kubeconfig user`;"));
    let user = command("kubeadm kubeconfig user").replace("kubeadm kubeconfig", "kubeadm alpha kubeconfig");
    let kubeconfig = run(&user.replace(" > worker-1.conf", ""));
    assert!(kubeconfig.contains("client-certificate-data: "), "{kubeconfig}");
    let mut shown = node.machine.command("kubectl");
    write(&node.machine.path("root"), "worker-1.conf", &kubeconfig, 0o600);
    let flat = succeed(
        shown
            .args(["--kubeconfig", "/root/worker-1.conf", "config", "view", "--raw", "-o"])
            .arg("jsonpath={.users[0].user.client-certificate-data}"),
    );
    write(&node.machine.path("root"), "certificate", &flat, 0o600);
    let subject = run("base64 -d /root/certificate | openssl x509 -noout -subject -nameopt RFC2253");
    assert_eq!(subject, "subject=CN=system:node:worker-1,O=system:nodes\n");
}

/// What kubeadm makes of its own for a cluster: everything for `cp-1`, and each worker's kubelet.conf.
fn made_by_kubeadm(programs: &Path, cluster: &Map<String, Value>) -> Rows {
    let mut rows = Rows::new();
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("cp-1");
    for row in nodes(cluster) {
        let name = row["name"].as_str().unwrap();
        let tree = folder.path().join(name);
        let pki = tree.join("etc/kubernetes/pki");
        fs::create_dir_all(tree.join("etc/kubernetes")).unwrap();
        let node = Node::start(programs, tree.clone(), &kubeadm_config(KUBERNETES, cluster, name));
        if row["role"] == "control-plane" {
            succeed(&mut node.kubeadm("init phase certs all"));
            succeed(&mut node.kubeadm("init phase kubeconfig all"));
        } else {
            // Lent, as `kubeadm join` would ask the cluster to sign.
            fs::create_dir(&pki).unwrap();
            for file in ["ca.crt", "ca.key"] {
                fs::copy(first.join("etc/kubernetes/pki").join(file), pki.join(file)).unwrap();
            }
            succeed(&mut node.kubeadm("init phase kubeconfig kubelet"));
            fs::remove_dir_all(pki).unwrap();
        }
        observe(name, &tree, &mut rows);
    }
    rows
}

fn made_by_certferry(cluster: &Map<String, Value>) -> Rows {
    let bundle = build(cluster, "");
    let mut rows = Rows::new();
    for name in node_names(cluster) {
        observe(name, &bundle.unpack(name), &mut rows);
    }
    rows
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_kubeadm_makes_what_is_recorded_and_so_does_certferry() {
    let programs = programs();
    let facts = Facts::of(KUBERNETES);
    let kubeadm = made_by_kubeadm(&programs, &facts.cluster);
    let unrecorded = differences(&kubeadm, &facts.rows);
    assert!(unrecorded.is_empty(), "kubeadm differs from its record: {unrecorded:#?}");
    let findings = judge(KUBERNETES, &kubeadm, &made_by_certferry(&facts.cluster), &DELIBERATE);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Clusters whose names, addresses and URLs come about in other ways than in the recorded example.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_kubeadm_and_certferry_make_the_same_for_other_clusters() {
    let programs = programs();
    let nodes = json!([
        { "name": "cp-1", "role": "control-plane", "addresses": ["fd00::11"] },
        { "name": "worker-1", "role": "worker", "addresses": ["fd00::21"] },
    ]);
    let changes = [
        json!({
            "nodes": nodes,
            "control_plane_endpoint": "[fd00::100]:8443",
            "api_server_port": 6444,
            "service_subnets": ["fd00:96::/112", "10.96.0.0/12"],
            "dns_domain": "k8s.corp.internal",
            "apiserver_cert_sans": ["*.apps.corp.internal", "10.0.0.100", "fd00::200", "fd00::11", "a.corp.internal"],
            "etcd_cert_sans": ["10.0.0.200", "etcd.corp.internal", "127.0.0.1"],
        }),
        json!({ "control_plane_endpoint": null, "apiserver_cert_sans": [], "api_server_port": 7443 }),
        json!({ "control_plane_endpoint": "10.0.0.100", "service_subnets": ["10.0.0.128/25"] }),
    ];
    for change in changes {
        let mut cluster = Facts::of(KUBERNETES).cluster;
        cluster.extend(change.as_object().unwrap().clone());
        cluster.retain(|_, value| !value.is_null());
        let (kubeadm, mut certferry) = (made_by_kubeadm(&programs, &cluster), made_by_certferry(&cluster));
        // What kubeadm does not make has the names of the recorded example in `DELIBERATE`.
        certferry.retain(|place, _| !place.path.starts_with(KUBELET_FOLDER));
        let ours = |row: &&Deliberate| row.places.iter().any(|place| place.contains(KUBELET_FOLDER));
        let deliberate: Vec<_> = DELIBERATE.iter().filter(|row| !ours(row)).cloned().collect();
        let findings = judge(KUBERNETES, &kubeadm, &certferry, &deliberate);
        assert!(findings.is_empty(), "{change:#}\n{}", findings.join("\n"));
    }
}

const KUBELET_FOLDER: &str = "/var/lib/kubelet";
