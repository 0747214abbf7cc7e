//! What is fuzzed: every reader of bytes that somebody else may have written, and the engines for RSA keys.
//!
//! Each module has a function `run` that takes any bytes at all. It panics when the reader does, or when what it took
//! is not what it should be. No libFuzzer here: the smoke test runs the same functions.

pub mod archive;
pub mod certificate;
pub mod engines;
pub mod kubeconfig;
pub mod lock;
pub mod objects;
mod part;
pub mod pem;
pub mod profile;
pub mod record;
pub mod sealed;
pub mod words;

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 11] = [
    ("profile", profile::run),
    ("lock", lock::run),
    ("record", record::run),
    ("archive", archive::run),
    ("pem", pem::run),
    ("certificate", certificate::run),
    ("kubeconfig", kubeconfig::run),
    ("objects", objects::run),
    ("sealed", sealed::run),
    ("words", words::run),
    ("engines", engines::run),
];
