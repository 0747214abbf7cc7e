//! A fleet: twelve hosts, which real Ansible brings from one generation to the next and back, by the commands that the
//! manual shows.

mod chapter;
mod ferry;
mod hosts;
mod keys;
mod real;
mod services;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::common::rights::{Right, lacks};
use crate::common::{tool, write};
use crate::seal::pipe;
use ferry::{Fleet, changed};
use hosts::{Hosts, Place, recap};

const NODES: [Place<'static>; 12] = [
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

#[test]
fn ansible_brings_a_fleet_to_a_generation_and_back() {
    if !lacks(&[Right::Network, Right::Machine, Right::Owners]) {
        forth_and_back(None);
    }
}

/// Debian's is that of every day.
#[test]
#[ignore = "long form"]
fn long_the_newest_ansible_brings_a_fleet_to_a_generation_and_back() {
    forth_and_back(Some(
        env::var_os("ANSIBLE_BIN_DIR").expect("`cargo xtask long` names the folder of Ansible").into(),
    ));
}

/// All of it, with the Ansible of a folder or of PATH.
fn forth_and_back(ansible: Option<PathBuf>) {
    let hosts = Hosts::start(&NODES, ansible, services::make);
    // etcd and the API server are not kubeadm's here.
    hosts.add_variables("certferry_api_server_manifest: /srv/services/kube-apiserver\n");
    let mut fleet = Fleet::new(hosts, &NODES, [1, 2].map(profile));
    for (name, address) in NODES {
        services::start(&fleet.hosts, name, address);
    }
    fleet.hosts.events();
    // One host gets the program from Ansible.
    fs::remove_file(fleet.root("worker-6").join("usr/local/bin/certferry")).unwrap();
    fleet.prepare();
    fleet.seal_a_slice();
    for format in ["ignition", "cloud-init"] {
        fleet.succeed(&format!("certferry user-data {format}"), "");
    }
    fleet.each_gets_its_own();
    fleet.a_look_changes_nothing();
    fleet.a_full_disk_ends_the_run();
    fleet.again_to_the_end();
    fleet.a_second_run_changes_nothing();
    fleet.each_host_is_surveyed();
    fleet.back_once_and_no_further();
    fleet.chapter.assert_complete();
}

/// The host whose slice is sealed.
const SEALED: &str = "worker-2";

impl Fleet {
    /// One host has an identity; its slice comes sealed to that, and lies nowhere else in the clear.
    fn seal_a_slice(&self) {
        let folder = self.root(SEALED).join("root");
        let identity = String::from_utf8(pipe(&mut tool("age-keygen"), b"")).unwrap();
        let file = write(&folder, "identity.key", &identity, 0o600);
        let recipient = String::from_utf8(pipe(tool("age-keygen").arg("-y").arg(&file), b"")).unwrap();
        let slice = self.hosts.path(&format!("slices/nodes/{SEALED}/prod-1-g2.tar.gz"));
        let sealed = pipe(tool("age").args(["-r", recipient.trim_end()]), &fs::read(&slice).unwrap());
        fs::write(slice.with_extension("gz.age"), sealed).unwrap();
        fs::remove_file(slice).unwrap();
        fs::create_dir(self.hosts.path("host_vars")).unwrap();
        self.hosts.write(&format!("host_vars/{SEALED}.yml"), "certferry_identity: /root/identity.key\n");
    }

    fn each_gets_its_own(&mut self) {
        let before = self.state();
        let ended = self.succeed("fleet.distribute", "");
        assert_eq!(changed(&ended), sorted(names().into_iter()), "{}", ended.stdout);
        let public_key = fs::read(self.hosts.path("out/prod-1.pub")).unwrap();
        for (name, mut state) in self.state() {
            let file = if name == SEALED { "prod-1-g2.tar.gz.age" } else { "prod-1-g2.tar.gz" };
            let slice = fs::read(self.hosts.path(&format!("slices/nodes/{name}/{file}"))).unwrap();
            assert_eq!(slice.starts_with(b"age-encryption.org/v1\n"), name == SEALED);
            let expected = [
                (String::new(), (0o700, b"folder".to_vec())),
                (file.to_owned(), (0o600, slice)),
                ("prod-1.pub".to_owned(), (0o644, public_key.clone())),
            ];
            assert!(state.pop() == Some(expected.into()), "{name}");
            assert!(state == before[name][..2], "{name}: nothing is installed yet");
            // Whatever Ansible copies elsewhere comes through here. One host got the program, which is no secret.
            assert_eq!(self.root(name).join("root/.ansible").exists(), name == "worker-6", "{name}");
        }
        // What a run leaves that is killed while it copies.
        let left = self.root("worker-1").join("run/certferry/ansible-tmp-1");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("source"), "half a slice").unwrap();
        self.succeed("state=absent", "--limit worker-1");
        assert!(!self.root("worker-1").join("run/certferry").exists());
        let ended = self.succeed("fleet.distribute", "--limit worker-1");
        assert_eq!(changed(&ended), ["worker-1"], "{}", ended.stdout);
        let program = fs::metadata(self.root("worker-6").join("usr/local/bin/certferry")).unwrap();
        assert_eq!(program.permissions().mode() & 0o7777, 0o755);
        keys::assert_own_only(self);
    }

    fn a_look_changes_nothing(&mut self) {
        let before = self.state();
        let ended = self.succeed("fleet.apply --check", "-e certferry_batch=50");
        assert_eq!(changed(&ended), sorted(names().into_iter()), "{}", ended.stdout);
        assert!(self.state() == before);
        assert_eq!(self.hosts.events(), [""; 0]);
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
        self.assert_generation(&done, 2, &[]);
        let rest: Vec<_> = names().into_iter().filter(|name| !done.contains(name)).collect();
        self.assert_generation(&rest, 1, &["etc/kubernetes/filler"]);
        let etcd = ["etcd-1 etcd", "etcd-2 etcd", "etcd-3 etcd"].map(str::to_owned);
        assert_eq!(self.hosts.events(), [&etcd[..], &control_plane("cp-1")].concat());
        let ended = self.run("fleet.status", "--limit etcd-1,cp-2");
        assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
        for line in ["etcd-1 has generation 2 of prod-1", "cp-2 has generation 1 of prod-1"] {
            assert!(ended.stdout.contains(line), "{}", ended.stdout);
        }
        fs::remove_file(filler).unwrap();
    }

    /// There is room again. What runs on a worker does not find its files any more: that one is taken back, and all
    /// others of its batch come to the end; so does it, once that is mended.
    fn again_to_the_end(&mut self) {
        let config = "kind: KubeletConfiguration\nauthentication: {x509: {clientCAFile: /etc/kubernetes/other.crt}}\n";
        let file = self.root("worker-5").join("var/lib/kubelet/config.yaml");
        fs::write(&file, config).unwrap();
        let ended = self.run("fleet.apply", "-e certferry_batch=50");
        fs::remove_file(&file).unwrap();
        assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("Ask certferry doctor what is wrong: "), "{}", ended.stdout);
        let rest = ["cp-2", "cp-3", "worker-1", "worker-2", "worker-3", "worker-4", "worker-5", "worker-6"];
        assert_eq!(changed(&ended), rest, "{}", ended.stdout);
        let well: Vec<_> = names().into_iter().filter(|name| *name != "worker-5").collect();
        self.assert_generation(&well, 2, &[]);
        self.assert_generation(&["worker-5"], 1, &[]);
        let events = self.hosts.events();
        let (first, workers) = events.split_at(8);
        assert_eq!(first, [control_plane("cp-2"), control_plane("cp-3")].concat());
        let expected = [1, 2, 3, 4, 5, 5, 6].map(|number| format!("worker-{number} kubelet"));
        assert_eq!(sorted(workers.iter().map(String::as_str)), expected, "forth, and one of them back");

        let ended = self.succeed("fleet.apply", "--limit worker-5");
        assert_eq!(changed(&ended), ["worker-5"], "{}", ended.stdout);
        self.assert_generation(&names(), 2, &[]);
        assert_eq!(self.hosts.events(), ["worker-5 kubelet"]);
        keys::assert_own_only(self);
    }

    /// One file of each host: what certferry says there. Nothing on a host is changed.
    fn each_host_is_surveyed(&mut self) {
        let before = self.state();
        let ended = self.hosts.run("ansible-playbook -i inventory.yml certferry.fleet.survey");
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        assert!(self.state() == before);
        let mut found: Vec<_> = fs::read_dir(self.hosts.path("surveys"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        let expected: Vec<_> = sorted(names().into_iter()).iter().map(|name| format!("{name}.toml")).collect();
        assert_eq!(found, expected);
        for name in names() {
            let said = crate::common::end(self.hosts.machines[name].command("certferry").arg("survey"));
            assert_eq!(said.code, Some(0), "{name}: {}", said.stderr);
            assert!(self.hosts.text(&format!("surveys/{name}.toml")) == said.stdout, "{name}");
        }
        let ended = self.hosts.run("ansible-playbook -i inventory.yml certferry.fleet.survey");
        assert_eq!(changed(&ended), [""; 0], "{}", ended.stdout);
    }

    fn a_second_run_changes_nothing(&mut self) {
        let before = self.state();
        let slices = ["prod-1-g2.tar.gz", "prod-1-g2.tar.gz.age"];
        assert!(
            before.values().all(|state| slices.iter().all(|file| !state[2].contains_key(*file))),
            "slices hold keys"
        );
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
        assert_eq!(self.hosts.events(), [""; 0]);
    }

    fn back_once_and_no_further(&mut self) {
        let ended = self.succeed("fleet.rollback", "-e certferry_batch=50");
        assert_eq!(changed(&ended), sorted(names().into_iter()), "{}", ended.stdout);
        self.assert_generation(&names(), 1, &[]);
        let again = self.succeed("fleet.rollback", "--limit cp-1,worker-1");
        assert_eq!(changed(&again), [""; 0], "{}", again.stdout);
        self.assert_generation(&names(), 1, &[]);
    }
}

/// What restarts on a control plane, in order.
fn control_plane(name: &str) -> Vec<String> {
    ["kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
        .map(|service| format!("{name} {service}"))
        .into()
}

fn names() -> Vec<&'static str> {
    NODES.iter().map(|(name, _)| *name).collect()
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    names
}
