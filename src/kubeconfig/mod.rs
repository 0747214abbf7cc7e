//! Kubeconfigs: who calls which API server with what.
//!
//! Why: certferry writes them, judges those of a bundle and of a node, lists their certificates and mends them; what
//! stands in one is read in one place.
//!
//! Input: the bytes of a file, whoever wrote it.
//!
//! Output: a [`Kubeconfig`], whose keys are wiped when dropped, and the one form that certferry writes.
//!
//! Refuses what [`crate::yaml`] refuses, and what says that it is something else.

mod form;
mod read;

pub use form::{KubeadmCredentials, KubeadmForm, has_kubeadm_form};
pub use read::{Held, Kubeconfig, KubeconfigCluster, KubeconfigError, KubeconfigUser, referenced, resolve};
