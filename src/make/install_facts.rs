//! Writes the parts of `install.sh` that repeat certferry's own tables: `templates/install/20-facts.sh` and
//! `facts.awk`.
//!
//! If a limit, a name or a row were changed here and forgotten there, a node without certferry would take another
//! bundle, or restart another component, than a node with certferry.

use std::fmt::Write;
use std::fs;

use crate::bundle::head::GENERATION_LIMIT;
use crate::bundle::limits::{COMPRESSED, ENTRIES, FILE, INDEX, MEMBER, PARTS, PATH, SIGNATURE};
use crate::bundle::rows::FOLDERS;
use crate::bundle::{FORMAT, KUBELET_CLIENT_LINK, Mode};
use crate::kubernetes::{
    API_SERVER_RESTART, AUTHORITIES, BOOTSTRAP, Component, HOSTS_TOML, KUBELET_PKI, KUBERNETES, MANIFESTS, PKI,
    REGISTRY_CA, RELOADED, Role, Swaps, UNIT_FOLDERS, UPDATE_TRUST, enable_api_server_restart, kubeconfigs, node_files,
    readers_by_path,
};
use crate::node::place::{
    AWAY, INSTALLED, JOURNAL, JOURNAL_NEW, LOCK, RESTART, RESTART_NEW, STATE, hidden, parent_and_name,
};
use crate::node::restart::Plan;

/// The folder of the two files.
const PARTS_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/install");
/// The variable that has the files written when it is 1. It stands here in two words, because `cargo xtask` runs a
/// program that holds it in one word in release, too, and these files are the same in every build.
const BLESS: &str = concat!("CERTFERRY", "_BLESS");
const HOW: &str = "cargo test --lib install_facts";

fn names<'a>(components: impl IntoIterator<Item = &'a Component>) -> String {
    components.into_iter().map(|component| component.name()).collect::<Vec<_>>().join(" ")
}

/// Returns the facts for the shell: places, and the order in which components stop and start.
fn shell() -> String {
    let pods = Component::ALL.into_iter().filter(|component| *component != Component::Kubelet).collect();
    let plan = Plan { pods, ..Plan::default() };
    let starts: Vec<_> = plan.starts().iter().map(|stage| names(stage).replace(' ', ",")).collect();
    let stops: Vec<_> = plan.stops().iter().map(names).collect();
    let line = "-".repeat(117);
    let mut text = format!(
        "# {line}\n# Facts: what certferry's own tables say. A test wrote this file and facts.awk, and fails when the tables say\n\
         # something else; `{BLESS}=1 {HOW}` writes both anew.\n\n"
    );
    let mut fact = |name: &str, comment: &str, value: &str| {
        let quote = if value.contains([' ', '\n', ';']) { "'" } else { "" };
        let comment = if comment.is_empty() { String::new() } else { format!("# {comment}\n") };
        let _ = writeln!(text, "{comment}{name}={quote}{value}{quote}");
    };
    fact("VERSION", "What `--version` says.", env!("CARGO_PKG_VERSION"));
    fact("BUNDLE_FORMAT", "", &FORMAT.to_string());
    fact("KUBERNETES", "Places, relative to the root.", KUBERNETES);
    fact("USUAL_PKI", "", PKI);
    fact("PKI", "That of a record may be another: take_pki.", PKI);
    fact("KUBELET_PKI", "", KUBELET_PKI);
    fact("KUBECONFIGS", "Those of kubeadm, and what a kubelet begins with.", &kubeconfigs().join(" "));
    fact("BOOTSTRAP", "", parent_and_name(BOOTSTRAP).1);
    let names_of_authorities: Vec<_> = AUTHORITIES.iter().map(|row| format!("{}.crt", row.base_name)).collect();
    fact("AUTHORITIES", "The CAs of a node, in its folder of certificates.", &names_of_authorities.join(" "));
    let folders = |swaps| UNIT_FOLDERS.iter().filter(move |row| row.swaps == swaps).map(|row| row.folder);
    let trust: Vec<_> = folders(Swaps::Files).filter(|folder| *folder != KUBERNETES).collect();
    let registries: Vec<_> = folders(Swaps::Folders).collect();
    fact(
        "CERTS_D",
        "Where containerd looks for registries, and what of a registry is a bundle's.",
        &registries.join(" "),
    );
    fact("REGISTRY_FILES", "", &[REGISTRY_CA, HOSTS_TOML].join(" "));
    fact(
        "TRUST",
        "Where systems take the roots from that all of their programs trust, and what takes them.",
        &trust.join(" "),
    );
    fact("UPDATE_TRUST", "", UPDATE_TRUST);
    let mut slots: Vec<_> = UNIT_FOLDERS.iter().map(|row| row.slots).collect();
    slots.sort_unstable();
    slots.dedup();
    fact("SLOT_FOLDERS", "The folders that hold what is not live.", &slots.join(" "));
    fact("HOME_KUBERNETES", "What is remembered of a node (the manual, chapter formats).", STATE);
    fact("HOME_KUBELET", "", &hidden(parent_and_name(KUBELET_PKI).0));
    fact("LOCK", "", LOCK);
    fact("JOURNAL", "", JOURNAL);
    fact("JOURNAL_NEW", "", JOURNAL_NEW);
    fact("INSTALLED", "", INSTALLED);
    fact(
        "AWAY",
        "Manifests of static pods, when a restart that was cut short left them away; and who had to restart.",
        AWAY,
    );
    fact("RESTART", "", RESTART);
    fact("RESTART_NEW", "", RESTART_NEW);
    fact("MANIFESTS", "Where the kubelet finds the manifests of static pods.", MANIFESTS);
    fact("STOPS", "Static pods in the order in which they stop.", &stops.join(" "));
    fact("STARTS", "Who starts, in which order; the kubelet comes before them.", &starts.join(" "));
    let runs: Vec<_> =
        Component::ALL.iter().map(|component| format!("{}:{}", component.name(), component.mark())).collect();
    fact("RUNS", "A file that is there if and only if a component runs on the node.", &runs.join("\n"));
    fact(
        "API_SERVER_RESTART",
        "The script and the units that restart an API server, and how systemd knows them.",
        API_SERVER_RESTART,
    );
    fact("ENABLE_RESTART", "", &enable_api_server_restart());
    fact("RELOADED", "What a running API server reads again, in the folder that it sees.", &RELOADED.join(" "));
    text + "\n"
}

/// Returns the facts for awk: limits, and which components read which files.
fn awk() -> String {
    let mut text = "# What the tables of certferry say, for every program that needs it. A test writes this file: see the beginning of\n\
                    # the part of the script that is called facts.\n\nBEGIN {\n"
        .to_owned();
    let mut fact = |line: String| {
        let _ = writeln!(text, "    {line}");
    };
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    for (name, value) in [
        ("format", FORMAT.into()),
        ("phase", 0_u32.into()),
        ("generation_limit", GENERATION_LIMIT.into()),
        ("version_limit", u32::MAX.into()),
        ("member_limit", MEMBER),
        ("compressed_limit", COMPRESSED),
        ("file_limit", FILE),
        ("index_limit", INDEX),
        ("signature_limit", SIGNATURE),
        ("entry_limit", number(ENTRIES)),
        ("path_limit", number(PATH)),
        ("part_limit", number(PARTS)),
    ] {
        fact(format!("{name} = {value}"));
    }
    fact(format!("current_link = \"{KUBELET_CLIENT_LINK}\""));
    for folder in FOLDERS {
        fact(format!("is_bundle_folder[\"{folder}\"] = 1"));
    }
    for role in [Role::ControlPlane, Role::Worker, Role::Etcd] {
        fact(format!("is_role[\"{}\"] = 1", role.name()));
    }
    fact("# Which files a part may hold, by the role of its node, and their modes.".to_owned());
    let mut patterns = 0;
    for file in node_files() {
        let mode = if file.is_private { Mode::Private } else { Mode::Public };
        let roles: Vec<_> = file.roles.iter().map(|role| role.name()).collect();
        let (place, mode) = (&file.place, mode.text());
        fact(format!("roles_of[\"{place}\"] = \" {} \"; mode_of[\"{place}\"] = \"{mode}\"", roles.join(" ")));
        if file.is_store() {
            fact(format!("store = \"{place}\""));
        } else if file.is_pattern() {
            patterns += 1;
            fact(format!("pattern[{patterns}] = \"{place}\""));
        }
    }
    fact(format!("patterns = {patterns}"));
    fact("# Files by the beginning of their path, and who reads them; the first that fits counts.".to_owned());
    let rows: Vec<_> = readers_by_path().collect();
    for (number, (beginning, readers)) in (1..).zip(&rows) {
        fact(format!("beginning[{number}] = \"{beginning}\"; readers[{number}] = \"{}\"", names(*readers)));
    }
    fact(format!("reader_rows = {}", rows.len()));
    fact(format!("component_names = \"{}\"", names(&Component::ALL)));
    text + "}\n"
}

#[test]
fn install_sh_repeats_the_tables_as_they_are() {
    for (name, expected) in [("20-facts.sh", shell()), ("facts.awk", awk())] {
        let path = format!("{PARTS_FOLDER}/{name}");
        if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
            assert!(fs::write(&path, expected).is_ok(), "cannot write {path}");
            continue;
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        let differing = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        assert!(
            found == expected,
            "templates/install/{name} is not what the tables of certferry say{}; `{BLESS}=1 {HOW}` writes it anew",
            differing
                .map_or_else(String::new, |(found, expected)| format!(":\n  it has {found}\n  they say {expected}\n"))
        );
    }
}
