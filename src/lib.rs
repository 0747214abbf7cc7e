//! certferry makes the whole PKI of a Kubernetes cluster on one machine and ferries it across an air gap.
//!
//! One way, each arrow one function:
//!
//! ```text
//! profile.toml --profile::parse--> Profile --plan::plan--> Plan { keys, certificates, parts }
//! (Plan, &Seed)        --keys::derive-->   KeyRing    the slow part, parallel
//! (Plan, &KeyRing)     --issue::issue-->   Issued     CAs first, each checked after signing
//! (Plan, KeyRing, Issued) --layout::lay_out--> Part   one per node, and one for the cluster
//! Parts                --bundle::Writer--> bytes, signed part by part
//! ------------------------------------------------------------------------------ air gap
//! bytes + public key   --bundle::Reader--> VerifiedPart --verify::check_part--> findings
//! VerifiedPart         --host::write_tree--> files on the node
//! ```
//!
//! The far side (`bundle`, `sign`, `verify`) imports nothing that makes keys.
//!
//! What is written, bit for bit, stands in `cli/manual/formats.md`, which `certferry help formats` prints.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod cli;
pub mod host;
pub mod issue;
pub mod keys;
pub mod kubernetes;
pub mod layout;
pub mod lint;
pub mod lock;
pub mod node;
pub mod plan;
pub mod profile;
pub mod report;
pub mod sign;
pub mod verify;
pub mod x509;
