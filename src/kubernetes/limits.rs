//! What some versions of Kubernetes cannot do yet.

use super::since::Since;
use super::version::Version;

/// The versions whose `kubeadm join --control-plane` takes a `sa.key` that is not RSA. Earlier ones end with "the
/// private key file ... isn't in RSA format".
///
/// Source: kubernetes pull request 112508 of September 2022, and its picks 112534 to 112537 to 1.25, 1.24, 1.23 and
/// 1.22. The kubeadm of 1.20 and 1.21 was never mended.
pub const JOINS_WITH_ECDSA_SERVICE_ACCOUNT: Since =
    Since(&[Version::new(22, 15), Version::new(23, 12), Version::new(24, 6), Version::new(25, 2), Version::new(26, 0)]);
