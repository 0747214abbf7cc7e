//! Values of X.509 and nothing else: algorithms, names, usages, validity, object identifiers.
//!
//! This room imports no other room, so that both sides of the air gap can use it.

mod algorithm;
mod alt_name;
mod issuer;
mod name;
pub mod oid;
mod pem;
mod permitted;
pub mod public_key;
mod read;
mod shared_texts;
mod text;
mod usage;
mod validity;

pub use algorithm::{KeyAlgorithm, RSA_BITS};
pub use alt_name::AltName;
pub use name::{Beyond, DistinguishedName, ExactName, FurtherAttributes, MASTERS};
pub use pem::{PemContents, PemError, public_key_bits, read_pem, read_pem_knowing};
pub use permitted::PermittedNames;
pub use public_key::key_algorithm;
pub use read::ReadCertificate;
pub use shared_texts::SharedTexts;
pub use text::{escape_for_terminal, escape_in_json, instant, is_unseen};
pub use usage::ExtendedKeyUsage;
pub use validity::Validity;
