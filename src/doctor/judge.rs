//! Judges every use of a file as the program does that reads it: what lies there, and whether it fits what lies
//! elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Findings, LookedAt};
use super::load::{Loaded, Loader};
use super::time::Clock;
use super::words::{as_texts, disbelief, listed_files};
use crate::go::{Answer, GoCertificate, GoError, GoUsage, PublicKey, VerifyOptions, verify};
use crate::kubernetes::Purpose;
use crate::tree::{API_SERVER, CONTROLLER_MANAGER, ETCD, GatheredFacts, KUBEADM, KUBELET, Shape, Tree, Use};

/// A program that verifies what another one presents: who trusts, by which flag, and who presents, by which flag.
struct Link {
    verifier: &'static str,
    trust: &'static str,
    presenter: &'static str,
    pair: &'static str,
    usage: GoUsage,
}

/// Who verifies whom on a node. Source: Kubernetes v1.20.2, Certificates and Requirements; etcd v3.5, Transport
/// security model. etcd calls itself with its server's certificate, for its gateway.
const LINKS: [Link; 11] = [
    link(ETCD, "trusted-ca-file", API_SERVER, "etcd-certfile", GoUsage::ClientAuth),
    link(API_SERVER, "etcd-cafile", ETCD, "cert-file", GoUsage::ServerAuth),
    link(ETCD, "trusted-ca-file", ETCD, "cert-file", GoUsage::ClientAuth),
    link(ETCD, "peer-trusted-ca-file", ETCD, "peer-cert-file", GoUsage::ServerAuth),
    link(ETCD, "peer-trusted-ca-file", ETCD, "peer-cert-file", GoUsage::ClientAuth),
    link(API_SERVER, "requestheader-client-ca-file", API_SERVER, "proxy-client-cert-file", GoUsage::ClientAuth),
    link(KUBELET, "client-ca-file", API_SERVER, "kubelet-client-certificate", GoUsage::ClientAuth),
    link(CONTROLLER_MANAGER, "root-ca-file", API_SERVER, "tls-cert-file", GoUsage::ServerAuth),
    link(ETCD, "trusted-ca-file", KUBEADM, "etcd/healthcheck-client", GoUsage::ClientAuth),
    link(API_SERVER, "client-ca-file", KUBELET, "kubelet-client-current", GoUsage::ClientAuth),
    link(API_SERVER, "kubelet-certificate-authority", KUBELET, "tls-cert-file", GoUsage::ServerAuth),
];

const fn link(
    verifier: &'static str,
    trust: &'static str,
    presenter: &'static str,
    pair: &'static str,
    usage: GoUsage,
) -> Link {
    Link { verifier, trust, presenter, pair, usage }
}

/// A certificate that a program presents.
pub(super) struct Presented<'a> {
    /// The file, and what in it.
    pub(super) file: &'a str,
    pub(super) it: String,
    pub(super) purpose: Purpose,
    /// The certificate and those that come with it.
    pub(super) chain: &'a [GoCertificate],
    /// What it is presented for.
    pub(super) usage: GoUsage,
}

/// CAs that a program trusts.
pub(super) struct Trusted<'a> {
    pub(super) file: &'a str,
    pub(super) program: &'a str,
    /// Who names the file, or an empty text.
    pub(super) said: &'a str,
    pub(super) said_in: &'a str,
    pub(super) is_usual: bool,
    pub(super) anchors: &'a [GoCertificate],
}

/// What did not fit, until it is known which side is at fault.
#[derive(Default)]
pub(super) struct Misfits {
    /// The files that a file with CAs did not fit, each with the words for it: by the file with CAs.
    misfits: BTreeMap<String, Vec<Misfit>>,
    /// The files with CAs that fit something.
    fitting: BTreeSet<String>,
}

struct Misfit {
    id: &'static str,
    file: String,
    it: String,
    values: Vec<(&'static str, String)>,
}

/// Looks at every use and every link.
pub(super) fn check(
    tree: &Tree,
    facts: &GatheredFacts,
    clock: Clock,
    misfits: &mut Misfits,
    findings: &mut Findings,
    looked_at: &mut LookedAt,
) -> Vec<(Use, Loaded)> {
    let mut loader = Loader::new(tree, facts, clock);
    let loaded: Vec<(Use, Loaded)> =
        facts.uses.iter().map(|known| (known.clone(), loader.load(known, findings))).collect();
    loader.finish(findings);
    looked_at.certificates += loader.elsewhere();
    for link in &LINKS {
        check_link(facts, clock, link, &loaded, misfits, findings);
    }
    check_names(&loaded, facts, findings);
    check_service_account(&loaded, findings);
    loaded
}

fn check_link(
    facts: &GatheredFacts,
    clock: Clock,
    link: &Link,
    loaded: &[(Use, Loaded)],
    misfits: &mut Misfits,
    findings: &mut Findings,
) {
    let find =
        |program: &str, flag: &str| loaded.iter().find(|(known, _)| known.program == program && known.flag == flag);
    // A worker's API server is elsewhere; the kubelet trusts the same CA.
    let trust = find(link.verifier, link.trust).or_else(|| {
        (link.verifier == API_SERVER && link.trust == "client-ca-file").then(|| find(KUBELET, link.trust)).flatten()
    });
    let (Some((trust, anchors)), Some((pair, chain))) = (trust, find(link.presenter, link.pair)) else {
        return;
    };
    let (Loaded::Certificates(anchors), Loaded::Certificates(chain)) = (anchors, chain) else { return };
    let trusted = Trusted {
        file: &trust.place,
        program: link.verifier,
        said: &trust.said,
        said_in: &trust.said_in,
        is_usual: trust.is_usual,
        anchors,
    };
    let presented =
        Presented { file: &pair.place, it: pair.place.clone(), purpose: pair.purpose, chain, usage: link.usage };
    judge(facts, clock, &trusted, &presented, loaded, misfits, findings);
}

/// Verifies what one program presents by what another one trusts.
pub(super) fn judge(
    facts: &GatheredFacts,
    clock: Clock,
    trusted: &Trusted<'_>,
    presented: &Presented<'_>,
    loaded: &[(Use, Loaded)],
    misfits: &mut Misfits,
    findings: &mut Findings,
) {
    let Some((leaf, intermediates)) = presented.chain.split_first() else { return };
    let at = clock.inside(leaf, trusted.anchors);
    let question = |go| {
        verify(leaf, intermediates, trusted.anchors, &VerifyOptions { at, usage: presented.usage, host: None, go })
    };
    let error = match facts.go_of(trusted.program).ask(question) {
        Answer::Takes(()) => {
            misfits.fitting.insert(trusted.file.to_owned());
            if let Answer::Depends { error, who } = facts.go_of(trusted.program).later().ask(question) {
                let values =
                    [("error", error.to_string()), ("who", who.to_string()), ("program", trusted.program.to_owned())];
                findings.add_in("go-later", presented.file, &presented.it, &as_texts(&values));
            }
            return;
        }
        Answer::Unchecked(error) => {
            return findings.unchecked(presented.file, &format!("{}: {error}", presented.it));
        }
        Answer::Depends { error, who } => {
            misfits.fitting.insert(trusted.file.to_owned());
            let values =
                [("error", error.to_string()), ("who", who.to_string()), ("program", trusted.program.to_owned())];
            return findings.add_in("go-version", presented.file, &presented.it, &as_texts(&values));
        }
        Answer::Refuses(error) => error,
    };
    match error {
        GoError::UnknownAuthority(Some(hint)) if hint.error == GoError::ParentCannotSign => {
            cannot_sign(trusted, misfits, findings);
        }
        GoError::UnknownAuthority(_) | GoError::ParentCannotSign => {
            let misfit = unknown_authority(trusted, presented, loaded, &error);
            misfits.misfits.entry(trusted.file.to_owned()).or_default().push(misfit);
        }
        // The certificate itself, or its CA, was said to be out of its time already.
        error if error.is_about_time() => {
            let is_inner = intermediates.iter().any(|other| at < other.not_before() || at > other.not_after());
            if is_inner {
                chain_error(presented, &error, findings);
            }
        }
        error => {
            misfits.fitting.insert(trusted.file.to_owned());
            match (&error, usage_culprit(trusted, presented)) {
                (GoError::IncompatibleUsage, Some(culprit)) => {
                    let detail = format!("is not for {} (extendedKeyUsage)", presented.usage.name());
                    findings.add("extended-key-usage", culprit, &[("detail", &detail)]);
                }
                _ => chain_error(presented, &error, findings),
            }
        }
    }
}

/// Reports a CA that is none, or that may not sign. The words are those of [`crate::lint`], which says the same of the
/// files that it knows.
fn cannot_sign(trusted: &Trusted<'_>, misfits: &mut Misfits, findings: &mut Findings) {
    misfits.fitting.insert(trusted.file.to_owned());
    let is_ca = trusted.anchors.iter().any(GoCertificate::is_ca);
    let (id, detail) = if is_ca {
        ("ca-key-usage", "is a CA and may not sign certificates (keyCertSign)")
    } else {
        ("ca-basic-constraints", "stands where a CA belongs and is none (basicConstraints)")
    };
    findings.add(id, trusted.file, &[("detail", detail)]);
}

/// Returns the file whose own certificate is not for a usage: that of the leaf, or that of the CA which signed it.
fn usage_culprit<'a>(trusted: &Trusted<'a>, presented: &Presented<'a>) -> Option<&'a str> {
    let leaf = presented.chain.first()?;
    if !leaf.allows(presented.usage) {
        return Some(presented.file);
    }
    let narrow = trusted.anchors.iter().filter(|anchor| !anchor.allows(presented.usage));
    let signs = |anchor: &&GoCertificate| presented.chain.iter().any(|signed| signed.is_signed_by(anchor));
    narrow.filter(signs).map(|_| trusted.file).next()
}

fn chain_error(presented: &Presented<'_>, error: &GoError, findings: &mut Findings) {
    let because = match error {
        GoError::IncompatibleUsage => {
            let narrow = presented.chain.iter().skip(1).find(|above| !above.allows(presented.usage));
            narrow
                .map(|above| format!(": the CA {} between it and the root is not for that usage", above.common_name()))
        }
        _ => None,
    };
    let because = because.unwrap_or_default();
    let values = [("usage", presented.usage.name().to_owned()), ("error", error.to_string()), ("because", because)];
    findings.add_in("chain", presented.file, &presented.it, &as_texts(&values));
}

fn unknown_authority(
    trusted: &Trusted<'_>,
    presented: &Presented<'_>,
    loaded: &[(Use, Loaded)],
    error: &GoError,
) -> Misfit {
    let is_signer = |anchors: &[GoCertificate]| {
        presented.chain.first().is_some_and(|leaf| anchors.iter().any(|anchor| leaf.is_signed_by(anchor)))
    };
    let signer = loaded.iter().find(|(known, anchors)| {
        matches!((known.shape, anchors), (Shape::Trust, Loaded::Certificates(anchors)) if is_signer(anchors))
            && known.place != trusted.file
    });
    let mut values = vec![
        ("error", disbelief(presented.purpose).to_owned()),
        ("said", error.to_string()),
        ("program", trusted.program.to_owned()),
        ("leaf", presented.file.to_owned()),
    ];
    if !trusted.is_usual && !trusted.said.is_empty() {
        values.push(("authority", trusted.file.to_owned()));
        return Misfit { id: "manifest-ca", file: trusted.said_in.to_owned(), it: trusted.said.to_owned(), values };
    }
    if let Some((known, _)) = signer {
        values.extend([("signer", format!("the CA of {}", known.place)), ("authority", trusted.file.to_owned())]);
        return Misfit { id: "right-ca", file: presented.file.to_owned(), it: presented.it.clone(), values };
    }
    values.push(("authority", trusted.file.to_owned()));
    Misfit { id: "unknown-authority", file: presented.file.to_owned(), it: presented.it.clone(), values }
}

impl Misfits {
    /// Notes that a kubeconfig does not fit a file with CAs.
    pub(super) fn add(
        &mut self,
        authority: &str,
        id: &'static str,
        file: &str,
        it: &str,
        values: Vec<(&'static str, String)>,
    ) {
        let misfit = Misfit { id, file: file.to_owned(), it: it.to_owned(), values };
        self.misfits.entry(authority.to_owned()).or_default().push(misfit);
    }

    /// Notes that something fits a file with CAs.
    pub(super) fn fits(&mut self, authority: &str) {
        self.fitting.insert(authority.to_owned());
    }

    /// Returns the files with CAs that fit nothing: where one file disagrees with all others, it is the one at fault.
    pub(super) fn culprits(&self) -> BTreeSet<String> {
        let files =
            |misfits: &[Misfit]| misfits.iter().map(|misfit| misfit.file.as_str()).collect::<BTreeSet<_>>().len();
        let is_culprit = |(authority, misfits): &(&String, &Vec<Misfit>)| {
            files(misfits) > 1
                && !self.fitting.contains(*authority)
                && misfits.iter().all(|misfit| matches!(misfit.id, "unknown-authority" | "kubeconfig-ca" | "right-ca"))
        };
        self.misfits.iter().filter(is_culprit).map(|(authority, _)| authority.clone()).collect()
    }

    /// Reports every misfit, and of a file with CAs that fits nothing only that.
    pub(super) fn report(self, findings: &mut Findings) {
        let culprits = self.culprits();
        for (authority, misfits) in self.misfits {
            if culprits.contains(&authority) {
                let files: BTreeSet<String> = misfits.into_iter().map(|misfit| misfit.file).collect();
                let count = files.len().to_string();
                let files = listed_files(&files);
                findings.add("ca-fits-nothing", &authority, &[("count", &count), ("files", &files)]);
                continue;
            }
            for misfit in misfits {
                findings.add_in(misfit.id, &misfit.file, &misfit.it, &as_texts(&misfit.values));
            }
        }
    }
}

/// Reports a certificate of the aggregation layer whose name is not among those that are let in. Source: Kubernetes
/// v1.20.2, apiserver/pkg/authentication/request/headerrequest.
fn check_names(loaded: &[(Use, Loaded)], facts: &GatheredFacts, findings: &mut Findings) {
    let Some(process) = facts.pod(API_SERVER) else { return };
    let Some(allowed) = process.flag("requestheader-allowed-names").filter(|names| !names.is_empty()) else { return };
    let Some((pair, Loaded::Certificates(chain))) =
        loaded.iter().find(|(known, _)| known.program == API_SERVER && known.flag == "proxy-client-cert-file")
    else {
        return;
    };
    let Some(name) = chain.first().map(GoCertificate::common_name) else { return };
    // Where the flag is as kubeadm sets it, the certificate is at fault, and breaks a rule of its own.
    let is_usual = pair.is_usual && allowed == "front-proxy-client";
    if !is_usual && !allowed.split(',').any(|allowed| allowed == name) {
        let it = format!("--requestheader-allowed-names in {}", process.file);
        let values = [("name", name), ("allowed", allowed), ("leaf", pair.place.as_str())];
        findings.add_in("requestheader-names", &process.file, &it, &values);
    }
}

/// Reports a key that signs tokens which the API server would refuse.
fn check_service_account(loaded: &[(Use, Loaded)], findings: &mut Findings) {
    let keys = |program: &str, flag: &str| -> Vec<(&Use, &Vec<PublicKey>)> {
        let of = loaded.iter().filter(|(known, _)| known.program == program && known.flag == flag);
        let keys = of.filter_map(|(known, loaded)| match loaded {
            Loaded::Keys(keys) => Some((known, keys)),
            _ => None,
        });
        keys.collect()
    };
    let known = keys(API_SERVER, "service-account-key-file");
    let Some((first, _)) = known.first() else { return };
    for (program, flag) in
        [(API_SERVER, "service-account-signing-key-file"), (CONTROLLER_MANAGER, "service-account-private-key-file")]
    {
        for (signing, key) in keys(program, flag) {
            let is_known = key.iter().all(|key| known.iter().any(|(_, keys)| keys.contains(key)));
            if !is_known {
                let values = [("public", first.place.as_str()), ("program", program)];
                findings.add("sa-key-pair", &signing.place, &values);
            }
        }
    }
}
