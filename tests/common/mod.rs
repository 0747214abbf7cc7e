//! What integration tests share: the program, a seed that everybody knows, bundles built once.

pub mod api;
pub mod desk;
pub mod golang;
pub mod network;
pub mod node;
pub mod registries;
pub mod rights;
pub mod script;
pub mod shells;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A seed that is no secret: it stands in this file.
pub const SEED: &str = "certferry-seed-1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// The example profiles that a debug build makes in seconds; `thousand-nodes` is for release builds.
pub const PROFILES: [&str; 6] =
    ["single-node", "ha-stacked-etcd", "ha-external-etcd", "external-ca", "dual-stack", "closed-network-1.24"];

/// The path of an example profile.
pub fn profile(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles").join(format!("{name}.toml"))
}

/// An example profile with changes, as a text. Its dates are moved so that everything is valid on any day a test may
/// run, also what the example lets end after five years.
pub fn changed_profile(name: &str, change: impl FnOnce(&mut toml::Table)) -> String {
    let mut table: toml::Table = fs::read_to_string(profile(name)).unwrap().parse().unwrap();
    table["cluster"]["issued_at"] = toml::Value::Datetime("2020-01-01".parse().unwrap());
    for kind in ["user", "etcd_client", "tls"] {
        for client in table.get_mut(kind).and_then(toml::Value::as_array_mut).into_iter().flatten() {
            client.as_table_mut().unwrap().insert("validity".to_owned(), "150y".into());
        }
    }
    change(&mut table);
    toml::to_string(&table).unwrap()
}

/// Lets a profile have keys that are derived in no time.
pub fn use_fast_keys(profile: &mut toml::Table) {
    let keys = [("ca", "ecdsa-p384"), ("leaf", "ecdsa-p256"), ("service_account", "ecdsa-p256")];
    let keys: toml::Table = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    profile.insert("keys".to_owned(), keys.into());
}

/// The program: the one that cargo built for these tests, or what `CERTFERRY_PROGRAM` names. `cargo xtask test` names the
/// static program.
pub fn certferry() -> Command {
    Command::new(program())
}

/// Where [`certferry`] is.
pub fn program() -> PathBuf {
    std::env::var_os("CERTFERRY_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_certferry").into(), PathBuf::from)
}

/// A bundle built in a folder of its own, which is gone when this is dropped.
pub struct Bundle {
    pub folder: TempDir,
    /// The archive.
    pub archive: PathBuf,
    /// Its outer signature.
    pub signature: PathBuf,
    /// The signer's public key.
    pub public_key: PathBuf,
    /// The lock.
    pub lock: PathBuf,
    /// What `build` printed.
    pub stdout: String,
}

/// Builds a profile given as a text with [`SEED`].
pub fn build_text(profile: &str) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    build(&write(folder.path(), "test.toml", profile, 0o644))
}

/// Builds a profile with [`SEED`].
pub fn build(profile: &Path) -> Bundle {
    build_with(profile, &[])
}

/// Builds a profile with [`SEED`] and further arguments.
pub fn build_with(profile: &Path, arguments: &[&str]) -> Bundle {
    build_from(profile, SEED, arguments)
}

/// Builds a profile with a seed and further arguments.
pub fn build_from(profile: &Path, seed: &str, arguments: &[&str]) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    let seed = write(folder.path(), "test.seed", seed, 0o600);
    let (out, lock) = (folder.path().join("out"), folder.path().join("test.lock.toml"));
    let mut command = certferry();
    command.arg("build").arg(profile).arg("--seed").arg(seed).arg("--out").arg(&out).arg("--lock").arg(&lock);
    // Seeds that everybody knows are weak.
    let stdout = succeed(command.arg("--allow-weak-seed").args(arguments));
    let find = |ending: &str| {
        let mut found = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        found.find(|path| path.to_string_lossy().ends_with(ending)).unwrap()
    };
    Bundle { archive: find(".tar.gz"), signature: find(".tar.gz.sig"), public_key: find(".pub"), lock, stdout, folder }
}

impl Bundle {
    /// Unpacks a node's tree with the program; returns its root.
    pub fn unpack(&self, node: &str) -> PathBuf {
        let root = self.folder.path().join(format!("tree-{node}"));
        let mut command = certferry();
        command.arg("unpack").arg(&self.archive).arg("--key").arg(&self.public_key);
        succeed(command.args(["--node", node, "--root"]).arg(&root));
        root
    }

    /// Unpacks the whole archive as an operator would, with tar; returns its top folder.
    pub fn untar(&self) -> PathBuf {
        succeed(tool("tar").arg("-xzf").arg(&self.archive).arg("-C").arg(self.folder.path()));
        self.folder.path().join(self.top())
    }

    /// The name of the archive's top folder.
    pub fn top(&self) -> String {
        let name = self.archive.file_name().unwrap().to_string_lossy().into_owned();
        name.strip_suffix(".tar.gz").unwrap().to_owned()
    }
}

/// Writes a file with a mode.
pub fn write(folder: &Path, name: &str, content: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    path
}

/// Puts a copy of a file where a test starts it, as a program for everybody.
///
/// It is another process that writes it: what this one had open for writing, a child of another test's thread may have
/// open, too, for as long as it is on the way to its own program, and the kernel starts no such file ("text file busy").
pub fn place_program(from: &Path, to: &Path) {
    succeed(tool("install").arg("--mode=755").arg(from).arg(to));
}

/// Writes a script that a test starts (see [`place_program`]).
pub fn write_program(folder: &Path, name: &str, text: &str) -> PathBuf {
    let mut draft = tempfile::NamedTempFile::new().unwrap();
    draft.write_all(text.as_bytes()).unwrap();
    let path = folder.join(name);
    place_program(draft.path(), &path);
    path
}

/// Runs a command that must succeed; returns its standard output.
pub fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail with that exit code; returns its standard error.
pub fn fail(command: &mut Command, code: i32) -> String {
    let output = run(command);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{stderr}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "a failure prints no result: {command:?}");
    stderr
}

/// Runs a command with an empty standard input.
pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` installs what tests need"))
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command with an empty standard input to its end, whichever that is.
pub fn end(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } = run(command);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// Another program: a missing one fails the test by name.
pub fn tool(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}

/// Says aloud that this test cannot run here; it has to end. A failure where `CI` is `true`: there nothing is left out.
pub fn skip(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "skipped in CI: {reason}");
    skip_even_in_ci(reason);
}

/// Says aloud that this test cannot run here, for a reason that no machine in CI is asked to mend.
pub fn skip_even_in_ci(reason: &str) {
    let test = std::thread::current();
    let line = format!("skipped: {}: {reason}\n", test.name().unwrap_or("a test"));
    // Not `eprintln`, which cargo test hides when a test passes; and at once, for other tests speak, too.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Whether this process is root, by number at least; what root may do here is for [`rights`] to say.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// What results say of a signer: its fingerprint, one word in the lock, and below it the groups that stand on paper.
pub fn signer(fingerprint: &str) -> String {
    let digits = fingerprint.strip_prefix("sha256:").unwrap().as_bytes();
    let groups: Vec<_> = digits.chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect();
    format!("signer   {fingerprint}\n         {}\n         {}\n", groups[..8].join(" "), groups[8..].join(" "))
}

/// Every file below a folder, relative to it, sorted.
pub fn files(root: &Path) -> Vec<String> {
    let mut found: Vec<_> = walkdir::WalkDir::new(root)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}
