//! Reads a node's files once, and what they say of its programs.
//!
//! Why: whoever judges a node and whoever writes down what it is must not differ in what they read.
//!
//! Input: a node's root, of a running or an unpacked system.
//!
//! Output: a [`Tree`] with the files and with those that could not be read, and the facts that they state: programs with
//! flags, environment and mounts, and who reads which file.
//!
//! Refuses nothing. What no file says is `None` or empty.

mod facts;
mod files;
mod kubelet_fields;
mod process;
mod unit;
mod uses;

pub(crate) use facts::{ETCD_ENVIRONMENT, GatheredFacts, KubeletConfig, arguments, certificates, held};
#[cfg(test)]
pub(crate) use files::UNIT_FOLDERS;
pub(crate) use files::{
    KUBELET_CONFIG, KUBELET_FLAGS, OTHER_FOLDERS, PLUGINS, TreeFile, is_certificate_or_key, is_kubeconfig, name,
};
pub use files::{Tree, Unread};
pub(crate) use process::{
    API_SERVER, CONTROLLER_MANAGER, ETCD, KUBE_PROXY, KUBEADM, KUBECTL, KUBELET, Process, SCHEDULER, of_environment,
    of_etcd_yaml,
};
pub(crate) use unit::{EXTRA_ARGUMENTS, processes as services, variables};
#[cfg(test)]
pub(crate) use uses::file_flags;
pub(crate) use uses::{Named, Shape, Use};
