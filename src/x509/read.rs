//! Reads certificates, ours and those of other programs.

use std::net::IpAddr;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, DecodePem, Encode, Reader as _, SliceReader, Tag};
use ipnet::IpNet;
use time::OffsetDateTime;
use x509_cert::ext::pkix::constraints::name::GeneralSubtrees;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage as ExtendedKeyUsageExtension, KeyUsage, NameConstraints,
    SubjectAltName, SubjectKeyIdentifier,
};

use super::{AltName, oid};

/// A certificate that was read from DER or PEM, with its fields as plain values.
#[derive(Clone, Debug)]
pub struct ReadCertificate {
    certificate: x509_cert::Certificate,
    der: Vec<u8>,
    tbs: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    extensions: Extensions,
}

#[derive(Clone, Debug, Default)]
struct Extensions {
    is_ca: bool,
    basic_constraints_critical: bool,
    key_usage: Option<KeyUsage>,
    usages: Vec<ObjectIdentifier>,
    subject_key_identifier: Option<Vec<u8>>,
    authority_key_identifier: Option<Vec<u8>>,
    authority_serial: Option<Vec<u8>>,
    alt_names: Vec<AltName>,
    path_length: Option<u8>,
    permitted_names: Vec<String>,
    excluded_names: Vec<String>,
}

impl ReadCertificate {
    /// Reads exactly one certificate in DER.
    ///
    /// # Errors
    /// Fails when the bytes are not a certificate or not DER, when an extension occurs twice, and when one cannot be
    /// read.
    pub fn from_der(der: &[u8]) -> der::Result<Self> {
        Self::new(x509_cert::Certificate::from_der(der)?, der)
    }

    /// Reads exactly one certificate in PEM.
    ///
    /// # Errors
    /// Fails like [`Self::from_der`], and when the text is not one PEM block `CERTIFICATE`.
    pub fn from_pem(pem: &[u8]) -> der::Result<Self> {
        let certificate = x509_cert::Certificate::from_pem(pem)?;
        let der = certificate.to_der()?;
        Self::new(certificate, &der)
    }

    fn new(certificate: x509_cert::Certificate, der: &[u8]) -> der::Result<Self> {
        if certificate.to_der()? != der {
            return Err(der::ErrorKind::Noncanonical { tag: Tag::Sequence }.into());
        }
        let fields = Fields::of(der)?;
        Ok(Self {
            der: der.to_vec(),
            tbs: fields.tbs.to_vec(),
            issuer: fields.issuer.to_vec(),
            subject: fields.subject.to_vec(),
            spki: fields.spki.to_vec(),
            extensions: Extensions::read(certificate.tbs_certificate())?,
            certificate,
        })
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the certificate in PEM, with lines of 64 columns that end in LF.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // This fails only on lengths beyond isize, which no certificate has.
        der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// Returns the signed part in DER.
    #[must_use]
    pub fn tbs_der(&self) -> &[u8] {
        &self.tbs
    }

    /// Returns the issuer's Name in DER. Go compares these bytes with the subject of the CA.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// Returns the subject's Name in DER.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// Returns the SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Returns the octets of the signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.certificate.signature().raw_bytes()
    }

    /// Returns the octets of the serial number as they are encoded: two's complement, big-endian.
    ///
    /// A positive number whose top bit is set therefore begins with a zero octet.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.certificate.tbs_certificate().serial_number().as_bytes()
    }

    /// Returns the issuer as text (RFC 4514), the most specific part first.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.certificate.tbs_certificate().issuer().to_string()
    }

    /// Returns the subject as text (RFC 4514), the most specific part first.
    #[must_use]
    pub fn subject(&self) -> String {
        self.certificate.tbs_certificate().subject().to_string()
    }

    /// Returns whether the serial number is negative, which RFC 5280 forbids.
    #[must_use]
    pub fn serial_is_negative(&self) -> bool {
        self.serial().first().is_some_and(|octet| octet & 0x80 != 0)
    }

    /// Returns the subject's common name, or `None` unless there is exactly one.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        let mut names = self.attributes(oid::COMMON_NAME).into_iter();
        names.next().filter(|_| names.next().is_none())
    }

    /// Returns the subject's organizations, in the order of the certificate.
    #[must_use]
    pub fn organizations(&self) -> Vec<String> {
        self.attributes(oid::ORGANIZATION_NAME)
    }

    fn attributes(&self, wanted: ObjectIdentifier) -> Vec<String> {
        let rdns = self.certificate.tbs_certificate().subject().iter_rdn();
        let attributes = rdns.flat_map(|rdn| rdn.iter());
        let texts = attributes.filter(|attribute| attribute.oid == wanted);
        texts.map(|attribute| String::from_utf8_lossy(attribute.value.value()).into_owned()).collect()
    }

    /// Returns the algorithm of the signature.
    #[must_use]
    pub fn signature_algorithm(&self) -> ObjectIdentifier {
        self.certificate.signature_algorithm().oid
    }

    /// Returns whether the key is on an elliptic curve.
    #[must_use]
    pub fn has_ec_key(&self) -> bool {
        self.certificate.tbs_certificate().subject_public_key_info().algorithm.oid == oid::EC_PUBLIC_KEY
    }

    /// Returns the bits of the modulus of an RSA key, or `None` for other keys.
    #[must_use]
    pub fn rsa_bits(&self) -> Option<usize> {
        let spki = self.certificate.tbs_certificate().subject_public_key_info();
        if spki.algorithm.oid != oid::RSA_ENCRYPTION {
            return None;
        }
        rsa_bits(spki.subject_public_key.raw_bytes())
    }

    /// Returns the name of the kind of the key: `RSA`, the name of a curve, `Ed25519`, or an object identifier.
    #[must_use]
    pub fn key_kind(&self) -> String {
        let algorithm = &self.certificate.tbs_certificate().subject_public_key_info().algorithm;
        let curve = || algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        let kind = if algorithm.oid == oid::EC_PUBLIC_KEY { curve().unwrap_or(algorithm.oid) } else { algorithm.oid };
        match kind {
            oid::RSA_ENCRYPTION => "RSA".to_owned(),
            oid::SECP256R1 => "P-256".to_owned(),
            oid::SECP384R1 => "P-384".to_owned(),
            oid::SECP521R1 => "P-521".to_owned(),
            oid::ED25519 => "Ed25519".to_owned(),
            oid::EC_PUBLIC_KEY => "EC without the name of a curve".to_owned(),
            other => other.to_string(),
        }
    }

    /// Returns the first second of validity.
    #[must_use]
    pub fn not_before(&self) -> OffsetDateTime {
        instant(self.certificate.tbs_certificate().validity().not_before)
    }

    /// Returns the last second of validity.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        instant(self.certificate.tbs_certificate().validity().not_after)
    }

    /// Returns whether basicConstraints says that this is a CA.
    #[must_use]
    pub const fn is_ca(&self) -> bool {
        self.extensions.is_ca
    }

    /// Returns whether basicConstraints is present and critical.
    #[must_use]
    pub const fn basic_constraints_critical(&self) -> bool {
        self.extensions.basic_constraints_critical
    }

    /// Returns keyUsage, if present.
    #[must_use]
    pub const fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// Returns the extended key usages, in the order of the certificate.
    #[must_use]
    pub fn usages(&self) -> &[ObjectIdentifier] {
        &self.extensions.usages
    }

    /// Returns subjectKeyIdentifier, if present.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.subject_key_identifier.as_deref()
    }

    /// Returns the key identifier of authorityKeyIdentifier, if present.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// Returns the serial number of its issuer's certificate in authorityKeyIdentifier, in the form of [`Self::serial`],
    /// if present. OpenSSL alone looks at it: a certificate of the same CA with another serial number is no issuer to it.
    #[must_use]
    pub fn authority_serial(&self) -> Option<&[u8]> {
        self.extensions.authority_serial.as_deref()
    }

    /// Returns the DNS names and addresses of subjectAltName, in the order of the certificate.
    ///
    /// Names of other kinds are left out, because they do not matter to Kubernetes.
    #[must_use]
    pub fn alt_names(&self) -> &[AltName] {
        &self.extensions.alt_names
    }

    /// Returns how many CAs may stand between this CA and a leaf, if basicConstraints says so.
    #[must_use]
    pub const fn path_length(&self) -> Option<u8> {
        self.extensions.path_length
    }

    /// Returns the names for which nameConstraints lets a CA sign, as `DNS:apps.internal` and `IP:10.0.0.0/8`.
    ///
    /// Names of other kinds are left out.
    #[must_use]
    pub fn permitted_names(&self) -> &[String] {
        &self.extensions.permitted_names
    }

    /// Returns the names for which nameConstraints forbids a CA to sign, in the form of [`Self::permitted_names`].
    #[must_use]
    pub fn excluded_names(&self) -> &[String] {
        &self.extensions.excluded_names
    }

    /// Returns whether the certificate is of version 3, the only one that may have extensions (RFC 5280, section
    /// 4.1.2.1).
    #[must_use]
    pub fn is_version_3(&self) -> bool {
        self.certificate.tbs_certificate().version() == x509_cert::Version::V3
    }

    /// Returns whether issuerUniqueID or subjectUniqueID is there, which no CA may write (RFC 5280, section 4.1.2.8).
    #[must_use]
    pub fn has_unique_identifiers(&self) -> bool {
        let tbs = self.certificate.tbs_certificate();
        tbs.issuer_unique_id().is_some() || tbs.subject_unique_id().is_some()
    }

    /// Returns whether subjectAltName has exactly this DNS name. Case does not matter (RFC 6125, section 6.4.1).
    #[must_use]
    pub fn has_dns(&self, wanted: &str) -> bool {
        self.alt_names().iter().any(|name| matches!(name, AltName::Dns(name) if name.eq_ignore_ascii_case(wanted)))
    }

    /// Returns whether a client that calls this host accepts the certificate. A wildcard stands for exactly one label
    /// (RFC 6125, section 6.4.3).
    #[must_use]
    pub fn is_for(&self, wanted: &AltName) -> bool {
        let host = match wanted {
            AltName::Ip(_) => return self.alt_names().contains(wanted),
            AltName::Dns(host) => host,
        };
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.has_dns(host) || parent.is_some_and(|parent| self.has_dns(&format!("*.{parent}")))
    }
}

/// Returns the bits of the modulus of an RSAPublicKey (RFC 8017, appendix A.1.1).
pub(super) fn rsa_bits(pkcs1: &[u8]) -> Option<usize> {
    let key = pkcs1::RsaPublicKeyRef::from_der(pkcs1).ok()?;
    let modulus = key.modulus.as_bytes();
    let leading = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
    Some(modulus.len() * 8 - leading)
}

/// Fields of a certificate as they stand in its DER, with tag and length. They are cut out of the DER, because encoding
/// them anew takes as long as decoding the certificate.
struct Fields<'a> {
    tbs: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    spki: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Cuts the fields out of bytes that are known to be a certificate (RFC 5280, section 4.1).
    fn of(der: &'a [u8]) -> der::Result<Self> {
        let tbs = content(der)?.tlv_bytes()?;
        let mut rest = content(tbs)?;
        // The version is absent when it is 1.
        if Tag::peek(&rest)?.is_context_specific() {
            rest.tlv_bytes()?;
        }
        let mut next = || rest.tlv_bytes();
        let [_serial_number, _signature, issuer, _validity, subject, spki] =
            [next()?, next()?, next()?, next()?, next()?, next()?];
        Ok(Self { tbs, issuer, subject, spki })
    }
}

fn content(der: &[u8]) -> der::Result<SliceReader<'_>> {
    SliceReader::new(AnyRef::from_der(der)?.value())
}

impl Extensions {
    fn read(tbs: &x509_cert::TbsCertificate) -> der::Result<Self> {
        let alt_names = tbs.get_extension::<SubjectAltName>()?.map(|(_, SubjectAltName(names))| names);
        let basic_constraints = tbs.get_extension::<BasicConstraints>()?;
        let constraints = tbs.get_extension::<NameConstraints>()?;
        let (permitted, excluded) =
            constraints.map(|(_, names)| (names.permitted_subtrees, names.excluded_subtrees)).unwrap_or_default();
        let names = |trees: Option<GeneralSubtrees>| {
            trees.unwrap_or_default().iter().filter_map(|tree| permitted_name(&tree.base)).collect()
        };
        let authority = tbs.get_extension::<AuthorityKeyIdentifier>()?.map(|(_, identifier)| identifier);
        Ok(Self {
            is_ca: basic_constraints.as_ref().is_some_and(|(_, constraints)| constraints.ca),
            path_length: basic_constraints.as_ref().and_then(|(_, constraints)| constraints.path_len_constraint),
            permitted_names: names(permitted),
            excluded_names: names(excluded),
            basic_constraints_critical: basic_constraints.is_some_and(|(critical, _)| critical),
            key_usage: tbs.get_extension::<KeyUsage>()?.map(|(_, usage)| usage),
            usages: tbs.get_extension::<ExtendedKeyUsageExtension>()?.map(|(_, usages)| usages.0).unwrap_or_default(),
            subject_key_identifier: tbs
                .get_extension::<SubjectKeyIdentifier>()?
                .map(|(_, identifier)| identifier.0.into_bytes().into()),
            authority_serial: authority
                .as_ref()
                .and_then(|identifier| Some(identifier.authority_cert_serial_number.as_ref()?.as_bytes().to_vec())),
            authority_key_identifier: authority
                .and_then(|identifier| Some(identifier.key_identifier?.into_bytes().into())),
            alt_names: alt_names.unwrap_or_default().iter().filter_map(alt_name).collect(),
        })
    }
}

fn alt_name(name: &GeneralName) -> Option<AltName> {
    match name {
        GeneralName::DnsName(name) => Some(AltName::Dns(name.to_string())),
        GeneralName::IpAddress(octets) => address(octets.as_bytes()).map(AltName::Ip),
        _ => None,
    }
}

fn permitted_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(domain) => Some(format!("DNS:{domain}")),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let (network, mask) = octets.split_at_checked(octets.len() / 2)?;
            let range = IpNet::with_netmask(address(network)?, address(mask)?).ok()?;
            Some(format!("IP:{range}"))
        }
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    v4().or_else(|| <[u8; 16]>::try_from(octets).ok().map(IpAddr::from))
}

fn instant(time: x509_cert::time::Time) -> OffsetDateTime {
    // DER times lie between 1950 and 9999, all within what OffsetDateTime holds.
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use der::asn1::{Any, AnyRef};
    use der::{Decode, Encode, Reader as _, SliceReader, Tag};
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::ReadCertificate;

    fn version_3() -> Vec<u8> {
        let mut params = CertificateParams::new(["node-1".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "node-1");
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn elements(sequence: &[u8]) -> Vec<Vec<u8>> {
        let mut reader = SliceReader::new(AnyRef::from_der(sequence).unwrap().value()).unwrap();
        let mut elements = Vec::new();
        while !reader.is_finished() {
            elements.push(reader.tlv_bytes().unwrap().to_vec());
        }
        elements
    }

    fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
        Any::new(Tag::Sequence, elements.concat()).unwrap().to_der().unwrap()
    }

    /// A certificate of version 1 has neither version nor extensions.
    #[test]
    fn fields_are_those_that_the_parsed_certificate_encodes() {
        let new = version_3();
        let mut parts = elements(&new);
        let mut fields = elements(&parts[0]);
        assert_eq!(fields.len(), 8);
        fields.remove(0);
        fields.pop();
        parts[0] = sequence(&fields);
        let old = sequence(&parts);
        for der in [new, old] {
            let read = ReadCertificate::from_der(&der).unwrap();
            let tbs = x509_cert::Certificate::from_der(&der).unwrap().tbs_certificate().clone();
            assert_eq!(read.tbs_der(), tbs.to_der().unwrap());
            assert_eq!(read.issuer_der(), tbs.issuer().to_der().unwrap());
            assert_eq!(read.subject_der(), tbs.subject().to_der().unwrap());
            assert_eq!(read.spki_der(), tbs.subject_public_key_info().to_der().unwrap());
        }
    }
}
