//! CAs and keys that exist, as openssl and kubeadm make them: adopted, renewed, made over a key, refused.

mod chapter;
mod csr;
mod intermediate;
mod intermediate_cluster;
mod intermediate_others;
mod kubeadms;
mod lock;
mod makers;
mod node;
mod real;
mod refused;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::desk::Desk;
use crate::common::{succeed, tool};

/// A cluster whose leaves end before the CAs of [`Shape`].
const PROFILE: &str = r#"format = 1

[cluster]
name = "lab"
kubernetes = "1.24.15"
issued_at = 2026-11-22

[validity]
leaf = "70y"

[keys]
ca = "ecdsa-p256"
leaf = "ecdsa-p256"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["192.168.10.5"]

[[node]]
name = "worker-1"
role = "worker"
addresses = ["192.168.10.6"]
"#;

/// The extensions of kubeadm's CAs up to 1.21, but for the keyEncipherment that kubeadm gives to EC keys as well.
pub const KUBEADM: &str = "keyUsage = critical, digitalSignature, keyCertSign\n\
                       basicConstraints = critical, CA:TRUE\n\
                       subjectKeyIdentifier = hash\n";

/// How openssl makes a CA.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    /// Lines such as `CN = kubernetes`, in the order of the name.
    pub subject: &'a str,
    /// `utf8only`, or `default`: PrintableString where that will do.
    pub strings: &'a str,
    /// What `openssl genpkey` or `openssl ecparam` is told.
    pub key: &'a [&'a str],
    pub extensions: &'a str,
    pub serial: &'a str,
    /// The last second, as `openssl ca` takes it.
    pub end: &'a str,
    pub digest: &'a str,
}

pub const P256: &[&str] = &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

impl Default for Shape<'_> {
    fn default() -> Self {
        Self {
            subject: "CN = kubernetes",
            strings: "default",
            key: P256,
            extensions: KUBEADM,
            serial: "01",
            end: "20990101000000Z",
            digest: "sha256",
        }
    }
}

/// openssl in a folder of the desk.
fn openssl(desk: &Desk) -> Command {
    let mut openssl = tool("openssl");
    openssl.current_dir(desk.path(""));
    openssl
}

/// Makes `adopted/NAME.crt` and `adopted/NAME.key`. The certificate begins with 2020.
pub fn authority(desk: &Desk, name: &str, shape: &Shape<'_>) {
    key(desk, name, shape.key);
    certificate(desk, name, shape, name);
}

/// Makes `adopted/NAME.key`.
pub fn key(desk: &Desk, name: &str, words: &[&str]) {
    let path = desk.path(&format!("adopted/{name}.key"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    succeed(openssl(desk).args(words).arg("-out").arg(&path));
    desk.set_mode(&format!("adopted/{name}.key"), 0o600);
}

/// Makes `adopted/NAME.crt` over `adopted/NAME.key`, signed by the CA `issuer`, which may be itself.
pub fn certificate(desk: &Desk, name: &str, shape: &Shape<'_>, issuer: &str) {
    let Shape { subject, strings, extensions, serial, end, digest, .. } = shape;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| -> PathBuf { folder.path().join(name) };
    let attributes = ["countryName", "organizationName", "organizationalUnitName", "commonName"];
    let policy: String = attributes.iter().map(|attribute| format!("{attribute} = optional\n")).collect();
    let config = format!(
        "[ca]\ndefault_ca = own\n[own]\ndatabase = {0}/index.txt\nserial = {0}/serial\nnew_certs_dir = {0}\n\
         policy = any\npreserve = yes\n[any]\n{policy}[req]\nstring_mask = {strings}\n\
         distinguished_name = name\nprompt = no\n[name]\n{subject}\n[extensions]\n{extensions}",
        folder.path().display()
    );
    fs::write(place("index.txt"), "").unwrap();
    fs::write(place("serial"), format!("{serial}\n")).unwrap();
    fs::write(place("config"), config).unwrap();
    let own = |ending: &str| format!("adopted/{name}.{ending}");
    let mut request = openssl(desk);
    request.args(["req", "-new", "-key", &own("key"), "-out"]).arg(place("request"));
    succeed(request.arg("-config").arg(place("config")));
    let mut sign = openssl(desk);
    sign.args(["ca", "-batch", "-notext", "-md", digest, "-extensions", "extensions", "-out", &own("crt")]);
    sign.args(["-startdate", "20200101000000Z", "-enddate", end, "-config"]).arg(place("config"));
    sign.arg("-in").arg(place("request"));
    match issuer == name {
        true => sign.args(["-selfsign", "-keyfile", &own("key")]),
        false => sign.args(["-keyfile", &format!("adopted/{issuer}.key"), "-cert", &format!("adopted/{issuer}.crt")]),
    };
    succeed(&mut sign);
}

/// The tables that adopt kubeadm's three CAs and `sa.key` from `adopted`.
fn tables(renew: bool) -> String {
    let renew = if renew { "renew = true\n" } else { "" };
    let table = |(name, file): (&str, &str)| {
        format!("\n[ca.{name}]\ncertificate = \"adopted/{file}.crt\"\nkey = \"adopted/{file}.key\"\n{renew}")
    };
    let tables = [("kubernetes", "ca"), ("etcd", "etcd-ca"), ("front-proxy", "front-proxy-ca")].map(table);
    tables.concat() + "\n[service_account]\nkey = \"adopted/sa.key\"\n"
}

/// A desk with kubeadm's three CAs and `sa.key` in `adopted`, and a profile that takes them.
fn desk(renew: bool) -> Desk {
    let desk = Desk::new();
    for (name, subject) in
        [("ca", "CN = kubernetes"), ("etcd-ca", "CN = etcd-ca"), ("front-proxy-ca", "CN = front-proxy-ca")]
    {
        authority(&desk, name, &Shape { subject, ..Shape::default() });
    }
    key(&desk, "sa", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    desk.write("lab.toml", format!("{PROFILE}{}", tables(renew)));
    desk
}

/// Builds, and unpacks the control plane's part to `NAME`. That there is something to say about a CA is no failure.
fn build(desk: &Desk, name: &str) {
    desk.succeed(&format!("build lab.toml --seed lab.seed --out {name}-out --lock {name}.lock.toml"));
    let unpack = format!("unpack {name}-out/lab-g1.tar.gz --key {name}-out/lab.pub --node cp-1 --root {name}");
    let unpacked = desk.run(&unpack);
    assert_eq!(unpacked.code, Some(0), "{}", unpacked.stderr);
    assert!(
        unpacked.stderr.is_empty() || unpacked.stderr.starts_with("warning: this works, but\n"),
        "{}",
        unpacked.stderr
    );
}

/// What openssl says of a file.
fn says(desk: &Desk, words: &[&str]) -> String {
    succeed(openssl(desk).args(words))
}

/// Whether openssl takes a certificate under a CA, whatever the day.
fn verifies(desk: &Desk, authority: &str, certificate: &str) -> bool {
    let mut verify = openssl(desk);
    verify.args(["verify", "-no_check_time", "-x509_strict", "-CAfile", authority, certificate]);
    verify.output().unwrap().status.success()
}
