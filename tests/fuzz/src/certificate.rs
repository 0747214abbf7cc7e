//! Certificates in DER, or whatever claims to be one.

use certferry::go::{GoUsage, GoVersion, VerifyOptions, trusted, verify};
use certferry::x509::{PemError, ReadCertificate, read_pem};
use der::pem::{LineEnding, encode_string};

use super::part;

const AT: time::OffsetDateTime = time::macros::datetime!(2027-01-01 0:00 UTC);

/// What is taken is DER byte for byte, can be asked for anything, linted and chained; and judged as Go does that takes it.
pub fn run(der: &[u8]) {
    judge_as_go(der);
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

/// Below itself, as a server's and as a client's.
fn judge_as_go(der: &[u8]) {
    let Ok(pem) = encode_string("CERTIFICATE", LineEnding::LF, der) else { return };
    for go in [15, 19, 26].map(|minor| GoVersion(minor, 0)) {
        let found = trusted(pem.as_bytes(), go);
        for usage in [GoUsage::ServerAuth, GoUsage::ClientAuth] {
            let options = VerifyOptions { at: AT, usage, host: Some("kubernetes.default.svc"), go };
            for leaf in &found {
                let _ = verify(leaf, &found, &found, &options);
            }
        }
    }
}
