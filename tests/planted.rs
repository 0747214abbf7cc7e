//! Every rule is broken once in an otherwise good, rightly signed bundle: `verify` says so, and nothing else.

use std::collections::BTreeSet;

use crate::common::Ended;
use crate::planting::faults::{CP, Line, PLANTED, Planted, dashboard, kubeconfig, leaf, stored};
use crate::planting::forge::{Forge, Key, names, pem};
use crate::planting::{Cluster, GENUINE, PKI, by, plants, warns};
use certferry::bundle::Mode;
use certferry::lint::{RULES, Severity};
use certferry::x509::{ReadCertificate, oid};
use time::Duration;
use time::macros::datetime;

fn place((part, file, words): &Line) -> String {
    let file = file.strip_prefix('/').map_or_else(|| format!("{PKI}/{file}"), str::to_owned);
    format!("{part}  {file}  {words}")
}

#[test]
fn every_rule_is_planted() {
    let planted: BTreeSet<&str> = PLANTED.iter().map(|planted| planted.rule).collect();
    // MetalLB's certificates lie in no file of a bundle, but in a Secret: the doctor's tests plant those.
    let rules = RULES.iter().copied().flatten().map(|rule| rule.id).filter(|rule| !rule.starts_with("metallb-"));
    assert_eq!(planted, rules.collect());
}

#[test]
fn verify_says_just_what_was_planted() {
    for Planted { rule, plant, lines, besides } in PLANTED {
        let severity = RULES.iter().copied().flatten().find(|known| known.id == *rule).unwrap().severity;
        let said: Vec<_> = lines.iter().map(|line| by(rule, &place(line))).collect();
        let besides: Vec<_> = besides.iter().map(place).collect();
        // Each part is looked at by itself; within it, files that cannot be used come first.
        let mut all: Vec<&str> = said.iter().chain(&besides).map(String::as_str).collect();
        let part = |line: &str| {
            let part = line.split("  ").next().unwrap().to_owned();
            (part == "cluster", part, !line.contains("too small"))
        };
        all.sort_by_key(|line| part(line));
        println!("{rule}");
        match severity {
            Severity::Error => drop(plants(plant, &all)),
            Severity::Warning => warns(plant, &all),
        }
    }
}

/// A registry's certificate and key in the cluster's part, under a root of its own.
fn registry(lab: &mut Cluster, change: impl FnOnce(&mut Forge)) {
    let root = Forge::authority("web", &Key::new(51));
    let mut leaf = Forge::leaf(&[], "registry.lab", &[oid::SERVER_AUTH], &Key::new(52));
    leaf.alt_names = names(&["registry.lab"]);
    leaf.authority_key_identifier = root.subject_key_identifier.clone();
    leaf.not_after = leaf.not_before + Duration::days(825);
    change(&mut leaf);
    let key = p256::SecretKey::from_slice(&[52; 32]).unwrap().to_sec1_pem(der::pem::LineEnding::LF).unwrap();
    let root_pem = pem(&root.sign(None, &Key::new(51)));
    let cluster = lab.tree("cluster");
    cluster.add("tls/ca.crt", Mode::Public, root_pem.clone());
    cluster.add("tls/kube-system.registry/ca.crt", Mode::Public, root_pem);
    cluster.add("tls/kube-system.registry/tls.crt", Mode::Public, pem(&leaf.sign(Some(&root.subject), &Key::new(51))));
    cluster.add("tls/kube-system.registry/tls.key", Mode::Private, key.as_bytes());
}

#[test]
fn a_web_certificate_is_held_against_the_rules_for_browsers() {
    let [mut lab, _] = GENUINE.clone();
    registry(&mut lab, |_| {});
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
    let file = "cluster  tls/kube-system.registry/tls.crt";
    let life = by("web-life", &format!("{file}  is for a server and lives 826 days; Apple's programs take 825"));
    warns(|lab, _| registry(lab, |leaf| leaf.not_after += Duration::SECOND), &[&life]);
    let nobody = by("alt-name", &format!("{file}  is for a server and names no host"));
    plants(|lab, _| registry(lab, |leaf| leaf.alt_names.clear()), &[&nobody]);
    // Of a client nobody asks that.
    let [mut lab, _] = GENUINE.clone();
    registry(&mut lab, |leaf| {
        leaf.alt_names.clear();
        leaf.usages = Some(vec![oid::CLIENT_AUTH]);
        leaf.not_after += Duration::days(9000);
    });
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
}

#[test]
fn a_certificate_that_is_signed_anew_as_it_was_has_no_fault() {
    let [mut lab, _] = GENUINE.clone();
    for file in ["apiserver.crt", "apiserver-kubelet-client.crt", "etcd/server.crt", "etcd/peer.crt"] {
        leaf(&mut lab, file, |_| {});
    }
    kubeconfig(&mut lab, "controller-manager.conf", |_| {});
    stored(&mut lab, |_| {});
    lab.reissue_ca("ca", |_| {});
    lab.reissue_ca("etcd/ca", |_| {});
    let file = format!("{PKI}/apiserver.crt");
    let serial = |lab: &mut Cluster| {
        ReadCertificate::from_pem(lab.tree(CP).certificate(&file).as_bytes()).unwrap().serial().to_vec()
    };
    assert_eq!(serial(&mut lab), [0x47; 16], "it is another certificate");
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
}

#[test]
fn what_lies_at_the_edge_has_no_fault() {
    let [mut lab, _] = GENUINE.clone();
    leaf(&mut lab, "apiserver.crt", |forge| {
        forge.serial = vec![0x7f; 20];
        forge.not_before = datetime!(2026-11-21 23:55 UTC);
        forge.not_after = datetime!(2226-11-22 0:00 UTC);
        forge.unname("k8s.lab");
        forge.add_name("*.lab");
        forge.unname("kubernetes");
        forge.add_name("KUBERNETES");
    });
    lab.reissue_ca("ca", |forge| forge.usages = Some(vec![oid::SERVER_AUTH, oid::CLIENT_AUTH]));
    dashboard(&mut lab, &GENUINE[1]);
    leaf(&mut lab, "dashboard.crt", |forge| {
        forge.not_after -= Duration::SECOND;
        // Browsers want one label more than kubectl.
        forge.unname("*.lab");
        forge.add_name("*.k8s.lab");
    });
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");

    let [mut lab, _] = GENUINE.clone();
    lab.reissue_ca("ca", |forge| forge.not_after = datetime!(2400-01-01 0:00 UTC));
    stored(&mut lab, |forge| forge.not_after = forge.not_before + Duration::seconds(9_223_372_036));
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
}

#[test]
fn what_the_decoder_refuses_is_named_as_such() {
    type Case = (fn(&mut Forge), &'static str);
    let cases: [Case; 2] = [
        (|forge| forge.serial = vec![0x47; 22], "malformed ASN.1 DER value for INTEGER"),
        (|forge| forge.generalized = true, "ASN.1 SEQUENCE not canonically encoded as DER"),
    ];
    for (change, reason) in cases {
        let file = format!("{PKI}/apiserver.crt");
        plants(
            |lab, _| leaf(lab, "apiserver.crt", change),
            &[&format!("{CP}  {file}  holds a certificate that cannot be read: {reason}")],
        );
    }
}

#[test]
fn the_clock_margin_is_told_by_the_time_asked_for_as_well() {
    let [lab, _] = GENUINE.clone();
    let desk = lab.carry();
    // Everything begins on 2026-11-21T00:00:00Z.
    desk.succeed("verify lab-g1.tar.gz --key lab.pub --quiet --at 2026-11-21T00:05:00Z");
    let Ended { code, stderr, .. } = desk.run("verify lab-g1.tar.gz --key lab.pub --quiet --at 2026-11-21T00:04:59Z");
    assert_eq!(code, Some(0));
    let line = by(
        "clock-margin",
        "node/cp-1  etc/kubernetes/pki/ca.crt  begins less than five minutes before it is needed; a node whose clock is \
         behind refuses it",
    );
    assert!(stderr.starts_with(&format!("warning: this works, but\n{line}\n")), "{stderr}");
}
