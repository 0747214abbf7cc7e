//! `csr`: writes the request for the certificate of a CA that somebody else signs.

use crate::cli::args::CsrArguments;
use crate::cli::command::build::read_profile;
use crate::cli::command::new_file::NewFile;
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::failure::Failure;
use crate::cli::input::sealed::Opener;
use crate::kubernetes::KeyId;
use crate::make;
use crate::profile::Profile;

/// The CA whose certificate may be an intermediate. What trusts the others holds the CA alone.
const INTERMEDIATE: &str = "cert-manager";

pub(crate) fn run(arguments: &CsrArguments) -> Result<String, Failure> {
    let name = arguments.ca.as_str();
    if name != INTERMEDIATE {
        return Err(Failure::cannot_run(format!(
            "what somebody else signs for [ca.{name}] is an intermediate, and this version adopts one for \
             [ca.{INTERMEDIATE}] alone"
        ))
        .hint("adopt the CA that runs, or let certferry make one: `certferry help existing-clusters`"));
    }
    let profile = read_profile(&arguments.profile)?;
    check(&profile)?;
    let weak = if arguments.allow_weak_seed { WeakSeed::Allowed } else { WeakSeed::Refused };
    let seed = seed_file::read(&arguments.seed, weak, &Opener::new(&arguments.open))?;
    let request = make::request(&profile, &seed, &KeyId::ca(INTERMEDIATE));
    let request = request.map_err(|error| Failure::defect(&error.to_string()))?.ok_or_else(no_such_ca)?;
    let Some(out) = arguments.file() else {
        return Ok(if arguments.dry_run { "-  the request, would be printed\n".to_owned() } else { request });
    };
    let new = NewFile { path: out, mode: 0o644, doing: "write", hint: "a request that exists is never overwritten" };
    if arguments.dry_run {
        return new.foreseen(request.as_bytes(), "the request");
    }
    new.write(request.as_bytes())?;
    Ok(format!(
        "{}  for the key of ca/{INTERMEDIATE}; not secret\nWhoever has the root signs it with its extensions; name the result \
         in `certificate` of [ca.{INTERMEDIATE}],\nand the root in `certificate` of [ca.tls]\n",
        out.display()
    ))
}

/// Refuses a profile in which the CA has another key than the derived one.
fn check(profile: &Profile) -> Result<(), Failure> {
    let cert_manager = profile.cert_manager.as_ref().ok_or_else(no_such_ca)?;
    match cert_manager.ca.adoption.as_ref().and_then(|adoption| adoption.key.as_ref()) {
        None => Ok(()),
        Some(key) => Err(Failure::cannot_run(format!("[ca.{INTERMEDIATE}] has a key of its own, {key}")).hint(
            format!("a request is for the key that the seed gives; `openssl req -new -key {key}` makes one for yours"),
        )),
    }
}

fn no_such_ca() -> Failure {
    Failure::cannot_run(format!("the profile has no CA [ca.{INTERMEDIATE}]")).hint("add [cert_manager]")
}
