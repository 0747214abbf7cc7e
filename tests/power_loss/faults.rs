//! The harness finds what it is for: a sync that is left out, and an order that is not kept.

use super::cases::{self, Case};
use super::trace::Call;
use super::{Plan, cannot_record, report};

/// So many states are looked at before a fault counts as not found.
const STATES: u64 = 4_000;
const JOURNAL: &str = "etc/kubernetes/.certferry/journal";

/// The number of the first state in which a run with a fault is found to be wrong, and what is wrong then.
fn found(case: &Case, states: u64) -> Option<(u64, String)> {
    let cases = std::slice::from_ref(case);
    let step = 10;
    (0..states / step).find_map(|round| {
        let plan =
            Plan { states: round * step..(round + 1) * step, program: u64::MAX, script: u64::MAX, ..super::EVERY_DAY };
        let tally = plan.run(cases);
        let wrong = tally.wrong.into_inner().unwrap();
        wrong.into_iter().min().map(|wrong| (wrong.number, wrong.text))
    })
}

fn position(case: &Case, is: impl Fn(&Call) -> bool) -> usize {
    case.recording.calls().iter().position(is).unwrap()
}

#[track_caller]
fn assert_found(case: &Case, fault: &str, reason: &str) -> u64 {
    let (number, text) =
        found(case, STATES).unwrap_or_else(|| panic!("{}, {fault}: not found in {STATES} states", case.name()));
    assert!(text.contains(reason), "{fault}: {text}");
    number
}

#[test]
fn a_sync_that_is_left_out_is_found() {
    if cannot_record() {
        return;
    }
    let case = cases::over_kubeadm();
    assert_eq!(found(&case, 500), None);
    let calls = case.recording.calls();
    // The bytes of each file, and the names in a folder.
    let is_file =
        |place: &String| calls.iter().any(|call| matches!(call, Call::Create { place: at, .. } if at == place));
    let synced = calls.iter().enumerate().filter_map(|(at, call)| match call {
        Call::Sync { place } if is_file(place) || place.ends_with("/next/pki/etcd") => Some((at, place)),
        _ => None,
    });
    let (mut syncs, mut last) = (0, 0);
    for (at, place) in synced {
        let unit = ["/next/pki/", "/next/installed/"].iter().find(|unit| place.contains(*unit));
        let reason = if unit.is_some() { " is torn" } else { "" };
        last =
            last.max(assert_found(&case.with(case.recording.without_sync(at)), &format!("no sync of {place}"), reason));
        syncs += 1;
    }
    assert!(syncs > 30, "{syncs}");
    report(&format!("{}: {syncs} syncs, each left out once, each found by state {last} at the latest", case.name()));
}

#[test]
fn an_order_that_is_not_kept_is_found() {
    if cannot_record() {
        return;
    }
    let case = cases::over_kubeadm();
    let journal = position(&case, |call| matches!(call, Call::Rename { to, .. } if to == JOURNAL));
    let exchange = position(&case, |call| matches!(call, Call::Exchange { .. }));
    let late = case.with(case.recording.with_later(journal, exchange));
    let first = assert_found(&late, "the journal after the first unit", "neither the old nor the new is live");
    let gone = position(&case, |call| *call == Call::Remove { place: JOURNAL.to_owned() });
    let last = case.recording.calls()[..gone].iter().rposition(|call| matches!(call, Call::Exchange { .. })).unwrap();
    let late = case.with(case.recording.with_later(last, gone));
    let second = assert_found(&late, "the last unit after the journal", "neither the old nor the new is live");
    report(&format!("{}: two orders, each not kept once, found by the states {first} and {second}", case.name()));
}
