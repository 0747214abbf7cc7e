//! `ansible`: the collection that is written out is the one in `templates/ansible`, whole, and plain.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::common::desk::Desk;
use crate::common::files;

const COLLECTION: &str = "ansible_collections/certferry/fleet";

fn sources() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/ansible");
    let place = |name: &str| if name == "ansible.cfg" { name.to_owned() } else { format!("{COLLECTION}/{name}") };
    let mut sources: BTreeMap<_, _> = files(&folder)
        .into_iter()
        .map(|name| (place(&name), fs::read_to_string(folder.join(&name)).unwrap()))
        .collect();
    // What certferry prints, too.
    sources.insert(format!("{COLLECTION}/roles/survey/files/survey.sh"), certferry::survey::SCRIPT.to_owned());
    sources
}

#[test]
fn every_file_of_the_collection_is_written_out() {
    let desk = Desk::new();
    let said = desk.succeed("ansible --out ansible");
    let written: BTreeMap<_, _> =
        desk.names("ansible").into_iter().map(|name| (name.clone(), desk.text(&format!("ansible/{name}")))).collect();
    assert_eq!(written, sources());
    assert!(written.keys().all(|name| desk.mode(&format!("ansible/{name}")) == 0o644));
    assert_eq!(
        said,
        format!(
            "ansible  the collection certferry.fleet, {} files\nhow it is used: certferry help fleet\n\
             to let Ansible find it: export ANSIBLE_CONFIG=ansible/ansible.cfg\n",
            written.len()
        )
    );
    desk.refuse(
        "ansible --out ansible",
        2,
        "error: cannot write to ansible: directory not empty\n\
         hint: name a folder that does not exist or is empty; nothing was written\n",
    );
}

/// Nothing but what comes with ansible-core, and nothing that a host does not need.
#[test]
fn every_task_is_one_of_ansibles_own() {
    let mut modules = BTreeSet::new();
    for (name, text) in
        sources().into_iter().filter(|(name, _)| name.contains("/tasks/") || name.contains("/playbooks/"))
    {
        // A module stands deeper than the dash of its task, and holds its arguments.
        for line in text.lines().filter(|line| line.trim_end().ends_with(':')) {
            let key = line.trim().trim_start_matches("- ").trim_end_matches(':');
            if key.contains('.') {
                assert!(key.starts_with("ansible.builtin."), "{name}: {line}");
                modules.insert(key.trim_start_matches("ansible.builtin.").to_owned());
            }
        }
    }
    let expected = ["assert", "command", "copy", "file", "import_role", "set_fact", "uri"];
    assert_eq!(modules, expected.map(str::to_owned).into());
}

#[test]
fn the_collection_has_the_programs_version_and_tells_every_variable() {
    let sources = sources();
    let text = |name: &str| &sources[&format!("{COLLECTION}/{name}")];
    assert!(text("galaxy.yml").contains(&format!("\nversion: {}\n", env!("CARGO_PKG_VERSION"))));
    let defaults = [text("roles/node/defaults/main.yml").as_str(), text("roles/survey/defaults/main.yml")].concat();
    let variables: Vec<_> = defaults.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    let variables: Vec<_> = variables.into_iter().filter(|name| name.starts_with("certferry_")).collect();
    assert!(variables.len() > 10, "{variables:?}");
    for variable in variables {
        assert!(text("README.md").contains(&format!("`{variable}`")), "the README does not tell of {variable}");
    }
}
