//! `init --from`: the profile of a cluster that runs.

mod against;
mod archive;
mod compare;
mod contradictions;
mod external_ca;
mod foreign_etcd;
mod kubeadms;
mod lacking;
mod makers;
mod objects;
mod refused;
mod registries;
mod road;
mod round_trip;
mod secrets;
mod untrusted;

use std::fs;
use std::path::{Path, PathBuf};

use certferry::import::{Imported, Objects, Sources, Wishes, import};
use certferry::kubernetes::Role;
use certferry::profile::{self, Profile};
use certferry::survey::Survey;
use tempfile::TempDir;
use time::macros::date;

use crate::common::{Bundle, build_text, certferry, succeed};

/// The files of every node of a cluster, each below a folder of its name, as kubeadm's and the kubelet's are on it.
pub struct Fleet {
    pub folder: TempDir,
    pub bundle: Bundle,
    pub profile: Profile,
}

impl Fleet {
    /// Builds a profile and puts beside the files of the bundle what kubeadm and the kubelet put there.
    pub fn of(text: &str) -> Self {
        let bundle = build_text(text);
        let profile = profile::parse(text.as_bytes()).ok().unwrap().profile;
        let folder = tempfile::tempdir().unwrap();
        let fleet = Self { folder, bundle, profile };
        for node in &fleet.profile.nodes {
            let mut unpack = certferry();
            unpack.arg("unpack").arg(&fleet.bundle.archive).arg("--key").arg(&fleet.bundle.public_key);
            succeed(unpack.args(["--node", &node.name, "--root"]).arg(fleet.root(&node.name)));
            fleet.write(&node.name, "etc/hostname", &format!("{}\n", node.name));
            if node.role != Role::Etcd {
                let text = fleet.in_folder(&recorded("kubelet-config.yaml"));
                fleet.write(&node.name, "var/lib/kubelet/config.yaml", &text);
            }
            if node.role == Role::ControlPlane {
                fleet.write_manifests(&node.name, &node.addresses[0].to_string());
            } else if node.role == Role::Etcd {
                let manifest =
                    recorded("etcd.yaml").replace("192.168.10.5", &bracketed(&node.addresses[0].to_string()));
                let manifest = fleet.in_folder(&manifest.replace("cp-1", &node.name));
                fleet.write(&node.name, "etc/kubernetes/manifests/etcd.yaml", &manifest);
            }
        }
        fleet
    }

    fn write_manifests(&self, node: &str, address: &str) {
        let cluster = &self.profile.cluster;
        let subnets: Vec<_> = cluster.service_subnets.iter().map(ToString::to_string).collect();
        let members = self.profile.nodes.iter().filter(|node| node.role == Role::Etcd);
        let members: Vec<_> =
            members.map(|node| format!("https://{}:2379", bracketed(&node.addresses[0].to_string()))).collect();
        for program in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
            if program == "etcd" && !members.is_empty() {
                continue;
            }
            let mut text = recorded(&format!("{program}.yaml"))
                .replace(&format!("{program}:v1.20.2"), &format!("{program}:v{}", cluster.kubernetes))
                .replace("10.96.0.0/12", &subnets.join(","))
                .replace("https://192.168.10.5", &format!("https://{}", bracketed(address)))
                .replace("192.168.10.5", address)
                .replace("cp-1", node);
            if !members.is_empty() {
                text = text.replace("https://127.0.0.1:2379", &members.join(","));
            }
            self.write(node, &format!("etc/kubernetes/manifests/{program}.yaml"), &self.in_folder(&text));
        }
    }

    /// A file of kubeadm's as it is with the folder of certificates of this cluster.
    fn in_folder(&self, text: &str) -> String {
        text.replace("/etc/kubernetes/pki", &self.profile.cluster.certificates_dir.to_string())
    }

    pub fn root(&self, node: &str) -> PathBuf {
        self.folder.path().join(node)
    }

    pub fn write(&self, node: &str, place: &str, content: &str) {
        let path = self.root(node).join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces a text that must be there.
    pub fn replace(&self, node: &str, place: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root(node).join(place)).unwrap();
        assert!(text.contains(from), "{place}: {from}");
        self.write(node, place, &text.replace(from, to));
    }
}

fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

/// What kubeadm 1.20.2 wrote for the control plane cp-1 at 192.168.10.5.
pub fn recorded(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/kubeadm-1.20.2").join(file)).unwrap()
}

/// Runs `init --from` with these paths. Returns the folder, the name of the profile and what was printed.
pub fn init_from(paths: &[&Path], arguments: &[&str]) -> (TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = certferry();
    command.arg("init").arg("--from").args(paths).arg("--out").arg(folder.path().join("out")).args(arguments);
    let said = succeed(&mut command);
    let profile = said.lines().next().unwrap();
    assert!(profile.ends_with(".toml"), "{said}");
    let name = Path::new(profile).file_stem().unwrap().to_str().unwrap().to_owned();
    (folder, name, said)
}

/// The text of a profile that was written.
pub fn written(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join("out").join(format!("{name}.toml"))).unwrap()
}

/// Imports surveys and objects, each given as a text.
pub fn imported(surveys: &[(&str, &str)], objects: &[(&str, &str)]) -> Imported {
    let mut known = Objects::default();
    for (file, text) in objects {
        known.add(file, text.as_bytes()).unwrap();
    }
    let surveys = surveys.iter().map(|(file, text)| ((*file).to_owned(), Survey::parse(text.as_bytes()).unwrap()));
    let sources = Sources { surveys: surveys.collect(), objects: known, ..Sources::default() };
    import(sources, &Wishes { name: None, issued_at: date!(2026 - 11 - 22) })
}

/// The lines of the list about a subject.
pub fn lines(imported: &Imported, subject: certferry::import::Subject) -> Vec<&str> {
    let findings = imported.findings.iter().filter(|finding| finding.subject == subject);
    findings.map(|finding| finding.text.as_str()).collect()
}
