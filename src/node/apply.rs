//! Replaces what is on a node by a part of a bundle.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::NodeError;
use super::backups;
use super::changes::Changes;
use super::identity::{Identity, IdentityMismatch};
use super::install::install;
use super::installed::{InstallRefusal, Installed, other_certificates_dir};
use super::place::Slot;
use super::restart::{self, Effect, Progress, RestartError, RestartedBy};
use super::session::Session;
use super::signing_flag::{FlagEdit, SigningFlags, StartedBy};
use super::status::{kept, status};
use super::trust::Breach;
use super::written::Written;
use crate::bundle::{Node, PartOwner, VerifiedPart};
use crate::host::{self, NodeTree, reason};
use crate::kubernetes::{CertificatesDir, MANIFESTS, SIGNING_FLAGS, UNIT_FOLDERS};
use crate::sign::PublicKey;

/// What a person allows although it would be refused otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Whether the files may be for a node that this host does not seem to be, or replace those of another node or
    /// cluster.
    pub other_node: bool,
    /// Whether an older generation than the installed one, or another bundle of the same generation, may be applied.
    pub downgrade: bool,
    /// Whether a part may be applied that does not trust what is installed, or is not trusted by it, in a rotation: on a
    /// node that was off while the others went on.
    pub catch_up: bool,
    /// Whether a backup may be dropped that certferry did not make, or that an earlier repair made.
    pub drop_backup: bool,
}

/// The result of [`apply`].
pub struct Applied<'a> {
    /// The changes that were made.
    pub changes: Changes<'a>,
    /// What the changes mean for the running components.
    pub effect: Effect,
    /// Who restarts them, or has restarted them.
    pub restarted_by: RestartedBy,
    /// Whether an interrupted run was completed first.
    pub has_recovered: bool,
    /// Whether what certferry did not install went from the previous generation to the original one.
    pub has_original: bool,
    /// The folders that keep what only a person removes, as [`Status`](super::Status) has them.
    pub kept: Vec<String>,
    /// What somebody wrote to the files meanwhile.
    pub written: Vec<Written>,
}

/// What [`apply`] would do.
pub struct Foreseen<'a> {
    /// The changes that would be made.
    pub changes: Changes<'a>,
    /// What the changes mean for the running components.
    pub effect: Effect,
    /// Who would restart them.
    pub restarted_by: RestartedBy,
    /// Whether an interrupted run waits, which would be completed first.
    pub is_interrupted: bool,
    /// The folders that would keep what is replaced, or what certferry did not install, until a person removes it.
    pub kept: Vec<String>,
    /// The folders of this kind whose content now would be dropped for it.
    pub dropped: Vec<String>,
}

/// The reason why a part was not applied. The node's files are as they were, unless the variant says otherwise.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The files could not be read or swapped.
    #[error("{0}")]
    Node(#[from] NodeError),
    /// A restart was not completed.
    #[error("{0}")]
    Restart(#[from] RestartError),
    /// The part is the cluster's, which is not for any node.
    #[error("the cluster's part is for no node")]
    NotANode,
    /// The operating system does not tell the addresses of the host.
    #[error("cannot ask for the addresses of this host: {}", reason(.0))]
    NoAddresses(io::Error),
    /// The host is not the node that the part is for.
    #[error("{}", mismatch_text(node, mismatch))]
    IdentityMismatch {
        /// The node that the part is for.
        node: Box<Node>,
        /// The difference between the host and the node.
        mismatch: IdentityMismatch,
    },
    /// The part may not follow what is installed.
    #[error("{}", refused(*refusal, from, to))]
    Refused {
        /// The reason.
        refusal: InstallRefusal,
        /// The generation that is installed.
        from: Box<Installed>,
        /// The generation that the part would install.
        to: Box<Installed>,
    },
    /// In a rotation, what is installed and the part do not trust each other.
    #[error("{}", untrusted(breach, from, to))]
    Untrusted {
        /// The first breach.
        breach: Breach,
        /// The bundle that is installed. `None` for what certferry did not install.
        from: Option<String>,
        /// The bundle that would be installed. `None` for what certferry did not install.
        to: Option<String>,
        /// The bundle that has to be on the node between the two, where that is known.
        between: Option<String>,
        /// Whether the rollback was to bring the second.
        is_rollback: bool,
    },
    /// The part carries trust alone, and certferry does not put it among files that stay.
    #[error("the bundle carries trust alone, because nobody has the old key: certferry does not apply it yet")]
    TrustAlone,
    /// Nothing says with which certificate kube-controller-manager signs.
    #[error("kube-controller-manager's --{} is nowhere to be found: {}", SIGNING_FLAGS[0], not_found(flags.as_ref()))]
    NoSigningFlag {
        /// What starts it, without the flag. `None` where nothing does.
        flags: Option<StartedBy>,
    },
    /// kube-controller-manager would not start with the files, and certferry does not edit what starts it.
    #[error("kube-controller-manager would not start: {}", told_edits(flags))]
    UneditedFlag {
        /// The flags, with what they must name.
        flags: SigningFlags,
    },
    /// The node has its certificates in another folder than the part, so that nobody there would look at the part's.
    #[error("this node has its certificates in {found}, and the bundle brings them for {brought}")]
    OtherFolder {
        /// The folder of the node.
        found: CertificatesDir,
        /// The folder of the part.
        brought: CertificatesDir,
    },
}

/// Completes an interrupted run, then asks `part` for a part and the key that signed it, and replaces what is on the
/// node by the part's files. With `restart`, also stops and starts the components that read the files around the
/// change. Each of them may take that long to end, and again that long to be well.
///
/// The part is asked for late, so that an interrupted run is completed even if the part is refused.
///
/// # Errors
/// Returns an [`ApplyError`], or the error of `part`.
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
    // Begins no session where there is no state yet, so that a refused bundle leaves no trace on such a node.
    let mut session = Session::resume(tree).map_err(ApplyError::from)?;
    let result = part().and_then(|part| Ok(replace(tree, allowed, restart, part, &mut session, progress)?));
    // Also after a failure, because what an earlier run stopped must not stay stopped.
    if let Some(session) = &session {
        restart::put_back(session, progress);
    }
    result
}

/// Returns what [`apply`] would do. Only reads, and changes nothing.
///
/// # Errors
/// Fails like [`apply`], as far as that is known without a change.
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
    let changes = compare(tree, allowed, restart.is_some(), part)?;
    let restarted_by = RestartedBy::person(tree)?;
    let is_interrupted = status(tree)?.is_interrupted;
    let (kept, dropped) = backups::foreseen(tree, &changes)?;
    Ok(Foreseen { effect: Effect::of_changes(&changes), changes, restarted_by, is_interrupted, kept, dropped })
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
    let mut changes = compare(tree, allowed, restart.is_some(), part)?;
    let has_recovered = session.as_ref().is_some_and(Session::has_recovered);
    if !changes.is_nothing() && session.is_none() {
        // Another run may have been first, so this compares again now that this run has the lock.
        *session = Some(Session::begin(tree)?);
        changes = compare(tree, allowed, restart.is_some(), part)?;
    }
    let mut effect = Effect::of_changes(&changes);
    let Some(session) = session else {
        let (restarted_by, kept, written) = (RestartedBy::person(tree)?, Vec::new(), Vec::new());
        return Ok(Applied { changes, effect, restarted_by, has_recovered, has_original: false, kept, written });
    };
    // Before a person has read of it, it is not dropped.
    if changes.keep == Slot::Previous
        && !changes.is_nothing()
        && let Some(Written { place, kept: Some(kept) }) = session.written().first().cloned()
    {
        return Err(NodeError::WrittenSince { place, kept }.into());
    }
    progress(&Progress::Changes(&changes));
    let has_original = backups::moves_original(tree, &changes)?;
    let mut written = session.written().to_vec();
    let change = |progress: &mut dyn FnMut(&Progress<'_>)| {
        if changes.is_nothing() {
            return Ok(changes.keep);
        }
        written.extend(install(session, &changes)?);
        // Before any component reads the files.
        if tree.is_host()
            && changes.has_files()
            && let Err(reason) = host::relabel(&relabelled(tree))
        {
            progress(&Progress::Unlabelled(&reason));
        }
        Ok(changes.keep)
    };
    let restarted_by = restart::around(session, restart, &mut effect, progress, change)?;
    // Only now, because a restart may have had to go back to it.
    session.clean().map_err(|cause| NodeError::Untidy { cause: Box::new(cause) })?;
    let kept = kept(tree);
    Ok(Applied { changes, effect, restarted_by, has_recovered, has_original, kept, written })
}

/// Returns the folders whose SELinux labels are set anew after their files change.
fn relabelled(tree: &NodeTree) -> Vec<String> {
    let all = || UNIT_FOLDERS.iter().map(|row| row.folder).filter(|folder| tree.is_folder(folder));
    // It goes through folders below folders.
    let is_below = |folder: &str, above: &str| folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
    let topmost: BTreeSet<&str> = all().filter(|folder| !all().any(|above| is_below(folder, above))).collect();
    topmost.into_iter().map(|folder| format!("/{folder}")).collect()
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
        Some(mismatch) => Err(ApplyError::IdentityMismatch { node: Box::new(node.clone()), mismatch }),
        None => Ok(()),
    }
}

/// Compares a part with the node. Refuses a part that may not follow what is installed.
fn compare<'a>(
    tree: &NodeTree,
    allowed: Allowed,
    edits_manifest: bool,
    (part, key): &'a (VerifiedPart, PublicKey),
) -> Result<Changes<'a>, ApplyError> {
    let changes = Changes::new(tree, part, key, edits_manifest)?;
    if let Some(from) = &changes.from
        && let Some(refusal) = from.refuses(&changes.to)
    {
        let is_allowed = match refusal {
            InstallRefusal::OtherCluster | InstallRefusal::OtherNode => allowed.other_node,
            InstallRefusal::Older | InstallRefusal::EarlierPhase | InstallRefusal::OtherRecord => allowed.downgrade,
        };
        if !is_allowed {
            return Err(ApplyError::Refused { refusal, from: Box::new(from.clone()), to: Box::new(changes.to) });
        }
    }
    let brought = &changes.to.certificates_dir;
    // Where certferry has put them before, they were moved away, and come back.
    let is_known = changes.from.as_ref().is_some_and(|from| from.certificates_dir == *brought);
    if !is_known && let Some(found) = other_certificates_dir(tree.reading(), brought) {
        return Err(ApplyError::OtherFolder { found, brought: brought.clone() });
    }
    if part.record().head.phase.as_ref().is_some_and(|phase| phase.trust_only) {
        return Err(ApplyError::TrustAlone);
    }
    if changes.in_phases()
        && !allowed.catch_up
        && let Some(breach) = changes.breaches.first()
    {
        return Err(ApplyError::Untrusted {
            breach: breach.clone(),
            from: changes.from.as_ref().map(Installed::bundle),
            to: Some(changes.to.bundle()),
            between: changes.to.bundle_between(changes.from.as_ref()),
            is_rollback: false,
        });
    }
    let has_flag = changes.signing.as_ref().is_some_and(|flags| flags.is_there);
    if changes.brings_signing && changes.signs_here && !has_flag {
        return Err(ApplyError::NoSigningFlag { flags: changes.signing.map(|flags| flags.started_by) });
    }
    if let Some(flags) = changes.signing.as_ref().filter(|flags| edits_manifest && flags.is_unedited()) {
        return Err(ApplyError::UneditedFlag { flags: flags.clone() });
    }
    // Last: the word that allows it is of no use for a bundle that is refused.
    match backups::at_stake(tree, &changes)? {
        Some(error) if !allowed.drop_backup => Err(error.into()),
        _ => Ok(changes),
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

/// Returns why the two sides of a rotation do not work beside each other.
pub(super) fn untrusted(breach: &Breach, from: &Option<String>, to: &Option<String>) -> String {
    let of = |bundle: &Option<String>| bundle.clone().unwrap_or_else(|| "what certferry did not install".to_owned());
    let (from, to, place) = (of(from), of(to), breach.place());
    match breach {
        Breach::UnknownHere(_) => format!("{to} signs with a key that the installed {place} does not trust ({from})"),
        Breach::UnknownThere(_) => format!("the installed {place} ({from}) signs with a key that {to} does not trust"),
    }
}

fn not_found(flags: Option<&StartedBy>) -> String {
    match flags {
        Some(started_by) => format!("{} does not have it", started_by.place()),
        None => format!("there is no {MANIFESTS}/kube-controller-manager.yaml and no such service of systemd"),
    }
}

fn told_edits(flags: &SigningFlags) -> String {
    let place = flags.started_by.place();
    let told = |edit: &FlagEdit| format!("in {place} --{} must name {}, and names {}", edit.flag, edit.to, edit.from);
    flags.edits.iter().map(told).collect::<Vec<_>>().join("; ")
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
        InstallRefusal::EarlierPhase => {
            format!(
                "phase {} of generation {} is installed, and the bundle is phase {}",
                from.phase, from.generation, to.phase
            )
        }
        InstallRefusal::OtherRecord => format!("another bundle of generation {} is installed", from.generation),
    }
}
