//! Composes the errors of Go's crypto/x509, which every program of Kubernetes passes on.

use std::net::IpAddr;

use time::OffsetDateTime;

use crate::x509::{AltName, ReadCertificate, instant};

/// Returns the error for a host that a certificate does not name. Source: Go 1.19.8, crypto/x509/verify.go
/// `HostnameError.Error`.
pub(super) fn host_name_error(certificate: &ReadCertificate, host: &AltName) -> String {
    let wanted =
        |name: &&AltName| matches!((name, host), (AltName::Ip(_), AltName::Ip(_)) | (AltName::Dns(_), AltName::Dns(_)));
    let has_legacy_name = || certificate.common_name().is_some_and(|name| name.eq_ignore_ascii_case(&host.to_string()));
    if certificate.alt_names().is_empty() && has_legacy_name() {
        return "x509: certificate relies on legacy Common Name field, use SANs instead".to_owned();
    }
    let names: Vec<_> = certificate.alt_names().iter().filter(wanted).map(ToString::to_string).collect();
    match host {
        AltName::Ip(address) if names.is_empty() => {
            format!("x509: cannot validate certificate for {} because it doesn't contain any IP SANs", ip(*address))
        }
        AltName::Dns(host) if names.is_empty() => {
            format!("x509: certificate is not valid for any names, but wanted to match {host}")
        }
        _ => format!("x509: certificate is valid for {}, not {host}", names.join(", ")),
    }
}

/// Returns an address as Go writes it: an IPv4 address within IPv6 as IPv4 (net.IP.String).
fn ip(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

/// Returns the error for an expired certificate. Source: Go 1.19.8, crypto/x509/verify.go
/// `CertificateInvalidError.Error` and `isValid`.
pub(super) fn expired_error(now: OffsetDateTime, not_after: OffsetDateTime) -> String {
    let (now, end) = (instant(now), instant(not_after));
    format!("x509: certificate has expired or is not yet valid: current time {now} is after {end}")
}

/// Returns the error for a certificate that is not yet valid. The source is that of [`expired_error`].
pub(super) fn not_yet_valid_error(now: OffsetDateTime, not_before: OffsetDateTime) -> String {
    let (now, begin) = (instant(now), instant(not_before));
    format!("x509: certificate has expired or is not yet valid: current time {now} is before {begin}")
}
