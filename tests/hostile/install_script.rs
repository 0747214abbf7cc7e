//! The same archives, given to install.sh: it has no certferry to read them, and takes none of them.

use std::process::Output;
use std::sync::LazyLock;

use certferry::make::install_script;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use tempfile::TempDir;

use crate::common::desk::Desk;
use crate::common::shells::Tools;
use crate::common::{certferry, run};
use crate::hostile::bundle::{Bundle, LAST, LINK, STORE};
use crate::hostile::rules::Case;
use crate::hostile::{carry, rules};

/// A folder with the script in it.
static SCRIPT: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("install.sh"), install_script::SCRIPT).unwrap();
    folder
});

/// Every day every so-manieth case is tried, for each takes a second; the others are where time matters less.
const STEP: usize = 5;

/// The cases that install.sh takes, with [`rules::places::CLUSTER`]: it reads the index and the record of its node, and of other parts the headers
/// alone. What the cluster's record says is in nobody's tree.
const OF_ANOTHER_PART: (&str, &str) = ("links that are not in the format", "in the cluster's part");

/// Very different ones.
fn tools() -> [Tools; 3] {
    [Tools::new(&["dash"], "mawk", "tar"), Tools::busybox(), Tools::new(&["bash"], "gawk", "busybox")]
}

fn install(tools: &Tools, desk: &Desk) -> Output {
    let mut command = tools.run(&SCRIPT.path().join("install.sh"));
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
        let expected = [
            "etc/kubernetes/certferry-restart-kube-apiserver.sh",
            "etc/kubernetes/kubelet.conf",
            &format!("var/lib/kubelet/pki/{STORE}"),
            LINK,
            LAST,
        ];
        assert_eq!(names.collect::<Vec<_>>(), expected, "{}", tools.name());
    }
}

/// Where the numbers of a version end, for certferry and for the script.
#[test]
fn numbers_of_a_version_are_taken_as_far_as_certferry_takes_them() {
    let cases =
        [("1.24.4294967295", true), ("1.24.4294967296", false), ("1.24.10000000000", false), ("1.24.015", false)];
    for ((version, is_taken), tools) in cases.into_iter().zip(tools().iter().cycle()) {
        let mut bundle = Bundle::genuine().with_index("1.24.15", version);
        bundle.parts = bundle.parts.into_iter().map(|part| part.with("1.24.15", version)).collect();
        let desk = carry(&bundle.packed());
        std::fs::create_dir(desk.path("jail/root")).unwrap();
        assert_eq!(install(tools, &desk).status.success(), is_taken, "{}, {version}", tools.name());
        let arguments = ["verify", "b.tar.gz", "--key", "lab.pub"];
        let verified = run(certferry().args(arguments).current_dir(desk.path("")));
        let said = String::from_utf8(verified.stderr).unwrap();
        assert_eq!(said.starts_with("error: every signature and hash holds, "), is_taken, "{version}: {said}");
    }
}

#[test]
fn each_is_refused_by_the_script_too_and_leaves_no_trace() {
    refuses_those(|number| number % STEP == 0);
}

#[test]
#[ignore = "long form"]
fn long_so_is_each_of_the_others() {
    refuses_those(|number| number % STEP != 0);
}

fn refuses_those(are_tried: impl Fn(usize) -> bool + Sync) {
    let tools = tools();
    let wrong: Vec<String> = rules::ALL
        .par_iter()
        .enumerate()
        .filter(|(number, _)| are_tried(*number))
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
    if (*rule, name.as_str()) == OF_ANOTHER_PART || *rule == rules::places::CLUSTER {
        let installed = status.success()
            && desk.read("jail/root/etc/kubernetes/certferry-restart-kube-apiserver.sh") == b"a note\n";
        return (!installed).then(|| format!("{rule}: {name}: {}: {stderr}", tools.name()));
    }
    let reasons = ["error: b.tar.gz is refused: ", "error: lab-g1/", "error: the signature of lab-g1/"];
    let is_told = reasons.iter().any(|reason| stderr.starts_with(reason)) && stderr.contains("\nhint: ");
    let right = status.code() == Some(1) && stdout.is_empty() && is_told;
    let changed = if desk.state() == before { "" } else { " SOMETHING WAS WRITTEN" };
    (!right || !changed.is_empty()).then(|| format!("{rule}: {name}: {}: {status}{changed}\n  {stderr}", tools.name()))
}
