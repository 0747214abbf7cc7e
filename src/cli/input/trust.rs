//! A bundle read with a key that came by another road: what `verify` and `unpack` share.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::bundle::{BundleError, Head, Owner, Reader, Row, VerifiedArchive, VerifiedPart};
use crate::cli::args::TrustArguments;
use crate::cli::failure::Failure;
use crate::cli::text::bundle;
use crate::host;
use crate::kubernetes::PartName;
use crate::lint::NodeFacts;
use crate::sign::{Fingerprint, PublicKey, PublicKeyError};
use crate::verify::{CheckedPart, File, Finding, Known, Origin, Part, SharedFiles, check_part, claims_of_part};

/// No public key file is longer.
pub(crate) const KEY_LIMIT: u64 = 64 << 10;

/// A bundle whose every signature, record and hash holds.
pub(crate) struct Checked {
    /// The key that signed it.
    pub(crate) key: PublicKey,
    pub(crate) head: Head,
    pub(crate) archive: VerifiedArchive,
    pub(crate) parts: Vec<PartName>,
    /// What is wrong with the certificates of the part that was asked for, or else of all, at the time asked for.
    pub(crate) findings: Vec<Finding>,
    /// The part that was asked for.
    pub(crate) wanted: Option<VerifiedPart>,
}

/// Opens the bundle and reads it as [`read`] does.
pub(crate) fn open(arguments: &TrustArguments, wanted: Option<&PartName>) -> Result<Checked, Failure> {
    let at = time_of(arguments.at.as_deref())?;
    let key = trusted_key(&arguments.bundle, &arguments.key)?;
    check_outer_signature(&arguments.bundle, &key)?;
    let source = host::open(&arguments.bundle).map_err(|error| Failure::io("read", &arguments.bundle, &error))?;
    read(source, &key, at, wanted, &Known::default()).map_err(|error| bundle::failure(&arguments.bundle, &error))
}

/// Bytes of files that make a batch full: a hundred parts of workers, or one that is larger.
const BATCH: usize = 1 << 20;

/// Reads a bundle to its end and checks every signature, record and hash; then chains, key pairs and rules of the part
/// that is wanted, which it keeps, or else of all. A node does not wait for certificates that it never sees.
pub(crate) fn read(
    source: impl BufRead + Send,
    key: &PublicKey,
    at: OffsetDateTime,
    wanted: Option<&PartName>,
    known: &Known,
) -> Result<Checked, BundleError> {
    let mut reader = Reader::open(source, key)?;
    let mut head = reader.index().map(|index| index.index().head.clone());
    let (mut parts, mut findings, mut kept) = (Vec::new(), Vec::new(), None);
    let mut shared = SharedFiles::default();
    let judge = |part: &VerifiedPart| check(part, at, wanted, known);
    reader.each_part(BATCH, judge, |part, checked| {
        findings.extend(shared.hold(checked));
        let name = part.record().owner.part();
        head.get_or_insert_with(|| part.record().head.clone());
        if wanted == Some(&name) {
            kept = Some(part);
        }
        parts.push(name);
    })?;
    let archive = reader.finish()?;
    // Without an index there is a part, or the reader would have refused.
    let head = head.ok_or(BundleError::MissingPart { part: None })?;
    Ok(Checked { key: key.clone(), head, archive, parts, findings, wanted: kept })
}

/// What is wrong with the certificates of a part by itself, if it is wanted; what others must agree with in any case.
fn check(part: &VerifiedPart, at: OffsetDateTime, wanted: Option<&PartName>, known: &Known) -> CheckedPart {
    let record = part.record();
    let files = part.files().filter_map(|(row, content)| match row {
        Row::File { path, mode, .. } => Some((path.as_str(), File { mode: mode.bits(), content })),
        Row::Link { .. } => None,
    });
    let node = match &record.owner {
        Owner::Node(node) => Some(NodeFacts { name: &node.name, addresses: &node.addresses }),
        Owner::Cluster => None,
    };
    let name = record.owner.part();
    let is_wanted = wanted.is_none_or(|wanted| *wanted == name);
    let part = Part {
        name: &name.to_string(),
        files: files.collect(),
        links: record.rows.iter().filter(|row| matches!(row, Row::Link { .. })).map(Row::path).collect(),
        node,
        origin: Origin::Bundle { issued_at: record.head.issued_at.midnight().assume_utc() },
    };
    if is_wanted { check_part(&part, at, known) } else { claims_of_part(&part) }
}

/// The time that `--at` names, or now.
pub(crate) fn time_of(at: Option<&str>) -> Result<OffsetDateTime, Failure> {
    let Some(text) = at else { return Ok(host::now()) };
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok();
    let day = || Some(Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?.midnight().assume_utc());
    instant.or_else(day).ok_or_else(|| {
        Failure::cannot_run(format!("--at {text} is not a time")).hint("write 2026-11-22 or 2026-11-22T08:00:00Z")
    })
}

/// The key itself, or the one beside the bundle that has the given fingerprint.
pub(crate) fn trusted_key(bundle: &Path, key: &str) -> Result<PublicKey, Failure> {
    if !key.starts_with("sha256:") {
        return read_key(Path::new(key));
    }
    let expected: Fingerprint = key.parse().map_err(|_| {
        Failure::cannot_run(format!("--key {key} is not a fingerprint"))
            .hint("a fingerprint is `sha256:` and 64 lower-case hex digits; `certferry build` prints it")
    })?;
    let path = key_beside(bundle)?;
    let key = read_key(&path)?;
    if key.fingerprint() == expected {
        return Ok(key);
    }
    Err(Failure::says_no(format!(
        "{} is not the key of that fingerprint: it is {}, expected {expected}",
        path.display(),
        key.fingerprint()
    ))
    .hint(
        "compare the fingerprint with the one written down when the bundle was built; if that is what was typed, \
           somebody else made this bundle",
    ))
}

/// The one `.pub` in the bundle's folder that the bundle's name begins with.
fn key_beside(bundle: &Path) -> Result<PathBuf, Failure> {
    let name = bundle.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // `<cluster>-g<generation>...`: the last `-g` before a digit ends the cluster's name.
    let cluster = name
        .match_indices("-g")
        .filter(|(place, _)| name.as_bytes().get(place + 2).is_some_and(u8::is_ascii_digit))
        .last();
    let cluster = cluster.map(|(place, _)| name.split_at(place).0);
    cluster.map(|cluster| bundle.with_file_name(format!("{cluster}.pub"))).ok_or_else(|| {
        Failure::cannot_run(format!("cannot tell the cluster from the name {name}"))
            .hint("give the public key's file to --key instead of its fingerprint")
    })
}

fn read_key(path: &Path) -> Result<PublicKey, Failure> {
    let bytes = host::read(path, KEY_LIMIT).map_err(|error| {
        Failure::io("read the public key", path, &error).hint(
            "--key takes the file CLUSTER.pub, or the fingerprint `sha256:...` when that file lies beside the bundle",
        )
    })?;
    PublicKey::from_pem(&bytes).map_err(|error| {
        let reason = match error {
            PublicKeyError::NotPem => "it is not PEM".to_owned(),
            PublicKeyError::Label(label) => format!("it holds `{label}`, not `PUBLIC KEY`"),
            PublicKeyError::NotCanonicalPem => "there is more in it than one plain PEM block".to_owned(),
            PublicKeyError::NotP256 => "it is not an ECDSA P-256 key".to_owned(),
            PublicKeyError::NotOnCurve => "its point is not on the curve P-256".to_owned(),
        };
        Failure::cannot_run(format!("{} is not a signer's public key: {reason}", path.display()))
    })
}

/// The signature over the whole file may be missing, as from a slice; a present one must hold.
pub(crate) fn check_outer_signature(bundle: &Path, key: &PublicKey) -> Result<(), Failure> {
    let mut path = bundle.as_os_str().to_owned();
    path.push(".sig");
    let path = PathBuf::from(path);
    let signature = match host::read(&path, KEY_LIMIT) {
        Ok(signature) => signature,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::io("read", &path, &error)),
    };
    let digest = host::sha256(bundle).map_err(|error| Failure::io("read", bundle, &error))?;
    key.verify_sha256(&digest, &signature).map_err(|_| {
        Failure::says_no(format!("{} does not hold for {}", path.display(), bundle.display()))
            .hint("the file was changed or cut on its way, or another key signed it; carry it again")
    })
}
