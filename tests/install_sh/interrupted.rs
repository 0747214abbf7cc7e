//! Killed between any two renames, a run is brought to its end by the next one; certferry's runs, too.

use std::fs;
use std::process::{Child, Command, Stdio};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::common::registries::{self, MIRROR, REGISTRY};
use crate::common::shells::{Tools, find};
use crate::install_sh::backups::foreign;
use crate::install_sh::journal::{damaged, fingerprint, journal, sealed};
use crate::install_sh::node::{FIRST, Node, SECOND, State, THIRD, TOOLS};

const PKI: &str = "etc/kubernetes/pki";
const THIRD_REGISTRY: &str = "etc/containerd/certs.d/third.corp.internal_443_";
const STATE: &str = "etc/kubernetes/.certferry";
const NOTE: &str = "note: an interrupted run was completed first\n";
/// What changes the disk once the journal is there, and a few calls before it.
const WATCHED: [&str; 3] = ["mv", "rm", "sync"];

/// Every day a run is killed at every so-manieth call, for each takes two seconds; at the others where time matters less.
const STEP: u32 = 5;

/// Tools of which some count their calls, and kill the script at one of them instead of doing their work.
pub fn killing_at(call: u32) -> Tools {
    let tools = Tools::new(&["dash"], "mawk", "tar");
    let count = tools.path("count");
    fs::create_dir(&count).unwrap();
    for name in WATCHED {
        // An empty file for each call, for the script lets mv write no byte.
        tools.add_script(
            name,
            &format!(
                "count=1\nwhile [ -e {0}/$count ]; do count=$((count + 1)); done\n: >{0}/$count\n\
                 if [ $count = {call} ]; then kill -9 $PPID; exit 1; fi\nexec {1} \"$@\"\n",
                count.display(),
                find(name).display()
            ),
        );
    }
    tools
}

/// Tools that kill the script once mv has moved something whose name has this in it, or that has it for its name then.
pub fn killing_once_moved(what: &str) -> Tools {
    let tools = Tools::new(&["dash"], "mawk", "tar");
    kill_once_moved(&tools, what);
    tools
}

/// Makes tools such tools.
pub fn kill_once_moved(tools: &Tools, what: &str) {
    let mv = find("mv");
    let script = format!(
        "case \"$* \" in\n*'{what}'*) {0} \"$@\"; kill -9 $PPID; exit 1 ;;\nesac\nexec {0} \"$@\"\n",
        mv.display()
    );
    tools.add_script("mv", &script);
}

/// How many calls there were.
pub fn counted(tools: &Tools) -> u32 {
    fs::read_dir(tools.path("count")).unwrap().count().try_into().unwrap()
}

/// The unit that a path belongs to.
fn unit(path: &str) -> &str {
    let folders = [PKI, "var/lib/kubelet/pki", MIRROR, REGISTRY, THIRD_REGISTRY];
    folders.into_iter().find(|folder| path.starts_with(&format!("{folder}/"))).unwrap_or(path)
}

/// Each unit is old, or new, or not there: that is the weaker promise.
pub fn assert_whole(found: &State, old: &State, new: &State, when: &str) {
    let of = |state: &State, name: &str| -> State {
        let rows = state.iter().filter(|(path, _)| unit(path) == name && path.as_str() != "etc/kubernetes");
        rows.map(|(path, seen)| (path.clone(), seen.clone())).collect()
    };
    for path in old
        .keys()
        .chain(new.keys())
        .filter(|path| path.starts_with("etc/kubernetes/") || path.contains("pki") || path.contains(".corp.internal"))
    {
        let name = unit(path);
        let found = of(found, name);
        let whole = found.is_empty() || found == of(old, name) || found == of(new, name);
        assert!(whole, "{when}: {name} is torn");
    }
}

/// Nothing staged, nothing of a run that is over.
pub fn assert_clean(node: &Node, when: &str) {
    for name in node.state().keys() {
        let last = name.rsplit('/').next().unwrap();
        assert!(!["next", "discard", "journal", "journal.new"].contains(&last), "{when}: {name} is left");
        assert!(!last.ends_with(".out"), "{when}: {name} is left");
    }
}

/// Lets a run live, and counts what [`killing_at`] could kill it at.
pub fn calls(node: &Node, command: impl Fn(&Node, &Tools) -> Command) -> u32 {
    let counting = killing_at(0);
    assert!(command(node, &counting).output().unwrap().status.success());
    counted(&counting)
}

/// Kills a run at each of those calls, one after the other; `begin` makes the disk, `command` is what is killed on it.
/// Returns how many calls there are.
fn kill_at(
    are_tried: fn(u32) -> bool,
    begin: &Node,
    command: impl Fn(&Node, &Tools) -> Command + Sync,
    next: impl Fn(&Node) + Sync,
) -> u32 {
    let old = begin.live();
    let whole = begin.copy();
    let calls = calls(&whole, &command);
    let (new, end) = (whole.live(), whole.state());
    (1..calls + 1).into_par_iter().filter(|call| are_tried(*call)).for_each(|call| {
        let when = format!("killed at call {call} of {calls}");
        let node = begin.copy();
        node.kill(&mut command(&node, &killing_at(call)), &when);
        assert_whole(&node.live(), &old, &new, &when);
        next(&node);
        assert_clean(&node, &when);
        assert!(node.state() == end, "{when}: the next run does not end where an undisturbed one does");
    });
    calls
}

#[test]
fn an_installation_killed_anywhere_is_completed_by_the_next_run() {
    installation_killed(|call| call % STEP == 1);
}

/// Where what certferry did not install has to make room: what was there before it, or came in the place of what it had
/// installed.
#[test]
fn an_installation_over_the_second_backup_is_completed_too() {
    second_backup_killed(|call| call % 10 == 3);
}

#[test]
#[ignore = "long form"]
fn long_an_installation_over_the_second_backup_killed_elsewhere_is_completed_too() {
    second_backup_killed(|call| call % 10 != 3);
}

fn second_backup_killed(are_tried: fn(u32) -> bool) {
    let before = foreign("worker-1");
    assert_eq!(before.install(&TOOLS, &FIRST, "worker-1", &[]).code, Some(0));
    let since = Node::with(&FIRST, "worker-1");
    fs::write(since.path("etc/kubernetes/pki/ca.crt"), "another").unwrap();
    assert_eq!(since.install(&TOOLS, &SECOND, "worker-1", &[]).code, Some(0));
    for (begin, next) in [(before, &SECOND), (since, &THIRD)] {
        kill_at(
            are_tried,
            &begin,
            |node, tools| node.command(tools, next, "worker-1", &[]),
            |node| {
                let ended = node.install(&TOOLS, next, "worker-1", &[]);
                assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            },
        );
    }
}

#[test]
#[ignore = "long form"]
fn long_an_installation_killed_elsewhere_is_completed_by_the_next_run() {
    installation_killed(|call| call % STEP != 1);
}

fn installation_killed(are_tried: fn(u32) -> bool) {
    let calls = kill_at(
        are_tried,
        &Node::with(&FIRST, "worker-1"),
        |node, tools| node.command(tools, &SECOND, "worker-1", &[]),
        |node| {
            let ended = node.install(&TOOLS, &SECOND, "worker-1", &[]);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            assert!(["", NOTE].contains(&ended.stderr.as_str()), "{}", ended.stderr);
        },
    );
    // Four units of three renames each, the journal, the slots.
    assert!(calls > 20, "{calls}");
    println!("{calls} calls, 0 torn, 0 lost");
}

/// A folder of a registry that changes in part, one that goes, one that comes, and roots of the system that go.
#[test]
fn so_are_the_folders_of_registries() {
    registries_killed(|call| call % 9 == 4);
}

#[test]
#[ignore = "long form"]
fn long_so_are_the_folders_of_registries_elsewhere() {
    registries_killed(|call| call % 9 != 4);
}

fn registries_killed(are_tried: fn(u32) -> bool) {
    let begin = Node::with(&registries::FIRST, "worker-1");
    fs::write(begin.path(MIRROR).join("client.cert"), "by hand").unwrap();
    kill_at(
        are_tried,
        &begin,
        |node, tools| node.command(tools, &registries::SECOND, "worker-1", &[]),
        |node| {
            let ended = node.install(&TOOLS, &registries::SECOND, "worker-1", &[]);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        },
    );
}

#[test]
fn a_rollback_killed_anywhere_can_be_gone_on_with() {
    rollback_killed(|call| call % STEP == 1);
}

#[test]
#[ignore = "long form"]
fn long_a_rollback_killed_elsewhere_can_be_gone_on_with() {
    rollback_killed(|call| call % STEP != 1);
}

/// The next one goes back, or completes the one that was killed and goes forth.
fn rollback_killed(are_tried: fn(u32) -> bool) {
    let begin = Node::with(&FIRST, "worker-1");
    let first = begin.live();
    assert_eq!(begin.install(&TOOLS, &SECOND, "worker-1", &[]).code, Some(0));
    let second = begin.live();
    let calls = kill_at(
        are_tried,
        &begin,
        |node, tools| node.other_command(tools, "--rollback"),
        |node| {
            let ended = node.rollback(&TOOLS);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            // Begun, it is completed first; over but for the sweeping up, it was complete. Then this one goes forth.
            assert!(ended.stderr.is_empty() || node.live() == second);
            if node.live() == second {
                assert_eq!(node.rollback(&TOOLS).code, Some(0));
            }
            assert!(node.live() == first);
        },
    );
    assert!(calls > 12, "{calls}");
}

/// A dry run says that something waits; the state does, too.
#[test]
fn what_waits_is_told() {
    let node = Node::with(&FIRST, "worker-1");
    let new = "installed    lab, generation 1, Kubernetes ";
    assert!(node.status().starts_with(new), "{}", node.status());
    let foreign = "previous     what certferry did not install; `sh install.sh --rollback` brings it back\n\
                   files        all 6 are as they were installed\n";
    assert!(node.status().ends_with(foreign), "{}", node.status());
    let tools = killing_once_moved("/journal.new ");
    node.kill(&mut node.command(&tools, &SECOND, "worker-1", &[]), "the journal is there");
    let waits = "interrupted  a run was cut short: the next `sh install.sh` brings it to its end first\n\
                 files        not compared: those of two generations may be there\n";
    assert!(node.status().ends_with(waits), "{}", node.status());
    let text = "error: an interrupted run waits to be completed\n\
                hint: run this without --dry-run, or --rollback: both complete it first\n";
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &["--dry-run"]), 1, text);
    // A bundle that is refused changes nothing, but what was begun is ended.
    let ended = node.install(&TOOLS, &FIRST, "worker-1", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.starts_with(&format!("{NOTE}error: generation 2 is installed")), "{}", ended.stderr);
    assert_clean(&node, "after a refusal");
    let previous = "previous     lab, generation 1, Kubernetes ";
    assert!(node.status().lines().nth(1).unwrap().starts_with(previous), "{}", node.status());
}

/// A journal as certferry writes it: units of single files, exchanges that are done already, a way back that was cut
/// short, a folder of slots elsewhere.
#[test]
fn a_run_of_certferrys_is_completed() {
    let node = Node::with(&FIRST, "worker-1");
    let before = node.live();
    fs::remove_dir_all(node.path(STATE).join("previous")).unwrap();
    fs::remove_dir_all(node.path("var/lib/kubelet/.certferry/previous")).unwrap();
    let write = |place: &str, text: &str| {
        fs::create_dir_all(node.path(place).parent().unwrap()).unwrap();
        fs::write(node.path(place), text).unwrap();
    };
    let slot = format!("{STATE}/next");
    // A file of the folder, not begun; exchanged; between two renames of the way there and of the way back.
    let files = ["not-begun", "exchanged", "away", "there", "back", "nearly-back"];
    for name in files {
        write(&format!("{PKI}/{name}"), "old");
        write(&format!("{slot}/pki/{name}"), "new");
    }
    write(&format!("{slot}/pki/placed"), "new");
    write(&format!("{slot}/pki/to-place"), "new");
    write(&format!("{PKI}/removed"), "old");
    write(&format!("{PKI}/to-remove"), "old");
    write("data/there", "old");
    write("data/.certferry/next/there", "new");
    write("data/.certferry/previous/stale", "older");
    let mut lines = String::new();
    let mut units = "certferry-units-1\n".to_owned();
    let mut unit = |live: &str, slots: &str, name: &str| {
        let waits = format!("{slots}/next/{name}");
        let (new, old) = (fingerprint(&node.path(&waits)), fingerprint(&node.path(live)));
        let kind = if new == "-" {
            "remove"
        } else if old == "-" {
            "place"
        } else {
            "swap"
        };
        lines += &format!("{kind} {live} {waits} {new} {old}\n");
        units += &format!("{live} {slots}/@/{name}\n");
    };
    for name in files.into_iter().chain(["placed", "to-place", "removed", "to-remove"]) {
        unit(&format!("{PKI}/{name}"), STATE, &format!("pki/{name}"));
    }
    unit("data/there", "data/.certferry", "there");
    fs::write(node.path(&slot).join("units"), units + "end\n").unwrap();
    fs::write(node.path(STATE).join("journal"), journal("next", "previous", &lines)).unwrap();
    let (live, waits) = (|name: &str| node.path(PKI).join(name), |name: &str| node.path(&slot).join("pki").join(name));
    let out = |name: &str| waits(&format!("{name}.out"));
    let exchange = |name: &str| {
        fs::rename(live(name), out(name)).unwrap();
        fs::rename(waits(name), live(name)).unwrap();
        fs::rename(out(name), waits(name)).unwrap();
    };
    exchange("exchanged");
    fs::rename(live("away"), out("away")).unwrap();
    fs::rename(live("there"), out("there")).unwrap();
    fs::rename(waits("there"), live("there")).unwrap();
    exchange("back");
    fs::rename(live("back"), out("back")).unwrap();
    exchange("nearly-back");
    fs::rename(live("nearly-back"), out("nearly-back")).unwrap();
    fs::rename(waits("nearly-back"), live("nearly-back")).unwrap();
    fs::rename(waits("placed"), live("placed")).unwrap();
    fs::rename(live("removed"), waits("removed")).unwrap();

    // It is completed, and then gone back from: nothing of it is live, and the other half is kept.
    let ended = node.rollback(&TOOLS);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), NOTE));
    for name in files {
        assert_eq!(fs::read_to_string(live(name)).unwrap(), "old", "{name}");
        let kept = node.path(STATE).join("previous/pki").join(name);
        assert_eq!(fs::read_to_string(kept).unwrap(), "new", "{name}");
    }
    assert!(!live("placed").exists() && !live("to-place").exists());
    assert!(live("removed").exists() && live("to-remove").exists());
    assert_eq!(fs::read_to_string(node.path("data/there")).unwrap(), "old");
    assert!(!node.path("data/.certferry/previous/stale").exists());
    assert_clean(&node, "certferry's run");
    for (path, seen) in before {
        assert!(node.live().get(&path) == Some(&seen), "{path}");
    }
}

/// Whole, but not as a journal is.
#[test]
fn a_journal_that_does_not_fit_is_left_alone() {
    let node = Node::with(&FIRST, "worker-1");
    let place = node.path(STATE).join("journal");
    let (new, old) = ("1".repeat(64), "2".repeat(64));
    let unit = format!("swap etc/kubernetes/pki etc/kubernetes/.certferry/next/pki {new} {old}\n");
    let whole = format!("certferry-journal-2\nslot next\nkeep previous\n{unit}");
    for wrong in [
        whole.replace("journal-2", "journal-1"),
        whole.replace("slot next", "slot discard"),
        whole.replace("keep previous", "keep next"),
        whole.replace("keep previous\n", ""),
        format!("{whole}end\n"),
        sealed(&whole),
        whole.replace("swap", "copy"),
        whole.replace("swap", "place"),
        whole.replace("swap", "remove"),
        whole.replace(&format!(" {old}"), ""),
        whole.replace(&new, &new[1..]),
        whole.replace(&new, &new.replace('1', "A")),
        whole.replace(&new, "-"),
        whole.replace("swap ", "swap  "),
        whole.replace("swap etc/kubernetes/pki ", "swap ../etc/kubernetes/pki "),
        whole.replace("swap etc/kubernetes/pki ", "swap /etc/kubernetes/pki "),
        whole.replace("next/pki", "next/../../pki"),
        whole.replace(".certferry/next/pki", ".certferry/previous/pki"),
    ] {
        fs::write(&place, sealed(&wrong)).unwrap();
        node.refuse(&mut node.other_command(&TOOLS, "--rollback"), 2, &damaged(&node));
    }
    fs::write(&place, format!("certferry-journal-1\nslot next\n{}end\n", unit.replace(&old, "2"))).unwrap();
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &damaged(&node));
}

#[test]
fn there_must_be_a_generation_to_go_back_to() {
    let node = Node::new();
    let none = "error: there is no generation to go back to\nhint: nothing was ever installed here\n";
    node.refuse(&mut node.other_command(&TOOLS, "--rollback"), 1, none);
    assert_eq!(node.status(), "installed    nothing by certferry\nprevious     none\n");
    // What was installed first goes away, and comes again.
    let node = Node::with(&FIRST, "worker-1");
    let installed = node.state();
    let ended = node.rollback(&TOOLS);
    let text = "taken away, because the generation before has none:\n  etc/kubernetes/pki\n";
    assert!(ended.code == Some(0) && ended.stdout.starts_with(text), "{}", ended.stdout);
    assert!(node.live().values().all(|(mode, ..)| mode & 0o170_000 == 0o040_000), "no file is left");
    assert!(node.status().starts_with("installed    nothing by certferry\nprevious     lab, generation 1, "));
    let ended = node.rollback(&TOOLS);
    assert!(ended.code == Some(0) && ended.stdout.starts_with("back in their places:\n"), "{}", ended.stdout);
    assert!(node.state() == installed);
    let units = node.path(STATE).join("previous/units");
    let broken =
        format!("error: {} is not a list of units\nhint: there is nothing that can be done with it\n", units.display());
    for wrong in ["", "certferry-units-1\n", "certferry-units-1\netc/kubernetes/pki\nend\n", "certferry-units-2\nend\n"]
    {
        fs::write(&units, wrong).unwrap();
        node.refuse(&mut node.other_command(&TOOLS, "--rollback"), 2, &broken);
    }
    fs::remove_file(&units).unwrap();
    let text = format!(
        "error: there is no generation to go back to\n\
         hint: {}/{STATE}/previous does not hold one; it is made when something is installed over a PKI\n",
        node.root().display()
    );
    node.refuse(&mut node.other_command(&TOOLS, "--rollback"), 1, &text);
}

/// Holds a lock until it is dropped.
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn one_run_at_a_time() {
    let node = Node::with(&FIRST, "worker-1");
    let lock = node.path(STATE).join("lock");
    let root = node.root().display().to_string();
    let mut command = Command::new("flock");
    let script = "echo held; exec sleep 60";
    let child = command.arg(&lock).args(["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut holder = Holder(child);
    let mut said = [0; 5];
    std::io::Read::read_exact(holder.0.stdout.as_mut().unwrap(), &mut said).unwrap();
    let text = format!(
        "error: another run holds the lock {root}/{STATE}/lock\nhint: wait until it has ended; `ps` shows it\n"
    );
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &text);
    node.refuse(&mut node.other_command(&TOOLS, "--rollback"), 2, &text);
    drop(holder);
}

/// Where there is no flock, a folder is the lock, and is taken over from a process that is no more.
#[test]
fn without_flock_a_folder_is_the_lock() {
    let node = Node::with(&FIRST, "worker-1");
    let tools = Tools::busybox();
    let root = node.root().display().to_string();
    let folder = node.path(STATE).join("lock.d");
    fs::create_dir(&folder).unwrap();
    let text =
        format!("error: another run holds the lock {root}/{STATE}/lock.d\nhint: if none does, remove that folder\n");
    node.refuse(&mut node.command(&tools, &SECOND, "worker-1", &[]), 2, &text);
    let own = std::process::id();
    fs::write(folder.join("pid"), format!("{own}\n")).unwrap();
    let text = format!(
        "error: another run, process {own}, holds the lock {root}/{STATE}/lock.d\n\
         hint: wait until it has ended; `ps` shows it\n"
    );
    node.refuse(&mut node.command(&tools, &SECOND, "worker-1", &[]), 2, &text);
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    fs::write(folder.join("pid"), format!("{}\n", gone.id())).unwrap();
    let ended = node.install(&tools, &SECOND, "worker-1", &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(!folder.exists());
}

/// Whoever comes second waits for nobody: it is refused, or finds the work done.
#[test]
fn of_two_runs_at_once_one_wins() {
    let expected = {
        let node = Node::with(&FIRST, "worker-1");
        assert_eq!(node.install(&TOOLS, &SECOND, "worker-1", &[]).code, Some(0));
        node.state()
    };
    for _ in 0..3 {
        let node = Node::with(&FIRST, "worker-1");
        let start = || {
            let mut command = node.command(&TOOLS, &SECOND, "worker-1", &[]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let ended = [start(), start()].map(|child| child.wait_with_output().unwrap());
        assert!(ended.iter().any(|output| output.status.success()));
        for output in ended.iter().filter(|output| !output.status.success()) {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.starts_with("error: another run holds the lock "), "{stderr}");
        }
        assert!(node.state() == expected);
    }
}
