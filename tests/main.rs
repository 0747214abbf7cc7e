//! Every integration test, in one program: it is linked once, and its tests share the processors to the end.
//!
//! A test has no process of its own, then: what belongs to a process (environment, working folder, umask, signals) is
//! for the programs that a test starts, never for the test itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop at once")]
#![allow(unreachable_pub, reason = "as in every module of a program")]

mod common;
mod kube;
mod planting;

mod adopted;
mod ansible;
mod api_server_restart;
mod apply;
mod apply_backups;
mod apply_crash;
mod apply_interrupted;
mod apply_overlay;
mod apply_root;
mod build_at_once;
mod build_split;
mod bundle_tools;
mod ca_bundles;
mod canary;
mod cert_manager;
mod certificates_dir;
mod changes;
mod cli_build;
mod cli_help;
mod cli_lock;
mod cli_manual;
mod cli_outputs;
mod cli_seed_init_help;
mod colors;
mod completions;
mod contributing;
mod diff;
mod doctor;
mod dry_run;
mod engines;
mod etcd_cluster;
mod etcd_files;
mod existing_cluster;
mod facts;
mod far_root;
mod fingerprint;
mod fleet;
mod foreign_etcd;
mod formats;
mod fuzz_smoke;
mod gitignore;
mod go;
mod golden;
mod hostile;
mod import;
mod inspect;
mod install_sh;
mod inventory;
mod json;
mod keys_openssl;
mod known_keys;
mod korean;
mod kubeadm;
mod kubeadm_files;
mod kubectl;
mod kubernetes;
mod kubernetes_apply;
mod kubernetes_manifests;
mod kubernetes_rotation;
mod library;
mod lints;
mod little_stack;
mod locked;
mod man_pages;
mod manual;
mod memory;
mod opening;
mod openssl;
mod pager;
mod paper;
mod partial;
mod phases;
mod planted;
mod planted_faults;
mod power_loss;
mod printed_lines;
mod profile;
mod profile_errors;
mod readme;
mod registries;
mod reproducible;
mod restart;
mod rotation;
mod rotation_scripts;
mod screens;
mod seal;
mod sealed_bundle;
mod sealed_seed;
mod signals;
mod signer;
mod standard_streams;
mod status;
mod survey;
mod tamper;
mod tar_install;
mod terminal;
mod thief;
mod tls;
mod traps;
mod trust_root;
mod user_data;
mod wiped_memory;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that no module names is compiled by nobody, and its tests would run no more without a word.
#[test]
fn no_file_with_tests_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut named = BTreeSet::new();
    follow(&folder.join("main.rs"), &mut named);
    // The fuzz targets are a package of their own.
    let walk = walkdir::WalkDir::new(&folder).into_iter().filter_entry(|entry| entry.path() != folder.join("fuzz"));
    let there = walk.map(|entry| entry.unwrap().into_path());
    let there: BTreeSet<_> = there.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect();
    let forgotten: Vec<_> = there.difference(&named).collect();
    assert!(forgotten.is_empty(), "no module of tests/main.rs: {forgotten:?}");
}

/// A source and all that it names as its modules, but for what a path leads elsewhere.
fn follow(file: &Path, named: &mut BTreeSet<PathBuf>) {
    named.insert(file.to_owned());
    let is_root = ["main.rs", "mod.rs"].iter().any(|name| file.ends_with(name));
    let folder = if is_root { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    let text = fs::read_to_string(file).unwrap();
    let mut before = "";
    for line in text.lines() {
        let line = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
        let module = line.strip_prefix("mod ");
        if let Some(module) = module.and_then(|rest| rest.strip_suffix(';')).filter(|_| !before.contains("path = ")) {
            let places = [folder.join(format!("{module}.rs")), folder.join(module).join("mod.rs")];
            follow(places.iter().find(|place| place.exists()).unwrap(), named);
        }
        before = line;
    }
}
