//! Judges single certificates by chain, time and rules.

use time::OffsetDateTime;

use super::authority::{Authority, issuer_of, named};
use super::chain::{leaf_faults, time_fault, verifies};
use super::part::{Origin, Part, Report};
use super::{AlreadyVerified, Fault};
use crate::kubernetes::Purpose;
use crate::lint::{Breach, ClusterFacts, Facts, NodeFacts, lint};
use crate::x509::{AltName, ReadCertificate};

/// The rule that certificates of other makers break by custom.
const KEY_USAGE_KEY_TYPE: &str = "key-usage-key-type";

/// The judge of one part's certificates.
pub(super) struct Judge<'a> {
    pub(super) part: &'a Part<'a>,
    at: OffsetDateTime,
    pub(super) known: &'a AlreadyVerified,
    endpoint: Option<AltName>,
    /// The node name in the kubelet's certificate, which counts when the part does not name its node.
    kubelet_name: Option<String>,
    needed_at: Vec<OffsetDateTime>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(part: &'a Part<'a>, at: OffsetDateTime, known: &'a AlreadyVerified) -> Self {
        let needed_at = match part.origin {
            Origin::Bundle { issued_at } => vec![issued_at, at],
            Origin::Disk => vec![at],
        };
        let kubelet_name = if part.is_disk() { part.kubelet_name() } else { None };
        Self { part, at, known, endpoint: part.endpoint(), kubelet_name, needed_at }
    }

    /// Checks the time of a CA certificate, and that it signed itself. In a bundle there are intermediates that others have
    /// signed, who are not at hand where the CA is trusted by itself; on a disk such a one is worth a word.
    pub(super) fn authority(&self, file: &str, authority: &ReadCertificate, report: &mut Report<'_>) {
        time_fault(authority, self.at).into_iter().for_each(|fault| report(file, fault));
        let is_root = authority.issuer_der() == authority.subject_der();
        if (is_root || self.part.is_disk()) && !self.known.is_self_signed(authority) {
            report(file, Fault::UnknownAuthority { issuer: authority.issuer() });
        }
    }

    /// Checks the time, the chain and the rules of a leaf against the CA certificates at hand.
    pub(super) fn leaf(
        &self,
        file: &str,
        purpose: Purpose,
        leaf: &ReadCertificate,
        authorities: &[Authority<'_>],
        report: &mut Report<'_>,
    ) {
        time_fault(leaf, self.at).into_iter().for_each(|fault| report(file, fault));
        let wanted = |authority: &&Authority<'_>| purpose.authority().is_none_or(|wanted| authority.purpose == wanted);
        let (right, wrong): (Vec<Authority<'_>>, Vec<Authority<'_>>) =
            authorities.iter().copied().partition(|authority| wanted(&authority));
        // In the usual case webpki accepts the leaf, and its signature is checked only once.
        let verified = named(leaf, &right).find(|authority| verifies(leaf, authority.certificate, self.known));
        let issuer = verified.or_else(|| self.faulty_issuer(file, leaf, &right, &wrong, report));
        self.rules(file, purpose, leaf, issuer.map(|issuer| issuer.certificate), report);
    }

    /// Returns the issuer of a leaf that webpki did not accept or was not asked about, and reports the faults.
    fn faulty_issuer<'b>(
        &self,
        file: &str,
        leaf: &ReadCertificate,
        right: &[Authority<'b>],
        wrong: &[Authority<'_>],
        report: &mut Report<'_>,
    ) -> Option<Authority<'b>> {
        let issuer = issuer_of(leaf, right);
        if let Some(issuer) = issuer {
            leaf_faults(leaf, issuer.certificate, self.known).into_iter().for_each(|fault| report(file, fault));
        } else if right.is_empty() && self.part.is_disk() {
            // The CA for this purpose is not at hand, so nothing is known to be wrong.
        } else if let Some(signer) = issuer_of(leaf, wrong) {
            report(file, Fault::WrongAuthority { signer: signer.file.to_owned() });
        } else {
            report(file, Fault::UnknownAuthority { issuer: leaf.issuer() });
        }
        issuer
    }

    pub(super) fn rules(
        &self,
        file: &str,
        purpose: Purpose,
        certificate: &ReadCertificate,
        issuer: Option<&ReadCertificate>,
        report: &mut Report<'_>,
    ) {
        let kubelet = || self.kubelet_name.as_ref().map(|name| NodeFacts { name, addresses: &[] });
        let facts = Facts {
            certificate,
            purpose,
            issuer,
            node: self.part.node.or_else(kubelet),
            service: None,
            cluster: ClusterFacts { endpoint: self.endpoint.as_ref(), service_address: None },
            needed_at: &self.needed_at,
        };
        let breaches = lint(&facts).into_iter();
        // kubeadm itself, k3s and others write keyEncipherment for keys of every kind, and no program refuses it.
        let is_custom = |breach: &Breach| self.part.is_disk() && breach.rule.id == KEY_USAGE_KEY_TYPE;
        breaches.filter(|breach| !is_custom(breach)).for_each(|breach| report(file, Fault::Rule(breach)));
    }
}
