//! `init`: writes a commented starter profile.

use crate::cli::args::InitArguments;
use crate::cli::command::new_file::NewFile;
use crate::cli::failure::Failure;
use crate::cli::text::problems;
use crate::cli::text::shell;
use crate::cli::text::starter;
use crate::host;
use crate::profile;

pub(crate) fn run(arguments: &InitArguments) -> Result<String, Failure> {
    let starter = arguments.starter(host::now().date().to_string()).map_err(|error| {
        Failure::cannot_run(error).hint("without --etcd external the members are on the control planes")
    })?;
    let text = starter::profile(&starter)?;
    // The arguments may be wrong. The check of the profile finds that and says so.
    profile::parse(text.as_bytes()).map_err(|found| problems::failure("<starter>", text.as_bytes(), &found))?;
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
