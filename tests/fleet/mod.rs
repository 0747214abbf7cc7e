//! A fleet: twelve hosts, which real Ansible brings from one generation to the next and back, by the commands that the
//! manual shows.

mod chapter;
pub(crate) mod hosts;
mod keys;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::node::{Seen, everything, live};
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, Ended, build_text, place_program, program, succeed};
use chapter::Chapter;
use hosts::{Hosts, recap};

const NODES: [(&str, &str); 12] = [
    ("etcd-1", "192.168.10.21"),
    ("etcd-2", "192.168.10.22"),
    ("etcd-3", "192.168.10.23"),
    ("cp-1", "192.168.10.11"),
    ("cp-2", "192.168.10.12"),
    ("cp-3", "192.168.10.13"),
    ("worker-1", "192.168.10.31"),
    ("worker-2", "192.168.10.32"),
    ("worker-3", "192.168.10.33"),
    ("worker-4", "192.168.10.34"),
    ("worker-5", "192.168.10.35"),
    ("worker-6", "192.168.10.36"),
];

/// The profile of a generation. Each has other keys for every node.
fn profile(generation: u32) -> String {
    let mut text = format!(
        "format = 1\n\n[cluster]\nname = \"prod-1\"\nkubernetes = \"1.31.0\"\nissued_at = 2020-01-01\ngeneration = {generation}\n\
         control_plane_endpoint = \"192.168.10.11:6443\"\netcd = \"external\"\n\n[keys]\nca = \"ecdsa-p256\"\n\
         leaf = \"ecdsa-p256\"\nservice_account = \"ecdsa-p256\"\n"
    );
    for (name, address) in NODES.iter().filter(|(name, _)| !name.starts_with("worker")) {
        let role = if name.starts_with("cp") { "control-plane" } else { "etcd" };
        text += &format!(
            "\n[[node]]\nname = \"{name}\"\nrole = \"{role}\"\naddresses = [\"{address}\"]\ngeneration = {generation}\n"
        );
    }
    text + &format!(
        "\n[[node_pool]]\nnames = \"worker-[1..6]\"\nrole = \"worker\"\nfirst_addresses = [\"192.168.10.31\"]\n\
         generation = {generation}\n"
    )
}

/// openssl in the place of a server, which wants a certificate of the CA and answers one path.
fn server(address: &str, port: u16, path: &str, pki: &str, pair: &str) -> String {
    format!(
        "mkdir -p /srv/{port} && cd /srv/{port} && echo ok >{path}\n\
         exec openssl s_server -quiet -WWW -accept {address}:{port} -cert {pki}/{pair}.crt -key {pki}/{pair}.key \
         -CAfile {pki}/ca.crt -Verify 3 -verify_return_error"
    )
}

struct Fleet {
    hosts: Hosts,
    bundles: [Bundle; 2],
    chapter: Chapter,
}

impl Fleet {
    /// Every host on generation 1, with its services, and the desk with the bundle of generation 2.
    fn start() -> Self {
        let bundles = [1, 2].map(|generation| build_text(&profile(generation)));
        let hosts = Hosts::start(&NODES, &[]);
        let bundle = &bundles[0];
        for (name, address) in NODES {
            let machine = &hosts.machines[name];
            machine.limit("/etc/kubernetes", "1M");
            for (from, to) in [(&bundle.archive, "g1.tar.gz"), (&bundle.public_key, "g1.pub")] {
                fs::copy(from, machine.path("root").join(to)).unwrap();
            }
            // The last one gets the program from Ansible.
            let place = machine.path("usr/local/bin/certferry");
            place_program(&program(), &place);
            let line = ["apply", "/root/g1.tar.gz", "--key", "/root/g1.pub", "--node", name];
            succeed(machine.command("certferry").args(line));
            for file in ["root/g1.tar.gz", "root/g1.pub"] {
                fs::remove_file(machine.path(file)).unwrap();
            }
            if name == "worker-6" {
                fs::remove_file(place).unwrap();
            }
            match &name[..2] {
                "et" => {
                    fs::create_dir_all(machine.path("var/lib/etcd/member")).unwrap();
                    let pki = "/etc/kubernetes/pki/etcd";
                    hosts.serve(name, "etcd", &server(address, 2379, "health", pki, "server"));
                }
                "cp" => {
                    let pki = "/etc/kubernetes/pki";
                    hosts.serve(name, "kube-apiserver", &server(address, 6443, "readyz", pki, "apiserver"));
                    for other in ["kube-controller-manager", "kube-scheduler", "kubelet"] {
                        hosts.serve(name, other, "exec sleep infinity");
                    }
                }
                _ => hosts.serve(name, "kubelet", "exec sleep infinity"),
            }
        }
        fs::create_dir(hosts.path("out")).unwrap();
        for file in [&bundles[1].archive, &bundles[1].signature, &bundles[1].public_key] {
            fs::copy(file, hosts.path("out").join(file.file_name().unwrap())).unwrap();
        }
        place_program(&program(), &hosts.path("certferry-x86_64"));
        hosts.write("prod-1.toml", &profile(2));
        let chapter = Chapter::new(&bundles[1]);
        hosts.restarts();
        Self { hosts, bundles, chapter }
    }

    /// Runs the line of the manual that has these words, with further ones at its end.
    fn run(&mut self, words: &str, more: &str) -> Ended {
        let line = self.chapter.line(words);
        self.hosts.run(&format!("{line} {more}"))
    }

    /// What must succeed.
    #[track_caller]
    fn succeed(&mut self, words: &str, more: &str) -> Ended {
        let ended = self.run(words, more);
        assert_eq!(ended.code, Some(0), "{words}\n{}{}", ended.stdout, ended.stderr);
        ended
    }

    fn root(&self, name: &str) -> PathBuf {
        self.hosts.machines[name].path("")
    }

    /// What is on each host of what certferry keeps, its own folders included.
    fn state(&self) -> BTreeMap<&'static str, Vec<BTreeMap<String, Seen>>> {
        let folders = ["etc/kubernetes", "var/lib/kubelet", "run/certferry"];
        NODES.map(|(name, _)| (name, folders.map(|folder| seen(&self.root(name).join(folder))).to_vec())).into()
    }

    /// Each of these hosts has the files of a generation, byte for byte, and no more.
    #[track_caller]
    fn assert_generation(&self, names: impl Iterator<Item = &'static str>, generation: usize) {
        for name in names {
            let expected = files(&self.bundles[generation - 1].unpack_once(name));
            let mut found = BTreeMap::new();
            for folder in ["etc/kubernetes", "var/lib/kubelet/pki"] {
                let below = files(&self.root(name).join(folder)).into_iter();
                found.extend(below.map(|(path, seen)| (format!("{folder}/{path}"), seen)));
            }
            found.remove("etc/kubernetes/filler");
            assert!(found == expected, "{name}: {:?} {:?}", found.keys(), expected.keys());
        }
    }
}

fn seen(folder: &Path) -> BTreeMap<String, Seen> {
    if folder.exists() { everything(folder) } else { BTreeMap::new() }
}

/// Files and links, without folders.
fn files(root: &Path) -> BTreeMap<String, Seen> {
    if !root.exists() {
        return BTreeMap::new();
    }
    live(root).into_iter().filter(|(_, (_, content))| content != b"folder").collect()
}

fn names() -> impl Iterator<Item = &'static str> {
    NODES.iter().map(|(name, _)| *name)
}

#[test]
fn ansible_brings_a_fleet_to_a_generation_and_back() {
    if lacks(&[Right::Network, Right::Machine, Right::Owners]) {
        return;
    }
    let mut fleet = Fleet::start();
    for words in ["certferry split", "certferry inventory", "certferry ansible", "export"] {
        fleet.succeed(words, "");
    }
    fleet.each_gets_its_own();
    fleet.a_look_changes_nothing();
    fleet.a_full_disk_ends_the_run();
    fleet.again_to_the_end();
    fleet.a_second_run_changes_nothing();
    fleet.back_once_and_no_further();
    fleet.who_is_not_well_is_taken_back();
    fleet.chapter.assert_complete();
}

impl Fleet {
    fn each_gets_its_own(&mut self) {
        let before = self.state();
        let ended = self.succeed("fleet.distribute", "");
        assert_eq!(changed(&ended), sorted(names()), "{}", ended.stdout);
        let public_key = fs::read(self.hosts.path("out/prod-1.pub")).unwrap();
        for (name, mut state) in self.state() {
            let slice = fs::read(self.hosts.path(&format!("slices/nodes/{name}/prod-1-g2.tar.gz"))).unwrap();
            let expected = [
                (String::new(), (0o700, b"folder".to_vec())),
                ("prod-1-g2.tar.gz".to_owned(), (0o600, slice)),
                ("prod-1.pub".to_owned(), (0o644, public_key.clone())),
            ];
            assert!(state.pop() == Some(expected.into()), "{name}");
            assert!(state == before[name][..2], "{name}: nothing is installed yet");
        }
        let program = fs::metadata(self.root("worker-6").join("usr/local/bin/certferry")).unwrap();
        assert_eq!(program.permissions().mode() & 0o7777, 0o755);
        keys::assert_own_only(&self.hosts, &self.bundles);
    }

    fn a_look_changes_nothing(&mut self) {
        let before = self.state();
        let ended = self.succeed("fleet.apply --check", "");
        assert_eq!(changed(&ended), sorted(names()), "{}", ended.stdout);
        assert!(self.state() == before);
        assert_eq!(self.hosts.restarts(), [""; 0]);
    }

    /// A control plane in the middle has no room: it keeps what it had, and nobody after it is touched.
    fn a_full_disk_ends_the_run(&mut self) {
        let filler = self.root("cp-2").join("etc/kubernetes/filler");
        fs::write(&filler, vec![0; 2 << 20]).unwrap_err();
        let before = self.state();
        let ended = self.run("fleet.apply", "");
        assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
        let reason = "Install this host's part: cannot ";
        assert!(ended.stdout.contains(reason) && ended.stdout.contains("no space left on device"), "{}", ended.stdout);
        let done = ["cp-1", "etcd-1", "etcd-2", "etcd-3"];
        assert_eq!(changed(&ended), done, "{}", ended.stdout);
        let reached: Vec<_> = recap(&ended.stdout).into_keys().collect();
        assert_eq!(reached, ["cp-1", "cp-2", "etcd-1", "etcd-2", "etcd-3"], "nobody after the one that failed");
        for (name, state) in self.state() {
            assert!(done.contains(&name) || state == before[name], "{name}");
        }
        self.assert_generation(done.into_iter(), 2);
        self.assert_generation(names().filter(|name| !done.contains(name)), 1);
        let etcd = ["etcd-1 etcd", "etcd-2 etcd", "etcd-3 etcd"].map(str::to_owned);
        assert_eq!(self.hosts.restarts(), [&etcd[..], &control_plane("cp-1")].concat());
        let ended = self.run("fleet.status", "");
        assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
        for line in ["etcd-1 has generation 2 of prod-1", "cp-2 has generation 1 of prod-1"] {
            assert!(ended.stdout.contains(line), "{}", ended.stdout);
        }
        fs::remove_file(filler).unwrap();
    }

    fn again_to_the_end(&mut self) {
        let ended = self.succeed("fleet.apply", "-e certferry_batch=50");
        let rest: Vec<_> =
            names().filter(|name| name.starts_with("worker") || *name == "cp-2" || *name == "cp-3").collect();
        assert_eq!(changed(&ended), sorted(rest.into_iter()), "{}", ended.stdout);
        self.assert_generation(names(), 2);
        let restarts = self.hosts.restarts();
        let (first, workers) = restarts.split_at(8);
        assert_eq!(first, [control_plane("cp-2"), control_plane("cp-3")].concat());
        assert_eq!(sorted(workers.iter().map(String::as_str)), sorted_restarts());
        keys::assert_own_only(&self.hosts, &self.bundles);
    }

    fn a_second_run_changes_nothing(&mut self) {
        let before = self.state();
        assert!(before.values().all(|state| !state[2].contains_key("prod-1-g2.tar.gz")), "slices hold keys");
        let runs = [
            ("fleet.distribute", "--limit cp-1,worker-1"),
            ("fleet.apply", "-e certferry_batch=50"),
            ("fleet.status", ""),
        ];
        for (words, more) in runs {
            let ended = self.succeed(words, more);
            assert_eq!(changed(&ended), [""; 0], "{}", ended.stdout);
        }
        assert!(self.state() == before);
        assert_eq!(self.hosts.restarts(), [""; 0]);
    }

    fn back_once_and_no_further(&mut self) {
        let ended = self.succeed("fleet.rollback", "-e certferry_batch=50");
        assert_eq!(changed(&ended), sorted(names()), "{}", ended.stdout);
        self.assert_generation(names(), 1);
        let again = self.succeed("fleet.rollback", "--limit cp-1,worker-1");
        assert_eq!(changed(&again), [""; 0], "{}", again.stdout);
        self.assert_generation(names(), 1);
    }

    /// What runs on a worker does not find its files any more: it is taken back, its neighbour comes to the end, the
    /// next batch is not touched.
    fn who_is_not_well_is_taken_back(&mut self) {
        let config = "kind: KubeletConfiguration\nauthentication: {x509: {clientCAFile: /etc/kubernetes/other.crt}}\n";
        let limit = "--limit worker-4,worker-5,worker-6";
        self.succeed("fleet.distribute", limit);
        let before = self.state();
        let file = self.root("worker-5").join("var/lib/kubelet/config.yaml");
        fs::write(&file, config).unwrap();
        let ended = self.run("fleet.apply", &format!("{limit} -e certferry_batch=2"));
        fs::remove_file(&file).unwrap();
        assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("Ask certferry doctor what is wrong: "), "{}", ended.stdout);
        assert_eq!(changed(&ended), ["worker-4", "worker-5"], "{}", ended.stdout);
        self.assert_generation(["worker-4"].into_iter(), 2);
        self.assert_generation(["worker-5"].into_iter(), 1);
        assert!(self.state()["worker-6"] == before["worker-6"]);
    }
}

/// What restarts on a control plane, in order.
fn control_plane(name: &str) -> Vec<String> {
    ["kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
        .map(|service| format!("{name} {service}"))
        .into()
}

/// What restarts on the workers, in the order of their names.
fn sorted_restarts() -> Vec<String> {
    (1..=6).map(|number| format!("worker-{number} kubelet")).collect()
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    names
}

/// The hosts that a run has changed.
fn changed(ended: &Ended) -> Vec<String> {
    recap(&ended.stdout).into_iter().filter(|(_, changed)| *changed > 0).map(|(name, _)| name).collect()
}
