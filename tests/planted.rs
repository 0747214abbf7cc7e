//! Every rule is broken once in an otherwise good, rightly signed bundle: `verify` says so, and nothing else.

use crate::common::Ended;
use crate::planting::faults::{CP, Judge, faults, kubeconfig, leaf, registry, stored};
use crate::planting::forge::Forge;
use crate::planting::{Cluster, GENUINE, PKI, by, plants, warns};
use certferry::x509::{ReadCertificate, oid};
use time::Duration;
use time::macros::datetime;

#[test]
fn verify_says_just_what_was_planted() {
    for (rule, fault) in faults(Judge::Verify) {
        println!("{}", fault.id);
        let tagged = |line: String| format!("{line} [{}: {}]", rule.id, rule.clause);
        let mut all: Vec<_> = fault.lines().into_iter().map(tagged).chain(fault.besides.iter().cloned()).collect();
        // Each part is looked at by itself; within it, files that cannot be used come first.
        all.sort_by_key(|line| {
            let part = line.split("  ").next().unwrap().to_owned();
            (part == "cluster", part, !line.contains("too small"))
        });
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        let plant = |lab: &mut Cluster, other: &Cluster| fault.plant(lab, other);
        match &*rule.severity {
            "error" => drop(plants(plant, &all)),
            _ => warns(plant, &all),
        }
    }
}

#[test]
fn a_web_certificate_that_keeps_the_rules_for_browsers_has_no_fault() {
    let [mut lab, _] = GENUINE.clone();
    registry(&mut lab, |_| {});
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
    // Of a client nobody asks for names or a short life.
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
    // Browsers want one label more than kubectl.
    registry(&mut lab, |forge| forge.add_name("*.k8s.lab"));
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
    // One cause, one paragraph: of all nodes and the cluster's part.
    let head = by(
        "clock-margin",
        "36 files in 4 parts: begins less than five minutes before it is needed; a node whose clock is behind refuses it",
    );
    let files = ["ca", "etcd/ca", "front-proxy-ca", "apiserver-etcd-client", "apiserver-kubelet-client"];
    let list: String = files.map(|name| format!("  node/cp-1  etc/kubernetes/pki/{name}.crt\n")).concat();
    assert_eq!(stderr, format!("warning: this works, but\n{head}\n{list}  and 31 more\n"));
}
