//! What an import is told.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::objects::Objects;
use crate::survey::Survey;

/// Everything that is known of the cluster.
#[derive(Default)]
pub struct Sources {
    /// The surveys, each with the name under which a person knows it.
    pub surveys: Vec<(String, Survey)>,
    /// The files that certferry's record on a root says it brought and that are there, by the name of its survey.
    pub installed: BTreeMap<String, BTreeSet<String>>,
    /// The static pods of each root that are none of Kubernetes' own, by the name of its survey.
    pub pods: BTreeMap<String, Vec<OtherPod>>,
    /// What files of Kubernetes' objects say.
    pub objects: Objects,
    /// The files that were named, or are in a folder that was named, and say nothing: each with the reason.
    pub unused: Vec<(String, String)>,
}

/// A static pod that is none of Kubernetes' own, such as kube-vip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherPod {
    /// The name in its manifest.
    pub name: String,
    /// The files and folders of Kubernetes that it mounts, relative to the root.
    pub mounts: Vec<String>,
}

impl Sources {
    /// Takes out of the surveys what this version cannot read, and notes it there.
    pub fn set_aside_unreadable(&mut self) {
        self.surveys.iter_mut().for_each(|(_, survey)| survey.set_aside_unreadable());
    }
}

/// What a person says beside the sources.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The name of the cluster.
    pub name: Option<String>,
    /// The day from which validity counts.
    pub issued_at: Date,
}
