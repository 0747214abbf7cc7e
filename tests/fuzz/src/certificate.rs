//! Certificates in DER, or whatever claims to be one.

use certferry::x509::{PemError, ReadCertificate, read_pem};
use der::pem::{LineEnding, encode_string};

use super::part;

/// What is taken is DER byte for byte, can be asked for anything, linted and chained.
pub fn run(der: &[u8]) {
    let Ok(certificate) = ReadCertificate::from_der(der) else { return };
    assert_eq!(certificate.der(), der);
    assert!(certificate.not_after().year() <= 9999);
    let _ = (certificate.subject(), certificate.issuer(), certificate.common_name(), certificate.organizations());
    let Ok(pem) = encode_string("CERTIFICATE", LineEnding::LF, der) else { return };
    match read_pem(pem.as_bytes()) {
        Ok(contents) => assert_eq!(contents.certificates[0].der(), der),
        Err(error) => assert!(matches!(error, PemError::NotPem), "{error:?}"),
    }
    // As the CA of itself, too: it may well say that it is.
    part::check(&[("etc/kubernetes/pki/ca.crt", pem.as_bytes()), ("etc/kubernetes/pki/apiserver.crt", pem.as_bytes())]);
}
