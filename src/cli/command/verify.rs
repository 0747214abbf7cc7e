//! `verify`: says whether a bundle is what was built, and whether it will work.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::bundle::sealed::SealedReader;
use crate::cli::args::{OutputFormat, VerifyArguments};
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::opening::{self, Kind, Opening};
use crate::cli::input::{bundle, source, time, trusted_key};
use crate::cli::notice::Notice;
use crate::cli::text::bundle::summary;
use crate::cli::text::bundle_json::{BundleJson, FindingJson};
use crate::cli::text::sealed::{Sealed, SealedJson};
use crate::cli::text::{findings, json};
use crate::host::Source;
use crate::kubernetes::PartName;
use crate::sign::PublicKey;
use crate::verify::{AlreadyVerified, CheckedBundle, Fault, Finding, check_reader};

#[derive(Serialize)]
struct VerifyJson {
    valid: bool,
    bundle: BundleJson,
    sealed: Option<SealedJson>,
    findings: Vec<FindingJson>,
}

pub(crate) fn run(arguments: &VerifyArguments) -> Result<String, Failure> {
    let path = &arguments.trust.bundle;
    let at = time::of(arguments.trust.at.as_deref())?;
    // First: a name that is misspelt says nothing about the key beside it.
    let source = source::open(path).or_cannot("read", path)?;
    let key = trusted_key::read(path, &arguments.trust.key)?;
    let is_signed = bundle::check_outer_signature(path, &key)?;
    let is_sealed = Kind::of(&source) == Kind::Sealed;
    if is_sealed && arguments.open.identity.is_empty() {
        return heads_alone(arguments, source, &key, is_signed);
    }
    let Opening { reader, heads } = opening::reader(path, source, &key, &arguments.open, None)?;
    let checked = check_reader(reader, &key, at, None, &AlreadyVerified::default());
    let checked = checked.map_err(|error| Failure::bundle(path, &error))?;
    let sealed = is_sealed.then(|| Sealed { is_signed, heads: std::mem::take(&mut *opening::locked(&heads)) });
    if is_sealed && checked.parts.is_empty() {
        return Err(opening::nothing_opens(path));
    }
    if let Some(sealed) = sealed.as_ref().filter(|_| arguments.quiet || arguments.format.output == OutputFormat::Json) {
        sealed.warn_of_unsigned();
    }
    report(arguments, &checked, sealed.as_ref())
}

/// Checks what a sealed bundle shows without being opened: the index, its signature, the envelopes and their heads.
fn heads_alone(
    arguments: &VerifyArguments,
    source: Source,
    key: &PublicKey,
    is_signed: bool,
) -> Result<String, Failure> {
    let path = &arguments.trust.bundle;
    let sealed = SealedReader::open(source.buffered(), Some(key));
    let mut sealed_reader = sealed.map_err(|error| Failure::bundle(path, &error))?;
    let heads = opening::heads_of(path, &mut sealed_reader)?;
    let (index, sealed) = (sealed_reader.index(), Sealed { is_signed, heads });
    if arguments.quiet || arguments.format.output == OutputFormat::Json {
        sealed.warn_of_unsigned();
    }
    if arguments.format.output == OutputFormat::Json {
        let bundle = BundleJson::sealed(&index.head, key);
        let document =
            VerifyJson { valid: true, bundle, sealed: Some(SealedJson::from(&sealed)), findings: Vec::new() };
        return json::document("verify", &document);
    }
    if arguments.quiet {
        return Ok(String::new());
    }
    Ok(sealed.summary(&index.head, &key.fingerprint()))
}

fn report(arguments: &VerifyArguments, checked: &CheckedBundle, sealed: Option<&Sealed>) -> Result<String, Failure> {
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
        let (valid, bundle, sealed) = (errors.is_empty(), BundleJson::from(checked), sealed.map(SealedJson::from));
        json::document("verify", &VerifyJson { valid, bundle, sealed, findings: findings.collect() })
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
    let holds = "every signature, record, hash, chain and key pair holds";
    Ok(match sealed {
        None => summary(checked, holds),
        Some(sealed) => summary(checked, holds) + &sealed.lines(),
    })
}
