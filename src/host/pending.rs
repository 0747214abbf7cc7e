//! What a run has placed, until it is known that its result could be told.
//!
//! A run whose result cannot be printed has failed, and a run that fails leaves every file as it was.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Files or a folder in their places, which can be taken back as long as this lives.
pub(super) trait Placed: Send {
    /// Leaves them there.
    fn settle(self: Box<Self>);

    /// Takes them back. Returns what could not be, and is new all the same.
    fn take_back(self: Box<Self>) -> Vec<PathBuf>;
}

/// In the order of placing. `None` while nobody wants to take anything back.
static PENDING: Mutex<Option<Vec<Box<dyn Placed>>>> = Mutex::new(None);

/// Lets [`take_back`] take back whatever this process places from now on.
pub fn keep_for_taking_back() {
    *PENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Keeps what was placed, or settles it at once when nobody wants to take it back.
pub(super) fn keep(placed: Box<dyn Placed>) {
    match PENDING.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(pending) => pending.push(placed),
        None => placed.settle(),
    }
}

fn all() -> Vec<Box<dyn Placed>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
}

/// Leaves everything in its place.
pub fn settle() {
    all().into_iter().for_each(Placed::settle);
}

/// Takes everything back, what was placed last at first. Returns what is new all the same, or `None` when nothing was placed.
pub fn take_back() -> Option<Vec<PathBuf>> {
    let placed = all();
    if placed.is_empty() {
        return None;
    }
    Some(placed.into_iter().rev().flat_map(Placed::take_back).collect())
}
