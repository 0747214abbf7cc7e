//! Makes a profile of a cluster that already runs.
//!
//! Why: nearly everybody has a cluster before certferry. A profile that is written by hand misses a name or has an address
//! too many, and the next API server is not believed by somebody.
//!
//! Input: [`Sources`]: surveys of nodes, kubeadm's configuration and `kubectl get nodes -o yaml`, in any mixture. All of
//! it comes from nodes, so all of it is untrusted: a text becomes a value only when it is of the kind that the value
//! needs, and else stands in a comment, on one line, escaped.
//!
//! Output: [`Imported`]: a profile with the source of each value beside it, the certificates of the CAs, and a list of
//! what a person has to decide, to fill in, to bring and to keep. No key is in any of them.
//!
//! Refuses nothing: what the sources do not say is in the list. Where they contradict each other the more certain one
//! counts, in the order of the manual (chapter import), and the list has the other.

mod against;
mod authorities;
mod bring;
mod clients;
mod cluster;
mod etcd;
mod finding;
mod foreign_etcd;
mod goes;
mod hosts;
mod keep;
mod machines;
mod names;
mod objects;
mod old_authorities;
mod otherwise;
mod said;
mod sources;
mod surveyed;
mod tables;
mod text;
mod write;

pub use against::{Against, Beside, ComparedFile, ComparedNode, FileFate, against};
pub use finding::{Finding, Subject, list};
pub use objects::{Objects, ObjectsError};
pub use old_authorities::OldAuthority;
pub use sources::{OtherPod, Sources, Wishes};

/// A profile of a cluster that runs, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The name of the cluster, an RFC 1123 label.
    pub name: String,
    /// The text of the profile.
    pub profile: String,
    /// The certificates of the CAs: the path of each relative to the profile, and its PEM.
    pub adopted: Vec<(String, String)>,
    /// The list, in the order of [`Subject`].
    pub findings: Vec<Finding>,
}

/// Makes a profile of what the sources say.
#[must_use]
pub fn import(mut sources: Sources, wishes: &Wishes) -> Imported {
    let mut findings = Vec::new();
    sources.set_aside_unreadable();
    // What a node has of kubeadm's configuration comes behind what a person gives.
    for (file, survey) in &sources.surveys {
        let node = survey.node.node_name.as_ref().or(survey.node.host_name.as_ref()).unwrap_or(file);
        sources.objects.add_survey(survey, node);
    }
    let sources = &sources;
    let mut machines = machines::of(sources, &mut findings);
    let foreign_etcd = foreign_etcd::find(sources, &machines, &mut findings);
    let authorities = authorities::of(&machines, wishes.issued_at, foreign_etcd.is_some(), &mut findings);
    bring::list(&authorities, &sources.objects, wishes.issued_at, &mut findings);
    let cluster = cluster::of(sources, wishes, &machines, &authorities, foreign_etcd, &mut findings);
    let sans = names::of(&mut machines, &cluster, &sources.objects, &mut findings);
    let clients = clients::of(&machines, &authorities, &mut findings);
    otherwise::find(&machines, &cluster, &mut findings);
    tables::find(&cluster, &mut findings);
    keep::find(&machines, &sources.objects, &mut findings);
    for (file, reason) in &sources.unused {
        findings.push(Finding::new(Subject::Note, format!("{file} was not used: {reason}")));
    }
    let profile = write::profile(&cluster, &sans, &authorities, &clients, &machines, wishes.issued_at);
    findings.sort_by_key(|finding| finding.subject);
    let mut seen = std::collections::BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.clone()));
    Imported { name: cluster.name.value, profile, adopted: authorities.files(), findings }
}
