//! The sizes of primes.

use det_keygen::PrimeSize;

use crate::x509::KeyAlgorithm;

/// Returns the size of an RSA key's primes. Returns `None` for other algorithms.
pub(super) const fn prime_size(algorithm: KeyAlgorithm) -> Option<PrimeSize> {
    match algorithm {
        KeyAlgorithm::Rsa2048 => Some(PrimeSize::Bits1024),
        KeyAlgorithm::Rsa3072 => Some(PrimeSize::Bits1536),
        KeyAlgorithm::Rsa4096 => Some(PrimeSize::Bits2048),
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 => None,
    }
}
