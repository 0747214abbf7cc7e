//! The words for the bindings without which certificates do not work.

use std::fmt::Write;

use crate::plan::Plan;

/// Returns what each binding is for, and how it is made. Returns an empty text when none is needed.
pub(crate) fn required(plan: &Plan<'_>) -> String {
    let mut text = String::new();
    for binding in &plan.required_bindings {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\nKubernetes {} needs the ClusterRoleBinding {} ({} {} to ClusterRole {}): without it\n{}. \
             `kubeadm init` and `kubeadm upgrade apply` create it; without kubeadm, apply manifests/kubeadm-rbac.yaml \
             of\nthe part `cluster` with super-admin.conf, for admin.conf may not yet; or run once, with super-admin.conf:\n  kubectl create clusterrolebinding {} --clusterrole={} --{}={}",
            plan.kubernetes,
            binding.name,
            binding.subject_kind,
            binding.subject,
            binding.cluster_role,
            binding.without,
            binding.name,
            binding.cluster_role,
            binding.subject_kind.to_lowercase(),
            binding.subject,
        );
    }
    text
}
