//! Reads PEM and judges certificates as Go does: `encoding/pem`, `crypto/x509`, `crypto/tls` and client-go.
//!
//! Why: every program of Kubernetes, and etcd, is written in Go. Whether such a program takes a file is decided by Go's
//! rules, which differ from those of OpenSSL and from those of webpki, and from one version of Go to the next.
//!
//! Input: the bytes of files, and the [`GoVersion`] with which the program was built that reads them.
//!
//! Output: certificates, and a [`GoError`] whose text is the one that Go gives.
//!
//! Go before 1.17 read certificates with `encoding/asn1`. What that refuses is refused here, too, but in the words of
//! later versions.
//!
//! Refuses what Go refuses. What cannot be computed here is [`GoError::Unchecked`], and is never called wrong.

mod answer;
mod certificate;
mod chain_constraints;
mod constraints;
mod der;
mod error;
mod extensions;
mod general_name;
mod host_name;
mod key_pair;
mod pem;
mod permits;
mod public_key;
mod signature;
mod verify;
mod version;

pub use answer::{Answer, Who};
pub use certificate::GoCertificate;
pub use error::GoError;
pub use key_pair::{KeyFault, check_key_pair, private_key, public_keys};
pub use pem::{Block, blocks, certificates, trusted};
pub use public_key::{Curve, PublicKey};
pub use verify::{GoUsage, VerifyOptions, verify};
pub use version::{GoRange, GoVersion};
