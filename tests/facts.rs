//! What certferry makes is what kubeadm is recorded to make, field by field, in every recorded version.

use crate::common;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;

use crate::kube::deliberate::{DELIBERATE, Deliberate, judge};
use crate::kube::facts::{Facts, Rows, fact_files, node_names, profile};
use crate::kube::observe::observe;
use serde_json::{Value, json};

/// Each version's facts and what certferry makes of the same cluster.
static VERSIONS: LazyLock<Vec<(Facts, Rows)>> = LazyLock::new(|| {
    thread::scope(|scope| {
        let threads: Vec<_> = fact_files().into_iter().map(|path| scope.spawn(move || built(&path))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
});

fn built(path: &Path) -> (Facts, Rows) {
    let facts = Facts::read(path);
    let folder = tempfile::tempdir().unwrap();
    let profile = common::write(folder.path(), "facts.toml", &profile(&facts.kubernetes, &facts.cluster), 0o600);
    let bundle = common::build(&profile);
    let mut rows = Rows::new();
    let mut authorities = Vec::new();
    for node in node_names(&facts.cluster) {
        let tree = bundle.unpack(node);
        observe(node, &tree, &mut rows);
        authorities.push(fs::read(tree.join("etc/kubernetes/pki/ca.crt")).unwrap());
    }
    authorities.dedup();
    assert_eq!(authorities.len(), 1, "every node has the same CA");
    (facts, rows)
}

#[test]
fn every_recorded_version_is_met_field_by_field() {
    assert_eq!(VERSIONS.len(), fact_files().len());
    let findings: Vec<_> = VERSIONS
        .iter()
        .flat_map(|(facts, certferry)| judge(&facts.kubernetes, &facts.rows, certferry, &DELIBERATE))
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn every_change_of_a_fact_is_noticed() {
    for (facts, certferry) in VERSIONS.iter() {
        for (place, fields) in &facts.rows {
            let finds = |rows: &Rows| !judge(&facts.kubernetes, rows, certferry, &DELIBERATE).is_empty();
            let mut rows = facts.rows.clone();
            rows.remove(place);
            assert!(finds(&rows), "without {place:?}");
            for (name, value) in fields {
                let mut rows = facts.rows.clone();
                rows.get_mut(place).unwrap().insert(name.clone(), changed(value));
                assert!(finds(&rows), "{name} of {place:?}");
            }
        }
    }
}

/// Another value of the same kind; a list has the same entries in another order where that is another list.
fn changed(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Array(list) if list.len() > 1 => list.iter().rev().cloned().collect(),
        Value::Array(_) => json!(["another"]),
        _ => json!("another"),
    }
}

#[test]
fn an_exception_that_is_not_needed_is_noticed() {
    let (facts, certferry) = VERSIONS.iter().find(|(facts, _)| facts.kubernetes == "1.28.0").unwrap();
    let unneeded = [Deliberate {
        minors: 28..29,
        table: "certificates",
        places: &["cp-1:pki/apiserver.crt"],
        field: "basic_constraints",
        kubeadm: "absent",
        certferry: "critical",
        why: "a test",
    }];
    let findings = judge(&facts.kubernetes, certferry, certferry, &unneeded);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert!(finding.starts_with("1.28.0: should differ: "), "{finding}");
}
