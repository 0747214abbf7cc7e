//! CAs of other makers: whatever form name, key and extensions have, old and new certificates verify under old and new.

use std::fs;

use certferry::x509::ReadCertificate;
use time::Duration;

use super::{PROFILE, Shape, authority, build, openssl, says};
use crate::common::desk::Desk;
use crate::common::succeed;
use crate::go::{Case, Oracle, Usage};

const KUBEADM_OF_OLD: &str = "keyUsage = critical, digitalSignature, keyEncipherment, keyCertSign\n\
                              basicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = hash\n";
/// openssl adds key identifiers that nobody asked for.
const NO_SKID: &str = "keyUsage = critical, keyCertSign, cRLSign\nbasicConstraints = critical, CA:TRUE\n\
                       subjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n";
/// What `openssl req -x509` writes by its own configuration, and more.
const MUCH: &str = "basicConstraints = CA:TRUE, pathlen:3\nsubjectKeyIdentifier = hash\n\
                    subjectAltName = DNS:kubernetes\nextendedKeyUsage = serverAuth, clientAuth\n";
const BY_SERIAL: &str = "basicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = hash\n\
                         authorityKeyIdentifier = keyid:always, issuer:always\n";
const RSA: &[&str] = &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const RSA_PKCS1: &[&str] = &["genrsa", "-traditional"];
const EC_WITH_PARAMETERS: &[&str] = &["ecparam", "-name", "secp384r1", "-genkey"];
const COMPANY: &str = "C = KR\nO = Example\nOU = Platform\nCN = kubernetes-ca";

fn makers() -> Vec<(&'static str, Shape<'static>)> {
    let shape = Shape::default();
    vec![
        ("kubeadm", Shape { extensions: KUBEADM_OF_OLD, serial: "00", ..shape }),
        ("printable", Shape { subject: COMPANY, ..shape }),
        ("utf8", Shape { subject: COMPANY, strings: "utf8only", ..shape }),
        ("no-skid", Shape { extensions: NO_SKID, serial: "00C0FFEE", ..shape }),
        ("much", Shape { extensions: MUCH, serial: "01", subject: "CN = etcd", ..shape }),
        ("by-serial", Shape { extensions: BY_SERIAL, serial: "2A", ..shape }),
        ("rsa", Shape { key: RSA, ..shape }),
        ("rsa-pkcs1", Shape { key: RSA_PKCS1, ..shape }),
        ("ec-parameters", Shape { key: EC_WITH_PARAMETERS, digest: "sha384", ..shape }),
    ]
}

/// Returns whether openssl takes a certificate under a CA, whatever the day. It is strict where a CA has what strict
/// programs ask for.
fn verifies(desk: &Desk, authority: &str, certificate: &str) -> bool {
    let mut verify = openssl(desk);
    verify.args(["verify", "-no_check_time", "-CAfile", authority, certificate]).output().unwrap().status.success()
}

#[test]
fn whatever_it_looks_like_old_and_new_hold_under_old_and_new() {
    for (name, shape) in makers() {
        check(name, &shape, &mut Vec::new());
    }
}

/// Go, in which Kubernetes is written, says the same.
#[test]
#[ignore = "long form"]
fn long_go_takes_old_and_new_under_old_and_new() {
    let Some(oracle) = Oracle::build() else { return };
    let mut cases = Vec::new();
    for (name, shape) in makers() {
        check(name, &shape, &mut cases);
    }
    assert!(cases.len() > 100, "{}", cases.len());
    for (answer, case) in oracle.ask(&cases).iter().zip(&cases) {
        assert_eq!((&answer.key_pair, &answer.verify), (&None, &None), "{:?}, number {}", case.faults, case.number);
    }
}

/// Adopts a CA, as it is and renewed, asks openssl about everything old and new, and adds the same questions for Go.
fn check(name: &'static str, shape: &Shape<'_>, cases: &mut Vec<Case>) {
    let desk = Desk::new();
    authority(&desk, "ca", shape);
    // What the old CA signed before.
    let mut request = openssl(&desk);
    request.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]);
    succeed(request.args(["/CN=kube-apiserver", "-keyout", "old.key", "-out", "old.csr"]));
    // Without a key identifier openssl would name the issuer by its serial number, which is another after a renewal.
    let none = "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n";
    let none = if name == "no-skid" { none } else { "" };
    desk.write("ext", format!("subjectAltName=DNS:kubernetes\nextendedKeyUsage=serverAuth,clientAuth\n{none}"));
    let mut sign = openssl(&desk);
    sign.args(["x509", "-req", "-in", "old.csr", "-CA", "adopted/ca.crt", "-CAkey", "adopted/ca.key", "-out"]);
    succeed(sign.args(["old.crt", "-days", "900", "-extfile", "ext", "-CAcreateserial"]));
    for renew in ["", "renew = true\n"] {
        let table = "[ca.kubernetes]\ncertificate = \"adopted/ca.crt\"\nkey = \"adopted/ca.key\"";
        desk.write("lab.toml", format!("{PROFILE}\n{table}\n{renew}"));
        let to = if renew.is_empty() { "same" } else { "later" };
        build(&desk, to);
        let pki = format!("{to}/etc/kubernetes/pki");
        let read = |file: &str| ReadCertificate::from_pem(&desk.read(file)).unwrap();
        let (old, new) = (read("adopted/ca.crt"), read(&format!("{pki}/ca.crt")));
        let leaf = read(&format!("{pki}/apiserver.crt"));
        assert_eq!(old.subject_key_identifier().is_none(), name == "no-skid", "{name}");
        assert_eq!(leaf.issuer_der(), old.subject_der(), "{name}");
        assert_eq!(leaf.authority_key_identifier(), old.subject_key_identifier(), "{name}");
        assert_eq!(new.subject_der(), old.subject_der(), "{name}");
        assert_eq!(new.subject_key_identifier(), old.subject_key_identifier(), "{name}");
        let new_ca = format!("{pki}/ca.crt");
        let leaves = ["apiserver", "apiserver-kubelet-client"].map(|leaf| format!("{pki}/{leaf}.crt"));
        for authority in ["adopted/ca.crt", &new_ca] {
            for certificate in leaves.iter().map(String::as_str).chain(["old.crt", authority]) {
                assert!(verifies(&desk, authority, certificate), "{name}: {certificate} under {authority}");
            }
            for certificate in leaves.iter().map(String::as_str).chain(["old.crt"]) {
                let is_server = !certificate.ends_with("-client.crt");
                cases.push(Case {
                    number: u64::try_from(cases.len()).unwrap(),
                    faults: vec![name],
                    chain: desk.text(certificate),
                    roots: desk.text(authority),
                    key: desk.text(&certificate.replace(".crt", ".key")),
                    at: read(certificate).not_before() + Duration::days(2),
                    usage: if is_server { Usage::Server } else { Usage::Client },
                    host: is_server.then(|| "kubernetes".to_owned()),
                });
            }
        }
    }
    // All extensions stay, byte for byte, but for a reference to a serial number that is another now.
    let extensions = |file: &str| {
        let text = says(&desk, &["x509", "-noout", "-text", "-in", file]);
        let (_, text) = text.split_once("X509v3 extensions:\n").unwrap();
        text.split("    Signature Algorithm").next().unwrap().to_owned()
    };
    let (old, new) = (extensions("adopted/ca.crt"), extensions("later/etc/kubernetes/pki/ca.crt"));
    if name == "by-serial" {
        let is_of_serial = |line: &&str| line.trim().starts_with("DirName:") || line.trim().starts_with("serial:");
        let without: Vec<_> = old.lines().filter(|line| !is_of_serial(line)).collect();
        assert!(without.len() + 2 == old.lines().count(), "{old}");
        let trimmed = |line: &&str| line.replace("keyid:", "").trim().to_owned();
        assert_eq!(
            new.lines().map(|line| trimmed(&line)).collect::<Vec<_>>(),
            without.iter().map(trimmed).collect::<Vec<_>>()
        );
    } else {
        assert_eq!(new, old, "{name}");
    }
}

/// Any of the further CAs can be adopted, too.
#[test]
fn further_authorities_are_adopted_as_well() {
    let desk = Desk::new();
    for (name, subject) in [("webhook", "CN = hooks"), ("tls", "O = Example\nCN = Example root")] {
        authority(&desk, name, &Shape { subject, ..Shape::default() });
    }
    let metallb = "keyUsage = critical, keyCertSign\nbasicConstraints = critical, CA:TRUE\nsubjectAltName = DNS:cert\n\
                   subjectKeyIdentifier = hash\n";
    authority(
        &desk,
        "metallb",
        &Shape { subject: "O = metallb\nCN = cert", key: RSA, extensions: metallb, ..Shape::default() },
    );
    let intermediate = "keyUsage = critical, keyCertSign\nbasicConstraints = critical, CA:TRUE, pathlen:0\n\
                        subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n";
    super::key(&desk, "cert-manager", super::P256);
    let shape = Shape { subject: "CN = issuing", extensions: intermediate, serial: "07", ..Shape::default() };
    super::certificate(&desk, "cert-manager", &shape, "tls");
    let table = |(name, more): (&str, &str)| {
        format!("\n[ca.{name}]\ncertificate = \"adopted/{name}.crt\"\nkey = \"adopted/{name}.key\"\n{more}")
    };
    let renew = "renew = true\n";
    let tables: String =
        [("webhook", renew), ("tls", ""), ("metallb", renew), ("cert-manager", "")].map(table).concat();
    let users = "\n[metallb]\nversion = \"0.15.2\"\n\n[[webhook]]\nnamespace = \"hooks\"\nsecret = \"hook-tls\"\n\
                 service = \"hook\"\n\n[cert_manager]\n\n[[tls]]\nnamespace = \"web\"\nsecret = \"web-tls\"\nhosts = [\"a.example\"]\n";
    desk.write("lab.toml", format!("{PROFILE}{tables}{users}"));
    build(&desk, "new");
    succeed(
        crate::common::tool("tar").arg("-xzf").arg(desk.path("new-out/lab-g1.tar.gz")).arg("-C").arg(desk.path("")),
    );
    let cluster = "lab-g1/cluster";
    assert_eq!(desk.text(&format!("{cluster}/tls/ca.crt")), desk.text("adopted/tls.crt"));
    assert!(verifies(&desk, "adopted/tls.crt", &format!("{cluster}/tls/web.web-tls/tls.crt")));
    let secret = |file: &str, key: &str, to: &str| {
        let text = fs::read_to_string(desk.path(&format!("{cluster}/manifests/{file}"))).unwrap();
        let line = text.lines().find_map(|line| line.trim().strip_prefix(&format!("{key}: "))).unwrap().to_owned();
        desk.write("base64", line + "\n");
        succeed(openssl(&desk).args(["base64", "-d", "-A", "-in", "base64", "-out", to]));
    };
    secret("cert-manager/secret.yaml", "tls.crt", "issuing.crt");
    assert_eq!(desk.text("issuing.crt"), desk.text("adopted/cert-manager.crt"));
    for (file, name) in [("metallb/secret.yaml", "metallb"), ("webhooks/hooks.hook-tls.yaml", "webhook")] {
        secret(file, "tls.crt", "leaf.crt");
        secret(file, "ca.crt", "ca.crt");
        assert!(verifies(&desk, &format!("adopted/{name}.crt"), "leaf.crt"), "{name}");
        assert!(verifies(&desk, "ca.crt", "leaf.crt"), "{name}");
        let end = says(&desk, &["x509", "-noout", "-enddate", "-in", "ca.crt"]);
        assert_eq!(end, "notAfter=Nov 22 00:00:00 2226 GMT\n", "{name}");
    }
}
