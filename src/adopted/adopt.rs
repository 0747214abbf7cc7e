//! Turns a profile and the bytes of the files that it names into a profile that knows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use der::pem::{LineEnding, decode_vec, encode_string};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::authority::{Wish, is_intermediate};
use super::below;
use super::certificate::{CheckedCertificate, check};
use super::error::{AdoptError, AdoptFault};
use super::roles::{AdoptWarning, warnings};
use super::wanted::authorities;
use crate::go::{Curve, PublicKey};
use crate::keys::PrivateKey;
use crate::kubernetes::{KeyId, Purpose};
use crate::plan::plan;
use crate::profile::{
    Authority, FoundAuthority, FoundCertificate, Profile, RootCertificate, Rotation, ServiceAccountKey,
};
use crate::x509::{AltName, DistinguishedName, KeyAlgorithm, ReadCertificate, Validity, read_pem};

/// The bytes of a file. They are wiped when dropped, because they may be a key.
pub type Content = Zeroizing<Vec<u8>>;

/// Certificates and keys that were adopted.
#[derive(Default)]
pub struct Adopted {
    /// The certificates of CAs, as they are in their files.
    pub certificates: BTreeMap<KeyId, ReadCertificate>,
    /// The private keys. One whose file is not at hand is missing.
    pub keys: BTreeMap<KeyId, Arc<PrivateKey>>,
    /// The public keys in PEM of which nobody has the private ones.
    pub public_keys: BTreeMap<KeyId, String>,
    /// What a person should know.
    pub warnings: Vec<AdoptWarning>,
}

/// What a profile that names no files adopts.
static NOTHING: Adopted = Adopted {
    certificates: BTreeMap::new(),
    keys: BTreeMap::new(),
    public_keys: BTreeMap::new(),
    warnings: Vec::new(),
};

impl Adopted {
    /// Returns what a profile adopts that names no files: nothing.
    #[must_use]
    pub fn nothing() -> &'static Self {
        &NOTHING
    }

    /// Returns what belongs to the profile [in a phase](Profile::in_phase) of its rotation, without the warnings. In phase 1
    /// the CAs that rotate and their previous ones change places, and in phase 3 the previous ones are gone.
    #[must_use]
    pub fn in_phase(&self, number: u32, rotating: &[KeyId]) -> Self {
        let place = |id: &KeyId| match (number, rotating.iter().find(|own| *own == &*id.derived_as())) {
            (1, Some(own)) if id == own => own.trusted(),
            (1, Some(own)) => Some(own.clone()),
            (3, Some(own)) if id != own => None,
            _ => Some(id.clone()),
        };
        fn moved<T: Clone>(all: &BTreeMap<KeyId, T>, place: impl Fn(&KeyId) -> Option<KeyId>) -> BTreeMap<KeyId, T> {
            all.iter().filter_map(|(id, value)| Some((place(id)?, value.clone()))).collect()
        }
        Self {
            certificates: moved(&self.certificates, place),
            keys: moved(&self.keys, place),
            public_keys: moved(&self.public_keys, place),
            warnings: Vec::new(),
        }
    }
}

/// Checks the files that a profile names, and returns the profile with what is in them.
///
/// `files` holds the content of each file by its path in the profile. The key of a CA whose certificate is there may be
/// missing: a plan can be made without it.
///
/// # Errors
/// Returns an [`AdoptError`] for every CA and key that cannot be adopted: the first thing that is wrong with it.
pub fn adopt(profile: &Profile, files: &BTreeMap<String, Content>) -> Result<(Profile, Adopted), Vec<AdoptError>> {
    let (mut adopted, mut errors) = (Adopted::default(), Vec::new());
    let mut known = profile.clone();
    let mut checked = BTreeMap::new();
    let context = Context { files, issued_at: profile.cluster.issued_at.midnight().assume_utc(), profile };
    for (id, authority) in known.authorities_mut() {
        let trusted = id.trusted();
        errors.extend(context.adopt(&id, authority, &mut adopted, &mut checked).err());
        if let (Some(previous), Some(trusted)) = (&mut authority.previous, trusted) {
            errors.extend(context.adopt(&trusted, previous, &mut adopted, &mut checked).err());
            errors.extend(check_previous(authority, &trusted, &checked));
        }
    }
    let key = &mut known.service_account;
    errors.extend(context.adopt_key(&KeyId::ServiceAccount, key, &mut adopted).err());
    if let Some(previous) = &mut key.previous {
        errors.extend(context.adopt_key(&KeyId::TrustedServiceAccount, previous, &mut adopted).err());
    }
    if errors.is_empty() {
        errors.extend(check_limits(&known, &checked));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    adopted.warnings = warnings(&known);
    adopted.warnings.extend(checked.iter().flat_map(|(id, own)| outlived(id, own)));
    Ok((known, adopted))
}

/// Holds what is planned below each adopted CA against its limits.
fn check_limits(profile: &Profile, checked: &BTreeMap<KeyId, CheckedCertificate>) -> Vec<AdoptError> {
    let before = profile.in_phase(1);
    let (plan, plan_before) = (plan(profile), plan(&before));
    let mut errors = Vec::new();
    for (id, authority) in authorities(profile) {
        let Some(own) = checked.get(&id) else { continue };
        let file = || authority.adoption.as_ref().and_then(|adoption| adoption.certificate.clone()).unwrap_or_default();
        let cert_manager = profile.cert_manager.as_ref().filter(|_| id == CERT_MANAGER);
        let root = checked.get(&KeyId::ca("tls")).map(|root| &root.certificate);
        let as_requested = || {
            cert_manager.map_or(Ok(()), |cert_manager| below::check_intermediate(cert_manager, &own.certificate, root))
        };
        // What is below a previous CA is there in phase 1.
        let plan = if *id.derived_as() == id { &plan } else { &plan_before };
        let fault = below::check(plan, &id.derived_as(), own).and_then(|()| as_requested()).err();
        let has_key = authority.adoption.as_ref().is_some_and(|adoption| adoption.key.is_some());
        let is_intermediate = is_intermediate(&own.certificate);
        errors.extend(fault.map(|fault| AdoptError {
            id: id.clone(),
            file: file(),
            has_key,
            is_intermediate,
            fault: Box::new(fault),
        }));
    }
    errors
}

struct Context<'a> {
    files: &'a BTreeMap<String, Content>,
    issued_at: time::OffsetDateTime,
    profile: &'a Profile,
}

/// What was read of one CA.
struct Read {
    certificate: Option<CheckedCertificate>,
    key: Option<PrivateKey>,
    found: FoundAuthority,
}

impl Context<'_> {
    /// Adopts the files of one CA.
    fn adopt(
        &self,
        id: &KeyId,
        authority: &mut Authority,
        adopted: &mut Adopted,
        checked: &mut BTreeMap<KeyId, CheckedCertificate>,
    ) -> Result<(), AdoptError> {
        let Some(adoption) = &mut authority.adoption else { return Ok(()) };
        let Read { certificate, key, found } = self.read(id, adoption, authority.validity)?;
        if let Some(key) = &key {
            authority.algorithm = key.algorithm();
        }
        if let (Some(certificate), Some(found)) = (&certificate, &found.certificate) {
            authority.algorithm = certificate.algorithm;
            authority.subject = DistinguishedName::of(&certificate.certificate);
            authority.common_name.clone_from(&authority.subject.common_name);
            authority.validity = match adoption.renew {
                true => Validity { not_before: found.validity.not_before, ..authority.validity },
                false => found.validity,
            };
        }
        adoption.found = Some(Arc::new(found));
        adopted.keys.extend(key.map(|key| (id.clone(), Arc::new(key))));
        if let Some(certificate) = certificate {
            adopted.certificates.insert(id.clone(), certificate.certificate.clone());
            checked.insert(id.clone(), certificate);
        }
        Ok(())
    }

    /// Adopts the file of a key that signs the tokens of service accounts.
    fn adopt_key(&self, id: &KeyId, key: &mut ServiceAccountKey, adopted: &mut Adopted) -> Result<(), AdoptError> {
        let Some(adoption) = &mut key.adoption else { return Ok(()) };
        if key.is_lost {
            let content = self.files.get(&adoption.key).map(|content| content.as_slice()).unwrap_or_default();
            let (algorithm, spki) = public_key(content).map_err(|fault| AdoptError {
                id: id.clone(),
                file: adoption.key.clone(),
                has_key: false,
                is_intermediate: false,
                fault: Box::new(fault),
            })?;
            adoption.found = Some(Sha256::digest(&spki).into());
            key.algorithm = algorithm;
            let pem = encode_string("PUBLIC KEY", LineEnding::LF, &spki).unwrap_or_default();
            adopted.public_keys.insert(id.clone(), pem);
        } else if let Some(read) = self.key(id, &adoption.key)? {
            adoption.found = Some(Sha256::digest(read.spki_der()).into());
            key.algorithm = read.algorithm();
            adopted.keys.insert(id.clone(), Arc::new(read));
        }
        Ok(())
    }

    fn read(&self, id: &KeyId, adoption: &crate::profile::Adoption, validity: Validity) -> Result<Read, AdoptError> {
        let has_key = adoption.key.is_some();
        let content = |file: &String| self.files.get(file).map(|content| content.as_slice()).unwrap_or_default();
        let read = adoption.certificate.as_ref().and_then(|file| read_pem(content(file)).ok());
        let first = read.as_ref().and_then(|read| read.certificates.first());
        let is_intermediate = *id == CERT_MANAGER || first.is_some_and(is_intermediate);
        let error = |file: &String, fault| AdoptError {
            id: id.clone(),
            file: file.clone(),
            has_key,
            is_intermediate,
            fault: Box::new(fault),
        };
        let certificate = adoption.certificate.as_ref().map(|file| {
            let wish = Wish {
                is_renewed: adoption.renew,
                issued_at: self.issued_at,
                kubernetes: self.profile.cluster.kubernetes,
                purpose: self.purpose(id),
                is_below_tls: *id == CERT_MANAGER,
            };
            check(content(file), &wish).map_err(|fault| error(file, fault))
        });
        let certificate = certificate.transpose()?;
        if let (Some(own), Some(file), true) = (&certificate, &adoption.certificate, adoption.renew) {
            let not_after = own.certificate.not_after();
            if validity.not_after <= not_after {
                return Err(error(file, AdoptFault::NotLater { not_after, renewed: validity.not_after }));
            }
        }
        let key = adoption.key.as_ref().map(|file| self.key(id, file)).transpose()?.flatten();
        if let (Some(own), Some(key), Some(file), Some(certificate)) =
            (&certificate, &key, &adoption.key, &adoption.certificate)
            && own.certificate.spki_der() != key.spki_der()
        {
            return Err(error(file, AdoptFault::OtherKey { certificate: certificate.clone() }));
        }
        if let (Some(key), Some(file)) = (&key, &adoption.key)
            && self.purpose(id) == Purpose::MetallbCa
            && !key.algorithm().is_rsa()
        {
            return Err(error(file, AdoptFault::MetallbKey));
        }
        let spki = certificate.as_ref().map(|own| own.certificate.spki_der());
        let spki = spki.or_else(|| key.as_ref().map(PrivateKey::spki_der)).unwrap_or_default();
        let found =
            FoundAuthority { spki_sha256: Sha256::digest(spki).into(), certificate: certificate.as_ref().map(found) };
        Ok(Read { certificate, key, found })
    }

    /// Returns the key in a file, or `None` when the file is not at hand.
    fn key(&self, id: &KeyId, file: &str) -> Result<Option<PrivateKey>, AdoptError> {
        let Some(content) = self.files.get(file) else { return Ok(None) };
        let key = PrivateKey::from_pem(content);
        key.map(Some).map_err(|fault| AdoptError {
            id: id.clone(),
            file: file.to_owned(),
            has_key: true,
            is_intermediate: false,
            fault: Box::new(fault.into()),
        })
    }

    fn purpose(&self, id: &KeyId) -> Purpose {
        match id {
            KeyId::Ca(name) | KeyId::TrustedCa(name) => match Purpose::of_ca(name) {
                // Only MetalLB's rotation asks more of this CA than is asked of the CA of any webhook.
                Purpose::MetallbCa if !self.metallb_rotates() => Purpose::Other,
                purpose => purpose,
            },
            _ => Purpose::Other,
        }
    }

    fn metallb_rotates(&self) -> bool {
        self.profile.metallb.as_ref().is_some_and(|metallb| metallb.rotation == Rotation::Cooperate)
    }
}

/// Checks that a previous CA can stand in one file with the one that follows it.
fn check_previous(
    authority: &Authority,
    id: &KeyId,
    checked: &BTreeMap<KeyId, CheckedCertificate>,
) -> Option<AdoptError> {
    let previous = authority.previous()?;
    let own = checked.get(id)?;
    let file = previous.adoption.as_ref()?.certificate.clone()?;
    let is_same = authority.found().map(|found| found.spki_sha256) == previous.found().map(|found| found.spki_sha256);
    let has_its_name = authority.subject.to_der().ok() == previous.subject.to_der().ok();
    let fault = if is_same {
        AdoptFault::SameAsNext
    } else if has_its_name && own.certificate.subject_key_identifier().is_none() {
        AdoptFault::OneName { generation: authority.generation, common_name: authority.common_name.clone() }
    } else {
        return None;
    };
    let has_key = previous.adoption.as_ref().is_some_and(|adoption| adoption.key.is_some());
    Some(AdoptError { id: id.clone(), file, has_key, is_intermediate: false, fault: Box::new(fault) })
}

/// Returns the algorithm and the SubjectPublicKeyInfo of a public key in PEM.
fn public_key(content: &[u8]) -> Result<(KeyAlgorithm, Vec<u8>), AdoptFault> {
    let (label, spki) = decode_vec(content).map_err(|_| AdoptFault::NoPublicKey)?;
    if label != "PUBLIC KEY" {
        return Err(AdoptFault::NoPublicKey);
    }
    let key = PublicKey::parse(&spki).ok_or(AdoptFault::OtherPublicKey)?;
    let algorithm = match (&key, key.rsa_bits()) {
        (_, Some(2048)) => KeyAlgorithm::Rsa2048,
        (_, Some(3072)) => KeyAlgorithm::Rsa3072,
        (_, Some(4096)) => KeyAlgorithm::Rsa4096,
        (PublicKey::Ec(Curve::P256, _), _) => KeyAlgorithm::EcdsaP256,
        (PublicKey::Ec(Curve::P384, _), _) => KeyAlgorithm::EcdsaP384,
        _ => return Err(AdoptFault::OtherPublicKey),
    };
    Ok((algorithm, spki))
}

/// The CA whose issuer is the CA of `[ca.tls]`.
const CERT_MANAGER: KeyId = KeyId::ca("cert-manager");

/// Returns the warning of a CA that ends after one of its issuers. What is planned below it does not.
fn outlived(id: &KeyId, own: &CheckedCertificate) -> Option<AdoptWarning> {
    let end = own.certificate.not_after();
    let first = own.issuers.iter().min_by_key(|issuer| issuer.certificate.not_after())?;
    let not_after = first.certificate.not_after();
    let issuer = first.certificate.subject();
    (not_after < end).then(|| AdoptWarning::Outlives { id: id.clone(), issuer, not_after })
}

fn found(own: &CheckedCertificate) -> FoundCertificate {
    let certificate = &own.certificate;
    FoundCertificate {
        sha256: Sha256::digest(certificate.der()).into(),
        issuer: is_intermediate(certificate).then(|| certificate.issuer()),
        issuers: own.issuers.iter().map(|issuer| RootCertificate::of(&issuer.certificate)).collect(),
        validity: Validity {
            issued_at: certificate.not_before().date(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        },
        usages: certificate.usages().iter().map(ToString::to_string).collect(),
        alt_names: certificate.alt_names().iter().map(AltName::clone).collect(),
        path_length: certificate.path_length(),
        permitted: certificate.permitted_names().to_vec(),
    }
}
