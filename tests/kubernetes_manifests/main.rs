//! What a bundle's cluster part holds works in a real cluster, Kubernetes 1.20.2 with etcd: its API server takes every
//! manifest, trusts the webhooks whose CA the scripts write, and lets each user do what the profile says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]
#![allow(unreachable_pub, reason = "as in every module of a program")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../kube/mod.rs"]
mod kube;

mod cluster;
mod manifests;
mod metallb;
mod objects;
mod scripts;
mod users;

/// Not a test: this program started once more, on a machine, as the server that the API server calls.
#[test]
fn serves_webhooks_when_told_to() {
    kube::webhook::serve_if_told();
}
