//! The file of recipients: a line for each node, its name and its recipient.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::misplaced_secret;
use crate::cli::text::nearest::did_you_mean;
use crate::host;
use crate::kubernetes::is_subdomain;
use crate::seal::{Recipient, RecipientError};

/// The most bytes of the file: 100,000 hybrid recipients are 200 MB.
const LIMIT: u64 = 256 << 20;

/// A line with a recipient.
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) node: String,
    pub(crate) recipient: Recipient,
}

/// Reads the file. `nodes` are those that may have a line. Nothing of a recipient's text is repeated: it may be the
/// secret half.
pub(crate) fn read(path: &Path, nodes: &[&str]) -> Result<Vec<Line>, Failure> {
    let content = host::read(path, LIMIT).or_cannot("read the recipients", path)?;
    parse(&content, nodes).map_err(|(number, what, hint)| {
        let failure = Failure::cannot_run(format!("{}, line {number}: {what}", path.display()));
        hint.into_iter().fold(failure, Failure::hint)
    })
}

type Fault = (usize, String, Vec<String>);

const FORM: &str = "a line is the name of a node, a blank and its recipient; `#` begins a comment";

fn parse(content: &[u8], nodes: &[&str]) -> Result<Vec<Line>, Fault> {
    let mut lines = Vec::new();
    let mut seen = BTreeMap::new();
    let known: std::collections::BTreeSet<_> = nodes.iter().copied().collect();
    for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
        let fault =
            |what: &str, hints: &[&str]| (number, what.to_owned(), hints.iter().map(|&hint| hint.into()).collect());
        if misplaced_secret::holds_identity(line) {
            return Err(fault(
                "it holds an identity, the secret half of a recipient",
                &[
                    "whoever has seen it opens that part: make another with `certferry identity new`, and send what it prints",
                ],
            ));
        }
        let line = std::str::from_utf8(line).map_err(|_| fault("it is not UTF-8", &[FORM]))?.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut fields = line.split_whitespace();
        let (Some(node), Some(recipient), None) = (fields.next(), fields.next(), fields.next()) else {
            return Err(fault("it is not the name of a node and one recipient", &[FORM]));
        };
        if !is_subdomain(node) {
            return Err(fault("it does not begin with the name of a node", &[FORM]));
        }
        if !known.contains(node) {
            let hints = did_you_mean(node, nodes.iter().copied()).into_iter().collect();
            return Err((number, format!("there is no node {node}"), hints));
        }
        if let Some(first) = seen.insert(node.to_owned(), number) {
            return Err(fault(
                &format!("{node} has a recipient already, in line {first}"),
                &["take the one that the node's paper has, and remove the other; several stand in `encrypt_to`"],
            ));
        }
        let recipient = Recipient::parse(recipient).map_err(|error| {
            let hint = match error {
                RecipientError::Checksum => "copy it whole: that of age1pq1... has 1,959 letters",
                _ => "a recipient is what `certferry identity new` prints: age1pq1... or age1...",
            };
            fault(&format!("what stands behind {node} {error}"), &[hint])
        })?;
        lines.push(Line { number, node: node.to_owned(), recipient });
    }
    Ok(lines)
}
