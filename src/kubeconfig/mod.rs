//! Kubeconfigs, which say who calls which API server with which credentials.
//!
//! Why: certferry writes kubeconfigs, judges those of a bundle and of a node, lists their certificates and mends them.
//! All of that code reads them through this room.
//!
//! Input: the bytes of a file, whichever program wrote it.
//!
//! Output: a [`Kubeconfig`], whose keys are wiped when dropped, and the one form that certferry writes.
//!
//! Refuses what [`crate::yaml`] refuses, and YAML that is not a kubeconfig.

mod form;
mod read;

pub use form::{KubeadmCredentials, KubeadmForm, has_kubeadm_form};
pub use read::{
    Held, Kubeconfig, KubeconfigCluster, KubeconfigContext, KubeconfigError, KubeconfigUser, OTHER_CREDENTIALS,
    referenced, resolve,
};
