//! What a run tells while it is at work.

use std::collections::BTreeSet;

use super::super::NodeError;
use super::error::StartFailure;
use crate::kubernetes::Component;

/// A step that begins, or something that a person should know at once.
pub enum Progress<'a> {
    /// These are stopped.
    Stopping(&'a [Component]),
    /// The files change.
    Swapping,
    /// A service is restarted.
    Restarting(Component),
    /// These are started; then the one is asked there whether it is well.
    Starting(&'a [Component]),
    /// Somebody is asked whether it is well, until it is.
    Asking(&'a str),
    /// Somebody is not well: the files before come back.
    Back(&'a StartFailure),
    /// The new files have no SELinux labels yet; why not.
    Unlabelled(&'a str),
    /// A run that was cut short had stopped these; their manifests are back.
    PutBack(&'a BTreeSet<Component>),
    /// Static pods that a run stopped stay so; why.
    StillAway(&'a NodeError),
}

impl Progress<'_> {
    /// Whether it is a step, and nothing that a person must know.
    #[must_use]
    pub const fn is_step(&self) -> bool {
        !matches!(self, Self::Unlabelled(_) | Self::PutBack(_) | Self::StillAway(_))
    }
}
