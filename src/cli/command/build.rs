//! `build`: makes a signed bundle from a profile and a seed.

use std::collections::BTreeSet;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::ThreadPoolBuilder;

use crate::bundle::sealed;
use crate::cli::args::{BuildArguments, OutputFormat};
use crate::cli::command::build_failure::cannot_make;
use crate::cli::command::draft::Draft;
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::command::seed_keeping::Keep;
use crate::cli::command::signing::{self, Chosen};
use crate::cli::command::slice_folder::SliceFolder;
use crate::cli::command::{build_dry_run, install_script, sealing};
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::adopted_files::{self, Keys};
use crate::cli::input::sealed::Opener;
use crate::cli::input::{engine, lock_file, misplaced_secret, source};
use crate::cli::text::build_json::{self, Files};
use crate::cli::text::build_summary::{self, Places, archive_name};
use crate::cli::text::changes::Detail;
use crate::cli::text::problems;
use crate::cli::text::sealing as sealing_text;
use crate::host::{CommitError, Outputs};
use crate::keys::{Seed, wipe_stack};
use crate::make::{
    self, BuildError, Comparison, Derivation, Made, Permission, Progress, Request, Signing, Subset, check_lock,
};
use crate::profile::{self, Profile};

/// The most bytes that are read of a profile. The limit is above that of [`profile::parse`], whose message is better
/// than one about reading.
const PROFILE_LIMIT: u64 = 64 << 20;

/// The mode of the folder for the bundle, because there are keys in it.
const OUT_MODE: u32 = 0o700;

pub(crate) fn run(arguments: &BuildArguments) -> Result<String, Failure> {
    let profile = read_profile(&arguments.profile)?;
    let keys = Keys::Needed { allow_weak: arguments.allow_weak_seed };
    let opener = Opener::new(&arguments.open);
    let (profile, adopted) = adopted_files::read(profile, &arguments.profile, keys, Some(&opener))?;
    if arguments.out.exists() && !arguments.out.is_dir() {
        // Found before an hour of work, and not after it.
        return Err(Failure::io("write to", &arguments.out, &io::ErrorKind::NotADirectory.into()));
    }
    let lock_path = lock_file::path(arguments.lock.as_deref(), &arguments.profile)?;
    if source::is_standard(&arguments.out) {
        return Err(Failure::cannot_run("a build is several files, and --out their folder")
            .hint("`certferry split --out -` prints one part"));
    }
    let signer = Chosen::new(&profile, arguments, &opener, &lock_path)?;
    let mut outputs = Outputs::new();
    if !arguments.dry_run {
        claim(&mut outputs, arguments, &lock_path)?;
    }
    let old_lock = lock_file::read(&lock_path)?;
    if arguments.locked && old_lock.is_none() {
        return Err(Failure::cannot_run(format!("--locked, but there is no lock {}", lock_path.display()))
            .hint("the first build writes it; name another with --lock FILE"));
    }
    let permission = permission(arguments);
    if let Some(old) = &old_lock {
        let checked = check_lock(old, &profile.cluster.name, permission);
        checked.map_err(|objection| Failure::objection(&objection, &lock_path))?;
    }
    if !arguments.only.is_empty() && old_lock.is_none() {
        return Err(Failure::cannot_run(format!("--only, but there is no lock {}", lock_path.display()))
            .hint("a partial bundle goes beside a whole one: build that first, or name its lock with --lock FILE"));
    }
    let envelopes = sealing::wanted(arguments, &profile, old_lock.as_ref())?;
    let (seed, new_seed_file) = take_seed(arguments, &opener)?;
    if new_seed_file == Some(lock_path.as_path()) {
        return Err(Failure::cannot_run(format!("{} cannot be both the seed and the lock", lock_path.display())));
    }
    if let Some(file) = new_seed_file.filter(|_| !arguments.dry_run) {
        // It is the first to be placed: a bundle without its seed could never be rebuilt.
        seed_file::stage(&mut outputs, file, &keep(arguments).text(file, &seed)?)?;
    }
    let phases = make::in_phases(&profile, &adopted);
    if phases.len() > 1 {
        refuse_beside_phases(arguments)?;
    }
    let engine = engine::chosen()?;
    let threads = arguments.threads.and_then(|threads| NonZeroUsize::new(threads.into()));
    let derivation = Derivation { engine: &*engine.test, threads, progress: &|_| {} };
    let rotation = make::rotation(&profile, &seed, &adopted, derivation);
    let rotation = rotation.map_err(|error| Failure::make(&error, &arguments.out, &lock_path))?;
    let request = |(profile, adopted)| Request {
        profile,
        seed: &seed,
        adopted,
        lock: old_lock.as_ref(),
        subset: (!arguments.only.is_empty())
            .then_some(Subset { nodes: &arguments.only, with_cluster: arguments.with_cluster }),
        permission,
        rotation: rotation.as_ref(),
        signing: signer.signing(),
        envelopes: envelopes.as_ref(),
        // Of what is sealed, the envelopes are signed.
        signs_slices: arguments.split.is_some() && envelopes.is_none(),
    };
    let requests: Vec<_> = phases.values().map(|(profile, adopted)| request((profile, adopted))).collect();
    if arguments.dry_run {
        return build_dry_run::run(&requests, arguments, lock_path, new_seed_file, keep(arguments).word().is_some());
    }
    // Now, because it may be refused.
    let slices = arguments.split.as_deref().map(|out| SliceFolder::begin(out, BTreeSet::new())).transpose()?;
    let threads = arguments.threads.map_or(0, usize::from);
    let pool = ThreadPoolBuilder::new().num_threads(threads).exit_handler(|_| wipe_stack()).build();
    let pool = pool.map_err(|error| Failure::cannot_run(format!("cannot start threads: {error}")))?;
    let built = pool.install(|| build(&requests, arguments, (outputs, slices), lock_path, new_seed_file));
    wipe_stack();
    built
}

/// Claims the folder and the lock, so that of two builds at once one ends before anything is read that the other
/// changes. A build with `--locked` or `--unsigned` leaves the lock as it is.
fn claim(outputs: &mut Outputs, arguments: &BuildArguments, lock: &Path) -> Result<(), Failure> {
    let taken = |what: &str, path: &Path| {
        Failure::cannot_run(format!("another certferry is building {what} {}", path.display()))
            .hint("wait for it to end; nothing was changed")
    };
    let out = &arguments.out;
    outputs.create_folder(out, OUT_MODE).or_cannot("create", out)?;
    if !outputs.claim_folder(out, OUT_MODE).or_cannot("lock", out)? {
        return Err(taken("into", out));
    }
    if arguments.locked || arguments.unsigned.is_some() {
        return Ok(());
    }
    let folder = lock.parent().filter(|folder| !folder.as_os_str().is_empty());
    let cannot = |doing: &str, path: &Path, error: io::Error| match error.kind() {
        io::ErrorKind::NotADirectory => Failure::io("read the lock", lock, &error),
        _ => Failure::io(doing, path, &error),
    };
    if let Some(folder) = folder {
        outputs.create_folder(folder, 0o755).map_err(|error| cannot("create", folder, error))?;
    }
    match outputs.claim_file(lock).map_err(|error| cannot("write", lock, error))? {
        true => Ok(()),
        false => Err(taken("over", lock)),
    }
}

/// Returns what the arguments allow the build to change.
fn permission(arguments: &BuildArguments) -> Permission {
    if arguments.locked {
        return Permission::Locked;
    }
    let BuildArguments { replace_seed, replace_signer, replace_ca, same_generation, .. } = *arguments;
    let replace_recipients = arguments.seal.replace_recipients;
    Permission::Words { replace_seed, replace_signer, replace_ca, same_generation, replace_recipients }
}

pub(crate) fn read_profile(path: &Path) -> Result<Profile, Failure> {
    let source = source::read(path, PROFILE_LIMIT).map_err(|error| {
        let failure = Failure::io("read the profile", path, &error);
        match error.kind() {
            io::ErrorKind::NotFound => failure.hint("`certferry init FILE` writes one to begin with"),
            _ => failure,
        }
    })?;
    misplaced_secret::refuse_content(path, &source, "a profile")?;
    let name = named(path);
    let parsed = profile::parse(&source).map_err(|found| problems::failure(&name, &source, &found))?;
    if !parsed.warnings.is_empty() {
        problems::warn(&name, &source, &parsed.warnings);
    }
    Ok(parsed.profile)
}

/// Returns the seed, and the file to write it to when it is new.
fn take_seed<'a>(arguments: &'a BuildArguments, opener: &Opener<'_>) -> Result<(Seed, Option<&'a Path>), Failure> {
    let weak = if arguments.allow_weak_seed { WeakSeed::Allowed } else { WeakSeed::Refused };
    if let Some(file) = &arguments.new_seed {
        seed_file::check_new(file)?;
        keep(arguments).recipients()?;
    }
    if arguments.new_seed.is_none() && (arguments.clear.plain || !arguments.clear.recipient.is_empty()) {
        let option = if arguments.clear.plain { "--plain" } else { "--recipient" };
        return Err(Failure::cannot_run(format!(
            "{option} says how a new seed is kept, and --seed is one that is there"
        ))
        .hint(
            "to whom the parts of the bundle are sealed say --to, --cluster-to, --also-to, or `[seal]` of the profile",
        ));
    }
    match (&arguments.seed, &arguments.new_seed) {
        (Some(file), _) => Ok((seed_file::read(file, weak, opener)?, None)),
        (None, Some(file)) if file.symlink_metadata().is_ok() => Ok((seed_file::read(file, weak, opener)?, None)),
        (None, Some(file)) if arguments.locked => {
            Err(Failure::cannot_run(format!("--locked, but there is no seed {}", file.display()))
                .hint("a rebuild needs the seed of the first build; give it with --seed FILE"))
        }
        (None, Some(file)) => {
            seed_file::check_place(file, weak)?;
            Ok((seed_file::random()?, Some(file)))
        }
        (None, None) => Err(Failure::cannot_run("no seed given").hint("give --seed FILE or --new-seed FILE")),
    }
}

/// Returns how the arguments want a new seed to be kept.
fn keep(arguments: &BuildArguments) -> Keep<'_> {
    Keep::new(arguments.open.passphrase_file.as_deref(), "--passphrase-file", &arguments.clear)
}

fn build(
    requests: &[Request<'_>],
    arguments: &BuildArguments,
    (mut outputs, slices): (Outputs, Option<SliceFolder<'_>>),
    lock: PathBuf,
    new_seed_file: Option<&Path>,
) -> Result<String, Failure> {
    let is_json = arguments.format.output == OutputFormat::Json;
    let Some((request, earlier)) = requests.split_last() else { return Ok(String::new()) };
    let (mut phases, mut further) = (Vec::new(), Vec::new());
    for request in earlier {
        let (made, places, _) = build_one(request, arguments, &mut outputs, None, &lock)?;
        if let (Some(path), Some(signature)) = (&places.signature, &made.signature) {
            outputs.put(path, signature, 0o644, false).or_cannot("write", path)?;
        }
        phases.push(made.locked_phase());
        further.extend(places.archive.zip(places.signature));
    }
    let (mut made, mut places, slices) = build_one(request, arguments, &mut outputs, slices, &lock)?;
    if !phases.is_empty() {
        phases.push(made.locked_phase());
        made.keep_phases(request.lock, phases);
    }
    places.phases = further;
    if let Some(to_sign) = made.to_sign.take() {
        return signing::end_unsigned(&mut made, (request, arguments, &to_sign), outputs, places, new_seed_file);
    }
    stage_beside(&mut outputs, &places, &made, arguments.locked)?;
    if let Some(file) = new_seed_file {
        places.gitignore = seed_file::stage_gitignore(&mut outputs, file)?;
    }
    let before = is_json.then(|| Files::look(&places, new_seed_file));
    outputs
        .commit()
        .map_err(|refused| cannot_place(&refused, new_seed_file, || sealing::interrupted(&places, request)))?;
    if let Some(slices) = slices {
        // When it fails, the bundle is taken back, too.
        slices.commit()?;
    }
    if arguments.quiet && !is_json {
        return Ok(String::new());
    }
    // They are written, and the comparison takes as much room.
    (made.lock.keys, made.lock.certificates) = (Vec::new(), Vec::new());
    let comparison = made.since.take().map(|since| Comparison::of_build(since, &made.plan));
    if let Some(before) = before {
        let now = Files::look(&places, new_seed_file);
        let (signer, content_sha256) = (made.signer.fingerprint().to_string(), made.content_sha256.to_string());
        let result = build_json::Result { signer, content_sha256: Some(content_sha256) };
        let files = (&places, &before, &now);
        return build_json::done(
            &made.plan,
            made.is_partial,
            files,
            result,
            comparison.as_ref(),
            &sealing::changes(request),
        );
    }
    let detail = if arguments.verbose { Detail::Full } else { Detail::Folded };
    let recipients = sealing_text::changes(&sealing::changes(request), true);
    let text = build_summary::of_build(&made, comparison.as_ref(), &places, new_seed_file, detail);
    Ok(recipients + &text + &signing::compared(request, &made))
}

/// A bundle that is staged, where its files go, and its slices.
type Staged<'a, 'o> = (ManuallyDrop<Made<'a, Draft>>, Places, Option<SliceFolder<'o>>);

/// Makes the bundle of one phase, or the only one, and stages it.
fn build_one<'a, 'o>(
    request: &Request<'a>,
    arguments: &BuildArguments,
    outputs: &mut Outputs,
    slices: Option<SliceFolder<'o>>,
    lock: &Path,
) -> Result<Staged<'a, 'o>, Failure> {
    let engine = engine::chosen()?;
    let is_json = arguments.format.output == OutputFormat::Json;
    let bar = if arguments.quiet || is_json { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let progress = |progress| show(&bar, progress);
    let threads = arguments.threads.and_then(|threads| NonZeroUsize::new(threads.into()));
    let derivation = Derivation { engine: &*engine.test, threads, progress: &progress };
    let named_so = archive_name(request.profile);
    // The name of a partial bundle is known at the end.
    let named = |name: &str| match request.envelopes {
        None => arguments.out.join(name),
        Some(_) => arguments.out.join(sealing::file_name(name)),
    };
    let mut archive = match request.subset {
        None => named(&named_so),
        Some(_) => arguments.out.clone(),
    };
    // Nobody signed it, so it is looked at and dropped; or what is written is sealed.
    let is_hidden = matches!(request.signing, Signing::Nobody { .. }) || request.envelopes.is_some();
    let scratch = |outputs: &mut Outputs, archive: &Path| {
        Draft::new(outputs.scratch(&arguments.out).or_cannot("write", archive)?, is_hidden)
    };
    let body = scratch(outputs, &archive);
    let made = make::build(
        request,
        derivation,
        || body,
        |name| {
            archive = named(name);
            if is_hidden {
                return scratch(outputs, &archive);
            }
            Draft::new(outputs.stage(&archive, 0o600, false).or_cannot("write", &archive)?, false)
        },
    );
    bar.finish_and_clear();
    let made = made.map_err(|error| match error {
        BuildError::Create(failure) => failure,
        BuildError::Make(error) => cannot_make(&error, request, &archive, lock),
    })?;
    // This is not freed, because that takes a fifth of a second for 10,000 nodes and the process ends here. It holds no
    // secret.
    let mut made = ManuallyDrop::new(made);
    let mut places = Places {
        slices: arguments.split.clone(),
        seals_seed: keep(arguments).word().is_some(),
        ..Places::new(&arguments.out, Some(&made.file_name), &made.plan.cluster, lock.to_owned())
    };
    sealing::place(&mut places, request.envelopes);
    signing::place(&mut places, request, arguments);
    if made.to_sign.is_some() {
        return Ok((made, places, slices));
    }
    let slices = match request.envelopes {
        None => slices.map(|slices| cut_slices(slices, &mut made, &archive)).transpose()?,
        Some(envelopes) => {
            let mut slices = slices;
            sealing::stage(outputs, (&mut made, envelopes, request), &archive, slices.as_mut())?;
            slices
        }
    };
    signing::stage_checksum(outputs, &places, &made)?;
    Ok((made, places, slices))
}

/// Refuses what makes one file of one bundle, where there are three.
fn refuse_beside_phases(arguments: &BuildArguments) -> Result<(), Failure> {
    let refused = |option: &str, hint: &str| {
        let what = format!("{option} with a profile that rotates: there are three bundles, one of each phase");
        Err(Failure::cannot_run(what).hint(hint))
    };
    if arguments.unsigned.is_some() || arguments.signatures.is_some() {
        let option = if arguments.unsigned.is_some() { "--unsigned" } else { "--signatures" };
        return refused(option, "have the signer's private key at hand for this build: --signer FILE");
    }
    match arguments.split.is_some() {
        true => refused("--split", "`certferry split BUNDLE` cuts each of them afterwards, sealed or not"),
        false => Ok(()),
    }
}

/// Shows how far a build is, and with what.
fn show(bar: &ProgressBar, progress: Progress) {
    let (step, form) = match progress {
        Progress::Keys { .. } => ("making keys and certificates", "{msg} {bar:30} {percent}%, {eta} left"),
        Progress::Writing => ("writing the bundle", "{msg}"),
        Progress::Checking => ("checking the bundle as a node will", "{msg}"),
    };
    if bar.message() != step {
        if let Ok(style) = ProgressStyle::with_template(form) {
            // On every terminal: a bar of blocks is for those in UTF-8 alone.
            bar.set_style(style.progress_chars("#>-"));
        }
        bar.set_message(step);
    }
    if let Progress::Keys { cost, of } = progress {
        bar.set_length(of);
        bar.inc(cost);
    }
}

/// Cuts a slice for each part, and puts its signature and the signer's public key beside it, so that its folder is all
/// that goes to a node.
fn cut_slices<'a>(
    mut slices: SliceFolder<'a>,
    made: &mut Made<'_, Draft>,
    archive: &Path,
) -> Result<SliceFolder<'a>, Failure> {
    made.output.rewind().or_cannot("read", archive)?;
    slices.cut(archive, BufReader::new(&mut made.output))?;
    let signatures = &made.slice_signatures;
    slices.put_beside(|part, name| Some((format!("{name}.sig"), signatures.get(part)?.as_slice())))?;
    let (name, key) = (format!("{}.pub", made.plan.cluster), made.signer.to_pem());
    slices.put_beside(|_, _| Some((name.clone(), key.as_bytes())))?;
    slices.complete()?;
    Ok(slices)
}

/// Stages the files that go beside the archive. With `is_locked`, the lock stays as it is.
fn stage_beside(
    outputs: &mut Outputs,
    places: &Places,
    made: &Made<'_, Draft>,
    is_locked: bool,
) -> Result<(), Failure> {
    if let (Some(path), Some(signature)) = (&places.signature, &made.signature) {
        outputs.put(path, signature, 0o644, false).or_cannot("write", path)?;
    }
    outputs
        .put(&places.public_key, made.signer.to_pem().as_bytes(), 0o644, false)
        .or_cannot("write", &places.public_key)?;
    if !is_locked {
        let write = |file| {
            let mut file = BufWriter::new(file);
            made.lock.write_toml(&mut file)?;
            file.flush()
        };
        outputs.stage(&places.lock, 0o644, true).and_then(write).or_cannot("write", &places.lock)?;
    }
    let Some(signature) = &made.install_signature else { return Ok(()) };
    install_script::stage(outputs, places, &made.signer, signature)
}

fn cannot_place(
    refused: &CommitError,
    new_seed_file: Option<&Path>,
    interrupted: impl Fn() -> Option<String>,
) -> Failure {
    let CommitError { path, error, left } = refused;
    if Some(path.as_path()) == new_seed_file {
        return seed_file::cannot_create(Failure::commit("create", refused), error);
    }
    if error.kind() == io::ErrorKind::AlreadyExists && left.is_empty() {
        if path.to_string_lossy().contains(sealed::ENDING) {
            let failure = Failure::cannot_run(format!("{} exists, with other envelopes", path.display()));
            return failure.hint(interrupted().unwrap_or_else(|| {
                "no two envelopes are the same: take what is there, raise `generation` in [cluster], or write to another \
                 folder with --out"
                    .to_owned()
            }));
        }
        return Failure::cannot_run(format!("{} exists with other bytes", path.display())).hint(
            "raise `generation` in [cluster], or write to another folder with --out; a bundle is never overwritten",
        );
    }
    Failure::commit("write", refused)
}
