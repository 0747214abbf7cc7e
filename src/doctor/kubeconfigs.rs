//! Checks kubeconfigs that are not in kubeadm's form, and those in people's homes.

use super::facts::{GatheredFacts, held};
use super::finding::{Findings, LookedAt};
use super::pki::disbelief;
use super::time::Clock;
use super::tree::{Tree, TreeFile};
use crate::kubeconfig::{Held, Kubeconfig, KubeconfigCluster, KubeconfigUser, has_kubeadm_form, resolve};
use crate::kubernetes::Purpose;
use crate::x509::{AltName, ReadCertificate, public_key_bits, read_pem};

/// Looks at every kubeconfig of the node that is not in kubeadm's form, and at every one in a home. [`crate::verify`]
/// judges the others.
pub(super) fn check(
    tree: &Tree,
    facts: &GatheredFacts,
    clock: Clock,
    findings: &mut Findings,
    looked_at: &mut LookedAt,
) {
    for (place, file) in tree.pki.iter().filter(|(place, _)| place.ends_with(".conf")) {
        if !has_kubeadm_form(&file.content) {
            check_one(tree, facts, clock, place, file, findings);
        }
    }
    for (place, file) in &tree.homes {
        looked_at.kubeconfigs += 1;
        check_one(tree, facts, clock, place, file, findings);
    }
}

/// A kubeconfig, and what it is judged against.
struct Judge<'a> {
    tree: &'a Tree,
    facts: &'a GatheredFacts,
    clock: Clock,
    place: &'a str,
    is_home: bool,
}

fn check_one(tree: &Tree, facts: &GatheredFacts, clock: Clock, place: &str, file: &TreeFile, findings: &mut Findings) {
    let is_home = tree.homes.contains_key(place);
    let is_kubeadms = Purpose::of_path(place) != Purpose::Other || place == "etc/kubernetes/bootstrap-kubelet.conf";
    let read = match Kubeconfig::read(&file.content) {
        Ok(read) => read,
        // The folder also holds cloud.conf, a file of cloud providers.
        Err(error) if is_kubeadms => {
            return findings.add("kubeconfig-broken", place, &[("reason", &error.to_string())]);
        }
        Err(_) => return,
    };
    if is_home && file.mode & 0o077 != 0 && read.users.iter().any(|user| matches!(user.key, Some(Held::Inline(_)))) {
        findings.add("key-mode", place, &[("mode", &format!("{:04o}", file.mode))]);
    }
    let judge = Judge { tree, facts, clock, place, is_home };
    for cluster in &read.clusters {
        let host = cluster.server.as_deref().and_then(AltName::of_url);
        if !is_kubeadms && !host.is_some_and(|host| facts.is_own_server(&host)) {
            continue;
        }
        judge.cluster(cluster, findings);
        let callers: Vec<_> =
            read.contexts.iter().filter(|(name, _)| *name == cluster.name).map(|(_, user)| user.as_str()).collect();
        for user in read.users.iter().filter(|user| callers.contains(&user.name.as_str())) {
            judge.user(user, findings);
        }
    }
}

impl Judge<'_> {
    fn cluster(&self, cluster: &KubeconfigCluster, findings: &mut Findings) {
        let Some(authority) = &cluster.authority else { return };
        if let Held::File(file) = authority
            && self.misses(file, findings)
        {
            return;
        }
        let found = held(self.tree, self.place, authority);
        let expected = &self.facts.authorities;
        let is_known = |found: &ReadCertificate| expected.iter().any(|known| known.der() == found.der());
        if !expected.is_empty() && !found.iter().any(is_known) {
            let id = if self.is_home { "user-kubeconfig-ca" } else { "kubeconfig-ca" };
            let values =
                [("cluster", cluster.name.as_str()), ("error", "`x509: certificate signed by unknown authority`")];
            findings.add(id, self.place, &values);
        }
    }

    fn user(&self, user: &KubeconfigUser, findings: &mut Findings) {
        let Some(certificate) = &user.certificate else { return };
        for file in [Some(certificate), user.key.as_ref()].into_iter().flatten() {
            if let Held::File(file) = file
                && self.misses(file, findings)
            {
                return;
            }
        }
        let leaves = held(self.tree, self.place, certificate);
        let Some(leaf) = leaves.first() else { return };
        let it = format!("the certificate of {} in {}", user.name, self.place);
        self.clock.check(self.place, &it, leaf, findings);
        if self.key(user.key.as_ref()).is_some_and(|key| Some(key) != public_key_bits(leaf.spki_der())) {
            let pair = format!("key and certificate of {} in {} do not belong together", user.name, self.place);
            findings.add("key-pair", self.place, &[("pair", &pair)]);
        }
        let expected = &self.facts.authorities;
        if expected.is_empty() || expected.iter().any(|authority| leaf.is_signed_by(authority).unwrap_or(true)) {
            return;
        }
        if self.is_home {
            findings.add_in("user-kubeconfig-credentials", self.place, &it, &[]);
        } else {
            let purpose = match Purpose::of_path(self.place) {
                Purpose::Other => Purpose::User,
                purpose => purpose,
            };
            let values = [("authority", "etc/kubernetes/pki/ca.crt beside it"), ("error", disbelief(purpose))];
            findings.add_in("unknown-authority", self.place, &it, &values);
        }
    }

    /// Returns the public half of a user's key, if the key can be read.
    fn key(&self, key: Option<&Held>) -> Option<Vec<u8>> {
        let named;
        let content = match key? {
            Held::Inline(content) => content,
            Held::File(file) => {
                named = self.tree.named(&resolve(self.place, file))?;
                &named
            }
            Held::Broken => return None,
        };
        read_pem(content).ok()?.public_keys.into_iter().next()
    }

    /// Returns whether a file that the kubeconfig names is missing, and reports it. A file whose folder is not at hand
    /// does not count as missing.
    fn misses(&self, file: &str, findings: &mut Findings) -> bool {
        let place = resolve(self.place, file);
        let is_missing = !self.tree.is_there(&place) && self.tree.knows_folder_of(&place);
        if is_missing {
            findings.add("kubeconfig-file", self.place, &[("named", file)]);
        }
        is_missing
    }
}
