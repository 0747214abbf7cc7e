//! Subject alternative names in kubeadm's order.
//!
//! Every rule ends in the same order: DNS names without duplicates, sorted bytewise, then addresses without duplicates,
//! in the order in which they came (Kubernetes 1.19 on). A node's further addresses and `dns_names`, which kubeadm does
//! not know, come last.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::kubernetes::AltNameRule;
use crate::profile::{Cluster, Node};
use crate::x509::AltName;

/// Returns the names that a rule gives the certificate of a node.
pub(super) fn of(rule: AltNameRule, node: &Node, cluster: &Cluster) -> Vec<AltName> {
    let mut names = AltNames::default();
    match rule {
        AltNameRule::None => return Vec::new(),
        AltNameRule::ApiServer => {
            for name in ["kubernetes", "kubernetes.default", "kubernetes.default.svc"] {
                names.dns(name);
            }
            names.dns(format!("kubernetes.default.svc.{}", cluster.dns_domain));
            names.addresses.extend(cluster.service_subnets.first().map(first_service_address));
            names.addresses.extend(node.addresses.first());
            names.extend(cluster.control_plane_endpoint.as_ref().map(|endpoint| &endpoint.host));
            names.extend(&cluster.apiserver_cert_sans);
        }
        AltNameRule::Etcd => {
            names.dns("localhost");
            names.addresses.extend(node.addresses.first());
            names.addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
            names.extend(&cluster.etcd_cert_sans);
        }
        AltNameRule::Node => {}
    }
    names.dns(&node.name);
    names.addresses.extend(&node.addresses);
    names.dns.extend(node.dns_names.iter().cloned());
    names.in_order()
}

/// Returns the first host of the service subnet, which the `kubernetes` service gets (kubeadm,
/// `GetAPIServerVirtualIP`).
pub(super) fn first_service_address(subnet: &IpNet) -> IpAddr {
    service_address(subnet, 1)
}

/// Returns the address at a position of the service subnet, from 0.
pub(super) fn service_address(subnet: &IpNet, position: u8) -> IpAddr {
    match subnet {
        IpNet::V4(subnet) => Ipv4Addr::from_bits(subnet.network().to_bits().wrapping_add(position.into())).into(),
        IpNet::V6(subnet) => Ipv6Addr::from_bits(subnet.network().to_bits().wrapping_add(position.into())).into(),
    }
}

#[derive(Default)]
struct AltNames {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl AltNames {
    fn dns(&mut self, name: impl Into<String>) {
        self.dns.push(name.into());
    }

    fn extend<'a>(&mut self, names: impl IntoIterator<Item = &'a AltName>) {
        for name in names {
            match name {
                AltName::Dns(name) => self.dns(name),
                AltName::Ip(address) => self.addresses.push(*address),
            }
        }
    }

    fn in_order(mut self) -> Vec<AltName> {
        self.dns.sort();
        self.dns.dedup();
        let mut names: Vec<_> = self.dns.into_iter().map(AltName::Dns).collect();
        for address in self.addresses.into_iter().map(AltName::Ip) {
            if !names.contains(&address) {
                names.push(address);
            }
        }
        names
    }
}
