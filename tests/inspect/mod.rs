//! `inspect`: compared with kubeadm, OpenSSL and node_exporter, and fed with what nobody should have written.

mod broken;
mod bundles;
mod expiring;
mod exporter;
mod kubeadm;
mod kubeconfigs;
mod openssl;
mod trees;

use crate::common;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;

use crate::common::{Bundle, build, certferry, profile, run, succeed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;

/// Before every certificate of the examples ends.
const AT: &str = "2026-11-23";

/// Kubernetes 1.34.1: three control planes with etcd, three workers, a user, a client of etcd.
static STACKED: LazyLock<Bundle> = LazyLock::new(|| build(&profile("ha-stacked-etcd")));
/// Kubernetes 1.24.15, which has no super-admin.conf, as kubeadm 1.20.2 has none.
static CLOSED: LazyLock<Bundle> = LazyLock::new(|| build(&profile("closed-network-1.24")));

/// Runs `inspect`.
fn inspect<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    run(certferry().arg("inspect").args(arguments))
}

/// The tables of a path at [`AT`].
fn table(path: &Path) -> String {
    succeed(certferry().arg("inspect").arg(path).args(["--at", AT]))
}

/// The certificates of `-o json`.
fn json(path: &Path) -> Vec<Value> {
    let text = succeed(certferry().arg("inspect").arg(path).args(["-o", "json", "--at", AT]));
    let document: Value = serde_json::from_str(&text).unwrap();
    document["certificates"].as_array().unwrap().clone()
}

/// The first column of every row, and of the heads of tables.
fn names(table: &str) -> Vec<&str> {
    table.lines().filter(|line| !line.starts_with("  ")).map(|line| line.split("   ").next().unwrap()).collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A copy of a tree that a test may change.
fn copy(tree: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in common::files(tree) {
        let (from, to) = (tree.join(&file), folder.path().join(&file));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        match fs::read_link(&from) {
            Ok(target) => symlink(target, &to).unwrap(),
            Err(_) => drop(fs::copy(&from, &to).unwrap()),
        }
    }
    folder
}

/// Unpacks a node once for every test that only reads it.
fn unpacked(bundle: &Bundle, node: &str) -> PathBuf {
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let root = bundle.folder.path().join(format!("tree-{node}"));
    if root.exists() { root } else { bundle.unpack(node) }
}

/// A CA of a test's own.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut parameters = named(name);
        // Go counts no residual time beyond 292 years.
        parameters.not_after = time::macros::datetime!(2200-01-01 0:00 UTC);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let der = parameters.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(parameters, key), der }
    }

    fn pem(&self) -> String {
        pem(&self.der)
    }

    /// A leaf that ends at a time.
    fn leaf(&self, name: &str, not_after: OffsetDateTime) -> Vec<u8> {
        let mut parameters = named(name);
        parameters.not_after = not_after;
        parameters.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().to_vec()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.remove(DnType::CommonName);
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// A file in a folder that need not exist yet.
fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}
