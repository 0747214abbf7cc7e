//! `build`: profile and seed become a signed bundle.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::ThreadPoolBuilder;

use crate::bundle::{ClusterId, Description, Head, Hex, WriteError, Writer, Written};
use crate::cli::args::BuildArguments;
use crate::cli::command::seed;
use crate::cli::failure::Failure;
use crate::cli::input::engine;
use crate::cli::input::lock_file;
use crate::cli::input::misplaced_secret;
use crate::cli::install_script;
use crate::cli::text::build_summary;
use crate::cli::text::bundle;
use crate::cli::text::problems;
use crate::cli::text::since_lock::SinceLock;
use crate::host::{self, Outputs};
use crate::issue::{Certificate, Issued, SerialKey, issue};
use crate::keys::{KeyRing, Label, PrimeTest, Seed, derive, wipe_stack};
use crate::kubernetes::{KeyId, PartName};
use crate::layout::{Made, lay_out};
use crate::lock::Lock;
use crate::plan::{Plan, PlannedPart, only, plan};
use crate::profile::{self, Profile};
use crate::sign::{PublicKey, SigningFailed};
use crate::verify::{Known, check_bundle};

/// Longer than any profile that [`profile::parse`] takes; it says so better than a reader could.
const PROFILE_LIMIT: u64 = 64 << 20;

/// What a build made, for the summary and the lock.
pub(crate) struct Built<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) profile: &'a Profile,
    pub(crate) keys: &'a KeyRing,
    pub(crate) certificates: &'a Issued,
    pub(crate) seed: &'a Seed,
    pub(crate) signer: PublicKey,
    pub(crate) records: Vec<(PartName, String)>,
    pub(crate) written: Written,
    /// Whether it was cut down by `--only`.
    pub(crate) is_partial: bool,
}

/// Where a build writes.
pub(crate) struct Places {
    pub(crate) archive: PathBuf,
    pub(crate) signature: PathBuf,
    pub(crate) public_key: PathBuf,
    pub(crate) install: install_script::Places,
    pub(crate) lock: PathBuf,
}

pub(crate) fn run(arguments: &BuildArguments) -> Result<String, Failure> {
    let profile = read_profile(&arguments.profile)?;
    if arguments.out.exists() && !arguments.out.is_dir() {
        // Known before an hour of work, not after it.
        return Err(Failure::io("write to", &arguments.out, &std::io::ErrorKind::NotADirectory.into()));
    }
    let lock_path = arguments.lock.clone().unwrap_or_else(|| lock_file::default_path(&arguments.profile));
    let old_lock = lock_file::read(&lock_path)?;
    if arguments.locked && old_lock.is_none() {
        return Err(Failure::cannot_run(format!("--locked, but there is no lock {}", lock_path.display()))
            .hint("the first build writes it; name another with --lock FILE"));
    }
    if let Some(old) = &old_lock {
        let name = &profile.cluster.name;
        match arguments.locked {
            true => lock_file::check_same_cluster(old, name, &lock_path)?,
            false => lock_file::check_cluster(old, name, &lock_path)?,
        }
    }
    if !arguments.only.is_empty() && old_lock.is_none() {
        return Err(Failure::cannot_run(format!("--only, but there is no lock {}", lock_path.display()))
            .hint("a partial bundle goes beside a whole one: build that first, or name its lock with --lock FILE"));
    }
    let (seed, new_seed_file) = take_seed(arguments)?;
    if new_seed_file == Some(lock_path.as_path()) {
        return Err(Failure::cannot_run(format!("{} cannot be both the seed and the lock", lock_path.display())));
    }
    if let Some(old) = &old_lock {
        lock_file::check_seed(old, &seed, arguments, &lock_path)?;
    }
    let threads = arguments.threads.map_or(0, usize::from);
    let pool = ThreadPoolBuilder::new().num_threads(threads).exit_handler(|_| wipe_stack()).build();
    let pool = pool.map_err(|error| Failure::cannot_run(format!("cannot start threads: {error}")))?;
    let build = || build(&profile, &seed, arguments, lock_path, old_lock.as_ref(), new_seed_file);
    let built = pool.install(build);
    wipe_stack();
    built
}

pub(crate) fn read_profile(path: &Path) -> Result<Profile, Failure> {
    let source = host::read(path, PROFILE_LIMIT).map_err(|error| {
        let failure = Failure::io("read the profile", path, &error);
        match error.kind() {
            std::io::ErrorKind::NotFound => failure.hint("`certferry init FILE` writes one to begin with"),
            _ => failure,
        }
    })?;
    misplaced_secret::refuse_content(path, &source, "a profile")?;
    let name = path.display().to_string();
    let parsed = profile::parse(&source).map_err(|found| problems::failure(&name, &source, &found))?;
    if !parsed.warnings.is_empty() {
        host::tell(&problems::render(&name, &source, &parsed.warnings));
    }
    Ok(parsed.profile)
}

/// The seed, and where to write it when it is new.
fn take_seed(arguments: &BuildArguments) -> Result<(Seed, Option<&Path>), Failure> {
    if let Some(file) = &arguments.new_seed {
        seed::check_new(file)?;
    }
    match (&arguments.seed, &arguments.new_seed) {
        (Some(file), _) => Ok((seed::read(file)?, None)),
        (None, Some(file)) if file.symlink_metadata().is_ok() => Ok((seed::read(file)?, None)),
        (None, Some(file)) if arguments.locked => {
            Err(Failure::cannot_run(format!("--locked, but there is no seed {}", file.display()))
                .hint("a rebuild needs the seed of the first build; give it with --seed FILE"))
        }
        (None, Some(file)) => Ok((seed::random()?, Some(file))),
        (None, None) => Err(Failure::cannot_run("no seed given").hint("give --seed FILE or --new-seed FILE")),
    }
}

fn build(
    profile: &Profile,
    seed: &Seed,
    arguments: &BuildArguments,
    lock_path: PathBuf,
    old_lock: Option<&Lock>,
    new_seed_file: Option<&Path>,
) -> Result<String, Failure> {
    let whole = plan(profile);
    let is_partial = !arguments.only.is_empty();
    // Not freed, as certificates and lock below: that takes a fifth of a second for 10,000 nodes, and the process ends here.
    let plan = ManuallyDrop::new(if is_partial { cut(&whole, arguments)? } else { whole });
    if let Some(old) = old_lock {
        lock_file::check_plan(old, &plan, seed, arguments)?;
    }
    let engine = engine::chosen()?;
    let keys = derive_keys(&plan, seed, &*engine.test, arguments)?;
    let serial_key = SerialKey::new(seed.serial_key(&plan.cluster));
    let certificates = issue(&plan, &keys, &serial_key, &*engine.test)
        .map_err(|error| Failure::defect(&format!("certificates: {error:?}")))?;
    let certificates = ManuallyDrop::new(certificates);
    let signer = keys.get(&KeyId::BundleSigner).ok_or_else(|| Failure::defect("the plan has no signer"))?;
    let signer_public =
        PublicKey::from_der(signer.spki_der()).map_err(|error| Failure::defect(&format!("signer: {error:?}")))?;
    let made = Made { keys: &keys, certificates: &certificates, profile: &profile.source };
    let planned = in_archive_order(&plan);
    // Laid out anew for each pass: all at once would be ten kilobytes a node.
    let part = |number: usize| {
        lay_out(planned[number], &made).map_err(|error| WriteError::Making(format!("layout: {error:?}")))
    };
    let description =
        Description { head: head(&plan, seed)?, partial: is_partial, profile_sha256: Hex(profile.sha256) };
    let writer = Writer::prepare(description, planned.len(), part)
        .map_err(|error| bundle::write_failure(&arguments.out, &error))?;
    let places = Places {
        signature: arguments.out.join(format!("{}.sig", writer.file_name())),
        archive: arguments.out.join(writer.file_name()),
        public_key: arguments.out.join(format!("{}.pub", plan.cluster)),
        install: install_script::Places::new(&arguments.out),
        lock: lock_path,
    };

    let mut outputs = Outputs::new();
    outputs.create_folder(&arguments.out).map_err(|error| Failure::io("create", &arguments.out, &error))?;
    let mut archive = stage(&mut outputs, &places.archive, 0o600, false)?;
    let sign = |message: &[u8]| signer.sign(message).map_err(|_| SigningFailed);
    let written = writer
        .write(&sign, BufWriter::new(&mut archive))
        .map_err(|error| bundle::write_failure(&places.archive, &error))?;
    let known = Known::made(certificates.iter().map(Certificate::signature), keys.iter().map(|(_, key)| key.digest()));
    let built = Built {
        plan: &plan,
        profile,
        keys: &keys,
        certificates: &certificates,
        seed,
        signer: signer_public,
        records: writer.index().parts.iter().map(|(part, sha256)| (part.clone(), sha256.to_string())).collect(),
        written,
        is_partial,
    };
    // The lock's text is long, and made by one thread: beside the check, which has work for all.
    let (checked, (made, text)) = rayon::join(
        || check_written(archive, &built.signer, &plan, &known, &places.archive),
        || {
            let made = ManuallyDrop::new(lock_file::make(&built));
            let text = made.to_toml();
            (made, text)
        },
    );
    checked?;
    let (merged, changes) = lock_file::check(old_lock, &made, arguments, &places.lock)?;
    let since = old_lock.map(|old| SinceLock::of_build(old, &made, &built, changes));
    let signature = signer
        .sign_sha256(&built.written.file_sha256.0)
        .map_err(|error| Failure::defect(&format!("outer signature: {error:?}")))?;
    put(&mut outputs, &places.signature, &signature, 0o644, false)?;
    put(&mut outputs, &places.public_key, built.signer.to_pem().as_bytes(), 0o644, false)?;
    if !arguments.locked {
        let folder = places.lock.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            outputs.create_folder(folder).map_err(|error| Failure::io("create", folder, &error))?;
        }
        let text = merged.map_or(text, |merged| merged.to_toml());
        put(&mut outputs, &places.lock, text.as_bytes(), 0o644, true)?;
    }
    install_script::stage(&mut outputs, &places.install, &built.signer, |script| {
        signer.sign(script).map_err(|error| Failure::defect(&format!("signature of install.sh: {error:?}")))
    })?;
    outputs.check().map_err(|(path, error)| cannot_place(&path, &error))?;
    // The seed first: a bundle without its seed could never be rebuilt, a seed without a bundle does no harm.
    if let Some(file) = new_seed_file {
        seed::create(file, seed)?;
    }
    outputs.commit().map_err(|(path, error)| cannot_place(&path, &error))?;
    if arguments.quiet {
        Ok(String::new())
    } else {
        Ok(build_summary::of_build(&built, &places, new_seed_file, since.as_ref()))
    }
}

/// The plan for what `--only` names.
fn cut(whole: &Plan, arguments: &BuildArguments) -> Result<Plan, Failure> {
    only(whole, &arguments.only, arguments.with_cluster).map_err(|unknown| {
        Failure::cannot_run(format!("--only: the profile has no node {}", unknown.join(", ")))
            .hint("`certferry plan PROFILE --verbose` lists the nodes")
    })
}

fn stage(outputs: &mut Outputs, path: &Path, mode: u32, replace: bool) -> Result<File, Failure> {
    outputs.stage(path, mode, replace).map_err(|error| Failure::io("write", path, &error))
}

/// Stages a file that is no secret.
pub(crate) fn put(outputs: &mut Outputs, path: &Path, bytes: &[u8], mode: u32, replace: bool) -> Result<(), Failure> {
    let mut file = stage(outputs, path, mode, replace)?;
    file.write_all(bytes).map_err(|error| Failure::io("write", path, &error))
}

/// Reads the archive back as a node will: signatures, hashes, chains, key pairs. What fails here was never written. Of
/// what is known, a certificate's signature is not checked again, nor whether the numbers of one private key belong together.
fn check_written(mut archive: File, key: &PublicKey, plan: &Plan, known: &Known, path: &Path) -> Result<(), Failure> {
    archive.rewind().map_err(|error| Failure::io("read", path, &error))?;
    let at = plan.issued_at.midnight().assume_utc();
    let read = check_bundle(BufReader::new(archive), key, at, None, known);
    let read = read.map_err(|error| Failure::defect(&format!("the bundle does not verify: {error:?}")))?;
    match read.findings.iter().find(|finding| !finding.fault.is_about_time() && !finding.fault.is_warning()) {
        Some(finding) => Err(Failure::defect(&format!("the bundle does not verify: {finding:?}"))),
        None => Ok(()),
    }
}

fn derive_keys(
    plan: &Plan,
    seed: &Seed,
    engine: &dyn PrimeTest,
    arguments: &BuildArguments,
) -> Result<KeyRing, Failure> {
    let labels: Vec<_> =
        plan.keys.iter().map(|key| Label::new(&plan.cluster, &key.id, key.algorithm, key.generation)).collect();
    let bar = if arguments.quiet { ProgressBar::hidden() } else { ProgressBar::new(labels.len() as u64) };
    if let Ok(style) = ProgressStyle::with_template("deriving keys {bar:30} {pos}/{len}, {eta} left") {
        bar.set_style(style);
    }
    let threads = arguments.threads.and_then(|threads| NonZeroUsize::new(threads.into()));
    let keys = derive(engine, seed, &labels, threads, &|_| bar.inc(1));
    bar.finish_and_clear();
    keys.map_err(|error| Failure::defect(&format!("keys: {error:?}")))
}

/// Nodes bytewise by name, then the cluster's part.
fn in_archive_order(plan: &Plan) -> Vec<&PlannedPart> {
    let mut parts: Vec<_> = plan.parts.iter().collect();
    parts.sort_by_cached_key(|part| part.recipient.part());
    parts
}

fn head(plan: &Plan, seed: &Seed) -> Result<Head, Failure> {
    let cluster_id = seed.cluster_id(&plan.cluster);
    let cluster_id = ClusterId::parse(&cluster_id).ok_or_else(|| Failure::defect("the cluster id is not hex"))?;
    Ok(Head {
        cluster: plan.cluster.clone(),
        cluster_id,
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        issued_at: plan.issued_at,
    })
}

fn cannot_place(path: &Path, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        return Failure::cannot_run(format!("{} exists with other bytes", path.display())).hint(
            "raise `generation` in [cluster], or write to another folder with --out; a bundle is never overwritten",
        );
    }
    Failure::io("write", path, error)
}
