//! The ends of the installed certificates, which tell how long a certificate would have been valid that is gone.
//!
//! The record has a hash of each file and no date. The list stands beside the record and goes and comes back with it.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::NodeError;
use super::place::NOT_AFTER;
use crate::host::NodeRoot;
use crate::kubeconfig::{Held, Kubeconfig};
use crate::x509::{ReadCertificate, instant, read_pem};

const HEAD: &str = "certferry-not-after-1";
const END: &str = "end";
/// The most bytes of the list. A record has some thirty files.
const LIMIT: u64 = 1 << 20;

/// Returns the text of the list for these files, each of which comes with its place.
pub(super) fn render<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let line = |(place, content)| Some(format!("{place} {}\n", instant(leaf(place, content)?.not_after())));
    let mut lines: Vec<_> = files.filter_map(line).collect();
    lines.sort_unstable();
    format!("{HEAD}\n{}{END}\n", lines.concat())
}

/// Returns the certificate of a file that ends with it: the first one in a `.crt` or `.pem`, the client's in a
/// kubeconfig.
pub(super) fn leaf(place: &str, content: &[u8]) -> Option<ReadCertificate> {
    let first = |pem: &[u8]| read_pem(pem).ok()?.certificates.into_iter().next();
    if place.ends_with(".crt") || place.ends_with(".pem") {
        return first(content);
    }
    if !place.ends_with(".conf") {
        return None;
    }
    match Kubeconfig::read(content).ok()?.users.into_iter().next()?.certificate? {
        Held::Inline(pem) => first(&pem),
        Held::File(_) | Held::Broken(_) => None,
    }
}

/// Returns the ends of the installed certificates by place. Returns none when the list is not there, as on a node that
/// an older version installed.
///
/// # Errors
/// Fails when the list cannot be read or is not such a list.
pub(super) fn not_after(root: &NodeRoot) -> Result<BTreeMap<String, OffsetDateTime>, NodeError> {
    let io = |doing, error| NodeError::io_in(doing, root, NOT_AFTER, error);
    if root.look(NOT_AFTER).map_err(|error| io("look at", error))?.is_none() {
        return Ok(BTreeMap::new());
    }
    let text = root.read(NOT_AFTER, LIMIT).map_err(|error| io("read", error))?;
    parse(&String::from_utf8_lossy(&text)).ok_or(NodeError::BrokenState { file: "not_after" })
}

fn parse(text: &str) -> Option<BTreeMap<String, OffsetDateTime>> {
    let lines = text.strip_prefix(HEAD)?.strip_prefix('\n')?.strip_suffix(&format!("{END}\n"))?;
    let line = |line: &str| {
        let (place, time) = line.split_once(' ')?;
        Some((place.to_owned(), OffsetDateTime::parse(time, &Rfc3339).ok()?))
    };
    (lines.is_empty() || lines.ends_with('\n')).then(|| lines.lines().map(line).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_list_has_a_head_and_an_end() {
        let text = "certferry-not-after-1\netc/kubernetes/pki/ca.crt 2226-11-22T00:00:00Z\nend\n";
        assert_eq!(parse(text).map(|list| list.len()), Some(1));
        assert_eq!(parse("certferry-not-after-1\nend\n").map(|list| list.len()), Some(0));
        for cut in 0..text.len() {
            assert!(parse(&text[..cut]).is_none(), "{cut}");
        }
        assert!(parse(&text.replace("2226-11-22T", "2226-13-22T")).is_none());
        assert!(parse(&text.replace("crt ", "crt")).is_none());
    }
}
