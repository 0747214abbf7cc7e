//! Every integration test, in one program: it is linked once, and its tests share the processors to the end.
//!
//! A test has no process of its own, then: what belongs to a process (environment, working folder, umask, signals) is for
//! the programs that a test starts, never for the test itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop at once")]
#![allow(unreachable_pub, reason = "as in every module of a program")]

mod common;
mod kube;
mod planting;

mod apply;
mod apply_crash;
mod bundle_tools;
mod ca_bundles;
mod cert_manager;
mod changes;
mod cli_build;
mod cli_help;
mod cli_lock;
mod cli_outputs;
mod cli_seed_init_help;
mod completions;
mod doctor;
mod engines;
mod etcd_cluster;
mod facts;
mod far_root;
mod formats;
mod fuzz_smoke;
mod golden;
mod hostile;
mod inspect;
mod install_sh;
mod keys_golden;
mod keys_openssl;
mod kubeadm;
mod kubectl;
mod kubernetes;
mod kubernetes_apply;
mod kubernetes_manifests;
mod lints;
mod locked;
mod man_pages;
mod manual;
mod openssl;
mod partial;
mod planted;
mod planted_faults;
mod profile;
mod profile_errors;
mod readme;
mod reproducible;
mod restart;
mod tamper;
mod tar_install;
mod tls;
mod trust_root;
mod wiped_memory;
