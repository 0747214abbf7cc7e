//! Machines to run Kubernetes' programs on: a root of their own, and namespaces of their own for mounts, network and
//! processes. Nothing of the real machine's `/etc/kubernetes`, `/var/lib/kubelet`, ports or kernel settings is touched.
//!
//! All of it hangs on one pipe: when the test program ends, however it ends, the pipe closes, the machine's first
//! process ends, and the kernel ends the other processes and drops the mounts. Files live in memory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::Mutex;

use serde_json::Value;

use super::wait::wait_for;
use crate::common::is_root;
use crate::common::network::Network;
use crate::common::{run, succeed, tool};

/// Where a machine's root is mounted, in its own mount namespace. Every Debian has this folder.
const ROOT: &str = "/mnt";

/// What the kubelet would set for the whole kernel, and to which value (Kubernetes v1.20.2, `setupKernelTunables`).
/// Each machine sees files with these values instead, and so the kubelet leaves the kernel alone.
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// A machine.
pub struct Machine {
    holder: Child,
    pipe: Option<ChildStdin>,
    /// Its first process, as the real machine counts.
    process: u32,
    servers: Mutex<Vec<Child>>,
}

impl Machine {
    /// A machine on a network of its own, with these addresses and these lines of `/etc/hosts`.
    pub fn start(programs: &Path, addresses: &[&str], hosts: &str) -> Self {
        let mut unshare = tool("unshare");
        unshare.arg("--net");
        let machine = Self::boot(unshare, programs, hosts);
        succeed(machine.inside("ip").args(["link", "set", "lo", "up"]));
        for address in addresses {
            succeed(machine.inside("ip").args(["address", "add", address, "dev", "lo"]));
        }
        machine
    }

    /// A machine on the network of another.
    pub fn beside(other: &Self, programs: &Path, hosts: &str) -> Self {
        let mut nsenter = tool("nsenter");
        nsenter.args(["--target", &other.process.to_string(), "--net", "--", "unshare"]);
        Self::boot(nsenter, programs, hosts)
    }

    /// A machine with the addresses that a name of a network has.
    pub fn on(network: &Network, name: &str, programs: &Path, hosts: &str) -> Self {
        let mut unshare = network.enter(name, "unshare");
        unshare.arg("unshare");
        Self::boot(unshare, programs, hosts)
    }

    fn boot(mut unshare: Command, programs: &Path, hosts: &str) -> Self {
        if !is_root() {
            unshare.arg("--map-root-user");
        }
        unshare.args(["--mount", "--uts", "--pid", "--fork", "--kill-child=SIGKILL", "--propagation", "private", "--"]);
        // The shell says which process it is, then lives until its standard input ends.
        unshare.args(["sh", "-c", "read -r process rest </proc/self/stat; echo $process; exec cat"]);
        unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut holder = unshare.spawn().unwrap_or_else(|error| panic!("{unshare:?}: {error}"));
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let process = line.trim().parse();
        let process =
            process.unwrap_or_else(|_| panic!("{unshare:?} failed: no namespaces, which need root or user namespaces"));
        let machine = Self { pipe: holder.stdin.take(), holder, process, servers: Mutex::default() };
        machine.make_root(programs, hosts);
        machine
    }

    fn make_root(&self, programs: &Path, hosts: &str) {
        self.mount(&["-t", "tmpfs", "-o", "mode=0755", "tmpfs", ROOT]);
        for folder in ["dev", "etc/kubernetes", "kube", "proc", "root", "run", "settings", "sys", "tmp", "usr"] {
            fs::create_dir_all(self.path(folder)).unwrap();
        }
        for folder in ["var/lib/etcd", "var/lib/kubelet", "var/log"] {
            fs::create_dir_all(self.path(folder)).unwrap();
        }
        self.mount(&["--bind", "-o", "ro", "/usr", &format!("{ROOT}/usr")]);
        self.mount(&["--bind", "-o", "ro", programs.to_str().unwrap(), &format!("{ROOT}/kube")]);
        self.mount(&["-t", "proc", "proc", &format!("{ROOT}/proc")]);
        self.mount(&["--rbind", "/sys", &format!("{ROOT}/sys")]);
        self.mount(&["--rbind", "/dev", &format!("{ROOT}/dev")]);
        for folder in ["bin", "lib", "lib64", "sbin"] {
            let real = Path::new("/").join(folder);
            match fs::read_link(&real) {
                Ok(target) => symlink(target, self.path(folder)).unwrap(),
                Err(_) if real.is_dir() => {
                    fs::create_dir(self.path(folder)).unwrap();
                    self.mount(&["--bind", real.to_str().unwrap(), &format!("{ROOT}/{folder}")]);
                }
                Err(_) => {}
            }
        }
        for (number, (setting, value)) in KERNEL_SETTINGS.iter().enumerate() {
            fs::write(self.path(&format!("settings/{number}")), format!("{value}\n")).unwrap();
            self.mount(&["--bind", &format!("{ROOT}/settings/{number}"), &format!("{ROOT}/proc/sys/{setting}")]);
        }
        fs::write(self.path("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
        fs::write(self.path("etc/nsswitch.conf"), "hosts: files\n").unwrap();
        fs::write(self.path("etc/hosts"), format!("127.0.0.1 localhost\n{hosts}")).unwrap();
    }

    /// Mounts something; what is below [`ROOT`] is on the machine.
    fn mount(&self, arguments: &[&str]) {
        succeed(self.inside("mount").args(arguments));
    }

    /// A command in the machine's namespaces but with the real root.
    fn inside(&self, program: &str) -> Command {
        let mut command = tool("nsenter");
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--target", &self.process.to_string(), "--mount", "--uts", "--net", "--pid", "--", program]);
        command
    }

    /// A command on the machine.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.inside("chroot");
        command.args([ROOT, program]).env_clear().env("HOME", "/root");
        command.env("PATH", "/kube:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// A file of the machine, as seen from here.
    pub fn path(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root{ROOT}", self.process)).join(path.trim_start_matches('/'))
    }

    /// Puts a folder of the real machine, with all that is mounted below it, in a place of this one.
    pub fn bind(&self, folder: &Path, place: &str) {
        fs::create_dir_all(self.path(place)).unwrap();
        self.mount(&["--rbind", folder.to_str().unwrap(), &format!("{ROOT}{place}")]);
    }

    /// Puts an empty folder in memory of at most that size in a place.
    pub fn limit(&self, place: &str, size: &str) {
        fs::create_dir_all(self.path(place)).unwrap();
        self.mount(&["-t", "tmpfs", "-o", &format!("mode=0755,size={size}"), "tmpfs", &format!("{ROOT}{place}")]);
    }

    /// Copies a node's tree to the root.
    pub fn install(&self, tree: &Path) {
        succeed(tool("cp").args(["--archive", "--no-target-directory"]).arg(tree).arg(self.path("")));
    }

    /// Starts a program that goes on until the machine ends; what it says is in `/var/log/PROGRAM.log`.
    pub fn serve(&self, program: &str, arguments: &[String]) {
        let log = File::create(self.path(&format!("var/log/{program}.log"))).unwrap();
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let server = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        self.servers.lock().unwrap().push(server);
    }

    /// Starts what a static pod of kubeadm would run, with more arguments.
    pub fn serve_pod(&self, component: &str, more: &[&str]) {
        let manifest = format!("/etc/kubernetes/manifests/{component}.yaml");
        // kubectl reads YAML for us; the label goes nowhere.
        let mut kubectl = self.command("kubectl");
        kubectl.args(["label", "--local", "--output", "json", "a=b", "--filename", &manifest]);
        let pod: Value = serde_json::from_str(&succeed(&mut kubectl)).unwrap();
        let command = pod["spec"]["containers"][0]["command"].as_array().unwrap();
        let mut command = command.iter().map(|word| word.as_str().unwrap().to_owned());
        let program = command.next().unwrap();
        let arguments: Vec<_> = command.chain(more.iter().map(|&argument| argument.to_owned())).collect();
        self.serve(&program, &arguments);
    }

    /// Ends a program and waits until it is gone.
    pub fn stop(&self, program: &str) {
        wait_for(&format!("end of {program}"), || {
            let processes = self.processes(program);
            if processes.is_empty() {
                return Ok(());
            }
            run(self.inside("sh").args(["-c", "kill \"$@\"", "kill"]).args(&processes));
            Err(format!("{program}: {processes:?}\n{}", self.log(program)))
        });
    }

    /// The processes on the machine that run a program, as the machine counts.
    pub fn processes(&self, program: &str) -> Vec<String> {
        let names = fs::read_dir(self.path("/proc")).unwrap().map(|entry| entry.unwrap().file_name());
        let numbers = names.filter_map(|name| name.into_string().ok()).filter(|name| name.parse::<u32>().is_ok());
        let runs = |number: &String| {
            let line = fs::read(self.path(&format!("/proc/{number}/cmdline"))).unwrap_or_default();
            let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
            Path::new(&*String::from_utf8_lossy(first)).file_name().is_some_and(|name| name == program)
        };
        numbers.filter(runs).collect()
    }

    /// Gives the machine a name.
    pub fn rename(&self, name: &str) {
        // A file below /proc/sys is the real superuser's alone.
        succeed(self.inside("busybox").args(["hostname", name]));
    }

    /// The end of what a program said.
    pub fn log(&self, program: &str) -> String {
        let text = fs::read(self.path(&format!("var/log/{program}.log"))).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.pipe.take());
        self.holder.wait().unwrap();
        for server in self.servers.get_mut().unwrap() {
            server.wait().unwrap();
        }
    }
}

/// Runs a command with something on its standard input.
pub fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command may refuse before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
