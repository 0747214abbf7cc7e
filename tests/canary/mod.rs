//! Nothing secret is where nothing secret may be: neither the seed, nor a key that comes out of it, nor what opens it.
//! In no form, in nothing that a program writes, says, is told or leaves in memory.
//!
//! Every search proves itself: what is planted in each place in each form is found.

mod dumps;
mod file_keys;
pub mod lab;
mod memory;
mod proof;
mod runs;
pub mod sealed_build;
mod sealed_reading;
pub mod search;
pub mod secrets;
mod stopped;
mod trace;
