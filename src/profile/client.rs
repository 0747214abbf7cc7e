//! `[[user]]` and `[[etcd_client]]`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::cluster;
use super::dates::{Lifetime, lifetime};
use super::model::{EtcdClient, User};
use super::names::{abridged, client_name, printable, warn_long_common_name};
use super::period::{Defaults, Period};
use super::problem::{Problem, Problems};
use super::reader::Reader;
use super::value::{Setting, values};
use crate::keys::escape;

/// One `[[user]]` or `[[etcd_client]]` as far as it could be read.
pub(super) struct Draft {
    pub(super) name: Option<Setting<String>>,
    pub(super) period: Option<Period>,
    groups: Vec<Setting<String>>,
    generation: Option<u32>,
}

pub(super) fn read_users(root: &Reader<'_>, cluster: &cluster::Draft, validity: &Defaults) -> Vec<Draft> {
    read(root, "user", cluster, validity, |table| {
        let allow_system = table.optional("allow_system", false, |value| value.boolean());
        let name = table.required("name", "\"alice\"", |value| value.located(client_name));
        let groups = table.distinct("groups", printable, |group: &String| group.clone());
        if allow_system == Some(false) {
            for setting in name.iter().chain(&groups) {
                check_system(setting, root.problems);
            }
        }
        for key in ["cluster_role", "role"] {
            table.reserved(
                key,
                "binding a user to a role",
                "remove the key; bind the user or a group with a ClusterRoleBinding",
            );
        }
        (name, groups)
    })
}

pub(super) fn read_etcd_clients(root: &Reader<'_>, cluster: &cluster::Draft, validity: &Defaults) -> Vec<Draft> {
    read(root, "etcd_client", cluster, validity, |table| {
        (table.required("name", "\"backup\"", |value| value.located(client_name)), Vec::new())
    })
}

fn read(
    root: &Reader<'_>,
    key: &'static str,
    cluster: &cluster::Draft,
    validity: &Defaults,
    read_name_and_groups: impl Fn(&Reader<'_>) -> (Option<Setting<String>>, Vec<Setting<String>>),
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for table in root.tables(key) {
        let (name, groups) = read_name_and_groups(&table);
        let lifetime = table.setting("validity", Lifetime::Years(5), lifetime);
        drafts.push(Draft {
            name,
            groups,
            generation: table.generation("generation"),
            period: Period::read(
                &table,
                cluster.issued_at.as_ref(),
                lifetime.as_ref(),
                table.find("validity").is_some(),
                validity.clock_skew,
            ),
        });
        table.finish();
    }
    check_distinct(&drafts, root.problems);
    drafts
}

/// Kubernetes gives names and groups that begin with `system:` powers of their own.
fn check_system(setting: &Setting<String>, problems: &Problems) {
    if setting.value.starts_with("system:") {
        problems.add(
            Problem::error(format!("\"{}\" is a name of Kubernetes itself", abridged(&setting.value)))
                .at_if(setting.set_at.as_ref(), "names and groups with `system:` carry built-in powers")
                .hint("choose another name, or add `allow_system = true` to this [[user]]"),
        );
    }
}

/// Names become files, and some file systems do not tell case apart.
fn check_distinct(drafts: &[Draft], problems: &Problems) {
    let mut seen = BTreeMap::<String, &Setting<String>>::new();
    for name in drafts.iter().filter_map(|draft| draft.name.as_ref()) {
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

impl Draft {
    pub(super) fn build_user(self) -> Option<User> {
        Some(User {
            name: self.name?.value,
            groups: values(self.groups),
            generation: self.generation?,
            validity: self.period?.validity,
        })
    }

    pub(super) fn build_etcd_client(self) -> Option<EtcdClient> {
        Some(EtcdClient { name: self.name?.value, generation: self.generation?, validity: self.period?.validity })
    }
}
