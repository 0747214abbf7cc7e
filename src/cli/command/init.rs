//! `init`: writes a commented starter profile.

use std::io::Write;
use std::path::Path;

use crate::cli::args::InitArguments;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::source;
use crate::cli::text::problems;
use crate::cli::text::shell;
use crate::host::{self, Outputs};
use crate::profile;
use crate::template::render as render_template;

const STARTER: &str = include_str!("../../../templates/starter.toml");
const NODE: &str = include_str!("../../../templates/starter-node.toml");

pub(crate) fn run(arguments: &InitArguments) -> Result<String, Failure> {
    let text = starter(arguments)?;
    // The arguments may be wrong. The check of the profile finds that and says so.
    profile::parse(text.as_bytes()).map_err(|found| problems::failure("<starter>", text.as_bytes(), &found))?;
    let Some(file) = arguments.file.as_ref().filter(|file| !source::is_standard(file)) else { return Ok(text) };
    write(file, &text)?;
    Ok(format!(
        "{}\nEdit names and addresses, then: certferry build {} --new-seed {}.seed --out out\n",
        file.display(),
        shell::word(file),
        arguments.name
    ))
}

fn starter(arguments: &InitArguments) -> Result<String, Failure> {
    let mut nodes = String::new();
    for number in 1..=arguments.control_planes {
        nodes += &node("cp", number, "control-plane", 10)?;
    }
    for number in 1..=arguments.nodes {
        nodes += &node("worker", number, "worker", 20)?;
    }
    let issued_at = host::now().date().to_string();
    let values = [
        ("name", arguments.name.as_str()),
        ("kubernetes", &arguments.kubernetes),
        ("issued_at", &issued_at),
        ("nodes", &nodes),
    ];
    rendered(STARTER, &values)
}

fn node(prefix: &str, number: u8, role: &str, first: u8) -> Result<String, Failure> {
    let (name, address) = (format!("{prefix}-{number}"), format!("192.168.1.{}", u16::from(first) + u16::from(number)));
    rendered(NODE, &[("name", &name), ("role", role), ("address", &address)])
}

fn rendered(template: &str, values: &[(&str, &str)]) -> Result<String, Failure> {
    match render_template(template, values) {
        Ok(text) => Ok(text.to_string()),
        Err(name) => Err(Failure::cannot_run(format!("the built-in template names an unknown value `{name}`"))),
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
