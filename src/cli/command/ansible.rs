//! `ansible`: writes out the collection for Ansible that travels inside the program.

use crate::cli::failure::Failure;
use crate::cli::fleet_args::AnsibleArguments;
use crate::cli::text::shell;
use crate::host::{self, TreeEntry};
use crate::survey::SCRIPT;

/// A file of the collection, from its folder on.
macro_rules! file {
    ($path:literal) => {
        (
            concat!("ansible_collections/certferry/fleet/", $path),
            include_str!(concat!("../../../templates/ansible/", $path)),
        )
    };
}

/// Every file that is written: its path and its text.
const FILES: &[(&str, &str)] = &[
    ("ansible.cfg", include_str!("../../../templates/ansible/ansible.cfg")),
    file!("README.md"),
    file!("galaxy.yml"),
    file!("meta/runtime.yml"),
    file!("playbooks/apply.yml"),
    file!("playbooks/distribute.yml"),
    file!("playbooks/rollback.yml"),
    file!("playbooks/status.yml"),
    file!("playbooks/survey.yml"),
    file!("roles/node/defaults/main.yml"),
    file!("roles/node/meta/main.yml"),
    file!("roles/node/tasks/apply.yml"),
    file!("roles/node/tasks/distribute.yml"),
    file!("roles/node/tasks/rollback.yml"),
    file!("roles/node/tasks/status.yml"),
    file!("roles/node/vars/main.yml"),
    file!("roles/survey/defaults/main.yml"),
    ("ansible_collections/certferry/fleet/roles/survey/files/survey.sh", SCRIPT),
    file!("roles/survey/meta/main.yml"),
    file!("roles/survey/tasks/main.yml"),
];

pub(crate) fn run(arguments: &AnsibleArguments) -> Result<String, Failure> {
    let out = &arguments.out;
    let entry =
        |(path, text): &(&'static str, &'static str)| TreeEntry::File { path, mode: 0o644, content: text.as_bytes() };
    let entries: Vec<_> = FILES.iter().map(entry).collect();
    let written = match arguments.dry_run {
        true => host::check_new_tree(out),
        false => host::write_tree(out, &entries),
    };
    written.map_err(|error| {
        let failure = Failure::io("write to", out, &error);
        match error.kind() {
            std::io::ErrorKind::DirectoryNotEmpty => {
                failure.hint("name a folder that does not exist or is empty; nothing was written")
            }
            _ => failure,
        }
    })?;
    let (count, shown) = (FILES.len(), out.display());
    if arguments.dry_run {
        return Ok(format!("{shown}  the collection certferry.fleet, {count} files, would be written; nothing was\n"));
    }
    Ok(format!(
        "{shown}  the collection certferry.fleet, {count} files\nhow it is used: certferry help fleet\nto let Ansible find it: \
         export ANSIBLE_CONFIG={}\n",
        shell::word(&out.join("ansible.cfg"))
    ))
}
