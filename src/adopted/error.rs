//! Why a CA or a key cannot be adopted.

use thiserror::Error;
use time::OffsetDateTime;

use crate::keys::KeyFileError;
use crate::kubernetes::KeyId;
use crate::x509::instant;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file} of {table} {fault}", table = table(.id))]
pub struct AdoptError {
    /// The id of the CA's key, or of the key.
    pub id: KeyId,
    /// The path of the file, as the profile has it.
    pub file: String,
    /// Whether the profile names a file of the CA's private key.
    pub has_key: bool,
    /// Whether another CA has signed the CA, so that its own key cannot renew it.
    pub is_intermediate: bool,
    /// What is wrong. Its text continues a sentence that begins with the file.
    pub fault: Box<AdoptFault>,
}

/// Returns the table of the profile that says what becomes of a key: `[ca.kubernetes]`, `[service_account]`, `previous` of
/// `[ca.etcd]`.
#[must_use]
pub fn table(id: &KeyId) -> String {
    match id {
        KeyId::ServiceAccount => "[service_account]".to_owned(),
        KeyId::TrustedCa(_) | KeyId::TrustedServiceAccount => format!("`previous` of {}", table(&id.derived_as())),
        other => format!("[{}]", other.to_string().replace('/', ".")),
    }
}

impl AdoptError {
    /// Returns the table of the profile in which the file is named.
    #[must_use]
    pub fn table(&self) -> String {
        table(&self.id)
    }
}

/// What is wrong with a file, or with what the profile wants of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdoptFault {
    /// The file is not PEM, or has no certificate.
    #[error("holds no certificate in PEM")]
    NoCertificate,
    /// There is a private key beside the certificate.
    #[error("holds a private key, and the file of a certificate is for everybody")]
    KeyInCertificate,
    /// A certificate cannot be read; the value is what the decoder said.
    #[error("holds a certificate that cannot be read: {0}")]
    Unreadable(String),
    /// Go, in which Kubernetes is written, does not take the certificate.
    #[error("is refused by {go}, with which {} built: {reason}", programs(*.kubernetes))]
    Go {
        /// The release of Go.
        go: String,
        /// The minor version of Kubernetes that it built. `None` means later ones than that of the profile.
        kubernetes: Option<u32>,
        /// What Go says.
        reason: String,
    },
    /// The serial number is negative.
    #[error("has a negative serial number, which Go 1.23 and later refuse")]
    NegativeSerial,
    /// The certificate has extensions and is not of version 3.
    #[error("has extensions and is not of version 3, the only one that may have them (RFC 5280, section 4.1.2.1)")]
    OldVersion,
    /// The certificate has issuerUniqueID or subjectUniqueID.
    #[error("has a unique identifier of issuer or subject, which no CA may write (RFC 5280, section 4.1.2.8)")]
    UniqueIdentifiers,
    /// The first certificate is not that of a CA.
    #[error("is not a CA: its basicConstraints do not say CA:TRUE")]
    NotACa,
    /// The CA may not sign certificates.
    #[error("may not sign certificates: its keyUsage lacks keyCertSign")]
    NoCertSign,
    /// The RSA key is small.
    #[error("has an RSA key of {bits} bits; at least 2048 are needed")]
    SmallKey {
        /// Bits of the modulus.
        bits: usize,
    },
    /// The RSA key has a size with which certferry does not sign.
    #[error("has an RSA key of {bits} bits; certferry signs with 2048, 3072 and 4096")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// The key is of another kind, whose name this is.
    #[error("has a key of the kind {0}, which kubeadm does not take")]
    OtherKind(String),
    /// The signature has a broken hash, whose name this is.
    #[error("is signed with {0}, which can be forged")]
    BrokenHash(&'static str),
    /// The certificate names itself as its issuer and did not sign itself.
    #[error("names itself as its issuer, and its own key did not sign it")]
    NotSelfSigned,
    /// The signature has an algorithm, whose object identifier this is, that is not known here.
    #[error("is signed by the algorithm {0}, which certferry does not check")]
    UnknownSignature(String),
    /// The certificate ends before the cluster's certificates begin.
    #[error("ended on {}, before `issued_at` ({})", instant(*not_after), issued_at.date())]
    Ended {
        /// The last second of the certificate.
        not_after: OffsetDateTime,
        /// The day from which the cluster's validity counts.
        issued_at: OffsetDateTime,
    },
    /// The certificate begins after the cluster's certificates.
    #[error("begins on {}, after `issued_at` ({})", instant(*not_before), issued_at.date())]
    NotYetValid {
        /// The first second of the certificate.
        not_before: OffsetDateTime,
        /// The day from which the cluster's validity counts.
        issued_at: OffsetDateTime,
    },
    /// A certificate of the chain does not follow.
    #[error("has its certificates in the wrong order: number {number} did not sign the one before it")]
    WrongOrder {
        /// The position of the certificate that does not follow, counted from 1.
        number: usize,
    },
    /// The issuers of an intermediate do not reach a root.
    #[error("is an intermediate, and the certificate of its issuer {issuer} is not behind it")]
    Incomplete {
        /// The subject of the first issuer that is missing.
        issuer: String,
    },
    /// There are more issuers than any program follows.
    #[error("holds {count} issuers of the CA; at most {most} are taken")]
    ManyIssuers {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Something is wrong with a certificate above the CA.
    #[error("holds as certificate {number} the issuer {subject}, which {fault}")]
    Issuer {
        /// The position of the issuer's certificate in the file, counted from 1.
        number: usize,
        /// Its subject.
        subject: String,
        /// What is wrong with it.
        fault: Box<AdoptFault>,
    },
    /// The path length of an issuer forbids CAs below it.
    #[error("has the path length {length}, and {} would stand below it", authorities(*count))]
    ShortPath {
        /// The path length.
        length: u8,
        /// How many CAs there are between the issuer and leaves.
        count: usize,
    },
    /// Something below an issuer would end after it.
    #[error("ends on {}, before {} below it{}", instant(*not_after), first, further(*count))]
    EndsBefore {
        /// The end of the issuer.
        not_after: OffsetDateTime,
        /// The id of the first certificate that would outlive it.
        first: KeyId,
        /// How many would.
        count: usize,
    },
    /// An intermediate cannot be renewed by its own key.
    #[error("is signed by {issuer}, which alone can renew it")]
    RenewedIntermediate {
        /// The issuer.
        issuer: String,
    },
    /// The renewed certificate would end earlier.
    #[error("would end on {} when renewed, and ends on {} as it is", instant(*renewed), instant(*not_after))]
    NotLater {
        /// The end of the certificate in the file.
        not_after: OffsetDateTime,
        /// The end that the profile gives it.
        renewed: OffsetDateTime,
    },
    /// The intermediate for cert-manager is not below the root that the profile names.
    #[error("is not signed by the CA of [ca.tls]")]
    NotBelowTls,
    /// The private key cannot be taken.
    #[error("{0}")]
    Key(#[from] KeyFileError),
    /// The private key is that of another certificate.
    #[error("is not the key of the certificate {certificate}")]
    OtherKey {
        /// The path of the certificate.
        certificate: String,
    },
    /// MetalLB's rotation reads RSA keys only.
    #[error("is not an RSA key, the only kind that MetalLB's controller reads")]
    MetallbKey,
    /// The CA breaks a rule that certificates must keep; the texts are its id and what is wrong.
    #[error("{detail} (rule {rule})")]
    Rule {
        /// The id of the rule.
        rule: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A certificate below the CA would end after it.
    #[error("ends on {}, before {} that it would sign{}", instant(*not_after), first, further(*count))]
    Outlived {
        /// The end of the CA.
        not_after: OffsetDateTime,
        /// The id of the first certificate that would outlive it.
        first: KeyId,
        /// Whether that certificate is there already.
        is_there: bool,
        /// How many would.
        count: usize,
    },
    /// The previous CA and the one that follows it have one key.
    #[error("is the certificate of the very CA to which the cluster is to move")]
    SameAsNext,
    /// Two CAs of one name would stand in one file, and the certificates below one of them do not say which key they mean.
    #[error("has the subject of the CA to which the cluster moves, and no subjectKeyIdentifier")]
    OneName {
        /// The generation of the CA to which the cluster moves.
        generation: u32,
        /// The common name of both.
        common_name: String,
    },
    /// The file holds no public key.
    #[error("holds no public key in PEM (`PUBLIC KEY`)")]
    NoPublicKey,
    /// The public key is of a kind that does not sign tokens.
    #[error("holds a public key that is neither RSA of 2048, 3072 or 4096 bits nor ECDSA on P-256 or P-384")]
    OtherPublicKey,
    /// The CA and the one above it have one key.
    #[error("has the key of the CA of [ca.tls], and is to be a CA below it")]
    SameAsTls,
    /// Whoever signed the request gave the CA other limits than those of the request.
    #[error("has {found} as its {what}, and [cert_manager] asks for {wanted}")]
    NotAsRequested {
        /// The limit.
        what: &'static str,
        /// Its value in the certificate.
        found: String,
        /// Its value in the request.
        wanted: String,
    },
    /// The certificate names another key of its issuer.
    #[error(
        "names another key of its issuer (authorityKeyIdentifier) than the CA of [ca.tls] has (subjectKeyIdentifier)"
    )]
    OtherIssuerKey,
    /// A certificate below the CA would end before the CA begins.
    #[error("begins on {}, after the end of {first} that it would sign", instant(*not_before))]
    BeginsLate {
        /// The begin of the CA.
        not_before: OffsetDateTime,
        /// The id of the first certificate that would end before it.
        first: KeyId,
    },
    /// The path length forbids a CA below this one.
    #[error("has the path length 0, which forbids {0} below it")]
    PathLength(KeyId),
    /// The extended key usages of the CA leave out one that a certificate below it needs.
    #[error("is not for {usage} (extendedKeyUsage), for which {id} below it is")]
    Usage {
        /// The id of the certificate.
        id: KeyId,
        /// The usage.
        usage: String,
    },
    /// The name constraints of the CA leave out a name of a certificate below it.
    #[error("may not sign {id}: {reason}")]
    NotPermitted {
        /// The id of the certificate.
        id: KeyId,
        /// What Go says.
        reason: String,
    },
}

fn programs(kubernetes: Option<u32>) -> String {
    match kubernetes {
        Some(minor) => format!("a release of Kubernetes 1.{minor} is"),
        None => "later releases of Kubernetes are".to_owned(),
    }
}

fn authorities(count: usize) -> String {
    if count == 1 { "one CA".to_owned() } else { format!("{count} CAs") }
}

fn further(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => ", and one more".to_owned(),
        more => format!(", and {} more", more - 1),
    }
}
