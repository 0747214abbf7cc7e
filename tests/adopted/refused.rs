//! Every refusal has its exact text: `refused.txt` beside this file, which `CERTFERRY_BLESS=1` writes anew.

use std::fs;
use std::path::Path;

use certferry::x509::ReadCertificate;

use super::{KUBEADM, P256, PROFILE, Shape, authority, certificate, key, openssl};
use crate::common::desk::Desk;
use crate::common::{succeed, tool};

const RSA: &[&str] = &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const LEAF: &str = "keyUsage = critical, digitalSignature\nbasicConstraints = critical, CA:FALSE\n";
const NO_CERT_SIGN: &str = "keyUsage = critical, digitalSignature\nbasicConstraints = critical, CA:TRUE\n";

/// What is done to a desk whose CA is good.
type Arrange = fn(&Desk);

fn set(desk: &Desk, from: &str, to: &str) {
    let profile = desk.text("lab.toml");
    assert!(profile.contains(from), "{from}");
    desk.write("lab.toml", profile.replace(from, to));
}

fn shaped(desk: &Desk, shape: &Shape<'_>) {
    authority(desk, "ca", shape);
}

fn rsa(bits: &str) -> Vec<String> {
    ["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")].map(str::to_owned).to_vec()
}

fn with_key(desk: &Desk, words: &[&str]) {
    authority(desk, "ca", &Shape { key: words, ..Shape::default() });
}

fn renewed(desk: &Desk) {
    set(desk, "key = \"adopted/ca.key\"\n", "key = \"adopted/ca.key\"\nrenew = true\n");
}

/// The CA is below a root that `adopted/root.crt` holds.
fn intermediate(desk: &Desk) {
    authority(desk, "root", &Shape { subject: "CN = Example root", ..Shape::default() });
    let extensions = format!("{KUBEADM}authorityKeyIdentifier = keyid\n");
    certificate(desk, "ca", &Shape { extensions: &extensions, serial: "02", ..Shape::default() }, "root");
}

/// Puts certificates into the CA's file.
fn join(desk: &Desk, names: &[&str]) {
    let all: String = names.iter().map(|name| desk.text(&format!("adopted/{name}.crt"))).collect();
    desk.write("adopted/ca.crt", all);
}

/// The CA is below a root that its file holds, too.
fn below(desk: &Desk, root: &Shape<'_>) {
    authority(desk, "root", &Shape { subject: "CN = Example root", ..*root });
    certificate(desk, "ca", &Shape { serial: "02", ..Shape::default() }, "root");
    join(desk, &["ca", "root"]);
}

/// The CA is below another one, and that below a root.
fn between(desk: &Desk, middle: &Shape<'_>, ca: &Shape<'_>) {
    authority(desk, "root", &Shape { subject: "CN = Example root", ..Shape::default() });
    key(desk, "middle", P256);
    certificate(desk, "middle", &Shape { subject: "CN = Example middle", ..*middle }, "root");
    certificate(desk, "ca", &Shape { serial: "02", ..*ca }, "middle");
}

fn further(desk: &Desk, name: &str, tables: &str) {
    let own = format!("[ca.{name}]\ncertificate = \"adopted/ca.crt\"\nkey = \"adopted/ca.key\"\n");
    desk.write("lab.toml", format!("{PROFILE}\n{own}\n{tables}"));
}

/// The CA's certificate in DER.
fn der(desk: &Desk) -> Vec<u8> {
    ReadCertificate::from_pem(&desk.read("adopted/ca.crt")).unwrap().der().to_vec()
}

/// Writes the CA's certificate after a field was put in or taken out, with the lengths around it.
fn write_der(desk: &Desk, mut der: Vec<u8>) {
    let was = usize::from(der[2]) << 8 | usize::from(der[3]);
    for header in [0, 4] {
        assert_eq!(der[header..header + 2], [0x30, 0x82]);
        let length = usize::from(der[header + 2]) << 8 | usize::from(der[header + 3]);
        let length = u16::try_from(length + der.len() - 4 - was).unwrap();
        der[header + 2..header + 4].copy_from_slice(&length.to_be_bytes());
    }
    desk.write("ca.der", der);
    succeed(openssl(desk).args(["base64", "-in", "ca.der", "-out", "ca.base64"]));
    let text = desk.text("ca.base64");
    desk.write("adopted/ca.crt", format!("-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"));
}

const TLS: &str = "[[tls]]\nnamespace = \"web\"\nsecret = \"web-tls\"\nhosts = [\"a.example\", \"10.0.0.9\"]\n";

const CASES: &[(&str, Arrange)] = &[
    ("the certificate is not PEM", |desk| desk.write("adopted/ca.crt", "hello\n")),
    ("the certificate is a key", |desk| desk.write("adopted/ca.crt", desk.read("adopted/ca.key"))),
    ("the certificate is broken", |desk| {
        desk.write("adopted/ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    }),
    ("the certificate is not there", |desk| fs::remove_file(desk.path("adopted/ca.crt")).unwrap()),
    ("no CA", |desk| shaped(desk, &Shape { extensions: LEAF, ..Shape::default() })),
    ("no keyCertSign", |desk| shaped(desk, &Shape { extensions: NO_CERT_SIGN, ..Shape::default() })),
    ("RSA of 1024 bits", |desk| {
        let words = rsa("1024");
        with_key(desk, &words.iter().map(String::as_str).collect::<Vec<_>>());
    }),
    ("RSA of 2560 bits", |desk| {
        let words = rsa("2560");
        with_key(desk, &words.iter().map(String::as_str).collect::<Vec<_>>());
    }),
    ("P-521", |desk| with_key(desk, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"])),
    ("Ed25519", |desk| {
        shaped(desk, &Shape { key: &["genpkey", "-algorithm", "ED25519"], digest: "null", ..Shape::default() })
    }),
    ("SHA-1", |desk| shaped(desk, &Shape { digest: "sha1", ..Shape::default() })),
    ("SHA-512 on a curve", |desk| shaped(desk, &Shape { digest: "sha512", ..Shape::default() })),
    ("its own name and another's signature", |desk| {
        authority(desk, "other", &Shape::default());
        certificate(desk, "ca", &Shape { serial: "02", ..Shape::default() }, "other");
    }),
    ("a critical extension that Go does not know", |desk| {
        let extensions = format!("{KUBEADM}1.2.3.4 = critical, ASN1:NULL\n");
        shaped(desk, &Shape { extensions: &extensions, ..Shape::default() });
    }),
    ("a critical extension that the Go of this Kubernetes does not know", |desk| {
        let extensions = format!("{KUBEADM}inhibitAnyPolicy = critical, 0\n");
        shaped(desk, &Shape { extensions: &extensions, ..Shape::default() });
    }),
    ("a negative serial number", |desk| {
        let mut sign = openssl(desk);
        sign.args(["req", "-x509", "-key", "adopted/ca.key", "-subj", "/CN=kubernetes", "-set_serial", "-5"]);
        succeed(sign.args(["-days", "9000", "-out", "adopted/ca.crt"]));
    }),
    ("version 2 with extensions", |desk| {
        let mut der = der(desk);
        let version = [0xa0, 3, 2, 1, 2];
        let place = der.windows(5).position(|window| window == version).unwrap();
        der[place + 4] = 1;
        write_der(desk, der);
    }),
    ("unique identifiers", |desk| {
        let mut der = der(desk);
        let read = ReadCertificate::from_der(&der).unwrap();
        let spki = read.spki_der();
        let place = der.windows(spki.len()).position(|window| window == spki).unwrap() + spki.len();
        der.splice(place..place, [0x81, 2, 0, 1]);
        write_der(desk, der);
    }),
    ("ended", |desk| shaped(desk, &Shape { end: "20250101000000Z", ..Shape::default() })),
    ("ends before its leaves", |desk| set(desk, "leaf = \"70y\"", "leaf = \"100y\"")),
    ("ends before the CA below it", |desk| further(desk, "tls", "[cert_manager]\n")),
    ("ends before one leaf", |desk| {
        let user = "\n[[user]]\nname = \"alice\"\nvalidity = \"80y\"\n";
        desk.write("lab.toml", desk.text("lab.toml") + user);
    }),
    ("begins after its leaves", |desk| {
        set(desk, "issued_at = 2026-11-22", "issued_at = 2015-11-22");
        set(desk, "leaf = \"70y\"", "leaf = \"3y\"");
    }),
    ("begins after its leaves, renewed", |desk| {
        set(desk, "issued_at = 2026-11-22", "issued_at = 2015-11-22");
        set(desk, "leaf = \"70y\"", "leaf = \"3y\"");
        renewed(desk);
    }),
    ("a root first", |desk| {
        intermediate(desk);
        let both = [desk.text("adopted/root.crt"), desk.text("adopted/ca.crt")].concat();
        desk.write("adopted/ca.crt", both);
    }),
    ("an intermediate", intermediate),
    ("an intermediate of which only the next issuer is there", |desk| {
        between(desk, &Shape::default(), &Shape::default());
        join(desk, &["ca", "middle"]);
    }),
    ("issuers in another order", |desk| {
        between(desk, &Shape::default(), &Shape::default());
        join(desk, &["ca", "root", "middle"]);
    }),
    ("another root", |desk| {
        intermediate(desk);
        authority(desk, "root", &Shape { subject: "CN = Example root", ..Shape::default() });
        join(desk, &["ca", "root"]);
    }),
    ("something behind the root", |desk| {
        intermediate(desk);
        join(desk, &["ca", "root", "root"]);
    }),
    ("too many issuers", |desk| {
        let mut names = vec!["root".to_owned()];
        authority(desk, "root", &Shape { subject: "CN = Example root", ..Shape::default() });
        for number in 1..6 {
            let (name, subject) = (format!("sub-{number}"), format!("CN = Example sub {number}"));
            key(desk, &name, P256);
            certificate(desk, &name, &Shape { subject: &subject, ..Shape::default() }, &names[0]);
            names.insert(0, name);
        }
        certificate(desk, "ca", &Shape::default(), &names[0]);
        let all: Vec<_> = ["ca"].into_iter().chain(names.iter().map(String::as_str)).collect();
        join(desk, &all);
    }),
    ("an issuer that is no CA", |desk| below(desk, &Shape { extensions: LEAF, ..Shape::default() })),
    ("an issuer without keyCertSign", |desk| below(desk, &Shape { extensions: NO_CERT_SIGN, ..Shape::default() })),
    ("an issuer with a small key", |desk| {
        let words = rsa("1024");
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        below(desk, &Shape { key: &words, ..Shape::default() });
    }),
    ("an issuer signed with SHA-1", |desk| {
        between(desk, &Shape { digest: "sha1", ..Shape::default() }, &Shape::default());
        join(desk, &["ca", "middle", "root"]);
    }),
    ("an issuer that has ended", |desk| below(desk, &Shape { end: "20260101000000Z", ..Shape::default() })),
    ("an issuer that ends before the leaves", |desk| {
        below(desk, &Shape { end: "20500101000000Z", ..Shape::default() })
    }),
    ("an issuer with path length 0", |desk| {
        let extensions = "keyUsage = critical, keyCertSign\nbasicConstraints = critical, CA:TRUE, pathlen:0\n";
        below(desk, &Shape { extensions, ..Shape::default() });
    }),
    ("an issuer with path length 1 above cert-manager", |desk| {
        let extensions = "keyUsage = critical, keyCertSign\nbasicConstraints = critical, CA:TRUE, pathlen:1\n";
        below(desk, &Shape { extensions, ..Shape::default() });
        further(desk, "tls", "[cert_manager]\n\n[ca.cert-manager]\nvalidity = \"3y\"\n");
    }),
    ("an issuer for clients alone", |desk| {
        let extensions = format!("{KUBEADM}extendedKeyUsage = clientAuth\n");
        below(desk, &Shape { extensions: &extensions, ..Shape::default() });
    }),
    ("an issuer for other names", |desk| {
        let extensions = format!("{KUBEADM}nameConstraints = critical, permitted;DNS:example.org\n");
        below(desk, &Shape { extensions: &extensions, ..Shape::default() });
    }),
    ("an issuer for other names than the CA's own", |desk| {
        let extensions = format!("{KUBEADM}nameConstraints = critical, permitted;DNS:example.org\n");
        authority(desk, "root", &Shape { subject: "CN = Example root", extensions: &extensions, ..Shape::default() });
        let extensions = format!("{KUBEADM}subjectAltName = DNS:kubernetes\n");
        certificate(desk, "ca", &Shape { extensions: &extensions, serial: "02", ..Shape::default() }, "root");
        join(desk, &["ca", "root"]);
    }),
    ("an intermediate that ends before its leaves", |desk| {
        authority(desk, "root", &Shape { subject: "CN = Example root", ..Shape::default() });
        certificate(desk, "ca", &Shape { end: "20300101000000Z", serial: "02", ..Shape::default() }, "root");
        join(desk, &["ca", "root"]);
    }),
    ("an intermediate that has ended", |desk| {
        authority(desk, "root", &Shape { subject: "CN = Example root", ..Shape::default() });
        certificate(desk, "ca", &Shape { end: "20260101000000Z", serial: "02", ..Shape::default() }, "root");
        join(desk, &["ca", "root"]);
    }),
    ("an intermediate whose key nobody here has", |desk| {
        intermediate(desk);
        join(desk, &["ca", "root"]);
        set(desk, "key = \"adopted/ca.key\"\n", "");
    }),
    ("an intermediate renewed, whose key is the derived one", |desk| {
        intermediate(desk);
        set(desk, "key = \"adopted/ca.key\"\n", "renew = true\n");
    }),
    ("an intermediate renewed", |desk| {
        intermediate(desk);
        renewed(desk);
    }),
    ("renewed to an earlier end", |desk| {
        renewed(desk);
        set(desk, "renew = true\n", "renew = true\nvalidity = \"71y\"\n");
        shaped(desk, &Shape { end: "21500101000000Z", ..Shape::default() });
    }),
    ("for clients alone", |desk| {
        let extensions = format!("{KUBEADM}extendedKeyUsage = clientAuth\n");
        shaped(desk, &Shape { extensions: &extensions, ..Shape::default() });
    }),
    ("for other names", |desk| {
        let extensions = format!("{KUBEADM}nameConstraints = critical, permitted;DNS:example.org\n");
        shaped(desk, &Shape { extensions: &extensions, ..Shape::default() });
    }),
    ("a root of TLS Secrets for clients alone", |desk| {
        let extensions = format!("{KUBEADM}extendedKeyUsage = clientAuth\n");
        shaped(desk, &Shape { extensions: &extensions, ..Shape::default() });
        further(desk, "tls", TLS);
    }),
    ("a root with path length 0 above cert-manager", |desk| {
        let extensions = "keyUsage = critical, keyCertSign\nbasicConstraints = critical, CA:TRUE, pathlen:0\n";
        shaped(desk, &Shape { extensions, ..Shape::default() });
        further(desk, "tls", "[cert_manager]\n\n[ca.cert-manager]\nvalidity = \"3y\"\n");
    }),
    ("an intermediate for cert-manager below nothing", |desk| further(desk, "cert-manager", "[cert_manager]\n")),
    ("an EC key for MetalLB", |desk| {
        further(desk, "metallb", "[metallb]\nversion = \"0.15.2\"\n");
        set(desk, "certificate = \"adopted/ca.crt\"\n", "");
    }),
    ("a CA that MetalLB does not take", |desk| {
        with_key(desk, RSA);
        further(desk, "metallb", "[metallb]\nversion = \"0.15.2\"\n");
    }),
    ("the key of another", |desk| key(desk, "ca", P256)),
    ("the key is not there", |desk| fs::remove_file(desk.path("adopted/ca.key")).unwrap()),
    ("the key is a certificate", |desk| desk.write("adopted/ca.key", desk.read("adopted/ca.crt"))),
    ("the key is not PEM", |desk| desk.write("adopted/ca.key", "hello\n")),
    ("two keys", |desk| {
        let twice = [desk.read("adopted/ca.key"), desk.read("adopted/ca.key")].concat();
        desk.write("adopted/ca.key", twice);
    }),
    ("a key that is no DER", |desk| {
        desk.write("adopted/ca.key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
    }),
    ("an encrypted key", |desk| {
        let words = ["pkey", "-in", "adopted/ca.key", "-aes256", "-passout", "pass:x", "-out", "sealed"];
        succeed(openssl(desk).args(words));
        desk.write("adopted/ca.key", desk.read("sealed"));
    }),
    ("a key encrypted as of old", |desk| {
        let words = ["ec", "-in", "adopted/ca.key", "-aes256", "-passout", "pass:x", "-out", "sealed"];
        succeed(openssl(desk).args(words));
        desk.write("adopted/ca.key", desk.read("sealed"));
    }),
    ("a key of three primes", |desk| {
        let three = "rsa_keygen_primes:3";
        key(desk, "ca", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", three]);
    }),
    ("a key with exponent 3", |desk| {
        let words =
            ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"];
        with_key(desk, &words);
    }),
    ("an Ed25519 key alone", |desk| {
        key(desk, "ca", &["genpkey", "-algorithm", "ED25519"]);
        set(desk, "certificate = \"adopted/ca.crt\"\n", "");
    }),
    ("a key without the name of its curve", |desk| {
        key(desk, "ca", &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit"]);
    }),
    ("a key whose numbers do not belong together", |desk| {
        with_key(desk, RSA);
        let mut der = tool("openssl");
        der.args(["pkey", "-traditional", "-outform", "DER", "-in"]).arg(desk.path("adopted/ca.key"));
        let mut der = der.output().unwrap().stdout;
        der[700] ^= 1;
        desk.write("key.der", der);
        succeed(tool("sh").current_dir(desk.path("")).args([
            "-c",
            "(echo '-----BEGIN RSA PRIVATE KEY-----'; openssl base64 -in key.der; echo '-----END RSA PRIVATE KEY-----') \
             >adopted/ca.key",
        ]));
    }),
    ("a key that others can write", |desk| desk.set_mode("adopted/ca.key", 0o622)),
    ("a key in a folder of others", |desk| desk.set_mode("adopted", 0o777)),
    ("a certificate whose key nobody here has", |desk| set(desk, "key = \"adopted/ca.key\"\n", "")),
    ("a small key for service accounts", |desk| {
        let words = rsa("1024");
        key(desk, "sa", &words.iter().map(String::as_str).collect::<Vec<_>>());
        desk.write("lab.toml", desk.text("lab.toml") + "\n[service_account]\nkey = \"adopted/sa.key\"\n");
    }),
    ("two at once", |desk| {
        desk.write("adopted/ca.crt", "hello\n");
        desk.write("lab.toml", desk.text("lab.toml") + "\n[ca.etcd]\nkey = \"adopted/ca.crt\"\n");
    }),
    ("the CA of cert-manager permits what its table does not", |desk| {
        intermediate(desk);
        let root = "[ca.tls]\ncertificate = \"adopted/root.crt\"\nkey = \"adopted/root.key\"\n\n";
        let asked = "[cert_manager]\npermitted_dns = [\"apps.internal\"]\n";
        further(desk, "cert-manager", &format!("{root}{asked}"));
    }),
];

#[test]
fn golden_every_refusal_has_its_text() {
    let mut told = String::new();
    for (name, arrange) in CASES {
        let desk = Desk::new();
        authority(&desk, "ca", &Shape::default());
        let table = "\n[ca.kubernetes]\ncertificate = \"adopted/ca.crt\"\nkey = \"adopted/ca.key\"\n";
        desk.write("lab.toml", format!("{PROFILE}{table}"));
        arrange(&desk);
        let before = desk.state();
        let ended = desk.run("build lab.toml --seed lab.seed --out out");
        assert!(matches!(ended.code, Some(1 | 2)), "{name}: {ended:?}");
        assert_eq!(ended.stdout, "", "{name}");
        assert!(desk.state() == before, "{name}: something changed: {:?}", desk.names(""));
        told += &format!("# {name}\n{}\n", ended.stderr.replace(&*desk.path("").to_string_lossy(), "DESK/"));
        // What a build refuses for what is in a certificate, a plan refuses as well; and a dry run whatever a build does.
        let dry = desk.run("build lab.toml --seed lab.seed --out out --dry-run");
        assert_eq!((dry.code, dry.stderr), (ended.code, ended.stderr), "{name}");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adopted/refused.txt");
    if std::env::var_os("CERTFERRY_BLESS").is_some() {
        fs::write(&file, &told).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(told == expected, "{told}");
}

/// A key that others can read is told, as a seed is.
#[test]
fn a_key_that_others_can_read_is_told() {
    let desk = super::desk(false);
    desk.set_mode("adopted/ca.key", 0o644);
    let ended = desk.run("build lab.toml --seed lab.seed --out out --dry-run");
    let told = "warning: adopted/ca.key can be read by others\nhint: chmod 600 adopted/ca.key\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), told));
    desk.set_mode("adopted/ca.key", 0o622);
    let ended = desk.run("build lab.toml --seed lab.seed --out out --dry-run --allow-weak-seed");
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

/// What works and is still worth a word.
#[test]
fn one_authority_for_several_roles_is_adopted_with_a_warning() {
    let desk = super::desk(true);
    for name in ["ca.crt", "ca.key"] {
        for other in ["etcd-", "front-proxy-"] {
            desk.write(&format!("adopted/{other}{name}"), desk.read(&format!("adopted/{name}")));
            desk.set_mode(&format!("adopted/{other}{name}"), 0o600);
        }
    }
    let ended = desk.run("build lab.toml --seed lab.seed --out out");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let front_proxy = "hint: whoever has a client certificate of it can pass as the front proxy, unless the API servers have \
                       --requestheader-allowed-names=front-proxy-client; a rotation can part the two\n";
    let etcd = "hint: etcd lets every client certificate of it do everything; a rotation can part the two\n";
    let told = format!(
        "warning: ca/kubernetes and ca/etcd are one CA\n{etcd}\
         warning: ca/kubernetes and ca/front-proxy are one CA\n{front_proxy}\
         warning: ca/etcd and ca/front-proxy are one CA\n{front_proxy}"
    );
    assert_eq!(ended.stderr, told);
    let verified = desk.run("verify out/lab-g1.tar.gz --key out/lab.pub");
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    assert!(verified.stderr.contains("has the key of pki/ca.crt"), "{}", verified.stderr);
}

#[test]
fn one_name_for_several_keys_is_adopted_with_a_warning() {
    let desk = super::desk(true);
    authority(&desk, "etcd-ca", &Shape::default());
    let ended = desk.run("build lab.toml --seed lab.seed --out out");
    let told = "\
warning: ca/kubernetes and ca/etcd are both called CN=kubernetes and have different keys
hint: in files of their own that works; never put both into one file unless each has a subjectKeyIdentifier and what they \
                signed names it
";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), told));
    assert_eq!(desk.run("verify out/lab-g1.tar.gz --key out/lab.pub").code, Some(0));
}
