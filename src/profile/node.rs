//! `[[node]]` and `[[node_pool]]`. Each is a row, and a node is a pool of one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::cluster::ClusterDraft;
use super::model::Node;
use super::names::subdomain;
use super::network::{family, node_address, unreachable_from_elsewhere};
use super::period::{Defaults, Period};
use super::pool::NameRange;
use super::problem::Problem;
use super::reader::TableReader;
use super::seal::EncryptDraft;
use super::value::{Setting, WrittenValue, values};
use crate::kubernetes::Role;

/// The most nodes: a bundle has at most 100,000 parts (formats, section 4), of which `cluster` is one.
const MAX_NODES: u32 = 99_999;

/// One `[[node]]` or `[[node_pool]]` as far as it could be read.
pub(super) struct NodeRow {
    pub(super) header: Option<Range<usize>>,
    pub(super) role: Option<Setting<Role>>,
    /// The place of the name or of the range of names.
    pub(super) named_at: Option<Range<usize>>,
    /// The names in order, none when they were refused.
    pub(super) names: Vec<String>,
    /// The addresses of the first node. The node at index `i` has each of them plus `i`.
    pub(super) first_addresses: Vec<Setting<IpAddr>>,
    pub(super) period: Option<Period>,
    pub(super) encrypt: EncryptDraft,
    dns_names: Vec<Setting<String>>,
    generation: Option<u32>,
}

/// Reads every row: `[[node]]` in the order of the profile, then `[[node_pool]]`.
pub(super) fn read_rows(root: &TableReader<'_>, cluster: &ClusterDraft, validity: &Defaults) -> Vec<NodeRow> {
    let mut count = 0;
    let single = root.tables("node").into_iter().map(|table| (table, false));
    let pools = root.tables("node_pool").into_iter().map(|table| (table, true));
    single
        .chain(pools)
        .map(|(table, is_pool)| {
            let row = NodeRow::read(&table, is_pool, &mut count, cluster, validity);
            table.refuse_unknown_keys();
            row
        })
        .collect()
}

impl NodeRow {
    fn read(
        table: &TableReader<'_>,
        is_pool: bool,
        count: &mut u32,
        cluster: &ClusterDraft,
        validity: &Defaults,
    ) -> Self {
        let name = if is_pool {
            table.required("names", "\"worker-[001..100]\"", |value| value.located(NameRange::parse))
        } else {
            table.required("name", "\"cp-1\"", |value| value.located(|value| subdomain(value).map(NameRange::single)))
        };
        let role = table.required("role", "\"worker\"", |value| value.located(role));
        let names = name.as_ref().filter(|name| fits(table, name, count)).map(|name| name.value.expand());
        let names = names.unwrap_or_default();
        let (key, example) =
            if is_pool { ("first_addresses", "[\"10.20.0.1\"]") } else { ("addresses", "[\"192.168.1.11\"]") };
        let addresses = table.required(key, example, |value| value.filled_list(node_address)).unwrap_or_default();
        let first_addresses = if is_pool { check_pool_addresses(table, addresses, names.len()) } else { addresses };
        let dns_names =
            if is_pool { Vec::new() } else { table.distinct("dns_names", subdomain, |name: &String| name.clone()) };
        let encrypt = EncryptDraft::read(table, is_pool, names.len());
        Self {
            header: table.header.clone(),
            role,
            named_at: name.and_then(|name| name.set_at),
            names,
            first_addresses,
            dns_names,
            generation: table.generation("generation"),
            period: Period::read(table, cluster.issued_at.as_ref(), validity.leaf.as_ref(), false, validity.clock_skew),
            encrypt,
        }
    }

    /// Returns whether the row's role is known and is `role`.
    pub(super) fn has_role(&self, role: Role) -> bool {
        self.role.as_ref().is_some_and(|setting| setting.value == role)
    }

    /// Returns the address of the node at `index`, counted up from the address of the row's first node.
    pub(super) fn address(first: &Setting<IpAddr>, index: usize) -> Option<IpAddr> {
        counted_up(first.value, index)
    }

    /// Returns the checked nodes, or `None` when a field of the row was refused.
    pub(super) fn build(self) -> Option<Vec<Node>> {
        let (role, generation, validity) = (self.role?.value, self.generation?, self.period?.validity);
        let dns_names = values(self.dns_names);
        self.names
            .into_iter()
            .enumerate()
            .map(|(index, name)| {
                let addresses = self.first_addresses.iter().map(|first| Self::address(first, index));
                Some(Node {
                    name,
                    role,
                    addresses: addresses.collect::<Option<Vec<_>>>()?,
                    dns_names: dns_names.clone(),
                    generation,
                    validity,
                    encrypt_to: self.encrypt.of(index),
                })
            })
            .collect()
    }
}

fn role(value: WrittenValue<'_>) -> Option<Role> {
    value.word(&[Role::ControlPlane, Role::Worker, Role::Etcd].map(|role| (role.name(), role)))
}

/// Counts the nodes of a row before their names are expanded, so that a mistyped range costs no memory.
fn fits(table: &TableReader<'_>, names: &Setting<NameRange>, count: &mut u32) -> bool {
    *count = count.saturating_add(names.value.count());
    if *count <= MAX_NODES {
        return true;
    }
    table.problems.add(
        Problem::error("too many nodes")
            .at_if(names.set_at.as_ref(), format!("{count} nodes up to here; at most {MAX_NODES}"))
            .hint("make a narrower range, or more than one cluster"),
    );
    false
}

/// Keeps the addresses that can be counted up for every node of the pool, and refuses the others.
fn check_pool_addresses(
    table: &TableReader<'_>,
    addresses: Vec<Setting<IpAddr>>,
    count: usize,
) -> Vec<Setting<IpAddr>> {
    let mut kept = Vec::<Setting<IpAddr>>::new();
    for address in addresses {
        let is_ipv4 = address.value.is_ipv4();
        if let Some(twin) = kept.iter().find(|other| other.value.is_ipv4() == is_ipv4) {
            table.problems.add(
                Problem::error("a pool counts one address of each family")
                    .at_if(address.set_at.as_ref(), format!("a second {} address", family(is_ipv4)))
                    .related(twin.set_at.as_ref(), "the first one")
                    .hint("nodes with more addresses are written as [[node]]"),
            );
            continue;
        }
        let fault = (0..count).find_map(|index| match counted_up(address.value, index) {
            None => Some((index, format!("{} addresses end before", family(is_ipv4)))),
            Some(counted) => {
                unreachable_from_elsewhere(counted).map(|kind| (index, format!("it would get {counted}, {kind}")))
            }
        });
        if let Some((index, reason)) = fault {
            table.problems.add(
                Problem::error("a pool counts beyond the usable addresses")
                    .at_if(address.set_at.as_ref(), format!("node {} of {count}: {reason}", index + 1))
                    .hint("begin with a lower address, or make a narrower range"),
            );
            continue;
        }
        kept.push(address);
    }
    kept
}

/// Returns `first + index`, with carry, or `None` beyond the last address of the family.
fn counted_up(first: IpAddr, index: usize) -> Option<IpAddr> {
    let index = u32::try_from(index).ok()?;
    match first {
        IpAddr::V4(first) => first.to_bits().checked_add(index).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(first) => first.to_bits().checked_add(index.into()).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}
