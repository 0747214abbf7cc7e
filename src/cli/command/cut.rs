//! What `split` has cut out of a bundle, sealed or not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::bundle::Head;
use crate::kubernetes::PartName;

/// What was cut out, or would be.
#[derive(Default)]
pub(super) struct Cut {
    pub(super) files: BTreeMap<PartName, PathBuf>,
    /// Whether a file is other than before.
    pub(super) changed: bool,
    /// The cluster, generation and Kubernetes version of the bundle.
    pub(super) of: Option<(String, u32, String)>,
}

impl Cut {
    pub(super) fn see(&mut self, head: &Head) {
        self.of.get_or_insert_with(|| (head.cluster.clone(), head.generation, head.kubernetes.clone()));
    }
}
