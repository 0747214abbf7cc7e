//! `doctor`: nothing on a healthy node, and every fault by its rule on one that is not.

mod by_hand;
mod components;
mod foreign_etcd;
mod healthy;
mod input;
mod issuers;
mod lost;
pub mod makers;
mod mends;
mod metallb;
mod node_mends;
mod objects;
pub mod planted;
mod registries;
mod renewed;
mod said;
mod secrets;
mod webhooks;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{certferry, run};
use crate::planting::{Cluster, GENUINE};
use serde_json::Value;
use tempfile::TempDir;

/// After everything of `lab` and of the forge begins.
const AT: &str = "2027-01-01";
pub const MANIFESTS: &str = "etc/kubernetes/manifests";
pub const KUBELET_CONFIG: &str = "var/lib/kubelet/config.yaml";

/// A node's files on a disk, and perhaps objects of its cluster beside them.
pub struct Node(TempDir);

impl Node {
    /// A part of `lab`, changed.
    pub fn of(part: &str, change: impl FnOnce(&mut Cluster, &Cluster)) -> Self {
        let [mut lab, other] = GENUINE.clone();
        change(&mut lab, &other);
        let node = Self(tempfile::tempdir().unwrap());
        lab.tree(part).write(&node.path(""));
        node.write(KUBELET_CONFIG, recorded("kubelet-config.yaml"));
        node.write("etc/hostname", format!("{}\n", part.trim_start_matches("node/")));
        node
    }

    /// The control plane cp-1 of `lab`, changed, with what kubeadm and the kubelet put beside a bundle's files.
    pub fn control_plane(change: impl FnOnce(&mut Cluster, &Cluster)) -> Self {
        let node = Self::of("node/cp-1", change);
        for program in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            let name = format!("{program}.yaml");
            node.write(&format!("{MANIFESTS}/{name}"), recorded(&name));
            node.set_mode(&format!("{MANIFESTS}/{name}"), 0o600);
        }
        node
    }

    /// A file of the node.
    pub fn path(&self, place: &str) -> PathBuf {
        let root = self.0.path().join("root");
        if place.is_empty() { root } else { root.join(place) }
    }

    pub fn write(&self, place: &str, content: impl AsRef<[u8]>) {
        put(&self.path(place), content);
    }

    pub fn text(&self, place: &str) -> String {
        fs::read_to_string(self.path(place)).unwrap()
    }

    pub fn remove(&self, place: &str) {
        fs::remove_file(self.path(place)).unwrap();
    }

    pub fn set_mode(&self, place: &str, mode: u32) {
        fs::set_permissions(self.path(place), PermissionsExt::from_mode(mode)).unwrap();
    }

    /// Replaces a text that must be there.
    pub fn replace(&self, place: &str, from: &str, to: &str) {
        let text = self.text(place);
        assert!(text.contains(from), "{place}: {from}");
        self.write(place, text.replace(from, to));
    }

    /// Gives a program another flag.
    pub fn flag(&self, program: &str, flag: &str) {
        let command = format!("    - {program}\n");
        self.replace(&format!("{MANIFESTS}/{program}.yaml"), &command, &format!("{command}    - {flag}\n"));
    }

    /// Objects that somebody saved.
    fn save(&self, objects: &str) {
        put(&self.0.path().join("objects.yaml"), objects);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = certferry();
        command.current_dir(self.0.path()).env_remove("COLUMNS").args(["doctor", "root"]);
        if !arguments.contains(&"--at") {
            command.args(["--at", AT]);
        }
        if self.0.path().join("objects.yaml").exists() {
            command.args(["--manifests", "objects.yaml"]);
        }
        run(command.args(arguments))
    }

    /// The text, and whether all is well.
    fn says(&self) -> (String, i32) {
        let output = self.run(&[]);
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    }

    fn findings(&self) -> Vec<Value> {
        let output = self.run(&["-o", "json"]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let document: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        let findings = document["findings"].as_array().unwrap().clone();
        let problems = findings.iter().filter(|finding| finding["severity"] == "problem").count();
        assert_eq!(output.status.code(), Some(i32::from(problems > 0)), "{stderr}{findings:#?}");
        // Several findings of one cause are one problem.
        let counted = document["problems"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap();
        assert!(counted <= problems && (counted == 0) == (problems == 0), "{stderr}{findings:#?}");
        let error = (problems > 0).then(|| serde_json::from_str::<Value>(&stderr).unwrap()["error"].clone());
        let said = if counted == 1 { "1 problem".to_owned() } else { format!("{counted} problems") };
        assert_eq!(error, (problems > 0).then(|| said.into()), "{stderr}");
        findings
    }

    /// The rules that are broken.
    fn rules(&self) -> BTreeSet<String> {
        let findings = self.findings();
        for finding in &findings {
            for key in ["what", "why", "mend"] {
                let text = finding[key].as_str().unwrap();
                let placeholder = ["{it}", "{file}", "{error}", "{detail}", "{renew}", "{named}", "{pair}"];
                assert!(!placeholder.iter().any(|open| text.contains(open)), "{finding:#}");
                assert!(!text.contains("{}") && !text.is_empty(), "{finding:#}");
            }
        }
        findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn put(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A file that kubeadm 1.20.2 made.
pub fn recorded(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/kubeadm-1.20.2").join(name)).unwrap()
}
