//! What OpenSSL says of the same certificates.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{build, certferry, profile, succeed, tool};
use crate::inspect::{Ca, STACKED, inspect, json, pem, put, stdout, unpacked};

/// `openssl x509` with options for a file.
fn openssl(file: &Path, options: &[&str]) -> String {
    succeed(tool("openssl").args(["x509", "-noout", "-in"]).arg(file).args(options))
}

/// The lines `name=value` of an OpenSSL output.
fn values(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once('=')).collect()
}

#[test]
fn openssl_reads_the_same() {
    let (mut compared, mut keys) = (0, Vec::new());
    let dual_stack = build(&profile("dual-stack"));
    let node = fs::read_to_string(profile("dual-stack")).unwrap();
    let node = node.split_once("[[node]]\nname = \"").unwrap().1.split('"').next().unwrap().to_owned();
    let trees = [unpacked(&STACKED, "cp-1"), dual_stack.unpack(&node)];
    for row in trees.iter().flat_map(|tree| json(tree)) {
        if row["embedded"] != Value::Null {
            continue;
        }
        let file = Path::new(row["path"].as_str().unwrap());
        let options = [
            "-serial",
            "-fingerprint",
            "-sha256",
            "-startdate",
            "-enddate",
            "-dateopt",
            "iso_8601",
            "-subject",
            "-issuer",
            "-nameopt",
            "RFC2253",
        ];
        let text = openssl(file, &options);
        let values = values(&text);
        let time = |key: &str| row[key].as_str().unwrap().replace('T', " ");
        assert_eq!(values["serial"].to_lowercase(), row["serial"].as_str().unwrap(), "{row}");
        assert_eq!(
            values["sha256 Fingerprint"].replace(':', "").to_lowercase(),
            row["sha256"].as_str().unwrap(),
            "{row}"
        );
        assert_eq!(values["notBefore"], time("not_before"), "{row}");
        assert_eq!(values["notAfter"], time("not_after"), "{row}");
        assert_eq!(values["subject"], row["subject"].as_str().unwrap(), "{row}");
        assert_eq!(values["issuer"], row["issuer"].as_str().unwrap(), "{row}");
        let text = openssl(file, &["-text"]);
        assert_eq!(text.contains("CA:TRUE"), row["is_ca"].as_bool().unwrap(), "{row}");
        let usages: Vec<_> =
            row["usages"].as_array().unwrap().iter().map(|usage| openssl_name(usage.as_str().unwrap())).collect();
        assert_eq!(listed(&text, &["X509v3 Key Usage", "X509v3 Extended Key Usage"]), usages, "{row}");
        let names: Vec<_> =
            row["alt_names"].as_array().unwrap().iter().map(|name| openssl_alt_name(name.as_str().unwrap())).collect();
        assert_eq!(listed(&text, &["X509v3 Subject Alternative Name"]), names, "{row}");
        let key = row["key"].as_str().unwrap();
        match key.split_once(' ') {
            Some(("RSA", bits)) => assert!(text.contains(&format!("Public-Key: ({bits} bit)")), "{row}"),
            Some(("EC", curve)) => assert!(text.contains(&format!("NIST CURVE: {curve}")), "{row}"),
            _ => panic!("{row}"),
        }
        keys.push(key.to_owned());
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
    keys.sort();
    keys.dedup();
    assert!(keys.len() >= 2, "{keys:?}");
}

/// The items in the lines below these heads of `openssl x509 -text`.
fn listed(text: &str, heads: &[&str]) -> Vec<String> {
    let below = |head: &&str| {
        let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with(&format!("{head}:")));
        lines.nth(1).map(|line| line.trim().split(", ").map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default()
    };
    heads.iter().flat_map(below).collect()
}

fn openssl_name(usage: &str) -> String {
    match usage {
        "digitalSignature" => "Digital Signature",
        "keyEncipherment" => "Key Encipherment",
        "keyCertSign" => "Certificate Sign",
        "cRLSign" => "CRL Sign",
        "serverAuth" => "TLS Web Server Authentication",
        "clientAuth" => "TLS Web Client Authentication",
        other => other,
    }
    .to_owned()
}

/// OpenSSL writes addresses its own way.
fn openssl_alt_name(name: &str) -> String {
    match name.strip_prefix("IP:").map(|address| address.parse().unwrap()) {
        Some(std::net::IpAddr::V6(address)) => {
            let groups: Vec<_> = address.segments().iter().map(|group| format!("{group:X}")).collect();
            format!("IP Address:{}", groups.join(":"))
        }
        Some(std::net::IpAddr::V4(address)) => format!("IP Address:{address}"),
        None => name.to_owned(),
    }
}

#[test]
fn old_algorithms_are_read_and_their_issuer_is_proved() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let openssl = |arguments: &[&str]| succeed(tool("openssl").current_dir(folder.path()).args(arguments));
    for (name, key, digest, expected) in [
        ("sha1", &["rsa:1024"][..], "-sha1", "RSA 1024"),
        ("sha384", &["rsa:2048"], "-sha384", "RSA 2048"),
        ("sha512", &["rsa:3072"], "-sha512", "RSA 3072"),
        ("p384", &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "-sha256", "EC P-384"),
        ("p256", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "-sha384", "EC P-256"),
        ("ed25519", &["ed25519"], "", "Ed25519"),
    ] {
        let (ca, ca_key, leaf) = (format!("{name}-ca.crt"), format!("{name}-ca.key"), format!("{name}.crt"));
        let request =
            [&["req", "-x509", "-nodes", "-days", "36500", "-subj"], &["/CN=ca"][..], &["-newkey"], key].concat();
        let digest: &[&str] = if digest.is_empty() { &[] } else { &[digest] };
        openssl(&[&request, digest, &["-keyout", &ca_key, "-out", &ca]].concat());
        let names = "subjectAltName=DNS:a.example,IP:192.0.2.1,URI:spiffe://a/b,email:a@b.c,RID:1.2.3";
        let signed =
            ["-CA", &ca, "-CAkey", &ca_key, "-addext", names, "-addext", "extendedKeyUsage=codeSigning,1.2.3.4"];
        let request = [&["req", "-x509", "-nodes", "-days", "36500", "-subj", "/CN=leaf", "-newkey"], key].concat();
        openssl(&[&request, digest, &["-keyout", "leaf.key", "-out", &leaf], &signed].concat());
        let rows = stdout(&inspect([path(&ca).as_os_str(), path(&leaf).as_os_str(), "-o".as_ref(), "json".as_ref()]));
        let document: Value = serde_json::from_str(&rows).unwrap();
        let row = document["certificates"].as_array().unwrap().iter().find(|row| row["subject"] == "CN=leaf").unwrap();
        assert_eq!(row["authority"], path(&ca).to_str().unwrap(), "{row}");
        assert_eq!(row["key"], expected, "{row}");
        let alt_names =
            serde_json::json!(["DNS:a.example", "IP:192.0.2.1", "URI:spiffe://a/b", "email:a@b.c", "id:1.2.3"]);
        assert_eq!(row["alt_names"], alt_names, "{row}");
        assert_eq!(row["usages"], serde_json::json!(["codeSigning", "1.2.3.4"]), "{row}");
    }
}

#[test]
fn a_signature_that_does_not_hold_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (real, twin) = (Ca::new("kubernetes"), Ca::new("kubernetes"));
    let ca = put(folder.path(), "ca.crt", twin.pem());
    let leaf = put(folder.path(), "leaf.crt", pem(&real.leaf("leaf", time::macros::datetime!(2100-01-01 0:00 UTC))));
    let text = stdout(&inspect([&ca, &leaf]));
    assert!(text.contains(" (kubernetes) "), "{text}");
    // In whichever order they are given.
    fs::write(&ca, real.pem()).unwrap();
    for order in [[&ca, &leaf], [&leaf, &ca]] {
        let text = stdout(&inspect(order));
        assert!(text.contains(&format!(" {} ", ca.display())), "{text}");
    }
}

/// Every form that a serial number has: short and long, with the top bit set, zero, negative; in decimal for Prometheus.
#[test]
fn serial_numbers_are_openssls_in_hex_and_those_of_x509_certificate_exporter_in_decimal() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let mut generate = tool("openssl");
    generate.args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"]);
    succeed(generate.arg(&key));
    for number in [
        "0",
        "5",
        "127",
        "128",
        "255",
        "65535",
        "36893488147419103231",
        "123456789012345678901234567890",
        "1461501637330902918203684832716283019655932542975",
        "-1",
        "-128",
        "-129",
        "-123456789012345678901234567890",
    ] {
        let file = folder.path().join("certificate.crt");
        let mut request = tool("openssl");
        request.args(["req", "-x509", "-new", "-subj", "/CN=a", "-days", "9", "-set_serial", number, "-key"]);
        succeed(request.arg(&key).arg("-out").arg(&file));
        let metrics = succeed(certferry().args(["inspect", "-o", "prometheus"]).arg(&file));
        assert!(metrics.contains(&format!(",serial_number=\"{number}\",")), "{number}: {metrics}");
        if !number.starts_with('-') {
            let said = openssl(&file, &["-serial"]);
            let serial = json(&file)[0]["serial"].as_str().unwrap().to_uppercase();
            assert_eq!(said.trim(), format!("serial={serial}"), "{number}");
        }
    }
}
