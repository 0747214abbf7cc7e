//! Objects of a cluster in YAML and JSON, as somebody saved them.

use certferry::doctor::{Objects, Question, examine};
use time::macros::datetime;

/// Whatever is taken can be looked at, and is told in words.
pub fn run(file: &[u8]) {
    let Ok(objects) = Objects::read("objects.yaml", file) else { return };
    let (at, expiring_by) = (datetime!(2027-01-01 0:00 UTC), datetime!(2027-02-01 0:00 UTC));
    let diagnosis = examine(&Question {
        tree: None,
        installed: None,
        is_copy: false,
        api_server_since: None,
        objects: &[objects],
        at,
        expiring_by,
    });
    for finding in &diagnosis.findings {
        assert_eq!(finding.file, "objects.yaml");
        assert!(!finding.what.is_empty() && !finding.why.is_empty() && !finding.mend.is_empty());
    }
}
