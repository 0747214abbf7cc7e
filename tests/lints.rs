//! Each rule about a certificate: what breaks it, in which words, and what lies just beside and keeps it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::common;
use crate::planting::change::{Change, instant, name};
use crate::planting::faults::{CP, Fault, GOOD, Judge, PLACES, TABLE, fault, faults, purpose};
use crate::planting::forge::{Forge, Key, names, pem};
use certferry::kubernetes::Purpose;
use certferry::lint::{Breach, ClusterFacts, Facts, NodeFacts, RULES, Severity, lint};
use certferry::x509::{AltName, ReadCertificate, oid};
use time::OffsetDateTime;
use time::macros::datetime;
use x509_cert::ext::pkix::KeyUsages::{DigitalSignature, KeyCertSign, KeyEncipherment};

/// A certificate and all that the rules are told about it.
struct Scene {
    purpose: Purpose,
    leaf: Forge,
    issuer: Forge,
    /// Signs instead of the issuer.
    intermediate: Option<Forge>,
    issuer_is_known: bool,
    service: Option<AltName>,
    node: Option<(&'static str, Vec<IpAddr>)>,
    endpoint: Option<AltName>,
    service_address: Option<IpAddr>,
    needed_at: Vec<OffsetDateTime>,
}

const HOST: &str = "webhook-service.metallb-system.svc";

impl Scene {
    /// A certificate of the lab without fault, or one as MetalLB or another webhook has it.
    fn good(purpose: Purpose, part: &str, file: &str) -> Self {
        let issuer = GOOD.part(CP).forge("etc/kubernetes/pki/ca.crt");
        let mut leaf = match purpose {
            Purpose::MetallbCa => {
                let mut leaf = Forge::authority("cert", &Key::new(2));
                leaf.set_rsa_key(2048);
                leaf.key_usage = Some(vec![DigitalSignature, KeyEncipherment, KeyCertSign]);
                leaf.alt_names = names(&["cert"]);
                leaf
            }
            Purpose::MetallbServer | Purpose::WebhookServer => {
                let mut leaf = Forge::leaf(&[], "webhook", &[oid::SERVER_AUTH], &Key::new(2));
                leaf.alt_names = names(&[HOST]);
                leaf
            }
            _ => GOOD.part(part).forge(file),
        };
        if !purpose.is_ca() {
            leaf.authority_key_identifier = issuer.subject_key_identifier.clone();
        }
        let node = if part == "node/w-1" { ("w-1", "192.168.10.7") } else { ("cp-1", "192.168.10.5") };
        Self {
            purpose,
            leaf,
            issuer,
            intermediate: None,
            issuer_is_known: !purpose.is_ca(),
            service: name(HOST),
            node: Some((node.0, vec![node.1.parse().unwrap()])),
            endpoint: name("k8s.lab"),
            service_address: None,
            needed_at: vec![datetime!(2026-11-22 0:00 UTC), datetime!(2027-01-01 0:00 UTC)],
        }
    }

    /// The good certificate that a fault is of, changed.
    fn of(fault: &Fault, change: &Change) -> Self {
        let (part, file) = fault.place();
        let mut scene = Self::good(fault.purpose().unwrap(), part, file);
        change.apply(&mut scene.leaf);
        if let Some(issuer) = &change.issuer {
            issuer.apply(&mut scene.issuer);
        }
        scene.intermediate = change.signed_by.as_deref().map(|name| Forge::authority(name, &Key::new(1)));
        let told = &change.facts;
        scene.purpose = told.purpose.as_deref().map_or(scene.purpose, purpose);
        if told.node.is_some() {
            scene.node = None;
        }
        if let (Some(addresses), Some(node)) = (&told.addresses, &mut scene.node) {
            node.1.clone_from(addresses);
        }
        scene.endpoint = told.endpoint.as_deref().map_or(scene.endpoint, name);
        scene.service = told.service.as_deref().map_or(scene.service, name);
        scene.service_address = told.service_address;
        scene.issuer_is_known &= told.issuer_is_known.unwrap_or(true);
        scene.needed_at.extend(told.needed_at.as_ref().map(instant));
        scene
    }

    fn certificate(&self) -> ReadCertificate {
        let signer = self.intermediate.as_ref().unwrap_or(&self.issuer);
        let issuer = (!self.purpose.is_ca()).then_some(signer.subject.as_slice());
        ReadCertificate::from_der(&self.leaf.sign(issuer, &Key::new(1))).unwrap()
    }

    fn breaches(&self) -> Vec<Breach> {
        let issuer = ReadCertificate::from_der(&self.issuer.sign(None, &Key::new(1))).unwrap();
        let facts = Facts {
            certificate: &self.certificate(),
            purpose: self.purpose,
            issuer: Some(&issuer).filter(|_| self.issuer_is_known),
            node: self.node.as_ref().map(|(name, addresses)| NodeFacts { name, addresses }),
            service: self.service.as_ref(),
            cluster: ClusterFacts { endpoint: self.endpoint.as_ref(), service_address: self.service_address },
            needed_at: &self.needed_at,
        };
        lint(&facts)
    }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[test]
fn the_table_of_faults_has_every_rule_in_its_words() {
    let faults: Vec<_> = TABLE.iter().map(|rule| (&*rule.id, &*rule.clause, &*rule.severity)).collect();
    let rules = RULES.into_iter().flatten().map(|rule| (rule.id, rule.clause, word(rule.severity)));
    assert_eq!(faults, rules.collect::<Vec<_>>());
}

/// A rule that nothing breaks would never be heard, and a fault that nobody tells is none.
#[test]
fn every_rule_is_broken_before_each_judge_that_can_tell() {
    let is_plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let mut ids = BTreeSet::new();
    for judge in [Judge::Lint, Judge::Verify, Judge::Doctor] {
        let broken: BTreeSet<_> = faults(judge).map(|(rule, _)| &*rule.id).collect();
        let untold: Vec<_> = TABLE.iter().map(|rule| &*rule.id).filter(|id| !broken.contains(id)).collect();
        let (metallb, files) = (RULES[5].iter().map(|rule| rule.id), RULES[6].iter().map(|rule| rule.id));
        match judge {
            Judge::Lint => assert_eq!(untold, files.collect::<Vec<_>>()),
            // Another mode than a key's is refused before, with the record.
            Judge::Verify => assert_eq!(untold, metallb.chain(["key-mode"]).collect::<Vec<_>>()),
            Judge::Doctor => assert_eq!(untold, ["key-usage-key-type", "same-everywhere", "kubelet-inline"]),
        }
        ids.extend(faults(judge).map(|(_, fault)| &*fault.id));
    }
    let all = || TABLE.iter().flat_map(|rule| &rule.faults);
    assert_eq!(all().map(|fault| &*fault.id).collect::<BTreeSet<_>>(), ids);
    assert_eq!(all().count(), ids.len(), "no two faults have one name");
    assert!(ids.iter().all(|id| is_plain(id)), "{ids:?}");
}

#[test]
fn a_good_certificate_breaks_no_rule() {
    for (purpose, part, file) in PLACES {
        let mut scene = Scene::good(purpose, part, file);
        assert_eq!(scene.breaches(), [], "{purpose:?}");
        // Nor is anything wrong for want of facts.
        (scene.node, scene.endpoint, scene.service, scene.issuer_is_known) = (None, None, None, false);
        scene.needed_at.clear();
        assert_eq!(scene.breaches(), [], "{purpose:?}");
    }
}

#[test]
fn what_breaks_a_rule_is_said_and_nothing_else() {
    for (rule, fault) in faults(Judge::Lint) {
        let found = Scene::of(fault, &fault.breaks).breaches();
        let found: Vec<_> = found.iter().map(|breach| (breach.rule.id, &*breach.detail)).collect();
        assert_eq!(found, [(&*rule.id, &*fault.says)], "{}", fault.id);
        let found = Scene::of(fault, &fault.keeps).breaches();
        assert!(found.iter().all(|breach| breach.rule.id != rule.id), "{}: {found:?}", fault.id);
    }
}

#[test]
fn a_ca_of_somebody_elses_is_none_of_our_business() {
    let mut scene = Scene::good(Purpose::KubernetesCa, CP, "etc/kubernetes/pki/ca.crt");
    scene.purpose = Purpose::Other;
    scene.leaf.usages = Some(vec![oid::SERVER_AUTH, oid::CLIENT_AUTH]);
    assert_eq!(scene.breaches(), []);
}

/// Another program's eyes: what the faults say they are, they are.
#[test]
fn openssl_sees_the_same_oddities() {
    let broken = |id| (fault(id), &fault(id).breaks);
    let kept = |id| (fault(id), &fault(id).keeps);
    for ((fault, change), words) in [
        (broken("negative-serial"), "Serial Number: -5 (-0x5)"),
        (broken("serial-0"), "Serial Number: 0 (0x0)"),
        (kept("negative-serial-of-a-ca"), "Serial Number: 128 (0x80)"),
        (broken("sha-1-in-a-kubeconfig"), "Signature Algorithm: ecdsa-with-SHA1"),
        (broken("rsa-2047"), "Public-Key: (2047 bit)"),
        (broken("basic-constraints-not-critical-of-the-cluster"), "X509v3 Basic Constraints: \n"),
        (kept("serial-0-of-a-ca"), "X509v3 Basic Constraints: critical\n                CA:TRUE\n"),
        (
            kept("no-local-host-by-name"),
            "DNS:cp-1, DNS:localhost, IP Address:192.168.10.5, IP Address:127.0.0.1, IP Address:0:0",
        ),
        (broken("peer-may-not-sign"), "critical\n                Key Agreement\n"),
        (kept("sha-1"), "Not After : Nov 22 00:00:00 2225 GMT"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Scene::of(fault, change).certificate();
        let file = common::write(folder.path(), "odd.crt", &pem(certificate.der()), 0o644);
        let text = common::succeed(common::tool("openssl").args(["x509", "-noout", "-text", "-in"]).arg(file));
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn the_manual_lists_exactly_the_table() {
    let chapter = common::succeed(common::certferry().args(["help", "lints", "--markdown"]));
    let rows = chapter.lines().filter(|line| line.starts_with("| `"));
    let table = RULES.into_iter().flatten();
    let table = table.map(|rule| format!("| `{}` | {} | {} |", rule.id, word(rule.severity), rule.clause));
    assert_eq!(rows.collect::<Vec<_>>(), table.collect::<Vec<_>>());
}
