//! `apply`: replaces what is on a node by the node's part of a bundle.

use std::cell::OnceCell;

use crate::bundle::VerifiedPart;
use crate::cli::args::{ApplyArguments, TrustArguments};
use crate::cli::failure::Failure;
use crate::cli::input::bundle::{self, Verified};
use crate::cli::input::node_folder;
use crate::cli::text::{self, restart};
use crate::kubernetes::PartName;
use crate::node::{self, Allowed};
use crate::sign::PublicKey;
use crate::verify::Fault;

pub(crate) fn run(arguments: &ApplyArguments) -> Result<String, Failure> {
    let open = if arguments.dry_run { node_folder::open } else { node_folder::open_to_change };
    let tree = open(&arguments.root)?;
    let allowed = Allowed {
        other_node: arguments.force_node,
        downgrade: arguments.allow_downgrade,
        drop_backup: arguments.drop_backup,
    };
    let restart = arguments.restart.time();
    if arguments.dry_run {
        let part = verified(arguments)?;
        return Ok(text::apply::dry_run(&node::dry_run(&tree, allowed, restart, &part)?));
    }
    let part = OnceCell::new();
    let part = || verified(arguments).map(|verified| part.get_or_init(|| verified));
    let applied = node::apply(&tree, allowed, restart, part, &mut restart::write_progress(arguments.quiet))?;
    Ok(if arguments.quiet { String::new() } else { text::apply::done(&applied) })
}

/// Returns the node's part of the bundle, after every check of it, and the signer's key. What does not hold at this
/// time is refused, too.
fn verified(arguments: &ApplyArguments) -> Result<(VerifiedPart, PublicKey), Failure> {
    let trust = TrustArguments { bundle: arguments.bundle.clone(), key: arguments.key.clone(), at: None };
    let name = PartName::Node(arguments.node.clone());
    let Verified { bundle, part, about_time } = bundle::open_part(&trust, &name)?;
    if !about_time.is_empty() {
        let failure = Failure::says_no("not valid at this time")
            .lines(about_time)
            .hint("look at the clock, `date -u`; the node's files are as they were");
        let has_ended = bundle.findings.iter().any(|finding| matches!(finding.fault, Fault::Expired { .. }));
        return Err(if has_ended { failure.hint("if the clock is right: certferry help expired") } else { failure });
    }
    Ok((part, bundle.key))
}
