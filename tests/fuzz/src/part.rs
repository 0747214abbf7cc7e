//! A part of a bundle that holds what is fuzzed.

use certferry::lint::NodeFacts;
use certferry::verify::{File, Part, SharedFiles, check_part};
use time::macros::datetime;

/// Judges these files as a control plane's.
pub fn check(files: &[(&str, &[u8])]) {
    let addresses = ["192.168.10.5", "fd00::5"].map(|address| address.parse().unwrap_or_else(|_| unreachable!()));
    let files = files.iter().map(|(path, content)| (*path, File { mode: 0o600, content }));
    let part = Part {
        name: "node/cp-1",
        files: files.collect(),
        links: ["var/lib/kubelet/pki/kubelet-client-current.pem"].into(),
        node: Some(NodeFacts { name: "cp-1", addresses: &addresses }),
        issued_at: datetime!(2026-11-22 00:00 UTC),
    };
    let (mut first, mut second) = (SharedFiles::default(), SharedFiles::default());
    let at = datetime!(2027-01-01 00:00 UTC);
    let findings = check_part(&part, at, &mut first);
    assert_eq!(findings, check_part(&part, at, &mut second), "the same files, other findings");
}
