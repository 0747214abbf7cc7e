//! PEM files: certificates, keys, both; and a signer's public key.

use certferry::sign::PublicKey;
use certferry::x509::read_pem;

use super::part;

/// The file under every name that decides what it should hold.
const PATHS: [&str; 4] = [
    "etc/kubernetes/pki/ca.crt",
    "etc/kubernetes/pki/apiserver.crt",
    "etc/kubernetes/pki/sa.key",
    "var/lib/kubelet/pki/kubelet-client-current.pem",
];

/// Whatever is taken can be looked at, and a public key is the file that it would write.
pub fn run(file: &[u8]) {
    if let Ok(contents) = read_pem(file) {
        assert!(!contents.certificates.is_empty() || !contents.public_keys.is_empty());
        part::check(&PATHS.map(|path| (path, file)));
    }
    if let Ok(key) = PublicKey::from_pem(file) {
        assert_eq!(key.to_pem().as_bytes(), file);
    }
}
