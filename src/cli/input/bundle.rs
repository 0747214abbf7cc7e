//! Reads bundles with a key that came by another road.

use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::bundle::{Checksum, VerifiedPart};
use crate::cli::args::{OpenArguments, TrustArguments};
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::opening::{self, Kind};
use crate::cli::input::source;
use crate::cli::input::time;
use crate::cli::input::trusted_key::{self, KEY_LIMIT};
use crate::cli::notice::Notice;
use crate::cli::text::bundle::called;
use crate::cli::text::findings;
use crate::cli::text::nearest::did_you_mean;
use crate::host::{self, Source};
use crate::kubernetes::PartName;
use crate::sign::PublicKey;
use crate::verify::{AlreadyVerified, CheckedBundle, Finding, check_reader};

/// The most nodes that are listed.
const LISTED: usize = 20;

/// A part of a bundle, after every check of it.
pub(crate) struct Verified {
    /// The bundle.
    pub(crate) bundle: CheckedBundle,
    /// The part.
    pub(crate) part: VerifiedPart,
    /// A line for each finding that is only about the time.
    pub(crate) about_time: String,
}

/// Opens the bundle, checks it, and returns a part that works, apart from findings that are only about the time.
pub(crate) fn open_part(trust: &TrustArguments, open: &OpenArguments, name: &PartName) -> Result<Verified, Failure> {
    let mut bundle = self::open(trust, open, Some(name))?;
    let Some(part) = bundle.wanted.take() else { return Err(no_part(name, &bundle, &trust.bundle)) };
    let about_time = judge(&bundle, name)?;
    Ok(Verified { bundle, part, about_time })
}

/// Opens the bundle and checks it.
pub(crate) fn open(
    trust: &TrustArguments,
    open: &OpenArguments,
    wanted: Option<&PartName>,
) -> Result<CheckedBundle, Failure> {
    let at = time::of(trust.at.as_deref())?;
    // First: a name that is misspelt says nothing about the key beside it.
    let source = source::open(&trust.bundle).or_cannot("read", &trust.bundle)?;
    let key = trusted_key::read(&trust.bundle, &trust.key)?;
    check_outer_signature(&trust.bundle, &key)?;
    let opened = opening::reader(&trust.bundle, source, &key, open, wanted)?;
    check_reader(opened.reader, &key, at, wanted, &AlreadyVerified::default())
        .map_err(|error| Failure::bundle(&trust.bundle, &error))
}

/// Returns the key for a bundle. The outer signature of the bundle, if there is one, holds under it.
pub(crate) fn bundle_key(path: &Path, kind: Kind, key: Option<&str>) -> Result<PublicKey, Failure> {
    let key = key.ok_or_else(|| without_key(path, kind))?;
    let key = trusted_key::read(path, key)?;
    check_outer_signature(path, &key)?;
    Ok(key)
}

/// Returns the failure for a file that begins as a bundle does, and is given without a key.
fn without_key(path: &Path, kind: Kind) -> Failure {
    let (name, key) = (
        named(path),
        "--key with the public key's file or its fingerprint `sha256:...`, as `certferry build` printed it",
    );
    match kind {
        // A slice, a seed, somebody's key: all look alike.
        Kind::Envelope => Failure::cannot_run(format!("{name} is sealed, and nobody knows unopened what is in it"))
            .hint(format!("if it is a slice, add --identity FILE, and {key}")),
        Kind::Bundle | Kind::Sealed | Kind::Other => {
            Failure::cannot_run(format!("{name} is a bundle: nothing in it is believed before its signatures hold"))
                .hint(format!("add {key}"))
        }
    }
}

/// Returns whether a file begins as a bundle does, sealed or not.
pub(crate) fn is_bundle(source: &Source) -> bool {
    Kind::of(source) != Kind::Other
}

/// Warns of what works all the same, and refuses what would not work. Returns a line for each finding that is only
/// about the time.
fn judge(checked: &CheckedBundle, name: &PartName) -> Result<String, Failure> {
    let owner = name.to_string();
    let of_part = |finding: &&Finding| finding.part == owner;
    let (warnings, findings): (Vec<&Finding>, Vec<&Finding>) =
        checked.findings.iter().filter(of_part).partition(|finding| finding.fault.is_warning());
    let (about_time, wrong): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| finding.fault.is_about_time());
    if !warnings.is_empty() {
        Notice::new("this works, but").lines(&findings::lines(&warnings)).give();
    }
    if !wrong.is_empty() {
        return Err(Failure::says_no(format!("the files of {} would not work", called(name)))
            .lines(findings::lines(&wrong))
            .hint("nothing was written; build the bundle again"));
    }
    Ok(findings::lines(&about_time))
}

/// Returns the failure for a bundle that has no such part.
fn no_part(name: &PartName, checked: &CheckedBundle, bundle: &Path) -> Failure {
    let bundle = named(bundle);
    let Some(name) = name.node() else {
        return Failure::cannot_run(format!("the cluster's part is not in {bundle}"))
            .hint("a whole bundle has it; a slice or a partial bundle only when it was made --with-cluster");
    };
    let names = checked.parts.iter().chain(&checked.sealed).filter_map(PartName::node);
    let meant = did_you_mean(name, names.clone());
    let mut shown: Vec<_> = names.clone().take(LISTED).collect();
    if names.count() > LISTED {
        shown.push("...");
    }
    let hint = match shown.as_slice() {
        [] => "it has the cluster's part alone".to_owned(),
        shown => format!("it has {}", shown.join(", ")),
    };
    let failure = Failure::cannot_run(format!("there is no node {name} in {bundle}"));
    meant.into_iter().chain([hint]).fold(failure, Failure::hint)
}

/// Checks the signature over the whole file when there is one: `.sig`, or over the file's checksum `.sha256.sig`. It
/// may be missing, as beside a slice, and nothing lies beside a pipe. All that is in the bundle has signatures of its
/// own.
///
/// Returns whether there was one.
pub(crate) fn check_outer_signature(bundle: &Path, key: &PublicKey) -> Result<bool, Failure> {
    if source::is_standard(bundle) || !bundle.metadata().or_cannot("read", bundle)?.is_file() {
        return Ok(false);
    }
    let (of_file, of_checksum) = (beside(bundle, ".sig"), beside(bundle, ".sha256.sig"));
    let (signature, signed_checksum) = (if_there(&of_file)?, if_there(&of_checksum)?);
    if signature.is_none() && signed_checksum.is_none() {
        return Ok(false);
    }
    let digest = host::sha256(bundle).or_cannot("read", bundle)?;
    let fails = |path: &Path| {
        Failure::says_no(format!("{} does not hold for {}", path.display(), bundle.display()))
            .hint("the file was changed or cut on its way, or another key signed it; carry it again")
    };
    if let Some(signature) = signature {
        key.verify_sha256(&digest, &signature).map_err(|_| fails(&of_file))?;
    }
    if let Some(signature) = signed_checksum {
        let path = beside(bundle, ".sha256");
        let text = host::read(&path, KEY_LIMIT).or_cannot("read", &path)?;
        key.verify(&text, &signature).map_err(|_| fails(&of_checksum))?;
        if Checksum::read(&text).is_none_or(|checksum| checksum.sha256.0 != digest) {
            return Err(fails(&path));
        }
    }
    Ok(true)
}

fn beside(bundle: &Path, ending: &str) -> PathBuf {
    let mut path = bundle.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

fn if_there(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    match host::read(path, KEY_LIMIT) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path, &error)),
    }
}
