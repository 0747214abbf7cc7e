//! A real control plane, Kubernetes 1.20.2 with etcd, runs on what certferry makes and treats everybody as it should;
//! a real kubelet registers itself with its certificate of two hundred years and keeps it.

use crate::common;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::{fs, io};

use crate::common::{Bundle, succeed, tool, write};
use crate::kube::kubelet::start_kubelet;
use crate::kube::machine::{Machine, feed};
use crate::kube::wait::wait_for;
use crate::kube::{complete, programs};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Names of the cluster for every machine, in place of a DNS server.
const HOSTS: &str = "192.168.1.11 cp-1 k8s.corp.internal\n192.168.1.21 worker-1\n192.168.1.22 worker-2\n";
const ADDRESSES: [&str; 3] = ["192.168.1.11/24", "192.168.1.21/24", "192.168.1.22/24"];
const SERVER: &str = "https://k8s.corp.internal:6443";
const ADMIN: &str = "/etc/kubernetes/admin.conf";
const KUBELET: &str = "/etc/kubernetes/kubelet.conf";
const STORE: &str = "/var/lib/kubelet/pki";
const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
const PEM: &str = "/var/lib/kubelet/pki/kubelet-client-2020-01-01-00-00-00.pem";

/// The profile, with everything at its default that has one.
const PROFILE: &str = r#"
format = 1

[cluster]
name = "kubernetes-test"
kubernetes = "1.20.2"
issued_at = 2020-01-01
control_plane_endpoint = "k8s.corp.internal:6443"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["192.168.1.11"]

[[node]]
name = "worker-1"
role = "worker"
addresses = ["192.168.1.21"]

[[node]]
name = "worker-2"
role = "worker"
addresses = ["192.168.1.22"]

[[node]]
name = "worker-3"
role = "worker"
addresses = ["192.168.1.23"]

[[user]]
name = "alice"
groups = ["platform-ops"]
validity = "199y"
"#;

/// A running control plane. It ends with the test program.
struct Cluster {
    programs: PathBuf,
    control_plane: Machine,
    /// Trees of the workers, on the control plane's machine: nothing to remove afterwards.
    workers: PathBuf,
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(programs()));

/// The control plane.
fn cluster() -> &'static Cluster {
    &CLUSTER
}

fn build(seed: &str) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    common::build_from(&write(folder.path(), "kubernetes.toml", PROFILE, 0o600), seed, &[])
}

/// A file of the archive, by GNU tar.
fn extract(bundle: &Bundle, path: &str) -> String {
    let member = format!("{}/{path}", bundle.top());
    succeed(tool("tar").args(["--extract", "--gzip", "--to-stdout", "--file"]).arg(&bundle.archive).arg(member))
}

impl Cluster {
    fn start(programs: PathBuf) -> Self {
        let bundle = build(common::SEED);
        let machine = Machine::start(&programs, &ADDRESSES, HOSTS);
        machine.install(&bundle.unpack("cp-1"));
        let workers = machine.path("workers");
        fs::create_dir(&workers).unwrap();
        for worker in ["worker-1", "worker-2", "worker-3"] {
            let copy = workers.join(worker);
            succeed(tool("cp").arg("--archive").arg(bundle.unpack(worker)).arg(copy));
        }
        write(&machine.path("root"), "alice.conf", &extract(&bundle, "cluster/users/alice.conf"), 0o600);
        complete(&machine, "k8s.corp.internal:6443", "192.168.1.11");
        let cluster = Self { programs, control_plane: machine, workers };
        // kubeadm leaves this out, and the API server then takes any kubelet's certificate.
        let verified_kubelets = "--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt";
        cluster.control_plane.serve_pod("etcd", &[]);
        cluster.control_plane.serve_pod("kube-apiserver", &[verified_kubelets]);
        cluster.control_plane.serve_pod("kube-controller-manager", &[]);
        cluster.control_plane.serve_pod("kube-scheduler", &[]);
        wait_for("ready API server", || {
            let ready = cluster.ask(ADMIN, "get --raw /readyz");
            ready.map_err(|error| format!("{error}\n{}", cluster.control_plane.log("kube-apiserver")))
        });
        cluster
    }

    /// kubectl on the control plane.
    fn kubectl(&self, kubeconfig: &str, arguments: &str) -> Command {
        kubectl(&self.control_plane, kubeconfig, arguments)
    }

    /// What kubectl answers, or what it complains of.
    fn ask(&self, kubeconfig: &str, arguments: &str) -> Result<String, String> {
        answer(&common::run(&mut self.kubectl(kubeconfig, arguments)))
    }

    /// What the administrator gets in JSON.
    fn get(&self, what: &str) -> Result<Value, String> {
        let text = self.ask(ADMIN, &format!("get {what} --output json"))?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// Whether somebody may do something.
    fn may(&self, machine: &Machine, kubeconfig: &str, what: &str) -> bool {
        let output = common::run(&mut kubectl(machine, kubeconfig, &format!("auth can-i {what}")));
        match String::from_utf8(output.stdout).unwrap().trim() {
            "yes" => true,
            "no" => false,
            other => panic!("can-i {what}: {other}{}", String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// Gives a group a right that nobody has, and waits until somebody has it: who has it is in the group.
    fn assert_in_group(&self, machine: &Machine, kubeconfig: &str, group: &str) {
        let name = group.replace(':', "-");
        let url = format!("/only-for/{name}");
        assert!(!self.may(machine, kubeconfig, &format!("get {url}")), "{group} may do everything");
        self.ask(ADMIN, &format!("create clusterrole {name} --verb get --non-resource-url {url}")).unwrap();
        let bind = format!("create clusterrolebinding {name} --clusterrole {name} --group {group}");
        self.ask(ADMIN, &bind).unwrap();
        wait_for(&format!("right of the group {group}"), || {
            if self.may(machine, kubeconfig, &format!("get {url}")) { Ok(()) } else { Err("no".to_owned()) }
        });
    }

    /// Sends an object to the API by hand, as the administrator, and returns the answer.
    fn create(&self, path: &str, object: &Value) -> Value {
        let output = feed(&mut self.kubectl(ADMIN, &format!("create --raw {path} --filename -")), &object.to_string());
        serde_json::from_str(&answer(&output).unwrap()).unwrap()
    }

    /// A worker with its tree in place.
    fn worker(&self, name: &str) -> Machine {
        let machine = Machine::beside(&self.control_plane, &self.programs, HOSTS);
        machine.install(&self.workers.join(name));
        machine
    }
}

fn kubectl(machine: &Machine, kubeconfig: &str, arguments: &str) -> Command {
    let mut kubectl = machine.command("kubectl");
    kubectl.args(["--kubeconfig", kubeconfig]).args(arguments.split(' '));
    kubectl
}

fn answer(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_the_control_plane_runs_and_its_components_lead() {
    let cluster = cluster();
    assert_eq!(cluster.ask(ADMIN, "get --raw /readyz").unwrap(), "ok");
    for component in ["kube-controller-manager", "kube-scheduler"] {
        let holder = wait_for(&format!("leading {component}"), || {
            let question =
                format!("--namespace kube-system get lease {component} --output jsonpath={{.spec.holderIdentity}}");
            let answer = cluster.ask(ADMIN, &question);
            answer.map_err(|error| format!("{error}\n{}", cluster.control_plane.log(component)))
        });
        assert!(!holder.is_empty(), "{component}");
    }
    // The controller manager hands out the CA.
    let root = wait_for("published CA", || cluster.get("configmap kube-root-ca.crt"));
    let ca = fs::read_to_string(cluster.control_plane.path("/etc/kubernetes/pki/ca.crt")).unwrap();
    assert_eq!(root["data"]["ca.crt"], ca);
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_tokens_of_service_accounts_are_signed_with_sa_key_and_work() {
    let cluster = cluster();
    // The controller manager made this one, with the same key.
    let stored = wait_for("stored token", || {
        let secrets = cluster.get("secrets")?;
        let secrets = secrets["items"].as_array().ok_or("no list")?;
        let secret = secrets.iter().find(|secret| secret["type"] == "kubernetes.io/service-account-token");
        let token = secret.and_then(|secret| secret["data"]["token"].as_str());
        STANDARD.decode(token.ok_or("no such secret")?).map_err(|error| error.to_string())
    });
    let stored = String::from_utf8(stored).unwrap();
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": { "expirationSeconds": 3600 },
    });
    let minted = cluster.create("/api/v1/namespaces/default/serviceaccounts/default/token", &request);
    let minted = minted["status"]["token"].as_str().unwrap();
    for token in [&stored, minted] {
        assert_signed_with_sa_key(cluster, token);
        let forbidden = with_token(cluster, token, "/api/v1/nodes").unwrap_err();
        assert!(forbidden.contains("User \"system:serviceaccount:default:default\" cannot"), "{forbidden}");
        assert!(with_token(cluster, token, "/api").unwrap().contains("APIVersions"));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        let refused = with_token(cluster, &other, "/api").unwrap_err();
        assert!(refused.contains("Unauthorized"), "{refused}");
    }
}

fn with_token(cluster: &Cluster, token: &str, path: &str) -> Result<String, String> {
    let ca = "/etc/kubernetes/pki/ca.crt";
    let arguments = format!("--server {SERVER} --certificate-authority {ca} --token {token} get --raw {path}");
    cluster.ask("/dev/null", &arguments)
}

fn assert_signed_with_sa_key(cluster: &Cluster, token: &str) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, signature_file) = (folder.path().join("signed"), folder.path().join("signature"));
    fs::write(&file, signed).unwrap();
    fs::write(&signature_file, URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let public_key = cluster.control_plane.path("/etc/kubernetes/pki/sa.pub");
    let mut openssl = tool("openssl");
    openssl.args(["dgst", "-sha256", "-verify"]).arg(public_key).arg("-signature").arg(signature_file).arg(file);
    assert_eq!(succeed(&mut openssl), "Verified OK\n");
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_the_front_proxy_may_speak_for_others_and_nobody_else_may() {
    let cluster = cluster();
    let trusted = cluster.get("configmap extension-apiserver-authentication --namespace kube-system").unwrap();
    let ca = fs::read_to_string(cluster.control_plane.path("/etc/kubernetes/pki/front-proxy-ca.crt")).unwrap();
    assert_eq!(trusted["data"]["requestheader-client-ca-file"], ca);
    let speaks = "X-Remote-User: somebody\r\nX-Remote-Group: system:masters\r\n";
    for (client, headers, status) in [
        ("front-proxy-client", speaks, "200 OK"),
        ("front-proxy-client", "X-Remote-User: somebody\r\n", "403 Forbidden"),
        // Signed by another CA, and so nobody at all.
        ("apiserver-etcd-client", speaks, "401 Unauthorized"),
    ] {
        let pki = "/etc/kubernetes/pki";
        let mut openssl = cluster.control_plane.command("openssl");
        openssl.args(["s_client", "-quiet", "-verify_return_error", "-connect", "k8s.corp.internal:6443"]);
        openssl.args(["-verify_hostname", "k8s.corp.internal", "-CAfile", &format!("{pki}/ca.crt")]);
        openssl.args(["-cert", &format!("{pki}/{client}.crt"), "-key", &format!("{pki}/{client}.key")]);
        let output = feed(&mut openssl, &format!("GET /api/v1/nodes HTTP/1.0\r\n{headers}\r\n"));
        let answer = String::from_utf8_lossy(&output.stdout);
        let first = answer.lines().next().unwrap_or_default();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(first.ends_with(status), "{client} {headers:?}: {answer}{stderr}");
    }
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_kubelet_may_change_its_own_node_and_no_other() {
    let cluster = cluster();
    let worker = cluster.worker("worker-3");
    let node = |name: &str| json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name } }).to_string();
    let create = |kubeconfig, name: &str| {
        answer(&feed(&mut kubectl(&worker, kubeconfig, "create --validate=false --filename -"), &node(name)))
    };
    create(KUBELET, "worker-3").unwrap();
    let label = |name: &str| answer(&common::run(&mut kubectl(&worker, KUBELET, &format!("label node {name} rack=7"))));
    label("worker-3").unwrap();
    assert_eq!(cluster.get("node worker-3").unwrap()["metadata"]["labels"]["rack"], "7");

    let refused = create(KUBELET, "worker-9").unwrap_err();
    assert!(refused.contains("(Forbidden)") && refused.contains("node \"worker-3\" is not allowed"), "{refused}");
    let other = feed(&mut cluster.kubectl(ADMIN, "create --validate=false --filename -"), &node("other"));
    answer(&other).unwrap();
    let refused = label("other").unwrap_err();
    assert!(refused.contains("(Forbidden)") && refused.contains("node \"worker-3\" is not allowed"), "{refused}");
    let secrets = answer(&common::run(&mut kubectl(&worker, KUBELET, "get secrets"))).unwrap_err();
    assert!(secrets.contains("(Forbidden)") && secrets.contains("User \"system:node:worker-3\" cannot"), "{secrets}");
    cluster.assert_in_group(&worker, KUBELET, "system:nodes");
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_user_has_its_name_and_its_groups_and_what_they_are_given() {
    let cluster = cluster();
    let alice = "/root/alice.conf";
    let refused = cluster.ask(alice, "get pods").unwrap_err();
    assert!(refused.contains("(Forbidden)") && refused.contains("User \"alice\" cannot list"), "{refused}");
    cluster.assert_in_group(&cluster.control_plane, alice, "platform-ops");
    cluster.ask(ADMIN, "create clusterrolebinding ops --clusterrole view --group platform-ops").unwrap();
    wait_for("view", || cluster.ask(alice, "get pods"));
    assert!(cluster.may(&cluster.control_plane, alice, "list pods"));
    for beyond in ["list secrets", "create pods", "list nodes"] {
        assert!(!cluster.may(&cluster.control_plane, alice, beyond), "{beyond}");
    }
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_kubeconfig_of_another_seed_is_refused_and_refuses() {
    let cluster = cluster();
    let another = build(&common::SEED.replace("000102", "fffefd"));
    let admin = extract(&another, "nodes/cp-1/etc/kubernetes/admin.conf");
    write(&cluster.control_plane.path("root"), "another.conf", &admin, 0o600);
    let another = "/root/another.conf";
    let refuses = cluster.ask(another, "get --raw /api").unwrap_err();
    assert!(refuses.contains("x509: certificate signed by unknown authority"), "{refuses}");
    let trusting = "--certificate-authority /etc/kubernetes/pki/ca.crt get --raw /api";
    let refused = cluster.ask(another, trusting).unwrap_err();
    assert!(refused.contains("Unauthorized"), "{refused}");
    cluster.ask(ADMIN, trusting).unwrap();
}

/// Waits until the kubelet's Node is there and ready.
fn wait_for_node(cluster: &Cluster, worker: &Machine, name: &str) {
    wait_for(&format!("ready node {name}"), || {
        let log = |error: String| format!("{error}\n{}", worker.log("kubelet"));
        let node = cluster.get(&format!("node {name}")).map_err(log)?;
        let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        if ready { Ok(()) } else { Err(log(format!("{conditions:?}"))) }
    });
}

/// The file that the kubelet's link leads to: relative as certferry makes it, absolute as the kubelet does.
fn in_use(worker: &Machine) -> io::Result<PathBuf> {
    let target = fs::read_link(worker.path(CURRENT))?;
    Ok(worker.path(Path::new(STORE).join(target).to_str().unwrap()))
}

/// Who asked for certificates.
fn requests(cluster: &Cluster, user: &str) -> Vec<Value> {
    let list = cluster.get("certificatesigningrequests").unwrap();
    let list = list["items"].as_array().unwrap().iter();
    list.filter(|request| request["spec"]["username"] == user).cloned().collect()
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_real_kubelet_registers_itself_and_keeps_its_certificate() {
    let cluster = cluster();
    let worker = cluster.worker("worker-1");
    let before = (common::files(&worker.path(STORE)), fs::read(worker.path(PEM)).unwrap());
    start_kubelet(&worker, "worker-1", "192.168.1.21");
    wait_for_node(cluster, &worker, "worker-1");
    assert_eq!(requests(cluster, "system:node:worker-1"), [json!(null); 0]);
    assert!((common::files(&worker.path(STORE)), fs::read(worker.path(PEM)).unwrap()) == before);
    assert_eq!(in_use(&worker).unwrap(), worker.path(PEM));
    let log = fs::read_to_string(worker.path("/var/log/kubelet.log")).unwrap();
    assert!(log.contains("Certificate rotation is enabled"), "{log}");
    assert!(log.contains("Certificate expiration is 2219-01-01 00:00:00 +0000 UTC, rotation deadline is 2"), "{log}");
    // The API server knows the kubelet by its serving certificate, and the kubelet the API server by its client's.
    assert_eq!(cluster.ask(ADMIN, "get --raw /api/v1/nodes/worker-1/proxy/healthz").unwrap(), "ok");
}

/// The mirror of the test above: with the tree that `kubeadm init phase kubeconfig kubelet` leaves, the same kubelet throws the
/// certificate away, and the API server does not know whom it calls.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_real_kubelet_without_its_store_gets_another_certificate() {
    let cluster = cluster();
    let approve = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient";
    cluster
        .ask(ADMIN, &format!("create clusterrolebinding renew --clusterrole {approve} --group system:nodes"))
        .unwrap();
    let worker = cluster.worker("worker-2");
    let inline = answer(&common::run(&mut kubectl(&worker, KUBELET, "config view --raw --flatten"))).unwrap();
    assert!(inline.contains("client-key-data"), "{inline}");
    write(&worker.path("/etc/kubernetes"), "kubelet.conf", &inline, 0o600);
    fs::remove_dir_all(worker.path(STORE)).unwrap();
    start_kubelet(&worker, "worker-2", "192.168.1.22");
    wait_for("certificate of one year", || {
        let current = in_use(&worker).map_err(|error| format!("{error}\n{}", worker.log("kubelet")))?;
        let mut openssl = tool("openssl");
        // Exit code 1: it ends within two years.
        openssl.args(["x509", "-noout", "-checkend", "63072000", "-in"]).arg(current);
        let output = common::run(&mut openssl);
        if output.status.code() == Some(1) { Ok(()) } else { Err(format!("{output:?}\n{}", worker.log("kubelet"))) }
    });
    assert!(!requests(cluster, "system:node:worker-2").is_empty());
    wait_for_node(cluster, &worker, "worker-2");
    let refused = cluster.ask(ADMIN, "get --raw /api/v1/nodes/worker-2/proxy/healthz").unwrap_err();
    assert!(refused.contains("x509: cannot validate certificate for 192.168.1.22"), "{refused}");
}

/// `kubeadm join --control-plane` of 1.20 reads the service-account key as RSA and nothing else. So a profile with several
/// control planes may not ask for another, and one with a single control plane is warned.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_further_control_plane_joins_with_an_rsa_service_account_key_alone() {
    let cluster = cluster();
    // What `kubeadm init` would have left in the cluster.
    let upload = "init phase upload-config kubeadm --config /root/kubeadm.yaml";
    succeed(cluster.control_plane.command("kubeadm").args(upload.split(' ')));
    let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "kubelet-config-1.20" },
        "data": { "kubelet": kubelet },
    });
    cluster.create("/api/v1/namespaces/kube-system/configmaps", &config);

    let folder = tempfile::tempdir().unwrap();
    let second = "\n[[node]]\nname = \"cp-2\"\nrole = \"control-plane\"\naddresses = [\"192.168.1.12\"]\n";
    let bundle = common::build(&write(folder.path(), "two.toml", &format!("{PROFILE}{second}"), 0o600));
    // With one control plane it is made, and so it may lie on a node when the second one comes.
    let ecdsa = PROFILE.replace("[cluster]", "[keys]\nservice_account = \"ecdsa-p256\"\n[cluster]");
    let ecdsa = common::build(&write(folder.path(), "ecdsa.toml", &ecdsa, 0o600));
    let ecdsa_tree = ecdsa.unpack("cp-1");
    let machine = Machine::beside(&cluster.control_plane, &cluster.programs, HOSTS);
    machine.install(&bundle.unpack("cp-2"));
    let join = || {
        let mut kubeadm = machine.command("kubeadm");
        kubeadm.args([
            "join",
            "phase",
            "preflight",
            "--control-plane",
            "--discovery-file",
            ADMIN,
            "--node-name",
            "cp-2",
        ]);
        kubeadm.args(["--apiserver-advertise-address", "192.168.1.12", "--ignore-preflight-errors", "all"]);
        let output = common::run(kubeadm.args(["--cri-socket", "/run/containerd/containerd.sock"]));
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
    };
    let refused = "failure loading key for service account: the private key file /etc/kubernetes/pki/sa.key isn't in RSA \
                   format";
    let goes_on = "[preflight] Running pre-flight checks before initializing the new control plane instance";
    let said = join();
    assert!(said.contains(goes_on) && !said.contains("isn't in RSA format"), "{said}");
    for name in ["sa.key", "sa.pub"] {
        let place = format!("etc/kubernetes/pki/{name}");
        fs::copy(ecdsa_tree.join(&place), machine.path(&place)).unwrap();
    }
    let said = join();
    assert!(said.contains(refused) && !said.contains(goes_on), "{said}");
}

/// What no file shows: the API server's certificate for its calls to itself, by the command of the manual.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_an_api_servers_certificate_for_itself_ends_a_year_after_its_start() {
    let cluster = cluster();
    let chapter = include_str!("../src/manual/expired.md");
    let start = chapter.find("    openssl s_client -connect 127.0.0.1:6443").unwrap();
    let command: Vec<_> = chapter[start..].lines().take(2).collect();
    let said = succeed(cluster.control_plane.command("sh").args(["-c", &command.join("\n")]));
    let (subject, end) = said.trim_end().split_once("\nnotAfter=").unwrap_or_else(|| panic!("{said}"));
    assert!(subject.starts_with("subject=CN = apiserver-loopback-client@"), "{said}");
    let seconds = |text: &str| succeed(tool("date").args(["-u", "-d", text, "+%s"])).trim().parse::<i64>().unwrap();
    let days = (seconds(end) - seconds("now")) / 86_400;
    assert!((363..=365).contains(&days), "{days}: {said}");
}

/// How the script that restarts API servers asks the others: with the controller manager's kubeconfig, by address.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_the_controller_managers_kubeconfig_may_ask_whether_an_api_server_is_ready() {
    let cluster = cluster();
    let ask = "--server https://192.168.1.11:6443 --request-timeout 10s get --raw /readyz";
    assert_eq!(cluster.ask("/etc/kubernetes/controller-manager.conf", ask).unwrap(), "ok");
    let refused = cluster.ask("/etc/kubernetes/controller-manager.conf", &ask.replace("192.168.1.11", "127.0.0.1"));
    assert!(refused.unwrap_err().contains("x509: certificate is valid for "));
    // The script's own words, with kubectl and without.
    let script = include_str!("../templates/restart-kube-apiserver.sh");
    let function: Vec<_> = script.lines().skip_while(|line| !line.starts_with("is_ready()")).collect();
    let end = function.iter().position(|line| *line == "}").unwrap();
    for has_kubectl in ["true", "false"] {
        for (address, expected) in
            [("192.168.1.11:6443", "ready"), ("127.0.0.1:6443", "no"), ("192.168.1.11:6444", "no")]
        {
            let command = format!(
                "ETC=/etc/kubernetes\ncommand() {{ {has_kubectl}; }}\n{}\nif is_ready {address}; then echo ready; else echo no; fi",
                function[..=end].join("\n")
            );
            let said = succeed(cluster.control_plane.command("sh").args(["-c", &command]));
            assert_eq!(said.trim(), expected, "{has_kubectl} {address}");
        }
    }
}
