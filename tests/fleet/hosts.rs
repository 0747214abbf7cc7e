//! Hosts that Ansible reaches: each with a network, a root, sshd and Python of its own, and a desk from which it runs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::network::Network;
use crate::common::{Ended, end, program, succeed, tool, write};
use crate::kube::machine::Machine;
use crate::kube::wait::wait_for;

/// The name of the control node on the network.
const DESK: &str = "desk";

/// sshd as root, with keys alone; nothing of the real machine's configuration is read.
const SSHD: &str = "HostKey /root/.ssh/host\nPidFile none\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n\
    UseDNS no\nMaxStartups 100\nSubsystem sftp internal-sftp\n\
    SetEnv PATH=/usr/local/sbin:/usr/local/bin:/kube:/usr/sbin:/usr/bin:/sbin:/bin\n";

/// What a test's own Ansible is told, beside what the collection says: how to reach the hosts, and that no host and no
/// key is known before.
const GROUP_VARS: &str = "ansible_user: root\nansible_python_interpreter: /usr/bin/python3\nansible_ssh_private_key_file: KEY\n\
    ansible_ssh_common_args: -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR\n";

/// A node: its name and address.
pub(crate) type Place<'a> = (&'a str, &'a str);

/// The hosts. They end with the test.
pub(crate) struct Hosts {
    pub(crate) machines: BTreeMap<String, Machine>,
    network: Network,
    programs: TempDir,
    /// Where all hosts say what they start.
    events: TempDir,
    /// The control node's folder: profile, bundle, slices.
    desk: TempDir,
    ansible: Option<PathBuf>,
}

impl Hosts {
    /// Starts a host for each node, to be reached by the Ansible of a folder or of PATH. All of them have the same
    /// stand-ins, which are made in a folder.
    pub(crate) fn start(nodes: &[Place<'_>], ansible: Option<PathBuf>, make_stand_ins: impl FnOnce(&Path)) -> Self {
        let [programs, events, desk] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        for folder in [&programs, &events, &desk] {
            fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        make_stand_ins(programs.path());
        for key in ["host", "user"] {
            let mut keygen = tool("ssh-keygen");
            succeed(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(desk.path().join(key)));
        }
        let addresses: Vec<_> = nodes.iter().map(|(name, address)| (*name, [*address])).collect();
        let mut machines: Vec<_> = addresses.iter().map(|(name, addresses)| (*name, &addresses[..])).collect();
        machines.push((DESK, &["192.168.10.2"]));
        let network = Network::new(&machines, "", "");
        let names: String = nodes.iter().map(|(name, address)| format!("{address} {name}\n")).collect();
        let mut hosts = Self { machines: BTreeMap::new(), network, programs, events, desk, ansible };
        for (name, _) in nodes {
            let machine = hosts.boot(name, &names);
            hosts.machines.insert((*name).to_owned(), machine);
        }
        for machine in hosts.machines.values() {
            wait_for("sshd", || match machine.log("sh") {
                log if log.contains("Server listening") => Ok(()),
                log => Err(log),
            });
        }
        fs::create_dir(hosts.path("bin")).unwrap();
        symlink(program(), hosts.path("bin/certferry")).unwrap();
        let variables = GROUP_VARS.replace("KEY", &hosts.path("user").display().to_string());
        fs::create_dir(hosts.path("group_vars")).unwrap();
        hosts.write("group_vars/all.yml", &variables);
        hosts
    }

    fn boot(&self, name: &str, names: &str) -> Machine {
        let machine = Machine::on(&self.network, name, self.programs.path(), names);
        machine.rename(name);
        machine.limit("/usr/local/bin", "100%");
        machine.bind(self.events.path(), "/events");
        for folder in ["run/sshd", "root/.ssh", "etc/ssh"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        // What /usr/bin/awk leads to.
        fs::create_dir_all(machine.path("etc/alternatives")).unwrap();
        symlink(fs::canonicalize("/usr/bin/awk").unwrap(), machine.path("etc/alternatives/awk")).unwrap();
        let users = "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n";
        write(&machine.path("etc"), "passwd", users, 0o644);
        write(&machine.path("etc"), "group", "root:x:0:\nnogroup:x:65534:\n", 0o644);
        write(&machine.path("root"), ".ssh/host", &self.text("host"), 0o600);
        write(&machine.path("root"), ".ssh/authorized_keys", &self.text("user.pub"), 0o600);
        write(&machine.path("etc/ssh"), "sshd_config", SSHD, 0o644);
        machine.serve("sh", &["-c", "exec /usr/sbin/sshd -D -e"].map(str::to_owned));
        machine
    }

    /// What all hosts have said in their one file since the last time, in order.
    pub(crate) fn events(&self) -> Vec<String> {
        let file = self.events.path().join("events");
        let lines = fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
        fs::write(file, "").unwrap();
        lines
    }

    /// The file of [`Self::events`], which is `/events/events` on each host.
    pub(crate) fn events_file(&self) -> PathBuf {
        self.events.path().join("events")
    }

    /// A file of the desk.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    /// Adds what Ansible is told of all hosts.
    pub(crate) fn add_variables(&self, lines: &str) {
        self.write("group_vars/all.yml", &(self.text("group_vars/all.yml") + lines));
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write(self.desk.path(), name, text, 0o600);
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A line of a shell on the desk, with certferry and Ansible on PATH.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut command = self.network.enter(DESK, "env");
        let mut path = std::env::var("PATH").unwrap_or_default();
        if let Some(ansible) = &self.ansible {
            path = format!("{}:{path}", ansible.display());
        }
        let folders = [self.path("bin").display().to_string(), path];
        command.args(["env", "-i", "--chdir"]).arg(self.desk.path());
        command.arg(format!("PATH={}", folders.join(":"))).arg(format!("HOME={}", self.desk.path().display()));
        command.args(["LANG=C.UTF-8", "ANSIBLE_CONFIG=ansible/ansible.cfg", "sh", "-ec", line]);
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ended {
        end(&mut self.shell(line))
    }
}

/// How often Ansible says in its last lines that it has changed each host that it reached.
pub(crate) fn recap(stdout: &str) -> BTreeMap<String, u32> {
    let (_, lines) = stdout.split_once("PLAY RECAP").unwrap_or_else(|| panic!("{stdout}"));
    let rows = lines.lines().filter_map(|line| line.split_once(" : "));
    rows.map(|(name, counts)| {
        let changed = counts.split_whitespace().find_map(|count| count.strip_prefix("changed="));
        (name.trim().to_owned(), changed.unwrap().parse().unwrap())
    })
    .collect()
}
