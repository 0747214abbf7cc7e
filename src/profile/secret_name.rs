//! Names of Secrets, and the check that no two tables of the profile make the same one.

use std::collections::BTreeMap;
use std::ops::Range;

use super::addons::SecretName;
use super::names::{label, subdomain};
use super::problem::{Problem, Problems};
use super::reader::TableReader;
use super::value::Setting;

/// The most bytes of `<namespace>.<secret>`, so that `<namespace>.<secret>.ca-bundles.sh` fits in ustar's 100 bytes
/// with room to spare.
const STEM_BYTES: usize = 80;

/// The name of a Secret as far as it could be read, and its place.
#[derive(Clone)]
pub(super) struct SecretNameDraft {
    pub(super) name: Option<SecretName>,
    pub(super) set_at: Option<Range<usize>>,
}

/// Reads `namespace` and `secret` of a table that must have both.
pub(super) fn required(table: &TableReader<'_>) -> SecretNameDraft {
    let namespace = table.required("namespace", "\"ingress\"", label);
    let secret = table.required("secret", "\"ingress-tls\"", |value| value.located(subdomain));
    checked(table, namespace, secret)
}

/// Reads `namespace` and `secret` of a table that has defaults for both.
pub(super) fn with_defaults(table: &TableReader<'_>, namespace: &str, secret: Option<String>) -> SecretNameDraft {
    let namespace = table.optional("namespace", namespace.to_owned(), label);
    let secret = table.inherited("secret", secret.map(Setting::default), subdomain);
    checked(table, namespace, secret)
}

fn checked(table: &TableReader<'_>, namespace: Option<String>, secret: Option<Setting<String>>) -> SecretNameDraft {
    let set_at = secret.as_ref().and_then(|secret| secret.set_at.clone()).or_else(|| table.header.clone());
    let name = namespace.zip(secret).map(|(namespace, secret)| SecretName { namespace, name: secret.value });
    let length = name.as_ref().map_or(0, |name| name.file_stem().len());
    if length > STEM_BYTES {
        table.problems.add(
            Problem::error("the names of a namespace and a Secret are too long for a file name")
                .at_if(set_at.as_ref(), format!("together {length} bytes; at most {STEM_BYTES}"))
                .hint("choose a shorter name for the Secret"),
        );
    }
    SecretNameDraft { name, set_at }
}

/// Refuses two tables that make the same Secret, because the second manifest would overwrite the first.
pub(super) fn check_distinct<'a>(drafts: impl Iterator<Item = &'a SecretNameDraft>, problems: &Problems) {
    let mut seen = BTreeMap::new();
    for draft in drafts {
        let Some(name) = &draft.name else { continue };
        if let Some(first) = seen.insert(name, draft.set_at.as_ref()) {
            problems.add(
                Problem::error(format!("the Secret {name} is made twice"))
                    .at_if(draft.set_at.as_ref(), "again here")
                    .related(first, "first here")
                    .hint("each certificate has a Secret of its own: choose another name"),
            );
        }
    }
}
