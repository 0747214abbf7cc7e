//! `rollback`: the generation before comes back.

use super::args::RollbackArguments;
use super::failure::Failure;
use super::{apply, node_failure, status};
use crate::host::NodeTree;
use crate::node::{self, NodeError, Session};

pub(super) fn run(arguments: &RollbackArguments) -> Result<String, Failure> {
    let tree = apply::tree(&arguments.root)?;
    let done = (|| {
        let session = Session::resume(&tree)?.ok_or(NodeError::NoPrevious)?;
        node::rollback(&session)?;
        Ok(session.has_recovered())
    })();
    let recovered = done.map_err(|error: NodeError| node_failure::failure(&error))?;
    if arguments.quiet {
        return Ok(String::new());
    }
    text(&tree, recovered)
}

fn text(tree: &NodeTree, recovered: bool) -> Result<String, Failure> {
    let status = node::status(tree).map_err(|error| node_failure::failure(&error))?;
    let first = if recovered { "an interrupted run was brought to its end first\n" } else { "" };
    Ok(format!(
        "{first}{}\nrestart what reads the files, as `certferry help rotation` says; where a CA came back, delete the \
         ConfigMap\nextension-apiserver-authentication again once the last API server runs\n",
        status::text(&status).trim_end()
    ))
}
