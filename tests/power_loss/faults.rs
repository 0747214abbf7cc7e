//! The harness finds what it is for: a sync that is left out, and an order that is not kept.

use super::cases::{self, Case};
use super::trace::Call;
use super::{Plan, report};
use crate::common::rights::{Right, lacks};

/// So many states are looked at before a fault counts as not found.
const STATES: u64 = 4_000;
const NEXT: &str = "etc/kubernetes/.certferry/next";
const JOURNAL: &str = "etc/kubernetes/.certferry/journal";

/// The number of the first state in which a run with a fault is found to be wrong, and what is wrong then.
fn found(case: &Case) -> Option<(u64, String)> {
    let cases = std::slice::from_ref(case);
    let step = 100;
    (0..STATES / step).find_map(|round| {
        let plan =
            Plan { states: round * step..(round + 1) * step, program: u64::MAX, script: u64::MAX, ..super::EVERY_DAY };
        let tally = plan.run(cases);
        let wrong = tally.wrong.into_inner().unwrap();
        wrong.into_iter().min_by_key(|(number, _)| *number)
    })
}

fn position(case: &Case, is: impl Fn(&Call) -> bool) -> usize {
    case.recording.calls().iter().position(is).unwrap()
}

#[track_caller]
fn assert_found(case: &Case, fault: &str, reasons: &[&str]) {
    let (number, text) = found(case).unwrap_or_else(|| panic!("{}, {fault}: not found in {STATES} states", case.name));
    assert!(reasons.iter().any(|reason| text.contains(reason)), "{fault}: {text}");
    report(&format!("{}, {fault}: found by state {number}", case.name));
}

#[test]
fn a_sync_that_is_left_out_is_found() {
    if lacks(&[Right::Root, Right::Trace]) {
        return;
    }
    let case = cases::over_kubeadm();
    assert_eq!(found(&case), None);
    for (place, reasons) in [
        // The bytes of a key.
        (format!("{NEXT}/pki/ca.key"), ["etc/kubernetes/pki is torn"]),
        // The names in a folder.
        (format!("{NEXT}/pki/etcd"), ["etc/kubernetes/pki is torn"]),
        (format!("{JOURNAL}.new"), ["journal"]),
    ] {
        let at = position(&case, |call| *call == Call::Sync { place: place.clone() });
        assert_found(&case.with(case.recording.without_sync(at)), &format!("no sync of {place}"), &reasons);
    }
}

#[test]
fn an_order_that_is_not_kept_is_found() {
    if lacks(&[Right::Root, Right::Trace]) {
        return;
    }
    let case = cases::over_kubeadm();
    let journal = position(&case, |call| matches!(call, Call::Rename { to, .. } if to == JOURNAL));
    let exchange = position(&case, |call| matches!(call, Call::Exchange { .. }));
    let late = case.with(case.recording.with_later(journal, exchange));
    assert_found(&late, "the journal after the first unit", &["neither the old nor the new is live"]);
    let gone = position(&case, |call| *call == Call::Remove { place: JOURNAL.to_owned() });
    let last = case.recording.calls()[..gone].iter().rposition(|call| matches!(call, Call::Exchange { .. })).unwrap();
    let late = case.with(case.recording.with_later(last, gone));
    assert_found(&late, "the last unit after the journal", &["neither the old nor the new is live"]);
}
