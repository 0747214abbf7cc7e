//! How much memory the commands take as a cluster grows. `cargo xtask bench scale` measures the largest cluster itself.

use std::collections::BTreeMap;

use crate::common::desk::Desk;

/// The most nodes that a profile may have, and the most memory that any command may take for them.
const MOST: f64 = 99_999.0;
const LIMIT_MIB: f64 = 600.0;
/// A build that is held against a lock has two of them, and comes near to that. What is foreseen for the largest
/// cluster may be so much more than what it takes: a few pages more or less for the small ones are many for it.
const FORESEEN_WITH_LOCK_MIB: f64 = 660.0;
/// The workers of the two clusters that are compared. Both are more than a build has in memory together.
const SIZES: [u32; 2] = [1_200, 3_000];

/// Everything that reads or makes something of each node, in the order in which a person would do it.
const LINES: &str = include_str!("../xtask/src/bench/scale.txt");

/// Each kubelet gets two certificates. `version` and `generation` are those of the cluster.
fn profile(workers: u32, version: &str, generation: u32) -> String {
    format!(
        "format = 1\n\n[cluster]\nname = \"farm\"\nkubernetes = \"{version}\"\nissued_at = 2020-01-01\n\
         generation = {generation}\n\n[keys]\nca = \"ecdsa-p256\"\nleaf = \"ecdsa-p256\"\n\
         service_account = \"ecdsa-p256\"\n\n[[node]]\nname = \"cp-1\"\nrole = \"control-plane\"\n\
         addresses = [\"10.10.0.1\"]\ngeneration = {generation}\n\n[[node_pool]]\nrole = \"worker\"\n\
         names = \"worker-[00001..{workers:05}]\"\nfirst_addresses = [\"10.20.0.1\"]\ngeneration = {generation}\n"
    )
}

/// Runs each line with GNU time, which says the most memory that a process had, in KiB.
fn peaks(workers: u32) -> Vec<f64> {
    let desk = Desk::new();
    desk.write("farm.toml", profile(workers, "1.33.1", 1));
    desk.write("next.toml", profile(workers, "1.34.1", 2));
    desk.write("seed", desk.read("lab.seed"));
    desk.set_mode("seed", 0o600);
    std::fs::create_dir(desk.path("node")).unwrap();
    let time = ["time", "--quiet", "-f", "%M", "-o", "peak"];
    let peak = |line: &str| {
        let output = desk.wrapped(&time, line).env("RAYON_NUM_THREADS", "2").output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        desk.text("peak").trim().parse::<f64>().unwrap()
    };
    // Two threads are not always as far apart: of a rebuild, which is near to its bound, the middle of three counts.
    let middle = |line: &str| {
        if !line.contains("--locked") {
            return peak(line);
        }
        let again = || {
            let _ = std::fs::remove_dir_all(desk.path("signed"));
            peak(line)
        };
        let mut three = [again(), again(), again()];
        three.sort_by(f64::total_cmp);
        three[1]
    };
    LINES.lines().map(middle).collect()
}

/// The memory of each command for the largest cluster, had it gone on growing as between the two sizes.
#[test]
#[ignore = "release only"]
fn release_every_command_stays_within_its_bound_for_the_largest_cluster() {
    let [small, large] = SIZES.map(peaks);
    let [fewer, more] = SIZES.map(f64::from);
    let foreseen = small.iter().zip(&large).map(|(small, large)| {
        let each = (large - small) / (more - fewer);
        (large + each * (MOST - more)) / 1024.0
    });
    let has_lock = |line: &str| line.starts_with("build next.toml") || line.contains("--locked");
    let limit = |line: &str| if has_lock(line) { FORESEEN_WITH_LOCK_MIB } else { LIMIT_MIB };
    let too_much: BTreeMap<_, _> =
        LINES.lines().zip(foreseen).filter(|(line, mebibytes)| *mebibytes > limit(line)).collect();
    assert!(too_much.is_empty(), "{too_much:#?}");
}
