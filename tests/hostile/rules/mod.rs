//! The cases, by what they are about.

mod compression;
mod ends;
mod headers;
mod json;
mod kinds;
mod links;
mod matches;
mod paths;
pub mod places;
mod sizes;
mod whole;

use std::sync::LazyLock;

/// A hostile archive.
pub struct Case {
    /// The rule of the format that it breaks.
    pub rule: &'static str,
    /// In which way.
    pub name: String,
    pub archive: Vec<u8>,
    /// What `verify` and `unpack` say of it.
    pub reason: String,
}

impl Case {
    fn new(rule: &'static str, name: impl Into<String>, archive: Vec<u8>, reason: impl Into<String>) -> Self {
        Self { rule, name: name.into(), archive, reason: reason.into() }
    }
}

/// Every case, made once.
pub static ALL: LazyLock<Vec<Case>> = LazyLock::new(|| {
    [
        paths::cases(),
        places::cases(),
        links::cases(),
        kinds::cases(),
        headers::cases(),
        sizes::cases(),
        matches::cases(),
        json::cases(),
        whole::cases(),
        ends::cases(),
        compression::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
});
