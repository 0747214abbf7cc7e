//! A folder in which a person works: profile, seed and outputs beside each other. Every run is watched for the seed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{Ended, certferry, end};

/// The digits of a seed that no other file or program has: wherever a few of them appear, the seed got out.
pub const CANARY: &str = "c0ffee11d00d22feed33beef44cafe55babe66f00d77deed88face99ab1ea0de";

/// The digits of another seed.
pub const OTHER_SEED: &str = "9d2f61b8c4073ea5581c7be0f36a29d4b01e8f67a2c95d3344ea706d18bf92c5";

/// The smallest profile with every kind of file; built in milliseconds.
pub const PROFILE: &str = r#"format = 1

[cluster]
name = "lab"
kubernetes = "1.24.15"
issued_at = 2026-11-22

[keys]
ca = "ecdsa-p256"
leaf = "ecdsa-p256"
service_account = "ecdsa-p256"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["192.168.10.5"]

[[user]]
name = "alice"
groups = ["ops"]
"#;

/// A folder with `lab.toml` and `lab.seed` in it, gone when this is dropped.
pub struct Desk {
    folder: TempDir,
}

/// Every path below the desk, with mode and content; folders and links have none of the latter.
pub type State = BTreeMap<String, (u32, Vec<u8>)>;

impl Desk {
    pub fn new() -> Self {
        Self::of(tempfile::tempdir().unwrap())
    }

    /// A desk on which hundreds of runs need not wait for the disk.
    pub fn in_memory() -> Self {
        Self::of(super::node::disk())
    }

    fn of(folder: TempDir) -> Self {
        let desk = Self { folder };
        desk.write("lab.toml", PROFILE);
        desk.write("lab.seed", format!("certferry-seed-1:{CANARY}\n"));
        desk.set_mode("lab.seed", 0o600);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Writes `lab.toml` with each text replaced, which must be there.
    pub fn profile_with(&self, replacements: &[(&str, &str)]) {
        let profile = replacements.iter().fold(PROFILE.to_owned(), |profile, (from, to)| {
            assert!(profile.contains(from), "{from}");
            profile.replace(from, to)
        });
        self.write("lab.toml", profile);
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    pub fn mode(&self, name: &str) -> u32 {
        fs::symlink_metadata(self.path(name)).unwrap().mode() & 0o7777
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    pub fn state(&self) -> State {
        walkdir::WalkDir::new(self.folder.path())
            .min_depth(1)
            .into_iter()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.path().strip_prefix(self.folder.path()).unwrap().to_string_lossy().into_owned();
                let content = if entry.file_type().is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
                (name, (entry.metadata().unwrap().mode() & 0o7777, content))
            })
            .collect()
    }

    /// Names below a folder of the desk, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        super::files(&self.path(folder))
    }

    /// certferry with these words, here.
    pub fn command(&self, line: &str) -> Command {
        let mut command = certferry();
        command.args(line.split_whitespace());
        self.here(&mut command);
        command
    }

    /// certferry with these words behind another program, such as `sh -c '...; exec "$@"' sh`.
    pub fn wrapped<S: AsRef<OsStr>>(&self, wrapper: &[S], line: &str) -> Command {
        let (program, arguments) = wrapper.split_first().unwrap();
        let mut command = super::tool(program);
        command.args(arguments).arg(certferry().get_program()).args(line.split_whitespace());
        self.here(&mut command);
        command
    }

    fn here(&self, command: &mut Command) {
        // clap takes the width from COLUMNS when there is no terminal.
        command.current_dir(self.folder.path()).env_remove("COLUMNS");
    }

    pub fn run(&self, line: &str) -> Ended {
        self.watch(&mut self.command(line))
    }

    /// Runs a command and looks for the seed in all it said and left.
    pub fn watch(&self, command: &mut Command) -> Ended {
        let ended = end(command);
        assert_secret_is_kept(&ended.stdout, "stdout");
        assert_secret_is_kept(&ended.stderr, "stderr");
        for (name, (_, content)) in self.state() {
            if !name.contains("seed") {
                assert_secret_is_kept(&String::from_utf8_lossy(&content), &name);
            }
        }
        ended
    }

    /// Runs what must succeed without a word to stderr; returns stdout.
    pub fn succeed(&self, line: &str) -> String {
        let Ended { code, stdout, stderr } = self.run(line);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{line}");
        stdout
    }

    /// Runs what must fail with exactly this text, printing no result and changing nothing.
    #[track_caller]
    pub fn refuse(&self, line: &str, code: i32, stderr: &str) {
        let before = self.state();
        let ended = self.run(line);
        assert_eq!(ended.stderr, stderr, "{line}");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{line}");
        assert!(self.state() == before, "{line}: something changed: {:?}", self.names(""));
    }
}

/// No eight digits of the canary in a row, in either case.
pub fn assert_secret_is_kept(text: &str, place: &str) {
    let text = text.to_lowercase();
    for start in 0..=CANARY.len() - 8 {
        assert!(!text.contains(&CANARY[start..start + 8]), "the seed is in {place}");
    }
}
