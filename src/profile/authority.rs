//! `[keys]`, `[ca_keys]` and the tables `[ca.*]`.

use std::ops::Range;

use super::adoption::{AdoptionDraft, SubjectDraft};
use super::ca::Authority;
use super::cluster::{ClusterDraft, version};
use super::dates::{Lifetime, lifetime};
use super::model::ShipCaKeys;
use super::names::{authority_name, warn_long_common_name};
use super::period::{Defaults, Period};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::value::{Setting, WrittenValue};
use crate::kubernetes::Version;
use crate::x509::{Beyond, DistinguishedName, FurtherAttributes, KeyAlgorithm};

/// `[keys]` as far as it could be read: the default algorithms.
pub(super) struct Keys {
    pub(super) ca: Option<Setting<KeyAlgorithm>>,
    pub(super) leaf: Option<KeyAlgorithm>,
    pub(super) service_account: Option<Setting<KeyAlgorithm>>,
}

impl Keys {
    pub(super) fn read(root: &TableReader<'_>) -> Self {
        let table = root.table("keys");
        let keys = Self {
            ca: table.setting("ca", KeyAlgorithm::Rsa4096, algorithm),
            leaf: table.optional("leaf", KeyAlgorithm::Rsa2048, algorithm),
            service_account: table.setting("service_account", KeyAlgorithm::Rsa2048, algorithm),
        };
        table.refuse_unknown_keys();
        keys
    }
}

pub(super) fn algorithm(value: WrittenValue<'_>) -> Option<KeyAlgorithm> {
    value.word(&KeyAlgorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)))
}

/// Reads `[ca_keys] ship_to`.
pub(super) fn ship_ca_keys(root: &TableReader<'_>) -> Option<Setting<ShipCaKeys>> {
    let table = root.table("ca_keys");
    let ship_to = table.setting("ship_to", ShipCaKeys::ControlPlane, |value| {
        value.word(&[("control-plane", ShipCaKeys::ControlPlane), ("none", ShipCaKeys::None)])
    });
    table.refuse_unknown_keys();
    ship_to
}

const METALLB: &str = "metallb";
/// The tables of the CAs whose shape follows the Kubernetes version.
const KUBEADMS: [&str; 3] = ["kubernetes", "etcd", "front-proxy"];

/// Returns `[keys] ca`, or an RSA algorithm for MetalLB when that is not RSA: MetalLB's own rotation accepts RSA keys
/// only.
fn default_algorithm(table: &str, keys: &Keys) -> Option<Setting<KeyAlgorithm>> {
    let algorithm = keys.ca.clone()?;
    let is_taken = table != METALLB || algorithm.value.is_rsa();
    Some(if is_taken { algorithm } else { Setting::default(KeyAlgorithm::Rsa4096) })
}

/// Refuses the table of a CA that no other table needs: one of the two names is probably mistyped.
fn refuse_unused(parent: &TableReader<'_>, key: &'static str, users: &[&str]) {
    let Some(found) = parent.find(key) else { return };
    let tables = users.iter().map(|user| match *user {
        "metallb" | "cert_manager" => format!("[{user}]"),
        _ => format!("[[{user}]]"),
    });
    parent.problems.add(
        Problem::error(format!("nothing uses the CA [ca.{key}]"))
            .at(&found.span(), "it would sign nothing")
            .hint(format!("add {}, or remove the table", tables.collect::<Vec<_>>().join(" or "))),
    );
}

/// Refuses the table of a CA that somebody else has.
fn refuse_foreign(parent: &TableReader<'_>) {
    let Some(found) = parent.find("etcd") else { return };
    found.refuse::<()>(
        "[ca.etcd] with [etcd]",
        "somebody else has etcd's CA, so this one would sign nothing",
        "remove [ca.etcd]; or remove [etcd], and give each member a [[node]] with `role = \"etcd\"`",
    );
}

/// One table `[ca.*]` as far as it could be read.
pub(super) struct AuthorityDraft {
    /// The last part of the table's name.
    pub(super) table: &'static str,
    period: Option<Period>,
    generation: Option<u32>,
    common_name: Option<Setting<String>>,
    algorithm: Option<Setting<KeyAlgorithm>>,
    kubernetes: Option<Setting<Version>>,
    pub(super) adoption: AdoptionDraft,
    subject: SubjectDraft,
    /// `previous`, if it could be read at all. The outer value is `None` when it was refused.
    pub(super) previous: Option<Option<Box<Self>>>,
    pub(super) header: Option<Range<usize>>,
}

/// The tables `[ca.*]`: the three of kubeadm, and one for each further CA that the profile needs.
pub(super) struct AuthorityDrafts {
    pub(super) kubernetes: AuthorityDraft,
    /// `None` with `[etcd]`: somebody else has the CA.
    pub(super) etcd: Option<AuthorityDraft>,
    pub(super) front_proxy: AuthorityDraft,
    pub(super) metallb: Option<AuthorityDraft>,
    pub(super) webhook: Option<AuthorityDraft>,
    pub(super) tls: Option<AuthorityDraft>,
    pub(super) cert_manager: Option<AuthorityDraft>,
}

impl AuthorityDrafts {
    pub(super) fn read(root: &TableReader<'_>, cluster: &ClusterDraft, validity: &Defaults, keys: &Keys) -> Self {
        let table = root.table("ca");
        let has = |key| root.find(key).is_some();
        let read = |key, common_name: &str| AuthorityDraft::read(&table, key, common_name, cluster, validity, keys);
        let used = |key, users: &[&'static str], common_name: String| {
            if users.iter().any(|user| has(user)) {
                return Some(read(key, &common_name));
            }
            refuse_unused(&table, key, users);
            None
        };
        let of_cluster = |what: &str| format!("{}-{what}", cluster.name.as_deref().unwrap_or_default());
        // Sources of the default names. kubeadm's three: v1.20.2, certlist.go. MetalLB's: cert-controller,
        // pkg/rotator/rotator.go. The root of `[ca.tls]` has the cluster's name, because people may import the roots of
        // several clusters.
        let drafts = Self {
            kubernetes: read("kubernetes", "kubernetes"),
            etcd: if has("etcd") {
                refuse_foreign(&table);
                None
            } else {
                Some(read("etcd", "etcd-ca"))
            },
            front_proxy: read("front-proxy", "front-proxy-ca"),
            metallb: used(METALLB, &["metallb"], "cert".to_owned()),
            webhook: used("webhook", &["webhook"], "webhook-ca".to_owned()),
            tls: used("tls", &["tls", "cert_manager"], of_cluster("tls-ca")),
            cert_manager: used("cert-manager", &["cert_manager"], of_cluster("cert-manager-ca")),
        };
        table.refuse_unknown_keys();
        drafts.check_names(root.problems);
        drafts
    }

    fn all(&self) -> impl Iterator<Item = &AuthorityDraft> {
        let further = [&self.metallb, &self.webhook, &self.tls, &self.cert_manager];
        let kubeadms = [Some(&self.kubernetes), self.etcd.as_ref(), Some(&self.front_proxy)];
        kubeadms.into_iter().flatten().chain(further.into_iter().flatten())
    }

    /// Refuses two CAs with one name. OpenSSL and Go would take either for the issuer, and the front proxy's CA would
    /// pass for the cluster's.
    fn check_names(&self, problems: &Problems) {
        // The name of an adopted CA is in its certificate.
        let drafts: Vec<_> = self.all().filter(|draft| draft.adoption.certificate.is_none()).collect();
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

impl AuthorityDraft {
    fn read(
        parent: &TableReader<'_>,
        key: &'static str,
        common_name: &str,
        cluster: &ClusterDraft,
        validity: &Defaults,
        keys: &Keys,
    ) -> Self {
        let table = parent.table(key);
        let lifetime = table.inherited("validity", validity.ca.clone(), lifetime);
        let common_name = Setting::default(common_name.to_owned());
        let is_kubeadms = KUBEADMS.contains(&key);
        let own_version = cluster.kubernetes.clone();
        let period = Period::of(&table, cluster, lifetime.clone(), validity);
        let mut draft = Self {
            table: key,
            generation: table.generation("generation"),
            // MetalLB's rotator accepts no other name.
            common_name: if key == METALLB {
                Some(common_name)
            } else {
                table.inherited("common_name", Some(common_name), authority_name)
            },
            algorithm: table.inherited("algorithm", default_algorithm(key, keys), algorithm),
            kubernetes: if is_kubeadms { table.inherited("kubernetes", own_version, version) } else { own_version },
            period,
            adoption: AdoptionDraft::read(&table),
            // MetalLB's rotator accepts no other name.
            subject: if key == METALLB { SubjectDraft::default() } else { SubjectDraft::read(&table) },
            previous: Some(None),
            header: table.header.clone(),
        };
        if is_kubeadms && table.find("previous").is_some() {
            draft.previous = draft.read_previous(&table, lifetime, validity).map(|previous| Some(Box::new(previous)));
        } else {
            table.reserved("previous", "rotating a CA", "remove the key; raise `generation` to give the CA a new key");
        }
        table.refuse_unknown_keys();
        if let Some(name) = draft.common_name.as_ref().filter(|_| draft.adoption.certificate.is_none()) {
            warn_long_common_name(&name.value, name.set_at.as_ref().or(draft.header.as_ref()), parent.problems);
        }
        draft
    }

    /// Returns `previous` as far as it could be read, or `None` when it was refused as a whole. What it does not say is as
    /// in the table around it, which had it before.
    fn read_previous(
        &self,
        parent: &TableReader<'_>,
        lifetime: Option<Setting<Lifetime>>,
        defaults: &Defaults,
    ) -> Option<Self> {
        let table = parent.table("previous");
        let place = table.header.clone()?;
        let refuse = |problem: Problem| {
            parent.problems.add(problem);
            None
        };
        let adoption = AdoptionDraft::read(&table);
        let has_generation = table.find("generation").is_some();
        let is_adopted = adoption.certificate.is_some() || adoption.key.is_some();
        if !has_generation && !is_adopted {
            return refuse(
                Problem::error("`previous` names no CA")
                    .at(&place, "nothing says from which CA the cluster moves")
                    .hint(
                        "write `previous = { generation = 1 }`, or the files of the old CA: `previous = { certificate = \"old/ca.crt\", \
                         key = \"old/ca.key\" }`",
                    ),
            );
        }
        if has_generation && adoption.key.is_some() {
            return refuse(
                Problem::error("`generation` with `key`")
                    .at(&place, "the file in `key` is the key, whatever its number")
                    .hint("remove one of them"),
            );
        }
        if adoption.is_renewed() {
            return refuse(
                Problem::error("`renew` of a CA that ends")
                    .at(&place, "its certificate stays as it is until phase 3 takes it away")
                    .hint("remove `renew`"),
            );
        }
        let own_day = self
            .period
            .as_ref()
            .map(|period| Setting { value: period.validity.issued_at, set_at: period.set_at.clone() });
        let has_own_lifetime = table.find("validity").is_some();
        let lifetime = table.inherited("validity", lifetime, self::lifetime);
        let draft = Self {
            table: self.table,
            generation: if has_generation { table.generation("generation") } else { self.generation },
            common_name: table.inherited("common_name", self.common_name.clone(), authority_name),
            algorithm: table.inherited("algorithm", self.algorithm.clone(), algorithm),
            kubernetes: table.inherited("kubernetes", self.kubernetes.clone(), version),
            period: Period::read(&table, own_day.as_ref(), lifetime.as_ref(), has_own_lifetime, defaults.clock_skew),
            adoption: AdoptionDraft { is_lost: adoption.key.is_none() && is_adopted && !has_generation, ..adoption },
            subject: if table.find("subject").is_some() { SubjectDraft::read(&table) } else { self.subject.clone() },
            previous: Some(None),
            header: Some(place.clone()),
        };
        table.refuse_unknown_keys();
        let is_derived = !self.has_adopted_key() && has_generation;
        match (self.generation, draft.generation) {
            (Some(own), Some(before)) if is_derived && before >= own => refuse(
                Problem::error("`previous` is not an earlier CA")
                    .at(&place, format!("generation {before}, and that of [ca.{}] is {own}", self.table))
                    .hint("raise `generation`, and write in `previous` the one that the cluster has"),
            ),
            _ => Some(draft),
        }
    }

    pub(super) fn algorithm(&self) -> Option<&Setting<KeyAlgorithm>> {
        self.algorithm.as_ref()
    }

    /// Returns when the CA's certificate is valid, if this profile says so: a certificate that is adopted as it is has
    /// dates of its own.
    pub(super) fn period(&self) -> Option<&Period> {
        self.period.as_ref().filter(|_| !self.adoption.has_own_dates())
    }

    /// Returns whether the CA's key is one of an adopted file.
    pub(super) fn has_adopted_key(&self) -> bool {
        self.adoption.key.is_some()
    }

    /// Returns the checked table, or `None` when something in it was refused.
    pub(super) fn build(self) -> Option<Authority> {
        let common_name = self.common_name?.value;
        let SubjectDraft { organizations, further } = self.subject;
        let previous = match self.previous? {
            Some(previous) => Some(Box::new(previous.build()?)),
            None => None,
        };
        let beyond = (further != FurtherAttributes::default()).then(|| Box::new(Beyond::Further(further)));
        Some(Authority {
            generation: self.generation?,
            subject: DistinguishedName { organizations, beyond, ..DistinguishedName::common(&common_name) },
            common_name,
            algorithm: self.algorithm?.value,
            kubernetes: self.kubernetes?.value,
            validity: self.period?.validity,
            adoption: self.adoption.build()?,
            previous,
            trusted: None,
        })
    }
}
