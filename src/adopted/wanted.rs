//! Which files a profile names.

use crate::kubernetes::KeyId;
use crate::profile::{Authority, Profile, ServiceAccountKey};

/// The files from which a CA or a key is adopted, as the profile names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The id of the CA's key, or of the key.
    pub id: KeyId,
    /// The path of the certificate.
    pub certificate: Option<String>,
    /// The path of the private key.
    pub key: Option<String>,
    /// The path of a public key whose private key nobody has any more.
    pub public_key: Option<String>,
}

/// Returns the files that a profile names, in the order of the CAs in a plan.
#[must_use]
pub fn wanted(profile: &Profile) -> Vec<Wanted> {
    let of_authority = |(id, authority): (KeyId, &Authority)| {
        let adoption = authority.adoption.as_ref()?;
        Some(Wanted { id, certificate: adoption.certificate.clone(), key: adoption.key.clone(), public_key: None })
    };
    let own = &profile.service_account;
    let keys = [(KeyId::ServiceAccount, Some(own)), (KeyId::TrustedServiceAccount, own.previous.as_deref())];
    let of_key = |(id, key): (KeyId, Option<&ServiceAccountKey>)| {
        let (key, file) = (key?, key?.adoption.as_ref()?.key.clone());
        let (key, public_key) = if key.is_lost { (None, Some(file)) } else { (Some(file), None) };
        Some(Wanted { id, certificate: None, key, public_key })
    };
    authorities(profile).into_iter().filter_map(of_authority).chain(keys.into_iter().filter_map(of_key)).collect()
}

/// Returns every CA of a profile that can be adopted, those before a rotation behind those after it.
pub(super) fn authorities(profile: &Profile) -> Vec<(KeyId, &Authority)> {
    let all = profile.authorities().into_iter();
    let both = |(id, authority): (KeyId, _)| {
        let previous = id.trusted().zip(Authority::previous(authority));
        [(id, authority)].into_iter().chain(previous)
    };
    all.flat_map(both).collect()
}
