//! `split`: cuts one part out of a bundle, for a medium that goes to one node alone.

use std::fs::File;
use std::io::{BufRead, BufWriter};

use crate::bundle::{SplitError, split};
use crate::cli::args::SplitArguments;
use crate::cli::failure::{Failure, OrFailure};
use crate::host::{self, CommitError, Outputs};
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;

pub(crate) fn run(arguments: &SplitArguments) -> Result<String, Failure> {
    let part = arguments.node.clone().map_or(PartName::Cluster, PartName::Node);
    let bundle = &arguments.bundle;
    let source = host::open(bundle).or_cannot("read", bundle)?;
    let mut outputs = Outputs::new();
    let staged = outputs.stage(&arguments.out, 0o600, false);
    let staged = staged.or_cannot("write", &arguments.out)?;
    let cut = cut(source, &part, staged);
    // Files of the parts went through buffers on it.
    wipe_stack();
    cut.map_err(|error| Failure::split(bundle, &part, &arguments.out, &error))?;
    outputs.commit().map_err(|refused| exists(&refused))?;
    Ok(format!(
        "{}  {part}, not verified: whoever receives it does, with `certferry verify` and the signer's key\n",
        arguments.out.display()
    ))
}

/// Cuts the part out, in a frame of its own: what is on the stack of [`run`] itself could not be wiped.
#[inline(never)]
fn cut(source: impl BufRead, part: &PartName, staged: File) -> Result<(), SplitError> {
    split(source, part, BufWriter::new(staged))
}

fn exists(refused: &CommitError) -> Failure {
    let failure = Failure::commit("write", refused);
    match refused.error.kind() {
        std::io::ErrorKind::AlreadyExists => failure.hint("name a file that does not exist"),
        _ => failure,
    }
}
