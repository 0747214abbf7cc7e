//! The script that goes with a phase of a rotation.

use super::file::{PlannedContent, PlannedFile, file};
use super::manifest::Manifest;
use crate::kubernetes::Role;
use crate::profile::Profile;

/// Plans the script of the phase in which the profile is, if it is in one.
pub(super) fn script(profile: &Profile) -> Option<PlannedFile> {
    let phase = profile.phase;
    let has_kubelet = |role: Role| role != Role::Etcd;
    let nodes = profile.nodes.iter().filter(|node| has_kubelet(node.role)).map(|node| node.name.clone()).collect();
    let script = Manifest::RotationScript { phase, cluster: profile.cluster.name.clone(), nodes };
    (phase != 0).then(|| file(format!("rotation/phase-{phase}.sh"), PlannedContent::Manifest(Box::new(script))))
}
