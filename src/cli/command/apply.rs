//! `apply`: a node's part of a bundle takes the place of what is on the node.

use std::path::Path;

use crate::bundle::{Node, Owner, VerifiedPart};
use crate::cli::args::{ApplyArguments, TrustArguments};
use crate::cli::command::restart;
use crate::cli::command::unpack;
use crate::cli::failure::Failure;
use crate::cli::input::trust;
use crate::cli::text;
use crate::cli::text::apply;
use crate::cli::text::restart::Hands;
use crate::host::{self, NodeTree};
use crate::kubernetes::PartName;
use crate::node::restart::Effect;
use crate::node::{self, Changes, Identity, Refusal, Session, Stranger};
use crate::sign::PublicKey;

pub(crate) fn run(arguments: &ApplyArguments) -> Result<String, Failure> {
    let tree = tree(&arguments.root)?;
    restart::check(&arguments.restart, &arguments.root)?;
    // An interrupted run comes first, but a bundle that is refused leaves no trace on a node that has none.
    let mut session =
        if arguments.dry_run { None } else { Session::resume(&tree).map_err(|error| text::node::failure(&error))? };
    let result = install(arguments, &tree, &mut session);
    // Whatever became of this run: what an earlier one stopped must not stay so.
    restart::put_back(session.as_ref());
    result
}

fn install<'a>(
    arguments: &ApplyArguments,
    tree: &'a NodeTree,
    session: &mut Option<Session<'a>>,
) -> Result<String, Failure> {
    let failure = |error| text::node::failure(&error);
    let (part, key) = verified(arguments)?;
    let Owner::Node(node) = &part.record().owner else { return Err(Failure::defect("the cluster's part for a node")) };
    if !arguments.force_node {
        identify(node, &arguments.root, tree)?;
    }
    let key_pem = key.to_pem();
    let compare = || {
        let changes = Changes::new(tree, &part, &key, &key_pem).map_err(failure)?;
        allow(&changes, arguments).map(|()| changes)
    };
    let mut changes = compare()?;
    let mut hands = Hands::of_person(tree)?;
    if arguments.dry_run {
        let waits = node::status(tree).map_err(failure)?.is_interrupted;
        return Ok(apply::dry_run(&changes, &Effect::of_changes(&changes), &hands, waits));
    }
    let recovered = session.as_ref().is_some_and(Session::has_recovered);
    if !changes.is_nothing() && session.is_none() {
        // Another run may have been first: compared again, now that this one has the lock.
        *session = Some(Session::begin(tree).map_err(failure)?);
        changes = compare()?;
    }
    let mut effect = Effect::of_changes(&changes);
    if let Some(session) = session {
        let change = || {
            if changes.is_nothing() {
                return Ok(());
            }
            node::install(session, &changes)?;
            relabel(arguments, &changes);
            Ok(())
        };
        restart::around(&arguments.restart, arguments.quiet, session, &mut effect, &mut hands, change)?;
    }
    Ok(if arguments.quiet { String::new() } else { apply::done(&changes, &effect, &hands, recovered) })
}

/// Gives new files their labels where SELinux is on, before anybody reads them.
fn relabel(arguments: &ApplyArguments, changes: &Changes<'_>) {
    if is_whole_host(&arguments.root)
        && changes.has_files()
        && let Err(reason) = host::relabel(&apply::RELABELLED)
    {
        host::tell(&format!("warning: the files have no SELinux labels yet: {reason}\n"));
    }
}

/// The files below a root, which must be a folder.
pub(crate) fn tree(root: &Path) -> Result<NodeTree, Failure> {
    if root.is_dir() {
        return Ok(NodeTree::new(root.to_owned()));
    }
    Err(Failure::cannot_run(format!("{} is no folder", root.display()))
        .hint("--root is the folder that holds etc/kubernetes and var/lib/kubelet, or shall hold them"))
}

/// Whether the files are this host's own.
pub(crate) fn is_whole_host(root: &Path) -> bool {
    root == Path::new("/")
}

/// The node's part, everything about it checked, at this time.
fn verified(arguments: &ApplyArguments) -> Result<(VerifiedPart, PublicKey), Failure> {
    let trust = TrustArguments { bundle: arguments.bundle.clone(), key: arguments.key.clone(), at: None };
    let name = PartName::Node(arguments.node.clone());
    let mut checked = trust::open(&trust, Some(&name))?;
    let Some(part) = checked.wanted.take() else { return Err(unpack::no_part(&name, &checked, &trust)) };
    let about_time = unpack::judge(&checked, &part)?;
    if !about_time.is_empty() {
        return Err(Failure::says_no(format!("not valid at this time\n{}", about_time.trim_end()))
            .hint("look at the clock, `date -u`; the node's files are as they were"));
    }
    Ok((part, checked.key))
}

/// Refuses a host that is not the node.
fn identify(node: &Node, root: &Path, tree: &NodeTree) -> Result<(), Failure> {
    let identity = if is_whole_host(root) {
        Identity::of_host().map_err(|error| Failure::io("ask for the addresses of", Path::new("this host"), &error))?
    } else {
        Identity::of_tree(tree)
    };
    let Some(stranger) = identity.is_strange_to(node) else { return Ok(()) };
    let list = |list: &mut dyn Iterator<Item = String>| list.collect::<Vec<_>>().join(", ");
    let message = match stranger {
        Stranger::Name(name) => {
            let known = list(&mut node.names.iter().cloned());
            format!("this host is not {}: it is called {name}, and the node is called {known}", node.name)
        }
        Stranger::Addresses(found) => {
            let mut found = found.iter().filter(|address| !address.is_loopback()).map(ToString::to_string);
            let known = list(&mut node.addresses.iter().map(ToString::to_string));
            format!(
                "this host is not {}: it has the addresses {}, and the node has {known}",
                node.name,
                list(&mut found)
            )
        }
    };
    Err(Failure::says_no(message)
        .hint("--node names the node that this is; if it is that node all the same, --force-node; nothing was changed"))
}

/// Refuses a bundle that may not follow what is installed.
fn allow(changes: &Changes<'_>, arguments: &ApplyArguments) -> Result<(), Failure> {
    let Some(from) = &changes.from else { return Ok(()) };
    let Some(refusal) = from.refuses(&changes.to) else { return Ok(()) };
    let to = &changes.to;
    let (message, is_allowed, word) = match refusal {
        Refusal::OtherCluster => (
            format!(
                "this node belongs to the cluster {} ({}), and the bundle is of {} ({})",
                from.cluster, from.cluster_id, to.cluster, to.cluster_id
            ),
            arguments.force_node,
            "if it shall change its cluster, --force-node",
        ),
        Refusal::OtherNode => (
            format!("this node is {}, and the files are of {}", from.node, to.node),
            arguments.force_node,
            "if it shall change its name, --force-node",
        ),
        Refusal::Older => (
            format!("generation {} is installed, and the bundle is generation {}", from.generation, to.generation),
            arguments.allow_downgrade,
            "`certferry rollback` brings back what was before; to install an older bundle, --allow-downgrade",
        ),
        Refusal::OtherRecord => (
            format!("another bundle of generation {} is installed", from.generation),
            arguments.allow_downgrade,
            "two bundles of one generation must not differ: raise the generation and build again; to install this one \
             all the same, --allow-downgrade",
        ),
    };
    if is_allowed { Ok(()) } else { Err(Failure::says_no(message).hint(format!("{word}; nothing was changed"))) }
}
