//! A fleet: twelve hosts, which real Ansible brings from one generation to the next and back, by the commands that the
//! manual shows.

mod chapter;
pub(crate) mod hosts;
mod keys;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::node::{Seen, everything, live};
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, Ended, build_text, place_program, program, succeed, write};
use chapter::Chapter;
use hosts::{Count, Hosts, recap};

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

    fn root(&self, name: &str) -> std::path::PathBuf {
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

fn changed(ended: &Ended) -> Vec<String> {
    recap(&ended.stdout).into_iter().filter(|(_, count)| count.changed > 0).map(|(name, _)| name).collect()
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
    let before = fleet.state();

    // Carry.
    let ended = fleet.succeed("fleet.distribute", "");
    assert_eq!(changed(&ended).len(), 12, "{}", ended.stdout);
    for name in names() {
        let slice = |file: &str| fs::read(fleet.hosts.path(&format!("slices/nodes/{name}/{file}"))).unwrap();
        let waiting = seen(&fleet.root(name).join("run/certferry"));
        let (public, archive) = (&waiting["prod-1.pub"], &waiting["prod-1-g2.tar.gz"]);
        assert_eq!(waiting[""].0, 0o700, "{name}");
        assert!(
            *archive == (0o600, slice("prod-1-g2.tar.gz"))
                && public.1 == fs::read(fleet.hosts.path("out/prod-1.pub")).unwrap()
        );
    }
    keys::assert_own_only(&fleet.hosts, &fleet.bundles);

    // Look.
    let carried = fleet.state();
    let ended = fleet.succeed("fleet.apply --check", "");
    assert_eq!(changed(&ended).len(), 12, "{}", ended.stdout);
    assert!(fleet.state() == carried, "--check changes nothing");
    assert_eq!(fleet.hosts.restarts(), [""; 0]);

    // A disk is full.
    let filler = fleet.root("cp-2").join("etc/kubernetes/filler");
    fs::write(&filler, vec![0; 2 << 20]).unwrap_err();
    let carried = fleet.state();
    let ended = fleet.run("fleet.apply", "");
    assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("no space left on device"), "{}", ended.stdout);
    assert_eq!(changed(&ended), ["cp-1", "etcd-1", "etcd-2", "etcd-3"], "{}", ended.stdout);
    let reached = recap(&ended.stdout);
    assert!(reached["cp-2"].failed == 1 && !reached.contains_key("cp-3") && !reached.contains_key("worker-1"));
    let now = fleet.state();
    for (name, state) in &now {
        assert!(changed(&ended).iter().any(|changed| changed == name) || *state == carried[name], "{name}");
    }
    let done = ["etcd-1", "etcd-2", "etcd-3", "cp-1"];
    fleet.assert_generation(done.into_iter(), 2);
    fleet.assert_generation(names().filter(|name| !done.contains(name)), 1);
    assert_eq!(
        fleet.hosts.restarts(),
        [
            "etcd-1 etcd",
            "etcd-2 etcd",
            "etcd-3 etcd",
            "cp-1 kubelet",
            "cp-1 kube-apiserver",
            "cp-1 kube-controller-manager",
            "cp-1 kube-scheduler",
        ]
    );
    let ended = fleet.run("fleet.status", "");
    assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);

    // There is room again, and the certificates do not please what runs on a worker.
    fs::remove_file(filler).unwrap();
    let config = fleet.root("worker-5").join("var/lib/kubelet/config.yaml");
    let text = "kind: KubeletConfiguration\nauthentication: {x509: {clientCAFile: /etc/kubernetes/other.crt}}\n";
    fs::write(&config, text).unwrap();
    let ended = fleet.run("fleet.apply", "-e certferry_batch=3");
    assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
    let well: Vec<_> = names().filter(|name| *name != "worker-5").collect();
    fleet.assert_generation(well.into_iter(), 2);
    fleet.assert_generation(["worker-5"].into_iter(), 1);

    // To the end.
    fs::remove_file(config).unwrap();
    let ended = fleet.succeed("fleet.apply", "-e certferry_batch=3");
    assert_eq!(changed(&ended), ["worker-5"], "{}", ended.stdout);
    fleet.assert_generation(names(), 2);
    let installed = fleet.state();
    fleet.hosts.restarts();

    // Once more.
    for words in ["fleet.distribute", "fleet.apply", "fleet.status"] {
        let ended = fleet.succeed(words, if words.contains("apply") { "-e certferry_batch=50" } else { "" });
        assert_eq!(changed(&ended), [""; 0], "{}", ended.stdout);
    }
    assert!(fleet.state() == installed);
    assert_eq!(fleet.hosts.restarts(), [""; 0]);
    keys::assert_own_only(&fleet.hosts, &fleet.bundles);

    // Back.
    let ended = fleet.succeed("fleet.rollback", "-e certferry_batch=50");
    assert_eq!(changed(&ended).len(), 12, "{}", ended.stdout);
    fleet.assert_generation(names(), 1);
    let again = fleet.succeed("fleet.rollback", "-e certferry_batch=50");
    assert_eq!(changed(&again), [""; 0], "{}", again.stdout);
    fleet.assert_generation(names(), 1);
    fleet.chapter.assert_complete();
    let _ = (before, Count { ok: 0, changed: 0, unreachable: 0, failed: 0, rescued: 0 });
    let _ = write;
}
