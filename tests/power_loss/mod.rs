//! The power fails during `apply`, `rollback` and install.sh: whatever the file system has kept, the next run brings
//! the node to the old files or to the new ones, both can still be had, and no key lies where it must not.
//!
//! A run is recorded with strace, and what it did is replayed up to a moment at which the power fails. What was not
//! synced by then may be lost. Each number stands for one run, one moment and one choice of what is lost, so that a
//! state can be made again. States that are the same are looked at once, and both numbers are told.
//!
//! **The model.** A change of names (create, link, rename, exchange, unlink) or of mode and owner is kept as a whole or
//! lost. There are two ways in which they may be lost:
//!
//! - *Ordered*, as on ext4 and XFS. Names and attributes are one log, of which the first part is kept. A sync of an
//!   inode writes the log up to the last change of that inode. ext4 writes all of it, since jbd2 commits whole
//!   transactions ("Journal (jbd2)" in the kernel's documentation of ext4); XFS writes it at least so far, in
//!   checkpoints that are kept as a whole and in their order ("XFS Logging Design" in the kernel's documentation of
//!   XFS).
//! - *Reordered*, as POSIX lets a file system, and as Pillai et al. found it on others ("All File Systems Are Not
//!   Created Equal: On the Complexity of Crafting Crash-Consistent Applications", OSDI 2014; their tool ALICE replays
//!   calls in this way). Any change may be lost, unless each folder in which it changed a name was synced since or, of
//!   attributes, the inode itself. A sync of a file says nothing of its name. Only what changes a name once more needs
//!   what changed that name in that folder before.
//!
//! In both, the bytes of a file are on the disk only once the file is synced; before, they are what they were at any
//! time since its last sync (none at first, as ext4 has it with delayed allocation; old ones, where the file was cut),
//! a first part of them, or zeros in the place of the last that were written (XFS, and ext4 with `data=writeback`).
//! That ext4 writes a file's bytes before a rename that replaces another (`auto_da_alloc`) is not relied on. Nothing is
//! written over bytes that stay, so that no page is half old and half new.
//!
//! overlayfs keeps nothing itself: what it loses is what its upper layer loses. A sync is handed down to it; each
//! change is one there or, where something is copied up, a few, of which the last is a rename, and the bytes are synced
//! before that ("ovl: fsync after copy-up" in Linux 4.9). What differs is that no folder of a lower layer is renamed,
//! and that inodes get other numbers with the next mount. install.sh is told that it is on overlayfs, and changes file
//! by file; and inodes have new numbers in each state here.
//!
//! The power fails before each sync, and at the end. What a failure between two syncs leaves is the same as one before
//! the second of them that loses all in between. Times, extended attributes and bytes that the disk itself damages are
//! not in the model.
//!
//! `cargo xtask crash --power` takes 100,000 numbers; every day a few thousand are tried.

mod cases;
mod chance;
mod check;
mod faults;
mod recording;
mod trace;
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use cases::Case;
use chance::Chance;
use recording::Model;

use crate::common::rights::{Right, lacks};
use crate::common::{program, run, skip, tool};

/// What is tried every day.
const EVERY_DAY: Plan = Plan { states: 0..3_000, seed: 1, program: 40, script: 100 };

/// What is tried.
#[derive(Clone, Debug)]
struct Plan {
    states: Range<u64>,
    seed: u64,
    /// Of so many states that differ one is looked at by the program, too.
    program: u64,
    /// Of so many one by install.sh.
    script: u64,
}

/// What came of it.
#[derive(Default)]
struct Tally {
    states: AtomicU64,
    by_program: AtomicU64,
    by_script: AtomicU64,
    /// The states that were looked at, and those to which the next run led.
    seen: Mutex<BTreeSet<(usize, [u8; 32])>>,
    ends: Mutex<BTreeSet<(usize, [u8; 32])>>,
    wrong: Mutex<Vec<Wrong>>,
}

/// A state in which something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wrong {
    number: u64,
    case: usize,
    text: String,
}

impl Plan {
    /// What the environment asks for.
    fn asked() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let mut plan = EVERY_DAY;
        plan.seed = number("CERTFERRY_POWER_SEED").unwrap_or(plan.seed);
        if let Some(states) = number("CERTFERRY_POWER_STATES") {
            plan = Self { states: 0..states, script: 40, ..plan };
        }
        if let Some(from) = number("CERTFERRY_POWER_FROM") {
            plan = Self { states: from..from + 1, program: 1, script: 1, ..plan };
        }
        plan
    }

    /// Tries every state.
    fn run(&self, cases: &[Case]) -> Tally {
        let tally = Tally::default();
        self.states.clone().into_par_iter().for_each(|number| self.state(cases, number, &tally));
        tally
    }

    fn state(&self, cases: &[Case], number: u64, tally: &Tally) {
        let count = u64::try_from(cases.len()).unwrap();
        let case = usize::try_from(number % count).unwrap();
        let model = if (number / count).is_multiple_of(4) { Model::Ordered } else { Model::Reordered };
        let mut chance = Chance::of(self.seed, number);
        let (state, point) = cases[case].crash(model, &mut chance);
        tally.states.fetch_add(1, Ordering::Relaxed);
        if !tally.seen.lock().unwrap().insert((case, tree::hash(&state.tree))) {
            return;
        }
        if let Err(reason) = self.look(&cases[case], case, &state, &mut chance, tally) {
            let when = match cases[case].recording.calls().get(point) {
                Some(call) => format!("before {call:?}"),
                None => "at the end".to_owned(),
            };
            let text =
                format!("state {number} of seed {}: {}, {model:?}, {when}: {reason}", self.seed, cases[case].name());
            tally.wrong.lock().unwrap().push(Wrong { number, case, text });
        }
    }

    fn look(
        &self,
        case: &Case,
        number: usize,
        state: &recording::State,
        chance: &mut Chance,
        tally: &Tally,
    ) -> Result<(), String> {
        let mut one_of = |count: u64| chance.below(usize::try_from(count).unwrap()) == 0;
        check::after_failure(case, &state.tree)?;
        let (by_program, by_script) = (one_of(self.program), one_of(self.script));
        if by_script {
            tally.by_script.fetch_add(1, Ordering::Relaxed);
            check::next_script(case, state)?;
        }
        let (which, now) = check::next_run(case, state)?;
        if by_program {
            tally.by_program.fetch_add(1, Ordering::Relaxed);
            if check::next_program(case, state)? != (which, now.clone()) {
                return Err("the program and the library do not do the same".to_owned());
            }
        }
        let is_new = tally.ends.lock().unwrap().insert((number, tree::hash(&now)));
        if is_new { check::go_on(case, which, &now) } else { Ok(()) }
    }
}

impl Tally {
    /// What is said of it.
    fn text(&self, cases: &[Case]) -> String {
        let text = format!(
            "{} states of {} runs, {} different; completed or undone by certferry, {} also by its program and {} by \
             install.sh; {} different ends, each gone on from in both ways",
            self.states.load(Ordering::Relaxed),
            cases.len(),
            self.seen.lock().unwrap().len(),
            self.by_program.load(Ordering::Relaxed),
            self.by_script.load(Ordering::Relaxed),
            self.ends.lock().unwrap().len(),
        );
        let (seen, wrong) = (self.seen.lock().unwrap(), self.wrong.lock().unwrap());
        let of_each = cases.iter().enumerate().map(|(number, case)| {
            let different = seen.iter().filter(|(case, _)| *case == number).count();
            let wrong = wrong.iter().filter(|wrong| wrong.case == number).count();
            format!("\n  {}: {different} different, {wrong} wrong", case.name())
        });
        let of_each: Vec<_> = of_each.collect();
        text + &of_each.concat()
    }
}

/// Says a result aloud, past the test harness.
#[allow(clippy::explicit_write, reason = "cargo test hides what a passing test says with eprintln")]
fn report(text: &str) {
    writeln!(std::io::stderr(), "{text}").unwrap();
}

/// Whether nothing can be recorded here, which is said then.
fn cannot_record() -> bool {
    if lacks(&[Right::Root, Right::Trace]) {
        return true;
    }
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = tool("strace");
    strace.args(["-qq", "-y", "-e", "trace=openat", "-o"]).arg(log.path()).arg(program());
    run(strace.args(["seed", "id", "/no-such-seed"]));
    let text = fs::read_to_string(log.path()).unwrap();
    let is_told = text.lines().any(|line| line.contains("no-such-seed") && line.contains("AT_FDCWD<"));
    if !is_told {
        skip("strace -y does not show the paths of a program that may not be dumped: they are root's to see");
    }
    !is_told
}

#[test]
fn whatever_a_power_failure_leaves_the_next_run_completes_or_undoes() {
    if cannot_record() {
        return;
    }
    let begin = Instant::now();
    let cases = cases::all();
    let recorded = begin.elapsed().as_secs_f32();
    let plan = Plan::asked();
    let tally = plan.run(&cases);
    let text = tally.text(&cases);
    let mut wrong = tally.wrong.into_inner().unwrap();
    wrong.sort();
    let seconds = begin.elapsed().as_secs_f32();
    report(&format!("{text}\n{} wrong; {seconds:.1} s, of which {recorded:.1} s for recording", wrong.len()));
    let first: String = wrong.iter().take(40).map(|wrong| format!("{}\n", wrong.text)).collect();
    assert!(first.is_empty(), "{first}`cargo xtask crash --power --seed SEED --from STATE` looks at one alone");
}
