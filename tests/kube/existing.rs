//! A cluster that kubeadm made, on two machines, and everybody who speaks with it.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::{ADDRESSES, ADMIN, CA, HOSTS, SERVER, create, kubectl, start, token, token_works};
use super::machine::Machine;
use super::wait::wait_for;
use super::{kubeadm_config, lone_control_plane, programs};
use crate::common::{run, succeed, tool, write};

/// The pairs of kubeadm's CAs, and where they wait to be adopted.
pub const AUTHORITIES: [(&str, &str); 3] = [("ca", "ca"), ("front-proxy-ca", "front-proxy-ca"), ("etcd/ca", "etcd-ca")];
/// The Service of the aggregated API has this address, which the control plane has, too.
const AGGREGATED: &str = "10.96.77.7";
/// The kubeconfig that a network plugin's pod writes on its host.
pub const PLUGIN: &str = "/etc/cni/net.d/calico-kubeconfig";
/// What the clients of before kept.
const KEPT: &str = "/root/before";

/// A control plane `cp-1` and a worker `worker-1` as kubeadm and nobody else has made them.
pub struct Existing {
    pub control_plane: Machine,
    pub worker: Machine,
}

/// The tokens of a service account: one of a Secret, which never ends, and one that is bound for hours.
pub struct Tokens {
    pub stored: String,
    pub bound: String,
}

impl Existing {
    pub fn made_by_kubeadm() -> Self {
        let programs = programs();
        let aggregated = format!("{AGGREGATED}/32");
        let control_plane = Machine::start(&programs, &[ADDRESSES[0], ADDRESSES[1], &aggregated], HOSTS);
        let worker = Machine::beside(&control_plane, &programs, HOSTS);
        control_plane.rename("cp-1");
        worker.rename("worker-1");
        let cluster = lone_control_plane(Some("k8s.corp.internal:6443"), "192.168.1.11");
        write(&control_plane.path("root"), "kubeadm.yaml", &kubeadm_config("1.20.2", &cluster, "cp-1"), 0o600);
        let kubeadm = |arguments: &str| {
            let mut kubeadm = control_plane.command("kubeadm");
            succeed(kubeadm.args(arguments.split(' ')).args(["--config", "/root/kubeadm.yaml"]))
        };
        for phase in ["certs all", "kubeconfig all", "etcd local", "control-plane all"] {
            kubeadm(&format!("init phase {phase}"));
        }
        // What `kubeadm join` leaves on a worker.
        let mut user = control_plane.command("kubeadm");
        user.args(["alpha", "kubeconfig", "user", "--org", "system:nodes", "--client-name", "system:node:worker-1"]);
        let said = succeed(user.args(["--config", "/root/kubeadm.yaml"]));
        let kubeconfig: String =
            said.lines().filter(|line| !line.starts_with('[')).map(|line| format!("{line}\n")).collect();
        let kubernetes = worker.path("/etc/kubernetes");
        write(&kubernetes, "kubelet.conf", &kubeconfig, 0o600);
        fs::create_dir_all(kubernetes.join("pki")).unwrap();
        fs::copy(control_plane.path(CA), kubernetes.join("pki/ca.crt")).unwrap();
        Self { control_plane, worker }
    }

    /// Keeps for the clients of before what they hold: the CAs' certificates, the administrator's kubeconfig, and a pair
    /// for etcd.
    pub fn keep(&self) {
        let kept = self.control_plane.path(KEPT);
        fs::create_dir_all(&kept).unwrap();
        for file in [
            "ca.crt",
            "front-proxy-ca.crt",
            "etcd/ca.crt",
            "etcd/healthcheck-client.crt",
            "etcd/healthcheck-client.key",
        ] {
            let to = kept.join(file.replace('/', "-"));
            fs::copy(self.control_plane.path(&format!("/etc/kubernetes/pki/{file}")), to).unwrap();
        }
        fs::copy(self.control_plane.path(ADMIN), kept.join("admin.conf")).unwrap();
    }

    /// Starts an aggregated API that takes its orders from whom the front proxy's CA of before has signed, and tokens.
    pub fn serve_others(&self) -> Tokens {
        let machine = &self.control_plane;
        let mut openssl = tool("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=probe", "-days", "2"]);
        let root = machine.path("/root");
        succeed(openssl.arg("-keyout").arg(root.join("probe.key")).arg("-out").arg(root.join("probe.crt")));
        self.serve_aggregated();
        for (path, object) in [
            (
                "/api/v1/namespaces/default/services",
                json!({
                    "apiVersion": "v1", "kind": "Service", "metadata": { "name": "probe" },
                    "spec": { "clusterIP": AGGREGATED, "ports": [{ "port": 443 }] },
                }),
            ),
            // The aggregator wants to see a server behind it.
            (
                "/api/v1/namespaces/default/endpoints",
                json!({
                    "apiVersion": "v1", "kind": "Endpoints", "metadata": { "name": "probe" },
                    "subsets": [{ "addresses": [{ "ip": AGGREGATED }], "ports": [{ "port": 443 }] }],
                }),
            ),
            (
                "/apis/apiregistration.k8s.io/v1/apiservices",
                json!({
                    "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                    "metadata": { "name": "v1.probe.corp.internal" },
                    "spec": {
                        "group": "probe.corp.internal", "version": "v1", "insecureSkipTLSVerify": true,
                        "groupPriorityMinimum": 1000, "versionPriority": 10,
                        "service": { "namespace": "default", "name": "probe" },
                    },
                }),
            ),
        ] {
            let answer = create(machine, path, &object).unwrap();
            assert_ne!(answer["kind"], "Status", "{answer}");
        }
        let stored = wait_for("stored token", || {
            let secrets: Value = serde_json::from_str(&kubectl(machine, ADMIN, "get secrets --output json")?)
                .map_err(|error| error.to_string())?;
            let secrets = secrets["items"].as_array().cloned().unwrap_or_default();
            let secret = secrets.iter().find(|secret| secret["type"] == "kubernetes.io/service-account-token");
            let token = secret.and_then(|secret| secret["data"]["token"].as_str()).ok_or("no such secret")?;
            STANDARD.decode(token).map_err(|error| error.to_string())
        });
        Tokens { stored: String::from_utf8(stored).unwrap(), bound: token(machine) }
    }

    /// The aggregated API's server: a handshake with a client certificate, and a page.
    pub fn serve_aggregated(&self) {
        let arguments = [
            "s_server",
            "-accept",
            &format!("{AGGREGATED}:443"),
            "-cert",
            "/root/probe.crt",
            "-key",
            "/root/probe.key",
            "-Verify",
            "1",
            "-verify_return_error",
            "-CAfile",
            &format!("{KEPT}/front-proxy-ca.crt"),
            "-www",
        ];
        self.control_plane.serve("openssl", &arguments.map(str::to_owned));
    }

    /// The keys and certificates to adopt, in a folder `adopted` of a folder, as a person would carry them.
    pub fn adopted(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let adopted = folder.path().join("adopted");
        fs::create_dir(&adopted).unwrap();
        let pki = |file: &str| self.control_plane.path(&format!("/etc/kubernetes/pki/{file}"));
        for (from, to) in AUTHORITIES {
            for ending in ["crt", "key"] {
                fs::copy(pki(&format!("{from}.{ending}")), adopted.join(format!("{to}.{ending}"))).unwrap();
            }
        }
        fs::copy(pki("sa.key"), adopted.join("sa.key")).unwrap();
        folder
    }

    /// Writes the kubeconfig of a network plugin with the CA that the control plane has now, as its pod does when it starts.
    pub fn start_plugin(&self, tokens: &Tokens) {
        let authority = STANDARD.encode(fs::read(self.control_plane.path(CA)).unwrap());
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster:\n    server: {SERVER}\n    \
             certificate-authority-data: {authority}\nusers:\n- name: calico\n  user:\n    token: {}\ncontexts:\n\
             - name: calico-context\n  context: {{cluster: local, user: calico}}\ncurrent-context: calico-context\n",
            tokens.stored
        );
        let folder = self.control_plane.path(Path::new(PLUGIN).parent().unwrap().to_str().unwrap());
        fs::create_dir_all(&folder).unwrap();
        write(&folder, "calico-kubeconfig", &kubeconfig, 0o600);
    }

    /// Whoever spoke with the cluster before, and whoever speaks with what it has now, is understood. `old` says whether
    /// the certificates that the clients of before hold are still good.
    pub fn everybody_is_understood(&self, tokens: &Tokens, old: bool) {
        self.clients_are_understood(tokens, old);
        wait_for("answer of the aggregated API", || {
            let page = kubectl(&self.control_plane, ADMIN, "get --raw /apis/probe.corp.internal/v1")?;
            if page.contains("front-proxy-client") { Ok(()) } else { Err(page) }
        });
    }

    /// Clients of the API server and of etcd are understood, among them programs with OpenSSL.
    pub fn clients_are_understood(&self, tokens: &Tokens, old: bool) {
        let machine = &self.control_plane;
        let kept = |file: &str| format!("{KEPT}/{file}");
        let (old_admin, old_ca) = (kept("admin.conf"), kept("ca.crt"));
        let (admins, cas) = if old { (vec![ADMIN, &old_admin], vec![CA, &old_ca]) } else { (vec![ADMIN], vec![CA]) };
        for admin in admins {
            assert_eq!(kubectl(machine, admin, "get --raw /readyz").unwrap(), "ok", "{admin}");
        }
        for ca in cas {
            for token in [&tokens.stored, &tokens.bound] {
                token_works(machine, token, ca);
                let mut curl = machine.command("curl");
                curl.args(["--silent", "--show-error", "--fail", "--cacert", ca, "--header"]);
                let answer = succeed(curl.args([&format!("Authorization: Bearer {token}"), &format!("{SERVER}/api")]));
                assert!(answer.contains("APIVersions"), "{answer}");
            }
            let mut openssl = machine.command("openssl");
            openssl.args(["s_client", "-connect", "k8s.corp.internal:6443", "-verify_hostname", "k8s.corp.internal"]);
            let answer = succeed(openssl.args(["-verify_return_error", "-brief", "-CAfile", ca]));
            assert!(!answer.contains("error"), "{answer}");
            let mut python = machine.command("/usr/bin/python3");
            let program = "import ssl, sys, urllib.request\n\
                           context = ssl.create_default_context(cafile=sys.argv[1])\n\
                           print(urllib.request.urlopen(sys.argv[2], context=context).status)";
            assert_eq!(succeed(python.args(["-c", program, ca, &format!("{SERVER}/healthz")])), "200\n");
        }
        let pki = "/etc/kubernetes/pki/etcd";
        let mut pairs = vec![[
            format!("{pki}/ca.crt"),
            format!("{pki}/healthcheck-client.crt"),
            format!("{pki}/healthcheck-client.key"),
        ]];
        if old {
            pairs.push(["etcd-ca.crt", "etcd-healthcheck-client.crt", "etcd-healthcheck-client.key"].map(kept));
        }
        for [ca, certificate, key] in pairs {
            let mut etcdctl = machine.command("etcdctl");
            etcdctl.env("ETCDCTL_API", "3").args(["--endpoints", "https://127.0.0.1:2379", "endpoint", "health"]);
            succeed(etcdctl.args(["--cacert", &ca, "--cert", &certificate, "--key", &key]));
        }
    }

    /// What OpenSSL says to the API server's certificate with the CA of before.
    pub fn openssl_with_the_old_authority(&self) -> String {
        let mut openssl = self.control_plane.command("openssl");
        openssl.args(["s_client", "-connect", "k8s.corp.internal:6443", "-verify_return_error", "-brief", "-CAfile"]);
        String::from_utf8(run(openssl.arg(format!("{KEPT}/ca.crt"))).stderr).unwrap()
    }

    /// Starts the control plane's programs.
    pub fn start(&self) {
        start(&self.control_plane);
    }

    /// Lets everything end that kubeadm has issued: the leaves in 2023, with `authorities` the CAs as well. Keys, names and
    /// extensions stay.
    pub fn expire(&self, authorities: bool) {
        let machine = &self.control_plane;
        let pki = machine.path("/etc/kubernetes/pki");
        if authorities {
            for (name, _) in AUTHORITIES {
                let place = pki.join(format!("{name}.crt"));
                let mut openssl = tool("faketime");
                openssl.args(["2013-06-01 00:00:00", "openssl", "x509", "-days", "3650", "-in"]).arg(&place);
                let ended = succeed(openssl.arg("-signkey").arg(pki.join(format!("{name}.key"))));
                self.replace(&place, &ended);
            }
        }
        let again = |certificate: &str, key: &str, authority: &str| {
            let own = tempfile::tempdir().unwrap();
            let [of_leaf, of_key, request] = ["leaf.crt", "leaf.key", "leaf.csr"].map(|name| own.path().join(name));
            fs::write(&of_leaf, certificate).unwrap();
            fs::write(&of_key, key).unwrap();
            let mut openssl = tool("openssl");
            openssl.args(["x509", "-x509toreq", "-copy_extensions", "copyall", "-in"]).arg(of_leaf);
            succeed(openssl.arg("-signkey").arg(of_key).arg("-out").arg(&request));
            let mut openssl = tool("faketime");
            openssl.args(["2022-06-01 00:00:00", "openssl", "x509", "-req", "-copy_extensions", "copyall"]);
            openssl.args(["-days", "365", "-set_serial", "7001", "-in"]).arg(request);
            openssl.arg("-CA").arg(pki.join(format!("{authority}.crt")));
            succeed(openssl.arg("-CAkey").arg(pki.join(format!("{authority}.key"))))
        };
        for (leaf, authority) in [
            ("apiserver", "ca"),
            ("apiserver-kubelet-client", "ca"),
            ("front-proxy-client", "front-proxy-ca"),
            ("apiserver-etcd-client", "etcd/ca"),
            ("etcd/server", "etcd/ca"),
            ("etcd/peer", "etcd/ca"),
            ("etcd/healthcheck-client", "etcd/ca"),
        ] {
            let place = pki.join(format!("{leaf}.crt"));
            let key = fs::read_to_string(pki.join(format!("{leaf}.key"))).unwrap();
            let ended = again(&fs::read_to_string(&place).unwrap(), &key, authority);
            fs::write(&place, ended).unwrap();
        }
        for machine in [&self.control_plane, &self.worker] {
            for entry in fs::read_dir(machine.path("/etc/kubernetes")).unwrap() {
                let place = entry.unwrap().path();
                if place.extension().is_none_or(|extension| extension != "conf") {
                    continue;
                }
                let text = fs::read_to_string(&place).unwrap();
                let field = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name));
                let (Some(data), Some(key)) = (field("client-certificate-data: "), field("client-key-data: ")) else {
                    continue;
                };
                let plain = |data: &str| String::from_utf8(STANDARD.decode(data).unwrap()).unwrap();
                let ended = again(&plain(data), &plain(key), "ca");
                fs::write(&place, text.replace(data, &STANDARD.encode(ended))).unwrap();
            }
            // The kubelet's store: the pair that it took from its kubeconfig, or was given since.
            for entry in fs::read_dir(machine.path("/var/lib/kubelet/pki")).into_iter().flatten() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() && entry.file_name().to_string_lossy().ends_with(".pem") {
                    let text = fs::read_to_string(entry.path()).unwrap();
                    let key = text.split_once("-----END CERTIFICATE-----\n").unwrap().1;
                    let ended = again(&text, key, "ca");
                    fs::write(entry.path(), format!("{ended}{key}")).unwrap();
                }
            }
        }
    }

    /// Replaces a CA's certificate wherever either machine has it, in kubeconfigs, too.
    fn replace(&self, place: &Path, ended: &str) {
        let before = fs::read_to_string(place).unwrap();
        fs::write(place, ended).unwrap();
        let (old, new) = (STANDARD.encode(&before), STANDARD.encode(ended));
        for machine in [&self.control_plane, &self.worker] {
            for entry in fs::read_dir(machine.path("/etc/kubernetes")).unwrap() {
                let place = entry.unwrap().path();
                if place.extension().is_some_and(|extension| extension == "conf") {
                    let text = fs::read_to_string(&place).unwrap();
                    fs::write(&place, text.replace(&old, &new)).unwrap();
                }
            }
            let worker_ca = self.worker.path(CA);
            if fs::read_to_string(&worker_ca).unwrap() == before {
                fs::write(worker_ca, ended).unwrap();
            }
        }
    }
}
