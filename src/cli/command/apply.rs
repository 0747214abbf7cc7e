//! `apply`: replaces what is on a node by the node's part of a bundle.

use std::cell::OnceCell;

use crate::bundle::VerifiedPart;
use crate::cli::args::{ApplyArguments, OutputFormat, TrustArguments};
use crate::cli::failure::Failure;
use crate::cli::input::bundle::{self, Verified};
use crate::cli::input::node_folder;
use crate::cli::text::apply_json::{self, Run};
use crate::cli::text::restart_json::Failed;
use crate::cli::text::{self, restart};
use crate::host::NodeTree;
use crate::kubernetes::PartName;
use crate::node::{self, Allowed, ApplyError};
use crate::sign::PublicKey;
use crate::verify::Fault;

pub(crate) fn run(arguments: &ApplyArguments) -> Result<String, Failure> {
    let open = if arguments.change.dry_run { node_folder::open } else { node_folder::open_to_change };
    let tree = open(&arguments.change.root)?;
    let allowed = Allowed {
        other_node: arguments.force_node,
        downgrade: arguments.allow_downgrade,
        catch_up: arguments.catch_up,
        drop_backup: arguments.drop_backup,
    };
    let restart = arguments.change.restart.time();
    let is_json = arguments.change.format.output == OutputFormat::Json;
    if arguments.change.dry_run {
        let part = verified(arguments)?;
        let foreseen = node::dry_run(&tree, allowed, restart, &part)?;
        return if is_json { apply_json::dry_run(&foreseen) } else { Ok(text::apply::dry_run(&foreseen)) };
    }
    if is_json {
        return as_json(arguments, &tree, allowed);
    }
    let part = OnceCell::new();
    let part = || verified(arguments).map(|verified| part.get_or_init(|| verified));
    let applied = node::apply(&tree, allowed, restart, part, &mut restart::write_progress(arguments.change.quiet))?;
    Ok(if arguments.change.quiet { String::new() } else { text::apply::done(&applied) })
}

/// The reason why nothing was applied: the bundle was refused, or the node's files could not be changed.
enum Refused {
    Bundle(Failure),
    Node(ApplyError),
}

impl From<ApplyError> for Refused {
    fn from(error: ApplyError) -> Self {
        Self::Node(error)
    }
}

/// Also a run that fails in its restart has a document, which says what is on the node now.
fn as_json(arguments: &ApplyArguments, tree: &NodeTree, allowed: Allowed) -> Result<String, Failure> {
    let (part, mut run) = (OnceCell::new(), Run::default());
    let part = || match verified(arguments) {
        Ok(verified) => Ok(part.get_or_init(|| verified)),
        Err(failure) => Err(Refused::Bundle(failure)),
    };
    let error = match node::apply(tree, allowed, arguments.change.restart.time(), part, &mut |event| run.note(event)) {
        Ok(applied) => return apply_json::done(&applied, run.recorder),
        Err(Refused::Bundle(failure)) => return Err(failure),
        Err(Refused::Node(error)) => error,
    };
    let (Some(failed), Ok(now)) = (Failed::of(&error), node::status(tree)) else { return Err(error.into()) };
    let output = run.failed(&failed, now.installed.as_ref())?;
    Err(Failure::from(error).output(output))
}

/// Returns the node's part of the bundle, after every check of it, and the signer's key. What does not hold at this
/// time is refused, too.
fn verified(arguments: &ApplyArguments) -> Result<(VerifiedPart, PublicKey), Failure> {
    let trust = TrustArguments { bundle: arguments.bundle.clone(), key: arguments.key.clone(), at: None };
    let name = PartName::Node(arguments.node.clone());
    let Verified { bundle, part, about_time } = bundle::open_part(&trust, &arguments.open, &name)?;
    if !about_time.is_empty() {
        let failure = Failure::says_no("not valid at this time")
            .lines(about_time)
            .hint("look at the clock, `date -u`; the node's files are as they were");
        let has_ended = bundle.findings.iter().any(|finding| matches!(finding.fault, Fault::Expired { .. }));
        return Err(if has_ended { failure.hint("if the clock is right: certferry help expired") } else { failure });
    }
    Ok((part, bundle.key))
}
