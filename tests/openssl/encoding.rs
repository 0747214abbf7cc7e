//! The certificate profile, number 1, as OpenSSL's parser sees it: versions, serials, times, names, extensions.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::openssl::asn1::{Certificates, Value};
use crate::openssl::unpacked::{Found, Unpacked};

/// What [`check_corners`] looks for.
pub(crate) const CORNERS: &str = r#"format = 1

[cluster]
name = "corners"
kubernetes = "1.21.14"
issued_at = 2026-11-22

[keys]
ca = "ecdsa-p384"
leaf = "rsa-2048"
service_account = "ecdsa-p384"

[ca.kubernetes]
algorithm = "ecdsa-p256"

[ca.etcd]
algorithm = "rsa-3072"

[[node]]
name = "cp"
role = "control-plane"
addresses = ["10.0.0.1"]

[[user]]
name = "Zoë"
groups = ["zebra", "Gruppe ä", "platform_ops", "a-long-name-of-a-group", "b", "aa"]
validity = "2049-12-31T23:59:59Z"

[[user]]
name = "a second later"
groups = ["b", "platform_ops", "aa", "a-long-name-of-a-group", "Gruppe ä", "zebra"]
validity = "2050-01-01T00:00:00Z"

[[user]]
name = "begins in 2049"
issued_at = 2050-01-01
validity = "1d"

[[user]]
name = "begins in 2050"
issued_at = 2050-01-02
validity = "24h"
"#;

/// Checks every certificate.
pub(crate) fn check(unpacked: &Unpacked) {
    let certificates = read(unpacked);
    let mut serials = BTreeSet::new();
    for (found, value) in unpacked.found.iter().zip(&certificates.values) {
        let fields = Fields::new(&certificates, value);
        let authority = unpacked.found.iter().position(|it| it.ca == found.ca && it.purpose.is_none()).unwrap();
        let authority = Fields::new(&certificates, &certificates.values[authority]);
        let serial = fields.content(fields.serial);
        assert_eq!(serial.len(), 16, "{}", found.place);
        assert_eq!(serial[0] & 0xc0, 0x40, "{}: 01xxxxxx", found.place);
        assert!(serials.insert(serial.to_owned()), "{}: a serial of its own", found.place);
        assert_eq!(fields.bytes(fields.issuer), authority.bytes(authority.subject), "{}", found.place);
        fields.check_times(&found.place);
        fields.check_signature_algorithm(&authority, &found.place);
        fields.check_names(&found.place);
        fields.check_extensions(found, &authority);
    }
}

/// Begins, and ends of the CAs and of the leaves, of an example; `(of what, end)` for those that differ.
type Dates = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const BEGIN: &str = "261121000000Z";
const CA_END: &str = "22261122000000Z";
const LEAF_END: &str = "22251122000000Z";

/// What the examples promise, with years of 199 and 200 calendar years as the default.
pub(crate) fn check_default_dates(unpacked: &Unpacked, name: &str) {
    let (begin, ca_end, leaf_end, others): Dates = match name {
        "closed-network-1.24" => ("261115000000Z", "22261005000000Z", LEAF_END, &[]),
        "ha-stacked-etcd" => {
            (BEGIN, CA_END, LEAF_END, &[("users/alice", "311122000000Z"), ("etcd-clients/backup", "311122000000Z")])
        }
        "external-ca" => (BEGIN, CA_END, LEAF_END, &[("users/break-glass", "270220000000Z")]),
        _ => (BEGIN, CA_END, LEAF_END, &[]),
    };
    let certificates = read(unpacked);
    for (found, value) in unpacked.found.iter().zip(&certificates.values) {
        let usual = if found.purpose.is_some() { leaf_end } else { ca_end };
        let own = others.iter().find(|(part, _)| found.place.contains(part) && found.purpose.is_some());
        let expected = [begin, own.map_or(usual, |(_, end)| *end)];
        assert_eq!(Fields::new(&certificates, value).times(), expected, "{}", found.place);
    }
}

/// Checks what only [`CORNERS`] has.
pub(crate) fn check_corners(unpacked: &Unpacked) {
    let certificates = read(unpacked);
    let user = |name: &str| {
        let place = format!("cluster/users/{name}.conf");
        let found = unpacked.found.iter().position(|found| found.place == place && found.purpose.is_some());
        Fields::new(&certificates, &certificates.values[found.unwrap_or_else(|| panic!("{place}"))])
    };
    assert_eq!(user("Zo%C3%AB").times(), [BEGIN, "491231235959Z"]);
    assert_eq!(user("a%20second%20later").times(), [BEGIN, "20500101000000Z"]);
    assert_eq!(user("begins%20in%202049").times(), ["491231000000Z", "20500102000000Z"]);
    assert_eq!(user("begins%20in%202050").times(), ["20500101000000Z", "20500103000000Z"]);

    // One RDN for the groups, in DER's order of a SET: by their encodings, so shorter ones first within a string type,
    // and UTF8String (12) before PrintableString (19).
    let name = |fields: &Fields<'_>| -> Vec<Vec<(String, String)>> {
        let attribute = |attribute: &Value| {
            let value = &attribute.children[1];
            (value.tag.clone(), String::from_utf8(fields.content(value).to_owned()).unwrap())
        };
        fields.subject.children.iter().map(|rdn| rdn.children.iter().map(attribute).collect()).collect()
    };
    let text = |tag: &str, text: &str| (tag.to_owned(), text.to_owned());
    let (printable, utf8) = ("PRINTABLESTRING", "UTF8STRING");
    let groups = vec![
        text(printable, "b"),
        text(printable, "aa"),
        text(printable, "zebra"),
        text(utf8, "Gruppe ä"),
        text(utf8, "platform_ops"),
        text(printable, "a-long-name-of-a-group"),
    ];
    assert_eq!(name(&user("Zo%C3%AB")), [groups.clone(), vec![text(utf8, "Zoë")]]);
    assert_eq!(name(&user("a%20second%20later")), [groups, vec![text(printable, "a second later")]]);
    assert_eq!(name(&user("begins%20in%202049")), [vec![text(printable, "begins in 2049")]]);
}

fn read(unpacked: &Unpacked) -> Certificates {
    Certificates::read(&unpacked.flat, unpacked.found.iter().map(|found| found.file.as_str()))
}

/// The fields of a certificate (RFC 5280, section 4.1).
struct Fields<'a> {
    certificates: &'a Certificates,
    signature_algorithm: &'a Value,
    serial: &'a Value,
    signed_algorithm: &'a Value,
    issuer: &'a Value,
    validity: &'a Value,
    subject: &'a Value,
    public_key: &'a Value,
    extensions: &'a Value,
}

impl<'a> Fields<'a> {
    fn new(certificates: &'a Certificates, value: &'a Value) -> Self {
        let [tbs, signature_algorithm, _] = &value.children[..] else { panic!("{value:?}") };
        let [version, serial, signed_algorithm, issuer, validity, subject, public_key, extensions] = &tbs.children[..]
        else {
            panic!("{tbs:?}")
        };
        assert_eq!((version.tag.as_str(), version.children[0].text.as_str()), ("cont [ 0 ]", "02"), "version 3");
        assert_eq!(extensions.tag, "cont [ 3 ]");
        let extensions = &extensions.children[0];
        let (certificates, signature_algorithm) = (certificates, signature_algorithm);
        Self {
            certificates,
            signature_algorithm,
            serial,
            signed_algorithm,
            issuer,
            validity,
            subject,
            public_key,
            extensions,
        }
    }

    fn bytes(&self, value: &Value) -> &'a [u8] {
        self.certificates.bytes(value)
    }

    fn content(&self, value: &Value) -> &'a [u8] {
        self.certificates.content(value)
    }

    fn times(&self) -> [&'a str; 2] {
        [&self.validity.children[0].text, &self.validity.children[1].text]
    }

    /// RFC 5280, section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, both in UTC with seconds.
    fn check_times(&self, place: &str) {
        for time in &self.validity.children {
            let digits = time.text.strip_suffix('Z').unwrap();
            assert!(digits.bytes().all(|digit| digit.is_ascii_digit()), "{place}: {digits}");
            match time.tag.as_str() {
                // Two digits from 50 on would mean the twentieth century.
                "UTCTIME" => assert!(digits.len() == 12 && &digits[..2] < "50", "{place}: {digits}"),
                "GENERALIZEDTIME" => assert!(digits.len() == 14 && digits >= "2050", "{place}: {digits}"),
                other => panic!("{place}: {other}"),
            }
        }
    }

    /// The key's algorithm, or the curve.
    fn key_type(&self) -> &'a str {
        let algorithm = &self.public_key.children[0].children;
        match algorithm[0].text.as_str() {
            "id-ecPublicKey" => &algorithm[1].text,
            other => other,
        }
    }

    fn check_signature_algorithm(&self, authority: &Self, place: &str) {
        let algorithm = self.signature_algorithm;
        assert_eq!(self.bytes(algorithm), self.bytes(self.signed_algorithm), "{place}");
        let found: Vec<_> = algorithm.children.iter().map(|value| (value.tag.as_str(), value.text.as_str())).collect();
        // RFC 4055, section 5: RSA has NULL parameters; RFC 5758, section 3.2: ECDSA has none.
        let expected: &[_] = match authority.key_type() {
            "rsaEncryption" => &[("OBJECT", "sha256WithRSAEncryption"), ("NULL", "")],
            "prime256v1" => &[("OBJECT", "ecdsa-with-SHA256")],
            "secp384r1" => &[("OBJECT", "ecdsa-with-SHA384")],
            other => panic!("{place}: {other}"),
        };
        assert_eq!(found, expected, "{place}");
    }

    /// Organizations in one RDN, then the common name; string types by Go's rule.
    fn check_names(&self, place: &str) {
        let (common_name, groups) = self.subject.children.split_last().unwrap();
        assert!(groups.len() <= 1, "{place}: one RDN for all groups");
        assert_eq!(common_name.children.len(), 1, "{place}");
        assert_eq!(common_name.children[0].children[0].text, "commonName", "{place}");
        let groups = groups.iter().flat_map(|rdn| &rdn.children);
        for attribute in groups.clone() {
            assert_eq!(attribute.children[0].text, "organizationName", "{place}");
        }
        let encodings: Vec<_> = groups.clone().map(|attribute| self.bytes(attribute)).collect();
        assert!(encodings.is_sorted_by(|one, next| one < next), "{place}: a SET in DER order");
        for attribute in groups.chain(&common_name.children) {
            let value = &attribute.children[1];
            let text = std::str::from_utf8(self.content(value)).unwrap();
            let printable = |letter: char| letter.is_ascii_alphanumeric() || " '()+,-./:=?".contains(letter);
            let expected = if text.chars().all(printable) { "PRINTABLESTRING" } else { "UTF8STRING" };
            assert_eq!(value.tag, expected, "{place}: {text}");
        }
    }

    fn check_extensions(&self, found: &Found, authority: &Self) {
        let has_names = self.extension("X509v3 Subject Alternative Name").is_some();
        let is_serving = found.purpose.is_some_and(|purpose| purpose.server);
        let mut expected = vec![
            ("X509v3 Key Usage", true, self.key_usage(found)),
            ("X509v3 Basic Constraints", true, "3000".to_owned()),
            ("X509v3 Authority Key Identifier", false, format!("30168014{}", authority.key_identifier())),
        ];
        match found.purpose {
            // kubeadm's CAs have a DNS name from 1.22 on.
            None => {
                expected[1].2 = "30030101FF".to_owned();
                expected[2] = ("X509v3 Subject Key Identifier", false, format!("0414{}", self.key_identifier()));
            }
            Some(purpose) => {
                assert_eq!(has_names, is_serving, "{}", found.place);
                // RFC 5280, section 4.2.1.12: id-kp 1 is serverAuth, 2 is clientAuth.
                let usages = [(purpose.server, "06082B06010505070301"), (purpose.client, "06082B06010505070302")];
                let usages: String = usages.iter().filter(|(has, _)| *has).map(|(_, usage)| *usage).collect();
                let usages = format!("30{:02X}{usages}", usages.len() / 2);
                expected.insert(1, ("X509v3 Extended Key Usage", false, usages));
            }
        }
        if has_names {
            let names = self.extension("X509v3 Subject Alternative Name").unwrap_or_default();
            expected.push(("X509v3 Subject Alternative Name", false, names));
        }
        let extensions: Vec<_> = self.extensions.children.iter().map(extension).collect();
        let extensions: Vec<_> =
            extensions.iter().map(|(name, critical, value)| (*name, *critical, (*value).to_owned())).collect();
        assert_eq!(extensions, expected, "{}", found.place);
    }

    /// digitalSignature (80), keyEncipherment (20) for RSA alone, keyCertSign (04) for CAs, without trailing zero bits.
    fn key_usage(&self, found: &Found) -> String {
        let is_rsa = self.key_type() == "rsaEncryption";
        let usage = match (found.purpose, is_rsa) {
            (None, true) => "030202A4",
            (None, false) => "03020284",
            (Some(_), true) => "030205A0",
            (Some(_), false) => "03020780",
        };
        usage.to_owned()
    }

    /// SHA-256 of the public key's bits, cut to 20 bytes (RFC 7093, section 2, method 1).
    fn key_identifier(&self) -> String {
        // The BIT STRING's first byte counts its unused bits.
        let (unused, bits) = self.content(&self.public_key.children[1]).split_first().unwrap();
        assert_eq!(*unused, 0);
        Sha256::digest(bits)[..20].iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn extension(&self, name: &str) -> Option<String> {
        let mut extensions = self.extensions.children.iter().map(extension);
        extensions.find(|(found, ..)| *found == name).map(|(.., value)| value.to_owned())
    }
}

/// Name, whether critical, value in hex. DER leaves `critical` away when it is false.
fn extension(value: &Value) -> (&str, bool, &str) {
    match &value.children[..] {
        [id, value] => (&id.text, false, &value.text),
        [id, critical, value] => {
            assert_eq!((critical.tag.as_str(), critical.text.as_str()), ("BOOLEAN", "255"));
            (&id.text, true, &value.text)
        }
        other => panic!("{other:?}"),
    }
}
