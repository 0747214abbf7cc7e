//! `build --dry-run`: says what a build would write, and refuses what it would refuse, before any key is derived.

use std::path::{Path, PathBuf};

use crate::bundle::Hex;
use crate::cli::args::{BuildArguments, OutputFormat};
use crate::cli::command::build_failure::cannot_make;
use crate::cli::command::slice_folder::cannot_write;
use crate::cli::command::{sealing, signing};
use crate::cli::failure::Failure;
use crate::cli::text::build_json::{self, Files};
use crate::cli::text::build_summary::{self, Places, archive_name};
use crate::cli::text::changes::Detail;
use crate::cli::text::sealing as sealing_text;
use crate::host;
use crate::lock::Lock;
use crate::make::{self, Comparison, Deviation, Objection, Permission, Request};
use crate::plan::Plan;

pub(crate) fn run(
    requests: &[Request<'_>],
    arguments: &BuildArguments,
    lock: PathBuf,
    new_seed: Option<&Path>,
    seals_seed: bool,
) -> Result<String, Failure> {
    let Some((request, earlier)) = requests.split_last() else { return Ok(String::new()) };
    for request in earlier {
        make::check(request).map_err(|error| cannot_make(&error, request, &arguments.out, &lock))?;
    }
    let plan = make::check(request).map_err(|error| cannot_make(&error, request, &arguments.out, &lock))?;
    let derivable = make::check_derivable(&plan, request.adopted, request.seed);
    derivable.map_err(|error| cannot_make(&error, request, &arguments.out, &lock))?;
    let is_partial = request.subset.is_some();
    let comparison = compared(request, &plan, &lock)?;
    let file_name = (!is_partial).then(|| archive_name(request.profile));
    let name = &request.profile.cluster.name;
    if let Some(slices) = &arguments.split {
        host::check_new_tree(slices).map_err(|error| cannot_write(slices, &error))?;
    }
    let mut places = Places {
        slices: arguments.split.clone(),
        seals_seed,
        ..Places::new(&arguments.out, file_name.as_deref(), name, lock)
    };
    sealing::place(&mut places, request.envelopes);
    let earlier = earlier.iter().filter(|_| !is_partial).map(|request| {
        let mut places = Places::new(&arguments.out, Some(&archive_name(request.profile)), name, places.lock.clone());
        sealing::place(&mut places, request.envelopes);
        places
    });
    places.phases = earlier.filter_map(|places| places.archive.zip(places.signature)).collect();
    signing::place(&mut places, request, arguments);
    if arguments.format.output == OutputFormat::Json {
        let files = Files::look(&places, new_seed);
        let files = (&files, places.is_sealed);
        return build_json::dry_run(&plan, is_partial, files, comparison.as_ref(), &sealing::changes(request));
    }
    let detail = if arguments.verbose { Detail::Full } else { Detail::Folded };
    Ok(sealing_text::changes(&sealing::changes(request), true)
        + &build_summary::of_dry_run(&plan, is_partial, comparison.as_ref(), &places, new_seed, detail))
}

/// Returns what a whole build changes against the lock, which says nothing about a part of it. Refuses what the build
/// would refuse.
fn compared(request: &Request<'_>, plan: &Plan<'_>, path: &Path) -> Result<Option<Comparison>, Failure> {
    let Some(lock) = request.lock.filter(|_| request.subset.is_none()) else { return Ok(None) };
    let comparison = Comparison::of_plan(lock, request.profile, plan);
    if request.permission == Permission::Locked
        && let Some(deviation) = deviation(request, lock, &comparison)
    {
        return Err(Failure::objection(&Objection::Differs(deviation), path));
    }
    let refusal = comparison.refusal(lock, plan).filter(|refusal| !request.permission.allows(refusal));
    match refusal {
        Some(refusal) => Err(Failure::refusal(&refusal)),
        None => Ok(Some(comparison)),
    }
}

/// Returns the first difference from the lock, which allows none.
fn deviation(request: &Request<'_>, lock: &Lock, comparison: &Comparison) -> Option<Deviation> {
    if let Some(change) = comparison.changes.first() {
        return Some(Deviation::Change(change.clone()));
    }
    let value = |(what, locked, built): &(&str, String, String)| Deviation::Value {
        what: what.to_lowercase(),
        locked: locked.clone(),
        built: built.clone(),
    };
    let (locked, built) = (lock.profile_sha256.clone(), Hex(request.profile.sha256).to_string());
    let profile = || (locked != built).then(|| Deviation::Value { what: "profile".to_owned(), locked, built });
    comparison.heads.first().map(value).or_else(profile)
}
