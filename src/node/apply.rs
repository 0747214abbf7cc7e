//! A part of a bundle takes the place of what is on a node.

use std::io;
use std::time::Duration;

use thiserror::Error;

use super::NodeError;
use super::changes::Changes;
use super::identity::{Identity, IdentityMismatch};
use super::install::install;
use super::installed::{InstallRefusal, Installed};
use super::restart::{self, Effect, Progress, RestartError, RestartedBy};
use super::session::Session;
use super::status::status;
use crate::bundle::{Node, PartOwner, VerifiedPart};
use crate::host::{self, NodeTree, reason};
use crate::sign::PublicKey;

/// The folders whose SELinux labels change with the files.
const RELABELLED: [&str; 2] = ["/etc/kubernetes", "/var/lib/kubelet/pki"];

/// What a person allows that would be refused otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Files for a node that this host does not seem to be, or of another node or cluster than is installed.
    pub other_node: bool,
    /// An older generation than is installed, or another bundle of the same generation.
    pub downgrade: bool,
}

/// What [`apply`] did.
pub struct Applied<'a> {
    /// What changed.
    pub changes: Changes<'a>,
    /// What that means for those who run.
    pub effect: Effect,
    /// Who restarts them, or has.
    pub restarted_by: RestartedBy,
    /// Whether an interrupted run was brought to its end first.
    pub has_recovered: bool,
}

/// What [`apply`] would do.
pub struct Foreseen<'a> {
    /// What would change.
    pub changes: Changes<'a>,
    /// What that means for those who run.
    pub effect: Effect,
    /// Who would restart them.
    pub restarted_by: RestartedBy,
    /// Whether an interrupted run waits, which would be brought to its end first.
    pub is_interrupted: bool,
}

/// Why a part was not applied. Unless it says otherwise, the node's files are as they were.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The files could not be read or swapped.
    #[error("{0}")]
    Node(#[from] NodeError),
    /// A restart did not come to its end.
    #[error("{0}")]
    Restart(#[from] RestartError),
    /// The part is the cluster's, which is for no node.
    #[error("the cluster's part is for no node")]
    NotANode,
    /// The host does not tell its addresses.
    #[error("cannot ask for the addresses of this host: {}", reason(.0))]
    NoAddresses(io::Error),
    /// The host is another than the part is for.
    #[error("{}", mismatch_text(node, mismatch))]
    IdentityMismatch {
        /// The node that the part is for.
        node: Node,
        /// How the host differs.
        mismatch: IdentityMismatch,
    },
    /// The part may not follow what is installed.
    #[error("{}", refused(*refusal, from, to))]
    Refused {
        /// Why.
        refusal: InstallRefusal,
        /// What is installed.
        from: Box<Installed>,
        /// What the part would install.
        to: Box<Installed>,
    },
}

/// Brings an interrupted run to its end, then asks for a part and the key that signed it, and puts the part's files in
/// the place of what is on the node. With a time for it, restarts around the change whoever reads the files; each may
/// take that long to end, and to be well again.
///
/// The part is asked for late, so that an interrupted run comes to its end even if the part is refused.
///
/// # Errors
/// [`ApplyError`], and whatever `part` fails with.
pub fn apply<'a, E: From<ApplyError>>(
    tree: &NodeTree,
    allowed: Allowed,
    restart: Option<Duration>,
    part: impl FnOnce() -> Result<&'a (VerifiedPart, PublicKey), E>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Applied<'a>, E> {
    if restart.is_some() {
        restart::check(tree).map_err(ApplyError::from)?;
    }
    // A bundle that is refused leaves no trace on a node that has none.
    let mut session = Session::resume(tree).map_err(ApplyError::from)?;
    let result = part().and_then(|part| Ok(replace(tree, allowed, restart, part, &mut session, progress)?));
    // Whatever became of this run: what an earlier one stopped must not stay so.
    if let Some(session) = &session {
        restart::put_back(session, progress);
    }
    result
}

/// Finds what [`apply`] would do. Reads; changes nothing.
///
/// # Errors
/// As [`apply`], as far as it can be told.
pub fn dry_run<'a>(
    tree: &NodeTree,
    allowed: Allowed,
    restart: Option<Duration>,
    part: &'a (VerifiedPart, PublicKey),
) -> Result<Foreseen<'a>, ApplyError> {
    if restart.is_some() {
        restart::check(tree)?;
    }
    identify(tree, allowed, &part.0)?;
    let changes = compare(tree, allowed, part)?;
    let restarted_by = RestartedBy::person(tree)?;
    let is_interrupted = status(tree)?.is_interrupted;
    Ok(Foreseen { effect: Effect::of_changes(&changes), changes, restarted_by, is_interrupted })
}

fn replace<'a, 't>(
    tree: &'t NodeTree,
    allowed: Allowed,
    restart: Option<Duration>,
    part: &'a (VerifiedPart, PublicKey),
    session: &mut Option<Session<'t>>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Applied<'a>, ApplyError> {
    identify(tree, allowed, &part.0)?;
    let mut changes = compare(tree, allowed, part)?;
    let has_recovered = session.as_ref().is_some_and(Session::has_recovered);
    if !changes.is_nothing() && session.is_none() {
        // Another run may have been first: compared again, now that this one has the lock.
        *session = Some(Session::begin(tree)?);
        changes = compare(tree, allowed, part)?;
    }
    let mut effect = Effect::of_changes(&changes);
    let Some(session) = session else {
        return Ok(Applied { changes, effect, restarted_by: RestartedBy::person(tree)?, has_recovered });
    };
    let mut unlabelled = None;
    let change = || {
        if changes.is_nothing() {
            return Ok(());
        }
        install(session, &changes)?;
        // Before anybody reads the files.
        if tree.is_host() && changes.has_files() {
            unlabelled = host::relabel(&RELABELLED).err();
        }
        Ok(())
    };
    let restarted_by = restart::around(session, restart, &mut effect, progress, change);
    if let Some(reason) = unlabelled {
        progress(&Progress::Unlabelled(&reason));
    }
    Ok(Applied { restarted_by: restarted_by?, changes, effect, has_recovered })
}

/// Refuses a host that is not the node.
fn identify(tree: &NodeTree, allowed: Allowed, part: &VerifiedPart) -> Result<(), ApplyError> {
    let PartOwner::Node(node) = &part.record().owner else { return Err(ApplyError::NotANode) };
    if allowed.other_node {
        return Ok(());
    }
    let identity = match tree.is_host() {
        true => Identity::of_host().map_err(ApplyError::NoAddresses)?,
        false => Identity::of_tree(tree),
    };
    match identity.mismatch(node) {
        Some(mismatch) => Err(ApplyError::IdentityMismatch { node: node.clone(), mismatch }),
        None => Ok(()),
    }
}

/// Compares a part with the node, and refuses one that may not follow what is installed.
fn compare<'a>(
    tree: &NodeTree,
    allowed: Allowed,
    (part, key): &'a (VerifiedPart, PublicKey),
) -> Result<Changes<'a>, ApplyError> {
    let changes = Changes::new(tree, part, key)?;
    let refusal = changes.from.as_ref().and_then(|from| Some((from, from.refuses(&changes.to)?)));
    let Some((from, refusal)) = refusal else { return Ok(changes) };
    let is_allowed = match refusal {
        InstallRefusal::OtherCluster | InstallRefusal::OtherNode => allowed.other_node,
        InstallRefusal::Older | InstallRefusal::OtherRecord => allowed.downgrade,
    };
    match is_allowed {
        true => Ok(changes),
        false => Err(ApplyError::Refused { refusal, from: Box::new(from.clone()), to: Box::new(changes.to) }),
    }
}

fn mismatch_text(node: &Node, mismatch: &IdentityMismatch) -> String {
    let list = |list: &mut dyn Iterator<Item = String>| list.collect::<Vec<_>>().join(", ");
    match mismatch {
        IdentityMismatch::Name(name) => {
            let known = list(&mut node.names.iter().cloned());
            format!("this host is not {}: it is called {name}, and the node is called {known}", node.name)
        }
        IdentityMismatch::Addresses(found) => {
            let mut found = found.iter().filter(|address| !address.is_loopback()).map(ToString::to_string);
            let known = list(&mut node.addresses.iter().map(ToString::to_string));
            let found = list(&mut found);
            format!("this host is not {}: it has the addresses {found}, and the node has {known}", node.name)
        }
    }
}

fn refused(refusal: InstallRefusal, from: &Installed, to: &Installed) -> String {
    match refusal {
        InstallRefusal::OtherCluster => format!(
            "this node belongs to the cluster {} ({}), and the bundle is of {} ({})",
            from.cluster, from.cluster_id, to.cluster, to.cluster_id
        ),
        InstallRefusal::OtherNode => format!("this node is {}, and the files are of {}", from.node, to.node),
        InstallRefusal::Older => {
            format!("generation {} is installed, and the bundle is generation {}", from.generation, to.generation)
        }
        InstallRefusal::OtherRecord => format!("another bundle of generation {} is installed", from.generation),
    }
}
