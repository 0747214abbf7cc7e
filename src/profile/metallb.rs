//! Reads `[metallb]`, and knows the names of MetalLB's objects.

use time::Duration;

use super::addons::{Metallb, Rotation};
use super::authority::AuthorityDraft;
use super::cluster::ClusterDraft;
use super::dates::lifetime;
use super::names::label;
use super::period::{Defaults, Period};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::secret_name::{self, SecretNameDraft};
use super::value::{Setting, WrittenValue};
use crate::kubernetes::Version;

/// The names of MetalLB's objects from a version on.
struct ObjectNames {
    since: Version,
    secret: &'static str,
    service: &'static str,
}

/// Source: MetalLB's release manifests and `controller/main.go`, v0.13.0 to v0.14.3 and v0.14.5 to v0.15.2. v0.14.4 was
/// not read.
const NAMES: [ObjectNames; 2] = [
    ObjectNames { since: version(0, 13, 0), secret: "webhook-server-cert", service: "webhook-service" },
    ObjectNames { since: version(0, 14, 5), secret: "metallb-webhook-cert", service: "metallb-webhook-service" },
];
const UNREAD: Version = version(0, 14, 4);
/// The first minor version whose names were not looked up.
const UNKNOWN: Version = version(0, 16, 0);

const fn version(major: u32, minor: u32, patch: u32) -> Version {
    Version { major, minor, patch }
}

/// `[metallb]` as far as it could be read.
pub(super) struct MetallbDraft {
    pub(super) secret: SecretNameDraft,
    pub(super) period: Option<Period>,
    pub(super) header: Option<std::ops::Range<usize>>,
    version: Option<Setting<Version>>,
    service: Option<String>,
    rotation: Option<Rotation>,
    generation: Option<u32>,
}

pub(super) fn read(root: &TableReader<'_>, cluster: &ClusterDraft, validity: &Defaults) -> Option<MetallbDraft> {
    let table = root.table("metallb");
    let header = table.header.clone()?;
    let version = table.required("version", "\"0.15.2\"", |value| value.located(known_version));
    let names = version.as_ref().and_then(|version| names(version, &table));
    let secret = secret_name::with_defaults(&table, "metallb-system", names.map(|names| names.secret.to_owned()));
    let lifetime = table.inherited("validity", validity.leaf.clone(), lifetime);
    let draft = MetallbDraft {
        secret,
        service: table.find("service").map_or_else(|| names.map(|names| names.service.to_owned()), label),
        rotation: table.optional("mode", Rotation::Cooperate, |value| {
            value.word(&[("cooperate", Rotation::Cooperate), ("disable-rotation", Rotation::Disabled)])
        }),
        generation: table.generation("generation"),
        period: Period::of(&table, cluster, lifetime, validity),
        header: Some(header),
        version,
    };
    table.refuse_unknown_keys();
    Some(draft)
}

fn known_version(value: WrittenValue<'_>) -> Option<Version> {
    let text = value.string()?;
    match Version::parse(text) {
        Some(known) if NAMES.iter().any(|names| known >= names.since) => Some(known),
        Some(known) => value.refuse(
            format!("MetalLB {known} has no webhooks"),
            "they came with 0.13.0",
            "remove the table [metallb]: there is no certificate to make",
        ),
        None => value.refuse(
            format!("\"{text}\" is not a full version of MetalLB"),
            "names of its objects change at patch level",
            "write all three numbers, as in \"0.15.2\"",
        ),
    }
}

/// Returns the names of the objects of this version. Returns `None` when they are not known and the profile does not
/// set them.
fn names(version: &Setting<Version>, table: &TableReader<'_>) -> Option<&'static ObjectNames> {
    let are_given = table.find("secret").is_some() && table.find("service").is_some();
    if version.value == UNREAD && !are_given {
        table.problems.add(
            Problem::error(format!("the names of MetalLB {UNREAD}'s objects are not known"))
                .at_if(version.set_at.as_ref(), "0.14.3 and 0.14.5 differ")
                .hint(
                    "add `secret` and `service` as `kubectl -n metallb-system get secrets,services` shows them, or use \
                     0.14.5",
                ),
        );
        return None;
    }
    if version.value >= UNKNOWN && !are_given {
        table.problems.add(
            Problem::warning(format!("MetalLB {} is newer than this version of certferry knows", version.value))
                .at_if(version.set_at.as_ref(), "the names of its Secret and Service are taken to be those of 0.15")
                .hint(
                    "compare with `kubectl -n metallb-system get secrets,services`; `secret` and `service` set others",
                ),
        );
    }
    NAMES.iter().rev().find(|names| version.value >= names.since)
}

/// The time before its end within which the rotator replaces a certificate (pkg/rotator/rotator.go, `lookaheadTime`).
/// It does so with the CA, which lives longer, too.
const LOOKAHEAD: Duration = Duration::days(90);

/// Refuses what MetalLB's rotator cannot live with: a certificate that it would replace at once, and a CA whose key is
/// not RSA.
///
/// The rotator reads the CA's key as PKCS#1 alone (open-policy-agent cert-controller v0.3.0 to v0.10.1,
/// pkg/rotator/rotator.go), and injects nothing when it finds another.
pub(super) fn check_rotation(draft: &MetallbDraft, ca: &AuthorityDraft, problems: &Problems) {
    let cooperates = draft.rotation == Some(Rotation::Cooperate);
    if let Some(period) = draft.period.as_ref().filter(|_| cooperates) {
        let issued_at = period.validity.issued_at.midnight().assume_utc();
        if period.validity.not_after - issued_at < LOOKAHEAD {
            problems.add(
                Problem::error("MetalLB replaces a certificate that ends within 90 days")
                    .at_if(period.set_at.as_ref().or(draft.header.as_ref()), "shorter than that from its first day")
                    .hint("write a longer validity, or `mode = \"disable-rotation\"` in [metallb]"),
            );
        }
    }
    let Some(algorithm) = ca.algorithm().filter(|_| !ca.has_adopted_key()) else { return };
    if cooperates && !algorithm.value.is_rsa() {
        problems.add(
            Problem::error("MetalLB takes a CA with an RSA key only")
                .at_if(algorithm.set_at.as_ref(), "its controller reads the key as PKCS#1")
                .hint("write an RSA algorithm, or `mode = \"disable-rotation\"` in [metallb]"),
        );
    }
}

impl MetallbDraft {
    pub(super) fn build(self, ca: Option<AuthorityDraft>) -> Option<Metallb> {
        Some(Metallb {
            version: self.version?.value,
            secret: self.secret.name?,
            service: self.service?,
            rotation: self.rotation?,
            ca: ca?.build()?,
            generation: self.generation?,
            validity: self.period?.validity,
        })
    }
}
