//! A CA whose certificate somebody else signs, below a root that is nobody's here.

use super::{P256, PROFILE, Shape, authority, openssl, says};
use crate::common::desk::{Desk, OTHER_SEED};
use crate::common::{succeed, tool};

const CERT_MANAGER: &str = "\n[cert_manager]\npermitted_dns = [\"apps.example\"]\n";
const CSR: &str = "csr lab.toml --ca cert-manager --seed lab.seed";

/// Lets the root sign the request, with its extensions or with others.
fn sign(desk: &Desk, begin: &str, extensions: Option<&str>) {
    let copy = if extensions.is_none() { "copyall" } else { "none" };
    desk.write(
        "ca.conf",
        format!(
            "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\nunique_subject = no\n\
             copy_extensions = {copy}\npolicy = any\n[any]\ncommonName = supplied\n[own_extensions]\n{}\n",
            extensions.unwrap_or_default()
        ),
    );
    desk.write("index.txt", "");
    desk.write("serial", "07\n");
    let mut sign = openssl(desk);
    sign.args(["ca", "-batch", "-notext", "-md", "sha256", "-config", "ca.conf", "-in", "request.csr"]);
    sign.args(["-cert", "adopted/root.crt", "-keyfile", "adopted/root.key", "-out", "adopted/issuing.crt"]);
    sign.args(["-startdate", begin, "-enddate", "20360101000000Z"]);
    if extensions.is_some() {
        sign.args(["-extensions", "own_extensions"]);
    }
    succeed(&mut sign);
}

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
    sign(&desk, "20260101000000Z", None);
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

/// Whoever signs may leave out the limits, which nothing else keeps.
#[test]
fn what_comes_back_has_the_limits_of_the_request() {
    let desk = signed();
    let right = [
        "keyUsage = critical, digitalSignature, keyCertSign",
        "basicConstraints = critical, CA:TRUE, pathlen:0",
        "subjectKeyIdentifier = hash",
        "extendedKeyUsage = serverAuth",
        "nameConstraints = critical, permitted;DNS:apps.example, excluded;IP:0.0.0.0/0.0.0.0, excluded;IP:::/::",
        "authorityKeyIdentifier = keyid",
    ];
    let names = "permitted names (nameConstraints)";
    let both = "permitted;DNS:apps.example, permitted;DNS:example.org";
    let other_key = "authorityKeyIdentifier = DER:30:06:80:04:01:02:03:04";
    let cases = [
        (4, "", format!("has none as its {names}, and [cert_manager] asks for DNS:apps.example")),
        (
            4,
            &*format!("nameConstraints = critical, {both}"),
            format!("has DNS:apps.example, DNS:example.org as its {names}, and [cert_manager] asks for DNS:apps.example"),
        ),
        (
            4,
            "nameConstraints = critical, permitted;DNS:apps.example",
            "has none as its excluded names (nameConstraints), and [cert_manager] asks for IP:0.0.0.0/0, IP:::/0".to_owned(),
        ),
        (3, "", "has none as its extended key usages, and [cert_manager] asks for serverAuth".to_owned()),
        (
            3,
            "extendedKeyUsage = clientAuth",
            "has 1.3.6.1.5.5.7.3.2 as its extended key usages, and [cert_manager] asks for serverAuth".to_owned(),
        ),
        (
            1,
            "basicConstraints = critical, CA:TRUE",
            "has none as its path length, and [cert_manager] asks for 0".to_owned(),
        ),
        (
            5,
            other_key,
            "names another key of its issuer (authorityKeyIdentifier) than the CA of [ca.tls] has (subjectKeyIdentifier)"
                .to_owned(),
        ),
    ];
    let hint = "hint: let it be signed again: `certferry csr PROFILE --ca cert-manager --seed FILE --out FILE` writes the \
                request, to be signed with its extensions (`openssl x509 -req -copy_extensions copyall`)\n";
    for (place, line, told) in cases {
        let mut lines = right;
        lines[place] = line;
        sign(&desk, "20260101000000Z", Some(&lines.join("\n")));
        let error = format!("error: adopted/issuing.crt of [ca.cert-manager] {told}\n{hint}");
        desk.refuse("build lab.toml --seed lab.seed --out out", 2, &error);
    }
    // All of them as they should be; signed later than the profile's day, which is told.
    sign(&desk, "20270101000000Z", Some(&right.join("\n")));
    let built = desk.run("build lab.toml --seed lab.seed --out out");
    let told = "warning: ca/cert-manager begins on 2027-01-01T00:00:00Z, after `issued_at`\n\
                hint: nothing takes it before that: let no node have it earlier\n";
    assert_eq!((built.code, built.stderr.as_str()), (Some(0), told));
}

/// A hint never names what the next build refuses.
#[test]
fn hints_about_what_has_no_key_here_can_be_followed() {
    let desk = signed();
    desk.write("root", desk.read("adopted/root.crt"));
    desk.write("issuing", desk.read("adopted/issuing.crt"));
    let build = "build lab.toml --seed lab.seed --out out";
    desk.write("adopted/issuing.crt", desk.read("root"));
    let error = "\
error: adopted/issuing.crt of [ca.cert-manager] has the key of the CA of [ca.tls], and is to be a CA below it
hint: name the certificate that [ca.tls] signed for cert-manager, or none
";
    desk.refuse(build, 2, error);
    desk.write("adopted/issuing.crt", desk.read("issuing"));
    desk.write("lab.toml", desk.text("lab.toml").replace("issued_at = 2026-11-22", "issued_at = 2040-01-01"));
    let error = "\
error: adopted/issuing.crt of [ca.cert-manager] ended on 2036-01-01T00:00:00Z, before `issued_at` (2040-01-01)
hint: let its issuer sign another one, and name that in `certificate` of [ca.cert-manager]
";
    desk.refuse(build, 2, error);
    desk.write("lab.toml", desk.text("lab.toml").replace("issued_at = 2040-01-01", "issued_at = 2026-11-22"));
    let root = Shape { subject: "O = Example\nCN = Example root", end: "20250101000000Z", ..Shape::default() };
    super::certificate(&desk, "root", &root, "root");
    let key = "name the CA's key in `key` of [ca.tls] and add `renew = true`";
    let error = format!(
        "error: adopted/root.crt of [ca.tls] ended on 2025-01-01T00:00:00Z, before `issued_at` (2026-11-22)\n\
         hint: {key}: the same key gets a certificate with a later end\n"
    );
    desk.refuse(build, 2, &error);
    super::certificate(&desk, "root", &Shape { end: "20300101000000Z", ..root }, "root");
    let error = format!(
        "error: adopted/root.crt of [ca.tls] ends on 2030-01-01T00:00:00Z, before ca/cert-manager that it would sign\n\
         hint: {key}; or let a certificate for ca/cert-manager be signed that ends on 2030-01-01T00:00:00Z at the latest\n"
    );
    desk.refuse(build, 2, &error);
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
hint: or let whoever has the root sign a request for the key that this seed gives: `certferry csr PROFILE --ca tls --seed \
                 FILE --out FILE`, and name what comes back in `certificate`
hint: that is a new CA, as is one that certferry makes without `certificate`: see `certferry help rotation`
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
    let error = "error: the key of ca/kubernetes comes out of the seed, and none is named\nhint: add `--seed FILE`\n";
    desk.refuse("csr lab.toml --ca kubernetes", 2, error);
    for (name, hint) in
        [("metallb", "[metallb]"), ("webhook", "a [[webhook]]"), ("tls", "a [[tls]], or [cert_manager]")]
    {
        let error = format!("error: the profile has no CA [ca.{name}]\nhint: add {hint}\n");
        desk.refuse(&format!("csr lab.toml --ca {name} --seed lab.seed"), 2, &error);
    }
    let error = "error: the profile has no CA [ca.cert-manager]\nhint: add [cert_manager]\n";
    desk.refuse(CSR, 2, error);
    super::key(&desk, "own", P256);
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}\n[ca.cert-manager]\nkey = \"adopted/own.key\"\n"));
    let request = desk.succeed("csr lab.toml --ca cert-manager");
    desk.write("own.csr", request);
    let public = says(&desk, &["req", "-verify", "-noout", "-pubkey", "-in", "own.csr"]);
    assert_eq!(public, says(&desk, &["pkey", "-in", "adopted/own.key", "-pubout"]));
    // Its certificate may have ended, but it is that key's.
    authority(&desk, "other", &Shape::default());
    let both = "certificate = \"adopted/other.crt\"\nkey = \"adopted/own.key\"\n";
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}\n[ca.cert-manager]\n{both}"));
    let error = "\
error: adopted/own.key of [ca.cert-manager] is not the key of the certificate adopted/other.crt
hint: the two files belong to different CAs: take both from one control plane
";
    desk.refuse("csr lab.toml --ca cert-manager", 2, error);
    desk.write("adopted/other.crt", "hello\n");
    let error = "\
error: adopted/other.crt of [ca.cert-manager] holds no certificate in PEM
hint: expected `-----BEGIN CERTIFICATE-----`, the CA first
";
    desk.refuse("csr lab.toml --ca cert-manager", 2, error);
    desk.write("adopted/own.key", "hello\n");
    let error = "\
error: adopted/own.key of [ca.cert-manager] is not PEM
hint: expected one private key in PEM: PKCS#1, PKCS#8 or SEC 1
";
    desk.refuse("csr lab.toml --ca cert-manager", 2, error);
    desk.write("lab.toml", format!("{PROFILE}{CERT_MANAGER}"));
    desk.write("there", "");
    desk.refuse(
        &format!("{CSR} --out there"),
        2,
        "error: cannot write there: file exists\nhint: a request that exists is never overwritten\n",
    );
}
