//! Which files a profile names.

use crate::kubernetes::KeyId;
use crate::profile::{Authority, Profile};

/// The files from which a CA or a key is adopted, as the profile names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The id of the CA's key, or of the key.
    pub id: KeyId,
    /// The path of the certificate.
    pub certificate: Option<String>,
    /// The path of the private key.
    pub key: Option<String>,
}

/// Returns the files that a profile names, in the order of the CAs in a plan.
#[must_use]
pub fn wanted(profile: &Profile) -> Vec<Wanted> {
    let of_authority = |(id, authority): (KeyId, &Authority)| {
        let adoption = authority.adoption.as_ref()?;
        Some(Wanted { id, certificate: adoption.certificate.clone(), key: adoption.key.clone() })
    };
    let service_account = profile.service_account_adoption.iter().map(|adoption| Wanted {
        id: KeyId::ServiceAccount,
        certificate: None,
        key: Some(adoption.key.clone()),
    });
    authorities(profile).into_iter().filter_map(of_authority).chain(service_account).collect()
}

/// Returns every CA of a profile that can be adopted.
pub(super) fn authorities(profile: &Profile) -> Vec<(KeyId, &Authority)> {
    let kubeadms = [
        ("kubernetes", Some(&profile.kubernetes_ca)),
        ("etcd", profile.etcd_ca.as_ref()),
        ("front-proxy", Some(&profile.front_proxy_ca)),
    ];
    let further = [
        ("metallb", profile.metallb.as_ref().map(|metallb| &metallb.ca)),
        ("webhook", profile.webhook_ca.as_ref()),
        ("tls", profile.tls_ca.as_ref()),
        ("cert-manager", profile.cert_manager.as_ref().map(|cert_manager| &cert_manager.ca)),
    ];
    let all = kubeadms.into_iter().chain(further);
    all.filter_map(|(name, authority)| Some((KeyId::ca(name), authority?))).collect()
}

/// Returns the same CAs as [`authorities`], to be changed.
pub(super) fn authorities_mut(profile: &mut Profile) -> Vec<(KeyId, &mut Authority)> {
    let kubeadms = [
        ("kubernetes", Some(&mut profile.kubernetes_ca)),
        ("etcd", profile.etcd_ca.as_mut()),
        ("front-proxy", Some(&mut profile.front_proxy_ca)),
    ];
    let further = [
        ("metallb", profile.metallb.as_mut().map(|metallb| &mut metallb.ca)),
        ("webhook", profile.webhook_ca.as_mut()),
        ("tls", profile.tls_ca.as_mut()),
        ("cert-manager", profile.cert_manager.as_mut().map(|cert_manager| &mut cert_manager.ca)),
    ];
    let all = kubeadms.into_iter().chain(further);
    all.filter_map(|(name, authority)| Some((KeyId::ca(name), authority?))).collect()
}
