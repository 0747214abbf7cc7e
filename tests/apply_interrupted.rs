//! Runs that were cut short, and what people and programs did to the files before the next run: it completes them
//! all the same, or says what to move away.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::common::node::{FIRST, SECOND, applied, apply, copy, everything, generation, live, remains};
use crate::common::rights::{Right, lacks};
use crate::common::{build_text, fail, run, succeed, tool};

const STATE: &str = "etc/kubernetes/.certferry";
const CONF: &str = "etc/kubernetes/kubelet.conf";
const SLOT: &str = "etc/kubernetes/.certferry/next/kubelet.conf";
const OUT: &str = "etc/kubernetes/.certferry/next/kubelet.conf.out";

/// A worker whose run was killed before its first unit was swapped.
fn killed() -> TempDir {
    let root = applied(&FIRST, "worker-1");
    let command = apply(&SECOND, "worker-1", root.path());
    let mut strace = tool("strace");
    // The first of these calls is that of the journal.
    strace.args(["-qq", "-o", "/dev/null", "-e", "trace=renameat2", "-e", "inject=renameat2:signal=SIGKILL:when=2"]);
    let output = run(strace.arg(command.get_program()).args(command.get_args()));
    assert_eq!(output.status.signal(), Some(9), "{output:?}");
    assert!(root.path().join(STATE).join("journal").exists());
    root
}

/// What an arrangement leads to.
#[derive(Clone, Copy, Debug)]
enum Comes {
    /// It is completed, and this is in the slot of the generation before: `O` or `X`, or nothing.
    To(char),
    /// It is completed, and what somebody has put there since is repaired: it is kept as `X`.
    Repaired,
    /// Somebody has to move what is live.
    InTheWay,
    /// What was to go there is not there.
    Lost,
}

#[test]
fn whatever_somebody_did_to_a_file_meanwhile_the_run_is_completed_or_says_what_to_move() {
    use Comes::{InTheWay, Lost, Repaired, To};
    if lacks(&[Right::Trace]) {
        return;
    }
    let start = killed();
    let end = copy(start.path());
    succeed(&mut apply(&SECOND, "worker-1", end.path()));
    let wanted = live(end.path());
    let old = fs::read(start.path().join(CONF)).unwrap();
    let new = fs::read(start.path().join(SLOT)).unwrap();
    let content = |letter: char| match letter {
        'O' => Some(old.clone()),
        'N' => Some(new.clone()),
        'X' => Some(b"kind: Config\n".to_vec()),
        _ => None,
    };
    // Live, in the slot, on its way out.
    for (arrangement, comes) in [
        ("ON-", To('O')),
        ("XN-", To('X')),
        ("NN-", To('N')),
        ("-N-", To('-')),
        ("-NO", To('O')),
        ("-NX", To('X')),
        ("XNO", InTheWay),
        ("N-O", To('O')),
        ("N-X", To('X')),
        ("X-O", Repaired),
        ("O-N", To('O')),
        ("X-N", To('X')),
        ("--N", To('-')),
        ("NO-", To('O')),
        ("NX-", To('X')),
        ("XO-", Repaired),
        ("-O-", To('O')),
        ("-ON", To('O')),
        ("XON", InTheWay),
        ("OX-", Lost),
        ("O--", Lost),
        ("N--", To('-')),
    ] {
        let root = copy(start.path());
        let path = |place: &str| root.path().join(place);
        for (place, letter) in [CONF, SLOT, OUT].into_iter().zip(arrangement.chars()) {
            let _ = fs::remove_file(path(place));
            if let Some(content) = content(letter) {
                fs::write(path(place), content).unwrap();
                fs::set_permissions(path(place), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            }
        }
        let mut command = apply(&SECOND, "worker-1", root.path());
        match comes {
            To(_) | Repaired => {
                let text = succeed(&mut command);
                assert!(text.starts_with("an interrupted run was brought to its end first\n"), "{arrangement}: {text}");
            }
            InTheWay => {
                let text = format!(
                    "error: an interrupted run cannot be brought to its end: somebody else has put something at {CONF} \
                     since\nhint: move that elsewhere with `mv`, then run this again: it completes the run; nothing further \
                     was changed\n"
                );
                assert_eq!(fail(&mut command, 2), text, "{arrangement}");
                fs::rename(path(CONF), path("moved")).unwrap();
                succeed(&mut command);
                fs::remove_file(path("moved")).unwrap();
            }
            Lost => {
                let text = format!(
                    "error: an interrupted run cannot be brought to its end: what was to go to {CONF} is no longer as it was \
                     staged\nhint: {WAY}"
                );
                assert_eq!(fail(&mut command, 2), text, "{arrangement}");
                assert_eq!(fs::read(path(CONF)).unwrap(), old, "{arrangement}");
                give_up(root.path());
                succeed(&mut command);
            }
        }
        assert!(live(root.path()) == wanted, "{arrangement}");
        assert_eq!(remains(root.path()), Vec::<PathBuf>::new(), "{arrangement}");
        let kept = |slot: &str| fs::read(path(&format!("{STATE}/{slot}/kubelet.conf"))).ok();
        match comes {
            To(letter) => assert!(kept("previous") == content(letter), "{arrangement}"),
            Repaired => assert!(kept("repaired") == content('X') && kept("previous") == content('O'), "{arrangement}"),
            InTheWay | Lost => {}
        }
    }
}

const WAY: &str = "nothing further was changed, and nothing is lost: copy every folder .certferry (of /etc/kubernetes, of \
                   /var/lib/kubelet) elsewhere, because `next` in it holds what the run has replaced; then remove \
                   /etc/kubernetes/.certferry/journal and apply a bundle, which makes every file whole\n";

/// Does what the hint says.
fn give_up(root: &Path) {
    fs::remove_file(root.join(STATE).join("journal")).unwrap();
}

/// A kubelet renews its certificate, a person adds a file, between a crash and the next run.
#[test]
fn a_folder_that_was_written_to_meanwhile_is_kept_as_it_is() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let root = killed();
    let pki = root.path().join("var/lib/kubelet/pki");
    fs::write(pki.join("kubelet-client-2031-01-01-00-00-00.pem"), "renewed").unwrap();
    succeed(&mut apply(&SECOND, "worker-1", root.path()));
    let kept = root.path().join("var/lib/kubelet/.certferry/previous/pki/kubelet-client-2031-01-01-00-00-00.pem");
    assert_eq!(fs::read_to_string(kept).unwrap(), "renewed");
    assert_eq!(remains(root.path()), Vec::<PathBuf>::new());
}

/// What was written before a run was completed is told before the next generation drops it.
#[test]
fn what_was_written_meanwhile_is_told_before_another_generation_comes() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let third = build_text(&generation(3, |_| {}));
    let root = killed();
    fs::write(root.path().join(CONF), "theirs").unwrap();
    let kept = format!("{STATE}/previous/kubelet.conf");
    let text = format!(
        "error: an interrupted run was brought to its end; before that somebody had written to {CONF}: it is {kept} now, and \
         the next generation would drop it\nhint: look at it, and move it elsewhere if it is of use; then run the same \
         command again\n"
    );
    assert_eq!(fail(&mut apply(&third, "worker-1", root.path()), 2), text);
    assert_eq!(fs::read_to_string(root.path().join(kept)).unwrap(), "theirs");
    assert_eq!(remains(root.path()), Vec::<PathBuf>::new());
    succeed(&mut apply(&third, "worker-1", root.path()));
    // With the same generation it is only named.
    let root = killed();
    fs::write(root.path().join(CONF), "theirs").unwrap();
    let text = succeed(&mut apply(&SECOND, "worker-1", root.path()));
    let note = format!("note: {CONF} was written while this ran: it is {STATE}/previous/kubelet.conf, and not live\n");
    assert!(text.contains(&note), "{text}");
}

/// Whoever ends a run with Ctrl-C, or shuts the machine down, leaves no staged key behind: it is removed, or the run is
/// through first.
#[test]
fn ended_by_a_signal_no_staged_key_is_left() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let start = applied(&FIRST, "worker-1");
    fs::write(start.path().join("etc/kubernetes/pki/by hand"), "kept").unwrap();
    let end = copy(start.path());
    succeed(&mut apply(&SECOND, "worker-1", end.path()));
    let (old, new) = (live(start.path()), live(end.path()));
    let all = std::env::var_os("CERTFERRY_CRASH_ALL").is_some();
    let (mut ended, mut through) = (0, 0);
    for (call, step) in [
        ("openat", 23),
        ("write", 2),
        ("mkdir", 1),
        ("fsync", 3),
        ("renameat2", 1),
        ("fchown", 3),
        ("copy_file_range", 1),
        ("unlinkat", 5),
    ] {
        for (time, (signal, number)) in (1..)
            .step_by(if all { 1 } else { step })
            .zip([("HUP", 1), ("INT", 2), ("QUIT", 3), ("TERM", 15)].into_iter().cycle())
        {
            let root = copy(start.path());
            let command = apply(&SECOND, "worker-1", root.path());
            // A shell starts what it does not wait for with some signals ignored.
            let mut strace = tool("env");
            strace.args(["--default-signal=HUP,INT,QUIT,TERM", "strace"]);
            strace.args(["-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
            strace.arg("-e").arg(format!("inject={call}:signal=SIG{signal}:when={time}"));
            let output = run(strace.arg(command.get_program()).args(command.get_args()));
            if output.status.success() {
                break;
            }
            let point = format!("{call} {time} {signal}");
            assert_eq!(output.status.signal(), Some(number), "{point}: {output:?}");
            let now = live(root.path());
            assert!(now == old || now == new, "{point}");
            assert_eq!(remains(root.path()), Vec::<PathBuf>::new(), "{point}");
            ended += 1;
            through += usize::from(now == new);
        }
    }
    assert!(ended > 30 && through > 10 && ended - through > 10, "{ended} ended, {through} of them through");
    println!("{ended} runs ended by a signal, {through} of them were through first");
}

#[test]
fn a_damaged_journal_is_refused_before_its_first_step() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let start = killed();
    let place = start.path().join(STATE).join("journal");
    let journal = fs::read(&place).unwrap();
    let text = format!("error: what certferry remembers of this node cannot be read: journal\nhint: {WAY}");
    let mut damaged: Vec<Vec<u8>> = Vec::new();
    for at in (0..journal.len()).step_by(journal.len() / 50) {
        let mut flipped = journal.clone();
        flipped[at] ^= 0x11;
        damaged.extend([flipped, journal[..at].to_vec()]);
        let mut lacking = journal.clone();
        lacking.remove(at);
        damaged.push(lacking);
    }
    assert!(damaged.len() >= 150);
    for damaged in damaged {
        fs::write(&place, &damaged).unwrap();
        let before = everything(start.path());
        assert_eq!(fail(&mut apply(&SECOND, "worker-1", start.path()), 2), text);
        assert_eq!(everything(start.path()), before);
    }
    fs::write(&place, &journal).unwrap();
    succeed(&mut apply(&SECOND, "worker-1", start.path()));
    assert_eq!(remains(start.path()), Vec::<PathBuf>::new());
}
