//! Folders that a run fills before it swaps them in, and that a signal must not leave behind.

use std::io;

use super::interrupt::{self, Temporary, Watch};
use super::node_tree::NodeTree;

/// A run that fills folders. A signal that ends the process meanwhile removes them before.
pub struct Staging {
    #[expect(dead_code, reason = "waits as long as it lives")]
    watch: Watch,
}

impl Staging {
    /// Begins to wait for signals.
    ///
    /// # Errors
    /// Fails when the operating system gives no thread, pipe or handler.
    pub fn begin() -> io::Result<Self> {
        Ok(Self { watch: Watch::begin()? })
    }

    /// Lets a signal remove the folder at a place, with everything in it.
    ///
    /// # Errors
    /// Fails when a link on the way cannot be followed.
    pub fn add(&self, tree: &NodeTree, place: &str) -> io::Result<()> {
        let folder = tree.real_path(place)?;
        interrupt::hold().add(Temporary::Tree(folder));
        Ok(())
    }

    /// Makes a step, which no signal interrupts.
    pub fn step<T>(&self, step: impl FnOnce() -> T) -> T {
        let _held = interrupt::hold();
        step()
    }

    /// Makes the last step, which no signal interrupts, and after which no folder is removed.
    pub fn complete<T>(self, step: impl FnOnce() -> T) -> T {
        let mut held = interrupt::hold();
        let result = step();
        held.clear();
        result
    }
}
