//! install.sh: a node without certferry gets the same files, in the same order of checks, and can go back.
//!
//! These tests run as root, as an installation does.

mod drift;
mod host;
mod interrupted;
mod kept;
mod links;
mod node;
mod refusals;
mod restarts;
mod same_bytes;
mod script;
mod together;
