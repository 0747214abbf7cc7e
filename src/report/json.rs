//! Writes the inventory for programs. The chapter `inspect` of the manual documents the keys.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::{Embedded, Entry, Inventory};
use crate::x509::instant;

#[derive(Serialize)]
struct Document<'a> {
    at: String,
    certificates: Certificates<'a>,
    missing: Vec<Missing<'a>>,
}

#[derive(Serialize)]
struct Certificate<'a> {
    name: &'a str,
    kind: &'static str,
    node: Option<&'a str>,
    path: &'a str,
    position: usize,
    embedded: Option<Field<'a>>,
    subject: &'a str,
    issuer: &'a str,
    authority: Option<&'a str>,
    externally_managed: Option<bool>,
    not_before: String,
    not_after: String,
    residual_seconds: i64,
    is_ca: bool,
    break_glass: bool,
    usages: &'a [Arc<str>],
    alt_names: &'a [String],
    key: &'a str,
    serial: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct Field<'a> {
    kind: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
struct Missing<'a> {
    name: &'a str,
    node: Option<&'a str>,
}

/// The certificates of an inventory, each described when it is written: a bundle may have hundreds of thousands.
struct Certificates<'a> {
    inventory: &'a Inventory,
    at: OffsetDateTime,
}

impl Serialize for Certificates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.inventory.entries().map(|entry| certificate(entry, self.at)))
    }
}

/// Returns the inventory as it is written in JSON. Residual times are counted from `at`.
pub fn json(inventory: &Inventory, at: OffsetDateTime) -> impl Serialize {
    let missing = inventory.groups.iter().flat_map(|group| &group.missing);
    Document {
        at: instant(at),
        certificates: Certificates { inventory, at },
        missing: missing.map(|missing| Missing { name: missing.name, node: missing.node.as_deref() }).collect(),
    }
}

fn certificate(entry: &Entry, at: OffsetDateTime) -> Certificate<'_> {
    Certificate {
        name: &entry.name,
        kind: entry.kind.name(),
        node: entry.node.as_deref(),
        path: &entry.path,
        position: entry.position,
        embedded: entry.embedded.as_ref().map(field),
        subject: &entry.subject,
        issuer: &entry.issuer,
        authority: entry.authority.as_deref(),
        externally_managed: entry.externally_managed,
        not_before: instant(entry.not_before),
        not_after: instant(entry.not_after),
        residual_seconds: (entry.not_after - at).whole_seconds(),
        is_ca: entry.is_ca,
        break_glass: entry.is_break_glass,
        usages: &entry.usages,
        alt_names: &entry.alt_names,
        key: &entry.key,
        serial: &entry.serial,
        sha256: &entry.sha256,
    }
}

fn field(embedded: &Embedded) -> Field<'_> {
    Field { kind: embedded.kind.name(), name: &embedded.name }
}
