//! Explains the rules of [`crate::lint`] that certificates of the node break, and counts certificates.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::discriminant;

use sha2::{Digest, Sha256};

use super::finding::{Findings, LookedAt, shell_word};
use super::load::Loaded;
use super::rule::Severity;
use super::time::Clock;
use crate::kubernetes::Purpose;
use crate::lint::{self, Breach};
use crate::report::{Builder, Interest, Source, SourceKind, interest};
use crate::tree::{API_SERVER, ETCD, GatheredFacts, Tree, Use, certificates, is_kubeconfig};
use crate::verify::{AlreadyVerified, Fault, File, Finding, Origin, Part, SharedFiles, check_part};
use crate::x509::PemError;

/// The rules about what some versions of Go take and others do not: the rule, and the first minor version of Go that
/// refuses. Source: the release notes of Go 1.18, 1.23 and 1.24.
const BY_VERSION: [(&str, u16); 2] = [("signature-algorithm", 18), ("negative-serial", 23)];
/// The fewest bits of an RSA key that Go takes, from Go 1.24 on.
const GO_RSA_BITS: usize = 1024;

/// Checks the tree's certificates by the rules of [`crate::lint`].
pub(super) fn check(
    tree: &Tree,
    facts: &GatheredFacts,
    loaded: &[(Use, Loaded)],
    clock: Clock,
    findings: &mut Findings,
    looked_at: &mut LookedAt,
) {
    let files = tree.pki.iter().map(|(place, file)| (place.as_str(), File { mode: file.mode, content: &file.content }));
    // `names` checks the addresses against the manifests.
    let node = facts.node_name.as_ref().map(|name| lint::NodeFacts { name, addresses: &[] });
    // A link that leads nowhere gets a finding of its own, below.
    let links = tree.dangling.iter().map(String::as_str).collect();
    let part = Part { name: "node", files: files.collect(), links, node, phase: None, origin: Origin::Disk };
    let found = SharedFiles::default().hold(check_part(&part, clock.at, &AlreadyVerified::default()));
    // A file may hold thousands of certificates with one fault, and has one finding.
    let mut told = HashSet::new();
    let mut held = Held { tree, files: BTreeMap::new() };
    for Finding { file, fault, .. } in found {
        let about = match &fault {
            Fault::Rule(breach) => breach.rule.id.to_owned(),
            Fault::SameSubject { other, .. } => other.clone(),
            Fault::Pem(error) => error.to_string(),
            _ => String::new(),
        };
        if told.insert((discriminant(&fault), about, file.clone())) {
            explain(&mut held, facts, &file, &fault, findings);
        }
    }
    for (place, target) in &tree.copied_links {
        let severity = if tree.is_running() { Severity::Problem } else { Severity::Warning };
        let target_word = shell_word(&format!("/{target}"));
        let values = [("target", target.as_str()), ("target_word", &target_word)];
        findings.add_as(Some(severity), "link-as-file", place, place, &values);
    }
    for place in &tree.dangling {
        findings.add("broken-link", place, &[]);
    }
    shared_authorities(loaded, findings);
    take_stock(tree, clock, findings, looked_at);
}

/// Reports a CA that lets in whom another one should let in alone.
fn shared_authorities(loaded: &[(Use, Loaded)], findings: &mut Findings) {
    let of = |program: &str, flag: &str| {
        loaded.iter().find_map(|(used, loaded)| match loaded {
            Loaded::Certificates(found) if used.program == program && used.flag == flag => Some((used, found)),
            _ => None,
        })
    };
    let Some((clients, known)) = of(API_SERVER, "client-ca-file") else { return };
    for (program, flag, id) in
        [(ETCD, "trusted-ca-file", "etcd-ca-shared"), (API_SERVER, "requestheader-client-ca-file", "front-proxy-apart")]
    {
        let Some((used, found)) = of(program, flag) else { continue };
        if found.iter().any(|found| known.iter().any(|known| known.key() == found.key())) {
            let it = if used.place == clients.place { used.told() } else { used.place.clone() };
            findings.add_in(id, &used.place, &it, &[("authority", &clients.place)]);
        }
    }
}

/// Counts certificates and kubeconfigs, and reports certificates that end soon.
fn take_stock(tree: &Tree, clock: Clock, findings: &mut Findings, looked_at: &mut LookedAt) {
    let mut files: BTreeMap<&str, Option<&[u8]>> = BTreeMap::new();
    for (place, file) in &tree.pki {
        match interest(place, &tree.certificates_dir) {
            Interest::Content => files.insert(place, Some(&file.content)),
            Interest::Presence => files.insert(place, None),
            Interest::None => None,
        };
    }
    let mut builder = Builder::new();
    let (kind, certificates_dir) = (SourceKind::Tree, &tree.certificates_dir);
    builder.add(&Source { kind, node: None, mount: "", prefix: "", certificates_dir, files });
    let inventory = builder.finish();
    looked_at.certificates += inventory.entries().count();
    looked_at.kubeconfigs = tree.pki.keys().filter(|place| is_kubeconfig(place)).count();
    for entry in inventory.entries() {
        let it = match (&entry.embedded, entry.position) {
            (Some(_), _) => format!("the certificate in {}", entry.path),
            (None, 1) => entry.path.clone(),
            (None, position) => format!("certificate {position} of {}", entry.path),
        };
        if entry.not_before <= clock.at {
            clock.expiring(&entry.path, &it, entry.not_after, findings);
        }
    }
}

/// Reports what the rules say. Whether a file can be read, and whether files fit each other, is for
/// [`judge`](super::judge).
fn explain(held: &mut Held<'_>, facts: &GatheredFacts, file: &str, fault: &Fault, findings: &mut Findings) {
    let tree = held.tree;
    match fault {
        Fault::Pem(PemError::SmallKey { bits }) => {
            let detail = format!("holds an RSA key of {bits} bits");
            let is_refused = *bits < GO_RSA_BITS && facts.go_of(API_SERVER).newest.0 >= 24;
            let severity = if is_refused { Severity::Problem } else { Severity::Warning };
            findings.add_as(Some(severity), "rsa-size", file, file, &[("detail", &detail)]);
        }
        Fault::Contents if !is_kubeconfig(file) => findings.add("contents", file, &[]),
        Fault::UnknownAuthority { issuer } if Purpose::of_path(file).is_ca() && !is_whole(tree, file) => {
            findings.add("ca-not-self-signed", file, &[("issuer", issuer)]);
        }
        // Of two files with the certificate of one CA, one may also have that of the CA before it.
        Fault::SameSubject { other, .. } if held.have_common(file, other) => {}
        Fault::SameSubject { subject, other } => {
            findings.add("distinct-ca-subjects", file, &[("subject", subject), ("other", other)]);
        }
        Fault::Mode { mode } => findings.add("key-mode", file, &[("mode", &format!("{mode:04o}"))]),
        Fault::Rule(breach) => rule(tree, facts, file, breach, findings),
        // The judge of uses and that of kubeconfigs report these, because they know more.
        Fault::Pem(_)
        | Fault::Contents
        | Fault::KeyMismatch
        | Fault::Alone
        | Fault::UnknownAuthority { .. }
        | Fault::WrongAuthority { .. }
        | Fault::Chain { .. }
        | Fault::Expired { .. }
        | Fault::NotYetValid { .. }
        | Fault::Kubeconfig
        | Fault::NotKubeconfig
        | Fault::InlineKubelet
        | Fault::OtherAuthority
        | Fault::MissingFile { .. }
        | Fault::FrontProxyShared
        // A node alone shows no other part.
        | Fault::Differs { .. } => {}
    }
}

/// The certificates of files that were compared, each as the SHA-256 of its DER.
struct Held<'a> {
    tree: &'a Tree,
    files: BTreeMap<String, BTreeSet<[u8; 32]>>,
}

impl Held<'_> {
    /// Returns whether two files hold the same certificate.
    fn have_common(&mut self, file: &str, other: &str) -> bool {
        for place in [file, other] {
            if !self.files.contains_key(place) {
                let found = certificates(self.tree, place);
                let found = found.iter().map(|certificate| Sha256::digest(certificate.der()).into()).collect();
                self.files.insert(place.to_owned(), found);
            }
        }
        match (self.files.get(file), self.files.get(other)) {
            (Some(own), Some(others)) => {
                let (few, many) = if own.len() < others.len() { (own, others) } else { (others, own) };
                few.iter().any(|certificate| many.contains(certificate))
            }
            _ => false,
        }
    }
}

/// Returns whether a file with a CA leads up to a certificate that signed itself.
fn is_whole(tree: &Tree, file: &str) -> bool {
    certificates(tree, file).iter().any(|certificate| certificate.is_signed_by(certificate) != Some(false))
}

fn rule(tree: &Tree, facts: &GatheredFacts, file: &str, breach: &Breach, findings: &mut Findings) {
    let id = breach.rule.id;
    let purpose = Purpose::of_path(file);
    let is_known = match id {
        // `names` checks what manifests and kubeconfigs state; a rule would only guess it.
        "endpoint" => true,
        "service-address" => facts.service_address().is_some(),
        "etcd-localhost" => facts.pod(ETCD).is_some_and(|etcd| etcd.flag("listen-client-urls").is_some()),
        // A certificate for clients alone needs no name, whatever else it may be used for.
        "alt-name" => !purpose.is_server() && purpose != Purpose::Other && purpose != Purpose::Tls,
        // Every CA that a kubeadm before 1.27 made has the serial number 0, and nothing in a cluster looks at it.
        "serial" => purpose.is_ca() || is_kubeconfig(file),
        // What the kubelet signs for itself is nobody else's affair.
        _ => purpose == Purpose::KubeletServing && is_own_serving(tree, file),
    };
    if is_known {
        return;
    }
    let first = BY_VERSION.iter().find(|(known, _)| *known == id).map(|(_, first)| *first);
    let is_later = first.is_some_and(|first| facts.go_of(API_SERVER).newest.0 < first);
    let severity = is_later.then_some(Severity::Warning);
    let values = [("detail", breach.detail.as_str()), ("error", "x509: certificate is valid for ..., not ...")];
    findings.add_as(severity, id, file, file, &values);
}

/// Returns whether the kubelet signed its serving certificate itself (client-go util/cert/cert.go
/// GenerateSelfSignedCertKey).
fn is_own_serving(tree: &Tree, file: &str) -> bool {
    let found = certificates(tree, file);
    let Some((first, others)) = found.split_first() else { return false };
    others.iter().chain([first]).any(|other| first.is_signed_by(other) == Some(true))
}
