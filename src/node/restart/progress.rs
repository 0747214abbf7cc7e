//! The messages of a run while it is at work.

use std::collections::BTreeSet;

use super::super::NodeError;
use super::super::changes::Changes;
use super::effect::Effect;
use super::error::StartFailure;
use crate::kubernetes::Component;

/// A step that begins, or a message that a person should get at once.
pub enum Progress<'a> {
    /// These changes are about to be made.
    Changes(&'a Changes<'a>),
    /// The components are about to be restarted, because the changes mean this for them.
    Effect(&'a Effect),
    /// These components are stopped.
    Stopping(&'a [Component]),
    /// The files are swapped.
    Swapping,
    /// A service is restarted.
    Restarting(Component),
    /// These static pods are started.
    Starting(&'a [Component]),
    /// The component at this URL is asked whether it is well, until it is.
    Asking(&'a str),
    /// A component is not well, so the files before come back.
    Back(&'a StartFailure),
    /// The new files have no SELinux labels yet, for this reason.
    Unlabelled(&'a str),
    /// An interrupted run had stopped these static pods, and their manifests are back.
    PutBack(&'a BTreeSet<Component>),
    /// Static pods that a run stopped stay stopped, for this reason.
    StillAway(&'a NodeError),
}

impl Progress<'_> {
    /// Returns whether this is a step, and not a message that a person must get.
    #[must_use]
    pub const fn is_step(&self) -> bool {
        !self.is_message() && !matches!(self, Self::Changes(_) | Self::Effect(_))
    }

    /// Returns whether this is a message that a person must get.
    #[must_use]
    pub const fn is_message(&self) -> bool {
        matches!(self, Self::Unlabelled(_) | Self::PutBack(_) | Self::StillAway(_))
    }
}
