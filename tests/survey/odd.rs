//! Certificates and keys that hardly anybody makes: both surveys have the same bytes of them, or say the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::survey::Survey;

use super::{Script, control_plane, survey_of, tools};
use crate::common::{run, tool};
use crate::doctor::Node;

const PKI: &str = "etc/kubernetes/pki";

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match length {
        [0, small @ 0..=0x7f] => vec![tag, small],
        [0, small] => vec![tag, 0x81, small],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn text(der: &[u8], label: &str) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A certificate of which any field may be odd.
struct Odd {
    serial: Vec<u8>,
    subject: Vec<u8>,
    not_before: Vec<u8>,
    not_after: Vec<u8>,
    extensions: Vec<Vec<u8>>,
    trailing: Vec<u8>,
}

impl Odd {
    fn new() -> Self {
        Self {
            serial: vec![1],
            subject: name(&[attribute(3, 0x0c, b"kubernetes")]),
            not_before: tlv(0x17, b"240101000000Z"),
            not_after: tlv(0x17, b"340101000000Z"),
            extensions: vec![basic_constraints(&tlv(1, &[0xff]))],
            trailing: Vec::new(),
        }
    }

    fn der(&self) -> Vec<u8> {
        let ecdsa = sequence(&[&tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
        let p256 = [&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1][..], &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]];
        let curve = sequence(&p256.map(|oid| tlv(6, oid)).iter().map(Vec::as_slice).collect::<Vec<_>>());
        // The point of FIPS 186-4 from which all others are counted.
        let point = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315\
                     ececbb6406837bf51f5";
        let point: Vec<u8> =
            (0..point.len()).step_by(2).map(|at| u8::from_str_radix(&point[at..at + 2], 16).unwrap()).collect();
        let spki = sequence(&[&curve, &tlv(3, &[&[0][..], &point].concat())]);
        let extensions = tlv(0xa3, &tlv(0x30, &self.extensions.concat()));
        let tbs = sequence(&[
            &tlv(0xa0, &tlv(2, &[2])),
            &tlv(2, &self.serial),
            &ecdsa,
            &self.subject,
            &sequence(&[&self.not_before, &self.not_after]),
            &self.subject,
            &spki,
            &extensions,
        ]);
        let signature = sequence(&[&tlv(2, &[5]), &tlv(2, &[7])]);
        [sequence(&[&tbs, &ecdsa, &tlv(3, &[&[0][..], &signature].concat())]), self.trailing.clone()].concat()
    }
}

fn attribute(kind: u8, tag: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(6, &[0x55, 4, kind]), &tlv(tag, value)])
}

/// A name of one RDN with these attributes.
fn name(attributes: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &tlv(0x31, &attributes.concat()))
}

fn extension(kind: u8, content: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(6, &[0x55, 0x1d, kind]), &tlv(4, content)])
}

fn basic_constraints(content: &[u8]) -> Vec<u8> {
    extension(19, &tlv(0x30, content))
}

/// Certificates that are whole, whoever can read them: each stands in the survey as it is.
fn certificates() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |name: &str, change: &dyn Fn(&mut Odd)| {
        let mut odd = Odd::new();
        change(&mut odd);
        all.push((format!("{name}.crt"), odd.der()));
    };
    for (kind, tag, value) in [
        ("teletex", 0x14, &b"caf\xe9"[..]),
        ("ia5", 0x16, b"a@b"),
        ("universal", 0x1c, b"\0\0\0k\0\0\0\xfc"),
        ("bmp", 0x1e, b"\0k\0\xfc"),
        ("half-bmp", 0x1e, b"abc"),
        ("visible", 0x1a, b"ab"),
        ("no-utf8", 0x0c, b"\xff\xfe"),
        ("octets", 4, b"abc"),
        ("empty", 0x0c, b""),
        ("nul", 0x0c, b"a\0b"),
        ("escapes", 0x0c, b"a,b+c\"d\\e<f>;#= \n"),
    ] {
        add(&format!("name-{kind}"), &|odd| odd.subject = name(&[attribute(3, tag, value)]));
    }
    add("name-none", &|odd| odd.subject = tlv(0x30, &[]));
    add("name-two", &|odd| odd.subject = name(&[attribute(3, 0x0c, b"n"), attribute(10, 0x0c, b"o")]));
    add("name-unsorted", &|odd| odd.subject = name(&[attribute(10, 0x0c, b"o"), attribute(3, 0x0c, b"n")]));
    for (kind, serial) in [("0", vec![0]), ("negative", vec![0x80]), ("20", vec![0x7f; 20]), ("64", vec![1; 64])] {
        add(&format!("serial-{kind}"), &|odd| odd.serial.clone_from(&serial));
    }
    for (kind, tag, time) in [
        ("1950", 0x17, "500101000000Z"),
        ("1940", 0x18, "19400101000000Z"),
        ("2024", 0x18, "20240101000000Z"),
        ("0000", 0x18, "00000101000000Z"),
        ("fraction", 0x18, "20240101000000.5Z"),
        ("zone", 0x17, "240101000000+0100"),
        ("no-day", 0x17, "240230000000Z"),
        ("no-time", 0x17, "soon"),
    ] {
        add(&format!("begins-{kind}"), &|odd| odd.not_before = tlv(tag, time.as_bytes()));
    }
    add("ends-9999", &|odd| odd.not_after = tlv(0x18, b"99991231235959Z"));
    add("extension-twice", &|odd| odd.extensions.extend(odd.extensions.clone()));
    add("extension-broken", &|odd| odd.extensions = vec![extension(19, &[1, 2, 3])]);
    add("path-length", &|odd| odd.extensions = vec![basic_constraints(&[tlv(1, &[0xff]), tlv(2, &[1, 44])].concat())]);
    add("alt-name", &|odd| odd.extensions.push(extension(17, &tlv(0x30, &tlv(0x82, b"\xc3\xa4")))));
    all
}

/// Files with text around a certificate, or in it.
fn forms() -> Vec<(&'static str, String)> {
    let plain = text(&Odd::new().der(), "CERTIFICATE");
    let body = plain.lines().skip(1).take_while(|line| !line.starts_with('-')).collect::<String>();
    let mut trailing = Odd::new();
    trailing.trailing = vec![0, 0];
    let long = |text: String| text.replacen("MII", "\nMII", 1);
    vec![
        ("form-crlf.crt", plain.replace('\n', "\r\n")),
        ("form-behind.crt", format!("{plain}words\n")),
        ("form-before.crt", format!("Certificate:\n    Data: x\n{plain}")),
        ("form-no-end.crt", plain.trim_end().to_owned()),
        ("form-joined.crt", format!("{}{plain}", plain.trim_end())),
        ("form-two.crt", plain.repeat(2)),
        ("form-trusted.crt", plain.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
        ("form-one-line.crt", format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")),
        ("form-header.crt", plain.replacen("-----\n", "-----\nX: y\n\n", 1)),
        ("form-no-padding.crt", plain.replace('=', "")),
        ("form-empty-line.crt", long(plain.clone())),
        ("form-tabs.crt", plain.replace('\n', "\t\n")),
        ("form-star.crt", plain.replacen("MII", "*MII", 1)),
        ("form-words.crt", plain.replace("-----END", "no base64!\n-----END")),
        ("form-nested.crt", format!("-----BEGIN CERTIFICATE-----\n{plain}")),
        ("form-empty.crt", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned()),
        ("form-trailing.crt", text(&trailing.der(), "CERTIFICATE")),
        ("form-request.crt", text(&sequence(&[&sequence(&[&tlv(2, &[0])]), &sequence(&[])]), "CERTIFICATE")),
    ]
}

/// Keys of every kind that openssl makes, and in every form.
const KEYS: &str = r#"
genpkey() { openssl genpkey "$@" 2>/dev/null; }
genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >plain.key
openssl ec -in plain.key -conv_form compressed >ec-compressed.key 2>/dev/null
openssl ec -in plain.key -conv_form hybrid >ec-hybrid.key 2>/dev/null
openssl ec -in plain.key -no_public >ec-no-public.key 2>/dev/null
openssl ecparam -name prime256v1 -genkey >ec-parameters.key
openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout >ec-explicit.key
openssl pkcs8 -topk8 -nocrypt -in ec-explicit.key >ec-explicit-8.key
for curve in secp384r1 secp521r1 secp224r1 secp256k1 brainpoolP256r1; do openssl ecparam -name $curve -genkey -noout >ec-$curve.key; done
for kind in ed25519 ed448 x25519; do genpkey -algorithm $kind >$kind.key; done
genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 >rsa.key
openssl rsa -traditional -in rsa.key >rsa-1.key 2>/dev/null
genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_keygen_pubexp:4294967311 >rsa-large-exponent.key
genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_keygen_pubexp:1208925819614629174706189 >rsa-huge-exponent.key
genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024 >rsa-pss.key
openssl pkcs8 -topk8 -passout pass:x -in plain.key >sealed.key
openssl ec -aes256 -passout pass:x -in plain.key >sealed-ec.key 2>/dev/null
cat plain.key rsa.key >two.key
{ cat plain.key; cat ../ca.crt; } >with-certificate.key
sed 's/PRIVATE KEY/RSA PRIVATE KEY/' plain.key >label-8-as-rsa.key
sed 's/EC PRIVATE/RSA PRIVATE/' ec-parameters.key >label-ec-as-rsa.key
sed 's/RSA PRIVATE/PRIVATE/' rsa-1.key >label-rsa-as-8.key
sed 's/PRIVATE KEY/ANY PRIVATE KEY/' plain.key >label-any.key
sed 's/$/\r/' plain.key >crlf.key
{ cat plain.key; echo words; } >behind.key
for key in plain ec-explicit ec-secp224r1 ec-secp384r1 ed25519 ed448 rsa rsa-pss; do openssl pkey -in $key.key -pubout >$key.pub; done
openssl ec -in plain.key -pubout -conv_form compressed >compressed.pub 2>/dev/null
openssl rsa -in rsa.key -RSAPublicKey_out >rsa-1.pub 2>/dev/null
"#;

fn odd() -> Node {
    let node = control_plane();
    for (name, der) in certificates() {
        node.write(&format!("{PKI}/{name}"), text(&der, "CERTIFICATE"));
    }
    for (name, content) in forms() {
        node.write(&format!("{PKI}/{name}"), content);
    }
    node.write(&format!("{PKI}/odd/x"), "");
    let made = run(tool("sh").args(["-ec", KEYS]).current_dir(node.path(&format!("{PKI}/odd"))));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // A public half that is not that of the key, and versions that nobody wrote.
    let plain =
        run(tool("openssl").args(["ec", "-outform", "DER", "-in"]).arg(node.path(&format!("{PKI}/odd/plain.key"))));
    let mut wrong = plain.stdout.clone();
    let start = wrong.len() - 65;
    let base = Odd::new().der();
    let point = base.windows(2).position(|window| window == [4, 0x6b]).unwrap();
    wrong[start..].copy_from_slice(&base[point..point + 65]);
    node.write(&format!("{PKI}/odd/wrong-public.key"), text(&wrong, "EC PRIVATE KEY"));
    node.write(&format!("{PKI}/odd/trailing.key"), text(&[&plain.stdout[..], &[0, 0]].concat(), "EC PRIVATE KEY"));
    let mut version = plain.stdout;
    version[4] = 2;
    node.write(&format!("{PKI}/odd/version.key"), text(&version, "EC PRIVATE KEY"));
    node
}

#[test]
fn both_have_the_same_bytes_of_what_is_odd_or_say_the_same() {
    let node = odd();
    let expected = survey_of(&node.path(""));
    for tools in tools() {
        let found = Script::new().survey_of(&tools, &node.path(""));
        assert_eq!((found.code, found.stdout), (expected.code, expected.stdout.clone()));
    }
    let survey = Survey::parse(expected.stdout.as_bytes()).unwrap();
    for (name, der) in certificates() {
        let file = survey.file(&format!("{PKI}/{name}")).unwrap();
        assert_eq!(file.certificates, [text(&der, "CERTIFICATE")], "{name}");
        assert!(survey.unread.iter().all(|unread| !unread.path.ends_with(&name)), "{name}");
    }
    let count = |name: &str| {
        let file = survey.file(&format!("{PKI}/{name}")).unwrap();
        [file.certificates.len(), file.private_keys.len(), file.public_keys.len()]
    };
    for (name, expected) in [
        ("form-crlf.crt", [1, 0, 0]),
        ("form-two.crt", [2, 0, 0]),
        ("form-one-line.crt", [1, 0, 0]),
        ("form-header.crt", [1, 0, 0]),
        ("form-nested.crt", [1, 0, 0]),
        ("form-joined.crt", [0, 0, 0]),
        ("form-trailing.crt", [0, 0, 0]),
        ("form-request.crt", [0, 0, 0]),
        ("odd/ec-compressed.key", [0, 1, 0]),
        ("odd/ec-parameters.key", [0, 1, 0]),
        ("odd/ec-explicit.key", [0, 0, 0]),
        ("odd/ec-secp224r1.key", [0, 0, 0]),
        ("odd/rsa-large-exponent.key", [0, 1, 0]),
        ("odd/rsa-huge-exponent.key", [0, 0, 0]),
        ("odd/two.key", [0, 2, 0]),
        ("odd/with-certificate.key", [1, 1, 0]),
        ("odd/label-any.key", [0, 0, 0]),
        ("odd/version.key", [0, 0, 0]),
        ("odd/rsa-1.pub", [0, 0, 1]),
        ("odd/compressed.pub", [0, 0, 0]),
    ] {
        assert_eq!(count(name), expected, "{name}");
    }
    // One key is one key, whatever its file says of its public half.
    let half = |name: &str| survey.file(&format!("{PKI}/odd/{name}.key")).unwrap().private_keys.clone();
    for name in ["ec-compressed", "ec-hybrid", "ec-no-public", "wrong-public", "crlf", "behind", "label-8-as-rsa"] {
        assert_eq!(half(name), half("plain"), "{name}");
    }
    assert_eq!(half("label-ec-as-rsa"), half("ec-parameters"));
    assert_eq!(half("label-rsa-as-8"), half("rsa"));
}

/// A file of a cloud provider is none of what a survey has; a kubeconfig that cannot be read is.
#[test]
fn what_only_ends_like_a_kubeconfig_is_listed_and_nothing_is_lacking() {
    let node = control_plane();
    node.write("etc/kubernetes/cloud.conf", "[Global]\nusername=hunter2\npassword=hunter2\n");
    node.write("etc/kubernetes/kubeadm.conf", "kind: ClusterConfiguration\nusers: none\n");
    let both = |code: i32| {
        let expected = survey_of(&node.path(""));
        let found = Script::new().survey_of(&tools().remove(0), &node.path(""));
        assert_eq!((found.code, &found.stdout), (expected.code, &expected.stdout), "{}", found.stderr);
        assert_eq!(expected.code, Some(code), "{}", expected.stderr);
        let survey = Survey::parse(expected.stdout.as_bytes()).unwrap();
        survey.unread.iter().map(|unread| format!("{}: {}", unread.path, unread.reason)).collect::<Vec<_>>()
    };
    let harmless = ["cloud", "kubeadm"]
        .map(|name| format!("etc/kubernetes/{name}.conf: no kubeconfig, and nothing names it"))
        .to_vec();
    assert_eq!(both(0), harmless);
    // Where something names it, it should be one.
    node.flag("kube-scheduler", "--authentication-kubeconfig=/etc/kubernetes/cloud.conf");
    node.replace(
        "etc/kubernetes/manifests/kube-scheduler.yaml",
        "/etc/kubernetes/scheduler.conf\n      name: kubeconfig",
        "/etc/kubernetes\n      name: kubeconfig",
    );
    node.write("etc/kubernetes/admin.conf", "kind: List\n");
    let said = both(2);
    assert!(said.contains(&"etc/kubernetes/admin.conf: not a kubeconfig".to_owned()), "{said:?}");
}
