//! Clusters whose certificates others have made than kubeadm: by hand with openssl, with cfssl, by a kubeadm of old. All the
//! road: names stay byte for byte, whatever form they have.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::x509::{AltName, ReadCertificate};

use super::Fleet;
use super::road::{Road, embedded, first_certificate};
use crate::adopted::{KUBEADM, P256, Shape, authority};
use crate::common::desk::Desk;
use crate::common::{changed_profile, files, succeed, tool, use_fast_keys};

/// How somebody makes a cluster's certificates.
struct Maker {
    name: &'static str,
    /// The name of a CA but for its last line, the common name.
    subject: &'static str,
    authority: Shape<'static>,
    /// Further extensions of leaves, as openssl takes them.
    leaf: &'static str,
}

/// openssl adds key identifiers that nobody asked for.
const NO_SKID: &str = "keyUsage = critical, digitalSignature, keyEncipherment, keyCertSign\n\
                       basicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n";
const BY_HAND: &str = "basicConstraints = CA:TRUE\nsubjectKeyIdentifier = hash\n";
const RSA: &[&str] = &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const EC_WITH_PARAMETERS: &[&str] = &["ecparam", "-name", "secp384r1", "-genkey"];

fn makers() -> Vec<Maker> {
    let shape = Shape::default();
    vec![
        Maker {
            name: "openssl by hand, UTF8String, an RSA key in PKCS#8, a reference by serial number",
            subject: "C = KR\nO = Example\nOU = Platform\n",
            authority: Shape { strings: "utf8only", key: RSA, extensions: BY_HAND, serial: "2A", ..shape },
            leaf: "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid:always, issuer:always\n",
        },
        Maker {
            name: "PrintableString, an EC key on P-384 in SEC 1 behind its parameters",
            subject: "C = KR\nO = Example\nOU = Platform\n",
            authority: Shape { key: EC_WITH_PARAMETERS, digest: "sha384", ..shape },
            leaf: "basicConstraints = critical, CA:FALSE\nauthorityKeyIdentifier = keyid\n",
        },
        Maker {
            name: "no key identifier and the serial number 0, as a kubeadm of old",
            subject: "",
            authority: Shape { key: P256, extensions: NO_SKID, serial: "00", ..shape },
            leaf: "keyUsage = critical, digitalSignature, keyEncipherment\nsubjectKeyIdentifier = none\n\
                   authorityKeyIdentifier = none\n",
        },
        Maker {
            name: "P-256, with key identifiers",
            subject: "O = Example\n",
            authority: Shape {
                key: P256,
                extensions: KUBEADM,
                serial: "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
                ..shape
            },
            leaf: "keyUsage = critical, digitalSignature\nauthorityKeyIdentifier = keyid\n",
        },
    ]
}

/// The CAs of a node: the common name, the place, and the file on the desk.
const AUTHORITIES: [(&str, &str, &str); 3] = [
    ("kubernetes", "etc/kubernetes/pki/ca", "kubernetes"),
    ("etcd-ca", "etc/kubernetes/pki/etcd/ca", "etcd"),
    ("front-proxy-ca", "etc/kubernetes/pki/front-proxy-ca", "front-proxy"),
];

/// The cluster of all makers: one control plane with kubeadm's files.
fn fleet() -> Fleet {
    Fleet::of(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["keys"]["service_account"] = "rsa-2048".into();
        profile["node"][0]["name"] = "cp-1".into();
        profile["node"][0]["addresses"] = vec!["192.168.10.5"].into();
        profile["cluster"]["kubernetes"] = "1.24.15".into();
    }))
}

#[test]
fn whoever_made_the_certificates_all_goes_on() {
    for maker in makers() {
        let (fleet, desk) = (fleet(), Desk::new());
        let root = fleet.root("cp-1");
        let mut subjects = Vec::new();
        for (common_name, place, file) in AUTHORITIES {
            let subject = format!("{}CN = {common_name}", maker.subject);
            authority(&desk, file, &Shape { subject: &subject, ..maker.authority });
            put(&root.join(format!("{place}.crt")), &desk.text(&format!("adopted/{file}.crt")), 0o644);
            put(&root.join(format!("{place}.key")), &desk.text(&format!("adopted/{file}.key")), 0o600);
            subjects.push(subject);
        }
        replace_all(&root, |old, key| sign(&desk, &maker, old, key));
        let road = Road::begin(fleet.folder.path(), &[]);
        for heading in ["Power", "Contradictions", "Not known", "Otherwise"] {
            assert!(!road.said.contains(heading), "{}: {}", maker.name, road.said);
        }
        road.end(None);
        let has_key_id = maker.authority.extensions != NO_SKID;
        assert_verified(&road, &root, has_key_id, maker.name);
    }
}

/// What cfssl made, and `cfssl/make.sh` says how: CAs with country, locality, organization and unit, and names in the order
/// in which it was told them.
#[test]
fn what_cfssl_made_all_goes_on() {
    let made = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/cfssl");
        fs::read_to_string(folder.join(format!("{name}.pem"))).unwrap()
    };
    let fleet = fleet();
    let root = fleet.root("cp-1");
    let pki = root.join("etc/kubernetes/pki");
    for name in ["ca", "etcd/ca", "front-proxy-ca", "apiserver", "apiserver-kubelet-client", "front-proxy-client"]
        .into_iter()
        .chain(["etcd/server", "etcd/peer", "etcd/healthcheck-client", "apiserver-etcd-client"])
    {
        let file = name.replace('/', "-");
        put(&pki.join(format!("{name}.crt")), &made(&file), 0o644);
        put(&pki.join(format!("{name}.key")), &made(&format!("{file}-key")), 0o600);
    }
    let kubelets = root.join("var/lib/kubelet/pki");
    put(&kubelets.join("kubelet.crt"), &made("kubelet"), 0o644);
    put(&kubelets.join("kubelet.key"), &made("kubelet-key"), 0o600);
    let store = fs::canonicalize(kubelets.join("kubelet-client-current.pem")).unwrap();
    put(&store, &(made("kubelet-client") + &made("kubelet-client-key")), 0o600);
    for name in ["admin", "controller-manager", "scheduler", "kubelet"] {
        let path = root.join(format!("etc/kubernetes/{name}.conf"));
        let mut text = fs::read_to_string(&path).unwrap();
        for (field, pem) in [
            ("certificate-authority-data", "ca".to_owned()),
            ("client-certificate-data", name.to_owned()),
            ("client-key-data", format!("{name}-key")),
        ] {
            if let Some(old) = embedded(&text, field) {
                text = text.replace(&STANDARD.encode(old), &STANDARD.encode(made(&pem)));
            }
        }
        put(&path, &text, 0o600);
    }
    let road = Road::begin(fleet.folder.path(), &[]);
    for heading in ["Power", "Contradictions", "Not known", "Otherwise"] {
        assert!(!road.said.contains(heading), "{}", road.said);
    }
    road.end(None);
    assert_verified(&road, &root, true, "cfssl");
}

/// Every new leaf holds under the old certificate of its CA and under the new one, every old one likewise, as openssl says.
fn assert_verified(road: &Road, old: &Path, has_key_id: bool, maker: &str) {
    let new = road.desk.path("new/cp-1");
    let by_serial = maker.contains("by serial number");
    for (leaf, (_, authority, _)) in [
        ("etc/kubernetes/pki/apiserver.crt", AUTHORITIES[0]),
        ("etc/kubernetes/pki/etcd/server.crt", AUTHORITIES[1]),
        ("etc/kubernetes/pki/front-proxy-client.crt", AUTHORITIES[2]),
    ] {
        for (trusts, presents) in [(old, &*new), (&new, &*new), (&new, old)] {
            // The renewed CA has another serial number: the manual and the plan say so.
            if by_serial && presents == old {
                continue;
            }
            let mut openssl = tool("openssl");
            openssl.args(["verify", "-no_check_time", "-CAfile"]).arg(trusts.join(format!("{authority}.crt")));
            let said = succeed(openssl.arg(presents.join(leaf)));
            assert!(said.trim().ends_with(": OK"), "{maker}: {said}");
        }
        let made = first_certificate(&fs::read_to_string(new.join(leaf)).unwrap());
        assert_eq!(made.authority_key_identifier().is_some(), has_key_id, "{maker}: {leaf}");
    }
}

fn put(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// Replaces every leaf of a node, in files and kubeconfigs. `make` gets the one that is there, and its key.
fn replace_all(root: &Path, mut make: impl FnMut(&ReadCertificate, &str) -> String) {
    let authority = |name: &str| fs::read_to_string(root.join(format!("{name}.crt"))).unwrap();
    for file in files(root) {
        let path = root.join(&file);
        let is_ca = AUTHORITIES.iter().any(|(_, place, _)| file == format!("{place}.crt"));
        if path.is_symlink() || is_ca {
            continue;
        }
        if file.ends_with(".crt") {
            let key = fs::read_to_string(path.with_extension("key")).unwrap();
            let made = make(&first_certificate(&fs::read_to_string(&path).unwrap()), &key);
            put(&path, &made, 0o644);
        } else if file.ends_with(".pem") {
            let text = fs::read_to_string(&path).unwrap();
            let key = &text[text.find("-----BEGIN EC PRIVATE KEY-----").unwrap()..];
            put(&path, &(make(&first_certificate(&text), key) + key), 0o600);
        } else if file.ends_with(".conf") {
            let mut text = fs::read_to_string(&path).unwrap();
            if let Some(old) = embedded(&text, "client-certificate-data") {
                let made = make(&first_certificate(&old), &embedded(&text, "client-key-data").unwrap());
                text = text.replace(&STANDARD.encode(old), &STANDARD.encode(made));
            }
            let old = embedded(&text, "certificate-authority-data").unwrap();
            text = text.replace(&STANDARD.encode(old), &STANDARD.encode(authority(AUTHORITIES[0].1)));
            put(&path, &text, 0o600);
        }
    }
}

/// Signs what there is once more, with names, usages and key as they are.
fn sign(desk: &Desk, maker: &Maker, old: &ReadCertificate, key: &str) -> String {
    let issuer = AUTHORITIES.iter().find(|(name, ..)| old.issuer() == format!("CN={name}"));
    let (.., issuer) = issuer.unwrap_or_else(|| panic!("{}", old.issuer()));
    let groups = old.organizations();
    let groups: String = groups.iter().enumerate().map(|(place, group)| format!("{place}.O = {group}\n")).collect();
    let usages: Vec<_> = old.usages().iter().map(ToString::to_string).collect();
    let names: Vec<_> = old.alt_names().iter().map(AltName::labelled).collect();
    let names = if names.is_empty() { String::new() } else { format!("subjectAltName = {}\n", names.join(",")) };
    desk.write(
        "leaf.cnf",
        format!(
            "[req]\nstring_mask = {}\ndistinguished_name = name\nprompt = no\n[name]\n{groups}CN = {}\n[leaf]\n\
             extendedKeyUsage = {}\n{names}{}",
            maker.authority.strings,
            old.common_name().unwrap(),
            usages.join(","),
            maker.leaf
        ),
    );
    desk.write("leaf.key", key);
    let mut openssl = tool("openssl");
    openssl.current_dir(desk.path("")).args(["req", "-x509", "-new", "-key", "leaf.key", "-days", "900"]);
    openssl.args(["-CA", &format!("adopted/{issuer}.crt"), "-CAkey", &format!("adopted/{issuer}.key")]);
    succeed(openssl.args(["-config", "leaf.cnf", "-extensions", "leaf", "-out", "leaf.crt"]));
    desk.text("leaf.crt")
}
