//! What is known about a certificate when it is judged.

use std::net::IpAddr;

use ::time::OffsetDateTime;

use crate::kubernetes::Purpose;
use crate::x509::{AltName, ReadCertificate};

/// What is known about a certificate.
pub struct Facts<'a> {
    /// The certificate.
    pub certificate: &'a ReadCertificate,
    /// What it is for.
    pub purpose: Purpose,
    /// Its issuer, if at hand.
    pub issuer: Option<&'a ReadCertificate>,
    /// The node it is on.
    pub node: Option<NodeFacts<'a>>,
    /// By which the API server calls a webhook: `<service>.<namespace>.svc`.
    pub service: Option<&'a AltName>,
    /// The cluster.
    pub cluster: ClusterFacts<'a>,
    /// Instants at which it is to work: the day it is asked for, the day of its bundle, the time of a look at it.
    pub needed_at: &'a [OffsetDateTime],
}

/// What is known about a node.
#[derive(Clone, Copy)]
pub struct NodeFacts<'a> {
    /// The name the kubelet registers.
    pub name: &'a str,
    /// Its addresses, as far as they are known; the first is the advertise address.
    pub addresses: &'a [IpAddr],
}

/// What is known about the cluster.
#[derive(Clone, Copy, Default)]
pub struct ClusterFacts<'a> {
    /// The host by which clients call the API servers: the control plane endpoint, or the only control plane.
    pub endpoint: Option<&'a AltName>,
    /// The first address of the service subnet; without it, any address that could be one will do.
    pub service_address: Option<IpAddr>,
}
