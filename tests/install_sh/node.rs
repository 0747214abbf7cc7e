//! A node's disk in a folder, and three generations of a small cluster.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::common::node::disk;
use crate::common::shells::Tools;
use crate::common::{Bundle, build_text, certferry, changed_profile, succeed, use_fast_keys};
pub use crate::common::{Ended, end};

/// The first generation.
pub static FIRST: LazyLock<Bundle> = LazyLock::new(|| build_text(&generation(1, |_| {})));
/// The second, with another CA of the cluster and the same of etcd.
pub static SECOND: LazyLock<Bundle> = LazyLock::new(|| build_text(&generation(2, renew_authority)));
/// The third, with the files of the second.
pub static THIRD: LazyLock<Bundle> = LazyLock::new(|| build_text(&generation(3, renew_authority)));
/// Tools that most tests use.
pub static TOOLS: LazyLock<Tools> = LazyLock::new(|| Tools::new(&["dash"], "mawk", "tar"));

/// The profile of a generation: a control plane `cp-1` and a worker `worker-1`.
pub fn generation(number: i64, change: impl FnOnce(&mut toml::Table)) -> String {
    changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), number.into());
        profile["cluster"]["name"] = "lab".into();
        // Before kubeadm knew super-admin.conf.
        profile["cluster"]["kubernetes"] = "1.28.0".into();
        profile["node"][0]["name"] = "cp-1".into();
        let worker = "name = \"worker-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]";
        let worker: toml::Table = worker.parse().unwrap();
        profile["node"].as_array_mut().unwrap().push(worker.into());
        change(profile);
    })
}

/// Another key for the cluster's CA.
pub fn renew_authority(profile: &mut toml::Table) {
    let authority: toml::Table = "kubernetes = { generation = 2 }".parse().unwrap();
    profile.insert("ca".to_owned(), authority.into());
}

/// An entry on the disk: mode, owner, group, content; of a link its target, of a folder nothing.
pub type Seen = (u32, u32, u32, Vec<u8>);
/// Entries by path.
pub type State = BTreeMap<String, Seen>;

/// What was installed once, by archive and name of the node.
type Installed = BTreeMap<(PathBuf, String), Arc<OnceLock<Node>>>;

/// A node's disk.
pub struct Node {
    folder: TempDir,
}

impl Node {
    /// A disk with nothing on it.
    pub fn new() -> Self {
        Self { folder: disk() }
    }

    /// A disk with that part on it: a copy of the first that was asked for, since each run of the script takes a second.
    pub fn with(bundle: &Bundle, name: &str) -> Self {
        static INSTALLED: Mutex<Installed> = Mutex::new(Installed::new());
        let key = (bundle.archive.clone(), name.to_owned());
        let installed = Arc::clone(INSTALLED.lock().unwrap().entry(key).or_default());
        let first = installed.get_or_init(|| {
            let node = Self { folder: tempfile::tempdir().unwrap() };
            let ended = node.install(&TOOLS, bundle, name, &[]);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}");
            node
        });
        first.copy()
    }

    /// Another disk with the same on it, times included.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        let mut command = Command::new("cp");
        succeed(command.arg("-a").arg(self.root().join(".")).arg(copy.root()));
        copy
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, place: &str) -> PathBuf {
        self.root().join(place)
    }

    /// The command that installs a part of a bundle.
    pub fn command(&self, tools: &Tools, bundle: &Bundle, name: &str, further: &[&str]) -> Command {
        let mut command = tools.run(&script(bundle));
        command.arg(&bundle.archive).args(["--node", name, "--key"]).arg(&bundle.public_key);
        command.arg("--root").arg(self.root()).args(further);
        command
    }

    pub fn install(&self, tools: &Tools, bundle: &Bundle, name: &str, further: &[&str]) -> Ended {
        end(&mut self.command(tools, bundle, name, further))
    }

    /// The command for `--rollback` or `--status`.
    pub fn other_command(&self, tools: &Tools, option: &str) -> Command {
        let mut command = tools.run(&script(&FIRST));
        command.arg(option).arg("--root").arg(self.root());
        command
    }

    pub fn rollback(&self, tools: &Tools) -> Ended {
        end(&mut self.other_command(tools, "--rollback"))
    }

    pub fn status(&self) -> String {
        let ended = end(&mut self.other_command(&TOOLS, "--status"));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        ended.stdout
    }

    /// Runs what is killed on its way, and waits for its last child, which has the lock as long as it lives.
    #[track_caller]
    pub fn kill(&self, command: &mut Command, when: &str) {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), None, "{when}: {}", String::from_utf8_lossy(&output.stderr));
        if let Ok(lock) = fs::File::open(self.path("etc/kubernetes/.certferry/lock")) {
            flock(&lock, FlockOperation::LockExclusive).unwrap();
            flock(&lock, FlockOperation::Unlock).unwrap();
        }
    }

    /// Everything on the disk.
    pub fn state(&self) -> State {
        state(self.root(), |_| true)
    }

    /// Everything but what is certferry's own.
    pub fn live(&self) -> State {
        state(self.root(), |name| name != ".certferry")
    }

    /// Runs what must be refused with exactly this text, changing nothing and leaving no trace.
    #[track_caller]
    pub fn refuse(&self, command: &mut Command, code: i32, stderr: &str) {
        let before = self.state();
        let ended = end(command);
        assert_eq!(ended.stderr, stderr);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{stderr}");
        let after = self.state();
        let changed: Vec<_> = after.keys().filter(|path| after.get(*path) != before.get(*path)).collect();
        assert!(after == before, "{stderr}: something changed: {changed:?}");
    }
}

/// What `certferry unpack` writes.
pub fn unpacked(bundle: &Bundle, node: &str) -> State {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let mut command = certferry();
    command.arg("unpack").arg(&bundle.archive).arg("--key").arg(&bundle.public_key);
    succeed(command.args(["--node", node, "--root"]).arg(&root));
    state(&root, |_| true)
}

/// The script beside a bundle.
pub fn script(bundle: &Bundle) -> PathBuf {
    bundle.archive.with_file_name("install.sh")
}

/// Every entry below a root, without what a filter keeps out by its name.
pub fn state(root: &Path, filter: impl Fn(&str) -> bool) -> State {
    let walk = WalkDir::new(root).min_depth(1).into_iter();
    walk.filter_entry(|entry| filter(&entry.file_name().to_string_lossy()))
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let metadata = entry.path().symlink_metadata().unwrap();
            let content = if metadata.is_symlink() {
                fs::read_link(entry.path()).unwrap().to_string_lossy().into_owned().into_bytes()
            } else if metadata.is_file() {
                fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            (path, (metadata.mode(), metadata.uid(), metadata.gid(), content))
        })
        .collect()
}
