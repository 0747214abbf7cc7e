//! Whole builds, and what a node does with a bundle, at three sizes: time and memory should grow as the nodes do.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::cost::{Cost, cost};
use crate::process;

const NODES: [usize; 3] = [100, 1000, 10_000];
const ALGORITHMS: [&str; 2] = ["ecdsa-p256", "rsa-2048"];

/// Prints the table.
///
/// # Errors
/// A program that fails, or a folder that cannot be written to.
pub(super) fn run() -> Result<(), String> {
    process::run(process::cargo().args(["build", "--release", "--locked", "--bin", "certferry"]))?;
    let folder = process::root().join("target/bench");
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let program = process::root().join("target/release/certferry");
    process::run(Command::new(&program).current_dir(&folder).args(["seed", "new", "seed"]))?;
    println!("\n{:<10} {:>6} {:<7} {:>9} {:>12} {:>9}", "keys", "nodes", "command", "seconds", "processor s", "MiB");
    for algorithm in ALGORITHMS {
        for nodes in NODES {
            measure(&folder, &program, algorithm, nodes)?;
        }
    }
    remove(&folder)
}

fn measure(folder: &Path, program: &Path, algorithm: &str, nodes: usize) -> Result<(), String> {
    let profile = folder.join("farm.toml");
    fs::write(&profile, self::profile(algorithm, nodes)).map_err(|error| format!("{}: {error}", profile.display()))?;
    let last = format!("--node=worker-{:05}", nodes - 3);
    let commands: [(&str, &[&str]); 4] = [
        ("build", &["build", "farm.toml", "--quiet", "--seed=seed", "--out=out"]),
        ("verify", &["verify", "out/farm-g1.tar.gz", "--quiet", "--key=out/farm.pub"]),
        ("split", &["split", "out/farm-g1.tar.gz", &last, "--out=out/slice.tar.gz"]),
        ("unpack", &["unpack", "out/farm-g1.tar.gz", "--quiet", "--key=out/farm.pub", &last, "--root=out/root"]),
    ];
    for (name, arguments) in commands {
        let Cost { seconds, processor, mebibytes } = cost(folder, Command::new(program).args(arguments))?;
        println!("{algorithm:<10} {nodes:>6} {name:<7} {seconds:>9.2} {processor:>12.2} {mebibytes:>9.1}");
    }
    remove(&folder.join("out"))?;
    fs::remove_file(folder.join("farm.lock.toml")).map_err(|error| format!("farm.lock.toml: {error}"))
}

/// Removes a folder and what is in it, keys included.
fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}

/// Three control planes, and workers for the rest. One algorithm for CAs and leaves, so that a figure has one meaning;
/// the service account's key stays RSA.
fn profile(algorithm: &str, nodes: usize) -> String {
    let control_plane = |number: usize| {
        format!("\n[[node]]\nname = \"cp-{number}\"\nrole = \"control-plane\"\naddresses = [\"10.20.255.{number}\"]\n")
    };
    let head = "format = 1\n\n[cluster]\nname = \"farm\"\nkubernetes = \"1.34.1\"\nissued_at = 2026-11-22\n\
                control_plane_endpoint = \"farm.corp.internal:6443\"\n";
    let control_planes: String = (1..=3).map(control_plane).collect();
    let last = nodes - 3;
    format!(
        "{head}\n[keys]\nca = \"{algorithm}\"\nleaf = \"{algorithm}\"\n{control_planes}\n[[node_pool]]\n\
         role = \"worker\"\nnames = \"worker-[00001..{last:05}]\"\nfirst_addresses = [\"10.20.0.1\"]\n"
    )
}
