//! install.sh: a node without certferry gets the same files, in the same order of checks, and can go back.
//!
//! These tests run as root, as an installation does.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at once")]
#![allow(unreachable_pub, reason = "as in every module of a program")]

#[path = "../common/mod.rs"]
mod common;
mod host;
mod interrupted;
mod kept;
mod node;
mod refusals;
mod restarts;
mod same_bytes;
mod script;
mod together;
