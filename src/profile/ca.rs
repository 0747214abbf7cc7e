//! What a checked profile says of a certificate authority.

use std::sync::Arc;

use super::root_certificate::RootCertificate;
use crate::kubernetes::Version;
use crate::x509::{AltName, DistinguishedName, KeyAlgorithm, Validity};

/// A certificate authority.
#[derive(Clone, Debug)]
pub struct Authority {
    /// A number that is raised to give the CA a new key.
    pub generation: u32,
    /// The common name of the CA, which is also the issuer of everything that it signs.
    pub common_name: String,
    /// The subject of the CA's certificate.
    pub subject: DistinguishedName,
    /// The key algorithm.
    pub algorithm: KeyAlgorithm,
    /// The Kubernetes version whose shape of a CA certificate this CA has.
    pub kubernetes: Version,
    /// The validity of the CA's certificate.
    pub validity: Validity,
    /// The files from which the CA comes. `None` means that certferry makes it.
    pub adoption: Option<Adoption>,
    /// `previous`: the CA from which the cluster moves to this one, in the three phases of a rotation. `None` in a
    /// profile [in a phase](super::Profile::in_phase).
    pub previous: Option<Box<Self>>,
    /// The CA that is trusted beside this one in a phase of a rotation: the next one in phase 1, the previous one in
    /// phase 2.
    pub trusted: Option<Box<Self>>,
}

impl Authority {
    /// Returns the CA from which the cluster moves to this one.
    #[must_use]
    pub fn previous(&self) -> Option<&Self> {
        self.previous.as_deref()
    }

    /// Returns what was found in the files of an adopted CA. Returns `None` for a CA that is made, and for one whose
    /// files have not been read yet.
    #[must_use]
    pub fn found(&self) -> Option<&FoundAuthority> {
        self.adoption.as_ref()?.found.as_deref()
    }

    /// Returns the certificate that was found, if there is one.
    #[must_use]
    pub fn found_certificate(&self) -> Option<&FoundCertificate> {
        self.found()?.certificate.as_ref()
    }
}

/// The files of a CA that exists, or whose certificate was signed elsewhere.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// The path of the certificate, relative to the profile. Without it, the key gets a new self-signed certificate.
    pub certificate: Option<String>,
    /// The path of the private key, relative to the profile. Without it, the key is the derived one, and the certificate
    /// was signed elsewhere; or nobody here has the key.
    pub key: Option<String>,
    /// Whether the certificate is made anew with a later end.
    pub renew: bool,
    /// Whether nobody has the key any more: `previous` names the certificate alone.
    pub is_lost: bool,
    /// What was found in the files, once they are read.
    pub found: Option<Arc<FoundAuthority>>,
}

/// What a plan needs to know of the files of an adopted CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAuthority {
    /// The SHA-256 of the SubjectPublicKeyInfo in DER.
    pub spki_sha256: [u8; 32],
    /// The certificate. `None` when there is only a key.
    pub certificate: Option<FoundCertificate>,
}

/// What a plan needs to know of the certificate of an adopted CA, as it is in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCertificate {
    /// The SHA-256 of the certificate in DER.
    pub sha256: [u8; 32],
    /// The issuer, when it is another than the CA itself.
    pub issuer: Option<String>,
    /// The dates of the certificate. `issued_at` is the day of the first second.
    pub validity: Validity,
    /// The extended key usages to which the CA is limited, as object identifiers.
    pub usages: Vec<String>,
    /// The DNS names and addresses among the subject alternative names.
    pub alt_names: Vec<AltName>,
    /// How many CAs may stand between this CA and a leaf.
    pub path_length: Option<u8>,
    /// The names for which the CA may sign: `DNS:apps.internal`, `IP:10.0.0.0/8`.
    pub permitted: Vec<String>,
    /// The certificates above an intermediate, each the issuer of the one before. The last one signed itself. None of the
    /// CA of cert-manager, whose issuer is that of `[ca.tls]`.
    pub issuers: Arc<[RootCertificate]>,
}

impl FoundCertificate {
    /// Returns the root above an intermediate. Returns `None` for a root, and for the CA of cert-manager.
    #[must_use]
    pub fn root(&self) -> Option<&RootCertificate> {
        self.issuers.last()
    }
}
