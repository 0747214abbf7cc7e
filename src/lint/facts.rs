//! What is known about a certificate when it is judged.

use std::net::IpAddr;

use ::time::OffsetDateTime;

use crate::kubernetes::Purpose;
use crate::x509::{AltName, ReadCertificate};

/// What is known about a certificate and its surroundings.
pub struct Facts<'a> {
    /// The certificate, as it was read.
    pub certificate: &'a ReadCertificate,
    /// What the certificate is for.
    pub purpose: Purpose,
    /// The certificate of the issuer, if at hand.
    pub issuer: Option<&'a ReadCertificate>,
    /// The node on which the certificate is.
    pub node: Option<NodeFacts<'a>>,
    /// The name by which the API server calls a webhook: `<service>.<namespace>.svc`.
    pub service: Option<&'a AltName>,
    /// The cluster to which the certificate belongs.
    pub cluster: ClusterFacts<'a>,
    /// The instants at which the certificate must be valid: the day it is issued, the day of its bundle, the time of an
    /// examination.
    pub needed_at: &'a [OffsetDateTime],
}

/// What is known about a node.
#[derive(Clone, Copy)]
pub struct NodeFacts<'a> {
    /// The name under which the kubelet registers the node.
    pub name: &'a str,
    /// The addresses, as far as they are known. The first is the advertise address.
    pub addresses: &'a [IpAddr],
}

/// What is known about the cluster.
#[derive(Clone, Copy, Default)]
pub struct ClusterFacts<'a> {
    /// The host that clients of the API servers connect to: the control plane endpoint, or the only control plane.
    pub endpoint: Option<&'a AltName>,
    /// The first address of the service subnet. When it is not known, any address that could be one will do.
    pub service_address: Option<IpAddr>,
}
