//! `verify`: says whether a bundle is what was built, and whether it will work.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::args::{OutputFormat, VerifyArguments};
use crate::cli::failure::Failure;
use crate::cli::input::bundle;
use crate::cli::notice::Notice;
use crate::cli::text::bundle::summary;
use crate::cli::text::bundle_json::{BundleJson, FindingJson};
use crate::cli::text::{findings, json};
use crate::kubernetes::PartName;
use crate::verify::{Fault, Finding};

#[derive(Serialize)]
struct VerifyJson {
    valid: bool,
    bundle: BundleJson,
    findings: Vec<FindingJson>,
}

pub(crate) fn run(arguments: &VerifyArguments) -> Result<String, Failure> {
    let checked = bundle::open(&arguments.trust, None)?;
    // A certificate of a user or etcd client that has run out does not keep a node from working.
    let is_of_person =
        |finding: &&Finding| finding.part == PartName::Cluster.to_string() && finding.fault.is_about_time();
    let (people, others): (Vec<&Finding>, Vec<&Finding>) = checked.findings.iter().partition(is_of_person);
    let is_json = arguments.format.output == OutputFormat::Json;
    // For programs each finding is in the document.
    if !people.is_empty() && !is_json {
        Notice::new("users and etcd clients need new certificates").lines(&findings::lines(&people)).give();
    }
    let (warnings, errors): (Vec<&Finding>, Vec<&Finding>) =
        others.into_iter().partition(|finding| finding.fault.is_warning());
    let document = || {
        let findings = [(&people, true), (&warnings, true), (&errors, false)].into_iter();
        let findings =
            findings.flat_map(|(some, is_warning)| some.iter().map(move |it| FindingJson::new(it, is_warning)));
        let (valid, bundle) = (errors.is_empty(), BundleJson::from(&checked));
        json::document("verify", &VerifyJson { valid, bundle, findings: findings.collect() })
    };
    let output = if is_json { document()? } else { String::new() };
    if !warnings.is_empty() && !is_json {
        Notice::new("this works, but").lines(&findings::lines(&warnings)).give();
    }
    if !errors.is_empty() {
        let files: BTreeSet<_> = errors.iter().map(|finding| (&finding.part, &finding.file)).collect();
        let count = files.len();
        let failure = Failure::says_no(format!(
            "every signature and hash holds, but {count} {} wrong",
            if count == 1 { "file is" } else { "files are" },
        ))
        .lines(findings::lines(&errors))
        .output(output);
        let has_ended = errors.iter().any(|finding| matches!(finding.fault, Fault::Expired { .. }));
        return Err(if has_ended { failure.hint("what has ended: certferry help expired") } else { failure });
    }
    if is_json || arguments.quiet {
        return Ok(output);
    }
    Ok(summary(&checked, "every signature, record, hash, chain and key pair holds"))
}
