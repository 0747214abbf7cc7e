//! Which certificates there are, and when they end.
//!
//! Why: an unattended cluster stops on the day a certificate runs out, and `kubeadm certs check-expiration` looks at
//! neither the kubelet's certificates nor those of people and of etcd's clients.
//!
//! Input: files by the place they have on a node, and a time. The caller reads them; [`interest`] says which.
//!
//! Output: an [`Inventory`] as data, and it as text (kubeadm's tables), JSON and Prometheus metrics.
//!
//! Refuses nothing: a file that cannot be read is a [`Problem`] beside the rest. It proves who signed a certificate,
//! as far as the CA is at hand; whether the files work together is for [`crate::verify`] to say.

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

pub use entry::{Embedded, EmbeddedKind, Entry, EntryGroup, EntryKind, Fault, Inventory, Missing, Problem};
pub use inventory::Builder;
pub use json::render as json;
pub use period::Period;
pub use place::{Interest, interest};
pub use prometheus::render as prometheus;
pub use source::{Source, SourceKind};
pub use text::render as text;
