//! The versions of kubeadm's configuration, and what of it depends on the Kubernetes version.

use super::since::Since;
use super::version::Version;
use crate::x509::KeyAlgorithm;

/// The name of the cluster in kubeconfigs, when kubeadm is told no other. Source: kubeadm v1.20.2,
/// apis/kubeadm/v1beta2/defaults.go `DefaultClusterName`.
pub const CLUSTER_NAME: &str = "kubernetes";

/// A version of kubeadm's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KubeadmApi {
    /// Of kubeadm 1.15 to 1.26.
    V1Beta2,
    /// Of kubeadm 1.22 to 1.36.
    V1Beta3,
    /// Of kubeadm from 1.31 on. Arguments are lists, and `ClusterConfiguration` has the periods for which kubeadm makes
    /// certificates, and the algorithm of their keys.
    V1Beta4,
}

/// Source: the release notes of 1.22 and 1.31; cmd/kubeadm/app/apis/kubeadm.
const V1BETA3: Since = Since(&[Version::new(22, 0)]);
const V1BETA4: Since = Since(&[Version::new(31, 0)]);
/// Source: the release notes of 1.34.
const TAKES_P384: Since = Since(&[Version::new(34, 0)]);
/// Source: kubeadm v1.20.2, features.go: `IPv6DualStack` is off. It is on from 1.21, and unknown from 1.25 on.
const HAS_DUAL_STACK: Since = Since(&[Version::new(21, 0)]);
/// Source: the release notes of 1.22, where kubeadm's default became `systemd`.
const ASKS_SYSTEMD_FOR_CGROUPS: Since = Since(&[Version::new(22, 0)]);

impl KubeadmApi {
    /// Returns the newest version that this kubeadm reads: a newer one warns of the older ones.
    #[must_use]
    pub fn of(version: Version) -> Self {
        match version {
            version if V1BETA4.includes(version) => Self::V1Beta4,
            version if V1BETA3.includes(version) => Self::V1Beta3,
            _ => Self::V1Beta2,
        }
    }

    /// Returns the name behind `kubeadm.k8s.io/`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1Beta2 => "v1beta2",
            Self::V1Beta3 => "v1beta3",
            Self::V1Beta4 => "v1beta4",
        }
    }

    /// Returns whether further arguments of a component are a list of names and values. Else they are a map.
    #[must_use]
    pub fn has_argument_lists(self) -> bool {
        self == Self::V1Beta4
    }

    /// Returns whether the configuration says for how long kubeadm makes certificates, and with which keys.
    #[must_use]
    pub fn has_periods(self) -> bool {
        self == Self::V1Beta4
    }
}

/// Returns what `encryptionAlgorithm` calls an algorithm, or `None` when this kubeadm does not know it.
#[must_use]
pub fn encryption_algorithm(algorithm: KeyAlgorithm, version: Version) -> Option<&'static str> {
    match algorithm {
        KeyAlgorithm::Rsa2048 => Some("RSA-2048"),
        KeyAlgorithm::Rsa3072 => Some("RSA-3072"),
        KeyAlgorithm::Rsa4096 => Some("RSA-4096"),
        KeyAlgorithm::EcdsaP256 => Some("ECDSA-P256"),
        KeyAlgorithm::EcdsaP384 => TAKES_P384.includes(version).then_some("ECDSA-P384"),
    }
}

/// Returns whether kubeadm takes two service subnets only with the feature gate `IPv6DualStack`.
#[must_use]
pub fn gates_dual_stack(version: Version) -> bool {
    !HAS_DUAL_STACK.includes(version)
}

/// Returns whether kubeadm has kubelets ask systemd for cgroups.
#[must_use]
pub fn has_systemd_cgroups(version: Version) -> bool {
    ASKS_SYSTEMD_FOR_CGROUPS.includes(version)
}

#[cfg(test)]
mod tests {
    use super::{KeyAlgorithm, KubeadmApi, Version, encryption_algorithm, gates_dual_stack, has_systemd_cgroups};

    #[test]
    fn each_kubeadm_gets_the_newest_that_it_reads() {
        for (minor, expected) in [
            (20, "v1beta2"),
            (21, "v1beta2"),
            (22, "v1beta3"),
            (30, "v1beta3"),
            (31, "v1beta4"),
            (36, "v1beta4"),
            (37, "v1beta4"),
        ] {
            let api = KubeadmApi::of(Version::new(minor, 2));
            assert_eq!((api.name(), api.has_periods()), (expected, minor >= 31), "1.{minor}");
        }
        assert_eq!([20, 21, 22].map(|minor| gates_dual_stack(Version::new(minor, 0))), [true, false, false]);
        assert_eq!([20, 21, 22].map(|minor| has_systemd_cgroups(Version::new(minor, 0))), [false, false, true]);
    }

    #[test]
    fn an_algorithm_that_kubeadm_does_not_know_has_no_name() {
        let named = |minor| KeyAlgorithm::ALL.map(|algorithm| encryption_algorithm(algorithm, Version::new(minor, 0)));
        let known = [Some("RSA-2048"), Some("RSA-3072"), Some("RSA-4096"), Some("ECDSA-P256")];
        assert_eq!((&named(33)[..4], named(33)[4]), (&known[..], None));
        assert_eq!((&named(34)[..4], named(34)[4]), (&known[..], Some("ECDSA-P384")));
    }
}
