//! Every rule is broken once in an otherwise good, rightly signed bundle: `verify` says so, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at once")]

mod common;
mod planting;

use std::collections::BTreeSet;

use certferry::lint::{RULES, Severity};
use certferry::x509::{ReadCertificate, oid};
use common::desk::Ended;
use planting::faults::{CP, Line, PLANTED, Planted, dashboard, kubeconfig, leaf, stored};
use planting::forge::Forge;
use planting::{Cluster, GENUINE, PKI, by, plants, warns};
use time::Duration;
use time::macros::datetime;

fn place((part, file, words): &Line) -> String {
    let file = file.strip_prefix('/').map_or_else(|| format!("{PKI}/{file}"), str::to_owned);
    format!("{part}  {file}  {words}")
}

#[test]
fn every_rule_is_planted() {
    let planted: BTreeSet<&str> = PLANTED.iter().map(|planted| planted.rule).collect();
    let rules: BTreeSet<&str> = RULES.iter().copied().flatten().map(|rule| rule.id).collect();
    assert_eq!(planted, rules);
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
    leaf(&mut lab, "dashboard.crt", |forge| forge.not_after -= Duration::SECOND);
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
