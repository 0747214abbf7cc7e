//! CAs and keys that exist: their files, checked.
//!
//! Why: a cluster that runs has CAs which everything in it trusts. Certificates of certferry work there only under the
//! same keys and names, byte for byte.
//!
//! Input: a [`Profile`](crate::profile::Profile) that names files, and their bytes.
//!
//! Output: the profile with what the files say ([`crate::profile::FoundAuthority`]), from which a plan follows; and
//! [`Adopted`], the certificates and keys for the build.
//!
//! Refuses a certificate that is no CA or may not sign, one that ends too early or that Kubernetes' programs do not take,
//! a key that does not belong to it, and a plan that the CA's limits forbid. Each [`AdoptError`] names the file.

mod adopt;
mod authority;
mod below;
mod certificate;
mod error;
mod issuers;
mod roles;
mod wanted;

pub use adopt::{Adopted, Content, adopt};
pub use error::{AdoptError, AdoptFault, table};
pub use roles::AdoptWarning;
pub use wanted::{Wanted, wanted};
