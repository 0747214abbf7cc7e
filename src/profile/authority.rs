//! `[keys]`, `[ca_keys]` and the three tables `[ca.*]`.

use std::ops::Range;

use super::cluster::{self, version};
use super::dates::lifetime;
use super::model::{Authority, ShipCaKeys};
use super::names::{authority_name, warn_long_common_name};
use super::period::{Defaults, Period};
use super::problem::{Problem, Problems};
use super::reader::Reader;
use super::value::{Setting, Value};
use super::version::Version;
use crate::x509::KeyAlgorithm;

/// `[keys]`.
pub(super) struct Keys {
    pub(super) ca: Option<Setting<KeyAlgorithm>>,
    pub(super) leaf: Option<KeyAlgorithm>,
    pub(super) service_account: Option<KeyAlgorithm>,
}

impl Keys {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let table = root.table("keys");
        let keys = Self {
            ca: table.setting("ca", KeyAlgorithm::Rsa4096, algorithm),
            leaf: table.optional("leaf", KeyAlgorithm::Rsa2048, algorithm),
            service_account: table.optional("service_account", KeyAlgorithm::Rsa2048, algorithm),
        };
        table.finish();
        keys
    }
}

fn algorithm(value: Value<'_>) -> Option<KeyAlgorithm> {
    value.word(&KeyAlgorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)))
}

/// `[ca_keys] ship_to`.
pub(super) fn ship_ca_keys(root: &Reader<'_>) -> Option<Setting<ShipCaKeys>> {
    let table = root.table("ca_keys");
    let ship_to = table.setting("ship_to", ShipCaKeys::ControlPlane, |value| {
        value.word(&[("control-plane", ShipCaKeys::ControlPlane), ("none", ShipCaKeys::None)])
    });
    table.finish();
    ship_to
}

/// One of `[ca.*]` as far as it could be read.
pub(super) struct Draft {
    /// The last part of the table's name.
    pub(super) table: &'static str,
    pub(super) period: Option<Period>,
    generation: Option<u32>,
    common_name: Option<Setting<String>>,
    algorithm: Option<Setting<KeyAlgorithm>>,
    kubernetes: Option<Setting<Version>>,
    header: Option<Range<usize>>,
}

/// `[ca.kubernetes]`, `[ca.etcd]` and `[ca.front-proxy]`.
pub(super) struct Drafts {
    pub(super) kubernetes: Draft,
    pub(super) etcd: Draft,
    pub(super) front_proxy: Draft,
}

impl Drafts {
    pub(super) fn read(root: &Reader<'_>, cluster: &cluster::Draft, validity: &Defaults, keys: &Keys) -> Self {
        let table = root.table("ca");
        // The names are kubeadm's: v1.20.2, certlist.go.
        let drafts = Self {
            kubernetes: Draft::read(&table, "kubernetes", "kubernetes", cluster, validity, keys),
            etcd: Draft::read(&table, "etcd", "etcd-ca", cluster, validity, keys),
            front_proxy: Draft::read(&table, "front-proxy", "front-proxy-ca", cluster, validity, keys),
        };
        for (key, purpose) in [("metallb", "MetalLB"), ("webhook", "webhooks"), ("cert-manager", "cert-manager")] {
            table.reserved(key, &format!("the CA of {purpose}"), "remove the table; this version makes three CAs");
        }
        table.finish();
        drafts.check_names(root.problems);
        drafts
    }

    /// Two CAs of one name: OpenSSL and Go would take either for the issuer, and the front proxy's CA would pass for
    /// the cluster's.
    fn check_names(&self, problems: &Problems) {
        let drafts = [&self.kubernetes, &self.etcd, &self.front_proxy];
        for (index, draft) in drafts.iter().enumerate() {
            let Some(name) = &draft.common_name else { continue };
            let twin = drafts.iter().take(index).find_map(|other| {
                other.common_name.as_ref().filter(|other_name| other_name.value == name.value).map(|name| (other, name))
            });
            if let Some((other, other_name)) = twin {
                let label = format!("[ca.{}] and [ca.{}] are both called \"{}\"", other.table, draft.table, name.value);
                let place = name.set_at.as_ref().or(other_name.set_at.as_ref());
                problems.add(
                    Problem::error("two CAs have the same common name")
                        .at_if(place, label)
                        .related(other_name.set_at.as_ref(), "the other one")
                        .hint("programs find an issuer by its name: give each CA one of its own"),
                );
            }
        }
    }
}

impl Draft {
    fn read(
        parent: &Reader<'_>,
        key: &'static str,
        common_name: &str,
        cluster: &cluster::Draft,
        validity: &Defaults,
        keys: &Keys,
    ) -> Self {
        let table = parent.table(key);
        let lifetime = table.inherited("validity", validity.ca.clone(), lifetime);
        let draft = Self {
            table: key,
            generation: table.generation("generation"),
            common_name: table.setting("common_name", common_name.to_owned(), authority_name),
            algorithm: table.inherited("algorithm", keys.ca.clone(), algorithm),
            kubernetes: table.inherited("kubernetes", cluster.kubernetes.clone(), version),
            period: Period::read(
                &table,
                cluster.issued_at.as_ref(),
                lifetime.as_ref(),
                table.find("validity").is_some(),
                validity.clock_skew,
            ),
            header: table.header.clone(),
        };
        for key in ["certificate", "key"] {
            table.reserved(key, "adopting a CA that exists", "remove the key; this version makes every CA itself");
        }
        table.reserved("previous", "rotating a CA", "remove the key; raise `generation` to give the CA a new key");
        table.finish();
        if let Some(name) = &draft.common_name {
            warn_long_common_name(&name.value, name.set_at.as_ref().or(draft.header.as_ref()), parent.problems);
        }
        draft
    }

    /// The checked table, if nothing in it was refused.
    pub(super) fn build(self) -> Option<Authority> {
        Some(Authority {
            generation: self.generation?,
            common_name: self.common_name?.value,
            algorithm: self.algorithm?.value,
            kubernetes: self.kubernetes?.value,
            validity: self.period?.validity,
        })
    }
}
