//! What could not be done to a node's files, in words.

use crate::cli::failure::Failure;
use crate::node::NodeError;

/// The failure. Unless it says otherwise, the node's files are as they were.
pub(crate) fn failure(error: &NodeError) -> Failure {
    match error {
        NodeError::Stuck { .. } => Failure::cannot_run(format!(
            "the swap failed half-way, and so did the way back: {}",
            message(error)
        ))
        .hint("each file is whole, old or new; mend the cause, then run `certferry apply` or `certferry rollback` again: it first brings this one to its end"),
        NodeError::Untidy { .. } => Failure::cannot_run(format!(
            "the files are swapped, but what was before could not be put away: {}",
            message(error)
        ))
        .hint("mend the cause, then run the same command again"),
        NodeError::Io { .. } => Failure::cannot_run(message(error)).hint("the node's files are as they were"),
        NodeError::Locked => Failure::cannot_run(message(error)).hint("wait for it to end; the node's files are as they were"),
        NodeError::BrokenState { .. } => Failure::cannot_run(message(error))
            .hint("nothing was changed; look at etc/kubernetes/.certferry, which nobody but certferry should write"),
        NodeError::Foreign { .. } => Failure::cannot_run(message(error)).hint(
            "nothing further was changed; `etc/kubernetes/.certferry/journal` names each place, and where its other \
             half waits",
        ),
        NodeError::Special { .. } => {
            Failure::cannot_run(message(error)).hint("move it elsewhere; the node's files are as they were")
        }
        NodeError::WhiteSpace { .. } => {
            Failure::cannot_run(message(error)).hint("rename it; the node's files are as they were")
        }
        NodeError::NoPrevious => Failure::says_no(message(error)).hint("`certferry status` says what is installed"),
    }
}

fn message(error: &NodeError) -> String {
    match error {
        NodeError::Io { doing, path, error } => Failure::io(doing, path, error).message().to_owned(),
        NodeError::Locked => "another certferry is at work on this node".to_owned(),
        NodeError::BrokenState { file } => format!("what certferry remembers of this node cannot be read: {file}"),
        NodeError::Foreign { place } => {
            format!("an interrupted run cannot be brought to its end: somebody else has changed {place} since")
        }
        NodeError::Special { place } => format!("{place} is a socket, a pipe or a device, and cannot be carried over"),
        NodeError::WhiteSpace { place } => format!("there is white space in the path `{place}`"),
        NodeError::NoPrevious => "there is no generation to go back to".to_owned(),
        NodeError::Stuck { cause } | NodeError::Untidy { cause } => message(cause),
    }
}
