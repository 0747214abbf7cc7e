//! The words of results for a person, made from data alone. The words of errors stand beside the errors.

pub(crate) mod apply;
pub(crate) mod bounded;
pub(crate) mod build_summary;
pub(crate) mod bundle;
pub(crate) mod changes;
pub(crate) mod comparison;
pub(crate) mod doctor;
pub(crate) mod drift;
pub(crate) mod findings;
pub(crate) mod fingerprint;
pub(crate) mod gitignore;
pub(crate) mod inspect;
pub(crate) mod json;
pub(crate) mod nearest;
pub(crate) mod plan_json;
pub(crate) mod plan_tree;
pub(crate) mod printer;
pub mod problems;
pub(crate) mod qr;
pub(crate) mod restart;
pub(crate) mod shell;
pub(crate) mod starter;
pub(crate) mod status;
pub(crate) mod version;
