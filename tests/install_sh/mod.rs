//! install.sh: a node without certferry gets the same files, in the same order of checks, and can go back.
//!
//! These tests run as root, as an installation does.

mod backups;
mod drift;
mod host;
mod interrupted;
mod journal;
mod kept;
mod links;
pub mod node;
mod overlay;
mod refusals;
mod restarts;
mod rights;
mod root;
mod same_bytes;
mod script;
mod together;
