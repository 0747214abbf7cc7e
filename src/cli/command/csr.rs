//! `csr`: writes the request for the certificate of a CA that somebody else signs.

use crate::adopted::{Wanted, wanted};
use crate::cli::args::CsrArguments;
use crate::cli::command::build::read_profile;
use crate::cli::command::new_file::NewFile;
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::failure::Failure;
use crate::cli::input::adopted_files;
use crate::cli::input::sealed::Opener;
use crate::kubernetes::KeyId;
use crate::make::{self, MakeError};
use crate::plan::plan;
use crate::profile::Profile;

pub(crate) fn run(arguments: &CsrArguments) -> Result<String, Failure> {
    let name = arguments.ca.as_str();
    let profile = read_profile(&arguments.profile)?;
    let id = profile_ca(&profile, name)?;
    let (request, of) = match wanted(&profile).into_iter().find(|wanted| wanted.id == id && wanted.key.is_some()) {
        None => (over_derived(arguments, &profile, &id)?, format!("for the key of {id}")),
        Some(wanted) => {
            let of = format!("for the key {} of {id}", wanted.key.as_deref().unwrap_or_default());
            (over_own(arguments, &profile, &wanted)?, of)
        }
    };
    let Some(out) = arguments.file() else {
        return Ok(if arguments.dry_run { "-  the request, would be printed\n".to_owned() } else { request });
    };
    let new = NewFile { path: out, mode: 0o644, doing: "write", hint: "a request that exists is never overwritten" };
    if arguments.dry_run {
        return new.foreseen(request.as_bytes(), "the request");
    }
    new.write(request.as_bytes())?;
    let then = match name {
        "cert-manager" => {
            "name the result in `certificate` of [ca.cert-manager],\nand the root in `certificate` of [ca.tls]"
                .to_owned()
        }
        _ => format!(
            "name the result in `certificate` of [ca.{name}],\nin one file with its issuers behind it, up to the root"
        ),
    };
    Ok(format!("{}  {of}; not secret\nWhoever has the root signs it with its extensions; {then}\n", out.display()))
}

/// Returns the request over the key that the seed gives.
fn over_derived(arguments: &CsrArguments, profile: &Profile, id: &KeyId) -> Result<String, Failure> {
    let Some(seed) = &arguments.seed else {
        return Err(Failure::cannot_run(format!("the key of {id} comes out of the seed, and none is named"))
            .hint("add `--seed FILE`"));
    };
    let weak = if arguments.allow_weak_seed { WeakSeed::Allowed } else { WeakSeed::Refused };
    made(make::request(profile, &seed_file::read(seed, weak, &Opener::new(&arguments.open))?, id))
}

/// Returns the request over the key of a file.
fn over_own(arguments: &CsrArguments, profile: &Profile, wanted: &Wanted) -> Result<String, Failure> {
    let (key, certificate) =
        adopted_files::read_own(&arguments.profile, wanted, arguments.allow_weak_seed, &Opener::new(&arguments.open))?;
    made(make::request_over(profile, &wanted.id, &key, certificate.as_ref()))
}

fn made(request: Result<Option<String>, MakeError>) -> Result<String, Failure> {
    let request = request.map_err(|error| Failure::defect(&error.to_string()))?;
    request.ok_or_else(|| Failure::defect("the plan has no such CA"))
}

/// Returns the id of a CA of the profile.
fn profile_ca(profile: &Profile, name: &str) -> Result<KeyId, Failure> {
    let is_it = |id: &KeyId| matches!(id, KeyId::Ca(own) if **own == *name);
    let plan = plan(profile);
    let found = plan.certificates.iter().find(|planned| planned.is_ca && is_it(&planned.key));
    found.map(|planned| planned.key.clone()).ok_or_else(|| {
        let hint = match name {
            "cert-manager" => "add [cert_manager]",
            "metallb" => "add [metallb]",
            "webhook" => "add a [[webhook]]",
            _ => "add a [[tls]], or [cert_manager]",
        };
        Failure::cannot_run(format!("the profile has no CA [ca.{name}]")).hint(hint)
    })
}
