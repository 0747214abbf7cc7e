//! What was found, and how findings come together.

use std::collections::{BTreeMap, BTreeSet};

use super::renew::renew;
use super::rule::Rule;
use super::rules;

/// Something that is wrong.
#[derive(Debug)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: &'static Rule,
    /// The file: below the node's root, or of objects as it was named.
    pub file: String,
    /// What is wrong, as a sentence without its full stop.
    pub what: String,
    /// How it shows.
    pub why: String,
    /// What to do.
    pub mend: String,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// Certificates in files and kubeconfigs of the node; a CA counts once for each file of its own.
    pub certificates: usize,
    /// Kubeconfigs of the node and in homes.
    pub kubeconfigs: usize,
    /// Manifests of static pods.
    pub manifests: usize,
    /// The kubelet's configuration: 1 when there is one.
    pub kubelet_configurations: usize,
    /// Objects in the files that were given along.
    pub objects: usize,
}

impl LookedAt {
    /// Whether there was nothing at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Findings as they are made.
pub(super) struct Findings {
    /// The node's name in commands.
    node: String,
    found: Vec<(usize, Finding)>,
    seen: BTreeSet<(&'static str, String, String)>,
}

impl Findings {
    pub(super) fn new(node: Option<String>) -> Self {
        Self {
            node: node.map_or_else(|| "NODE".to_owned(), |node| shell_word(&node)),
            found: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    /// A file of the node breaks a rule.
    pub(super) fn add(&mut self, id: &str, file: &str, values: &[(&'static str, &str)]) {
        self.add_in(id, file, file, values);
    }

    /// Something in a file breaks a rule; said once for each `it`.
    pub(super) fn add_in(&mut self, id: &str, file: &str, it: &str, values: &[(&'static str, &str)]) {
        // A rule that is not in the table is a defect, and a finding without explanation better than none.
        let (rank, rule) = rules::find(id);
        if !self.seen.insert((rule.id, file.to_owned(), it.to_owned())) {
            return;
        }
        let path = shell_word(&format!("/{file}"));
        let renew = renew(file, &self.node);
        let mut all: BTreeMap<&str, &str> = BTreeMap::new();
        all.extend([("file", file), ("it", it), ("path", &path), ("node", &self.node), ("renew", &renew), ("id", id)]);
        all.extend(values.iter().copied());
        let [what, why, mend] = [rule.what, rule.hurts, rule.mend].map(|template| fill(template, &all));
        self.found.push((rank, Finding { rule, file: file.to_owned(), what, why, mend }));
    }

    /// All findings, in order; without those that another says better.
    pub(super) fn finish(self) -> Vec<Finding> {
        let said: BTreeSet<(String, &str)> = self
            .found
            .iter()
            .flat_map(|(_, finding)| finding.rule.instead_of.iter().map(|id| (finding.file.clone(), *id)))
            .collect();
        let mut found = self.found;
        found.retain(|(_, finding)| !said.contains(&(finding.file.clone(), finding.rule.id)));
        found.sort_by(|(left_rank, left), (right_rank, right)| {
            let key = |rank: usize, finding: &Finding| (finding.rule.severity, rank, finding.file.clone());
            key(*left_rank, left).cmp(&key(*right_rank, right))
        });
        found.into_iter().map(|(_, finding)| finding).collect()
    }
}

/// A word as a shell takes it: a command is there to be copied, whatever somebody called a file.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A text with its values; what has none stays as it is.
fn fill(template: &str, values: &BTreeMap<&str, &str>) -> String {
    let mut text = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text += before;
        match after.split_once('}').and_then(|(key, tail)| Some((values.get(key)?, tail))) {
            Some((value, tail)) => {
                text += value;
                rest = tail;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Findings, fill, shell_word};

    #[test]
    fn values_stand_where_their_names_were() {
        let values = BTreeMap::from([("file", "{it}"), ("it", "x")]);
        assert_eq!(fill("{file} of {it}{it}, {none} {", &values), "{it} of xx, {none} {");
    }

    #[test]
    fn a_name_is_one_word_to_a_shell() {
        assert_eq!(shell_word("/etc/kubernetes/pki/ca.crt"), "/etc/kubernetes/pki/ca.crt");
        assert_eq!(shell_word("/home/a b;$(x)/'"), r"'/home/a b;$(x)/'\'''");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn one_says_it_once_and_best() {
        let mut findings = Findings::new(None);
        findings.add("unknown-authority", "var/lib/kubelet/pki/kubelet-client-current.pem", &[]);
        findings.add("kubelet-store-stale", "var/lib/kubelet/pki/kubelet-client-current.pem", &[]);
        findings.add("bootstrap-left", "etc/kubernetes/bootstrap-kubelet.conf", &[]);
        findings.add("key-mode", "etc/kubernetes/b", &[("mode", "0644")]);
        findings.add("key-mode", "etc/kubernetes/a", &[("mode", "0644")]);
        findings.add("key-mode", "etc/kubernetes/a", &[("mode", "0640")]);
        let found: Vec<_> =
            findings.finish().into_iter().map(|finding| format!("{} {}", finding.rule.id, finding.file)).collect();
        assert_eq!(
            found,
            [
                "kubelet-store-stale var/lib/kubelet/pki/kubelet-client-current.pem",
                "key-mode etc/kubernetes/a",
                "key-mode etc/kubernetes/b",
                "bootstrap-left etc/kubernetes/bootstrap-kubelet.conf",
            ]
        );
    }
}
