//! Encodes, signs and checks one certificate.

use der::pem::LineEnding;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyIdMethod,
    KeyUsagePurpose, NameConstraints, PublicKeyData, SanType, SignatureAlgorithm, SigningKey,
};
use sha2::{Digest, Sha256};

use super::lint_context::LintContext;
use super::renewal;
use super::tbs::{self, SubjectAndIssuer, Unsigned};
use super::{IssueError, SerialKey};
use crate::keys::{PrimeTest, PrivateKey};
use crate::kubernetes::{KeyId, Purpose};
use crate::lint::{Facts, Severity, lint};
use crate::plan::PlannedCertificate;
use crate::x509::public_key::{self, VerifiedSignature};
use crate::x509::{AltName, ExtendedKeyUsage, KeyAlgorithm, PermittedNames, ReadCertificate};

/// An issued certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    made: Option<Made>,
}

/// What is known of a certificate that was just signed.
#[derive(Clone, Copy, Debug)]
struct Made {
    serial: [u8; 16],
    signature: VerifiedSignature,
}

impl Certificate {
    /// Returns a certificate that is there already.
    pub(super) fn existing(certificate: &ReadCertificate) -> Self {
        Self { der: certificate.der().to_vec(), made: None }
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the serial number: 16 octets, big-endian. Returns `None` for a certificate that somebody else made.
    #[must_use]
    pub fn serial(&self) -> Option<[u8; 16]> {
        self.made.map(|made| made.serial)
    }

    /// Returns the signature, which was verified under the issuer's key. Returns `None` for a certificate that somebody
    /// else made.
    #[must_use]
    pub fn signature(&self) -> Option<VerifiedSignature> {
        self.made.map(|made| made.signature)
    }

    /// Returns the certificate in PEM, with lines of 64 columns that end in LF.
    #[must_use]
    pub fn pem(&self) -> String {
        // This fails only on lengths beyond isize, which no certificate has.
        der::pem::encode_string("CERTIFICATE", LineEnding::LF, &self.der).unwrap_or_default()
    }
}

/// A CA that signs certificates.
pub(super) struct Issuer<'a> {
    key: &'a PrivateKey,
    name: Vec<u8>,
    /// The subject key identifier, which an adopted CA may not have. Leaves then name none, as with Go.
    key_identifier: Option<Vec<u8>>,
    /// The certificate of the CA, or `None` while that very certificate is being issued.
    certificate: Option<ReadCertificate>,
}

impl<'a> Issuer<'a> {
    /// Returns the CA that `planned` describes, without its certificate.
    pub(super) fn new(planned: &PlannedCertificate, key: &'a PrivateKey) -> Result<Self, IssueError> {
        let name = planned.subject.to_der().map_err(|error| encoding(planned, &error))?;
        Ok(Self { key, name, key_identifier: Some(key_identifier(key)), certificate: None })
    }

    /// Returns a CA that is there already, with its certificate.
    pub(super) fn existing(certificate: &ReadCertificate, key: &'a PrivateKey) -> Self {
        let key_identifier = certificate.subject_key_identifier().map(<[u8]>::to_vec);
        let name = certificate.subject_der().to_vec();
        Self { key, name, key_identifier, certificate: Some(certificate.clone()) }
    }

    /// Returns the same CA with its certificate.
    pub(super) fn with(self, planned: &PlannedCertificate, certificate: &Certificate) -> Result<Self, IssueError> {
        let read = ReadCertificate::from_der(certificate.der()).map_err(|error| encoding(planned, &error))?;
        Ok(Self { certificate: Some(read), ..self })
    }
}

/// An unsigned certificate that holds what was planned and keeps every rule.
pub(super) struct UnsignedCertificate<'a> {
    pub(super) planned: &'a PlannedCertificate,
    serial: [u8; 16],
    unsigned: Unsigned,
}

/// Makes a certificate without its signature, and checks it as it is read back.
pub(super) fn make_unsigned<'a>(
    planned: &'a PlannedCertificate,
    key: &'a PrivateKey,
    issuer: &Issuer<'_>,
    serial_key: &SerialKey,
    context: &LintContext<'_>,
) -> Result<UnsignedCertificate<'a>, IssueError> {
    let template = template(planned, key, issuer).map_err(|error| encoding(planned, &error))?;
    let subject = planned.subject.to_der().map_err(|error| encoding(planned, &error))?;
    let names = SubjectAndIssuer { issuer: &issuer.name, subject: &subject, is_ca: planned.is_ca };
    let mut serial = [0; 16];
    let unsigned = tbs::finish(&template, &names, |tbs| {
        serial = serial_key.serial(issuer.key.spki_der(), tbs)?;
        Some(serial)
    });
    let unsigned = unsigned.map_err(|error| encoding(planned, &error))?;
    let without_signature = tbs::certificate(&unsigned, &[]).map_err(|error| encoding(planned, &error))?;
    let read = ReadCertificate::from_der(&without_signature).map_err(|error| encoding(planned, &error))?;
    check_content(planned, &read, &subject, key, issuer)?;
    check_rules(planned, &read, issuer, context)?;
    Ok(UnsignedCertificate { planned, serial, unsigned })
}

/// Makes the certificate of a CA anew with another end, without its signature. `old` is the certificate so far.
pub(super) fn renew_unsigned<'a>(
    planned: &'a PlannedCertificate,
    old: &ReadCertificate,
    key: &PrivateKey,
    serial_key: &SerialKey,
) -> Result<UnsignedCertificate<'a>, IssueError> {
    let mut serial = [0; 16];
    let unsigned = renewal::finish(old, planned.validity.not_after, key.algorithm(), |tbs| {
        serial = serial_key.serial(key.spki_der(), tbs)?;
        Some(serial)
    });
    let unsigned = unsigned.map_err(|error| encoding(planned, &error))?;
    let without_signature = tbs::certificate(&unsigned, &[]).map_err(|error| encoding(planned, &error))?;
    let read = ReadCertificate::from_der(&without_signature).map_err(|error| encoding(planned, &error))?;
    let expected = [
        (read.issuer_der() == old.issuer_der(), "issuer"),
        (read.subject_der() == old.subject_der(), "subject"),
        (read.spki_der() == key.spki_der(), "public key"),
        (read.subject_key_identifier() == old.subject_key_identifier(), "subject key identifier"),
        (read.is_ca() && read.path_length() == old.path_length(), "basic constraints"),
        (read.alt_names() == old.alt_names(), "alternative names"),
        (read.usages() == old.usages(), "extended key usages"),
        (read.not_before() == old.not_before(), "start of validity"),
        (read.not_after() == planned.validity.not_after, "end of validity"),
    ];
    match expected.into_iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(IssueError::Check(planned.key.clone(), what)),
        None => Ok(UnsignedCertificate { planned, serial, unsigned }),
    }
}

/// Signs certificates of one issuer. Checks that each holds what was to be signed, and a signature that verifies.
pub(super) fn sign(
    certificates: Vec<UnsignedCertificate<'_>>,
    issuer: &Issuer<'_>,
    engine: &dyn PrimeTest,
) -> Result<Vec<(KeyId, Certificate)>, IssueError> {
    let messages: Vec<&[u8]> = certificates.iter().map(|certificate| &certificate.unsigned.tbs[..]).collect();
    let signatures = match (issuer.key.sign_each(&messages, engine), certificates.first()) {
        (Err(error), Some(certificate)) => return Err(encoding(certificate.planned, &format_args!("{error:?}"))),
        (signatures, _) => signatures.unwrap_or_default(),
    };
    let signed = certificates.into_iter().zip(signatures).map(|(certificate, signature)| {
        let UnsignedCertificate { planned, serial, unsigned } = certificate;
        let der = tbs::certificate(&unsigned, &signature).map_err(|error| encoding(planned, &error))?;
        let wrong = |what| IssueError::Check(planned.key.clone(), what);
        let signature = tbs::signature(&unsigned, &der).ok_or_else(|| wrong("is not what was to be signed"))?;
        // The code that verifies is of another library than the code that signed.
        let signature = public_key::verify(issuer.key.spki_der(), &unsigned.tbs, signature);
        let signature = signature.map_err(|_| wrong("signature"))?;
        Ok((planned.key.clone(), Certificate { der, made: Some(Made { serial, signature }) }))
    });
    signed.collect()
}

/// Refuses a certificate that breaks a rule which asks for more than a warning.
fn check_rules(
    planned: &PlannedCertificate,
    read: &ReadCertificate,
    issuer: &Issuer<'_>,
    context: &LintContext<'_>,
) -> Result<(), IssueError> {
    let (purpose, node) = match &planned.key {
        KeyId::Node { node, base_name } => (Purpose::of_base_name(base_name), Some(node)),
        KeyId::Ca(name) | KeyId::TrustedCa(name) => match Purpose::of_ca(name) {
            // Only MetalLB's rotation asks more of this CA than is asked of the CA of any webhook.
            Purpose::MetallbCa if !context.metallb_rotates() => (Purpose::Other, None),
            purpose => (purpose, None),
        },
        KeyId::Webhook { .. } => match &planned.issuer {
            KeyId::Ca(name) if Purpose::of_ca(name) == Purpose::MetallbCa && context.metallb_rotates() => {
                (Purpose::MetallbServer, None)
            }
            _ => (Purpose::WebhookServer, None),
        },
        KeyId::Tls { .. } => (Purpose::Tls, None),
        KeyId::WebhookCa { .. } => (Purpose::Other, None),
        KeyId::User(_) => (Purpose::User, None),
        KeyId::EtcdClient(_) => (Purpose::EtcdClient, None),
        KeyId::ServiceAccount | KeyId::TrustedServiceAccount | KeyId::BundleSigner => (Purpose::Other, None),
    };
    let facts = Facts {
        certificate: read,
        purpose,
        issuer: issuer.certificate.as_ref(),
        node: node.map(|name| context.node(name)),
        service: None,
        cluster: context.cluster(),
        needed_at: &[planned.validity.issued_at.midnight().assume_utc()],
    };
    match lint(&facts).into_iter().find(|breach| breach.rule.severity == Severity::Error) {
        Some(breach) => Err(IssueError::Rule(planned.key.clone(), breach)),
        None => Ok(()),
    }
}

pub(super) fn encoding(planned: &PlannedCertificate, error: &dyn std::fmt::Display) -> IssueError {
    IssueError::Encoding(planned.key.clone(), error.to_string())
}

/// Returns the first 20 bytes of the SHA-256 of the public key bits, for every Kubernetes version. Two identifiers for
/// one CA key would break OpenSSL's search for a chain. Source: RFC 7093, section 2, method 1; Go 1.25 does the same.
fn key_identifier(key: &PrivateKey) -> Vec<u8> {
    Sha256::digest(key.public_key_bits()).iter().copied().take(20).collect()
}

/// Encodes as much of the certificate as rcgen can, with an empty signature.
pub(super) fn template(
    planned: &PlannedCertificate,
    key: &PrivateKey,
    issuer: &Issuer<'_>,
) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.not_before = planned.validity.not_before;
    params.not_after = planned.validity.not_after;
    params.serial_number = Some(1.into());
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(key));
    params.use_authority_key_identifier_extension = planned.issuer != planned.key && issuer.key_identifier.is_some();
    params.is_ca = match planned.constraints.path_length {
        _ if !planned.is_ca => IsCa::ExplicitNoCa,
        None => IsCa::Ca(BasicConstraints::Unconstrained),
        Some(length) => IsCa::Ca(BasicConstraints::Constrained(length)),
    };
    params.name_constraints = name_constraints(&planned.constraints.permitted);
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    if planned.algorithm.is_rsa() {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    if planned.is_ca {
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    }
    params.extended_key_usages.extend(planned.usages.iter().map(|usage| match usage {
        ExtendedKeyUsage::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsage::ClientAuth => ExtendedKeyUsagePurpose::ClientAuth,
    }));
    for name in &planned.alt_names {
        params.subject_alt_names.push(match name {
            AltName::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
            AltName::Ip(address) => SanType::IpAddress(*address),
        });
    }
    let mut issuer_params = CertificateParams::default();
    issuer_params.key_identifier_method = KeyIdMethod::PreSpecified(issuer.key_identifier.clone().unwrap_or_default());
    let rcgen_issuer = rcgen::Issuer::from_params(&issuer_params, PublicHalf(issuer.key));
    Ok(params.signed_by(&PublicHalf(key), &rcgen_issuer)?.der().to_vec())
}

/// Returns the nameConstraints that permit only these names.
///
/// RFC 5280, section 4.2.1.10, leaves every kind of name open that the extension does not mention. Domains without an
/// address range therefore exclude all addresses.
fn name_constraints(permitted: &PermittedNames) -> Option<NameConstraints> {
    let domains = permitted.domains.iter().map(|domain| GeneralSubtree::DnsName(domain.clone()));
    let ranges = permitted.ranges.iter();
    let ranges = ranges
        .map(|range| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(range.network(), range.prefix_len())));
    let permitted_subtrees: Vec<_> = domains.chain(ranges).collect();
    if permitted_subtrees.is_empty() {
        return None;
    }
    let all = [CidrSubnet::from_v4_prefix([0; 4], 0), CidrSubnet::from_v6_prefix([0; 16], 0)];
    let excluded_subtrees =
        if permitted.ranges.is_empty() { all.map(GeneralSubtree::IpAddress).into() } else { Vec::new() };
    Some(NameConstraints { permitted_subtrees, excluded_subtrees })
}

/// A key as rcgen sees it. It has only the public half, and makes empty signatures, which are replaced once the
/// certificate is complete.
struct PublicHalf<'a>(&'a PrivateKey);

impl PublicKeyData for PublicHalf<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key_bits()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.0.algorithm() {
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => &rcgen::PKCS_RSA_SHA256,
            KeyAlgorithm::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyAlgorithm::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        }
    }
}

impl SigningKey for PublicHalf<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

/// Refuses a certificate in which something that was planned cannot be read.
fn check_content(
    planned: &PlannedCertificate,
    read: &ReadCertificate,
    subject: &[u8],
    key: &PrivateKey,
    issuer: &Issuer<'_>,
) -> Result<(), IssueError> {
    let permitted_names = planned.constraints.permitted.labelled();
    let expected = [
        (read.issuer_der() == issuer.name, "issuer"),
        (read.subject_der() == subject, "subject"),
        (read.spki_der() == key.spki_der(), "public key"),
        (read.is_ca() == planned.is_ca, "basic constraints"),
        (read.path_length() == planned.constraints.path_length, "path length"),
        (read.permitted_names() == permitted_names, "name constraints"),
        (read.alt_names() == planned.alt_names, "alternative names"),
        (read.usages().iter().copied().eq(planned.usages.iter().map(|usage| usage.oid())), "extended key usages"),
        (read.not_before() == planned.validity.not_before, "start of validity"),
        (read.not_after() == planned.validity.not_after, "end of validity"),
    ];
    match expected.into_iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(IssueError::Check(planned.key.clone(), what)),
        None => Ok(()),
    }
}
