//! The files of each phase.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::cluster::{Cluster, NODES, nodes};
use crate::common::node::renew_authorities;
use crate::common::{Bundle, build_text, certferry, run, succeed, tool};
use crate::kube::cluster::certferry as certferry_on;
use crate::kube::machine::Machine;

/// The trees of the nodes in each phase.
pub(super) struct Phases {
    bundles: [Bundle; 2],
    folder: TempDir,
}

fn profile(generation: i64) -> String {
    let mut text = "format = 1\n\n[cluster]\nname = \"living\"\nkubernetes = \"1.20.2\"\nissued_at = 2020-01-01\n\
         control_plane_endpoint = \"k8s.corp.internal:6443\"\netcd = \"external\"\n\n[keys]\nca = \"ecdsa-p256\"\n\
         leaf = \"ecdsa-p256\"\nservice_account = \"rsa-2048\"\n\n[[etcd_client]]\nname = \"backup\"\nvalidity = \"150y\"\n"
        .to_owned();
    for (name, role, address) in NODES {
        text += &format!("\n[[node]]\nname = \"{name}\"\nrole = \"{role}\"\naddresses = [\"{address}\"]\n");
    }
    let mut table: toml::Table = text.parse().unwrap();
    table["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), generation.into());
    if generation > 1 {
        renew_authorities(&mut table);
        let previous: toml::Table = "previous = { generation = 1 }".parse().unwrap();
        for (_, authority) in table["ca"].as_table_mut().unwrap() {
            authority.as_table_mut().unwrap().extend(previous.clone());
        }
        let mut key: toml::Table = format!("generation = {generation}").parse().unwrap();
        key.extend(previous);
        table.insert("service_account".to_owned(), key.into());
    }
    toml::to_string(&table).unwrap()
}

impl Phases {
    /// Builds them: generation 1, and the three bundles of its rotation.
    pub(super) fn make() -> Self {
        let bundles = [1, 2].map(|generation| build_text(&profile(generation)));
        let phases = Self { bundles, folder: tempfile::tempdir().unwrap() };
        for phase in 0..4 {
            let archive = phases.archive(phase);
            let whole = phases.path(phase, "whole");
            fs::create_dir_all(&whole).unwrap();
            for (name, ..) in NODES {
                let mut unpack = certferry();
                unpack.arg("unpack").arg(&archive).arg("--key").arg(&phases.bundles[0].public_key);
                succeed(unpack.args(["--node", name, "--root"]).arg(phases.path(phase, name)));
            }
            let mut untar = tool("tar");
            succeed(untar.arg("-xzf").arg(&archive).args(["--strip-components=1", "-C"]).arg(&whole));
            copy(&whole.join("cluster/etcd-clients/backup"), &phases.path(phase, "backup"));
        }
        phases
    }

    /// The bundle of a phase.
    fn archive(&self, phase: u32) -> PathBuf {
        match phase {
            0 => self.bundles[0].archive.clone(),
            _ => self.bundles[1].archive.with_file_name(format!("living-g2-p{phase}.tar.gz")),
        }
    }

    /// What was unpacked of the first bundle.
    pub(super) fn top(&self) -> PathBuf {
        self.path(0, "whole")
    }

    /// What a node has in a phase, or the client of etcd.
    pub(super) fn path(&self, phase: u32, name: &str) -> PathBuf {
        self.folder.path().join(format!("{phase}/{name}"))
    }

    /// Puts the bundle of a phase on a node; returns the words that install it.
    fn bring(&self, machine: &Machine, node: &str, phase: u32) -> String {
        let archive = format!("/media/p{phase}.tar.gz");
        fs::copy(self.archive(phase), machine.path(&archive)).unwrap();
        fs::copy(&self.bundles[0].public_key, machine.path("/media/living.pub")).unwrap();
        format!("apply {archive} --key /media/living.pub --node {node}")
    }

    /// Gives a node its first files. Nothing runs there yet.
    pub(super) fn install_first(&self, cluster: &Cluster, node: &str) {
        let machine = &cluster.machines[node];
        succeed(&mut certferry_on(machine, &self.bring(machine, node, 0)));
    }

    /// Brings a node to a phase with certferry, which restarts what reads its files. Back it goes by `rollback`, and where that
    /// is no longer what was before, by the bundle of the phase.
    pub(super) fn install(&self, cluster: &Cluster, node: &str, (from, to): (u32, u32)) {
        let machine = &cluster.machines[node];
        let bring = |phase| self.bring(machine, node, phase);
        let line = match (from, to) {
            (3, 2) => "rollback".to_owned(),
            _ if to < from => format!("{} --allow-downgrade", bring(to)),
            _ => bring(to),
        };
        let output = run(certferry_on(machine, &line).args(["--restart", "--wait", "300"]));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{node}, {from} to {to}: {said}\n{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    succeed(tool("cp").arg("-a").arg(from.join(".")).arg(to));
}

/// A field of a kubeconfig.
pub(super) fn field(kubeconfig: &str, name: &str) -> String {
    let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// Lays out what the clients of a phase hold: an administrator's kubeconfig, its parts, and the client of etcd.
pub(super) fn hand_out(phases: &Phases, cluster: &Cluster) {
    for phase in 0..4 {
        let to = cluster.clients.path().join(phase.to_string());
        copy(&phases.path(phase, "backup"), &to.join("etcd"));
        let from = phases.path(phase, nodes("control-plane")[0]).join("etc/kubernetes/admin.conf");
        fs::copy(&from, to.join("admin.conf")).unwrap();
        let text = fs::read_to_string(from).unwrap();
        for (name, file) in [
            ("certificate-authority-data", "ca.crt"),
            ("client-certificate-data", "client.crt"),
            ("client-key-data", "client.key"),
        ] {
            fs::write(to.join(file), STANDARD.decode(field(&text, name)).unwrap()).unwrap();
        }
    }
}
