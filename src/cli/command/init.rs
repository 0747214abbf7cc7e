//! `init`: writes a commented starter profile.

use std::path::Path;

use super::init_from;
use crate::cli::args::InitArguments;
use crate::cli::command::new_file::NewFile;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::text::problems;
use crate::cli::text::shell;
use crate::cli::text::starter::{self, Starter};
use crate::host;
use crate::kubernetes::FILE_LIMIT;
use crate::profile;
use crate::x509::{ReadCertificate, read_pem};

pub(crate) fn run(arguments: &InitArguments) -> Result<String, Failure> {
    let mut starter = arguments.starter(host::now().date().to_string()).map_err(|error| {
        Failure::cannot_run(error).hint("without --etcd external the members are on the control planes")
    })?;
    for registry in starter.registries.iter_mut().filter(|registry| registry.root != "tls") {
        registry.root = root(Path::new(&registry.root))?;
    }
    if let Some(folder) = &arguments.out {
        // What is imported may lack something, and is no profile yet. Registries are the same in any.
        let others = Starter { name: "a".to_owned(), registries: starter.registries.clone(), ..starter };
        checked(&others)?;
        let registries = starter::registries(&others)?;
        let name = arguments.name.as_deref();
        return init_from::run(&arguments.from, folder, name, &registries, arguments.dry_run);
    }
    let text = checked(&starter)?;
    let Some(file) = arguments.written_file() else {
        return Ok(if arguments.dry_run { "-  a profile, would be printed\n".to_owned() } else { text });
    };
    let new = NewFile { path: file, mode: 0o644, doing: "create", hint: "an existing profile is never overwritten" };
    if arguments.dry_run {
        return new.foreseen(text.as_bytes(), "a profile");
    }
    new.write(text.as_bytes())?;
    Ok(format!(
        "{}\nEdit names and addresses, then: certferry build {} --new-seed {}.seed --out out\n",
        file.display(),
        shell::word(file),
        arguments.name()
    ))
}

/// Returns the profile. The arguments may be wrong: the check of the profile finds that and says so.
fn checked(starter: &Starter) -> Result<String, Failure> {
    let text = starter::profile(starter)?;
    profile::parse(text.as_bytes()).map_err(|found| problems::failure("<starter>", text.as_bytes(), &found))?;
    Ok(text)
}

/// Returns the certificates in a file, in PEM. Nothing else of it may get into a profile.
fn root(file: &Path) -> Result<String, Failure> {
    let content = host::read(file, FILE_LIMIT).or_cannot("read", file)?;
    let refuse = |reason: &str| {
        Failure::cannot_run(format!("{} {reason}", file.display())).hint(
            "--registry takes HOST=tls, or HOST=FILE with the certificate of the CA that signed the registry's, in PEM",
        )
    };
    match read_pem(&content) {
        Ok(contents) if contents.public_keys.is_empty() => {
            Ok(contents.certificates.iter().map(ReadCertificate::to_pem).collect())
        }
        Ok(_) => Err(refuse("holds a key beside certificates, or a key alone")),
        Err(error) => Err(refuse(&error.to_string())),
    }
}
