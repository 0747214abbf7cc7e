//! Measures every command on the largest cluster that a profile may describe.

use std::fs;
use std::process::Command;

use super::builds::{NEW_SEED, profile, program, remove, write};
use super::cost::{Cost, cost};
use crate::process;

/// The most nodes of a profile.
const MOST: usize = 99_999;
/// The most memory that a command may take for them.
const LIMIT_MIB: f64 = 600.0;

/// The commands, a line each, in the order in which a person would run them. `next.toml` is of a later Kubernetes, and has
/// another generation in every record. `tests/memory.rs` runs them, too.
const LINES: &str = include_str!("scale.txt");

/// Prints what each command takes for so many nodes, by default the most. The first argument is the number, the second
/// the algorithm of the leaf keys.
///
/// # Errors
/// Fails when a command fails, and when one takes more memory than it may for the largest cluster.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    let (nodes, leaf) = match arguments {
        [] => (MOST, "ecdsa-p256"),
        [nodes] => (number(nodes)?, "ecdsa-p256"),
        [nodes, leaf] => (number(nodes)?, leaf.as_str()),
        [_, _, more, ..] => return Err(format!("unknown argument `{more}`")),
    };
    let program = program()?;
    let folder = process::root().join("target/bench");
    remove(&folder)?;
    fs::create_dir_all(folder.join("node")).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    cost(&folder, Command::new(&program).args(NEW_SEED))?;
    let farm = profile(["ecdsa-p256", leaf], 1, nodes - 1);
    write(&folder.join("farm.toml"), &farm)?;
    let next = farm
        .replace("\"1.34.1\"", "\"1.35.0\"\ngeneration = 2")
        .replace("[[node_pool]]", "[[node_pool]]\ngeneration = 2");
    write(&folder.join("next.toml"), &next)?;
    println!("\n{nodes} nodes, {leaf}\n\n| command | seconds | processor s | MiB |\n|---|---|---|---|");
    let mut too_much = Vec::new();
    for line in LINES.lines() {
        let Cost { seconds, processor, mebibytes } = cost(&folder, Command::new(&program).args(line.split(' ')))?;
        println!("| {line} | {seconds:.1} | {processor:.1} | {mebibytes:.0} |");
        if mebibytes > LIMIT_MIB {
            too_much.push(format!("{line}: {mebibytes:.0} MiB of {LIMIT_MIB:.0}"));
        }
    }
    remove(&folder)?;
    if too_much.is_empty() { Ok(()) } else { Err(too_much.join("\n")) }
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (2..=MOST).contains(number));
    number.ok_or_else(|| format!("`{text}` is no number from 2 to {MOST}"))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn only_sizes_of_clusters_are_taken() {
        assert_eq!(number("99999"), Ok(99_999));
        for wrong in ["", "1", "100000", "-5", "many"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }
}
