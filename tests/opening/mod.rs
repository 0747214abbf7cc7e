//! Sealed bundles and sealed slices, on the side on which they are opened.

mod commands;
mod memory;
mod pipe;
mod refused;
mod said;
mod slices;
mod tampered;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use certferry::seal::{Identity, Kind};
use tempfile::TempDir;

use crate::common::node::{FIRST, SECOND};
use crate::common::{Bundle, Ended, SEED, certferry, succeed, write};

/// The files on the far side: the sealed bundle of each generation, the slices of the first, and who opens what.
pub struct Sample {
    folder: TempDir,
}

/// The names of those who open parts, and the kind of each: one for each node, one for the cluster's part, one for all,
/// and one for nothing. All are of one kind, because one file has recipients of one kind.
const OPENERS: [&str; 5] = ["cp-1", "worker-1", "cluster", "escrow", "nobody"];

pub static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let sample = Sample { folder: tempfile::tempdir().unwrap() };
    let recipients = OPENERS.map(|name| sample.identity(name, Kind::X25519));
    for bundle in [&*FIRST, &*SECOND] {
        sample.seal(bundle, &recipients);
        let slices = sample.path(&format!("slices-{}", bundle.top()));
        succeed(certferry().arg("split").arg(&bundle.archive).arg("--all").arg("--out").arg(slices));
    }
    sample
});

impl Sample {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes an identity as its file; returns its recipient.
    fn identity(&self, name: &str, kind: Kind) -> String {
        let identity = Identity::random(kind).unwrap();
        write(self.folder.path(), &format!("{name}.key"), &format!("{}\n", &*identity.to_text()), 0o600);
        identity.recipient().to_string()
    }

    fn seal(&self, bundle: &Bundle, recipients: &[String; 5]) {
        let [cp, worker, cluster, escrow, _] = recipients;
        let seed = write(self.folder.path(), "test.seed", SEED, 0o600);
        let mut command = certferry();
        command.arg("seal").arg(&bundle.archive).args(["--allow-weak-seed", "--seed"]).arg(&seed);
        command.arg("--to").arg(format!("cp-1={cp}")).arg("--to").arg(format!("worker-1={worker}"));
        command.arg("--cluster-to").arg(cluster).arg("--also-to").arg(escrow).arg("--out").arg(self.folder.path());
        let ended = crate::common::end(&mut command);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        fs::remove_file(seed).unwrap();
    }

    /// The slice of a part of the first generation as `split` writes it.
    pub fn slice(&self, part: &str) -> PathBuf {
        self.slice_of("lab-g1", part)
    }

    fn slice_of(&self, top: &str, part: &str) -> PathBuf {
        let folder = if part == "cluster" { part.to_owned() } else { format!("nodes/{part}") };
        self.path(&format!("slices-{top}/{folder}/{top}.tar.gz"))
    }

    /// certferry with these words, in this folder.
    pub fn command(&self, line: &str) -> Command {
        let mut command = certferry();
        command.args(line.split_whitespace()).current_dir(self.folder.path()).env_remove("COLUMNS");
        command
    }

    fn run(&self, line: &str) -> Ended {
        crate::common::end(&mut self.command(line))
    }

    /// Runs what must succeed without a word to stderr; returns stdout.
    fn succeed(&self, line: &str) -> String {
        let Ended { code, stdout, stderr } = self.run(line);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{line}");
        stdout
    }

    /// A folder with the files of the far side, to change some of them.
    fn copy(&self) -> Far {
        let far = Far { folder: tempfile::tempdir().unwrap() };
        let names = ["lab-g1.sealed.tar", "lab-g1.sealed.tar.sig", "lab.pub"].map(str::to_owned);
        for name in names.into_iter().chain(OPENERS.map(|name| format!("{name}.key"))) {
            fs::copy(self.path(&name), far.path(&name)).unwrap();
        }
        far
    }
}

/// A folder on the far side that a test may change.
struct Far {
    folder: TempDir,
}

impl Far {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Without the signature of the whole file, which would say everything.
    fn unsigned(self) -> Self {
        fs::remove_file(self.path("lab-g1.sealed.tar.sig")).unwrap();
        self
    }

    fn command(&self, line: &str) -> Command {
        let mut command = certferry();
        command.args(line.split_whitespace()).current_dir(self.folder.path()).env_remove("COLUMNS");
        command
    }

    fn run(&self, line: &str) -> Ended {
        crate::common::end(&mut self.command(line))
    }

    fn names(&self) -> Vec<String> {
        crate::common::files(self.folder.path())
    }

    /// Runs what must fail with exactly this text, and leave every file as it was.
    #[track_caller]
    fn refuse(&self, line: &str, code: i32, stderr: &str) {
        let before: Vec<_> = self.names().into_iter().map(|name| (self.read(&name), name)).collect();
        let ended = self.run(line);
        assert_eq!(ended.stderr, stderr, "{line}");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{line}");
        let after: Vec<_> = self.names().into_iter().map(|name| (self.read(&name), name)).collect();
        assert!(before == after, "{line}: something changed: {:?}", self.names());
    }
}

/// Runs a command with these bytes in a pipe as its standard input.
fn piped(bytes: &[u8], command: &mut Command) -> (Option<i32>, Vec<u8>, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut pipe, content) = (child.stdin.take().unwrap(), bytes.to_vec());
    // Whoever refuses early closes the pipe.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&content)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

/// One entry of a tar archive: its header and its content with the zeros behind it.
type Entry = ([u8; 512], Vec<u8>);

/// The entries of a sealed bundle, without its end.
fn entries(archive: &[u8]) -> Vec<Entry> {
    let (mut entries, mut rest) = (Vec::new(), archive);
    while let Some((header, behind)) = rest.split_first_chunk::<512>().filter(|(header, _)| **header != [0; 512]) {
        let size = std::str::from_utf8(&header[124..135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap().next_multiple_of(512);
        let (content, behind) = behind.split_at(size);
        entries.push((*header, content.to_vec()));
        rest = behind;
    }
    assert_eq!(rest, [0; 1024]);
    entries
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut archive: Vec<u8> = entries.iter().flat_map(|(header, content)| [&header[..], content].concat()).collect();
    archive.extend_from_slice(&[0; 1024]);
    archive
}

/// The bytes of an envelope, out of its entry.
fn envelope(entry: &Entry) -> Vec<u8> {
    let size = usize::from_str_radix(std::str::from_utf8(&entry.0[124..135]).unwrap(), 8).unwrap();
    entry.1[..size].to_vec()
}

/// An entry with this path of one that has it in its first 100 bytes, and this content.
fn entry(of: &Entry, content: &[u8]) -> Entry {
    let (mut header, _) = *of;
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut content = content.to_vec();
    content.resize(content.len().next_multiple_of(512), 0);
    (header, content)
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::mode(&fs::symlink_metadata(path).unwrap()) & 0o7777
}
