//! Sealed files: age's public vectors, and other implementations of age in both directions.

mod foreign;
mod hostile;
mod memory;
mod vectors;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use certferry::seal::{Envelope, Form, Identity, OpenError, OpenWith, Passphrase, SealTo, Sealer};

use crate::common::{skip, tool};

/// Where `cargo xtask test` installs what tests take from npm; `None`, said aloud, where it has not.
pub fn npm() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/npm");
    if folder.join("node_modules/cctv-age").is_dir() {
        return Some(folder);
    }
    skip("`cargo xtask test` installs age-encryption and cctv-age into target/npm");
    None
}

/// A script of this folder, run with the packages of npm.
pub fn node(script: &str, packages: &Path) -> Command {
    let mut node = tool("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seal").join(script)).arg(packages);
    node
}

/// Runs a program with this input; it must succeed. Returns what it printed.
pub fn pipe(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub fn seal(content: &[u8], to: SealTo<'_>, form: Form) -> Vec<u8> {
    let mut sealer = Sealer::new(Vec::new(), to, form).unwrap();
    sealer.write_all(content).unwrap();
    sealer.finish().unwrap()
}

fn open(sealed: &[u8], with: OpenWith<'_>) -> Result<Vec<u8>, OpenError> {
    let mut content = Vec::new();
    Envelope::read(sealed)?.open(with)?.read_to_end(&mut content)?;
    Ok(content)
}

fn identity(text: &str) -> Vec<Identity> {
    Identity::parse_all(text.as_bytes()).unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::parse(text.as_bytes()).unwrap()
}

/// Contents on both sides of each border: none, a part, a part and a byte, several.
fn contents() -> [Vec<u8>; 5] {
    [0, 1, 64 << 10, (64 << 10) + 1, 200_000].map(|length| (0..length).map(|place| (place % 251) as u8).collect())
}
