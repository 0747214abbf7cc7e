//! The phases of a rotation: which CA issues in each, and which is trusted beside it.

use super::ca::Authority;
use super::model::{Profile, ServiceAccountKey};
use crate::kubernetes::KeyId;

/// The phases of a rotation. A bundle that is not part of one has phase 0.
pub const PHASES: [u32; 3] = [1, 2, 3];

impl Profile {
    /// Returns every CA of the profile, in the order of a plan. The CAs that belong to one webhook each are not among them.
    #[must_use]
    pub fn authorities(&self) -> Vec<(KeyId, &Authority)> {
        let kubeadms = [
            ("kubernetes", Some(&self.kubernetes_ca)),
            ("etcd", self.etcd_ca.as_ref()),
            ("front-proxy", Some(&self.front_proxy_ca)),
        ];
        let further = [
            ("metallb", self.metallb.as_ref().map(|metallb| &metallb.ca)),
            ("webhook", self.webhook_ca.as_ref()),
            ("tls", self.tls_ca.as_ref()),
            ("cert-manager", self.cert_manager.as_ref().map(|cert_manager| &cert_manager.ca)),
        ];
        let all = kubeadms.into_iter().chain(further);
        all.filter_map(|(name, authority)| Some((KeyId::ca(name), authority?))).collect()
    }

    /// Returns the same CAs as [`Self::authorities`], to be changed.
    #[must_use]
    pub fn authorities_mut(&mut self) -> Vec<(KeyId, &mut Authority)> {
        let kubeadms = [
            ("kubernetes", Some(&mut self.kubernetes_ca)),
            ("etcd", self.etcd_ca.as_mut()),
            ("front-proxy", Some(&mut self.front_proxy_ca)),
        ];
        let further = [
            ("metallb", self.metallb.as_mut().map(|metallb| &mut metallb.ca)),
            ("webhook", self.webhook_ca.as_mut()),
            ("tls", self.tls_ca.as_mut()),
            ("cert-manager", self.cert_manager.as_mut().map(|cert_manager| &mut cert_manager.ca)),
        ];
        let all = kubeadms.into_iter().chain(further);
        all.filter_map(|(name, authority)| Some((KeyId::ca(name), authority?))).collect()
    }

    /// Returns what rotates in phases, in the order of the ids: each CA with a `previous`, and `sa`. There is nothing in
    /// most profiles, and in one that is [in a phase](Self::in_phase).
    #[must_use]
    pub fn rotating(&self) -> Vec<KeyId> {
        let authorities = self.authorities().into_iter().filter(|(_, authority)| authority.previous.is_some());
        let service_account = self.service_account.previous.is_some().then_some(KeyId::ServiceAccount);
        let mut ids: Vec<_> = authorities.map(|(id, _)| id).chain(service_account).collect();
        ids.sort_unstable();
        ids
    }

    /// Returns the profile as it is in a phase of its rotation, 1 to 3.
    ///
    /// In phase 1 each rotating CA is still the previous one, and the next one is trusted beside it. In phase 2 it is the
    /// other way round, and in phase 3 the previous one is gone. Any other number gives the profile as it was before the
    /// rotation.
    #[must_use]
    pub fn in_phase(&self, number: u32) -> Self {
        let mut profile = self.clone();
        profile.phase = if PHASES.contains(&number) { number } else { 0 };
        profile.trust_only = number == 1 && self.is_trust_only();
        for (_, authority) in profile.authorities_mut() {
            let Some(previous) = authority.previous.take() else { continue };
            match number {
                1 => authority.trusted = Some(Box::new(std::mem::replace(authority, *previous))),
                2 => authority.trusted = Some(previous),
                3 => {}
                _ => *authority = *previous,
            }
        }
        let key = &mut profile.service_account;
        if let Some(previous) = key.previous.take() {
            match number {
                1 => key.trusted = Some(Box::new(std::mem::replace(key, *previous))),
                2 => key.trusted = Some(previous),
                3 => {}
                _ => *key = *previous,
            }
        }
        profile
    }

    /// Returns the profile as it was before the rotation. The profile must be in phase 1.
    #[must_use]
    pub fn before_rotation(&self) -> Self {
        let mut profile = self.clone();
        (profile.phase, profile.trust_only) = (0, false);
        profile.authorities_mut().into_iter().for_each(|(_, authority)| authority.trusted = None);
        profile.service_account.trusted = None;
        profile
    }

    /// Returns whether phase 1 of the rotation can carry trust alone, because nobody has the key of a previous CA or the
    /// previous key of service accounts.
    #[must_use]
    pub fn is_trust_only(&self) -> bool {
        let is_lost = |authority: &Authority| authority.adoption.as_ref().is_some_and(|adoption| adoption.is_lost);
        let previous = self.authorities().into_iter().filter_map(|(_, authority)| authority.previous.as_deref());
        let key: Option<&ServiceAccountKey> = self.service_account.previous.as_deref();
        previous.into_iter().any(is_lost) || key.is_some_and(|key| key.is_lost)
    }
}
