//! Values of X.509 and nothing else: algorithms, names, extensions, validity, certificates read back.
//!
//! Imports no other room.

mod algorithm;

pub use algorithm::KeyAlgorithm;
