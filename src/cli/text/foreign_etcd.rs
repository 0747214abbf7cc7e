//! The words for an etcd of somebody else, of which nothing is made: who looks for its certificates must know where they
//! are.

use serde::Serialize;

use crate::profile::{ForeignEtcd, Profile};

/// Returns where etcd is and what API servers read, or nothing for a profile whose members of etcd are its own.
pub(crate) fn told(profile: &Profile) -> String {
    let Some(ForeignEtcd { endpoints, ca_file, cert_file, key_file }) = &profile.foreign_etcd else {
        return String::new();
    };
    format!(
        "\netcd is somebody else's, at {}: nothing of it is made here, no CA, member or client\n  on each control plane the \
         API server reads {ca_file}, {cert_file} and {key_file}; who runs etcd renews them\n",
        endpoints.join(", ")
    )
}

/// Somebody else's etcd for programs.
#[derive(Serialize)]
pub(crate) struct ForeignEtcdJson<'a> {
    endpoints: &'a [String],
    ca_file: &'a str,
    cert_file: &'a str,
    key_file: &'a str,
}

/// Returns the same for programs.
pub(crate) fn json(profile: &Profile) -> Option<ForeignEtcdJson<'_>> {
    profile.foreign_etcd.as_ref().map(|foreign| ForeignEtcdJson {
        endpoints: &foreign.endpoints,
        ca_file: &foreign.ca_file,
        cert_file: &foreign.cert_file,
        key_file: &foreign.key_file,
    })
}
