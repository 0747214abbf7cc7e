//! The files of a node that hold what is fuzzed, judged and listed as every command does it.

use std::collections::{BTreeMap, BTreeSet};

use certferry::kubeconfig::referenced;
use certferry::kubernetes::CertificatesDir;
use certferry::lint::NodeFacts;
use certferry::report::{self, Builder, Source, SourceKind};
use certferry::verify::{AlreadyVerified, File, Origin, Part, SharedFiles, check_file, check_part};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

const AT: OffsetDateTime = datetime!(2027-01-01 00:00 UTC);

/// Judges and lists these files as a control plane's, and each by itself.
pub fn check(files: &[(&str, &[u8])]) {
    for origin in [Origin::Bundle { issued_at: datetime!(2026-11-22 00:00 UTC) }, Origin::Disk] {
        judge(files, origin);
    }
    let all: BTreeMap<&str, Option<&[u8]>> = files.iter().map(|(place, content)| (*place, Some(*content))).collect();
    list(SourceKind::Tree, &all);
    for (place, content) in files {
        // What it is does not depend on its name.
        let _ = (check_file("fuzz", place, content, AT), referenced(place, content));
        list(SourceKind::File { place, title: "fuzz" }, &[(*place, Some(*content))].into());
    }
}

fn judge(files: &[(&str, &[u8])], origin: Origin) {
    let addresses = ["192.168.10.5", "fd00::5"].map(|address| address.parse().unwrap_or_else(|_| unreachable!()));
    let files = files.iter().map(|(path, content)| (*path, File { mode: 0o600, content }));
    let part = Part {
        name: "node/cp-1",
        files: files.collect(),
        links: ["var/lib/kubelet/pki/kubelet-client-current.pem"].into(),
        node: Some(NodeFacts { name: "cp-1", addresses: &addresses }),
        phase: None,
        origin,
    };
    let known = AlreadyVerified::default();
    let findings = || SharedFiles::default().hold(check_part(&part, AT, &known));
    assert_eq!(findings(), findings(), "the same files, other findings");
}

/// Whatever is in the files, the outputs stay what they are.
fn list(kind: SourceKind<'_>, files: &BTreeMap<&str, Option<&[u8]>>) {
    let mut builder = Builder::new();
    builder.add(&Source {
        kind,
        node: None,
        mount: "",
        prefix: "",
        certificates_dir: &CertificatesDir::default(),
        files: files.clone(),
    });
    let inventory = builder.finish();
    let text = report::text(&inventory, AT, true);
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
    let json: Option<Value> = serde_json::to_value(report::json(&inventory, AT)).ok();
    let listed = json.as_ref().and_then(|json| json["certificates"].as_array()).map(Vec::len);
    assert_eq!(listed, Some(inventory.entries().count()));
    let mut metrics = Vec::new();
    report::write_prometheus(&inventory, AT, &mut metrics).unwrap();
    let metrics = String::from_utf8(metrics).unwrap();
    let lines: BTreeSet<&str> = metrics.split('\n').collect();
    assert!(lines.len() == metrics.split('\n').count(), "a sample twice: {metrics}");
}
