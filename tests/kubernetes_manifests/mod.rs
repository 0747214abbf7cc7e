//! What a bundle's cluster part holds works in a real cluster, Kubernetes 1.20.2 with etcd: its API server takes every
//! manifest, trusts the webhooks whose CA the scripts write, and lets each user do what the profile says.

mod cluster;
mod lines;
mod manifests;
mod metallb;
mod objects;
mod scripts;
mod users;

use crate::kube;

/// Not a test: this program started once more, on a machine, as the server that the API server calls.
#[test]
fn serves_webhooks_when_told_to() {
    kube::webhook::serve_if_told();
}
