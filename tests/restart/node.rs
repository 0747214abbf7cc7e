//! A node that runs: a machine with the stand-ins, and certferry on it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::common::{Bundle, run, succeed};
use crate::kube::machine::Machine;
use crate::kube::wait::wait_for;
use crate::restart::stand_ins::{self, manifest};

pub(crate) const PODS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const ETCD: [&str; 13] = [
    "--name=cp-1",
    "--data-dir=/var/lib/etcd",
    "--listen-client-urls=https://127.0.0.1:2379,https://192.168.10.5:2379",
    "--advertise-client-urls=https://192.168.10.5:2379",
    "--listen-peer-urls=https://192.168.10.5:2380",
    "--initial-advertise-peer-urls=https://192.168.10.5:2380",
    "--initial-cluster=cp-1=https://192.168.10.5:2380",
    "--client-cert-auth=true",
    "--peer-client-cert-auth=true",
    "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
    "--peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
    "--cert-file=/etc/kubernetes/pki/etcd/server.crt",
    "--key-file=/etc/kubernetes/pki/etcd/server.key",
];
const ETCD_PEER: [&str; 2] =
    ["--peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt", "--peer-key-file=/etc/kubernetes/pki/etcd/peer.key"];

/// A node. It ends with the test.
pub(crate) struct Node {
    pub(crate) machine: Machine,
    _stand_ins: TempDir,
}

/// How certferry ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Node {
    /// A machine with the address and name of `cp-1`, and bundles by the number of their generation.
    pub(crate) fn start(name: &str, has_crictl: bool, real: Option<&Path>, bundles: &[&Bundle]) -> Self {
        let stand_ins = tempfile::tempdir().unwrap();
        fs::set_permissions(stand_ins.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        stand_ins::make(stand_ins.path(), has_crictl, real.map(|_| "/real"));
        let machine = Machine::start(stand_ins.path(), &["192.168.10.5/24"], "192.168.10.5 cp-1\n");
        machine.rename(name);
        let program = Path::new(env!("CARGO_BIN_EXE_certferry")).parent().unwrap();
        machine.bind(program, "/opt/certferry");
        if let Some(real) = real {
            machine.bind(real, "/real");
        }
        for folder in ["media", "srv", "etc/kubernetes/manifests"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        fs::write(machine.path("/srv/readyz"), "ok").unwrap();
        for (number, bundle) in (1..).zip(bundles) {
            let at = |ending: &str| machine.path(&format!("/media/g{number}{ending}"));
            fs::copy(&bundle.archive, at(".tar.gz")).unwrap();
            fs::copy(&bundle.signature, at(".tar.gz.sig")).unwrap();
            fs::copy(&bundle.public_key, at(".pub")).unwrap();
        }
        let node = Self { machine, _stand_ins: stand_ins };
        assert_eq!(node.apply(name, 1, "").code, Some(0));
        node
    }

    /// A control plane of stand-ins and a real etcd that is up, on generation 1.
    pub(crate) fn control_plane(has_crictl: bool, bundles: &[&Bundle]) -> Self {
        let node = Self::start("cp-1", has_crictl, None, bundles);
        let etcd: Vec<_> = ETCD.into_iter().chain(ETCD_PEER).collect();
        node.add_manifest("etcd", &etcd);
        node.add_manifest("kube-apiserver", &["--advertise-address=192.168.10.5", "--secure-port=6443"]);
        node.add_manifest("kube-controller-manager", &[]);
        node.add_manifest("kube-scheduler", &["--bind-address=127.0.0.1"]);
        node.boot();
        node
    }

    pub(crate) fn add_manifest(&self, name: &str, words: &[&str]) {
        fs::write(self.machine.path(&format!("/etc/kubernetes/manifests/{name}.yaml")), manifest(name, words)).unwrap();
    }

    /// etcd's command, for a service.
    pub(crate) fn etcd_command() -> String {
        ["/kube/etcd"].into_iter().chain(ETCD).chain(ETCD_PEER).collect::<Vec<_>>().join(" ")
    }

    /// Starts the kubelet, and waits until all that it runs is well.
    pub(crate) fn boot(&self) {
        succeed(self.machine.command("systemctl").args(["restart", "kubelet"]));
        self.wait_until_well(1);
        self.forget_events();
    }

    /// Waits until etcd and the API server answer whoever trusts the CA of a generation.
    pub(crate) fn wait_until_well(&self, generation: u32) {
        wait_for("etcd", || self.etcd_answers(generation));
        wait_for("API server", || self.api_server_answers(generation));
    }

    pub(crate) fn forget_events(&self) {
        fs::write(self.machine.path("/run/events"), "").unwrap();
    }

    /// What happened since the start, no event twice in a row.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = fs::read_to_string(self.machine.path("/run/events")).unwrap();
        let mut events: Vec<_> = text.lines().map(str::to_owned).collect();
        events.dedup();
        events
    }

    /// Whether every component runs.
    pub(crate) fn all_run(&self) {
        for pod in PODS {
            wait_for(pod, || {
                let process = fs::read_to_string(self.machine.path(&format!("/run/pods/{pod}"))).unwrap_or_default();
                let line = fs::read(self.machine.path(&format!("/proc/{}/cmdline", process.trim())));
                if line.is_ok_and(|line| !line.is_empty()) { Ok(()) } else { Err(self.machine.log(pod)) }
            });
        }
    }

    /// Whether etcd answers, to whom trusts the CA of a generation and has its certificate.
    pub(crate) fn etcd_answers(&self, generation: u32) -> Result<(), String> {
        let tree = self.unpacked(generation);
        let mut etcdctl = self.machine.command("/usr/bin/etcdctl");
        etcdctl.env("ETCDCTL_API", "3").args(["--endpoints=https://127.0.0.1:2379", "--command-timeout=2s"]);
        etcdctl.arg(format!("--cacert={tree}/etcd/ca.crt")).arg(format!("--cert={tree}/etcd/healthcheck-client.crt"));
        etcdctl.arg(format!("--key={tree}/etcd/healthcheck-client.key")).args(["endpoint", "health"]);
        good(&run(&mut etcdctl))
    }

    /// Whether the API server answers, to whom trusts the CA of a generation and has its certificate.
    pub(crate) fn api_server_answers(&self, generation: u32) -> Result<(), String> {
        let tree = self.unpacked(generation);
        let mut curl = self.machine.command("/usr/bin/curl");
        curl.args(["--silent", "--show-error", "--fail", "--http1.0", "--no-alpn", "--max-time", "5"]);
        for (option, file) in
            [("cacert", "ca.crt"), ("cert", "apiserver-kubelet-client.crt"), ("key", "apiserver-kubelet-client.key")]
        {
            curl.arg(format!("--{option}")).arg(format!("{tree}/{file}"));
        }
        curl.arg("https://192.168.10.5:6443/readyz");
        good(&run(&mut curl))
    }

    fn unpacked(&self, generation: u32) -> String {
        let root = format!("/root/g{generation}");
        if !self.machine.path(&root).exists() {
            let line =
                format!("unpack /media/g{generation}.tar.gz --key /media/g{generation}.pub --node cp-1 --root {root}");
            succeed(&mut self.certferry(&line));
        }
        format!("{root}/etc/kubernetes/pki")
    }

    /// certferry on the node.
    pub(crate) fn certferry(&self, line: &str) -> Command {
        let mut command = self.machine.command("/opt/certferry/certferry");
        command.args(line.split_whitespace());
        command
    }

    pub(crate) fn say(&self, line: &str) -> Said {
        said(run(&mut self.certferry(line)))
    }

    pub(crate) fn apply(&self, name: &str, generation: u32, more: &str) -> Said {
        self.say(&format!("apply /media/g{generation}.tar.gz --key /media/g{generation}.pub --node {name} {more}"))
    }

    /// Lets a program refuse the CAs of generation 2.
    pub(crate) fn refuse_second(&self, program: &str) {
        let ca = self.machine.path(&format!("{}/etcd/ca.crt", self.unpacked(2)));
        fs::copy(ca, self.machine.path(&format!("/run/refuse-{program}"))).unwrap();
    }

    /// Makes an empty file.
    pub(crate) fn touch(&self, path: &str) {
        fs::write(self.machine.path(path), "").unwrap();
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.machine.path(path).exists()
    }

    /// Waits until the kubelet has seen what there is to see.
    pub(crate) fn settle(&self) {
        sleep(Duration::from_millis(500));
    }
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn good(output: &Output) -> Result<(), String> {
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
