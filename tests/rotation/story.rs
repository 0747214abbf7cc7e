//! What happened when: in which phases the nodes were, and which of them was being changed.

use std::collections::BTreeSet;

use super::probes::now;

/// A time in which nothing of this changed.
#[derive(Debug)]
pub(super) struct Span {
    /// Nanoseconds since 1970.
    begin: u64,
    /// The lowest and the highest phase that a node has.
    pub(super) phases: (u32, u32),
    /// The node that restarts.
    pub(super) node: Option<&'static str>,
    /// Whether all nodes are in one phase, and all that follows from it in the cluster is done.
    pub(super) is_settled: bool,
}

/// Spans, each until the next begins.
#[derive(Default)]
pub(super) struct Story(Vec<Span>);

impl Story {
    /// From now on it is so.
    pub(super) fn tell(&mut self, phases: (u32, u32), node: Option<&'static str>, is_settled: bool) {
        self.0.push(Span { begin: now(), phases, node, is_settled });
    }

    /// When it begins.
    pub(super) fn begin(&self) -> u64 {
        self.0[0].begin
    }

    /// How many spans there were.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The spans that share an instant with this time.
    pub(super) fn between(&self, begin: u64, end: u64) -> impl Iterator<Item = &Span> {
        let ends = self.0.iter().skip(1).map(|span| span.begin).chain([u64::MAX]);
        self.0.iter().zip(ends).filter(move |(span, until)| span.begin <= end && begin <= *until).map(|(span, _)| span)
    }

    /// The phases in which all nodes were at some time.
    pub(super) fn settled(&self) -> BTreeSet<u32> {
        self.0.iter().filter(|span| span.is_settled).map(|span| span.phases.0).collect()
    }

    /// Whether a time is before the last time that all nodes came to a phase.
    pub(super) fn began_before(&self, time: u64, phase: u32) -> bool {
        self.0.iter().any(|span| span.is_settled && span.phases.0 == phase && time < span.begin)
    }
}
