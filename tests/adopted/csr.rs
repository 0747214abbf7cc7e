//! A CA whose certificate somebody else signs, below a root that is nobody's here.

use super::{P256, PROFILE, Shape, authority, openssl, says};
use crate::common::desk::{Desk, OTHER_SEED};
use crate::common::{succeed, tool};

const CERT_MANAGER: &str = "\n[cert_manager]\npermitted_dns = [\"apps.example\"]\n";
const CSR: &str = "csr lab.toml --ca cert-manager --seed lab.seed";

/// A desk with a request that the root has signed.
fn signed() -> Desk {
    let desk = Desk::new();
    authority(
        &desk,
        "root",
        &Shape { subject: "O = Example\nCN = Example root", end: "20970101000000Z", ..Shape::default() },
    );
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}"));
    let told = "\
request.csr  for the key of ca/cert-manager; not secret
Whoever has the root signs it with its extensions; name the result in `certificate` of [ca.cert-manager],
and the root in `certificate` of [ca.tls]
";
    assert_eq!(desk.succeed(&format!("{CSR} --out request.csr")), told);
    let mut sign = openssl(&desk);
    sign.args(["x509", "-req", "-in", "request.csr", "-CA", "adopted/root.crt", "-CAkey", "adopted/root.key"]);
    sign.args(["-copy_extensions", "copyall", "-days", "3650", "-out", "adopted/issuing.crt", "-CAcreateserial"]);
    succeed(&mut sign);
    let tables =
        "\n[ca.tls]\ncertificate = \"adopted/root.crt\"\n\n[ca.cert-manager]\ncertificate = \"adopted/issuing.crt\"\n";
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}{tables}"));
    desk
}

#[test]
fn a_request_is_right_and_the_same_each_time() {
    let desk = Desk::new();
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}"));
    let request = desk.succeed(CSR);
    assert_eq!(desk.succeed(&format!("{CSR} --out -")), request);
    desk.write("request.csr", &request);
    says(&desk, &["req", "-verify", "-noout", "-in", "request.csr"]);
    let text = says(&desk, &["req", "-noout", "-text", "-in", "request.csr"]);
    for line in [
        "Subject: CN = lab-cert-manager-ca",
        "X509v3 Key Usage: critical",
        "Digital Signature, Certificate Sign",
        "CA:TRUE, pathlen:0",
        "X509v3 Subject Key Identifier",
        "DNS:apps.example",
        "Signature Algorithm: ecdsa-with-SHA256",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("Authority Key Identifier"), "{text}");
    // With RSA, too.
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}\n[ca.cert-manager]\nalgorithm = \"rsa-2048\"\n"));
    desk.write("request.csr", desk.succeed(CSR));
    says(&desk, &["req", "-verify", "-noout", "-in", "request.csr"]);
}

#[test]
fn what_comes_back_is_adopted_below_a_root_that_signs_nothing_here() {
    let desk = signed();
    let plan = desk.succeed("plan lab.toml");
    let root = "ca/tls  CN=Example root,O=Example  ecdsa-p256  until 2097-01-01  trusted, and signs nothing here";
    assert!(plan.contains(&format!("\n{root}\n")), "{plan}");
    let signed = "  below ca/tls  signed elsewhere: a build checks that its key is the derived one\n";
    assert!(plan.contains(signed), "{plan}");
    let built = desk.run("build lab.toml --seed lab.seed --out out");
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    succeed(tool("tar").arg("-xzf").arg(desk.path("out/lab-g1.tar.gz")).arg("-C").arg(desk.path("")));
    let secret = desk.text("lab-g1/cluster/manifests/cert-manager/secret.yaml");
    for (key, file) in [("ca.crt", "ca.crt"), ("tls.crt", "tls.crt"), ("tls.key", "tls.key")] {
        let line = secret.lines().find_map(|line| line.trim().strip_prefix(&format!("{key}: "))).unwrap();
        desk.write("base64", format!("{line}\n"));
        succeed(openssl(&desk).args(["base64", "-d", "-A", "-in", "base64", "-out", file]));
    }
    assert_eq!(desk.text("ca.crt"), desk.text("adopted/root.crt"));
    assert_eq!(desk.text("tls.crt"), desk.text("adopted/issuing.crt"));
    let public = says(&desk, &["x509", "-noout", "-pubkey", "-in", "tls.crt"]);
    assert_eq!(says(&desk, &["pkey", "-in", "tls.key", "-pubout"]), public);
    let lock: toml::Table = desk.text("lab.lock.toml").parse().unwrap();
    let ids = |table: &str| -> Vec<String> {
        lock[table].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("adopted"), ["ca/cert-manager", "ca/tls"]);
    assert!(!ids("key").contains(&"ca/tls".to_owned()) && ids("certificate").contains(&"ca/tls".to_owned()));
    assert!(lock["adopted"].as_array().unwrap().iter().all(|row| row.get("spki_sha256").is_none()));
    let plan = desk.succeed("plan lab.toml");
    assert!(plan.ends_with("\nsince the lock: nothing changes\n"), "{plan}");
    let locked = desk.run("build lab.toml --seed lab.seed --out again --locked");
    assert_eq!(locked.code, Some(0), "{}", locked.stderr);
    assert!(desk.read("again/lab-g1.tar.gz") == desk.read("out/lab-g1.tar.gz"));
}

#[test]
fn what_cannot_be_signed_is_named() {
    let desk = signed();
    // Something that only the root's key could sign.
    let tls = "\n[[tls]]\nnamespace = \"web\"\nsecret = \"web-tls\"\nhosts = [\"a.apps.example\"]\n";
    desk.write("lab.toml", desk.text("lab.toml") + tls);
    let error = "\
error: ca/tls cannot sign: its certificate has another key than the one that the seed gives, and no `key` is named
below it are planned: ca/cert-manager, tls/web/web-tls
hint: name the CA's key in `key` of [ca.tls]
hint: without that key only a new CA can sign: remove `certificate`, and see `certferry help rotation`
";
    desk.refuse("build lab.toml --seed lab.seed --out out", 1, error);
    // The certificate is for the key of another seed.
    desk.write("lab.toml", desk.text("lab.toml").replace(tls, ""));
    desk.write("other.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    desk.set_mode("other.seed", 0o600);
    let error = "\
error: ca/cert-manager cannot sign: its certificate has another key than the one that the seed gives, and no `key` is named
hint: name the CA's key in `key` of [ca.cert-manager]
hint: or let whoever has the root sign a request for the key that this seed gives: `certferry csr PROFILE --ca cert-manager \
                 --seed FILE --out FILE`, and name what comes back in `certificate`
";
    desk.refuse("build lab.toml --seed other.seed --out out", 1, error);
    desk.refuse("build lab.toml --seed other.seed --out out --dry-run", 1, error);
}

#[test]
fn requests_that_lead_nowhere_are_refused() {
    let desk = Desk::new();
    desk.write("lab.toml", PROFILE);
    let error = "\
error: what somebody else signs for [ca.kubernetes] is an intermediate, and this version adopts one for [ca.cert-manager] \
                 alone
hint: adopt the CA that runs, or let certferry make one: `certferry help existing-clusters`
";
    desk.refuse("csr lab.toml --ca kubernetes --seed lab.seed", 2, error);
    let error = "error: the profile has no CA [ca.cert-manager]\nhint: add [cert_manager]\n";
    desk.refuse(CSR, 2, error);
    super::key(&desk, "own", P256);
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}\n[ca.cert-manager]\nkey = \"adopted/own.key\"\n"));
    let error = "\
error: [ca.cert-manager] has a key of its own, adopted/own.key
hint: a request is for the key that the seed gives; `openssl req -new -key adopted/own.key` makes one for yours
";
    desk.refuse(CSR, 2, error);
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}"));
    desk.write("there", "");
    desk.refuse(
        &format!("{CSR} --out there"),
        2,
        "error: cannot write there: file exists\nhint: a request that exists is never overwritten\n",
    );
}
