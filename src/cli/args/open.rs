//! The arguments of `open`.

use std::path::PathBuf;

use super::format::FormatArguments;
use super::seed::OpenArguments;
use crate::kubernetes::PartName;

#[derive(clap::Args)]
#[command(after_help = "On a node without certferry: age -d -i FILE < cp-1.tar.gz.age\n\
    No signature is looked at: whoever receives the slice does that, with `certferry verify` or `apply`, or `install.sh`.")]
pub(crate) struct OpenPartArguments {
    /// The sealed bundle, or one sealed slice of it
    pub(crate) sealed: PathBuf,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// The part: a node's name, or `cluster` [default: the one part that opens]
    #[arg(long, value_name = "NODE|cluster", value_parser = part)]
    pub(crate) part: Option<PartName>,
    /// The file to write (mode 0600; it must not exist), or - for the standard output, which is no terminal
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// Say what would be written; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

impl OpenPartArguments {
    /// Returns whether the slice goes to the standard output.
    pub(crate) fn is_printed(&self) -> bool {
        self.out.as_os_str() == "-"
    }
}

/// Reads the name of a node, or `cluster`; a node of this name is `node/cluster`, as records spell it.
fn part(text: &str) -> Result<PartName, String> {
    if let Ok(part) = text.parse() {
        return Ok(part);
    }
    format!("node/{text}").parse().map_err(|_| "expected the name of a node, or `cluster`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{PartName, part};

    #[test]
    fn a_part_is_a_node_or_the_clusters() {
        let node = |name: &str| Ok(PartName::Node(name.to_owned()));
        assert_eq!(part("cp-1"), node("cp-1"));
        assert_eq!(part("node/cp-1"), node("cp-1"));
        assert_eq!(part("node/cluster"), node("cluster"));
        assert_eq!(part("cluster"), Ok(PartName::Cluster));
        for wrong in ["", "CP-1", "../cp-1", "nodes/cp-1"] {
            assert!(part(wrong).is_err(), "{wrong}");
        }
    }
}
