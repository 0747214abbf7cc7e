//! Lists the certificates, and when they end.
//!
//! Why: an unattended cluster stops on the day on which a certificate ends, and `kubeadm certs check-expiration` shows
//! neither the kubelet's certificates nor those of people and of etcd's clients.
//!
//! Input: files by their place on a node, and a time. The caller reads the files; [`interest`] says which.
//!
//! Output: an [`Inventory`] as data, as text (kubeadm's tables), as JSON and as Prometheus metrics.
//!
//! Refuses nothing: a file that cannot be read becomes a [`Problem`] of the inventory. The inventory proves who signed
//! a certificate, as far as the CA is at hand. Whether the files work together is the subject of [`crate::verify`].

mod certificates;
mod describe;
mod entry;
mod fields;
mod inventory;
mod json;
mod period;
mod place;
mod prometheus;
mod reading;
mod secret;
mod source;
mod table;
mod text;

pub(crate) use describe::{alt_names, key, usages};
pub use entry::{Embedded, EmbeddedKind, Entry, EntryGroup, EntryKind, Fault, Inventory, Missing, Problem};
pub use inventory::Builder;
pub use json::json;
pub use period::Period;
pub use place::{Interest, interest};
pub use prometheus::write as write_prometheus;
pub(crate) use secret::read as certificates_of_secrets;
pub use source::{Source, SourceKind};
pub use text::render as text;
