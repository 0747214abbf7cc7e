//! Hosts with generation 1 of a cluster, the bundle of generation 2 on the desk, and the commands of the manual between.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::chapter::Chapter;
use super::hosts::{Hosts, Place, recap};
use crate::common::node::{Seen, everything, live};
use crate::common::{Bundle, Ended, build_text, place_program, program, succeed};

/// What lies on a host: the folders of Kubernetes and of the kubelet, and where slices wait.
pub(super) type State = Vec<BTreeMap<String, Seen>>;

pub(super) struct Fleet {
    pub(super) hosts: Hosts,
    pub(super) bundles: [Bundle; 2],
    pub(super) chapter: Chapter,
    pub(super) nodes: Vec<Place<'static>>,
}

impl Fleet {
    /// Installs generation 1 on every host, and lays out the desk.
    pub(super) fn new(hosts: Hosts, nodes: &[Place<'static>], profiles: [String; 2]) -> Self {
        let bundles = profiles.clone().map(|profile| build_text(&profile));
        for (name, _) in nodes {
            let machine = &hosts.machines[*name];
            machine.limit("/etc/kubernetes", "1M");
            for (from, to) in [(&bundles[0].archive, "g1.tar.gz"), (&bundles[0].public_key, "g1.pub")] {
                fs::copy(from, machine.path("root").join(to)).unwrap();
            }
            place_program(&program(), &machine.path("usr/local/bin/certferry"));
            let line = ["apply", "/root/g1.tar.gz", "--key", "/root/g1.pub", "--node", name];
            succeed(machine.command("certferry").args(line));
            for file in ["root/g1.tar.gz", "root/g1.pub"] {
                fs::remove_file(machine.path(file)).unwrap();
            }
        }
        fs::create_dir(hosts.path("out")).unwrap();
        for file in [&bundles[1].archive, &bundles[1].signature, &bundles[1].public_key] {
            fs::copy(file, hosts.path("out").join(file.file_name().unwrap())).unwrap();
        }
        place_program(&program(), &hosts.path("certferry-x86_64"));
        hosts.write("prod-1.toml", &profiles[1]);
        let chapter = Chapter::new(&bundles[1]);
        Self { hosts, bundles, chapter, nodes: nodes.to_vec() }
    }

    /// Cuts the slices, and writes inventory and collection.
    pub(super) fn prepare(&mut self) {
        for words in ["certferry split", "certferry inventory", "certferry ansible", "export"] {
            self.succeed(words, "");
        }
    }

    /// Runs the line of the manual that has these words, with further ones at its end.
    pub(super) fn run(&mut self, words: &str, more: &str) -> Ended {
        let line = self.chapter.line(words);
        self.hosts.run(format!("{line} {more}").trim_end())
    }

    /// What must succeed.
    #[track_caller]
    pub(super) fn succeed(&mut self, words: &str, more: &str) -> Ended {
        let ended = self.run(words, more);
        assert_eq!(ended.code, Some(0), "{words}\n{}{}", ended.stdout, ended.stderr);
        ended
    }

    pub(super) fn root(&self, name: &str) -> PathBuf {
        self.hosts.machines[name].path("")
    }

    /// What `unpack` writes for a node.
    pub(super) fn unpacked(&self, generation: usize, name: &str) -> PathBuf {
        let bundle = &self.bundles[generation - 1];
        let root = bundle.folder.path().join(format!("tree-{name}"));
        if root.exists() { root } else { bundle.unpack(name) }
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.nodes.iter().map(|(name, _)| *name).collect()
    }

    /// What is on each host, certferry's own folders included.
    pub(super) fn state(&self) -> BTreeMap<&'static str, State> {
        let folders = ["etc/kubernetes", "var/lib/kubelet", "run/certferry"];
        let state = |name| folders.map(|folder| seen(&self.root(name).join(folder))).to_vec();
        self.names().into_iter().map(|name| (name, state(name))).collect()
    }

    /// Each of these hosts has the files of a generation, byte for byte, and no more but what is named.
    #[track_caller]
    pub(super) fn assert_generation(&self, names: &[&str], generation: usize, others: &[&str]) {
        for name in names {
            let expected = files(&self.unpacked(generation, name));
            let mut found = BTreeMap::new();
            for folder in ["etc/kubernetes", "var/lib/kubelet/pki"] {
                let below = files(&self.root(name).join(folder)).into_iter();
                found.extend(below.map(|(path, seen)| (format!("{folder}/{path}"), seen)));
            }
            found.retain(|path, _| !others.iter().any(|other| path.starts_with(other)));
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

/// The names of the hosts that a run has changed, sorted.
pub(super) fn changed(ended: &Ended) -> Vec<String> {
    recap(&ended.stdout).into_iter().filter(|(_, changed)| *changed > 0).map(|(name, _)| name).collect()
}
