//! A running control plane with the Secrets of a bundle in it, and servers that show what the Secrets hold.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::shells::find;
use crate::common::{self, Bundle, Ended, certferry, end, run, succeed, tool, write};
use crate::kube::machine::{Machine, feed};
use crate::kube::wait::wait_for;
use crate::kube::webhook::{self, Server};
use crate::kube::{complete, programs};
use crate::kubernetes_manifests::objects;

const HOSTS: &str = "192.168.1.11 cp-1 k8s.corp.internal\n";
/// The node's, and those of Services: without kube-proxy they are the machine's own.
const ADDRESSES: [&str; 4] = ["192.168.1.11/24", "10.96.0.50/32", "10.96.0.51/32", "10.96.0.52/32"];
pub const ADMIN: &str = "/etc/kubernetes/admin.conf";
/// The bundle's cluster part on the machine.
pub const FILES: &str = "/media/cluster";
/// A folder with kubectl and nothing else.
const ONLY_KUBECTL: &str = "/only";

/// Everything that a cluster part can hold, for the version that runs here.
pub const PROFILE: &str = r#"
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

[metallb]
version = "0.14.2"
mode = "disable-rotation"

[[webhook]]
service = "guard"
namespace = "hooks"
secret = "guard-tls"
configurations = ["validating/guard", "mutating/guard", "crd/things.guard.example", "api-service/v1.extra.example"]

[cert_manager]
trust = "trust-manager"
permitted_dns = ["apps.corp.internal"]

[[tls]]
namespace = "ingress"
secret = "wildcard"
hosts = ["*.apps.corp.internal"]

[[etcd_client]]
name = "backup"
namespace = "backup"
secret = "etcd-client"
validity = "150y"

[[user]]
name = "alice"
groups = ["platform-ops"]
cluster_role = "view"
role = [
    { namespace = "dev", cluster_role = "edit" },
    { namespace = "dev", name = "deployer" },
    { namespace = "test", name = "deployer" },
    { namespace = "test", name = "view" },
    { namespace = "test", cluster_role = "view" },
]
validity = "150y"

# Two users whose bindings must not share a name.
[[user]]
name = "ann:system"
cluster_role = "node-bootstrapper"
validity = "150y"

[[user]]
name = "ann"
cluster_role = "system:node-bootstrapper"
validity = "150y"

[[user]]
name = "team/50%"
cluster_role = ["view", "system:node-bootstrapper"]
validity = "150y"

[[user]]
name = "nobody-yet"
validity = "150y"

[[user]]
name = "of-before"
cluster_role = "cluster-admin"
validity = "30d"

[[user]]
name = "emergency"
break_glass = true
validity = "150y"
"#;

/// A running control plane. It ends with the test program.
pub struct Cluster {
    pub machine: Machine,
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&programs()));

/// The control plane.
pub fn cluster() -> &'static Cluster {
    &CLUSTER
}

/// Builds a profile.
pub fn build(profile: &str) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    common::build_from(&write(folder.path(), "kubernetes.toml", profile, 0o600), common::SEED, &[])
}

impl Cluster {
    fn start(programs: &Path) -> Self {
        let bundle = build(PROFILE);
        let machine = Machine::start(programs, &ADDRESSES, HOSTS);
        machine.install(&bundle.unpack("cp-1"));
        fs::create_dir(machine.path("/media")).unwrap();
        succeed(tool("cp").arg("--archive").arg(bundle.untar().join("cluster")).arg(machine.path("/media")));
        fs::create_dir(machine.path(ONLY_KUBECTL)).unwrap();
        symlink(find("kubectl"), machine.path(ONLY_KUBECTL).join("kubectl")).unwrap();

        complete(&machine, "k8s.corp.internal:6443", "192.168.1.11");
        for pod in ["etcd", "kube-apiserver", "kube-controller-manager"] {
            machine.serve_pod(pod, &[]);
        }
        let cluster = Self { machine };
        wait_for("ready API server", || {
            let ready = cluster.kubectl("get --raw /readyz");
            ready.map_err(|error| format!("{error}\n{}", cluster.machine.log("kube-apiserver")))
        });
        cluster.install_products();
        cluster
    }

    /// The bundle's Secrets of webhooks, their servers, and what the products that bring them would install.
    fn install_products(&self) {
        self.apply(&objects::namespaces());
        for manifest in ["metallb/secret.yaml", "webhooks/hooks.guard-tls.yaml"] {
            self.kubectl(&format!("apply --filename {FILES}/manifests/{manifest}")).unwrap();
        }
        let metallb = self.get("--namespace metallb-system secret webhook-server-cert");
        let guard = self.get("--namespace hooks secret guard-tls");
        let servers = [("10.96.0.50", &guard), ("10.96.0.51", &metallb), ("10.96.0.52", &metallb)];
        let held = servers.map(|(address, secret)| (address, data(secret, "tls.crt"), data(secret, "tls.key")));
        let servers: Vec<_> =
            held.iter().map(|(address, certificate, key)| Server { address, certificate, key }).collect();
        webhook::start(&self.machine, "kubernetes_manifests::serves_webhooks_when_told_to", &servers);
        self.apply(&objects::services());
        self.apply(&objects::definitions());
        wait_for("custom resources", || {
            let established = self.get("customresourcedefinitions");
            let of = |row: &Value| {
                let conditions = row["status"]["conditions"].as_array().cloned().unwrap_or_default();
                conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True")
            };
            if established["items"].as_array().unwrap().iter().all(of) { Ok(()) } else { Err(established.to_string()) }
        });
        self.apply(&objects::webhooks());
        // Until it answers, every kubectl complains of it.
        wait_for("extra API", || self.kubectl("get --raw /apis/extra.example/v1"));
    }

    /// What the administrator's kubectl answers, or what it complains of.
    pub fn kubectl(&self, arguments: &str) -> Result<String, String> {
        answer(&run(&mut self.command(ADMIN, arguments)))
    }

    /// kubectl with a kubeconfig.
    pub fn command(&self, kubeconfig: &str, arguments: &str) -> Command {
        let mut kubectl = self.machine.command("kubectl");
        kubectl.args(["--kubeconfig", kubeconfig]).args(arguments.split(' '));
        kubectl
    }

    /// What the administrator gets in JSON.
    pub fn get(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&format!("get --output json {what}")).unwrap()).unwrap()
    }

    /// Applies objects in their order.
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        answer(&feed(&mut self.command(ADMIN, "apply --filename -"), &list.to_string())).unwrap();
    }

    /// Creates one object.
    pub fn create(&self, object: &Value) -> Result<String, String> {
        answer(&feed(&mut self.command(ADMIN, "create --validate=false --filename -"), &object.to_string()))
    }

    /// Runs a script on the machine with a shell, and with kubectl as the only other program.
    pub fn script(&self, shell: &[&str], script: &str, arguments: &[&str]) -> Ended {
        let mut command = self.machine.command("env");
        command.arg(format!("PATH={ONLY_KUBECTL}")).arg(find(shell[0])).args(&shell[1..]).arg(script);
        ended(command.args(["--kubeconfig", ADMIN]).args(arguments))
    }

    /// The CA that a bundle's Secret names, in base64.
    pub fn ca(&self, namespace: &str, secret: &str) -> String {
        let secret = self.get(&format!("--namespace {namespace} secret {secret}"));
        secret["data"]["ca.crt"].as_str().unwrap().to_owned()
    }

    /// The cluster's CA, which signs no webhook, in base64.
    pub fn other_ca(&self) -> String {
        STANDARD.encode(fs::read(self.machine.path("/etc/kubernetes/pki/ca.crt")).unwrap())
    }

    /// What `certferry doctor` says of saved objects, each the arguments of a `kubectl get`.
    pub fn doctor(&self, objects: &[&str]) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        for (number, what) in objects.iter().enumerate() {
            let text = self.kubectl(&format!("get --output yaml {what}")).unwrap();
            write(folder.path(), &format!("{number}.yaml"), &text, 0o600);
        }
        ended(certferry().arg("doctor").arg(folder.path()).arg("--manifests").arg(folder.path()))
    }
}

/// A value of a Secret.
pub fn data(secret: &Value, key: &str) -> String {
    String::from_utf8(STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap()).unwrap()
}

/// Runs a command to its end. What kubectl logs of other tests' APIs is left out.
pub fn ended(command: &mut Command) -> Ended {
    let Ended { code, stdout, stderr } = end(command);
    let stderr = stderr.lines().filter(|line| !is_log(line)).map(|line| format!("{line}\n")).collect();
    Ended { code, stdout, stderr }
}

/// `E1124 02:18:48.000000 ...`
fn is_log(line: &str) -> bool {
    let (head, rest) = line.split_at_checked(5).unwrap_or_default();
    head.starts_with(['I', 'W', 'E']) && head[1..].bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(' ')
}

/// What a program printed, or what it complained of.
pub fn answer(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
