//! Reads `[[webhook]]`.

use std::collections::BTreeMap;

use super::addons::{SecretType, Webhook};
use super::authority::AuthorityDraft;
use super::ca::Authority;
use super::cluster::ClusterDraft;
use super::dates::lifetime;
use super::names::{label, subdomain_fault};
use super::network::alt_name;
use super::period::{Defaults, Period};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::secret_name::{self, SecretNameDraft};
use super::value::{Setting, WrittenValue, values};
use crate::x509::AltName;

/// The kinds of objects that have a caBundle, as `configurations` names them.
const KINDS: [&str; 4] = ["validating", "mutating", "crd", "api-service"];

/// One `[[webhook]]` as far as it could be read.
pub(super) struct WebhookDraft {
    pub(super) secret: SecretNameDraft,
    pub(super) period: Option<Period>,
    pub(super) header: Option<std::ops::Range<usize>>,
    service: Option<String>,
    secret_type: Option<SecretType>,
    configurations: Vec<Setting<String>>,
    hosts: Vec<Setting<AltName>>,
    has_own_ca: Option<bool>,
    generation: Option<u32>,
}

pub(super) fn read(root: &TableReader<'_>, cluster: &ClusterDraft, validity: &Defaults) -> Vec<WebhookDraft> {
    let read = |table: TableReader<'_>| {
        let lifetime = table.inherited("validity", validity.leaf.clone(), lifetime);
        let draft = WebhookDraft {
            service: table.required("service", "\"my-webhook\"", label),
            secret: secret_name::required(&table),
            secret_type: table.optional("secret_type", SecretType::Tls, |value| {
                value.word(&[SecretType::Tls, SecretType::Opaque].map(|known| (known.name(), known)))
            }),
            configurations: table.distinct("configurations", configuration, String::clone),
            hosts: table.distinct("hosts", alt_name, AltName::to_string),
            has_own_ca: table.optional("ca", false, |value| value.word(&[("shared", false), ("own", true)])),
            generation: table.generation("generation"),
            period: Period::of(&table, cluster, lifetime, validity),
            header: table.header.clone(),
        };
        table.refuse_unknown_keys();
        draft
    };
    let drafts: Vec<_> = root.tables("webhook").into_iter().map(read).collect();
    check_distinct(&drafts, root.problems);
    drafts
}

/// Refuses two tables for one Service. Each has a script that writes the caBundle, and they would overwrite each
/// other's.
fn check_distinct(drafts: &[WebhookDraft], problems: &Problems) {
    let mut seen = BTreeMap::new();
    for draft in drafts {
        let (Some(service), Some(secret)) = (&draft.service, &draft.secret.name) else { continue };
        if let Some(first) = seen.insert((&secret.namespace, service), draft.header.as_ref()) {
            problems.add(
                Problem::error(format!("the Service {}/{service} has two tables", secret.namespace))
                    .at_if(draft.header.as_ref(), "again here")
                    .related(first, "first here")
                    .hint("one server has one certificate: put all names into `hosts` and `configurations` of one"),
            );
        }
    }
}

/// Reads `validating/NAME` and the like.
fn configuration(value: WrittenValue<'_>) -> Option<String> {
    let text = value.string()?;
    let reason = match text.split_once('/') {
        None => "a kind, a slash and a name are expected".to_owned(),
        Some((kind, _)) if !KINDS.contains(&kind) => format!("`{kind}` is none of {}", KINDS.join(", ")),
        Some((_, name)) => match subdomain_fault(name) {
            None => return Some(text.to_owned()),
            Some(reason) => reason,
        },
    };
    value.refuse(
        "a configuration of a webhook cannot be read",
        reason,
        "write \"validating/NAME\", \"mutating/NAME\", \"crd/NAME\" or \"api-service/NAME\"",
    )
}

/// Refuses files of `[ca.webhook]` that nobody would read, because each webhook has a CA of its own.
pub(super) fn check_shared(drafts: &[WebhookDraft], settings: Option<&AuthorityDraft>, problems: &Problems) {
    let Some(named) = settings.and_then(|settings| settings.adoption.named_at()) else { return };
    if !drafts.is_empty() && drafts.iter().all(|draft| draft.has_own_ca == Some(true)) {
        problems.add(
            Problem::error("[ca.webhook] names files, and each webhook has a CA of its own")
                .at_if(Some(named), "nothing would be issued under it")
                .hint("remove `ca = \"own\"` from the tables that the CA of these files shall sign for, or remove the files"),
        );
    }
}

impl WebhookDraft {
    /// Returns the checked webhook, or `None` when something in it was refused.
    ///
    /// `settings` are those of `[ca.webhook]`. A CA of the webhook's own takes them over.
    pub(super) fn build(self, settings: Option<&Authority>) -> Option<Webhook> {
        let secret = self.secret.name?;
        let generation = self.generation?;
        let own_ca = || {
            let common_name = format!("{}-ca", secret.file_stem());
            let mut own = Authority { generation, adoption: None, previous: None, ..settings?.clone() };
            own.subject.common_name.clone_from(&common_name);
            Some(Authority { common_name, ..own })
        };
        let own_ca = if self.has_own_ca? { Some(own_ca()?) } else { None };
        Some(Webhook {
            service: self.service?,
            secret_type: self.secret_type?,
            configurations: values(self.configurations),
            hosts: values(self.hosts),
            own_ca,
            generation,
            validity: self.period?.validity,
            secret,
        })
    }
}
