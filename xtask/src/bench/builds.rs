//! Measures whole builds, and what a node does with a bundle, at three sizes. Time and memory should grow as the number
//! of nodes does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cost::{Cost, cost};
use super::engines;
use crate::process;

const NODES: [usize; 3] = [100, 1000, 10_000];
const ALGORITHMS: [&str; 2] = ["ecdsa-p256", "rsa-2048"];
/// The algorithm and the number of nodes of the build that is compared with the time of its keys.
const RATIO: (&str, usize) = ("rsa-2048", 1000);
/// The number of rounds, in which both are measured in turn, because a machine that others use too is not equally fast
/// twice.
const ROUNDS: usize = 5;

/// The arguments that make `seed`.
pub(super) const NEW_SEED: [&str; 3] = ["seed", "new", "seed"];
/// The arguments that build `farm.toml` with `seed`.
pub(super) const BUILD: [&str; 5] = ["build", "farm.toml", "--quiet", "--seed=seed", "--out=out"];

/// Prints the table, and a line on what a build takes beside its keys.
///
/// # Errors
/// Fails when a program fails or a folder cannot be written to.
pub(super) fn run() -> Result<(), String> {
    let program = program()?;
    let folder = process::root().join("target/bench");
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    cost(&folder, Command::new(&program).args(NEW_SEED))?;
    println!("\nWhole clusters, three control planes among the nodes\n");
    println!("| keys | nodes | command | seconds | processor s | MiB |\n|---|---|---|---|---|---|");
    for algorithm in ALGORITHMS {
        for nodes in NODES {
            measure(&folder, &program, algorithm, nodes)?;
        }
    }
    print_ratio(&folder, &program)?;
    remove(&folder)
}

/// Builds the program as users have it, and returns its path.
///
/// # Errors
/// Fails when it cannot be built.
pub(super) fn program() -> Result<PathBuf, String> {
    process::run(process::cargo().args(["build", "--release", "--locked", "--bin", "certferry"]))?;
    Ok(process::root().join("target/release/certferry"))
}

/// Builds a cluster. Returns what that took, and the number of its keys.
fn build(folder: &Path, program: &Path, algorithm: &str, nodes: usize) -> Result<(Cost, usize), String> {
    let lock = folder.join("farm.lock.toml");
    remove(&folder.join("out"))?;
    if lock.exists() {
        fs::remove_file(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    }
    write(&folder.join("farm.toml"), &profile(algorithm, 3, nodes - 3))?;
    let cost = cost(folder, Command::new(program).args(BUILD))?;
    let text = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    Ok((cost, text.lines().filter(|line| *line == "[[key]]").count()))
}

fn measure(folder: &Path, program: &Path, algorithm: &str, nodes: usize) -> Result<(), String> {
    let last = format!("--node=worker-{:05}", nodes - 3);
    print(algorithm, nodes, "build", build(folder, program, algorithm, nodes)?.0);
    let commands: [(&str, &[&str]); 3] = [
        ("verify", &["verify", "out/farm-g1.tar.gz", "--quiet", "--key=out/farm.pub"]),
        ("split", &["split", "out/farm-g1.tar.gz", &last, "--out=out/slice.tar.gz"]),
        ("unpack", &["unpack", "out/farm-g1.tar.gz", "--quiet", "--key=out/farm.pub", &last, "--root=out/root"]),
    ];
    for (name, arguments) in commands {
        print(algorithm, nodes, name, cost(folder, Command::new(program).args(arguments))?);
    }
    Ok(())
}

fn print(algorithm: &str, nodes: usize, command: &str, cost: Cost) {
    let Cost { seconds, processor, mebibytes } = cost;
    println!("| {algorithm} | {nodes} | {command} | {seconds:.2} | {processor:.2} | {mebibytes:.1} |");
}

/// Prints what a build takes beside its keys. A build and as many keys are made in turn, both on all processors.
fn print_ratio(folder: &Path, program: &Path) -> Result<(), String> {
    let (algorithm, nodes) = RATIO;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (Cost { seconds, .. }, keys) = build(folder, program, algorithm, nodes)?;
        let keys = engines::wall(keys)?;
        rounds.push((seconds / keys, seconds, keys));
    }
    rounds.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
    println!("\n{nodes} nodes, {algorithm}, and as many keys alone, in turn\n");
    println!("| build, s | keys, s | build / keys |\n|---|---|---|");
    for (ratio, build, keys) in &rounds {
        println!("| {build:.2} | {keys:.2} | {ratio:.2} |");
    }
    println!("\nIn the median: {:.2}", rounds[ROUNDS / 2].0);
    Ok(())
}

/// Removes a folder and what is in it, keys included.
pub(super) fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}

/// Writes a file for a benchmark.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns a profile with one algorithm for CAs and leaves, so that a figure has one meaning. The service account's key
/// stays RSA.
pub(super) fn profile(algorithm: &str, control_planes: usize, workers: usize) -> String {
    let control_plane = |number: usize| {
        format!("\n[[node]]\nname = \"cp-{number}\"\nrole = \"control-plane\"\naddresses = [\"10.20.255.{number}\"]\n")
    };
    let head = "format = 1\n\n[cluster]\nname = \"farm\"\nkubernetes = \"1.34.1\"\nissued_at = 2026-11-22\n\
                control_plane_endpoint = \"farm.corp.internal:6443\"\n";
    let pool = match workers {
        0 => String::new(),
        last => format!(
            "\n[[node_pool]]\nrole = \"worker\"\nnames = \"worker-[00001..{last:05}]\"\n\
             first_addresses = [\"10.20.0.1\"]\n"
        ),
    };
    let control_planes: String = (1..=control_planes).map(control_plane).collect();
    format!("{head}\n[keys]\nca = \"{algorithm}\"\nleaf = \"{algorithm}\"\n{control_planes}{pool}")
}
