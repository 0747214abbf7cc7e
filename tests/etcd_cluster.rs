//! Three members of etcd, each on a machine of its own with nothing but its own tree, become a cluster, serve their
//! clients and refuse everybody else.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::network::{Daemon, Machine, Network, wait_until};
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, SEED, build_from, changed_profile, run, succeed, use_fast_keys, write};

const PKI: &str = "etc/kubernetes/pki";
/// As [`SEED`] but for its last digit.
const OTHER_SEED: &str = "certferry-seed-1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1e\n";

/// A node's name and its first address.
type Node = (&'static str, &'static str);

/// With the keys of the example: RSA.
#[test]
fn control_planes_with_stacked_etcd_are_a_cluster() {
    if lacks(&[Right::Network]) {
        return;
    }
    let members = [("cp-1", "192.168.1.11"), ("cp-2", "192.168.1.12"), ("cp-3", "192.168.1.13")];
    let hosts = "192.168.1.11 cp-1 cp-1.corp.internal\n192.168.1.12 cp-2 cp-2.corp.internal\n";
    let etcd = Etcd::start(build("ha-stacked-etcd", |_| ()), &members, &[], hosts);
    etcd.probes_itself();
    for ((node, _), (_, other)) in members.iter().zip(members.iter().cycle().skip(1)) {
        // kubeadm gives kube-apiserver --etcd-servers=https://127.0.0.1:2379.
        etcd.stores(&etcd.client(node, "apiserver-etcd-client"), node, "127.0.0.1", other);
    }
    etcd.stores(&etcd.client_of_cluster("backup"), "cp-2", "cp-1.corp.internal", "192.168.1.13");
    etcd.stores(&etcd.client("cp-3", "apiserver-etcd-client"), "cp-3", "cp-2", "cp-1");
    etcd.gives_a_snapshot(&etcd.client_of_cluster("backup"), "cp-1");
    etcd.is_healthy_by_environment("backup", "cp-3");
    etcd.is_no_server_below_another_ca("backup", "cp-1");
    etcd.refuses_strangers("cp-2");
}

/// With ECDSA keys, and the settings that the bundle has for each member.
#[test]
fn nodes_of_role_etcd_are_a_cluster() {
    if lacks(&[Right::Network]) {
        return;
    }
    let bundle = build("ha-external-etcd", |profile| {
        use_fast_keys(profile);
        let backup: toml::Table = "name = 'backup'\nvalidity = '150y'".parse().unwrap();
        profile.insert("etcd_client".to_owned(), vec![backup].into());
    });
    let members = [("etcd-1", "10.0.1.11"), ("etcd-2", "10.0.1.12"), ("etcd-3", "10.0.1.13")];
    let control_planes = [("cp-1", "10.0.0.11"), ("cp-2", "10.0.0.12"), ("cp-3", "10.0.0.13")];
    let etcd = Etcd::start(bundle, &members, &control_planes, "10.0.1.12 etcd.corp.internal\n10.0.1.13 etcd-3\n");
    etcd.probes_itself();
    for ((node, _), [put, get]) in control_planes.iter().zip([[0, 1], [1, 2], [2, 0]]) {
        let client = etcd.client(node, "apiserver-etcd-client");
        etcd.stores(&client, node, members[put].1, members[get].1);
    }
    etcd.stores(&etcd.client("cp-1", "apiserver-etcd-client"), "cp-1", "etcd.corp.internal", "etcd-3");
    etcd.stores(&etcd.client_of_cluster("backup"), "cp-2", "etcd-3", "10.0.1.11");
    etcd.tells_its_metrics("backup", "cp-3");
    etcd.refuses_strangers("cp-1");
}

/// The fourth member has a place that the others keep free for it, and their address book; what it lacks is the seed.
#[test]
fn a_member_of_another_seed_or_cluster_cannot_join() {
    if lacks(&[Right::Network]) {
        return;
    }
    let with_fourth = |name: &'static str| {
        move |profile: &mut toml::Table| {
            use_fast_keys(profile);
            profile["cluster"]["name"] = name.into();
            let fourth: toml::Table =
                "name = 'cp-4'\nrole = 'control-plane'\naddresses = ['192.168.1.14']".parse().unwrap();
            profile["node"].as_array_mut().unwrap().push(fourth.into());
        }
    };
    let own = build("ha-stacked-etcd", with_fourth("prod-1"));
    let other_seed = build_as(OTHER_SEED, "ha-stacked-etcd", with_fourth("prod-1"));
    let other_cluster = build("ha-stacked-etcd", with_fourth("prod-9"));
    let members = [("cp-1", "192.168.1.11"), ("cp-2", "192.168.1.12"), ("cp-3", "192.168.1.13")];
    let fourth = ("cp-4", "192.168.1.14");
    let mut etcd = Etcd::start(own, &members, &[fourth], "");
    let admin = etcd.client("cp-1", "etcd/healthcheck-client");
    wait_until("a free place", || {
        // etcd changes its members only once all of them have been up for five seconds.
        let add = ["member", "add", "cp-4", "--peer-urls=https://192.168.1.14:2380"];
        succeeded(etcd.etcdctl("cp-1", &admin, "https://127.0.0.1:2379").args(add))
    });
    let all = [members.as_slice(), &[fourth]].concat();
    for stranger in [&other_seed, &other_cluster] {
        let tree = stranger.untar().join("nodes/cp-4");
        // As it was unpacked; and with the CA certificate of the cluster, which is no secret, so that the stranger is
        // content and the members have to say no.
        for ca in [tree.join(PKI).join("etcd/ca.crt"), etcd.tree("cp-1").join(PKI).join("etcd/ca.crt")] {
            let data = tempfile::tempdir().unwrap();
            let mut command = etcd.network.on("cp-4", "etcd");
            command.args(flags(fourth, &all, "existing", &tree, &ca, data.path()));
            let said = String::from_utf8_lossy(&run(&mut command).stderr).into_owned();
            assert!(said.contains("could not retrieve cluster information from the given URLs"), "{said}");
        }
    }
    let refusal = ["rejected connection", "\"192.168.1.14:", "certificate signed by unknown authority"];
    for member in &mut etcd.daemons {
        member.wait_for_line(&refusal);
    }
    let states = ["started", "started", "started", "unstarted"].map(str::to_owned);
    assert_eq!(etcd.states(&admin), Ok(states.into()));
    // The mirror: the same way in, with the tree of this seed and this cluster.
    etcd.add_daemon(fourth, &all, "existing");
    wait_until("the fourth member", || {
        let states = etcd.states(&admin)?;
        if states == ["started"; 4] { Ok(()) } else { Err(format!("{states:?}")) }
    });
}

fn build(profile: &str, change: impl FnOnce(&mut toml::Table)) -> Bundle {
    build_as(SEED, profile, change)
}

fn build_as(seed: &str, profile: &str, change: impl FnOnce(&mut toml::Table)) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    let profile = write(folder.path(), "test.toml", &changed_profile(profile, change), 0o644);
    build_from(&profile, seed, &[])
}

/// A cluster of etcd that is up.
struct Etcd {
    daemons: Vec<Daemon>,
    network: Network,
    members: Vec<Node>,
    /// The unpacked bundle.
    top: PathBuf,
    data: TempDir,
    _bundle: Bundle,
}

/// Files of a client: the CA that it trusts, its certificate and its key.
struct Client {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Etcd {
    /// Starts the members, and machines for others, and waits until all are well.
    fn start(bundle: Bundle, members: &[Node], others: &[Node], hosts: &str) -> Self {
        let nodes = [members, others].concat();
        let addresses: Vec<[&str; 1]> = nodes.iter().map(|(_, address)| [*address]).collect();
        let machines: Vec<Machine<'_>> =
            nodes.iter().zip(&addresses).map(|((name, _), addresses)| (*name, addresses.as_slice())).collect();
        let top = bundle.untar();
        let mut etcd = Self {
            daemons: Vec::new(),
            network: Network::new(&machines, hosts, ""),
            members: members.to_vec(),
            top,
            data: tempfile::tempdir().unwrap(),
            _bundle: bundle,
        };
        for member in members {
            etcd.add_daemon(*member, members, "new");
        }
        for (name, address) in members {
            // A member that has not come up has no address to ask, so what counts is the number of good answers.
            let client = etcd.client(name, "etcd/healthcheck-client");
            let health = wait_until("a healthy cluster", || {
                etcd.daemons.iter_mut().for_each(Daemon::assert_running);
                let mut command = etcd.etcdctl(name, &client, &format!("https://{address}:2379"));
                let health = succeeded(command.args(["endpoint", "health", "--cluster", "--write-out", "json"]))?;
                if health.matches("\"health\":true").count() == members.len() { Ok(health) } else { Err(health) }
            });
            for (_, address) in members {
                assert!(health.contains(&format!("\"https://{address}:2379\"")), "{health}");
            }
        }
        let (first, _) = members[0];
        assert_eq!(etcd.states(&etcd.client(first, "etcd/healthcheck-client")), Ok(vec!["started".to_owned(); 3]));
        etcd
    }

    fn add_daemon(&mut self, member: Node, all: &[Node], state: &str) {
        let (name, _) = member;
        let tree = self.tree(name);
        let ca = tree.join(PKI).join("etcd/ca.crt");
        let data = self.data.path().join(name);
        let mut arguments = vec!["etcd".to_owned()];
        match environment(&self.top, name, &tree, &data) {
            Some(environment) => {
                arguments.splice(0..0, environment);
                arguments.extend(["--logger=zap", "--log-outputs=stderr"].map(str::to_owned));
            }
            None => arguments.extend(flags(member, all, state, &tree, &ca, &data)),
        }
        self.daemons.push(self.network.start(name, &format!("{name}.log"), Path::new("/"), &arguments));
    }

    fn tree(&self, node: &str) -> PathBuf {
        self.top.join("nodes").join(node)
    }

    /// A client certificate in a node's tree.
    fn client(&self, node: &str, base_name: &str) -> Client {
        let pki = self.tree(node).join(PKI);
        Client {
            ca: pki.join("etcd/ca.crt"),
            certificate: pki.join(format!("{base_name}.crt")),
            key: pki.join(format!("{base_name}.key")),
        }
    }

    /// An `[[etcd_client]]`.
    fn client_of_cluster(&self, name: &str) -> Client {
        let folder = self.top.join("cluster").join("etcd-clients").join(name);
        let file = |name| folder.join(name);
        Client { ca: file("ca.crt"), certificate: file("client.crt"), key: file("client.key") }
    }

    fn etcdctl(&self, machine: &str, client: &Client, endpoint: &str) -> Command {
        let mut command = self.network.on(machine, "etcdctl");
        command.env("ETCDCTL_API", "3").arg("--endpoints").arg(endpoint);
        command.arg("--cacert").arg(&client.ca).arg("--cert").arg(&client.certificate).arg("--key").arg(&client.key);
        command
    }

    /// What `member list` says of each member, sorted; or why it cannot be asked.
    fn states(&self, client: &Client) -> Result<Vec<String>, String> {
        let (first, address) = self.members[0];
        let mut command = self.etcdctl(first, client, &format!("https://{address}:2379"));
        let list = succeeded(command.args(["member", "list"]))?;
        let mut states: Vec<String> =
            list.lines().map(|line| line.split(", ").nth(1).unwrap_or(line).to_owned()).collect();
        states.sort();
        Ok(states)
    }

    /// As kubeadm's probe asked in its time and as people still ask on a node: over the loopback too, by every name.
    fn probes_itself(&self) {
        for (name, address) in &self.members {
            let client = self.client(name, "etcd/healthcheck-client");
            let endpoints: Vec<String> =
                ["127.0.0.1", "localhost", "[::1]", address].map(|host| format!("https://{host}:2379")).into();
            let health = wait_until("four good answers", || {
                let mut command = self.etcdctl(name, &client, &endpoints.join(","));
                succeeded(command.args(["endpoint", "health", "--write-out", "json"]))
            });
            assert_eq!(health.matches("\"health\":true").count(), endpoints.len(), "{health}");
        }
    }

    /// What a client puts through one endpoint is there on another member.
    fn stores(&self, client: &Client, machine: &str, host: &str, other_host: &str) {
        let key = format!("from {machine} through {host}");
        // On a busy machine a cluster may be without a leader for a moment.
        let ask = |host: &str, arguments: &[&str]| {
            wait_until(&format!("{arguments:?}"), || {
                succeeded(self.etcdctl(machine, client, &format!("https://{host}:2379")).args(arguments))
            })
        };
        assert_eq!(ask(host, &["put", &key, "ferried"]), "OK\n");
        assert_eq!(ask(other_host, &["get", &key]), format!("{key}\nferried\n"));
    }

    /// In the client's folder, with its own settings and nothing else.
    fn is_healthy_by_environment(&self, client: &str, machine: &str) {
        let folder = self.top.join("cluster/etcd-clients").join(client);
        let health = wait_until("good answers of all", || {
            let mut shell = self.network.on(machine, "sh");
            let script = "cd \"$1\"; . ./etcdctl.env; etcdctl endpoint health --write-out json";
            shell.args(["-euc", script, "sh"]).arg(&folder);
            succeeded(&mut shell)
        });
        assert_eq!(health.matches("\"health\":true").count(), self.members.len(), "{health}");
        for (_, address) in &self.members {
            assert!(health.contains(&format!("\"https://{address}:2379\"")), "{health}");
        }
    }

    /// A client that trusts the cluster's CA, or that of another cluster, does not talk to etcd.
    fn is_no_server_below_another_ca(&self, client: &str, machine: &str) {
        let Client { ca, certificate, key } = self.client_of_cluster(client);
        let (_, address) = self.members[0];
        let ask = |ca: &Path| {
            let mut command = self.network.on(machine, "curl");
            command.args(["--silent", "--show-error", "--cacert"]).arg(ca).arg("--cert").arg(&certificate);
            succeeded(command.arg("--key").arg(&key).arg(format!("https://{address}:2379/version")))
        };
        assert!(ask(&ca).unwrap().contains("etcdserver"));
        let said = ask(&self.tree(machine).join(PKI).join("ca.crt")).unwrap_err();
        assert!(said.contains("unable to get local issuer certificate"), "{said}");
    }

    /// As the client's piece of configuration has it for Prometheus, whose reader of YAML kubectl's stands in for.
    fn tells_its_metrics(&self, client: &str, machine: &str) {
        let folder = self.top.join("cluster/etcd-clients").join(client);
        let text = std::fs::read_to_string(folder.join("prometheus.yaml")).unwrap();
        let text = text.replace("/etc/prometheus/etcd", folder.to_str().unwrap());
        let file = write(self.data.path(), "prometheus.yaml", &format!("apiVersion: v1\nkind: Any\n{text}"), 0o600);
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["patch", "--local", "--type=merge", "--patch={}", "--output=json", "--filename"]).arg(file);
        let read: serde_json::Value = serde_json::from_str(&succeed(&mut kubectl)).unwrap();
        let job = &read["scrape_configs"][0];
        let of_tls = |name: &str| job["tls_config"][name].as_str().unwrap().to_owned();
        assert_eq!(job["static_configs"][0]["labels"]["cluster"], "prod-2");
        let targets = job["static_configs"][0]["targets"].as_array().unwrap();
        assert_eq!(targets.len(), self.members.len());
        for target in targets {
            let url = format!("{}://{}/metrics", job["scheme"].as_str().unwrap(), target.as_str().unwrap());
            let mut command = self.network.on(machine, "curl");
            command.args(["--silent", "--show-error", "--fail", "--cacert", &of_tls("ca_file")]);
            command.args(["--cert", &of_tls("cert_file"), "--key", &of_tls("key_file"), &url]);
            assert!(succeed(&mut command).contains("etcd_server_has_leader 1"), "{url}");
        }
    }

    fn gives_a_snapshot(&self, client: &Client, machine: &str) {
        let (_, address) = self.members[2];
        let file = self.data.path().join("snapshot.db");
        let mut command = self.etcdctl(machine, client, &format!("https://{address}:2379"));
        succeed(command.args(["snapshot", "save"]).arg(&file));
        let status = succeed(self.network.on(machine, "etcdctl").args(["snapshot", "status"]).arg(&file));
        assert_eq!(status.split(", ").count(), 4, "hash, revision, keys and size: {status}");
    }

    /// The port of clients and that of members let in who has a certificate of etcd's CA and nobody else. `machine` is
    /// a control plane.
    fn refuses_strangers(&self, machine: &str) {
        let (member, address) = self.members[0];
        let peer = self.client(member, "etcd/peer");
        let kubelet_client = self.client(machine, "apiserver-kubelet-client");
        let front_proxy = self.client(machine, "front-proxy-client");
        let unknown = "certificate signed by unknown authority";
        // Below those that systems hand out by themselves.
        let mut own_port = 20_000;
        for (path, answer) in [("2379/version", "\"etcdserver\""), ("2380/members", "\"peerURLs\"")] {
            let url = format!("https://{address}:{path}");
            let output = run(&mut self.curl(member, Some(&peer), own_port, &url));
            assert!(String::from_utf8_lossy(&output.stdout).contains(answer), "a member is let in: {output:?}");
            for (client, reason) in [
                (None, "client didn't provide a certificate"),
                (Some(&kubelet_client), unknown),
                (Some(&front_proxy), unknown),
            ] {
                own_port += 1;
                let mut command = self.curl(machine, client, own_port, &url);
                let output = run(&mut command);
                assert!(!output.status.success() && output.stdout.is_empty(), "{command:?}: {output:?}");
                // The alert may be lost when the connection is closed at once; the member's log is sure.
                let from = format!(":{own_port}\"");
                wait_until(&format!("refusal of {command:?}"), || {
                    let log = self.daemons[0].log();
                    let refused =
                        |line: &str| ["rejected connection", &from, reason].iter().all(|word| line.contains(word));
                    if log.lines().any(refused) { Ok(()) } else { Err(log) }
                });
            }
            own_port += 1;
        }
    }

    /// Asks from a port of one's own, by which the log names the caller.
    fn curl(&self, machine: &str, client: Option<&Client>, own_port: u16, url: &str) -> Command {
        let mut command = self.network.on(machine, "curl");
        command.args(["--silent", "--show-error", "--http1.1", "--local-port", &own_port.to_string()]);
        command.arg("--cacert").arg(self.tree(machine).join(PKI).join("etcd/ca.crt"));
        if let Some(client) = client {
            command.arg("--cert").arg(&client.certificate).arg("--key").arg(&client.key);
        }
        command.arg(url);
        command
    }
}

/// What a command that may have to be tried again says, or why it fails.
fn succeeded(command: &mut Command) -> Result<String, String> {
    let output = run(command);
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}

/// The environment of a member of external etcd, as systemd reads it: `env` and its variables. Paths lie below a node's tree
/// instead of `/`. A member of stacked etcd has none.
fn environment(top: &Path, name: &str, tree: &Path, data: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(top.join("cluster/etcd").join(name).join("etcd.env")).ok()?;
    let variables = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let line = line.replace("=/etc/kubernetes", &format!("={}/etc/kubernetes", tree.display()));
        let line = line.replace("=/var/lib/etcd", &format!("={}", data.display()));
        // The tests ask there, too.
        line.replace("=https://127.0.0.1:2379,", "=https://127.0.0.1:2379,https://[::1]:2379,")
    });
    Some(
        ["env".to_owned(), "-i".to_owned(), format!("PATH={}", std::env::var("PATH").unwrap())]
            .into_iter()
            .chain(variables)
            .collect(),
    )
}

/// The flags of kubeadm's static pod, with the paths below a node's tree instead of `/`; beside them the loopback of
/// IPv6, which the certificate names too, and the log format that later versions of etcd have by default.
fn flags(node: Node, members: &[Node], state: &str, tree: &Path, ca: &Path, data: &Path) -> Vec<String> {
    let (name, address) = node;
    let pki = tree.join(PKI).join("etcd");
    let pki = pki.display();
    let initial: Vec<String> = members.iter().map(|(name, address)| format!("{name}=https://{address}:2380")).collect();
    vec![
        format!("--name={name}"),
        format!("--data-dir={}", data.display()),
        format!("--advertise-client-urls=https://{address}:2379"),
        format!("--listen-client-urls=https://127.0.0.1:2379,https://[::1]:2379,https://{address}:2379"),
        format!("--initial-advertise-peer-urls=https://{address}:2380"),
        format!("--listen-peer-urls=https://{address}:2380"),
        "--listen-metrics-urls=http://127.0.0.1:2381".to_owned(),
        format!("--initial-cluster={}", initial.join(",")),
        format!("--initial-cluster-state={state}"),
        format!("--cert-file={pki}/server.crt"),
        format!("--key-file={pki}/server.key"),
        "--client-cert-auth=true".to_owned(),
        format!("--trusted-ca-file={}", ca.display()),
        format!("--peer-cert-file={pki}/peer.crt"),
        format!("--peer-key-file={pki}/peer.key"),
        "--peer-client-cert-auth=true".to_owned(),
        format!("--peer-trusted-ca-file={}", ca.display()),
        "--snapshot-count=10000".to_owned(),
        "--logger=zap".to_owned(),
        "--log-outputs=stderr".to_owned(),
    ]
}
