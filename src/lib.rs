//! certferry makes the whole PKI of a Kubernetes cluster on one machine and ferries it across an air gap.

pub mod bundle;
pub mod profile;
pub mod sign;
pub mod x509;
