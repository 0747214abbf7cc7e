//! What happens on a node: finding what is wrong with the files that are there.
//!
//! Why: kubeadm leaves a node that does not work with one line, `x509: certificate signed by unknown authority`, and
//! the cause may lie in any of forty files.
//!
//! Input: a node's files below a root, objects of the cluster that somebody saved, a time.
//!
//! Output: [`doctor`] says what is wrong, how it shows, and how to mend it.
//!
//! Refuses nothing itself. Files are reached through [`crate::host::NodeRoot`] alone; nothing here makes keys.

pub mod doctor;
