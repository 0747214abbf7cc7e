//! Reads what the arguments name: files, keys, folders, an engine.

pub(crate) mod adopted_files;
pub(crate) mod bundle;
pub(crate) mod cluster_sources;
pub(crate) mod engine;
pub(crate) mod lock_file;
pub(crate) mod misplaced_secret;
pub(crate) mod node_folder;
pub(crate) mod node_names;
pub(crate) mod paper;
pub(crate) mod recipients;
pub(crate) mod recipients_file;
pub(crate) mod record_file;
pub(crate) mod sealed;
pub(crate) mod signer_key;
pub(crate) mod source;
pub(crate) mod time;
pub(crate) mod trusted_key;
