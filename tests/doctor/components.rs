//! What `why:` quotes of a fault on a control plane, the real program says: each fault is planted, and the program that
//! meets it runs on it.
//!
//! The doctor's own words are the expectation: every text in backticks has to be in what the program wrote. A problem
//! that no case runs is in [`NOT_RUN`], with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use time::macros::datetime;

use crate::common::run;
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node, planted, recorded};
use crate::kube::machine::Machine;
use crate::kube::wait::{LIMIT, wait_for};
use crate::kube::{docker, kubeadm_config, lone_control_plane, programs};
use crate::planting::PKI;
use crate::planting::faults::leaf;

const HOSTS: &str = "192.168.10.5 cp-1 k8s.lab dash1.k8s.lab\n";
const ADDRESSES: [&str; 3] = ["192.168.10.5/24", "10.96.0.1/32", "10.20.0.9/32"];
const ADMIN: &str = "/etc/kubernetes/admin.conf";
const KUBEADM: &str = "--config /root/kubeadm.yaml";
const SERVICE_NAMES: [&str; 4] =
    ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];
const COMPONENTS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// Machines with programs on them, and how to see what those have said so far. The machines end with it.
struct Said {
    _machines: Vec<Machine>,
    /// Whoever listens beside the healthy cluster does so alone.
    _turn: Option<MutexGuard<'static, ()>>,
    text: Box<dyn Fn() -> String>,
}

/// A program that meets a fault.
struct Case {
    rule: &'static str,
    /// The end of the file's name.
    file: &'static str,
    /// The programs that say it.
    program: &'static str,
    meets: fn(&Node) -> Said,
    /// What of the texts no program says in this case, with the reason.
    except: &'static [(&'static str, &'static str)],
}

const fn case(rule: &'static str, file: &'static str, program: &'static str, meets: fn(&Node) -> Said) -> Case {
    Case { rule, file, program, meets, except: &[] }
}

impl Case {
    const fn except(mut self, except: &'static [(&'static str, &'static str)]) -> Self {
        self.except = except;
        self
    }
}

/// A state that a controller gives a node.
const NOT_READY: (&str, &str) = ("NotReady", "it is the word of `kubectl get nodes` for a kubelet that is not heard");

const CASES: &[Case] = &[
    // Programs that do not start.
    case("missing-folder", "etcd", "etcd", |node| starts(node, "etcd")),
    case("missing", "apiserver.key", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("manifest-mount", "", "kube-apiserver", in_its_container),
    case("manifest-file", "", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("kubelet-config", "", "kubelet", kubelet_starts),
    case("kubelet-file", "", "kubelet", kubelet_runs),
    case("kubeconfig-broken", "scheduler.conf", "kube-scheduler", |node| starts(node, "kube-scheduler")),
    case("kubeconfig-file", "kubelet.conf", "kubelet", kubelet_starts),
    case("broken-file", "apiserver.crt", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("chain-order", "apiserver.crt", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("file-form", "", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("pem-file-joined", "ca.crt", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("key-encrypted", "apiserver.key", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("key-pair", "apiserver.key", "kube-apiserver", |node| starts(node, "kube-apiserver")),
    case("key-pair", "", "kubelet", kubelet_starts),
    case("owner", "apiserver.key", "kube-apiserver", as_another),
    case("broken-link", "", "kubectl", |node| asks(node, "--kubeconfig /etc/kubernetes/kubelet.conf get nodes")),
    case("manifest-yaml", "", "kubelet", kubelet_runs),
    case("link-as-file", "", "kubelet", kubelet_starts),
    case("kubelet-field-unknown", "", "kubelet", kubelet_runs),
    // kubectl and a healthy cluster.
    case("missing-manifest", "", "kubectl, kube-scheduler", calls_nobody),
    case("kubeconfig-data", "", "kubectl", admin_asks),
    case("kubeconfig-duplicate", "", "kubectl", admin_asks),
    case("kubeconfig-refused", "", "kubectl", admin_asks),
    case("kubeconfig-dangling", "", "kubectl, kube-scheduler", |node| {
        let schedule = format!("timeout 5 kube-scheduler --kubeconfig {ADMIN} --port=0 --secure-port=0");
        says(node, &format!("kubectl --kubeconfig {ADMIN} get nodes; {schedule}"))
    }),
    case("user-kubeconfig-ca", "", "kubectl", |node| asks(node, "--kubeconfig /root/.kube/config get nodes")),
    case("user-kubeconfig-credentials", "", "kubectl", |node| {
        asks(node, "--kubeconfig /home/alice/.kube/config get nodes")
    }),
    case("kubeconfig-ca", "admin.conf", "kubectl, kubeadm", |node| {
        says(node, &format!("kubectl --kubeconfig {ADMIN} get nodes; kubeadm init phase kubeconfig admin {KUBEADM}"))
    }),
    // Other components and a healthy cluster.
    case("signing-cert-count", "", "kube-controller-manager", |node| joins(node, "kube-controller-manager")),
    case("signing-key-absent", "", "kube-controller-manager", |node| joins(node, "kube-controller-manager")),
    case("kubelet-store-stale", "", "kubelet", kubelet_runs).except(&[NOT_READY]),
    case("host-name", "", "kubelet", kubelet_runs),
    case("common-name", "", "kube-scheduler", |node| joins(node, "kube-scheduler"))
        .except(&[("Unauthorized", "of the client of the front proxy, which requestheader-names has")]),
    case("node-group", "", "kubelet", kubelet_runs),
    case("lower-case-node", "", "kubelet", kubelet_runs),
    // An API server with the fault.
    case("expired", "apiserver.crt", "kubectl", serves),
    case("not-yet-valid", "apiserver.crt", "kubectl", serves),
    case("unknown-authority", "apiserver.crt", "kubectl", serves),
    case("right-ca", "apiserver.crt", "kubectl", serves),
    case("ca-fits-nothing", "ca.crt", "kubectl", serves_who_trusts),
    case("alt-name", "apiserver.crt", "kubectl", serves).except(&[(
        "x509: certificate relies on legacy Common Name field, use SANs instead",
        "where the common name is the host that is called",
    )]),
    case("distinct-ca-subjects", "", "kubectl", |node| {
        serves_at(node, "https://k8s.lab:6443 --certificate-authority /etc/kubernetes/pki/front-proxy-ca.crt")
    }),
    case("endpoint", "", "kubectl", |node| serves_at(node, "https://k8s.lab:6443")),
    case("service-address", "", "kubectl", |node| serves_at(node, "https://10.96.0.1:6443")),
    case("node-name-and-address", "etcd/server.crt", "kubectl", |node| {
        serves_at(node, "https://192.168.10.5:2379 --certificate-authority /etc/kubernetes/pki/etcd/ca.crt")
    }),
    case("node-name-and-address", "etcd/peer.crt", "kubectl", |node| {
        serves_at(node, "https://cp-1:2380 --certificate-authority /etc/kubernetes/pki/etcd/ca.crt")
    }),
    case("node-name-and-address", "pki/apiserver.crt", "kubectl", |node| serves_at(node, "https://cp-1:6443")),
    case("kubernetes-service-name", "", "kubectl", serves_services),
    case("etcd-localhost", "", "kube-apiserver", cluster_logs),
    case("manifest-ca", "", "kube-apiserver, etcd", cluster_logs),
    case("extended-key-usage", "etcd/server.crt", "etcd", |node| starts(node, "etcd")),
    case("extended-key-usage", "etcd/ca.crt", "kube-apiserver", cluster_logs),
    case("chain", "apiserver-kubelet-client.crt", "kubelet", calls_kubelet),
    case("kubelet-client-ca", "", "kubelet", calls_kubelet),
    case("sa-key-pair", "", "kube-apiserver", tokens),
    case("ca-basic-constraints", "front-proxy-ca.crt", "kube-apiserver, kubeadm", front_proxy_calls),
    case("ca-key-usage", "front-proxy-ca.crt", "kube-apiserver", front_proxy_calls),
    case("authority-key-identifier", "apiserver.crt", "openssl", |node| {
        let verify = format!("openssl verify -CAfile /{PKI}/ca.crt /{PKI}/apiserver.crt");
        says(node, &verify)
    }),
    case("rsa-size", "front-proxy-client.crt", "openssl", |node| {
        let call = format!("openssl s_client -cert /{PKI}/front-proxy-client.crt -key /{PKI}/front-proxy-client.key");
        says(node, &call)
    })
    .except(&[("crypto/rsa: ...-bit keys are insecure", "of less than 1024 bits, and Go 1.24")]),
    case("wildcard", "dashboard.crt", "kubectl", |node| {
        let server = format!("openssl s_server -accept 8443 -cert /{PKI}/dashboard.crt -key /{PKI}/dashboard.key");
        let ask = format!("kubectl --kubeconfig {ADMIN} --server https://dash1.k8s.lab:8443 get nodes");
        says(node, &format!("({server} >/dev/null 2>&1 </dev/zero & sleep 1; {ask}; kill $!)"))
    }),
    case("kubelet-serving-expired", "", "kubectl, kubelet", |node| {
        let turn = turn();
        let machine = beside(node);
        tame(&machine);
        kubelet(&machine, &["--node-ip=192.168.10.5"]);
        let trust = "--server https://cp-1:10250 --certificate-authority /var/lib/kubelet/pki/kubelet.crt";
        let command = kubectl(&machine, &format!("--kubeconfig {ADMIN} {trust} get nodes"));
        Said { _turn: Some(turn), ..repeats(vec![machine], command) }
    }),
    case("requestheader-names", "", "kube-scheduler", front_proxy)
        .except(&[("Metrics API not available", "takes metrics-server")]),
];

/// Problems on a control plane that no case runs, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("kubelet-field", "the node goes NotReady a year later"),
    ("kubelet-inline", "the kubelet waits a quarter of an hour for its certificate before it says so"),
    ("outlives-ca", "it is said on the day the CA ends"),
];

/// A healthy control plane: etcd and the API server, on a network that others share.
static HOME: LazyLock<Machine> = LazyLock::new(|| {
    let node = Node::control_plane(|_, _| {});
    let machine = alone(&node);
    for component in ["etcd", "kube-apiserver"] {
        machine.serve_pod(component, &[]);
    }
    wait_for("ready API server", || {
        let output = run(&mut kubectl(&machine, "--kubeconfig /etc/kubernetes/admin.conf get --raw /readyz"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{said}\n{}", machine.log("kube-apiserver"))) }
    });
    machine
});

fn install(machine: &Machine, node: &Node) {
    machine.install(&node.path(""));
    let config = kubeadm_config("1.20.2", &lone_control_plane(Some("k8s.lab"), "192.168.10.5"), "cp-1");
    fs::write(machine.path("root/kubeadm.yaml"), config).unwrap();
    // What is read of a manifest that the fault took away is what kubeadm wrote.
    for component in COMPONENTS {
        let place = format!("{MANIFESTS}/{component}.yaml");
        if !machine.path(&place).exists() {
            fs::create_dir_all(machine.path(MANIFESTS)).unwrap();
            fs::write(machine.path(&place), recorded(&format!("{component}.yaml"))).unwrap();
        }
    }
}

/// The node on a network of its own.
fn alone(node: &Node) -> Machine {
    let machine =
        Machine::start(&programs(), &ADDRESSES, &format!("{HOSTS}192.168.10.5 {}\n", SERVICE_NAMES.join(" ")));
    install(&machine, node);
    machine
}

/// The node on the network of the healthy cluster.
fn beside(node: &Node) -> Machine {
    let machine = Machine::beside(&HOME, &programs(), HOSTS);
    install(&machine, node);
    machine
}

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What these programs log.
fn logs(machine: Machine, programs: &'static [&'static str]) -> Said {
    let files: Vec<_> = programs.iter().map(|program| machine.path(&format!("var/log/{program}.log"))).collect();
    let text = move || files.iter().map(|file| fs::read(file).unwrap_or_default()).collect::<Vec<_>>().concat();
    Said {
        _machines: vec![machine],
        _turn: None,
        text: Box::new(move || String::from_utf8_lossy(&text()).into_owned()),
    }
}

/// What a command says, run as often as somebody looks.
fn repeats(machines: Vec<Machine>, command: Command) -> Said {
    let command = Mutex::new(command);
    let text = move || {
        let output = run(&mut command.lock().unwrap());
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
    };
    Said { _machines: machines, _turn: None, text: Box::new(text) }
}

fn kubectl(machine: &Machine, arguments: &str) -> Command {
    let mut kubectl = machine.command("kubectl");
    kubectl.args(arguments.split(' '));
    kubectl
}

/// A component by its manifest, without anything that it would call.
fn starts(node: &Node, component: &'static str) -> Said {
    let machine = alone(node);
    machine.serve_pod(component, &[]);
    logs(
        machine,
        match component {
            "etcd" => &["etcd"],
            "kube-scheduler" => &["kube-scheduler"],
            "kube-controller-manager" => &["kube-controller-manager"],
            _ => &["kube-apiserver"],
        },
    )
}

/// A component by its manifest, beside the healthy cluster.
fn joins(node: &Node, component: &'static str) -> Said {
    let turn = turn();
    let machine = beside(node);
    // A leader is elected by the name of the user.
    let more: &[&str] = if component == "kube-scheduler" { &[] } else { &["--leader-elect=false"] };
    machine.serve_pod(component, more);
    let said =
        logs(machine, if component == "kube-scheduler" { &["kube-scheduler"] } else { &["kube-controller-manager"] });
    Said { _turn: Some(turn), ..said }
}

/// kubectl and a component, and no API server.
fn calls_nobody(node: &Node) -> Said {
    let machine = alone(node);
    machine.serve_pod("kube-scheduler", &[]);
    let command = kubectl(&machine, &format!("--kubeconfig {ADMIN} get nodes"));
    with_log(repeats(vec![machine], command), "kube-scheduler")
}

/// And what a program of the first machine logs.
fn with_log(said: Said, program: &str) -> Said {
    let log = said._machines[0].path(&format!("var/log/{program}.log"));
    let Said { _machines, _turn, text } = said;
    Said {
        _machines,
        _turn,
        text: Box::new(move || text() + &String::from_utf8_lossy(&fs::read(&log).unwrap_or_default())),
    }
}

/// A component that sees of the node what is mounted in its container.
fn in_its_container(node: &Node) -> Said {
    let machine = alone(node);
    fs::remove_file(machine.path("etc/kubernetes/audit.yaml")).unwrap();
    machine.serve_pod("kube-apiserver", &[]);
    logs(machine, &["kube-apiserver"])
}

/// A component that runs as a user who is not root.
fn as_another(node: &Node) -> Said {
    let machine = alone(node);
    for key in ["apiserver-etcd-client", "apiserver-kubelet-client", "front-proxy-client", "sa"] {
        let place = machine.path(&format!("{PKI}/{key}.key"));
        fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let mut command = machine.command("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:1",
    ]);
    command.arg("--service-account-issuer=a").arg(format!("--service-account-signing-key-file=/{PKI}/sa.key"));
    command
        .arg(format!("--service-account-key-file=/{PKI}/sa.pub"))
        .args(["--cert-dir=/tmp", "--advertise-address=192.168.10.5"]);
    command.arg(format!("--tls-cert-file=/{PKI}/apiserver.crt"));
    command.arg(format!("--tls-private-key-file=/{PKI}/apiserver.key"));
    repeats(vec![machine], command)
}

/// The kubelet as kubeadm's unit starts it.
fn kubelet(machine: &Machine, more: &[&str]) {
    docker::answer(&machine.path("/run/docker.sock"));
    let arguments = [
        "--config=/var/lib/kubelet/config.yaml",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--docker-endpoint=unix:///run/docker.sock",
    ];
    machine.serve("kubelet", &arguments.iter().chain(more).map(|&word| word.to_owned()).collect::<Vec<_>>());
}

fn kubelet_starts(node: &Node) -> Said {
    let machine = alone(node);
    kubelet(&machine, &[]);
    logs(machine, &["kubelet"])
}

/// What needs the real machine's control groups is changed in the kubelet's configuration.
fn tame(machine: &Machine) {
    let place = machine.path(KUBELET_CONFIG);
    let text = fs::read_to_string(&place).unwrap();
    let tame = "cgroupDriver: cgroupfs\ncgroupsPerQOS: false\nenforceNodeAllocatable: []\nfailSwapOn: false\n\
                resolvConf: \"\"\nvolumePluginDir: /var/lib/kubelet/volume-plugins";
    fs::write(&place, text.replace("cgroupDriver: systemd", tame)).unwrap();
}

/// The kubelet beside the healthy cluster.
fn kubelet_runs(node: &Node) -> Said {
    let turn = turn();
    let machine = beside(node);
    tame(&machine);
    let host = fs::read_to_string(machine.path("etc/hostname")).unwrap();
    machine.rename(host.trim());
    let flags = fs::read_to_string(machine.path("var/lib/kubelet/kubeadm-flags.env")).unwrap_or_default();
    let name = flags.split(['"', ' ']).find(|word| word.starts_with("--hostname-override="));
    kubelet(&machine, &name.into_iter().chain(["--node-ip=192.168.10.5", "--v=2"]).collect::<Vec<_>>());
    Said { _turn: Some(turn), ..logs(machine, &["kubelet"]) }
}

/// The API server's client calls the kubelet.
fn calls_kubelet(node: &Node) -> Said {
    let turn = turn();
    let machine = beside(node);
    tame(&machine);
    machine.rename("cp-1");
    kubelet(&machine, &["--node-ip=192.168.10.5", "--v=2"]);
    let mut curl = machine.command("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--cert", &format!("/{PKI}/apiserver-kubelet-client.crt")]);
    curl.args(["--key", &format!("/{PKI}/apiserver-kubelet-client.key"), "https://192.168.10.5:10250/healthz"]);
    Said { _turn: Some(turn), ..with_log(repeats(vec![machine], curl), "kubelet") }
}

/// kubectl on the node, beside the healthy cluster.
fn asks(node: &Node, arguments: &str) -> Said {
    let machine = beside(node);
    let command = kubectl(&machine, arguments);
    repeats(vec![machine], command)
}

/// What a line of shell says on the node, beside the healthy cluster.
fn says(node: &Node, line: &str) -> Said {
    let machine = beside(node);
    let mut command = machine.command("sh");
    command.args(["-c", line]);
    repeats(vec![machine], command)
}

/// The front proxy calls the node's own API server.
fn front_proxy_calls(node: &Node) -> Said {
    let machine = cluster(node);
    let client = format!("--cert /{PKI}/front-proxy-client.crt --key /{PKI}/front-proxy-client.key");
    let call = format!("curl --silent --show-error --insecure {client} https://192.168.10.5:6443/api/v1/nodes");
    let mut command = machine.command("sh");
    // kubeadm looks at a CA before it signs with it.
    let elsewhere =
        "sed 's#\"kubernetesVersion\"#\"certificatesDir\":\"/tmp/pki\",&#' /root/kubeadm.yaml >/root/anew.yaml";
    let anew = format!(
        "mkdir -p /tmp/pki; cp /{PKI}/front-proxy-ca.* /tmp/pki/; {elsewhere}; \
         kubeadm init phase certs front-proxy-client --config /root/anew.yaml"
    );
    command.args(["-c", &format!("{call}; {anew}")]);
    with_log(repeats(vec![machine], command), "kube-apiserver")
}

fn admin_asks(node: &Node) -> Said {
    asks(node, "--kubeconfig /etc/kubernetes/admin.conf get nodes")
}

/// The node's own etcd and API server.
fn cluster(node: &Node) -> Machine {
    let machine = alone(node);
    machine.serve_pod("etcd", &[]);
    machine.serve_pod("kube-apiserver", &[]);
    machine
}

fn cluster_logs(node: &Node) -> Said {
    logs(cluster(node), &["kube-apiserver", "etcd"])
}

/// kubectl and the node's own API server.
fn serves(node: &Node) -> Said {
    let machine = cluster(node);
    let command = kubectl(&machine, "--kubeconfig /etc/kubernetes/admin.conf get nodes");
    repeats(vec![machine], command)
}

fn serves_at(node: &Node, server: &str) -> Said {
    let machine = cluster(node);
    let command = kubectl(&machine, &format!("--kubeconfig {ADMIN} --server {server} get nodes"));
    repeats(vec![machine], command)
}

/// As pods call it.
fn serves_services(node: &Node) -> Said {
    let machine = cluster(node);
    let mut command = machine.command("sh");
    let ask = format!("kubectl --kubeconfig {ADMIN} --server https://$name:6443 get nodes");
    let names = SERVICE_NAMES.join(" ");
    command.args(["-c", &format!("for name in {names}; do {ask}; done")]);
    repeats(vec![machine], command)
}

fn serves_who_trusts(node: &Node) -> Said {
    let machine = cluster(node);
    let arguments = format!("--kubeconfig {ADMIN} --certificate-authority /{PKI}/ca.crt get nodes");
    let command = kubectl(&machine, &arguments);
    repeats(vec![machine], command)
}

/// A pod's token, at the node's own API server.
fn tokens(node: &Node) -> Said {
    let machine = cluster(node);
    let make =
        format!("kubectl --kubeconfig {ADMIN} create serviceaccount a; kubectl --kubeconfig {ADMIN} create token a");
    let ask = "kubectl --kubeconfig /dev/null --server https://192.168.10.5:6443 --certificate-authority \
               /etc/kubernetes/pki/ca.crt --token \"$token\" get --raw /api";
    let mut command = machine.command("sh");
    command.args(["-c", &format!("token=$({make} | tail -n 1); {ask}")]);
    with_log(repeats(vec![machine], command), "kube-apiserver")
}

/// The scheduler believes the front proxy as an aggregated API server does.
fn front_proxy(node: &Node) -> Said {
    let machine = cluster(node);
    machine.serve_pod("kube-scheduler", &["--leader-elect=false"]);
    let mut curl = machine.command("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--cert", &format!("/{PKI}/front-proxy-client.crt"), "--key"]);
    curl.args([&format!("/{PKI}/front-proxy-client.key"), "--header", "X-Remote-User: kubernetes-admin"]);
    curl.args(["--header", "X-Remote-Group: system:masters", "https://127.0.0.1:10259/metrics"]);
    repeats(vec![machine], curl)
}

/// The texts in backticks.
fn quoted(why: &str) -> Vec<String> {
    why.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The parts of a text: `...` stands for anything, and so does a moment.
fn parts(text: &str) -> Vec<String> {
    let text = match text.split_once("current time ") {
        Some((before, after)) => format!("{before}current time ...{}", &after[after.find(' ').unwrap()..]),
        None => text.to_owned(),
    };
    text.split("...").map(str::to_owned).filter(|part| !part.trim().is_empty()).collect()
}

/// Returns whether a text holds these parts in this order.
fn holds(text: &str, parts: &[String]) -> bool {
    let mut rest = text;
    parts.iter().all(|part| match rest.split_once(part.as_str()) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// The faults of the tables, those of time by the real clock.
fn nodes() -> Vec<Node> {
    let by_clock = ["expired", "not-yet-valid"];
    let flaws = planted::nodes().filter(|(flaw, _)| !by_clock.contains(&flaw.rule)).map(|(_, node)| node);
    let lints = planted::lints().map(|(.., node)| node);
    let times = [
        Node::control_plane(|lab, _| {
            leaf(lab, "apiserver.crt", |forge| forge.not_after = datetime!(2026-11-25 0:00 UTC))
        }),
        Node::control_plane(|lab, _| {
            leaf(lab, "apiserver.crt", |forge| forge.not_before = datetime!(2099-01-01 0:00 UTC))
        }),
    ];
    let dangling = ["    cluster: ", "    user: "].map(|key| {
        let node = Node::control_plane(|_, _| {});
        node.replace(&ADMIN[1..], key, &format!("{key}no-"));
        node
    });
    flaws.chain(lints).chain(times).chain(dangling).collect()
}

/// A finding, and the node that has it.
struct Planted {
    node: Arc<Node>,
    finding: Value,
}

impl Planted {
    fn text(&self, key: &str) -> &str {
        self.finding[key].as_str().unwrap()
    }

    /// Runs the case and returns what is wrong.
    fn meet(&self, case: &Case) -> Result<(), String> {
        let excepted = |text: &String| case.except.iter().any(|(known, _)| known == text);
        let expected: Vec<_> = quoted(self.text("why")).into_iter().filter(|text| !excepted(text)).collect();
        assert!(!expected.is_empty(), "{}: nothing is left of {}", case.rule, self.text("why"));
        let said = (case.meets)(&self.node);
        let begin = Instant::now();
        loop {
            let text = (said.text)();
            let lacking: Vec<_> = expected.iter().filter(|one| !holds(&text, &parts(one))).collect();
            if lacking.is_empty() {
                return Ok(());
            }
            if begin.elapsed() > LIMIT {
                let end: Vec<_> = text.lines().collect();
                let end = end[end.len().saturating_sub(30)..].join("\n");
                return Err(format!(
                    "{} {}: {} does not say {lacking:#?}:\n{end}",
                    case.rule,
                    self.text("file"),
                    case.program
                ));
            }
            thread::sleep(Duration::from_millis(300));
        }
    }
}

/// Everything on a disk that the doctor says of the faults with a program's text.
fn all_planted() -> impl Iterator<Item = Planted> {
    let all = nodes().into_iter().map(Arc::new);
    let all = all.flat_map(|node| {
        let findings = node.findings();
        findings.into_iter().map(move |finding| Planted { node: Arc::clone(&node), finding })
    });
    // The cluster's objects are tried with real webhooks elsewhere.
    all.filter(|planted| planted.text("file") != "objects.yaml" && !quoted(planted.text("why")).is_empty())
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_every_program_says_what_the_doctor_quotes() {
    let wrong = Mutex::new(Vec::new());
    let (mut work, mut used, mut seen) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut heard, mut unheard) = (BTreeSet::new(), BTreeMap::new());
    for planted in all_planted() {
        let [rule, file, why] = ["rule", "file", "why"].map(|key| planted.text(key).to_owned());
        let case = CASES.iter().position(|case| case.rule == rule && file.ends_with(case.file));
        let excuse = NOT_RUN.iter().position(|(known, _)| *known == rule).map(|number| CASES.len() + number);
        let text = (rule, why.clone());
        match case.or(excuse) {
            Some(number) => {
                used.insert(number);
                heard.insert(text);
            }
            None if planted.text("severity") == "problem" => drop(unheard.insert(text, file)),
            None => {}
        }
        // The same text of the same program is heard once.
        if let Some(case) = case.filter(|case| seen.insert((*case, why))) {
            work.push((planted, &CASES[case]));
        }
    }
    for ((rule, why), file) in unheard.into_iter().filter(|(text, _)| !heard.contains(text)) {
        wrong.lock().unwrap().push(format!("{rule} {file}: nobody runs it: {why}"));
    }
    let names = CASES.iter().map(|case| case.rule).chain(NOT_RUN.iter().map(|(rule, _)| *rule));
    for (_, rule) in names.enumerate().filter(|(number, _)| !used.contains(number)) {
        wrong.lock().unwrap().push(format!("{rule}: nothing planted is such a case"));
    }
    let count = work.len();
    let work = Mutex::new(work.into_iter());
    let meet = || {
        loop {
            let Some((planted, case)) = work.lock().unwrap().next() else { return };
            match planted.meet(case) {
                Ok(()) => println!("{} {}: {}", case.rule, planted.text("file"), case.program),
                Err(error) => wrong.lock().unwrap().push(error),
            }
        }
    };
    // They wait more than they work.
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(meet))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n\n"));
}
