//! A node's disk: two generations of a small cluster, and what a person can see of the files below a root.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;
use walkdir::WalkDir;

use super::{Bundle, build, build_text, certferry, changed_profile, succeed, tool, use_fast_keys, write};

/// The cluster's first generation.
pub static FIRST: LazyLock<Bundle> = LazyLock::new(|| build_text(&generation(1, |_| {})));
/// Its second, with new CAs and the same service-account key.
pub static SECOND: LazyLock<Bundle> = LazyLock::new(|| build_text(&generation(2, renew_authorities)));

/// The files of the first generation's control plane, without a word of certferry.
static UNPACKED: LazyLock<PathBuf> = LazyLock::new(|| FIRST.unpack("cp-1"));

/// A bundle that adopts the CAs and the service-account key of the first, and lets the CAs end a year later. Of a node
/// that certferry did not install, it is what comes.
pub static RENEWED: LazyLock<Bundle> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    succeed(tool("cp").arg("-r").arg(UNPACKED.join("etc/kubernetes/pki")).arg(folder.path()));
    let profile = generation(1, |profile| {
        profile["cluster"]["issued_at"] = toml::Value::Datetime("2021-01-01".parse().unwrap());
        let adopted = |ca: &str| format!("certificate = \"pki/{ca}.crt\"\nkey = \"pki/{ca}.key\"\nrenew = true\n");
        let tables = [("kubernetes", "ca"), ("etcd", "etcd/ca"), ("front-proxy", "front-proxy-ca")];
        let tables = tables.map(|(table, ca)| format!("[{table}]\n{}", adopted(ca))).concat();
        profile.insert("ca".to_owned(), tables.parse::<toml::Table>().unwrap().into());
        // The file says it.
        profile["keys"].as_table_mut().unwrap().remove("service_account");
        let key: toml::Table = "key = \"pki/sa.key\"".parse().unwrap();
        profile.insert("service_account".to_owned(), key.into());
    });
    build(&write(folder.path(), "lab.toml", &profile, 0o644))
});

/// A control plane's files as somebody else has left them: without a word of certferry, and with more than is in a
/// bundle.
pub fn foreign() -> TempDir {
    let root = copy(&UNPACKED);
    let kubernetes = root.path().join("etc/kubernetes");
    fs::write(kubernetes.join("pki/notes"), "by hand").unwrap();
    symlink("notes", kubernetes.join("pki/link")).unwrap();
    fs::write(kubernetes.join("bootstrap-kubelet.conf"), "kind: Config\n").unwrap();
    root
}

/// The profile of a generation: one control plane `cp-1`, one worker `worker-1`.
pub fn generation(number: i64, change: impl FnOnce(&mut toml::Table)) -> String {
    changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), number.into());
        profile["node"][0]["name"] = "cp-1".into();
        let worker: toml::Table =
            toml::from_str("name = \"worker-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]").unwrap();
        profile["node"].as_array_mut().unwrap().push(worker.into());
        change(profile);
    })
}

/// Other keys for every CA.
pub fn renew_authorities(profile: &mut toml::Table) {
    let authorities = profile.entry("ca").or_insert_with(|| toml::Table::new().into()).as_table_mut().unwrap();
    for name in ["kubernetes", "etcd", "front-proxy"] {
        let authority = authorities.entry(name).or_insert_with(|| toml::Table::new().into());
        authority.as_table_mut().unwrap().insert("generation".to_owned(), 2.into());
    }
}

/// `certferry apply` of a bundle's node to a root.
pub fn apply(bundle: &Bundle, node: &str, root: &Path) -> Command {
    let mut command = certferry();
    command.arg("apply").arg(&bundle.archive).args(["--node", node, "--key"]).arg(&bundle.public_key);
    command.arg("--root").arg(root);
    command
}

/// `certferry rollback` of a root.
pub fn rollback(root: &Path) -> Command {
    let mut command = certferry();
    command.args(["rollback", "--root"]).arg(root);
    command
}

/// A folder for a node's files: in memory where the machine has a place for that, since hundreds of runs wait for the disk
/// at each fsync otherwise, and a process that is killed leaves on both what it wrote.
pub fn disk() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A folder to which a generation was applied.
pub fn applied(bundle: &Bundle, node: &str) -> TempDir {
    let root = disk();
    succeed(&mut apply(bundle, node, root.path()));
    root
}

/// A copy of a tree with owners, modes and times.
pub fn copy(from: &Path) -> TempDir {
    let to = disk();
    succeed(tool("cp").arg("-a").arg(from.join(".")).arg(to.path()));
    to
}

/// What can be seen of an entry: mode, then content, link target or `folder`.
pub type Seen = (u32, Vec<u8>);

/// Every entry below a root by its path, without certferry's own folders.
pub fn live(root: &Path) -> BTreeMap<String, Seen> {
    let walk = WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != ".certferry");
    entries(root, walk)
}

/// Every entry below a root by its path.
pub fn everything(root: &Path) -> BTreeMap<String, Seen> {
    entries(root, WalkDir::new(root).into_iter())
}

fn entries(root: &Path, walk: impl Iterator<Item = walkdir::Result<walkdir::DirEntry>>) -> BTreeMap<String, Seen> {
    let mut found = BTreeMap::new();
    for entry in walk {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let metadata = entry.path().symlink_metadata().unwrap();
        let content = if metadata.is_dir() {
            b"folder".to_vec()
        } else if metadata.is_symlink() {
            fs::read_link(entry.path()).unwrap().to_string_lossy().into_owned().into_bytes()
        } else {
            fs::read(entry.path()).unwrap()
        };
        found.insert(path, (metadata.mode() & 0o7777, content));
    }
    found
}

/// The unit of a node to which a path belongs: it is old or new at every instant.
pub fn unit(path: &str) -> &str {
    for folder in ["etc/kubernetes/pki", "var/lib/kubelet/pki"] {
        if path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return folder;
        }
    }
    // Each registry has a folder of its own.
    let registries = "etc/containerd/certs.d/";
    let end = path.strip_prefix(registries).map(|rest| registries.len() + rest.find('/').unwrap_or(rest.len()));
    end.map_or(path, |end| &path[..end])
}

/// The entries of each unit.
pub fn units(live: &BTreeMap<String, Seen>) -> BTreeMap<String, BTreeMap<String, Seen>> {
    let mut units: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    for (path, seen) in live.iter().filter(|(_, (_, content))| content != b"folder") {
        units.entry(unit(path).to_owned()).or_default().insert(path.clone(), seen.clone());
    }
    units
}

/// A journal of these steps, forwards.
pub fn journal(steps: &str) -> String {
    let body = format!("certferry-journal-2\nslot next\nkeep previous\n{steps}");
    let sum = Command::new("sh").args(["-c", "printf %s \"$0\" | sha256sum", &body]).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    format!("{body}sha256 {}\n", sum.split(' ').next().unwrap())
}

/// What no run may leave behind once it is over: staged or discarded keys, a journal.
pub fn remains(root: &Path) -> Vec<PathBuf> {
    let walk = WalkDir::new(root).into_iter().map(Result::unwrap).map(walkdir::DirEntry::into_path);
    let names = ["next", "discard", "journal", "journal.new"];
    walk.filter(|path| path.file_name().is_some_and(|name| names.iter().any(|wrong| name == *wrong))).collect()
}
