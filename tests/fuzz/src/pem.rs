//! PEM files: certificates, keys, both; and a signer's public key.

use certferry::go::{GoVersion, check_key_pair, public_keys, trusted};
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

/// Whatever is taken can be looked at, and a public key is the file that it would write. As Go reads it, too, whose rules
/// differ by version.
pub fn run(file: &[u8]) {
    if let Ok(contents) = read_pem(file) {
        assert!(!contents.certificates.is_empty() || !contents.public_keys.is_empty());
        part::check(&PATHS.map(|path| (path, file)));
    }
    for minor in [15, 19, 26] {
        let go = GoVersion(minor, 0);
        let _ = (trusted(file, go).len(), check_key_pair(file, file, go).map(|chain| chain.len()));
    }
    let _ = public_keys(file);
    if let Ok(key) = PublicKey::from_pem(file) {
        assert_eq!(key.to_pem().as_bytes(), file);
    }
}
