//! Asks a CA whether it may sign for a host.

use std::net::IpAddr;

use der::Encode;
use der::asn1::{Ia5String, OctetString};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{GoCertificate, GoError, GoVersion};

impl GoCertificate {
    /// Checks whether the name constraints of a CA let it sign for a host: a DNS name, which may begin with `*.`, or
    /// an address.
    ///
    /// # Errors
    /// Fails with [`GoError::NameConstraint`], and with the errors that Go has for a name that it cannot hold against
    /// constraints. The source is that of [`super::verify()`].
    pub fn check_permits(&self, host: &str, go: GoVersion) -> Result<(), GoError> {
        let Some(constraints) = &self.extensions.constraints else { return Ok(()) };
        let name = match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => OctetString::new(address.octets()).map(GeneralName::IpAddress),
            Ok(IpAddr::V6(address)) => OctetString::new(address.octets()).map(GeneralName::IpAddress),
            Err(_) => Ia5String::new(host).map(GeneralName::DnsName),
        };
        match name.and_then(|name| SubjectAltName(vec![name]).to_der()) {
            Ok(subject_alt_name) => constraints.check(&subject_alt_name, go),
            Err(_) => Err(GoError::text(format!("x509: {host:?} cannot be encoded as an IA5String"))),
        }
    }
}
