//! Findings, and how they are collected.

use std::collections::{BTreeMap, BTreeSet};

use super::renew::renew;
use super::rule::{Rule, Severity};
use super::rules;
use super::words::listed_files;
use crate::kubernetes::{CertificatesDir, PKI};

/// A finding: something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: &'static Rule,
    /// What it means here: the rule's own severity, unless the version of a program makes it milder.
    pub severity: Severity,
    /// The path of the file below the node's root, or the name of a file of objects as the user gave it.
    pub file: String,
    /// What is wrong, as a sentence without its full stop.
    pub what: String,
    /// How the fault shows.
    pub why: String,
    /// What to do about the fault.
    pub mend: String,
    /// The node's name as a word of a shell, for the words of several findings.
    node: String,
    /// The cause, where the rule has one.
    because: String,
    folder: CertificatesDir,
}

impl Finding {
    /// Returns findings as people read them: those of one cause are one.
    #[must_use]
    pub fn together(findings: &[Self]) -> Vec<Self> {
        let mut paragraphs: Vec<Self> = Vec::new();
        for group in findings.chunk_by(|left, right| {
            let is_time = ["expired", "not-yet-valid", "expiring"].contains(&left.rule.id);
            left.rule.together.is_some()
                && left.rule.id == right.rule.id
                && left.severity == right.severity
                && (is_time || (left.why == right.why && left.because == right.because))
        }) {
            match (group, group.first().and_then(|first| first.rule.together)) {
                ([first, _, ..], Some([what, mend])) => {
                    let several: BTreeSet<String> = group.iter().map(|finding| finding.file.clone()).collect();
                    let (count, files) = (group.len().to_string(), listed_files(&several));
                    let because =
                        group.iter().map(|finding| finding.because.as_str()).find(|because| !because.is_empty());
                    // A kubeconfig has two.
                    let in_files = if several.len() == group.len() {
                        String::new()
                    } else {
                        format!(" in {} files", several.len())
                    };
                    let paths = shell_words(&several);
                    let values = BTreeMap::from([
                        ("count", count.as_str()),
                        ("in_files", &in_files),
                        ("files", &files),
                        ("paths", &paths),
                        ("node", &first.node),
                        ("because", because.unwrap_or_default()),
                    ]);
                    let [what, mend] = [what, mend].map(|template| fill(template, &first.folder, &values));
                    let (file, why) = (first.file.clone(), first.why.clone());
                    paragraphs.push(Self { file, what, why, mend, ..first.clone() });
                }
                _ => paragraphs.extend(group.iter().cloned()),
            }
        }
        paragraphs
    }
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// The certificates in files and kubeconfigs of the node, and in files elsewhere that programs name. A CA counts
    /// once for each file of its own.
    pub certificates: usize,
    /// The kubeconfigs of the node, of its network plugins and in homes.
    pub kubeconfigs: usize,
    /// The manifests of static pods.
    pub manifests: usize,
    /// The kubelet's configurations: 1 when there is one.
    pub kubelet_configurations: usize,
    /// The objects in the files that the user named.
    pub objects: usize,
}

impl LookedAt {
    /// Returns whether there was nothing at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The findings so far.
pub(super) struct Findings {
    /// The node's name as a word of a shell, for commands.
    node: String,
    folder: CertificatesDir,
    found: Vec<(usize, Finding)>,
    seen: BTreeSet<(&'static str, String, String)>,
    /// What could not be checked: the file, and why.
    unchecked: BTreeSet<(String, String)>,
}

impl Findings {
    pub(super) fn new(node: Option<String>, folder: CertificatesDir) -> Self {
        Self {
            node: node.map_or_else(|| "NODE".to_owned(), |node| shell_word(&node)),
            folder,
            found: Vec::new(),
            seen: BTreeSet::new(),
            unchecked: BTreeSet::new(),
        }
    }

    /// Adds the finding that a file of the node breaks a rule.
    pub(super) fn add(&mut self, id: &str, file: &str, values: &[(&'static str, &str)]) {
        self.add_in(id, file, file, values);
    }

    /// Adds the finding that something in a file, `it`, breaks a rule. The same finding about the same `it` is added
    /// once.
    pub(super) fn add_in(&mut self, id: &str, file: &str, it: &str, values: &[(&'static str, &str)]) {
        self.add_as(None, id, file, it, values);
    }

    /// Adds a finding whose severity is not that of its rule.
    pub(super) fn add_as(
        &mut self,
        severity: Option<Severity>,
        id: &str,
        file: &str,
        it: &str,
        values: &[(&'static str, &str)],
    ) {
        // A rule that is not in the table is a defect, but a finding without explanation is better than none.
        let (rank, rule) = rules::find(id);
        if !self.seen.insert((rule.id, file.to_owned(), it.to_owned())) {
            return;
        }
        let path = shell_word(&format!("/{file}"));
        let renew = self.renewal(file);
        let mut all: BTreeMap<&str, &str> = BTreeMap::new();
        all.extend([("file", file), ("it", it), ("path", &path), ("node", &self.node), ("renew", &renew), ("id", id)]);
        all.extend(values.iter().copied());
        let [what, why, mend] = [rule.what, rule.hurts, rule.mend].map(|template| fill(template, &self.folder, &all));
        let severity = severity.unwrap_or(rule.severity);
        let because = all.get("because").copied().unwrap_or_default().to_owned();
        let (node, folder, file) = (self.node.clone(), self.folder.clone(), file.to_owned());
        self.found.push((rank, Finding { rule, severity, file, what, why, mend, node, because, folder }));
    }

    /// Returns what a person does to have a file of the node made anew.
    pub(super) fn renewal(&self, file: &str) -> String {
        renew(file, &self.node)
    }

    /// Notes that something about a file could not be checked.
    pub(super) fn unchecked(&mut self, file: &str, why: &str) {
        self.unchecked.insert((file.to_owned(), why.to_owned()));
    }

    /// Returns what could not be checked.
    pub(super) fn all_unchecked(&self) -> Vec<String> {
        self.unchecked.iter().map(|(_, why)| why.clone()).collect()
    }

    /// Says what helps against a fault, where that depends on more than the file: a text that goes before the chapter
    /// to read.
    pub(super) fn explain(&mut self, id: &str, file: &str, because: &str) {
        for (_, finding) in self.found.iter_mut().filter(|(_, finding)| finding.rule.id == id && finding.file == file) {
            because.clone_into(&mut finding.because);
            if let Some([_, mend]) = finding.rule.together {
                finding.mend = fill(mend, &self.folder, &BTreeMap::from([("because", because)]));
            }
        }
    }

    /// Returns the files of which a rule was found broken.
    pub(super) fn files_of(&self, id: &str) -> BTreeSet<String> {
        self.found
            .iter()
            .filter(|(_, finding)| finding.rule.id == id)
            .map(|(_, finding)| finding.file.clone())
            .collect()
    }

    /// Takes a finding back, because another one says where it comes from.
    pub(super) fn withdraw(&mut self, id: &str, file: &str) {
        self.found.retain(|(_, finding)| finding.rule.id != id || finding.file != file);
    }

    /// Returns all findings in order, without those for which another rule says more about the same file.
    pub(super) fn finish(self) -> Vec<Finding> {
        let said: BTreeSet<(String, &str)> = self
            .found
            .iter()
            .flat_map(|(_, finding)| finding.rule.instead_of.iter().map(|id| (finding.file.clone(), *id)))
            .collect();
        let mut found = self.found;
        found.retain(|(_, finding)| !said.contains(&(finding.file.clone(), finding.rule.id)));
        found.sort_by(|(left_rank, left), (right_rank, right)| {
            let key = |rank: usize, finding: &Finding| (finding.severity, rank, finding.file.clone());
            key(*left_rank, left).cmp(&key(*right_rank, right))
        });
        found.into_iter().map(|(_, finding)| finding).collect()
    }
}

/// Returns a word as a shell reads it. A command is there to be copied, whatever the name of a file is.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Returns the paths of files of a node, as the words of one command.
pub(super) fn shell_words(files: &BTreeSet<String>) -> String {
    files.iter().map(|file| shell_word(&format!("/{file}"))).collect::<Vec<_>>().join(" ")
}

/// Returns a text with its values filled in, and with the node's folder of certificates in place of kubeadm's own. A
/// name without a value stays as it is.
fn fill(template: &str, folder: &CertificatesDir, values: &BTreeMap<&str, &str>) -> String {
    let template = &template.replace(PKI, folder.folder());
    let mut text = String::with_capacity(template.len() + 64);
    let mut rest = template.as_str();
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

    use super::{CertificatesDir, Findings, fill, shell_word};

    #[test]
    fn values_stand_where_their_names_were() {
        let values = BTreeMap::from([("file", "{it}"), ("it", "x")]);
        assert_eq!(fill("{file} of {it}{it}, {none} {", &CertificatesDir::default(), &values), "{it} of xx, {none} {");
    }

    #[test]
    fn a_name_is_one_word_to_a_shell() {
        assert_eq!(shell_word("/etc/kubernetes/pki/ca.crt"), "/etc/kubernetes/pki/ca.crt");
        assert_eq!(shell_word("/home/a b;$(x)/'"), r"'/home/a b;$(x)/'\'''");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn one_says_it_once_and_best() {
        let mut findings = Findings::new(None, CertificatesDir::default());
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
