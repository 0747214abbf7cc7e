//! certferry makes the whole PKI of a Kubernetes cluster on one machine and ferries it across an air gap.
//!
//! One way, each arrow one function:
//!
//! ```text
//! profile.toml --profile::parse--> Profile
//! (Profile, files) --adopted::adopt--> (Profile, Adopted)   CAs and keys that exist
//! (Profile, &Seed) --make::build--> bundle, signature, lock
//!     Profile              --plan::plan-->     Plan { keys, certificates, parts }
//!     (Plan, &Seed)        --keys::derive-->   KeyRing    the slow part, parallel, some nodes at a time
//!     (Plan, &KeyRing)     --issue::Authorities--> Issued CAs first, each checked after signing
//!     (Plan, KeyRing, Issued) --layout::lay_out--> Part   one per node, and one for the cluster
//!     Parts                --bundle::Writer--> bytes, signed part by part, then read back as a node will
//! ------------------------------------------------------------------------------ air gap
//! bytes + public key --verify::check_bundle--> VerifiedPart, findings
//! VerifiedPart       --node::apply--> files on the node; node::rollback, node::status
//! a node's files     --doctor::examine--> findings
//! ```
//!
//! The far side (`bundle`, `sign`, `verify`, `doctor`, `node`) imports nothing that makes keys. Only `host`, and
//! through it `node` and `doctor`, touch files, clock or network. The command line (`cli`) turns arguments into one of
//! these calls, and its result into words.
//!
//! From a profile and a seed to the files of a node, without a file or a terminal:
//!
//! ```
//! use std::io::Cursor;
//!
//! use certferry::adopted::Adopted;
//! use certferry::keys::{Seed, engines};
//! use certferry::kubernetes::PartName;
//! use certferry::make::{self, Derivation, Permission, Request, Signing};
//! use certferry::profile;
//! use certferry::verify::{AlreadyVerified, check_bundle};
//! use time::macros::datetime;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let profile = br#"
//! format = 1
//!
//! [cluster]
//! name = "lab"
//! kubernetes = "1.24.15"
//! issued_at = 2026-11-22
//!
//! [keys]
//! ca = "ecdsa-p256"
//! leaf = "ecdsa-p256"
//! service_account = "ecdsa-p256"
//!
//! [[node]]
//! name = "cp-1"
//! role = "control-plane"
//! addresses = ["192.168.10.5"]
//! "#;
//! let profile = profile::parse(profile).map_err(|problems| format!("{problems:?}"))?.profile;
//! let seed = Seed::parse(b"certferry-seed-1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")?;
//! let permission = Permission::PROFILE;
//! // A profile that names files of CAs that exist goes through `adopted::adopt` first.
//! let request = Request {
//!     profile: &profile,
//!     seed: &seed,
//!     adopted: Adopted::nothing(),
//!     lock: None,
//!     subset: None,
//!     permission,
//!     rotation: None,
//!     signing: Signing::Derived,
//!     envelopes: None,
//!     signs_slices: false,
//! };
//! // The fastest engine that this machine can run comes first; keys are the same with each.
//! let engines = engines();
//! let derivation = Derivation { engine: &*engines[0].test, threads: None, progress: &|_| {} };
//!
//! let body = || Ok::<_, std::io::Error>(Cursor::new(Vec::new()));
//! let made = make::build(&request, derivation, body, |_file_name| body())?;
//! assert_eq!(made.file_name, "lab-g1.tar.gz");
//!
//! // On the far side, with the public key that came by another road.
//! let (bundle, node) = (made.output.into_inner(), PartName::Node("cp-1".to_owned()));
//! let now = datetime!(2026-11-23 00:00 UTC);
//! let checked = check_bundle(&*bundle, &made.signer, now, Some(&node), &AlreadyVerified::default())?;
//! assert!(checked.findings.is_empty());
//! let part = checked.wanted.ok_or("the bundle has no such node")?;
//! assert!(part.files().any(|(row, _)| row.path() == "etc/kubernetes/pki/apiserver.crt"));
//! # Ok(())
//! # }
//! ```
//!
//! What is written, bit for bit, stands in `manual/formats.md`, which `certferry help formats` prints.

#![forbid(unsafe_code)]

pub mod adopted;
pub mod bundle;
#[doc(hidden)]
pub mod cli;
pub mod diff;
pub mod doctor;
pub mod go;
pub mod host;
pub mod import;
pub mod issue;
pub mod keys;
pub mod kubeconfig;
pub mod kubernetes;
pub mod layout;
pub mod lint;
pub mod lock;
pub mod make;
mod manual;
mod markdown;
pub mod node;
pub mod plan;
pub mod profile;
pub mod report;
mod schema;
pub mod seal;
pub mod shares;
pub mod sign;
pub mod survey;
mod template;
pub mod tree;
pub mod verify;
pub mod words;
pub mod x509;
pub mod yaml;
