//! Explains what [`crate::verify`] and [`crate::report`] say about certificates, keys and kubeconfigs.

use std::collections::BTreeMap;

use super::facts::{GatheredFacts, certificates, held};
use super::finding::{Findings, LookedAt};
use super::time::Clock;
use super::tree::{Tree, name};
use crate::kubeconfig::{Kubeconfig, has_kubeadm_form};
use crate::kubernetes::{PKI, Purpose};
use crate::lint;
use crate::report::{Builder, Interest, Source, SourceKind, interest};
use crate::verify::{AlreadyVerified, Fault, File, Finding, Origin, Part, SharedFiles, check_part};
use crate::x509::{AltName, PemError, ReadCertificate};

const SERVICE_ACCOUNT: &str = "etc/kubernetes/pki/sa.key";
/// The text that people see when a certificate for a purpose is not trusted.
const DISBELIEF: [(Purpose, &str); 12] = [
    (Purpose::ApiServer, "clients say `x509: certificate signed by unknown authority`"),
    (Purpose::ApiServerKubeletClient, "kubelets turn the API server away: kubectl logs and exec say `Unauthorized`"),
    (
        Purpose::FrontProxyClient,
        "aggregated API servers log `x509: certificate signed by unknown authority`; kubectl top says `Metrics API not available`",
    ),
    (
        Purpose::EtcdServer,
        "the API server logs `x509: certificate signed by unknown authority`, and etcd `remote error: tls: bad certificate`",
    ),
    (
        Purpose::EtcdPeer,
        "members of etcd reject each other and log `remote error: tls: bad certificate`: there is no leader",
    ),
    (
        Purpose::EtcdClient,
        "etcd turns it away: the API server logs `remote error: tls: bad certificate` and does not start",
    ),
    (Purpose::ControllerManager, "the API server turns it away: the controller-manager logs `Unauthorized`"),
    (Purpose::Scheduler, "the API server turns it away: the scheduler logs `Unauthorized`, and pods stay `Pending`"),
    (Purpose::User, "kubectl says `error: You must be logged in to the server (Unauthorized)`"),
    (
        Purpose::KubeletClient,
        "the API server turns the kubelet away: its log says `Unauthorized`, and the node goes `NotReady`",
    ),
    (
        Purpose::KubeletServing,
        "where the API server checks it, kubectl logs says `x509: certificate signed by unknown authority`",
    ),
    (Purpose::Other, "whoever checks it says `x509: certificate signed by unknown authority`"),
];

/// The errors of webpki, each with the error of Go for the same fault. Source: Go 1.19.8, crypto/x509/verify.go and
/// x509.go.
const CHAIN_ERRORS: [(&str, &str); 6] = [
    ("UnsupportedCriticalExtension", "x509: unhandled critical extension"),
    ("RequiredEku", "x509: certificate specifies an incompatible key usage"),
    ("NameConstraintViolation", "x509: a root or intermediate certificate is not authorized to sign for this name"),
    ("PathLenConstraintViolated", "x509: too many intermediates for path length constraint"),
    ("UnsupportedSignatureAlgorithm", "x509: cannot verify signature: algorithm unimplemented"),
    ("CertExpired", "x509: certificate has expired or is not yet valid"),
];

/// Checks the tree's certificates against each other and against the time.
pub(super) fn check(
    tree: &Tree,
    facts: &GatheredFacts,
    clock: Clock,
    findings: &mut Findings,
    looked_at: &mut LookedAt,
) {
    let files = tree.pki.iter().map(|(place, file)| (place.as_str(), File { mode: file.mode, content: &file.content }));
    // `names` checks the addresses against the manifests.
    let node = facts.node_name.as_ref().map(|name| lint::NodeFacts { name, addresses: &[] });
    // A link that leads nowhere gets a finding of its own, below.
    let links = tree.dangling.iter().map(String::as_str).collect();
    let part = Part { name: "node", files: files.collect(), links, node, origin: Origin::Disk };
    let found = SharedFiles::default().hold(check_part(&part, clock.at, &AlreadyVerified::default()));
    for finding in found.into_iter().filter(|finding| !is_judged_apart(tree, finding)) {
        explain(tree, facts, clock, &finding.file, &finding.fault, findings);
    }
    for place in &tree.dangling {
        findings.add("broken-link", place, &[]);
    }
    let etcd = format!("{PKI}/etcd/ca.crt");
    let is_clusters = |etcd: &ReadCertificate| facts.authorities.iter().any(|ca| ca.spki_der() == etcd.spki_der());
    if certificates(tree, &etcd).iter().any(is_clusters) {
        findings.add("etcd-ca-shared", &etcd, &[]);
    }
    take_stock(tree, clock, findings, looked_at);
}

/// Returns whether a finding is about a kubeconfig that [`kubeconfigs`](super::kubeconfigs) judges, which can follow
/// every file that the kubeconfig names.
fn is_judged_apart(tree: &Tree, finding: &Finding) -> bool {
    let is_mode = matches!(finding.fault, Fault::Mode { .. });
    let file = tree.pki.get(&finding.file).filter(|_| finding.file.ends_with(".conf"));
    !is_mode && file.is_some_and(|file| !has_kubeadm_form(&file.content))
}

/// Counts certificates and kubeconfigs, and reports certificates that end soon.
fn take_stock(tree: &Tree, clock: Clock, findings: &mut Findings, looked_at: &mut LookedAt) {
    let mut files: BTreeMap<&str, Option<&[u8]>> = BTreeMap::new();
    for (place, file) in &tree.pki {
        match interest(place) {
            Interest::Content => files.insert(place, Some(&file.content)),
            Interest::Presence => files.insert(place, None),
            Interest::None => None,
        };
    }
    let mut builder = Builder::new();
    builder.add(&Source { kind: SourceKind::Tree, node: None, mount: "", prefix: "", files });
    let inventory = builder.finish();
    looked_at.certificates = inventory.entries().count();
    looked_at.kubeconfigs = tree.pki.keys().filter(|place| place.ends_with(".conf")).count();
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

fn explain(tree: &Tree, facts: &GatheredFacts, clock: Clock, file: &str, fault: &Fault, findings: &mut Findings) {
    let purpose = match Purpose::of_path(file) {
        Purpose::Other if file.ends_with(".conf") => Purpose::User,
        purpose => purpose,
    };
    match fault {
        Fault::Pem(PemError::SmallKey { bits }) => {
            let detail = format!("holds an RSA key of {bits} bits");
            findings.add("rsa-size", file, &[("detail", &detail)]);
        }
        Fault::Pem(error) => findings.add("broken-file", file, &[("detail", &pem(error))]),
        Fault::Contents => findings.add("contents", file, &[]),
        Fault::KeyMismatch if file == SERVICE_ACCOUNT => findings.add("sa-key-pair", file, &[]),
        Fault::KeyMismatch => {
            let pair = match file.strip_suffix(".key") {
                Some(stem) => format!("{file} is not the key of {stem}.crt"),
                None => format!("key and certificate in {file} do not belong together"),
            };
            findings.add("key-pair", file, &[("pair", &pair)]);
        }
        Fault::Alone => {
            let other = match file.strip_suffix(".key") {
                Some("etc/kubernetes/pki/sa") => "etc/kubernetes/pki/sa.pub".to_owned(),
                Some(stem) => format!("{stem}.crt"),
                None => file.replace(".crt", ".key"),
            };
            // The file may be there without having been read.
            if !tree.is_there(&other) && !tree.dangling.contains(&other) {
                findings.add("alone", file, &[("other", name(&other))]);
            }
        }
        Fault::UnknownAuthority { issuer } if purpose.is_ca() || is_authority_of(tree, file, issuer) => {
            findings.add("ca-not-self-signed", file, &[("issuer", issuer)]);
        }
        Fault::UnknownAuthority { issuer } => {
            let authority = match authority_file(purpose) {
                _ if file.ends_with(".conf") => format!("the CA in it; it names {issuer}"),
                Some(authority) => format!("{authority} beside it"),
                None => format!("any CA beside it; it names {issuer}"),
            };
            let it = if file.ends_with(".conf") { format!("the certificate in {file}") } else { file.to_owned() };
            let values = [("authority", authority.as_str()), ("error", disbelief(purpose))];
            findings.add_in("unknown-authority", file, &it, &values);
        }
        Fault::WrongAuthority { signer } => {
            let authority = authority_file(purpose).unwrap_or("another CA");
            let values = [("signer", signer.as_str()), ("authority", authority), ("error", disbelief(purpose))];
            findings.add("right-ca", file, &values);
        }
        Fault::Chain { usage, reason } => {
            let error = CHAIN_ERRORS.iter().find(|(word, _)| reason.starts_with(word));
            let error = error.map_or("x509: certificate signed by unknown authority", |(_, error)| *error);
            findings.add("chain", file, &[("usage", usage), ("reason", reason), ("error", error)]);
        }
        Fault::Expired { not_after } => clock.expired(file, &in_it(file), *not_after, findings),
        Fault::NotYetValid { not_before } => clock.not_yet_valid(file, &in_it(file), *not_before, findings),
        // The checks of kubeconfigs and of the kubelet report these, because they know more.
        Fault::Kubeconfig | Fault::NotKubeconfig | Fault::InlineKubelet => {}
        Fault::OtherAuthority if !is_own(tree, facts, file) => {}
        Fault::OtherAuthority => findings.add("kubeconfig-ca", file, &[("error", CALLER_DISBELIEVES)]),
        Fault::MissingFile { path } if tree.is_there(path) => {}
        Fault::MissingFile { path } => findings.add("kubeconfig-file", file, &[("named", path)]),
        Fault::SameSubject { subject, other } => {
            findings.add("distinct-ca-subjects", file, &[("subject", subject), ("other", other)]);
        }
        Fault::FrontProxyShared => findings.add("front-proxy-apart", file, &[]),
        Fault::Mode { mode } => findings.add("key-mode", file, &[("mode", &format!("{mode:04o}"))]),
        Fault::Differs { from } => findings.add("same-everywhere", file, &[("other", from)]),
        Fault::Rule(breach) => {
            // `names` checks what manifests and kubeconfigs state; a rule would only guess it.
            let is_known = match breach.rule.id {
                "endpoint" => true,
                "service-address" => !facts.service_addresses().is_empty(),
                _ => false,
            };
            // Every CA that a kubeadm before 1.27 made has the serial number 0, and nothing in a cluster looks at it.
            let is_custom = breach.rule.id == "serial" && (purpose.is_ca() || file.ends_with(".conf"));
            if !is_known && !is_custom {
                let values =
                    [("detail", breach.detail.as_str()), ("error", "x509: certificate is valid for ..., not ...")];
                findings.add(breach.rule.id, file, &values);
            }
        }
    }
}

const CALLER_DISBELIEVES: &str = "`x509: certificate signed by unknown authority`";

fn in_it(file: &str) -> String {
    if file.ends_with(".conf") { format!("the certificate in {file}") } else { file.to_owned() }
}

/// Returns whether a fault of a kubeconfig is about the CA in it, rather than about the certificate that the CA should
/// have signed.
fn is_authority_of(tree: &Tree, file: &str, issuer: &str) -> bool {
    let kubeconfig = tree.pki.get(file).filter(|_| file.ends_with(".conf"));
    let Some(read) = kubeconfig.and_then(|kubeconfig| Kubeconfig::read(&kubeconfig.content).ok()) else { return false };
    let authorities = read.clusters.iter().filter_map(|cluster| cluster.authority.as_ref());
    let mut authorities = authorities.flat_map(|authority| held(tree, file, authority));
    authorities.any(|authority| authority.issuer() == issuer && authority.is_signed_by(&authority) == Some(false))
}

/// Returns whether a kubeconfig is for this cluster. If kubeadm does not know the file, its server decides.
fn is_own(tree: &Tree, facts: &GatheredFacts, file: &str) -> bool {
    if Purpose::of_path(file) != Purpose::Other {
        return true;
    }
    let read = tree.pki.get(file).and_then(|kubeconfig| Kubeconfig::read(&kubeconfig.content).ok());
    let servers = read.into_iter().flat_map(|read| read.clusters).filter_map(|cluster| cluster.server);
    let mut hosts = servers.filter_map(|server| AltName::of_url(&server));
    hosts.any(|host| facts.is_own_server(&host))
}

/// Returns the file of the CA for a purpose.
fn authority_file(purpose: Purpose) -> Option<&'static str> {
    match purpose.authority()? {
        Purpose::KubernetesCa => Some("etc/kubernetes/pki/ca.crt"),
        Purpose::FrontProxyCa => Some("etc/kubernetes/pki/front-proxy-ca.crt"),
        Purpose::EtcdCa => Some("etc/kubernetes/pki/etcd/ca.crt"),
        _ => None,
    }
}

pub(super) fn disbelief(purpose: Purpose) -> &'static str {
    let known = DISBELIEF.iter().find(|(known, _)| *known == purpose);
    known.map_or("x509: certificate signed by unknown authority", |(_, text)| *text)
}

fn pem(error: &PemError) -> String {
    match error {
        PemError::NotPem => "is not PEM".to_owned(),
        PemError::Certificate(reason) => format!("holds a certificate that cannot be read: {reason}"),
        PemError::Key | PemError::SmallKey { .. } => "holds a key that is broken or of an unknown kind".to_owned(),
        PemError::OtherBlock => "holds something that is neither certificate nor key".to_owned(),
    }
}
