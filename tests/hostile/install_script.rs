//! The same archives, given to install.sh: it has no certferry to read them, and takes none of them.

use std::path::Path;
use std::process::Output;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::common::desk::Desk;
use crate::common::run;
use crate::common::shells::Tools;
use crate::hostile::bundle::{Bundle, LINK};
use crate::hostile::rules::Case;
use crate::hostile::{carry, rules};

/// A debug build tries every so-manieth case: each takes a second.
const STEP: usize = if cfg!(debug_assertions) { 5 } else { 1 };

/// The one case that install.sh takes: it reads the index and the record of its node, and of other parts the headers
/// alone. What the cluster's record says is in nobody's tree.
const OF_ANOTHER_PART: (&str, &str) = ("links that are not in the format", "in the cluster's part");

/// Very different ones.
fn tools() -> [Tools; 3] {
    [Tools::new(&["dash"], "mawk", "tar"), Tools::busybox(), Tools::new(&["bash"], "gawk", "busybox")]
}

fn install(tools: &Tools, desk: &Desk) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/install.sh");
    let mut command = tools.run(&script);
    let arguments = ["b.tar.gz", "--node", "cp-1", "--key", "lab.pub", "--root", "jail/root"];
    run(command.args(arguments).current_dir(desk.path("")))
}

/// Without this, everything below could be refused for another reason than its own.
#[test]
fn the_genuine_bundle_is_installed() {
    for tools in tools() {
        let desk = carry(&Bundle::genuine().packed());
        std::fs::create_dir(desk.path("jail/root")).unwrap();
        let Output { status, stderr, .. } = install(&tools, &desk);
        assert!(status.success(), "{}: {}", tools.name(), String::from_utf8_lossy(&stderr));
        let names = desk.names("jail/root").into_iter().filter(|name| !name.contains(".certferry"));
        let expected = ["etc/kubernetes/note", "etc/kubernetes/secret", LINK, "var/lib/kubelet/pki/store"];
        assert_eq!(names.collect::<Vec<_>>(), expected, "{}", tools.name());
    }
}

#[test]
fn each_is_refused_by_the_script_too_and_leaves_no_trace() {
    let tools = tools();
    let wrong: Vec<String> = rules::ALL
        .par_iter()
        .enumerate()
        .step_by(STEP)
        .filter_map(|(number, case)| misjudged(case, &tools[number / STEP % tools.len()]))
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn misjudged(Case { rule, name, archive, .. }: &Case, tools: &Tools) -> Option<String> {
    let desk = carry(archive);
    std::fs::create_dir(desk.path("jail/root")).unwrap();
    let before = desk.state();
    let Output { status, stdout, stderr } = install(tools, &desk);
    let stderr = String::from_utf8_lossy(&stderr);
    if (*rule, name.as_str()) == OF_ANOTHER_PART {
        let installed = status.success() && desk.read("jail/root/etc/kubernetes/note") == b"a note\n";
        return (!installed).then(|| format!("{rule}: {name}: {}: {stderr}", tools.name()));
    }
    let reasons = ["error: b.tar.gz is refused: ", "error: lab-g1/", "error: the signature of lab-g1/"];
    let is_told = reasons.iter().any(|reason| stderr.starts_with(reason)) && stderr.contains("\nhint: ");
    let right = status.code() == Some(1) && stdout.is_empty() && is_told;
    let changed = if desk.state() == before { "" } else { " SOMETHING WAS WRITTEN" };
    (!right || !changed.is_empty()).then(|| format!("{rule}: {name}: {}: {status}{changed}\n  {stderr}", tools.name()))
}
