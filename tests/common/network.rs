//! A network that only its test sees: one machine per name, with addresses of its own, on one switch.
//!
//! Servers need the addresses that stand in their certificates, and etcd also compares a member's certificate with the
//! address it calls from. So each machine is a network namespace. All of them live inside one namespace of processes
//! and one of mounts, whose first process reads a pipe that the test holds. However the test ends, killed included, the
//! pipe closes, that process ends, and the kernel ends the others and takes the namespaces down. Nothing has a name
//! outside, and no route leads there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::is_root;

/// How long anything may take; far more than it needs on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A machine: its name and its addresses.
pub type Machine<'a> = (&'a str, &'a [&'a str]);

/// The machines of a test, up while this lives.
pub struct Network {
    first_process: Child,
    /// Its process id as the test sees it: the way in.
    way_in: String,
    folder: TempDir,
}

/// A process that runs on a machine for as long as the network is there.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Network {
    /// Starts the machines; a test asks for [`super::rights::Right::Network`] before. `hosts` is what their `/etc/hosts`
    /// says beside localhost; `setup` are further lines of shell, run first, for instance mounts, which nobody else sees.
    pub fn new(machines: &[Machine<'_>], hosts: &str, setup: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        assert!(!folder.path().starts_with("/run"), "a network hides /run; set TMPDIR to another folder");
        let hosts_file = folder.path().join("hosts");
        fs::write(&hosts_file, format!("127.0.0.1 localhost\n::1 localhost\n{hosts}")).unwrap();
        let etc = folder.path().join("etc");
        fs::create_dir(&etc).unwrap();
        let script = script(machines, &hosts_file, &etc, setup);
        let mut command = Command::new("unshare");
        if !is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-euc", &script]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut first_process = child.unwrap_or_else(|error| panic!("unshare: {error}"));
        let mut way_in = String::new();
        BufReader::new(first_process.stdout.as_mut().unwrap()).read_line(&mut way_in).unwrap();
        if way_in.is_empty() {
            let mut reason = String::new();
            first_process.stderr.take().unwrap().read_to_string(&mut reason).unwrap();
            panic!("no network of its own for this test: {reason}");
        }
        Self { first_process, way_in: way_in.trim().to_owned(), folder }
    }

    /// A command on a machine, ended after a minute at the latest.
    pub fn on(&self, machine: &str, program: &str) -> Command {
        let mut command = self.enter(machine, program);
        command.args(["timeout", "--kill-after=5", &LIMIT.as_secs().to_string(), program]);
        command
    }

    /// Starts a server on a machine in a working folder; what it says goes to the log of that name.
    pub fn start(&self, machine: &str, log: &str, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Daemon {
        let log = self.folder.path().join(log);
        let output = File::create(&log).unwrap();
        let mut command = self.enter(machine, &arguments[0].as_ref().to_string_lossy());
        command.args(["env", "--chdir"]).arg(folder).args(arguments);
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        Daemon { child: command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")), log }
    }

    /// A command on a machine, for as long as it takes. What it is called with comes behind its name, which has to be its
    /// first argument.
    pub fn enter(&self, machine: &str, program: &str) -> Command {
        assert_installed(program);
        let mut command = Command::new("nsenter");
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--target", &self.way_in, "--mount", "--net", "--pid"]).args(["ip", "netns", "exec", machine]);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.first_process.stdin.take());
        // The servers are children of nsenter, which is still there to reap them; until that is done, their files may
        // be in use.
        let end = Instant::now() + LIMIT;
        while matches!(self.first_process.try_wait(), Ok(None)) && Instant::now() < end {
            sleep(Duration::from_millis(5));
        }
    }
}

impl Daemon {
    /// What it has said so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// Waits until it says that on one line.
    pub fn wait_for_line(&mut self, words: &[&str]) {
        wait_until(&format!("a line with {words:?}"), || {
            let log = self.log();
            let said = log.lines().any(|line| words.iter().all(|word| line.contains(word)));
            self.assert_running();
            if said { Ok(()) } else { Err(log) }
        });
    }

    /// Fails with its last words when it has ended.
    pub fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("it ended: {status}\n{}", self.log());
        }
    }
}

/// A command without any network: for programs that would call the servers named in their files.
pub fn without_network(program: &str) -> Command {
    assert_installed(program);
    let mut command = Command::new("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--net", "timeout", "--kill-after=5", &LIMIT.as_secs().to_string(), program]);
    command
}

/// Tries again until it works; fails with the last reason when that takes too long.
pub fn wait_until<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(reason) => assert!(Instant::now() < end, "waited {LIMIT:?} for {what}; last: {reason}"),
        }
        sleep(Duration::from_millis(50));
    }
}

fn script(machines: &[Machine<'_>], hosts: &Path, etc: &Path, setup: &str) -> String {
    let (hosts, etc) = (hosts.display(), etc.display());
    // `ip netns` keeps its names below /run: here in a /run of our own. A root need not have an /etc/hosts to put ours over:
    // here /etc is a folder of our own, too, with links to all else that is in the real one.
    let mut script = format!(
        "mount -t tmpfs none /run\n{setup}\nmount --rbind /etc '{etc}'\nmount -t tmpfs -o mode=0755 none /etc\n\
         ln -s '{etc}'/* /etc\nrm -f /etc/hosts\ncp '{hosts}' /etc/hosts\n\
         ip link add switch type bridge\nip link set switch up\n"
    );
    for (number, (name, addresses)) in machines.iter().enumerate() {
        script += &format!(
            "ip netns add {name}\nip link add port-{number} type veth peer name eth0 netns {name}\n\
             ip link set port-{number} master switch up\nip -n {name} link set lo up\nip -n {name} link set eth0 up\n"
        );
        for address in *addresses {
            let (length, flag) = prefix(address);
            script += &format!("ip -n {name} address add {address}/{length} dev eth0 {flag}\n");
        }
        // A route to each neighbour and to nobody else: what is not here fails at once.
        let neighbours = machines.iter().filter(|(other, _)| other != name).flat_map(|(_, addresses)| *addresses);
        for neighbour in neighbours.filter(|neighbour| addresses.iter().any(|own| prefix(own) == prefix(neighbour))) {
            script += &format!("ip -n {name} route add {neighbour}/{} dev eth0\n", prefix(neighbour).0);
        }
    }
    // The shell's own process id, in the numbers of those who look from outside.
    script + "read -r way_in rest </proc/self/stat\necho \"$way_in\"\nexec cat"
}

/// The length of a prefix that is just this address, and the flag that lets it be used at once.
fn prefix(address: &str) -> (u8, &'static str) {
    match address.parse().unwrap() {
        IpAddr::V4(_) => (32, ""),
        IpAddr::V6(_) => (128, "nodad"),
    }
}

fn assert_installed(program: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(found, "{program} is not installed; `cargo xtask test` installs what tests need");
}
