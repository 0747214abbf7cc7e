//! The real kubeadm takes the configuration, finds every file as its own, and joins with it, without a warning.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{documents, profile};
use crate::common::{self, Bundle, build_text, succeed, tool, write};
use crate::kube::machine::{Machine, feed};
use crate::kube::programs;
use crate::kube::wait::wait_for;

const HOSTS: &str = "192.168.1.11 cp-1 k8s.corp.internal\n192.168.1.12 cp-2\n192.168.1.21 worker-1\n";
const ADDRESSES: [&str; 3] = ["192.168.1.11/24", "192.168.1.12/24", "192.168.1.21/24"];
const ADMIN: &str = "/etc/kubernetes/admin.conf";

/// What kubeadm says of the machine and not of its configuration: docker does not answer (1.20), and there is neither
/// systemd nor a road to elsewhere.
const OF_THE_MACHINE: [&str; 3] =
    ["cannot automatically set CgroupDriver", "no supported init system detected", "no default routes found in"];

/// The version of the kubeadm in the folder, and of what it would run. A build of one's own calls itself 0.0.0.
fn version(programs: &Path) -> String {
    let mut kubeadm = tool(programs.join("kubeadm"));
    let own = succeed(kubeadm.args(["version", "--output", "short"]));
    let own = own.trim().trim_start_matches('v').to_owned();
    if own.starts_with("1.") && !own.contains(['-', '+']) {
        return own;
    }
    let defaults = succeed(tool(programs.join("kubeadm")).args(["config", "print", "init-defaults"]));
    let line = defaults.lines().find_map(|line| line.strip_prefix("kubernetesVersion: ")).unwrap();
    line.trim_start_matches('v').to_owned()
}

/// Runs kubeadm, which must end well and warn of nothing in its configuration, but for two long periods from v1beta4 on.
fn run(machine: &Machine, arguments: &str) -> String {
    let mut kubeadm = machine.command("kubeadm");
    let output = common::run(kubeadm.args(arguments.split(' ')));
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{arguments}: {}\n{stdout}{stderr}", output.status);
    let is_expected = |line: &&str| {
        let is_of_machine = OF_THE_MACHINE.iter().any(|known| line.contains(known));
        let is_period = ["] WARNING: certificateValidityPeriod: ", "] WARNING: caCertificateValidityPeriod: "]
            .iter()
            .any(|known| line.contains(known) && line.contains(" is more than the recommended default for "));
        is_of_machine || is_period
    };
    let unexpected: Vec<_> = stderr.lines().filter(|line| !is_expected(line)).collect();
    let has_warning = stdout.contains("WARNING") || stdout.contains("unexpected API Server URL");
    assert!(unexpected.is_empty() && !has_warning, "{arguments}: {unexpected:#?}\n{stdout}");
    stdout
}

/// Whether kubeadm refuses the arguments; what it says.
fn refused(machine: &Machine, arguments: &str) -> String {
    let output = common::run(machine.command("kubeadm").args(arguments.split(' ')));
    assert!(!output.status.success(), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

/// A machine with a node's tree in place, and the folder `kubeadm` of the cluster's part in its /root.
fn node(machine: Machine, bundle: &Bundle, top: &Path, name: &str) -> Machine {
    machine.install(&bundle.unpack(name));
    let folder = machine.path("root/kubeadm");
    succeed(tool("cp").arg("--recursive").arg(top.join("cluster/kubeadm")).arg(folder));
    machine
}

fn built(programs: &Path, more: &str) -> (Bundle, PathBuf) {
    let bundle = build_text(&profile(&version(programs), more));
    let top = bundle.untar();
    (bundle, top)
}

/// The content of every file below /etc/kubernetes and /var/lib/kubelet.
fn snapshot(machine: &Machine) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in ["/etc/kubernetes", "/var/lib/kubelet"] {
        for path in common::files(&machine.path(folder)) {
            let place = format!("{folder}/{path}");
            let content = fs::read(machine.path(&place)).unwrap();
            found.push((place, content));
        }
    }
    found
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_init_takes_the_configuration_and_makes_nothing() {
    let programs = programs();
    for (more, found) in [("", "Using existing"), ("\n[ca_keys]\nship_to = \"none\"\n", "Using user provided")] {
        let (bundle, top) = built(&programs, more);
        let machine = node(Machine::start(&programs, &ADDRESSES, HOSTS), &bundle, &top, "cp-1");
        let before = snapshot(&machine);
        let certs = run(&machine, "init phase certs all --config /root/kubeadm/init.yaml");
        let kubeconfigs = run(&machine, "init phase kubeconfig all --config /root/kubeadm/init.yaml");
        assert!(certs.contains("Using existing apiserver certificate and key on disk"), "{certs}");
        assert!(kubeconfigs.contains(found), "{kubeconfigs}");
        for said in [&certs, &kubeconfigs] {
            assert!(!said.contains("Generating \"") && !said.contains("Writing"), "{said}");
        }
        assert!(snapshot(&machine) == before, "a file was touched");
        // Strict reading, and what kubeadm makes of it in its newest words.
        run(&machine, "config migrate --old-config /root/kubeadm/init.yaml --new-config /root/new.yaml");
        let (given, made) =
            (documents(&top.join("cluster/kubeadm/init.yaml")), documents(&machine.path("root/new.yaml")));
        for document in &given {
            let same = made.iter().find(|other| other["kind"] == document["kind"]).unwrap();
            assert_says(same, document);
        }
    }
}

/// The last phase of `kubeadm init` writes kubelet.conf anew. Were it another file then, `apply` of the same bundle would want
/// the kubelet restarted.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_init_writes_kubelet_conf_as_it_was() {
    let programs = programs();
    let (bundle, top) = built(&programs, "");
    let machine = node(Machine::start(&programs, &ADDRESSES, HOSTS), &bundle, &top, "cp-1");
    let file = machine.path("/etc/kubernetes/kubelet.conf");
    let (before, time) = (fs::read_to_string(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap());
    let mut kubeadm = machine.command("kubeadm");
    let arguments = "init phase kubelet-finalize all --config /root/kubeadm/init.yaml";
    // It ends with a restart of the kubelet, for which this machine has nothing; the file is written by then.
    common::run(kubeadm.args(arguments.split(' ')));
    assert_ne!(fs::metadata(&file).unwrap().modified().unwrap(), time, "kubeadm did not write it");
    // Older versions of client-go write this line, which says nothing.
    let after = fs::read_to_string(&file).unwrap().replace("preferences: {}\n", "");
    assert_eq!(after, before);
}

/// Asserts that a document says all that another one says, whatever else it says.
fn assert_says(document: &Value, expected: &Value) {
    let mut both = document.clone();
    merge(&mut both, expected);
    // The Go that wrote it has another spelling of durations.
    let text = |value: &Value| value.to_string().replace("h0m0s\"", "h\"");
    assert_eq!(text(&both), text(document), "{expected:#}");
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from.iter().filter(|(key, _)| *key != "apiVersion") {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// kubeadm refuses the place for a token with clear words, and takes a token there.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_join_refuses_the_place_for_a_token_and_takes_a_token() {
    let programs = programs();
    let (bundle, top) = built(&programs, "\n[kubelet]\nclient = false\n");
    let machine = node(Machine::start(&programs, &ADDRESSES, HOSTS), &bundle, &top, "worker-1");
    let migrate = "config migrate --old-config /root/kubeadm/join-worker.yaml --new-config /root/new.yaml";
    let said = refused(&machine, migrate);
    assert!(
        said.contains("discovery.bootstrapToken.token: Invalid value: \"TOKEN\": the bootstrap token is invalid"),
        "{said}"
    );
    let file = machine.path("root/kubeadm/join-worker.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("token: TOKEN").unwrap();
    fs::write(&file, format!("{before}token: abcdef.0123456789abcdef{after}")).unwrap();
    run(&machine, migrate);
}

/// kubectl as the administrator.
fn kubectl(machine: &Machine, arguments: &str) -> Command {
    let mut kubectl = machine.command("kubectl");
    kubectl.args(["--kubeconfig", ADMIN]).args(arguments.split(' '));
    kubectl
}

/// A real control plane that kubeadm's own phases complete; another one finds its files and joins them without a word of
/// other names; a worker joins with the kubelet.conf that it has, without a token.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_control_planes_and_workers_join_without_a_token() {
    let programs = programs();
    let (bundle, top) = built(&programs, "");
    let first = node(Machine::start(&programs, &ADDRESSES, HOSTS), &bundle, &top, "cp-1");
    for phase in ["certs all", "kubeconfig all", "etcd local", "control-plane all"] {
        run(&first, &format!("init phase {phase} --config /root/kubeadm/init.yaml"));
    }
    // Its name in the control plane's endpoint has the port of the API server itself.
    for component in ["etcd", "kube-apiserver", "kube-controller-manager"] {
        first.serve_pod(component, &[]);
    }
    wait_for("ready API server", || {
        let output = common::run(&mut kubectl(&first, "get --raw /readyz"));
        if output.status.success() { Ok(()) } else { Err(first.log("kube-apiserver")) }
    });
    for name in ["cp-1", "worker-1"] {
        // kubeadm waits for the label.
        let labels = json!({ "kubernetes.io/hostname": name });
        let object = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels } });
        let output = feed(&mut kubectl(&first, "create --filename -"), &object.to_string());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for phase in ["upload-config all", "bootstrap-token --skip-token-print", "addon kube-proxy"] {
        run(&first, &format!("init phase {phase} --config /root/kubeadm/init.yaml"));
    }

    let second = node(Machine::beside(&first, &programs, HOSTS), &bundle, &top, "cp-2");
    let before = snapshot(&second);
    for phase in ["control-plane-prepare certs", "control-plane-prepare kubeconfig"] {
        let said = run(&second, &format!("join phase {phase} --config /root/kubeadm/join/cp-2.yaml"));
        assert!(!said.contains("Generating \"") && !said.contains("Writing"), "{said}");
    }
    assert!(snapshot(&second) == before, "a file was touched");

    let worker = node(Machine::beside(&first, &programs, HOSTS), &bundle, &top, "worker-1");
    worker.rename("worker-1");
    let said = refused(&worker, "join phase preflight --config /root/kubeadm/join-worker.yaml");
    for file in ["etc-kubernetes-kubelet.conf", "etc-kubernetes-pki-ca.crt"] {
        assert!(said.contains(&format!("[WARNING FileAvailable--{file}]")), "{said}");
        assert!(!said.contains(&format!("[ERROR FileAvailable--{file}]")), "{said}");
    }
    // In place of a kubelet, which kubeadm asks whether it is well.
    fs::create_dir(worker.path("root/web")).unwrap();
    write(&worker.path("root/web"), "healthz", "ok", 0o644);
    let health = ["httpd", "-f", "-p", "127.0.0.1:10248", "-h", "/root/web"];
    worker.serve("busybox", &health.map(str::to_owned));
    let before = snapshot(&worker);
    let mut kubeadm = worker.command("kubeadm");
    let arguments = "join phase kubelet-start --config /root/kubeadm/join-worker.yaml";
    let output = common::run(kubeadm.args(arguments.split(' ')));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let after = snapshot(&worker);
    let came: Vec<_> = after.iter().filter(|file| !before.contains(file)).map(|(place, _)| place.as_str()).collect();
    assert_eq!(came, ["/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env"]);
    assert_eq!(after.len(), before.len() + 2, "a file is gone");
    // What kubeadm keeps for kubelets says what the file for a kubelet without kubeadm says.
    let made = &documents(&worker.path("var/lib/kubelet/config.yaml"))[0];
    assert_says(made, &documents(&top.join("cluster/kubeadm/kubelet.yaml"))[0]);
}
