//! The script on a node that stands in: processes in a folder, tools in another, API servers that are ready or not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tempfile::TempDir;

use super::{BASE, OTHERS, OWN, TREE, asked_for, build};
use crate::common::shells::{SHELLS, Tools, find};
use crate::common::{Ended, end, succeed, tool, write};

/// What the kubelet of a stand-in calls the next process.
const NEXT: u32 = 4_000_001;
const KUBELET: u32 = 4_000_002;
pub(super) const UPTIME: u64 = 40_000_000;
pub(super) const POD: &str = "0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-0123.scope\n";
const SERVICE: &str = "0::/system.slice/kube-apiserver.service\n";

/// A node that stands in: processes in a folder, tools in another, API servers that are ready or not.
struct Node {
    folder: TempDir,
    tools: Tools,
    ended: Receiver<i32>,
    process: u32,
}

impl Node {
    /// A node whose API server has run for so many days, with a kubelet, and all API servers ready.
    fn new(shell: &[&str], days: u64, cgroup: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["proc", "etc/pki", "etc/manifests", "ready"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("proc/uptime"), format!("{UPTIME}.42 1234567.00\n")).unwrap();
        fs::write(root.join("etc/manifests/kube-apiserver.yaml"), "kind: Pod\n").unwrap();
        let mut server = Command::new("sleep").arg("600").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let process = server.id();
        add_process(root, process, "kube-apiserver", days, cgroup);
        add_process(root, KUBELET, "kubelet", days, "0::/system.slice/kubelet.service\n");
        for server in OTHERS.into_iter().chain([OWN]) {
            fs::write(root.join("ready").join(server), "").unwrap();
        }
        // What the kubelet or systemd would do: when the process has ended, another is there.
        let (sender, ended) = channel();
        let (place, group) = (root.to_owned(), cgroup.to_owned());
        thread::spawn(move || {
            let status = server.wait().unwrap();
            // A test that is over has no folder any more.
            if fs::remove_dir_all(place.join(format!("proc/{process}"))).is_ok() {
                add_process(&place, NEXT, "kube-apiserver", 0, &group);
            }
            let _ = sender.send(status.signal().unwrap_or_default());
        });
        let tools = Tools::new(shell, "mawk", "tar");
        for program in ["sleep", "timeout"] {
            tools.add(program, &find(program));
        }
        let node = Self { folder, tools, ended, process };
        node.tools.add_script(
            "kubectl",
            &format!(
                "echo \"$@\" >>{0}/asked\nserver=${{4#https://}}\n[ ! -e {0}/ready/\"$server\" ] || printf ok\n",
                node.root().display()
            ),
        );
        node.tools
            .add_script("systemctl", &format!("echo \"$@\" >>{}/systemctl\nkill {process}\n", node.root().display()));
        node
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the script of `cp-1` on this node.
    fn run(&self, replace: &[(&str, &str)]) -> Ended {
        let mut text = fs::read_to_string(TREE.join(format!("{BASE}.sh"))).unwrap();
        let root = self.root().display();
        let ours = [
            ("PROC=/proc\n".to_owned(), format!("PROC={root}/proc\n")),
            ("ETC=/etc/kubernetes\n".to_owned(), format!("ETC={root}/etc\n")),
        ];
        let theirs = replace.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        for (from, to) in ours.into_iter().chain(theirs) {
            assert!(text.contains(&from), "{from}");
            text = text.replace(&from, &to);
        }
        end(&mut self.tools.run(&write(self.root(), "script.sh", &text, 0o600)))
    }

    /// What was asked of kubectl, one server a line.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.root().join("asked")).unwrap_or_default();
        text.lines().map(|line| line.split(' ').nth(3).unwrap().to_owned()).collect()
    }

    /// Refuses, with this text, and touches nothing.
    #[track_caller]
    fn refuses(&self, replace: &[(&str, &str)], text: &str) {
        let ended = self.run(replace);
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            ("", &*format!("error: {text}; nothing was restarted\n"))
        );
        assert_eq!(ended.code, Some(1));
        assert!(self.ended.try_recv().is_err(), "the process has ended");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Not by the program kill, which is no part of a small system. What is left would hold the test's output open.
        let process = rustix::process::Pid::from_raw(self.process.try_into().unwrap()).unwrap();
        let killed = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        assert!(matches!(killed, Ok(()) | Err(rustix::io::Errno::SRCH)), "{killed:?}");
    }
}

/// A process as the kernel shows it.
pub(super) fn add_process(root: &Path, number: u32, name: &str, days: u64, cgroup: &str) {
    let folder = root.join(format!("proc/{number}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
    fs::write(folder.join("cgroup"), cgroup).unwrap();
    let start = (UPTIME - days * 86_400) * 100;
    // Whoever gives a process its name may have it end like the field before the next.
    let before: Vec<_> = (4..22).map(|field| field.to_string()).collect();
    let stat = format!("{number} ({name}) S) S {} {start} 7 8\n", before.join(" "));
    fs::write(folder.join("stat"), stat).unwrap();
}

#[test]
fn an_old_api_server_ends_by_a_signal_and_the_next_one_is_waited_for() {
    for shell in SHELLS {
        let node = Node::new(shell, 180, POD);
        let ended = node.run(&[]);
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str(), ended.code),
            ("kube-apiserver is 180 days old: restarting it\nkube-apiserver is ready again\n", "", Some(0)),
            "{shell:?}"
        );
        assert_eq!(node.ended.recv().unwrap(), 15, "SIGTERM");
        let asked: Vec<_> = OTHERS.into_iter().chain([OWN]).map(|server| format!("https://{server}")).collect();
        assert_eq!(node.asked(), asked);
        let first = fs::read_to_string(node.root().join("asked")).unwrap();
        let first = first.lines().next().unwrap().to_owned();
        let kubeconfig = node.root().join("etc/controller-manager.conf");
        assert_eq!(
            first,
            format!(
                "--kubeconfig {} --server https://{} --request-timeout 10s get --raw /readyz",
                kubeconfig.display(),
                OTHERS[0]
            )
        );
        // The manifest was there at every instant.
        assert!(node.root().join("etc/manifests/kube-apiserver.yaml").exists());
        // The next month it is young.
        let again = node.run(&[]);
        assert_eq!(
            (again.stdout.as_str(), again.code),
            ("kube-apiserver is 0 days old: nothing to do before 180\n", Some(0))
        );
    }
}

#[test]
fn a_young_one_is_left_alone_and_nobody_is_asked() {
    for shell in SHELLS {
        let node = Node::new(shell, 179, POD);
        fs::remove_file(node.root().join("ready").join(OTHERS[0])).unwrap();
        let ended = node.run(&[]);
        assert_eq!(
            (ended.stdout.as_str(), ended.code),
            ("kube-apiserver is 179 days old: nothing to do before 180\n", Some(0))
        );
        assert!(node.asked().is_empty() && node.ended.try_recv().is_err());
    }
}

#[test]
fn where_systemd_runs_it_systemd_restarts_it() {
    for shell in SHELLS {
        let node = Node::new(shell, 300, SERVICE);
        fs::remove_dir_all(node.root().join(format!("proc/{KUBELET}"))).unwrap();
        fs::remove_file(node.root().join("etc/manifests/kube-apiserver.yaml")).unwrap();
        let ended = node.run(&[]);
        assert_eq!((ended.stderr.as_str(), ended.code), ("", Some(0)));
        assert_eq!(fs::read_to_string(node.root().join("systemctl")).unwrap(), "restart kube-apiserver.service\n");
    }
}

#[test]
fn what_is_not_sure_restarts_nothing() {
    for shell in SHELLS {
        for (number, server) in OTHERS.iter().enumerate() {
            let node = Node::new(shell, 300, POD);
            fs::remove_file(node.root().join("ready").join(server)).unwrap();
            node.refuses(&[], &format!("the API server at {server} is not ready"));
            assert_eq!(node.asked().len(), number + 1);
        }
        let node = Node::new(shell, 300, "0::/user.slice/session-1.scope\n");
        node.refuses(&[], &format!("neither the kubelet nor a service kube-apiserver runs process {}", node.process));
        let node = Node::new(shell, 300, POD);
        let etc = node.root().join("etc");
        for left in ["journal", "restart"] {
            fs::create_dir_all(etc.join(".certferry")).unwrap();
            fs::write(etc.join(".certferry").join(left), "").unwrap();
            let place = etc.join(".certferry").join(left);
            node.refuses(&[], &format!("a run of certferry or install.sh was cut short: {}", place.display()));
            fs::remove_file(place).unwrap();
        }
        let manifest = etc.join("manifests/kube-apiserver.yaml");
        fs::rename(&manifest, etc.join("away")).unwrap();
        node.refuses(&[], &format!("there is no {}", manifest.display()));
        fs::rename(etc.join("away"), &manifest).unwrap();
        let kubelet = node.root().join(format!("proc/{KUBELET}"));
        fs::rename(&kubelet, node.root().join("away")).unwrap();
        node.refuses(&[], "the kubelet, which would start it again, does not run");
        fs::rename(node.root().join("away"), &kubelet).unwrap();
        node.tools.remove("kubectl");
        node.tools.remove("openssl");
        node.refuses(&[], "there is neither kubectl nor openssl on this node to ask the other API servers");
        add_process(node.root(), NEXT, "kube-apiserver", 300, POD);
        let both = [node.process, NEXT];
        let mut names = both.map(|number| number.to_string());
        names.sort();
        node.refuses(&[], &format!("there are several processes kube-apiserver: {}", names.join(" ")));
        for number in both {
            fs::remove_dir_all(node.root().join(format!("proc/{number}"))).unwrap();
        }
        node.refuses(&[], "there is no kube-apiserver on this node");
    }
}

#[test]
fn what_does_not_end_or_is_not_well_again_is_said() {
    let impatient = [("PATIENCE=300\n", "PATIENCE=1\n")];
    let node = Node::new(SHELLS[0], 300, POD);
    fs::remove_file(node.root().join("ready").join(OWN)).unwrap();
    let ended = node.run(&impatient);
    let text = "error: kube-apiserver was restarted, and is not ready after 1 seconds\n";
    assert_eq!((ended.stderr.as_str(), ended.code), (text, Some(1)));

    let node = Node::new(SHELLS[0], 300, POD);
    // A signal that comes to nothing.
    let ended = node.run(&[impatient[0], ("kill -TERM", "kill -CONT")]);
    let text = format!("error: process {} has not ended in 1 seconds\n", node.process);
    assert_eq!((ended.stderr.as_str(), ended.code), (text.as_str(), Some(1)));
}

/// Another API server: openssl, with the certificate of a tree, answering with a status to `/readyz` of whoever has a
/// certificate of the same CA.
struct Server {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Server {
    fn start(tree: &Path, status: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("readyz"), format!("HTTP/1.0 {status}\r\n\r\n")).unwrap();
        let pki = tree.join("etc/kubernetes/pki");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut openssl = tool("openssl");
        openssl.current_dir(folder.path()).args(["s_server", "-HTTP", "-Verify", "2", "-verify_return_error"]);
        openssl.args(["-accept", &format!("127.0.0.1:{port}")]).arg("-CAfile").arg(pki.join("ca.crt"));
        openssl.arg("-cert").arg(pki.join("apiserver.crt")).arg("-key").arg(pki.join("apiserver.key"));
        let mut process = openssl.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("ACCEPT")), "it does not listen");
        // It would end of a pipe that nobody reads.
        thread::spawn(move || lines.for_each(drop));
        Self { process, address: format!("127.0.0.1:{port}"), _folder: folder }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Without kubectl, openssl asks: it takes the cluster's own API servers alone, and shows who it is.
#[test]
fn without_kubectl_openssl_asks() {
    let other = build(|profile| {
        asked_for(profile);
        profile.insert("ca".to_owned(), "kubernetes = { generation = 2 }".parse::<toml::Table>().unwrap().into());
    });
    let own = Server::start(&TREE, "200 OK");
    let unready = Server::start(&TREE, "500 Internal Server Error");
    let other = Server::start(&other.unpack("cp-1"), "200 OK");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().to_string();
    drop(listener);
    for shell in SHELLS {
        let with_openssl = || {
            let node = Node::new(shell, 300, POD);
            node.tools.remove("kubectl");
            succeed(tool("cp").arg("-a").arg(TREE.join("etc/kubernetes/pki")).arg(node.root().join("etc")));
            node
        };
        let all = |address: &str| [format!("OWN='{address}'"), format!("OTHERS='{address}'")];
        let before = [format!("OWN='{OWN}'"), format!("OTHERS='{}'", OTHERS.join(" "))];
        let node = with_openssl();
        let [own_line, others] = all(&own.address);
        let ended = node.run(&[(&before[0], &own_line), (&before[1], &others)]);
        assert_eq!((ended.stderr.as_str(), ended.code), ("", Some(0)), "{shell:?}");
        for address in [&unready.address, &other.address, &closed] {
            let node = with_openssl();
            let [own_line, others] = all(address);
            node.refuses(
                &[(&before[0], &own_line), (&before[1], &others)],
                &format!("the API server at {address} is not ready"),
            );
        }
    }
}
