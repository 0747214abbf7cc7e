//! The runs during which the power fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use super::chance::Chance;
use super::recording::{Model, Recording, State};
use super::trace::{self, Call};
use super::tree::{Seen, Tree, What, read};
use crate::common::node::{FIRST, SECOND, apply, copy, disk, generation, renew_authorities, rollback};
use crate::common::rights::{Right, lacks};
use crate::common::shells::{Tools, find};
use crate::common::{Bundle, build_text, certferry, run, succeed, write};
use crate::restart::node::Node as Restarted;

/// The control plane whose files they are.
pub(crate) const NODE: &str = "cp-1";
/// The CAs of the second generation, and another certificate of the API server.
pub(crate) static THIRD: LazyLock<Bundle> = LazyLock::new(|| {
    build_text(&generation(3, |profile| {
        renew_authorities(profile);
        profile["cluster"].as_table_mut().unwrap().insert("apiserver_cert_sans".to_owned(), vec!["10.9.9.9"].into());
    }))
});
static TOOLS: LazyLock<Tools> = LazyLock::new(|| Tools::new(&["dash"], "mawk", "tar"));
/// The same on what install.sh takes for overlayfs.
static OVERLAY: LazyLock<Tools> = LazyLock::new(|| {
    let tools = Tools::new(&["dash"], "mawk", "tar");
    tools.add_script("stat", "echo 794c7630\n");
    tools
});
/// What a file holds that nobody can make again.
pub(crate) const ONLY_COPY: &[u8] = b"the only copy\n";
/// What is installed.
pub(crate) const INSTALLED: &str = "etc/kubernetes/.certferry/installed";
/// The same tools for runs that are not recorded, which need not wait for the disk.
pub(crate) static FAST: LazyLock<[Tools; 2]> = LazyLock::new(|| {
    let [tools, overlay] = [0, 1].map(|_| Tools::new(&["dash"], "mawk", "tar"));
    overlay.add_script("stat", "echo 794c7630\n");
    [tools, overlay].map(|tools| {
        tools.add("sync", &find("true"));
        tools
    })
});
/// Folders of a machine that has more than its files.
const OF_NODE: [&str; 2] = ["etc/kubernetes", "var/lib/kubelet"];

/// A run, by certferry or install.sh.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) forth: Forth,
    /// How much of the files is old or new at every instant.
    pub(crate) unit: Unit,
    pub(crate) way: Way,
}

/// A run that was recorded.
pub(crate) struct Case {
    pub(crate) run: Run,
    /// The number of the failure before this one, if there was one.
    failure: Option<u64>,
    pub(crate) recording: Recording,
    /// What was live, and what is live after the run.
    pub(crate) old: Tree,
    pub(crate) new: Tree,
    /// What a rollback brings back as long as the old is live.
    pub(crate) before: Before,
    /// Whether something was on the disk that nobody can make again.
    pub(crate) has_only_copy: bool,
    /// When the power fails; and from which of these times on files that are live may change.
    points: Vec<usize>,
    late: usize,
}

/// What brings the new.
#[derive(Clone, Copy)]
pub(crate) enum Forth {
    Apply(&'static Bundle),
    /// The installed one is applied once more.
    Repair(&'static Bundle),
    Rollback,
}

/// What a generation before is.
#[derive(Clone)]
pub(crate) enum Before {
    Nothing,
    Live(Tree),
    /// The new one, if the way back to the old one has been gone already.
    Either,
}

/// By which program a run is, and by which steps a unit changes.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// certferry, which exchanges.
    Exchange,
    /// certferry, where kernel or file system do not exchange.
    Renames,
    /// install.sh, which knows no exchange.
    Script(&'static Tools),
}

/// What is old or new as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Folder,
    File,
}

/// A node before a run.
struct Start {
    root: TempDir,
    old: Tree,
    before: Before,
}

impl Case {
    fn new(run: Run, start: Start) -> Self {
        Self::in_a_row(run, start, &[run.forth])
    }

    /// A run, and others after it that lead from the new to the old and back.
    fn in_a_row(run: Run, start: Start, steps: &[Forth]) -> Self {
        let root = start.root.path();
        let first = read(root, &[]);
        let (mut calls, mut trees) = (Vec::new(), Vec::new());
        for step in steps {
            let log = tempfile::NamedTempFile::new().unwrap();
            let refused: &[&str] = if matches!(run.way, Way::Renames) { &["renameat2"] } else { &[] };
            let mut command = trace::traced(&command(root, *step, run.way), log.path(), refused);
            trace::ended(&crate::common::run(&mut command));
            calls.extend(trace::parse(&fs::read_to_string(log.path()).unwrap(), root, &[]));
            trees.push(live(&read(root, &[])));
        }
        let recording = Recording::new(&first, calls, &read(root, &[]));
        let before = if steps.len() > 1 { Before::Either } else { start.before };
        let has_only_copy = first.values().any(|seen| seen.content() == ONLY_COPY);
        Self { has_only_copy, ..Self::of(run, recording, [start.old, trees.swap_remove(0)], before) }
    }

    fn of(run: Run, recording: Recording, [old, new]: [Tree; 2], before: Before) -> Self {
        assert!(old != new, "{}", run.name);
        let points = recording.points();
        // What was interrupted may have had no more to change.
        let first = recording.calls().iter().position(changes_live).unwrap_or(0);
        let late = points.iter().position(|point| *point > first).unwrap().saturating_sub(3);
        Self { run, failure: None, recording, old, new, before, has_only_copy: false, points, late }
    }

    /// The same run with another recording.
    pub(crate) fn with(&self, recording: Recording) -> Self {
        let trees = [self.old.clone(), self.new.clone()];
        Self { has_only_copy: self.has_only_copy, ..Self::of(self.run, recording, trees, self.before.clone()) }
    }

    /// The same run once more, on what a failure left of it while it changed files: the power fails again.
    fn again(&self, number: u64) -> Self {
        let mut chance = Chance::of(number, 0);
        let is_begun = |state: &State| state.tree.keys().any(|place| place.ends_with("/.certferry/journal"));
        let mut states = std::iter::repeat_with(|| self.crash(Model::Reordered, &mut chance).0);
        let state = states.find(is_begun).unwrap();
        let root = disk();
        super::tree::write(root.path(), &state.tree);
        let start = Start { root, old: self.old.clone(), before: self.before.clone() };
        Self { failure: Some(number), ..Self::new(self.run, start) }
    }

    pub(crate) fn name(&self) -> String {
        let after = |number| format!(", once more after failure {number}");
        format!("{}{}", self.run.name, self.failure.map(after).unwrap_or_default())
    }

    /// What one power failure leaves; half of them come while files that are live change.
    pub(crate) fn crash(&self, model: Model, chance: &mut Chance) -> (State, usize) {
        let least = if chance.happens(5) { self.late } else { 0 };
        let point = self.points[chance.between(least, self.points.len() - 1)];
        (self.recording.crash(model, point, chance), point)
    }
}

fn changes_live(call: &Call) -> bool {
    let is_live = |place: &str| !place.contains(".certferry");
    match call {
        Call::Rename { from, to } | Call::Exchange { left: from, right: to } => is_live(from) || is_live(to),
        Call::Remove { place } => is_live(place),
        _ => false,
    }
}

/// install.sh beside a bundle.
fn script(bundle: &Bundle) -> PathBuf {
    bundle.archive.with_file_name("install.sh")
}

/// The command of a run.
pub(crate) fn command(root: &Path, forth: Forth, way: Way) -> Command {
    match (forth, way) {
        (Forth::Apply(bundle) | Forth::Repair(bundle), Way::Script(tools)) => {
            let mut command = tools.run(&script(bundle));
            command.arg(&bundle.archive).args(["--node", NODE, "--key"]).arg(&bundle.public_key);
            command.arg("--root").arg(root);
            command
        }
        (Forth::Rollback, Way::Script(tools)) => {
            let mut command = tools.run(&script(&FIRST));
            command.args(["--rollback", "--root"]).arg(root);
            command
        }
        (Forth::Apply(bundle) | Forth::Repair(bundle), _) => apply(bundle, NODE, root),
        (Forth::Rollback, _) => rollback(root),
    }
}

/// What is not certferry's own, and what says which generation it is. Of folders only those of which a unit consists.
pub(crate) fn live(tree: &Tree) -> Tree {
    let is_live = |(place, seen): &(&String, &Seen)| {
        let is_unit = !place.contains(".certferry") || place.starts_with(INSTALLED);
        is_unit && (seen.what != What::Folder || place.contains("/pki"))
    };
    tree.iter().filter(is_live).map(|(place, seen)| (place.clone(), seen.clone())).collect()
}

/// A node of kubeadm, with what people and the kubelet put beside its files.
fn kubeadm() -> TempDir {
    let root = disk();
    let mut unpack = certferry();
    unpack.arg("unpack").arg(&FIRST.archive).arg("--key").arg(&FIRST.public_key);
    succeed(unpack.args(["--node", NODE, "--root"]).arg(root.path()));
    let at = |place: &str| root.path().join(place);
    fs::create_dir_all(at("etc/kubernetes/manifests")).unwrap();
    fs::create_dir_all(at("etc/kubernetes/pki/custom")).unwrap();
    for (place, content) in [
        ("etc/kubernetes/manifests/etcd.yaml", "kind: Pod\n"),
        ("etc/kubernetes/pki/custom/notes", "by hand\n"),
        ("etc/kubernetes/bootstrap-kubelet.conf", "kind: Config\n"),
        ("var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n"),
    ] {
        write(root.path(), place, content, 0o600);
    }
    root
}

/// What a copy of a root has live after a rollback.
fn before(root: &Path) -> Before {
    let copy = copy(root);
    let is_back = run(&mut rollback(copy.path())).status.success();
    if is_back { Before::Live(live(&read(copy.path(), &[]))) } else { Before::Nothing }
}

fn start(root: TempDir) -> Start {
    Start { old: live(&read(root.path(), &[])), before: before(root.path()), root }
}

/// A node of kubeadm to which generations were applied.
fn applied(bundles: &[&'static Bundle]) -> Start {
    let root = kubeadm();
    for bundle in bundles {
        succeed(&mut apply(bundle, NODE, root.path()));
    }
    start(root)
}

/// A node on which somebody has made other keys in the place of what was installed, over which another generation came.
fn replaced() -> Start {
    let root = disk();
    succeed(&mut apply(&FIRST, NODE, root.path()));
    fs::write(root.path().join("etc/kubernetes/pki/sa.key"), ONLY_COPY).unwrap();
    succeed(&mut apply(&SECOND, NODE, root.path()));
    start(root)
}

/// A node on which files of the installed generation were replaced and removed.
fn damaged() -> Start {
    let Start { root, .. } = applied(&[&FIRST]);
    for place in ["etc/kubernetes/admin.conf", "etc/kubernetes/pki/sa.key"] {
        fs::write(root.path().join(place), format!("{place} by hand\n")).unwrap();
    }
    fs::remove_file(root.path().join("etc/kubernetes/pki/apiserver.crt")).unwrap();
    start(root)
}

/// Every run.
pub(crate) fn all() -> Vec<Case> {
    // A machine takes its time to come up.
    let (restarted, (mut cases, of_script)) = rayon::join(with_restart, || rayon::join(of_certferry, of_script));
    cases.extend(of_script.into_iter().chain(restarted));
    cases
}

/// The first run on a node that kubeadm has made.
pub(crate) fn over_kubeadm() -> Case {
    let run =
        Run { name: "apply over kubeadm's", forth: Forth::Apply(&SECOND), unit: Unit::Folder, way: Way::Exchange };
    Case::new(run, applied(&[]))
}

/// The runs of certferry without a restart.
fn of_certferry() -> Vec<Case> {
    let (second, third) = (Forth::Apply(&SECOND), Forth::Apply(&THIRD));
    let case = |name, start, forth, unit, way| Case::new(Run { name, forth, unit, way }, start);
    let forth = [
        over_kubeadm(),
        case("apply, other CAs", applied(&[&FIRST]), second, Unit::Folder, Way::Exchange),
        case("apply, the same CAs", applied(&[&FIRST, &SECOND]), third, Unit::File, Way::Exchange),
        case("apply without exchange", applied(&[&FIRST]), second, Unit::Folder, Way::Renames),
        case("apply over other keys", replaced(), third, Unit::File, Way::Exchange),
    ];
    let back = [
        case("apply, a repair", damaged(), Forth::Repair(&FIRST), Unit::File, Way::Exchange),
        case("rollback to kubeadm's", applied(&[&SECOND]), Forth::Rollback, Unit::Folder, Way::Exchange),
        case("rollback, the same CAs", applied(&[&SECOND, &THIRD]), Forth::Rollback, Unit::File, Way::Exchange),
    ];
    let again: Vec<_> = forth.iter().flat_map(|case| [case.again(1), case.again(2)]).collect();
    let run = Run { name: "apply and rollback", forth: second, unit: Unit::Folder, way: Way::Exchange };
    let row = Case::in_a_row(run, applied(&[]), &[second, Forth::Rollback]);
    forth.into_iter().chain(back).chain(again).chain([row]).collect()
}

/// The runs of install.sh, by whole folders and, as on overlayfs, by files.
fn of_script() -> Vec<Case> {
    let case = |name, start, forth, unit, tools| Case::new(Run { name, forth, unit, way: Way::Script(tools) }, start);
    let (second, two) = (Forth::Apply(&SECOND), [&*FIRST, &*SECOND]);
    let forth = [
        case("install.sh", applied(&[&FIRST]), second, Unit::Folder, &TOOLS),
        case("install.sh on overlayfs", applied(&[&FIRST]), second, Unit::File, &OVERLAY),
        case("install.sh over other keys", replaced(), Forth::Apply(&THIRD), Unit::Folder, &TOOLS),
    ];
    let back = [
        case("install.sh, a repair", damaged(), Forth::Repair(&FIRST), Unit::File, &TOOLS),
        case("install.sh --rollback", applied(&two), Forth::Rollback, Unit::Folder, &TOOLS),
        case("install.sh --rollback on overlayfs", applied(&two), Forth::Rollback, Unit::File, &OVERLAY),
    ];
    let again: Vec<_> = forth.iter().map(|case| case.again(1)).collect();
    let run = Run { name: "install.sh and --rollback", forth: second, unit: Unit::Folder, way: Way::Script(&TOOLS) };
    let row = Case::in_a_row(run, applied(&[]), &[second, Forth::Rollback]);
    forth.into_iter().chain(back).chain(again).chain([row]).collect()
}

/// The runs of certferry that restart a control plane, where there can be a machine for them.
fn with_restart() -> Vec<Case> {
    if lacks(&[Right::Machine]) {
        return Vec::new();
    }
    let node = Restarted::control_plane(true, &[&FIRST, &SECOND]);
    let apply = format!("apply /media/g2.tar.gz --key /media/g2.pub --node {NODE}");
    let case = |name, line: &str, forth| {
        let before = before(copied(&node).path());
        let (first, recording, last) = restarted(&node, line);
        let run = Run { name, forth, unit: Unit::Folder, way: Way::Exchange };
        Case::of(run, recording, [live(&first), live(&last)], before)
    };
    vec![
        case("apply --restart", &apply, Forth::Apply(&SECOND)),
        case("rollback --restart", "rollback", Forth::Rollback),
    ]
}

/// The files of a machine's node, copied.
fn copied(node: &Restarted) -> TempDir {
    let root = disk();
    let files = read(&node.machine.path("/"), &OF_NODE);
    super::tree::write(root.path(), &files);
    root
}

/// Records a run with a restart.
fn restarted(node: &Restarted, line: &str) -> (Tree, Recording, Tree) {
    let root = node.machine.path("/");
    let first = read(&root, &OF_NODE);
    let mut command = node.machine.command("strace");
    // The kubelet that it starts is not waited for.
    command.args(trace::strace(Path::new("/tmp/trace"), false, &[])).arg("/opt/certferry/certferry");
    trace::ended(&run(command.args(line.split_whitespace()).arg("--restart")));
    let text = fs::read_to_string(node.machine.path("/tmp/trace")).unwrap();
    let last = read(&root, &OF_NODE);
    let calls = trace::parse(&text, Path::new("/"), &OF_NODE);
    let recording = Recording::new(&first, calls, &last);
    (first, recording, last)
}
