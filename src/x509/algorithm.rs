//! The key algorithms a profile may name.

/// RSA keys of fewer bits are broken, or will be (NIST SP 800-131A, revision 2, section 3).
pub const RSA_BITS: usize = 2048;

/// A key algorithm, named as in a profile and in a key's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    /// RSA, modulus of 2048 bits, exponent 65537.
    Rsa2048,
    /// RSA, modulus of 3072 bits, exponent 65537.
    Rsa3072,
    /// RSA, modulus of 4096 bits, exponent 65537.
    Rsa4096,
    /// ECDSA on P-256 (secp256r1).
    EcdsaP256,
    /// ECDSA on P-384 (secp384r1).
    EcdsaP384,
}

impl KeyAlgorithm {
    /// Every algorithm, in the order the manual lists them.
    pub const ALL: [Self; 5] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::EcdsaP256, Self::EcdsaP384];

    /// The name used in profiles, labels and locks.
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

    /// The algorithm of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether keyEncipherment makes sense for keys of this algorithm (RFC 8813, section 3: not for EC keys).
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }
}
