//! Sealed bundles as they are written: what is in them, that others open it, and what is refused.

mod builds;
mod foreign;
mod recipients;
mod refused;
mod written;

use std::path::{Path, PathBuf};
use std::process::Command;

use certferry::seal::{Identity, Kind};

use crate::common::node::FIRST;
use crate::common::{SEED, certferry, write};

/// Who opens parts: the file of an identity, and its recipient.
struct Opener {
    file: PathBuf,
    secret: String,
    recipient: String,
}

impl Opener {
    /// Makes an identity and its file.
    fn new(folder: &Path, name: &str, kind: Kind) -> Self {
        let identity = Identity::random(kind).unwrap();
        let secret = identity.to_text().to_string();
        let file = write(folder, name, &format!("{secret}\n"), 0o600);
        Self { file, secret, recipient: identity.recipient().to_string() }
    }

    /// Its recipient as the value of `--to`.
    fn of(&self, node: &str) -> String {
        format!("{node}={}", self.recipient)
    }

    /// The arguments that make it the recipient of each part of the cluster with `cp-1` and `worker-1`.
    fn of_all(&self) -> [String; 6] {
        let [cp, worker] = ["cp-1", "worker-1"].map(|node| self.of(node));
        ["--to", &cp, "--to", &worker, "--cluster-to", &self.recipient].map(str::to_owned)
    }
}

/// `certferry seal` of the first generation's bundle into `sealed` in a folder, with its seed and without recipients.
fn seal(folder: &Path) -> Command {
    seal_into(folder, "sealed")
}

fn seal_into(folder: &Path, out: &str) -> Command {
    let mut command = certferry();
    let seed = write(folder, "test.seed", SEED, 0o600);
    command.arg("seal").arg(&FIRST.archive).args(["--allow-weak-seed", "--seed"]).arg(seed);
    command.arg("--out").arg(folder.join(out));
    command
}
