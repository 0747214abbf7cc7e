//! `init`: writes a commented starter profile.

use std::io::Write;
use std::path::Path;

use crate::cli::args::InitArguments;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::source;
use crate::cli::text::problems;
use crate::cli::text::shell;
use crate::cli::text::starter;
use crate::host::{self, Outputs};
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
    let text = starter::profile(&starter)?;
    // The arguments may be wrong. The check of the profile finds that and says so.
    profile::parse(text.as_bytes()).map_err(|found| problems::failure("<starter>", text.as_bytes(), &found))?;
    let Some(file) = arguments.file.as_ref().filter(|file| !source::is_standard(file)) else { return Ok(text) };
    write(file, &text)?;
    Ok(format!(
        "{}\nEdit names and addresses, then: certferry build {} --new-seed {}.seed --out out\n",
        file.display(),
        shell::word(file),
        arguments.name()
    ))
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

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let mut outputs = Outputs::new();
    let mut staged = outputs.stage(file, 0o644, false).or_cannot("create", file)?;
    staged.write_all(text.as_bytes()).or_cannot("write", file)?;
    outputs.commit().map_err(|refused| {
        let failure = Failure::commit("create", &refused);
        match refused.error.kind() {
            std::io::ErrorKind::AlreadyExists => failure.hint("an existing profile is never overwritten"),
            _ => failure,
        }
    })
}
