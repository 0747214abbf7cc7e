//! Checks kubeconfigs: those of the node's programs and network plugins, and those in people's homes.

use std::collections::BTreeSet;

use super::finding::{Findings, LookedAt, shell_word};
use super::judge::{Misfits, Presented, Trusted, judge};
use super::load::Loaded;
use super::renewed;
use super::rotating;
use super::time::Clock;
use super::usable;
use crate::go::{Answer, GoCertificate, GoUsage, VerifyOptions, check_key_pair, trusted, verify};
use crate::kubeconfig::{Held, Kubeconfig, KubeconfigCluster, KubeconfigUser, resolve};
use crate::kubernetes::{BOOTSTRAP, Purpose};
use crate::tree::{API_SERVER, GatheredFacts, KUBECTL, KUBELET, Shape, Tree, TreeFile, Use, held, is_kubeconfig};
use crate::x509::AltName;

/// How it shows that a kubeconfig says nothing of a cluster.
const NO_CLUSTER: &str = "kubectl says `The connection to the server localhost:8080 was refused`, others `invalid configuration: no \
                          configuration has been provided`";

/// What every kubeconfig is judged against.
pub(super) struct Judge<'a> {
    pub(super) tree: &'a Tree,
    pub(super) facts: &'a GatheredFacts,
    pub(super) clock: Clock,
    pub(super) loaded: &'a [(Use, Loaded)],
}

/// A kubeconfig.
struct File<'a> {
    place: &'a str,
    is_home: bool,
    program: &'a str,
}

impl Judge<'_> {
    /// Looks at every kubeconfig of the node, at those of its network plugins, and at every one in a home.
    pub(super) fn check(&self, misfits: &mut Misfits, findings: &mut Findings, looked_at: &mut LookedAt) {
        let mut seen = BTreeSet::new();
        for (place, file) in self.tree.pki.iter().filter(|(place, _)| is_kubeconfig(place)) {
            seen.insert(place.as_str());
            self.one(place, file, false, misfits, findings);
        }
        for (place, file) in &self.tree.homes {
            looked_at.kubeconfigs += 1;
            self.one(place, file, true, misfits, findings);
        }
        for (place, file) in &self.tree.plugins {
            looked_at.kubeconfigs += 1;
            self.one(place, file, false, misfits, findings);
        }
        for (used, _) in self.loaded.iter().filter(|(used, _)| used.shape == Shape::Kubeconfig) {
            if seen.insert(&used.place)
                && let Some(file) = self.tree.file_at(&used.place)
            {
                looked_at.kubeconfigs += 1;
                self.one(&used.place, &file, false, misfits, findings);
            }
        }
    }

    fn one(&self, place: &str, file: &TreeFile, is_home: bool, misfits: &mut Misfits, findings: &mut Findings) {
        let reader = self.loaded.iter().find(|(used, _)| used.shape == Shape::Kubeconfig && used.place == place);
        let program = reader.map_or(KUBECTL, |(used, _)| used.program.as_str());
        let is_nodes = reader.is_some() || Purpose::of_path(place) != Purpose::Other || place == BOOTSTRAP;
        let read = match Kubeconfig::read(&file.content) {
            Ok(read) => read,
            // The folder also holds cloud.conf, a file of cloud providers.
            Err(error) if is_nodes || is_home || self.tree.plugins.contains_key(place) => {
                return findings.add("kubeconfig-broken", place, &[("reason", &error.to_string())]);
            }
            Err(_) => return,
        };
        if is_home && file.mode & 0o077 != 0 && read.users.iter().any(|user| matches!(user.key, Some(Held::Inline(_))))
        {
            findings.add("key-mode", place, &[("mode", &format!("{:04o}", file.mode))]);
        }
        let file = File { place, is_home, program };
        let is_own = |cluster: &KubeconfigCluster| {
            let host = cluster.server.as_deref().and_then(AltName::of_url);
            is_nodes || host.is_some_and(|host| self.facts.is_own_server(&host))
        };
        let own: Vec<_> = read.clusters.iter().filter(|cluster| is_own(cluster)).collect();
        if !own.is_empty() || is_nodes {
            entries(place, &read, findings);
        }
        if read.current_context.is_none() && reader.is_some() {
            let values = [("what", "no current-context is named"), ("shows", NO_CLUSTER)];
            findings.add_in("kubeconfig-dangling", place, "", &values);
        }
        for cluster in own {
            usable::cluster(place, cluster, findings);
            self.cluster(&file, cluster, misfits, findings);
            let callers: Vec<_> = read.contexts.iter().filter(|context| context.cluster == cluster.name).collect();
            // Of a file of the node's, a user whom no context names counts as well.
            let calls = |user: &&KubeconfigUser| {
                callers.iter().any(|context| context.user == user.name) || (is_nodes && read.contexts.is_empty())
            };
            for user in read.users.iter().filter(calls) {
                let renewal = findings.renewal(place);
                usable::user(place, user, &renewal, findings);
                self.user(&file, user, misfits, findings);
            }
        }
    }

    fn cluster(&self, file: &File<'_>, cluster: &KubeconfigCluster, misfits: &mut Misfits, findings: &mut Findings) {
        let Some(authority) = &cluster.authority else { return };
        let it = format!("certificate-authority-data of the cluster {} in {}", cluster.name, file.place);
        let content = match authority {
            Held::Broken(byte) => {
                let error = format!("illegal base64 data at input byte {byte}");
                return findings.add_in("kubeconfig-data", file.place, &it, &[("error", &error)]);
            }
            Held::File(named) if self.misses(file, named, findings) => return,
            Held::File(named) => self.tree.content(&resolve(file.place, named)),
            Held::Inline(content) => Some(content.clone()),
        };
        let Some(content) = content else { return };
        let anchors = trusted(&content, self.facts.go_of(file.program).newest);
        if anchors.is_empty() {
            let error = "unable to load root certificates: unable to parse bytes as PEM block";
            return findings.add_in("kubeconfig-data", file.place, &it, &[("error", error)]);
        }
        // One CA that still holds is enough.
        if let (Some(begin), Some(end)) =
            (anchors.iter().map(GoCertificate::not_before).min(), anchors.iter().map(GoCertificate::not_after).max())
            && matches!(authority, Held::Inline(_))
        {
            let it = format!("the CA in {}", file.place);
            if end < self.clock.at || self.clock.at < begin {
                self.clock.check_times(file.place, &it, begin, end, findings);
            }
        }
        self.compare(file, cluster, authority, &anchors, misfits, findings);
    }

    /// Compares the CAs of a kubeconfig with those of the node.
    fn compare(
        &self,
        file: &File<'_>,
        cluster: &KubeconfigCluster,
        authority: &Held,
        anchors: &[GoCertificate],
        misfits: &mut Misfits,
        findings: &mut Findings,
    ) {
        let known = &self.facts.authorities;
        let command = || {
            format!(
                "`kubectl config set-cluster {} --kubeconfig {} --certificate-authority /{} --embed-certs`",
                shell_word(&cluster.name),
                shell_word(&format!("/{}", file.place)),
                self.facts.authority_file
            )
        };
        let ours = held(self.tree, file.place, authority);
        if known.is_empty() || anchors.iter().any(|anchor| known.iter().any(|known| known.der() == anchor.der())) {
            misfits.fits(&self.facts.authority_file);
            let lacking = rotating::lacking(&ours, known);
            if !lacking.is_empty() {
                let mend = if self.tree.plugins.contains_key(file.place) {
                    format!("restart the network plugin's pod on this node, which writes it anew; or {}", command())
                } else if file.is_home {
                    command()
                } else {
                    findings.renewal(file.place)
                };
                let authority = self.facts.authority_file.as_str();
                let values = [("missing", &*rotating::names(&lacking)), ("authority", authority), ("mend", &mend)];
                findings.add("kubeconfig-one-ca", file.place, &values);
            }
            return;
        }
        if let Some(end) = renewed::last_day(&ours, known) {
            misfits.fits(&self.facts.authority_file);
            let mend = if file.is_home { command() } else { findings.renewal(file.place) };
            let works = renewed::works(end, self.clock);
            let values = [("authority", self.facts.authority_file.as_str()), ("works", &works), ("mend", &mend)];
            return findings.add("kubeconfig-ca-renewed", file.place, &values);
        }
        // With a CA of two tiers the kubeconfig may have the other one.
        let server = self.loaded.iter().find(|(used, _)| used.program == API_SERVER && used.flag == "tls-cert-file");
        if let Some((_, Loaded::Certificates(chain))) = server
            && let Some((leaf, rest)) = chain.split_first()
        {
            let at = self.clock.inside(leaf, anchors);
            let question =
                |go| verify(leaf, rest, anchors, &VerifyOptions { at, usage: GoUsage::ServerAuth, host: None, go });
            if !matches!(self.facts.go_of(file.program).ask(question), Answer::Refuses(_)) {
                return;
            }
        }
        if file.is_home {
            return findings.add("user-kubeconfig-ca", file.place, &[("cluster", &cluster.name)]);
        }
        let error = "`x509: certificate signed by unknown authority`".to_owned();
        let values = vec![("error", error), ("authority", self.facts.authority_file.clone())];
        misfits.add(&self.facts.authority_file, "kubeconfig-ca", file.place, file.place, values);
    }

    fn user(&self, file: &File<'_>, user: &KubeconfigUser, misfits: &mut Misfits, findings: &mut Findings) {
        let Some(certificate) = &user.certificate else { return };
        let it = format!("the certificate of {} in {}", user.name, file.place);
        let mut contents = Vec::new();
        for (held, field) in [(Some(certificate), "client-certificate"), (user.key.as_ref(), "client-key")] {
            let content = match held {
                None => return,
                Some(Held::Broken(byte)) => {
                    let error = format!("illegal base64 data at input byte {byte}");
                    let it = format!("{field}-data of {} in {}", user.name, file.place);
                    return findings.add_in("kubeconfig-data", file.place, &it, &[("error", &error)]);
                }
                Some(Held::File(named)) if self.misses(file, named, findings) => return,
                Some(Held::File(named)) => self.tree.content(&resolve(file.place, named)),
                Some(Held::Inline(content)) => Some(content.clone()),
            };
            let Some(content) = content else { return };
            contents.push(content);
        }
        let [certificate, key] = contents.as_slice() else { return };
        let chain = match self.facts.go_of(file.program).ask(|go| check_key_pair(certificate, key, go)) {
            Answer::Takes(chain) => chain,
            Answer::Unchecked(error) => return findings.unchecked(file.place, &format!("{it}: {error}")),
            // The store is judged as what the kubelet reads.
            _ if file.program == KUBELET && !matches!(user.certificate, Some(Held::Inline(_))) => return,
            Answer::Refuses(error) | Answer::Depends { error, .. } => {
                let error = error.to_string();
                if error.contains("does not match public key") {
                    let pair = format!("key and certificate of {} in {} do not belong together", user.name, file.place);
                    return findings.add("key-pair", file.place, &[("pair", &pair)]);
                }
                let it = format!("client-certificate-data or client-key-data of {} in {}", user.name, file.place);
                return findings.add_in("kubeconfig-data", file.place, &it, &[("error", &error)]);
            }
        };
        let Some(leaf) = chain.first() else { return };
        let is_store = file.program == KUBELET && !matches!(user.certificate, Some(Held::Inline(_)));
        if !is_store {
            let it = if file.is_home { it.clone() } else { format!("the certificate in {}", file.place) };
            self.clock.check_times(file.place, &it, leaf.not_before(), leaf.not_after(), findings);
        }
        let purpose = match Purpose::of_path(file.place) {
            Purpose::Other => Purpose::User,
            purpose => purpose,
        };
        let clients = self
            .loaded
            .iter()
            .find(|(used, _)| used.flag == "client-ca-file" && matches!(used.program.as_str(), API_SERVER | KUBELET));
        let Some((trust, Loaded::Certificates(anchors))) = clients else { return };
        // The store is judged as what the kubelet reads.
        if is_store {
            return;
        }
        let trusted = Trusted {
            file: &trust.place,
            program: API_SERVER,
            said: &trust.said,
            said_in: &trust.said_in,
            is_usual: true,
            anchors,
        };
        if file.is_home {
            let at = self.clock.inside(leaf, anchors);
            let rest = chain.get(1..).unwrap_or_default();
            let question =
                |go| verify(leaf, rest, anchors, &VerifyOptions { at, usage: GoUsage::ClientAuth, host: None, go });
            if let Answer::Refuses(error) = self.facts.go_of(API_SERVER).ask(question)
                && !error.is_about_time()
            {
                findings.add_in("user-kubeconfig-credentials", file.place, &it, &[("error", &error.to_string())]);
            }
            return;
        }
        let it = format!("the certificate in {}", file.place);
        let presented = Presented { file: file.place, it, purpose, chain: &chain, usage: GoUsage::ClientAuth };
        judge(self.facts, self.clock, &trusted, &presented, self.loaded, misfits, findings);
    }

    /// Returns whether a file that the kubeconfig names is missing, and reports it. A file whose folder is not at hand
    /// does not count as missing.
    fn misses(&self, file: &File<'_>, named: &str, findings: &mut Findings) -> bool {
        let place = resolve(file.place, named);
        let is_left_out = || self.tree.missing_folder(&place).is_some_and(|folder| !self.tree.is_nodes(&folder));
        let is_missing = !self.tree.is_there(&place) && !is_left_out();
        if is_missing && !self.tree.dangling.contains(&place) {
            findings.add("kubeconfig-file", file.place, &[("named", named)]);
        }
        is_missing
    }
}

/// Reports entries that stand twice, and contexts that name what is not there.
fn entries(place: &str, read: &Kubeconfig, findings: &mut Findings) {
    let clusters: Vec<_> = read.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    let users: Vec<_> = read.users.iter().map(|user| user.name.as_str()).collect();
    let contexts: Vec<_> = read.contexts.iter().map(|context| context.name.as_str()).collect();
    for (list, names) in [("clusters", &clusters), ("users", &users), ("contexts", &contexts)] {
        let mut seen = BTreeSet::new();
        for name in names.iter().filter(|name| !seen.insert(**name)) {
            let it = format!("{list} in {place}");
            findings.add_in(
                "kubeconfig-duplicate",
                place,
                &format!("{name} in {it}"),
                &[("name", name), ("list", list)],
            );
        }
    }
    let current = read.current_context.as_deref();
    if let Some(name) = current.filter(|name| !contexts.contains(name)) {
        let what = format!("current-context is {name}, and there is no such context");
        let shows = format!("whoever reads it says `context was not found for specified context: {name}`");
        findings.add_in("kubeconfig-dangling", place, name, &[("what", &what), ("shows", &shows)]);
    }
    for context in read.contexts.iter().filter(|context| Some(context.name.as_str()) == current) {
        let no_user = "whoever uses it goes on without credentials: kubectl says `Please enter Username`";
        for (kind, name, names, shows) in
            [("cluster", &context.cluster, &clusters, NO_CLUSTER), ("user", &context.user, &users, no_user)]
        {
            if !name.is_empty() && !names.contains(&name.as_str()) {
                let what = format!("the context {} names the {kind} {name}, and there is no such {kind}", context.name);
                findings.add_in("kubeconfig-dangling", place, name, &[("what", &what), ("shows", shows)]);
            }
        }
    }
}
