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
/// The algorithms of CAs and of leaves, by default and with P-256, whose builds are compared with what signing in our own way
/// saves.
const SIGNED: [[&str; 2]; 2] = [["rsa-4096", "rsa-2048"], ["ecdsa-p256", "ecdsa-p256"]];
/// The number of rounds, in which both are measured in turn, because a machine that others use too is not equally fast
/// twice.
const ROUNDS: usize = 5;

/// The arguments that make `seed`.
pub(super) const NEW_SEED: [&str; 4] = ["seed", "new", "seed", "--plain"];
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
    print_savings(&folder, &program)?;
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

/// Builds a cluster with these algorithms of CAs and of leaves. Returns what that took, and its lock.
fn build(folder: &Path, program: &Path, algorithms: [&str; 2], nodes: usize) -> Result<(Cost, String), String> {
    let lock = folder.join("farm.lock.toml");
    remove(&folder.join("out"))?;
    if lock.exists() {
        fs::remove_file(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    }
    write(&folder.join("farm.toml"), &profile(algorithms, 3, nodes - 3))?;
    let cost = cost(folder, Command::new(program).args(BUILD))?;
    let text = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    Ok((cost, text))
}

/// How many tables of a lock have this header.
fn count(lock: &str, header: &str) -> usize {
    lock.lines().filter(|line| *line == header).count()
}

fn measure(folder: &Path, program: &Path, algorithm: &str, nodes: usize) -> Result<(), String> {
    let last = format!("--node=worker-{:05}", nodes - 3);
    print(algorithm, nodes, "build", build(folder, program, [algorithm; 2], nodes)?.0);
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
        let (Cost { seconds, .. }, lock) = build(folder, program, [algorithm; 2], nodes)?;
        let keys = engines::wall(count(&lock, "[[key]]"))?;
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

/// What builds would take more with signatures and public keys of the libraries in place of ours: processor time, and its share
/// of that longer build. Below a fifth, our own are not worth their lines.
fn print_savings(folder: &Path, program: &Path) -> Result<(), String> {
    let (_, nodes) = RATIO;
    println!("\n{nodes} nodes: what signing in our own way saves\n");
    println!("| CA, leaf | what | in a build | ours, ms | library's, ms | saved, s |\n|---|---|---|---|---|---|");
    let mut totals = String::new();
    for [ca, leaf] in SIGNED {
        let (Cost { processor, .. }, lock) = build(folder, program, [ca, leaf], nodes)?;
        let [certificates, parts, keys] = ["[[certificate]]", "[[part]]", "[[key]]"].map(|header| count(&lock, header));
        let rows = match ca {
            "ecdsa-p256" => {
                vec![("p256-together", certificates), ("p256-alone", parts), ("p256-point", keys)]
            }
            // A certificate's signature is its CA's, and each key proves itself by one.
            _ => vec![(ca, certificates), (leaf, keys)],
        };
        let mut all = 0.0;
        for (what, number) in rows {
            let (ours, theirs) = engines::signing(what)?;
            let saved = (theirs - ours) * number as f64 / 1e3;
            println!("| {ca}, {leaf} | {what} | {number} | {ours:.4} | {theirs:.4} | {saved:.3} |");
            all += saved;
        }
        let without = processor + all;
        totals += &format!("{ca}, {leaf}: {all:.2} s of {without:.2} s, {:.0} %\n", 100.0 * all / without);
    }
    println!("\n{totals}");
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

/// Returns a profile with these algorithms of CAs and of leaves. The service account's key stays RSA.
pub(super) fn profile([ca, leaf]: [&str; 2], control_planes: usize, workers: usize) -> String {
    let control_plane = |number: usize| {
        format!("\n[[node]]\nname = \"cp-{number}\"\nrole = \"control-plane\"\naddresses = [\"10.10.0.{number}\"]\n")
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
    format!("{head}\n[keys]\nca = \"{ca}\"\nleaf = \"{leaf}\"\n{control_planes}{pool}")
}
