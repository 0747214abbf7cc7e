//! The words of results for a person, made from data alone. The words of errors stand beside the errors.

pub(crate) mod apply;
pub(crate) mod apply_json;
pub(crate) mod bounded;
pub(crate) mod build_summary;
pub(crate) mod bundle;
pub(crate) mod bundle_json;
pub(crate) mod changes;
pub(crate) mod comparison;
pub(crate) mod doctor;
pub(crate) mod drift;
pub(crate) mod findings;
pub(crate) mod inspect;
pub(crate) mod json;
pub(crate) mod plan_json;
pub(crate) mod plan_tree;
pub(crate) mod printer;
pub mod problems;
pub(crate) mod restart;
pub(crate) mod restart_json;
pub(crate) mod rollback;
pub(crate) mod shell;
pub(crate) mod status;
