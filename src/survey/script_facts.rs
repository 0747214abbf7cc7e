//! Writes the parts of `survey.sh` that repeat our tables: `templates/survey/05-facts.sh` and `settings.awk`.
//!
//! If a place or a setting were added here and forgotten there, a node without certferry would have another survey.

use std::fmt::Write;
use std::fs;

use super::configurations::KUBEADM_FILES;
use super::settings::ROWS;
use super::take::{ADMIN_KUBECONFIGS, AGENTS, KNOWN_KUBECONFIGS, KUBECONFIG_FOLDERS, RKE2_MANIFESTS};
use super::text::HEAD;
use crate::kubernetes::{KUBELET_PKI, MANIFESTS, PKI};
use crate::tree::{ETCD_ENVIRONMENT, EXTRA_ARGUMENTS, KUBELET_CONFIG, KUBELET_FLAGS, OTHER_FOLDERS, UNIT_FOLDERS};

/// The folder of the two files.
const PARTS_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/survey");
/// The variable that has the files written when it is 1, in two words for the reason that `make::install_facts` has.
const BLESS: &str = concat!("CERTFERRY", "_BLESS");
const HOW: &str = "cargo test --lib survey::script_facts";

fn shell() -> String {
    let mut text = format!(
        "# {}\n# Facts: what certferry\u{27}s own tables say. A test wrote this file and settings.awk, and fails when the tables say\n\
         # something else; `{BLESS}=1 {HOW}` writes both anew.\n\n",
        "-".repeat(117)
    );
    let pem: Vec<_> = [PKI, KUBELET_PKI].into_iter().chain(OTHER_FOLDERS).collect();
    let environment: Vec<_> = std::iter::once(KUBELET_FLAGS).chain(EXTRA_ARGUMENTS).collect();
    let store = format!("{KUBELET_PKI}/kubelet-client-current.pem");
    for (name, value) in [
        ("HEAD", HEAD),
        ("UNIT_FOLDERS", &UNIT_FOLDERS.join(" ")),
        ("MANIFEST_FOLDERS", &[MANIFESTS, RKE2_MANIFESTS].join("\n")),
        ("PEM_FOLDERS", &pem.join(" ")),
        ("AGENT_FOLDERS", &AGENTS.join(" ")),
        ("KUBECONFIG_FOLDERS", &KUBECONFIG_FOLDERS.join(" ")),
        ("ADMIN_KUBECONFIGS", &ADMIN_KUBECONFIGS.join(" ")),
        ("KNOWN_KUBECONFIGS", &KNOWN_KUBECONFIGS.join(" ")),
        ("KUBEADM_FILES", &KUBEADM_FILES.join(" ")),
        ("KUBELET_CONFIG", KUBELET_CONFIG),
        ("KUBELET_ENVIRONMENT", &environment.join(" ")),
        ("KUBELET_STORE", &store),
        ("ETCD_ENVIRONMENT", ETCD_ENVIRONMENT),
    ] {
        let quote = if value.contains([' ', '\n']) { "\u{27}" } else { "" };
        let _ = writeln!(text, "{name}={quote}{value}{quote}");
    }
    text + "\n"
}

fn awk() -> String {
    let mut text = "# The settings whose values a survey may hold, each with the kind of its value. A test writes this file: see the part\n\
                    # of the script that is called facts.\n\n\
                    function settings(owners, kind, names,    owner, name, count, number, all, listed) {\n\
                    \x20   all = split(owners, owner, \" \")\n\
                    \x20   count = split(names, name, \" \")\n\
                    \x20   for (number = 1; number <= all; number++)\n\
                    \x20       for (listed = 1; listed <= count; listed++) kind_of[owner[number] \" \" name[listed]] = kind\n\
                    }\n\nBEGIN {\n"
        .to_owned();
    for row in ROWS {
        let (owners, names) = (row.owners.join(" "), row.names.join(" "));
        let _ = writeln!(text, "    settings(\"{owners}\", \"{}\", \"{names}\")", row.kind.name());
    }
    text + "}\n"
}

#[test]
fn survey_sh_repeats_the_tables_as_they_are() {
    for (name, expected) in [("05-facts.sh", shell()), ("settings.awk", awk())] {
        let path = format!("{PARTS_FOLDER}/{name}");
        if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
            assert!(fs::write(&path, expected).is_ok(), "cannot write {path}");
            continue;
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "templates/survey/{name} is not what the tables say; `{BLESS}=1 {HOW}` writes it anew"
        );
    }
}
