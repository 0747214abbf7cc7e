//! Reads `[[user]]` and `[[etcd_client]]`, which have most keys in common.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::addons::Binding;
use super::binding;
use super::cluster::ClusterDraft;
use super::dates::{Lifetime, lifetime};
use super::model::{EtcdClient, User};
use super::names::{abridged, client_name, visible_text, warn_long_common_name};
use super::period::{Defaults, Period};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::secret_name::{self, SecretNameDraft};
use super::value::{Setting, values};
use crate::kubernetes::escape;
use crate::x509::MASTERS;

/// One `[[user]]` or `[[etcd_client]]` as far as it could be read.
pub(super) struct ClientDraft {
    pub(super) own: OwnSettings,
    pub(super) period: Option<Period>,
    generation: Option<u32>,
}

/// The fields that the two tables read differently, and those that only one of them has.
pub(super) struct OwnSettings {
    pub(super) name: Option<Setting<String>>,
    pub(super) secret: Option<SecretNameDraft>,
    groups: Vec<Setting<String>>,
    break_glass: Option<bool>,
    bindings: Vec<Binding>,
}

pub(super) fn read_users(root: &TableReader<'_>, cluster: &ClusterDraft, validity: &Defaults) -> Vec<ClientDraft> {
    read(root, "user", cluster, validity, |table| {
        let allow_system = table.optional("allow_system", false, |value| value.boolean());
        let name = table.required("name", "\"alice\"", |value| value.located(client_name));
        let groups = table.distinct("groups", visible_text, |group: &String| group.clone());
        if allow_system == Some(false) {
            for setting in name.iter().chain(groups.iter().filter(|group| group.value != MASTERS)) {
                check_system(setting, root.problems);
            }
        }
        let break_glass = table.optional("break_glass", false, |value| value.boolean());
        for group in groups.iter().filter(|group| group.value == MASTERS && break_glass == Some(false)) {
            root.problems.add(
                Problem::error(format!("the group {MASTERS} is asked for by name"))
                    .at_if(group.set_at.as_ref(), "it may do everything, and nothing but a new CA takes that back")
                    .hint("remove the group and add `break_glass = true` for the one user who needs it"),
            );
        }
        OwnSettings { name, groups, break_glass, bindings: binding::read(table), secret: None }
    })
}

pub(super) fn read_etcd_clients(
    root: &TableReader<'_>,
    cluster: &ClusterDraft,
    validity: &Defaults,
) -> Vec<ClientDraft> {
    read(root, "etcd_client", cluster, validity, |table| {
        let name = table.required("name", "\"backup\"", |value| value.located(client_name));
        let has_secret = table.find("namespace").is_some() || table.find("secret").is_some();
        OwnSettings {
            name,
            groups: Vec::new(),
            break_glass: Some(false),
            bindings: Vec::new(),
            secret: has_secret.then(|| secret_name::required(table)),
        }
    })
}

fn read(
    root: &TableReader<'_>,
    key: &'static str,
    cluster: &ClusterDraft,
    validity: &Defaults,
    read_own: impl Fn(&TableReader<'_>) -> OwnSettings,
) -> Vec<ClientDraft> {
    let mut drafts = Vec::new();
    for table in root.tables(key) {
        let own = read_own(&table);
        let lifetime = table.setting("validity", Lifetime::Years(5), lifetime);
        drafts.push(ClientDraft {
            own,
            generation: table.generation("generation"),
            period: Period::of(&table, cluster, lifetime, validity),
        });
        table.refuse_unknown_keys();
    }
    check_distinct(&drafts, root.problems);
    drafts
}

/// Refuses names and groups that begin with `system:`, because Kubernetes gives them powers of their own.
fn check_system(setting: &Setting<String>, problems: &Problems) {
    if setting.value.starts_with("system:") {
        problems.add(
            Problem::error(format!("\"{}\" is a name of Kubernetes itself", abridged(&setting.value)))
                .at_if(setting.set_at.as_ref(), "names and groups with `system:` carry built-in powers")
                .hint("choose another name, or add `allow_system = true` to this [[user]]"),
        );
    }
}

/// Refuses two names that are equal but for case: names become files, and some file systems do not tell case apart.
fn check_distinct(drafts: &[ClientDraft], problems: &Problems) {
    let mut seen = BTreeMap::<String, &Setting<String>>::new();
    for name in drafts.iter().filter_map(|draft| draft.own.name.as_ref()) {
        warn_long_common_name(&name.value, name.set_at.as_ref(), problems);
        let first = match seen.entry(escape(&name.value).to_ascii_lowercase()) {
            Entry::Vacant(entry) => {
                entry.insert(name);
                continue;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let label = if first.value == name.value { "again here" } else { "differs in case alone" };
        problems.add(
            Problem::error(format!("the name \"{}\" is taken", abridged(&name.value)))
                .at_if(name.set_at.as_ref(), label)
                .related(first.set_at.as_ref(), "first here")
                .hint("each name gets a file of its own: choose another name"),
        );
    }
}

impl ClientDraft {
    pub(super) fn build_user(self) -> Option<User> {
        let mut groups = values(self.own.groups);
        let is_break_glass = self.own.break_glass?;
        if is_break_glass && !groups.iter().any(|group| group == MASTERS) {
            groups.push(MASTERS.to_owned());
        }
        Some(User {
            name: self.own.name?.value,
            groups,
            is_break_glass,
            bindings: self.own.bindings,
            generation: self.generation?,
            validity: self.period?.validity,
        })
    }

    pub(super) fn build_etcd_client(self) -> Option<EtcdClient> {
        let secret = match self.own.secret {
            Some(secret) => Some(secret.name?),
            None => None,
        };
        Some(EtcdClient {
            name: self.own.name?.value,
            secret,
            generation: self.generation?,
            validity: self.period?.validity,
        })
    }
}
