//! OpenSSL judges everything that a build makes: chains at many times, encodings, key pairs, signatures, and the
//! commands that certferry tells people to run.

mod asn1;
mod chains;
mod commands;
mod encoding;
mod pairs;
mod signatures;
mod unpacked;

use crate::common;
use std::path::Path;

use unpacked::Unpacked;

/// How much of what is alike gets a process of its own: each, or one in so many.
#[derive(Clone, Copy)]
struct Every(usize);

fn judge(profile: &Path, every: Every) -> Unpacked {
    let unpacked = Unpacked::build(profile);
    chains::check(&unpacked);
    encoding::check(&unpacked);
    pairs::check(&unpacked, every);
    signatures::check(&unpacked, every);
    unpacked
}

fn judge_example(name: &str) {
    let unpacked = judge(&common::profile(name), Every(1));
    encoding::check_default_dates(&unpacked, name);
}

#[test]
fn single_node() {
    judge_example("single-node");
}

#[test]
fn ha_stacked_etcd() {
    judge_example("ha-stacked-etcd");
}

#[test]
fn ha_external_etcd() {
    judge_example("ha-external-etcd");
}

#[test]
fn external_ca() {
    judge_example("external-ca");
}

#[test]
fn dual_stack() {
    judge_example("dual-stack");
}

#[test]
fn closed_network() {
    judge_example("closed-network-1.24");
}

/// All 2,036 certificates in chains and encodings; every twentieth key pair and record.
#[test]
#[ignore = "release only"]
fn release_thousand_nodes() {
    let unpacked = judge(&common::profile("thousand-nodes"), Every(20));
    encoding::check_default_dates(&unpacked, "thousand-nodes");
}

/// What no example has: several groups, other alphabets, each kind of CA key, dates on both sides of 2050, and a CA
/// without a DNS name.
#[test]
fn corners() {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = judge(&common::write(folder.path(), "corners.toml", encoding::CORNERS, 0o644), Every(1));
    encoding::check_corners(&unpacked);
}

#[test]
fn every_example_is_judged() {
    // Other CAs have tests of their own, `cert_manager.rs` beside this folder.
    let judged = common::PROFILES.into_iter().chain(["every-certificate", "thousand-nodes"]);
    let mut judged: Vec<_> = judged.map(common::profile).collect();
    judged.sort();
    let folder = common::profile("single-node");
    let entries = std::fs::read_dir(folder.parent().unwrap()).unwrap();
    let mut examples: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    examples.sort();
    assert_eq!(judged, examples);
}
