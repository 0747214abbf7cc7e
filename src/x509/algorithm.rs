//! The key algorithms a profile may name.

/// The fewest bits of an RSA modulus that is accepted. Smaller keys are broken, or will be (NIST SP 800-131A, revision
/// 2, section 3).
pub const RSA_BITS: usize = 2048;

/// A key algorithm that a profile may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    /// RSA with a modulus of 2048 bits and exponent 65537.
    Rsa2048,
    /// RSA with a modulus of 3072 bits and exponent 65537.
    Rsa3072,
    /// RSA with a modulus of 4096 bits and exponent 65537.
    Rsa4096,
    /// ECDSA on P-256 (secp256r1).
    EcdsaP256,
    /// ECDSA on P-384 (secp384r1).
    EcdsaP384,
}

impl KeyAlgorithm {
    /// Every algorithm, in the order in which the manual lists them.
    pub const ALL: [Self; 5] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::EcdsaP256, Self::EcdsaP384];

    /// Returns the name that profiles, labels of keys and locks use, such as `rsa-2048`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
        }
    }

    /// Returns the algorithm with this name, or `None` when no algorithm has it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Returns whether this is RSA. Only RSA keys may have keyEncipherment; EC keys may not (RFC 8813, section 3).
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }
}
