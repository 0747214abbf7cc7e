//! The lock on the disk: found, read, compared, and its refusals in words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bundle::Sha256;
use crate::cli::args::BuildArguments;
use crate::cli::command::build::Built;
use crate::cli::failure::Failure;
use crate::cli::input::misplaced_secret;
use crate::cli::text::changes;
use crate::host;
use crate::keys::Seed;
use crate::kubernetes::PartName;
use crate::lock::{
    Change, ChangeKind, Formats, Lock, LockError, LockedCertificate, LockedKey, LockedPart, Refusal, build_changes,
    changes, foreseen, merge, of_lock, of_plan, outlines_of_plan, refusals, restrict,
};
use crate::plan::Plan;

/// 10,000 nodes make about 60 MB.
pub(crate) const LIMIT: u64 = 512 << 20;

const LOCKED_HINT: &str = "nothing was written; build without --locked to accept the change";

/// `<profile stem>.lock.toml` beside the profile.
pub(crate) fn default_path(profile: &Path) -> PathBuf {
    profile.with_extension("lock.toml")
}

/// The lock of the build before, if there is one.
pub(crate) fn read(path: &Path) -> Result<Option<Lock>, Failure> {
    let bytes = match host::read(path, LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io("read the lock", path, &error)),
    };
    misplaced_secret::refuse_content(path, &bytes, "a lock")?;
    Lock::parse(&bytes).map(Some).map_err(|error| {
        let reason = match error {
            LockError::Syntax(reason) => reason,
            LockError::Format(format) => format!("it has format {format}, and this version knows format 1"),
        };
        Failure::cannot_run(format!("{} is not a lock: {reason}", path.display()))
            .hint("restore it from version control; to begin anew, move it away")
    })
}

/// The lock of another cluster, or of a later version, is refused before an hour of work, not after it: nothing in it
/// can be compared.
pub(crate) fn check_cluster(old: &Lock, cluster: &str, path: &Path) -> Result<(), Failure> {
    if old.formats.are_newer() {
        // A build by an older program would quietly make other bytes under the same names.
        return Err(Failure::cannot_run(format!(
            "{} was made with newer formats than this version knows",
            path.display()
        ))
        .hint("build with the version that it names in `made_with`, or a later one"));
    }
    if old.cluster == cluster {
        return Ok(());
    }
    Err(refusal_failure(&Refusal::OtherCluster { locked: old.cluster.clone(), built: cluster.to_owned() }))
}

/// As [`check_cluster`] for `--locked`: what is newer shows among all other differences.
pub(crate) fn check_same_cluster(old: &Lock, cluster: &str, path: &Path) -> Result<(), Failure> {
    if old.cluster == cluster {
        return Ok(());
    }
    Err(differs(path, &format!("cluster {} became {cluster}", old.cluster)).hint(LOCKED_HINT))
}

/// What can be told of a plan is refused before an hour of work, not after it.
pub(crate) fn check_plan(old: &Lock, plan: &Plan, seed: &Seed, arguments: &BuildArguments) -> Result<(), Failure> {
    if arguments.locked || old.seed_id != seed.id() {
        return Ok(());
    }
    let shapes = of_plan(plan);
    if !arguments.only.is_empty() {
        let planned = |change: &Change| change.key().is_some_and(|id| shapes.contains_key(id));
        let changes: Vec<_> = changes(&of_lock(old), &shapes).into_iter().filter(planned).collect();
        refuse_shared_changes(&changes)?;
    }
    let parts: Vec<_> = plan.parts.iter().map(|part| part.recipient.part()).collect();
    let parts = parts.iter().map(|part| (part, false));
    refuse(foreseen(old, &shapes, plan.generation, parts), arguments)
}

/// Why a whole build with the seed of the lock would be refused without a word, as far as a plan tells; `touches`
/// knows the parts whose records change.
pub(crate) fn foresee(old: &Lock, plan: &Plan, touches: impl Fn(&PartName) -> bool) -> Option<Failure> {
    let mut parts: Vec<_> = plan.parts.iter().map(|part| part.recipient.part()).collect();
    // The bundle's order, as far as it counts: the cluster's part is last already.
    if let Some((_, nodes)) = parts.split_last_mut() {
        nodes.sort_unstable();
    }
    let parts = parts.iter().map(|part| (part, touches(part)));
    first_failure(&foreseen(old, &of_plan(plan), plan.generation, parts))
}

/// Another seed likewise.
pub(crate) fn check_seed(old: &Lock, seed: &Seed, arguments: &BuildArguments, path: &Path) -> Result<(), Failure> {
    let given = seed.id();
    if old.seed_id == given || arguments.replace_seed {
        return Ok(());
    }
    if arguments.locked {
        return Err(differs(path, &format!("seed id {} became {given}", old.seed_id))
            .hint("a rebuild needs the seed of the first build; nothing was written"));
    }
    Err(refusal_failure(&Refusal::OtherSeed { locked: old.seed_id.clone(), given }))
}

/// The lock of what was built.
pub(crate) fn make(built: &Built<'_>) -> Lock {
    let plan = built.plan;
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    let mut files = outlines_of_plan(plan);
    let shapes = of_plan(plan);
    for planned in &plan.keys {
        let id = &planned.id;
        let (Some(key), Some(shape)) = (built.keys.get(id), shapes.get(id)) else { continue };
        keys.push(LockedKey {
            id: id.clone(),
            algorithm: shape.key.algorithm.clone(),
            generation: shape.key.generation,
            spki_sha256: sha256(key.spki_der()),
        });
        let issued = built.certificates.get(id);
        let (Some(issued), Some(shape)) = (issued, shape.certificate.clone()) else { continue };
        certificates.push(LockedCertificate {
            id: id.clone(),
            subject: shape.subject,
            issuer: shape.issuer,
            usages: shape.usages,
            alt_names: shape.alt_names,
            constraints: shape.constraints,
            issued_at: shape.issued_at,
            not_before: shape.not_before,
            not_after: shape.not_after,
            serial: issued.serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            certificate_sha256: sha256(issued.der()),
        });
    }
    keys.sort_by(|left, right| left.id.cmp(&right.id));
    certificates.sort_by(|left, right| left.id.cmp(&right.id));
    Lock {
        format: 1,
        made_with: concat!("certferry ", env!("CARGO_PKG_VERSION")).to_owned(),
        cluster: plan.cluster.clone(),
        cluster_id: built.seed.cluster_id(&plan.cluster),
        seed_id: built.seed.id(),
        signer: built.signer.fingerprint().to_string(),
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        profile_sha256: sha256(&built.profile.source),
        content_sha256: built.written.content_sha256.to_string(),
        bundle_sha256: built.written.file_sha256.to_string(),
        formats: Formats::CURRENT,
        parts: built
            .records
            .iter()
            .map(|(part, record)| LockedPart {
                part: part.clone(),
                generation: plan.generation,
                record_sha256: record.clone(),
                profile_sha256: None,
                files: files.remove(part).unwrap_or_default(),
            })
            .collect(),
        keys,
        certificates,
    }
}

/// The lock to write where it is not the new one, and what changed since the one before; refused where it needs a word
/// that was not given.
pub(crate) fn check(
    old: Option<&Lock>,
    new: &Lock,
    arguments: &BuildArguments,
    path: &Path,
) -> Result<(Option<Lock>, Vec<Change>), Failure> {
    let Some(whole) = old else { return Ok((None, Vec::new())) };
    let is_partial = !arguments.only.is_empty();
    let restricted = is_partial.then(|| restrict(whole, new));
    let old = restricted.as_ref().unwrap_or(whole);
    let changes = build_changes(old, new);
    if arguments.locked {
        let merged = is_partial.then(|| merge(old, new.clone()));
        return match locked_difference(old, merged.as_ref().unwrap_or(new)) {
            Some(difference) => Err(differs(path, &difference).hint(LOCKED_HINT)),
            None => Ok((None, changes)),
        };
    }
    if is_partial {
        refuse_shared_changes(&changes)?;
    }
    refuse(refusals(old, new), arguments)?;
    Ok((is_partial.then(|| merge(whole, new.clone())), changes))
}

/// The failure for what was found and not allowed by its word.
fn refuse(found: Vec<Refusal>, arguments: &BuildArguments) -> Result<(), Failure> {
    let is_refused = |refusal: &Refusal| match refusal {
        Refusal::OtherCluster { .. } | Refusal::LowerGeneration { .. } => true,
        Refusal::OtherSeed { .. } => !arguments.replace_seed,
        Refusal::ChangedCa { .. } => !arguments.replace_ca,
        Refusal::SameGeneration { .. } => !arguments.same_generation,
    };
    let refused: Vec<_> = found.into_iter().filter(is_refused).collect();
    first_failure(&refused).map_or(Ok(()), Err)
}

/// In words: all changed CAs together, otherwise the first.
fn first_failure(refused: &[Refusal]) -> Option<Failure> {
    match refused {
        [] => None,
        [Refusal::ChangedCa { .. }, ..] => Some(changed_authorities(refused)),
        [first, ..] => Some(refusal_failure(first)),
    }
}

/// Whether it is in files that several nodes have, or proves the bundle to all of them.
pub(crate) fn is_shared(change: &Change) -> bool {
    change.key().is_some_and(|id| id.part().is_none())
}

/// What every node has in common must not change for some of them.
fn refuse_shared_changes(changes: &[Change]) -> Result<(), Failure> {
    let Some(change) = changes.iter().find(|change| is_shared(change)) else { return Ok(()) };
    Err(Failure::cannot_run(format!("--only, but {} changes, which all nodes share", change.id))
        .hint("`certferry plan` tells why; build the whole bundle, or set the profile back"))
}

/// All changed CAs at once: one change of the profile, such as a newer Kubernetes, changes all three.
fn changed_authorities(refused: &[Refusal]) -> Failure {
    let ids = || {
        refused.iter().filter_map(|refusal| match refusal {
            Refusal::ChangedCa { id } => Some(id),
            _ => None,
        })
    };
    let names: Vec<_> = ids().map(ToString::to_string).collect();
    let tables: Vec<_> = names.iter().map(|name| format!("[{}]", name.replace('/', "."))).collect();
    Failure::cannot_run(format!(
        "{} would get another certificate, though generation and issued_at did not move",
        names.join(", ")
    ))
    .hint(format!(
        "every node trusts the old one. Set what changed back in {} (for a newer Kubernetes: `kubernetes` to the old \
         version), raise `generation` there, or say --replace-ca",
        tables.join(", ")
    ))
}

fn differs(path: &Path, difference: &str) -> Failure {
    Failure::says_no(format!("the build differs from {}: {difference}", path.display()))
}

/// The first thing that differs, the most telling first; `made_with` never counts.
fn locked_difference(old: &Lock, new: &Lock) -> Option<String> {
    let changes = changes(&of_lock(old), &of_lock(new));
    let change = changes.first().map(|change| match change.kind {
        ChangeKind::Added => format!("{} is new", change.id),
        ChangeKind::Removed => format!("{} is gone", change.id),
        ChangeKind::Changed => format!("{} changed: {}", change.id, changes::reasons(change).join("; ")),
    });
    // By then every value was compared by its name.
    let is_other = || new.parts != old.parts || new.keys != old.keys || new.certificates != old.certificates;
    let rest = || is_other().then(|| "its rows are others, or in another order".to_owned());
    change.or_else(|| value_difference(old, new)).or_else(rest)
}

fn value_difference(old: &Lock, new: &Lock) -> Option<String> {
    let (old, new) = (values(old), values(new));
    let by_name = |values: &[(String, String)]| values.iter().cloned().collect::<BTreeMap<_, _>>();
    let (locked, built) = (by_name(&old), by_name(&new));
    let changed = new.iter().find_map(|(what, after)| match locked.get(what) {
        None => Some(format!("{what} is new")),
        Some(before) => (before != after).then(|| format!("{what} {before} became {after}")),
    });
    let gone = || old.iter().find(|(what, _)| !built.contains_key(what)).map(|(what, _)| format!("{what} is gone"));
    changed.or_else(gone)
}

/// Every value that no change of a key's or certificate's shape explains. Hashes of the whole come last: whatever
/// changes, they change too.
fn values(lock: &Lock) -> Vec<(String, String)> {
    let head = [
        ("seed id", lock.seed_id.clone()),
        ("cluster", lock.cluster.clone()),
        ("cluster id", lock.cluster_id.clone()),
        ("signer", lock.signer.clone()),
        ("generation", lock.generation.to_string()),
        ("kubernetes", lock.kubernetes.clone()),
        ("profile format", lock.formats.profile.to_string()),
        ("derivation format", lock.formats.derivation.to_string()),
        ("certificate format", lock.formats.certificate.to_string()),
        ("bundle format", lock.formats.bundle.to_string()),
        ("profile", lock.profile_sha256.clone()),
    ];
    let keys = lock.keys.iter().map(|row| (format!("public key of {}", row.id), row.spki_sha256.clone()));
    let certificates = lock.certificates.iter().flat_map(|row| {
        let serial = (format!("serial of {}", row.id), row.serial.clone());
        [serial, (format!("certificate of {}", row.id), row.certificate_sha256.clone())]
    });
    let records = lock.parts.iter().flat_map(|row| {
        let part = &row.part;
        let files = row.files.iter().map(move |(path, outline)| (format!("{path} of {part}"), outline.clone()));
        let record = (format!("record of {part}"), row.record_sha256.clone());
        // A part that is new or gone is told before its files are.
        let generation = (format!("generation of {part}"), row.generation.to_string());
        [(format!("part {part}"), String::new())].into_iter().chain(files).chain([record, generation])
    });
    let whole = [("content", lock.content_sha256.clone()), ("bundle", lock.bundle_sha256.clone())];
    let named = |(name, value): (&str, String)| (name.to_owned(), value);
    let head = head.into_iter().map(named);
    head.chain(keys).chain(certificates).chain(records).chain(whole.into_iter().map(named)).collect()
}

fn refusal_failure(refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::OtherCluster { locked, built } => {
            Failure::cannot_run(format!("the lock is of cluster {locked}, the profile of {built}"))
                .hint("each cluster has a lock of its own; name it with --lock FILE")
        }
        Refusal::OtherSeed { locked, given } => Failure::cannot_run(format!(
            "this is another seed: the lock was made with seed id {locked}, this one is {given}"
        ))
        .hint("give the seed of the first build; --replace-seed gives the cluster another key everywhere"),
        Refusal::ChangedCa { .. } => changed_authorities(std::slice::from_ref(refusal)),
        Refusal::SameGeneration { part, generation } => Failure::cannot_run(format!(
            "the record of {part} would change at generation {generation}"
        ))
        .hint("raise `generation` in [cluster]; while nothing was carried to a node yet, --same-generation will do"),
        Refusal::LowerGeneration { part, locked, built } => {
            Failure::cannot_run(format!("the lock has {part} at generation {locked}, the profile is at {built}"))
                .hint("a generation never goes back: nodes would refuse it")
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_string()
}
